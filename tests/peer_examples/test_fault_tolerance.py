"""LangGraph's page "Fault tolerance": retries, timeouts, error handlers, defaults of a graph, draining a run."""

import asyncio
import operator
import signal
import sqlite3
import threading
import time
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, TypedDict

import pytest


class State(TypedDict, total=False):
    status: str


class Log(TypedDict):
    log: Annotated[list, operator.add]


class Unavailable(Exception):
    """What the default policy tries again: none of the errors that say a program is wrong."""


def failing(times, error=Unavailable, result=None):
    """A node that counts its calls in ``calls``; the first ones raise."""

    def node(state):
        node.calls += 1
        if node.calls <= times:
            raise error("unavailable")
        return {"status": "done"} if result is None else result

    node.calls = 0
    return node


def retry(lg, **options):
    """A retry policy that does not wait."""
    return lg.RetryPolicy(initial_interval=0, jitter=False, **options)


def graph_of(lg, node, state=State, compiled=None, **options):
    """START -> node -> END."""
    return lg.StateGraph(state).add_node("node", node, **options).add_edge(lg.START, "node").compile(**(compiled or {}))


# -- retries


def test_a_node_is_tried_again(lg):
    node = failing(2)
    assert graph_of(lg, node, retry_policy=retry(lg)).invoke({}) == {"status": "done"}
    assert node.calls == 3


def test_without_a_policy_the_first_failure_counts(lg):
    node = failing(1)
    with pytest.raises(Unavailable):
        graph_of(lg, node).invoke({})
    assert node.calls == 1


def test_after_the_last_attempt_the_error_is_raised(lg):
    node = failing(9)
    with pytest.raises(Unavailable):
        graph_of(lg, node, retry_policy=retry(lg, max_attempts=4)).invoke({})
    assert node.calls == 4


def test_the_default_policy_has_three_attempts(lg):
    policy = lg.RetryPolicy()
    assert (policy.max_attempts, policy.initial_interval, policy.backoff_factor) == (3, 0.5, 2.0)
    assert (policy.max_interval, policy.jitter) == (128.0, True)


@pytest.mark.parametrize(
    "error",
    [
        ValueError,
        TypeError,
        ArithmeticError,
        ImportError,
        LookupError,
        NameError,
        SyntaxError,
        RuntimeError,
        ReferenceError,
        OSError,
        KeyError,
        ZeroDivisionError,
    ],
)
def test_errors_that_a_second_attempt_does_not_cure_are_not_tried_again_by_default(lg, error):
    node = failing(1, error)
    with pytest.raises(error):
        graph_of(lg, node, retry_policy=retry(lg)).invoke({})
    assert node.calls == 1


@pytest.mark.parametrize("error", [ConnectionError, ConnectionResetError, Unavailable])
def test_errors_that_may_pass_are_tried_again_by_default(lg, error):
    node = failing(1, error)
    assert graph_of(lg, node, retry_policy=retry(lg)).invoke({}) == {"status": "done"}
    assert lg.default_retry_on(error("unavailable"))


def test_a_policy_names_the_errors_that_are_tried_again(lg):
    node = failing(1, ValueError)
    assert graph_of(lg, node, retry_policy=retry(lg, retry_on=ValueError)).invoke({}) == {"status": "done"}
    node = failing(1, KeyError)
    assert graph_of(lg, node, retry_policy=retry(lg, retry_on=(ValueError, KeyError))).invoke({}) == {"status": "done"}
    node = failing(1, KeyError)
    with pytest.raises(KeyError):
        graph_of(lg, node, retry_policy=retry(lg, retry_on=ValueError)).invoke({})


def test_a_function_decides_which_errors_are_tried_again(lg):
    class MyCustomError(Exception):
        pass

    def custom_retry_on(error: BaseException) -> bool:
        return not isinstance(error, MyCustomError) and lg.default_retry_on(error)

    node = failing(1, MyCustomError)
    with pytest.raises(MyCustomError):
        graph_of(lg, node, retry_policy=retry(lg, retry_on=custom_retry_on)).invoke({})
    node = failing(1)
    assert graph_of(lg, node, retry_policy=retry(lg, retry_on=custom_retry_on)).invoke({}) == {"status": "done"}


