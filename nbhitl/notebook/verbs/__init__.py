"""The verbs of ``%graph``: each is one function of a line. Help, completion and suggestions are made from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.notebook.verbs import (
    answering,
    housekeeping,
    inspecting,
    looking,
    moving,
    replays,
    reporting,
    revising,
    stopping,
    travelling,
)
from nbhitl.notebook.verbs.verb import Line, Verb

if TYPE_CHECKING:
    from nbhitl.notebook.workspace import Workspace


def call(workspace: Workspace, text: str) -> Any:
    """Do what a ``%graph`` line says; what it returns is shown by the notebook.

    Raises:
        NbhitlError: an unknown verb or a mistake in its words; names the cure.
    """
    graph, thread, rest = _address(text.strip())
    word, _, words = rest.partition(" ")
    word = word or "where"
    if word not in VERBS:
        raise NbhitlError(f"%graph {word}: there is no such verb.{did_you_mean(word, VERBS)} %graph help lists them.")
    if word not in FREE:
        words = _without_comment(words)
    return VERBS[word].does(Line(workspace, words.strip(), graph, thread))


FREE: Final = ("answer", "sql")
"""Verbs whose words are text of the user's own, in which ``#`` is a character as any other."""
_COMMENT: Final = re.compile(r"""((?:[^"'#]|"[^"]*"|'[^']*'|(?<=\S)#|#(?=\S))*)(?<!\S)#(?!\S).*""")


def _without_comment(words: str) -> str:
    """Without a comment at the end, as after a line of Python: ``#`` between spaces, outside of quotes."""
    found = _COMMENT.fullmatch(words)
    return found[1] if found else words


_FLAG = re.compile(r"(-[gt])\s+(?:(\"[^\"]*\"|'[^']*')|(\S+))\s*")


def _address(line: str) -> tuple[str | None, str | None, str]:
    """``-g NAME`` and ``-t THREAD`` at the beginning of a line, and what follows them."""
    found: dict[str, str] = {}
    while match := _FLAG.match(line):
        flag, quoted, plain = match.groups()
        found[flag] = quoted[1:-1] if quoted else plain
        line = line[match.end() :]
    return found.get("-g"), found.get("-t"), line


def help_(line: Line) -> None:
    """This list; with a verb, all about that verb."""
    if not line.words:
        print(overview())
        return
    verb = VERBS.get(line.words)
    if verb is None:
        raise NbhitlError(f"%graph help: there is no verb {line.words!r}.{did_you_mean(line.words, VERBS)}")
    print("\n\n".join(part for part in (f"%graph {verb.usage}", verb.sentence, verb.details) if part))


def overview() -> str:
    """Every verb with its sentence, in the order of what people do with them."""
    width = max(len(name) for name in VERBS)
    parts = []
    for title, verbs in GROUPS.items():
        parts.append(f"{title}:\n" + "\n".join(f"  %graph {name:<{width}}  {v.sentence}" for name, v in verbs.items()))
    return "\n\n".join([*parts, _MORE])


_MORE = (
    "-g NAME and -t THREAD before the verb choose another graph or thread. %graph VERB? says all about a verb.\n"
    "Each verb is a method of nbhitl.get_session() too; those that are words of Python end in _: continue_, break_."
)

GROUPS: dict[str, dict[str, Verb]] = {
    "Move": moving.VERBS,
    "Travel in time": travelling.VERBS,
    "Stop": stopping.VERBS,
    "After an edit": revising.VERBS,
    "Look": looking.VERBS | inspecting.VERBS,
    "Answer": answering.VERBS | inspecting.EDITS | replays.VERBS,
    "Keep": {**reporting.VERBS, **housekeeping.VERBS, "help": Verb("help [VERB]", help_, takes=("verb",))},
}
VERBS: dict[str, Verb] = {name: verb for verbs in GROUPS.values() for name, verb in verbs.items()}
