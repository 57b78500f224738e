"""A finished task is not run again: after an answer, a failure, a retry, an edit, on a fork and in a graph's node."""

import time
from typing import TypedDict

import pytest

from nbhitl import (
    START,
    Command,
    DuckDBSaver,
    InMemorySaver,
    StateGraph,
    TaskChanged,
    add_messages,
    entrypoint,
    interrupt,
    once,
    task,
)
from nbhitl.checkpoint.reading import Reader


def asking(saver, did):
    """An entrypoint with a task before each of two questions."""

    @task
    def work(name):
        did[name] += 1
        return name.upper()

    @entrypoint(checkpointer=saver)
    def main(value):
        first = work(f"{value} 1").result()
        a = interrupt({"first": first})
        second = work(f"{value} 2").result()
        b = interrupt({"second": second})
        return [first, a, second, b]

    return main


def test_a_task_that_finished_before_a_question_is_not_run_again_after_the_answer(saver, did, config):
    main = asking(saver, did)
    assert main.invoke("x", config)["__interrupt__"][0].value == {"first": "X 1"}
    assert main.invoke(Command(resume="a"), config)["__interrupt__"][0].value == {"second": "X 2"}
    assert main.invoke(Command(resume="b"), config) == ["X 1", "a", "X 2", "b"]
    assert did == {"x 1": 1, "x 2": 1}


def test_a_task_that_finished_before_a_failure_is_not_run_again(saver, did, config):
    @task
    def work():
        did["work"] += 1
        return "done"

    @entrypoint(checkpointer=saver)
    def main(value):
        found = work().result()
        did["main"] += 1
        if did["main"] == 1:
            raise ValueError("late")
        return found

    with pytest.raises(ValueError, match="late"):
        main.invoke(1, config)
    assert main.invoke(None, config) == "done"
    assert did == {"work": 1, "main": 2}


def test_a_task_that_failed_is_run_again_and_its_finished_sibling_is_not(saver, did, config):
    @task
    def work(name):
        did[name] += 1
        if name == "b" and did["b"] == 1:
            raise ConnectionError("not now")
        return name

    @entrypoint(checkpointer=saver)
    def main(value):
        return [future.result() for future in [work("a"), work("b")]]

    with pytest.raises(ConnectionError):
        main.invoke(1, config)
    assert main.invoke(None, config) == ["a", "b"]
    assert did == {"a": 1, "b": 2}


def test_new_input_on_the_same_thread_runs_its_tasks_anew(saver, did, config):
    @task
    def work():
        did["work"] += 1

    @entrypoint(checkpointer=saver)
    def main(value):
        work().result()

    main.invoke(1, config)
    main.invoke(1, config)
    assert did["work"] == 2


def test_a_task_in_a_node_of_a_graph_is_not_run_again(saver, did, config):
    class State(TypedDict, total=False):
        a: str

    @task
    def work():
        did["work"] += 1
        return "done"

    def node(state):
        found = work().result()
        return {"a": f"{found} {interrupt('ok?')}"}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(checkpointer=saver)
    graph.invoke({"a": ""}, config)
    assert graph.invoke(Command(resume="yes"), config) == {"a": "done yes"}
    assert did["work"] == 1


def test_a_fork_with_another_answer_keeps_what_was_done_before_the_question(saver, did, config):
    main = asking(saver, did)
    first = main.invoke("x", config)["__interrupt__"][0].id
    asked = main.get_state(config).config
    main.invoke(Command(resume="a"), config)
    main.invoke(Command(resume="b"), config)
    assert main.invoke(Command(resume={first: "other"}), asked)["__interrupt__"][0].value == {"second": "X 2"}
    assert main.invoke(Command(resume="b2"), config) == ["X 1", "other", "X 2", "b2"]
    assert did["x 1"] == 1


def test_after_another_answer_the_body_may_call_a_task_with_other_arguments(saver, did, config):
    @task
    def work(name):
        did[name] += 1
        return name

    @entrypoint(checkpointer=saver)
    def main(value):
        answer = interrupt("which?")
        found = work(answer).result()
        return [found, interrupt("sure?")]

    first = main.invoke(1, config)["__interrupt__"][0].id
    asked = main.get_state(config).config
    main.invoke(Command(resume="a"), config)
    main.invoke(Command(resume="yes"), config)
    main.invoke(Command(resume={first: "b"}), asked)
    assert main.invoke(Command(resume="no"), config) == ["b", "no"]
    assert did == {"a": 1, "b": 1}


def test_calls_in_another_order_find_their_results(saver, did, config):
    order = ["a", "b", "a"]

    @task
    def work(name):
        did[name] += 1
        return f"{name}{did[name]}"

    @entrypoint(checkpointer=saver)
    def main(value):
        found = sorted(work(name).result() for name in order)
        return [*found, interrupt("ok?")]

    main.invoke(1, config)
    order.reverse()
    order[0], order[1] = order[1], order[0]
    assert main.invoke(Command(resume=1), config) == ["a1", "a2", "b1", 1]
    assert did == {"a": 2, "b": 1}


def test_a_call_whose_arguments_change_from_run_to_run_is_an_error_and_does_nothing(saver, did, config):
    @task
    def pay(at):
        did["pay"] += 1
        return at

    @entrypoint(checkpointer=saver)
    def main(value):
        pay(time.monotonic_ns()).result()
        return interrupt("ok?")

    main.invoke(1, config)
    with pytest.raises(TaskChanged, match="put that into a task of its own"):
        main.invoke(Command(resume=1), config)
    assert did["pay"] == 1


