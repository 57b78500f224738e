"""What bodies can be given beside the state, by name or by a call; with LangGraph beside it where both have it."""

import asyncio
import functools
import time
from dataclasses import FrozenInstanceError, dataclass
from typing import Any, TypedDict

import pytest

from nbhitl import (
    END,
    START,
    Command,
    ExecutionInfo,
    GraphError,
    InMemorySaver,
    InMemoryStore,
    NbhitlError,
    RunControl,
    Runtime,
    Send,
    StateGraph,
    entrypoint,
    get_config,
    get_runtime,
    get_store,
    get_stream_writer,
    interrupt,
    task,
)


class State(TypedDict, total=False):
    found: Any


@dataclass
class Ctx:
    user: str
    limit: int = 3


def one(body, **options):
    graph = StateGraph(State, context_schema=Ctx).add_node("n", body)
    return graph.add_edge(START, "n").compile(**options)


def seen(body, context=None, config=None, **options):
    return one(body, **options).invoke({}, config, context=context)["found"]


STORE = InMemoryStore()


def positional(state, runtime, store, writer, config, previous):
    return {"found": (runtime, store, writer, config, previous)}


def keyword_only(state, *, runtime, store, writer, config, previous):
    return {"found": (runtime, store, writer, config, previous)}


def defaulted(state, runtime=None, store=None, writer=None, config=None, previous=5):
    return {"found": (runtime, store, writer, config, previous)}


def annotated(
    state: State, runtime: Runtime[Ctx], store: InMemoryStore | None, writer: Any, config: dict, previous: Any = None
):
    return {"found": (runtime, store, writer, config, previous)}


class Instance:
    def __call__(self, state, runtime, store, writer, config, previous):
        return {"found": (runtime, store, writer, config, previous)}

    method = __call__


def with_size(state, *, size, runtime, store, writer, config, previous):
    assert size == 1
    return {"found": (runtime, store, writer, config, previous)}


async def awaited(state, runtime, store, writer, config, previous):
    return {"found": (runtime, store, writer, config, previous)}


BODIES = [
    positional,
    keyword_only,
    defaulted,
    annotated,
    Instance(),
    Instance().method,
    functools.partial(with_size, size=1),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda b: getattr(b, "__name__", type(b).__name__))
def test_a_body_is_given_what_its_parameters_name(body):
    runtime, store, writer, config, previous = seen(body, Ctx("anna"), store=STORE)
    assert type(runtime) is Runtime
    assert runtime.context == Ctx("anna")
    assert store is runtime.store is STORE
    assert writer is runtime.stream_writer
    assert config["metadata"]["langgraph_node"] == "n"
    assert previous is None


def test_an_async_body_is_given_the_same():
    async def main():
        return await one(awaited, store=STORE).ainvoke({}, context={"user": "bo"})

    runtime, store, *_ = asyncio.run(main())["found"]
    assert runtime.context == Ctx("bo")
    assert store is STORE


def test_without_a_store_there_is_none_and_nobody_has_to_listen():
    runtime, store, writer, _, _ = seen(positional)
    assert store is runtime.store is runtime.context is None
    assert writer("to nobody") is None
    assert runtime.heartbeat() is None


def test_a_parameter_of_ones_own_is_left_alone():
    def body(state, store: str = "main", writer: int = 3):
        return {"found": (store, writer)}

    assert seen(body, store=STORE) == ("main", 3)


def test_a_parameter_that_nobody_knows_is_a_mistake_that_names_all_that_exist():
    def body(state, runtme):
        return {}

    with pytest.raises(GraphError, match="'runtme' is unknown; .*`config`, `runtime`, `store`, `writer`, `previous`"):
        one(body)


def test_bodies_that_want_nothing_have_no_runtime_made(monkeypatch):
    monkeypatch.setattr("nbhitl.run.runtime.Runtime", None)
    assert seen(lambda state: {"found": 1}) == 1
    assert seen(lambda state, store, config: {"found": 2}) == 2


# -- getters


