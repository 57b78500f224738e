"""The conversation with the drawings in JupyterLab: clicks and menus on nodes set breakpoints, and move the run.

A notebook may come from anyone, so a message is checked as if a stranger had written it: names are looked up, texts
are parsed by the session, and what is not known here is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from nbhitl.debugging.breakpoint import Breakpoint, Kind
from nbhitl.engine.errors import NbhitlError, ThreadBusyError
from nbhitl.notebook.commands import Move
from nbhitl.notebook.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.notebook.worker import Worker
    from nbhitl.notebook.workspace import Workspace

TARGET: Final = "nbhitl"
"""The name of the comm target; the front end opens one comm a kernel."""
TEXT_LIMIT: Final = 2_000
"""Characters of a text that somebody typed into a menu's dialog."""
_TEXTS: Final = ("node", "target", "key", "condition", "hits", "log")
_SWITCHES: Final = ("once", "enabled")


def listen(shell: InteractiveShell, workspace: Workspace) -> None:
    """Register the comm target, in a kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return

    def opened(comm: Any, message: Any) -> None:
        comm.on_msg(lambda got: comm.send(reply(workspace, got["content"]["data"])))

    kernel.comm_manager.register_target(TARGET, opened)


def reply(workspace: Workspace, message: Any) -> dict[str, str]:
    """Do what a message asks, and tell the drawing that sent it what came of it. Never raises: it may be anything."""
    view = message.get("view") if isinstance(message, dict) else None
    to = {"view": view} if isinstance(view, str) else {}
    try:
        match message:
            case {"type": str(type), "graph": str(graph), "thread": str(thread)}:
                worker = workspace.find(graph, thread)
                _do(worker, type, message)
                workspace.repaint(graph)
                return {"type": "ok", **to}
            case _:
                raise _strange()
    except NbhitlError as error:
        return {"type": "error", "text": str(error), **to}


def _strange() -> NbhitlError:
    return NbhitlError("nbhitl does not understand this message. Reload the page.")


def _do(worker: Worker, type: str, message: Mapping[str, Any]) -> None:
    """Do what a message of the drawing of a worker's thread asks."""
    session = worker.session
    match type, message:
        case "toggle_breakpoint", {"node": str(node)}:
            session.toggle_breakpoint(node)
        case "set_breakpoint", {"breakpoint": dict(spec)}:
            session.set_breakpoint(breakpoint_of(spec))
        case "remove_breakpoint", {"id": str(id)}:
            session.remove_breakpoint(id)
        case "enable_breakpoint", {"id": str(id), "on": bool(on)}:
            session.enable_breakpoint(id, on)
        case "open_subgraph", {"view": str(view), "node": str(node), "open": bool(on)}:
            screen = worker.screen
            if not isinstance(screen, View) or screen.canvas.id != view:
                raise NbhitlError("this drawing is of an earlier run of the cell: use the newest one.")
            screen.canvas.open(node, on)
        case "run_until", {"node": str(node)}:
            if session.busy:
                raise ThreadBusyError(f"thread {session.key} is being run: wait until it stops, or stop it.")
            session.move("until", node=node)  # what is wrong with it is said here, not in the cell
            worker.put(Move("until", node=node))
        case _:
            raise _strange()


def breakpoint_of(spec: Mapping[Any, Any]) -> Breakpoint:
    """The breakpoint that a page describes. The session checks what it says: node, condition, hits, text.

    Raises:
        NbhitlError: it is no description of one, or a text in it is too long.
    """
    kind = spec.get("kind", "before")
    texts: dict[str, Any] = {name: spec.get(name, "") for name in _TEXTS}
    switches: dict[str, Any] = {name: spec.get(name, name == "enabled") for name in _SWITCHES}
    branch = spec.get("branch")
    known = spec.keys() <= {"kind", "branch", *_TEXTS, *_SWITCHES}
    sound = all(isinstance(text, str) for text in texts.values()) and all(
        isinstance(on, bool) for on in switches.values()
    )
    if not known or not sound or kind not in get_args(Kind) or not (branch is None or _is_count(branch)):
        raise _strange()
    for name, text in texts.items():
        if len(text) > TEXT_LIMIT:
            raise NbhitlError(f"the {name} of a breakpoint has {len(text):,} characters; {TEXT_LIMIT:,} is the limit.")
    return Breakpoint(kind=kind, branch=branch, **texts, once=switches["once"], enabled=switches["enabled"])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000
