"""Moving a run on: a step, a task, into and out of sub-graphs, to a node."""

from __future__ import annotations

from nbhitl.session.runner import Runner


class Stepping(Runner):
    """A runner that can be moved step by step."""
