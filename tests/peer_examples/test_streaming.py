"""LangGraph's page "Streaming": modes, several at once, tokens, custom data, sub-graphs, the format of version 2."""

import json
import operator
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest
from pydantic import BaseModel


class Joke(TypedDict, total=False):
    topic: str
    joke: str


def joking(lg, **compiled):
    """Two nodes, one after the other: the first one makes the topic longer, the second one jokes about it."""

    def refine_topic(state: Joke):
        return {"topic": state["topic"] + " and cats"}

    def generate_joke(state: Joke):
        return {"joke": f"This is a joke about {state['topic']}"}

    return (
        lg.StateGraph(Joke)
        .add_node(refine_topic)
        .add_node(generate_joke)
        .add_edge(lg.START, "refine_topic")
        .add_edge("refine_topic", "generate_joke")
        .add_edge("generate_joke", lg.END)
        .compile(**compiled)
    )


REFINED = {"topic": "ice cream and cats"}
JOKED = {"joke": "This is a joke about ice cream and cats"}


def one_node(lg, node, state=Joke, **compiled):
    """START -> node -> END."""
    return lg.StateGraph(state).add_node("node", node).add_edge(lg.START, "node").compile(**compiled)


# -- basic usage


def status(lg):
    def generate_joke(state: Joke):
        lg.get_stream_writer()({"status": "thinking of a joke..."})
        return {"joke": f"Why did the {state['topic']} go to school?"}

    return lg.StateGraph(Joke).add_node(generate_joke).add_edge(lg.START, "generate_joke").compile()


def test_two_modes_in_the_format_of_version_2(lg):
    chunks = list(status(lg).stream({"topic": "ice cream"}, stream_mode=["updates", "custom"], version="v2"))
    assert [chunk for chunk in chunks if chunk["type"] == "custom"] == [
        {"type": "custom", "ns": (), "data": {"status": "thinking of a joke..."}}
    ]
    assert [chunk for chunk in chunks if chunk["type"] == "updates"] == [
        {"type": "updates", "ns": (), "data": {"generate_joke": {"joke": "Why did the ice cream go to school?"}}}
    ]


def test_what_a_node_says_comes_before_what_it_returned(lg):
    assert list(status(lg).stream({"topic": "ice cream"}, stream_mode=["updates", "custom"])) == [
        ("custom", {"status": "thinking of a joke..."}),
        ("updates", {"generate_joke": {"joke": "Why did the ice cream go to school?"}}),
    ]


def test_version_2_has_one_shape_for_one_mode_and_version_1_the_data_alone(lg):
    graph = joking(lg)
    new = list(graph.stream({"topic": "ice cream"}, stream_mode="updates", version="v2"))
    old = list(graph.stream({"topic": "ice cream"}, stream_mode="updates"))
    assert [sorted(chunk) for chunk in new] == [["data", "ns", "type"]] * 2
    assert [chunk["data"] for chunk in new] == old == [{"refine_topic": REFINED}, {"generate_joke": JOKED}]


def test_four_modes_at_once_are_told_apart_by_their_type(lg):
    model = lg.model("funny cats")

    def node(state: Joke):
        lg.get_stream_writer()({"progress": 50})
        return {"joke": model.invoke("a joke").content}

    modes = ["values", "updates", "messages", "custom"]
    told = {}
    for part in one_node(lg, node).stream({"topic": "ice cream"}, stream_mode=modes, version="v2"):
        told.setdefault(part["type"], []).append(part["data"])
    assert told["values"] == [{"topic": "ice cream"}, {"topic": "ice cream", "joke": "funny cats"}]
    assert told["updates"] == [{"node": {"joke": "funny cats"}}]
    assert told["custom"] == [{"progress": 50}]
    assert "".join(message.content for message, _ in told["messages"]) == "funny cats"


# -- the state: updates and values


def test_updates_are_what_each_node_returned(lg):
    assert [
        (node, update)
        for chunk in joking(lg).stream({"topic": "ice cream"}, stream_mode="updates")
        for node, update in chunk.items()
    ] == [("refine_topic", REFINED), ("generate_joke", JOKED)]


