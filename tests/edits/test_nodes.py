"""Nodes and wiring that were edited between a pause and going on: no answer is lost, none goes astray."""

import operator
from typing import Annotated, Any, TypedDict

import pytest

from nbhitl import END, START, GraphChanged, InvalidUpdateError, StateGraph
from tests.edits.homes import ASK, CONFIG, GOT, REVIEW, State, as_node, asks, joined, row, says, side_by_side, uneven

# -- edits that a run goes on with


def routed(path):
    built = row(review=ASK).add_node("yes", says("yes")).add_node("no", says("no"))
    return built.add_conditional_edges("review", path, ["yes", "no"])


CONTINUES = {
    "the edge behind the pause leads elsewhere": (
        REVIEW,
        row(first=says("first"), review=ASK, publish=says("published")),
        ["first", GOT, "published"],
    ),
    "the edge behind the pause is gone": (REVIEW, row(first=says("first"), review=ASK), ["first", GOT]),
    "a node was put in before the pause": (
        REVIEW,
        row(first=says("first"), new=says("new"), review=ASK, last=says("last")),
        ["first", GOT, "last"],
    ),
    "a node was put in after the pause": (
        REVIEW,
        row(first=says("first"), review=ASK, new=says("new"), last=says("last")),
        ["first", GOT, "new", "last"],
    ),
    "a node that has run already is gone": (REVIEW, row(review=ASK, last=says("last")), ["first", GOT, "last"]),
    "a node that has run already has another name": (
        REVIEW,
        row(begin=says("first"), review=ASK, last=says("last")),
        ["first", GOT, "last"],
    ),
    "the code behind the pause changed": (
        REVIEW,
        row(first=says("first"), review=ASK, last=says("edited")),
        ["first", GOT, "edited"],
    ),
    "the code around the question changed": (
        row(review=ASK),
        row(review=lambda state: {"log": [*asks("sure?")(state)["log"], "edited"]}),
        [GOT, "edited"],
    ),
    "the router behind the pause decides otherwise": (
        routed(lambda state: "yes"),
        routed(lambda state: "no"),
        [GOT, "no"],
    ),
    "the router behind the pause became an edge": (
        routed(lambda state: "yes"), row(review=ASK, no=says("no")), [GOT, "no"],
    ),
    "a node beside the paused one is gone, and had finished": (
        side_by_side(review=ASK, other=says("other")),
        row(review=ASK),
        ["other", GOT],
    ),
    "a node was put beside the paused one": (
        row(review=ASK),
        side_by_side(review=ASK, other=says("other")),
        [GOT],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "log"), CONTINUES.values(), ids=CONTINUES)
def test_a_run_goes_on_where(home, before, after, log):
    assert sorted(home.edit(before, after), key=str) == sorted(log, key=str)
    assert home.asked(after) == []


# -- a node that is gone


def test_a_removed_node_is_an_error_that_keeps_the_answer_until_the_node_is_back(home):
    with pytest.raises(GraphChanged, match=r"node 'review', which the graph no longer has.*rename=.*Nothing was lost"):
        home.edit(REVIEW, row(first=says("first"), last=says("last")))
    home.check()
    home.restart()
    assert home.go(REVIEW) == ["first", GOT, "last"]


def test_a_node_of_another_name_is_suggested(home):
    with pytest.raises(GraphChanged, match="Did you mean 'reviews'"):
        home.edit(REVIEW, row(reviews=ASK))


def test_nobody_has_to_answer_twice_when_a_thread_stands_at_a_removed_node_for_good(home):
    with pytest.raises(GraphChanged):
        home.edit(REVIEW, row(first=says("first"), last=says("last")))
    other = {"configurable": {"thread_id": "other"}}
    assert home.on(row(last=says("last"))).invoke({}, other)["log"] == ["last"]


# -- waiting edges, reducers, keys of the state


def test_a_waiting_edge_that_is_gone_while_it_waits_is_an_error_until_it_is_back(home):
    after = side_by_side(short=says("short"), begin=says("begin")).add_node("review", ASK).add_edge("begin", "review")
    after.add_node("last", says("last")).add_edge("review", "last")
    with pytest.raises(
        GraphChanged, match="'last' by an edge that waits for short, review, which the graph no longer has"
    ):
        home.edit(uneven("review", "last"), after)
    home.check()
    assert sorted(home.go(uneven("review", "last")), key=str) == sorted(["begin", "short", GOT, "last"], key=str)


def test_a_waiting_edge_that_was_added_waits_for_nodes_that_run_from_now_on(home):
    built = joined("review", "last")
    before = side_by_side(review=ASK, other=says("other"))
    assert home.edit(before, built) == ["other", GOT, "last"]


