"""The law, tested with literals and ``==``."""

import pytest

from nbhitl.engine import moves
from nbhitl.engine.description import Router, WaitingEdge, problems
from nbhitl.engine.edits import branch, rebase
from nbhitl.engine.errors import InvalidUpdateError
from nbhitl.engine.moves import Commit, Expire, Fail, Finish, Perform, Rules, Wait, begin, commit, next_move
from nbhitl.engine.records import (
    END,
    START,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entered,
    Failed,
    Position,
    Send,
    Stopped,
    Task,
    Wrote,
)
from tests.engine.literals import FREE, at, graph

LINE = graph({START: ("a",), "a": ("b",), "b": (END,)})


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


def test_a_deadline_that_has_passed_lets_the_default_count_and_time_that_does_not_count_lets_none_pass():
    late, open_ = Asked("k:0", "q", "?", deadline=10, default=1), Asked("k:1", "r", "?", deadline=20)
    position = at("a", "b", "c").after([late, open_])
    assert next_move(LINE, position, FREE, now=10) == Expire((late,))
    assert next_move(LINE, position, FREE, now=20) == Expire((late, open_))
    assert next_move(LINE, position, FREE, now=9) == Perform((Task("k:2", "c"),))
    assert next_move(LINE, position, FREE) == Perform((Task("k:2", "c"),))


def test_an_answer_by_default_lets_the_task_run_again():
    position = at("a").after([Asked("k:0", "q", "?", deadline=10, default=1), Answered("q", 1, via="deadline")])
    assert next_move(LINE, position, FREE, now=99) == Perform((Task("k:0", "a"),))


def test_who_waits_for_how_many_answers_is_said_in_words():
    position = at("a", "b").after([Asked("k:0", "q", "?"), Asked("k:0", "r", "?", ordinal=1)])
    position = position.after([Asked("k:1", "s", "?", node="b/inner")])
    assert next_move(LINE, position, FREE) == Wait("interrupted", "a, b/inner wait for 3 answers")


def test_a_node_that_is_gone_fails_its_task_and_names_the_cures():
    move = next_move(LINE, at("a", "bb"), FREE)
    assert [(f.task, f.error) for f in move.failures] == [("k:1", "GraphChanged")]
    assert "node 'bb', which the graph no longer has. Did you mean 'b'?" in move.failures[0].text
    assert "rename={'bb': 'its new name'}" in move.failures[0].text


def test_the_input_needs_no_node():
    assert next_move(LINE, at(START), FREE) == Perform((Task("k:0", START),))


def test_with_nothing_due_a_touched_position_is_finished_too():
    assert next_move(LINE, at().after([Failed("", "E", "e")]), FREE) == Finish()


def test_what_a_checkpoint_waits_for_and_the_graph_no_longer_has_is_told_in_words():
    wait = graph({}, waiting=(WaitingEdge(("a", "b"), "c"),), defer=("d",))
    kept = at("a", arrived={"a+b:c": frozenset("a")}, deferred=("d",)).checkpoint
    assert moves.lost(wait, kept) is None
    gone = at("a", arrived={"a+z:c": frozenset("a")}).checkpoint
    assert "under way to node 'c' by an edge that waits for a, z, which" in moves.lost(wait, gone)
    gone = at("a", deferred=("dd",)).checkpoint
    assert "node 'dd', which the graph no longer has. Did you mean 'd'?" in moves.lost(wait, gone)


def test_new_input_keeps_the_state_and_drops_what_was_due():
    old = at("a", "b", step=4, values={"x": 1, "log": ["a"]}, deferred=("d",), children={"a": "h"}).checkpoint
    assert begin(LINE, {"x": 2}, previous=old, id="i", at=7, code="c") == Checkpoint(
        "i", "k", 5, "input", {"x": 1, "log": ["a"]}, (Task("i:0", START, {"x": 2}),), at=7, deferred=("d",),
        children={"a": "h"}, code="c",
    )  # fmt: skip


def test_new_input_keeps_edges_that_still_wait_and_drops_complete_and_vanished_ones():
    edges = (WaitingEdge(("a", "b"), "c"), WaitingEdge(("a", "b"), "d"))
    arrived = {"a+b:c": frozenset("a"), "a+b:d": frozenset("ab"), "a+z:c": frozenset("a")}
    old = at(arrived=arrived).checkpoint
    assert begin(graph({}, waiting=edges), {}, previous=old, id="i", at=0).arrived == {"a+b:c": frozenset("a")}


def test_a_full_waiting_edge_stays_due_until_its_target_has_run():
    wait = graph({}, waiting=(WaitingEdge(("a", "b"), "c"),))
    full = {"a+b:c": frozenset("ab")}
    made = commit(wait, at("d", arrived=full).after([Wrote("k:0")]), id="m", at=0)
    assert (made.tasks, made.arrived) == ((Task("m:0", "c"),), full)
    made = commit(wait, at("c", "d", arrived=full).after([Wrote("k:0"), Wrote("k:1")]), id="m", at=0)
    assert (made.tasks, made.arrived) == ((), {})


def test_a_deferred_node_waits_until_nothing_else_is_due():
    late = graph({"a": ("b", "d"), "b": ("c",), "c": ()}, defer=("d",))
    first = commit(late, at("a").after([Wrote("k:0")]), id="m", at=0)
    assert (first.tasks, first.deferred) == ((Task("m:0", "b"),), ("d",))
    second = commit(late, Position(first).after([Wrote("m:0")]), id="n", at=0)
    assert (second.tasks, second.deferred) == ((Task("n:0", "c"),), ("d",))
    third = commit(late, Position(second).after([Wrote("n:0")]), id="o", at=0)
    assert (third.tasks, third.deferred) == ((Task("o:0", "d"),), ())


def test_a_send_to_a_deferred_node_does_not_wait():
    late = graph({"a": ("d",)}, defer=("d",))
    made = commit(late, at("a").after([Wrote("k:0", (), (Send("d", 1),))]), id="m", at=0)
    assert (made.tasks, made.deferred) == ((Task("m:0", "d", 1),), ("d",))


def test_a_commit_notes_where_sub_graphs_that_remember_stand():
    entered = [Entered("k:0", 0, "a", "h1", remembers=True), Entered("k:0", 1, "a:k:0:1", "j")]
    entered += [Entered("k:0", 2, "a", "h2", remembers=True), Entered("k:0", 3, "a#1", "", remembers=True)]
    position = at("a", children={"a": "h0", "b": "g"}).after([*entered, Wrote("k:0")])
    assert commit(LINE, position, id="m", at=0).children == {"a": "h2", "b": "g"}
    assert commit(LINE, at("a", children={"b": "g"}).after([Wrote("k:0")]), id="m", at=0).children == {"b": "g"}


def test_the_code_of_a_commit_is_noted():
    assert commit(LINE, at("a").after([Wrote("k:0")]), id="m", at=0, code="c").code == "c"


def test_a_preview_shows_one_tasks_own_writes_only():
    assert moves.preview(LINE, {"log": [1]}, [("log", [2])]) == {"log": [1, 2]}
