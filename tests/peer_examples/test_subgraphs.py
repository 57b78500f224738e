"""LangGraph's page "Subgraphs": how graphs call graphs, what a sub-graph remembers, looking into it, streaming it."""

import operator
from typing import Annotated, Any, TypedDict

import pytest


class Outer(TypedDict, total=False):
    foo: str


class Inner(TypedDict, total=False):
    bar: str
    baz: str


class Shared(TypedDict, total=False):
    foo: str
    bar: str


def namespaces(chunks):
    """What a stream with sub-graphs yields, with the names of nodes only: their ids differ from run to run."""
    return [(tuple(part.split(":")[0] for part in chunk[0]), *chunk[1:]) for chunk in chunks]


# -- a graph called in a node


def greeting(lg):
    """node_1, then node_2 that calls a graph of two nodes with other keys."""
    subgraph = (
        lg.StateGraph(Inner)
        .add_node("sub_1", lambda state: {"baz": "baz"})
        .add_node("sub_2", lambda state: {"bar": state["bar"] + state["baz"]})
        .add_edge(lg.START, "sub_1")
        .add_edge("sub_1", "sub_2")
        .compile()
    )

    def node_1(state: Outer):
        return {"foo": "hi " + state["foo"]}

    def node_2(state: Outer):
        return {"foo": subgraph.invoke({"bar": state["foo"]})["bar"]}

    return (
        lg.StateGraph(Outer)
        .add_node(node_1)
        .add_node(node_2)
        .add_edge(lg.START, "node_1")
        .add_edge("node_1", "node_2")
        .compile()
    )


def test_a_node_calls_a_graph_with_other_keys(lg):
    assert greeting(lg).invoke({"foo": "foo"}) == {"foo": "hi foobaz"}


def test_a_stream_with_sub_graphs_says_who_said_what(lg):
    chunks = list(greeting(lg).stream({"foo": "foo"}, subgraphs=True, stream_mode="updates"))
    assert namespaces(chunks) == [
        ((), {"node_1": {"foo": "hi foo"}}),
        (("node_2",), {"sub_1": {"baz": "baz"}}),
        (("node_2",), {"sub_2": {"bar": "hi foobaz"}}),
        ((), {"node_2": {"foo": "hi foobaz"}}),
    ]
    [namespace] = chunks[1][0]
    assert namespace.startswith("node_2:")


def test_a_stream_without_sub_graphs_shows_the_outer_graph_only(lg):
    assert list(greeting(lg).stream({"foo": "foo"}, stream_mode="updates")) == [
        {"node_1": {"foo": "hi foo"}},
        {"node_2": {"foo": "hi foobaz"}},
    ]


class Child(TypedDict):
    child: str


class Grandchild(TypedDict):
    grandchild: str


def three_levels(lg):
    grandchild = (
        lg.StateGraph(Grandchild)
        .add_node("grandchild_1", lambda state: {"grandchild": state["grandchild"] + ", how are you"})
        .add_edge(lg.START, "grandchild_1")
        .add_edge("grandchild_1", lg.END)
        .compile()
    )

    def call_grandchild(state: Child):
        assert list(state) == ["child"]  # no keys of others
        return {"child": grandchild.invoke({"grandchild": state["child"]})["grandchild"] + " today?"}

    child = (
        lg.StateGraph(Child)
        .add_node("child_1", call_grandchild)
        .add_edge(lg.START, "child_1")
        .add_edge("child_1", lg.END)
        .compile()
    )

    def call_child(state: Outer):
        return {"foo": child.invoke({"child": state["foo"]})["child"]}

    return (
        lg.StateGraph(Outer)
        .add_node("hello", lambda state: {"foo": "hi " + state["foo"]})
        .add_node("child", call_child)
        .add_node("bye", lambda state: {"foo": state["foo"] + " bye!"})
        .add_edge(lg.START, "hello")
        .add_edge("hello", "child")
        .add_edge("child", "bye")
        .add_edge("bye", lg.END)
        .compile()
    )


