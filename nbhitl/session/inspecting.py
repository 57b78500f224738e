"""Looking closely: the state with types and sizes, differences, watched expressions."""

from __future__ import annotations

from nbhitl.session.runner import Runner


class Inspecting(Runner):
    """A runner whose state can be inspected."""
