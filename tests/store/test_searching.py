"""Searching: namespaces, filters, pages, order, and meaning; in every store."""

import asyncio
import json
from pathlib import Path

import pytest

from nbhitl import StoreError
from nbhitl.store import PutOp, SearchItem, get_text_at_path, tokenize_path
from tests.store import letters

CORPUS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text(encoding="utf-8"))


@pytest.fixture
def full(store):
    store.put(("a", "b"), "1", {"n": 1, "t": "x", "d": {"e": 5}, "l": [1, 2], "z": None, "day": "2026-01-02"})
    store.put(("a", "b"), "2", {"n": 2, "t": "y", "d": {"e": 6, "f": 1}, "l": [1], "day": "2026-03-01"})
    store.put(("a", "c"), "3", {"n": 3.5, "t": "x", "n2": "7"})
    store.put(("ab",), "4", {"n": "text"})
    return store


def keys(store, prefix=(), **how):
    return [item.key for item in store.search(prefix, **how)]


def test_a_search_finds_what_lies_below_a_namespace_the_oldest_first(full):
    assert keys(full) == ["1", "2", "3", "4"]
    assert keys(full, ("a",)) == ["1", "2", "3"]
    assert keys(full, ("a", "c")) == ["3"]
    assert keys(full, ("a", "b", "c")) == []
    full.put(("a", "b"), "1", {"n": 9})
    assert keys(full) == ["1", "2", "3", "4"]
    full.delete(("a", "b"), "1")
    full.put(("a", "b"), "1", {"n": 9})
    assert keys(full) == ["2", "3", "4", "1"]
    assert type(full.search(())[0]) is SearchItem