def test_the_first_of_several_policies_that_fits_counts(lg):
    policies = [retry(lg, retry_on=ValueError, max_attempts=2), retry(lg, retry_on=KeyError, max_attempts=5)]
    node = failing(4, KeyError)
    assert graph_of(lg, node, retry_policy=policies).invoke({}) == {"status": "done"}
    node = failing(4, ValueError)
    with pytest.raises(ValueError, match="unavailable"):
        graph_of(lg, node, retry_policy=policies).invoke({})
    assert node.calls == 2


def test_two_nodes_have_two_policies(lg):
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    queries, model = failing(1, sqlite3.OperationalError), failing(4)

    def query_database(state: Log):
        queries(state)
        return {"log": [connection.execute("SELECT 1").fetchone()[0]]}

    def call_model(state: Log):
        model(state)
        return {"log": ["model"]}

    graph = (
        lg.StateGraph(Log)
        .add_node(query_database, retry_policy=retry(lg, retry_on=sqlite3.OperationalError))
        .add_node("model", call_model, retry_policy=retry(lg, max_attempts=5))
        .add_edge(lg.START, "model")
        .add_edge("model", "query_database")
        .compile()
    )
    assert graph.invoke({"log": []}) == {"log": ["model", 1]}
    assert (queries.calls, model.calls) == (2, 5)


def test_the_intervals_grow(lg):
    node, times = failing(2), []

    def timed(state: State):
        times.append(time.monotonic())
        return node(state)

    policy = lg.RetryPolicy(initial_interval=0.05, backoff_factor=3, jitter=False)
    graph_of(lg, timed, retry_policy=policy).invoke({})
    first, second = (late - early for early, late in pairwise(times))
    assert first >= 0.05
    assert second >= 0.15


def test_async_nodes_are_tried_again(lg):
    inner = failing(2)

    async def node(state: State):
        return inner(state)

    assert lg.run(graph_of(lg, node, retry_policy=retry(lg)).ainvoke({})) == {"status": "done"}


def test_a_node_knows_its_attempt(lg):
    attempts, begun = [], []

    def node(state: State, runtime: lg.Runtime):
        info = runtime.execution_info
        attempts.append(info.node_attempt)
        begun.append(info.node_first_attempt_time)
        if info.node_attempt > 1:
            return {"status": "from the fallback"}
        raise Unavailable

    assert graph_of(lg, node, retry_policy=retry(lg)).invoke({}) == {"status": "from the fallback"}
    assert attempts == [1, 2]
    assert begun[0] == begun[1]
    assert abs(begun[0] - time.time()) < 60


def test_without_a_policy_the_attempt_is_the_first(lg):
    def node(state: State, runtime: lg.Runtime):
        return {"status": str(runtime.execution_info.node_attempt)}

    assert graph_of(lg, node).invoke({}) == {"status": "1"}


# -- timeouts


def sleeping(naps, result="done"):
    """An async node that sleeps so long at its first call, so long at its second one, ..."""

    async def node(state):
        node.calls += 1
        await asyncio.sleep(naps[node.calls - 1])
        return {"status": result}

    node.calls = 0
    return node


@pytest.mark.parametrize("timeout", [0.05, timedelta(seconds=0.05), {"run_timeout": 0.05}])
def test_a_node_that_takes_too_long_fails(lg, timeout):
    timeout = lg.TimeoutPolicy(**timeout) if isinstance(timeout, dict) else timeout
    with pytest.raises(lg.NodeTimeoutError) as raised:
        lg.run(graph_of(lg, sleeping([60]), timeout=timeout).ainvoke({}))
    error = raised.value
    assert (error.node, error.kind, error.run_timeout, error.idle_timeout) == ("node", "run", 0.05, None)
    assert error.elapsed >= 0.04


def test_a_node_that_is_fast_enough_does_not_fail(lg):
    assert lg.run(graph_of(lg, sleeping([0]), timeout=60).ainvoke({})) == {"status": "done"}


def test_a_sync_node_cannot_have_a_timeout(lg):
    with pytest.raises(lg.NbhitlError if lg.ours else ValueError, match="async"):
        graph_of(lg, lambda state: {"status": "done"}, timeout=1)


