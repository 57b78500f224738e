"""Graphs that both engines can build."""

import operator
from typing import Annotated, TypedDict

import nbhitl
from nbhitl import RetryPolicy

FAST = RetryPolicy(initial_interval=0.01, jitter=False)


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    x: int


class Flaky:
    """A body that raises so many times, and then writes its name."""

    def __init__(self, failures, error=ConnectionError, name="a"):
        self.failures, self.error, self.name, self.runs = failures, error, name, 0

    def __call__(self, state):
        self.runs += 1
        if self.runs <= self.failures:
            raise self.error(f"failure {self.runs}")
        return {"log": [self.name]}


def line(body, engine=nbhitl, **given):
    """``body`` as node "a", followed by "b"."""
    builder = engine.StateGraph(State)
    builder.add_node("a", body, **given)
    builder.add_node("b", lambda state: {"log": ["b"]})
    builder.add_edge(nbhitl.START, "a")
    builder.add_edge("a", "b")
    return builder
