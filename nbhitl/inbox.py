"""The open questions of a checkpoint file, and answers to them, where the graph is not at hand.

An answer is checked against the JSON Schema that was stored with its question, recorded as any other one, and taken up
by whoever runs the thread next. May not know how answers arrive (a command line, a letter) nor run anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.engine.errors import AlreadyAnsweredError, AnswerRefused, NbhitlError, Problem, UnknownInterruptError
from nbhitl.engine.records import MISSING, Answered, Asked, Position, ThreadKey
from nbhitl.outcomes import attribution, moment
from nbhitl.run.answers import SchemaChecker, form_model
from nbhitl.run.cards import card_schema
from nbhitl.run.reading import json_text
from nbhitl.run.secrets import has_secrets
from nbhitl.run.subschemas import branches, resolve
from nbhitl.run.world import SystemClock
from nbhitl.words import plainly

VIA: Final = "command line"
SHORTEST: Final = 4
"""Characters of a question's id that name it, where no other one begins so."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for an answer, and where."""

    key: ThreadKey
    checkpoint: str
    node: str
    asked: Asked

    @property
    def schema(self) -> Mapping[str, Any]:
        """What an answer has to be, as JSON Schema; empty for anything."""
        return self.asked.described or card_schema(self.asked.value) or {}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as somebody gave it: to which question, and in words or as JSON text that nobody has read yet."""

    id: str
    """The question's id, or how it begins."""
    words: tuple[str, ...] = ()
    json: str | None = None
    by: str = ""
    note: str = ""
    graph: str | None = None
    thread: str | None = None
    ahead: bool = False
    """Only asks whether the question takes an answer: what is a secret must not even be written into a letter."""

    def plain(self) -> dict[str, Any]:
        """As JSON data, for `read`."""
        names = ("id", "json", "by", "note", "graph", "thread", "ahead")
        return {"words": list(self.words), **{name: getattr(self, name) for name in names}}

    def inquiry(self) -> Reply:
        """What to send ahead, without the answer."""
        return replace(self, words=(), json=None, note="", ahead=True)

    @classmethod
    def read(cls, content: Any) -> Reply:
        """From JSON data of a stranger's. Raises `NbhitlError` for anything that `plain` does not make."""
        if not isinstance(content, dict) or set(content) != set(cls("").plain()):
            raise NbhitlError("this is no answer that nbhitl has sent.")
        words = content["words"]
        optional = [content[name] for name in ("json", "graph", "thread")]
        if (
            not isinstance(words, list)
            or not all(isinstance(word, str) for word in [*words, content["id"], content["by"], content["note"]])
            or not all(text is None or isinstance(text, str) for text in optional)
            or not isinstance(content["ahead"], bool)
        ):
            raise NbhitlError("this is no answer that nbhitl has sent: its parts are of other types.")
        return cls(**{**content, "words": tuple(words)})


Recorder = Callable[[OpenQuestion, Any, Reply], Answered]
"""Checks and records an answer; raises as `record` does."""


def open_questions(saver: DuckDBSaver) -> list[OpenQuestion]:
    """Every question of a file that waits for an answer now, the oldest first."""
    waiting = {(graph, thread) for graph, thread in saver.sql("SELECT DISTINCT graph, thread FROM pending_interrupts")}
    if not waiting:
        return []
    found = []
    for info in saver.threads():
        key = info.key
        # A name that SQL cannot hold stands in the views in another form: such threads are looked at anyway.
        if (key.graph, key.thread) in waiting or not (key.graph + key.thread).isprintable():
            position = saver.load(key)
            if position is not None:
                found += _of(key, position)
    return sorted(found, key=lambda question: question.asked.at)


def _of(key: ThreadKey, position: Position) -> list[OpenQuestion]:
    nodes = {task.id: task.node for task in position.checkpoint.tasks}
    return [
        OpenQuestion(key, position.checkpoint.id, q.node or nodes.get(q.task, ""), q) for q in position.pending
    ]  # fmt: skip


