"""Super-steps: what runs together, how writes are merged, what a failure leaves behind."""

import asyncio
import operator
import threading
import time
from collections import Counter
from typing import Annotated, TypedDict

import pytest

from nbhitl import (
    END,
    START,
    Command,
    DuckDBSaver,
    GraphRecursionError,
    InMemorySaver,
    InvalidUpdateError,
    SaverError,
    Send,
    StateGraph,
    UnknownNodeError,
    UnstorableValueError,
)
from nbhitl.engine.errors import UnknownKeyWarning


class State(TypedDict, total=False):
    x: int
    log: Annotated[list, operator.add]


def says(name):
    return lambda state: {"log": [name]}


def fan(**nodes):
    """A graph whose nodes all run in the first super-step."""
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


def chain(**nodes):
    built = StateGraph(State).add_sequence(list(nodes.items()))
    return built.add_edge(START, next(iter(nodes)))


def test_a_run_ends_with_the_merged_state(saver, config):
    graph = chain(a=says("a"), b=lambda state: {"x": len(state["log"])}).compile(saver)
    assert graph.invoke({"log": ["in"]}, config) == {"x": 2, "log": ["in", "a"]}
    assert graph.get_state(config).next == ()
    assert graph.get_state(config).metadata["stop"] == "finished"


def test_a_graph_runs_without_a_checkpointer():
    assert chain(a=says("a")).compile().invoke({"x": 1}) == {"x": 1, "log": ["a"]}


def test_a_node_that_returns_none_changes_nothing():
    assert chain(a=lambda state: None).compile().invoke({"x": 1}) == {"x": 1, "log": []}


def test_parallel_writes_are_merged_in_the_order_of_the_nodes_names_not_in_that_of_their_ends():
    def slow(state):
        time.sleep(0.05)
        return {"log": ["a"]}

    assert fan(b=says("b"), a=slow, c=says("c")).compile().invoke({})["log"] == ["a", "b", "c"]


def test_tasks_of_one_step_see_the_state_before_it():
    def look(state):
        return {"log": [len(state["log"])]}

    assert fan(a=look, b=look).compile().invoke({"log": ["in"]})["log"] == ["in", 1, 1]


def test_tasks_of_one_step_overlap():
    both = threading.Barrier(2, timeout=60)

    def meet(state):
        both.wait()

    fan(a=meet, b=meet).compile().invoke({})


def test_a_long_task_is_waited_for():
    def slow(state):
        time.sleep(0.3)
        return {"log": ["slow"]}

    assert fan(a=slow, b=says("b")).compile().invoke({})["log"] == ["slow", "b"]


def test_async_tasks_of_one_step_overlap():
    async def run():
        arrived = asyncio.Barrier(2)

        async def meet(state):
            await asyncio.wait_for(arrived.wait(), 5)

        await fan(a=meet, b=meet).compile().ainvoke({})

    asyncio.run(run())


class Gauge:
    """How many bodies ran at once at most."""

    def __init__(self):
        self.now = self.most = 0
        self.lock = threading.Lock()

    def __enter__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_):
        with self.lock:
            self.now -= 1


def test_max_concurrency_is_honoured(config):
    gauge = Gauge()

    def body(state):
        with gauge:
            time.sleep(0.01)

    fan(**dict.fromkeys("abcdefgh", body)).compile().invoke({}, {**config, "max_concurrency": 2})
    assert gauge.most == 2


def test_max_concurrency_is_honoured_by_async_nodes(config):
    gauge = Gauge()

    async def body(state):
        with gauge:
            await asyncio.sleep(0.01)

    graph = fan(**dict.fromkeys("abcdefgh", body)).compile()
    asyncio.run(graph.ainvoke({}, {**config, "max_concurrency": 2}))
    assert gauge.most == 2


def test_two_writes_to_a_key_without_reducer_fail_the_run_with_the_cure(saver, config):
    graph = fan(a=lambda state: {"x": 1}, b=lambda state: {"x": 2}).compile(saver)
    with pytest.raises(InvalidUpdateError, match="'x' got 2 values in one step.*reducer"):
        graph.invoke({}, config)
    assert graph.get_state(config).metadata["stop"] == "failed"


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (7, "node 'a' returned int: 7"),
        (["x"], "node 'a' returned list"),
    ],
)
def test_what_is_no_update_is_refused_naming_the_node(returned, said):
    with pytest.raises(InvalidUpdateError, match=said):
        chain(a=lambda state: returned).compile().invoke({})


def test_an_unknown_key_is_a_warning_with_a_suggestion_and_the_rest_counts():
    with pytest.warns(UnknownKeyWarning, match="node 'a' returned 'lgo', which is no key .* Did you mean 'log'"):
        assert chain(a=lambda state: {"lgo": 1, "x": 2}).compile().invoke({}) == {"x": 2, "log": []}


