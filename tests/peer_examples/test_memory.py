"""LangGraph's page "Memory": conversations on a thread, memories over threads, long conversations, checkpoints."""

import re
import sqlite3
import uuid
from dataclasses import dataclass
from typing import TypedDict

import pytest


class Foo(TypedDict):
    foo: str


@dataclass
class Context:
    user_id: str


def user(text):
    return {"messages": [{"role": "user", "content": text}]}


def assistant(text):
    return {"messages": [{"role": "assistant", "content": text}]}


def said(lg, result):
    """The last message of a state or an update."""
    return lg.text(result["messages"][-1])


def answer(texts):
    """A model that knows the name of who told it."""
    names = [found[1] for text in texts if (found := re.search(r"(?:I'm|I am|my name is) (\w+)", text))]
    if texts[-1].startswith("what"):
        return f"Your name is {names[-1]}." if names else "I do not know."
    return f"Hi {names[-1]}!" if names else "Hi!"


def chat(lg, saver, *more, **compiled):
    """A node that calls the model with all messages, and the nodes that come after it."""

    def call_model(state: lg.MessagesState):
        return assistant(answer(lg.texts(state["messages"])))

    builder = lg.StateGraph(lg.MessagesState).add_sequence([call_model, *more]).add_edge(lg.START, "call_model")
    return builder.compile(checkpointer=saver, **compiled)


# -- short-term memory


def test_a_thread_remembers_the_conversation(lg):
    graph, config = chat(lg, lg.InMemorySaver()), lg.thread()
    assert said(lg, graph.invoke(user("hi! I'm Bob"), config)) == "Hi Bob!"
    assert said(lg, graph.invoke(user("what's my name?"), config)) == "Your name is Bob."
    assert said(lg, graph.invoke(user("what's my name?"), lg.thread())) == "I do not know."


def test_a_saver_on_a_file_remembers_the_conversation(lg, tmp_path):
    config = lg.thread()
    with lg.file_saver(tmp_path / "threads") as saver:
        first = list(chat(lg, saver).stream(user("hi! I'm Bob"), config, stream_mode="values"))
    with lg.file_saver(tmp_path / "threads") as saver:
        second = list(chat(lg, saver).stream(user("what's my name?"), config, stream_mode="values"))
    assert [said(lg, chunk) for chunk in first] == ["hi! I'm Bob", "Hi Bob!"]
    assert [said(lg, chunk) for chunk in second] == ["what's my name?", "Your name is Bob."]


def test_a_saver_on_a_file_remembers_the_objects_of_langchain(lg, tmp_path):
    from langchain_core.messages import AIMessage, HumanMessage

    config = lg.thread()
    for model in (lg.model(AIMessage("Hi Bob!")), lg.model(AIMessage("Your name is Bob."))):
        with lg.file_saver(tmp_path / "threads") as saver:
            builder = lg.StateGraph(lg.MessagesState).add_edge(lg.START, "call_model")
            builder.add_node("call_model", lambda state, model=model: {"messages": model.invoke(state["messages"])})
            result = builder.compile(checkpointer=saver).invoke({"messages": [HumanMessage("hi")]}, config)
    assert [type(one) for one in result["messages"]] == [HumanMessage, AIMessage] * 2
    assert lg.texts(result["messages"]) == ["hi", "Hi Bob!", "hi", "Your name is Bob."]


def test_an_async_conversation_is_remembered(lg):
    graph, config = chat(lg, lg.InMemorySaver()), lg.thread()
    lg.gathered(graph.astream(user("hi! I'm Bob"), config, stream_mode="values"))
    *_, last = lg.gathered(graph.astream(user("what's my name?"), config, stream_mode="values"))
    assert said(lg, last) == "Your name is Bob."


def test_the_saver_of_a_graph_is_handed_to_its_sub_graphs(lg):
    subgraph = (
        lg.StateGraph(Foo)
        .add_node("inner", lambda state: {"foo": state["foo"] + "bar"})
        .add_edge(lg.START, "inner")
        .compile()
    )
    builder = lg.StateGraph(Foo).add_node("node_1", subgraph).add_edge(lg.START, "node_1")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    assert graph.invoke({"foo": "foo"}, config) == {"foo": "foobar"}
    assert graph.get_state(config).values == {"foo": "foobar"}


