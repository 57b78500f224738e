"""Putting, getting and deleting, in every store."""

import asyncio
import math
import threading
from datetime import UTC, datetime
from enum import StrEnum

import pytest

from nbhitl import BaseStore, InvalidNamespaceError, Item, StoreError, UnstorableValueError
from nbhitl.store import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp

HOME = ("memories", "anna")


def test_what_was_put_is_found_under_its_namespace_and_key(store, clock):
    store.put(HOME, "food", {"likes": "pizza", "stars": 4.5, "of": [1, None, {"x": True}]})
    put_at = clock.at
    item = store.get(HOME, "food")
    assert type(item) is Item
    assert item.value == {"likes": "pizza", "stars": 4.5, "of": [1, None, {"x": True}]}
    assert (item.namespace, item.key) == (HOME, "food")
    assert item.created_at == item.updated_at == datetime.fromtimestamp(put_at / 1e6, UTC)
    assert store.get(HOME, "drink") is None
    assert store.get(("memories",), "food") is None


def test_putting_again_replaces_the_value_and_keeps_when_it_was_made(store):
    store.put(HOME, "food", {"likes": "pizza"})
    first = store.get(HOME, "food")
    store.put(HOME, "food", {"likes": "rice"})
    second = store.get(HOME, "food")
    assert second.value == {"likes": "rice"}
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at


def test_deleting_an_item_that_is_not_there_does_nothing(store):
    store.put(HOME, "food", {})
    store.delete(HOME, "drink")
    store.delete(HOME, "food")
    store.delete(HOME, "food")
    assert store.get(HOME, "food") is None


def test_changing_what_was_put_or_found_does_not_change_the_store(store):
    value = {"of": [1]}
    store.put(HOME, "k", value)
    value["of"].append(2)
    store.get(HOME, "k").value["of"].append(3)
    store.search(HOME)[0].value["of"].append(4)
    assert store.get(HOME, "k").value == {"of": [1]}


def test_tuples_and_enums_are_stored_as_what_they_are_made_of(store):
    class Kind(StrEnum):
        FOOD = "food"

    store.put(HOME, "k", {"at": (1, 2), "kind": Kind.FOOD})
    found = store.get(HOME, "k").value
    assert found == {"at": [1, 2], "kind": "food"}
    assert type(found["kind"]) is str


