"""Nodes that were renamed between a pause and going on: ``rename=`` goes on without asking again."""

import asyncio

import pytest

from nbhitl import START, Command, GraphChanged, GraphError, Send, StateGraph, UnknownNodeError
from tests.edits.homes import ASK, CONFIG, GOT, REVIEW, State, as_node, asks, joined, row, says, side_by_side, uneven


def fan(name):
    def send(state):
        return [Send(name, {"text": text}) for text in ("a?", "b?")]

    def each(state):
        return asks(state["text"])(state)

    return StateGraph(State).add_node(name, each).add_conditional_edges(START, send, [name])


def deferred(name):
    """``name`` is due once nothing else is; what is under way when the run pauses."""
    built = side_by_side(begin=says("begin"), quick=says("quick")).add_node("review", ASK).add_edge("begin", "review")
    return built.add_node(name, says("last"), defer=True).add_edge("quick", name)


def nested(outer, inner):
    sub = StateGraph(State).add_node(inner, ASK).add_edge(START, inner).compile()
    return row(**{outer: lambda state: {"log": sub.invoke({"log": []})["log"]}, "last": says("last")})


RENAMES = {
    "node": (row(review=ASK, last=says("last")), row(check=ASK, last=says("last")), {"review": "check"}, [GOT, "last"]),
    "source of a waiting edge": (
        joined("review", "last"), joined("check", "last"), {"review": "check"}, ["other", GOT, "last"],
    ),
    "target of a waiting edge": (
        uneven("review", "last"), uneven("review", "end"), {"last": "end"}, ["begin", "short", GOT, "last"],
    ),
    "nodes with a + in their names": (
        joined("a+b", "last"), joined("c+d", "a"), {"a+b": "c+d", "last": "a"}, ["other", GOT, "last"],
    ),
    "source of a waiting edge with a + in its name": (
        uneven("short+b", "last"), uneven("b+c", "last"), {"short+b": "b+c"}, ["begin", "short", GOT, "last"],
    ),
    "both ends of a waiting edge": (
        uneven("review", "last"), uneven("check", "end"), {"last": "end", "review": "check"},
        ["begin", "short", GOT, "last"],
    ),
    "deferred node": (deferred("last"), deferred("end"), {"last": "end"}, ["begin", "quick", GOT, "last"]),
    "node that is a sub-graph": (as_node("sub", "ask"), as_node("child", "ask"), {"sub": "child"}, [GOT]),
    "node that calls a sub-graph": (nested("sub", "ask"), nested("child", "ask"), {"sub": "child"}, [GOT, "last"]),
    "node inside a sub-graph": (as_node("sub", "ask"), as_node("sub", "check"), {"sub/ask": "sub/check"}, [GOT]),
    "node inside a sub-graph that a function calls": (
        nested("sub", "ask"), nested("sub", "check"), {"sub/ask": "sub/check"}, [GOT, "last"],
    ),
    "sub-graph and node inside": (
        as_node("sub", "ask"), as_node("child", "check"), {"sub": "child", "sub/ask": "child/check"}, [GOT],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "names", "log"), RENAMES.values(), ids=RENAMES)
def test_without_rename_the_error_names_it_and_with_it_the_run_goes_on_without_asking_again(
    home, before, after, names, log
):
    with pytest.raises(GraphChanged, match="rename="):
        home.edit(before, after)
    home.check()
    home.restart()
    assert sorted(home.go(after, rename=names), key=str) == sorted(log, key=str)
    assert home.asked(after) == []


@pytest.mark.parametrize(("before", "after", "names", "log"), RENAMES.values(), ids=RENAMES)
def test_an_answer_and_rename_may_come_in_one_call(home, before, after, names, log):
    assert sorted(home.edit(before, after, rename=names), key=str) == sorted(log, key=str)


def test_the_error_of_a_sub_graph_says_the_path_that_rename_takes(home):
    with pytest.raises(GraphChanged, match=r"rename=\{'sub/ask': 'sub/its new name'\}"):
        home.edit(as_node("sub", "ask"), as_node("sub", "check"))


def test_sent_tasks_keep_their_inputs_and_answers_under_a_new_name(paused):
    paused.begin(fan("each"))
    paused.answer(fan("each"), 1, "a?")
    paused.restart()
    paused.on(fan("one")).invoke(None, CONFIG, rename={"each": "one"})
    assert paused.asked(fan("one")) == ["b?"]
    assert paused.resume(fan("one"), 2) == [["a?", 1], ["b?", 2]]


def heading(name):
    """A node that has finished wants to go to ``name``; the one beside it asks."""

    def go(state):
        return Command(update={"log": ["go"]}, goto=[name, Send(name, {})])

    built = side_by_side(review=ASK).add_node("go", go, destinations=[name]).add_edge(START, "go")
    return built.add_node(name, says("there"))


def test_where_a_finished_node_wants_to_go_is_renamed_too(home):
    assert home.edit(heading("b"), heading("c"), rename={"b": "c"}) == ["go", GOT, "there", "there"]


def test_rename_is_harmless_where_nothing_has_that_name(home):
    log = home.edit(REVIEW, REVIEW, rename={"gone": "review"})
    assert log == ["first", GOT, "last"]
    assert len(list(home.on(REVIEW).get_state_history(CONFIG))) == 5


@pytest.mark.parametrize(
    ("names", "error", "text"),
    [
        ({"review": "chekc"}, UnknownNodeError, "rename: there is no node 'chekc'.*Did you mean 'check'"),
        ({"last": "check"}, GraphError, "'last' is there still"),
        ({"review": "check", "other": "check"}, GraphError, "two nodes would become 'check'"),
        ({"review": "check/inner"}, GraphError, "a node stays in its sub-graph|no node"),
    ],
)
def test_a_rename_that_cannot_be_meant_changes_nothing(home, names, error, text):
    after = row(check=ASK, last=says("last"))
    home.begin(row(review=ASK, last=says("last")))
    before = len(list(home.saver.history(home.session(after).key)))
    with pytest.raises(error, match=text):
        home.on(after).invoke(None, CONFIG, rename=names)
    assert len(list(home.saver.history(home.session(after).key))) == before


def test_two_nodes_that_swap_their_names_swap_their_answers_along(paused):
    both = side_by_side(a=asks("a?"), b=asks("b?"))
    paused.begin(both)
    paused.answer(both, 1, "a?")
    paused.restart()
    swapped = side_by_side(c=asks("a?"), d=asks("b?"))
    paused.on(swapped).invoke(None, CONFIG, rename={"a": "c", "b": "d"})
    assert paused.asked(swapped) == ["b?"]
    assert paused.resume(swapped, 2) == [["a?", 1], ["b?", 2]]


def test_renamed_in_an_async_call(home):
    before, after = REVIEW, row(first=says("first"), check=ASK, last=says("last"))
    home.begin(before)
    home.answer(before, True)
    home.restart()
    with pytest.raises(GraphChanged):
        asyncio.run(home.on(after).ainvoke(None, CONFIG))
    done = asyncio.run(home.on(after).ainvoke(None, CONFIG, rename={"review": "check"}))
    assert done["log"] == ["first", GOT, "last"]


def test_renamed_through_a_session(home):
    before, after = REVIEW, row(first=says("first"), check=ASK, last=says("last"))
    home.begin(before)
    home.answer(before, True)
    home.restart()
    session = home.session(after)
    assert session.go(rename={"review": "check"}).reason == "finished"
    assert session.state().values["log"] == ["first", GOT, "last"]
