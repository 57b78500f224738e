"""The same of streams, tasks, policies and stores: what random comparison leaves out, on both, theirs first."""

import operator
from dataclasses import dataclass
from typing import Annotated

import pytest

pytest.importorskip("langgraph")
from tests.differential.small import CONFIG, State, asks, each, error, fails, graph, inner, log, writes

# -- streams


def chunks(made, input, **more):
    return list(made.stream(input, CONFIG, **more))


def test_a_sub_graph_streams_instances_of_its_own_state():
    @dataclass
    class Outer:
        log: Annotated[list, operator.add]

    def play(m):
        outer = m.StateGraph(Outer)
        outer.add_node("a", inner(m, writes("s"), None))
        outer.add_edge("__start__", "a")
        made = outer.compile(checkpointer=m.Saver())
        told = chunks(made, {"log": []}, stream_mode="values", subgraphs=True, version="v2")
        return {(len(chunk["ns"]), type(chunk["data"]).__name__) for chunk in told}

    assert each(play) == [{(0, "Outer"), (1, "Outer")}, {(0, "Outer"), (1, "dict")}]


def test_what_finished_siblings_wrote_is_in_the_values_with_which_a_run_goes_on():
    def play(m):
        made = graph(m, {"a": asks(m), "b": writes("b")}, [("__start__", "a"), ("__start__", "b")])
        made.invoke({"log": ["in"]}, CONFIG)
        return chunks(made, m.Command(resume="yes"), stream_mode="values")[0]["log"]

    assert each(play) == [["in"], ["in", "b"]]


def test_what_finished_siblings_wrote_is_not_told_again():
    def play(m):
        made = graph(m, {"a": asks(m), "b": writes("b")}, [("__start__", "a"), ("__start__", "b")])
        made.invoke({"log": ["in"]}, CONFIG)
        return [next(iter(chunk)) for chunk in chunks(made, m.Command(resume="yes"), stream_mode="updates")]

    assert each(play) == [["b", "a"], ["a"]]


# -- tasks and policies


def tried(m, attempts):
    return m.RetryPolicy(initial_interval=0, jitter=False, max_attempts=attempts, retry_on=ValueError)


def entered(m, calls, *, attempts, fails_first):
    """An entrypoint that calls a task, and what its body and the task note of it."""

    @m.task
    def step():
        calls.append("task")
        if fails_first == "task" and calls.count("task") == 1:
            raise ValueError

    @m.entrypoint(checkpointer=m.Saver(), retry_policy=tried(m, attempts))
    def body(given):
        calls.append("body")
        step().result()
        if fails_first == "body" and calls.count("body") == 1:
            raise ValueError

    body.invoke(1, CONFIG)
    return calls


def test_a_task_without_a_policy_does_not_have_that_of_its_entrypoint():
    def play(m):
        return entered(m, [], attempts=2, fails_first="task")

    assert each(play) == [["body", "task", "task"], ["body", "task", "body", "task"]]


def test_a_task_that_has_ended_is_not_called_again_when_its_caller_is_tried_again():
    def play(m):
        return entered(m, [], attempts=2, fails_first="body")

    assert each(play) == [["body", "task", "body", "task"], ["body", "task", "body"]]


def test_several_tasks_ask_at_once():
    def play(m):
        @m.task
        def ask(question):
            return m.interrupt(question)

        @m.entrypoint(checkpointer=m.Saver())
        def body(given):
            return [future.result() for future in [ask("one?"), ask("two?")]]

        return [question.value for question in body.invoke(1, CONFIG)["__interrupt__"]]

    assert each(play) == [["one?"], ["one?", "two?"]]


def test_a_result_that_a_person_had_a_part_in_is_not_taken_from_the_cache():
    def play(m):
        made = m.StateGraph(State)
        made.add_node("a", asks(m), cache_policy=m.CachePolicy())
        made.add_edge("__start__", "a")
        made = made.compile(checkpointer=m.Saver(), cache=m.InMemoryCache())
        for thread in "12":
            config = {"configurable": {"thread_id": thread}}
            made.invoke({"log": ["in"]}, config)
            if made.get_state(config).next:
                made.invoke(m.Command(resume=thread), config)
        return made.get_state(config).values["log"]

    assert each(play) == [["in", "1"], ["in", "2"]]


def handled(m, handler, sibling, calls):
    """A node that fails, with an error handler, beside another node."""

    def bad(state):
        calls.append("bad")
        raise ValueError

    def handle(state):
        calls.append("handler")
        return handler(state)

    made = m.StateGraph(State)
    made.add_node("bad", bad, error_handler=handle)
    made.add_node("sibling", sibling)
    made.add_edge("__start__", "bad")
    made.add_edge("__start__", "sibling")
    return made.compile(checkpointer=m.Saver())


def test_what_an_error_handler_did_beside_a_question_is_kept():
    def play(m):
        calls = []
        made = handled(m, writes("handled"), asks(m), calls)
        made.invoke({"log": ["in"]}, CONFIG)
        seen = log(made)
        made.invoke(m.Command(resume="yes"), CONFIG)
        return seen, calls

    assert each(play) == [
        (["in"], ["bad", "handler", "handler"]),
        (["in", "handled"], ["bad", "handler"]),
    ]


def test_a_question_of_an_error_handler_is_in_sight():
    def play(m):
        made = handled(m, asks(m), writes("sibling"), [])
        made.invoke({"log": ["in"]}, CONFIG)
        return [i.value for task in made.get_state(CONFIG).tasks for i in task.interrupts]

    assert each(play) == [[], ["sure?"]]


def test_a_node_whose_error_handler_failed_is_called_again():
    def play(m):
        calls = []
        made = handled(m, fails, writes("sibling"), calls)
        error(made.invoke, {"log": ["in"]}, CONFIG)
        error(made.invoke, None, CONFIG)
        return calls

    assert each(play) == [["bad", "handler", "handler"], ["bad", "handler", "bad", "handler"]]


# -- stores


def test_a_namespace_that_was_only_looked_into_is_not_listed():
    def play(m):
        store = m.InMemoryStore()
        store.get(("a",), "k")
        return store.list_namespaces()

    assert each(play) == [[("a",)], []]


def test_a_comparison_leaves_out_what_lacks_the_key():
    def play(m):
        store = m.InMemoryStore()
        store.put(("a",), "k", {})
        return error(store.search, ("a",), filter={"n": {"$gt": 1}})

    assert each(play) == ["TypeError", []]