def test_graphs_call_graphs_over_two_levels(lg):
    chunks = list(three_levels(lg).stream({"foo": "Bob"}, subgraphs=True, stream_mode="updates"))
    assert namespaces(chunks) == [
        ((), {"hello": {"foo": "hi Bob"}}),
        (("child", "child_1"), {"grandchild_1": {"grandchild": "hi Bob, how are you"}}),
        (("child",), {"child_1": {"child": "hi Bob, how are you today?"}}),
        ((), {"child": {"foo": "hi Bob, how are you today?"}}),
        ((), {"bye": {"foo": "hi Bob, how are you today? bye!"}}),
    ]


# -- a graph as a node


def shared(lg, saver=None, inner_saver=None):
    """node_1, then a graph as node_2, which shares `foo` and has `bar` for itself."""
    subgraph = (
        lg.StateGraph(Shared)
        .add_node("sub_1", lambda state: {"bar": "bar"})
        .add_node("sub_2", lambda state: {"foo": state["foo"] + state["bar"]})
        .add_edge(lg.START, "sub_1")
        .add_edge("sub_1", "sub_2")
        .compile(checkpointer=inner_saver)
    )
    return (
        lg.StateGraph(Outer)
        .add_node("node_1", lambda state: {"foo": "hi " + state["foo"]})
        .add_node("node_2", subgraph)
        .add_edge(lg.START, "node_1")
        .add_edge("node_1", "node_2")
        .compile(checkpointer=saver)
    )


def test_a_graph_is_a_node_and_shares_keys_with_the_outer_graph(lg):
    graph = shared(lg)
    assert graph.invoke({"foo": "foo"}) == {"foo": "hi foobar"}
    assert list(graph.stream({"foo": "foo"}, stream_mode="updates")) == [
        {"node_1": {"foo": "hi foo"}},
        {"node_2": {"foo": "hi foobar"}},
    ]


def test_the_steps_of_a_graph_that_is_a_node_can_be_streamed(lg):
    assert namespaces(shared(lg).stream({"foo": "foo"}, stream_mode="updates", subgraphs=True)) == [
        ((), {"node_1": {"foo": "hi foo"}}),
        (("node_2",), {"sub_1": {"bar": "bar"}}),
        (("node_2",), {"sub_2": {"foo": "hi foobar"}}),
        ((), {"node_2": {"foo": "hi foobar"}}),
    ]


def test_the_values_of_a_sub_graph_can_be_streamed(lg):
    assert namespaces(shared(lg).stream({"foo": "foo"}, stream_mode="values", subgraphs=True)) == [
        ((), {"foo": "foo"}),
        ((), {"foo": "hi foo"}),
        (("node_2",), {"foo": "hi foo"}),
        (("node_2",), {"foo": "hi foo", "bar": "bar"}),
        (("node_2",), {"foo": "hi foobar", "bar": "bar"}),
        ((), {"foo": "hi foobar"}),
    ]


def test_several_modes_of_a_stream_with_sub_graphs_are_triples(lg):
    chunks = namespaces(shared(lg).stream({"foo": "foo"}, stream_mode=["updates", "values"], subgraphs=True))
    assert ((), "values", {"foo": "hi foo"}) in chunks
    assert (("node_2",), "updates", {"sub_1": {"bar": "bar"}}) in chunks
    assert (("node_2",), "values", {"foo": "hi foobar", "bar": "bar"}) in chunks
    assert chunks[-1] == ((), "values", {"foo": "hi foobar"})


def test_sub_graphs_run_in_async_calls_too(lg):
    async def add(state: Shared):
        return {"foo": state["foo"] + "!"}

    subgraph = lg.StateGraph(Shared).add_node(add).add_edge(lg.START, "add").compile()

    async def call(state: Outer):
        return {"foo": (await subgraph.ainvoke({"foo": state["foo"]}))["foo"]}

    graph = (
        lg.StateGraph(Outer)
        .add_node("as_node", subgraph)
        .add_node(call)
        .add_edge(lg.START, "as_node")
        .add_edge("as_node", "call")
        .compile()
    )

    async def both():
        return [chunk async for chunk in graph.astream({"foo": "x"}, stream_mode="updates", subgraphs=True)]

    assert namespaces(lg.run(both())) == [
        (("as_node",), {"add": {"foo": "x!"}}),
        ((), {"as_node": {"foo": "x!"}}),
        (("call",), {"add": {"foo": "x!!"}}),
        ((), {"call": {"foo": "x!!"}}),
    ]


