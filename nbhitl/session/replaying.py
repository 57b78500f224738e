"""How the thread went, given again: its recorded answers on a new branch, or as a test in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Stopped
from nbhitl.scripts.context import Answering
from nbhitl.scripts.replay import play, replayed
from nbhitl.scripts.saving import put, pytest_file
from nbhitl.scripts.sources import ModuleSource, source_of
from nbhitl.session.runner import Runner


class Replaying(Runner):
    """A runner whose thread can be given again."""

    def save_test(self, file: str | Path, *, graph: str | None = None) -> Path:
        """Write a pytest file that replays this branch's answers, and compares its path and its final state.

        The file builds the graph by itself: from the source of its cell, or by importing the module that it stands
        in. What has no literal (a table, a model) is compared by a digest of its content, or by its kind.

        Args:
            file: where it goes, e.g. ``"test_post.py"``.
            graph: where the graph stands, ``"module:name"``; found by itself where a module has it under a name.

        Raises:
            NbhitlError: there is such a file already with something else in it; the thread failed or was edited by
                hand; the graph's source or the input cannot be written down.
        """
        position, target = self.position, Path(file)
        if position is None:
            raise NbhitlError(f"thread {self.thread!r} has not run yet: there is nothing to write a test of.")
        source = ModuleSource.named(graph) if graph else self.source or source_of(self.compiled)
        known = self.recording()
        text = pytest_file(self.name, self.thread, known, position, self.state().values, source, target)
        put(target, text)
        return target

    def replay(self, until: str | None = None) -> Stopped:
        """Run again from the first input, on a new branch, with the answers that this branch was given.

        An answer goes to the question of the same node, key and value; of several such, in order. New questions of
        nodes that asked nothing then are left to a person.

        Args:
            until: a node (``"sub/node"`` in a sub-graph) whose questions are left to a person: the run pauses there.

        Raises:
            NbhitlError: nothing is recorded, the branch was edited by hand, or there is no such node.
            AnswerRefused: a recorded answer no longer fits; a note names it.
            UnansweredQuestion: a node asks something else now.
            LeftoverAnswers: without ``until``, answers that nobody asked for.
        """
        known = self.recording()
        script = replayed(known, until, self.nodes(), self.thread)

        def go(input: Any, first: bool) -> Stopped:
            return self.go(input, restart=first)

        with Answering(script, check=False):
            stopped = play(known, script, go, until=until)
        if stopped is None:
            raise NbhitlError(f"thread {self.thread!r} has nothing to replay.")
        return stopped