def test_what_changes_may_stand_in_a_task_of_its_own(saver, did, config):
    @task
    def now():
        return time.monotonic_ns()

    @task
    def pay(at):
        did["pay"] += 1
        return at

    @entrypoint(checkpointer=saver)
    def main(value):
        paid = pay(now().result()).result()
        return [paid, interrupt("ok?")]

    main.invoke(1, config)
    assert main.invoke(Command(resume=1), config)[1] == 1
    assert did["pay"] == 1


def test_messages_that_get_new_ids_in_the_body_are_the_same_arguments(saver, did, config):
    @task
    def model(messages):
        did["model"] += 1
        return {"role": "assistant", "content": f"{len(messages)} messages"}

    @entrypoint(checkpointer=saver)
    def chat(messages, *, previous=None):
        messages = add_messages(previous or [], messages)
        said = model(messages).result()
        return entrypoint.final(value=[said["content"], interrupt("ok?")], save=add_messages(messages, said))

    chat.invoke([{"role": "user", "content": "hi"}], config)
    assert chat.invoke(Command(resume="yes"), config) == ["1 messages", "yes"]
    assert did["model"] == 1


def test_after_an_edit_of_the_code_another_call_is_a_new_one(config, did):
    saver, seen = InMemorySaver(), []

    def build(extra):
        @task
        def work(name):
            did[name] += 1
            return name

        if extra:

            @entrypoint(checkpointer=saver)
            def main(value):
                return [work("new").result(), work("a").result(), interrupt("ok?")]
        else:

            @entrypoint(checkpointer=saver)
            def main(value):
                return [work("a").result(), interrupt("ok?")]

        seen.append(main)
        return main

    build(extra=False).invoke(1, config)
    assert build(extra=True).invoke(Command(resume="yes"), config) == ["new", "a", "yes"]
    assert did == {"a": 1, "new": 1}


def test_a_task_keeps_what_it_did_once(saver, did, config):
    def send():
        did["send"] += 1
        return "sent"

    @task
    def work():
        found = once("send", send)
        return [found, interrupt("ok?")]

    @entrypoint(checkpointer=saver)
    def main(value):
        return work().result()

    main.invoke(1, config)
    assert main.invoke(Command(resume=1), config) == ["sent", 1]
    assert did["send"] == 1


def test_a_task_in_a_task_is_not_run_again(saver, did, config):
    @task
    def inner(n):
        did[n] += 1
        return n

    @task
    def outer():
        return [inner(1).result(), interrupt("ok?"), inner(2).result()]

    @entrypoint(checkpointer=saver)
    def main(value):
        return outer().result()

    main.invoke(1, config)
    assert main.invoke(Command(resume="yes"), config) == [1, "yes", 2]
    assert did == {1: 1, 2: 1}


def test_arguments_need_not_be_storable(saver, config):
    @task
    def call(function):
        return function()

    @entrypoint(checkpointer=saver)
    def main(value):
        return [call(lambda: value).result(), interrupt("ok?")]

    main.invoke(7, config)
    assert main.invoke(Command(resume=1), config) == [7, 1]


def test_a_result_that_the_next_process_cannot_read_is_refused_by_a_file(tmp_path, config):
    from nbhitl import DuckDBSaver, UnstorableValueError

    @task
    def connect():
        return lambda: None

    with DuckDBSaver(str(tmp_path / "runs.duckdb")) as saver:

        @entrypoint(checkpointer=saver)
        def main(value):
            return connect().result()()

        with pytest.raises(UnstorableValueError):
            main.invoke(1, config)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_it_is_so_at_every_durability(saver, did, config, durability):
    main = asking(saver, did)
    main.invoke("x", config, durability=durability)
    main.invoke(Command(resume="a"), config, durability=durability)
    assert main.invoke(Command(resume="b"), config, durability=durability) == ["X 1", "a", "X 2", "b"]
    assert did == {"x 1": 1, "x 2": 1}


def test_a_body_that_called_many_tasks_reads_none_of_their_lines_from_the_file_when_it_runs_again(
    tmp_path, did, config, monkeypatch
):
    many = 300

    @task
    def work(n):
        did[n] += 1
        return n

    with DuckDBSaver(tmp_path / "runs.duckdb") as saver:

        @entrypoint(checkpointer=saver)
        def main(value):
            found = [future.result() for future in [work(n) for n in range(many)]]
            return sum(found) + interrupt("more?")

        main.invoke("x", config)
        read = []
        points = Reader.points
        monkeypatch.setattr(
            Reader, "points", lambda self, key, **which: [read.append(key), points(self, key, **which)][1]
        )
        assert main.invoke(Command(resume=1), config) == sum(range(many)) + 1
    assert read == []
    assert set(did.values()) == {1}


def test_what_a_body_does_to_a_result_is_not_kept(saver):
    @task
    def listed():
        return [1, {"of": [2]}]

    @entrypoint(checkpointer=saver)
    def changes(_):
        found, once_found = listed().result(), once("list", lambda: [1])
        found.append(3)
        found[1]["of"].append(4)
        once_found.append(2)
        return interrupt("?"), found, once_found

    thread = {"configurable": {"thread_id": "1"}}
    changes.invoke(0, thread)
    assert changes.invoke(Command(resume="ok"), thread) == ("ok", [1, {"of": [2, 4]}, 3], [1, 2])