def getters(state, runtime):
    same = get_runtime(Ctx) is runtime and get_stream_writer() is runtime.stream_writer
    return {"found": (same, get_store() is runtime.store, get_config()["metadata"]["langgraph_node"])}


async def agetters(state, runtime):
    await asyncio.sleep(0)
    return getters(state, runtime)


def test_the_functions_give_what_the_parameters_give():
    assert seen(getters, store=STORE) == (True, True, "n")
    graph = one(agetters, store=STORE)
    assert asyncio.run(graph.ainvoke({}))["found"] == (True, True, "n")
    assert asyncio.run(one(getters, store=STORE).ainvoke({}))["found"] == (True, True, "n")


@pytest.mark.parametrize("function", [get_runtime, get_stream_writer, get_store, get_config])
def test_outside_a_body_the_functions_say_where_they_work(function):
    with pytest.raises(NbhitlError, match=rf"{function.__name__}\(\) was called outside a node"):
        function()


def test_a_store_that_is_not_there_is_an_error_with_its_cure():
    with pytest.raises(NbhitlError, match=r"node 'n' called get_store\(\).*compile\(store=InMemoryStore\(\)\)"):
        one(lambda state: {"found": get_store()}).invoke({})


def test_routers_are_given_the_same_as_their_node():
    seen_by = []

    def route(state, runtime, store, config, writer):
        seen_by.append((runtime is get_runtime(), runtime.context, store, runtime.execution_info.task_id))
        return END

    async def aroute(state, *, runtime):
        seen_by.append(runtime.context)
        return END

    def body(state, runtime):
        return {"found": runtime.execution_info.task_id}

    def build(router):
        graph = StateGraph(State, Ctx).add_node("n", body).add_edge(START, "n")
        return graph.add_conditional_edges("n", router, [END]).compile(store=STORE)

    found = build(route).invoke({}, context=Ctx("anna"))["found"]
    assert seen_by == [(True, Ctx("anna"), STORE, found)]
    asyncio.run(build(aroute).ainvoke({}, context=Ctx("bo")))
    assert seen_by[1] == Ctx("bo")


def test_each_task_of_a_fan_out_has_a_runtime_of_its_own():
    def route(state):
        return [Send("n", {"found": n}) for n in range(3)]

    runtimes = []

    def body(state, runtime):
        runtimes.append(runtime)

    graph = StateGraph(State).add_node("n", body).add_conditional_edges(START, route, ["n"]).compile()
    graph.invoke({})
    assert len({runtime.execution_info.task_id for runtime in runtimes}) == 3


# -- Runtime


def test_a_runtime_is_frozen_and_can_be_made_over():
    runtime = Runtime(context=1)
    with pytest.raises(FrozenInstanceError):
        runtime.context = 2
    other = runtime.override(context=2, store=STORE)
    assert (runtime.context, other.context, other.store) == (1, 2, STORE)
    with pytest.raises(NbhitlError, match="Did you mean 'context'"):
        runtime.override(contxt=2)
    merged = other.merge(Runtime(previous=5))
    assert (merged.context, merged.store, merged.previous) == (2, STORE, 5)
    assert Runtime(context=1).merge(Runtime(context=2)).context == 2
    assert Runtime[Ctx](context=Ctx("a")).context.user == "a"


def test_a_runtime_that_was_made_by_hand_can_be_used_in_a_test_of_a_body():
    runtime = Runtime(context=Ctx("anna"))
    runtime.stream_writer("x")
    runtime.heartbeat()
    assert (runtime.drain_requested, runtime.drain_reason, runtime.execution_info) == (False, None, None)


def test_a_body_can_see_that_the_run_was_asked_to_stop():
    control = RunControl()

    def body(state, runtime):
        before = runtime.drain_requested, runtime.drain_reason
        control.request_drain("the lights go out")
        return {"found": (before, runtime.drain_requested, runtime.drain_reason, runtime.control is control)}

    found = one(body).invoke({}, control=control)["found"]
    assert found == ((False, None), True, "the lights go out", True)