def test_a_search_gives_ten_items_and_pages(full):
    for number in range(20):
        full.put(("many",), str(number), {})
    assert len(full.search(("many",))) == 10
    assert keys(full, ("many",), limit=3, offset=18) == ["18", "19"]
    assert keys(full, ("many",), limit=0) == []
    for wrong in ({"limit": -1}, {"offset": -1}, {"limit": None}, {"limit": True}):
        with pytest.raises(StoreError, match="give a whole number"):
            full.search((), **wrong)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"n": 1}, "1"),
        ({"n": {"$eq": 1}}, "1"),
        ({"n": {"$ne": 1}}, "234"),
        ({"n": {"$gt": 1}}, "23"),
        ({"n": {"$gte": 2}}, "23"),
        ({"n": {"$lt": 3}}, "12"),
        ({"n": {"$gt": 1, "$lt": 3}}, "2"),
        ({"n2": {"$gt": 6}}, "3"),
        ({"d": {"e": 5}}, "1"),
        ({"d": {"e": {"$gt": 5}}}, "2"),
        ({"d": {}}, "12"),
        ({"l": [1, 2]}, "1"),
        ({"l": [1, {"$gt": 1}]}, "1"),
        ({"l": {"$eq": [1]}}, "2"),
        ({"l": 1}, ""),
        ({"z": None}, "1234"),
        ({"t": "x", "n": {"$gt": 1}}, "3"),
        ({"day": {"$gte": "2026-02-01"}}, "2"),
        ({"d.e": 5}, ""),
        ({}, "1234"),
    ],
)
def test_a_filter_says_what_values_have_to_have(full, wanted, found):
    assert keys(full, filter=wanted) == list(found)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"n": {"$in": [1]}}, "'\\$in' is no operator"),
        ({"n": {"$gtt": 1}}, "Did you mean '\\$gt'"),
        ({"n": {"x": 1, "$gt": 0}}, "'x' stands beside an operator"),
        ({"$or": [{"n": 1}]}, "stands below a key"),
        ({"n": {"$gt": None}}, "compares numbers or texts"),
        ({"n": {"$gt": [1]}}, "compares numbers or texts"),
        ("n", "give a dict"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(full, wanted, said):
    with pytest.raises(StoreError, match=said):
        full.search((), filter=wanted)


def test_filters_and_pages_go_together(store):
    for number in range(40):
        store.put(("n",), str(number), {"even": number % 2 == 0})
    assert keys(store, filter={"even": True}, limit=3, offset=2) == ["4", "6", "8"]


def test_namespaces_are_listed_sorted_and_once(full):
    full.put(("q", "a", "b"), "5", {})
    assert full.list_namespaces() == [("a", "b"), ("a", "c"), ("ab",), ("q", "a", "b")]
    assert full.list_namespaces(prefix=("a",)) == [("a", "b"), ("a", "c")]
    assert full.list_namespaces(suffix=("b",)) == [("a", "b"), ("q", "a", "b")]
    assert full.list_namespaces(prefix=("*", "b")) == [("a", "b")]
    assert full.list_namespaces(prefix=("q",), suffix=("a", "*")) == [("q", "a", "b")]
    assert full.list_namespaces(max_depth=1) == [("a",), ("ab",), ("q",)]
    assert full.list_namespaces(limit=1, offset=1) == [("a", "c")]
    assert full.list_namespaces(prefix=("a", "b", "c", "d")) == []
    full.delete(("ab",), "4")
    assert ("ab",) not in full.list_namespaces()
    with pytest.raises(StoreError, match="max_depth=0"):
        full.list_namespaces(max_depth=0)


# -- meaning


@pytest.fixture(params=["function", "async", "langchain"])
def embed(request):
    return {"function": letters.embed, "async": letters.aembed, "langchain": letters.Embeddings()}[request.param]


def scores(store, query, **how):
    return [(i.key, None if i.score is None else round(i.score, 4)) for i in store.search((), query=query, **how)]


def test_a_query_finds_the_nearest_first_and_what_has_no_vector_last(make, embed):
    store = make(index={"dims": 6, "embed": embed, "fields": ["text", "tags[*]", "meta.x"]})
    store.put(("d",), "1", {"text": "aaa", "tags": ["b", "c"], "meta": {"x": "fff"}})
    store.put(("d",), "2", {"text": "bbb"})
    store.put(("d",), "3", {"text": "aab"}, index=False)
    store.put(("d",), "4", {"other": "aaa", "text": "ccc"}, index=["other"])
    store.put(("d",), "5", {"text": "ab"})
    assert scores(store, "a") == [("1", 1.0), ("4", 1.0), ("5", 0.7071), ("2", 0.0), ("3", None)]
    assert scores(store, "f")[0] == ("1", 1.0)
    assert scores(store, "a", limit=2, offset=1) == [("4", 1.0), ("5", 0.7071)]
    assert scores(store, "a", filter={"text": "ab"}) == [("5", 0.7071)]
    assert scores(store, "zzz")[0] == ("1", 0.0)
    assert scores(store, None, limit=2) == scores(store, "", limit=2) == [("1", None), ("2", None)]
    assert asyncio.run(store.asearch(("d",), query="a", limit=1))[0].score == pytest.approx(1.0)


def test_putting_again_replaces_the_vectors(make):
    store = make(index={"dims": 6, "embed": letters.embed})
    store.put(("d",), "1", {"text": "aaa"})
    store.put(("d",), "2", {"text": "bbb"})
    store.put(("d",), "1", {"text": "bbbb"}, index=False)
    assert [key for key, _ in scores(store, "aaa")] == ["2", "1"]
    assert scores(store, "aaa")[1] == ("1", None)
    store.delete(("d",), "2")
    assert scores(store, "b") == [("1", None)]


def test_async_embeddings_are_awaited_and_sync_ones_do_not_block_the_loop(make):
    embed = letters.AsyncEmbeddings()
    store = make(index={"dims": 6, "embed": embed, "fields": ["t"]})

    async def main():
        await store.aput(("d",), "1", {"t": "abc"})
        return await store.asearch(("d",), query="abc")

    assert asyncio.run(main())[0].score == pytest.approx(1.0)
    assert embed.calls == [("adocuments", ["abc"]), ("aquery", "abc")]


def test_an_async_function_can_be_used_from_sync_code_while_a_loop_runs(make):
    store = make(index={"dims": 6, "embed": letters.aembed, "fields": ["t"]})

    async def main():
        store.put(("d",), "1", {"t": "abc"})
        return store.search(("d",), query="abc")

    assert asyncio.run(main())[0].score == pytest.approx(1.0)


def test_a_query_without_an_index_gives_items_without_a_score(full):
    assert [(i.key, i.score) for i in full.search(("ab",), query="hello")] == [("4", None)]


def test_a_batch_of_puts_is_embedded_at_once(make):
    embed = letters.Embeddings()
    store = make(index={"dims": 6, "embed": embed, "fields": ["t"]})
    store.batch([PutOp(("d",), str(n), {"t": "abc"[n]}) for n in range(3)])
    assert embed.calls == [("documents", ["a", "b", "c"])]
    assert scores(store, "c")[0] == ("2", 1.0)


def test_many_vectors_are_compared_the_same_way_with_and_without_numpy(make, monkeypatch):
    store = make(index={"dims": 6, "embed": letters.embed, "fields": ["t"]})
    words = ["".join("abcdef"[(n * k) % 6] for k in range(1, 4)) for n in range(150)]
    store.batch([PutOp(("d",), str(n), {"t": word}) for n, word in enumerate([*words, "zzz"])])
    with_numpy = scores(store, "abc", limit=200)
    monkeypatch.setattr("nbhitl.store.index._numpy", lambda: None)
    assert dict(scores(store, "abc", limit=200)) == dict(with_numpy)
    assert scores(store, "zzz", limit=1)[0][1] == 0.0


def test_a_batch_puts_the_same_key_twice_and_deletes_it_between(store):
    store.put(("d",), "k", {"n": 0})
    store.batch(
        [
            PutOp(("d",), "k", {"n": 1}),
            PutOp(("d",), "new", {"n": 1}),
            PutOp(("d",), "k", None),
            PutOp(("d",), "k", {"n": 2}),
            PutOp(("d",), "new", {"n": 2}),
        ]
    )
    assert [(item.key, item.value["n"]) for item in store.search(())] == [("new", 2), ("k", 2)]


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"dims": 6}, "'embed' is None"),
        ({"embed": letters.embed}, "'dims' is None"),
        ({"dims": 0, "embed": letters.embed}, "'dims' is 0"),
        ({"dims": 6, "embed": letters.embed, "fields": "text"}, "is no list of paths"),
        ({"dims": 6, "embed": letters.embed, "field": ["a"]}, "Did you mean 'fields'"),
    ],
)
def test_an_index_that_cannot_work_is_refused_when_the_store_is_made(make, index, said):
    with pytest.raises(StoreError, match=said):
        make(index=index)


