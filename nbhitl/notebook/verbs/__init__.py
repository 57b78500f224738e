"""The verbs of ``%graph``: each is one function of a line. Help, completion and suggestions are made from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.notebook.verbs import answering, housekeeping, looking, moving, replays, stopping
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
    return VERBS[word].does(Line(workspace, words.strip(), graph, thread))


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
    """This list; with a verb, that verb."""
    if line.words and line.words not in VERBS:
        raise NbhitlError(f"%graph help: there is no verb {line.words!r}.{did_you_mean(line.words, VERBS)}")
    shown = {line.words: VERBS[line.words]} if line.words else VERBS
    width = max(len(verb.usage) for verb in shown.values())
    for verb in shown.values():
        print(f"%graph {verb.usage:<{width}}  {verb.sentence}")
    if not line.words:
        print("-g NAME and -t THREAD before the verb choose another graph or thread.")


VERBS: dict[str, Verb] = {
    **moving.VERBS,
    **stopping.VERBS,
    **looking.VERBS,
    **answering.VERBS,
    **replays.VERBS,
    **housekeeping.VERBS,
    "help": Verb("help [VERB]", help_),
}
