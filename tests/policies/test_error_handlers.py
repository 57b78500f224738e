"""What runs when a node has failed for good: what it is told, where it leads, what happens when it fails or asks."""

import asyncio

import langgraph.errors
import langgraph.graph
import langgraph.types
import pytest

from nbhitl import (
    END,
    START,
    Command,
    DuckDBSaver,
    GraphError,
    NodeError,
    Send,
    StateGraph,
    interrupt,
)
from nbhitl.engine.errors import NodeFailed
from tests.policies.graphs import FAST, Flaky, State, line


class Mine(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


def boom(state):
    raise ValueError("boom")


def test_a_handler_gets_the_state_and_what_was_raised(call, saver, config):
    seen = []

    def handler(state, failure: NodeError):
        seen.append((state["x"], failure.node, str(failure.error), type(failure.error)))
        return {"log": ["handled"]}

    assert call(line(boom, error_handler=handler).compile(saver), {"x": 1}, config)["log"] == ["handled"]
    assert seen == [(1, "a", "boom", ValueError)]


def test_a_handler_may_take_the_error_by_name_or_not_at_all_and_the_config_and_the_runtime_as_well(call):
    def by_name(state, error):
        return {"log": [str(error.error)]}

    def state_only(state):
        return {"log": ["state"]}

    def everything(state, config, runtime, error: NodeError):
        return {"log": [config["metadata"]["langgraph_node"], runtime.execution_info.node_attempt]}

    for handler, log in ((by_name, ["boom"]), (state_only, ["state"]), (everything, ["a", 1])):
        assert call(line(boom, error_handler=handler).compile(), {"x": 1})["log"] == log


def test_an_async_handler_is_awaited():
    async def handler(state, error: NodeError):
        await asyncio.sleep(0)
        return {"log": [str(error.error)]}

    assert asyncio.run(line(boom, error_handler=handler).compile().ainvoke({"x": 1}))["log"] == ["boom"]


def test_the_nodes_own_edges_are_not_taken_and_the_handler_says_where_to_go(call):
    def onwards(state, error: NodeError):
        return Command(update={"log": ["handled"]}, goto="b")

    builder = line(boom, error_handler=onwards)
    builder.add_conditional_edges("a", lambda state: "c").add_node("c", lambda state: {"log": ["c"]})
    assert call(builder.compile(), {"x": 1})["log"] == ["handled", "b"]


def test_an_edge_that_waits_for_a_node_does_not_count_its_handler(call):
    builder = StateGraph(State).add_node("a", boom, error_handler=lambda state: {"log": ["handled"]})
    builder.add_node("s", lambda state: {"log": ["s"]}).add_node("c", lambda state: {"log": ["c"]})
    builder.add_edge(START, "a").add_edge(START, "s").add_edge(["a", "s"], "c")
    assert call(builder.compile(), {"x": 1})["log"] == ["handled", "s"]


def test_a_handler_runs_when_the_attempts_are_used_up_and_only_then(call, saver, config):
    calls = []
    for failures, log in ((2, ["a", "b"]), (3, ["handled"])):
        graph = line(
            Flaky(failures),
            retry_policy=FAST,
            error_handler=lambda state: (calls.append(1), {"log": ["handled"]})[1],
        ).compile()
        assert call(graph, {"x": 1})["log"] == log
    assert len(calls) == 1


def test_each_task_of_a_fan_out_is_handled_with_its_own_input(call):
    def work(state):
        raise ValueError(state["x"])

    def handler(state, error: NodeError):
        return {"log": [(state["x"], str(error.error))]}

    builder = StateGraph(State).add_node("work", work, error_handler=handler)
    builder.add_conditional_edges(START, lambda state: [Send("work", {"x": 1}), Send("work", {"x": 2})], ["work"])
    assert call(builder.compile(), {"x": 0})["log"] == [(1, "1"), (2, "2")]


def test_a_handler_that_raises_fails_the_node_with_both(call, saver, config):
    def handler(state, error: NodeError):
        raise KeyError("too")

    graph = line(boom, error_handler=handler).compile(saver)
    with pytest.raises(KeyError) as caught:
        call(graph, {"x": 1}, config)
    assert repr(caught.value.__cause__) == "ValueError('boom')"
    assert caught.value.__notes__ == ["in node 'a'", "in the error handler, after ValueError"]
    text = graph.get_state(config).metadata["stop_text"]
    assert "KeyError: 'too'" in text
    assert "ValueError: boom" in text


def test_after_a_failed_handler_the_node_runs_again(saver, config):
    body, handled = Flaky(1, ValueError), []

    def handler(state, error: NodeError):
        handled.append(1)
        raise KeyError("too")

    graph = line(body, error_handler=handler).compile(saver)
    with pytest.raises(KeyError):
        graph.invoke({"x": 1}, config)
    assert graph.invoke(None, config)["log"] == ["a", "b"]
    assert handled == [1]


def test_a_pause_is_no_error(call, saver, config):
    graph = line(lambda state: {"log": [interrupt("ok?")]}, error_handler=lambda state: 1 / 0).compile(saver)
    assert call(graph, {"x": 1}, config)["__interrupt__"]
    assert call(graph, Command(resume="yes"), config)["log"] == ["yes", "b"]


def test_a_handler_may_ask_and_the_body_does_not_run_again_for_the_answer(call, saver, config):
    runs = []

    def body(state):
        runs.append(1)
        raise ValueError("boom")

    def handler(state, error: NodeError):
        return Command(update={"log": [interrupt(f"what now? {error.error}")]}, goto="b")

    graph = line(body, error_handler=handler).compile(saver)
    assert call(graph, {"x": 1}, config)["__interrupt__"][0].value == "what now? boom"
    assert call(graph, Command(resume="go on"), config)["log"] == ["go on", "b"]
    assert runs == [1]


def test_an_answer_to_the_body_is_not_taken_for_one_to_its_handler(saver, config):
    def body(state):
        interrupt("sure?")
        raise ValueError("boom")

    def handler(state):
        return {"log": [interrupt("sure?")]}

    graph = line(body, error_handler=handler).compile(saver)
    first = graph.invoke({"x": 1}, config)["__interrupt__"][0]
    second = graph.invoke(Command(resume="yes"), config)["__interrupt__"][0]
    assert first.id != second.id
    assert graph.invoke(Command(resume="no"), config)["log"] == ["no"]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [(ValueError("boom"), ValueError, "boom"), (Mine(7), NodeFailed, "code 7"), (KeyError(), KeyError, "")],
)
def test_after_a_restart_the_handler_goes_on_with_what_is_known_of_the_error(tmp_path, config, error, kind, text):
    seen, runs = [], []

    def body(state):
        runs.append(1)
        raise error

    def handler(state, error: NodeError):
        answer = interrupt("what now?")
        seen.append(error.error)
        return {"log": [answer]}

    for given in ({"x": 1}, Command(resume="go on")):
        with DuckDBSaver(tmp_path / "t.duckdb") as saver:
            result = line(body, error_handler=handler).compile(saver).invoke(given, config)
    assert result["log"] == ["go on"]
    assert runs == [1]
    assert type(seen[0]) is kind
    assert text in str(seen[0])