def test_a_timeout_is_tried_again_by_default_and_each_attempt_has_its_own(lg):
    node = sleeping([60, 0])
    graph = graph_of(lg, node, timeout=lg.TimeoutPolicy(run_timeout=0.5), retry_policy=retry(lg))
    assert lg.run(graph.ainvoke({})) == {"status": "done"}
    assert node.calls == 2


def test_a_node_that_makes_no_progress_fails(lg):
    with pytest.raises(lg.NodeTimeoutError) as raised:
        lg.run(graph_of(lg, sleeping([60]), timeout=lg.TimeoutPolicy(idle_timeout=0.05)).ainvoke({}))
    assert (raised.value.kind, raised.value.idle_timeout, raised.value.run_timeout) == ("idle", 0.05, None)


def test_heartbeats_are_progress(lg):
    async def long_running_node(state: State, runtime: lg.Runtime):
        for _ in range(12):
            await asyncio.sleep(0.1)
            runtime.heartbeat()
        return {"status": "done"}

    policy = lg.TimeoutPolicy(idle_timeout=1, refresh_on="heartbeat")
    assert lg.run(graph_of(lg, long_running_node, timeout=policy).ainvoke({})) == {"status": "done"}


def test_what_is_streamed_is_progress(lg):
    async def long_running_node(state: State):
        for step in range(12):
            await asyncio.sleep(0.1)
            lg.get_stream_writer()(step)
        return {"status": "done"}

    graph = graph_of(lg, long_running_node, timeout=lg.TimeoutPolicy(idle_timeout=1))
    assert lg.run(graph.ainvoke({})) == {"status": "done"}


def test_with_heartbeats_only_what_is_streamed_is_no_progress(lg):
    async def chatty_node(state: State):
        for step in range(100):
            await asyncio.sleep(0.02)
            lg.get_stream_writer()(step)

    policy = lg.TimeoutPolicy(idle_timeout=0.2, refresh_on="heartbeat")
    with pytest.raises(lg.NodeTimeoutError) as raised:
        lg.run(graph_of(lg, chatty_node, timeout=policy).ainvoke({}))
    assert raised.value.kind == "idle"


def test_a_busy_node_still_has_its_run_timeout(lg):
    async def chatty_node(state: State, runtime: lg.Runtime):
        while True:
            await asyncio.sleep(0.02)
            runtime.heartbeat()

    policy = lg.TimeoutPolicy(run_timeout=0.2, idle_timeout=60)
    with pytest.raises(lg.NodeTimeoutError) as raised:
        lg.run(graph_of(lg, chatty_node, timeout=policy).ainvoke({}))
    assert raised.value.kind == "run"


def test_a_heartbeat_without_a_timeout_does_nothing(lg):
    def node(state: State, runtime: lg.Runtime):
        runtime.heartbeat()
        return {"status": "done"}

    assert graph_of(lg, node).invoke({}) == {"status": "done"}


class Items(TypedDict):
    items: list[float]
    done: Annotated[list[float], operator.add]


def sending(lg, limit, **send):
    """A node for each item, which sleeps so long; it has a timeout, and so may each of its tasks."""

    async def process_item(state):
        await asyncio.sleep(state["item"])
        return {"done": [state["item"]]}

    def fan_out(state: Items):
        return [lg.Send("process_item", {"item": item}, **send) for item in state["items"]]

    return (
        lg.StateGraph(Items)
        .add_node(process_item, timeout=limit)
        .add_conditional_edges(lg.START, fan_out, ["process_item"])
        .compile()
    )


def test_what_is_sent_has_the_timeout_of_its_node(lg):
    assert lg.run(sending(lg, 60).ainvoke({"items": [0, 0], "done": []}))["done"] == [0, 0]
    with pytest.raises(lg.NodeTimeoutError):
        lg.run(sending(lg, 0.05).ainvoke({"items": [0, 30], "done": []}))


