"""Replay: a thread's recorded answers given again, until a node asks that a person wants to answer anew."""

import operator
import time
from itertools import pairwise
from typing import Annotated, TypedDict

import pytest
from pydantic import BaseModel, SecretStr

from nbhitl import (
    END,
    START,
    AnswerRefused,
    Command,
    CompiledGraph,
    DuckDBSaver,
    InMemorySaver,
    LeftoverAnswers,
    NbhitlError,
    Send,
    Session,
    StateGraph,
    UnansweredQuestion,
    answering,
    interrupt,
)
from nbhitl.run.vault import VAULT


class State(TypedDict, total=False):
    said: Annotated[list, operator.add]
    n: int
    topic: str


def graph_of(**nodes):
    graph = StateGraph(State)
    names = list(nodes)
    for name, function in nodes.items():
        graph.add_node(name, function)
    graph.add_edge(START, names[0])
    for first, second in pairwise(names):
        graph.add_edge(first, second)
    return graph.add_edge(names[-1], END)


def asks(text, **options):
    return lambda state: {"said": [interrupt(text, **options)]}


def ran(graph, rules, *inputs, saver=None):
    session = Session(graph.compile(saver or InMemorySaver()), "1")
    with answering(rules):
        for given in inputs or ({"topic": "tea"},):
            assert session.go(given).reason == "finished", session.failure
    return session


def changed(session, graph):
    """The thread with other code."""
    return Session(graph.compile(session.saver), session.thread)


def told(session):
    return [(node, answered.value, answered.via) for node, _, answered in session.answers()]


def test_the_recorded_answers_are_given_again_on_a_new_branch():
    session = ran(graph_of(a=asks("A?"), b=asks("B?")), {"a": 1, "b": 2})
    before = session.state().config
    assert session.replay().reason == "finished"
    assert session.state().values["said"] == [1, 2]
    assert told(session) == [("a", 1, "replay"), ("b", 2, "replay")]
    assert session.state().config != before
    assert session.compiled.get_state(before).values["said"] == [1, 2]


def test_until_a_node_asks_a_person_is_not_bothered():
    session = ran(graph_of(a=asks("A?"), b=asks("B?"), c=asks("C?")), {"a": 1, "b": 2, "c": 3})
    assert session.replay(until="b").reason == "interrupted"
    assert [session.node_of(question) for question in session.pending()] == ["b"]
    session.answer(20)
    session.go()
    assert [session.node_of(question) for question in session.pending()] == ["c"]  # from here on it is the person's


def test_siblings_of_the_node_get_their_recorded_answers():
    graph = StateGraph(State)
    for name in "ab":
        graph.add_node(name, asks(f"{name}?")).add_edge(START, name).add_edge(name, END)
    session = ran(graph, {"a": 1, "b": 2})
    session.replay(until="b")
    assert [session.node_of(question) for question in session.pending()] == ["b"]
    assert told(session) == [("a", 1, "replay")]


def test_the_same_question_asked_twice_gets_its_answers_in_order():
    def ask(state):
        return {"said": [interrupt("Next?") for _ in range(3)]}

    session = ran(graph_of(ask=ask), {"ask": {"in_order": [1, 2, 3]}})
    session.replay()
    assert session.state().values["said"] == [1, 2, 3]


def test_side_by_side_tasks_of_one_node_are_told_apart_by_what_they_ask():
    graph = StateGraph(State)
    graph.add_node("each", lambda state: {"said": [(state["n"], interrupt({"n": state["n"]}))]})
    graph.add_conditional_edges(START, lambda state: [Send("each", {"n": n}) for n in range(3)], ["each"])
    session = ran(graph.add_edge("each", END), {"each": lambda question: question["n"] * 10})
    session.replay()
    assert session.state().values["said"] == [(0, 0), (1, 10), (2, 20)]


def test_a_key_is_the_same_question_whatever_its_text():
    session = ran(graph_of(a=asks("before", key="k")), {"a": 1})
    again = changed(session, graph_of(a=asks("after", key="k")))
    assert again.replay().reason == "finished"


def test_several_inputs_are_replayed_one_after_the_other():
    graph = graph_of(a=lambda state: {"said": [(state["topic"], interrupt(state["topic"]))]})
    session = ran(graph, {"a": lambda topic: topic.upper()}, {"topic": "tea"}, {"topic": "ink"})
    assert session.path() == ["a", "a"]
    session.replay()
    assert session.state().values["said"] == [("tea", "TEA"), ("ink", "INK")]


def test_an_answer_that_no_longer_fits_is_an_error_that_names_it():
    session = ran(graph_of(a=asks("How many?", response_schema=int)), {"a": 7})
    again = changed(session, graph_of(a=asks("How many?", response_schema=bool)))
    with pytest.raises(AnswerRefused) as caught:
        again.replay()
    assert caught.value.__notes__ == [
        "in node 'a', answered by the rule for node 'a', question 'How many?' of the answers recorded on thread '1'"
    ]


