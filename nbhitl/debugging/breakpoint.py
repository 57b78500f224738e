"""`Breakpoint`: where a run stops, and under which conditions. A value; what counts its hits stands elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, assert_never, get_args

from nbhitl.debugging.expressions import Expression, Template
from nbhitl.debugging.hits import Hits
from nbhitl.engine.errors import NbhitlError, did_you_mean

__all__ = ["KINDS", "Breakpoint", "Hits", "Kind"]

Kind: TypeAlias = Literal["before", "after", "error", "interrupt", "edge", "change"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """One breakpoint of a graph."""

    kind: Kind = "before"
    node: str = ""
    """The node, or its path into sub-graphs: ``review/ask``. Of an edge its source. Empty for any node (``error``,
    ``interrupt``, ``change``)."""
    target: str = ""
    """Of an edge: the node that it leads to, in the same graph as ``node``, by its path."""
    key: str = ""
    """Of ``change``: the key of the state."""
    branch: int | None = None
    """Of a node that a fan-out runs several times in one step: which of the tasks, from 0. None: each of them."""
    condition: str = ""
    """An expression (`nbhitl.debugging.expressions`): the keys of the state are its names, and ``arg`` is the input of
    a task that has one of its own. Empty: always."""
    hits: str = ""
    """At which of the hits of a thread to stop: ``3`` the third, ``>=3`` from the third on, ``%3`` each third."""
    log: str = ""
    """Text to print in place of stopping, with expressions in braces: ``"score is {score}"``."""
    once: bool = False
    """Whether it goes when it has stopped a run."""
    enabled: bool = True

    @property
    def id(self) -> str:
        """What it is called in lists and verbs: ``before review``, ``edge a -> b``, ``change score``, ``error``."""
        match self.kind:
            case "edge":
                return f"edge {self.node} -> {self.target}"
            case "change":
                where = f" in {self.node}" if self.node else ""
                return f"change {self.key}{where}"
            case "error" | "interrupt":
                return f"{self.kind} in {self.node}" if self.node else self.kind
            case _:
                branch = "" if self.branch is None else f" [{self.branch}]"
                return f"{self.kind} {self.node}{branch}"

    @property
    def words(self) -> str:
        """What it does, for lists: ``before review, if score > 3, at every 3rd hit``."""
        parts = [self._where]
        if self.branch is not None:
            parts.append(f"in branch {self.branch}")
        if self.condition:
            parts.append(f"if {self.condition.strip()}")
        if self.hits:
            parts.append(Hits.parse(self.hits).words)
        if self.log:
            parts.append(f"print {self.log!r} and go on")
        if self.once:
            parts.append("once")
        return ", ".join(parts)

    @property
    def _where(self) -> str:
        match self.kind:
            case "before" | "after":
                return f"{self.kind} {self.node}"
            case "error":
                return f"when {self.node or 'a node'} fails"
            case "interrupt":
                return f"when {self.node or 'a node'} asks"
            case "edge":
                return f"on the edge {self.node} -> {self.target}"
            case "change":
                return f"when {self.node} changes {self.key}" if self.node else f"when {self.key} changes"
            case _:
                assert_never(self.kind)

    def check(self) -> None:
        """Look for what is wrong in itself; whether its nodes exist is known to the graph.

        Raises:
            NbhitlError: says what, and what to write in its place; `ExpressionError` for the condition and the text.
        """
        if self.kind not in KINDS:
            raise NbhitlError(f"there is no breakpoint of the kind {self.kind!r}.{did_you_mean(self.kind, KINDS)}")
        self._check_place()
        if self.branch is not None and (isinstance(self.branch, bool) or self.branch < 0):
            raise NbhitlError(f"branch={self.branch!r}: the branches of a fan-out are counted from 0")
        if self.condition:
            Expression.parse(self.condition)
        if self.hits:
            Hits.parse(self.hits)
        if self.log:
            Template.parse(self.log)
            if self.once:
                raise NbhitlError(
                    "a breakpoint that prints never stops a run, so once=True has no meaning: use hits='1'"
                )

    def _check_place(self) -> None:
        needs = {"before": "node", "after": "node", "edge": "node", "change": "key"}.get(self.kind)
        if needs and not getattr(self, needs):
            raise NbhitlError(f"a breakpoint of the kind {self.kind!r} needs a {needs}: none was given")
        if (self.kind == "edge") != bool(self.target):
            raise NbhitlError("an edge has a node where it begins and a target; other breakpoints have no target")
        if self.key and self.kind != "change":
            raise NbhitlError(f"key={self.key!r} is for breakpoints of the kind 'change'; this one is {self.kind!r}")
        if self.branch is not None and (self.kind == "edge" or not self.node):
            raise NbhitlError("a branch is one of the tasks of a node: name the node, and no edge")

    @property
    def names(self) -> frozenset[str]:
        """What its condition and its text read. Raises `ExpressionError` where they are none: see `check`."""
        condition = Expression.parse(self.condition).names if self.condition else frozenset()
        return condition | (Template.parse(self.log).names if self.log else frozenset())

    def data(self) -> dict[str, Any]:
        """Itself as plain data (JSON types), for a file: its kind, and what is not as by default. See `of`."""
        return {"kind": self.kind} | {
            field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default
        }

    @classmethod
    def of(cls, id: str, spec: Any) -> Breakpoint:
        """The breakpoint that a file holds under ``id``: what `data` made, or what an older version made of it.

        Never fails. What is of no use is left out; one with a mistake (`check`) is kept for the list, but disabled.
        """
        given = spec if isinstance(spec, Mapping) else {}
        if given.get("kind") not in KINDS:  # older: node -> how it stops there
            given = {
                "enabled": True,
                **given,
                "kind": "after" if given.get("when") == "after" else "before",
                "node": id,
            }
        known = {name: given[name] for name, kind in _TYPES.items() if type(given.get(name)) is kind}
        point = cls(**known)
        try:
            point.check()
        except NbhitlError:
            return replace(point, hits="", enabled=False)
        return point


_TYPES: dict[str, type] = {
    field.name: {"branch": int, "once": bool, "enabled": bool}.get(field.name, str) for field in fields(Breakpoint)
}
