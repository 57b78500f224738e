"""``with answering({...})``: every graph that asks inside of it is answered by rules, and goes on by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from nbhitl.engine.description import Graph
from nbhitl.engine.errors import NbhitlError, UnansweredQuestion
from nbhitl.engine.records import Asked, ThreadKey
from nbhitl.scripts.script import ScriptedAnswers, paths
from nbhitl.stand_ins import STAND_IN, StandIn
from nbhitl.subgraphs import walk


class Answering:
    """What `answering` returns: begins with ``with`` or `begin`, and ends with that or with `end`."""

    def __init__(self, script: ScriptedAnswers, *, check: bool = True) -> None:
        self.script, self.via, self._check = script, script.via, check and script.strict
        self.timeless = script.timeless
        self.active = False
        self._token: Token[StandIn | None] | None = None
        self._unanswered: list[UnansweredQuestion] = []
        self._seen: dict[str, None] = {}
        """Nodes of the graphs that have asked."""

    # -- from when to when

    def begin(self) -> None:
        """Answer from now on."""
        if self.active:
            raise NbhitlError(f"{self.script.name}: this answering() is at work already; make another one.")
        self._token, self.active = STAND_IN.set(self), True

    def end(self, *, check: bool = True) -> None:
        """Answer no longer.

        Raises:
            UnansweredQuestion: with ``check``, where whoever called the graph has caught that error.
            LeftoverAnswers: with ``check``, what nobody asked for.
        """
        if not self.active:
            return
        self.active = False
        if self._token is not None:
            with contextlib.suppress(ValueError):  # it was begun in another context, e.g. of an async test
                STAND_IN.reset(self._token)
        if check and self._check:
            if self._unanswered:
                raise UnansweredQuestion(str(self._unanswered[0]))
            self.script.expect_used(nodes=self._seen)

    def __enter__(self) -> Self:
        if not self.active:
            self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(check=error is None)

    # -- what a graph asks (see `nbhitl.stand_ins.StandIn`)

    def answers(self, graph: Graph, key: ThreadKey, asked: Sequence[tuple[str, Asked]]) -> Mapping[str, Any]:
        """The answers to open questions, by their ids. Raises what `ScriptedAnswers.answer` does."""
        self._see(graph)
        try:
            return self.script.answers(asked, str(key))
        except UnansweredQuestion as error:
            self._unanswered.append(error)
            raise

    def explain(self, error: Exception, node: str, asked: Asked) -> None:
        """Put the node and the rule behind an error."""
        self.script.explain(error, node, asked)

    def _see(self, graph: Graph) -> None:
        inner: Iterable[tuple[str, Iterable[str]]] = (
            (path, found.graph.nodes) for path, found in walk(graph, recurse=True)
        )
        self._seen.update(dict.fromkeys(paths(graph.nodes, inner)))


def answering(rules: Any, *, strict: bool = True) -> Answering:
    """A script for every graph that runs inside of ``with``: answers its questions in a person's place.

    ``invoke``, ``stream``, their async twins and ``Session.go`` then go on by themselves where they would pause at a
    question; breakpoints still stop. Sequences are counted for each thread. Answers are checked and recorded as a
    person's are, with ``via`` ``"script"``. The innermost ``with`` answers; a thread that is started inside needs the
    context (``contextvars.copy_context().run``).

    Args:
        rules: node to answer, e.g. ``{"review": "publish", "ask": {"in_order": [3, 5]}}``, or a list of rules, e.g.
            ``[{"question": "Publish*", "answer": True}]``. `nbhitl.scripts.rules` has all forms.
        strict: a question without a rule, and a rule or an answer that was not used, are errors. Else the run pauses
            at such a question, and the rest is left.

    Raises:
        NbhitlError: rules that are none.
        UnansweredQuestion: (from the graph's call) names the node and what it asks.
        LeftoverAnswers: (at the end) names what nobody asked for.
        AnswerRefused: (from the graph's call) an answer does not fit its schema; a note names the rule.
        EndlessQuestions: (from the graph's call) the answers lead nowhere.
    """
    return Answering(ScriptedAnswers(rules, "answering", strict=strict))
