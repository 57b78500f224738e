"""What one kernel has open: the checkpoint file, the sessions, and which of them ``%graph`` means."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nbhitl.engine.errors import NbhitlError, SaverError, ThreadBusyError, did_you_mean
from nbhitl.engine.records import ThreadKey
from nbhitl.notebook.clerk import Clerk, KernelSaver

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.notebook.worker import Worker
    from nbhitl.session import Session


_ATTRIBUTE = "_nbhitl_workspace"


class Workspace:
    """One kernel's open things. There is one for each shell: `Workspace.of`."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.workers: dict[tuple[str, str], Worker] = {}
        """(graph, thread) to the worker of the cell that ran it last."""
        self.current: Worker | None = None
        """Whom ``%graph`` addresses without ``-g`` and ``-t``."""
        self._path = default_path(shell)
        self._saver: KernelSaver | None = None
        self._clerk: Clerk | None = None

    @classmethod
    def of(cls, shell: InteractiveShell) -> Workspace:
        """The workspace of a shell, made at the first call."""
        found = getattr(shell, _ATTRIBUTE, None)
        if not isinstance(found, cls):
            found = cls(shell)
            setattr(shell, _ATTRIBUTE, found)
        return found

    @property
    def path(self) -> Path:
        """The checkpoint file."""
        return self._path

    @property
    def saver(self) -> KernelSaver:
        """The checkpoint file, opened at the first use, and again after writing to it failed (e.g. on a full disk).

        Raises `FileLockedError` when another process owns it.
        """
        if self._saver is not None and self._saver.failed:
            self.close()
        return self._saver or self._begin(self._path, KernelSaver(self._path, self._moved))

    def _begin(self, path: Path, saver: KernelSaver) -> KernelSaver:
        self._path, self._saver = path, saver
        self._clerk = Clerk(self, saver, path)
        return saver

    def _moved(self, key: ThreadKey) -> None:
        worker = self.workers.get((key.graph, key.thread))
        if worker is not None and not key.ns:
            worker.moved()

    @property
    def is_open(self) -> bool:
        """Whether the checkpoint file has been opened."""
        return self._saver is not None

    def use(self, path: str | Path) -> None:
        """Go on with another checkpoint file. Raises `NbhitlError` while a graph runs."""
        busy = [w.session.key for w in self.workers.values() if w.session.busy]
        if busy:
            raise NbhitlError(f"thread {busy[0]} is being run; change the file when it has stopped.")
        if Path(path) != self._path:
            fresh = KernelSaver(path, self._moved)  # before the old one is closed: it may be locked or damaged
            self.close()
            self._begin(Path(path), fresh)

    def close(self) -> None:
        """Stop listening to open forms, and close the file."""
        for worker in self.workers.values():
            worker.retire("The checkpoint file was changed: run the cell again.")
        self.workers.clear()
        self.current = None
        clerk, self._clerk = self._clerk, None
        if clerk is not None:
            clerk.close()
        saver, self._saver = self._saver, None
        if saver is not None:
            with contextlib.suppress(SaverError):  # what went wrong was said to whom it concerned
                saver.close()

    def adopt(self, worker: Worker) -> None:
        """Make a cell's worker the one that answers for its thread; an older cell's form is closed."""
        key = (worker.session.name, worker.session.thread)
        older = self.workers.get(key)
        if older is not None:
            older.retire("The cell was run again: answer there.")
        self.workers[key] = worker
        self.current = worker

    def repaint(self, graph: str) -> None:
        """Bring every drawing of a graph up to date: breakpoints are kept per graph."""
        for (name, _), worker in self.workers.items():
            if name == graph:
                worker.screen.paint(at_once=True)
                worker.screen.repeat()

    def find(self, graph: str | None = None, thread: str | None = None) -> Worker:
        """The worker that is meant: the current one, or that of a graph and thread.

        Raises:
            NbhitlError: no graph was run yet, or none of that name.
        """
        if graph is None and thread is None:
            if self.current is None:
                raise NbhitlError("no graph has been run in this kernel yet: run a %%graph cell first.")
            return self.current
        name = graph or (self.current.session.name if self.current else "")
        found = [w for (g, t), w in self.workers.items() if g == name and thread in (None, t)]
        if not found:
            threads = {t for g, t in self.workers if g == name}
            if threads:
                raise NbhitlError(
                    f"thread {thread!r} of graph {name!r} was not opened in this kernel."
                    f"{did_you_mean(thread, threads)} Run its cell with --thread {thread} first."
                )
            graphs = {g for g, _ in self.workers}
            raise NbhitlError(f"graph {name!r} was not run in this kernel.{did_you_mean(name, graphs)}")
        return found[-1]

    def all_stored(self, graph: str | None) -> list[ThreadKey]:
        """The threads in the file, of one graph or of all."""
        return [info.key for info in self.saver.threads() if graph in (None, info.key.graph)]

    def stored(self, thread: str, graph: str | None) -> ThreadKey:
        """The thread of that name in the file. Raises `NbhitlError` when there is none, or several."""
        keys = self.all_stored(graph)
        found = [key for key in keys if key.thread == thread]
        if not found:
            known = {key.thread for key in keys}
            raise NbhitlError(f"there is no thread {thread!r} in {self._path}.{did_you_mean(thread, known)}")
        if len(found) > 1:
            names = ", ".join(repr(key.graph) for key in found)
            raise NbhitlError(f"several graphs have a thread {thread!r}: {names}. Say which: %graph -g NAME ...")
        return found[0]

    def expect_idle(self, key: ThreadKey) -> None:
        """Raise `ThreadBusyError` while a thread is being run."""
        worker = self.workers.get((key.graph, key.thread))
        if worker is not None and worker.session.busy:
            raise ThreadBusyError(f"thread {key.thread!r} is being run. Wait for it, or stop it: %graph pause")

    def forget(self, key: ThreadKey) -> None:
        """Close the forms of a thread that is about to go. Raises `ThreadBusyError` while it is being run."""
        self.expect_idle(key)
        worker = self.workers.pop((key.graph, key.thread), None)
        if worker is not None:
            worker.retire("The thread was deleted: run the cell again for a new one.")
        if self.current is worker:
            self.current = None

    def next_thread(self, graph: str) -> tuple[str, str]:
        """The thread that a cell without ``--thread`` runs, and what to say about it.

        A thread that has not finished is taken up again; behind a finished one a new thread is begun.
        """
        pattern = re.compile(re.escape(graph) + r"(?:-([2-9]|[1-9]\d{1,8}))?", re.ASCII)
        numbered: dict[int, str] = {}
        for info in self.saver.threads():
            match = pattern.fullmatch(info.key.thread) if info.key.graph == graph else None
            if match:
                numbered[int(match[1] or 1)] = info.status
        if not numbered:
            return graph, ""
        last = max(numbered)
        name = graph if last == 1 else f"{graph}-{last}"
        if numbered[last] != "finished":
            return name, ""
        return f"{graph}-{last + 1}", f"Thread {name} has finished; this is the new thread {graph}-{last + 1}."


def get_session(graph: str | None = None, thread: str | None = None) -> Session:
    """The session of a ``%%graph`` cell that was run in this kernel: to look at it, or to go on, from Python.

    Args:
        graph: the graph's name; the one that was used last by default.
        thread: its thread; the one that was used last by default.

    Raises:
        NbhitlError: there is none of that name, or this is no notebook.
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise NbhitlError("nbhitl.get_session() works in a notebook. Elsewhere, make one: Session(compiled, thread).")
    return Workspace.of(shell).find(graph, thread).session


def default_path(shell: InteractiveShell) -> Path:
    """``.nbhitl/<notebook>.duckdb`` beside the notebook, as far as the front end tells its name."""
    name = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__") or "default"
    return Path(".nbhitl") / f"{Path(str(name)).stem}.duckdb"
