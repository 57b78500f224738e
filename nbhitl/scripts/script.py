"""A script: the rules of one file (or of one call of `answering`), and how far they have come on each thread."""

from __future__ import annotations

import inspect
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, assert_never

from nbhitl.engine.errors import EndlessQuestions, LeftoverAnswers, NbhitlError, UnansweredQuestion, did_you_mean
from nbhitl.engine.ids import digest
from nbhitl.engine.records import MISSING, Asked
from nbhitl.run.defaults import untouched
from nbhitl.run.secrets import has_secrets
from nbhitl.run.vault import SECRET
from nbhitl.scripts import rules
from nbhitl.scripts.files import content
from nbhitl.scripts.rules import ANY, Asking, Called, Choice, Default, Gives, InOrder, Person, Rule, Value

PERSON: Final = Person()
"""What `ScriptedAnswers.answer` returns for a question that is left to a person."""
SAME: Final = 100
"""How often one task may ask the same and be told the same: more is a loop that no answer of the script ends."""
MOST: Final = 10_000
"""Answers that one rule may give on one thread."""

Place: TypeAlias = tuple[int | str, ...]
"""A rule's number, and the cases of choices that lead to a sequence in it."""


class ScriptedAnswers:
    """Rules, and how far their sequences have come on each thread. Any thread may use it.

    Args:
        given: the rules, see `nbhitl.scripts.rules`.
        name: what messages call them.
        strict: a question without a rule, and an answer that was not used, are errors. Else it is left to a person.
        others: what nodes ask that no rule names is left to a person, also with ``strict``.
        via: through what its answers come: stands in the ``answers`` view.
        timeless: its answers were in time when they were given first, so no deadline passes while it answers.
    """

    def __init__(
        self,
        given: Any,
        name: str = "the scripted answers",
        *,
        strict: bool = True,
        others: bool = False,
        via: str = "script",
        timeless: bool = False,
    ) -> None:
        self.name, self.strict, self.others, self.via, self.timeless = name, strict, others, via, timeless
        self.rules: tuple[Rule, ...] = rules.read(given, name)
        self.ordered = not isinstance(given, Mapping)
        """The first rule that fits counts; of a mapping it is the one that names the node best."""
        self._lock = threading.Lock()
        self._used: set[int] = set()
        self._told: Counter[tuple[str, Place]] = Counter()
        """Thread and sequence to how many of its answers were given."""
        self._left: set[str] = set()
        """Ids of questions that were left to a person: they are asked again whenever others were answered."""
        self._secret: set[int] = set()
        """Rules that have answered a secret: no message tells their answers."""
        self._sequences: dict[Place, InOrder] = {}
        self._same: Counter[tuple[str, ...]] = Counter()
        self._many: Counter[tuple[str, int]] = Counter()

    @classmethod
    def read(cls, path: str | Path, *, strict: bool = True) -> ScriptedAnswers:
        """Read a file. Raises `NbhitlError` when it is missing or malformed, saying where."""
        return cls(content(path), str(path), strict=strict)

    # -- asking

    def rule(self, node: str, asked: Asked) -> Rule | None:
        """The rule for a question of ``node`` (a path of names); None where there is none."""
        asking = Asking(node, asked)
        found = [rule for rule in self.rules if rule.fits(asking)]
        if self.ordered or not found:
            return found[0] if found else None
        return max(found, key=lambda rule: (rules.names(rule.node, node), len(rule.node), -rule.place))

    def answers(self, due: Iterable[tuple[str, Asked]], thread: str = "") -> dict[str, Any]:
        """The answers to several questions, by their ids, without what is left to a person.

        Raises:
            UnansweredQuestion: names every question that has none.
            EndlessQuestions: as `answer`.
        """
        found: dict[str, Any] = {}
        missing: list[str] = []
        for node, asked in due:
            if self.rule(node, asked) is None and self._passes(node):
                continue
            try:
                answer = self.answer(node, asked, thread)
            except UnansweredQuestion as error:
                missing.append(str(error))
                continue
            if answer is not PERSON:
                found[asked.id] = answer
        if missing:
            raise UnansweredQuestion("\n".join(missing))
        return found

    def _passes(self, node: str) -> bool:
        """Whether what a node asks without a rule is left to a person."""
        return not self.strict or (self.others and not any(rules.names(rule.node, node) for rule in self.rules))

    def answer(self, node: str, asked: Asked, thread: str = "") -> Any:
        """The answer to a question of ``node``; `PERSON` where it is left to one.

        Raises:
            UnansweredQuestion: no rule is for it, or the one that is has no answer (left).
            EndlessQuestions: it was asked and answered like this too often.
        """
        asking, rule = Asking(node, asked), self.rule(node, asked)
        if rule is None:
            raise UnansweredQuestion(f"{self.name}: there is no answer for {asking}.{self._near(node)}")
        with self._lock:
            if asked.id in self._left:
                return PERSON
            self._used.add(rule.place)
            if has_secrets(asked.described or {}):
                self._secret.add(rule.place)
            found = self._given(rule.gives, asking, thread, (rule.place,), rule)
            if found is PERSON:
                self._left.add(asked.id)
        if isinstance(found, Called):
            found = self._called(found, asking)
        if found is not PERSON:
            self._expect_progress(rule, asking, thread, found)
        return found

    def explain(self, error: Exception, node: str, asked: Asked) -> None:
        """Put the node and the rule behind an error that an answer of this script has led to."""
        error.add_note(f"in node {node!r}, answered by the rule for {self.rule(node, asked)} of {self.name}")

    def _given(self, gives: Gives, asking: Asking, thread: str, place: Place, rule: Rule) -> Any:
        match gives:
            case Value(value=value):
                return value
            case Person():
                return PERSON
            case Called():
                return gives
            case Default():
                value = untouched(asking.asked)
                if value is MISSING:
                    raise UnansweredQuestion(f"{self.name}: the form of {asking} offers no default answer.")
                return value
            case InOrder(each=each):
                self._sequences[place] = gives
                count = self._told[thread, place]
                if count >= len(each):
                    raise UnansweredQuestion(
                        f"{self.name}: {asking} asks for answer {count + 1}, and the rule for {rule} has "
                        f"{len(each)} in order."
                    )
                self._told[thread, place] += 1
                return self._given(each[count], asking, thread, (*place, str(count)), rule)
            case Choice():
                found = rules.chosen(gives, asking)
                if found is None:
                    by = f"{gives.words}{_value_of(gives, asking)}"
                    raise UnansweredQuestion(
                        f"{self.name}: no answer for {asking} with {by}.{did_you_mean('', gives.cases)}"
                    )
                return self._given(found[1], asking, thread, (*place, found[0]), rule)
            case _:
                assert_never(gives)

    def _called(self, called: Called, asking: Asking) -> Any:
        try:
            found = called.function(asking.asked.value)
        except Exception as error:
            error.add_note(f"while {self.name} answered {asking}")
            raise
        if inspect.isawaitable(found):
            if inspect.iscoroutine(found):
                found.close()
            raise NbhitlError(f"{self.name}: the function for node {asking.node!r} is async; give a plain function.")
        return found

    def _expect_progress(self, rule: Rule, asking: Asking, thread: str, answer: Any) -> None:
        """Raise `EndlessQuestions` where the answers of a rule lead nowhere."""
        asked = asking.asked
        with self._lock:
            self._many[thread, rule.place] += 1
            many = self._many[thread, rule.place]
            same = (thread, asked.task, asking.node, digest(asked.value), digest(answer))
            self._same[same] += 1
            again = self._same[same]
            told = SECRET if rule.place in self._secret else f"{answer!r:.60}"
        if again > SAME:
            raise EndlessQuestions(
                f"{self.name}: {asking} was asked {SAME} times, and was answered {told} each time: "
                "no answer of the script ends this. Give another one, or in_order several."
            )
        if many > MOST:
            raise EndlessQuestions(
                f"{self.name}: the rule for {rule} has answered {MOST:,} questions of one thread, at last {asking}"
            )

    def _near(self, node: str) -> str:
        """What the rules are for, as a suggestion."""
        known = [rule.node for rule in self.rules if rule.node != ANY]
        mine = [str(rule) for rule in self.rules if rules.names(rule.node, node) > 1]
        if mine:
            return f" There are rules for: {'; '.join(mine[:5])}{'; ...' if len(mine) > 5 else ''}."
        return did_you_mean(node, known)

    # -- before and after

    def check(self, nodes: Iterable[str]) -> None:
        """Raise `NbhitlError` when a rule names a node that a graph does not have.

        Args:
            nodes: the graph's nodes, and those of its sub-graphs by path: ``review/ask``.
        """
        known = list(nodes)
        for rule in self.rules:
            if rule.node != ANY and not _known(rule.node, known):
                raise NbhitlError(f"{self.name}: there is no node {rule.node!r}.{did_you_mean(rule.node, known)}")

    def take_up(self, thread: str, told: Iterable[tuple[str, Asked]]) -> None:
        """Begin where an earlier run of a thread has left off: ``told`` are the questions that it answered, in order.

        What of them no rule has an answer for is passed over.
        """
        for node, asked in told:
            rule = self.rule(node, asked)
            if rule is None:
                continue
            try:
                with self._lock:
                    self._used.add(rule.place)
                    self._given(rule.gives, Asking(node, asked), thread, (rule.place,), rule)
            except UnansweredQuestion:
                continue

    def leftovers(self, thread: str | None = None) -> list[str]:
        """What was not used, in words: rules that nobody asked for, and what is left of sequences.

        Args:
            thread: only what is left of sequences on this thread.
        """
        with self._lock:
            unused = [rule for rule in self.rules if rule.place not in self._used and not rule.optional]
            found = [f"the rule for {rule} was never used" for rule in unused]
            for (whose, place), count in self._told.items():
                each = self._sequences[place].each
                if count < len(each) and thread in (None, whose):
                    where = f" on thread {whose!r}" if whose else ""
                    found.append(
                        f"the rule for {self.rules[int(place[0])]} has {count} of {len(each)} answers used{where}; "
                        f"the next one is {SECRET if place[0] in self._secret else _shown(each[count])}"
                    )
        return found

    def expect_used(self, thread: str | None = None, nodes: Iterable[str] = ()) -> None:
        """Raise `LeftoverAnswers` when something was not used; ``nodes`` are those that have been seen."""
        left = self.leftovers(thread)
        if not left:
            return
        known = list(nodes)
        wrong = [r.node for r in self.rules if known and r.node != ANY and not _known(r.node, known)]
        cure = f" There is no node {wrong[0]!r}.{did_you_mean(wrong[0], known)}" if wrong else ""
        raise LeftoverAnswers(f"{self.name}: {'; '.join(left)}.{cure}")


def _known(name: str, nodes: Iterable[str]) -> bool:
    """Whether a rule's node is one of these, or lies in one whose sub-graph only its body knows."""
    paths = list(nodes)
    if any(rules.names(name, path) or path.startswith(f"{name}/") for path in paths):
        return True
    return any(name.startswith(f"{path}/") and not any(p.startswith(f"{path}/") for p in paths) for path in paths)


def _value_of(choice: Choice, asking: Asking) -> str:
    value = asking.asked.value
    match choice.by:
        case "field":
            return f" = {value.get(choice.field) if isinstance(value, Mapping) else None!r}"
        case "key":
            return f" = {asking.asked.key!r}"
        case _:
            return ""


def _shown(gives: Gives) -> str:
    match gives:
        case Value(value=value):
            return f"{value!r:.60}"
        case Default():
            return "the form's default"
        case Person():
            return "a pause"
        case _:
            return "a choice"


def paths(nodes: Iterable[str], subgraphs: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """The nodes of a graph and of its sub-graphs, which come as (path with ``|``, their nodes)."""
    yield from nodes
    for path, inner in subgraphs:
        yield from (f"{path.replace('|', '/')}/{name}" for name in inner)
