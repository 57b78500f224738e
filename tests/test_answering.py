"""`nbhitl.answering`: graphs that ask are answered by rules and go on by themselves, whichever way they are called."""

import asyncio
import contextvars
import operator
import threading
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, TypedDict

import pytest
from pydantic import BaseModel

import nbhitl
from nbhitl import (
    END,
    START,
    AnswerRefused,
    EndlessQuestions,
    GraphRecursionError,
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


class State(TypedDict, total=False):
    said: Annotated[list, operator.add]
    draft: str
    n: int


class Review(BaseModel):
    """Publish this draft?"""

    decision: str
    notes: str = ""


def config(thread="1", **more):
    return {"configurable": {"thread_id": thread}, **more}


def chain(*functions, saver=None, state=State):
    graph = StateGraph(state)
    for function in functions:
        graph.add_node(function.__name__, function)
    graph.add_edge(START, functions[0].__name__)
    for first, second in pairwise(functions):
        graph.add_edge(first.__name__, second.__name__)
    graph.add_edge(functions[-1].__name__, END)
    return graph.compile(saver or InMemorySaver())


def asks(name, **options):
    def ask(state):
        return {"said": [(name, interrupt(f"{name}?", **options))]}

    ask.__name__ = name
    return ask


def answers_of(app, thread="1"):
    return [(node, answered.value, answered.via) for node, _, answered in Session(app, thread).answers()]


# -- every way to call a graph


def test_invoke_returns_what_the_graph_ends_with():
    app = chain(asks("first"), asks("second"))
    with answering({"first": 1, "second": 2}):
        assert app.invoke({}, config()) == {"said": [("first", 1), ("second", 2)]}
    assert answers_of(app) == [("first", 1, "script"), ("second", 2, "script")]


def test_stream_goes_on_behind_the_question():
    app = chain(asks("first"), asks("second"))
    with answering({"*": 0}):
        chunks = list(app.stream({}, config()))
    assert [next(iter(chunk)) for chunk in chunks] == ["__interrupt__", "first", "__interrupt__", "second"]


def test_the_modes_of_a_stream_are_those_of_the_whole_call():
    app = chain(asks("first"), asks("second"))
    with answering({"*": 0}):
        assert app.invoke({}, config(), stream_mode=["updates"])[-1] == (
            "updates",
            {"second": {"said": [("second", 0)]}},
        )
        assert app.invoke({}, config("2"), output_keys="said") == [("first", 0), ("second", 0)]


def test_the_async_twins_go_on_as_well():
    async def later(state):
        await asyncio.sleep(0)
        return {"said": [interrupt("later?")]}

    app = chain(later, asks("second"))

    async def both():
        with answering({"later": 1, "second": 2}):
            ended = await app.ainvoke({}, config())
            chunks = [chunk async for chunk in app.astream({}, config("2"))]
        return ended, chunks

    ended, chunks = asyncio.run(both())
    assert ended == {"said": [1, ("second", 2)]}
    assert chunks[-1] == {"second": {"said": [("second", 2)]}}


def test_side_by_side_calls_of_one_context_keep_their_own_places():
    app = chain(asks("first"), asks("second"))

    async def both():
        with answering({"first": {"in_order": [1]}, "second": {"in_order": [2]}}):
            return await asyncio.gather(*(app.ainvoke({}, config(str(n))) for n in range(5)))

    assert asyncio.run(both()) == [{"said": [("first", 1), ("second", 2)]}] * 5


def test_a_session_goes_on_too():
    app = chain(asks("first"), asks("second"))
    heard = []
    with answering({"first": 1, "second": 2}):
        stopped = Session(app, "1", lambda session, event: heard.append(type(event).__name__)).go({})
    assert stopped.reason == "finished"
    assert heard.count("Stopped") == 3


def test_a_thread_that_waits_is_taken_up():
    app = chain(asks("first"), asks("second"))
    app.invoke({}, config())
    with answering({"first": 1, "second": 2}):
        assert app.invoke(None, config()) == {"said": [("first", 1), ("second", 2)]}


def test_several_questions_at_once_are_answered_together():
    graph = StateGraph(State)
    graph.add_node("each", lambda state: {"said": [(state["n"], interrupt({"n": state["n"]}))]})
    graph.add_node("after", lambda state: {"draft": "done"})
    graph.add_conditional_edges(START, lambda state: [Send("each", {"n": n}) for n in range(3)], ["each"])
    graph.add_edge("each", "after")
    app = graph.compile(InMemorySaver())
    with answering({"each": lambda question: question["n"] * 10}):
        assert app.invoke({}, config()) == {"said": [(0, 0), (1, 10), (2, 20)], "draft": "done"}


def test_questions_of_sub_graphs_are_known_by_path_or_by_name():
    inner = StateGraph(State).add_node("ask", asks("ask")).add_edge(START, "ask").add_edge("ask", END).compile()
    deep = StateGraph(State).add_node("in_it", inner).add_edge(START, "in_it").add_edge("in_it", END).compile()
    outer = StateGraph(State).add_node("a", inner).add_node("b", deep).add_edge(START, "a").add_edge("a", "b")
    app = outer.add_edge("b", END).compile(InMemorySaver())
    for rules in ({"a/ask": 1, "b/in_it/ask": 2}, {"ask": {"in_order": [1, 2]}}, {"a": 1, "b": 2}, {"a": 1, "*": 2}):
        with answering(rules):
            found = app.invoke({}, config(str(rules)))
        assert [value for _, value in found["said"]][-1] == 2, rules


def test_a_graph_with_a_checkpointer_of_its_own_is_answered_inside_a_node():
    inner = chain(asks("ask"))

    def call(state):
        return {"said": inner.invoke({}, config("inner"))["said"]}

    with answering({"ask": 1}):
        assert chain(call).invoke({}, config("outer")) == {"said": [("ask", 1)]}


def test_an_answer_is_made_what_the_schema_says():
    app = chain(asks("ask", response_schema=Review))
    for given in ({"decision": "yes"}, Review(decision="yes")):
        with answering({"ask": {"answer": given}}):
            (said,) = app.invoke({}, config(str(given)))["said"]
        assert said == ("ask", Review(decision="yes"))


def test_the_forms_defaults_can_be_taken():
    class Tone(BaseModel):
        tone: str = "dry"

    app = chain(asks("ask", response_schema=Tone))
    with answering({"ask": {"default": True}}):
        assert app.invoke({}, config()) == {"said": [("ask", Tone(tone="dry"))]}


def test_a_question_that_has_expired_meanwhile_takes_its_default():
    app = chain(asks("ask", deadline=60, default="late"))
    asked_at = app.calls.world.clock.now()

    class AnHourLater:
        def now(self):
            return asked_at + 3_600_000_000

    def slow(question):
        return "too late"

    app.invoke({}, config())
    app.calls = replace(app.calls, world=replace(app.calls.world, clock=AnHourLater()))
    with answering({"ask": slow}, strict=False):
        assert app.invoke(None, config()) == {"said": [("ask", "late")]}


def test_breakpoints_still_stop():
    app = chain(asks("first"), asks("second"))
    with answering({"first": 1, "second": 2}):
        stopped = app.invoke({}, config(), interrupt_before=["second"])
        assert stopped == {"said": [("first", 1)]}
        assert app.get_state(config()).next == ("second",)
        app.invoke(None, config())


def test_going_back_in_time_goes_on_on_the_new_branch():
    app = chain(asks("first"), asks("second"))
    with answering({"first": 1, "second": {"in_order": [2, 4]}}):
        app.invoke({}, config())
        first = next(found for found in app.get_state_history(config()) if found.next == ("first",))
        found = app.invoke(nbhitl.Command(resume=3), first.config)
    assert found == {"said": [("first", 3), ("second", 4)]}


# -- what is missing, and what is left


def test_a_question_without_a_rule_is_an_error_that_names_the_node():
    app = chain(asks("review"))
    with (
        pytest.raises(
            UnansweredQuestion, match="there is no answer for node 'review': 'review\\?'. Did you mean 'reveiw'"
        ),
        answering({"reveiw": 1}),
    ):
        app.invoke({}, config())
    assert app.get_state(config()).next == ("review",)
    assert app.invoke(nbhitl.Command(resume=1), config()) == {"said": [("review", 1)]}


def test_an_error_that_was_caught_inside_is_raised_at_the_end():
    app = chain(asks("review"))
    with pytest.raises(UnansweredQuestion, match="node 'review'"), answering({}), pytest.raises(UnansweredQuestion):
        app.invoke({}, config())


def test_leftover_answers_are_errors_that_name_them():
    app = chain(asks("first"))
    words = "the rule for node 'secnd' was never used. There is no node 'secnd'"
    with pytest.raises(LeftoverAnswers, match=words), answering({"first": 1, "secnd": 2}):
        app.invoke({}, config())
    words = r"node 'first' has 1 of 2 answers used on thread '2'; the next one is 'b'"
    with pytest.raises(LeftoverAnswers, match=words), answering({"first": {"in_order": ["a", "b"]}}):
        app.invoke({}, config("2"))


def test_an_error_inside_is_not_hidden_by_leftovers():
    def fails(state):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), answering({"never": 1}):
        chain(fails).invoke({}, config())


