"""What has changed in a graph's code: in every process, at every look, and in words."""

import functools
import operator
import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Annotated, TypedDict

import pytest

from nbhitl import START, DuckDBSaver, InMemorySaver, StateGraph, interrupt
from nbhitl.engine.fingerprints import changes, fingerprint
from nbhitl.session import Session
from tests.edits.homes import CONFIG, State, asks, row, says


def cell(source, **space):
    """What a notebook's cell leaves behind."""
    space = {"__name__": "__main__", **space}
    exec(source, space)
    return space


def node(source, **space):
    return fingerprint(cell(source, **space)["node"])


def test_functions_that_call_each_other_have_fingerprints_that_do_not_depend_on_who_is_looked_at_first():
    source = (
        "def a(x): return b(x)\ndef b(x): return c(x)\ndef c(x): return a(x) or b(x) or {}\ndef node(s): return {}(s)"
    )
    assert node(source.format(1, "a")) == node(source.format(1, "a"))
    assert node(source.format(1, "a")) != node(source.format(2, "a"))
    assert fingerprint(cell(source.format(1, "a"))["c"]) != fingerprint(cell(source.format(2, "a"))["c"])

    def graph(*names):
        found = cell(source.format(1, "a"))
        return row(**{name: found[name] for name in names}).compile().graph.fingerprints()

    one, other = graph("a", "b", "c"), graph("c", "a", "b")
    assert all(one[name] == other[name] for name in "abc")
    assert graph("c")["c"] == one["c"]


def test_a_function_that_names_itself_and_a_hundred_that_name_each_other_have_one():
    many = "\n".join(f"def f{n}(x): return [{', '.join(f'f{m}' for m in range(100))}]" for n in range(100))
    began = time.perf_counter()
    first = node(f"{many}\ndef node(s): return node and f0(s)")
    assert time.perf_counter() - began < 60  # following each way takes for ever
    assert first != node(f"{many}\ndef f99(x): return 1\ndef node(s): return node and f0(s)")


def test_code_of_packages_of_python_and_of_nbhitl_counts_by_its_name(monkeypatch):
    before = fingerprint(interrupt_in(interrupt))
    twin = types.FunctionType(says("x").__code__, {}, "interrupt", None, says("x").__closure__)
    twin.__module__, twin.__qualname__ = interrupt.__module__, interrupt.__qualname__
    assert fingerprint(interrupt_in(twin)) == before
    assert fingerprint(interrupt_in(os.path.join)) != before


def interrupt_in(function):
    space = {"interrupt": function}
    exec("def node(s): return interrupt(s)", space)
    return space["node"]


def test_a_module_of_the_users_counts_by_what_is_named_of_it(monkeypatch):
    module = types.ModuleType("helpers_of_mine")
    exec("def used(x): return x\ndef unused(x): return x\nLIMIT = 1", vars(module))
    monkeypatch.setitem(sys.modules, "helpers_of_mine", module)
    space = {"h": module}
    exec("def node(s): return h.used(s) + h.LIMIT", space)
    first = fingerprint(space["node"])
    exec("def unused(x): return -x", vars(module))
    assert fingerprint(space["node"]) == first
    module.LIMIT = 2
    second = fingerprint(space["node"])
    exec("def used(x): return -x", vars(module))
    assert len({first, second, fingerprint(space["node"])}) == 3


def test_a_function_that_autoreload_changed_in_place_is_seen_by_the_same_graph():
    def helper(x):
        return x

    def ask(state):
        return helper(state)

    graph = row(ask=ask).compile().graph
    first = graph.fingerprints()
    assert graph.fingerprints() == first
    helper.__code__ = (lambda x: -x).__code__
    assert changes(first, graph.fingerprints()) == ["ask (helper)"]


def test_a_class_that_was_changed_in_place_is_seen_by_the_same_graph():
    class Review:
        limit = 1

    graph = row(ask=lambda state: Review.limit).compile().graph
    first = graph.fingerprints()
    Review.limit = 2
    assert changes(first, graph.fingerprints()) == ["ask (Review)"]


def test_a_redefined_global_is_seen_by_the_same_graph():
    space = cell("LIMIT = 1\ndef node(s): return LIMIT")
    graph = row(node=space["node"]).compile().graph
    first = graph.fingerprints()
    space["LIMIT"] = 2
    assert changes(first, graph.fingerprints()) == ["node (LIMIT)"]
    del space["LIMIT"]
    assert changes(first, graph.fingerprints()) == ["node (LIMIT)"]


def test_an_object_that_raises_at_every_look_ends_no_run():
    class Hostile(type):
        def __getattribute__(cls, name):
            raise RuntimeError(name)

    class Thing(metaclass=Hostile):
        pass

    graph = row(ask=lambda state: {"log": [str(bool(Thing))]}).compile(InMemorySaver())
    assert graph.invoke({}, CONFIG)["log"] == ["True"]


