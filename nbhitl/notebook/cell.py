"""A ``%%graph`` cell's source becomes a graph. Runs the body in the user's namespace; runs no graph."""

from __future__ import annotations

import ast
import builtins
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import nbhitl
import nbhitl.store
from nbhitl.compiled import CompiledGraph
from nbhitl.engine.description import Graph
from nbhitl.engine.errors import GraphError, did_you_mean
from nbhitl.engine.ports import BaseCache
from nbhitl.engine.records import END, START
from nbhitl.engine.stores import BaseStore
from nbhitl.graph import StateGraph
from nbhitl.notebook.findings import notes_of
from nbhitl.notebook.wiring import Wiring
from nbhitl.state import is_keyed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_IN_REACH = (
    *("interrupt", "once", "Command", "Send", "entrypoint", "task"),
    *("approve", "choose", "ask", "ask_until", "edit", "review_tools", "Markdown", "Diff"),
)
_RENAMED = {"MemorySaver": "InMemorySaver", "CompiledStateGraph": "CompiledGraph"}


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell has built."""

    graph: Graph
    interrupt_before: frozenset[str] = frozenset()
    interrupt_after: frozenset[str] = frozenset()
    required: Mapping[str, Any] = field(default_factory=dict)
    """Keys that an input has to have, with their types."""
    notes: tuple[str, ...] = ()
    """What the reader should be told, a line each."""
    store: BaseStore | None = None
    cache: BaseCache | None = None
    context_schema: Any = None


def build(shell: InteractiveShell, source: str, name: str, state: str | None = None) -> Cell:
    """Run a cell's body and build the graph that it wires.

    Args:
        shell: whose namespace the body runs in.
        source: the cell below its first line.
        name: the graph's name.
        state: the name of the state's class, where it is not ``State``.

    Raises:
        GraphError: the body wires no graph, or a wrong one; names lines as the notebook counts them.
        Exception: what the body itself raises.
    """
    code, bound_names, notes = _compile(shell, source)
    wiring = Wiring()
    space = shell.user_ns
    before = {key: space[key] for key in wiring.names() if key in space}
    in_reach = {"START": START, "END": END, **{key: getattr(nbhitl, key) for key in _IN_REACH}}
    for key, value in in_reach.items():
        space.setdefault(key, value)
    space.update(wiring.names())
    try:
        exec(code, space)  # noqa: S102 - running the person's cell is what this is for
    except NameError as error:
        if error.name is not None and error.name not in dir(builtins):
            error.add_note(did_you_mean(error.name, bound_names).strip())
        raise
    finally:
        for key, value in wiring.names().items():
            if space.get(key) == value:
                del space[key]
        space.update({key: value for key, value in before.items() if key not in bound_names})
    bound = {key: space[key] for key in bound_names if key in space}
    if wiring.used:
        schema = _state(bound, space, wiring, state)
        builder = wiring.build(schema, bound)
        cell = Cell(
            builder.describe(name), required=_required(builder), notes=notes, context_schema=builder.context_schema
        )
    else:
        cell = _pasted(bound, name, notes)
    return replace(cell, notes=(*notes, *notes_of(cell.graph)))


def _compile(shell: InteractiveShell, source: str) -> tuple[Any, list[str], tuple[str, ...]]:
    # The line with the magic is line 1 of the cell, so that errors name the lines that the person sees.
    text = "\n" + shell.transform_cell(source)
    filename = shell.compile.cache(text, _number(shell), raw_code="\n" + source)
    tree = ast.parse(text, filename)
    notes: list[str] = []
    tree.body = [_served(statement, notes) for statement in tree.body]
    ast.fix_missing_locations(tree)
    return compile(tree, filename, "exec", dont_inherit=True), list(_bound(tree)), tuple(dict.fromkeys(notes))


def _number(shell: InteractiveShell) -> int:
    """The number of the cell that runs: IPython 9 counts on before it runs a cell, older ones after."""
    stored = getattr(shell.history_manager, "input_hist_raw", ())
    return max(len(stored) - 1, 1)


def _served(statement: ast.stmt, notes: list[str]) -> ast.stmt:
    """LangGraph's imports, served by nbhitl's names: a pasted cell works unchanged."""
    if isinstance(statement, ast.Import) and any(a.name.split(".")[0] == "langgraph" for a in statement.names):
        raise GraphError(
            f"line {statement.lineno}: `import langgraph` cannot be served here. Write `from langgraph.graph import "
            "StateGraph`, or import from nbhitl."
        )
    if not isinstance(statement, ast.ImportFrom) or (statement.module or "").split(".")[0] != "langgraph":
        return statement
    names = []
    home = nbhitl.store if (statement.module or "").startswith("langgraph.store") else nbhitl
    for alias in statement.names:
        ours = _RENAMED.get(alias.name, alias.name)
        if ours not in home.__all__:
            raise GraphError(
                f"line {statement.lineno}: nbhitl has no {alias.name!r} of {statement.module}."
                f"{did_you_mean(alias.name, home.__all__)}"
            )
        names.append(ast.alias(ours, alias.asname or alias.name))
    notes.append("langgraph imports are served by nbhitl: the graph runs on nbhitl's engine.")
    return ast.copy_location(ast.ImportFrom(home.__name__, names, 0), statement)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that a module's top level binds, in order, those in `if`, `for`, `with` and `try` included."""
    todo: list[ast.AST] = list(reversed(tree.body))
    while todo:
        node = todo.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name.split(".")[0]) for alias in names)
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass
            case _:
                todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _state(bound: Mapping[str, Any], space: Mapping[str, Any], wiring: Wiring, name: str | None) -> Any:
    if name is not None:
        if name not in space:
            raise GraphError(f"--state {name}: there is no class of that name.{did_you_mean(name, bound)}")
        return space[name]
    if "State" in bound:
        return bound["State"]
    first = wiring.first()
    try:
        hints = list(typing.get_type_hints(first).items()) if first is not None else []
    except NameError as error:
        raise GraphError(f"the annotation of {getattr(first, '__name__', first)} cannot be read: {error}") from error
    for parameter, hint in hints:
        if parameter != "return" and is_keyed(hint):
            return hint
    raise GraphError(
        "the cell has no state. Write `class State(TypedDict, total=False): ...` in it, or name one: --state NAME."
    )


def _required(builder: StateGraph) -> dict[str, Any]:
    """Keys that an input has to have, with their types: those without a default that no reducer starts."""
    return {key: builder.channels[key].typ for key in builder.channels if key in builder.required}


def _whole(graph: Graph) -> dict[str, Any]:
    """What an entrypoint has to be given: one value."""
    return {graph.takes: graph.channels[graph.takes].typ or Any} if graph.takes else {}


def _pasted(bound: Mapping[str, Any], name: str, notes: tuple[str, ...]) -> Cell:
    """The graph of a cell that uses the builder: what it compiled last (or its last entrypoint), else the builder."""
    for value in reversed(list(bound.values())):
        if isinstance(value, CompiledGraph):
            graph = replace(value.graph, name=name)
            return Cell(
                graph,
                value.interrupt_before,
                value.interrupt_after,
                _whole(graph),
                notes,
                value.store,
                value.cache,
                value.context_schema,
            )
    for value in reversed(list(bound.values())):
        if isinstance(value, StateGraph):
            graph, schema = value.describe(name), value.context_schema
            return Cell(graph, required=_required(value), notes=notes, context_schema=schema)
    raise GraphError(
        "the cell wires no graph. Write e.g. flow(START, first, second, END), build a StateGraph in it, or write "
        "@entrypoint() above a function."
    )