def test_a_sub_graph_may_have_a_memory_of_its_own(lg):
    subgraph = chat(lg, True)

    def ask_the_agent(state: lg.MessagesState):
        return assistant(said(lg, subgraph.invoke({"messages": [state["messages"][-1]]})))

    builder = lg.StateGraph(lg.MessagesState).add_node(ask_the_agent).add_edge(lg.START, "ask_the_agent")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    assert said(lg, graph.invoke(user("hi! I'm Bob"), config)) == "Hi Bob!"
    assert said(lg, graph.invoke(user("what's my name?"), config)) == "Your name is Bob."


# -- long-term memory


def remembering(lg, store, **compiled):
    """A node that remembers what it is asked to, and tells what it knows about the user."""

    def call_model(state: lg.MessagesState, runtime: lg.Runtime[Context]):
        namespace, text = ("memories", runtime.context.user_id), lg.text(state["messages"][-1])
        memories = runtime.store.search(namespace, query=text)
        if "remember" in text.lower():
            runtime.store.put(namespace, str(uuid.uuid4()), {"data": "User name is Bob"})
        return assistant("\n".join(memory.value["data"] for memory in memories) or "nothing")

    return (
        lg.StateGraph(lg.MessagesState, context_schema=Context)
        .add_node(call_model)
        .add_edge(lg.START, "call_model")
        .compile(store=store, **compiled)
    )


def test_a_store_remembers_a_user_on_another_thread(lg):
    graph = remembering(lg, lg.InMemoryStore(), checkpointer=lg.InMemorySaver())
    bob, eve = Context("1"), Context("2")
    assert said(lg, graph.invoke(user("Hi! Remember: my name is Bob"), lg.thread(), context=bob)) == "nothing"
    assert said(lg, graph.invoke(user("what is my name?"), lg.thread(), context=bob)) == "User name is Bob"
    assert said(lg, graph.invoke(user("what is my name?"), lg.thread(), context=eve)) == "nothing"


def test_a_store_on_a_file_remembers_a_user(lg, tmp_path):
    with lg.file_store(tmp_path / "store") as store, lg.file_saver(tmp_path / "threads") as saver:
        graph = remembering(lg, store, checkpointer=saver)
        graph.invoke(user("Hi! Remember: my name is Bob"), lg.thread(), context=Context("1"))
    with lg.file_store(tmp_path / "store") as store, lg.file_saver(tmp_path / "threads") as saver:
        graph = remembering(lg, store, checkpointer=saver)
        result = graph.invoke(user("what is my name?"), lg.thread(), context=Context("1"))
    assert said(lg, result) == "User name is Bob"


def test_a_store_on_a_file_searches_by_meaning(lg, tmp_path):
    if not lg.ours and not hasattr(sqlite3.Connection, "enable_load_extension"):
        pytest.skip("this Python's SQLite cannot load the extension that LangGraph's store on a file needs for it")
    with lg.file_store(tmp_path / "store", index=lg.index) as store:
        store.put(("user_123", "memories"), "1", {"text": "I love pizza"})
        store.put(("user_123", "memories"), "2", {"text": "I am a plumber"})
    with lg.file_store(tmp_path / "store", index=lg.index) as store:
        [item] = store.search(("user_123", "memories"), query="I'm hungry", limit=1)
    assert item.value == {"text": "I love pizza"}


def test_async_nodes_use_the_async_methods_of_a_store(lg):
    async def call_model(state: lg.MessagesState, runtime: lg.Runtime[Context]):
        namespace = (runtime.context.user_id, "memories")
        memories = await runtime.store.asearch(namespace, query=lg.text(state["messages"][-1]), limit=3)
        await runtime.store.aput(namespace, str(uuid.uuid4()), {"data": "User prefers dark mode"})
        return assistant(", ".join(memory.value["data"] for memory in memories))

    graph = (
        lg.StateGraph(lg.MessagesState, context_schema=Context)
        .add_node(call_model)
        .add_edge(lg.START, "call_model")
        .compile(store=lg.InMemoryStore())
    )
    assert said(lg, lg.run(graph.ainvoke(user("hi"), lg.thread(), context=Context("1")))) == ""
    assert said(lg, lg.run(graph.ainvoke(user("hi"), lg.thread(), context=Context("1")))) == "User prefers dark mode"


