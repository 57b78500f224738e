"""LangGraph's pages "Use the functional API": composing, streaming, policies, resuming, people, memory."""

import asyncio
import operator
import threading
from datetime import timedelta
from typing import Annotated, Any, TypedDict

import pytest

# -- composing workflows


def test_a_workflow_of_two_tasks_classifies_a_number(lg):
    @lg.task
    def is_even(number: int) -> bool:
        return number % 2 == 0

    @lg.task
    def format_message(is_even: bool) -> str:
        return "The number is even." if is_even else "The number is odd."

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(inputs: dict) -> str:
        return format_message(is_even(inputs["number"]).result()).result()

    assert workflow.invoke({"number": 7}, config=lg.thread()) == "The number is odd."
    assert workflow.invoke({"number": 8}, config=lg.thread()) == "The number is even."


def test_a_task_composes_an_essay_with_a_model(lg):
    model = lg.model("Flight began with kites.")

    @lg.task
    def compose_essay(topic: str) -> str:
        return model.invoke([("system", "You write essays."), ("user", f"Write an essay about {topic}.")]).content

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(topic: str) -> str:
        return compose_essay(topic).result()

    assert workflow.invoke("the history of flight", config=lg.thread()) == "Flight began with kites."


def test_tasks_run_in_parallel(lg):
    met = threading.Barrier(3, timeout=60)

    @lg.task
    def add_one(number: int) -> int:
        met.wait()
        return number + 1

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def graph(numbers: list[int]) -> list[int]:
        futures = [add_one(i) for i in numbers]
        return [future.result() for future in futures]

    assert graph.invoke([1, 2, 3], lg.thread()) == [2, 3, 4]


def test_paragraphs_that_were_written_in_parallel_are_joined_in_order(lg):
    @lg.task
    def generate_paragraph(topic: str) -> str:
        return f"About {topic}."

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(topics: list[str]) -> str:
        futures = [generate_paragraph(topic) for topic in topics]
        return "\n\n".join(future.result() for future in futures)

    topics = ["quantum computing", "climate change", "history of aviation"]
    assert workflow.invoke(topics, lg.thread()) == "\n\n".join(f"About {topic}." for topic in topics)


def test_async_tasks_are_gathered(lg):
    @lg.task
    async def add_one(number: int) -> int:
        await asyncio.sleep(0)
        return number + 1

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def graph(numbers: list[int]) -> list[int]:
        return await asyncio.gather(*[add_one(i) for i in numbers])

    assert lg.run(graph.ainvoke([1, 2, 3], lg.thread())) == [2, 3, 4]


def test_a_graph_can_be_called_in_an_entrypoint(lg):
    class State(TypedDict):
        foo: int

    builder = lg.StateGraph(State).add_node("double", lambda state: {"foo": state["foo"] * 2})
    graph = builder.set_entry_point("double").compile()

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(x: int) -> dict:
        return {"bar": graph.invoke({"foo": x})["foo"]}

    assert workflow.invoke(5, lg.thread()) == {"bar": 10}


def test_two_graphs_can_be_called_in_an_entrypoint(lg):
    class State(TypedDict):
        foo: int

    def graph_of(change):
        builder = lg.StateGraph(State).add_node("change", lambda state: {"foo": change(state["foo"])})
        return builder.set_entry_point("change").compile()

    doubles, negates = graph_of(lambda x: x * 2), graph_of(operator.neg)

    @lg.entrypoint()
    def workflow(x: int) -> dict:
        return {"result_1": doubles.invoke({"foo": x})["foo"], "result_2": negates.invoke({"foo": x})["foo"]}

    assert workflow.invoke(5) == {"result_1": 10, "result_2": -5}


def test_an_entrypoint_can_be_called_in_another_one(lg):
    @lg.entrypoint()
    def multiply(inputs: dict) -> int:
        return inputs["a"] * inputs["b"]

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs: dict) -> dict:
        return {"product": multiply.invoke({"a": inputs["x"], "b": inputs["y"]})}

    assert main.invoke({"x": 6, "y": 7}, lg.thread()) == {"product": 42}


def test_an_entrypoint_can_be_called_in_a_task(lg):
    @lg.entrypoint()
    def multiply(inputs: dict) -> int:
        return inputs["a"] * inputs["b"]

    @lg.task
    def squared(number):
        return multiply.invoke({"a": number, "b": number})

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(number: int) -> int:
        return squared(number).result()

    assert main.invoke(7, lg.thread()) == 49


