"""Graphs in a row, of nodes that only say their names: what tests of moves and of breakpoints share."""

import operator
from typing import Annotated, TypedDict

from nbhitl import START, Session, StateGraph


class State(TypedDict, total=False):
    x: int
    topic: str
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def line(*names, **nodes):
    nodes = {name: says(name) for name in names} | nodes
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def session_of(built, saver):
    return Session(built.compile(saver), "t")
