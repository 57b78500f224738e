"""The conversation with the drawings in JupyterLab: a click on a node toggles its breakpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import NbhitlError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.notebook.workspace import Workspace

TARGET = "nbhitl"
"""The name of the comm target; the front end opens one comm a kernel."""


def listen(shell: InteractiveShell, workspace: Workspace) -> None:
    """Register the comm target, in a kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return

    def opened(comm: Any, message: Any) -> None:
        comm.on_msg(lambda got: comm.send(reply(workspace, got["content"]["data"])))

    kernel.comm_manager.register_target(TARGET, opened)


def reply(workspace: Workspace, message: Any) -> dict[str, str]:
    """Do what a message asks, and say what came of it. Never raises: a message may be anything."""
    try:
        match message:
            case {"type": "toggle_breakpoint", "graph": str(graph), "thread": str(thread), "node": str(node)}:
                workspace.find(graph, thread).session.toggle_breakpoint(node)
                workspace.repaint(graph)
                return {"type": "ok"}
            case _:
                return {"type": "error", "text": "nbhitl does not understand this message. Reload the page."}
    except NbhitlError as error:
        return {"type": "error", "text": str(error)}