def test_an_entrypoint_can_be_called_in_a_node_of_a_graph(lg):
    class State(TypedDict):
        foo: int

    @lg.entrypoint()
    def double(x: int) -> int:
        return x * 2

    graph = (
        lg.StateGraph(State)
        .add_node("double", lambda state: {"foo": double.invoke(state["foo"])})
        .set_entry_point("double")
        .compile(checkpointer=lg.InMemorySaver())
    )
    assert graph.invoke({"foo": 5}, lg.thread()) == {"foo": 10}


def test_a_question_of_an_inner_entrypoint_pauses_the_outer_one(lg):
    @lg.entrypoint()
    def approve(text: str):
        return lg.interrupt(f"Approve {text}?")

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(text: str) -> dict:
        return {"text": text, "approved": approve.invoke(text)}

    config = lg.thread()
    assert lg.asked(main.invoke("the plan", config)) == ["Approve the plan?"]
    assert main.invoke(lg.Command(resume=True), config) == {"text": "the plan", "approved": True}


# -- streaming


def test_custom_data_and_updates_are_streamed(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs: dict) -> int:
        writer = lg.get_stream_writer()
        writer("Started processing")
        result = inputs["x"] * 2
        writer(f"Result is {result}")
        return result

    assert list(main.stream({"x": 5}, stream_mode=["custom", "updates"], config=lg.thread())) == [
        ("custom", "Started processing"),
        ("custom", "Result is 10"),
        ("updates", {"main": 10}),
    ]


def test_tasks_and_the_writer_are_streamed_in_the_order_of_what_happens(lg):
    @lg.task
    def add_one(x):
        return x + 1

    @lg.task
    def add_two(x):
        return x + 2

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs: dict) -> int:
        writer = lg.get_stream_writer()
        x = add_one(inputs["x"]).result()
        y = add_two(inputs["x"]).result()
        writer("hello")
        writer("world")
        return x + y

    chunks = list(main.stream({"x": 1}, stream_mode=["custom", "updates"], config=lg.thread()))
    assert [chunk for chunk in chunks if chunk[0] == "custom"] == [("custom", "hello"), ("custom", "world")]
    assert [chunk for chunk in chunks if chunk[0] == "updates"] == [
        ("updates", {"add_one": 2}),
        ("updates", {"add_two": 3}),
        ("updates", {"main": 5}),
    ]


def test_a_task_streams_custom_data(lg):
    @lg.task
    def work(x):
        lg.get_stream_writer()({"progress": 50})
        return x

    @lg.entrypoint()
    def main(x):
        return work(x).result()

    assert list(main.stream(1, stream_mode="custom")) == [{"progress": 50}]


def test_an_async_entrypoint_takes_its_writer_as_a_parameter(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def main(inputs: dict, writer: lg.StreamWriter) -> int:
        writer("Started processing")
        return inputs["x"] * 2

    chunks = lg.gathered(main.astream({"x": 5}, lg.thread(), stream_mode=["custom", "updates"]))
    assert chunks == [("custom", "Started processing"), ("updates", {"main": 10})]


def test_the_values_of_an_entrypoint_are_what_it_returned(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs: dict) -> int:
        return inputs["x"] * 2

    assert list(main.stream({"x": 5}, lg.thread(), stream_mode="values")) == [10]


def test_the_tokens_of_a_model_in_a_task_are_streamed(lg):
    model = lg.model("Why the ice")

    @lg.task
    def call_model(topic):
        return model.invoke(topic).content

    @lg.entrypoint()
    def main(topic):
        return call_model(topic).result()

    chunks = list(main.stream("ice cream", stream_mode="messages"))
    assert [message.content for message, _ in chunks if message.content] == ["Why", " ", "the", " ", "ice"]
    assert {metadata["langgraph_node"] for _, metadata in chunks} == {"call_model"}


# -- policies of tasks


def fails_first(times=1, error=ValueError):
    """A function that counts its calls in ``calls``; the first ones raise."""

    def body(*args):
        body.calls += 1
        if body.calls <= times:
            raise error("Failure")
        return "OK"

    body.calls = 0
    return body


def retry(lg, **options):
    """A retry policy that does not wait."""
    return lg.RetryPolicy(initial_interval=0, jitter=False, **options)


def test_a_task_is_tried_again(lg):
    body = fails_first()

    @lg.task(retry_policy=retry(lg, retry_on=ValueError))
    def get_info():
        return body()

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs, writer):
        return get_info().result()

    assert main.invoke({"any_input": "foobar"}, config=lg.thread()) == "OK"
    assert body.calls == 2