def test_values_are_the_whole_state_after_each_step(lg):
    assert list(joking(lg).stream({"topic": "ice cream"}, stream_mode="values")) == [
        {"topic": "ice cream"},
        REFINED,
        {**REFINED, **JOKED},
    ]


def test_values_in_the_format_of_version_2_say_what_is_asked(lg):
    chunks = list(joking(lg).stream({"topic": "ice cream"}, stream_mode="values", version="v2"))
    assert [chunk["data"] for chunk in chunks] == [{"topic": "ice cream"}, REFINED, {**REFINED, **JOKED}]
    assert [chunk["interrupts"] for chunk in chunks] == [(), (), ()]


def test_updates_of_one_step_are_chunks_of_their_own(lg):
    class Log(TypedDict):
        log: Annotated[list, operator.add]

    builder = lg.StateGraph(Log)
    for name in "ab":
        builder.add_node(name, lambda state, name=name: {"log": [name]}).add_edge(lg.START, name)
    chunks = list(builder.compile().stream({"log": []}, stream_mode="updates"))
    assert sorted(chunks, key=list) == [{"a": {"log": ["a"]}}, {"b": {"log": ["b"]}}]


def test_async_streams_yield_the_same(lg):
    modes = ["updates", "values"]
    sync = list(joking(lg).stream({"topic": "ice cream"}, stream_mode=modes))
    assert lg.gathered(joking(lg).astream({"topic": "ice cream"}, stream_mode=modes)) == sync


# -- tokens of models


@dataclass
class Topic:
    topic: str
    joke: str = ""


def tokens(chunks, where=lambda metadata: True):
    """The tokens of a stream of messages whose metadata are right."""
    return [message.content for message, metadata in chunks if message.content and where(metadata)]


def calling(lg, model, **compiled):
    def call_model(state: Topic):
        answer = model.invoke([{"role": "user", "content": f"Generate a joke about {state.topic}"}])
        return {"joke": answer.content}

    return lg.StateGraph(Topic).add_node(call_model).add_edge(lg.START, "call_model").compile(**compiled)


def test_a_model_that_is_invoked_streams_its_tokens(lg):
    chunks = list(calling(lg, lg.model("Why the ice")).stream({"topic": "ice cream"}, stream_mode="messages"))
    assert tokens(chunks) == ["Why", " ", "the", " ", "ice"]


def test_tokens_in_the_format_of_version_2(lg):
    parts = list(calling(lg, lg.model("Why not")).stream({"topic": "x"}, stream_mode="messages", version="v2"))
    assert {part["type"] for part in parts} == {"messages"}
    assert {part["ns"] for part in parts} == {()}
    assert tokens(part["data"] for part in parts) == ["Why", " ", "not"]


def test_the_metadata_of_a_token_say_where_it_comes_from(lg):
    [(_, metadata), *_] = calling(lg, lg.model("Why")).stream({"topic": "x"}, stream_mode="messages")
    assert metadata["langgraph_node"] == "call_model"
    assert metadata["langgraph_step"] == 1


def test_all_tokens_of_a_message_have_its_id(lg):
    chunks = list(calling(lg, lg.model("Why the ice")).stream({"topic": "x"}, stream_mode="messages"))
    [id] = {message.id for message, _ in chunks}
    assert id


def test_tokens_come_from_async_nodes_too(lg):
    model = lg.model("Why the ice")

    async def call_model(state: Joke):
        return {"joke": (await model.ainvoke("a joke")).content}

    graph = one_node(lg, call_model)
    assert tokens(lg.gathered(graph.astream({}, stream_mode="messages"))) == ["Why", " ", "the", " ", "ice"]


def test_an_async_node_may_pass_its_config_on_to_the_model(lg):
    model = lg.model("Why the ice")

    async def call_model(state: Joke, config):
        return {"joke": (await model.ainvoke("a joke", config)).content}

    graph = one_node(lg, call_model)
    assert tokens(lg.gathered(graph.astream({}, stream_mode="messages"))) == ["Why", " ", "the", " ", "ice"]


