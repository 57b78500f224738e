"""When a node is tried again: how often, after how long, after which errors; what an attempt knows of earlier ones."""

import asyncio
import builtins
import re
import threading
import time

import langgraph.graph
import langgraph.types
import pytest
from langgraph._internal._retry import default_retry_on as their_default

from nbhitl import (
    START,
    Command,
    DuckDBSaver,
    GraphError,
    InMemorySaver,
    InvalidUpdateError,
    NodeTimeoutError,
    RetryPolicy,
    RunControl,
    Send,
    Session,
    StateGraph,
    interrupt,
    once,
)
from nbhitl.engine.policies import default_retry_on, delay
from nbhitl.engine.records import ThreadKey
from nbhitl.run.world import Emitted
from nbhitl.session.whereabouts import whereabouts
from tests.policies.graphs import FAST, Flaky, State, line


def retried(saver):
    return [position.retried for position in saver.history(ThreadKey("t")) if position.retried]


def test_a_node_that_raises_is_tried_again_until_it_succeeds(call, saver, config):
    body = Flaky(2)
    assert call(line(body, retry_policy=FAST).compile(saver), {"x": 1}, config)["log"] == ["a", "b"]
    assert body.runs == 3


def test_when_all_attempts_are_used_up_the_error_is_raised_as_it_was_and_says_how_many_there_were(call, saver, config):
    body = Flaky(9)
    graph = line(body, retry_policy=FAST).compile(saver)
    with pytest.raises(ConnectionError, match="failure 3") as caught:
        call(graph, {"x": 1}, config)
    assert caught.value.__notes__ == ["in node 'a'", "after 3 attempts"]
    assert graph.get_state(config).metadata["stop"] == "failed"
    assert body.runs == 3


def test_one_attempt_means_no_retry_and_no_word_of_attempts():
    with pytest.raises(ConnectionError) as caught:
        line(Flaky(9), retry_policy=RetryPolicy(max_attempts=1)).compile().invoke({"x": 1})
    assert caught.value.__notes__ == ["in node 'a'"]


def test_going_on_after_a_failure_counts_anew(saver, config):
    body = Flaky(5)
    graph = line(body, retry_policy=FAST).compile(saver)
    with pytest.raises(ConnectionError):
        graph.invoke({"x": 1}, config)
    assert graph.invoke(None, config)["log"] == ["a", "b"]
    assert body.runs == 6


def test_the_first_policy_that_knows_the_error_counts():
    policies = [
        RetryPolicy(retry_on=KeyError, max_attempts=2, initial_interval=0, jitter=False),
        RetryPolicy(retry_on=(ValueError, LookupError), max_attempts=4, initial_interval=0, jitter=False),
    ]
    for error, runs in ((KeyError, 2), (IndexError, 4), (ValueError, 4), (TypeError, 1)):
        body = Flaky(9, error)
        with pytest.raises(error):
            line(body, retry_policy=policies).compile().invoke({"x": 1})
        assert body.runs == runs


def test_a_function_says_whether_an_error_is_worth_another_attempt():
    body = Flaky(9, ValueError)
    policy = FAST._replace(retry_on=lambda error: "1" in str(error))
    with pytest.raises(ValueError, match="failure 2"):
        line(body, retry_policy=policy).compile().invoke({"x": 1})


def test_a_retry_on_that_raises_leaves_the_nodes_own_error(saver, config):
    graph = line(Flaky(9), retry_policy=FAST._replace(retry_on=lambda error: 1 / 0)).compile(saver)
    with pytest.raises(ConnectionError) as caught:
        graph.invoke({"x": 1}, config)
    assert "not tried again, since retry_on raised ZeroDivisionError: division by zero" in caught.value.__notes__
    assert graph.get_state(config).metadata["stop"] == "failed"


def made(kind):
    for given in (("x",), ("utf8", b"x", 0, 1, "r"), ("utf8", "x", 0, 1, "r"), ("x", 0, 1, "r"), ("x", [ValueError()])):
        try:
            return kind(*given)
        except TypeError:
            continue
    raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, Exception)],
    ids=lambda kind: kind.__name__,
)
def test_of_the_builtin_errors_those_are_tried_again_that_langgraph_tries_again(kind):
    error = made(kind)
    assert default_retry_on(error) == their_default(error)


@pytest.mark.parametrize("code", [400, 404, 429, 500, 503, 599, 600])
def test_an_http_error_is_tried_again_where_the_server_is_to_blame(code):
    httpx = pytest.importorskip("httpx")
    response = httpx.Response(code, request=httpx.Request("GET", "http://x"))
    error = httpx.HTTPStatusError("m", request=response.request, response=response)
    assert default_retry_on(error) == their_default(error) == (500 <= code < 600)


def test_an_error_of_requests_without_a_response_is_tried_again():
    requests = pytest.importorskip("requests")
    assert default_retry_on(requests.HTTPError("m"))
    assert default_retry_on(requests.ConnectionError()) == their_default(requests.ConnectionError())


def test_our_own_errors_are_no_reason_to_try_again_except_those_about_time():
    assert not default_retry_on(InvalidUpdateError("x"))
    assert default_retry_on(NodeTimeoutError("a", 1.0, kind="run", run_timeout=1.0))