def test_a_sub_graph_can_be_run_for_each_item_with_send(lg):
    class Many(TypedDict):
        items: list[str]
        done: Annotated[list[str], operator.add]

    class One(TypedDict, total=False):
        item: str
        done: Annotated[list[str], operator.add]

    one = (
        lg.StateGraph(One)
        .add_node("work", lambda state: {"done": [state["item"].upper()]})
        .add_edge(lg.START, "work")
        .compile()
    )
    graph = (
        lg.StateGraph(Many)
        .add_node("one", one)
        .add_conditional_edges(
            lg.START, lambda state: [lg.Send("one", {"item": item}) for item in state["items"]], ["one"]
        )
        .compile()
    )
    assert graph.invoke({"items": ["a", "b", "c"], "done": []})["done"] == ["A", "B", "C"]


# -- experts: a sub-graph behind a tool, per call, without and with memory


class Talk(TypedDict, total=False):
    messages: Annotated[list[str], operator.add]


def expert(lg, memory, seen, *, asks=False, name="expert", wrapped=False):
    """A graph that takes a question, looks it up and answers; `seen` gets how many messages it had in the end."""

    def look_up(state: Talk):
        if asks:
            lg.interrupt(f"look up {state['messages'][-1]}?")
        return {"messages": [f"facts about {state['messages'][-1]}"]}

    def answer(state: Talk):
        seen.append(len(state["messages"]) + 1)
        return {"messages": [f"answer from {state['messages'][-1]}"]}

    graph = (
        lg.StateGraph(Talk)
        .add_sequence([look_up, answer])
        .add_edge(lg.START, "look_up")
        .compile(checkpointer=memory, name=name)
    )
    if not wrapped:
        return graph
    return lg.StateGraph(Talk).add_node(name, graph).add_edge(lg.START, name).compile()


def agent(lg, *experts):
    """An outer graph whose one node hands each question of the last message to the experts, as a tool would."""

    def tools(state: Talk):
        said = []
        for question in state["messages"][-1].split(" and "):
            said += [one.invoke({"messages": [question]})["messages"][-1] for one in experts]
        return {"messages": ["; ".join(said)]}

    return lg.StateGraph(Talk).add_node(tools).add_edge(lg.START, "tools").compile(checkpointer=lg.InMemorySaver())


@pytest.mark.parametrize("memory", [None, True])
def test_a_sub_graph_behind_a_tool_can_ask(lg, memory):
    seen = []
    graph, config = agent(lg, expert(lg, memory, seen, asks=True)), lg.thread()
    assert lg.asked(graph.invoke({"messages": ["apples"]}, config)) == ["look up apples?"]
    result = graph.invoke(lg.Command(resume=True), config)
    assert result["messages"] == ["apples", "answer from facts about apples"]
    assert seen == [3]


def test_a_sub_graph_per_call_begins_afresh_each_time(lg):
    seen = []
    graph, config = agent(lg, expert(lg, None, seen)), lg.thread()
    graph.invoke({"messages": ["apples"]}, config)
    graph.invoke({"messages": ["bananas"]}, config)
    assert seen == [3, 3]


def test_one_node_can_call_a_sub_graph_several_times(lg):
    seen = []
    graph, config = agent(lg, expert(lg, None, seen)), lg.thread()
    result = graph.invoke({"messages": ["apples and bananas"]}, config)
    assert result["messages"][-1] == "answer from facts about apples; answer from facts about bananas"
    assert seen == [3, 3]


