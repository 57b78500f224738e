"""`jump`: a person says which node is next; what was due is dropped, what was done counts."""

from nbhitl.engine.description import WaitingEdge
from nbhitl.engine.edits import jump
from nbhitl.engine.moves import commit
from nbhitl.engine.records import EMPTY, START, Asked, Checkpoint, Position, Superseded, Task, Wrote
from tests.engine.literals import at, graph

FAN = graph({START: ("a", "b")}, waiting=(WaitingEdge(("a", "b"), "c"), WaitingEdge(("b", "c"), "d")))
WROTE_B = Wrote("k:1", (("log", ["b"]),))


def test_one_node_is_due_and_nothing_else():
    old = at("a", "b", step=4, ran=("d",), values={"log": ["d"]}, deferred=("c",))
    assert jump(FAN, old, "d", id="m", at=7, code="c") == (
        Checkpoint("m", "k", 5, "update", {"log": ["d"]}, (Task("m:0", "d"),), ("d",), (), EMPTY, 7, code="c"),
        [],
    )


def test_what_finished_siblings_wrote_is_merged():
    made, _ = jump(FAN, at("a", "b", values={"log": ["x"]}).after([WROTE_B]), "d", id="m", at=0)
    assert (made.values, made.ran, made.changed) == ({"log": ["x", "b"]}, ("b",), ("log",))
    assert made.arrived == {"a+b:c": frozenset("b")}, "b+c:d leads to d, and is used up by it"


def test_a_waiting_edge_that_a_jump_completes_is_not_lost():
    made, _ = jump(FAN, at("a", "b", values={"log": []}).after([WROTE_B]), "a", id="m", at=0)
    then = commit(FAN, Position(made).after([Wrote("m:0", (("log", ["a"]),))]), id="n", at=0)
    assert ([task.node for task in then.tasks], then.values) == (["c"], {"log": ["b", "a"]})


def test_open_questions_are_closed():
    old = at("a", "b", values={"log": []}).after([Asked("k:0", "q", "sure?"), WROTE_B])
    made, entries = jump(FAN, old, "d", id="m", at=0)
    assert entries == [Superseded("q")]
    assert Position(made).after(entries).pending == ()
