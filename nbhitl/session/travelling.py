"""Time travel: back, rewind, fork, goto, and the branches that come of it."""

from __future__ import annotations

from nbhitl.session.runner import Runner


class Travelling(Runner):
    """A runner that can go back in time."""
