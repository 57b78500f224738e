"""Many answers to one question at once: one is recorded, one continuation runs, and each loser is told of the winner.

``NBHITL_STORM=10000 python -m pytest tests/storms/test_races.py`` races more often.
"""

import contextlib
import operator
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypedDict

import pytest

from nbhitl import START, Command, DuckDBSaver, InMemorySaver, StateGraph, interrupt
from nbhitl.engine.errors import AlreadyAnsweredError, ThreadBusyError, UnknownInterruptError
from nbhitl.engine.records import Answered, Checkpoint, ThreadKey
from nbhitl.notebook.commands import Answer, Show
from nbhitl.notebook.worker import Worker
from nbhitl.session import Session
from tests.storms.programs import LONG, ROOT, rounds, side_by_side

RACES = 1000
RUNNERS = 4
CONFIG = {"configurable": {"thread_id": "t"}, "recursion_limit": 10**9}
KEY = ThreadKey("t")
LOSSES = (AlreadyAnsweredError, ThreadBusyError, UnknownInterruptError)


class State(TypedDict, total=False):
    n: int
    got: str
    effects: Annotated[list, operator.add]


class Yes(TypedDict):
    said: str


class World:
    """A graph that asks, does something once an answer is there, and asks again."""

    def __init__(self, saver, schema=None):
        self.effects = []
        """What happened in the world: the number of the question, and what the body was told."""

        def ask(state):
            return {"got": interrupt(f"{state['n']}?", response_schema=schema)}

        def act(state):
            self.effects.append((state["n"], state["got"]))
            return {"n": state["n"] + 1}

        built = StateGraph(State).add_node("ask", ask).add_node("act", act)
        self.saver = saver
        self.graph = built.add_edge(START, "ask").add_edge("ask", "act").add_edge("act", "ask").compile(saver)
        self.graph.invoke({"n": 0}, CONFIG)

    def question(self):
        position = self.saver.load(KEY)
        return position.checkpoint.id, position.pending[0]


def by_invoke(world, runner, checkpoint, question):
    world.graph.invoke(Command(resume={question: f"runner {runner}"}), CONFIG)


def by_saver(world, runner, checkpoint, question):
    world.saver.answer(KEY, checkpoint, [Answered(question, f"runner {runner}", by=f"runner {runner}", via="code")])


def by_session(world, runner, checkpoint, question):
    Session(world.graph, "t").answer(f"runner {runner}", id=question, by=f"runner {runner}")


WAYS = (by_invoke, by_saver, by_session)