def test_an_error_that_the_policy_does_not_name_is_not_tried_again(lg):
    body = fails_first()

    @lg.task(retry_policy=retry(lg))
    def get_info():
        return body()

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs):
        return get_info().result()

    with pytest.raises(ValueError, match="Failure"):
        main.invoke({}, config=lg.thread())
    assert body.calls == 1


def test_an_entrypoint_is_tried_again_and_its_finished_tasks_are_not(lg):
    body, steady = fails_first(), fails_first(0)

    @lg.task
    def work():
        return steady()

    @lg.entrypoint(checkpointer=lg.InMemorySaver(), retry_policy=retry(lg, retry_on=ValueError))
    def main(inputs):
        work().result()
        return body()

    assert main.invoke({}, lg.thread()) == "OK"
    assert body.calls == 2
    assert steady.calls == (1 if lg.ours else 2)  # differs with rule 9: a finished task is not run again


def test_a_task_that_takes_too_long_is_tried_again(lg):
    body = fails_first(0)

    @lg.task(timeout=0.5, retry_policy=retry(lg))
    async def call_api():
        body()
        if body.calls == 1:
            await asyncio.sleep(60)
        return "fast"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def main(inputs):
        return await call_api()

    assert lg.run(main.ainvoke({}, lg.thread())) == "fast"
    assert body.calls == 2


def test_a_task_and_its_entrypoint_may_each_have_a_timeout(lg):
    body = fails_first(0)

    @lg.task(timeout=lg.TimeoutPolicy(idle_timeout=0.5), retry_policy=retry(lg, retry_on=lg.NodeTimeoutError))
    async def call_api(url: str):
        body()
        if body.calls == 1:
            await asyncio.sleep(60)
        return f"result from {url}"

    @lg.entrypoint(timeout=60)
    async def workflow(inputs: dict) -> str:
        return await call_api(inputs["url"])

    assert lg.run(workflow.ainvoke({"url": "https://example.com"})) == "result from https://example.com"


def test_an_entrypoint_that_takes_too_long_fails(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver(), timeout=timedelta(seconds=0.1))
    async def main(inputs):
        await asyncio.sleep(60)

    with pytest.raises(lg.NodeTimeoutError):
        lg.run(main.ainvoke({}, lg.thread()))


def test_a_sync_task_cannot_have_a_timeout(lg):
    with pytest.raises(lg.NbhitlError if lg.ours else ValueError, match="async"):

        @lg.task(timeout=1)
        def call_api():
            return "fast"


def test_a_sync_entrypoint_cannot_have_a_timeout(lg):
    with pytest.raises(lg.NbhitlError if lg.ours else ValueError, match="async"):

        @lg.entrypoint(timeout=1)
        def main(inputs):
            return "fast"


def test_a_task_is_cached(lg):
    body = fails_first(0)

    @lg.task(cache_policy=lg.CachePolicy(ttl=120))
    def slow_add(x: int) -> int:
        body()
        return x * 2

    @lg.entrypoint(cache=lg.InMemoryCache())
    def main(inputs: dict) -> dict[str, int]:
        return {"result1": slow_add(inputs["x"]).result(), "result2": slow_add(inputs["x"]).result()}

    first, hit, result = main.stream({"x": 5}, stream_mode="updates")
    assert (first, result) == ({"slow_add": 10}, {"main": {"result1": 10, "result2": 10}})
    assert hit["slow_add"] == 10
    if lg.ours:  # upstream the second call may come before the cache has heard of the first one
        assert hit["__metadata__"] == {"cached": True}
        assert body.calls == 1


def test_a_cached_task_with_another_argument_runs(lg):
    body = fails_first(0)

    @lg.task(cache_policy=lg.CachePolicy())
    def slow_add(x: int) -> int:
        body()
        return x * 2

    @lg.entrypoint(cache=lg.InMemoryCache())
    def main(x: int) -> int:
        return slow_add(x).result()

    assert [main.invoke(x) for x in (5, 6)] == [10, 12]
    assert body.calls == 2


# -- resuming after an error


