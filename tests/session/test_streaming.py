"""A session's watcher hears what bodies stream, while they run."""

import threading

import pytest

from nbhitl import START, InMemorySaver, MessagesState, Session, StateGraph, get_stream_writer, stream_message
from nbhitl.run.world import Emitted, Ended

PATIENCE = 60


def session(node, watch):
    graph = StateGraph(MessagesState).add_node("say", node).add_edge(START, "say")
    return Session(graph.compile(InMemorySaver()), "t", watch=watch)


@pytest.mark.parametrize("awaits", [False, True], ids=["sync", "async"])
def test_the_watcher_hears_of_it_before_the_body_ends(awaits):
    heard, told = threading.Event(), []

    def say(state):
        get_stream_writer()("hello")
        assert heard.is_set()

    async def asay(state):
        say(state)

    def watch(_, event):
        if isinstance(event, Emitted):
            told.append((event.mode, event.data, event.task.node, event.ns))
            heard.set()

    assert session(asay if awaits else say, watch).go({"messages": []}).reason == "finished"
    assert told == [("custom", "hello", "say", "")]


def test_messages_are_told_in_pieces_and_from_sub_graphs_too():
    told = []

    def watch(_, event):
        if isinstance(event, Emitted):
            told.append((event.data[0].content, event.data[1]["langgraph_node"], event.ns.partition(":")[0]))
        elif isinstance(event, Ended) and event.task.node == "say":
            told.append("ended")

    inner = StateGraph(MessagesState).add_node("inner", lambda state: {"messages": stream_message(["a", "b"])})
    assert session(inner.add_edge(START, "inner").compile(), watch).go({"messages": []}).reason == "finished"
    assert told == [("a", "inner", "say"), ("b", "inner", "say"), "ended"]


def test_the_tokens_of_a_langchain_model_are_told():
    pytest.importorskip("langchain_core")
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    model = GenericFakeChatModel(messages=iter([AIMessage("hello world")]))
    told = []

    def watch(_, event):
        if isinstance(event, Emitted):
            told.append(event.data[0].content)

    session(lambda state: {"messages": [model.invoke("hi")]}, watch).go({"messages": []})
    assert told == ["hello", " ", "world"]


def test_a_watcher_that_fails_does_not_break_the_body(capsys):
    def watch(_, event):
        if isinstance(event, Emitted):
            raise ValueError("not my day")

    assert session(lambda state: get_stream_writer()("x"), watch).go({"messages": []}).reason == "finished"
    assert "not my day" in capsys.readouterr().err
