"""When a result of an earlier run counts: for the same input and code, for so long, and never for a person's answer."""

import asyncio
import os
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import duckdb
import langgraph.cache.memory
import langgraph.graph
import langgraph.types
import numpy as np
import pytest

from nbhitl import (
    START,
    CachePolicy,
    Command,
    DuckDBCache,
    DuckDBSaver,
    DuckDBStore,
    FileLockedError,
    GraphError,
    InMemoryCache,
    InMemorySaver,
    NbhitlError,
    SaverError,
    Send,
    StateGraph,
    UncachedResultWarning,
    UnknownNodeError,
    interrupt,
)
from nbhitl.engine.errors import CheckpointFileWarning
from nbhitl.run.cached import digest
from tests.policies.graphs import State, line


@dataclass
class Point:
    x: int
    y: int


@pytest.fixture(params=["memory", "duckdb"])
def cache(request, tmp_path):
    if request.param == "memory":
        yield InMemoryCache()
        return
    with DuckDBCache(tmp_path / "cache.duckdb", types=[Point]) as made:
        yield made


class Counting:
    """A body that counts its runs."""

    def __init__(self, result=None):
        self.runs, self.result = 0, result

    def __call__(self, state):
        self.runs += 1
        return {"log": ["a"]} if self.result is None else self.result(state)


def test_a_node_is_not_run_again_for_the_same_input(call, cache, config):
    body = Counting()
    graph = line(body, cache_policy=CachePolicy()).compile(InMemorySaver(), cache=cache)
    for thread, x, runs in ((1, 1, 1), (2, 1, 1), (3, 2, 2), (4, 1, 2)):
        config["configurable"]["thread_id"] = thread
        assert call(graph, {"x": x}, config) == {"x": x, "log": ["a", "b"]}
        assert body.runs == runs


def test_without_a_policy_or_without_a_cache_a_node_is_run(cache):
    for given, more in (({}, {"cache": cache}), ({"cache_policy": CachePolicy()}, {})):
        body = Counting()
        graph = line(body, **given).compile(**more)
        graph.invoke({"x": 1})
        graph.invoke({"x": 1})
        assert body.runs == 2


def test_where_a_node_went_is_kept_as_well(call, cache):
    body = Counting(lambda state: Command(update={"log": ["a"]}, goto=[Send("c", {"x": 7}), "d"]))
    builder = line(body, cache_policy=CachePolicy())
    builder.add_node("c", lambda state: {"log": [state["x"]]}).add_node("d", lambda state: {"log": ["d"]})
    graph = builder.compile(cache=cache)
    assert call(graph, {"x": 1}) == call(graph, {"x": 1})
    assert body.runs == 1


def test_a_result_counts_as_long_as_its_policy_says(cache):
    body = Counting()
    graph = line(body, cache_policy=CachePolicy(ttl=1)).compile(cache=cache)
    graph.invoke({"x": 1})
    graph.invoke({"x": 1})
    assert body.runs == 1
    time.sleep(1.1)
    graph.invoke({"x": 1})
    assert body.runs == 2


def test_a_key_function_says_what_counts_as_the_same_input(cache):
    body = Counting()
    policy = CachePolicy(key_func=lambda state: str(state["x"] % 2))
    graph = line(body, cache_policy=policy).compile(cache=cache)
    for x in (1, 3, 5, 2, 4):
        graph.invoke({"x": x})
    assert body.runs == 2


def test_clearing_forgets_the_results_of_some_nodes_or_of_all(cache):
    one, two = Counting(), Counting()
    builder = (
        StateGraph(State).add_node("a", one, cache_policy=CachePolicy()).add_node("b", two, cache_policy=CachePolicy())
    )
    builder.add_edge(START, "a").add_edge(START, "b")
    graph = builder.compile(cache=cache)

    def runs():
        graph.invoke({"x": 1})
        return one.runs, two.runs

    assert runs() == runs() == (1, 1)
    graph.clear_cache(["a"])
    assert runs() == (2, 1)
    graph.clear_cache()
    assert runs() == (3, 2)
    asyncio.run(graph.aclear_cache(["b"]))
    assert runs() == (3, 3)
    with pytest.raises(UnknownNodeError, match="clear_cache: there is no node 'bb'"):
        graph.clear_cache(["bb"])


