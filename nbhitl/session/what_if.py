"""What would follow from each answer: the paused thread is run under each of them, on copies that go afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any, Final

from nbhitl.calls import CallOptions
from nbhitl.debugging.differences import Difference, differences
from nbhitl.debugging.likeness import same
from nbhitl.engine.errors import NbhitlError, ThreadBusyError
from nbhitl.engine.records import MISSING, Asked, Position, Stopped, ThreadKey
from nbhitl.run.world import RunControl
from nbhitl.session.inspecting import Place
from nbhitl.session.possible_answers import MOST, possible
from nbhitl.session.runner import Runner
from nbhitl.stand_ins import STAND_IN

STEPS: Final = 100
"""Super-steps that each run may take, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What followed from one answer."""

    answers: Mapping[str, Any]
    """Question id to the answer, as it is recorded: plain data, without secrets."""
    path: tuple[str, ...]
    """The nodes that ran, in the order in which their writes were merged."""
    stopped: Stopped
    values: Mapping[str, Any]
    """The state where it stopped."""
    differences: tuple[Difference, ...]
    """How that differs from the state at the question."""
    thread: str = ""
    """The thread on which it ran, if that was kept."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The paused thread under each of several answers."""

    questions: Mapping[str, Asked]
    """The questions that were answered, by id."""
    rows: tuple[Outlook, ...]
    left_out: int = 0
    """Answers that were not tried, since there were more than 24 (counted as far as that is cheap) or a stop."""

    @property
    def differing(self) -> tuple[str, ...]:
        """The keys of the state whose last values are not the same in all rows."""
        keys = dict.fromkeys(key for row in self.rows for key in row.values)
        return tuple(key for key in keys if not self._agrees(key))

    def _agrees(self, key: str) -> bool:
        first = self.rows[0].values.get(key, MISSING)
        return all(same(first, row.values.get(key, MISSING)) for row in self.rows[1:])


class Foreseeing(Runner):
    """A runner that can try answers out."""

    def what_if(
        self,
        answers: Sequence[Any] | None = None,
        *,
        steps: int = STEPS,
        keep: bool = False,
        control: RunControl | None = None,
    ) -> WhatIf:
        """Run the paused thread under each answer, until it stops, asks something else or fails.

        Each runs on a copy of the thread, so this one stays as it is, with its question open. What nodes do outside
        the state (mails, files) is done each time. Breakpoints do not stop these runs.

        Args:
            answers: those to try; with several open questions each is ``{question id: answer}``. By default all that
                the schemas list, at most 24.
            steps: super-steps that each run may take.
            keep: leave the copies as threads of their own, ``demo~what-if-1``.
            control: asks to stop: the run at work stops, and no other begins.

        Raises:
            NbhitlError: no question is open, or its answers cannot be listed.
            AnswerRefused: one of the answers does not fit; nothing was run.
            ThreadBusyError: the thread is being run.
        """
        if self.busy:
            raise ThreadBusyError(f"thread {self.key} is being run. Wait for it, or stop it: %graph pause.")
        position, asked = self.position, self.pending()
        if position is None or not asked:
            raise NbhitlError(f"no question is open on thread {self.key}: what-if runs it under each possible answer.")
        tried = self._possible(asked) if answers is None else [self._given(asked, answer) for answer in answers]
        if not tried:
            raise NbhitlError("what-if: give at least one answer to try.")
        left_out, tried = max(0, len(tried) - MOST), tried[:MOST]
        plain = [self._checked(asked, given) for given in tried]
        control = control or RunControl()
        token = STAND_IN.set(None)  # scripted people would answer what is asked next
        rows: list[Outlook] = []
        try:
            for given, told in zip(tried, plain, strict=True):
                if control.drain_requested:
                    break
                row = self._outlook(position, given, steps, control, keep=keep)
                rows.append(replace(row, answers=told))
        finally:
            STAND_IN.reset(token)
        used = {id for given in tried for id in given}
        return WhatIf({q.id: q for q in asked if q.id in used}, tuple(rows), left_out + len(tried) - len(rows))

    def _checked(self, asked: Sequence[Asked], given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answers as they are recorded, by question id. Raises `AnswerRefused`."""
        found = self.compiled.calls.check_answers(asked, given, CallOptions())
        return {answered.interrupt: answered.value for answered in found}

    def _possible(self, asked: Sequence[Asked]) -> list[Mapping[str, Any]]:
        checker = self.compiled.calls.world.checker
        each: list[list[Any]] = []
        for question in asked:
            schema = question.schema
            described = question.described or (checker.describe(schema) if schema is not None else None)
            each.append(possible(question, described))
        ids = [question.id for question in asked]
        return [dict(zip(ids, chosen, strict=True)) for chosen in islice(product(*each), 10 * MOST)]

    def _given(self, asked: Sequence[Asked], answer: Any) -> Mapping[str, Any]:
        """An answer to try, by question id. Raises `NbhitlError`."""
        ids = [question.id for question in asked]
        if isinstance(answer, Mapping) and answer and all(key in ids for key in answer):
            return dict(answer)
        if len(ids) == 1:
            return {ids[0]: answer}
        listed = "; ".join(f"{question.id} ({self.node_of(question)})" for question in asked)
        raise NbhitlError(f"{len(ids)} questions are open, so say which one is answered: {{id: answer}}. {listed}")

    def _outlook(
        self, position: Position, given: Mapping[str, Any], steps: int, control: RunControl, *, keep: bool
    ) -> Outlook:
        before = len(self.path())
        with self._copied(keep=keep) as key:
            runner = Runner(self.compiled, key.thread)
            runner.config = {**runner.config, "recursion_limit": steps}
            taken = runner.answer_all(given, by="what-if", via="what-if")
            for error in taken.refused.values():
                raise error
            stopped = runner.go(control=control)
            while stopped.reason == "breakpoint" and not control.drain_requested and _left(runner, position, steps):
                stopped = runner.go(control=control)
            values, now = _state(runner), _state(self)
            path = tuple(runner.path()[before:])
        return Outlook(given, path, stopped, values, differences(now, values), key.thread if keep else "")

    @contextmanager
    def _copied(self, *, keep: bool) -> Iterator[ThreadKey]:
        """A copy of the thread, which goes at the end."""
        taken = {info.key for info in self.saver.threads()}
        number = 1
        while (key := replace(self.key, thread=f"{self.thread}~what-if-{number}")) in taken:
            number += 1
        self.saver.copy_thread(self.key, key)
        try:
            yield key
        finally:
            if not keep:
                self.saver.delete_thread(key)


def _state(runner: Runner) -> dict[str, Any]:
    """The last state, key by key, whatever the graph gives to those who call it."""
    position = runner.position
    return {} if position is None else Place(runner.key, position, runner.graph, newest=True).values()


def _left(runner: Runner, begun: Position, steps: int) -> bool:
    """Whether a run that a static breakpoint has stopped may go on."""
    now = runner.position
    return now is not None and now.checkpoint.step - begun.checkpoint.step < steps
