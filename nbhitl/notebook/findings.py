"""What the linter has to say, in a notebook: short under the cell that was built, and whole for ``%graph lint``."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from nbhitl.lint import Finding, lint_graph

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph

SHORT: Final = 4
"""How many findings are told when a cell is built; %graph lint tells them all."""
_LEFT: Final = ' style="text-align: left; vertical-align: top"'


class Findings:
    """All findings of a graph, with reason and cure. Shows itself as text and as HTML."""

    def __init__(self, graph: str, findings: Sequence[Finding]) -> None:
        self.graph, self.findings = graph, tuple(findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        if not self.findings:
            return f"Graph {_printable(self.graph)}: the linter found nothing."
        lines: list[str] = []
        for one in self.findings:
            lines += [
                f"line {one.line}, {_printable(one.node)}: {one.severity} {one.code}",
                f"    {_printable(one.text)}",
                f"  Reason: {_printable(one.reason)}",
                f"  Cure: {one.cure}",
            ]
        return "\n".join([*lines, _QUIET])

    def _repr_html_(self) -> str:
        if not self.findings:
            return f"<p>Graph {html.escape(self.graph)}: the linter found nothing.</p>"
        head = "".join(f"<th{_LEFT}>{name}</th>" for name in ("line", "node", "", "what", "cure"))
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, self.findings))}</tbody></table>"
            f"<p>{html.escape(_QUIET)}</p>"
        )


_QUIET: Final = "A line that is meant so: # nbhitl: ignore[CODE] behind it."


def _row(one: Finding) -> str:
    what = f"<code>{html.escape(one.text)}</code><br>{html.escape(one.reason)}"
    cells = (str(one.line), html.escape(one.node), f"{one.severity}<br>{one.code}", what, html.escape(one.cure))
    return "<tr>" + "".join(f"<td{_LEFT}>{cell}</td>" for cell in cells) + "</tr>"


def findings_of(graph: Graph) -> Findings:
    """What the linter finds in a graph's code."""
    return Findings(graph.name, lint_graph(graph))


def notes_of(graph: Graph) -> tuple[str, ...]:
    """The findings of a cell that was built, a line each."""
    try:
        found = sorted(findings_of(graph).findings, key=lambda one: _ORDER.index(one.severity))
    except Exception as error:  # noqa: BLE001 - advice must not keep a graph from running
        reason = _printable(f"{type(error).__name__}: {error}")
        return (f"The linter could not read this graph's code, which runs all the same. {reason}",)
    if not found:
        return ()
    lines = [_printable(one.brief()) for one in found[:SHORT]]
    left = len(found) - len(lines)
    more = f"and {left} more: " if left else "Reasons and cures: "
    return (*lines, f"{more}%graph lint")


_ORDER: Final = ("error", "warning", "note")


def _printable(text: str) -> str:
    """Without control characters, which could rewrite a terminal's lines."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
