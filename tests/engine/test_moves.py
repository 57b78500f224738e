"""The law, tested with literals and ``==``."""

import operator

import pytest

from nbhitl.engine import moves
from nbhitl.engine.channels import BinaryOperatorAggregate, LastValue
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge, problems
from nbhitl.engine.edits import branch, rebase
from nbhitl.engine.errors import InvalidUpdateError
from nbhitl.engine.moves import Commit, Fail, Finish, Perform, Rules, Wait, begin, commit, next_move
from nbhitl.engine.records import (
    END,
    START,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Failed,
    Position,
    Send,
    Stopped,
    Task,
    Wrote,
)

LOG = BinaryOperatorAggregate(list, operator.add)


def graph(edges, *, waiting=(), routers=None, nodes=("a", "b", "c", "d")):
    return Graph(
        nodes={name: Node(name, lambda state: None) for name in nodes},
        channels={"x": LastValue(), "log": LOG},
        edges=edges,
        routers=routers or {},
        waiting=waiting,
        input_keys=frozenset({"x", "log"}),
        output_keys=frozenset({"x", "log"}),
    )


LINE = graph({START: ("a",), "a": ("b",), "b": (END,)})
FREE = Rules(last_step=100)


def at(*nodes, step=0, **more):
    """A position whose next tasks are ``nodes``, at checkpoint k."""
    tasks = tuple(Task(f"k:{n}", node) for n, node in enumerate(nodes))
    return Position(Checkpoint("k", None, step, "loop", tasks=tasks, **more))


def test_due_tasks_are_performed():
    assert next_move(LINE, at("a"), FREE) == Perform((Task("k:0", "a"),))


def test_without_tasks_the_run_finishes():
    assert next_move(LINE, at(), FREE) == Finish()


def test_a_step_is_committed_when_every_task_has_written():
    position = at("a", "b").after([Wrote("k:1"), Wrote("k:0")])
    assert next_move(LINE, position, FREE) == Commit()


def test_a_question_waits_until_its_siblings_have_ended():
    position = at("a", "b").after([Asked("k:0", "q", "sure?")])
    assert next_move(LINE, position, FREE) == Perform((Task("k:1", "b"),))
    position = position.after([Wrote("k:1")])
    assert next_move(LINE, position, FREE) == Wait("interrupted", "a waits for an answer")


def test_an_answered_task_runs_again_and_a_sibling_without_an_answer_stays_parked():
    position = at("a", "b").after([Asked("k:0", "q", "1?"), Asked("k:1", "r", "2?"), Answered("q", "yes")])
    assert next_move(LINE, position, FREE) == Perform((Task("k:0", "a"),))
    position = position.after([Wrote("k:0")])
    assert next_move(LINE, position, FREE) == Wait("interrupted", "b waits for an answer")


@pytest.mark.parametrize("answer", [False, 0, "", None])
def test_a_falsy_answer_is_an_answer(answer):
    position = at("a").after([Asked("k:0", "q", "?"), Answered("q", answer)])
    assert next_move(LINE, position, FREE) == Perform((Task("k:0", "a"),))


def test_the_first_answer_wins():
    position = at("a").after([Asked("k:0", "q", "?"), Answered("q", 1), Answered("q", 2)])
    assert position.answers == {"q": Answered("q", 1)}


def test_a_failed_task_fails_the_run_after_its_siblings_ended_and_is_tried_again_when_the_run_continues():
    broken = Failed("k:0", "KeyError", "KeyError: 'x'")
    position = at("a", "b").after([broken, Wrote("k:1", (("x", 1),))])
    assert next_move(LINE, position, FREE) == Fail((broken,))
    position = position.after([Stopped("failed"), Continued()])
    assert next_move(LINE, position, FREE) == Perform((Task("k:0", "a"),))
    assert position.wrote == {"k:1": Wrote("k:1", (("x", 1),))}


def test_a_breakpoint_before_a_node_holds_the_step_until_the_run_continues():
    rules = Rules(last_step=100, before=frozenset({"b"}))
    position = at("a", "b")
    assert next_move(LINE, position, rules) == Wait("breakpoint", "at the breakpoint before b")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, rules) == Perform((Task("k:0", "a"), Task("k:1", "b")))


def test_a_breakpoint_after_a_node_holds_the_run_also_at_its_end():
    rules = Rules(last_step=100, after=frozenset({"b"}))
    assert next_move(LINE, at(ran=("b",)), rules) == Wait("breakpoint", "at the breakpoint after b")
    assert next_move(LINE, at(ran=("a",)), rules) == Finish()


def test_a_breakpoint_does_not_hold_a_step_that_has_begun():
    rules = Rules(last_step=100, before=frozenset({"b"}))
    position = at("a", "b").after([Wrote("k:0")])
    assert next_move(LINE, position, rules) == Perform((Task("k:1", "b"),))


def test_continuing_after_a_failure_does_not_pass_a_breakpoint():
    rules = Rules(last_step=100, before=frozenset({"a"}))
    position = at("a").after([Stopped("failed"), Continued()])
    assert next_move(LINE, position, rules) == Wait("breakpoint", "at the breakpoint before a")


