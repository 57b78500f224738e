"""An outline -> text for a terminal: one edge a line, in the order of the nodes, with sub-graphs set apart."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from nbhitl.drawing.printable import printable
from nbhitl.drawing.region import INTERRUPT, Node, Region
from nbhitl.drawing.ways import Join, Line, Stub, Way
from nbhitl.engine.records import END, START

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COLUMN: Final = 32
"""Columns are aligned up to this width; a longer text moves the rest of its own line only."""


def plain(nodes: Mapping[str, Node], region: Region) -> str:
    """The outline as lines of text, without a line break at the end.

    ``a --> b`` is always taken, ``a ..> b  [key]`` depends, ``a + b --> c`` waits for both, ``a ..> ?`` may lead to
    any node. A line ends in no blanks, and no name makes a line of its own.
    """
    names = _names(nodes, region)
    lines = [*_aligned(list(_rows(region, names, ""))), *_notes(nodes, region, names)]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of text; one without an arrow opens or closes a frame."""

    source: str
    arrow: str = ""
    target: str = ""
    label: str = ""


def _names(nodes: Mapping[str, Node], region: Region) -> dict[str, str]:
    """Id to what is shown for it, each of them once: names that look alike get numbers."""
    found: dict[str, str] = {}
    counts: dict[str, int] = {}

    def name(id: str, shown: str) -> str:
        counts[shown] = counts.get(shown, 0) + 1
        found[id] = shown if counts[shown] == 1 else name(id, f"{shown} ({counts[shown]})")
        return found[id]

    def visit(inside: Region, prefix: str) -> None:
        for part in inside.parts:
            if isinstance(part, str):
                own = nodes[part].name
                name(part, prefix + {START: "START", END: "END"}.get(own, printable(own)))
            else:
                visit(part, name(part.id, prefix + printable(part.name)) + ":")

    visit(region, "")
    return found


def _rows(region: Region, names: Mapping[str, str], indent: str) -> Iterator[_Row]:
    due = _by_part(region)
    for n, part in enumerate(region.parts):
        if not isinstance(part, str):
            yield _Row(f"{indent}+- {names[part.id]}")
            yield from _rows(part, names, f"{indent}|  ")
            yield _Row(f"{indent}+-")
        before = ""
        for way in due.get(n, ()):
            row = _row(way, names)
            yield _Row(indent + ("" if row.source == before else row.source), row.arrow, row.target, row.label)
            before = row.source


def _by_part(region: Region) -> dict[int, list[Way]]:
    """Place among the region's parts to the ways that are written after that part: the last of their sources."""
    places: dict[str, int] = {}
    for n, part in enumerate(region.parts):
        if isinstance(part, str):
            places[part] = n
        else:
            places |= {id: n for inside in part.walk() for id in inside.parts if isinstance(id, str)}
    found: dict[int, list[Way]] = {}
    for way in region.ways:
        sources = way.sources if isinstance(way, Join) else (way.source,)
        found.setdefault(max(places[source] for source in sources), []).append(way)
    return found


def _row(way: Way, names: Mapping[str, str]) -> _Row:
    match way:
        case Line(source, target, conditional, label):
            shown = f"[{printable(label)}]" if label else ""
            return _Row(names[source], "..>" if conditional else "-->", names[target], shown)
        case Stub(source, router):
            return _Row(names[source], "..>", "?", f"[{printable(router)} may lead to any node]")
        case Join(sources, target):
            return _Row(" + ".join(names[source] for source in sources), "-->", names[target])
        case _:
            assert_never(way)


def _aligned(rows: list[_Row]) -> Iterator[str]:
    sources = min(_COLUMN, max((_cells(row.source) for row in rows if row.arrow), default=0))
    targets = min(_COLUMN, max((_cells(row.target) for row in rows if row.label), default=0))
    for row in rows:
        if row.arrow:
            line = f"{_padded(row.source, sources)}  {row.arrow} {_padded(row.target, targets)}  {row.label}"
            yield line.rstrip()
        else:
            yield row.source


def _notes(nodes: Mapping[str, Node], region: Region, names: Mapping[str, str]) -> Iterator[str]:
    inside = list(region.walk())
    metadata = {id: node.metadata or {} for id, node in nodes.items()}
    metadata |= {part.id: part.metadata or {} for part in inside[1:]}
    stops = {id: str(found.get(INTERRUPT, "")).split(",") for id, found in metadata.items()}
    led_to = {way.target for part in inside for way in part.ways if not isinstance(way, Stub)}
    found = {
        "stops before": [id for id, words in stops.items() if "before" in words],
        "stops after": [id for id, words in stops.items() if "after" in words],
        "runs last": [id for id in metadata if metadata[id].get("defer") is True],
        "no edge leads to": [id for id in nodes if id != START and id not in led_to],
    }
    if any(found.values()):
        yield ""
    yield from (f"{what}: {', '.join(names[id] for id in ids)}" for what, ids in found.items() if ids)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


def _cells(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