def keyed(reducer=None, **more):
    """A graph whose state has the key ``kept``, which a finished node and then the asking one write."""
    kept = Any if reducer is None else Annotated[list, reducer]
    hints = {"log": Annotated[list, operator.add], "kept": kept, **more}
    built = StateGraph(TypedDict("Keyed", hints, total=False))
    built.add_node("first", lambda state: {"kept": ["first"]})
    built.add_node("review", lambda state: {"kept": ["review"], **ASK(state)})
    return built.add_sequence([("begin", says("begin"))]).add_edge(START, "first").add_edge("first", "review")


def kept(home, graph):
    return home.on(graph).get_state(CONFIG).values.get("kept")


def test_a_reducer_that_changed_merges_what_comes_from_now_on(home):
    after = keyed(lambda old, new: new + old)
    assert home.edit(keyed(operator.add), after) == [GOT]
    assert kept(home, after) == ["review", "first"]


def test_a_reducer_that_is_gone_lets_the_last_write_count(home):
    assert home.edit(keyed(operator.add), keyed()) == [GOT]
    assert kept(home, keyed()) == ["review"]


def test_a_reducer_that_raises_fails_the_step_until_it_is_mended(home):
    def broken(old, new):
        raise ValueError("no merging today")

    with pytest.raises(ValueError, match="no merging today"):
        home.edit(keyed(operator.add), keyed(broken))
    home.restart()
    assert home.go(keyed(operator.add)) == [GOT]


def test_a_key_that_is_gone_is_an_error_until_it_is_back_or_nobody_writes_it(paused):
    before = side_by_side(review=ASK, other=lambda state: {"x": "written"})

    class Less(TypedDict, total=False):
        log: Annotated[list, operator.add]

    after = StateGraph(Less).add_node("review", ASK).add_edge(START, "review")
    paused.begin(before)
    paused.restart()
    with pytest.raises(InvalidUpdateError, match="'x' is no key of the state"):
        paused.resume(after, True)
    assert paused.go(before) == [GOT]


def test_a_key_that_was_added_is_there_where_its_reducer_has_a_beginning(home):
    class More(State, total=False):
        notes: Annotated[list, operator.add]

    def review(state):
        assert state["notes"] == []
        return {**ASK(state), "notes": ["noted"]}

    after = StateGraph(More).add_node("review", review).add_edge(START, "review")
    assert home.edit(row(review=ASK), after) == [GOT]
    assert home.on(after).get_state(CONFIG).values["notes"] == ["noted"]


def test_a_key_that_was_added_between_two_inputs_is_there(paused):
    class More(State, total=False):
        notes: Annotated[list, operator.add]

    paused.begin(row(first=says("first")))
    paused.restart()
    after = StateGraph(More).add_node("read", lambda state: {"x": state["notes"]}).add_edge(START, "read")
    assert paused.on(after).invoke({"x": 1}, CONFIG)["x"] == []


# -- sub-graphs


def test_a_sub_graph_that_became_a_function_asks_anew_and_both_are_remembered(home):
    after = row(sub=ASK, last=says("last"))
    home.edit(as_node("sub", "ask"), after)
    assert home.asked(after) == ["sure?"]
    assert home.resume(after, False) == [["sure?", False], "last"]
    assert [answer for _, answer in home.kept()].count(True) >= 1


def test_a_function_that_became_a_sub_graph_asks_anew(home):
    after = as_node("sub", "ask")
    home.edit(row(sub=ASK, last=says("last")), after)
    assert home.asked(after) == ["sure?"]
    assert home.resume(after, False) == [["sure?", False]]


def test_a_node_that_is_gone_from_a_sub_graph_is_an_error_until_it_is_back(home):
    with pytest.raises(GraphChanged, match="node 'sub/ask', which the graph no longer has"):
        home.edit(as_node("sub", "ask"), as_node("sub", "other"))
    home.restart()
    assert home.go(as_node("sub", "ask")) == [GOT]


def test_an_edge_behind_the_pause_in_a_sub_graph_may_lead_elsewhere(home):
    def sub(text):
        inner = row(ask=ASK, then=says(text)).compile()
        return row(outer=lambda state: {"log": inner.invoke({"log": []})["log"]})

    assert home.edit(sub("old"), sub("new")) == [GOT, "new"]


# -- side by side, and async


def test_of_two_questions_the_answered_one_goes_on_when_the_other_ones_node_is_gone(paused):
    both = side_by_side(a=asks("a?"), b=asks("b?"))
    paused.begin(both)
    paused.answer(both, 1, "a?")
    paused.answer(both, 2, "b?")
    paused.restart()
    with pytest.raises(GraphChanged, match="node 'b'"):
        paused.go(side_by_side(a=asks("a?")))
    assert paused.go(both) == [["a?", 1], ["b?", 2]]


def test_a_node_that_was_edited_to_lead_to_the_end_ends(home):
    assert home.edit(REVIEW, row(first=says("first"), review=ASK).add_edge("review", END)) == ["first", GOT]
