"""LangGraph's page "Durable execution": what is kept, where a run goes on, tasks in nodes, the modes of durability."""

import itertools
import operator
from typing import Annotated, NotRequired, TypedDict

import pytest


class Pages(TypedDict):
    urls: list[str]
    results: NotRequired[list[str]]


class Log(TypedDict):
    log: Annotated[list, operator.add]


class Internet:
    """Pages that are fetched, and counted; some fail the first time."""

    def __init__(self, *flaky):
        self.fetched, self._flaky = [], set(flaky)

    def get(self, url):
        self.fetched.append(url)
        if url in self._flaky:
            self._flaky.discard(url)
            raise ConnectionError(url)
        return f"page of {url}"


def one_node(lg, node, saver=None, state=Pages):
    builder = lg.StateGraph(state).add_node("node", node).add_edge(lg.START, "node").add_edge("node", lg.END)
    return builder.compile(checkpointer=saver or lg.InMemorySaver())


# -- tasks in nodes


def test_a_node_makes_a_request(lg):
    internet = Internet()
    graph = one_node(lg, lambda state: {"results": [internet.get(url) for url in state["urls"]]})
    assert graph.invoke({"urls": ["example.com"]}, lg.thread())["results"] == ["page of example.com"]


def test_a_request_without_a_task_is_made_again_on_resume(lg):
    internet = Internet()

    def call_api(state: Pages):
        results = [internet.get(url) for url in state["urls"]]
        return {"results": [*results, lg.interrupt("Enough?")]}

    graph, config = one_node(lg, call_api), lg.thread()
    graph.invoke({"urls": ["a", "b"]}, config)
    assert graph.invoke(lg.Command(resume="yes"), config)["results"] == ["page of a", "page of b", "yes"]
    assert internet.fetched == ["a", "b", "a", "b"]


def requests_in_tasks(lg, internet, question=None):
    @lg.task
    def make_request(url: str):
        return internet.get(url)

    def call_api(state: Pages):
        requests = [make_request(url) for url in state["urls"]]
        results = [request.result() for request in requests]
        return {"results": [*results, lg.interrupt(question)] if question else results}

    return call_api


def test_a_node_makes_its_requests_in_tasks(lg):
    internet = Internet()
    graph = one_node(lg, requests_in_tasks(lg, internet))
    assert graph.invoke({"urls": ["a", "b"]}, lg.thread())["results"] == ["page of a", "page of b"]
    assert sorted(internet.fetched) == ["a", "b"]


def test_a_request_in_a_task_is_made_once(lg):
    internet = Internet()
    graph, config = one_node(lg, requests_in_tasks(lg, internet, "Enough?")), lg.thread()
    graph.invoke({"urls": ["a", "b"]}, config)
    assert graph.invoke(lg.Command(resume="yes"), config)["results"] == ["page of a", "page of b", "yes"]
    assert sorted(internet.fetched) == ["a", "b"]


def test_after_a_failure_only_the_task_that_failed_runs_again(lg):
    internet = Internet("b")

    @lg.task
    def make_request(url: str):
        return internet.get(url)

    def call_api(state: Pages):
        return {"results": [make_request(url).result() for url in state["urls"]]}

    graph, config = one_node(lg, call_api), lg.thread()
    with pytest.raises(ConnectionError):
        graph.invoke({"urls": ["a", "b"]}, config)
    assert graph.invoke(None, config)["results"] == ["page of a", "page of b"]
    assert internet.fetched == ["a", "b", "b"]


def test_async_nodes_call_tasks_too(lg):
    internet = Internet()

    @lg.task
    async def make_request(url: str):
        return internet.get(url)

    async def call_api(state: Pages):
        results = [await request for request in [make_request(url) for url in state["urls"]]]
        return {"results": [*results, lg.interrupt("Enough?")]}

    graph, config = one_node(lg, call_api), lg.thread()

    async def example():
        await graph.ainvoke({"urls": ["a", "b"]}, config)
        return await graph.ainvoke(lg.Command(resume="yes"), config)

    assert lg.run(example())["results"] == ["page of a", "page of b", "yes"]
    assert sorted(internet.fetched) == ["a", "b"]


def test_tasks_of_a_node_are_streamed_beside_it(lg):
    graph = one_node(lg, requests_in_tasks(lg, Internet()))
    assert list(graph.stream({"urls": ["a"]}, lg.thread(), stream_mode="updates")) == [
        {"make_request": "page of a"},
        {"node": {"results": ["page of a"]}},
    ]


# -- determinism


def test_a_number_that_a_task_drew_is_drawn_once(lg):
    numbers = itertools.count()

    @lg.task
    def draw():
        return next(numbers)

    def play(state: Log):
        number = draw().result()
        return {"log": [number, lg.interrupt(f"Bet on {number}?")]}

    graph, config = one_node(lg, play, state=Log), lg.thread()
    assert lg.asked(graph.invoke({"log": []}, config)) == ["Bet on 0?"]
    assert graph.invoke(lg.Command(resume="yes"), config) == {"log": [0, "yes"]}


def test_the_same_call_twice_is_two_calls(lg):
    numbers = itertools.count()

    @lg.task
    def draw(sides):
        return next(numbers)

    def play(state: Log):
        return {"log": [draw(6).result(), draw(6).result(), lg.interrupt("Again?")]}

    graph, config = one_node(lg, play, state=Log), lg.thread()
    graph.invoke({"log": []}, config)
    assert graph.invoke(lg.Command(resume="no"), config) == {"log": [0, 1, "no"]}