def test_several_calls_of_a_sub_graph_in_one_node_can_each_ask(lg):
    seen = []
    graph, config = agent(lg, expert(lg, None, seen, asks=True)), lg.thread()
    assert lg.asked(graph.invoke({"messages": ["apples and bananas"]}, config)) == ["look up apples?"]
    assert lg.asked(graph.invoke(lg.Command(resume=True), config)) == ["look up bananas?"]
    result = graph.invoke(lg.Command(resume=True), config)
    assert result["messages"][-1] == "answer from facts about apples; answer from facts about bananas"


def test_a_sub_graph_without_checkpointer_runs_like_a_function(lg):
    seen = []
    graph, config = agent(lg, expert(lg, False, seen)), lg.thread()
    graph.invoke({"messages": ["apples"]}, config)
    graph.invoke({"messages": ["bananas and cherries"]}, config)
    assert seen == [3, 3, 3]


def test_a_sub_graph_with_memory_goes_on_where_it_was(lg):
    seen = []
    graph, config = agent(lg, expert(lg, True, seen)), lg.thread()
    graph.invoke({"messages": ["apples"]}, config)
    graph.invoke({"messages": ["bananas"]}, config)
    assert seen == [3, 6]
    graph.invoke({"messages": ["cherries"]}, lg.thread())  # memory is per thread
    assert seen == [3, 6, 3]


def test_a_sub_graph_with_memory_can_ask_in_each_call(lg):
    seen = []
    graph, config = agent(lg, expert(lg, True, seen, asks=True)), lg.thread()
    for n, fruit in enumerate(["apples", "bananas"], 1):
        assert lg.asked(graph.invoke({"messages": [fruit]}, config)) == [f"look up {fruit}?"]
        graph.invoke(lg.Command(resume=True), config)
        assert seen == [3, 6][:n]


def test_two_sub_graphs_with_memory_keep_theirs_apart_when_each_has_a_name_of_its_own(lg):
    fruit, vegetables = [], []
    graph = agent(
        lg,
        expert(lg, True, fruit, name="fruit", wrapped=True),
        expert(lg, True, vegetables, name="vegetables", wrapped=True),
    )
    config = lg.thread()
    graph.invoke({"messages": ["cherries"]}, config)
    assert (fruit, vegetables) == ([3], [3])
    graph.invoke({"messages": ["oranges"]}, config)
    assert (fruit, vegetables) == ([3, 6], [3, 6])


def test_sub_graphs_with_memory_that_are_nodes_keep_theirs_apart(lg):
    one, two = [], []
    graph = (
        lg.StateGraph(Talk)
        .add_node("one", expert(lg, True, one))
        .add_node("two", expert(lg, True, two))
        .add_edge(lg.START, "one")
        .add_edge("one", "two")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"messages": ["x"]}, config)
    graph.invoke({"messages": ["y"]}, config)
    assert (one, two) == ([3, 16], [6, 35])  # each adds all messages of the outer graph to its own


def test_memory_lasts_below_a_sub_graph_that_has_none(lg):
    seen = []
    middle = expert(lg, True, seen, wrapped=True)
    graph = (
        lg.StateGraph(Talk)
        .add_node("middle", middle)
        .add_edge(lg.START, "middle")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"messages": ["x"]}, config)
    graph.invoke({"messages": ["y"]}, config)
    assert seen == [3, 3 + 6 + 2]  # its own, the outer graph's, and the two of this call


# -- looking into a sub-graph


def asking(lg, memory=None, as_node=True):
    """A graph with a sub-graph that asks; the sub-graph's second node appends the answer."""

    def sub_1(state: Shared):
        return {"bar": "bar"}

    def sub_2(state: Shared):
        return {"foo": state["foo"] + lg.interrupt("value?")}

    subgraph = (
        lg.StateGraph(Shared).add_sequence([sub_1, sub_2]).add_edge(lg.START, "sub_1").compile(checkpointer=memory)
    )

    def call(state: Outer):
        return {"foo": subgraph.invoke({"foo": state["foo"]})["foo"]}

    return (
        lg.StateGraph(Outer)
        .add_node("node_1", lambda state: {"foo": "hi " + state["foo"]})
        .add_node("node_2", subgraph if as_node else call)
        .add_edge(lg.START, "node_1")
        .add_edge("node_1", "node_2")
        .compile(checkpointer=lg.InMemorySaver())
    )


