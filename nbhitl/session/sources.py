"""The source of a graph's parts, as far as it can be had: kept while the code is there, to show later what was edited.

A node's text is its function and, below it, what that mentions of the user's: helpers, classes, constants.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import linecache
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any, Final

from nbhitl.engine.channels import BinaryOperatorAggregate
from nbhitl.engine.classes import class_mention
from nbhitl.engine.description import Graph, Router
from nbhitl.engine.mentions import Mention, is_graph, is_users
from nbhitl.engine.records import END, START
from nbhitl.subgraphs import compiled_in

LONGEST: Final = 20_000
"""Characters of one part that are kept."""
ALL: Final = 200_000
"""Characters of all parts of a graph that are kept."""
_MOST: Final = 40
"""Definitions that are followed from one part."""
_DEEPEST: Final = 8
"""Graphs in graphs that are looked into."""
_SECRET: Final = re.compile(r"key|token|secret|passw|pwd|credential|auth", re.IGNORECASE)
"""Names whose values are not kept, although they stand in the code."""


def texts(graph: Graph) -> dict[str, str]:
    """Part to its text: nodes by path (``review/ask`` in a sub-graph), then the wiring and the keys of the state.

    The parts are called as in `Graph.fingerprints`. What has no source is left out; long texts are cut.
    """
    found: dict[str, str] = {}
    left = ALL
    for part, text in _parts(graph, Reader(), "", 0):
        cut = text[: min(LONGEST, left)]
        if cut.strip():
            found[part] = cut
            left -= len(cut)
        if left <= 0:
            break
    return found


def _parts(graph: Graph, reader: Reader, above: str, depth: int) -> Iterator[tuple[str, str]]:
    for name, node in graph.nodes.items():
        path = f"{above}{name}"
        if node.graph is None:
            yield path, reader.text(node.action)
        for compiled in compiled_in(node) if depth < _DEEPEST else ():
            yield from _parts(compiled.graph, reader, f"{path}/", depth + 1)
    for source, targets in graph.edges.items():
        ways = [f"{_shown(source)} -> {_shown(target)}" for target in sorted(targets)]
        yield f"{above}edges of {_shown(source)}", "\n".join(ways)
    for source, routers in graph.routers.items():
        yield f"{above}routers of {_shown(source)}", "\n\n".join(_route(router, reader) for router in routers)
    for key, channel in graph.channels.items():
        kind = channel.typ.__name__ if type(channel.typ) is type else channel.typ
        reducer = reader.text(channel.operator) if isinstance(channel, BinaryOperatorAggregate) else ""
        yield f"{above}state key {key}", f"{key}: {kind}\n\n{reducer}".strip()


def _route(router: Router, reader: Reader) -> str:
    ways = [f"{_shown(router.source)} -> {_shown(to)}  # {said!r}" for said, to in (router.ends or {}).items()]
    return "\n".join([*ways, reader.text(router.path)]).strip()


def _shown(name: str) -> str:
    return {START: "START", END: "END"}.get(name, name)


class Reader:
    """Reads sources; each definition once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, list[str], list[Any]]] = {}
        """Id to the definition (held, so that its id stays its own), its texts, and what it mentions."""

    def text(self, thing: Any) -> str:
        """The source of a function, class or callable, with what it mentions of the user's; empty without any."""
        found: dict[str, None] = {}
        queue = [_bare(thing)]
        known = {id(queue[0])}
        for each in queue:  # grows
            texts, refs = self._read(each)
            found.update(dict.fromkeys(texts))
            for ref in refs:
                if id(ref) not in known and not is_graph(ref) and len(queue) < _MOST:
                    known.add(id(ref))
                    queue.append(ref)
        return "\n\n".join(text for text in found if text)

    def _read(self, thing: Any) -> tuple[list[str], list[Any]]:
        if id(thing) not in self._known:
            try:
                texts, refs = _looked_at(thing)
            except Exception:  # noqa: BLE001 - a stranger's objects may raise at any look; a run does not end for that
                texts, refs = [], []
            self._known[id(thing)] = thing, texts, refs
        return self._known[id(thing)][1:]


def _bare(thing: Any) -> Any:
    """The function in a method, a partial or a decorator's wrapper; of another object its class."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    thing = getattr(thing, "__func__", thing)
    if isinstance(thing, FunctionType):
        return inspect.unwrap(thing)
    return thing if isinstance(thing, type) else type(thing)


def _looked_at(thing: Any) -> tuple[list[str], list[Any]]:
    """A definition's source with the constants that it reads, and what else it mentions."""
    source = [_source(thing)] if is_users(thing.__module__) else []
    if not isinstance(thing, FunctionType):
        return source, class_mention(thing).leads_to()
    told = Mention(thing)
    told.function(thing)
    values = _read_by(thing)
    file = thing.__code__.co_filename
    constants = [_constant(name, values[name], file) for name in told.named if name in values]
    return [*source, *constants], told.leads_to()


def _read_by(function: FunctionType) -> Mapping[str, Any]:
    enclosed = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a name that has no value yet
            enclosed[name] = cell.cell_contents
    return {**function.__globals__, **enclosed}


def _constant(name: str, value: Any, file: str) -> str:
    """The assignment that gave a name its value; empty where it does not stand in the code: it may be a secret."""
    if value is None or isinstance(value, bool):
        return f"{name} = {value!r}"
    if not isinstance(value, int | float | complex | str | bytes | tuple) or _SECRET.search(name):
        return ""
    for text in _texts_of_cells([file], name):
        for statement in reversed(_tree(text).body):
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id=found)], value=ast.expr() as given)
                    | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as given)
                ) if found == name and _says(given, value):
                    return ast.get_source_segment(text, statement) or ""
                case _:
                    pass
    return ""


def _says(expression: ast.expr, value: Any) -> bool:
    try:
        return bool(ast.literal_eval(expression) == value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False


def _source(thing: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(thing)).rstrip()
    except (OSError, TypeError, SyntaxError, IndexError):
        return _class_in_cells(thing) if isinstance(thing, type) else ""


def _class_in_cells(cls: type) -> str:
    """The source of a class of a notebook: Python looks for it in the file of its module, and there is none."""
    files = [f.__code__.co_filename for f in vars(cls).values() if isinstance(f, FunctionType)]
    for text in _texts_of_cells(files, f"class {cls.__name__}"):
        for statement in ast.walk(_tree(text)):
            if isinstance(statement, ast.ClassDef) and statement.name == cls.__name__:
                first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
                return textwrap.dedent("\n".join(text.splitlines()[first - 1 : statement.end_lineno]))
    return ""


def _texts_of_cells(files: Iterable[str], having: str) -> Iterator[str]:
    """The texts of these files, then those of the notebook's cells, the newest first, that have a piece of text."""
    cells = [name for name in reversed(list(linecache.cache)) if "ipykernel_" in name or name.startswith("<ipython")]
    for name in dict.fromkeys([*files, *cells]):
        text = "".join(linecache.getlines(name))
        if having in text:
            yield text


@functools.lru_cache(maxsize=32)
def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # a cell with a magic in it
        return ast.Module([], [])