def test_in_a_strict_graph_an_unknown_key_fails_the_node():
    with pytest.raises(InvalidUpdateError, match="node 'a' returned 'lgo', which is no key .* Did you mean 'log'"):
        chain(a=lambda state: {"lgo": 1, "x": 2}).compile(strict=True).invoke({})


def test_a_node_may_take_the_config():
    def a(state, config):
        return {"x": config["configurable"]["size"]}

    assert chain(a=a).compile().invoke({}, {"configurable": {"size": 4}})["x"] == 4


def test_a_failing_node_raises_its_own_exception_and_names_itself_in_a_note():
    def a(state):
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone") as caught:
        chain(a=a).compile().invoke({})
    assert "in node 'a'" in caught.value.__notes__


def test_siblings_of_a_failed_task_are_kept_and_not_run_again(saver, config):
    calls = Counter()

    def good(state):
        calls["good"] += 1
        return {"log": ["good"]}

    def bad(state):
        calls["bad"] += 1
        if calls["bad"] == 1:
            raise ValueError("once")
        return {"log": ["bad"]}

    graph = fan(bad=bad, good=good).compile(saver)
    with pytest.raises(ValueError, match="once"):
        graph.invoke({}, config)
    state = graph.get_state(config)
    assert (state.next, state.metadata["stop"]) == (("bad",), "failed")
    assert {task.name: task.error for task in state.tasks} == {"bad": "ValueError: once", "good": None}
    assert {task.name: task.result for task in state.tasks} == {"bad": None, "good": {"log": ["good"]}}
    assert graph.invoke(None, config)["log"] == ["bad", "good"]
    assert calls == {"bad": 2, "good": 1}


def test_when_several_tasks_fail_the_first_is_raised_and_tells_of_the_others(config):
    def fail(name):
        def body(state):
            both.wait()
            raise ValueError(name)

        return body

    both = threading.Barrier(2, timeout=60)
    graph = fan(a=fail("first"), b=fail("second")).compile(InMemorySaver())
    with pytest.raises(ValueError, match="first|second") as caught:
        graph.invoke({}, config)
    assert any("another node failed as well: ValueError: " in note for note in caught.value.__notes__)


def test_a_failed_run_can_be_continued_after_the_node_was_mended(saver, config):
    with pytest.raises(ZeroDivisionError):
        chain(a=says("a"), b=lambda state: 1 / 0).compile(saver).invoke({}, config)
    assert chain(a=lambda state: 1 / 0, b=says("b")).compile(saver).invoke(None, config)["log"] == ["a", "b"]


def test_a_reducer_that_raises_fails_the_run_which_can_be_continued_with_a_better_one(saver, config):
    def refuse(old, new):
        raise ArithmeticError("cannot add")

    class Broken(TypedDict, total=False):
        log: Annotated[list, refuse]

    def build(schema):
        built = StateGraph(schema).add_node("a", body).add_edge(START, "a")
        return built.add_conditional_edges("a", lambda state: END) if schema is None else built

    calls = Counter()

    def body(state):
        calls["a"] += 1
        return {"log": ["a"]}

    graph = build(Broken).compile(saver)
    with pytest.raises(ArithmeticError, match="cannot add"):
        graph.invoke({}, config)
    state = graph.get_state(config)
    assert (state.metadata["stop"], state.metadata["stop_text"]) == ("failed", "cannot add")
    assert build(State).compile(saver).invoke(None, config)["log"] == ["a"]
    assert calls == {"a": 1}


def test_a_reducer_that_raises_fails_an_async_run_as_well(saver, config):
    class Broken(TypedDict, total=False):
        log: Annotated[list, lambda old, new: 1 / 0]

    graph = StateGraph(Broken).add_node("a", says("a")).add_edge(START, "a").compile(saver)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(graph.ainvoke({}, config))
    assert graph.get_state(config).metadata["stop"] == "failed"


def test_a_checkpointer_that_is_gone_is_no_failure_of_a_node(config):
    class Gone(InMemorySaver):
        def commit(self, key, checkpoint, entries=(), **how):
            if checkpoint.step == 1:
                raise SaverError("the disk is full")
            super().commit(key, checkpoint, entries, **how)

    graph = chain(a=says("a")).compile(Gone())
    with pytest.raises(SaverError, match="the disk is full"):
        graph.invoke({}, config)
    assert [task.error for task in graph.get_state(config).tasks] == [None]


