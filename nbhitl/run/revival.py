"""Finds the live schema of a question that was loaded from disk: code is never stored, only described."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace

from nbhitl.engine.description import Graph, Node
from nbhitl.engine.errors import SchemaError
from nbhitl.engine.ports import Checker
from nbhitl.engine.questions import meant
from nbhitl.engine.records import Asked, Position


def open_questions(graph: Graph, position: Position, checker: Checker) -> tuple[Asked, ...]:
    """The questions without an answer, each with its live schema where that can be found."""
    return tuple(revive(graph, position, question, checker) for question in position.pending)


def revive(graph: Graph, position: Position, question: Asked, checker: Checker) -> Asked:
    """A question with the class of its schema's name that its node can see, if that is still the same.

    Otherwise the question keeps its JSON Schema: what that can express is still checked, and when the node runs
    again it asks with its new class.
    """
    if not isinstance(question.schema, Mapping) or question.schema_name is None:
        return question
    node = _asker(graph, position, question)
    if node is None:
        return question
    action = inspect.unwrap(node.action)
    found = getattr(action, "__globals__", {}).get(question.schema_name.rpartition(".")[2])
    if found is None:
        found = _in_closure(action, question.schema_name)
    try:
        same = found is not None and meant(checker.describe(found)) == meant(question.described)
    except SchemaError:
        return question
    return replace(question, schema=found) if same else question


def _asker(graph: Graph, position: Position, question: Asked) -> Node | None:
    """The node that asks, also where it stands in a sub-graph that is a node."""
    name = next((t.node for t in position.checkpoint.tasks if t.id == question.task), "")
    path = question.node.split("/") if question.node else [name]
    for place, step in enumerate(path):
        node = graph.nodes.get(step)
        if node is None or place == len(path) - 1:
            return node
        if node.graph is None:  # a function called the sub-graph: what that can see is not known
            return None
        graph = node.graph
    return None


def _in_closure(action: object, name: str) -> object:
    code, cells = getattr(action, "__code__", None), getattr(action, "__closure__", None)
    if code is None or not cells:
        return None
    found = dict(zip(code.co_freevars, cells, strict=True)).get(name.rpartition(".")[2])
    try:
        return found.cell_contents if found is not None else None
    except ValueError:  # a name that has no value yet
        return None