def test_another_run_of_the_thread_draws_anew(lg):
    numbers = itertools.count()

    @lg.task
    def draw():
        return next(numbers)

    graph, config = one_node(lg, lambda state: {"log": [draw().result()]}, state=Log), lg.thread()
    graph.invoke({"log": []}, config)
    assert graph.invoke({"log": []}, config) == {"log": [0, 1]}


# -- where a run goes on


def test_a_graph_goes_on_with_the_node_that_stopped(lg):
    ran, broken = [], [True]

    def node(name):
        def body(state: Log):
            ran.append(name)
            if name == "b" and broken:
                broken.clear()
                raise ConnectionError("provider outage")
            return {"log": [name]}

        return body

    builder = lg.StateGraph(Log)
    for name in "abc":
        builder.add_node(name, node(name))
    builder.add_edge(lg.START, "a").add_edge("a", "b").add_edge("b", "c")
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    with pytest.raises(ConnectionError, match="provider outage"):
        graph.invoke({"log": []}, config)
    assert graph.invoke(None, config) == {"log": ["a", "b", "c"]}
    assert ran == ["a", "b", "b", "c"]


def test_a_graph_that_calls_a_graph_goes_on_with_the_node_in_it_that_stopped(lg):
    ran = []

    def inner(name, question=None):
        def body(state: Log):
            ran.append(name)
            return {"log": [lg.interrupt(question) if question else name]}

        return body

    subgraph = (
        lg.StateGraph(Log)
        .add_node("first", inner("first"))
        .add_node("asks", inner("asks", "Go on?"))
        .add_edge(lg.START, "first")
        .add_edge("first", "asks")
        .compile()
    )

    def caller(state: Log):
        ran.append("caller")
        return {"log": subgraph.invoke({"log": []})["log"]}

    graph, config = one_node(lg, caller, state=Log), lg.thread()
    graph.invoke({"log": []}, config)
    assert graph.invoke(lg.Command(resume="yes"), config) == {"log": ["first", "yes"]}
    assert ran == ["caller", "first", "asks", "caller", "asks"]


def test_an_entrypoint_goes_on_from_its_beginning(lg):
    ran = []

    @lg.task
    def work(name):
        ran.append(name)
        return name

    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(names):
        ran.append("workflow")
        results = [work(name).result() for name in names]
        return [*results, lg.interrupt("Go on?")]

    config = lg.thread()
    workflow.invoke(["a", "b"], config)
    assert workflow.invoke(lg.Command(resume="yes"), config) == ["a", "b", "yes"]
    assert ran == ["workflow", "a", "b", "workflow"]


# -- durability


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_each_mode_of_durability_ends_in_the_same_state(lg, durability):
    graph, config = one_node(lg, requests_in_tasks(lg, Internet())), lg.thread()
    *_, last = graph.stream({"urls": ["a"]}, config, stream_mode="values", durability=durability)
    assert last["results"] == ["page of a"]
    assert graph.get_state(config).values == last


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_finished_task_is_kept_in_each_mode(lg, durability):
    internet = Internet()
    graph, config = one_node(lg, requests_in_tasks(lg, internet, "Enough?")), lg.thread()
    graph.invoke({"urls": ["a"]}, config, durability=durability)
    result = graph.invoke(lg.Command(resume="yes"), config, durability=durability)
    assert result["results"] == ["page of a", "yes"]
    assert internet.fetched == ["a"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_an_entrypoint_has_these_modes_too(lg, durability):
    @lg.entrypoint(checkpointer=lg.InMemorySaver())
    def workflow(number, *, previous=None):
        return number + (previous or 0)

    config = lg.thread()
    assert [workflow.invoke(number, config, durability=durability) for number in (1, 2)] == [1, 3]


def test_a_finished_task_survives_the_process(lg, tmp_path):
    internet = Internet()
    config = lg.thread()
    with lg.file_saver(tmp_path / "threads") as saver:
        one_node(lg, requests_in_tasks(lg, internet, "Enough?"), saver).invoke({"urls": ["a", "b"]}, config)
    with lg.file_saver(tmp_path / "threads") as saver:
        graph = one_node(lg, requests_in_tasks(lg, internet, "Enough?"), saver)
        assert lg.pending(graph, config) == ["Enough?"]
        result = graph.invoke(lg.Command(resume="yes"), config)
    assert result["results"] == ["page of a", "page of b", "yes"]
    assert sorted(internet.fetched) == ["a", "b"]


def test_an_entrypoint_survives_the_process(lg, tmp_path):
    ran = []

    def workflow_of(saver):
        @lg.task
        def write_essay(topic):
            ran.append(topic)
            return f"An essay about {topic}"

        @lg.entrypoint(checkpointer=saver)
        def workflow(topic, *, previous=None):
            essay = write_essay(topic).result()
            return {"essay": essay, "approved": lg.interrupt(essay), "previous": previous}

        return workflow

    config = lg.thread()
    with lg.file_saver(tmp_path / "threads") as saver:
        workflow_of(saver).invoke("cats", config)
    with lg.file_saver(tmp_path / "threads") as saver:
        first = workflow_of(saver).invoke(lg.Command(resume=True), config)
    assert first == {"essay": "An essay about cats", "approved": True, "previous": None}
    with lg.file_saver(tmp_path / "threads") as saver:
        workflow_of(saver).invoke("dogs", config)
        second = workflow_of(saver).invoke(lg.Command(resume=False), config)
    assert second == {"essay": "An essay about dogs", "approved": False, "previous": first}
    assert ran == ["cats", "dogs"]