@pytest.mark.parametrize("memory", [None, True])
@pytest.mark.parametrize("as_node", [True, False])
def test_the_state_of_a_paused_sub_graph_stands_on_its_task(lg, memory, as_node):
    graph, config = asking(lg, memory, as_node), lg.thread()
    graph.invoke({"foo": "foo"}, config)
    [task] = graph.get_state(config, subgraphs=True).tasks
    assert (task.name, task.interrupts[0].value) == ("node_2", "value?")
    assert isinstance(task.state, lg.StateSnapshot)
    assert (task.state.values, task.state.next) == ({"foo": "hi foo", "bar": "bar"}, ("sub_2",))
    assert task.state.tasks[0].interrupts == task.interrupts
    assert graph.invoke(lg.Command(resume="!"), config) == {"foo": "hi foo!"}


def test_without_asking_for_sub_graphs_a_task_shows_where_to_look(lg):
    graph, config = asking(lg), lg.thread()
    graph.invoke({"foo": "foo"}, config)
    [task] = graph.get_state(config).tasks
    inner = graph.get_state(task.state)
    assert (inner.values, inner.next) == ({"foo": "hi foo", "bar": "bar"}, ("sub_2",))


def test_after_the_end_there_is_no_task_to_look_into(lg):
    graph, config = asking(lg), lg.thread()
    graph.invoke({"foo": "foo"}, config)
    graph.invoke(lg.Command(resume="!"), config)
    assert graph.get_state(config, subgraphs=True).tasks == ()


def test_the_question_of_a_sub_graph_is_seen_from_the_outer_graph(lg):
    graph, config = asking(lg), lg.thread()
    result = graph.invoke({"foo": "foo"}, config)
    assert lg.asked(result) == ["value?"]
    state = graph.get_state(config)
    assert (state.next, state.values) == (("node_2",), {"foo": "hi foo"})  # the sub-graph's writes come at its end
    assert state.interrupts == tuple(result["__interrupt__"])


def test_a_question_in_a_stream_with_sub_graphs_is_told_by_both(lg):
    graph, config = asking(lg), lg.thread()
    chunks = namespaces(graph.stream({"foo": "foo"}, config, stream_mode="updates", subgraphs=True))
    assert chunks[:2] == [((), {"node_1": {"foo": "hi foo"}}), (("node_2",), {"sub_1": {"bar": "bar"}})]
    asked = [(ns, lg.asked(chunk)) for ns, chunk in chunks[2:]]
    assert ((), ["value?"]) in asked
    rest = namespaces(graph.stream(lg.Command(resume="!"), config, stream_mode="updates", subgraphs=True))
    assert rest == [(("node_2",), {"sub_2": {"foo": "hi foo!"}}), ((), {"node_2": {"foo": "hi foo!"}})]