def test_without_strict_the_run_pauses_where_nobody_has_an_answer():
    app = chain(asks("first"), asks("second"))
    with answering({"first": 1, "third": 3}, strict=False):
        found = app.invoke({}, config())
    assert [question.value for question in found["__interrupt__"]] == ["second?"]


def test_a_pause_can_be_asked_for():
    app = chain(asks("first"), asks("second"))
    with answering({"first": 1, "second": {"pause": True}}):
        assert "__interrupt__" in app.invoke({}, config())


def test_an_answer_that_does_not_fit_is_refused_with_its_node_and_rule():
    app = chain(asks("ask", response_schema=Review))
    with pytest.raises(AnswerRefused, match="notes") as caught, answering({"ask": {"decision": "yes", "notes": 3}}):
        app.invoke({}, config())
    assert caught.value.__notes__ == ["in node 'ask', answered by the rule for node 'ask' of answering"]
    assert answers_of(app) == []


def test_of_several_answers_none_is_recorded_when_one_does_not_fit():
    graph = StateGraph(State)
    for name in ("a", "b"):
        graph.add_node(name, asks(name, response_schema=int)).add_edge(START, name).add_edge(name, END)
    app = graph.compile(InMemorySaver())
    with pytest.raises(AnswerRefused), answering({"a": 1, "b": "one"}):
        app.invoke({}, config())
    assert answers_of(app) == []