def test_a_send_may_have_a_timeout_of_its_own_upstream(lg):
    if lg.ours:  # not there: the timeout is the node's
        with pytest.raises(TypeError, match="timeout"):
            lg.Send("process_item", {}, timeout=1)
    else:
        graph = sending(lg, 60, timeout=lg.TimeoutPolicy(run_timeout=0.05))
        with pytest.raises(lg.NodeTimeoutError):
            lg.run(graph.ainvoke({"items": [0, 30], "done": []}))


# -- error handlers


def payments(lg, charge, handler=None, **options):
    """reserve -> charge -> finalize, where the payment has an error handler that compensates."""

    def compensate(state: State, error: lg.NodeError) -> lg.Command[Literal["finalize"]]:
        return lg.Command(update={"status": f"compensated_after_{error.node}: {error.error}"}, goto="finalize")

    return (
        lg.StateGraph(State)
        .add_node("reserve_inventory", lambda state: {"status": "reserved"})
        .add_node("charge_payment", charge, error_handler=handler or compensate, **options)
        .add_node("finalize", lambda state: state)
        .add_edge(lg.START, "reserve_inventory")
        .add_edge("reserve_inventory", "charge_payment")
        .compile(checkpointer=lg.InMemorySaver())
    )


def charge_payment(state: State):
    raise RuntimeError("payment timeout")


def test_a_handler_compensates_and_says_where_to_go(lg):
    graph = payments(lg, charge_payment)
    assert graph.invoke({}, lg.thread()) == {"status": "compensated_after_charge_payment: payment timeout"}


def test_the_handler_runs_when_the_retries_are_exhausted(lg):
    charge = failing(9, ConnectionError)
    graph = payments(lg, charge, retry_policy=retry(lg, retry_on=ConnectionError))
    assert graph.invoke({}, lg.thread()) == {"status": "compensated_after_charge_payment: unavailable"}
    assert charge.calls == 3


def test_the_handler_does_not_run_when_a_retry_succeeds(lg):
    graph = payments(lg, failing(2, ConnectionError), retry_policy=retry(lg, retry_on=ConnectionError))
    assert graph.invoke({}, lg.thread()) == {"status": "done"}


def test_a_handler_need_not_take_the_error(lg):
    graph = payments(lg, charge_payment, lambda state: {"status": f"{state['status']}, not charged"})
    assert graph.invoke({}, lg.thread()) == {"status": "reserved, not charged"}


def test_a_handler_may_be_async(lg):
    async def handler(state: State, error: lg.NodeError):
        return {"status": f"recovered from {error.error}"}

    graph = payments(lg, charge_payment, handler)
    assert lg.run(graph.ainvoke({}, lg.thread())) == {"status": "recovered from payment timeout"}


def test_a_handler_takes_its_config_and_the_runtime(lg):
    def handler(state: State, error: lg.NodeError, config, runtime: lg.Runtime):
        runtime.stream_writer("handled")
        return {"status": f"failed on {config['configurable']['thread_id']}: {error.error}"}

    config = lg.thread()
    chunks = list(payments(lg, charge_payment, handler).stream({}, config, stream_mode=["custom", "values"]))
    assert ("custom", "handled") in chunks
    assert chunks[-1][1] == {"status": f"failed on {config['configurable']['thread_id']}: payment timeout"}


def test_the_error_of_a_handler_is_raised(lg):
    def handler(state: State):
        raise LookupError("no handler for this")

    with pytest.raises(LookupError, match="no handler for this"):
        payments(lg, charge_payment, handler).invoke({}, lg.thread())


def test_a_question_is_no_error(lg):
    handled = []

    def ask(state: State):
        return {"status": lg.interrupt("Charge?")}

    graph, config = payments(lg, ask, handled.append), lg.thread()
    assert lg.asked(graph.invoke({}, config)) == ["Charge?"]
    assert graph.invoke(lg.Command(resume="yes"), config) == {"status": "yes"}
    assert handled == []


def test_the_error_of_a_sub_graph_reaches_the_handler_of_its_node(lg):
    subgraph = graph_of(lg, charge_payment)
    graph = payments(lg, subgraph)
    assert graph.invoke({}, lg.thread()) == {"status": "compensated_after_charge_payment: payment timeout"}