def test_a_finished_task_does_not_run_again_after_an_error(lg):
    info, slow = fails_first(), fails_first(0)

    @lg.task()
    def get_info():
        return info()

    @lg.task
    def slow_task():
        slow()
        return "Ran slow task."

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(inputs, writer: lg.StreamWriter):
        slow_task_result = slow_task().result()
        get_info().result()
        return slow_task_result

    config = lg.thread()
    with pytest.raises(ValueError, match="Failure"):
        main.invoke({"any_input": "foobar"}, config=config)
    assert main.invoke(None, config=config) == "Ran slow task."
    assert (slow.calls, info.calls) == (1, 2)


def test_resuming_after_an_error_can_be_streamed_and_async(lg):
    info, slow = fails_first(), fails_first(0)

    @lg.task()
    async def get_info():
        return info()

    @lg.task
    async def slow_task():
        return slow()

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    async def main(inputs):
        return [await slow_task(), await get_info()]

    config = lg.thread()
    with pytest.raises(ValueError, match="Failure"):
        lg.gathered(main.astream({}, config))
    assert lg.gathered(main.astream(None, config))[-1] == {"main": ["OK", "OK"]}
    assert (slow.calls, info.calls) == (1, 2)


# -- people


def feedback(lg, ran):
    @lg.task
    def step_1(input_query):
        ran.append("step_1")
        return f"{input_query} bar"

    @lg.task
    def human_feedback(input_query):
        return f"{input_query} {lg.interrupt(f'Please provide feedback: {input_query}')}"

    @lg.task
    def step_3(input_query):
        ran.append("step_3")
        return f"{input_query} qux"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def graph(input_query):
        result_1 = step_1(input_query).result()
        result_2 = human_feedback(result_1).result()
        return step_3(result_2).result()

    return graph


def test_a_task_asks_a_person(lg):
    ran = []
    graph, config = feedback(lg, ran), lg.thread()
    first, question = graph.stream("foo", config)
    assert first == {"step_1": "foo bar"}
    assert lg.asked(question) == ["Please provide feedback: foo bar"]
    *_, human, third, result = graph.stream(lg.Command(resume="baz"), config)
    assert (human, third) == ({"human_feedback": "foo bar baz"}, {"step_3": "foo bar baz qux"})
    assert result == {"graph": "foo bar baz qux"}
    assert ran == ["step_1", "step_3"]


def test_the_question_of_a_task_is_seen_on_the_thread(lg):
    graph, config = feedback(lg, []), lg.thread()
    graph.invoke("foo", config)
    assert lg.pending(graph, config) == ["Please provide feedback: foo bar"]
    graph.invoke(lg.Command(resume="baz"), config)
    assert lg.pending(graph, config) == []
    assert graph.get_state(config).values == "foo bar baz qux"


def test_two_tasks_that_ask_in_parallel_are_answered_by_their_ids(lg):
    @lg.task
    def ask(name):
        return f"{name}: {lg.interrupt(f'{name}?')}"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def main(names):
        return [future.result() for future in [ask(name) for name in names]]

    config = lg.thread()
    asked = main.invoke(["a", "b"], config)["__interrupt__"]
    if not lg.ours:  # upstream asks one after the other
        assert [one.value for one in asked] == ["a?"]
        asked = main.invoke(lg.Command(resume={asked[0].id: "A?"}), config)["__interrupt__"]
    assert max(one.value for one in asked) == "b?"
    answers = {one.id: one.value.upper() for one in asked}
    assert main.invoke(lg.Command(resume=answers), config) == ["a: A?", "b: B?"]


