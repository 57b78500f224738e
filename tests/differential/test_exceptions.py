"""What random comparison leaves out because the engines differ there: each shown on both, theirs first, then ours.

What a row of "We differ" covers has its test in `tests/test_against_langgraph.py`.
"""

import asyncio
import time

import pytest

pytest.importorskip("langgraph")
from tests.differential.small import (
    ALONE,
    CONFIG,
    LINE,
    asks,
    due,
    each,
    error,
    fails,
    graph,
    inner,
    log,
    sources,
    started,
    writes,
)

# -- going on, and history


def test_going_on_from_the_newest_finished_checkpoint_makes_no_branch():
    def play(m):
        calls = []
        made = started(graph(m, {"a": writes("a", calls), "b": writes("b", calls)}, LINE))
        back = made.invoke(None, made.get_state(CONFIG).config)
        return back["log"], calls, sources(made)

    done = ["in", "a", "b"]
    assert each(play) == [
        (done, ["a", "b"], ["fork", "loop", "loop", "loop", "input"]),
        (done, ["a", "b"], ["loop", "loop", "loop", "input"]),
    ]


def test_the_default_writer_after_an_edit_is_who_the_edit_was_written_as():
    def play(m):
        made = started(graph(m, {name: writes(name) for name in "abc"}, [*LINE, ("b", "c")]))
        made.update_state(CONFIG, {"log": ["person"]}, as_node="a")
        made.update_state(CONFIG, {"log": ["person"]})
        return due(made)

    assert each(play) == [[], ["b"]]


def test_the_default_writer_may_be_a_node_that_was_sent_to():
    def play(m):
        bodies = {"a": lambda state: m.Command(goto=[m.Send("b", {"log": []})]), "b": writes("b"), "c": writes("c")}
        made = started(graph(m, bodies, [*ALONE, ("b", "c")], interrupt_before=["c"]))
        made.update_state(CONFIG, {"log": ["person"]})
        return due(made)

    assert each(play) == [[], ["c"]]


# -- commands as input


def test_a_command_makes_a_checkpoint_of_its_own():
    def play(m):
        made = started(graph(m, {"a": writes("a"), "b": writes("b")}, LINE))
        made.invoke(m.Command(update={"log": ["person"]}, goto="b"), CONFIG)
        return log(made), sources(made)

    done = ["in", "a", "b", "person", "b"]
    assert each(play) == [
        (done, ["loop", "loop", "loop", "loop", "input"]),
        (done, ["loop", "update", "loop", "loop", "loop", "input"]),
    ]


def test_a_command_on_an_old_checkpoint_is_a_branch():
    def play(m):
        made = started(graph(m, {"a": writes("a"), "b": writes("b")}, LINE))
        old = next(state for state in made.get_state_history(CONFIG) if state.next == ("b",))
        made.invoke(m.Command(update={"log": ["person"]}), old.config)
        parents = [s.config for s in made.get_state_history(CONFIG) if s.metadata["source"] in ("fork", "update")]
        branch = made.get_state(parents[0])
        id = branch.parent_config["configurable"]["checkpoint_id"]
        return sources(made)[:-4], id == old.config["configurable"]["checkpoint_id"]

    assert each(play) == [(["loop", "fork"], True), (["loop", "update"], True)]


def test_what_was_due_at_an_old_checkpoint_runs_again_behind_a_command_on_it():
    def play(m):
        made = started(graph(m, {"a": writes("a"), "b": writes("b")}, LINE))
        old = next(state for state in made.get_state_history(CONFIG) if state.next == ("b",))
        return made.invoke(m.Command(update={"log": ["person"]}), old.config)["log"]

    assert each(play) == [["in", "a", "person", "b"]] * 2


def test_a_command_runs_a_deferred_node_that_it_goes_to():
    def play(m):
        made = started(graph(m, {"a": writes("a"), "d": writes("d")}, ALONE, defer=["d"]))
        return made.invoke(m.Command(goto="d"), CONFIG)["log"]

    assert each(play) == [["in", "a"], ["in", "a", "d"]]


def test_a_question_of_a_node_that_a_command_went_to_stays_in_sight():
    def play(m):
        made = started(graph(m, {"a": writes("a"), "ask": asks(m)}, ALONE))
        made.invoke(m.Command(goto="ask"), CONFIG)
        return due(made), made.invoke(m.Command(resume="yes"), CONFIG)["log"]

    assert each(play) == [([], ["in", "a", "yes"]), (["ask"], ["in", "a", "yes"])]


def test_a_node_that_failed_after_a_command_went_to_it_stays_due():
    def play(m):
        made = started(graph(m, {"a": writes("a"), "f": fails}, ALONE))
        return error(made.invoke, m.Command(goto="f"), CONFIG), due(made)

    assert each(play) == [("ValueError", []), ("ValueError", ["f"])]


def test_what_a_command_wrote_outlives_an_edit():
    def play(m):
        made = started(graph(m, {"a": asks(m)}, ALONE))
        made.invoke(m.Command(update={"log": ["command"]}), CONFIG)
        before = log(made)
        made.update_state(CONFIG, {"log": ["edit"]}, as_node="a")
        return before, log(made)

    before = ["in", "command"]
    assert each(play) == [(before, ["in", "edit"]), (before, ["in", "command", "edit"])]


def test_a_breakpoint_that_was_passed_does_not_hold_what_a_command_goes_to():
    def play(m):
        made = started(graph(m, {"a": writes("a")}, ALONE, interrupt_after=["a"]))
        made.invoke(None, CONFIG)
        return made.invoke(m.Command(goto="a"), CONFIG)["log"]

    assert each(play) == [["in", "a", "a"]] * 2


# -- deferred nodes


