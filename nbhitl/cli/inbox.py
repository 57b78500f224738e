"""Open questions of a checkpoint file, and answers to them, without a kernel or past a kernel that has it open."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import json
import sys
from typing import Any

from nbhitl.checkpoint.duckdb import DuckDBSaver
from nbhitl.cli.queries import expect_file, opened
from nbhitl.engine.errors import FileLockedError
from nbhitl.engine.records import MISSING
from nbhitl.inbox import OpenQuestion, Reply, accepted, open_questions, settle
from nbhitl.mailbox import NobodyTookIt, NoReply, post
from nbhitl.outcomes import moment, then
from nbhitl.words import cut, plainly, readable

RECORDED, REFUSED, ANSWERED, UNHEARD = 0, 1, 3, 4
"""Exit codes of ``nbhitl answer``; 2 is a mistake in the command line."""


def inbox(given: argparse.Namespace) -> int:
    """Print the questions that wait for an answer."""
    with opened(given.file) as saver:
        found = open_questions(saver)
    if given.json:
        print(json.dumps([_described(question) for question in found], indent=1, default=str))
        return 0
    for place, question in enumerate(found):
        if place:
            print()
        for line in _lines(question):
            print(line)
    if not found:
        print("No question is open.")
    return 0


def answer(given: argparse.Namespace) -> int:
    """Answer a question, and print what came of it."""
    file = expect_file(given.file)
    if given.json is not None and given.words:
        print("nbhitl: give the answer as words or with --json, not both", file=sys.stderr)
        return REFUSED
    who = _user() if given.by is None else given.by
    reply = Reply(given.id, tuple(given.words), given.json, who, given.note, given.graph, given.thread)
    try:
        with DuckDBSaver(file) as saver:
            said = settle(saver, reply)
    except FileLockedError:
        try:
            said = post(file, reply.inquiry().plain(), given.timeout)
            if said == {"came": "open"}:
                said = post(file, reply.plain(), given.timeout)
        except (NobodyTookIt, NoReply) as error:
            print(f"nbhitl: {error}.{_cure(error)}", file=sys.stderr)
            return UNHEARD
    return _told(said)


def _told(said: Any) -> int:
    """Print what came of an answer; the exit code."""
    match said:
        case {"came": "recorded", "node": str(node), "graph": str(graph), "thread": str(thread), "answered": answered}:
            goes_on = said.get("goes_on") or "The run goes on when its cell is run again."
            value = json.dumps(answered["value"], ensure_ascii=False)
            print(f"Recorded for {node} ({_thread(graph, thread)}): {value}")
            print(goes_on)
            return RECORDED
        case {"came": "answered", "text": str(text)}:
            print(f"nbhitl: {readable(text)}", file=sys.stderr)
            return ANSWERED
        case {"came": "refused", "problems": [_, *_] as problems}:
            print("nbhitl: the answer was refused, and nothing was recorded:", file=sys.stderr)
            for field, message in problems:
                print(f"  {field}: {message}" if field else f"  it {message}", file=sys.stderr)
            return REFUSED
        case {"text": str(text)}:
            print(f"nbhitl: {readable(text)}", file=sys.stderr)
            return REFUSED
    print("nbhitl: the owner of the file replied what this version does not understand", file=sys.stderr)
    return REFUSED


def _thread(graph: str, thread: str) -> str:
    return readable(f"{graph} / {thread}" if graph else f"thread {thread}")


def _cure(error: Exception) -> str:
    if isinstance(error, NobodyTookIt):
        return (
            " Answers are taken by a kernel with nbhitl loaded; it may be stopped or at work in C code, or the file is "
            "open in a program that takes none. Try again, answer there, or close it."
        )
    return " Look with: nbhitl inbox"


def _lines(question: OpenQuestion) -> list[str]:
    asked = question.asked
    lines = [
        f"{asked.id}  {readable(question.node)}  ({_thread(question.key.graph, question.key.thread)})",
        f"  question  {plainly(asked.value)}",
        f"  accepted  {cut(accepted(question.schema))}",
        f"  since     {moment(asked.at)}",
    ]
    if asked.deadline:
        lines.append(f"  deadline  {moment(asked.deadline)}, then {then(asked)}")
    return lines


def _described(question: OpenQuestion) -> dict[str, Any]:
    asked = question.asked
    return {
        "id": asked.id,
        "graph": question.key.graph,
        "thread": question.key.thread,
        "node": question.node,
        "since": _iso(asked.at),
        "deadline": _iso(asked.deadline) if asked.deadline else None,
        "default": None if asked.default is MISSING else asked.default,
        "has_default": asked.default is not MISSING,
        "question": asked.value,
        "text": plainly(asked.value),
        "accepted": accepted(question.schema),
        "schema": question.schema,
    }


def _iso(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1e6, dt.UTC).isoformat()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return ""