@pytest.mark.parametrize(
    ("value", "said", "path"),
    [
        ({"a": [0, {"b": object()}]}, r"value\['a'\]\[1\]\['b'\] is a object, which is no JSON", "value['a'][1]['b']"),
        ({"a": {1: 2}}, r"value\['a'\] has the key 1, which is no text", "value['a']"),
        ({"a": math.nan}, r"value\['a'\] is nan, which JSON does not have", "value['a']"),
        ({"a": math.inf}, r"value\['a'\] is inf", "value['a']"),
        ({"a": "\ud800"}, r"value\['a'\] has half a character", "value['a']"),
        ({"a": {1, 2}}, r"value\['a'\] is a set", "value['a']"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, r"value\['a'\] is a datetime", "value['a']"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(store, value, said, path):
    with pytest.raises(UnstorableValueError, match=said) as caught:
        store.put(HOME, "k", value)
    assert caught.value.path == path
    assert store.get(HOME, "k") is None


def test_a_value_that_is_too_deep_is_refused(store):
    deep = {}
    for _ in range(200):
        deep = {"a": deep}
    with pytest.raises(UnstorableValueError, match="more than 100 levels deep"):
        store.put(HOME, "k", deep)


@pytest.mark.parametrize(
    ("namespace", "said"),
    [
        ((), "the namespace is empty"),
        (("",), "has an empty text in it"),
        (("a.b",), "has a '.' in it"),
        ((1,), "is no text"),
        ("ab", "is no tuple"),
        (("langgraph", "x"), "does not begin with 'langgraph'"),
        (("\ud800",), "half a character"),
    ],
)
def test_a_namespace_that_cannot_be_is_refused(store, namespace, said):
    kind = StoreError if said == "half a character" else InvalidNamespaceError
    with pytest.raises(kind, match=said):
        store.put(namespace, "k", {})
    assert store.list_namespaces() == []


def test_a_key_that_is_no_text_and_a_value_that_is_no_dict_are_refused(store):
    with pytest.raises(StoreError, match="the key 5 is no text"):
        store.put(HOME, 5, {})
    with pytest.raises(StoreError, match="a store holds dicts"):
        store.put(HOME, "k", ["a"])


def test_keys_and_namespaces_that_look_alike_are_kept_apart(store):
    pairs = [(("a",), ".b"), (("a",), "..b"), (("a", "b"), ""), (("a",), "b"), (("a",), ""), (("A",), "b")]
    for number, (namespace, key) in enumerate(pairs):
        store.put(namespace, key, {"n": number})
    assert [store.get(namespace, key).value["n"] for namespace, key in pairs] == list(range(len(pairs)))


def test_the_reads_of_a_batch_find_what_was_there_before_it_and_its_puts_follow_in_order(store):
    store.put(HOME, "old", {"n": 0})
    results = store.batch(
        [
            PutOp(HOME, "k", {"n": 1}),
            GetOp(HOME, "k"),
            PutOp(HOME, "old", None),
            SearchOp(("memories",)),
            ListNamespacesOp(match_conditions=(MatchCondition("prefix", ("memories",)),)),
            PutOp(HOME, "k", {"n": 2}),
            GetOp(HOME, "old"),
        ]
    )
    assert results[0] is results[1] is results[2] is results[5] is None
    assert [item.key for item in results[3]] == ["old"]
    assert results[4] == [HOME]
    assert results[6].value == {"n": 0}
    assert [(item.key, item.value) for item in store.search(())] == [("k", {"n": 2})]


def test_of_a_batch_with_a_mistake_in_it_nothing_is_done(store):
    with pytest.raises(UnstorableValueError):
        store.batch([PutOp(HOME, "a", {"n": 1}), PutOp(HOME, "b", {"n": object()})])
    assert store.search(()) == []


def test_what_is_no_operation_is_refused(store):
    with pytest.raises(StoreError, match="is no operation"):
        store.batch([("put", HOME)])


def test_the_async_names_do_the_same(store):
    async def main():
        await store.aput(HOME, "k", {"n": 1})
        found = await store.aget(HOME, "k")
        listed = await store.alist_namespaces(prefix=("memories",))
        searched = await store.asearch(("memories",), filter={"n": 1})
        await store.adelete(HOME, "k")
        return found, listed, searched, await store.aget(HOME, "k")

    found, listed, searched, gone = asyncio.run(main())
    assert found.value == {"n": 1}
    assert listed == [HOME]
    assert [item.key for item in searched] == ["k"]
    assert gone is None


def test_many_threads_may_use_one_store(store):
    def work(name):
        for number in range(20):
            store.put((name,), str(number), {"n": number})
            assert store.get((name,), str(number)).value == {"n": number}

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.search((), limit=1000)) == 80


def test_items_can_be_shown_as_json(store):
    store.put(HOME, "k", {"n": 1})
    item = store.get(HOME, "k")
    assert item.dict() == {
        "namespace": ["memories", "anna"],
        "key": "k",
        "value": {"n": 1},
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }
    assert store.search(HOME)[0].dict()["score"] is None


def test_a_store_of_ones_own_needs_batch_and_abatch_only():
    class Upper(BaseStore):
        def batch(self, ops):
            return [op.key.upper() for op in ops]

        async def abatch(self, ops):
            return self.batch(ops)

    assert Upper().get(("a",), "k") == "K"
    assert asyncio.run(Upper().aget(("a",), "k")) == "K"