def test_tokens_can_be_chosen_by_the_tags_of_their_model(lg):
    jokes, poems = lg.model("a joke", tags=["joke"]), lg.model("a poem", tags=["poem"])

    async def call_models(state: Joke, config):
        joke = await jokes.ainvoke("Write a joke", config)
        await poems.ainvoke("Write a poem", config)
        return {"joke": joke.content}

    chunks = lg.gathered(one_node(lg, call_models).astream({}, stream_mode="messages"))
    assert tokens(chunks, lambda metadata: metadata["tags"] == ["joke"]) == ["a", " ", "joke"]
    assert tokens(chunks, lambda metadata: metadata["tags"] == ["poem"]) == ["a", " ", "poem"]


def test_a_model_with_the_tag_nostream_streams_nothing(lg):
    internal, shown = lg.model("a private note", tags=["nostream"]), lg.model("an answer")

    def node(state: Joke):
        return {"topic": internal.invoke("think").content, "joke": shown.invoke("answer").content}

    chunks = list(one_node(lg, node).stream({}, stream_mode=["messages", "updates"]))
    assert tokens(data for mode, data in chunks if mode == "messages") == ["an", " ", "answer"]
    assert chunks[-1] == ("updates", {"node": {"topic": "a private note", "joke": "an answer"}})


def test_a_tag_can_be_given_to_a_model_that_is_there_already(lg):
    shown, internal = lg.model("an answer"), lg.model("private notes").with_config({"tags": ["nostream"]})
    graph = (
        lg.StateGraph(Joke)
        .add_node("write_answer", lambda state: {"joke": shown.invoke("Reply briefly").content})
        .add_node("internal_notes", lambda state: {"topic": internal.invoke("Take notes").content})
        .add_edge(lg.START, "write_answer")
        .add_edge("write_answer", "internal_notes")
        .compile()
    )
    chunks = [message for message in graph.stream({}, stream_mode="messages") if message[0].content]
    assert {metadata["langgraph_node"] for _, metadata in chunks} == {"write_answer"}
    assert tokens(chunks) == ["an", " ", "answer"]


def test_tokens_can_be_chosen_by_the_node_they_come_from(lg):
    class Both(TypedDict, total=False):
        joke: str
        poem: str

    jokes, poems = lg.model("a joke"), lg.model("a poem")
    graph = (
        lg.StateGraph(Both)
        .add_node("write_joke", lambda state: {"joke": jokes.invoke("Write a joke").content})
        .add_node("write_poem", lambda state: {"poem": poems.invoke("Write a poem").content})
        .add_edge(lg.START, "write_joke")
        .add_edge(lg.START, "write_poem")
        .compile()
    )
    chunks = list(graph.stream({}, stream_mode="messages"))
    poem = tokens(chunks, lambda metadata: metadata["langgraph_node"] == "write_poem")
    assert poem == ["a", " ", "poem"]


def test_a_model_whose_streaming_is_disabled_comes_in_one_piece(lg):
    model = lg.model("Why the ice", disable_streaming=True)
    assert tokens(calling(lg, model).stream({"topic": "x"}, stream_mode="messages")) == ["Why the ice"]


def test_a_message_that_a_node_returns_is_streamed_whole(lg):
    from langchain_core.messages import AIMessage

    def node(state):
        return {"messages": [AIMessage("all at once")]}

    graph = one_node(lg, node, lg.MessagesState)
    assert tokens(graph.stream({"messages": []}, stream_mode="messages")) == ["all at once"]


def test_a_message_that_was_streamed_is_not_streamed_again_when_it_is_returned(lg):
    model = lg.model("Why the ice")
    graph = one_node(lg, lambda state: {"messages": [model.invoke(state["messages"])]}, lg.MessagesState)
    chunks = graph.stream({"messages": [{"role": "user", "content": "hi"}]}, stream_mode="messages")
    assert tokens(chunks) == ["Why", " ", "the", " ", "ice"]


# -- custom data


class Query(TypedDict, total=False):
    query: str
    answer: str


def test_a_node_streams_data_of_its_own(lg):
    def node(state: Query):
        writer = lg.get_stream_writer()
        writer({"custom_key": "Generating custom data inside node"})
        return {"answer": "some data"}

    graph = one_node(lg, node, Query)
    assert list(graph.stream({"query": "example"}, stream_mode="custom")) == [
        {"custom_key": "Generating custom data inside node"}
    ]