def test_a_timeout_reaches_the_handler(lg):
    graph = payments(lg, sleeping([60]), timeout=0.05)
    result = lg.run(graph.ainvoke({}, lg.thread()))
    assert result["status"].startswith("compensated_after_charge_payment: ")


def test_what_finished_beside_the_failure_counts(lg):
    def handler(state: Log, error: lg.NodeError):
        return {"log": [f"handled {error.node}"]}

    graph = (
        lg.StateGraph(Log)
        .add_node("good", lambda state: {"log": ["good"]})
        .add_node("bad", charge_payment, error_handler=handler)
        .add_edge(lg.START, "good")
        .add_edge(lg.START, "bad")
        .compile()
    )
    assert sorted(graph.invoke({"log": []})["log"]) == ["good", "handled bad"]


def test_a_node_may_handle_an_error_that_the_model_can_mend_itself(lg):
    class Tools(TypedDict, total=False):
        tool_call: str
        tool_result: str

    def run_tool(tool_call):
        if tool_call == "bad":
            raise LookupError("invalid args")
        return f"ok: {tool_call}"

    def execute_tool(state: Tools) -> lg.Command[Literal["agent"]]:
        try:
            return lg.Command(update={"tool_result": run_tool(state["tool_call"])}, goto="agent")
        except LookupError as error:
            return lg.Command(update={"tool_result": f"Tool error: {error}"}, goto="agent")

    def agent(state: Tools) -> lg.Command[Literal["execute_tool", "__end__"]]:
        if state.get("tool_result", "").startswith("ok"):
            return lg.Command(goto=lg.END)
        return lg.Command(update={"tool_call": "good" if "tool_result" in state else "bad"}, goto="execute_tool")

    graph = lg.StateGraph(Tools).add_node(agent).add_node(execute_tool).add_edge(lg.START, "agent").compile()
    assert graph.invoke({}) == {"tool_call": "good", "tool_result": "ok: good"}


def test_an_unexpected_error_fails_the_run(lg):
    with pytest.raises(RuntimeError, match="payment timeout"):
        graph_of(lg, charge_payment).invoke({})


# -- defaults of a graph


def test_defaults_hold_for_all_nodes(lg):
    one, two = failing(2), failing(2)
    graph = (
        lg.StateGraph(State)
        .set_node_defaults(retry_policy=retry(lg))
        .add_node("one", one)
        .add_node("two", two)
        .add_edge(lg.START, "one")
        .add_edge("one", "two")
        .compile()
    )
    assert graph.invoke({}) == {"status": "done"}
    assert (one.calls, two.calls) == (3, 3)


def test_defaults_can_be_set_after_the_nodes(lg):
    node = failing(2)
    builder = lg.StateGraph(State).add_node("node", node).add_edge(lg.START, "node")
    assert builder.set_node_defaults(retry_policy=retry(lg)).compile().invoke({}) == {"status": "done"}


def test_what_a_node_says_wins_over_the_defaults(lg):
    node = failing(9)
    builder = lg.StateGraph(State).set_node_defaults(retry_policy=retry(lg))
    graph = builder.add_node("node", node, retry_policy=retry(lg, max_attempts=5)).add_edge(lg.START, "node").compile()
    with pytest.raises(Unavailable):
        graph.invoke({})
    assert node.calls == 5


def process(lg, fetch, charge):
    """A graph with a default error handler; the payment has one of its own."""

    def mark_process_failed(state: State, error: lg.NodeError):
        return {"status": f"failed at {error.node}: {error.error}"}

    def refund_payment(state: State, error: lg.NodeError) -> lg.Command[Literal["finalize"]]:
        return lg.Command(update={"status": f"compensated after {error.node}"}, goto="finalize")

    return (
        lg.StateGraph(State)
        .set_node_defaults(error_handler=mark_process_failed)
        .add_node("fetch_data", fetch)
        .add_node("charge_payment", charge, error_handler=refund_payment)
        .add_node("finalize", lambda state: {"status": f"{state['status']}, finalized"})
        .add_edge(lg.START, "fetch_data")
        .add_edge("fetch_data", "charge_payment")
        .compile()
    )