def test_there_is_nothing_to_clear_without_a_cache():
    with pytest.raises(NbhitlError, match="the graph has no cache"):
        line(Counting()).compile().clear_cache()


def test_a_node_that_was_edited_is_run(cache):
    def old(state):
        return {"log": ["old"]}

    def new(state):
        return {"log": ["new"]}

    logs = [
        line(body, cache_policy=CachePolicy()).compile(cache=cache).invoke({"x": 1})["log"] for body in (old, new, old)
    ]
    assert logs == [["old", "b"], ["new", "b"], ["old", "b"]]


def test_what_a_person_answered_counts_for_one_run_only(cache, config):
    body = Counting(lambda state: {"log": [interrupt("approve?")]})
    graph = line(body, cache_policy=CachePolicy()).compile(InMemorySaver(), cache=cache)
    for thread, answer in ((1, "yes"), (2, "no")):
        config["configurable"]["thread_id"] = thread
        assert graph.invoke({"x": 1}, config)["__interrupt__"][0].value == "approve?"
        assert graph.invoke(Command(resume=answer), config)["log"] == [answer, "b"]


def test_a_failure_and_what_a_handler_wrote_are_not_kept(cache):
    body = Counting(lambda state: 1 / 0)
    graph = line(body, cache_policy=CachePolicy(), error_handler=lambda state: {"log": ["handled"]}).compile(
        cache=cache
    )
    assert [graph.invoke({"x": 1})["log"] for _ in range(2)] == [["handled"]] * 2
    assert body.runs == 2


def test_what_comes_back_is_nobody_elses_object(cache):
    body = Counting(lambda state: {"log": [[1]]})
    graph = line(body, cache_policy=CachePolicy()).compile(cache=cache)
    for _ in range(3):
        result = graph.invoke({"x": 1})["log"]
        assert result == [[1], "b"]
        result[0].append(2)
    assert body.runs == 1


def test_values_come_back_with_their_types(cache):
    body = Counting(lambda state: {"log": [(1, 2), {3}, Point(1, 2), np.arange(3)]})
    graph = line(body, cache_policy=CachePolicy()).compile(cache=cache)
    graph.invoke({"x": 1})
    pair, numbers, point, array, _ = graph.invoke({"x": 1})["log"]
    assert (pair, numbers, point, array.tolist()) == ((1, 2), {3}, Point(1, 2), [0, 1, 2])
    assert body.runs == 1


def test_a_result_that_cannot_be_kept_is_a_warning_once_and_no_error(cache, config):
    body = Counting(lambda state: {"log": [(part for part in "generator")]})
    graph = line(body, cache_policy=CachePolicy()).compile(cache=cache)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            graph.invoke({"x": 1})
    assert body.runs == 3
    assert [one.category for one in caught] == [UncachedResultWarning] * len(caught)
    assert "node 'a' has a cache_policy, but its result is not kept in the cache" in str(caught[0].message)


def test_a_key_function_that_raises_is_a_warning_and_no_error(cache):
    body = Counting()
    policy = CachePolicy(key_func=lambda state: state["nothing"])
    with pytest.warns(UncachedResultWarning, match="its input is not known by a key: 'nothing'"):
        assert line(body, cache_policy=policy).compile(cache=cache).invoke({"x": 1})["log"] == ["a", "b"]


def test_a_sub_graph_uses_the_cache_of_its_caller(call, cache):
    body = Counting()
    inner = StateGraph(State).add_node("in", body, cache_policy=CachePolicy()).add_edge(START, "in").compile()
    graph = line(inner).compile(cache=cache)
    assert call(graph, {"x": 1}) == call(graph, {"x": 1})
    assert body.runs == 1


