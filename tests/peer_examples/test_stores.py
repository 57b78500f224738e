"""LangGraph's pages "Stores" and "Persistence" (memory store): items, namespaces, filters, meaning, graphs."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

NAMESPACE = ("1", "memories")


def filled(lg, *memories, **options):
    """A store with these values under the keys "0", "1", ..."""
    store = lg.InMemoryStore(**options)
    for key, memory in enumerate(memories):
        store.put(NAMESPACE, str(key), memory)
    return store


def keys(items):
    return [item.key for item in items]


# -- items


def test_a_memory_is_put_and_found_again(lg):
    store, memory_id = lg.InMemoryStore(), str(uuid.uuid4())
    store.put(NAMESPACE, memory_id, {"food_preference": "I like pizza"})
    [item] = store.search(NAMESPACE)
    assert (item.namespace, item.key, item.value) == (NAMESPACE, memory_id, {"food_preference": "I like pizza"})


def test_an_item_can_be_got_by_its_key(lg):
    store = filled(lg, {"food_preference": "I like pizza"})
    assert store.get(NAMESPACE, "0").value == {"food_preference": "I like pizza"}
    assert store.get(NAMESPACE, "1") is None
    assert store.get(("2", "memories"), "0") is None


def test_an_item_can_be_written_as_a_dict(lg):
    item = filled(lg, {"food_preference": "I like pizza"}).search(NAMESPACE)[-1].dict()
    assert item["value"] == {"food_preference": "I like pizza"}
    assert item["key"] == "0"
    assert list(item["namespace"]) == ["1", "memories"]
    assert datetime.fromisoformat(item["created_at"]) <= datetime.fromisoformat(item["updated_at"])


def test_an_item_knows_when_it_was_made_and_changed(lg):
    store = filled(lg, {"food_preference": "I like pizza"})
    before = store.get(NAMESPACE, "0")
    store.put(NAMESPACE, "0", {"food_preference": "I like pasta"})
    after = store.get(NAMESPACE, "0")
    assert after.value == {"food_preference": "I like pasta"}
    assert before.created_at <= before.updated_at <= after.updated_at
    assert after.updated_at - before.created_at < timedelta(seconds=60)


def test_the_newest_memory_comes_last(lg):
    assert keys(filled(lg, {"a": 1}, {"b": 2}, {"c": 3}).search(NAMESPACE)) == ["0", "1", "2"]


def test_an_item_can_be_deleted(lg):
    store = filled(lg, {"a": 1}, {"b": 2})
    store.delete(NAMESPACE, "0")
    store.delete(NAMESPACE, "unknown")
    assert keys(store.search(NAMESPACE)) == ["1"]


def test_a_value_is_a_dict_and_a_namespace_is_not_empty(lg):
    store = lg.InMemoryStore()
    with pytest.raises(Exception, match=r"(?i)namespace"):
        store.put((), "key", {"a": 1})
    with pytest.raises(Exception, match=r"(?i)namespace"):
        store.put(("a.b",), "key", {"a": 1})
    with pytest.raises(Exception, match=r"(?i)namespace"):
        store.put(("langgraph", "a"), "key", {"a": 1})


# -- listing


def test_a_search_without_a_query_lists_the_items_of_a_namespace(lg):
    store = filled(lg, {"a": 1}, {"b": 2})
    store.put(("2", "memories"), "other", {"c": 3})
    assert keys(store.search(NAMESPACE)) == ["0", "1"]


def test_a_namespace_is_matched_by_its_beginning(lg):
    store = lg.InMemoryStore()
    store.put(("alice",), "a", {"level": 1})
    store.put(("alice", "memories"), "b", {"level": 2})
    store.put(("alice", "preferences"), "c", {"level": 2})
    store.put(("alicia",), "d", {"level": 1})
    assert sorted(keys(store.search(("alice",)))) == ["a", "b", "c"]
    assert [item.key for item in store.search(("alice",)) if item.namespace == ("alice",)] == ["a"]
    assert sorted(keys(store.search(()))) == ["a", "b", "c", "d"]


def test_ten_items_are_listed_unless_more_are_asked_for(lg):
    store = filled(lg, *({"number": number} for number in range(25)))
    assert len(store.search(NAMESPACE)) == 10
    assert len(store.search(NAMESPACE, limit=100)) == 25


def test_a_large_namespace_is_listed_page_by_page(lg):
    store = filled(lg, *({"number": number} for number in range(25)))
    found, offset = [], 0
    while page := store.search(NAMESPACE, limit=10, offset=offset):
        found += [item.value["number"] for item in page]
        offset += len(page)
    assert found == list(range(25))


def test_namespaces_can_be_listed(lg):
    store = lg.InMemoryStore()
    for namespace in (("alice", "memories"), ("alice", "preferences"), ("bob", "memories"), ("bob", "a", "b")):
        store.put(namespace, "key", {"a": 1})
    assert sorted(store.list_namespaces(prefix=("alice",))) == [("alice", "memories"), ("alice", "preferences")]
    assert sorted(store.list_namespaces(suffix=("memories",))) == [("alice", "memories"), ("bob", "memories")]
    assert sorted(store.list_namespaces(max_depth=1)) == [("alice",), ("bob",)]
    assert len(store.list_namespaces(limit=2)) == 2
    assert sorted(store.list_namespaces(prefix=("*", "memories"))) == [("alice", "memories"), ("bob", "memories")]


def test_items_are_filtered_by_their_values(lg):
    store = filled(lg, {"type": "report", "score": 1}, {"type": "memo", "score": 5}, {"type": "report", "score": 9})
    assert keys(store.search(NAMESPACE, filter={"type": "report"})) == ["0", "2"]
    assert keys(store.search(NAMESPACE, filter={"score": {"$gt": 1}})) == ["1", "2"]
    assert keys(store.search(NAMESPACE, filter={"score": {"$gte": 5, "$lt": 9}})) == ["1"]
    assert keys(store.search(NAMESPACE, filter={"type": {"$ne": "memo"}, "score": {"$lte": 5}})) == ["0"]
    assert keys(store.search(NAMESPACE, filter={"type": {"$eq": "memo"}})) == ["1"]
    assert keys(store.search(NAMESPACE, filter={"type": "letter"})) == []


# -- async


def test_a_store_has_async_methods(lg):
    async def example(store):
        await store.aput(NAMESPACE, "k1", {"val": 1})
        got = await store.aget(NAMESPACE, "k1")
        found = await store.asearch(("1",), filter={"val": 1})
        namespaces = await store.alist_namespaces(prefix=("1",))
        await store.adelete(NAMESPACE, "k1")
        return got.value, keys(found), namespaces, await store.aget(NAMESPACE, "k1")

    assert lg.run(example(lg.InMemoryStore())) == ({"val": 1}, ["k1"], [NAMESPACE], None)


# -- search by meaning


def test_a_query_finds_what_means_the_same(lg):
    store = filled(lg, {"text": "I love pizza"}, {"text": "I am a plumber"}, index=lg.index)
    [item] = store.search(NAMESPACE, query="I'm hungry", limit=1)
    assert item.value == {"text": "I love pizza"}
    assert keys(store.search(NAMESPACE, query="What is my job?")) == ["1", "0"]


def test_found_items_have_a_score(lg):
    store = filled(lg, {"text": "I love pizza"}, {"text": "I am a plumber"}, index=lg.index)
    first, second = store.search(NAMESPACE, query="hungry")
    assert first.score > second.score
    assert first.score == pytest.approx(1.0, abs=0.01)
    [item] = store.search(NAMESPACE, limit=1)
    assert item.score is None


def test_langchain_embeddings_embed_as_well(lg):
    from langchain_core.embeddings import Embeddings

    class Topics(Embeddings):
        def embed_documents(self, texts):
            return lg.embed(texts)

        def embed_query(self, text):
            return lg.embed([text])[0]

    store = filled(lg, {"text": "I am a plumber"}, {"text": "I love pizza"}, index={"embed": Topics(), "dims": 3})
    assert keys(store.search(NAMESPACE, query="hungry", limit=1)) == ["1"]


def test_async_functions_embed_as_well(lg):
    async def aembed(texts):
        return lg.embed(texts)

    async def example(store):
        await store.aput(NAMESPACE, "0", {"text": "I am a plumber"})
        await store.aput(NAMESPACE, "1", {"text": "I love pizza"})
        return keys(await store.asearch(NAMESPACE, query="hungry", limit=1))

    assert lg.run(example(lg.InMemoryStore(index={"embed": aembed, "dims": 3}))) == ["1"]


def test_only_the_fields_of_the_index_are_searched(lg):
    memories = (
        {"food_preference": "pizza", "context": "about work"},
        {"food_preference": "nothing", "context": "pizza food hungry"},
    )
    store = filled(lg, *memories, index={**lg.index, "fields": ["food_preference"]})
    assert keys(store.search(NAMESPACE, query="hungry", limit=1)) == ["0"]


def test_several_fields_are_searched_each_for_itself(lg):
    memories = (
        {"memory": "Had pizza with friends", "emotional_context": "the sun came out", "not_indexed": "pipes"},
        {"memory": "Stayed at work", "emotional_context": "felt like rain", "not_indexed": "cuisine"},
    )
    store = filled(lg, *memories, index={**lg.index, "fields": ["memory", "emotional_context"]})
    assert keys(store.search(NAMESPACE, query="good food", limit=1)) == ["0"]
    assert keys(store.search(NAMESPACE, query="my job", limit=1)) == ["1"]
    assert len(store.search(NAMESPACE, query="rain")) == 2


def test_an_item_says_which_of_its_fields_are_searched(lg):
    store = lg.InMemoryStore(index={**lg.index, "fields": ["food_preference"]})
    italian = {"food_preference": "I love Italian cuisine", "context": "talking about work"}
    store.put(NAMESPACE, "food", italian, index=["food_preference"])
    store.put(NAMESPACE, "work", italian, index=["context"])
    assert keys(store.search(NAMESPACE, query="hungry")) == ["food", "work"]
    assert keys(store.search(NAMESPACE, query="job")) == ["work", "food"]


def test_an_item_that_is_not_indexed_is_still_listed(lg):
    store = filled(lg, {"text": "I am a plumber"}, index=lg.index)
    store.put(NAMESPACE, "system", {"system_info": "hungry hungry"}, index=False)
    assert keys(store.search(NAMESPACE)) == ["0", "system"]
    assert keys(store.search(NAMESPACE, query="hungry"))[0] == "0"


def test_a_query_goes_with_a_filter(lg):
    store = filled(lg, {"text": "pizza", "user": "a"}, {"text": "pizza", "user": "b"}, index=lg.index)
    assert keys(store.search(NAMESPACE, query="hungry", filter={"user": "b"})) == ["1"]


def test_a_query_without_an_index_lists(lg):
    assert keys(filled(lg, {"text": "a"}, {"text": "b"}).search(NAMESPACE, query="hungry")) == ["0", "1"]


# -- in a graph


@dataclass
class Context:
    user_id: str


def remembering(lg, store, **compiled):
    """Two nodes: one saves what the user said, one answers with what is known about the user."""

    async def update_memory(state: lg.MessagesState, runtime: lg.Runtime[Context]):
        namespace = (runtime.context.user_id, "memories")
        await runtime.store.aput(namespace, str(uuid.uuid4()), {"memory": lg.text(state["messages"][-1])})

    async def call_model(state: lg.MessagesState, runtime: lg.Runtime[Context]):
        memories = await runtime.store.asearch(
            (runtime.context.user_id, "memories"), query=lg.text(state["messages"][-1]), limit=3
        )
        return {"messages": [("assistant", ", ".join(one.value["memory"] for one in memories))]}

    return (
        lg.StateGraph(lg.MessagesState, context_schema=Context)
        .add_node(update_memory)
        .add_node(call_model)
        .add_edge(lg.START, "update_memory")
        .add_edge("update_memory", "call_model")
        .compile(checkpointer=lg.InMemorySaver(), store=store, **compiled)
    )


def reply(lg, graph, text, user):
    """What the graph answers on a new thread of this user."""
    inputs = {"messages": [{"role": "user", "content": text}]}
    return lg.text(lg.run(graph.ainvoke(inputs, lg.thread(), context=Context(user)))["messages"][-1])


def test_memories_are_shared_by_the_threads_of_a_user(lg):
    graph = remembering(lg, lg.InMemoryStore())
    assert reply(lg, graph, "hi", "1") == "hi"
    assert reply(lg, graph, "tell me about my memories", "1") == "hi, tell me about my memories"
    assert reply(lg, graph, "hello", "2") == "hello"


def test_memories_are_searched_by_what_was_said_last(lg):
    graph = remembering(lg, lg.InMemoryStore(index=lg.index))
    for text in ("rain", "my pipes", "the sun", "my job", "pizza"):
        reply(lg, graph, text, "1")
    assert set(reply(lg, graph, "I want to eat", "1").split(", ")[:2]) == {"pizza", "I want to eat"}


def test_a_store_can_be_a_parameter(lg):
    def node(state: lg.MessagesState, store: lg.BaseStore):
        store.put(NAMESPACE, "said", {"text": lg.text(state["messages"][-1])})
        return {"messages": [("assistant", store.get(NAMESPACE, "said").value["text"].upper())]}

    store = lg.InMemoryStore()
    graph = lg.StateGraph(lg.MessagesState).add_node(node).add_edge(lg.START, "node").compile(store=store)
    assert lg.text(graph.invoke({"messages": [("user", "hi")]})["messages"][-1]) == "HI"
    assert store.get(NAMESPACE, "said").value == {"text": "hi"}


def test_a_store_can_be_got_without_a_parameter(lg):
    def node(state: lg.MessagesState):
        lg.get_store().put(NAMESPACE, "said", {"text": "hi"})

    store = lg.InMemoryStore()
    graph = lg.StateGraph(lg.MessagesState).add_node(node).add_edge(lg.START, "node").compile(store=store)
    graph.invoke({"messages": []})
    assert store.get(NAMESPACE, "said").value == {"text": "hi"}


def test_a_sub_graph_has_the_store_of_its_caller(lg):
    def node(state: lg.MessagesState, runtime: lg.Runtime):
        runtime.store.put(NAMESPACE, "said", {"text": "from inside"})

    subgraph = lg.StateGraph(lg.MessagesState).add_node(node).add_edge(lg.START, "node").compile()
    store = lg.InMemoryStore()
    graph = lg.StateGraph(lg.MessagesState).add_node("sub", subgraph).add_edge(lg.START, "sub").compile(store=store)
    graph.invoke({"messages": []})
    assert store.get(NAMESPACE, "said").value == {"text": "from inside"}


def test_without_a_store_there_is_none(lg):
    seen = []
    graph = (
        lg.StateGraph(lg.MessagesState)
        .add_node("node", lambda state, runtime: seen.append(runtime.store))
        .add_edge(lg.START, "node")
        .compile()
    )
    graph.invoke({"messages": []})
    assert seen == [None]
