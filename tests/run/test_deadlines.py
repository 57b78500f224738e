"""Questions with a deadline: defaults that count, answers that come too late, and nobody's clock but ours."""

import operator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypedDict

import pytest

from nbhitl import START, Command, NbhitlError, SchemaError, StateGraph, UnknownInterruptError, interrupt
from nbhitl.calls import CallOptions
from nbhitl.engine.errors import InterruptExpired
from nbhitl.engine.records import Answered, ThreadKey
from nbhitl.run.drive import drive

NOON = 1_000_000_000_000_000


class FakeClock:
    def __init__(self):
        self.at = NOON

    def now(self):
        return self.at

    def wait(self, seconds):
        self.at += int(seconds * 1_000_000)


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make(saver, clock):
    """Compiles a graph whose nodes all run at once, with a clock that we set."""

    def compiled(**nodes):
        built = StateGraph(State)
        for name, action in nodes.items():
            built.add_node(name, action).add_edge(START, name)
        return timed(built.compile(saver), clock)

    return compiled


def timed(graph, clock):
    graph.calls = replace(graph.calls, world=replace(graph.calls.world, clock=clock))
    return graph


def asks(**more):
    return lambda state: {"log": [interrupt("sure?", **more)]}


def test_an_answer_in_time_counts(make, clock, config):
    graph = make(ask=asks(deadline=60, default="nobody"))
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    assert asked.deadline == "2001-09-09T01:47:40+00:00"
    clock.wait(59)
    assert graph.invoke(Command(resume="me"), config)["log"] == ["me"]


def test_after_the_deadline_the_default_counts_when_somebody_goes_on(make, clock, saver, config):
    graph = make(ask=asks(deadline=60, default="nobody"))
    graph.invoke({}, config)
    at = saver.load(ThreadKey("t")).checkpoint.id
    clock.wait(60)
    assert graph.get_state(config).next == ("ask",)  # a pause has no clock of its own
    assert graph.invoke(None, config)["log"] == ["nobody"]
    (answer,) = saver.load(ThreadKey("t"), at).answers.values()
    assert (answer.value, answer.via, answer.at) == ("nobody", "deadline", NOON + 60_000_000)


def test_going_on_before_the_deadline_waits_still(make, clock, config):
    graph = make(ask=asks(deadline=60, default="nobody"))
    graph.invoke({}, config)
    clock.wait(59)
    assert graph.invoke(None, config)["__interrupt__"]


def test_none_may_be_the_default(make, clock, config):
    graph = make(ask=asks(deadline=1, default=None))
    graph.invoke({}, config)
    clock.wait(2)
    assert graph.invoke(None, config)["log"] == [None]


def test_without_a_default_the_node_fails(make, clock, config):
    graph = make(ask=asks(deadline=60))
    graph.invoke({}, config)
    clock.wait(61)
    with pytest.raises(InterruptExpired, match="nobody answered the question of node 'ask' in time: 'sure"):
        graph.invoke(None, config)
    assert graph.get_state(config).metadata["stop"] == "failed"
    with pytest.raises(InterruptExpired):
        graph.invoke(None, config)  # once late, always late


def test_a_node_may_catch_that_nobody_came(make, clock, config):
    def body(state):
        try:
            return {"log": [interrupt("sure?", deadline=1)]}
        except InterruptExpired:
            return {"log": ["alone"]}

    graph = make(body=body)
    graph.invoke({}, config)
    clock.wait(2)
    assert graph.invoke(None, config)["log"] == ["alone"]


@pytest.mark.parametrize(("more", "said"), [({"default": 1}, "its default counts"), ({}, "it has expired")])
def test_an_answer_that_comes_too_late_is_refused_and_nothing_is_recorded(more, said, make, clock, saver, config):
    graph = make(ask=asks(deadline=60, **more))
    graph.invoke({}, config)
    clock.wait(60)
    before = saver.load(ThreadKey("t"))
    with pytest.raises(UnknownInterruptError, match=f"answered by 2001-09-09 01:47:40 UTC, and {said}: call with None"):
        graph.invoke(Command(resume="late"), config)
    assert saver.load(ThreadKey("t")) == before


def test_the_deadline_of_a_question_that_is_asked_again_stays(make, clock, config):
    tries = []

    def body(state):
        tries.append(1)
        return {"log": [interrupt("1?", key="one"), interrupt("2?", deadline=60, default="d")]}

    graph = make(body=body)
    graph.invoke({}, config)
    graph.invoke(Command(resume="y"), config)
    clock.wait(30)
    graph.invoke(Command(update={"x": 1}), config)  # the body runs again and asks the same
    assert len(tries) == 3
    clock.wait(30)
    assert graph.invoke(None, config)["log"] == ["y", "d"]


