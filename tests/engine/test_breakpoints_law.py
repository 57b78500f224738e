"""Breakpoints: static ones hold a super-step, the debugger's one task; both reach into sub-graphs by path."""

from dataclasses import dataclass

from nbhitl.engine.breakpoints import Rules, static_stop
from nbhitl.engine.moves import Commit, Hold, Perform, Wait, next_move
from nbhitl.engine.records import START, Asked, Continued, Failed, Held, Kept, Stopped, Task, Wrote
from tests.engine.literals import at, graph

LINE = graph({START: ("a",), "a": ("b",)})


@dataclass(frozen=True)
class Holding:
    """A debugger that holds nodes before and after they run."""

    before: str = ""
    after: str = ""

    def holds(self, graph, position, ready, inside):
        known, wrote = position.released, position.wrote.keys() - position.held.keys()
        tasks = position.checkpoint.tasks
        begins = [t for t in ready if t.node in self.before and (t.id, "before") not in known and not position.passed]
        ends = [t for t in tasks if t.node in self.after and t.id in wrote and (t.id, "after") not in known]
        return (
            *(Held(t.id, f"before {inside}{t.node}") for t in begins),
            *(Held(t.id, f"after {inside}{t.node}", "after") for t in ends),
        )


BEFORE_A = Rules(100, debugger=Holding(before="a"))
AFTER_A = Rules(100, debugger=Holding(after="a"))


def test_paths_lead_into_the_sub_graph_of_a_node_and_names_stay_outside():
    outside = Rules(
        9,
        before=frozenset({"a", "sub", "sub/p", "sub/deep/q", "subs/r"}),
        after=frozenset({"sub/p"}),
    )
    own = Rules(7, before=frozenset({"x"}))
    inside = Rules(
        7,
        before=frozenset({"x", "p", "deep/q"}),
        after=frozenset({"p"}),
    )
    assert outside.within("sub", own) == inside
    assert inside.within("deep", Rules(5)) == Rules(5, before=frozenset({"q"}))


def test_without_breakpoints_a_sub_graph_has_its_own_rules():
    own = Rules(7, before=frozenset({"x"}))
    assert Rules(9).within("sub", own) == own


def test_the_debugger_goes_along_into_every_sub_graph_and_knows_the_path():
    inner = Rules(9, debugger=Holding("p")).within("sub", Rules(7)).within("deep", Rules(5))
    assert inner == Rules(5, debugger=Holding("p"))
    assert inner.inside == "sub/deep/"
    assert next_move(LINE, at("p"), inner) == Hold((Held("k:0", "before sub/deep/p"),))


def test_a_static_breakpoint_names_each_node_once():
    position = at("a", "b", "a", ran=("c", "d"))
    names = frozenset({"a", "c", "d"})
    assert static_stop(position, names, frozenset()) == "at the breakpoint before a"
    assert static_stop(position, frozenset(), names) == "at the breakpoint after c, d"
    assert static_stop(position, names, frozenset({"d"})) == "at the breakpoint after d"


def test_no_static_breakpoint_holds_elsewhere_nor_once_passed_nor_half_way():
    names = frozenset({"a"})
    assert static_stop(at("b", ran=("c",)), names, names) is None
    assert static_stop(at("a"), frozenset(), frozenset()) is None
    assert static_stop(at("a").after([Continued(passed=True)]), names, names) is None
    assert static_stop(at("a", "b").after([Wrote("k:1")]), names, names) is None


def test_a_debuggers_breakpoint_holds_one_task_and_the_others_run():
    position = at("a", "b")
    assert next_move(LINE, position, BEFORE_A) == Hold((Held("k:0", "before a"),))
    position = position.after([Held("k:0", "before a")])
    assert next_move(LINE, position, BEFORE_A) == Perform((Task("k:1", "b"),))
    position = position.after([Wrote("k:1")])
    assert next_move(LINE, position, BEFORE_A) == Wait("breakpoint", "at the breakpoint before a")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, BEFORE_A) == Perform((Task("k:0", "a"),))


def test_a_question_beside_a_held_task_is_what_the_run_waits_for():
    position = at("a", "b").after([Held("k:0", "before a"), Asked("k:1", "q", "?")])
    assert next_move(LINE, position, BEFORE_A) == Wait(
        "interrupted", "b waits for an answer; at the breakpoint before a"
    )


