"""Stream mode ``messages``: pieces of messages from plain Python and from LangChain's models, and whole ones."""

import asyncio
import subprocess
import sys
import threading
import warnings

import pytest

from nbhitl import START, MessageChunk, MessagesState, StateGraph, stream_message

PATIENCE = 60
WORDS = ["hello", " ", "big", " ", "world"]


def one(node, name="say"):
    return StateGraph(MessagesState).add_node(name, node).add_edge(START, name).compile()


def chunks(graph, way="sync", input=None, **more):
    """What is streamed, without where it comes from."""
    more = {"stream_mode": "messages", **more}
    given = {"messages": []} if input is None else input
    if way == "sync":
        found = list(graph.stream(given, **more))
    else:

        async def collect():
            return [chunk async for chunk in graph.astream(given, **more)]

        found = asyncio.run(collect())
    return [chunk for chunk, _ in (pair[-1] if more.get("subgraphs") else pair for pair in found)]


def contents(found):
    return [chunk.content for chunk in found]


# -- plain Python


def test_a_message_is_streamed_token_by_token_and_returned_whole():
    graph = one(lambda state: {"messages": stream_message(iter(WORDS), id="m1")})
    assert chunks(graph) == [MessageChunk(word, "m1") for word in WORDS]
    whole = {"role": "assistant", "content": "hello big world", "id": "m1"}
    assert graph.invoke({"messages": []})["messages"] == [whole]


def test_an_async_generator_is_awaited():
    async def tokens():
        for word in WORDS:
            yield word

    async def say(state):
        return {"messages": await stream_message(tokens(), id="m1")}

    assert chunks(one(say), "async") == [MessageChunk(word, "m1") for word in WORDS]


def test_tokens_arrive_while_the_message_is_written():
    heard = threading.Event()

    def tokens():
        yield "first"
        assert heard.wait(PATIENCE)
        yield "second"

    graph = one(lambda state: {"messages": stream_message(tokens())})
    found = []
    for chunk, _ in graph.stream({"messages": []}, stream_mode="messages"):
        heard.set()
        found.append(chunk)
    assert contents(found) == ["first", "second"]
    assert found[0].id == found[1].id


def test_outside_a_graph_the_pieces_are_joined():
    assert stream_message(WORDS, id="m", role="user") == {"role": "user", "content": "hello big world", "id": "m"}


def test_a_text_is_one_piece_and_dicts_and_blocks_are_taken():
    graph = one(lambda state: {"messages": [stream_message("hello"), stream_message([{"content": "a"}, "b"])]})
    assert contents(chunks(graph)) == ["hello", "a", "b"]
    blocks = [{"content": [{"type": "text", "text": "x"}]}, {"type": "text", "text": "y"}, {"content": None}]
    assert stream_message(blocks)["content"] == "xy"


def test_each_piece_says_where_it_comes_from():
    graph = one(lambda state: {"messages": stream_message(["a"])})
    config = {"tags": ["t"], "metadata": {"who": "me"}, "configurable": {"thread_id": "7"}}
    [(_, about)] = graph.stream({"messages": []}, config, stream_mode="messages")
    assert about.pop("langgraph_checkpoint_ns").startswith("say:")
    assert about == {
        "who": "me",
        "thread_id": "7",
        "tags": ["t"],
        "langgraph_step": 1,
        "langgraph_node": "say",
        "langgraph_triggers": ("branch:to:say",),
        "langgraph_path": ("__pregel_pull", "say"),
    }


# -- whole messages


def test_a_message_that_a_node_returns_whole_is_streamed_whole():
    graph = one(lambda state: {"messages": [{"role": "assistant", "content": "hi", "id": "m1"}]})
    assert chunks(graph) == [MessageChunk("hi", "m1")]


def test_a_message_that_was_streamed_or_stands_in_the_state_does_not_come_again():
    def say(state):
        return {"messages": [*state["messages"], stream_message(["a", "b"], id="m2")]}

    given = {"messages": [{"role": "user", "content": "known", "id": "m1"}]}
    assert contents(chunks(one(say), input=given)) == ["a", "b"]


def test_of_a_sub_graph_the_whole_message_comes_once():
    sub = one(lambda state: {"messages": [{"role": "assistant", "content": "hi"}]}, "inner")
    graph = one(sub, "outer")
    assert contents(chunks(graph)) == ["hi"]
    assert contents(chunks(graph, subgraphs=True)) == ["hi"]


def test_a_removal_is_no_message():
    graph = one(lambda state: {"messages": [{"role": "remove", "id": "m1"}]})
    assert chunks(graph, input={"messages": [{"role": "user", "content": "x", "id": "m1"}]}) == []


# -- LangChain


