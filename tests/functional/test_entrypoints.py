"""What an entrypoint takes, returns, remembers and refuses; its state, its history, its place in other graphs."""

import asyncio
from typing import TypedDict

import pytest

from nbhitl import (
    END,
    START,
    Command,
    EmptyInputError,
    GraphError,
    InMemorySaver,
    NbhitlError,
    PendingInterruptError,
    StateGraph,
    entrypoint,
    interrupt,
    task,
)


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, {"result": 1}, [("a", 1)], "text"])
def test_any_value_is_a_result_and_is_remembered(saver, config, value):
    @entrypoint(checkpointer=saver)
    def main(given, *, previous="never filled in"):
        return value if given == "first" else [previous]

    assert main.invoke("first", config) == value
    assert main.get_state(config).values == value
    assert main.invoke("second", config) == [value]


@pytest.mark.parametrize("value", [False, 0, "", [], {}, {"input": 1}])
def test_any_value_but_none_is_an_input(saver, config, value):
    @entrypoint(checkpointer=saver)
    def main(given):
        return [given]

    assert main.invoke(value, config) == [value]


def test_none_is_no_input(config):
    @entrypoint(checkpointer=InMemorySaver())
    def main(given):
        return given

    with pytest.raises(EmptyInputError):
        main.invoke(None, config)


def test_previous_is_none_at_first_and_each_thread_has_its_own(saver):
    @entrypoint(checkpointer=saver)
    def count(n: int, *, previous: int | None = None) -> int:
        return n + (previous or 0)

    one, two = ({"configurable": {"thread_id": name}} for name in ("one", "two"))
    assert [count.invoke(n, one) for n in (1, 2, 3)] == [1, 3, 6]
    assert count.invoke(10, two) == 10


def test_what_is_saved_may_be_something_else_than_what_is_returned(saver, config):
    @entrypoint(checkpointer=saver)
    def main(n: int, *, previous: int | None) -> entrypoint.final[int, int]:
        return entrypoint.final(value=previous or 0, save=2 * n)

    assert [main.invoke(n, config) for n in (3, 1, 5)] == [0, 6, 2]


def test_without_a_checkpointer_nothing_is_remembered():
    @entrypoint()
    def main(n, *, previous=None):
        return previous

    assert [main.invoke(1), main.invoke(2)] == [None, None]


def test_new_input_does_not_throw_a_question_away(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        return interrupt(value)

    main.invoke("a", config)
    with pytest.raises(PendingInterruptError):
        main.invoke("b", config)
    assert main.invoke(Command(resume="yes"), config) == "yes"


def test_the_history_has_the_input_and_the_result_of_each_call(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        return value * 2

    main.invoke(1, config)
    main.invoke(2, config)
    found = [(one.metadata["source"], one.metadata["step"], one.values, one.next) for one in
             main.get_state_history(config)]  # fmt: skip
    assert found == [("loop", 2, 4, ()), ("input", 1, 2, ("main",)), ("loop", 0, 2, ()), ("input", -1, None, ("main",))]


def test_a_write_from_outside_counts_as_a_result(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value, *, previous=None):
        return [value, previous]

    main.invoke(1, config)
    main.update_state(config, {"edited": True})
    assert main.get_state(config).values == {"edited": True}
    assert main.invoke(2, config) == [2, {"edited": True}]


def test_a_write_from_outside_ends_an_entrypoint_that_waits_as_if_it_had_returned(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value, *, previous=None):
        return [value, interrupt("go on?"), previous]

    main.invoke(1, config)
    main.update_state(config, ["forced"])
    state = main.get_state(config)
    assert (state.values, state.next, state.interrupts) == (["forced"], (), ())
    main.invoke(2, config)
    assert main.invoke(Command(resume="yes"), config) == [2, "yes", ["forced"]]


def test_a_write_from_outside_begins_a_thread(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value, *, previous=None):
        return [value, previous]

    main.update_state(config, "before")
    state = main.get_state(config)
    assert (state.values, state.next) == ("before", ())
    assert main.invoke(1, config) == [1, "before"]


def test_an_entrypoint_calls_a_graph_and_another_entrypoint(saver, config):
    class State(TypedDict):
        n: int

    graph = StateGraph(State).add_node("ask", lambda state: {"n": state["n"] + interrupt("how much?")})
    asks = graph.add_edge(START, "ask").add_edge("ask", END).compile()

    @entrypoint()
    def doubled(n):
        return 2 * n

    @entrypoint(checkpointer=saver)
    def main(n):
        return doubled.invoke(asks.invoke({"n": n})["n"])

    main.invoke(1, config)
    assert main.invoke(Command(resume=4), config) == 10


def test_an_entrypoint_is_a_node_of_a_graph(saver, config):
    class State(TypedDict):
        n: int

    @entrypoint()
    def inner(state):
        return {"n": state["n"] + interrupt("how much?")}

    graph = StateGraph(State).add_node("inner", inner).add_edge(START, "inner").compile(checkpointer=saver)
    graph.invoke({"n": 1}, config)
    assert graph.invoke(Command(resume=2), config) == {"n": 3}


def test_a_sub_graph_in_a_task_asks(saver, config):
    class State(TypedDict):
        n: int

    graph = StateGraph(State).add_node("ask", lambda state: {"n": state["n"] + interrupt("how much?")})
    asks = graph.add_edge(START, "ask").add_edge("ask", END).compile()

    @task
    def work(n):
        return asks.invoke({"n": n})["n"]

    @entrypoint(checkpointer=saver)
    def main(n):
        return sorted(future.result() for future in [work(n), work(n + 10)])

    main.invoke(1, config)
    ids = [one.id for one in main.get_state(config).interrupts]
    assert len(ids) == 2
    assert main.invoke(Command(resume=dict.fromkeys(ids, 5)), config) == [6, 16]


def test_what_cannot_be_an_entrypoint_is_refused_with_the_cure():
    with pytest.raises(GraphError, match="takes no argument"):

        @entrypoint()
        def nothing():
            return 1

    with pytest.raises(GraphError, match="several values as a dict.*: config, runtime, store, writer, previous"):

        @entrypoint()
        def two(a, b):
            return 1

    with pytest.raises(GraphError, match="is a generator"):

        @entrypoint()
        def many(a):
            yield a

    with pytest.raises(GraphError, match="with parentheses"):

        @entrypoint
        def bare(a):
            return a

    with pytest.raises(GraphError, match="cannot be broken off"):

        @entrypoint(timeout=1)
        def slow(a):
            return a

    with pytest.raises(GraphError, match="stand in paths"):

        @entrypoint(name="a/b")
        def path(a):
            return a


def test_an_async_entrypoint_is_not_run_without_a_loop():
    @entrypoint()
    async def main(value):
        return value

    with pytest.raises(NbhitlError, match="ainvoke"):
        main.invoke(1)
    assert asyncio.run(main.ainvoke(1)) == 1


def test_a_finished_sub_entrypoint_is_not_run_again(saver, config, did):
    @task
    def work():
        did["work"] += 1

    @entrypoint()
    def inner(value):
        did["inner"] += 1
        work().result()
        return value

    @entrypoint(checkpointer=saver)
    def main(value):
        return [inner.invoke(value), interrupt("ok?")]

    main.invoke(1, config)
    assert main.invoke(Command(resume=2), config) == [1, 2]
    assert did == {"inner": 1, "work": 1}