def answer(saver: DuckDBSaver, reply: Reply, record: Recorder | None = None) -> tuple[OpenQuestion, Answered]:
    """Find the question that is meant, check the answer and record it. The first answer wins.

    Args:
        saver: the file.
        reply: the answer, as it was given.
        record: who checks and records instead, e.g. a session that knows the live class.

    Raises:
        AnswerRefused: it does not fit; nothing was recorded.
        AlreadyAnsweredError: somebody was first.
        UnknownInterruptError: no such question is open, or several begin like this.
    """
    question = _meant(saver, reply)
    expect_no_secret(question)
    value = spoken(question.schema, reply.words) if reply.json is None else _json(reply.json)
    return question, (record or Stored(saver))(question, value, reply)


def expect_no_secret(question: OpenQuestion) -> None:
    """Raise `AnswerRefused` for a question that asks for a secret: others hear what is said on a command line."""
    if has_secrets(question.schema):
        raise AnswerRefused(
            [Problem("", "asks for a secret, which the command line would show to others: answer in the notebook")]
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """Records with what is stored of a question alone."""

    saver: DuckDBSaver
    clock: SystemClock = field(default_factory=SystemClock)
    via: str = VIA

    def __call__(self, question: OpenQuestion, value: Any, reply: Reply) -> Answered:
        """As a `Recorder`."""
        now, asked = self.clock.now(), question.asked
        if asked.deadline and asked.deadline <= now:
            cure = "its default counts" if asked.default is not MISSING else "it has expired"
            raise UnknownInterruptError(
                f"question {asked.id} was to be answered by {moment(asked.deadline)}, and {cure} when the thread goes "
                "on: run its cell."
            )
        plain = SchemaChecker().check(question.schema or None, value)
        answered = Answered(asked.id, plain, reply.by, self.via, reply.note, now)
        self.saver.answer(question.key, question.checkpoint, [answered])
        return answered


def settle(saver: DuckDBSaver, reply: Reply, record: Recorder | None = None) -> dict[str, Any]:
    """As `answer`, but says in JSON data what came of it.

    ``came`` is ``recorded``, ``refused``, ``answered`` (by somebody else, before) or ``open`` (of an inquiry).
    """
    try:
        if reply.ahead:
            expect_no_secret(_meant(saver, reply))
            return {"came": "open"}
        question, answered = answer(saver, reply, record)
    except AlreadyAnsweredError as error:
        return {"came": "answered", "text": str(error), "answered": _shown(error.answered)}
    except AnswerRefused as error:
        problems = [[problem.field, problem.message] for problem in error.problems]
        return {"came": "refused", "text": str(error), "problems": problems}
    except NbhitlError as error:
        return {"came": "refused", "text": str(error), "problems": []}
    where = {"graph": question.key.graph, "thread": question.key.thread, "node": question.node}
    return {"came": "recorded", "text": "", "answered": _shown(answered), **where}


def _shown(answered: Answered) -> dict[str, Any]:
    try:
        value = json.loads(json.dumps(answered.value))
    except (TypeError, ValueError, RecursionError):  # of a question without a schema, from code
        value = plainly(answered.value)
    return {"value": value, "by": answered.by, "via": answered.via, "note": answered.note, "at": answered.at}


def _meant(saver: DuckDBSaver, reply: Reply) -> OpenQuestion:
    """The open question that a reply names. Raises `UnknownInterruptError`, `AlreadyAnsweredError`."""
    every = [
        q for q in open_questions(saver)
        if reply.graph in (None, q.key.graph) and reply.thread in (None, q.key.thread)
    ]  # fmt: skip
    exact = [q for q in every if q.asked.id == reply.id]
    found = exact or [q for q in every if len(reply.id) >= SHORTEST and q.asked.id.startswith(reply.id)]
    if len(found) == 1:
        return found[0]
    if len({q.asked.id for q in found}) > 1:
        names = ", ".join(q.asked.id for q in found[:5])
        raise UnknownInterruptError(f"several open questions begin with {reply.id!r}: {names}. Write more of the id.")
    if found:
        names = ", ".join(f"{q.key.graph} / {q.key.thread}" for q in found)
        raise UnknownInterruptError(
            f"question {reply.id} is open on several threads ({names}): say which with --thread NAME or --graph NAME."
        )
    _expect_unanswered(saver, reply.id)
    cure = "nbhitl inbox lists the open ones." if every else "No question is open in this file."
    raise UnknownInterruptError(f"no open question has the id {reply.id!r}. {cure}")


def _expect_unanswered(saver: DuckDBSaver, id: str) -> None:
    """Raise `AlreadyAnsweredError` when that question has its answer."""
    rows = saver.sql(
        "SELECT interrupt, answered_by, via, note, answer, epoch_us(answered_at) FROM answers"
        " WHERE starts_with(interrupt, ?) ORDER BY seq DESC LIMIT 1",
        [id],
    ).rows
    for whole, by, via, note, value, at in rows if len(id) >= SHORTEST else ():
        plain = None if value is None else json.loads(value)
        found = Answered(whole, plain, by or "", via or "", note or "", int(at or 0))
        raise AlreadyAnsweredError(f"question {whole} was answered already {attribution(found)}: {value}", found)


# -- answers in words


_PAIR: Final = re.compile(r"([^\s=.]+)=(.*)", re.DOTALL)


def spoken(schema: Mapping[str, Any], words: Sequence[str]) -> Any:
    """The answer that words on a command line stand for: ``key=value`` pairs, else one value; each JSON or text.

    Raises:
        AnswerRefused: there are no words, or a text has several.
    """
    if not words:
        raise AnswerRefused([Problem("", f"is missing; expected is {accepted(schema)}")])
    pairs = [_PAIR.fullmatch(word) for word in words]
    if all(pairs) and not _is_text(schema, schema):
        known = resolve(schema, schema).get("properties", {})
        found = [(pair[1], _value(schema, known.get(pair[1]), pair[2])) for pair in pairs if pair]
        twice = [Problem(name, "is given twice") for name, _ in found if [n for n, _ in found].count(name) > 1]
        if twice:
            raise AnswerRefused(twice[:1])
        return dict(found)
    if len(words) > 1:
        raise AnswerRefused(
            [Problem("", f"is {len(words)} words: put a text into quotes, write key=value pairs, or give --json TEXT")]
        )
    return _value(schema, schema, words[0])


def _value(root: Mapping[str, Any], node: Any, text: str) -> Any:
    """A text where a schema takes it as it stands; else what it says in JSON, if it is JSON."""
    if _is_text(root, node):
        return text
    try:
        return json_text(text)
    except ValueError:
        return text


def _is_text(root: Mapping[str, Any], node: Any) -> bool:
    """Whether every value that a schema takes is text (null aside)."""
    if not isinstance(node, Mapping):
        return False
    rest, _ = branches(root, resolve(root, node))
    resolved = [resolve(root, one) for one in rest]
    return bool(resolved) and all(
        one.get("type") == "string"
        or isinstance(one.get("const"), str)
        or (bool(one.get("enum")) and all(isinstance(value, str) for value in one["enum"]))
        for one in resolved
    )


def _json(text: str) -> Any:
    try:
        return json_text(text)
    except ValueError as wrong:
        raise AnswerRefused([Problem("", str(wrong))]) from None


def accepted(schema: Mapping[str, Any]) -> str:
    """What an answer has to be, in one line."""
    if not schema:
        return "anything: text, or JSON"
    parts = []
    for one in form_model(schema).fields:
        said = " | ".join(option.label for option in one.options[:12]) or one.hint or one.kind
        blank = "" if one.required else " (optional)"
        parts.append(f"{one.name}={said}{blank}" if one.name else said)
    return ", ".join(parts)
