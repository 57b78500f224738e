"""Positions: what entries come to when they are folded in."""

import dataclasses

import pytest

from nbhitl.engine.records import (
    EMPTY,
    MISSING,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entered,
    Failed,
    Held,
    Kept,
    Position,
    Reopened,
    Send,
    Stopped,
    Superseded,
    Task,
    ThreadKey,
    Wrote,
)
from tests.engine.literals import at

Q, R = Asked("k:0", "q", "1?"), Asked("k:0", "r", "2?", ordinal=1)
HERE = at("a", "b")


def test_a_thread_is_shown_with_its_graph():
    assert str(ThreadKey("t")) == "t"
    assert str(ThreadKey("t", "demo")) == "demo/t"


def test_no_value_shows_its_name():
    assert repr(MISSING) == "MISSING"


def test_a_task_that_continues_another_has_its_root():
    assert Task("k:0", "a").root == "k:0"
    assert Task("m:0", "a", origin="k:0").root == "k:0"


@pytest.mark.parametrize(
    "made", [Task("k:0", "a"), Checkpoint("k", None, 0, "loop"), Wrote("k:0"), HERE, Send("a", 1), Q]
)
def test_what_is_remembered_is_frozen_and_compares_by_value(made):
    assert made == dataclasses.replace(made)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(made)[0].name, "z")
    assert not hasattr(made, "__dict__")


def test_folding_leaves_the_position_before_as_it_was():
    HERE.after([Q, Wrote("k:1"), Kept("k:0", "e", 1), Entered("k:0", 0, "a:k:0")])
    assert Position(HERE.checkpoint) == HERE
    assert (HERE.wrote, HERE.asked, HERE.kept) == (EMPTY, EMPTY, EMPTY)


def test_one_entry_at_a_time_or_all_at_once_come_to_the_same():
    entries = [
        Q,
        Kept("k:0", "e", 1),
        Entered("k:0", 0, "a:k:0", "h"),
        Failed("k:1", "E", "e"),
        Stopped("failed"),
        Continued(),
        Answered("q", 1),
        R,
        Superseded("r"),
        Held("k:1", "before b"),
        Reopened("k:0"),
        Wrote("k:0"),
    ]
    one_by_one = HERE
    for entry in entries:
        one_by_one = one_by_one.after([entry])
    assert HERE.after(entries) == one_by_one


def test_a_finished_task_is_neither_parked_nor_failed():
    position = HERE.after([Q, Failed("k:0", "E", "e"), Q, Wrote("k:0")])
    assert (position.parked, position.failed, position.wrote) == (frozenset(), {}, {"k:0": Wrote("k:0")})


def test_a_question_parks_its_task_and_an_answer_lets_it_go():
    position = HERE.after([Q])
    assert (position.asked, position.parked, position.pending) == ({"k:0": (Q,)}, frozenset({"k:0"}), (Q,))
    position = position.after([Answered("q", 1)])
    assert (position.answers, position.parked, position.pending) == ({"q": Answered("q", 1)}, frozenset(), ())


def test_pending_questions_stand_in_task_order_oldest_first():
    other = Asked("k:1", "s", "3?")
    assert HERE.after([other, Q, R]).pending == (Q, R, other)


def test_a_question_that_was_asked_before_is_the_same_one():
    position = HERE.after([Q, Answered("q", 1), Q])
    assert (position.asked, position.parked) == ({"k:0": (Q,)}, frozenset())


def test_a_question_of_a_sub_graph_that_moved_on_takes_the_place_of_what_was_known_of_it():
    old, new = dataclasses.replace(Q, ns="a:k:0", head="1"), dataclasses.replace(Q, ns="a:k:0", head="2")
    assert HERE.after([old, R, new]).asked == {"k:0": (new, R)}


def test_an_answer_to_nothing_that_was_asked_is_kept_and_parks_nobody():
    assert HERE.after([Answered("z", 1)]).answers == {"z": Answered("z", 1)}


def test_a_superseded_question_is_not_pending_until_it_is_asked_again():
    position = HERE.after([Q, R, Superseded("q", "r")])
    assert (position.pending, position.superseded) == ((R,), {"q": "r"})
    assert position.after([Q]).pending == (Q, R)


def test_the_questions_of_a_task_that_wrote_are_not_pending():
    assert HERE.after([Q, Wrote("k:0")]).pending == ()


def test_a_reopened_task_is_not_parked_and_its_question_stays_open():
    position = HERE.after([Q, Reopened("k:0")])
    assert (position.parked, position.pending) == (frozenset(), (Q,))


def test_a_failure_lets_a_parked_task_go():
    position = HERE.after([Q, Failed("k:0", "E", "e")])
    assert (position.parked, position.failed) == (frozenset(), {"k:0": Failed("k:0", "E", "e")})


def test_going_on_forgets_failures_and_the_stop():
    position = HERE.after([Failed("k:0", "E", "e"), Stopped("failed", "a failed")])
    assert position.stopped == Stopped("failed", "a failed")
    position = position.after([Continued()])
    assert (position.failed, position.stopped, position.passed, position.untouched) == ({}, None, False, True)


def test_going_on_at_a_breakpoint_passes_it_and_so_does_a_replay():
    assert HERE.after([Stopped("breakpoint"), Continued()]).passed
    assert HERE.after([Continued(passed=True)]).passed
    assert HERE.after([Continued(passed=True), Stopped("drained"), Continued()]).passed
    assert not HERE.after([Stopped("drained"), Continued()]).passed


def test_going_on_releases_each_task_that_a_breakpoint_held_for_that_place():
    position = HERE.after([Held("k:0", "before a"), Held("k:1", "after b", "after")])
    assert position.held == {"k:0": Held("k:0", "before a"), "k:1": Held("k:1", "after b", "after")}
    position = position.after([Stopped("breakpoint"), Continued()])
    assert (position.held, position.released) == ({}, frozenset({("k:0", "before"), ("k:1", "after")}))


def test_effects_and_calls_of_sub_graphs_are_kept_by_task_and_the_newest_counts():
    first, second = Entered("k:0", 0, "a:k:0", "h"), Entered("k:0", 0, "a:k:0", "i")
    other = Entered("k:0", 1, "a:k:0:1", "j")
    position = HERE.after([Kept("k:0", "e", 1), first, other, second, Kept("k:0", "f", None), Kept("k:1", "e", 2)])
    assert position.kept == {"k:0": {"e": 1, "f": None}, "k:1": {"e": 2}}
    assert position.entered == {"k:0": {0: second, 1: other}}


@pytest.mark.parametrize(
    ("entry", "untouched"),
    [
        (Wrote("k:0"), False),
        (Q, False),
        (Failed("k:0", "E", "e"), False),
        (Held("k:0", "before a"), False),
        (Entered("k:0", 0, "a:k:0"), False),
        (Kept("k:0", "e", 1), False),
        (Stopped("drained"), True),
        (Continued(), True),
    ],
)
def test_what_touches_a_position(entry, untouched):
    assert HERE.after([entry]).untouched is untouched


def test_a_task_that_was_released_has_been_touched():
    assert not HERE.after([Held("k:0", "before a"), Continued()]).untouched
