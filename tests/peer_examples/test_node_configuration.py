"""LangGraph's pages "Configure nodes", "Graph API" (runtime context) and its callbacks: context, `Runtime`, caches."""

import operator
import time
import uuid
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest
from pydantic import BaseModel


class State(TypedDict, total=False):
    value: str
    result: int


class Log(TypedDict):
    log: Annotated[list, operator.add]


def one_node(lg, node, state=State, context=None, compiled=None, **options):
    """START -> node -> END."""
    builder = lg.StateGraph(state, context_schema=context) if context else lg.StateGraph(state)
    return builder.add_node("node", node, **options).add_edge(lg.START, "node").compile(**(compiled or {}))


# -- runtime context


class Context(TypedDict, total=False):
    my_runtime_value: str


@dataclass
class Provider:
    model_provider: str = "anthropic"
    system_message: str | None = None


class Checked(BaseModel):
    user_id: str
    limit: int = 10


def test_a_node_reads_its_context(lg):
    def node(state: State, runtime: lg.Runtime[Context]):
        match runtime.context["my_runtime_value"]:
            case "a":
                return {"value": "1"}
            case "b":
                return {"value": "2"}
            case other:
                raise ValueError(f"Unknown value {other}.")

    graph = one_node(lg, node, context=Context)
    assert graph.invoke({}, context={"my_runtime_value": "a"}) == {"value": "1"}
    assert graph.invoke({}, context={"my_runtime_value": "b"}) == {"value": "2"}
    with pytest.raises(ValueError, match=r"Unknown value c\."):
        graph.invoke({}, context={"my_runtime_value": "c"})


def provider(lg):
    models = {"anthropic": "Claude", "openai": "GPT"}

    def call_model(state: lg.MessagesState, runtime: lg.Runtime[Provider]):
        name, messages = models[runtime.context.model_provider], lg.texts(state["messages"])
        if system := runtime.context.system_message:
            messages = [system, *messages]
        return {"messages": [("assistant", f"{name} got {messages}")]}

    return one_node(lg, call_model, lg.MessagesState, Provider)


def test_the_model_is_chosen_at_run_time(lg):
    graph, inputs = provider(lg), {"messages": [{"role": "user", "content": "hi"}]}
    assert lg.text(graph.invoke(inputs, context=Provider())["messages"][-1]) == "Claude got ['hi']"
    assert lg.text(graph.invoke(inputs, context={"model_provider": "openai"})["messages"][-1]) == "GPT got ['hi']"


def test_the_model_and_the_system_message_are_chosen_at_run_time(lg):
    context = {"model_provider": "openai", "system_message": "Respond in Italian."}
    result = provider(lg).invoke({"messages": [{"role": "user", "content": "hi"}]}, context=context)
    assert lg.text(result["messages"][-1]) == "GPT got ['Respond in Italian.', 'hi']"


def test_a_dict_becomes_the_model_that_the_schema_is(lg):
    def node(state: State, runtime: lg.Runtime[Checked]):
        return {"value": runtime.context.user_id, "result": runtime.context.limit}

    graph = one_node(lg, node, context=Checked)
    assert graph.invoke({}, context={"user_id": "Ada"}) == {"value": "Ada", "result": 10}
    assert graph.invoke({}, context=Checked(user_id="Bo", limit=1)) == {"value": "Bo", "result": 1}


def test_a_context_that_does_not_fit_its_schema_is_an_error(lg):
    graph = one_node(lg, lambda state: {"value": "ran"}, context=Checked)
    with pytest.raises(Exception, match="user_id"):
        graph.invoke({}, context={"limit": 1})


def test_the_context_can_be_got_without_a_parameter(lg):
    def node(state: State):
        return {"value": lg.get_runtime(Provider).context.model_provider}

    assert one_node(lg, node, context=Provider).invoke({}, context=Provider("openai")) == {"value": "openai"}


def test_a_function_that_chooses_the_next_node_reads_the_context(lg):
    def choose(state: Log, runtime: lg.Runtime[Provider]):
        return runtime.context.model_provider

    builder = lg.StateGraph(Log, context_schema=Provider)
    for name in ("anthropic", "openai"):
        builder.add_node(name, lambda state, name=name: {"log": [name]})
    graph = builder.add_conditional_edges(lg.START, choose, ["anthropic", "openai"]).compile()
    assert graph.invoke({"log": []}, context=Provider("openai")) == {"log": ["openai"]}


def test_a_sub_graph_has_the_context_of_its_caller(lg):
    def node(state: State, runtime: lg.Runtime[Provider]):
        return {"value": runtime.context.model_provider}

    subgraph = one_node(lg, node, context=Provider)
    outer = lg.StateGraph(State, context_schema=Provider).add_node("sub", subgraph).add_edge(lg.START, "sub").compile()
    assert outer.invoke({}, context=Provider("openai")) == {"value": "openai"}


