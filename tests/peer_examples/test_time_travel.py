"""LangGraph's page "Time travel": replaying and forking, with interrupts and with sub-graphs."""

import operator
from typing import Annotated, TypedDict

import pytest


class Joke(TypedDict, total=False):
    topic: str
    joke: str


def jokes(lg, calls=None):
    calls = [] if calls is None else calls

    def choose(state: Joke):
        calls.append("choose")
        return {"topic": "socks"}

    def write(state: Joke):
        calls.append("write")
        return {"joke": f"Why do {state['topic']} disappear?"}

    return (
        lg.StateGraph(Joke)
        .add_node(choose)
        .add_node(write)
        .add_edge(lg.START, "choose")
        .add_edge("choose", "write")
        .compile(checkpointer=lg.InMemorySaver())
    )


def id_of(config):
    return config["configurable"]["checkpoint_id"]


def joked(lg, calls=None):
    graph, config = jokes(lg, calls), lg.thread()
    graph.invoke({}, config)
    return graph, config


# -- replaying


def test_history_is_newest_first_and_says_what_was_next(lg):
    graph, config = joked(lg)
    assert [one.next for one in graph.get_state_history(config)] == [(), ("write",), ("choose",), ("__start__",)]


def test_a_replay_runs_what_comes_after_the_checkpoint_and_nothing_before_it(lg):
    calls = []
    graph, config = joked(lg, calls)
    before = lg.at(graph, config, "write")
    calls.clear()
    assert graph.invoke(None, before.config) == {"topic": "socks", "joke": "Why do socks disappear?"}
    assert calls == ["write"]


