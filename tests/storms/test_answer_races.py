"""Two pages, two forms, and a page against ``nbhitl answer``, within a millisecond: one answer, one continuation.

``NBHITL_STORM=10000 python -m pytest tests/storms/test_answer_races.py`` races more often.
"""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from nbhitl.notebook import clerk, launch
from nbhitl.notebook.commands import Show
from nbhitl.notebook.view import View
from nbhitl.notebook.worker import Worker
from nbhitl.session import Session
from tests.notebook.conftest import Notebook
from tests.storms.programs import rounds

RACES = 200
FORMS = 60
"""Rounds with two forms, each of which has to be shown anew."""
CELL = """%%graph races
from typing import Literal, TypedDict

class State(TypedDict, total=False):
    n: int
    got: str

def ask(state: State):
    return {"got": interrupt(f"{state.get('n', 0)}?", response_schema=Literal["left", "right", "cli"])}

def act(state: State):
    effects.append((state.get("n", 0), state["got"]))
    return {"n": state.get("n", 0) + 1}

flow(START, ask, act, ask)
"""
CHILD = """\
import contextlib, io, json, sys
from nbhitl import cli
print("ready", flush=True)
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.main(json.loads(line))
    print(json.dumps([code, said.getvalue()]), flush=True)
"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("NBHITL_ANSWERS", raising=False)
    monkeypatch.setattr(launch, "interactive", lambda shell: True)
    monkeypatch.setattr(clerk, "LOOK", 0.005)
    monkeypatch.setattr(clerk, "LOOK_AGAIN", 0.001)
    made = Notebook()
    made.shell.user_ns["effects"] = []
    made.run(CELL)
    assert made.error is None
    yield made
    made.close()


def until(done, what):
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.0005)


def form_of(view, number):
    """The form of the question of a round, once it is shown."""
    until(lambda: _open(view, number) is not None, f"no form for round {number}")
    return _open(view, number)


def _open(view, number):
    sheets = list(view._desk._sheets.values()) if view._desk is not None else []
    return next((s.form for s in sheets if s.question.value == f"{number}?" and s.form.state == "open"), None)


def checked(notebook, number, winner):
    """The answer of a round counted once."""
    effects = notebook.shell.user_ns["effects"]
    until(lambda: len(effects) > number, f"round {number} did not go on")
    assert effects[number] == (number, winner)
    assert len(effects) == number + 1


def recorded(notebook, races):
    """Each question has one answer in the journal."""
    saver = notebook.workspace.saver
    assert saver._reader.rows("SELECT count(*), count(DISTINCT key) FROM journal WHERE kind = 'answered'") == [
        (races, races)
    ]


def at_once(*calls):
    """Run these on threads of their own, at the same moment."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(10)
        call()

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_of_two_pages_that_submit_one_form_at_once_one_counts_and_the_form_says_so(notebook):
    view, races, wins = notebook.workspace.current.screen, rounds(RACES), Counter()
    for number in range(races):
        form = form_of(view, number)
        at_once(lambda form=form: form._pressed([0]), lambda form=form: form._pressed([1]))
        until(lambda form=form: form.state == "answered", f"round {number}")
        effects = notebook.shell.user_ns["effects"]
        until(lambda n=number, seen=effects: len(seen) > n, f"round {number}")
        winner = effects[number][1]
        checked(notebook, number, winner)
        assert winner in form._status.value
        assert "Another answer was sent as well, a moment later, and was not recorded." in form._status.value
        wins[winner] += 1
    recorded(notebook, races)
    assert wins.keys() <= {"left", "right"}


def test_of_two_forms_of_one_question_one_counts_and_the_other_says_who_was_first(notebook):
    mine = notebook.workspace.current
    view = View(Session(mine.session.compiled, mine.session.thread), interactive=True, live=False, draw=False)
    view.worker = other = Worker(view.session, view)
    races, wins = rounds(FORMS), Counter()
    for number in range(races):
        first = form_of(mine.screen, number)
        other.do(Show())
        second = form_of(view, number)
        at_once(lambda f=first: f._pressed([0]), lambda f=second: f._pressed([1]))
        until(lambda f=first, s=second: {f.state, s.state} <= {"answered", "closed"}, f"round {number}")
        assert {first.state, second.state} == {"answered", "closed"}
        winner, loser = ("left", second) if first.state == "answered" else ("right", first)
        checked(notebook, number, winner)
        assert "Answered elsewhere by " in loser._status.value
        assert f"through a form at 20{time.strftime('%y')}" in loser._status.value
        assert loser._status.value.partition("</div>")[0].endswith(winner)
        wins[winner] += 1
        if winner == "right":
            mine.do(Show())
    recorded(notebook, races)
    other.retire("over")


def test_of_a_page_and_the_command_line_one_counts_and_the_other_is_told(notebook, monkeypatch, capsys):
    """The command line's own process and its letters; the page's message comes within a millisecond of the letter."""
    view, races, wins = notebook.workspace.current.screen, rounds(RACES), Counter()
    letter, record, odds = threading.Event(), clerk._Recorder.__call__, random.Random(5)

    def noticed(self, question, value, reply):
        letter.set()
        time.sleep(odds.random() * 0.002)
        return record(self, question, value, reply)

    monkeypatch.setattr(clerk._Recorder, "__call__", noticed)
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        file = str(notebook.workspace.path.resolve())
        for number in range(races):
            form = form_of(view, number)
            (question,) = notebook.workspace.current.session.pending()
            letter.clear()
            child.stdin.write(json.dumps(["answer", file, question.id, "cli", "--by", "ann"]) + "\n")
            assert letter.wait(30)
            time.sleep(odds.random() * 0.001)
            form._pressed([0])
            code, said = json.loads(child.stdout.readline())
            until(lambda form=form: form.state in ("answered", "closed"), f"round {number}")
            winner = "cli" if code == 0 else "left"
            checked(notebook, number, winner)
            wins[winner] += 1
            if code == 0:
                assert "Answered elsewhere by ann through the command line at" in form._status.value
            else:
                assert code == 3, said
                assert "was answered already" in said or "was already answered" in said
                assert "through a form" in said or "through form" in said
                assert form.state == "answered"
        recorded(notebook, races)
        child.stdin.close()
    with capsys.disabled():
        print(f"\npage and command line: {dict(wins)}")
    assert len(wins) == 2, "the two were never within a millisecond of each other"
