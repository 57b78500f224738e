"""What reaches the threads of a kernel from elsewhere: other cells, code, and answers from the command line.

`KernelSaver` says when anybody has moved a thread; `Clerk` takes the letters of ``nbhitl answer`` to the file that the
kernel has open, and records what they say. Neither runs anything: a worker is told to look, or to go on.
"""

from __future__ import annotations

import os
import threading
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Answered, ThreadKey
from nbhitl.inbox import VIA, OpenQuestion, Reply, Stored, settle
from nbhitl.mailbox import Letter, Mailbox

if TYPE_CHECKING:
    from nbhitl.notebook.workspace import Workspace

LOOK: Final = 0.15
"""Seconds between two looks into the mailbox: a listing of a folder that is seldom there."""
LOOK_AGAIN: Final = 0.02
"""The same just after a letter: more often come together."""


class KernelSaver(DuckDBSaver):
    """A kernel's checkpoint file, which says what was moved in it by whomever."""

    def __init__(self, path: str | Path, moved: Callable[[ThreadKey], None]) -> None:
        super().__init__(path)
        self._moved = moved

    def commit(self, key: ThreadKey, *given: Any, **more: Any) -> None:
        """As any saver; see `nbhitl.engine.ports.Saver`."""
        super().commit(key, *given, **more)
        self._moved(key)

    def append(self, key: ThreadKey, *given: Any, **more: Any) -> None:
        """As any saver; see `nbhitl.engine.ports.Saver`."""
        super().append(key, *given, **more)
        self._moved(key)

    def answer(self, key: ThreadKey, *given: Any, **more: Any) -> None:
        """As any saver; see `nbhitl.engine.ports.Saver`."""
        super().answer(key, *given, **more)
        self._moved(key)


class Clerk:
    """Answers letters while a kernel has its checkpoint file open, on a daemon thread of its own.

    Not only while a form is open: a question of a thread whose cell was not run yet can be answered as well.
    """

    def __init__(self, workspace: Workspace, saver: DuckDBSaver, file: Path) -> None:
        self._workspace = weakref.ref(workspace)
        self._saver = saver
        self._mailbox = Mailbox(file)
        self._over = threading.Event()
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._work, name="nbhitl-clerk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more letters: the file is about to be closed. Waits for one that is being answered."""
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)
        self._mailbox.close()

    def _work(self) -> None:
        busy = False
        while not self._over.wait(LOOK_AGAIN if busy else LOOK):
            if self._workspace() is None or os.getpid() != self._pid:
                return
            try:
                busy = self.serve()
            except Exception:  # noqa: BLE001 - the next letter has to be answered all the same
                traceback.print_exc()

    def serve(self) -> bool:
        """Answer the letters that wait now; whether there were any."""
        found = False
        for letter in self._mailbox.take():
            found = True
            workspace = self._workspace()
            if workspace is not None:
                self._mailbox.reply(letter, self._settled(workspace, letter))
        return found

    def _settled(self, workspace: Workspace, letter: Letter) -> dict[str, Any]:
        try:
            if letter.problem:
                raise NbhitlError(f"{letter.problem}, and was thrown away.")
            reply = Reply.read(letter.content)
            found = settle(self._saver, reply, _Recorder(workspace, self._saver))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever a stranger has sent
            return {"came": "refused", "text": f"{error}", "problems": []}
        if found["came"] == "recorded":
            worker = workspace.workers.get((found["graph"], found["thread"]))
            if worker is not None:
                worker.follow()
                found["goes_on"] = "The kernel that has the file open goes on with it."
        return found


class _Recorder:
    """Records through the cell's session where there is one: it knows the live class."""

    def __init__(self, workspace: Workspace, saver: DuckDBSaver) -> None:
        self._workspace, self._saver = workspace, saver

    def __call__(self, question: OpenQuestion, value: Any, reply: Reply) -> Answered:
        worker = self._workspace.workers.get((question.key.graph, question.key.thread))
        if worker is None:
            return Stored(self._saver)(question, value, reply)
        if question.asked.described is None and question.schema:  # a payload that is known, without a class
            value = worker.session.compiled.calls.world.checker.check(question.schema, value)
        return worker.session.answer(value, id=question.asked.id, by=reply.by, via=VIA, note=reply.note)