def test_a_replay_may_end_otherwise(lg):
    rolls = iter([1, 6])

    def roll(state: Joke):
        return {"joke": str(next(rolls))}

    graph = (
        lg.StateGraph(Joke)
        .add_node("choose", lambda state: {"topic": "dice"})
        .add_node(roll)
        .add_edge(lg.START, "choose")
        .add_edge("choose", "roll")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    assert graph.invoke({}, config)["joke"] == "1"
    assert graph.invoke(None, lg.at(graph, config, "roll").config)["joke"] == "6"
    assert graph.get_state(config).values["joke"] == "6"


def test_a_replay_from_the_last_checkpoint_does_nothing(lg):
    calls = []
    graph, config = joked(lg, calls)
    calls.clear()
    last = graph.get_state(config)
    assert graph.invoke(None, last.config) == last.values
    assert calls == []


def test_a_replay_from_the_first_checkpoint_runs_everything(lg):
    calls = []
    graph, config = joked(lg, calls)
    calls.clear()
    first = list(graph.get_state_history(config))[-1]
    assert graph.invoke(None, first.config)["joke"] == "Why do socks disappear?"
    assert calls == ["choose", "write"]


def test_a_replay_leaves_the_old_branch_in_the_history(lg):
    graph, config = joked(lg)
    old = [id_of(one.config) for one in graph.get_state_history(config)]
    graph.invoke(None, lg.at(graph, config, "write").config)
    now = [id_of(one.config) for one in graph.get_state_history(config)]
    assert set(old) < set(now)
    assert now[-len(old) :] == old
    assert id_of(graph.get_state(config).config) not in old


def test_a_replay_can_be_streamed(lg):
    graph, config = joked(lg)
    before = lg.at(graph, config, "write")
    assert list(graph.stream(None, before.config, stream_mode="updates")) == [
        {"write": {"joke": "Why do socks disappear?"}}
    ]


def test_a_replay_can_be_async(lg):
    graph, config = joked(lg)

    async def again():
        before = [one async for one in graph.aget_state_history(config) if one.next == ("write",)][-1]
        fork = await graph.aupdate_state(before.config, {"topic": "chickens"})
        return await graph.ainvoke(None, before.config), await graph.ainvoke(None, fork)

    replayed, forked = lg.run(again())
    assert replayed["joke"] == "Why do socks disappear?"
    assert forked["joke"] == "Why do chickens disappear?"


# -- forking


def test_a_fork_goes_on_with_a_changed_state(lg):
    calls = []
    graph, config = joked(lg, calls)
    before = lg.at(graph, config, "write")
    calls.clear()
    fork = graph.update_state(before.config, {"topic": "chickens"})
    assert graph.get_state(fork).next == ("write",)
    assert graph.invoke(None, fork) == {"topic": "chickens", "joke": "Why do chickens disappear?"}
    assert calls == ["write"]


def test_a_fork_leaves_the_original_as_it_was(lg):
    graph, config = joked(lg)
    before, end = lg.at(graph, config, "write"), graph.get_state(config)
    fork = graph.update_state(before.config, {"topic": "chickens"})
    graph.invoke(None, fork)
    assert graph.get_state(before.config).values == {"topic": "socks"}
    assert graph.get_state(end.config).values == {"topic": "socks", "joke": "Why do socks disappear?"}
    assert graph.get_state(config).values == {"topic": "chickens", "joke": "Why do chickens disappear?"}


def test_a_fork_is_a_checkpoint_of_the_same_thread_whose_parent_is_the_old_one(lg):
    graph, config = joked(lg)
    before = lg.at(graph, config, "write")
    fork = graph.update_state(before.config, {"topic": "chickens"})
    assert fork["configurable"]["thread_id"] == config["configurable"]["thread_id"]
    assert id_of(fork) != id_of(before.config)
    state = graph.get_state(fork)
    assert id_of(state.parent_config) == id_of(before.config)
    assert (state.values, state.metadata["source"]) == ({"topic": "chickens"}, "update")


def test_a_fork_as_the_node_before_goes_on_behind_that_node(lg):
    calls = []
    graph, config = joked(lg, calls)
    start = lg.at(graph, config, "choose")
    calls.clear()
    fork = graph.update_state(start.config, {"topic": "chickens"}, as_node="choose")
    assert graph.get_state(fork).next == ("write",)
    assert graph.invoke(None, fork)["joke"] == "Why do chickens disappear?"
    assert calls == ["write"]


def test_a_fork_as_the_last_node_skips_it(lg):
    calls = []
    graph, config = joked(lg, calls)
    before = lg.at(graph, config, "write")
    calls.clear()
    fork = graph.update_state(before.config, {"joke": "by hand"}, as_node="write")
    assert graph.get_state(fork).next == ()
    assert graph.invoke(None, fork) == {"topic": "socks", "joke": "by hand"}
    assert calls == []


def test_a_fork_of_a_fork_is_a_branch_of_its_own(lg):
    graph, config = joked(lg)
    before = lg.at(graph, config, "write")
    one = graph.update_state(before.config, {"topic": "cats"})
    two = graph.update_state(one, {"topic": "dogs"})
    three = graph.update_state(one, {"topic": "cows"})
    assert [graph.invoke(None, fork)["joke"] for fork in (two, three, one)] == [
        "Why do dogs disappear?",
        "Why do cows disappear?",
        "Why do cats disappear?",
    ]


def test_a_fork_accumulates_what_has_a_reducer(lg):
    class State(TypedDict):
        log: Annotated[list[str], operator.add]

    graph = (
        lg.StateGraph(State)
        .add_node("a", lambda state: {"log": ["a"]})
        .add_node("b", lambda state: {"log": ["b"]})
        .add_edge(lg.START, "a")
        .add_edge("a", "b")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"log": []}, config)
    fork = graph.update_state(lg.at(graph, config, "b").config, {"log": ["person"]})
    assert graph.invoke(None, fork) == {"log": ["a", "person", "b"]}


def test_new_input_at_an_old_checkpoint_begins_a_run_with_that_state(lg):
    class State(TypedDict):
        log: Annotated[list[str], operator.add]

    graph = (
        lg.StateGraph(State)
        .add_node("a", lambda state: {"log": ["a"]})
        .add_edge(lg.START, "a")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"log": ["one"]}, config)
    end_of_one = graph.get_state(config)
    graph.invoke({"log": ["two"]}, config)
    assert graph.get_state(config).values == {"log": ["one", "a", "two", "a"]}
    assert graph.invoke({"log": ["other"]}, end_of_one.config) == {"log": ["one", "a", "other", "a"]}
    assert graph.get_state(config).values == {"log": ["one", "a", "other", "a"]}


