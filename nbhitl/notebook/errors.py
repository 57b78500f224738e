"""Errors as a person in a notebook should meet them: short, with their own lines and none of ours."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType

from nbhitl.engine.errors import NbhitlError

_OURS = str(Path(__file__).resolve().parent.parent)


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of nbhitl at its beginning."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace


def show_problem(error: BaseException) -> None:
    """Print an error on stderr: ours in one line, a person's with their own frames."""
    if isinstance(error, NbhitlError):
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return
    lines = traceback.format_exception(type(error), error, own_frames(error.__traceback__))
    print("".join(lines), file=sys.stderr)
