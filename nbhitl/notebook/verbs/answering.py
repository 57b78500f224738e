"""The verbs of ``%graph`` that answer questions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError
from nbhitl.inbox import Reply, Stored, accepted, open_questions
from nbhitl.inbox import answer as answer_stored
from nbhitl.notebook.commands import Answer
from nbhitl.notebook.verbs.verb import Verb, split, tell
from nbhitl.notebook.worker import Worker, user
from nbhitl.outcomes import moment, then
from nbhitl.words import cut, plainly

if TYPE_CHECKING:
    from nbhitl.notebook.verbs.verb import Line


def inbox(line: Line) -> Table:
    """The questions that wait for an answer, of every graph in the checkpoint file."""
    rows = [
        (
            question.asked.id,
            question.key.graph,
            question.key.thread,
            question.node,
            plainly(question.asked.value),
            cut(accepted(question.schema)),
            moment(question.asked.at),
            f"{moment(question.asked.deadline)}, then {then(question.asked)}" if question.asked.deadline else "",
        )
        for question in open_questions(line.workspace.saver)
        if line.graph in (None, question.key.graph) and line.thread in (None, question.key.thread)
    ]
    return Table(("id", "graph", "thread", "node", "question", "accepted", "since", "deadline"), rows)


def answer(line: Line) -> None:
    """Answer the open question: JSON, key=value pairs, or text; of several, that of a node or an id."""
    words, said = _remarks(line.words)
    if not words:
        raise NbhitlError("%graph answer needs the answer: JSON, key=value pairs, or text.")
    worker = _asker(line, words)
    if worker is None:
        first, *rest = split(words, "answer ID VALUE")
        reply = Reply(first, tuple(rest), None, said.get("by", user()), said.get("note", ""), line.graph, line.thread)
        question, _ = answer_stored(line.workspace.saver, reply, Stored(line.workspace.saver, via="magic"))
        print(f"Recorded for {question.node}. The run goes on when the cell of graph {question.key.graph} is run.")
        return
    id, value = _which(worker, words)
    worker.do(Answer(value, id, via="magic", by=said.get("by"), note=said.get("note", "")))
    tell(worker)


def _asker(line: Line, words: str) -> Worker | None:
    """The worker whose question the words begin with, else the one that is meant; None: only the file knows it."""
    first, _, rest = words.partition(" ")
    if rest and _ID.fullmatch(first):
        for worker in line.workspace.workers.values():
            if any(question.id.startswith(first) for question in worker.session.pending()):
                return worker
        if any(question.asked.id.startswith(first) for question in open_questions(line.workspace.saver)):
            return None
    return line.worker


_ID = re.compile(r"[0-9a-f]{4,16}")
_REMARK = re.compile(r"""(?:^|\s)--(note|by)\s+("[^"]*"|'[^']*'|\S+)\s*$""")


def _remarks(words: str) -> tuple[str, dict[str, str]]:
    """The words without ``--note TEXT`` and ``--by NAME`` at their end, and what these say."""
    said: dict[str, str] = {}
    while match := _REMARK.search(words):
        name, text = match.groups()
        said.setdefault(name, text[1:-1] if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1 else text)
        words = words[: match.start()]
    return words.strip(), said


def _which(worker: Worker, words: str) -> tuple[str | None, Any]:
    """The question's id, if the words begin with one, and the answer."""
    pending = {question.id: question for question in worker.session.pending()}
    first, _, rest = words.partition(" ")
    nodes = {worker.session.node_of(question): id for id, question in pending.items()}
    begun = [id for id in pending if _ID.fullmatch(first) and id.startswith(first)]
    id = (nodes.get(first) or (begun[0] if len(begun) == 1 else None)) if rest else None
    text = rest.strip() if id else words
    asked = pending[id] if id else next(iter(pending.values())) if len(pending) == 1 else None
    wants_text = asked is not None and (asked.described or {}).get("type") == "string"
    return id, _unquoted(text) if wants_text else _value(text)


def _unquoted(text: str) -> str:
    """Text as it stands, or without the quotes of a JSON string."""
    value = _value_of(text)
    return value if isinstance(value, str) else text


def _value(words: str) -> Any:
    """JSON; else ``key=value`` pairs, each value JSON or text; else the text itself."""
    try:
        return json.loads(words)
    except json.JSONDecodeError:
        pass
    if _PAIRS.fullmatch(words):
        return {key: _value_of(text) for key, text in _PAIR.findall(words)}
    return words


_PAIR = re.compile(r"""(\w+)=("[^"]*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|\S*)""")
_PAIRS = re.compile(rf"({_PAIR.pattern}\s*)+")


def _value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


VERBS = {
    "inbox": Verb("inbox", inbox),
    "answer": Verb("answer [NODE|ID] VALUE [--note TEXT] [--by NAME]", answer),
}
