"""Small graphs on either engine, and what one play on both comes to."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from tests.differential.build import OURS, THEIRS

CONFIG = {"configurable": {"thread_id": "t"}}
LINE = [("__start__", "a"), ("a", "b")]
ALONE = [("__start__", "a")]


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    x: str


def graph(m, bodies, edges, *, defer=(), memory=None, **more):
    made = m.StateGraph(State)
    for name, body in bodies.items():
        made.add_node(name, body, defer=name in defer)
    for edge in edges:
        made.add_edge(*edge)
    return made.compile(checkpointer=m.Saver() if memory is None else memory, **more)


def inner(m, body, memory):
    return graph(m, {"s": body}, [("__start__", "s")], memory=memory)


def writes(name, calls=None):
    def body(state):
        if calls is not None:
            calls.append(name)
        return {"log": [name]}

    return body


def asks(m):
    return lambda state: {"log": [m.interrupt("sure?")]}


def fails(state):
    raise ValueError


def error(call, *args, **more):
    """The result of a call, or the name of its error."""
    try:
        return call(*args, **more)
    except Exception as raised:  # noqa: BLE001 - which one it is gets compared
        return type(raised).__name__


def started(made):
    made.invoke({"log": ["in"]}, CONFIG)
    return made


def due(made):
    return list(made.get_state(CONFIG).next)


def log(made):
    return made.get_state(CONFIG).values["log"]


def sources(made):
    return [state.metadata["source"] for state in made.get_state_history(CONFIG)]


def each(play):
    """What one play comes to: on LangGraph, and here."""
    return [play(THEIRS), play(OURS)]