def test_a_failure_beside_a_held_task_fails_the_run_and_the_task_is_released_with_it():
    failed = Failed("k:1", "E", "e")
    position = at("a", "b").after([Held("k:0", "before a"), failed])
    assert next_move(LINE, position, BEFORE_A).failures == (failed,)
    position = position.after([Stopped("failed"), Continued()])
    assert next_move(LINE, position, BEFORE_A) == Perform((Task("k:0", "a"), Task("k:1", "b")))


def test_a_breakpoint_after_a_task_holds_the_step_before_its_commit():
    position = at("a", "b").after([Wrote("k:0")])
    assert next_move(LINE, position, AFTER_A) == Hold((Held("k:0", "after a", "after"),))
    position = position.after([Held("k:0", "after a", "after")])
    assert next_move(LINE, position, AFTER_A) == Perform((Task("k:1", "b"),))
    position = position.after([Wrote("k:1")])
    assert next_move(LINE, position, AFTER_A) == Wait("breakpoint", "at the breakpoint after a")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, AFTER_A) == Commit()


def test_before_and_after_the_same_task_are_two_stops():
    both = Rules(100, debugger=Holding("a", "a"))
    position = at("a").after([Held("k:0", "before a"), Stopped("breakpoint"), Continued(), Wrote("k:0")])
    assert next_move(LINE, position, both) == Hold((Held("k:0", "after a", "after"),))


def test_several_held_tasks_are_named_once_each():
    position = at("a", "a", "b").after([Held("k:0", "before a"), Held("k:1", "before a"), Held("k:2", "before b")])
    assert next_move(LINE, position, BEFORE_A) == Wait("breakpoint", "at the breakpoint before a, before b")


def test_the_debugger_does_not_hold_a_step_whose_static_breakpoint_was_passed():
    rules = Rules(100, before=frozenset({"a"}), debugger=Holding("a"))
    position = at("a")
    assert next_move(LINE, position, rules) == Wait("breakpoint", "at the breakpoint before a")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, rules) == Perform((Task("k:0", "a"),))


def test_a_task_is_held_also_in_a_step_that_has_begun():
    position = at("a", "b").after([Kept("k:1", "e", 1)])
    assert next_move(LINE, position, BEFORE_A) == Hold((Held("k:0", "before a"),))


def test_a_pause_of_a_sub_graph_at_a_breakpoint_holds_the_task_that_runs_it():
    position = at("a").after([Held("k:0", "before a/p", "inside")])
    assert next_move(LINE, position, Rules(100)) == Wait("breakpoint", "at the breakpoint before a/p")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, Rules(100)) == Perform((Task("k:0", "a"),))


def test_a_stop_of_the_debugger_says_why_and_where_and_what_of_it():
    position = at("a", "b", "c").after(
        [
            Held("k:0", "before a", why="after 2 steps,"),
            Held("k:1", "before b", note="score > 3, hit 2"),
            Held("k:2", "before c"),
        ]
    )
    assert next_move(LINE, position, BEFORE_A) == Wait(
        "breakpoint", "after 2 steps, before a; at the breakpoint before b (score > 3, hit 2), before c"
    )


def test_a_stop_at_an_error_comes_before_the_failure_and_going_on_tries_again():
    position = at("a").after([Failed("k:0", "E", "e"), Held("k:0", "on error in a", "error", note="e")])
    assert next_move(LINE, position, BEFORE_A) == Wait("breakpoint", "at the breakpoint on error in a (e)")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, Rules(100)) == Perform((Task("k:0", "a"),))


def test_a_stop_at_a_question_comes_before_the_waiting_which_follows_when_somebody_goes_on():
    position = at("a").after([Asked("k:0", "q", "?"), Held("k:0", "on interrupt in a", "question")])
    assert next_move(LINE, position, BEFORE_A) == Wait("breakpoint", "at the breakpoint on interrupt in a")
    position = position.after([Stopped("breakpoint"), Continued()])
    assert next_move(LINE, position, Rules(100)) == Wait("interrupted", "a waits for an answer")
