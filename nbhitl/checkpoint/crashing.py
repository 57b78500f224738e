"""Named points at which a test kills the process, to see what is left. Nothing happens unless a test asks for it.

``NBHITL_CRASH_AT=after_answer_before_commit`` kills at the first passing, ``...:3`` at the third.
"""

from __future__ import annotations

import itertools
import os
import signal
from typing import Final

POINTS: Final = (
    "after_answer_before_commit",
    "before_flush",
    "after_flush_before_mark",
    "after_mark",
    "before_tail",
    "after_tail_before_mark",
    "after_tail",
    "before_taking_in",
    "after_taking_in",
    "before_fold",
    "after_fold",
    "before_rename",
    "during_migration",
    "after_migration_before_record",
    "during_salvage_before_plan",
    "during_salvage_after_move",
    "during_salvage_before_rename",
    "during_salvage_after_rename",
    "during_rewrite",
    "during_compact",
)
"""Every name that is passed somewhere."""
_AT, _, _COUNT = os.environ.get("NBHITL_CRASH_AT", "").partition(":")
_passings = itertools.count(1)


def point(name: str) -> None:
    """The process is at ``name``: the end of it, if that is what was asked for."""
    if name == _AT and next(_passings) == int(_COUNT or 1):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