def test_a_finished_step_of_a_handler_is_told_from_one_of_the_node_after_a_restart(tmp_path, config):
    def failing(state):
        raise ValueError("s")

    body, fixed = boom, lambda state: {"log": ["s"]}

    def build(sibling, saver):
        builder = StateGraph(State).add_node("a", body, error_handler=lambda state: {"log": ["handled"]})
        builder.add_node("s", sibling).add_node("b", lambda state: {"log": ["b"]})
        builder.add_edge(START, "a").add_edge(START, "s").add_edge("a", "b")
        return builder.compile(saver)

    with DuckDBSaver(tmp_path / "t.duckdb") as saver, pytest.raises(ValueError, match="s"):
        build(failing, saver).invoke({"x": 1}, config)
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        assert build(fixed, saver).invoke(None, config)["log"] == ["handled", "s"]


def test_a_handler_of_a_node_in_a_sub_graph_handles_there(call, saver, config):
    inner = StateGraph(State).add_node("in", boom, error_handler=lambda state: {"log": ["handled"]})
    inner.add_edge(START, "in")
    assert call(line(inner.compile()).compile(saver), {"x": 1}, config)["log"] == ["handled", "b"]


def test_the_failure_of_a_sub_graph_is_handled_outside(call, saver, config):
    inner = StateGraph(State).add_node("in", boom).add_edge(START, "in")

    def handler(state, error: NodeError):
        return {"log": [str(error.error)]}

    assert call(line(inner.compile(), error_handler=handler).compile(saver), {"x": 1}, config)["log"] == ["boom"]


def test_what_cannot_be_a_handler_is_a_mistake_of_the_graph():
    for given, said in (
        (3, "error_handler: give a function of the state"),
        (lambda: None, "error_handler: it takes no argument"),
        (lambda state, other: None, "error_handler: parameter 'other' is unknown"),
    ):
        with pytest.raises(GraphError, match=said):
            line(boom, error_handler=given).compile()


def test_an_edited_handler_is_an_edit_of_its_node():
    def old(state):
        return {"log": ["old"]}

    def new(state):
        return {"log": ["new"]}

    prints = [line(boom, error_handler=handler).compile().graph.fingerprints()["a"] for handler in (old, new)]
    plain = line(boom).compile().graph.fingerprints()["a"]
    assert len({*prints, plain}) == 3
    assert prints[0].startswith(plain)


def test_both_engines_go_where_a_handler_says():
    def ours(state, error: NodeError):
        return after(error, Command)

    def theirs(state, error: langgraph.errors.NodeError):
        return after(error, langgraph.types.Command)

    for after in (  # noqa: B007 - the handlers call it
        lambda error, command: {"log": [str(error.error), error.node]},
        lambda error, command: command(update={"log": ["h"]}, goto="b"),
        lambda error, command: command(update={"log": ["h"]}, goto=END),
        lambda error, command: None,
    ):
        mine = line(boom, error_handler=ours).compile().invoke({"x": 1})
        other = line(boom, engine=langgraph.graph, error_handler=theirs).compile().invoke({"x": 1})
        assert mine == other
