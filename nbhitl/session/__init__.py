"""`Session`: a graph, a thread and a saver; what a notebook holds. Knows nothing of notebooks itself.

Each verb of ``%graph`` is a method of it; those that are words of Python have an underscore: ``continue_``, ``break_``.
"""

from __future__ import annotations

from nbhitl.session.replaying import Replaying
from nbhitl.session.reporting import Reporting
from nbhitl.session.revising import Revising
from nbhitl.session.runner import Answers, Runner, Watcher
from nbhitl.session.stopping import Stopping
from nbhitl.session.travelling import Travelling
from nbhitl.session.whereabouts import whereabouts
from nbhitl.session.writing import Writing

__all__ = ["Answers", "Runner", "Session", "Watcher"]


class Session(Stopping, Travelling, Revising, Writing, Replaying, Reporting):
    """Runs one thread of one graph, one call at a time: step by step, back in time, and with breakpoints.

    Args:
        compiled: a graph with a checkpointer.
        thread: the thread's id.
        watch: called with each event, on the thread that runs the graph.
        context: for the nodes, see `nbhitl.Runtime`; it is not stored, and counts for each call of this session.
    """

    def where(self) -> str:
        """Where the run stands, and what can be done next, in words."""
        return whereabouts(self)
