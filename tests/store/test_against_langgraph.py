"""The same operations on our stores and on LangGraph's: the same results."""

from typing import Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhitl import START, DuckDBStore, InMemoryStore, StateGraph
from tests.store import letters

langgraph = pytest.importorskip("langgraph.store.memory")

LABELS = st.sampled_from(["a", "b", "ab", "*", "é"])
NAMESPACES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
KEYS = st.sampled_from(["k", "", "a.b", "..", "\x00"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, -1.5]), st.text("abc", max_size=3)
)
VALUES = st.dictionaries(
    st.sampled_from(["x", "y", "z"]),
    st.one_of(
        SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(["x", "y"]), SCALARS, max_size=2)
    ),
    max_size=3,
)
NUMBERS = st.integers(-2, 2)
WANTED = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["x", "y"]), SCALARS, max_size=1),
    st.fixed_dictionaries({"$eq": SCALARS}),
    st.fixed_dictionaries({"$ne": SCALARS}),
)
FILTERS = st.one_of(st.none(), st.dictionaries(st.sampled_from(["x", "y", "z"]), WANTED, max_size=2))
PATHS = st.lists(LABELS, min_size=1, max_size=2).map(tuple)
OPERATIONS = st.one_of(
    st.tuples(st.just("put"), NAMESPACES, KEYS, VALUES),
    st.tuples(st.just("put"), NAMESPACES, KEYS, VALUES),
    st.tuples(st.just("delete"), NAMESPACES, KEYS),
    st.tuples(st.just("get"), NAMESPACES, KEYS),
    st.tuples(st.just("search"), st.one_of(st.just(()), NAMESPACES), FILTERS),
    st.tuples(st.just("list"), st.one_of(st.none(), PATHS), st.one_of(st.none(), PATHS), st.sampled_from([None, 1, 2])),
)


class State(TypedDict, total=False):
    found: Any


def _ordered(found):
    return sorted(((item.namespace, item.key, item.value) for item in found), key=repr)


def _play(store, operation, empty):
    """What an operation gives. LangGraph goes on listing namespaces that are empty: they are put aside."""
    match operation:
        case ("put", namespace, key, value):
            return store.put(namespace, key, value)
        case ("delete", namespace, key):
            return store.delete(namespace, key)
        case ("get", namespace, key):
            item = store.get(namespace, key)
            return item and (item.namespace, item.key, item.value)
        case ("search", namespace, wanted):
            return _ordered(store.search(namespace, filter=wanted, limit=1000))
        case ("list", prefix, suffix, depth):
            if empty:
                return None
            return store.list_namespaces(prefix=prefix, suffix=suffix, max_depth=depth)


def _exact(store):
    return [(item.namespace, item.key, item.value) for item in store.search((), limit=1000)]


@settings(max_examples=60, deadline=None)
@given(st.lists(OPERATIONS, max_size=25))
def test_random_operations_give_the_same_results_in_all_three(operations):
    theirs, memory, duckdb = langgraph.InMemoryStore(), InMemoryStore(), DuckDBStore(":memory:")
    with duckdb:
        for operation in operations:
            holding = {item.namespace for item in theirs.search((), limit=1000)}
            empty = set(theirs.list_namespaces(limit=1000)) != holding
            expected = _play(theirs, operation, empty)
            assert _play(memory, operation, empty) == expected, operation
            assert _play(duckdb, operation, empty) == expected, operation
            assert _exact(memory) == _exact(duckdb)


@settings(max_examples=40, deadline=None)
@given(
    NUMBERS,
    st.sampled_from(["$gt", "$gte", "$lt", "$lte"]),
    st.lists(st.sampled_from([0, 1, -1.5, "1", "-2", True]), max_size=5),
)
def test_comparisons_of_numbers_are_langgraphs(number, operator, values):
    found = []
    for store in (langgraph.InMemoryStore(), InMemoryStore(), DuckDBStore(":memory:")):
        for place, value in enumerate(values):
            store.put(("a",), str(place), {"x": value})
        found.append([item.key for item in store.search(("a",), filter={"x": {operator: number}})])
    assert found[0] == found[1] == found[2]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(KEYS, st.fixed_dictionaries({"t": st.text("abcdef", min_size=1, max_size=6)})), max_size=6),
    st.text("abcdef", min_size=1, max_size=4),
)
def test_scores_are_langgraphs(items, query):
    index = {"dims": 6, "embed": letters.embed, "fields": ["t"]}
    found = []
    for store in (
        langgraph.InMemoryStore(index=index),
        InMemoryStore(index=index),
        DuckDBStore(":memory:", index=index),
    ):
        for key, value in items:
            store.put(("a",), key, value)
        found.append({item.key: item.score for item in store.search(("a",), query=query)})
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[0] == pytest.approx(found[2], abs=1e-6)


def test_langgraphs_store_can_be_given_to_a_graph_of_ours():
    def remember(state, store):
        store.put(("a",), "k", {"n": 1})
        return {"found": store.get(("a",), "k").value}

    graph = StateGraph(State).add_node(remember).add_edge(START, "remember")
    assert graph.compile(store=langgraph.InMemoryStore()).invoke({}) == {"found": {"n": 1}}
