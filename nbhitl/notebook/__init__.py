"""Top floor: magics, widgets and drawings. The only room that knows IPython, ipywidgets and graphviz.

Nothing here owns a run: it parses, shows, and sends one command at a time to a `nbhitl.session.Session`.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load(shell: InteractiveShell) -> None:
    """Register the magics, and in a kernel the conversation with the drawings."""
    from nbhitl.notebook.magics import GraphMagics
    from nbhitl.notebook.panel import listen
    from nbhitl.notebook.workspace import Workspace

    workspace = Workspace.of(shell)
    atexit.register(workspace.close)  # before duckdb is taken down with the interpreter
    shell.register_magics(GraphMagics(shell, workspace))
    listen(shell, workspace)
