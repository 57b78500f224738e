"""The state looked at closely: steps by name, what changed and who wrote it, differences, watches."""

import operator
from typing import Annotated, TypedDict

import pytest

from nbhitl import END, START, NbhitlError, StateGraph, interrupt
from nbhitl.engine.errors import ExpressionError
from nbhitl.engine.records import ThreadKey
from tests.session.newsroom import line, newsroom, reopen, says, sent, session


class Work(TypedDict, total=False):
    topic: str
    log: Annotated[list, operator.add]


def marks(found):
    return {row.key: (row.mark, row.by) for row in found.rows}


def test_a_step_is_named_by_its_number_by_the_way_back_or_by_its_checkpoint(news):
    now = news.at()
    assert now.checkpoint.step == 1
    assert news.at(1) == news.at("1") == now
    assert news.at(-1) == news.at(0)
    assert news.at(-2).checkpoint.source == "input"
    assert news.at(now.checkpoint.id) == now
    assert news.at(news.at(0).checkpoint.id[-5:]) == news.at(0)


@pytest.mark.parametrize("step", [7, "7", -3, "nowhere", "", "0 0"])
def test_an_unknown_step_is_an_error_that_lists_the_steps(news, step):
    with pytest.raises(NbhitlError, match=r"newest first: 1 \(after draft\), 0 \(after the input\), -1 \(input\)"):
        news.at(step)


def test_the_beginning_of_several_ids_is_an_error_that_lists_them(news):
    run = news.at().checkpoint.id.partition("-")[0]
    with pytest.raises(NbhitlError, match=f"stands for 3 checkpoints: {run}-0003, "):
        news.at(run)


def test_a_thread_that_has_not_run_has_no_steps(saver):
    made = session(newsroom(), saver)
    with pytest.raises(NbhitlError, match="has not run yet"):
        made.inspect()


def test_each_key_says_what_the_last_step_did_to_it_and_who_wrote_it(news):
    found = news.inspect()
    assert (found.step, found.after, found.next) == (1, ("draft",), ("review",))
    assert marks(found) == {"topic": ("", ()), "draft": ("new", ("draft",)), "log": ("changed", ("draft",))}
    assert found.rows[-1].old == []
    assert found.values == news.state().values
    assert marks(news.inspect(0)) == {"topic": ("new", ("the input",)), "log": ("", ())}


def test_the_same_is_said_after_a_restart_of_the_kernel(news):
    before = news.inspect(), news.inspect(0)
    again = reopen(news, newsroom())
    assert (again.inspect(), again.inspect(0)) == before


def test_what_is_under_way_counts_at_the_newest_step_only(saver):
    built = StateGraph(Work).add_node("a", says("a")).add_node("b", lambda state: {"log": [interrupt("b?")]})
    built.add_edge(START, "a").add_edge(START, "b")
    made = session(built, saver)
    made.go({"topic": "tea"})
    assert marks(made.inspect())["log"] == ("changed", ("a",))
    made.answer("b")
    made.go()
    assert marks(made.inspect(0))["log"] == ("", ())
    assert marks(made.inspect(1))["log"] == ("changed", ("a", "b"))


def test_a_node_of_a_fan_out_is_counted(saver):
    built = StateGraph(Work).add_node("plan", says("plan")).add_node("work", says("work"))
    built.add_edge(START, "plan").add_conditional_edges("plan", sent("x", "y", "z"), ["work"]).add_edge("work", END)
    made = session(built, saver)
    made.go({"topic": "tea"})
    found = made.inspect()
    assert marks(found)["log"] == ("changed", ("work (3 times)",))
    assert found.after == ("work",)


def test_a_value_that_was_written_again_is_told_from_one_that_was_not(saver):
    made = session(line(a=lambda state: {"topic": "tea"}), saver)
    made.go({"topic": "tea", "draft": "x"})
    assert marks(made.inspect())["topic"] == ("written", ("a",))
    assert marks(made.inspect())["draft"] == ("", ())


def test_what_an_old_step_was_edited_to_does_not_count_as_written_by_the_node_that_ran_there(news):
    news.answer({"decision": "publish"})
    news.go()
    news.fork(1, {"log": ["by hand"]})
    found = marks(news.inspect())
    assert found["log"] == ("changed", ("an edit as draft",))
    assert found["draft"] == ("", ())


def test_a_state_of_one_value_has_a_name(saver):
    built = StateGraph(int).add_node("more", lambda state: state + 1).add_edge(START, "more")
    made = session(built, saver)
    made.compiled.invoke(1, made.config)
    assert made.inspect().values == {"state": 2}
    assert [(one.where, one.note) for one in made.diff()] == [("state", "+1")]


# -- sub-graphs