def test_a_node_that_asks_until_it_likes_the_answer_does_not_ask_for_ever():
    def until(state):
        number = 0
        while interrupt("Are you sure?", key=f"try {number}") != "yes":
            number += 1
        return {}

    words = "node 'until' .* was asked 100 times, and was answered 'no' each time"
    with pytest.raises(EndlessQuestions, match=words), answering({"until": "no"}):
        chain(until).invoke({}, config())


def test_a_loop_of_steps_ends_at_the_recursion_limit_of_the_one_call():
    graph = StateGraph(State).add_node("ask", asks("ask"))
    graph.add_edge(START, "ask").add_conditional_edges("ask", lambda state: "ask", ["ask"])
    app = graph.compile(InMemorySaver())
    with pytest.raises(GraphRecursionError), answering({"ask": "again"}):
        app.invoke({}, config(recursion_limit=20))
    assert len(app.get_state(config()).values["said"]) == 20


# -- from when to when


def test_outside_nobody_is_answered():
    app = chain(asks("first"))
    with answering({"first": 1}):
        app.invoke({}, config())
    assert "__interrupt__" in app.invoke({}, config("2"))


def test_the_innermost_one_answers():
    app = chain(asks("first"))
    with answering({"first": 1}):
        with answering({"first": 2}):
            assert app.invoke({}, config())["said"] == [("first", 2)]
        assert app.invoke({}, config("2"))["said"] == [("first", 1)]


def test_another_thread_is_answered_with_the_context_only():
    app = chain(asks("first"))
    found = {}
    with answering({"first": 1}):
        context = contextvars.copy_context()
        plain = threading.Thread(target=lambda: found.update(plain=app.invoke({}, config("plain"))))
        inside = threading.Thread(
            target=context.run, args=(lambda: found.update(inside=app.invoke({}, config("inside"))),)
        )
        for thread in (plain, inside):
            thread.start()
            thread.join(20)
    assert "__interrupt__" in found["plain"]
    assert found["inside"] == {"said": [("first", 1)]}


def test_one_answering_is_used_once_at_a_time():
    one = answering({"*": 1})
    with one, pytest.raises(NbhitlError, match="is at work already"):
        one.begin()


def test_a_run_that_was_asked_to_stop_is_not_answered():
    control = nbhitl.RunControl()

    def stop(state):
        control.request_drain()
        return {"said": [interrupt("go on?")]}

    app = chain(stop)
    with answering({"stop": 1}, strict=False):
        app.invoke({}, config(), control=control)
    assert app.get_state(config()).next == ("stop",)


@dataclass
class Pair:
    left: int
    right: int


def test_answers_of_other_kinds_of_schema_fit_as_well():
    app = chain(asks("pair", response_schema=Pair), asks("any"))
    with answering({"pair": {"left": 1, "right": 2}, "any": {"answer": {"in_order": [1]}}}):
        assert app.invoke({}, config())["said"] == [("pair", Pair(1, 2)), ("any", {"in_order": [1]})]


def test_a_graph_that_asks_nothing_is_left_alone():
    def quiet(state):
        return {"n": 1}

    with answering({"*": 1}):
        assert chain(quiet).invoke({}, config()) == {"said": [], "n": 1}
