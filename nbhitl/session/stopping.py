"""Where a run stops: breakpoints, kept per graph and effective at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nbhitl.session.runner import Runner


class Stopping(Runner):
    """A runner with breakpoints."""

    @property
    def breakpoints(self) -> dict[str, Any]:
        """Node name to how it stops there (``{"enabled": True}``)."""
        return dict(self.saver.breakpoints(self.name))

    def set_breakpoint(self, node: str, on: bool = True) -> None:
        """Set or remove the breakpoint before a node, also while the graph runs.

        Raises:
            UnknownNodeError: there is no such node.
        """
        self.graph.expect([node], "break")
        points = self.breakpoints
        if on:
            points[node] = {"enabled": True}
        else:
            points.pop(node, None)
        self.saver.set_breakpoints(self.name, points)
        run = self.run  # it may end while we look
        if run is not None:
            run.rules = replace(run.rules, hold_before=self._held())

    def toggle_breakpoint(self, node: str) -> bool:
        """Set the breakpoint before a node if there is none, else remove it; whether there is one now."""
        on = node not in self.breakpoints
        self.set_breakpoint(node, on)
        return on

    def _held(self) -> frozenset[str]:
        # A breakpoint on a node that the graph no longer has is kept, and holds nothing.
        return frozenset(name for name in self.breakpoints if name.partition("/")[0] in self.graph.nodes)