def nested(ask=True):
    below = StateGraph(Work).add_node("first", says("first"))
    below.add_node("second", lambda state: {"log": [interrupt("go on?")]} if ask else {"log": ["second"]})
    below.add_edge(START, "first").add_edge("first", "second")
    built = StateGraph(Work).add_node("before", says("before")).add_node("review", below.compile(name="review"))
    return built.add_edge(START, "before").add_edge("before", "review").add_edge("review", END)


def test_the_state_of_a_sub_graph_is_shown_where_it_stands(saver):
    made = session(nested(), saver)
    made.go({"topic": "tea"})
    found = made.inspect(inside="review")
    assert (found.inside, found.after, found.next) == ("review", ("first",), ("second",))
    assert marks(found)["log"] == ("changed", ("first",))
    assert found.values["log"] == ["before", "first"]
    assert made.inspect().values["log"] == ["before"]


def test_a_sub_graph_that_has_ended_is_shown_as_it_ended(saver):
    made = session(nested(ask=False), saver)
    made.go({"topic": "tea"})
    assert made.inspect(inside="review").values["log"] == ["before", "first", "second"]
    with pytest.raises(NbhitlError, match=r"no sub-graph 'review' was at work at step 0"):
        made.inspect(0, inside="review")


def test_of_a_fan_out_into_sub_graphs_one_task_can_be_named(saver):
    below = StateGraph(Work).add_node("ask", lambda state: {"log": [interrupt(state["topic"])]}).add_edge(START, "ask")
    built = StateGraph(Work).add_node("plan", says("plan")).add_node("work", below.compile(name="work"))
    built.add_edge(START, "plan").add_conditional_edges("plan", sent("x", "y"), ["work"]).add_edge("work", END)
    made = session(built, saver)
    made.go({"topic": "tea"})
    assert [made.inspect(inside=f"work[{n}]").values["topic"] for n in range(2)] == ["x", "y"]
    assert made.inspect(inside="work").values["topic"] == "x"
    with pytest.raises(NbhitlError, match="was at work"):
        made.inspect(inside="work[2]")


def test_an_unknown_sub_graph_is_an_error_that_names_those_there_are(saver):
    made = session(nested(), saver)
    made.go({"topic": "tea"})
    with pytest.raises(NbhitlError, match=r"'reveiw' was at work on this branch. Did you mean 'review'"):
        made.inspect(inside="reveiw")


# -- differences


def test_two_steps_are_compared_by_number_or_by_id(news):
    news.answer({"decision": "publish"})
    news.go()
    assert [one.where for one in news.diff()] == ["log[2]"]
    assert [one.where for one in news.diff(1)] == ["decision", "log[1]", "log[2]"]
    assert [one.where for one in news.diff(0, 1)] == ["draft", "log[0]"]
    assert news.diff(news.at(0).checkpoint.id, 1) == news.diff(0, 1)
    assert [one.change for one in news.diff(1, 0)] == ["removed", "removed"]


def test_a_checkpoint_of_another_branch_can_be_compared(news):
    old = news.at().checkpoint.id
    news.fork(0, {"topic": "coffee"})
    news.go()
    assert {one.where: (one.old, one.new) for one in news.diff(old)} == {
        "topic": ("tea", "coffee"),
        "draft": ("About tea", "About coffee"),
    }


# -- watches


@pytest.mark.parametrize("kept", [None, 1, True, {"log": 1}, [1, None]])
def test_watches_that_are_none_in_the_file_are_left_out(news, kept):
    news.saver.set_setting(ThreadKey("", news.compiled.scope), "watches", kept)
    assert news.watches == ()
    news.add_watch("log")
    assert news.watches == ("log",)


def test_watches_are_kept_with_the_graph_over_threads_and_restarts(news):
    news.add_watch("len(log)")
    news.add_watch("topic.upper()")
    news.add_watch("len(log)")
    assert [(one.text, one.value) for one in news.watched()] == [("len(log)", 1), ("topic.upper()", "TEA")]
    other = session(newsroom(), news.saver, "other")
    assert other.watches == ("len(log)", "topic.upper()")
    assert other.watched()[0].error  # it has not run: nothing has a value
    again = reopen(news, newsroom())
    again.remove_watch("len(log)")
    assert again.watches == ("topic.upper()",)


def test_a_watch_has_its_value_at_any_step_or_says_why_it_has_none(news):
    news.add_watch("draft")
    assert news.watched()[0].value == "About tea"
    (found,) = news.watched(0)
    assert "'draft' has no value here" in found.error


def test_what_is_no_expression_is_not_watched(news):
    with pytest.raises(ExpressionError):
        news.add_watch("__import__('os')")
    with pytest.raises(NbhitlError, match="'x' is not watched"):
        news.remove_watch("x")
    assert news.watches == ()