def test_the_default_handler_handles_what_no_other_one_does(lg):
    graph = process(lg, charge_payment, lambda state: {"status": f"{state['status']}, charged"})
    stream = list(graph.stream({}, stream_mode="values"))
    assert {"status": "failed at fetch_data: payment timeout"} in stream


def test_the_handler_of_a_node_wins_over_the_default_one(lg):
    graph = process(lg, lambda state: {"status": "fetched"}, charge_payment)
    assert graph.invoke({}) == {"status": "compensated after charge_payment, finalized"}


def test_the_default_timeout_holds_for_all_nodes(lg):
    builder = lg.StateGraph(State).set_node_defaults(timeout=lg.TimeoutPolicy(run_timeout=0.05))
    graph = builder.add_node("node", sleeping([60])).add_edge(lg.START, "node").compile()
    with pytest.raises(lg.NodeTimeoutError):
        lg.run(graph.ainvoke({}))


def test_defaults_are_not_inherited_by_sub_graphs(lg):
    node = failing(2)
    subgraph = graph_of(lg, node)
    builder = lg.StateGraph(State).set_node_defaults(retry_policy=retry(lg, max_attempts=2))
    graph = builder.add_node("sub", subgraph).add_edge(lg.START, "sub").compile()
    with pytest.raises(Unavailable):
        graph.invoke({})
    assert node.calls == 2  # each attempt of the outer node is one of the inner one


def test_a_handler_is_tried_again_by_default_and_has_no_handler_of_its_own(lg):
    handler = failing(2, result={"status": "handled"})
    builder = lg.StateGraph(State).set_node_defaults(retry_policy=retry(lg), error_handler=handler)
    graph = builder.add_node("node", charge_payment).add_edge(lg.START, "node").compile()
    assert graph.invoke({}) == {"status": "handled"}
    assert handler.calls == 3


def test_a_cache_is_a_default_too(lg):
    node = failing(0)
    builder = lg.StateGraph(State).set_node_defaults(cache_policy=lg.CachePolicy())
    graph = builder.add_node("node", node).add_edge(lg.START, "node").compile(cache=lg.InMemoryCache())
    assert [graph.invoke({"status": "new"}) for _ in range(2)] == [{"status": "done"}] * 2
    assert node.calls == 1


# -- graceful shutdown


def draining(lg, control, when="one", saver=None):
    """one -> two -> three; a drain is requested while one of them runs."""

    def node(name):
        def body(state: Log):
            if name == when:
                control.request_drain("sigterm")
            return {"log": [name]}

        return body

    builder = lg.StateGraph(Log)
    for name in ("one", "two", "three"):
        builder.add_node(name, node(name))
    builder.add_edge(lg.START, "one").add_edge("one", "two").add_edge("two", "three")
    return builder.compile(checkpointer=saver or lg.InMemorySaver())


def drained(lg, graph, config, call):
    """The reason for which a run stopped before its end."""
    if lg.ours:  # We differ: the same return value, plus a stop reason everywhere
        call()
        metadata = graph.get_state(config).metadata
        assert metadata["stop"] == "drained"
        return metadata["stop_text"]
    with pytest.raises(lg.GraphDrained) as raised:
        call()
    return raised.value.reason


def test_a_run_is_drained_after_the_step_that_runs(lg):
    control, config = lg.RunControl(), lg.thread()
    graph = draining(lg, control)
    reason = drained(lg, graph, config, lambda: graph.invoke({"log": []}, config, control=control))
    assert reason == "sigterm"
    state = graph.get_state(config)
    assert (state.values, state.next) == ({"log": ["one"]}, ("two",))


def test_a_drained_run_goes_on_with_none(lg):
    control, config = lg.RunControl(), lg.thread()
    graph = draining(lg, control)
    drained(lg, graph, config, lambda: graph.invoke({"log": []}, config, control=control))
    assert graph.invoke(None, config) == {"log": ["one", "two", "three"]}


def test_a_run_that_ends_with_the_drained_step_has_ended(lg):
    control, config = lg.RunControl(), lg.thread()
    graph = draining(lg, control, when="three")
    assert graph.invoke({"log": []}, config, control=control) == {"log": ["one", "two", "three"]}
    assert control.drain_requested
    assert control.drain_reason == "sigterm"