def test_a_question_that_has_changed_is_an_error_that_names_both():
    session = ran(graph_of(a=asks("How many?")), {"a": 7})
    again = changed(session, graph_of(a=asks("How few?")))
    with pytest.raises(
        UnansweredQuestion, match="no answer for node 'a': 'How few\\?'. There are rules for: .*How many"
    ):
        again.replay()


def test_a_new_question_is_left_to_a_person():
    session = ran(graph_of(a=asks("A?")), {"a": 1})
    again = changed(session, graph_of(a=asks("A?"), new=asks("New?")))
    assert again.replay().reason == "interrupted"
    assert [again.node_of(question) for question in again.pending()] == ["new"]


def test_recorded_answers_that_nobody_asks_for_are_an_error():
    session = ran(graph_of(a=asks("A?"), b=asks("B?")), {"a": 1, "b": 2})
    again = changed(session, graph_of(a=asks("A?"), b=lambda state: {}))
    with pytest.raises(LeftoverAnswers, match="the rule for node 'b', question 'B\\?' was never used"):
        again.replay()


def test_a_branch_that_was_answered_anew_in_the_past_is_replayed_as_it_went():
    graph = graph_of(a=asks("A?"), b=asks("B?"))
    session = ran(graph, {"a": 1, "b": 2})
    first = next(found for found in session.history() if found.next == ("a",))
    with answering({"b": 20}):
        session.compiled.invoke(Command(resume=10), first.config)
    assert session.path() == ["a", "b"]
    session.replay()
    assert session.state().values["said"] == [10, 20]


def test_a_thread_that_was_edited_by_hand_is_not_replayed():
    session = ran(graph_of(a=asks("A?"), b=lambda state: {}), {"a": 1})
    session.compiled.update_state(session.config, {"said": [5]}, as_node="a")
    with pytest.raises(NbhitlError, match="'1' cannot be replayed: the state was edited by hand at step 3"):
        session.replay()


def test_a_thread_that_never_ran_is_not_replayed():
    with pytest.raises(NbhitlError, match="'1' has not run yet, so there is nothing to replay"):
        Session(graph_of(a=asks("A?")).compile(InMemorySaver()), "1").replay()


def test_a_misspelt_node_is_an_error_with_a_suggestion():
    session = ran(graph_of(review=asks("A?")), {"review": 1})
    with pytest.raises(NbhitlError, match="there is no node 'reviw'. Did you mean 'review'"):
        session.replay(until="reviw")
    assert told(session) == [("review", 1, "script")]


def test_questions_in_sub_graphs_are_replayed():
    inner = graph_of(ask=asks("inside?")).compile()
    session = ran(graph_of(sub=inner, b=asks("B?")), {"sub/ask": 1, "b": 2})
    session.replay(until="sub/ask")
    assert [session.node_of(question) for question in session.pending()] == ["sub/ask"]


def test_an_answer_of_the_deadline_is_given_again():
    session = Session(graph_of(a=asks("A?", deadline=0.001, default="late")).compile(InMemorySaver()), "1")
    session.go({"topic": "tea"})
    while session.pending():
        session.go()
    assert told(session) == [("a", "late", "deadline")]
    session.replay()
    assert session.state().values["said"] == ["late"]


def test_no_deadline_passes_while_recorded_answers_are_given_again():
    patience = [60.0]

    def waits(state):
        time.sleep(0.02)  # the question beside it has expired long before this ends
        return {"said": ["waited"]}

    def ask(state):
        return {"said": [interrupt("A?", deadline=patience[0], default="late")]}

    graph = StateGraph(State).add_node("a", ask).add_node("b", waits).add_edge(START, "a").add_edge(START, "b")
    session = ran(graph, {"a": "in time"})
    patience[0] = 1e-6
    session.replay()
    assert session.state().values["said"] == ["in time", "waited"]


class Login(BaseModel):
    password: SecretStr


def test_a_secret_that_is_forgotten_is_asked_again():
    def login(state):
        given = interrupt("Password?", response_schema=Login)
        return {"said": [len(given.password.get_secret_value())]}

    session = ran(graph_of(a=login, b=asks("B?")), {"a": {"password": "hunter22"}, "b": 2})
    session.replay()
    assert session.state().values["said"] == [8, 2]
    VAULT.forget()
    assert session.replay().reason == "interrupted"
    assert [session.node_of(question) for question in session.pending()] == ["a"]


def test_a_thread_in_a_file_is_replayed_after_a_restart(tmp_path):
    graph = graph_of(a=asks("A?"), b=asks("B?"))
    with DuckDBSaver(tmp_path / "runs.duckdb") as saver:
        ran(graph, {"a": {"answer": {"x": [1]}}, "b": 2}, saver=saver)
    with DuckDBSaver(tmp_path / "runs.duckdb") as saver:
        session = Session(CompiledGraph(graph.describe(), saver), "1")
        assert session.replay(until="b").reason == "interrupted"
        assert session.state().values["said"] == [{"x": [1]}]
        rows = saver.sql("SELECT node, via FROM answers ORDER BY seq").rows
    assert [tuple(row) for row in rows] == [("a", "script"), ("b", "script"), ("a", "replay")]