def test_an_agent_lets_a_person_review_the_calls_of_its_tools(lg):
    called = []

    def review_tool_call(tool_call):
        review = lg.interrupt({"question": "Is this correct?", "tool_call": tool_call})
        match review["action"]:
            case "continue":
                return tool_call
            case "update":
                return {**tool_call, "args": review["data"]}
            case "feedback":
                return {"role": "tool", "content": review["data"], "tool_call_id": tool_call["id"], "id": "f"}

    @lg.task
    def call_model(messages):
        called.append("model")
        if any(one["role"] == "tool" for one in messages):
            return {"role": "assistant", "content": f"Done: {messages[-1]['content']}", "id": "a2"}
        calls = [{"name": "weather", "args": {"city": "SF"}, "id": "1"}]
        return {"role": "assistant", "content": "", "tool_calls": calls, "id": "a1"}

    @lg.task
    def call_tool(tool_call):
        called.append("tool")
        return {"role": "tool", "content": f"{tool_call['args']['city']}: sunny", "tool_call_id": "1", "id": "t"}

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def agent(messages, previous):
        messages = [*(previous or []), *messages]
        response = call_model(messages).result()
        while response.get("tool_calls"):
            reviewed = [review_tool_call(one) for one in response["tool_calls"]]
            refused = [one for one in reviewed if one.get("role") == "tool"]
            futures = [call_tool(one) for one in reviewed if one.get("role") != "tool"]
            messages = [*messages, response, *refused, *(future.result() for future in futures)]
            response = call_model(messages).result()
        return lg.entrypoint.final(value=response["content"], save=[*messages, response])

    question = {"role": "user", "content": "Weather in SF?"}
    for answer, content, ran in (
        ({"action": "continue"}, "Done: SF: sunny", ["model", "tool", "model"]),
        ({"action": "update", "data": {"city": "Rome"}}, "Done: Rome: sunny", ["model", "tool", "model"]),
        ({"action": "feedback", "data": "Ask Bo"}, "Done: Ask Bo", ["model", "model"]),
    ):
        called.clear()
        config = lg.thread()
        [asked] = lg.asked(agent.invoke([question], config))
        assert asked["tool_call"]["args"] == {"city": "SF"}
        assert agent.invoke(lg.Command(resume=answer), config) == content
        assert called == ran


def test_a_conversation_of_many_turns_waits_for_its_user_in_one_entrypoint(lg):
    @lg.task
    def travel_agent(messages):
        return f"travel: {messages[-1]}"

    @lg.task
    def hotel_agent(messages):
        return f"hotel: {messages[-1]}"

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def conversation(text):
        messages, agent = [text], travel_agent
        while True:
            messages.append(agent(messages).result())
            text = lg.interrupt({"said": messages[-1]})
            if text == "bye":
                return messages
            messages.append(text)
            agent = hotel_agent if "hotel" in text else agent

    config = lg.thread()
    assert lg.asked(conversation.invoke("somewhere warm", config)) == [{"said": "travel: somewhere warm"}]
    assert lg.asked(conversation.invoke(lg.Command(resume="a hotel"), config)) == [{"said": "hotel: a hotel"}]
    assert lg.asked(conversation.invoke(lg.Command(resume="a pool"), config)) == [{"said": "hotel: a pool"}]
    assert conversation.invoke(lg.Command(resume="bye"), config) == [
        *("somewhere warm", "travel: somewhere warm"),
        *("a hotel", "hotel: a hotel"),
        *("a pool", "hotel: a pool"),
    ]


@pytest.mark.filterwarnings("ignore:The 'config' parameter:UserWarning")  # LangGraph about the method of a tool
def test_a_tool_asks_a_person_while_another_one_answers(lg):
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool

    looked = []

    @tool
    def get_weather(location: str):
        """Tell the weather of a place."""
        looked.append(location)
        return "It's sunny!"

    @tool
    def human_assistance(query: str) -> str:
        """Ask a person."""
        return lg.interrupt({"query": query})["data"]

    calls = [
        {"name": "human_assistance", "args": {"query": "What should I feed my cat?"}, "id": "1", "type": "tool_call"},
        {"name": "get_weather", "args": {"location": "San Francisco"}, "id": "2", "type": "tool_call"},
    ]
    model = lg.model(AIMessage("", tool_calls=calls), AIMessage("Fish, in the sun."))
    tasks_by_name = {one.name: lg.task(one.invoke, name=one.name) for one in (get_weather, human_assistance)}

    @lg.task
    def call_model(messages):
        return model.invoke(messages)

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def agent(messages, previous):
        messages = lg.add_messages(previous or [], messages)
        response = call_model(messages).result()
        while response.tool_calls:
            futures = [tasks_by_name[one["name"]](one) for one in response.tool_calls]
            messages = lg.add_messages(messages, [response, *(future.result() for future in futures)])
            response = call_model(messages).result()
        return lg.entrypoint.final(value=response, save=lg.add_messages(messages, response))

    config = lg.thread()
    steps = list(agent.stream([("user", "Ask somebody what to feed my cat. And the weather?")], config))
    assert [lg.text(step["get_weather"]) for step in steps if "get_weather" in step] == ["It's sunny!"]
    assert [lg.asked(step) for step in steps if "__interrupt__" in step] == [[{"query": "What should I feed my cat?"}]]
    assert lg.text(agent.invoke(lg.Command(resume={"data": "Fish."}), config)) == "Fish, in the sun."
    assert looked == ["San Francisco"]


