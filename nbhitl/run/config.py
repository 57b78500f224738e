"""The config of a call as bodies see it."""

from __future__ import annotations

from typing import Any

from nbhitl.run.context import TaskContext


def config_of(job: TaskContext) -> dict[str, Any]:
    """The config as a node sees it, with what it may want to know of its place in the run."""
    run = job.run
    about = {
        "langgraph_step": job.position.checkpoint.step + 1,
        "langgraph_node": job.task.node,
        "langgraph_checkpoint_ns": run.key.ns,
    }
    given = run.config.get("configurable", {})
    configurable = {**given, "checkpoint_ns": run.key.ns}
    return {**run.config, "metadata": {**run.config.get("metadata", {}), **about}, "configurable": configurable}
