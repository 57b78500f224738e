"""Checkpoints that people make: branches, writes half-way through a step, renamed nodes."""

import pytest

from nbhitl.engine.description import Router, WaitingEdge
from nbhitl.engine.edits import amend, branch, concerns, edit, rebase, renamed
from nbhitl.engine.moves import Commit, Perform, next_move
from nbhitl.engine.records import (
    END,
    START,
    Answered,
    Asked,
    Checkpoint,
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
    Wrote,
)
from tests.engine.literals import FREE, at, graph

FAN = graph({START: ("a", "b"), "a": ("c",), "b": ("d",)})
Q, R = Asked("k:0", "q", "1?"), Asked("k:0", "r", "2?", ordinal=1)
WROTE_B = Wrote("k:1", (("log", ["b"]),))


def person(node, *updates, goto=()):
    return [(node, Wrote("p", updates, goto))]


def edited(position, writers, of=FAN):
    """The checkpoint that a person's write makes, and where that stands."""
    made, entries = edit(of, position, writers, id="m", at=7, code="c")
    return made, Position(made).after(entries)


# -- branches


def test_a_branch_whose_past_is_carried_along_continues_the_old_tasks():
    old = at("a", step=4, values={"x": 1}, arrived={"a+b:c": frozenset("a")}, deferred=("d",)).checkpoint
    assert branch(old, id="f", at=5, code="c", same=True) == Checkpoint(
        "f", "k", 5, "fork", {"x": 1}, (Task("f:0", "a", origin="k:0"),), (), (), {"a+b:c": frozenset("a")}, 5, ("d",),
        code="c",
    )  # fmt: skip
    twice = branch(branch(old, id="f", at=5, same=True), id="g", at=6, same=True)
    assert twice.tasks == (Task("g:0", "a", origin="k:0"),)


def test_a_branch_keeps_what_a_send_brought():
    old = Position(Checkpoint("k", None, 0, "loop", tasks=(Task("k:0", "a", {"n": 1}),))).checkpoint
    assert branch(old, id="f", at=0).tasks == (Task("f:0", "a", {"n": 1}),)


def rebased(old, answers):
    onto = branch(old.checkpoint, id="f", at=0, same=True)
    return Position(onto).after(rebase(old, onto, answers))


def test_without_a_new_answer_everything_that_happened_is_taken_along():
    entered = Entered("k:0", 0, "a:k:0", "h")
    old = at("a", "b").after(
        [Q, Answered("q", 1), R, Superseded("r"), Kept("k:0", "e", 5), entered, Wrote("k:0", (("x", 1),)), WROTE_B]
    )
    new = rebased(old, {})
    assert new.wrote == {"f:0": Wrote("f:0", (("x", 1),)), "f:1": Wrote("f:1", (("log", ["b"]),))}
    assert [q.id for q in new.asked["f:0"]] == ["q", "r"]
    assert (new.answers, new.superseded, new.kept) == ({"q": Answered("q", 1)}, {"r": ""}, {"f:0": {"e": 5}})
    assert new.entered == {"f:0": {0: Entered("f:0", 0, "a:k:0", "h")}}
    assert next_move(FAN, new, FREE) == Commit()


def test_a_new_answer_makes_its_task_run_again_and_what_was_asked_after_it_is_forgotten():
    old = at("a", "b").after([Q, Answered("q", 1), R, Answered("r", 2), Wrote("k:0"), WROTE_B])
    new = rebased(old, {"q": Answered("q", 9)})
    assert [q.id for q in new.asked["f:0"]] == ["q"]
    assert new.answers == {"q": Answered("q", 9)}
    assert next_move(FAN, new, FREE) == Perform((Task("f:0", "a", origin="k:0"),))


def test_a_new_answer_to_a_sub_graphs_question_branches_its_line_where_it_asked():
    inner = Asked("k:0", "q", "?", ns="a:k:0", head="h3")
    other = Asked("k:0", "r", "?", ns="a:k:0:1", head="j1")
    old = at("a").after(
        [Entered("k:0", 0, "a:k:0", "h1"), Entered("k:0", 1, "a:k:0:1", "j0"), inner, other, Answered("q", 1)]
    )
    new = rebased(old, {"q": Answered("q", 9)})
    assert new.entered["f:0"][0] == Entered("f:0", 0, "a:k:0", "", "h3", fork=True)
    assert new.entered["f:0"][1] == Entered("f:0", 1, "a:k:0:1", "j0")


def test_on_a_branch_a_task_without_a_new_answer_stays_parked_at_the_question_behind_its_old_answer():
    other = Asked("k:1", "s", "?")
    old = at("a", "b").after([Q, Answered("q", 1), R, other])
    new = rebased(old, {"s": Answered("s", 9)})
    assert (new.parked, [q.id for q in new.pending]) == (frozenset({"f:0"}), ["r"])
    assert next_move(FAN, new, FREE) == Perform((Task("f:1", "b", origin="k:1"),))


