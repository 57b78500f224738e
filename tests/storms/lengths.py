"""What the storms share: how long they blow, and how."""

from __future__ import annotations

import os

LONG = int(os.environ.get("NBHITL_STORM", "0"))
"""Rounds of the long run; 0: as many as fit into a push."""


def rounds(short: int) -> int:
    """How many rounds to play: ``short`` on a push, ``NBHITL_STORM`` in the long run."""
    return LONG or short