def test_a_stream_is_drained_too(lg):
    control, config, chunks = lg.RunControl(), lg.thread(), []
    graph = draining(lg, control)

    def consume():
        chunks.extend(graph.stream({"log": []}, config, stream_mode="updates", control=control))

    assert drained(lg, graph, config, consume) == "sigterm"
    assert chunks == [{"one": {"log": ["one"]}}]


def test_an_async_run_is_drained_too(lg):
    control, config = lg.RunControl(), lg.thread()
    graph = draining(lg, control)
    assert drained(lg, graph, config, lambda: lg.run(graph.ainvoke({"log": []}, config, control=control))) == "sigterm"
    assert graph.get_state(config).next == ("two",)


def test_a_node_sees_that_a_drain_was_requested(lg):
    class Status(TypedDict, total=False):
        status: str
        reason: str | None

    def node(state: Status, runtime: lg.Runtime):
        if runtime.drain_requested:
            return {"status": "skipped", "reason": runtime.drain_reason}
        control.request_drain("shutdown")
        return {"status": "skipped" if runtime.drain_requested else "late", "reason": runtime.drain_reason}

    control = lg.RunControl()
    assert graph_of(lg, node, Status).invoke({}, control=control) == {"status": "skipped", "reason": "shutdown"}


def test_without_a_control_nothing_is_drained(lg):
    def node(state: State, runtime: lg.Runtime):
        return {"status": str(runtime.drain_requested)}

    assert graph_of(lg, node).invoke({}) == {"status": "False"}


def test_a_sub_graph_drains_the_run(lg):
    control, config = lg.RunControl(), lg.thread()

    def stop(state: Log):
        control.request_drain("from inside")
        return {"log": ["inside"]}

    subgraph = (
        lg.StateGraph(Log)
        .add_node("stop", stop)
        .add_node("rest", lambda state: {"log": ["rest"]})
        .add_edge(lg.START, "stop")
        .add_edge("stop", "rest")
        .compile()
    )
    graph = (
        lg.StateGraph(Log)
        .add_node("sub", subgraph)
        .add_node("after", lambda state: {"log": ["after"]})
        .add_edge(lg.START, "sub")
        .add_edge("sub", "after")
        .compile(checkpointer=lg.InMemorySaver())
    )
    assert drained(lg, graph, config, lambda: graph.invoke({"log": []}, config, control=control)) == "from inside"
    assert graph.invoke(None, config)["log"][-3:] == ["inside", "rest", "after"]


def test_a_drain_may_come_from_another_thread(lg):
    control, config, begun, go_on = lg.RunControl(), lg.thread(), threading.Event(), threading.Event()

    def slow(state: Log):
        begun.set()
        assert go_on.wait(60)
        return {"log": ["slow"]}

    graph = (
        lg.StateGraph(Log)
        .add_node(slow)
        .add_node("after", lambda state: {"log": ["after"]})
        .add_edge(lg.START, "slow")
        .add_edge("slow", "after")
        .compile(checkpointer=lg.InMemorySaver())
    )

    def supervise():
        assert begun.wait(60)
        control.request_drain()
        go_on.set()

    supervisor = threading.Thread(target=supervise)
    supervisor.start()
    drained(lg, graph, config, lambda: graph.invoke({"log": []}, config, control=control))
    supervisor.join()
    assert graph.invoke(None, config) == {"log": ["slow", "after"]}


def test_a_signal_handler_drains_the_run(lg):
    control, config = lg.RunControl(), lg.thread()
    before = signal.signal(signal.SIGTERM, lambda *_: control.request_drain("sigterm"))
    try:
        graph = (
            lg.StateGraph(Log)
            .add_node("one", lambda state: signal.raise_signal(signal.SIGTERM))
            .add_node("two", lambda state: {"log": ["two"]})
            .add_edge(lg.START, "one")
            .add_edge("one", "two")
            .compile(checkpointer=lg.InMemorySaver())
        )
        assert drained(lg, graph, config, lambda: graph.invoke({"log": []}, config, control=control)) == "sigterm"
        assert graph.invoke(None, config) == {"log": ["two"]}
    finally:
        signal.signal(signal.SIGTERM, before)
