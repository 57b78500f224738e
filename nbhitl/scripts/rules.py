"""The rules of scripted people: what is answered to whom, as frozen values. Pure: reads no file, holds no progress.

Rules are a mapping from a node (``review``, ``sub/review``, ``*`` for every other one) to what it is answered, or a
list of mappings with conditions, of which the first that fits counts::

    {"review": "publish", "ask": {"in_order": [3, 5]}}
    [{"question": "Publish*", "answer": True}, {"node": "ask", "key": "price", "answer": 3}]

What is answered is any value, or one of these:

- ``{"in_order": [...]}``: one after the other;
- ``{"by": "index", "is": {"17": 3, "*": "skip"}}``: chosen by a key of the question; ``"*"`` for all others;
- ``{"by_question": {"Publish*": True, "*": ...}}``: by its text, ``{"by_key": {...}}``: by ``interrupt(key=...)``;
- ``{"default": True}``: what the form offers when nobody touches it;
- ``{"pause": True}``: left to a person;
- ``{"answer": value}``: the value, also where it looks like one of these;
- in Python, a function of the question's value.

In texts ``*`` stands for any characters; everything else for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.ids import digest
from nbhitl.engine.records import MISSING, Asked

ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Value:
    """This value."""

    value: Any


@dataclass(frozen=True, slots=True)
class InOrder:
    """One after the other."""

    each: tuple[Gives, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Chosen by a word of the question; ``field`` names the key whose value that is, for ``by``."""

    by: str
    """``field``, ``question`` or ``key``."""
    cases: Mapping[str, Gives]
    field: str = ""

    @property
    def words(self) -> str:
        """What is looked at, for messages."""
        return self.field if self.by == "field" else {"question": "the question's text", "key": "key"}[self.by]


@dataclass(frozen=True, slots=True)
class Called:
    """What a function of the question's value returns."""

    function: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Default:
    """What the form offers when nobody touches it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Left to a person: the run pauses."""


Gives: TypeAlias = Value | InOrder | Choice | Called | Default | Person


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as rules see it: which node asks, by its path of names, and what."""

    node: str
    asked: Asked

    @property
    def texts(self) -> list[str]:
        """The words of the question: its text, those at the top of a mapping, and what its schema is called."""
        value, described = self.asked.value, self.asked.described or {}
        found = [value] if isinstance(value, str) else []
        if isinstance(value, Mapping):
            found += [text for text in value.values() if isinstance(text, str)]
        return found + [text for word in ("description", "title") if isinstance(text := described.get(word), str)]

    def __str__(self) -> str:
        key = f" (key {self.asked.key!r})" if self.asked.key is not None else ""
        return f"node {self.node!r}{key}: {self.asked.value!r:.100}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is answered what. Every condition that is given has to hold."""

    gives: Gives
    node: str = ANY
    question: str | None = None
    """A pattern for one of the question's texts."""
    asks: Any = MISSING
    """The question's very value."""
    key: str | None = None
    place: int = 0
    """Which of the script's rules, from 0."""

    def fits(self, asking: Asking) -> bool:
        """Whether this rule is for a question."""
        return (
            names(self.node, asking.node) > 0
            and (self.key is None or self.key == asking.asked.key)
            and (self.question is None or any(matches(self.question, text) for text in asking.texts))
            and (self.asks is MISSING or digest(self.asks) == digest(asking.asked.value))
        )

    @property
    def optional(self) -> bool:
        """Whether nobody minds if it is never used: what stands for "every other one", and what gives no answer."""
        everybody = self.node == ANY and self.question in (None, ANY) and self.asks is MISSING and self.key is None
        return everybody or isinstance(self.gives, Person)

    def __str__(self) -> str:
        told = [] if self.node == ANY else [f"node {self.node!r}"]
        told += [] if self.key is None else [f"key {self.key!r}"]
        told += [] if self.question is None else [f"question {self.question!r:.60}"]
        told += [] if self.asks is MISSING else [f"question {self.asks!r:.60}"]
        return ", ".join(told) or "every other question"