def test_waits_grow_up_to_the_longest_one_and_never_overflow():
    policy = RetryPolicy(initial_interval=0.5, backoff_factor=2, max_interval=3, jitter=False)
    assert [delay(policy, n, 0.25) for n in (1, 2, 3, 4, 5000)] == [0.5, 1, 2, 3, 3]
    assert [delay(policy._replace(jitter=True), n, 0.25) for n in (1, 4)] == [0.75, 3.25]


def test_a_body_knows_which_attempt_it_is_and_when_the_first_one_began(call, saver, config):
    seen = []

    def body(state, runtime):
        info = runtime.execution_info
        seen.append((info.node_attempt, info.node_first_attempt_time))
        if len(seen) < 3:
            raise ConnectionError("x")

    before = time.time()
    call(line(body, retry_policy=FAST).compile(saver), {"x": 1}, config)
    assert [attempt for attempt, _ in seen] == [1, 2, 3]
    assert len({begun for _, begun in seen}) == 1
    assert before - 1 <= seen[0][1] <= time.time()


def test_an_attempt_reuses_what_earlier_ones_kept(call, saver, config):
    sent, runs = [], []

    def body(state):
        once("send", sent.append, "mail")
        runs.append(1)
        if len(runs) < 3:
            raise ConnectionError("x")
        return {"log": ["a"]}

    assert call(line(body, retry_policy=FAST).compile(saver), {"x": 1}, config)["log"] == ["a", "b"]
    assert sent == ["mail"]


def test_an_attempt_reuses_answers_and_asking_is_no_failure(call, saver, config):
    runs = []

    def body(state):
        answer = interrupt("ok?")
        runs.append(answer)
        if len(runs) < 3:
            raise ConnectionError("x")
        return {"log": [answer]}

    graph = line(body, retry_policy=FAST).compile(saver)
    assert call(graph, {"x": 1}, config)["__interrupt__"][0].value == "ok?"
    assert call(graph, Command(resume="yes"), config)["log"] == ["yes", "b"]
    assert runs == ["yes"] * 3


def test_a_sub_graph_goes_on_where_an_earlier_attempt_left_it(call, saver, config):
    runs = []

    def first(state):
        runs.append("first")

    flaky = Flaky(1, name="second")
    inner = StateGraph(State).add_node("first", first).add_node("second", flaky)
    inner.add_edge(START, "first").add_edge("first", "second")
    graph = line(inner.compile(), retry_policy=FAST).compile(saver)
    assert call(graph, {"x": 1}, config)["log"] == ["second", "b"]
    assert runs == ["first"]


def test_siblings_go_on_while_one_waits_for_its_next_attempt(call, saver, config):
    ended = {}
    flaky = Flaky(1)

    def slow(state):
        result = flaky(state)
        ended["flaky"] = time.monotonic()
        return result

    def sibling(state):
        ended["sibling"] = time.monotonic()
        return {"log": ["s"]}

    builder = StateGraph(State)
    builder.add_node("a", slow, retry_policy=RetryPolicy(initial_interval=0.4, jitter=False))
    builder.add_node("s", sibling)
    builder.add_edge(START, "a").add_edge(START, "s")
    assert call(builder.compile(saver), {"x": 1}, config)["log"] == ["a", "s"]
    assert ended["flaky"] - ended["sibling"] > 0.2


def test_each_task_of_a_fan_out_has_attempts_of_its_own(call, saver, config):
    runs = []
    lock = threading.Lock()

    def work(state):
        with lock:
            runs.append(state["x"])
            if runs.count(state["x"]) <= state["x"] % 3:
                raise ConnectionError(state["x"])
        return {"log": [state["x"]]}

    builder = StateGraph(State).add_node("work", work, retry_policy=FAST)
    builder.add_conditional_edges(START, lambda state: [Send("work", {"x": n}) for n in range(9)], ["work"])
    assert call(builder.compile(saver), {"x": 0}, config)["log"] == list(range(9))
    assert sorted(runs) == sorted(n for n in range(9) for _ in range(n % 3 + 1))


def test_attempts_and_the_next_ones_time_are_remembered_while_the_node_waits(saver, config):
    control, seen = RunControl(), []

    def body(state):
        if len(seen) == 1:
            control.request_drain("enough")
        seen.append(time.time())
        raise ConnectionError("x")

    policy = RetryPolicy(initial_interval=0.3, backoff_factor=1, jitter=False, max_attempts=3)
    graph = line(body, retry_policy=policy).compile(saver)
    graph.invoke({"x": 1}, config, control=control)
    assert graph.get_state(config).metadata["stop"] == "drained"
    (entry,) = retried(saver)[0].values()
    assert (entry.attempt, entry.error, entry.text) == (2, "ConnectionError", "ConnectionError: x")
    assert entry.not_before / 1e6 == pytest.approx(seen[1] + 0.3, abs=0.2)
    assert entry.first / 1e6 == pytest.approx(seen[0], abs=0.2)
    with pytest.raises(ConnectionError) as caught:  # waits the rest, and has one attempt left
        graph.invoke(None, config)
    assert len(seen) == 3
    assert seen[2] >= entry.not_before / 1e6 - 0.01
    assert "after 3 attempts" in caught.value.__notes__