# -- with interrupts


class Value(TypedDict):
    value: Annotated[list[str], operator.add]


def asking(lg, calls=None):
    calls = [] if calls is None else calls

    def ask(state: Value):
        calls.append("ask")
        return {"value": [f"Hello, {lg.interrupt('Who are you?')}!"]}

    def last(state: Value):
        calls.append("last")
        return {"value": ["Done"]}

    return (
        lg.StateGraph(Value)
        .add_sequence([ask, last])
        .add_edge(lg.START, "ask")
        .compile(checkpointer=lg.InMemorySaver())
    )


def answered(lg, calls=None):
    graph, config = asking(lg, calls), lg.thread()
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    return graph, config


def test_a_replay_from_before_a_question_asks_again(lg):
    graph, config = answered(lg)
    before = lg.at(graph, config, "ask")
    assert lg.asked(graph.invoke(None, before.config)) == ["Who are you?"]
    assert graph.get_state(config).next == ("ask",)


def test_a_question_that_a_replay_asks_again_takes_another_answer(lg):
    graph, config = answered(lg)
    graph.invoke(None, lg.at(graph, config, "ask").config)
    assert graph.invoke(lg.Command(resume="Bob"), config) == {"value": ["Hello, Bob!", "Done"]}


def test_a_fork_from_before_a_question_asks_again(lg):
    graph, config = answered(lg)
    fork = graph.update_state(lg.at(graph, config, "ask").config, {"value": ["forked"]})
    assert lg.asked(graph.invoke(None, fork)) == ["Who are you?"]
    assert graph.invoke(lg.Command(resume="Bob"), config) == {"value": ["forked", "Hello, Bob!", "Done"]}


def test_a_fork_with_a_question_is_answered_at_the_config_of_the_fork_as_well(lg):
    graph, config = answered(lg)
    fork = graph.update_state(lg.at(graph, config, "ask").config, {"value": ["forked"]})
    graph.invoke(None, fork)
    assert graph.invoke(lg.Command(resume="Bob"), fork) == {"value": ["forked", "Hello, Bob!", "Done"]}


def test_a_fork_as_the_node_that_asked_goes_on_without_the_question(lg):
    calls = []
    graph, config = answered(lg, calls)
    calls.clear()
    fork = graph.update_state(lg.at(graph, config, "ask").config, {"value": ["by hand"]}, as_node="ask")
    assert graph.get_state(fork).next == ("last",)
    assert graph.invoke(None, fork) == {"value": ["by hand", "Done"]}
    assert calls == ["last"]


def test_a_replay_from_after_a_question_asks_nothing(lg):
    calls = []
    graph, config = answered(lg, calls)
    calls.clear()
    assert graph.invoke(None, lg.at(graph, config, "last").config) == {"value": ["Hello, Ada!", "Done"]}
    assert calls == ["last"]


def test_a_new_answer_at_an_old_question_is_a_fork_with_that_answer(lg):
    graph, config = answered(lg)
    asked = lg.at(graph, config, "ask")
    result = graph.invoke(lg.Command(resume="Bob"), asked.config)
    # We differ: "resume at an old checkpoint keeps the old answer"
    assert result["value"] == [f"Hello, {'Bob' if lg.ours else 'Ada'}!", "Done"]