def test_a_tool_streams_its_progress(lg):
    from langchain_core.tools import tool

    @tool
    def query_database(query: str) -> str:
        """Query the database."""
        writer = lg.get_stream_writer()
        writer({"data": "Retrieved 0/100 records", "type": "progress"})
        writer({"data": "Retrieved 100/100 records", "type": "progress"})
        return "some-answer"

    graph = one_node(lg, lambda state: {"answer": query_database.invoke({"query": state["query"]})}, Query)
    assert [f"{data['type']}: {data['data']}" for data in graph.stream({"query": "q"}, stream_mode="custom")] == [
        "progress: Retrieved 0/100 records",
        "progress: Retrieved 100/100 records",
    ]


def test_custom_data_can_be_anything(lg):
    things = ["text", 1, None, ["a", {"b": 2}], ("a", 1)]

    def node(state: Query):
        for thing in things:
            lg.get_stream_writer()(thing)

    assert list(one_node(lg, node, Query).stream({"query": "q"}, stream_mode="custom")) == things


def test_nobody_hears_a_writer_when_custom_data_is_not_asked_for(lg):
    def node(state: Query):
        lg.get_stream_writer()({"heard": "by nobody"})
        return {"answer": "some data"}

    graph = one_node(lg, node, Query)
    assert graph.invoke({"query": "q"}) == {"query": "q", "answer": "some data"}
    assert list(graph.stream({"query": "q"}, stream_mode="updates")) == [{"node": {"answer": "some data"}}]


def test_a_writer_can_be_a_parameter(lg):
    async def generate_joke(state: Joke, writer: lg.StreamWriter):
        writer({"custom_key": "Streaming custom data while generating a joke"})
        return {"joke": f"This is a joke about {state['topic']}"}

    graph = one_node(lg, generate_joke)
    parts = lg.gathered(graph.astream({"topic": "ice cream"}, stream_mode="custom", version="v2"))
    assert [part["data"] for part in parts] == [{"custom_key": "Streaming custom data while generating a joke"}]


def test_get_stream_writer_works_in_async_nodes(lg):
    async def node(state: Query):
        lg.get_stream_writer()("from an async node")

    assert lg.gathered(one_node(lg, node, Query).astream({"query": "q"}, stream_mode="custom")) == [
        "from an async node"
    ]


# -- any model at all


def test_a_node_streams_the_chunks_of_a_client_of_its_own(lg):
    def client(topic):
        yield from (f"{topic} ", "are ", "fun")

    def call_arbitrary_model(state: Query):
        writer = lg.get_stream_writer()
        for chunk in client(state["query"]):
            writer({"custom_llm_chunk": chunk})
        return {"answer": "completed"}

    graph = one_node(lg, call_arbitrary_model, Query)
    assert list(graph.stream({"query": "cats"}, stream_mode="custom")) == [
        {"custom_llm_chunk": "cats "},
        {"custom_llm_chunk": "are "},
        {"custom_llm_chunk": "fun"},
    ]


def test_an_async_tool_streams_the_tokens_of_its_client_while_a_node_waits_for_it(lg):
    class State(TypedDict):
        messages: Annotated[list[dict], operator.add]

    async def stream_tokens(place):
        for word in ("bed ", "lamp ", place):
            yield {"role": "assistant", "content": word}

    async def get_items(place: str) -> str:
        writer, response = lg.get_stream_writer(), ""
        async for chunk in stream_tokens(place):
            response += chunk["content"]
            writer(chunk)
        return response

    async def call_tool(state: State):
        call = state["messages"][-1]["tool_calls"][-1]
        content = await get_items(**json.loads(call["function"]["arguments"]))
        return {"messages": [{"tool_call_id": call["id"], "role": "tool", "name": "get_items", "content": content}]}

    call = {"id": "1", "function": {"arguments": '{"place": "bedroom"}', "name": "get_items"}, "type": "function"}
    inputs = {"messages": [{"content": None, "role": "assistant", "tool_calls": [call]}]}
    graph = one_node(lg, call_tool, State)
    chunks = lg.gathered(graph.astream(inputs, stream_mode=["custom", "values"]))
    assert [data["content"] for mode, data in chunks if mode == "custom"] == ["bed ", "lamp ", "bedroom"]
    assert chunks[-1][1]["messages"][-1]["content"] == "bed lamp bedroom"