# -- writing, when nothing is under way


def test_before_anything_has_happened_what_was_due_is_not_taken_along():
    made, position = edited(at("c", ran=("a",), values={"log": []}), person("b", ("log", ["p"])))
    assert made == Checkpoint(
        "m", "k", 1, "update", {"log": ["p"]}, (Task("m:0", "d"),), ("b",), ("log",), at=7, code="c"
    )
    assert position == Position(made)


def test_when_all_of_it_is_over_a_write_counts_beside_what_was_written():
    old = at("a", "b", values={"log": []}).after([Wrote("k:0", (("log", ["a"]),)), WROTE_B])
    made, position = edited(old, person("a", ("log", ["p"])))
    assert (made.values, made.tasks, made.ran) == ({"log": ["p"]}, (Task("m:0", "c"),), ("a",))
    assert position == Position(made)


def test_a_write_as_start_counts_as_input():
    made, _ = edited(at(), person(START, ("x", 1)))
    assert (made.tasks, made.ran) == ((Task("m:0", "a"), Task("m:1", "b")), (START,))


def test_a_write_as_end_leaves_nothing_due_and_closes_what_was_asked():
    old = at("a", "b", values={"log": []}, arrived={"a+b:c": frozenset("a")}).after([Q, WROTE_B])
    made, position = edited(old, person(END, ("x", 1)))
    assert (made.tasks, made.arrived, made.values) == ((), {}, {"log": ["b"], "x": 1})
    assert (position.superseded, position.pending) == ({"q": ""}, ())


def test_several_may_write_in_one_step():
    made, _ = edited(at(values={"log": []}), [*person("a", ("log", ["1"])), *person("b", ("log", ["2"]))])
    assert (made.values, made.ran) == ({"log": ["1", "2"]}, ("a", "b"))
    assert [task.node for task in made.tasks] == ["c", "d"]


# -- writing half-way through a step


def test_half_way_finished_siblings_are_merged_first_and_an_open_question_stays():
    old = at("a", "b", ran=(START,), values={"log": []}).after([Q, WROTE_B])
    made, position = edited(old, person("d", ("log", ["p"])))
    assert (made.values, made.ran) == ({"log": ["b", "p"]}, ("b", "d"))
    assert made.tasks == (Task("m:0", "a", origin="k:0"), Task("m:1", "d"))
    assert [(q.id, q.task) for q in position.pending] == [("q", "m:0")]
    assert position.parked == frozenset()  # it looks at the new state, and asks again or not
    assert next_move(FAN, position, FREE) == Perform(made.tasks)


def test_half_way_all_that_happened_to_a_task_is_carried_along():
    entered = Entered("k:0", 0, "a:k:0", "h", remembers=True)
    old = at("a", "b", values={"log": []}).after(
        [Q, Answered("q", 1), R, Superseded("r", "s"), Kept("k:0", "e", 5), entered, WROTE_B]
    )
    made, position = edited(old, person("d"))
    assert (position.answers, position.superseded) == ({"q": Answered("q", 1)}, {"r": "s"})
    assert (position.kept, position.entered) == (
        {"m:0": {"e": 5}},
        {"m:0": {0: Entered("m:0", 0, "a:k:0", "h", remembers=True)}},
    )
    assert made.children == {}


@pytest.mark.parametrize("entry", [Failed("k:0", "E", "e"), Held("k:0", "before a"), Kept("k:0", "e", 1)])
def test_a_task_that_failed_or_was_held_or_began_is_due_still(entry):
    made, position = edited(at("a", "b", values={"log": []}).after([entry, WROTE_B]), person("d"))
    assert made.tasks == (Task("m:0", "a", origin="k:0"), Task("m:1", "d"))
    assert (position.failed, position.held) == ({}, {})


def test_who_writes_as_the_node_that_asks_does_its_work():
    old = at("a", "b", values={"log": []}).after([Q, WROTE_B])
    made, position = edited(old, person("a", ("log", ["p"])))
    assert (made.values["log"], made.tasks) == (["b", "p"], (Task("m:0", "c"), Task("m:1", "d")))
    assert (position.superseded, position.pending) == ({"q": ""}, ())


DECIDES = graph({}, routers={"s": (Router("s", len, {1: "a", 2: "b", 3: "c"}),)}, nodes="sabcd")


def test_a_node_that_decides_anew_keeps_what_it_chooses_again_and_drops_the_rest():
    old = at("a", "b", ran=("s",), values={"log": []}).after([Q, Asked("k:1", "t", "?")])
    made, position = edited(old, person("s", goto=("b", "c")), DECIDES)
    assert made.tasks == (Task("m:0", "b", origin="k:1"), Task("m:1", "c"))
    assert ([q.id for q in position.pending], position.superseded) == (["t"], {"q": ""})