def test_a_deferred_node_waits_for_what_was_sent():
    def play(m):
        bodies = {"a": lambda state: m.Command(goto=[m.Send("w", {})]), "w": writes("w"), "d": writes("d")}
        made = started(graph(m, bodies, [*ALONE, ("a", "d")], defer=["d"]))
        return [sorted(state.next) for state in made.get_state_history(CONFIG)][:3]

    assert each(play) == [[[], ["d", "w"], ["a"]], [[], ["d"], ["w"]]]


def test_who_writes_as_a_deferred_node_that_is_due_does_its_work():
    def play(m):
        bodies = {"a": writes("a"), "d": writes("d")}
        made = started(graph(m, bodies, [*ALONE, ("a", "d")], defer=["d"], interrupt_before=["d"]))
        made.update_state(CONFIG, {"log": ["person"]}, as_node="d")
        return due(made)

    assert each(play) == [["d"], []]


# -- memories of sub-graphs


def remembers(m, *, later=0.0):
    """A sub-graph with a memory, and a body that notes how long that has become."""
    deep = inner(m, writes("deep"), True)

    def body(state):
        time.sleep(later)
        return {"log": [len(deep.invoke({"log": ["given"]})["log"])]}

    return body


def test_a_graph_with_a_memory_inside_one_without_is_an_error():
    def play(m):
        mid = inner(m, inner(m, writes("deep"), True), False)
        found = error(graph(m, {"a": mid}, ALONE).invoke, {"log": []}, CONFIG)
        return found if isinstance(found, str) else "it runs"

    assert each(play) == ["it runs", "CheckpointerRequired"]


def test_tasks_at_the_same_time_do_not_see_what_the_other_remembers():
    def play(m):
        deep = inner(m, writes("deep"), True)

        def work(state):
            time.sleep(state["log"][0])
            return {"log": [len(deep.invoke({"log": ["given"]})["log"])]}

        sent = [m.Send("w", {"log": [seconds]}) for seconds in (0, 0.1)]
        return graph(m, {"a": lambda state: m.Command(goto=sent), "w": work}, ALONE).invoke({"log": []}, CONFIG)["log"]

    assert each(play) == [[2, 4], [2, 2]]


def test_a_branch_does_not_see_what_the_branch_that_it_left_remembers():
    def play(m):
        made = graph(m, {"a": remembers(m)}, ALONE)
        made.invoke({"log": []}, CONFIG)
        first = made.get_state(CONFIG).config
        made.invoke({"log": []}, CONFIG)
        return made.invoke({"log": []}, first)["log"]

    assert each(play) == [[2, 6], [2, 4]]


def test_a_question_in_a_graph_without_a_memory_is_an_error():
    def play(m):
        deep = inner(m, lambda state: {"log": [m.interrupt("first?"), m.interrupt("second?")]}, False)
        made = graph(m, {"a": deep}, ALONE)
        found = error(made.invoke, {"log": []}, CONFIG)
        for answer in ("1", "2", "3"):  # upstream asks the second question for ever
            found = error(made.invoke, m.Command(resume=answer), CONFIG) if not isinstance(found, str) else found
        return found if isinstance(found, str) else [i.value for i in made.get_state(CONFIG).interrupts]

    assert each(play) == [["second?"], "CheckpointerRequired"]


def test_a_graph_without_a_memory_runs_where_each_step_is_written_at_once():
    def play(m):
        made = graph(m, {"a": inner(m, writes("deep"), False)}, ALONE)
        found = error(made.invoke, {"log": []}, CONFIG, durability="sync")
        return found if isinstance(found, str) else found["log"]

    assert each(play) == ["AttributeError", ["deep"]]


# -- failures and what is seen meanwhile


def test_the_siblings_of_one_that_fails_end_and_are_kept():
    def play(m):
        async def slow(state):
            await asyncio.sleep(0.05)
            return {"log": ["slow"]}

        async def bad(state):
            raise ValueError

        made = graph(m, {"bad": bad, "slow": slow}, [("__start__", "bad"), ("__start__", "slow")])
        found = asyncio.run(failed(made))
        return found, log(made)

    async def failed(made):
        try:
            await made.ainvoke({"log": ["in"]}, CONFIG)
        except ValueError:
            return "it fails"

    assert each(play) == [("it fails", ["in"]), ("it fails", ["in", "slow"])]


def test_a_question_that_was_answered_is_not_open_when_its_task_fails():
    def play(m):
        made = started(graph(m, {"a": lambda state: fails(m.interrupt("sure?"))}, ALONE))
        error(made.invoke, m.Command(resume="yes"), CONFIG)
        return [i.value for task in made.get_state(CONFIG).tasks for i in task.interrupts]

    assert each(play) == [["sure?"], []]


def test_what_siblings_wrote_is_merged_only_when_all_of_them_have_ended():
    def play(m):
        bodies = {"a": lambda state: {"x": "a"}, "b": lambda state: {"x": "b"}, "c": asks(m)}
        made = graph(m, bodies, [("__start__", name) for name in bodies])
        first = error(made.invoke, {"log": []}, CONFIG)
        return first if isinstance(first, str) else (due(made), error(made.invoke, m.Command(resume="yes"), CONFIG))

    assert each(play) == ["InvalidUpdateError", (["c"], "InvalidUpdateError")]


def test_a_pause_is_told_once_the_siblings_have_ended():
    def play(m):
        def slow(state):
            time.sleep(0.1)
            return {"log": ["slow"]}

        made = graph(m, {"ask": asks(m), "slow": slow}, [("__start__", "ask"), ("__start__", "slow")])
        return [list(chunk) for chunk in made.stream({"log": ["in"]}, CONFIG, stream_mode="updates")]

    assert each(play) == [[["__interrupt__"], ["slow"]], [["slow"], ["__interrupt__"]]]
