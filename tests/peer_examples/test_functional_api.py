"""LangGraph's pages "Functional API": entrypoints, tasks, memory, what is repeated and what is not, pitfalls."""

import itertools
import random
from typing import Any, TypedDict

import pytest


def essays(lg, written=None):
    """A workflow that writes an essay in a task and asks a person to review it."""
    written = [] if written is None else written

    @lg.task
    def write_essay(topic: str) -> str:
        """Write an essay about the given topic."""
        written.append(topic)
        return f"An essay about topic: {topic}"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(topic: str) -> dict:
        """Write an essay and ask for a review."""
        essay = write_essay(topic).result()
        is_approved = lg.interrupt({"essay": essay, "action": "Please approve/reject the essay"})
        return {"essay": essay, "is_approved": is_approved}

    return workflow


ESSAY = "An essay about topic: cat"


# -- the first example


def test_an_entrypoint_is_a_function_that_is_invoked(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(name: str) -> str:
        return f"Hello, {name}"

    assert my_workflow.invoke("Alice", lg.thread()) == "Hello, Alice"


def test_an_entrypoint_may_be_async(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def my_workflow(name: str) -> str:
        return f"Hello, {name}"

    assert lg.run(my_workflow.ainvoke("Alice", lg.thread())) == "Hello, Alice"


def test_an_entrypoint_needs_no_checkpointer(lg):
    @lg.entrypoint()
    def my_workflow(name: str) -> str:
        return f"Hello, {name}"

    assert my_workflow.invoke("Alice") == "Hello, Alice"


def test_a_workflow_pauses_for_a_review_and_shows_the_essay(lg):
    workflow, config = essays(lg), lg.thread()
    result = workflow.invoke("cat", config)
    assert lg.asked(result) == [{"essay": ESSAY, "action": "Please approve/reject the essay"}]
    assert lg.pending(workflow, config) == lg.asked(result)


def test_the_review_is_the_answer_and_the_essay_is_not_written_again(lg):
    written = []
    workflow, config = essays(lg, written), lg.thread()
    workflow.invoke("cat", config)
    assert workflow.invoke(lg.Command(resume=True), config) == {"essay": ESSAY, "is_approved": True}
    assert written == ["cat"]


def test_a_stream_shows_the_task_then_the_question_then_the_workflow(lg):
    workflow, config = essays(lg), lg.thread()
    task, question = workflow.stream("cat", config)
    assert task == {"write_essay": ESSAY}
    assert lg.asked(question) == [{"essay": ESSAY, "action": "Please approve/reject the essay"}]
    *_, last = workflow.stream(lg.Command(resume=True), config)
    assert last == {"workflow": {"essay": ESSAY, "is_approved": True}}


def test_async_calls_pause_and_go_on_too(lg):
    workflow, config = essays(lg), lg.thread()

    async def example():
        asked = lg.asked(await workflow.ainvoke("cat", config))
        return asked, await workflow.ainvoke(lg.Command(resume="no"), config)

    asked, result = lg.run(example())
    assert [one["essay"] for one in asked] == [ESSAY]
    assert result == {"essay": ESSAY, "is_approved": "no"}


def test_async_streams_too(lg):
    workflow, config = essays(lg), lg.thread()
    task, _ = lg.gathered(workflow.astream("cat", config))
    assert task == {"write_essay": ESSAY}
    assert lg.gathered(workflow.astream(lg.Command(resume=1), config))[-1] == {
        "workflow": {"essay": ESSAY, "is_approved": 1}
    }


# -- entrypoints


@pytest.mark.parametrize("value", [1, "text", None, [1, 2], {"a": {"b": None}}, True, 0, ""])
def test_any_plain_value_can_be_returned(lg, value):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(inputs: dict):
        return value

    config = lg.thread()
    assert workflow.invoke({"any": "input"}, config) == value
    assert workflow.get_state(config).values == value


@pytest.mark.parametrize("value", [1, "text", [1, 2], {"a": {"b": None}}, True, 0, "", False])
def test_any_plain_value_can_be_the_input(lg, value):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(inputs):
        return [inputs]

    assert workflow.invoke(value, lg.thread()) == [value]


def test_several_inputs_are_given_as_a_dict(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(inputs: dict) -> int:
        return inputs["value"] + inputs["another_value"]

    assert my_workflow.invoke({"value": 1, "another_value": 2}, lg.thread()) == 3


def test_parameters_are_injected_by_their_name(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver(), store=lg.InMemoryStore())
    def my_workflow(
        some_input: dict,
        *,
        previous: Any = None,
        store: lg.BaseStore,
        writer: lg.StreamWriter,
        config,
    ):
        writer("said")
        store.put(("facts",), "1", {"fact": some_input["x"]})
        return {
            "previous": previous,
            "fact": store.get(("facts",), "1").value,
            "thread_id": config["configurable"]["thread_id"],
        }

    config = lg.thread()
    result = {"previous": None, "fact": {"fact": 1}, "thread_id": config["configurable"]["thread_id"]}
    assert list(my_workflow.stream({"x": 1}, config, stream_mode=["custom", "updates"])) == [
        ("custom", "said"),
        ("updates", {"my_workflow": result}),
    ]


def test_the_runtime_can_be_a_parameter(lg):
    class Context(TypedDict):
        user: str

    @lg.entrypoint(checkpointer=lg.InMemorySaver(), store=lg.InMemoryStore(), context_schema=Context)
    def my_workflow(some_input: dict, *, runtime: lg.Runtime[Context]):
        runtime.store.put((runtime.context["user"],), "1", some_input)
        runtime.stream_writer("written")
        return [item.value for item in runtime.store.search((runtime.context["user"],))]

    assert my_workflow.invoke({"x": 1}, lg.thread(), context={"user": "Ada"}) == [{"x": 1}]


def test_the_state_of_a_paused_workflow_can_be_looked_at(lg):
    workflow, config = essays(lg), lg.thread()
    workflow.invoke("cat", config)
    state = workflow.get_state(config)
    assert state.next == ("workflow",)
    assert state.interrupts[0].value["essay"] == ESSAY
    workflow.invoke(lg.Command(resume=True), config)
    state = workflow.get_state(config)
    assert state.next == ()
    assert state.values == {"essay": ESSAY, "is_approved": True}


# -- short-term memory


def test_previous_is_what_was_returned_last_time_on_the_thread(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(number: int, *, previous: Any = None) -> int:
        return number + (previous or 0)

    config = lg.thread()
    assert my_workflow.invoke(1, config) == 1
    assert my_workflow.invoke(2, config) == 3
    assert my_workflow.invoke(2, lg.thread()) == 2


def test_final_parts_what_is_returned_from_what_is_saved(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(number: int, *, previous: Any = None) -> lg.entrypoint.final[int, int]:
        return lg.entrypoint.final(value=previous or 0, save=2 * number)

    config = lg.thread()
    assert my_workflow.invoke(3, config) == 0
    assert my_workflow.invoke(1, config) == 6
    assert my_workflow.get_state(config).values == 6
    assert my_workflow.invoke(0, config) == 2


# -- tasks


def test_a_task_returns_a_future(lg):
    @lg.task()
    def slow_computation(input_value):
        return input_value * 2

    seen = []

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(some_input: int) -> int:
        future = slow_computation(some_input)
        seen.append(hasattr(future, "result"))
        return future.result()

    assert my_workflow.invoke(3, lg.thread()) == 6
    assert seen == [True]


def test_a_task_can_be_awaited(lg):
    @lg.task
    async def slow_computation(input_value):
        return input_value * 2

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def my_workflow(some_input: int) -> int:
        return await slow_computation(some_input)

    assert lg.run(my_workflow.ainvoke(3, lg.thread())) == 6


def test_a_sync_task_can_be_awaited_in_an_async_entrypoint(lg):
    @lg.task
    def slow_computation(input_value):
        return input_value * 2

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def my_workflow(some_input: int) -> int:
        return await slow_computation(some_input)

    assert lg.run(my_workflow.ainvoke(3, lg.thread())) == 6


def test_a_task_cannot_be_called_from_outside(lg):
    @lg.task
    def slow_computation(input_value):
        return input_value * 2

    with pytest.raises(lg.NbhitlError if lg.ours else RuntimeError):
        slow_computation(1).result()


def test_a_task_takes_positional_and_keyword_arguments(lg):
    @lg.task
    def greet(greeting, *names, mark="."):
        return f"{greeting} {' and '.join(names)}{mark}"

    @lg.entrypoint()
    def my_workflow(mark):
        return greet("Hello", "Ada", "Bo", mark=mark).result()

    assert my_workflow.invoke("!") == "Hello Ada and Bo!"


def test_a_task_can_have_a_name(lg):
    @lg.task(name="doubling")
    def slow_computation(input_value):
        return input_value * 2

    @lg.entrypoint()
    def my_workflow(some_input):
        return slow_computation(some_input).result()

    assert list(my_workflow.stream(2, stream_mode="updates")) == [{"doubling": 4}, {"my_workflow": 4}]


def test_a_task_may_call_a_task(lg):
    @lg.task
    def add_one(number):
        return number + 1

    @lg.task
    def add_two(number):
        return add_one(add_one(number).result()).result()

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(number):
        return add_two(number).result()

    assert my_workflow.invoke(1, lg.thread()) == 3


def test_a_task_can_be_called_in_a_node_of_a_graph(lg):
    class State(TypedDict, total=False):
        number: int

    @lg.task
    def add_one(number):
        return number + 1

    graph = (
        lg.StateGraph(State)
        .add_node("add", lambda state: {"number": add_one(state["number"]).result()})
        .add_edge(lg.START, "add")
        .compile(checkpointer=lg.InMemorySaver())
    )
    assert graph.invoke({"number": 1}, lg.thread()) == {"number": 2}


def test_an_error_of_a_task_is_raised_by_its_result(lg):
    @lg.task
    def fails():
        raise ValueError("Failure")

    caught = []

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def careful(inputs):
        try:
            fails().result()
        except ValueError as error:
            caught.append(str(error))
            raise

    with pytest.raises(ValueError, match="Failure"):
        careful.invoke("x", lg.thread())
    assert caught == ["Failure"]


# -- what happens again on resume, and what does not


def test_an_effect_in_the_body_happens_again_on_resume(lg, tmp_path):
    output = tmp_path / "output.txt"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(inputs: dict):
        with output.open("a") as file:
            file.write("Side effect executed\n")
        return lg.interrupt("question")

    config = lg.thread()
    my_workflow.invoke({}, config)
    assert my_workflow.invoke(lg.Command(resume=1), config) == 1
    assert output.read_text().count("\n") == 2


def test_an_effect_in_a_task_happens_once(lg, tmp_path):
    output = tmp_path / "output.txt"

    @lg.task
    def write_to_file():
        with output.open("a") as file:
            file.write("Side effect executed\n")

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(inputs: dict):
        write_to_file().result()
        return lg.interrupt("question")

    config = lg.thread()
    my_workflow.invoke({}, config)
    assert my_workflow.invoke(lg.Command(resume=1), config) == 1
    assert output.read_text().count("\n") == 1


def test_the_time_in_a_task_is_the_same_on_resume_and_so_is_the_way(lg):
    clock = itertools.count()

    @lg.task
    def get_time() -> float:
        return next(clock)

    @lg.task
    def slow_task(number):
        return f"way {number}"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(inputs: dict):
        result = slow_task(1 if get_time().result() > inputs["t0"] else 2).result()
        return {"result": result, "value": lg.interrupt("question")}

    config = lg.thread()
    my_workflow.invoke({"t0": 0}, config)
    assert my_workflow.invoke(lg.Command(resume="yes"), config) == {"result": "way 2", "value": "yes"}
    assert next(clock) == 1


def test_the_time_outside_of_a_task_may_lead_another_way_upstream(lg):
    clock = itertools.count()

    @lg.task
    def slow_task(number):
        return f"way {number}"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(inputs: dict):
        result = slow_task(1 if next(clock) > inputs["t0"] else 2).result()
        return {"result": result, "value": lg.interrupt("question")}

    config = lg.thread()
    my_workflow.invoke({"t0": 0}, config)
    # Differs with "`@task` bound by call order alone" (08-traps): the other call takes the result of the first one
    if lg.ours:
        with pytest.raises(lg.NbhitlError, match="slow_task"):
            my_workflow.invoke(lg.Command(resume="yes"), config)
    else:
        assert my_workflow.invoke(lg.Command(resume="yes"), config) == {"result": "way 2", "value": "yes"}


def test_a_random_number_in_a_task_is_the_same_on_resume(lg):
    @lg.task
    def pick():
        return random.random()

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(inputs: dict):
        number = pick().result()
        return (lg.interrupt(number), number)

    config = lg.thread()
    [asked] = lg.asked(my_workflow.invoke({}, config))
    assert list(my_workflow.invoke(lg.Command(resume="yes"), config)) == ["yes", asked]


def test_parallel_tasks_that_finished_do_not_run_again(lg):
    ran = []

    @lg.task
    def work(number):
        ran.append(number)
        return number * 10

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def my_workflow(numbers):
        results = [future.result() for future in [work(number) for number in numbers]]
        return [*results, lg.interrupt("Enough?")]

    config = lg.thread()
    my_workflow.invoke([1, 2, 3], config)
    assert my_workflow.invoke(lg.Command(resume="yes"), config) == [10, 20, 30, "yes"]
    assert sorted(ran) == [1, 2, 3]


def test_what_cannot_be_stored_cannot_be_the_result_of_a_task(lg, tmp_path):
    @lg.task
    def connect():
        return lambda: "no value that can be stored"

    with lg.file_saver(tmp_path / "threads") as saver:

        @lg.entrypoint(checkpointer=saver)
        def my_workflow(inputs):
            return connect().result()()

        with pytest.raises(TypeError):
            my_workflow.invoke({}, lg.thread())