def test_whoever_looks_on_hears_why_nothing_happens_and_until_when(saver):
    told, control = [], RunControl()

    def watch(session, event):
        if isinstance(event, Emitted):
            told.append((event.mode, event.task.node, event.data))
            if "2 of 3" in event.data:
                control.request_drain()

    policy = RetryPolicy(initial_interval=0.1, backoff_factor=600, jitter=False, max_interval=60)
    graph = line(Flaky(2), retry_policy=policy).compile(saver)
    session = Session(graph, "t", watch=watch)
    session.go({"x": 1}, control=control)
    (first, second) = told
    assert first[0] == "attempts"
    assert first[2] == "attempt 1 of 3: ConnectionError: failure 1; trying again"
    assert re.fullmatch(r"attempt 2 of 3: ConnectionError: failure 2; trying again at \d\d:\d\d:\d\d", second[2])
    assert f"{second[1]}: {second[2].replace(' of 3', '')}." in whereabouts(session)


def test_a_stream_has_no_attempts_in_it():
    graph = line(Flaky(1), retry_policy=FAST).compile()
    modes = ["custom", "messages", "updates"]
    assert [mode for mode, _ in graph.stream({"x": 1}, stream_mode=modes)] == ["updates", "updates"]


def test_a_closed_file_opens_with_the_attempts_in_it(tmp_path, config):
    control = RunControl()

    def body(state):
        control.request_drain()
        raise ConnectionError("x")

    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = line(body, retry_policy=FAST._replace(initial_interval=60, max_interval=60)).compile(saver)
        graph.invoke({"x": 1}, config, control=control)
        before = retried(saver)
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        assert retried(saver) == before != []


def test_a_stream_that_is_closed_while_a_node_waits_leaves_no_thread_waiting(config):
    def running():
        return [t for t in threading.enumerate() if t.name.startswith("nbhitl-hand")]

    builder = StateGraph(State)
    begun, flaky = threading.Event(), Flaky(9)
    builder.add_node("a", lambda state: (begun.wait(60), {"log": ["a"]})[1])  # keeps the caller busy
    policy = RetryPolicy(initial_interval=1000, jitter=False)
    builder.add_node("z", lambda state: (begun.set(), flaky(state))[1], retry_policy=policy)
    builder.add_edge(START, "a").add_edge(START, "z")
    stream = builder.compile(InMemorySaver()).stream({"x": 1}, config, control=RunControl())
    assert next(stream) == {"a": {"log": ["a"]}}
    assert running()
    stream.close()
    end = time.monotonic() + 60
    while running() and time.monotonic() < end:
        time.sleep(0.05)
    assert not running()


def test_a_wait_on_a_loop_can_be_cancelled(config):
    async def main():
        graph = line(Flaky(9), retry_policy=RetryPolicy(initial_interval=1000)).compile(InMemorySaver())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(graph.ainvoke({"x": 1}, config), 1)
        assert graph.get_state(config).next == ("a",)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (RetryPolicy(max_attempts=0), "max_attempts=0: a whole number"),
        (RetryPolicy(max_attempts=2.5), "max_attempts=2.5: a whole number"),
        (RetryPolicy(initial_interval=-1), "initial_interval=-1: give a number, not below 0"),
        (RetryPolicy(backoff_factor="2"), "backoff_factor='2': give a number"),
        (RetryPolicy(max_interval=float("nan")), "max_interval=nan: give a number"),
        (RetryPolicy(retry_on="ValueError"), "retry_on='V': give a class of exceptions"),
        (RetryPolicy(retry_on=int), "retry_on=<class 'int'>: give a class of exceptions"),
        ([], "an empty list says nothing"),
        (3, "retry_policy=3: give a RetryPolicy"),
        ([FAST, None], "retry_policy=None: give a RetryPolicy"),
    ],
)
def test_a_retry_policy_that_makes_no_sense_is_a_mistake_of_the_graph(given, said):
    with pytest.raises(GraphError, match=said):
        line(Flaky(0), retry_policy=given).compile()


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
def test_both_engines_run_a_body_as_often(failures):
    ours, theirs = Flaky(failures), Flaky(failures)
    results = []
    for body, engine, policy in ((ours, None, FAST), (theirs, langgraph.graph, langgraph.types.RetryPolicy(*FAST))):
        graph = line(body, **({} if engine is None else {"engine": engine}), retry_policy=policy).compile()
        try:
            results.append(graph.invoke({"x": 1}))
        except ConnectionError as error:
            results.append(str(error))
    assert results[0] == results[1]
    assert ours.runs == theirs.runs


def test_callable_objects_methods_and_lambdas_are_tried_again():
    class Service:
        runs = 0

        def work(self, state):
            self.runs += 1
            if self.runs == 1:
                raise ConnectionError("x")
            return {"log": ["a"]}

    assert line(Service().work, retry_policy=FAST).compile().invoke({"x": 1})["log"] == ["a", "b"]
