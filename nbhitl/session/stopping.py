"""Where a run stops: breakpoints, kept per graph and effective at once; their hits are kept per thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from nbhitl.debugging.breakpoint import Breakpoint
from nbhitl.debugging.debugger import Debugger
from nbhitl.debugging.sight import OWN_NAMES
from nbhitl.debugging.step import Step
from nbhitl.engine.errors import NbhitlError, SaverError, UnknownNodeError, did_you_mean
from nbhitl.engine.records import START
from nbhitl.session.stepping import Stepping
from nbhitl.subgraphs import graph_at, walk

HITS = "hits"
"""The thread's setting that holds them: breakpoint id to a number."""
_CHANGES: Final = threading.RLock()
"""The breakpoints of a graph are changed by its sessions, the page and runs that end: one after the other."""


class Stopping(Stepping):
    """A runner with breakpoints."""

    @property
    def breakpoints(self) -> dict[str, Breakpoint]:
        """The breakpoints of the graph, by their ids. One on a node that the graph no longer has holds nothing."""
        found = (Breakpoint.of(id, spec) for id, spec in self.saver.breakpoints(self.name).items())
        return {point.id: point for point in found}

    @property
    def hits(self) -> dict[str, int]:
        """How often each breakpoint was hit on this thread, by its id."""
        debugger = self.debugger  # the run may end while we look
        return dict(debugger.hits) if debugger is not None else self._kept_hits()

    def _kept_hits(self) -> dict[str, int]:
        kept = self.saver.settings(self.key).get(HITS)
        known = kept if isinstance(kept, Mapping) else {}  # a file may hold anything
        return {id: count for id, count in known.items() if isinstance(id, str) and type(count) is int}

    def break_(
        self,
        node: str = "",
        *,
        after: bool = False,
        on: str = "",
        condition: str = "",
        hits: str = "",
        log: str = "",
        branch: int | None = None,
        once: bool = False,
        enabled: bool = True,
    ) -> Breakpoint:
        """Set a breakpoint, also while the graph runs; one of the same id is replaced.

        Args:
            node: where: a node, or its path into sub-graphs, ``review/ask``. With ``on`` it may be left out.
            after: stop when the node has run, before what it wrote is merged.
            on: ``error``, ``interrupt``, ``edge A->B`` or ``change KEY`` in place of before or after.
            condition: an expression over the state's keys; see `nbhitl.debugging.expressions`.
            hits: ``3`` stops at the third hit, ``>=3`` from the third on, ``%3`` at each third.
            log: text to print in place of stopping: ``"score is {score}"``.
            branch: of a node that a fan-out runs several times: which of them, from 0.
            once: remove it when it has stopped a run.
            enabled: False keeps it without an effect.

        Raises:
            UnknownNodeError: there is no such node.
            NbhitlError: a mistake in one of the others; says which.
        """
        point = Breakpoint("after" if after else "before", node)
        if on:
            if after:
                raise NbhitlError("a breakpoint is either --after a node or --on something.")
            point = _on(on, node)
        point = replace(point, condition=condition, hits=hits, log=log, branch=branch, once=once, enabled=enabled)
        self.set_breakpoint(point)
        return point

    def set_breakpoint(self, point: str | Breakpoint, on: bool = True) -> None:
        """Set a breakpoint, or with ``on=False`` remove it; a node's name stands for the breakpoint before it.

        Raises:
            NbhitlError: as `break_`.
        """
        if isinstance(point, str):
            point = Breakpoint("before", point)
        if on:
            self._check(point)
        with self._changing() as points:
            known = points.pop(point.id, None)
            if on:
                points[point.id] = point
            elif known is None:
                self.expect_path(point.node, "break")
            if known != (point if on else None):
                self._forget_hits(point.id)

    def remove_breakpoint(self, name: str) -> Breakpoint:
        """Remove a breakpoint, by its id or its node's name. Raises `NbhitlError` where there is none."""
        with self._changing() as points:
            point = points.pop(self._known(name, points))
            self._forget_hits(point.id)
            return point

    def enable_breakpoint(self, name: str, on: bool = True) -> Breakpoint:
        """Switch a breakpoint on or off, by its id or its node's name.

        Raises:
            NbhitlError: there is none, or what is to be switched on has a mistake: it comes from another version.
        """
        with self._changing() as points:
            id = self._known(name, points)
            if on:
                points[id].check()
            points[id] = replace(points[id], enabled=on)
            return points[id]

    def _forget_hits(self, id: str) -> None:
        """One that is set anew, or otherwise, is counted from the beginning on this thread."""
        debugger = self.debugger  # the run may end while we look
        if debugger is not None:
            debugger.hits.pop(id, None)
        hits = self._kept_hits()
        if hits.pop(id, None) is not None:
            self.saver.set_setting(self.key, HITS, hits)

    def toggle_breakpoint(self, node: str) -> bool:
        """Set the breakpoint before a node if there is none, else remove it; whether there is one now."""
        point = Breakpoint("before", node)
        with _CHANGES:
            on = point.id not in self.breakpoints
            self.set_breakpoint(point, on)
        return on

    def has_breakpoint(self, name: str) -> bool:
        """Whether there is a breakpoint of that id, or one at the node of that name."""
        return any(name in (id, point.node) for id, point in self.breakpoints.items())

    def has_node(self, path: str) -> bool:
        """Whether the graph has this node, as far as that can be seen."""
        try:
            self.expect_path(path, "")
        except UnknownNodeError:
            return path == START
        return True

    def _known(self, name: str, points: Mapping[str, Breakpoint]) -> str:
        """The id that is meant. Raises `NbhitlError`."""
        if name in points:
            return name
        at = [id for id, point in points.items() if name in (point.node, id.replace(" ", ""))]
        if len(at) == 1:
            return at[0]
        if at:
            raise NbhitlError(f"there are several breakpoints at {name!r}: {', '.join(at)}. Say which.")
        raise NbhitlError(
            f"there is no breakpoint {name!r}.{did_you_mean(name, points)}"
            if points
            else f"there is no breakpoint {name!r}: none is set."
        )

    def _check(self, point: Breakpoint) -> None:
        """Raises `NbhitlError` for what cannot be a breakpoint of this graph."""
        point.check()
        for path in (point.node, point.target):
            if path and path != START:
                self.expect_path(path, "break")
        keys = self._keys(point.node)
        if keys is None:
            return
        if point.key and point.key not in keys:
            raise NbhitlError(f"break: {point.key!r} is no key of the state.{did_you_mean(point.key, keys)}")
        for name in point.names - keys - OWN_NAMES:
            near = did_you_mean(name, keys)
            if near:  # else it may be a key of a task's own input
                raise NbhitlError(f"break: {name!r} is no key of the state.{near}")

    def _keys(self, path: str) -> set[str] | None:
        """The keys of the state that a breakpoint sees; None where that cannot be told."""
        if not path:
            inner = (compiled.graph for _, compiled in walk(self.graph, recurse=True))
            return {key for graph in (self.graph, *inner) for key in graph.channels}
        *above, _ = path.split("/")
        graph = graph_at(self.graph, above, set()) if above else self.graph
        return None if graph is None else set(graph.channels)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Breakpoint]]:
        """The breakpoints, to be changed in place: they are kept, and count, when that has gone well."""
        with _CHANGES:
            points = self.breakpoints
            yield points
            self._set(points)

    def _set(self, points: Mapping[str, Breakpoint]) -> None:
        self.saver.set_breakpoints(self.name, {id: point.data() for id, point in points.items()})
        debugger = self.debugger  # the run may end while we look
        if debugger is not None:
            debugger.set(points)

    def _debugger(self, step: Step | None) -> Debugger | None:
        points = self.breakpoints
        # A run without breakpoints gets a debugger too: some may be set while it runs.
        return Debugger(points, self.hits, step)

    def _debugged(self, debugger: Debugger) -> None:
        with suppress(SaverError):  # the run has ended, and that is what is told
            if debugger.counted:
                self.saver.set_setting(self.key, HITS, debugger.hits)
            if debugger.spent:
                with self._changing() as points:
                    for id in debugger.spent:
                        points.pop(id, None)


def _on(text: str, node: str) -> Breakpoint:
    """What ``--on`` says: ``error``, ``interrupt``, ``edge A->B``, ``change KEY``. Raises `NbhitlError`."""
    what, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    match what:
        case "error" | "interrupt" if not rest:
            return Breakpoint(what, node)
        case "change" if rest:
            return Breakpoint("change", node, key=rest)
        case "edge":
            source, arrow, target = (part.strip() for part in rest.partition("->"))
            if arrow and source and target and not node:
                return Breakpoint("edge", START if source == "START" else source, target)
    near = did_you_mean(what, ("error", "interrupt", "edge", "change"))
    raise NbhitlError(f"break --on takes error, interrupt, 'edge A->B' or 'change KEY', not {text!r}.{near}")
