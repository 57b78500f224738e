"""A state of many keys with large values, as a TypedDict and as a pydantic model: the shape of a support desk.

Six nodes a round, two of them side by side; lists grow by themselves until there are more than ``limit`` messages.
"""

from __future__ import annotations

import operator
import random
import string
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from pydantic import BaseModel, Field, field_validator

from tests.bench.engines import Engine, Run
from tests.bench.workloads import config


def _kept(old: Any, new: Any) -> Any:
    return old if new is None else new


def _filled(old: Any, new: Any) -> Any:
    return new or old


def _newest(_old: Any, new: Any) -> Any:
    return new


Growing = Annotated[list[dict[str, Any]], operator.add]
Joined = Annotated[dict[str, Any], operator.or_]
Kept = Annotated[dict[str, Any] | None, _kept]


class Desk(TypedDict):
    """The state, as a dict."""

    messages: Growing
    events: Growing
    channel: Annotated[str, _filled]
    reply: Annotated[dict[str, Any] | None, _newest]
    problem: Annotated[dict[str, Any] | None, _filled]
    rules: list[dict[str, Any]] | None
    documents: list[dict[str, Any]] | None
    labels: Growing
    drafts: Growing
    person: Kept
    company: Kept
    mail: Annotated[str | None, _kept]
    members: Joined
    robot: str | None
    told: Joined


class DeskModel(BaseModel):
    """The state, as a model that looks at every value."""

    messages: Growing = Field(default_factory=list)
    events: Growing = Field(default_factory=list)
    channel: Annotated[str, _filled] = "mail"
    reply: Annotated[dict[str, Any] | None, _newest] = None
    problem: Annotated[dict[str, Any] | None, _filled] = None
    rules: list[dict[str, Any]] | None = None
    documents: list[dict[str, Any]] | None = None
    labels: Growing = Field(default_factory=list)
    drafts: Growing = Field(default_factory=list)
    person: Kept = None
    company: Kept = None
    mail: Annotated[str | None, _kept] = None
    members: Joined = Field(default_factory=dict)
    robot: str | None = None
    told: Joined = Field(default_factory=dict)

    @field_validator("messages", "events", "labels", "drafts", "rules", "documents", mode="after")
    @classmethod
    def _named(cls, value: Any) -> Any:
        for entry in value or ():
            if not all(isinstance(key, str) for key in entry):
                raise ValueError("every key is a text")
        return value

    @field_validator("members", "told", mode="after")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if not all(isinstance(key, str) for key in value):
            raise ValueError("every key is a text")
        return value


LISTS = frozenset({"messages", "events", "labels", "drafts", "rules", "documents"})
DICTS = frozenset({"person", "company", "members", "told", "reply", "problem"})
FLOW: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("receive", "messages", ("events", "channel")),
    ("answer", "events", ("reply", "problem")),
    ("rule", "reply", ("rules",)),
    ("sort", "events", ("labels", "drafts", "documents")),
    ("know", "labels", ("person", "company", "mail", "members", "robot", "told")),
    ("send", "drafts", ("messages",)),
)
"""Node, the key it reads, the keys it writes."""


def _worker(reads: str, writes: tuple[str, ...], length: int, dice: random.Random) -> Any:
    def work(state: Any) -> dict[str, Any]:
        read = getattr(state, reads) if isinstance(state, BaseModel) else state[reads]
        many = read if isinstance(read, list) else [read]
        letters = string.ascii_lowercase
        return {
            key: many
            if key in LISTS
            else many[-1]
            if key in DICTS
            else "".join(dice.choice(letters) for _ in range(length))
            for key in writes
        }

    return work


def wide(engine: Engine, schema: Any, side: int, limit: int) -> Run:
    """Rounds over a state whose first message is a dict of ``side`` dicts with ``side`` lists of 25 values."""
    dice, end = random.Random(0), engine.END
    graph = engine.StateGraph(schema)
    for name, reads, writes in FLOW:
        graph.add_node(name, _worker(reads, writes, limit, dice))
    graph.add_edge(engine.START, "receive").add_edge("receive", "answer")
    graph.add_edge("answer", "rule").add_edge("answer", "sort").add_edge(["rule", "sort"], "know")
    graph.add_edge("know", "send")

    def onward(state: Any) -> str:
        messages = state.messages if isinstance(state, BaseModel) else state["messages"]
        return end if len(messages) > limit else "receive"

    graph.add_conditional_edges("send", onward, ["receive", end])
    compiled = graph.compile()
    value = ["hello?" * 5, True, 1, 6327816386138, None] * 5
    message = {str(row) * 10: {str(column) * 10: value for column in range(side)} for row in range(side)}

    def run() -> None:
        assert len(compiled.invoke({"messages": [message]}, config(1000))["messages"]) > limit

    return run