# -- sub-graphs


class Inner(TypedDict, total=False):
    foo: str
    bar: str


class Outer(TypedDict, total=False):
    foo: str


def nested(lg, say=lambda lg, text: None, **compiled):
    """node_1, then a graph of two nodes as node_2."""

    def subgraph_node_1(state: Inner):
        say(lg, "inside")
        return {"bar": "bar"}

    subgraph = (
        lg.StateGraph(Inner)
        .add_node(subgraph_node_1)
        .add_node("subgraph_node_2", lambda state: {"foo": state["foo"] + state["bar"]})
        .add_edge(lg.START, "subgraph_node_1")
        .add_edge("subgraph_node_1", "subgraph_node_2")
        .compile()
    )

    def node_1(state: Outer):
        say(lg, "outside")
        return {"foo": "hi! " + state["foo"]}

    return (
        lg.StateGraph(Outer)
        .add_node("node_1", node_1)
        .add_node("node_2", subgraph)
        .add_edge(lg.START, "node_1")
        .add_edge("node_1", "node_2")
        .compile(**compiled)
    )


NESTED = [
    ((), {"node_1": {"foo": "hi! foo"}}),
    (("node_2",), {"subgraph_node_1": {"bar": "bar"}}),
    (("node_2",), {"subgraph_node_2": {"foo": "hi! foobar"}}),
    ((), {"node_2": {"foo": "hi! foobar"}}),
]


def named(ns):
    """A namespace without the ids of its tasks, which differ from run to run."""
    return tuple(part.split(":")[0] for part in ns)


def test_updates_of_sub_graphs_come_with_their_namespace(lg):
    chunks = list(nested(lg).stream({"foo": "foo"}, stream_mode="updates", subgraphs=True))
    assert [(named(ns), data) for ns, data in chunks] == NESTED
    ids = {ns[0].split(":")[1] for ns, _ in chunks if ns}
    assert len(ids) == 1


def test_updates_of_sub_graphs_in_the_format_of_version_2(lg):
    parts = list(nested(lg).stream({"foo": "foo"}, stream_mode="updates", subgraphs=True, version="v2"))
    assert {part["type"] for part in parts} == {"updates"}
    assert [(named(part["ns"]), part["data"]) for part in parts] == NESTED


def test_custom_data_of_sub_graphs_come_with_their_namespace(lg):
    def say(lg, text):
        lg.get_stream_writer()(text)

    chunks = list(nested(lg, say).stream({"foo": "foo"}, stream_mode="custom", subgraphs=True))
    assert [(named(ns), data) for ns, data in chunks] == [((), "outside"), (("node_2",), "inside")]


def test_several_modes_with_sub_graphs_are_triples(lg):
    chunks = nested(lg).stream({"foo": "foo"}, stream_mode=["updates", "values"], subgraphs=True)
    updates = [(named(ns), data) for ns, mode, data in chunks if mode == "updates"]
    assert updates == NESTED


def test_tokens_of_sub_graphs_are_streamed(lg):
    model = lg.model("deep inside")
    subgraph = one_node(lg, lambda state: {"joke": model.invoke("a joke").content})
    graph = lg.StateGraph(Joke).add_node("writer", subgraph).add_edge(lg.START, "writer").compile()
    chunks = list(graph.stream({}, stream_mode="messages", subgraphs=True))
    assert tokens(data for _, data in chunks) == ["deep", " ", "inside"]
    assert {named(ns) for ns, _ in chunks} == {("writer",)}


def test_an_agent_streams_its_tokens_until_it_asks_and_goes_on_with_the_answer(lg):
    model = lg.model("let me ask", "all done")

    def call_model(state: Joke):
        return {"topic": model.invoke("go").content}

    def ask(state: Joke):
        return {"joke": lg.interrupt("May I?")}

    agent = (
        lg.StateGraph(Joke)
        .add_sequence([("before", call_model), ("ask", ask), ("after", call_model)])
        .add_edge(lg.START, "before")
        .compile()
    )
    builder = lg.StateGraph(Joke).add_node("agent", agent).add_edge(lg.START, "agent")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    current, heard, asked = {}, [], []
    while current is not None:
        stream = graph.stream(current, config, stream_mode=["messages", "updates"], subgraphs=True)
        current = None
        for _, mode, chunk in stream:
            if mode == "messages":
                heard.append(chunk[0].content)
            elif "__interrupt__" in chunk:
                asked += lg.asked(chunk)
                current = lg.Command(resume="yes")
    assert "".join(heard) == "let me askall done"
    assert set(asked) == {"May I?"}
    assert graph.get_state(config).values == {"topic": "all done", "joke": "yes"}