# -- short-term memory


def test_what_is_accumulated_is_the_previous_value(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def accumulate(n: int, *, previous: int | None = None) -> int:
        return (previous or 0) + n

    config = lg.thread()
    assert [accumulate.invoke(n, config) for n in (1, 2, 3, 0)] == [1, 3, 6, 6]


def accumulating(lg, saver):
    @lg.entrypoint(checkpointer=saver)
    def accumulate(n: int, *, previous: int | None) -> lg.entrypoint.final[int, int]:
        previous = previous or 0
        return lg.entrypoint.final(value=previous, save=previous + n)

    return accumulate


def test_what_is_saved_can_be_more_than_what_is_returned(lg):
    accumulate, config = accumulating(lg, lg.InMemorySaver()), lg.thread()
    assert [accumulate.invoke(n, config=config) for n in (1, 2, 3)] == [0, 1, 3]


def test_the_state_and_the_history_of_a_thread_can_be_read(lg):
    accumulate, config = accumulating(lg, lg.InMemorySaver()), lg.thread()
    for n in (1, 2, 3):
        accumulate.invoke(n, config=config)
    state, history = accumulate.get_state(config), list(accumulate.get_state_history(config))
    assert (state.values, state.next) == (3, ())
    assert history[0].values == 3
    assert [one.metadata["source"] for one in history] == ["loop", "input"] * 3
    assert [one.next for one in history] == [(), ("accumulate",)] * 3


def test_a_thread_can_be_deleted(lg):
    saver, config = lg.InMemorySaver(), lg.thread()
    accumulate = accumulating(lg, saver)
    accumulate.invoke(1, config=config)
    saver.delete_thread(config["configurable"]["thread_id"])
    assert not accumulate.get_state(config).values
    assert accumulate.invoke(2, config=config) == 0


def test_a_chatbot_remembers_the_conversation(lg):
    model = lg.model("Hi Bob!", "Your name is Bob.")

    @lg.task
    def call_model(messages: list):
        return model.invoke(messages)

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(inputs: list, *, previous: list | None = None):
        if previous:
            inputs = lg.add_messages(previous, inputs)
        response = call_model(inputs).result()
        return lg.entrypoint.final(value=response, save=lg.add_messages(inputs, response))

    config = lg.thread()
    [first] = workflow.stream([{"role": "user", "content": "hi! I'm bob"}], config, stream_mode="values")
    [second] = workflow.stream([{"role": "user", "content": "what's my name?"}], config, stream_mode="values")
    assert lg.texts([first, second]) == ["Hi Bob!", "Your name is Bob."]


# -- long-term memory


def test_a_store_remembers_over_threads(lg):
    @lg.entrypoint(checkpointer=lg.InMemorySaver(), store=lg.InMemoryStore())
    def remember(inputs: dict, *, runtime: lg.Runtime):
        namespace = (inputs["user_id"], "memories")
        if fact := inputs.get("fact"):
            runtime.store.put(namespace, "profile", {"fact": fact})
        return [item.value for item in runtime.store.search(namespace)]

    remember.invoke({"user_id": "user-1", "fact": "Prefers dark mode"}, lg.thread())
    assert remember.invoke({"user_id": "user-1"}, lg.thread()) == [{"fact": "Prefers dark mode"}]
    assert remember.invoke({"user_id": "user-2"}, lg.thread()) == []


def test_a_store_is_handed_to_a_task_as_an_argument(lg):
    @lg.task
    def call_model(messages: list, memory_store: lg.BaseStore, user_id: str):
        namespace, text = ("memories", user_id), messages[-1]
        memories = memory_store.search(namespace, query=text)
        if "remember" in text.lower():
            memory_store.put(namespace, "name", {"data": "User name is Bob"})
        return ", ".join(memory.value["data"] for memory in memories) or "nothing"

    @lg.entrypoint(checkpointer=lg.InMemorySaver(), store=lg.InMemoryStore())
    def workflow(text: str, *, previous: list | None = None, config, store: lg.BaseStore):
        messages = [*(previous or []), text]
        response = call_model(messages, store, config["configurable"]["user_id"]).result()
        return lg.entrypoint.final(value=response, save=[*messages, response])

    def said(text, user):
        config = lg.thread()
        return workflow.invoke(text, {"configurable": {**config["configurable"], "user_id": user}})

    assert said("Hi! Remember: my name is Bob", "1") == "nothing"
    assert said("what is my name?", "1") == "User name is Bob"
    assert said("what is my name?", "2") == "nothing"


def test_a_task_reaches_the_store(lg):
    @lg.task
    def remember(fact):
        lg.get_store().put(("facts",), fact, {"fact": fact})

    @lg.entrypoint(store=lg.InMemoryStore())
    def main(fact):
        remember(fact).result()
        return [item.key for item in lg.get_store().search(("facts",))]

    assert main.invoke("tea") == ["tea"]


# -- an agent for e-mails


class Email(TypedDict):
    email_content: str
    sender_email: str


def email_agent(lg, intent, urgency, sent):
    @lg.task
    def classify_intent(email_content: str, sender_email: str) -> dict:
        return {"intent": intent, "urgency": urgency, "topic": "password reset"}

    @lg.task(retry_policy=lg.RetryPolicy(max_attempts=3))
    def search_documentation(topic: str) -> list[str]:
        return [f"Docs related to {topic}"]

    @lg.task(retry_policy=lg.RetryPolicy(max_attempts=3))
    def create_bug_ticket(email_content: str) -> str:
        return "TICKET-123"

    @lg.task
    def draft_response(classification: dict, context: list[str]) -> str:
        return f"Thanks for your email about {classification['topic']}. {' '.join(context)}".strip()

    @lg.task
    def send_reply(draft: str, sender_email: str) -> None:
        sent.append((draft, sender_email))

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def agent(inputs: Email) -> dict[str, Any]:
        classification = classify_intent(inputs["email_content"], inputs["sender_email"]).result()
        context: list[str] = []
        if classification["intent"] == "question":
            context = search_documentation(classification["topic"]).result()
        elif classification["intent"] == "bug":
            context = [f"Ticket created: {create_bug_ticket(inputs['email_content']).result()}"]
        draft = draft_response(classification, context).result()
        if classification["urgency"] == "critical" or classification["intent"] == "complex":
            decision = lg.interrupt({"draft_response": draft, "classification": classification})
            if not decision.get("approved"):
                return {"status": "escalated", "draft": draft}
            draft = decision.get("edited_response", draft)
        send_reply(draft, inputs["sender_email"]).result()
        return {"status": "sent", "draft": draft}

    return agent


MAIL = {"email_content": "How do I reset my password?", "sender_email": "ada@example.com"}


@pytest.mark.parametrize(
    ("intent", "found"), [("question", "Docs related to password reset"), ("bug", "Ticket created: TICKET-123")]
)
def test_an_agent_answers_what_is_not_urgent(lg, intent, found):
    sent = []
    result = email_agent(lg, intent, "low", sent).invoke(MAIL, lg.thread())
    assert result["status"] == "sent"
    assert sent == [(f"Thanks for your email about password reset. {found}", "ada@example.com")]


@pytest.mark.parametrize(
    ("decision", "status", "mails"),
    [
        ({"approved": True}, "sent", ["Thanks for your email about password reset."]),
        ({"approved": True, "edited_response": "Call us."}, "sent", ["Call us."]),
        ({"approved": False}, "escalated", []),
    ],
)
def test_a_person_decides_about_what_is_complex(lg, decision, status, mails):
    sent = []
    agent, config = email_agent(lg, "complex", "low", sent), lg.thread()
    [asked] = lg.asked(agent.invoke(MAIL, config))
    assert asked["draft_response"] == "Thanks for your email about password reset."
    assert agent.invoke(lg.Command(resume=decision), config)["status"] == status
    assert [draft for draft, _ in sent] == mails


# -- workflows and agents


def test_a_chain_of_prompts_has_a_gate(lg):
    @lg.task
    def generate_joke(topic: str):
        return f"A joke about {topic}"

    @lg.task
    def improve_joke(joke: str):
        return f"{joke}, but better!"

    @lg.task
    def polish_joke(joke: str):
        return f"{joke} And a twist."

    @lg.entrypoint()
    def prompt_chaining_workflow(topic: str):
        joke = generate_joke(topic).result()
        if "!" in joke:
            return joke
        return polish_joke(improve_joke(joke).result()).result()

    assert [list(step) for step in prompt_chaining_workflow.stream("cats", stream_mode="updates")] == [
        ["generate_joke"],
        ["improve_joke"],
        ["polish_joke"],
        ["prompt_chaining_workflow"],
    ]
    assert prompt_chaining_workflow.invoke("cats!") == "A joke about cats!"


def test_parallel_calls_are_put_together_by_one_more_task(lg):
    def writer(kind):
        @lg.task(name=f"call_{kind}")
        def call(topic: str):
            return f"{kind} about {topic}"

        return call

    joke, story, poem = writer("joke"), writer("story"), writer("poem")

    @lg.task
    def aggregator(topic, *parts):
        return f"{topic}: {', '.join(parts)}"

    @lg.entrypoint()
    def parallel_workflow(topic: str):
        futures = [joke(topic), story(topic), poem(topic)]
        return aggregator(topic, *(future.result() for future in futures)).result()

    *calls, last, result = parallel_workflow.stream("cats", stream_mode="updates")
    assert sorted(next(iter(call)) for call in calls) == ["call_joke", "call_poem", "call_story"]
    assert last == {"aggregator": "cats: joke about cats, story about cats, poem about cats"}
    assert result == {"parallel_workflow": last["aggregator"]}


def test_a_router_chooses_the_task(lg):
    @lg.task
    def story(text):
        return f"story: {text}"

    @lg.task
    def poem(text):
        return f"poem: {text}"

    @lg.task
    def route(text):
        return "poem" if "poem" in text else "story"

    @lg.entrypoint()
    def router_workflow(text: str):
        return {"poem": poem, "story": story}[route(text).result()](text).result()

    assert router_workflow.invoke("a poem about cats") == "poem: a poem about cats"
    assert router_workflow.invoke("about cats") == "story: about cats"


def test_an_orchestrator_gives_work_to_workers(lg):
    @lg.task
    def orchestrator(topic: str):
        return [{"name": name, "about": topic} for name in ("Intro", "Body", "End")]

    @lg.task
    def llm_call(section: dict):
        return f"{section['name']} of {section['about']}"

    @lg.task
    def synthesizer(completed: list[str]):
        return "\n".join(completed)

    @lg.entrypoint()
    def orchestrator_worker(topic: str):
        futures = [llm_call(section) for section in orchestrator(topic).result()]
        return synthesizer([future.result() for future in futures]).result()

    assert orchestrator_worker.invoke("cats") == "Intro of cats\nBody of cats\nEnd of cats"


def test_an_evaluator_sends_work_back_until_it_is_good(lg):
    @lg.task
    def generate(topic: str, feedback: str | None):
        return f"{topic}{' with ' + feedback if feedback else ''}"

    @lg.task
    def evaluate(joke: str):
        return {"grade": "funny"} if "twist" in joke else {"grade": "not funny", "feedback": "a twist"}

    @lg.entrypoint()
    def optimizer_workflow(topic: str):
        feedback = None
        while True:
            joke = generate(topic, feedback).result()
            grade = evaluate(joke).result()
            if grade["grade"] == "funny":
                return joke
            feedback = grade["feedback"]

    assert optimizer_workflow.invoke("cats") == "cats with a twist"


def test_an_agent_calls_tools_until_the_model_is_done(lg):
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    call = {"name": "add", "args": {"a": 3, "b": 4}, "id": "1", "type": "tool_call"}
    model = lg.model(AIMessage("", tool_calls=[call]), AIMessage("It is 7."))

    @lg.task
    def call_llm(messages):
        return model.invoke(messages)

    @lg.task
    def call_tool(tool_call):
        return add.invoke(tool_call)

    @lg.entrypoint()
    def agent(messages: list):
        response = call_llm(messages).result()
        while response.tool_calls:
            futures = [call_tool(one) for one in response.tool_calls]
            messages = lg.add_messages(messages, [response, *(future.result() for future in futures)])
            response = call_llm(messages).result()
        return lg.add_messages(messages, response)

    messages = agent.invoke([HumanMessage("Add 3 and 4.")])
    assert [type(one) for one in messages] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert lg.texts(messages)[2:] == ["7", "It is 7."]


def test_a_task_and_a_reducer_live_in_one_graph(lg):
    class State(TypedDict):
        results: Annotated[list[str], operator.add]
        urls: list[str]

    @lg.task
    def make_request(url: str):
        return f"page of {url}"

    def call_api(state: State):
        requests = [make_request(url) for url in state["urls"]]
        return {"results": [request.result() for request in requests]}

    graph = lg.StateGraph(State).add_node(call_api).add_edge(lg.START, "call_api").compile()
    assert graph.invoke({"urls": ["a", "b"], "results": []})["results"] == ["page of a", "page of b"]