def test_what_has_run_in_this_step_is_not_run_once_more_for_being_chosen_again():
    old = at("a", "b", ran=("s",), values={"log": []}).after([Q, WROTE_B])
    made, _ = edited(old, person("s", goto=("a", "b")), DECIDES)
    assert made.tasks == (Task("m:0", "a", origin="k:0"),)


def sent(*args, ran=("s",)):
    tasks = tuple(Task(f"k:{n}", "a", arg) for n, arg in enumerate(args))
    return Position(Checkpoint("k", None, 0, "loop", {"log": []}, tasks, ran))


def test_of_several_sends_those_that_are_sent_again_stay_and_the_finished_are_not_repeated():
    old = sent(1, 2, 3).after([Wrote("k:0"), Q])
    made, _ = edited(old, person("s", goto=(Send("a", 1), Send("a", 3), Send("a", 4))), DECIDES)
    assert made.tasks == (Task("m:0", "a", 3, origin="k:2"), Task("m:1", "a", 4))


def test_two_equal_sends_of_which_one_has_finished_are_one_left():
    made, _ = edited(sent(1, 1).after([Wrote("k:0")]), person("s", goto=(Send("a", 1), Send("a", 1))), DECIDES)
    assert made.tasks == (Task("m:0", "a", 1, origin="k:1"),)


def test_what_another_node_may_have_made_due_stays():
    two = graph(
        {"t": ("b",)},
        routers={"s": (Router("s", len, {1: "a"}),), "u": (Router("u", len),)},
        waiting=(WaitingEdge(("t", "v"), "c"),),
        nodes="stuvabcd",
    )
    old = at("a", "b", "c", "d", ran=("s", "t"), values={"log": []}).after([Q])
    assert [t.node for t in edited(old, person("s", goto=("a",)), two)[0].tasks] == ["a", "b", "c"]
    old = at("a", "d", ran=("s", "u"), values={"log": []}).after([Q])
    assert [t.node for t in edited(old, person("s"), two)[0].tasks] == ["a", "d"]
    made, _ = edited(sent(1, ran=("s", "t")).after([Q]), person("s"), two)
    assert made.tasks == (Task("m:0", "a", 1, origin="k:0"),)


def test_a_send_that_is_not_repeated_is_dropped_when_nobody_else_ran():
    made, position = edited(sent(1).after([Q]), person("s", goto=("b",)), DECIDES)
    assert ([t.node for t in made.tasks], position.superseded) == (["b"], {"q": ""})


def test_what_an_earlier_edit_carried_along_stays_unless_the_writer_decides_about_it():
    first, entries = edit(FAN, at("a", "b", values={"log": []}).after([Q, WROTE_B]), person("b"), id="l", at=0)
    old = Position(first).after(entries)
    assert old.checkpoint.ran == ("b",)
    made, position = edited(old, person("b", ("x", 1)))
    assert made.tasks == (Task("m:0", "a", origin="k:0"), Task("m:1", "d", origin="l:1"))
    assert [q.id for q in position.pending] == ["q"]
    routed, leads = graph({}, routers={"b": (Router("b", len),)}), graph({"b": ("a",)})
    assert edited(old, person("b"), routed)[0].tasks == ()
    assert edited(old, person("b"), leads)[0].tasks == (Task("m:0", "a", origin="k:0"),)


def test_a_task_that_was_opened_again_stays_open_over_another_edit():
    first, entries = edit(FAN, at("a", "b", values={"log": []}).after([Q, WROTE_B]), person("d"), id="l", at=0)
    made, position = edited(Position(first).after(entries), person("d"))
    assert position.parked == frozenset()
    assert next_move(FAN, position, FREE) == Perform(made.tasks)


# -- a command from outside


def amended(position, *updates, goto=(), of=FAN):
    made, entries = amend(of, position, Wrote("", updates, goto), id="m", at=7, code="c")
    return made, entries, Position(made).after(entries)


def test_a_command_keeps_all_that_is_due_and_adds_where_it_goes():
    made, entries, _ = amended(at("b", ran=("a",), values={"log": []}), ("log", ["p"]), goto=("d", Send("c", 1)))
    assert made == Checkpoint(
        "m", "k", 1, "update", {"log": ["p"]}, (Task("m:0", "b", origin="k:0"), Task("m:1", "d"), Task("m:2", "c", 1)),
        ("a",), ("log",), at=7, code="c",
    )  # fmt: skip
    assert entries == []