def names(rule: str, node: str) -> int:
    """How well a rule's node names the one that asks: 0 not at all; a path more than a part of it."""
    if rule == node:
        return 4
    if node.endswith(f"/{rule}"):
        return 3
    if node.startswith(f"{rule}/"):
        return 2
    return 1 if rule == ANY else 0


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says: ``*`` stands for any characters."""
    return pattern == text or (ANY in pattern and _compiled(pattern).fullmatch(text) is not None)


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split(ANY))), re.DOTALL)


# -- reading

_CONDITIONS: Final = ("node", "question", "asks", "key")
_WORDS: Final = ("answer", "in_order", "by", "is", "by_question", "by_key", "default", "pause")


def read(rules: Any, name: str) -> tuple[Rule, ...]:
    """Rules as they are written. Raises `NbhitlError` that names ``name`` and the rule for what is none."""
    if isinstance(rules, Mapping):
        found = [
            Rule(_gives(what, f"{name}: node {node!r}"), _text(node, f"{name}: a node's name"))
            for node, what in rules.items()
        ]
    elif isinstance(rules, Sequence) and not isinstance(rules, (str, bytes)):
        found = [_rule(one, f"{name}: rule {number}") for number, one in enumerate(rules, 1)]
    else:
        raise NbhitlError(
            f"{name}: expected a mapping from node names to answers, or a list of rules, not {type(rules).__name__}."
        )
    return tuple(Rule(r.gives, r.node, r.question, r.asks, r.key, place) for place, r in enumerate(found))


def _rule(one: Any, where: str) -> Rule:
    """One rule of a list."""
    if not isinstance(one, Mapping):
        raise NbhitlError(f"{where}: expected a mapping, e.g. {{node: review, answer: yes}}, not {type(one).__name__}.")
    for word in one:
        if word not in _CONDITIONS and word not in _WORDS:
            raise NbhitlError(f"{where}: there is no {word!r} in a rule.{did_you_mean(word, (*_CONDITIONS, *_WORDS))}")
    what = {word: value for word, value in one.items() if word in _WORDS}
    if not what:
        raise NbhitlError(f"{where}: it says nothing to answer: give answer, in_order, default or pause.")
    gives = _special(what, where)
    if gives is None:
        raise NbhitlError(f"{where}: {', '.join(what)} do not go together; one of them is what is answered.")
    return Rule(
        gives,
        _text(one.get("node", ANY), f"{where}: node"),
        None if one.get("question") is None else _text(one["question"], f"{where}: question"),
        one.get("asks", MISSING),
        None if one.get("key") is None else _text(one["key"], f"{where}: key"),
    )


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise NbhitlError(f"{where} is {value!r:.40}; it takes text.")
    return value


def _gives(what: Any, where: str) -> Gives:
    """What a rule gives, as it is written."""
    found = _special(what, where) if isinstance(what, Mapping) else None
    if found is not None:
        return found
    return Called(what) if callable(what) and not isinstance(what, type) else Value(what)


def _special(what: Mapping[Any, Any], where: str) -> Gives | None:
    """What a mapping means that is no answer itself; None for one that is."""
    words = frozenset(what)
    if words == {"answer"}:
        answer = what["answer"]
        return Called(answer) if callable(answer) and not isinstance(answer, type) else Value(answer)
    if words == {"in_order"}:
        if not isinstance(what["in_order"], (list, tuple)):
            raise NbhitlError(f"{where}: in_order takes a list of answers.")
        return InOrder(tuple(_gives(one, where) for one in what["in_order"]))
    if words == {"by", "is"}:
        field = what["by"]
        return Choice("field", _cases(what["is"], f"{where}: 'is' takes a mapping from {field!r}", where), str(field))
    for word in ("question", "key"):
        if words == {f"by_{word}"}:
            cases = what[f"by_{word}"]
            return Choice(word, _cases(cases, f"{where}: by_{word} takes a mapping from each {word}", where))
    if words == {"default"} and what["default"] is True:
        return Default()
    if words == {"pause"} and what["pause"] is True:
        return Person()
    return None


def _cases(cases: Any, complaint: str, where: str) -> dict[str, Gives]:
    if not isinstance(cases, Mapping):
        raise NbhitlError(f"{complaint} to answers.")
    return {str(name): _gives(what, where) for name, what in cases.items()}


def chosen(choice: Choice, asking: Asking) -> tuple[str, Gives] | None:
    """The case of a choice that a question falls into; None for none."""
    cases = choice.cases
    for word in _sought(choice, asking):
        if word in cases:
            return word, cases[word]
    if choice.by == "question":
        for pattern, gives in cases.items():
            if pattern != ANY and any(matches(pattern, text) for text in asking.texts):
                return pattern, gives
    return (ANY, cases[ANY]) if ANY in cases else None


def _sought(choice: Choice, asking: Asking) -> Iterator[str]:
    """The words of a question that a choice is made by."""
    match choice.by:
        case "field":
            value = asking.asked.value
            if isinstance(value, Mapping) and choice.field in value:
                yield str(value[choice.field])
        case "key":
            yield from () if asking.asked.key is None else [asking.asked.key]
        case _:
            yield from asking.texts
