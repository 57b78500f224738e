"""A small newsroom: graphs that tests of sessions share."""

import operator
from typing import Annotated, Literal, TypedDict

import pydantic

from nbhitl import END, START, DuckDBSaver, Send, Session, StateGraph, interrupt


class State(TypedDict, total=False):
    topic: str
    draft: str
    decision: str
    log: Annotated[list, operator.add]


class Review(pydantic.BaseModel):
    """Publish this draft?"""

    decision: Literal["publish", "revise"]
    notes: str = ""


def says(name):
    return lambda state: {"log": [name]}


def newsroom():
    """Draft, a review that a person decides on, and publish; a revision goes back to draft."""

    def draft(state):
        return {"draft": f"About {state['topic']}", "log": ["draft"]}

    def review(state):
        answer = interrupt(state["draft"], response_schema=Review)
        return {"decision": answer.decision, "log": ["review"]}

    built = StateGraph(State).add_node("draft", draft).add_node("review", review).add_node("publish", says("publish"))
    built.add_edge(START, "draft").add_edge("draft", "review").add_edge("publish", END)
    return built.add_conditional_edges(
        "review", lambda state: "publish" if state["decision"] == "publish" else "draft", ["publish", "draft"]
    )


def line(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def sent(*names):
    """A node that sends each of these names to the node ``work``."""
    return lambda state: [Send("work", {"topic": name}) for name in names]


def session(built, saver, thread="t"):
    return Session(built.compile(saver, name="news"), thread)


def reopen(made, built):
    """The same thread as another kernel would find it."""
    saver = made.saver
    if isinstance(saver, DuckDBSaver):
        saver.close()
        saver.__init__(saver.path)
    return session(built, saver, made.thread)