def test_memories_that_mean_what_was_said_are_told_to_the_model_whose_tokens_are_streamed(lg):
    store = lg.InMemoryStore(index=lg.index)
    store.put(("user_123", "memories"), "1", {"text": "I am a plumber"})
    store.put(("user_123", "memories"), "2", {"text": "I love pizza"})

    async def chat(state: lg.MessagesState, runtime: lg.Runtime):
        namespace, query = ("user_123", "memories"), lg.text(state["messages"][-1])
        items = await runtime.store.asearch(namespace, query=query, limit=1)
        memories = "\n".join(item.value["text"] for item in items)
        response = await lg.model(f"You said: {memories}").ainvoke(f"Memories of the user:\n{memories}")
        return {"messages": [response]}

    graph = lg.StateGraph(lg.MessagesState).add_node(chat).add_edge(lg.START, "chat").compile(store=store)
    chunks = lg.gathered(graph.astream(user("I'm hungry"), stream_mode="messages"))
    assert "".join(message.content for message, _ in chunks) == "You said: I love pizza"


def test_an_agent_rewrites_its_own_instructions(lg):
    store, namespace = lg.InMemoryStore(), ("instructions",)
    store.put(namespace, "agent_a", {"instructions": "Be short."})

    def call_model(state: lg.MessagesState, store: lg.BaseStore):
        return assistant(store.get(namespace, "agent_a").value["instructions"])

    def update_instructions(state: lg.MessagesState, store: lg.BaseStore):
        current, *_ = store.search(namespace)
        wish = lg.text(state["messages"][0])
        store.put(namespace, "agent_a", {"instructions": f"{current.value['instructions']} {wish}"})

    graph = (
        lg.StateGraph(lg.MessagesState)
        .add_sequence([call_model, update_instructions])
        .add_edge(lg.START, "call_model")
        .compile(store=store)
    )
    assert said(lg, graph.invoke(user("Be kind."))) == "Be short."
    assert said(lg, graph.invoke(user("Be precise."))) == "Be short. Be kind."


# -- long conversations


def test_messages_are_trimmed_before_the_model_sees_them(lg):
    from langchain_core.messages import convert_to_messages
    from langchain_core.messages.utils import count_tokens_approximately, trim_messages

    seen = []

    def call_model(state: lg.MessagesState):
        messages = trim_messages(
            convert_to_messages(state["messages"]),
            strategy="last",
            token_counter=count_tokens_approximately,
            max_tokens=30,
            start_on="human",
            end_on=("human", "tool"),
        )
        seen.append(lg.texts(messages))
        return assistant("ok")

    builder = lg.StateGraph(lg.MessagesState).add_node(call_model).add_edge(lg.START, "call_model")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    for text in ("hi, my name is bob", "write a short poem about cats", "now do the same but for dogs"):
        result = graph.invoke(user(text), config)
    assert len(result["messages"]) == 6
    assert seen[0] == ["hi, my name is bob"]
    assert seen[-1][-1] == "now do the same but for dogs"
    assert len(seen[-1]) < 5


def kinds(lg, messages):
    """Messages as (role, content)."""
    roles = {"human": "user", "ai": "assistant"}
    return [(one["role"] if isinstance(one, dict) else roles[one.type], lg.text(one)) for one in messages]


def test_the_earliest_messages_are_deleted(lg):
    from langchain_core.messages import RemoveMessage

    def delete_messages(state: lg.MessagesState):
        messages = state["messages"]
        if len(messages) > 2:
            ids = [one["id"] if isinstance(one, dict) else one.id for one in messages[:2]]
            return {"messages": [RemoveMessage(id=one) for one in ids]}
        return None

    graph, config = chat(lg, lg.InMemorySaver(), delete_messages), lg.thread()
    bob, name = ("user", "hi! I'm Bob"), ("user", "what's my name?")
    events = [kinds(lg, one["messages"]) for one in graph.stream(user(bob[1]), config, stream_mode="values")]
    assert events == [[bob], [bob, ("assistant", "Hi Bob!")]]
    events = [kinds(lg, one["messages"]) for one in graph.stream(user(name[1]), config, stream_mode="values")]
    hi, known = ("assistant", "Hi Bob!"), ("assistant", "Your name is Bob.")
    assert events == [[bob, hi, name], [bob, hi, name, known], [name, known]]


