"""Writing into the state by hand."""

import threading
from typing import Annotated, TypedDict

import pytest

from nbhitl import END, START, InvalidUpdateError, NbhitlError, StateGraph, ThreadBusyError
from nbhitl.engine.channels import Topic
from tests.session.newsroom import line, newsroom, reopen, says, session


class Pair(TypedDict, total=False):
    x: int
    y: int
    log: list


class Lists(TypedDict, total=False):
    every: Annotated[list, Topic(str, accumulate=True)]
    last: Annotated[list, Topic(str)]


def changed(written):
    return {one.where: (one.old, one.new) for one in written.differences}


def test_values_go_through_the_reducers_and_the_question_stays_open(news):
    (question,) = news.pending()
    written = news.set({"topic": "coffee", "log": ["by hand"]})
    assert [one.where for one in written.differences] == ["topic", "log[1]"]
    assert (written.doubts, written.next) == ((), ("review",))
    assert news.state().values["log"] == ["draft", "by hand"]
    assert news.pending()[0].id == question.id
    news.answer({"decision": "publish"})
    assert news.go().reason == "finished"


def test_overwritten_values_replace_what_is_there(news):
    written = news.set({"log": []}, overwrite=True)
    assert [one.change for one in written.differences] == ["removed"]
    assert news.state().values["log"] == []
    assert reopen(news, newsroom()).state().values["log"] == []


def test_the_writer_decides_what_is_due(news):
    assert news.set({"decision": "publish"}, as_node="review").next == ("publish",)
    assert news.pending() == ()
    assert "before publish" in news.state().metadata["stop_text"]
    news.go()
    assert news.path()[-1] == "publish"


def test_a_thread_that_failed_or_finished_says_that_it_was_edited(saver):
    made = session(line(a=says("a"), b=says("b")), saver)
    made.go({"topic": "tea"})
    assert made.set({"topic": "coffee"}, as_node="a").next == ("b",)
    assert made.state().metadata["stop"] == "breakpoint"
    assert made.state().metadata["stop_text"] == "the state was edited, before b"
    assert made.go().reason == "finished"


def test_a_thread_that_has_not_run_begins_with_what_is_written(saver):
    made = session(line(a=says("a")), saver)
    assert made.set({"topic": "tea"}).next == ("a",)
    made.go()
    assert made.state().values == {"topic": "tea", "log": ["a"]}


def test_the_only_value_of_a_state_without_keys_is_written_by_its_name(saver):
    built = StateGraph(int).add_node("more", lambda state: state + 1).add_edge(START, "more")
    made = session(built, saver)
    made.compiled.invoke(1, made.config)
    assert changed(made.set({"state": 10})) == {"state": (2, 10)}
    with pytest.raises(NbhitlError, match="'x' is no key of the state. Did you mean|'x' is no key of the state. Known"):
        made.set({"x": 1})


def test_a_value_that_does_not_fit_the_schema_is_written_and_said(news):
    written = news.set({"topic": 3, "log": [1]})
    assert written.doubts == ("topic: must be text",)
    assert news.state().values["topic"] == 3


def test_an_unknown_key_changes_nothing(news):
    before = news.at().checkpoint.id
    with pytest.raises(NbhitlError, match="'topik' is no key of the state. Did you mean 'topic'"):
        news.set({"draft": "x", "topik": "y"})
    assert news.at().checkpoint.id == before


def test_of_several_last_writers_one_has_to_be_named(saver):
    built = StateGraph(Pair).add_node("a", lambda state: {"x": 1}).add_node("b", lambda state: {"y": 1})
    built.add_node("c", says("c")).add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "c")
    made = session(built.add_edge("c", END), saver)
    made.go({"x": 0})
    made.fork(1)
    with pytest.raises(InvalidUpdateError, match="--as NODE"):
        made.set({"x": 5})
    assert changed(made.set({"x": 5}, as_node="a")) == {"x": (1, 5)}


def test_a_list_that_only_grows_cannot_be_overwritten(saver):
    built = StateGraph(Lists).add_node("a", lambda state: {"every": "a", "last": "a"}).add_edge(START, "a")
    made = session(built, saver)
    made.go({})
    with pytest.raises(NbhitlError, match="only ever grows"):
        made.set({"every": []}, overwrite=True)
    made.set({"last": ["x"]}, overwrite=True, as_node="a")
    assert made.state().values["last"] == ["x"]


def test_nothing_is_written_while_the_thread_runs(saver):
    begun, go_on = threading.Event(), threading.Event()

    def wait(state):
        begun.set()
        go_on.wait(20)

    made = session(line(wait=wait), saver)
    thread = threading.Thread(target=made.go, args=({"topic": "tea"},))
    thread.start()
    begun.wait(20)
    try:
        with pytest.raises(ThreadBusyError, match="%graph pause"):
            made.set({"topic": "coffee"})
    finally:
        go_on.set()
        thread.join()
    assert made.state().values["topic"] == "tea"


def test_an_async_router_decides_as_it_does_in_a_run(saver):
    async def where(state):
        return "b" if state["x"] else END

    built = StateGraph(Pair).add_node("a", lambda state: {}).add_node("b", lambda state: {})
    built.add_edge(START, "a").add_conditional_edges("a", where, ["b", END])
    made = session(built, saver)
    made.go({"x": 0})
    assert made.set({"x": 1}).next == ("b",)
