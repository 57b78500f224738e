"""`Session`: a graph, a thread and a saver; what a notebook holds. Knows nothing of notebooks itself.

Each verb of ``%graph`` is a method of it; those that are words of Python have an underscore: ``continue_``, ``break_``.
"""

from __future__ import annotations

from nbhitl.session.inspecting import Inspecting
from nbhitl.session.revising import Revising
from nbhitl.session.runner import Answers, Runner, Watcher
from nbhitl.session.stepping import Stepping
from nbhitl.session.stopping import Stopping
from nbhitl.session.travelling import Travelling

__all__ = ["Answers", "Runner", "Session", "Watcher"]


class Session(Stepping, Stopping, Travelling, Inspecting, Revising):
    """Runs one thread of one graph, one call at a time: step by step, back in time, and with breakpoints.

    Args:
        compiled: a graph with a checkpointer.
        thread: the thread's id.
        watch: called with each event, on the thread that runs the graph.
    """
