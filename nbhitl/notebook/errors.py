"""Errors as a person in a notebook should meet them: short, with their own lines and none of ours."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from IPython.core.getipython import get_ipython

from nbhitl.engine.errors import NbhitlError
from nbhitl.notebook.hints import hint_of
from nbhitl.notebook.workspace import Workspace
from nbhitl.run.vault import VAULT
from nbhitl.session.failures import NOTE, NodeFailure

_OURS: Final = f"{Path(__file__).resolve().parent.parent}{os.sep}"


class Plainly:
    """A context in which errors are dressed for IPython: ours as one line, a person's with their own frames only.

    IPython asks an exception for ``_render_traceback_``; without it, every error of a magic would show the whole
    cell a second time, as the argument of ``run_cell_magic``.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            return
        _dress(error, lines_of(error, self.shell))
        own = own_frames(trace)
        if own is not None and not isinstance(error, NbhitlError):
            error.__traceback__ = own  # what %debug walks, and what Python itself prints of a group


def show_problem(error: BaseException) -> None:
    """Print an error on stderr, while no cell is waiting for it; %debug and %tb find it as the last one."""
    shell: Any = get_ipython()
    lines = lines_of(error, shell) or traceback.format_exception(error)
    shown = _dress(error, lines)
    own = own_frames(error.__traceback__)
    if own is not None and not isinstance(error, NbhitlError):
        error.__traceback__ = own
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    print("\n".join(line.rstrip("\n") for line in shown), file=sys.stderr)


def lines_of(error: BaseException, shell: Any) -> list[str]:
    """An error as lines of text; none where nothing in it is the person's, so that all there is should be shown."""
    failures = _behind(error, shell)
    if not failures:
        return _plain_lines(error, shell)
    lines = []
    for number, failure in enumerate(failures, 1):
        if len(failures) > 1:
            lines.append(f"{'' if number == 1 else chr(10)}Failed {number} of {len(failures)}: {failure.place}")
        with _without_places(failure.error):
            lines += _plain_lines(failure.error, shell) or traceback.format_exception(failure.error)
        if len(failures) == 1 and failure.node:
            lines.append(f"This was {failure.place}.")
        hint = hint_of(failure.error)
        if hint:
            lines.append(f"Hint: {hint}")
    again = list(dict.fromkeys(failure.node for failure in failures if failure.node))
    if again:
        run = f"{', '.join(again)} {'runs' if len(again) == 1 else 'run'}"
        lines.append(f"After a fix run the cell again: of this step only {run} again. Without one: %graph retry")
    if shell is not None:
        shell.InteractiveTB.tb = own_frames(failures[0].error.__traceback__)  # where %debug begins
    return lines


@contextlib.contextmanager
def _without_places(error: BaseException) -> Iterator[None]:
    """An error without the notes that say in which node it was raised: that is said once, with more."""
    notes = getattr(error, "__notes__", None)
    if not isinstance(notes, list) or isinstance(error, NbhitlError):
        yield
        return
    error.__notes__ = [note for note in notes if not (isinstance(note, str) and NOTE.match(note))]
    try:
        yield
    finally:
        error.__notes__ = notes


def _plain_lines(error: BaseException, shell: Any) -> list[str]:
    if isinstance(error, NbhitlError):
        return one_line(error)
    own = own_frames(error.__traceback__)
    if isinstance(error, SyntaxError) and (own is None or own.tb_next is None):
        # It stands in the cell, not in what read it.
        return [line.rstrip("\n") for line in traceback.format_exception_only(error)]
    if own is None or shell is None:
        return []
    if isinstance(error, BaseExceptionGroup):  # IPython shows their members only where Python does it all
        return [line.rstrip("\n") for line in traceback.format_exception(type(error), error, own)]
    lines: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, own)
    return lines


def one_line(error: BaseException) -> list[str]:
    """An error of ours: its name, what it says, and where."""
    where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return [f"{type(error).__name__}: {error}{where}"]


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of nbhitl; None where no other is left."""
    found: TracebackType | None = None
    for each in reversed(list(_frames(trace))):
        if not each.tb_frame.f_code.co_filename.startswith(_OURS):
            found = TracebackType(found, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return found


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _behind(error: BaseException, shell: Any) -> Sequence[NodeFailure]:
    """The failures of the call that raised this error, if it was a graph's."""
    workers = Workspace.of(shell).workers.values() if shell is not None else ()
    for worker in list(workers):
        failures = worker.session.failures
        if failures and any(failure.error is error for failure in failures):
            return failures
    return ()


def _dress(error: BaseException, lines: list[str]) -> list[str]:
    """Have IPython show these lines, if there are any; secrets that a node was told are hidden in them."""
    hidden = [VAULT.hidden(line) for line in lines]
    if hidden:
        error._render_traceback_ = lambda: hidden  # type: ignore[attr-defined]
    return hidden