# -- checkpoints, tasks, debug


def test_checkpoints_have_the_format_of_get_state(lg):
    graph, config = joking(lg, checkpointer=lg.InMemorySaver()), lg.thread()
    chunks = list(graph.stream({"topic": "ice cream"}, config, stream_mode="checkpoints"))
    assert [one["next"] for one in chunks] == [["__start__"], ["refine_topic"], ["generate_joke"], []]
    assert [one["values"] for one in chunks] == [{}, {"topic": "ice cream"}, REFINED, {**REFINED, **JOKED}]
    assert [one["metadata"]["step"] for one in chunks] == [-1, 0, 1, 2]
    state = graph.get_state(config)
    assert chunks[-1]["config"]["configurable"]["checkpoint_id"] == state.config["configurable"]["checkpoint_id"]


def test_tasks_are_told_when_they_begin_and_when_they_end(lg):
    graph, config = joking(lg, checkpointer=lg.InMemorySaver()), lg.thread()
    begun, ended = [], []
    for one in graph.stream({"topic": "ice cream"}, config, stream_mode="tasks"):
        (begun if "input" in one else ended).append(one)
    assert [(one["name"], one["input"]) for one in begun] == [
        ("refine_topic", {"topic": "ice cream"}),
        ("generate_joke", REFINED),
    ]
    assert [(one["name"], one["result"], one["error"]) for one in ended] == [
        ("refine_topic", REFINED, None),
        ("generate_joke", JOKED, None),
    ]
    assert [one["id"] for one in begun] == [one["id"] for one in ended]


def test_debug_is_checkpoints_and_tasks_with_their_step(lg):
    graph, config = joking(lg, checkpointer=lg.InMemorySaver()), lg.thread()
    chunks = list(graph.stream({"topic": "ice cream"}, config, stream_mode="debug"))
    assert [(one["step"], one["type"]) for one in chunks] == [
        (-1, "checkpoint"),
        (0, "checkpoint"),
        (1, "task"),
        (1, "task_result"),
        (1, "checkpoint"),
        (2, "task"),
        (2, "task_result"),
        (2, "checkpoint"),
    ]
    assert all(one["timestamp"] for one in chunks)


def test_debug_and_tasks_need_no_checkpointer(lg):
    kinds = [one["type"] for one in joking(lg).stream({"topic": "ice cream"}, stream_mode="debug")]
    assert kinds.count("task") == kinds.count("task_result") == 2
    assert len(list(joking(lg).stream({"topic": "ice cream"}, stream_mode="tasks"))) == 4


@pytest.mark.parametrize("mode", ["checkpoints", "tasks", "debug"])
def test_the_other_modes_in_the_format_of_version_2(lg, mode):
    graph = joking(lg, checkpointer=lg.InMemorySaver())
    old = list(graph.stream({"topic": "ice cream"}, lg.thread(), stream_mode=mode))
    new = list(graph.stream({"topic": "ice cream"}, lg.thread(), stream_mode=mode, version="v2"))
    assert {part["type"] for part in new} == {mode}
    assert [sorted(part["data"]) for part in new] == [sorted(data) for data in old]


# -- from version 1 to version 2


def test_an_unknown_mode_yields_nothing_upstream(lg):
    if lg.ours:  # We differ: "unknown stream mode ...: silence"
        with pytest.raises(lg.NbhitlError, match="updates"):
            list(joking(lg).stream({"topic": "ice cream"}, stream_mode="update"))
    else:
        assert list(joking(lg).stream({"topic": "ice cream"}, stream_mode="update")) == []


def asking(lg):
    def ask(state: Joke):
        return {"joke": lg.interrupt("Is it funny?")}

    return one_node(lg, ask, checkpointer=lg.InMemorySaver())


