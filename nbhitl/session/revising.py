"""What was edited in the code since the thread stopped, and the ways to go on."""

from __future__ import annotations

from nbhitl.session.runner import Runner


class Revising(Runner):
    """A runner that knows how its code was edited."""