def test_whoever_streams_messages_does_not_load_langchain():
    source = (
        "import sys\nfrom nbhitl import *\n"
        "g = StateGraph(MessagesState).add_node('a', lambda s: {'messages': stream_message(['x'])})\n"
        "g = g.add_edge(START, 'a').compile()\n"
        "assert [c.content for c, _ in g.stream({'messages': []}, stream_mode='messages')] == ['x']\n"
        "assert not any(name.startswith('langchain') for name in sys.modules), 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True, timeout=60)


@pytest.fixture
def model():
    pytest.importorskip("langchain_core")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
        from langchain_core.messages import AIMessage
    return GenericFakeChatModel(messages=iter([AIMessage("hello big world") for _ in range(9)]))


def test_the_tokens_of_a_model_are_streamed_without_handing_the_config_on(model):
    graph = one(lambda state: {"messages": [model.invoke("hi")]})
    found = chunks(graph)
    assert contents(found) == WORDS
    assert len({chunk.id for chunk in found}) == 1


def test_the_tokens_of_an_awaited_model_are_streamed(model):
    async def say(state):
        return {"messages": [await model.ainvoke("hi")]}

    assert contents(chunks(one(say), "async")) == WORDS


def test_a_model_in_a_sync_body_of_an_async_run_is_heard(model):
    assert contents(chunks(one(lambda state: {"messages": [model.invoke("hi")]}), "async")) == WORDS


def test_whoever_hands_the_config_on_is_heard_once(model):
    def say(state, config):
        return {"messages": [model.invoke("hi", config)]}

    assert contents(chunks(one(say))) == WORDS


def test_a_model_that_a_body_streams_itself_is_heard(model):
    def say(state):
        whole = None
        for piece in model.stream("hi"):
            whole = piece if whole is None else whole + piece
        return {"messages": [whole]}

    assert contents(chunks(one(say))) == WORDS


def test_callbacks_of_the_caller_are_still_called(model):
    from langchain_core.callbacks import BaseCallbackHandler, CallbackManager

    class Counts(BaseCallbackHandler):
        tokens = 0

        def on_llm_new_token(self, token, **_):
            self.tokens += 1

    graph = one(lambda state: {"messages": [model.invoke("hi")]})
    for wrap in (lambda handler: [handler], lambda handler: CallbackManager([handler])):
        counts = Counts()
        config = {"callbacks": wrap(counts)}
        assert [chunk.content for chunk, _ in graph.stream({"messages": []}, config, stream_mode="messages")] == WORDS
        assert counts.tokens == len(WORDS)


def test_the_tokens_of_a_sub_graph_say_which_node_they_come_from(model):
    sub = one(lambda state: {"messages": [model.invoke("hi")]}, "inner")
    graph = one(sub, "outer")
    found = list(graph.stream({"messages": []}, stream_mode="messages", subgraphs=True))
    assert [chunk.content for _, (chunk, _) in found] == WORDS
    assert {about["langgraph_node"] for _, (_, about) in found} == {"inner"}
    assert {ns[0].partition(":")[0] for ns, _ in found} == {"outer"}


def test_a_body_that_reads_the_stream_of_a_sub_graph_hears_each_token_once(model):
    sub = one(lambda state: {"messages": [model.invoke("hi")]}, "inner")
    got = []

    def reads(state):
        got.extend(chunk.content for chunk, _ in sub.stream({"messages": []}, stream_mode="messages"))

    assert contents(chunks(one(reads), subgraphs=True)) == WORDS
    assert got == WORDS


def test_a_model_with_the_tag_nostream_is_streamed_as_a_whole_message_only(model):
    quiet = model.with_config(tags=["nostream"])
    assert contents(chunks(one(lambda state: {"messages": [quiet.invoke("hi")]}))) == ["hello big world"]
    assert chunks(one(lambda state: quiet.invoke("hi") and {})) == []


def test_a_model_that_cannot_stream_is_heard_when_it_has_spoken():
    pytest.importorskip("langchain_core")
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    class Slow(FakeListChatModel):
        def _should_stream(self, **_):
            return False

    model = Slow(responses=["all at once"])
    assert contents(chunks(one(lambda state: {"messages": [model.invoke("hi")]}))) == ["all at once"]


def test_chunks_of_a_model_that_is_heard_are_streamed_once(model):
    graph = one(lambda state: {"messages": stream_message(model.stream("hi"))})
    found = chunks(graph)
    assert contents(found) == WORDS
    assert graph.invoke({"messages": []})["messages"][0]["content"] == "hello big world"


def test_chunks_of_langchain_from_elsewhere_are_streamed_as_they_are():
    pytest.importorskip("langchain_core")
    from langchain_core.messages import AIMessageChunk

    pieces = [AIMessageChunk("a"), AIMessageChunk("b")]
    found = chunks(one(lambda state: {"messages": stream_message(pieces, id="m1")}))
    assert found == [AIMessageChunk("a", id="m1"), AIMessageChunk("b", id="m1")]