def test_all_messages_are_deleted(lg):
    from langchain_core.messages import RemoveMessage

    def delete_messages(state: lg.MessagesState):
        return {"messages": [RemoveMessage(id=lg.REMOVE_ALL_MESSAGES)]}

    graph, config = chat(lg, lg.InMemorySaver(), delete_messages), lg.thread()
    assert graph.invoke(user("hi! I'm Bob"), config) == {"messages": []}
    update, _ = graph.stream(user("what's my name?"), config)
    assert said(lg, update["call_model"]) == "I do not know."


def test_a_summary_takes_the_place_of_earlier_messages(lg):
    from langchain_core.messages import RemoveMessage

    class State(lg.MessagesState):
        summary: str

    def converse(state: State):
        return assistant(f"answer {len(state['messages'])}")

    def summarize_conversation(state: State):
        earlier, texts = state.get("summary", ""), lg.texts(state["messages"])
        ids = [one["id"] if isinstance(one, dict) else one.id for one in state["messages"][:-2]]
        return {"summary": f"{earlier}[{' / '.join(texts)}]", "messages": [RemoveMessage(id=one) for one in ids]}

    def should_summarize(state: State):
        return "summarize_conversation" if len(state["messages"]) > 3 else lg.END

    graph = (
        lg.StateGraph(State)
        .add_node(converse)
        .add_node(summarize_conversation)
        .add_edge(lg.START, "converse")
        .add_conditional_edges("converse", should_summarize, ["summarize_conversation", lg.END])
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    assert "summary" not in graph.invoke(user("one"), config)
    result = graph.invoke(user("two"), config)
    assert result["summary"] == "[one / answer 1 / two / answer 3]"
    assert lg.texts(result["messages"]) == ["two", "answer 3"]
    result = graph.invoke(user("three"), config)
    assert result["summary"] == "[one / answer 1 / two / answer 3][two / answer 3 / three / answer 3]"


# -- checkpoints


def talked(lg):
    saver, config = lg.InMemorySaver(), lg.thread()
    graph = chat(lg, saver)
    graph.invoke(user("hi! I'm Bob"), config)
    graph.invoke(user("what's my name?"), config)
    return saver, graph, config


def test_the_state_of_a_thread_can_be_viewed(lg):
    _, graph, config = talked(lg)
    state = graph.get_state(config)
    assert lg.texts(state.values["messages"]) == ["hi! I'm Bob", "Hi Bob!", "what's my name?", "Your name is Bob."]
    assert (state.next, state.tasks, state.interrupts) == ((), (), ())
    assert (state.metadata["source"], state.metadata["step"]) == ("loop", 4)


def test_a_certain_checkpoint_can_be_viewed(lg):
    _, graph, config = talked(lg)
    earlier = list(graph.get_state_history(config))[3]
    assert lg.texts(graph.get_state(earlier.config).values["messages"]) == ["hi! I'm Bob", "Hi Bob!"]


def test_the_history_of_a_thread_can_be_viewed(lg):
    _, graph, config = talked(lg)
    history = list(graph.get_state_history(config))
    assert [one.next for one in history] == [
        (),
        ("call_model",),
        ("__start__",),
        (),
        ("call_model",),
        ("__start__",),
    ]
    assert [one.metadata["step"] for one in history] == [4, 3, 2, 1, 0, -1]
    assert [one.metadata["source"] for one in history] == ["loop", "loop", "input"] * 2
    assert [len(one.values.get("messages", [])) for one in history] == [4, 3, 2, 2, 1, 0]
    assert lg.text(history[1].tasks[0].result["messages"][-1]) == "Your name is Bob."


def test_the_checkpoints_of_a_thread_can_be_deleted(lg):
    saver, graph, config = talked(lg)
    saver.delete_thread(config["configurable"]["thread_id"])
    assert graph.get_state(config).values == {}
    assert list(graph.get_state_history(config)) == []
    assert said(lg, graph.invoke(user("what's my name?"), config)) == "I do not know."


def test_deleting_one_thread_leaves_the_others(lg, tmp_path):
    with lg.file_saver(tmp_path / "threads") as saver:
        graph, one, two = chat(lg, saver), lg.thread(), lg.thread()
        graph.invoke(user("hi! I'm Bob"), one)
        graph.invoke(user("hi! I'm Eve"), two)
        saver.delete_thread(one["configurable"]["thread_id"])
        assert said(lg, graph.invoke(user("what's my name?"), one)) == "I do not know."
        assert said(lg, graph.invoke(user("what's my name?"), two)) == "Your name is Eve."
