"""Made ``v1.duckdb.gz`` with nbhitl at commit 993c0d7 (file version 1); kept to say what is in it.

Run there, with that nbhitl on the path: ``python make_v1.py v1.duckdb && gzip -9 v1.duckdb``.
"""

import datetime as dt
import operator
import sys
from typing import Annotated, TypedDict

from nbhitl import END, START, DuckDBSaver, Send, Session, StateGraph, interrupt
from nbhitl.engine.records import ThreadKey


class State(TypedDict, total=False):
    n: int
    when: object
    log: Annotated[list, operator.add]


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


def main(path: str) -> None:
    asking = StateGraph(State).add_node(draft).add_node(review).add_node(price)
    asking.add_edge(START, "draft").add_edge("draft", "review").add_edge("draft", "price")
    asking.add_edge(["review", "price"], END)
    fanned = StateGraph(State).add_node(draft).add_node(each).add_edge(START, "draft")
    fanned.add_conditional_edges("draft", spread, ["each"])
    with DuckDBSaver(path) as saver:
        graph = asking.compile(checkpointer=saver)
        for thread in ("finished", "paused", "forked"):
            config = {"configurable": {"thread_id": thread}}
            graph.invoke({"n": 1, "log": ["in"]}, config)
            session = Session(graph, thread)
            first = next(q for q in session.pending() if isinstance(q.value, dict))
            session.answer(thread != "forked", id=first.id, by="ann", note="fine")
            if thread != "paused":
                graph.invoke(None, config)
                session.answer(3.5)
                graph.invoke(None, config)
            if thread == "forked":
                old = [s for s in graph.get_state_history(config) if s.next and "draft" in s.next][-1]
                graph.update_state(old.config, {"n": 40})
                graph.invoke(None, config)
        try:
            fanned.compile(checkpointer=saver).invoke({"n": 5}, {"configurable": {"thread_id": "failed"}})
        except ValueError:
            pass
        saver.set_breakpoints("", {"draft": {"when": "before"}})
        for info in saver.threads():
            found = saver.load(ThreadKey(info.key.thread, info.key.graph))
            print(
                info, dict(found.checkpoint.values), found.pending, found.answers, found.checkpoint.tasks, found.failed
            )


if __name__ == "__main__":
    main(sys.argv[1])
