"""``%%graph`` and ``%graph``: parse a line, call one function."""

from __future__ import annotations

import inspect
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook import completion, queries, verbs
from nbhitl.notebook.errors import Plainly
from nbhitl.notebook.given import store_named, variable_or_json
from nbhitl.notebook.launch import Launch, launch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.notebook.workspace import Workspace


def _with_views(magic: Any) -> Any:
    """Put the views and examples behind a magic's docstring, which ``?`` shows."""
    magic.__doc__ = (
        f"{inspect.cleandoc(magic.__doc__)}\n\nViews and macros:\n\n{queries.described()}\n\n{queries.EXAMPLES}"
    )
    return magic


def _with_verbs(magic: Any) -> Any:
    """Put the verbs behind a magic's docstring, which ``?`` shows."""
    magic.__doc__ = f"{inspect.cleandoc(magic.__doc__)}\n\n{verbs.overview()}"
    return magic


@magics_class
class GraphMagics(Magics):
    """The magics of nbhitl."""

    def __init__(self, shell: InteractiveShell, workspace: Workspace) -> None:
        super().__init__(shell)
        self.workspace = workspace
        self.space = shell.user_ns
        completion.listen(workspace)

    @magic_arguments("%graph")
    @argument("name", help="the graph's name")
    @argument(
        "-t",
        "--thread",
        help="the thread's id; without it a paused run is taken up, and a finished one followed by a new thread",
    )
    @argument("-i", "--input", help="the input: a variable's name, or JSON in quotes")
    @argument("-c", "--context", help="what nodes find as runtime.context: a variable's name, or JSON in quotes")
    @argument("--store", metavar="NAME", help="the variable that holds the store, where the cell compiles none")
    @argument(
        "-b",
        "--break",
        dest="breakpoints",
        action="append",
        default=[],
        metavar="NODE",
        help="stop before this node; may be given several times",
    )
    @argument("--step", action="store_true", help="stop before the first nodes, to go on step by step")
    @argument("-N", "--no-execute", action="store_true", help="build and draw the graph, do not run it")
    @argument("-d", "--draw", choices=("LR", "TB", "none"), help="direction of the drawing, or none")
    @argument("--answers", metavar="FILE", help="answer from a JSON or YAML file: {node: answer}")
    @argument("--state", metavar="CLASS", help="the state's class, if it is not called State")
    @argument("--db", metavar="FILE", help="the checkpoint file; .nbhitl/<notebook>.duckdb by default")
    @argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a node's name has changed since the run stopped: go on under the new one; may be given several times",
    )
    @argument("--restart", action="store_true", help="start over on a new branch; deletes nothing")
    @argument("-q", "--quiet", action="store_true", help="no notes")
    @no_var_expand  # braces in JSON are not IPython's
    @cell_magic("graph")
    def graph_cell(self, line: str, cell: str) -> None:
        """Build a graph from the functions in this cell, draw it and run it until it finishes or asks.

        Wire nodes with flow(START, first, [second, third], last, END) and route(node, by="key", value=target), or
        paste a cell with a StateGraph. `%graph help` lists what can be done with the run.
        """
        with Plainly(self.shell):
            given = _parse(self.graph_cell, line)
            launch(
                self.workspace,
                cell,
                Launch(
                    name=given.name,
                    thread=given.thread,
                    input=None if given.input is None else variable_or_json(given.input, self.space, "--input"),
                    context=None if given.context is None else variable_or_json(given.context, self.space, "--context"),
                    store=None if given.store is None else store_named(given.store, self.space, "--store"),
                    breakpoints=tuple(given.breakpoints),
                    execute=not given.no_execute,
                    step=given.step,
                    draw=given.draw != "none",
                    direction=None if given.draw == "none" else given.draw,
                    answers=given.answers,
                    state=given.state,
                    db=given.db,
                    rename=_names(given.rename),
                    restart=given.restart,
                    quiet=given.quiet,
                ),
            )

    @magic_arguments("%graph_sql")
    @argument("--out", metavar="NAME", help="give the result to this variable and show only its size")
    @argument("--timeout", type=float, default=queries.TIMEOUT, metavar="SECONDS", help="10 seconds by default")
    @argument("--limit", type=int, default=queries.LIMIT, metavar="N", help="rows; 10,000 by default and at most")
    @argument("--db", metavar="FILE", help="another checkpoint file; a copy of it is looked at")
    @no_var_expand  # nothing is spliced into SQL
    @cell_magic("graph_sql")
    @_with_views
    def graph_sql(self, line: str, cell: str) -> Any:
        """Ask the checkpoint file: one SELECT in DuckDB's SQL over the views below. It can change nothing.

        $name in the query takes the value of the notebook's variable of that name, as a bound parameter. The result is
        a pandas DataFrame where pandas is installed, else a table. Values of the state and of answers are JSON text:
        value->>'field' takes a field out as text, CAST(value AS DOUBLE) makes a number of it. Times are in UTC.
        """
        with Plainly(self.shell):
            given = _parse(self.graph_sql, line, "%%graph_sql")
            options = queries.Options(given.out, given.timeout, given.limit, given.db)
            return queries.run(self.workspace, cell, options)

    @no_var_expand  # nothing is spliced into SQL
    @line_magic("graph")
    @_with_verbs
    def graph_line(self, line: str) -> Any:
        """Look at a run, stop it, go on with it. Without a verb: where the run stands, and what can be done."""
        with Plainly(self.shell):
            return verbs.call(self.workspace, line)


def _names(pairs: list[str]) -> dict[str, str]:
    """``OLD=NEW`` pairs as old to new names."""
    found = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise NbhitlError(f"--rename {pair}: write the old and the new name of the node, --rename OLD=NEW.")
        found[old] = new
    return found


def _parse(magic: Any, line: str, name: str = "%%graph") -> Any:
    try:
        return magic.parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise NbhitlError(f"{name}: {error} in: {line:.80}") from error
    except UsageError as error:
        raise NbhitlError(f"{name}: {error}. {name}? shows the options.") from error