def test_a_context_is_given_again_when_a_run_goes_on(lg):
    def node(state: State, runtime: lg.Runtime[Provider]):
        return {"value": f"{lg.interrupt('Go on?')}, {runtime.context.model_provider}"}

    graph, config = one_node(lg, node, context=Provider, compiled={"checkpointer": lg.InMemorySaver()}), lg.thread()
    graph.invoke({}, config, context=Provider("openai"))
    assert graph.invoke(lg.Command(resume="yes"), config, context=Provider("other")) == {"value": "yes, other"}


def test_a_greeting_is_made_of_the_context_and_the_store(lg):
    store = lg.InMemoryStore()
    store.put(("users",), "user_123", {"name": "Alice"})

    def personalized_greeting(state: State, runtime: lg.Runtime[Checked]):
        memory = runtime.store.get(("users",), runtime.context.user_id)
        return {"value": f"Hello {memory.value['name']}! Nice to see you again." if memory else "Hello there!"}

    graph = one_node(lg, personalized_greeting, context=Checked, compiled={"store": store})
    assert graph.invoke({}, context={"user_id": "user_123"}) == {"value": "Hello Alice! Nice to see you again."}
    assert graph.invoke({}, context={"user_id": "user_456"}) == {"value": "Hello there!"}


def test_async_runs_have_a_context_as_well(lg):
    async def node(state: State, runtime: lg.Runtime[Provider]):
        return {"value": runtime.context.model_provider}

    graph = one_node(lg, node, context=Provider)
    assert lg.run(graph.ainvoke({}, context=Provider("openai"))) == {"value": "openai"}
    assert lg.gathered(graph.astream({}, context={"model_provider": "x"})) == [{"node": {"value": "x"}}]


def test_the_old_way_of_configurable_still_works(lg):
    def node(state: State, config):
        return {"value": config["configurable"]["model_provider"]}

    assert one_node(lg, node).invoke({}, {"configurable": {"model_provider": "openai"}}) == {"value": "openai"}


def test_the_config_can_be_got_without_a_parameter(lg):
    def node(state: State):
        return {"value": lg.get_config()["configurable"]["model_provider"]}

    assert one_node(lg, node).invoke({}, {"configurable": {"model_provider": "openai"}}) == {"value": "openai"}


# -- execution info


def test_a_node_knows_its_thread_and_its_run(lg):
    infos = []

    def node(state: State, runtime: lg.Runtime):
        infos.append(runtime.execution_info)
        return {"value": "done"}

    graph, config, run = one_node(lg, node, compiled={"checkpointer": lg.InMemorySaver()}), lg.thread(), uuid.uuid4()
    graph.invoke({}, {**config, "run_id": run})
    [info] = infos
    assert info.thread_id == config["configurable"]["thread_id"]
    assert info.run_id == str(run)
    assert info.node_attempt == 1
    before = list(graph.get_state_history(config))[1]
    assert before.next == ("node",)
    assert info.task_id == before.tasks[0].id
    assert info.checkpoint_id == before.config["configurable"]["checkpoint_id"]


def test_without_a_checkpointer_there_is_no_thread(lg):
    def node(state: State, runtime: lg.Runtime):
        return {"value": str((runtime.execution_info.thread_id, runtime.execution_info.run_id))}

    assert one_node(lg, node).invoke({}) == {"value": "(None, None)"}


def test_outside_of_a_server_there_is_no_server_info(lg):
    def node(state: State, runtime: lg.Runtime):
        return {"value": str(runtime.server_info)}

    assert one_node(lg, node).invoke({}) == {"value": "None"}


# -- node caching


def counting(result=lambda state: {"result": state["result"] * 2}):
    """A node that counts its calls in ``calls``."""

    def node(state):
        node.calls += 1
        return result(state)

    node.calls = 0
    return node


def cached(lg, node, cache=None, **policy):
    cache = lg.InMemoryCache() if cache is None else cache
    return one_node(lg, node, compiled={"cache": cache}, cache_policy=lg.CachePolicy(**policy))


def test_the_second_run_comes_from_the_cache(lg):
    node = counting()
    graph = cached(lg, node, ttl=120)
    assert graph.invoke({"result": 5}, stream_mode="updates") == [{"node": {"result": 10}}]
    assert graph.invoke({"result": 5}, stream_mode="updates") == [
        {"node": {"result": 10}, "__metadata__": {"cached": True}}
    ]
    assert node.calls == 1


def test_another_input_is_not_in_the_cache(lg):
    node = counting()
    graph = cached(lg, node)
    assert [graph.invoke({"result": one})["result"] for one in (5, 6, 5, 6)] == [10, 12, 10, 12]
    assert node.calls == 2