def test_invoke_in_version_2_returns_the_value_and_the_questions_apart(lg):
    graph, config = asking(lg), lg.thread()
    result = graph.invoke({"topic": "cats"}, config, version="v2")
    assert isinstance(result, lg.GraphOutput)
    assert result.value == {"topic": "cats"}
    assert [one.value for one in result.interrupts] == ["Is it funny?"]
    result = graph.invoke(lg.Command(resume="yes"), config, version="v2")
    assert result.value == {"topic": "cats", "joke": "yes"}
    assert result.interrupts == ()


def test_invoke_in_version_1_has_the_questions_in_the_result(lg):
    graph, config = asking(lg), lg.thread()
    result = graph.invoke({"topic": "cats"}, config)
    assert "__interrupt__" in result
    assert result["__interrupt__"][0].value == "Is it funny?"
    assert graph.invoke(lg.Command(resume="yes"), config) == {"topic": "cats", "joke": "yes"}


def test_the_questions_of_a_sub_graph_are_apart_in_version_2_as_well(lg):
    def ask(state: Joke):
        return {"joke": lg.interrupt("Is it funny?")}

    builder = lg.StateGraph(Joke).add_node("sub", one_node(lg, ask)).add_edge(lg.START, "sub")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    result = graph.invoke({"topic": "cats"}, config, version="v2")
    assert [one.value for one in result.interrupts] == ["Is it funny?"]
    assert graph.invoke(lg.Command(resume="yes"), config, version="v2").value == {"topic": "cats", "joke": "yes"}


def test_ainvoke_has_version_2_as_well(lg):
    result = lg.run(joking(lg).ainvoke({"topic": "ice cream"}, version="v2"))
    assert result.value == {**REFINED, **JOKED}
    assert result.interrupts == ()


def test_invoke_with_another_mode_returns_the_parts_of_its_stream(lg):
    graph = joking(lg)
    assert graph.invoke({"topic": "ice cream"}, stream_mode="updates", version="v2") == [
        {"type": "updates", "ns": (), "data": {"refine_topic": REFINED}},
        {"type": "updates", "ns": (), "data": {"generate_joke": JOKED}},
    ]
    assert graph.invoke({"topic": "ice cream"}, stream_mode="updates") == [
        {"refine_topic": REFINED},
        {"generate_joke": JOKED},
    ]


def test_questions_of_a_stream_of_values_in_version_2_stand_beside_the_state(lg):
    *_, last = asking(lg).stream({"topic": "cats"}, lg.thread(), stream_mode="values", version="v2")
    assert last["data"] == {"topic": "cats"}
    assert [one.value for one in last["interrupts"]] == ["Is it funny?"]


def test_questions_of_a_stream_of_updates_in_version_2_are_an_update(lg):
    *_, last = asking(lg).stream({"topic": "cats"}, lg.thread(), stream_mode="updates", version="v2")
    assert last["type"] == "updates"
    assert [one.value for one in last["data"]["__interrupt__"]] == ["Is it funny?"]


class Model(BaseModel):
    value: str
    items: Annotated[list[str], operator.add]


@dataclass
class Data:
    value: str
    items: Annotated[list[str], operator.add]


@pytest.mark.parametrize("schema", [Model, Data])
def test_values_in_version_2_are_instances_of_the_state(lg, schema):
    graph = one_node(lg, lambda state: {"items": ["a"]}, schema)
    parts = list(graph.stream({"value": "x", "items": []}, stream_mode="values", version="v2"))
    assert [type(part["data"]) for part in parts] == [schema, schema]
    assert parts[-1]["data"] == schema(value="x", items=["a"])
    assert graph.invoke({"value": "x", "items": []}, version="v2").value == schema(value="x", items=["a"])


@pytest.mark.parametrize("schema", [Model, Data])
def test_values_in_version_1_are_plain_dicts(lg, schema):
    graph = one_node(lg, lambda state: {"items": ["a"]}, schema)
    assert list(graph.stream({"value": "x", "items": []}, stream_mode="values"))[-1] == {"value": "x", "items": ["a"]}
    assert graph.invoke({"value": "x", "items": []}) == {"value": "x", "items": ["a"]}