def test_many_tasks_side_by_side_share_a_cache(call, cache):
    body = Counting(lambda state: {"log": [state["x"]]})
    builder = StateGraph(State).add_node("work", body, cache_policy=CachePolicy())
    builder.add_conditional_edges(START, lambda state: [Send("work", {"x": n}) for n in range(20)], ["work"])
    graph = builder.compile(cache=cache)
    assert call(graph, {"x": 0})["log"] == call(graph, {"x": 0})["log"] == list(range(20))
    assert body.runs == 20


def test_different_inputs_have_different_digests():
    values = [
        1, True, 1.0, "1", b"1", None, [1], (1,), {1}, frozenset({1}), {"a": 1}, {"a": "1"}, {"a": [1]}, [[1], 2],
        [1, [2]], Point(1, 2), Point(2, 1), {"x": 1, "y": 2}, np.array([1]), np.array([1.0]), complex(1),
        {"x": {"y": 1}}, {"x": {"y": 2}}, ["ab", "c"], ["a", "bc"],
    ]  # fmt: skip
    assert len({digest(value) for value in values}) == len(values)
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"aa", "b", "c"}) == digest({"c", "b", "aa"})
    assert digest([b"a)builtins.bytes(b"]) != digest([b"a", b"b"])
    with pytest.raises(Exception, match="pickle"):
        digest([lambda: None])


def test_a_file_is_there_after_it_was_closed(tmp_path):
    body = Counting()
    for _ in range(2):
        with DuckDBCache(tmp_path / "cache.duckdb") as cache:
            line(body, cache_policy=CachePolicy()).compile(cache=cache).invoke({"x": 1})
    assert body.runs == 1


def test_a_file_belongs_to_one_at_a_time_and_is_let_go(tmp_path):
    with DuckDBCache(tmp_path / "cache.duckdb"), pytest.raises(FileLockedError):
        DuckDBCache(tmp_path / "cache.duckdb")
    cache = DuckDBCache(tmp_path / "cache.duckdb")
    cache.close()
    cache.close()
    with pytest.raises(SaverError, match="is closed"):
        cache.get([(("a",), "b")])


def test_a_damaged_entry_does_not_count(tmp_path):
    body, path = Counting(), tmp_path / "cache.duckdb"
    for run in range(3):
        with DuckDBCache(path) as cache:
            assert line(body, cache_policy=CachePolicy()).compile(cache=cache).invoke({"x": 1})["log"] == ["a", "b"]
        if run == 0:
            with duckdb.connect(str(path)) as connection:
                connection.execute("UPDATE results SET value = 'rubbish'::BLOB")
    assert body.runs == 2


def test_a_value_of_a_class_that_is_no_longer_known_does_not_count(tmp_path):
    body, path = Counting(lambda state: {"log": [Point(1, 2)]}), tmp_path / "cache.duckdb"
    place = (("room",), "key")
    with DuckDBCache(path, types=[Point]) as cache:
        cache.set({place: ([Point(1, 2)], None)})
        assert cache.get([place]) == {place: [Point(1, 2)]}
    with DuckDBCache(path) as cache:
        assert cache.get([place]) == {}
    assert body.runs == 0


def test_a_damaged_file_is_put_aside(tmp_path):
    path = tmp_path / "cache.duckdb"
    path.write_bytes(b"no database" * 1000)
    with pytest.warns(CheckpointFileWarning, match="cannot be read, so it begins anew"):
        cache = DuckDBCache(path)
    with cache:
        cache.set({(("a",), "b"): (1, None)})
        assert cache.get([(("a",), "b"), (("a",), "c")]) == {(("a",), "b"): 1}
    assert [other.read_bytes()[:11] for other in tmp_path.glob("*.damaged-*")] == [b"no database"]


