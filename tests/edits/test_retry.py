"""After a failure only what failed runs again: `Session.retry`, and what it says of the nodes that raised."""

import pytest

from nbhitl import DuckDBSaver, InMemorySaver, once
from nbhitl.engine.errors import NbhitlError
from nbhitl.session import Session
from tests.edits.homes import asks, row, says, side_by_side


@pytest.fixture(params=["memory", "duckdb"])
def saver(request, tmp_path):
    made = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


def on(saver, built):
    return Session(built.compile(saver), "t")


class Node:
    """Raises the first so many times; counts how often it ran."""

    def __init__(self, text, fails=0):
        self.text, self.fails, self.ran = text, fails, 0

    def __call__(self, state):
        self.ran += 1
        if self.ran <= self.fails:
            raise ValueError(f"{self.text} {self.ran}")
        return {"log": [self.text]}


def test_siblings_that_finished_are_not_repeated(saver):
    good, bad, last = Node("good"), Node("bad", fails=2), Node("last")
    built = side_by_side(good=good, bad=bad).add_node("last", last).add_edge(["good", "bad"], "last")
    session = on(saver, built)
    assert session.go({"x": 1}).reason == "failed"
    ran = good.ran
    assert session.failed_nodes()[0] == (["bad"] if ran else ["bad", "good"])
    assert session.retry().reason == "failed"
    assert session.retry().reason == "finished"
    assert (good.ran, bad.ran, last.ran) == (1, 3, 1)
    assert sorted(session.state().values["log"]) == ["bad", "good", "last"]


def test_another_session_retries_after_the_kernel_has_ended(tmp_path):
    bad, first = Node("bad", fails=1), Node("first")
    saver = DuckDBSaver(tmp_path / "t.duckdb")
    on(saver, row(first=first, bad=bad)).go({"x": 1})
    saver.close()
    saver = DuckDBSaver(tmp_path / "t.duckdb")
    session = on(saver, row(first=first, bad=bad))
    assert session.failed_nodes() == (["bad"], [])
    assert session.retry().reason == "finished"
    assert (first.ran, bad.ran) == (1, 2)
    saver.close()


def test_inside_a_sub_graph_only_the_node_that_failed_runs_again(saver):
    first, bad = Node("first"), Node("bad", fails=1)
    session = on(saver, row(begin=says("begin"), sub=row(first=first, bad=bad).compile(name="sub")))
    assert session.go({"x": 5}).reason == "failed"
    (failure,) = session.failures
    assert (failure.node, failure.step, str(failure.error)) == ("sub/bad", 1, "bad 1")
    assert "x: 5" in failure.given
    assert session.retry().reason == "finished"
    assert (first.ran, bad.ran) == (1, 2)
    assert session.failures == ()


def test_an_effect_that_was_had_before_the_failure_is_not_had_again(saver):
    sent, tries = [], []

    def send(state):
        once("mail", sent.append, "mail")
        tries.append(1)
        if len(tries) == 1:
            raise OSError("gone")
        return {"log": ["sent"]}

    session = on(saver, row(send=send))
    assert session.go({"x": 1}).reason == "failed"
    assert session.retry().reason == "finished"
    assert (len(sent), len(tries)) == (1, 2)


def test_a_question_beside_a_failure_stays_open_and_its_node_is_not_run(saver):
    bad = Node("bad", fails=1)
    session = on(saver, side_by_side(ask=asks("sure?"), bad=bad))
    assert session.go({"x": 1}).reason == "failed"
    if not session.pending():
        pytest.skip("the failure came before the question was asked")
    assert session.failed_nodes() == (["bad"], [])
    assert session.retry().reason == "interrupted"
    assert bad.ran == 2


@pytest.mark.parametrize("run", [False, True])
def test_there_is_nothing_to_retry_where_nothing_failed(saver, run):
    session = on(saver, row(ask=asks("sure?")))
    if run:
        session.go({"x": 1})
    with pytest.raises(NbhitlError, match="nothing failed on thread 't'"):
        session.retry()


def test_a_failed_merge_belongs_to_no_node(saver):
    def writes(value):
        return lambda state: {"x": value}

    session = on(saver, side_by_side(a=writes(1), b=writes(2)))
    assert session.go({"log": []}).reason == "failed"
    (failure,) = session.failures
    assert failure.node == ""
    assert "merged" in failure.place


def test_the_same_error_object_raised_again_is_named_by_its_node_once(saver):
    error = ValueError("always the same")

    def bad(state):
        raise error

    session = on(saver, row(sub=row(bad=bad).compile(name="sub", checkpointer=False)))
    for _ in range(3):
        session.go({"x": 1} if session.position is None else None)
        assert [failure.node for failure in session.failures] == ["sub/bad"]