def test_an_unstorable_value_fails_its_node_naming_the_place_and_the_thread_goes_on(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(bad=lambda state: {"log": [threading.Lock()]}, good=says("good")).compile(saver)
        with pytest.raises(UnstorableValueError, match=r"log.*\[0\]") as caught:
            graph.invoke({}, config)
        assert "log" in caught.value.path
        assert "in node 'bad'" in caught.value.__notes__
        assert graph.get_state(config).metadata["stop"] == "failed"
        mended = fan(bad=says("mended"), good=lambda state: 1 / 0).compile(saver)
        assert mended.invoke(None, config)["log"] == ["mended", "good"]


def test_an_input_that_cannot_be_stored_leaves_no_thread(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = chain(a=says("a")).compile(saver)
        with pytest.raises(UnstorableValueError):
            graph.invoke({"x": threading.Lock()}, config)
        assert saver.threads() == []


def test_a_merged_value_that_cannot_be_stored_fails_the_run_and_says_so_in_its_state(tmp_path, config):
    class Locks(TypedDict, total=False):
        log: Annotated[list, lambda old, new: [threading.Lock()]]

    def build(schema):
        return StateGraph(schema).add_node("a", says("a")).add_edge(START, "a")

    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = build(Locks).compile(saver)
        with pytest.raises(UnstorableValueError):
            graph.invoke({}, config)
        assert graph.get_state(config).metadata["stop"] == "failed"
        assert build(State).compile(saver).invoke(None, config)["log"] == ["a"]


# -- edges


def test_a_waiting_edge_waits_for_all_its_sources():
    built = StateGraph(State)
    for name in ("short", "long1", "long2", "join"):
        built.add_node(name, says(name))
    built.add_edge(START, "short").add_edge(START, "long1").add_edge("long1", "long2")
    built.add_edge(["short", "long2"], "join")
    assert built.compile().invoke({})["log"] == ["long1", "short", "long2", "join"]


def test_plain_edges_do_not_wait_so_a_join_runs_once_for_each_step_that_leads_to_it():
    built = StateGraph(State)
    for name in ("short", "long1", "long2", "join"):
        built.add_node(name, says(name))
    built.add_edge(START, "short").add_edge(START, "long1").add_edge("long1", "long2")
    built.add_edge("short", "join").add_edge("long2", "join")
    assert built.compile().invoke({})["log"] == ["long1", "short", "join", "long2", "join"]


def test_a_waiting_edge_remembers_who_came_when_the_run_pauses(saver, config):
    def build():
        built = StateGraph(State)
        for name in ("a", "b", "c", "join"):
            built.add_node(name, says(name))
        built.add_edge(START, "a").add_edge(START, "b").add_edge("b", "c").add_edge(["a", "c"], "join")
        return built.compile(saver, interrupt_before=["c"])

    assert build().invoke({}, config)["log"] == ["a", "b"]
    assert build().invoke(None, config)["log"] == ["a", "b", "c", "join"]


def test_a_waiting_edge_remembers_who_came_when_new_input_arrives(saver, config):
    built = StateGraph(State)
    for name in ("a", "b", "join"):
        built.add_node(name, says(name))
    built.add_conditional_edges(START, lambda state: state["log"][-1], {"1": "a", "2": "b"})
    graph = built.add_edge(["a", "b"], "join").compile(saver)
    assert graph.invoke({"log": ["1"]}, config)["log"] == ["1", "a"]
    assert graph.invoke({"log": ["2"]}, config)["log"] == ["1", "a", "2", "b", "join"]


def test_a_router_sees_the_state_with_its_own_nodes_writes_but_not_its_siblings():
    seen = {}

    def route(state):
        seen["log"] = list(state["log"])
        return END

    fan(a=says("a"), b=says("b")).add_conditional_edges("a", route).compile().invoke({})
    assert seen["log"] == ["a"]


@pytest.mark.parametrize(
    ("path", "ends", "expected"),
    [
        (lambda state: "b", None, ["a", "b"]),
        (lambda state: ["b", "c"], None, ["a", "b", "c"]),
        (lambda state: ("c", "b", "c"), None, ["a", "b", "c"]),
        (lambda state: END, None, ["a"]),
        (lambda state: [], None, ["a"]),
        (lambda state: True, {True: "b", False: END}, ["a", "b"]),
        (lambda state: False, {True: "b", False: END}, ["a"]),
        (lambda state: "b", ["b", "c"], ["a", "b"]),
        (lambda state: [Send("c", {}), "b"], ["b"], ["a", "b", "c"]),
    ],
)
def test_a_router_may_return_a_name_several_a_key_of_the_map_or_sends(path, ends, expected):
    built = StateGraph(State)
    for name in "abc":
        built.add_node(name, says(name))
    built.add_edge(START, "a").add_conditional_edges("a", path, ends)
    assert built.compile().invoke({})["log"] == expected


def test_a_router_may_choose_the_first_node():
    built = StateGraph(State).add_node("a", says("a")).add_node("b", says("b"))
    built.set_conditional_entry_point(lambda state: "b" if state["x"] else "a")
    assert [built.compile().invoke({"x": x})["log"] for x in (0, 1)] == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("path", "ends", "said"),
    [
        (lambda state: "bb", None, "wants to go to 'bb', which is no node. Did you mean 'b'"),
        (lambda state: Send("bb", {}), None, "wants to go to 'bb', which is no node. Did you mean 'b'"),
        (lambda state: "z", {"y": "b"}, "the router after 'a' returned 'z'; it knows only 'y'"),
    ],
)
def test_a_router_that_leads_nowhere_fails_its_node(path, ends, said):
    graph = chain(a=says("a"), b=says("b")).add_conditional_edges("a", path, ends).compile()
    with pytest.raises(UnknownNodeError, match=said):
        graph.invoke({})


def test_send_runs_a_node_once_for_each_input_in_the_order_of_the_sends(saver, config):
    built = StateGraph(State).add_node("a", says("a")).add_node("one", lambda arg: {"log": [arg["n"] * 10]})
    built.add_edge(START, "a")
    built.add_conditional_edges("a", lambda state: [Send("one", {"n": n}) for n in (3, 1, 2)], ["one"])
    graph = built.compile(saver)
    assert graph.invoke({}, config)["log"] == ["a", 30, 10, 20]
    assert next(s.next for s in graph.get_state_history(config) if len(s.next) == 3) == ("one", "one", "one")


def test_an_edge_behind_sends_is_taken_once():
    built = StateGraph(State).add_node("one", lambda arg: {"log": [arg]}).add_node("join", says("join"))
    built.add_conditional_edges(START, lambda state: [Send("one", n) for n in range(3)], ["one"])
    assert built.add_edge("one", "join").compile().invoke({})["log"] == [0, 1, 2, "join"]


def test_command_updates_and_goes_besides_the_static_edges():
    built = StateGraph(State).add_node("a", lambda state: Command(update={"log": ["a"]}, goto="c"))
    built.add_node("b", says("b")).add_node("c", says("c")).add_edge(START, "a").add_edge("a", "b")
    assert built.compile().invoke({})["log"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("goto", "expected"),
    [
        ("b", ["a", "b"]),
        (["b", "c"], ["a", "b", "c"]),
        (Send("b", {}), ["a", "b"]),
        ([Send("b", {}), "c", Send("b", {})], ["a", "c", "b", "b"]),
        (END, ["a"]),
        ((), ["a"]),
    ],
)
def test_command_goto_takes_a_name_a_send_or_a_list(goto, expected):
    built = StateGraph(State).add_node("a", lambda state: Command(update={"log": ["a"]}, goto=goto))
    built.add_node("b", says("b")).add_node("c", says("c")).add_edge(START, "a")
    assert built.compile().invoke({})["log"] == expected


def test_command_goto_an_unknown_node_fails_naming_both():
    built = chain(a=lambda state: Command(goto="revew"), review=says("r"))
    with pytest.raises(UnknownNodeError, match="node 'a' wants to go to 'revew'.*Did you mean 'review'"):
        built.compile().invoke({})


# -- recursion limit


def forever():
    return chain(a=says("a")).add_edge("a", "a")


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_the_recursion_limit_is_the_number_of_super_steps_of_a_call(limit, saver, config):
    graph = forever().compile(saver)
    with pytest.raises(GraphRecursionError, match="recursion_limit"):
        graph.invoke({}, {**config, "recursion_limit": limit})
    assert graph.get_state(config).values["log"] == ["a"] * limit


def test_a_run_that_ends_with_its_last_allowed_step_is_no_error(config):
    graph = chain(a=says("a"), b=says("b")).compile(InMemorySaver())
    assert graph.invoke({}, {**config, "recursion_limit": 2})["log"] == ["a", "b"]


def test_the_recursion_limit_counts_anew_for_each_call(saver, config):
    graph = forever().compile(saver)
    for expected in (3, 6):
        with pytest.raises(GraphRecursionError):
            graph.invoke(None if expected > 3 else {}, {**config, "recursion_limit": 3})
        assert len(graph.get_state(config).values["log"]) == expected
    assert graph.get_state(config).metadata["stop"] == "failed"
    assert graph.get_state(config).next == ("a",)


def test_the_recursion_limit_counts_anew_for_new_input(config):
    graph = chain(a=says("a"), b=says("b")).compile(InMemorySaver())
    graph.invoke({}, config)
    assert graph.invoke({}, {**config, "recursion_limit": 2})["log"] == ["a", "b"] * 2


def test_the_recursion_limit_counts_anew_for_a_replay(config):
    graph = chain(a=says("a"), b=says("b")).compile(InMemorySaver())
    graph.invoke({}, config)
    old = next(s for s in graph.get_state_history(config) if s.next == ("b",))
    assert graph.invoke(None, {**old.config, "recursion_limit": 1})["log"] == ["a", "b"]
