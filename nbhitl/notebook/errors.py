"""Errors as a person in a notebook should meet them: short, with their own lines and none of ours."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

from nbhitl.engine.errors import NbhitlError
from nbhitl.run.vault import VAULT

_OURS = str(Path(__file__).resolve().parent.parent)


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
        lines = self._lines(error, trace)
        if lines:
            lines = [VAULT.hidden(line) for line in lines]  # a node may have put what it was told into its error
            error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]

    def _lines(self, error: BaseException, trace: TracebackType | None) -> list[str]:
        if isinstance(error, NbhitlError):
            return one_line(error)
        if isinstance(error, SyntaxError):  # it stands in the cell, not in what read it
            return [line.rstrip("\n") for line in traceback.format_exception_only(error)]
        own = own_frames(trace)
        if own is None:  # nothing of the person's is in it: show all there is
            return []
        lines: list[str] = self.shell.InteractiveTB.structured_traceback(type(error), error, own)
        return lines


def one_line(error: BaseException) -> list[str]:
    """An error of ours: its name, what it says, and where."""
    where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return [f"{type(error).__name__}: {error}{where}"]


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of nbhitl at its beginning."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace


def show_problem(error: BaseException) -> None:
    """Print an error on stderr, while no cell is waiting for it."""
    shell: Any = get_ipython()
    own = own_frames(error.__traceback__)
    if isinstance(error, NbhitlError):
        lines = one_line(error)
    elif shell is not None and own is not None:
        lines = shell.InteractiveTB.structured_traceback(type(error), error, own)
    else:
        lines = traceback.format_exception(error)
    print("\n".join(VAULT.hidden(line.rstrip("\n")) for line in lines), file=sys.stderr)