def race(world, number, pool, gate):
    """All runners at once; the winner, and what each loser was told."""
    checkpoint, question = world.question()

    def answer(runner):
        way = WAYS[(number * (runner + 1) + number // 5) % len(WAYS)]
        gate.wait()
        try:
            way(world, runner, checkpoint, question.id)
        except LOSSES as error:
            return runner, error
        return runner, None

    ends = list(pool.map(answer, range(RUNNERS)))
    winners = [runner for runner, error in ends if error is None]
    losses = [error for _, error in ends if error is not None]
    assert len(winners) == 1, (number, ends)
    return question.id, winners[0], losses


def told(error, question, winner):
    """Whether a loser learnt what happened: who was first, or that somebody is at it, or that this is over."""
    text = str(error)
    if isinstance(error, AlreadyAnsweredError):
        assert error.answered.value == f"runner {winner}"
        return question in text and "answered" in text and ("yours was not recorded" in text or "already" in text)
    if isinstance(error, ThreadBusyError):
        return "thread t is being run" in text
    return question in text or "no open question" in text or "no question is open" in text


@pytest.mark.parametrize("kind", ["duckdb", "memory"])
def test_a_thousand_races_for_one_answer_have_one_winner_each(kind, tmp_path, capsys):
    saver = DuckDBSaver(tmp_path / "t.duckdb") if kind == "duckdb" else InMemorySaver()
    world, gate, seen = World(saver), threading.Barrier(RUNNERS), Counter()
    races = rounds(RACES) if kind == "duckdb" else 300
    expected = []
    with contextlib.closing(saver), ThreadPoolExecutor(RUNNERS) as pool:
        for number in range(races):
            question, winner, losses = race(world, number, pool, gate)
            for error in losses:
                seen[type(error).__name__] += 1
                assert told(error, question, winner), error
            if saver.load(KEY).pending == ():  # an answer that was only recorded
                world.graph.invoke(None, CONFIG)
                seen["recorded, then continued"] += 1
            expected.append((number, f"runner {winner}"))
            assert world.effects[-1] == expected[-1]
        assert world.effects == expected
        if kind == "duckdb":
            rows = saver.sql("SELECT count(*), count(DISTINCT interrupt) FROM answers").rows
            assert rows == [(races, races)]
            raw = saver._reader.rows("SELECT count(*) FROM journal WHERE kind = 'answered'")
            assert raw == [(races,)]
    with capsys.disabled():
        print(f"\n{kind}: {races} races, {dict(seen)}")
    assert seen["AlreadyAnsweredError"]


@pytest.mark.parametrize("kind", ["duckdb", "memory"])
def test_whoever_resumes_with_an_answer_just_after_another_one_was_recorded_is_told_of_it(kind, tmp_path):
    with contextlib.closing(DuckDBSaver(tmp_path / "t.duckdb") if kind == "duckdb" else InMemorySaver()) as saver:
        world = World(saver)
        checkpoint, question = world.question()
        by_saver(world, 1, checkpoint, question.id)
        with pytest.raises(AlreadyAnsweredError, match="runner 1") as caught:
            by_invoke(world, 2, checkpoint, question.id)
        assert caught.value.answered.value == "runner 1"
        assert world.effects == []


class Screen:
    """Notes what a person would be told."""

    interactive = True

    def __init__(self):
        self.notes = []
        self.done = threading.Semaphore(0)

    def __getattr__(self, name):
        def note(*args, **named):
            self.notes.append((name, args))
            if name in ("answered", "look", "problem", "refuse"):
                self.done.release()

        return note


def test_a_form_that_two_tabs_send_at_once_counts_once_and_the_other_tab_is_told(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        world, screen = World(saver, Yes), Screen()
        worker = Worker(Session(world.graph, "t"), screen)
        gate = threading.Barrier(3)
        for number in range(LONG or 100):
            _, question = world.question()

            def send(tab, id_=question.id):
                gate.wait()
                worker.put(Answer({"said": f"tab {tab}"}, id_))

            with ThreadPoolExecutor(3) as pool:
                list(pool.map(send, range(3)))
            for _ in range(3):
                assert screen.done.acquire(timeout=20)
            worker.do(Show())  # when this is done, so is what came before
            answered = [args for name, args in screen.notes if name == "answered"]
            looks = [name for name, _ in screen.notes if name == "look"]  # at what became of the question
            assert [name for name, _ in screen.notes if name in ("problem", "refuse")] == []
            assert (len(answered), len(looks)) == (number + 1, 2 * (number + 1))
            assert answered[-1][0].id == question.id
            outcome = worker.session.outcome(question.id)
            assert (outcome.fate, outcome.answered) == ("answered", answered[-1][1])
            assert world.effects[-1] == (number, answered[-1][1].value)
        worker.retire("over")
        rows = saver._reader.rows("SELECT count(*), count(DISTINCT key) FROM journal WHERE kind = 'answered'")
        assert rows == [(number + 1, number + 1)]


def test_compacting_while_others_commit_makes_them_wait_and_refuses_nobody(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        running = threading.Event()

        def commit(runner):
            key = ThreadKey(f"t{runner}")
            for n in range(100):
                parent = f"c{n - 1}" if n else None
                saver.commit(key, Checkpoint(f"c{n}", parent, n, "loop", {"n": n}, changed=("n",)))
                running.set()
            return len(list(saver.history(key)))

        with ThreadPoolExecutor(3) as pool:
            commits = [pool.submit(commit, runner) for runner in range(3)]
            running.wait(20)
            for _ in range(5):
                saver.compact()
            assert [one.result(timeout=60) for one in commits] == [100, 100, 100]


def test_of_several_processes_one_gets_the_file_and_the_others_are_told_who_has_it(tmp_path):
    (races,) = side_by_side(tmp_path, [("openers", "15")])
    for race in races:
        assert len(race["owners"]) == 1
        (owner,) = race["owners"]
        assert len(race["refused"]) == 3
        assert race["commits"] == [str(owner)]
        for text in race["refused"]:
            # The note is written just after the lock is taken: for that moment the owner has no name.
            assert f"in use by process {owner}" in text or "in use by another process:" in text
            assert "snapshot" in text


def test_the_command_line_is_no_second_writer(tmp_path):
    path = tmp_path / "t.duckdb"
    with DuckDBSaver(path) as saver:
        world = World(saver)
        checkpoint, question = world.question()
        for arguments, code in ((["threads", str(path)], 0), (["compact", str(path)], 1)):
            command = [sys.executable, "-m", "nbhitl.cli", *arguments]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == code, done
            assert "Traceback" not in done.stdout + done.stderr
            assert code == 0 or "is in use by process" in done.stderr
        by_saver(world, 1, checkpoint, question.id)
        world.graph.invoke(None, CONFIG)
        assert world.effects == [(0, "runner 1")]