def test_a_result_is_forgotten_after_its_time(lg):
    node = counting()
    graph = cached(lg, node, ttl=1)
    graph.invoke({"result": 5})
    time.sleep(1.2)
    assert graph.invoke({"result": 5}, stream_mode="updates") == [{"node": {"result": 10}}]
    assert node.calls == 2


def test_a_function_makes_the_key(lg):
    node = counting()
    graph = cached(lg, node, key_func=lambda state: str(state["result"] % 2))
    assert [graph.invoke({"result": one})["result"] for one in (5, 7, 6)] == [10, 10, 12]
    assert node.calls == 2


def test_a_cache_can_be_cleared(lg):
    node = counting()
    graph = cached(lg, node)
    graph.invoke({"result": 5})
    graph.clear_cache(nodes=["node"])
    graph.invoke({"result": 5})
    graph.clear_cache()
    graph.invoke({"result": 5})
    assert node.calls == 3


def test_async_nodes_are_cached(lg):
    inner = counting()

    async def node(state: State):
        return inner(state)

    graph = cached(lg, node)

    async def example():
        return [await graph.ainvoke({"result": 5}) for _ in range(2)]

    assert lg.run(example()) == [{"result": 10}] * 2
    assert inner.calls == 1


def test_a_cache_is_shared_by_threads(lg):
    node = counting()
    compiled = {"cache": lg.InMemoryCache(), "checkpointer": lg.InMemorySaver()}
    graph = one_node(lg, node, compiled=compiled, cache_policy=lg.CachePolicy())
    assert [graph.invoke({"result": 5}, lg.thread()) for _ in range(2)] == [{"result": 10}] * 2
    assert node.calls == 1


def test_a_cache_on_a_file_outlives_the_process(lg, tmp_path):
    node = counting()
    for _ in range(2):
        with lg.file_cache(tmp_path / "cache") as cache:
            assert cached(lg, node, cache, ttl=120).invoke({"result": 5}) == {"result": 10}
    assert node.calls == 1


def test_a_policy_without_a_cache_caches_nothing(lg):
    node = counting()
    graph = one_node(lg, node, cache_policy=lg.CachePolicy())
    assert [graph.invoke({"result": 5}) for _ in range(2)] == [{"result": 10}] * 2
    assert node.calls == 2


# -- callbacks


def listener(lg):
    """A handler of callbacks, and the list of what it hears."""
    heard = []

    class Handler(lg.GraphCallbackHandler):
        def on_interrupt(self, event):
            heard.append(("interrupt", event))

        def on_resume(self, event):
            heard.append(("resume", event))

    return Handler(), heard


def asking(lg):
    return lg.StateGraph(State).add_node("ask", lambda state: {"value": lg.interrupt("Go on?")}).set_entry_point("ask")


def test_callbacks_hear_of_questions_and_of_answers(lg):
    handler, heard = listener(lg)
    graph, config = asking(lg).compile(checkpointer=lg.InMemorySaver()), lg.thread(callbacks=[handler])
    graph.invoke({}, config)
    waiting = graph.get_state(config).config["configurable"]["checkpoint_id"]
    assert graph.invoke(lg.Command(resume="yes"), config) == {"value": "yes"}
    assert [kind for kind, _ in heard] == ["interrupt", "resume"]
    assert [one.value for one in heard[0][1].interrupts] == ["Go on?"]
    assert {(event.status, event.checkpoint_id, event.checkpoint_ns) for _, event in heard} == {
        ("pending", waiting, ())
    }


def test_callbacks_hear_of_breakpoints(lg):
    handler, heard = listener(lg)
    graph, config = asking(lg).compile(checkpointer=lg.InMemorySaver()), lg.thread(callbacks=[handler])
    graph.invoke({}, config, interrupt_before=["ask"])
    graph.invoke(None, config)
    assert [kind for kind, _ in heard] == ["interrupt", "resume", "interrupt"]
    assert heard[0][1].status == "interrupt_before"
    assert heard[0][1].interrupts == ()


def test_callbacks_hear_that_a_sub_graph_goes_on(lg):
    handler, heard = listener(lg)
    builder = lg.StateGraph(State).add_node("sub", asking(lg).compile()).set_entry_point("sub")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread(callbacks=[handler])
    graph.invoke({}, config)
    graph.invoke(lg.Command(resume="yes"), config)
    assert [(kind, [part.split(":")[0] for part in event.checkpoint_ns]) for kind, event in heard] == [
        ("interrupt", []),
        ("resume", []),
        ("resume", ["sub"]),
    ]


def test_callbacks_hear_of_async_runs(lg):
    handler, heard = listener(lg)
    graph, config = asking(lg).compile(checkpointer=lg.InMemorySaver()), lg.thread(callbacks=[handler])

    async def example():
        await graph.ainvoke({}, config)
        return await graph.ainvoke(lg.Command(resume="yes"), config)

    assert lg.run(example()) == {"value": "yes"}
    assert [kind for kind, _ in heard] == ["interrupt", "resume"]
