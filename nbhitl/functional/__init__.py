"""The functional API: a function as a graph (`entrypoint`), and calls in it that are made once (`task`).

Both stand on the engine of all graphs: an entrypoint is a graph of one node, a call of a task is a run of another one
inside it. So questions, policies, streams, breakpoints and the timeline are those of nodes and sub-graphs.
"""

from nbhitl.functional.entrypoints import entrypoint
from nbhitl.functional.tasks import TaskFunction, task

__all__ = ["TaskFunction", "entrypoint", "task"]
