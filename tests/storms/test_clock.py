"""A clock that goes back, stands still or jumps changes what is shown, nothing else: the sequence gives the order."""

import random
from dataclasses import replace

import pytest

from nbhitl import START, Command, DuckDBSaver, InMemorySaver, StateGraph, interrupt
from nbhitl.engine.errors import AlreadyAnsweredError
from nbhitl.engine.records import ThreadKey
from tests.storms import world
from tests.storms.stops import Notes

HOUR = 3_600_000_000
NOON = 1_700_000_000_000_000
CLOCKS = {
    "steady": lambda n: NOON + n * 1000,
    "an hour back at every look": lambda n: NOON - n * HOUR,
    "an hour back once": lambda n: NOON + n * 1000 - (HOUR if n > 20 else 0),
    "daylight saving, there and back": lambda n: NOON + n * 1000 + (HOUR if n // 10 % 2 else 0),
    "stands still": lambda n: NOON,
    "zero": lambda n: 0,
    "anything": lambda n: random.Random(n).randrange(NOON),
}


class Clock:
    """Tells a time for each look."""

    def __init__(self, tell):
        self.tell, self.looks = tell, 0

    def now(self):
        self.looks += 1
        return self.tell(self.looks)


def clocked(graph, clock):
    graph.calls = replace(graph.calls, world=replace(graph.calls.world, clock=clock))
    return graph


@pytest.fixture(params=["memory", "duckdb"])
def homes(request, tmp_path):
    """What remembers the threads, and the same as another process finds it."""
    made = [InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")]

    def again():
        if request.param == "duckdb":
            made[-1].close()
            made.append(DuckDBSaver(tmp_path / "t.duckdb"))
        return made[-1]

    yield made[0], again
    made[-1].close()


def seen(saver, graph, threads):
    """All that has an order."""
    found = [world.told(graph, thread) for thread in threads], [info.key.thread for info in saver.threads()]
    if isinstance(saver, DuckDBSaver):
        found += (
            saver.sql("SELECT thread, question, answer FROM answers").rows,
            saver.sql("SELECT thread, step, source, ran FROM steps").rows,
            saver.sql("SELECT step, source FROM history('b')").rows,
            saver.sql("SELECT thread, status, step, checkpoints FROM threads").rows,
            saver.sql("SELECT thread, node, value FROM interrupts").rows,
            saver.sql("SELECT thread, branch, step, current FROM branches").rows,
        )
    return found


def play(homes, tell):
    """Two threads in turns, in several processes, and a fork."""
    saver, again = homes
    clock = Clock(tell)
    graph = clocked(world.build(Notes()).compile(saver), clock)
    for turn in range(8):
        for thread in ("a", "b"):
            if (given := world.due(graph, thread)) is not world.END:
                graph.invoke(given, world.config(thread), durability=("sync", "async")[turn % 2])
        saver = again()
        graph = clocked(world.build(Notes()).compile(saver), clock)
    old = list(graph.get_state_history(world.config("a")))[6]
    graph.invoke(None, old.config)
    assert clock.looks > 50
    assert saver.load(ThreadKey("a")).checkpoint.step > 6
    return seen(saver, graph, ("a", "b"))


@pytest.mark.parametrize("how", CLOCKS)
def test_order_newest_and_answers_do_not_depend_on_the_clock(homes, how, tmp_path):
    with DuckDBSaver(tmp_path / "steady.duckdb") as steady:
        expected = play((steady, lambda: steady), CLOCKS["steady"])
    found = play(homes, CLOCKS[how])
    assert found == expected[: len(found)]
    assert found[1] == ["a", "b"]


def asking(saver, clock):
    def ask(state):
        return {"got": interrupt("when?", deadline=1800, default="too late")}

    built = StateGraph(dict).add_node("ask", ask).add_edge(START, "ask")
    return clocked(built.compile(saver), clock)


def test_a_clock_that_goes_back_gives_more_time_and_expires_nothing(homes):
    saver, again = homes
    at = [NOON]
    clock = Clock(lambda n: at[0])
    asking(saver, clock).invoke({"n": 1}, world.config("t"))
    at[0] -= HOUR
    graph = asking(again(), clock)
    assert graph.get_state(world.config("t")).interrupts[0].value == "when?"
    (question,) = graph.get_state(world.config("t")).interrupts
    assert graph.invoke(Command(resume={question.id: "now"}), world.config("t")) == {"got": "now"}


def test_a_clock_that_goes_back_does_not_undo_a_deadline_that_has_passed(homes):
    saver, again = homes
    at = [NOON]
    clock = Clock(lambda n: at[0])
    graph = asking(saver, clock)
    graph.invoke({"n": 1}, world.config("t"))
    (question,) = saver.load(ThreadKey("t")).pending
    assert question.deadline == NOON + HOUR // 2
    at[0] += HOUR
    assert graph.invoke(None, world.config("t")) == {"got": "too late"}
    at[0] -= 2 * HOUR
    saver = again()
    place = next(p for p in saver.history(ThreadKey("t")) if question.id in p.answers)
    assert (place.answers[question.id].via, place.pending) == ("deadline", ())
    with pytest.raises(AlreadyAnsweredError, match="deadline"):
        saver.answer(
            ThreadKey("t"), place.checkpoint.id, [replace(place.answers[question.id], value="now", via="form")]
        )