def two_questions(lg):
    def name(state: Value):
        return {"value": [f"name:{lg.interrupt('name?')}"]}

    def age(state: Value):
        return {"value": [f"age:{lg.interrupt('age?')}"]}

    graph = (
        lg.StateGraph(Value)
        .add_sequence([name, age, ("end", lambda state: {"value": ["end"]})])
        .add_edge(lg.START, "name")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    assert lg.asked(graph.invoke({"value": []}, config)) == ["name?"]
    assert lg.asked(graph.invoke(lg.Command(resume="Ada"), config)) == ["age?"]
    assert graph.invoke(lg.Command(resume=36), config) == {"value": ["name:Ada", "age:36", "end"]}
    return graph, config


def test_a_fork_between_two_questions_keeps_the_first_answer_and_asks_the_second_again(lg):
    graph, config = two_questions(lg)
    fork = graph.update_state(lg.at(graph, config, "age").config, {"value": ["changed"]})
    result = graph.invoke(None, fork)
    assert result["value"] == ["name:Ada", "changed"]
    assert lg.asked(result) == ["age?"]
    assert graph.invoke(lg.Command(resume=40), config) == {"value": ["name:Ada", "changed", "age:40", "end"]}


def test_a_replay_from_before_both_questions_asks_both_again(lg):
    graph, config = two_questions(lg)
    assert lg.asked(graph.invoke(None, lg.at(graph, config, "name").config)) == ["name?"]
    assert lg.asked(graph.invoke(lg.Command(resume="Bob"), config)) == ["age?"]
    assert graph.invoke(lg.Command(resume=50), config) == {"value": ["name:Bob", "age:50", "end"]}


def test_an_edit_while_a_question_waits_is_seen_when_it_is_answered(lg):
    graph, config = asking(lg), lg.thread()
    graph.invoke({"value": []}, config)
    graph.update_state(config, {"value": ["edited"]})
    # We differ: "interrupts disappear from the snapshot after `update_state`"
    assert lg.pending(graph, config) == (["Who are you?"] if lg.ours else [])
    assert graph.get_state(config).next == ("ask",)
    assert graph.invoke(lg.Command(resume="Ada"), config) == {"value": ["edited", "Hello, Ada!", "Done"]}


def test_async_replays_ask_again(lg):
    graph, config = answered(lg)

    async def again():
        before = [one async for one in graph.aget_state_history(config) if one.next == ("ask",)][-1]
        asked = lg.asked(await graph.ainvoke(None, before.config))
        return asked, await graph.ainvoke(lg.Command(resume="Bob"), config)

    assert lg.run(again()) == (["Who are you?"], {"value": ["Hello, Bob!", "Done"]})


# -- with static breakpoints


def test_a_breakpoint_finds_the_checkpoint_that_is_edited(lg):
    graph, config = jokes(lg), lg.thread()
    graph.invoke({}, config, interrupt_before=["write"])
    stopped = graph.get_state(config)
    assert (stopped.values, stopped.next) == ({"topic": "socks"}, ("write",))
    graph.update_state(config, {"topic": "chickens"})
    assert graph.invoke(None, config) == {"topic": "chickens", "joke": "Why do chickens disappear?"}


# -- with sub-graphs


def nested(lg, calls, memory):
    def name(state: Value):
        calls.append("name")
        return {"value": [f"name:{lg.interrupt('name?')}"]}

    def age(state: Value):
        calls.append("age")
        return {"value": [f"age:{lg.interrupt('age?')}"]}

    subgraph = lg.StateGraph(Value).add_sequence([name, age]).add_edge(lg.START, "name").compile(checkpointer=memory)
    graph = (
        lg.StateGraph(Value)
        .add_node("sub", subgraph)
        .add_edge(lg.START, "sub")
        .compile(checkpointer=lg.InMemorySaver())
    )
    return graph, lg.thread()


@pytest.mark.parametrize("memory", [None, True])
def test_two_questions_in_a_sub_graph_are_answered_one_after_the_other(lg, memory):
    calls = []
    graph, config = nested(lg, calls, memory)
    assert lg.asked(graph.invoke({"value": []}, config)) == ["name?"]
    assert lg.asked(graph.invoke(lg.Command(resume="Ada"), config)) == ["age?"]
    assert graph.invoke(lg.Command(resume=36), config) == {"value": ["name:Ada", "age:36"]}
    assert calls == ["name", "name", "age", "age"]


def test_for_the_outer_graph_a_sub_graph_is_one_step(lg):
    graph, config = nested(lg, [], None)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    graph.invoke(lg.Command(resume=36), config)
    assert [one.next for one in graph.get_state_history(config)] == [(), ("sub",), ("__start__",)]


def test_a_replay_from_before_a_sub_graph_runs_it_from_its_beginning(lg):
    calls = []
    graph, config = nested(lg, calls, None)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    graph.invoke(lg.Command(resume=36), config)
    calls.clear()
    assert lg.asked(graph.invoke(None, lg.at(graph, config, "sub").config)) == ["name?"]
    assert lg.asked(graph.invoke(lg.Command(resume="Bob"), config)) == ["age?"]
    assert graph.invoke(lg.Command(resume=50), config) == {"value": ["name:Bob", "age:50"]}
    assert calls == ["name", "name", "age", "age"]


def test_a_fork_from_before_a_sub_graph_runs_it_with_the_changed_state(lg):
    graph, config = nested(lg, [], None)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    graph.invoke(lg.Command(resume=36), config)
    fork = graph.update_state(lg.at(graph, config, "sub").config, {"value": ["forked"]})
    assert lg.asked(graph.invoke(None, fork)) == ["name?"]
    assert lg.asked(graph.invoke(lg.Command(resume="Bob"), config)) == ["age?"]
    graph.invoke(lg.Command(resume=50), config)
    assert graph.get_state(config).values["value"][-2:] == ["name:Bob", "age:50"]
    assert "forked" in graph.get_state(config).values["value"]


def test_a_fork_inside_a_sub_graph_with_memory_goes_on_between_its_questions(lg):
    calls = []
    graph, config = nested(lg, calls, True)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    assert (inner.values, inner.next) == ({"value": ["name:Ada"]}, ("age",))
    fork = graph.update_state(inner.config, {"value": ["forked"]})
    calls.clear()
    assert lg.asked(graph.invoke(None, fork)) == ["age?"]
    assert graph.invoke(lg.Command(resume=40), config) == {"value": ["name:Ada", "forked", "age:40"]}
    assert set(calls) == {"age"}  # the first question keeps its answer


def test_a_sub_graph_without_memory_cannot_be_forked_in_its_middle_upstream(lg):
    graph, config = nested(lg, [], None)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    assert (inner.values, inner.next) == ({"value": ["name:Ada"]}, ("age",))
    fork = graph.update_state(inner.config, {"value": ["forked"]})
    # Rule 7: the state of a paused sub-graph can be forked at every depth; upstream starts the sub-graph again.
    assert lg.asked(graph.invoke(None, fork)) == (["age?"] if lg.ours else ["name?"])


def test_a_replay_inside_a_sub_graph_asks_again_from_the_middle(lg):
    calls = []
    graph, config = nested(lg, calls, True)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    graph.invoke(lg.Command(resume=36), config)
    calls.clear()
    assert lg.asked(graph.invoke(None, inner.config)) == ["age?"]
    assert calls == ["age"]
    assert graph.get_state(config).next == ("sub",)
    assert graph.invoke(lg.Command(resume=50), config) == {"value": ["name:Ada", "age:50"]}


def test_a_fork_inside_a_sub_graph_that_has_ended_goes_on_from_there(lg):
    graph, config = nested(lg, [], True)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    graph.invoke(lg.Command(resume=36), config)
    fork = graph.update_state(inner.config, {"value": ["forked"]})
    assert lg.asked(graph.invoke(None, fork)) == ["age?"]
    assert graph.invoke(lg.Command(resume=50), config) == {"value": ["name:Ada", "forked", "age:50"]}


def test_a_sub_graph_with_memory_has_a_history_of_its_own(lg):
    graph, config = nested(lg, [], True)
    graph.invoke({"value": []}, config)
    graph.invoke(lg.Command(resume="Ada"), config)
    inner = graph.get_state(config, subgraphs=True).tasks[0].state
    thread = {"thread_id": config["configurable"]["thread_id"]}
    ns = {"checkpoint_ns": inner.config["configurable"]["checkpoint_ns"]}
    history = list(graph.get_state_history({"configurable": thread | ns}))
    assert [one.next for one in history] == [("age",), ("name",), ("__start__",)]
    assert history[0].values == {"value": ["name:Ada"]}