def test_one_late_question_of_two_takes_its_default_and_the_other_waits(make, clock, config):
    graph = make(late=asks(deadline=1, default="d"), slow=lambda state: {"log": [interrupt("slow?", deadline=99)]})
    graph.invoke({}, config)
    clock.wait(2)
    (left,) = graph.invoke(None, config)["__interrupt__"]
    assert left.value == "slow?"
    assert graph.invoke(Command(resume="s"), config)["log"] == ["d", "s"]


@pytest.mark.parametrize(
    ("deadline", "shown"),
    [
        (0.5, "2001-09-09T01:46:40.500000+00:00"),
        (timedelta(hours=1), "2001-09-09T02:46:40+00:00"),
        (datetime(2001, 9, 9, 5, tzinfo=UTC), "2001-09-09T05:00:00+00:00"),
    ],
)
def test_a_deadline_is_seconds_a_timedelta_or_a_moment(deadline, shown, make, config):
    (asked,) = make(ask=asks(deadline=deadline)).invoke({}, config)["__interrupt__"]
    assert asked.deadline == shown


def test_a_moment_without_a_zone_is_local(make, config):
    local = datetime(2001, 9, 9, 5)  # noqa: DTZ001 - what this is about
    (asked,) = make(ask=asks(deadline=local)).invoke({}, config)["__interrupt__"]
    assert datetime.fromisoformat(asked.deadline) == local.astimezone()


def test_a_moment_that_has_passed_is_late_at_once(make, config):
    graph = make(ask=asks(deadline=datetime(1999, 1, 1, tzinfo=UTC), default="d"))
    assert graph.invoke({}, config)["log"] == ["d"]


@pytest.mark.parametrize("deadline", [0, -1, True, "soon", float("nan"), float("inf"), timedelta(0)])
def test_what_is_no_deadline_fails_the_node(deadline, make, config):
    with pytest.raises(NbhitlError, match=r"interrupt\(deadline=.*give seconds from now \(above 0\)"):
        make(ask=asks(deadline=deadline)).invoke({}, config)


def test_a_default_without_a_deadline_fails_the_node(make, config):
    with pytest.raises(NbhitlError, match="give deadline= as well"):
        make(ask=asks(default=1)).invoke({}, config)


def test_a_default_is_checked_like_an_answer_and_typed_like_one(make, clock, config):
    with pytest.raises(SchemaError, match="default='maybe'"):
        make(ask=asks(deadline=1, default="maybe", response_schema=Literal["yes", "no"])).invoke({}, config)
    graph = make(ask=asks(deadline=1, default=3, response_schema=float))
    graph.invoke({}, other := {"configurable": {"thread_id": "u"}})
    clock.wait(2)
    assert graph.invoke(None, other)["log"] == [3.0]


def test_nobody_may_pretend_that_nobody_answered(make, config):
    graph = make(ask=asks(deadline=60, default="d"))
    graph.invoke({}, config)
    with pytest.raises(NbhitlError, match="via='deadline' says that nobody answered in time"):
        graph.calls.prepare(Command(resume=1), config, CallOptions(via="deadline"))


def test_whoever_is_just_in_time_wins_over_the_default(make, clock, saver, config):
    graph = make(ask=asks(deadline=1, default="d"))
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    at = saver.load(ThreadKey("t")).checkpoint.id
    clock.wait(2)
    run = graph.calls.prepare(None, config)
    saver.answer(ThreadKey("t"), at, [Answered(asked.id, "me")])  # another process, meanwhile
    for _ in drive(run):
        pass
    assert saver.load(ThreadKey("t"), at).answers[asked.id].value == "me"
    assert graph.get_state(config).values["log"] == ["me"]


def test_a_question_in_a_sub_graph_has_a_deadline_too(saver, clock, config):
    inner = StateGraph(State).add_node("ask", asks(deadline=60, default="d")).add_edge(START, "ask").compile()
    graph = timed(StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(saver), clock)
    graph.invoke({}, config)
    clock.wait(61)
    with pytest.raises(UnknownInterruptError, match="its default counts"):
        graph.invoke(Command(resume="late"), config)
    assert graph.invoke(None, config)["log"] == ["d"]