def test_a_command_half_way_merges_what_finished_and_its_ways_are_taken():
    made, entries, position = amended(at("a", "b", values={"log": []}).after([Q, WROTE_B]), ("log", ["p"]))
    assert (made.values["log"], made.ran) == (["b", "p"], ("b",))
    assert made.tasks == (Task("m:0", "a", origin="k:0"), Task("m:1", "d"))
    assert entries == [Asked("m:0", "q", "1?"), Reopened("m:0")]
    assert [q.id for q in position.pending] == ["q"]


def test_a_command_that_goes_where_the_run_goes_adds_nothing():
    assert amended(at("b"), goto=("b",))[0].tasks == (Task("m:0", "b", origin="k:0"),)
    assert amended(sent(1, 2), goto=(Send("a", 2), Send("a", 3)))[0].tasks == (
        Task("m:0", "a", 1, origin="k:0"),
        Task("m:1", "a", 2, origin="k:1"),
        Task("m:2", "a", 3),
    )


def test_a_command_to_the_end_adds_nothing():
    assert amended(at(), goto=(END,))[0].tasks == ()


def test_edits_upon_edits_keep_a_questions_root():
    first, entries, _ = amended(at("a").after([Q]))
    second, _, position = amended(Position(first).after(entries))
    assert second.tasks == (Task("m:0", "a", origin="k:0"),)
    assert [q.id for q in position.pending] == ["q"]


# -- other names


def test_under_new_names_everything_is_as_it_was():
    old = at(
        "a", "b", ran=("s", "a"), values={"log": []}, arrived={"a+b:c": frozenset("a"), "s+t:d": frozenset("s")},
        deferred=("c", "d"),
    ).after([Q, Answered("q", 1), R, WROTE_B, Stopped("interrupted")])  # fmt: skip
    made, entries = renamed(old, {"a": "aa", "c": "cc"}, id="m", at=7, code="c")
    assert made.tasks == (Task("m:0", "aa", origin="k:0"), Task("m:1", "b", origin="k:1"))
    assert (made.ran, made.deferred) == (("s", "aa"), ("cc", "d"))
    assert made.arrived == {"aa+b:cc": frozenset({"aa"}), "s+t:d": frozenset("s")}
    position = Position(made).after(entries)
    assert (position.wrote, position.answers) == ({"m:1": Wrote("m:1", (("log", ["b"]),))}, {"q": Answered("q", 1)})
    assert ([q.id for q in position.pending], position.parked) == (["r"], frozenset({"m:0"}))


def test_names_in_sub_graphs_are_paths_and_ways_that_were_chosen_go_along():
    asked = [Asked("k:0", "q", "?", node="a/ask"), Asked("k:0", "r", "?", node="a/deep/ask", ordinal=1)]
    old = at("a", "b", values={}).after([*asked, Wrote("k:1", (), ("c", Send("c", 1), "d"))])
    made, entries = renamed(old, {"a": "aa", "c": "cc", "a/ask": "aa/question"}, id="m", at=0, fresh={"log": []})
    position = Position(made).after(entries)
    assert [q.node for q in position.pending] == ["aa/question", "aa/deep/ask"]
    assert position.wrote["m:1"].goto == ("cc", Send("cc", 1), "d")
    assert (made.values, made.changed) == ({"log": []}, ("log",))


def test_a_position_is_concerned_by_the_names_that_it_holds():
    old = at("a", ran=("s",), arrived={"t+u:v": frozenset("t")}, deferred=("d",))
    old = old.after([Wrote("k:0", (), ("w", Send("x", 1)))])
    assert all(concerns(old, {name: "new"}) for name in "astuvdwx")
    assert not concerns(old, {"y": "new"})
    assert not concerns(old, {})


def test_a_name_with_a_plus_in_it_is_told_apart_from_the_plus_between_sources():
    old = at("a", arrived={"t+u+v:w": frozenset({"t+u", "v"})})
    made, _ = renamed(old, {"t+u": "new", "v": "vv"}, id="m", at=0)
    assert made.arrived == {"new+vv:w": frozenset({"new", "vv"})}


def test_a_deferred_node_that_is_due_stays_due_whoever_writes():
    of = graph({START: ("a", "d"), "a": ("b",)}, defer=("d",))
    made, _ = edited(at("d", ran=("a",)), person("c"), of)
    assert [task.node for task in made.tasks] == ["d"]
    made, _ = edited(at("d", ran=("a",)), person("a"), of)
    assert ([task.node for task in made.tasks], made.deferred) == (["b"], ("d",))


def test_the_question_of_a_deferred_node_stays_open_when_a_node_that_did_not_lead_to_it_decides_anew():
    of = graph({START: ("a", "d"), "a": ()}, defer=("d",))
    made, position = edited(at("d", ran=("a",)).after([Q]), person("a"), of)
    assert [task.node for task in made.tasks] == ["d"]
    assert [question.id for question in position.pending] == ["q"]
