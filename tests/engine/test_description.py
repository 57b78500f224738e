"""A graph as a frozen value: what it knows of itself. Its mistakes are in tests/test_graph.py."""

import pytest

from nbhitl.engine.channels import EphemeralValue, LastValue, Topic, UntrackedValue
from nbhitl.engine.commands import Command, destinations
from nbhitl.engine.description import Graph, Node, Router, WaitingEdge, is_async
from nbhitl.engine.errors import (
    AlreadyAnsweredError,
    AnswerRefused,
    GraphInterrupt,
    ParentCommand,
    Problem,
    UnknownNodeError,
    UnstorableValueError,
)
from nbhitl.engine.ports import Saver
from nbhitl.engine.records import END, START, Answered, Asked, Send
from tests.engine.literals import graph


def sync(state):
    return None


async def later(state):
    return None


class Later:
    async def __call__(self, state):
        return None


def test_async_functions_and_objects_whose_call_is_async_are_awaited():
    assert [is_async(one) for one in (sync, later, Later(), len)] == [False, True, True, False]
    assert [Node("a", one).awaits for one in (sync, later)] == [False, True]
    assert [Router("a", one).awaits for one in (sync, later)] == [False, True]


def test_a_router_knows_its_ends_once_each_or_none():
    assert Router("a", sync).targets is None
    assert Router("a", sync, {1: "b", 2: END, 3: "b"}).targets == ("b", END)


def test_a_waiting_edge_is_known_by_its_sources_and_its_target():
    assert WaitingEdge(("a", "b"), "c").key == "a+b:c"
    assert {WaitingEdge(("a", "b"), "c"), WaitingEdge(("a", "b"), "c")} == {WaitingEdge(("a", "b"), "c")}


def test_a_graph_knows_what_its_sources_feed_and_which_keys_and_nodes_are_special():
    edges = (WaitingEdge(("a", "b"), "c"), WaitingEdge(("a", "c"), "d"))
    made = graph(
        {START: ("a",)},
        waiting=edges,
        defer=("d",),
        note=EphemeralValue(),
        found=Topic(),
        all=Topic(accumulate=True),
        cache=UntrackedValue(),
    )
    assert made.waits == {"a": edges, "b": edges[:1], "c": edges[1:]}
    assert (made.deferred, made.fleeting, made.untracked) == (frozenset("d"), ("note", "found"), frozenset({"cache"}))


def test_a_mapping_is_an_update_and_nothing_else_is():
    made = graph({})
    assert made.unpack({"x": 1, "log": []}) == (("x", 1), ("log", []))
    assert [made.unpack(other) for other in (None, [("x", 1)], 7)] == [None, None, None]


NESTED = Graph(
    nodes={
        "sub": Node("sub", len, graph=Graph({"deep": Node("deep", len, graph=graph({}))}, {"x": LastValue()}, {}, {})),
        "body": Node("body", len),
    },
    channels={"x": LastValue()},
    edges={},
    routers={},
)


def test_names_and_paths_into_sub_graphs_are_expected_to_be_nodes():
    names = ["sub", "body", "sub/deep", "sub/deep/a"]
    assert NESTED.expect(names, "breakpoint") == frozenset(names)


def test_what_a_body_calls_is_not_known_before_it_runs():
    assert NESTED.expect(["body/anything"], "breakpoint") == frozenset({"body/anything"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bod", "breakpoint: there is no node 'bod'. Did you mean 'body'?"),
        ("su/deep", "breakpoint: there is no node 'su'. Did you mean 'sub'?"),
        ("sub/dep", "breakpoint: there is no node 'dep' in 'sub'. Did you mean 'deep'?"),
        ("sub/deep/z", "breakpoint: there is no node 'z' in 'sub/deep'. Known: 'a', 'b', 'c', 'd'."),
    ],
)
def test_what_is_no_node_is_refused_with_the_nearest_name_at_that_depth(name, said):
    with pytest.raises(UnknownNodeError) as caught:
        NESTED.expect(["body", name], "breakpoint")
    assert str(caught.value) == said


def test_the_code_of_a_graph_is_the_fingerprints_of_its_nodes_and_a_digest_that_tells_them_apart():
    one, same, other = (Graph({"a": Node("a", body)}, {}, {}, {}) for body in (sync, sync, later))
    assert list(one.code()[0]) == ["a"]
    assert one.code() == same.code()
    assert one.code()[1] != other.code()[1]


def test_a_goto_in_any_form_is_a_tuple():
    assert destinations("a") == ("a",)
    assert destinations(Send("a", 1)) == (Send("a", 1),)
    assert destinations(["a", Send("b", 2)]) == ("a", Send("b", 2))
    assert destinations(()) == ()


def test_a_command_says_in_a_signature_where_a_node_may_go():
    assert Command["a"].__args__ == ("a",)


def test_errors_carry_what_a_caller_needs():
    answered = Answered("q", 1)
    assert AlreadyAnsweredError("no", answered).answered == answered
    assert UnstorableValueError("no", "state['x']").path == "state['x']"
    asked = Asked("k:0", "q", "?")
    assert GraphInterrupt(asked).entries == (asked,)
    assert ParentCommand(Command(goto="a")).command == Command(goto="a")


def test_a_refused_answer_lists_each_wrong_field():
    refused = AnswerRefused([Problem("a.b", "too long"), Problem("", "no mapping")])
    assert refused.problems == (Problem("a.b", "too long"), Problem("", "no mapping"))
    assert str(refused) == "the answer was refused: a.b: too long; no mapping"


def test_signals_are_no_exceptions_that_a_body_catches():
    assert not issubclass(GraphInterrupt, Exception)
    assert not issubclass(ParentCommand, Exception)


def test_what_is_no_saver_is_told_apart():
    assert not isinstance(object(), Saver)