def test_the_execution_info_says_which_performance_this_is():
    saver = InMemorySaver()
    infos = []

    def body(state, runtime):
        infos.append(runtime.execution_info)
        interrupt("go on?")

    graph = one(body, checkpointer=saver)
    config = {"configurable": {"thread_id": "t"}, "run_id": "r1"}
    graph.invoke({}, config)
    first = infos[0]
    assert type(first) is ExecutionInfo
    state = graph.get_state(config)
    assert first.checkpoint_id == state.config["configurable"]["checkpoint_id"]
    assert first.task_id == state.tasks[0].id
    assert first.checkpoint_ns == f"n:{first.task_id}"
    assert (first.thread_id, first.run_id, first.node_attempt) == ("t", "r1", 1)
    assert time.time() - 60 < first.node_first_attempt_time <= time.time()
    graph.invoke(Command(resume=True), config)
    assert infos[1].task_id == first.task_id


def test_without_a_thread_the_execution_info_has_none():
    def body(state, runtime):
        return {"found": runtime.execution_info}

    info = seen(body)
    assert (info.thread_id, info.run_id) == (None, None)
    assert seen(body, config={"configurable": {"thread_id": 7}}).thread_id == "7"


# -- sub-graphs


def inner(state, runtime, store):
    return {"found": (runtime.context, store, runtime.execution_info.checkpoint_ns)}


def nested(**options):
    return StateGraph(State).add_node("m", inner).add_edge(START, "m").compile(**options)


def test_a_sub_graph_has_its_callers_context_and_store():
    context, store, ns = seen(nested(), Ctx("anna"), store=STORE)
    assert (context, store) == (Ctx("anna"), STORE)
    assert [part.split(":")[0] for part in ns.split("|")] == ["n", "m"]


def test_a_sub_graphs_own_store_counts_and_so_does_a_context_that_its_caller_gives():
    own = InMemoryStore()
    inside = nested(store=own)

    def body(state):
        return inside.invoke({}, context=Ctx("bo"))

    context, store, _ = seen(body, Ctx("anna"), store=STORE)
    assert context == Ctx("bo")
    assert store is own


def test_what_is_remembered_in_the_store_is_there_on_another_thread():
    saver, store = InMemorySaver(), InMemoryStore()

    def body(state, store, runtime):
        known = store.search(("names", runtime.context.user))
        store.put(("names", runtime.context.user), str(len(known)), {"n": len(known)})
        return {"found": len(known)}

    graph = one(body, checkpointer=saver, store=store)
    counts = [
        graph.invoke({}, {"configurable": {"thread_id": thread}}, context={"user": user})["found"]
        for thread, user in [("1", "anna"), ("2", "anna"), ("3", "bo")]
    ]
    assert counts == [0, 1, 0]


def test_a_store_that_is_none_is_a_mistake():
    with pytest.raises(GraphError, match=r"InMemoryStore\): that is a class; give an instance"):
        one(inner, store=InMemoryStore)
    with pytest.raises(GraphError, match=r"give InMemoryStore\(\) or DuckDBStore"):
        one(inner, store={})


def test_only_what_is_asked_for_is_made(monkeypatch):
    made = []
    monkeypatch.setattr("nbhitl.run.runtime._info", made.append)

    def body(state, runtime):
        assert get_runtime() is get_runtime() is runtime
        get_stream_writer()
        return {}

    one(body).invoke({})
    assert len(made) == 1


# -- entrypoints and tasks


def test_entrypoints_and_tasks_are_given_the_same():
    @task
    def remember(name, *, runtime, store):
        store.put(("names",), name, {"by": runtime.context.user})
        return get_runtime() is runtime, get_store() is store

    @entrypoint(checkpointer=InMemorySaver(), store=InMemoryStore(), context_schema=Ctx)
    def greet(name, *, runtime, previous, store):
        same = remember(name).result()
        known = [item.value["by"] for item in store.search(("names",))]
        return same, known, previous is runtime.previous, previous is None

    config = {"configurable": {"thread_id": "t"}}
    assert greet.invoke("a", config, context={"user": "anna"}) == ((True, True), ["anna"], True, True)
    assert greet.invoke("b", config, context={"user": "bo"}) == ((True, True), ["anna", "bo"], True, False)