def test_the_recursion_limit_stops_before_the_step_begins():
    move = next_move(LINE, at("a", step=100), FREE)
    assert isinstance(move, Fail)
    assert move.failures[0].error == "GraphRecursionError"
    assert "recursion_limit" in move.failures[0].text


def test_new_input_is_a_task_of_its_own_and_reducers_start_empty():
    assert begin(LINE, {"x": 1}, previous=None, id="i", at=7) == Checkpoint(
        "i", None, -1, "input", {"log": []}, (Task("i:0", START, {"x": 1}),), changed=("log",), at=7
    )


def test_a_commit_merges_in_task_order_whatever_order_the_tasks_ended_in():
    fan = graph({START: ("a", "b"), "a": ("c",), "b": ("c",)})
    position = at("a", "b", values={"log": ["s"]}).after(
        [Wrote("k:1", (("log", ["b"]),)), Wrote("k:0", (("log", ["a"]), ("x", 1)))]
    )
    assert commit(fan, position, id="m", at=9) == Checkpoint(
        "m", "k", 1, "loop", {"log": ["s", "a", "b"], "x": 1}, (Task("m:0", "c"),), ("a", "b"), ("log", "x"), at=9
    )


def test_two_writes_to_a_key_without_reducer_are_refused_with_the_cure():
    position = at("a", "b").after([Wrote("k:0", (("x", 1),)), Wrote("k:1", (("x", 2),))])
    with pytest.raises(InvalidUpdateError, match=r"'x' got 2 values in one step.*reducer"):
        commit(LINE, position, id="m", at=0)


def test_an_unknown_key_is_refused_with_a_suggestion():
    position = at("a").after([Wrote("k:0", (("lgo", 1),))])
    with pytest.raises(InvalidUpdateError, match="Did you mean 'log'"):
        commit(LINE, position, id="m", at=0)


def test_a_waiting_edge_is_taken_when_all_its_sources_have_run_and_then_starts_anew():
    wait = graph({START: ("a",), "a": ("b",)}, waiting=(WaitingEdge(("a", "b"), "c"),))
    first = commit(wait, at("a").after([Wrote("k:0")]), id="m", at=0)
    assert (first.tasks, first.arrived) == ((Task("m:0", "b"),), {"a+b:c": frozenset({"a"})})
    second = commit(wait, Position(first).after([Wrote("m:0")]), id="n", at=0)
    assert (second.tasks, second.arrived) == ((Task("n:0", "c"),), {"a+b:c": frozenset({"a", "b"})})
    third = commit(wait, Position(second).after([Wrote("n:0")]), id="o", at=0)
    assert (third.tasks, third.arrived) == ((), {})


def test_tasks_are_due_once_each_in_the_order_of_their_names_and_sends_follow():
    fan = graph({"a": ("d", "b"), "b": ("d",)})
    position = at("a", "b").after([Wrote("k:0", (), (Send("c", 1), "b")), Wrote("k:1", (), (Send("c", 2), END))])
    made = commit(fan, position, id="m", at=0)
    assert made.tasks == (Task("m:0", "b"), Task("m:1", "d"), Task("m:2", "c", 1), Task("m:3", "c", 2))


def test_a_branch_repeats_the_tasks_of_an_old_checkpoint_under_new_ids():
    old = at("a", step=4, values={"x": 1}).checkpoint
    assert branch(old, id="f", at=5) == Checkpoint("f", "k", 5, "fork", {"x": 1}, (Task("f:0", "a"),), at=5)


def test_a_new_answer_at_an_old_question_keeps_earlier_answers_and_finished_siblings():
    asked = [Asked("k:0", "q1", "1?", binding="call 0"), Asked("k:0", "q2", "2?", ordinal=1, binding="call 1")]
    old = at("a", "b").after([asked[0], Answered("q1", "one"), asked[1], Answered("q2", "two"), Wrote("k:1")])
    onto = branch(old.checkpoint, id="f", at=0)
    new = Position(onto).after(rebase(old, onto, {"q2": Answered("q2", "TWO")}))
    assert sorted(a.value for a in new.answers.values()) == ["TWO", "one"]
    assert new.pending == ()
    assert next_move(LINE, new, FREE) == Perform((Task("f:0", "a"),))


def test_every_mistake_of_a_graph_is_reported_at_once():
    wrong = graph(
        {"a": ("bb",)},
        waiting=(WaitingEdge(("a", "x"), "b"),),
        routers={"c": (Router("c", len, {"k": "dd"}),)},
    )
    assert problems(wrong) == [
        "edge a -> bb: there is no node 'bb'. Did you mean 'b'?",
        "edge [a, x] -> b: there is no node 'x'. Known: 'a', 'b', 'c', 'd'.",
        "conditional edge from c: there is no node 'dd'. Did you mean 'd'?",
        "nothing follows START, so no node would run: add_edge(START, 'a').",
    ]


def test_a_preview_shows_one_tasks_own_writes_only():
    assert moves.preview(LINE, {"log": [1]}, [("log", [2])]) == {"log": [1, 2]}
