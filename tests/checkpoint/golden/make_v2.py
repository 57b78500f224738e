"""Made ``v2.duckdb.gz`` with nbhitl at commit 5255529 (file version 2); kept to say what is in it.

Run there, with that nbhitl on the path: ``python make_v2.py v2.duckdb && gzip -9 v2.duckdb``.
"""

import datetime as dt
import operator
import sys
from typing import Annotated, TypedDict

from nbhitl import END, START, DuckDBSaver, Send, Session, StateGraph, add_messages, interrupt
from nbhitl.engine.records import ThreadKey


class State(TypedDict, total=False):
    n: int
    when: object
    log: Annotated[list, operator.add]
    messages: Annotated[list, add_messages]


def draft(state):
    return {"n": state["n"] + 1, "when": (dt.date(2024, 6, 7), {"é"}), "log": ["draft"]}


def review(state):
    ok = interrupt({"text": "ok?", "n": state["n"]}, response_schema={"type": "boolean"})
    return {"log": [f"review {ok}"]}


def price(state):
    return {"log": [f"price {interrupt('how much?')}"]}


def spread(state):
    return [Send("each", {"own": i}) for i in range(2)]


def each(arg):
    if arg["own"]:
        raise ValueError("not that one")
    return {"log": [f"each {arg['own']}"]}


def chat(state):
    said = len(state["messages"])
    return {"messages": [{"role": "assistant", "content": f"answer {said} " + "word " * 20, "id": f"a{said}"}]}


def more(state):
    return "chat" if len(state["messages"]) < 40 else END


def inside(state):
    return {"log": [f"inside {interrupt('inside?')}"]}


def graphs():
    asking = StateGraph(State).add_node(draft).add_node(review).add_node(price)
    asking.add_edge(START, "draft").add_edge("draft", "review").add_edge("draft", "price")
    asking.add_edge(["review", "price"], END)
    fanned = StateGraph(State).add_node(draft).add_node(each).add_edge(START, "draft")
    fanned.add_conditional_edges("draft", spread, ["each"])
    talking = StateGraph(State).add_node(chat).add_edge(START, "chat").add_conditional_edges("chat", more)
    inner = StateGraph(State).add_node(draft).add_node(inside)
    inner.add_edge(START, "draft").add_edge("draft", "inside").add_edge("inside", END)
    outer = StateGraph(State).add_node("sub", inner.compile()).add_edge(START, "sub").add_edge("sub", END)
    return asking, fanned, talking, outer


def at(thread):
    return {"configurable": {"thread_id": thread}}


def ask(graph):
    for thread in ("finished", "paused", "forked"):
        graph.invoke({"n": 1, "log": ["in"]}, at(thread))
        session = Session(graph, thread)
        first = next(q for q in session.pending() if isinstance(q.value, dict))
        session.answer(thread != "forked", id=first.id, by="ann", note="fine")
        if thread != "paused":
            graph.invoke(None, at(thread))
            session.answer(3.5)
            graph.invoke(None, at(thread))
        if thread == "forked":
            old = [s for s in graph.get_state_history(at(thread)) if s.next and "draft" in s.next][-1]
            graph.update_state(old.config, {"n": 40})
            graph.invoke(None, at(thread))


def main(path: str) -> None:
    asking, fanned, talking, outer = graphs()
    with DuckDBSaver(path) as saver:
        ask(asking.compile(checkpointer=saver))
        try:
            fanned.compile(checkpointer=saver).invoke({"n": 5}, at("failed"))
        except ValueError:
            pass
        talking.compile(checkpointer=saver).invoke(
            {"messages": [{"role": "user", "content": "hi", "id": "u"}]}, at("chat")
        )
        nested = outer.compile(checkpointer=saver)
        for thread in ("nested", "nested and done"):
            nested.invoke({"n": 7, "log": ["in"]}, at(thread))
        session = Session(nested, "nested and done")
        session.answer("yes", by="bob")
        nested.invoke(None, at("nested and done"))
        saver.set_breakpoints("", {"draft": {"when": "before"}})
        saver.remember_code("d", {"draft": "return {}"})
        for info in saver.threads():
            found = saver.load(ThreadKey(info.key.thread, info.key.graph))
            print(
                info, dict(found.checkpoint.values), found.pending, found.answers, found.checkpoint.tasks, found.failed
            )
        print(saver.sql("SELECT thread, ns, count(*), max(step) FROM steps GROUP BY ALL ORDER BY ALL"))


if __name__ == "__main__":
    main(sys.argv[1])