@pytest.mark.parametrize("opened", [DuckDBSaver, DuckDBStore])
def test_the_file_of_a_saver_or_a_store_is_refused_and_not_changed(tmp_path, opened):
    path = tmp_path / "other.duckdb"
    opened(path).close()
    before = path.read_bytes()
    with pytest.raises(SaverError, match="is no cache's file, and was not changed"):
        DuckDBCache(path)
    assert path.read_bytes() == before
    opened(path).close()


def test_a_file_that_another_program_has_open_is_not_put_aside(tmp_path):
    path = tmp_path / "cache.duckdb"
    DuckDBCache(path).close()
    holds = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holds, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(SaverError, match="is in use by another program"):
            DuckDBCache(path)
        other.stdin.close()
    DuckDBCache(path).close()
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_cache_in_memory_has_no_file_and_a_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DuckDBCache(":memory:") as cache:
        cache.set({(("a",), "b"): (1, None)})
        assert cache.get([(("a",), "b")]) == {(("a",), "b"): 1}
    assert list(tmp_path.iterdir()) == []
    DuckDBCache("new/cache.duckdb").close()
    assert Path("new/cache.duckdb").exists()


FORKS = """
import os, sys
from nbhitl import DuckDBCache, DuckDBStore

path, place = sys.argv[1], (("a",), "b")
with DuckDBCache(path + "/cache.duckdb") as cache, DuckDBStore(path + "/store.duckdb") as store:
    cache.set({place: (1, None)})
    store.put(("a",), "b", {"n": 1})
    if (child := os.fork()) == 0:
        try:
            cache.get([place])
        except Exception as error:
            sys.exit("forked" not in str(error))  # an ordinary end: objects are let go
        sys.exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    cache.set({place: (2, None)})
    store.put(("a",), "b", {"n": 2})
with DuckDBCache(path + "/cache.duckdb") as cache, DuckDBStore(path + "/store.duckdb") as store:
    print(cache.get([place])[place], store.get(("a",), "b").value)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_that_ends_does_no_harm_to_a_cache_and_a_store(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, "2 {'n': 2}\n"), done.stderr


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ({"cache_policy": 3}, {}, "cache_policy=3: give CachePolicy"),
        ({"cache_policy": CachePolicy(ttl=0)}, {}, "ttl=0: give seconds above 0"),
        ({"cache_policy": CachePolicy(key_func="x")}, {}, "key_func='x': give a function"),
        ({}, {"cache": InMemoryCache}, "that is a class; give an instance"),
        ({}, {"cache": 3}, "give InMemoryCache"),
    ],
)
def test_what_cannot_be_a_cache_or_a_policy_is_a_mistake_of_the_graph(given, more, said):
    with pytest.raises(GraphError, match=said):
        line(Counting(), **given).compile(**more)


def test_both_engines_run_a_cached_body_as_often():
    for xs in ([1, 1, 2, 1], [1, 2, 3], [5, 5]):
        ours, theirs = Counting(), Counting()
        mine = line(ours, cache_policy=CachePolicy()).compile(cache=InMemoryCache())
        other = line(theirs, engine=langgraph.graph, cache_policy=langgraph.types.CachePolicy()).compile(
            cache=langgraph.cache.memory.InMemoryCache()
        )
        for x in xs:
            assert mine.invoke({"x": x}) == other.invoke({"x": x})
        assert ours.runs == theirs.runs


def test_a_stream_says_that_a_result_was_kept_as_langgraphs_does():
    mine = line(Counting(), cache_policy=CachePolicy()).compile(cache=InMemoryCache())
    other = line(Counting(), engine=langgraph.graph, cache_policy=langgraph.types.CachePolicy()).compile(
        cache=langgraph.cache.memory.InMemoryCache()
    )
    for _ in range(2):
        chunks = list(mine.stream({"x": 1}))
        assert chunks == list(other.stream({"x": 1}))
    assert chunks[0] == {"a": {"log": ["a"]}, "__metadata__": {"cached": True}}
