"""A thread of a saver -> its report in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from nbhitl.debugging.lineage import names_in
from nbhitl.drawing import Drawing, describe
from nbhitl.engine.errors import NbhitlError
from nbhitl.report.branches import find
from nbhitl.report.files import put
from nbhitl.report.page import Heading, page
from nbhitl.report.story import story

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph
    from nbhitl.engine.ports import Saver
    from nbhitl.engine.records import ThreadKey

STEPS: Final = 2_000
"""Steps that a report tells, the newest ones."""


class Laid(Protocol):
    """What a drawing's layout is."""

    @property
    def svg(self) -> str | None:
        """Clean SVG: shapes and texts only."""

    @property
    def problem(self) -> str:
        """Why there is no SVG."""


def write(
    saver: Saver,
    key: ThreadKey,
    file: str | Path,
    heading: Heading,
    *,
    graph: Graph | None = None,
    lay_out: Callable[[Drawing], Laid] | None = None,
    limit: int = STEPS,
    force: bool = False,
) -> Path:
    """Write a thread as one HTML page.

    Args:
        saver: remembers the thread.
        key: the thread.
        file: where the page goes.
        heading: what stands above.
        graph: the code of the thread; without it there is no drawing.
        lay_out: lays a drawing out.
        limit: how many steps are told, the newest ones.
        force: write over a file that is no report, too.

    Raises:
        NbhitlError: there is no such thread; ``limit`` is below 1; there is another file of that name.
    """
    if limit < 1:
        raise NbhitlError(f"a report tells 1 step or more, not {limit}.")
    found = find(saver.history(key), limit, names_in(saver.settings(key)))
    if not found.branch:
        raise NbhitlError(f"thread {key.thread!r} has not run yet: there is nothing to report.")
    told = story(found.branch, graph, branches=found.others, older=found.older)
    if graph is None or lay_out is None:
        return put(file, page(told, heading, None, None), force=force)
    drawing = describe(graph)
    laid = lay_out(drawing)
    return put(file, page(told, heading, drawing, laid.svg, laid.problem), force=force)