def test_the_state_of_a_paused_sub_graph_can_be_changed(lg):
    graph, config = asking(lg), lg.thread()
    graph.invoke({"foo": "foo"}, config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    graph.update_state(inner.config, {"foo": "edited"})
    assert graph.get_state(config, subgraphs=True).tasks[0].state.values["foo"] == "edited"
    assert graph.get_state(config).values == {"foo": "hi foo"}
    result = graph.invoke(None, config)
    assert lg.asked(result) == ["value?"]
    assert graph.invoke(lg.Command(resume="!"), config) == {"foo": "edited!"}


def test_a_person_answers_for_a_node_of_a_paused_sub_graph(lg):
    graph, config = asking(lg), lg.thread()
    graph.invoke({"foo": "foo"}, config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    graph.update_state(inner.config, {"foo": "by hand"}, as_node="sub_2")
    assert graph.invoke(None, config) == {"foo": "by hand"}


def test_a_person_answers_for_the_whole_sub_graph(lg):
    graph, config = asking(lg), lg.thread()
    graph.invoke({"foo": "foo"}, config)
    graph.update_state(config, {"foo": "by hand"}, as_node="node_2")
    assert graph.get_state(config).next == ()
    assert graph.get_state(config).values == {"foo": "by hand"}


def test_the_accumulated_state_of_a_sub_graph_with_memory_can_be_read_while_it_asks_again(lg):
    class Log(TypedDict):
        log: Annotated[list[str], operator.add]

    def note(state: Log):
        return {"log": [f"noted {lg.interrupt('note?')}"]}

    subgraph = lg.StateGraph(Log).add_node(note).add_edge(lg.START, "note").compile(checkpointer=True)

    class Out(TypedDict, total=False):
        day: str

    def call(state: Out):
        subgraph.invoke({"log": [state["day"]]})
        return {}

    graph = lg.StateGraph(Out).add_node(call).add_edge(lg.START, "call").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()
    graph.invoke({"day": "Monday"}, config)
    graph.invoke(lg.Command(resume="rain"), config)
    graph.invoke({"day": "Tuesday"}, config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    assert inner.values == {"log": ["Monday", "noted rain", "Tuesday"]}
    graph.invoke(lg.Command(resume="sun"), config)


def test_a_graph_names_its_sub_graphs(lg):
    inmost = lg.StateGraph(Shared).add_node("x", lambda s: {"bar": "x"}).add_edge(lg.START, "x").compile()
    middle = lg.StateGraph(Shared).add_node("inmost", inmost).add_edge(lg.START, "inmost").compile()
    graph = lg.StateGraph(Outer).add_node("middle", middle).add_edge(lg.START, "middle").compile()
    assert [name for name, _ in graph.get_subgraphs()] == ["middle"]
    assert [name for name, _ in graph.get_subgraphs(recurse=True)] == ["middle", "middle|inmost"]
    assert dict(graph.get_subgraphs())["middle"] is middle


def test_a_drawing_with_xray_shows_the_nodes_of_sub_graphs(lg):
    graph = shared(lg)
    assert set(graph.get_graph().nodes) == {"__start__", "node_1", "node_2", "__end__"}
    assert {"node_2:sub_1", "node_2:sub_2"} <= set(graph.get_graph(xray=True).nodes)


# -- several sub-graphs asking at a time


def test_questions_of_parallel_sub_graphs_are_answered_by_their_ids(lg):
    class Log(TypedDict):
        log: Annotated[list[str], operator.add]

    def asker(name):
        def ask(state: Log):
            return {"log": [f"{name}={lg.interrupt(f'{name}?')}"]}

        return lg.StateGraph(Log).add_node(ask).add_edge(lg.START, "ask").compile()

    class Out(TypedDict):
        log: Annotated[list[Any], operator.add]

    def calls(graph):
        return lambda state: {"log": graph.invoke({"log": []})["log"]}

    builder = lg.StateGraph(Out)
    for name in "ab":
        builder.add_node(name, calls(asker(name))).add_edge(lg.START, name)
    graph, config = builder.compile(checkpointer=lg.InMemorySaver()), lg.thread()
    result = graph.invoke({"log": []}, config)
    assert sorted(lg.asked(result)) == ["a?", "b?"]
    answers = {one.id: one.value.upper() for one in result["__interrupt__"]}
    assert graph.invoke(lg.Command(resume=answers), config) == {"log": ["a=A?", "b=B?"]}


def test_tasks_of_a_fan_out_call_the_same_sub_graph_and_each_asks(lg):
    class Log(TypedDict):
        log: Annotated[list[str], operator.add]

    class One(TypedDict):
        item: str
        verdict: str

    def ask(state: One):
        return {"verdict": lg.interrupt(state["item"])}

    subgraph = lg.StateGraph(One).add_node(ask).add_edge(lg.START, "ask").compile()

    def check(arg):
        return {"log": [f"{arg['item']}:{subgraph.invoke({'item': arg['item']})['verdict']}"]}

    graph = (
        lg.StateGraph(Log)
        .add_node("check", check)
        .add_conditional_edges(lg.START, lambda s: [lg.Send("check", {"item": i}) for i in "xyz"], ["check"])
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    result = graph.invoke({"log": []}, config)
    assert sorted(lg.asked(result)) == ["x", "y", "z"]
    answers = {one.id: one.value * 2 for one in result["__interrupt__"]}
    assert graph.invoke(lg.Command(resume=answers), config) == {"log": ["x:xx", "y:yy", "z:zz"]}


def test_a_question_two_levels_down_pauses_the_outermost_graph(lg):
    def ask(state: Shared):
        return {"foo": state["foo"] + lg.interrupt("deep?")}

    inmost = lg.StateGraph(Shared).add_node(ask).add_edge(lg.START, "ask").compile()
    middle = lg.StateGraph(Shared).add_node("inmost", inmost).add_edge(lg.START, "inmost").compile()
    graph = (
        lg.StateGraph(Outer)
        .add_node("middle", middle)
        .add_edge(lg.START, "middle")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    assert lg.asked(graph.invoke({"foo": "x"}, config)) == ["deep?"]
    deep = graph.get_state(config, subgraphs=True).tasks[0].state.tasks[0].state
    assert (deep.values, deep.next) == ({"foo": "x"}, ("ask",))
    assert graph.invoke(lg.Command(resume="!"), config) == {"foo": "x!"}


def deep(lg, memory=None):
    """Three graphs in each other; the inmost one asks between its two nodes."""

    def begin(state: Shared):
        return {"bar": "begun"}

    def ask(state: Shared):
        return {"foo": f"{state['foo']} {state['bar']} {lg.interrupt('deep?')}"}

    inmost = lg.StateGraph(Shared).add_sequence([begin, ask]).add_edge(lg.START, "begin").compile(checkpointer=memory)
    middle = lg.StateGraph(Shared).add_node("inmost", inmost).add_edge(lg.START, "inmost").compile(checkpointer=memory)
    return (
        lg.StateGraph(Outer)
        .add_node("middle", middle)
        .add_edge(lg.START, "middle")
        .compile(checkpointer=lg.InMemorySaver())
    )


def inmost_state(graph, config):
    return graph.get_state(config, subgraphs=True).tasks[0].state.tasks[0].state


@pytest.mark.parametrize("memory", [None, True])
def test_the_state_of_a_sub_graph_two_levels_down_can_be_changed(lg, memory):
    graph, config = deep(lg, memory), lg.thread()
    graph.invoke({"foo": "x"}, config)
    graph.update_state(inmost_state(graph, config).config, {"bar": "edited"})
    assert inmost_state(graph, config).values == {"foo": "x", "bar": "edited"}
    assert lg.asked(graph.invoke(None, config)) == ["deep?"]
    assert graph.invoke(lg.Command(resume="!"), config) == {"foo": "x edited !"}


def test_async_code_looks_into_a_paused_sub_graph_and_changes_it(lg):
    graph, config = deep(lg), lg.thread()

    async def talk():
        await graph.ainvoke({"foo": "x"}, config)
        state = await graph.aget_state(config, subgraphs=True)
        inner = state.tasks[0].state.tasks[0].state
        await graph.aupdate_state(inner.config, {"bar": "edited"})
        again = await graph.ainvoke(None, config)
        return inner.next, lg.asked(again), await graph.ainvoke(lg.Command(resume="!"), config)

    assert lg.run(talk()) == (("ask",), ["deep?"], {"foo": "x edited !"})


def test_async_nodes_call_a_sub_graph_that_asks_several_times(lg):
    class Log(TypedDict):
        log: Annotated[list[str], operator.add]

    async def ask(state: Log):
        return {"log": [f"{state['log'][-1]}={lg.interrupt(state['log'][-1])}"]}

    subgraph = lg.StateGraph(Log).add_node(ask).add_edge(lg.START, "ask").compile()

    async def call(state: Log):
        return {"log": [(await subgraph.ainvoke({"log": [q]}))["log"][-1] for q in ("one?", "two?")]}

    graph = lg.StateGraph(Log).add_node(call).add_edge(lg.START, "call").compile(checkpointer=lg.InMemorySaver())
    config = lg.thread()

    async def talk():
        first = lg.asked(await graph.ainvoke({"log": []}, config))
        second = lg.asked(await graph.ainvoke(lg.Command(resume="1"), config))
        return first, second, await graph.ainvoke(lg.Command(resume="2"), config)

    assert lg.run(talk()) == (["one?"], ["two?"], {"log": ["one?=1", "two?=2"]})


# -- static breakpoints in sub-graphs


def test_a_breakpoint_that_a_sub_graph_was_compiled_with_stops_the_outer_graph(lg):
    subgraph = (
        lg.StateGraph(Shared)
        .add_node("sub_1", lambda state: {"bar": "bar"})
        .add_node("sub_2", lambda state: {"foo": state["foo"] + state["bar"]})
        .add_edge(lg.START, "sub_1")
        .add_edge("sub_1", "sub_2")
        .compile(interrupt_before=["sub_2"])
    )
    graph = (
        lg.StateGraph(Outer)
        .add_node("sub", subgraph)
        .add_edge(lg.START, "sub")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"foo": "foo"}, config)
    state = graph.get_state(config, subgraphs=True)
    assert (state.next, state.tasks[0].state.next) == (("sub",), ("sub_2",))
    graph.update_state(state.tasks[0].state.config, {"bar": "baz"})
    assert graph.invoke(None, config) == {"foo": "foobaz"}


def test_a_breakpoint_of_a_call_reaches_into_a_sub_graph_by_its_path(lg):
    graph, config = shared(lg, lg.InMemorySaver()), lg.thread()
    # We differ: "static breakpoints ignore ... nodes in sub-graphs"
    graph.invoke({"foo": "foo"}, config, interrupt_before=["node_2/sub_2"])
    if lg.ours:
        state = graph.get_state(config, subgraphs=True)
        assert (state.next, state.tasks[0].state.next) == (("node_2",), ("sub_2",))
        graph.invoke(None, config)
    assert graph.get_state(config).values == {"foo": "hi foobar"}


# -- leaving a sub-graph


def test_a_node_of_a_sub_graph_hands_over_to_a_node_of_the_outer_graph(lg):
    class Log(TypedDict):
        log: Annotated[list[str], operator.add]

    def leave(state: Log):
        return lg.Command(update={"log": ["leave"]}, goto="other", graph=lg.Command.PARENT)

    subgraph = lg.StateGraph(Log).add_node(leave).add_edge(lg.START, "leave").compile()
    graph = (
        lg.StateGraph(Log)
        .add_node("sub", subgraph, destinations=("other",))
        .add_node("other", lambda state: {"log": ["other"]})
        .add_edge(lg.START, "sub")
        .compile()
    )
    assert graph.invoke({"log": ["in"]}) == {"log": ["in", "leave", "other"]}


def test_a_handover_after_a_question_works_too(lg):
    class Log(TypedDict):
        log: Annotated[list[str], operator.add]

    def leave(state: Log):
        to = lg.interrupt("who next?")
        return lg.Command(update={"log": [f"to {to}"]}, goto=to, graph=lg.Command.PARENT)

    subgraph = lg.StateGraph(Log).add_node(leave).add_edge(lg.START, "leave").compile()
    graph = (
        lg.StateGraph(Log)
        .add_node("sub", subgraph, destinations=("alice", "bob"))
        .add_node("alice", lambda state: {"log": ["alice"]})
        .add_node("bob", lambda state: {"log": ["bob"]})
        .add_edge(lg.START, "sub")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    assert lg.asked(graph.invoke({"log": []}, config)) == ["who next?"]
    assert graph.invoke(lg.Command(resume="bob"), config) == {"log": ["to bob", "bob"]}