def test_a_fingerprint_is_the_same_in_another_process_with_another_hash_seed():
    source = """
import enum, operator, pydantic
from nbhitl import interrupt
from nbhitl.engine.fingerprints import fingerprint
class Level(enum.Enum):
    LOW = 1
class Review(pydantic.BaseModel):
    level: Level = Level.LOW
    tags: frozenset[str] = frozenset({"a", "b", "c"})
TAGS = frozenset({"x", "y", "z", operator.add, Level.LOW})
def helper(x): return x in {"p", "q", "r"} or x in TAGS
def node(state): return helper(interrupt("how?", response_schema=Review))
print(fingerprint(node))
"""
    found = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-c", source], capture_output=True, text=True, check=True, env=environment
        )
        found.add(done.stdout)
    assert len(found) == 1


# -- the words


def wired(**more):
    built = StateGraph(State)
    for name in ("a", "b", "c", *more):
        built.add_node(name, more.get(name, operator.itemgetter("x")))
    return built.add_edge(START, "a").add_edge("a", "b")


def words(before, after):
    return changes(before.compile().graph.fingerprints(), after.compile().graph.fingerprints())


@pytest.mark.filterwarnings("ignore::nbhitl.UnreachableNodeWarning")
def test_wiring_and_keys_of_the_state_are_named():
    assert words(wired(), wired()) == []
    assert words(wired(), wired().add_edge("b", "c")) == ["edges of b"]
    assert words(wired(), wired().add_edge(START, "c")) == ["edges of START"]
    assert words(wired(), wired().add_edge(["a", "b"], "c")) == ["edge [a, b] to c"]
    assert words(wired(), wired(d=says("d")).add_edge("d", "a")) == ["d"]
    yes, no = (wired().add_conditional_edges("b", lambda s, end=end: end, ["a", "c"]) for end in "ac")
    assert words(yes, no) == ["routers of b"]
    assert words(yes, wired()) == ["routers of b"]
    less = wired().add_conditional_edges("b", yes.routers["b"][0].path, ["a"])
    assert words(yes, less) == ["routers of b"]


def test_a_reducer_is_named_and_a_key_that_came():
    def stated(reducer, **more):
        return StateGraph(TypedDict("S", {"log": Annotated[list, reducer], **more})).add_sequence([("a", says("a"))])

    def build(*args, **more):
        return stated(*args, **more).add_edge(START, "a")

    assert words(build(operator.add), build(operator.add)) == []
    assert words(build(operator.add), build(operator.mul)) == ["state key log"]
    assert words(build(lambda a, b: a + b), build(lambda a, b: b + a)) == ["state key log"]
    assert words(build(operator.add), build(operator.add, x=int)) == ["state key x"]
    assert words(build(operator.add, x=str), build(operator.add, x=int)) == ["state key x"]


def test_a_deferred_node_and_a_sub_graph_are_named():
    def sub(*edges):
        inner = StateGraph(State).add_node("p", says("p")).add_node("q", says("q")).add_edge(START, "p")
        for edge in edges:
            inner.add_edge(*edge)
        return row(sub=inner.add_edge(START, "q").compile())

    assert words(sub(), sub()) == []
    assert words(sub(), sub(("p", "q"))) == ["sub"]
    assert words(sub(), row(sub=says("sub"))) == ["sub"]
    one = StateGraph(State).add_node("a", operator.neg).add_edge(START, "a")
    two = StateGraph(State).add_node("a", operator.neg, defer=True).add_edge(START, "a")
    assert words(one, two) == ["a"]


def test_a_graph_that_a_function_calls_is_named():
    def calls(text):
        inner = row(p=says(text)).compile()
        return row(outer=lambda state: {"log": inner.invoke(state)["log"]})

    assert words(calls("a"), calls("a")) == []
    assert words(calls("a"), calls("b")) == ["outer (inner)"]


def test_a_function_may_call_the_graph_that_it_is_part_of():
    space = cell("def node(s): return app.invoke(s) if s.get('x') else {}")
    space["app"] = row(node=space["node"]).compile(InMemorySaver())
    assert space["app"].invoke({}, CONFIG) == {"log": []}


def test_the_names_that_changed_are_told_and_a_change_of_its_own_goes_first():
    source = "LIMIT = {}\ndef helper(x): return {}\ndef node(s): return helper(LIMIT) + {}"

    def found(*values):
        return {"ask": node(source.format(*values))}

    assert changes(found(1, 1, 1), found(1, 1, 1)) == []
    assert changes(found(1, 1, 1), found(2, 1, 1)) == ["ask (LIMIT)"]
    assert changes(found(1, 1, 1), found(2, 2, 1)) == ["ask (helper, LIMIT)"]
    assert changes(found(1, 1, 1), found(2, 2, 2)) == ["ask"]


def test_what_was_edited_is_known_after_a_kill_too(tmp_path):
    class Killed(BaseException):
        pass

    def dies(state):
        raise Killed

    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        run = row(first=says("first"), ask=dies).compile(saver)
        stopped = run.calls.prepare({}, CONFIG)
        stopped.step(None)
        stopped.release()
        assert Session(run, "t").position.stopped is None
        assert Session(row(first=says("first"), ask=asks("sure?")).compile(saver), "t").changed_code() == ["ask"]


def test_partials_of_one_function_are_told_apart():
    assert fingerprint(functools.partial(max, 1)) != fingerprint(functools.partial(max, 2))
