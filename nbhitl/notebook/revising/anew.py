"""A run on a new thread, beside one that stays as it is: same graph, same input, a drawing and forms of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.commands import Go
from nbhitl.notebook.worker import Worker
from nbhitl.session import Session

if TYPE_CHECKING:
    from nbhitl.notebook.view import View
    from nbhitl.notebook.workspace import Workspace


def anew(workspace: Workspace, like: Worker, view: View) -> tuple[Worker, Go]:
    """A worker for a new thread on the input of the branch where another stands, and the command that begins it.

    Its drawing is shown where this is called. ``%graph`` means the new thread from then on.

    Args:
        workspace: of the kernel.
        like: whose graph and input it gets.
        view: what that shows, whose settings are taken over.

    Raises:
        NbhitlError: the thread has no input.
    """
    session = like.session
    given = session.newest_input()
    if given is None:
        raise NbhitlError(f"thread {session.thread!r} has no input yet: run the cell with --thread NAME.")
    fresh = Session(session.compiled, _free(workspace, session))
    fresh.source = session.source
    screen = view.beside(fresh)
    worker = Worker(fresh, screen, like.script)
    screen.worker = worker
    workspace.adopt(worker)
    screen.draw()
    return worker, Go(given)


def _free(workspace: Workspace, session: Session) -> str:
    """The thread's name with the next number that is free: ``demo-2``, ``demo-3``."""
    taken = {key.thread for key in workspace.all_stored(session.name)}
    stem = re.sub(r"-[1-9]\d{0,8}\Z", "", session.thread, flags=re.ASCII)
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"