@pytest.mark.parametrize(
    ("embed", "said"),
    [
        (lambda texts: [[1.0, 2.0] for _ in texts], "returned 2 numbers for a text, and 'dims' is 6"),
        (lambda texts: [], "was given 1 texts and returned 0 vectors"),
        (lambda texts: [[float("nan")] * 6 for _ in texts], "a number that is none"),
    ],
)
def test_vectors_that_cannot_be_are_refused_and_nothing_is_stored(make, embed, said):
    store = make(index={"dims": 6, "embed": embed})
    with pytest.raises(StoreError, match=said):
        store.put(("d",), "1", {"t": "a"})
    assert store.search(()) == []


PATHS = [
    ("$", ['{"d": {"y": 1.5}, "l": [{"t": "1"}, {"t": "2"}], "n": 5, "text": "x", "z": null}']),
    ("text", ["x"]),
    ("n", ["5"]),
    ("z", []),
    ("l", ['[{"t": "1"}, {"t": "2"}]']),
    ("l[*].t", ["1", "2"]),
    ("l[0].t", ["1"]),
    ("l[-1].t", ["2"]),
    ("l[5].t", []),
    ("d.y", ["1.5"]),
    ("d.*", ["1.5"]),
    ("{text,d.y}", ["x", "1.5"]),
    ("a.b.c", []),
    ("l.t", []),
]


@pytest.mark.parametrize(("path", "texts"), PATHS)
def test_a_path_names_texts_of_a_value(path, texts):
    value = {"text": "x", "l": [{"t": "1"}, {"t": "2"}], "n": 5, "z": None, "d": {"y": 1.5}}
    assert get_text_at_path(value, path) == texts
    langgraph = pytest.importorskip("langgraph.store.base")
    assert langgraph.get_text_at_path(value, path) == texts


@pytest.mark.parametrize("path", ["a.b[0].c", "l[*]", "{a,b}", "x", "$", "a[*].{b,c}", "a[0][1]", "meta.title"])
def test_a_path_is_taken_apart_as_langgraph_does(path):
    langgraph = pytest.importorskip("langgraph.store.base")
    assert tokenize_path(path) == langgraph.tokenize_path(path)


def _texts(found):
    if isinstance(found, str):
        yield found
    elif isinstance(found, (list, dict)):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _texts(part)


HOSTILE = sorted({t for name in CORPUS if name.startswith(("sql", "store")) for t in _texts(CORPUS[name])})


def test_hostile_texts_are_texts(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = make(index={"dims": 6, "embed": letters.embed})
    store.put(("safe",), "k", {"n": 1})
    assert HOSTILE
    for text in HOSTILE:
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            continue
        label = text.replace(".", "_") or "empty"
        store.put((label,), text, {text: text})
        assert store.get((label,), text).value == {text: text}
        assert keys(store, (label,), filter={text: text} if text and text[0] != "$" else None) == [text]
        store.search((), query=text or "x", filter={"k": {"$gte": text}})
        assert (label,) in store.list_namespaces(prefix=(label,))
        store.delete((label,), text)
    assert keys(store) == ["k"]
    assert not list(tmp_path.glob("*pwned*"))
