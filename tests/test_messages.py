"""The messages reducer: on plain dicts, and on LangChain's messages as LangGraph's own."""

import asyncio
import contextvars
import copy
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhitl import (
    END,
    REMOVE_ALL_MESSAGES,
    START,
    Command,
    InMemorySaver,
    InvalidUpdateError,
    MessagesState,
    StateGraph,
    add_messages,
    interrupt,
    stream_message,
)

pytest.importorskip("langgraph")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langchain_core.messages as chain
    import langgraph.graph.message as theirs


def said(text, name=None, role="user"):
    return {"role": role, "content": text} if name is None else {"role": role, "content": text, "id": name}


def gone(name):
    return {"role": "remove", "id": name}


A, B = said("a", "1"), said("b", "2", "assistant")


# -- plain dicts


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([A], [B], [A, B]),
        ([A], B, [A, B]),
        (A, B, [A, B]),
        ([A], (B,), [A, B]),
        ([A], [], [A]),
        ([A, B], [said("new", "1")], [said("new", "1"), B]),
        ([A, B], [said("new", "1"), said("newer", "1")], [said("newer", "1"), B]),
        ([A], [said("new", "7"), said("newer", "7")], [A, said("newer", "7")]),
        ([A, B], [gone("1")], [B]),
        ([A, B], [gone("1"), said("again", "1")], [said("again", "1"), B]),
        ([A, B], [said("new", "7"), gone("7")], [A, B]),
        ([A, B], [gone(REMOVE_ALL_MESSAGES)], []),
        ([A, B], [said("lost", "6"), gone(REMOVE_ALL_MESSAGES), said("kept", "7")], [said("kept", "7")]),
        ([A, B], [gone(REMOVE_ALL_MESSAGES), said("again", "1")], [said("again", "1")]),
        ([A], [{"type": "ai", "content": "x", "id": "3"}], [A, {"type": "ai", "content": "x", "id": "3"}]),
    ],
)
def test_messages_are_appended_replaced_and_removed_by_id(left, right, expected):
    before = copy.deepcopy((left, right))
    assert add_messages(left, right) == expected
    assert (left, right) == before


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("hi", [said("hi")]),
        (("assistant", "hi"), [said("hi", role="assistant")]),
        ([("system", "be kind"), "hi"], [said("be kind", role="system"), said("hi")]),
        ([["user", "hi"]], [said("hi")]),
        (said("hi"), [said("hi")]),
        (
            {"role": "tool", "content": None, "tool_call_id": "t"},
            [{"role": "tool", "content": None, "tool_call_id": "t"}],
        ),
    ],
)
def test_short_forms_become_messages_with_an_id_of_their_own(right, expected):
    added = add_messages([], right)
    names = [message["id"] for message in added]
    assert [{**message, "id": None} for message in added] == [{**message, "id": None} for message in expected]
    assert len(set(names)) == len(names)
    assert all(len(name) == 36 for name in names)


def test_a_message_that_is_returned_again_and_again_is_a_new_one_each_time():
    greeting = said("hi")
    twice = add_messages(add_messages([], greeting), greeting)
    assert greeting == said("hi")
    assert len({message["id"] for message in twice}) == 2


def test_what_was_there_stays_the_same_objects_in_a_new_list():
    left = [A, B]
    added = add_messages(left, "hi")
    assert added is not left
    assert (added[0], left) == (A, [A, B])
    assert added[0] is A


def test_a_list_that_was_put_there_raw_gets_ids_too():
    assert [list(message) for message in add_messages(["raw", ("ai", "x")], [])] == [["role", "content", "id"]] * 2


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ([A, B], [gone("11")], "there is no message '11' to remove. Did you mean '1'"),
        ([], [gone("1")], "there is no message '1' to remove"),
        ([], [{"role": "remove"}], "removes nothing: give the id"),
        ([], [3], "3 is no message. Give {'role'"),
        ([], [{"text": "hi"}], "is no message"),
        ([], ("user", "x", "y"), "is no message"),
        (None, [A], "one of them is None"),
        ([A], None, "one of them is None"),
    ],
)
def test_what_cannot_be_merged_is_said(left, right, message):
    with pytest.raises(InvalidUpdateError, match=message):
        add_messages(left, right)


def test_a_state_of_messages_grows():
    class State(MessagesState):
        turns: int

    graph = StateGraph(State).add_node("answer", lambda state: {"messages": ("assistant", "yes"), "turns": 1})
    graph.add_edge(START, "answer").add_edge("answer", END)
    back = graph.compile().invoke({"messages": "ready?"})
    assert [(m["role"], m["content"]) for m in back["messages"]] == [("user", "ready?"), ("assistant", "yes")]


# -- long lists


NAMES = st.sampled_from(["1", "2", "70", "71", "99", "new", "newer"])
STEPS = st.lists(
    st.lists(st.tuples(st.sampled_from(["say", "say", "take"]), st.none() | NAMES), max_size=4), max_size=6
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(0, 2))
def test_a_long_list_is_merged_as_a_short_one(steps, branch):
    """What is remembered of long lists changes nothing: not after removals, not on a branch from an older list."""
    lists = [[said("x", str(n)) for n in range(100)]]
    for number, step in enumerate(steps):
        left = lists[max(0, len(lists) - 1 - (branch if number % 2 else 0))]
        there = {message["id"] for message in left}
        right = []
        for kind, name in step:
            if kind == "say":
                right.append(said(f"{number}", name))
                there.add(name)
            elif name and name in there:
                right.append(gone(name))
        lists.append(add_messages(left, right))
        assert without_new_ids(lists[-1]) == without_new_ids(add_messages(list(left), right))


def without_new_ids(messages):
    return [{**m, "id": ""} if len(m["id"]) > 10 else m for m in messages]


def test_a_list_that_somebody_appended_to_is_looked_through_again():
    long = add_messages([], [said("x", str(n)) for n in range(200)])
    add_messages(long, said("x", "0"))  # makes the index
    long.append(said("mine", "300"))
    assert add_messages(long, said("new", "300"))[-1] == said("new", "300")
    assert len(add_messages(long, said("new", "300"))) == 201


class Counted(dict):
    """A message that counts how often somebody looks into it."""

    looks = 0

    def get(self, key, default=None):
        Counted.looks += 1
        return super().get(key, default)


@pytest.mark.parametrize("named", [False, True])
def test_appending_to_a_long_list_does_not_look_through_it(named):
    messages = add_messages([], [Counted(said("x", str(n))) for n in range(1_000)])
    messages = add_messages(messages, said("x", "first"))
    Counted.looks = 0
    for n in range(1_000):
        messages = add_messages(messages, said("x", f"more {n}" if named else None))
    assert len(messages) == 2_001
    assert Counted.looks == 0


def test_few_long_lists_are_kept_alive():
    from nbhitl import messages

    for _ in range(100):
        add_messages([], ["x"] * 100)
    assert len(messages._KNOWN._lists) <= 16


# -- LangChain's messages


MESSAGES = {
    "user": chain.HumanMessage,
    "assistant": chain.AIMessage,
    "system": chain.SystemMessage,
    "chunk": chain.AIMessageChunk,
}
ONE = st.one_of(
    st.builds(
        lambda kind, text, name: ("object", kind, text, name),
        st.sampled_from(list(MESSAGES)),
        st.sampled_from(["a", "b"]),
        st.none() | NAMES,
    ),
    st.builds(lambda role, name: ("dict", role, "d", name), st.sampled_from(["user", "assistant"]), st.none() | NAMES),
    st.sampled_from([("pair", "user", "p", None), ("text", "user", "t", None)]),
    st.builds(lambda name: ("remove", "", "", name), NAMES | st.just(REMOVE_ALL_MESSAGES)),
)


def made(one):
    form, kind, text, name = one
    match form:
        case "object":
            return MESSAGES[kind](text, id=name)
        case "dict":
            return said(text, name, kind)
        case "pair":
            return (kind, text)
        case "remove":
            return chain.RemoveMessage(name)
        case _:
            return text


def shown(messages):
    """Messages without the ids that were made up."""
    return [(type(m), m.content, m.id if m.id and len(m.id) < 30 else "new") for m in messages]


def outcome(add, left, right):
    try:
        return shown(add([made(one) for one in left], [made(one) for one in right]))
    except (ValueError, InvalidUpdateError):
        return "refused"


@settings(max_examples=300, deadline=None)
@given(st.lists(ONE.filter(lambda one: one[0] != "remove"), max_size=4), st.lists(ONE, max_size=5))
def test_langchain_messages_are_merged_as_by_langgraph(left, right):
    right = [*right, ("object", "user", "last", None)]  # one of LangChain's, so that all are
    cleared = [n for n, one in enumerate(right) if one[3] == REMOVE_ALL_MESSAGES]
    if cleared:  # upstream takes what comes after it as it is, removals and the same id twice included
        right = [one for n, one in enumerate(right) if n <= cleared[-1] or one[3] is None]
    assert outcome(add_messages, left, right) == outcome(theirs.add_messages, left, right)


def test_plain_dicts_become_langchain_messages_where_these_join_them():
    added = add_messages([A, said("x")], [chain.AIMessage("b", id="2"), {"role": "remove", "id": "1"}])
    assert [type(m) for m in added] == [chain.HumanMessage, chain.AIMessage]
    assert all(m.id for m in added)


def test_a_long_list_of_dicts_becomes_one_of_langchain_messages():
    long = add_messages([], [said("x", str(n)) for n in range(100)])
    added = add_messages(long, chain.AIMessage("new", id="3"))
    assert {type(m) for m in added} == {chain.HumanMessage, chain.AIMessage}
    assert added[3].content == "new"
    assert type(long[0]) is dict


def test_a_subclass_of_a_langchain_message_is_one():
    class Mine(chain.HumanMessage):
        pass

    assert type(add_messages([], Mine("x"))[0]) is Mine


def test_content_is_brought_into_a_format():
    block = chain.HumanMessage([{"type": "text", "text": "q"}], id="3")
    ours = Annotated[list, add_messages(format="langchain-openai")].__metadata__[0]
    assert shown(ours([], [block])) == shown(theirs.add_messages([], [block], format="langchain-openai"))
    with pytest.raises(InvalidUpdateError, match="it is 'langchain-openai', or left out"):
        add_messages([], [], format="other")


def test_dicts_load_nothing_of_langchain():
    code = "import sys; from nbhitl import add_messages; add_messages([], 'x'); print('langchain_core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# -- ids that are made in a body


def talks(saver, body):
    builder = StateGraph(MessagesState).add_node("node", body).add_edge(START, "node")
    return builder.compile(checkpointer=saver), {"configurable": {"thread_id": "1"}}


@pytest.mark.parametrize("message", [said("hi"), chain.HumanMessage("hi"), "hi"], ids=["dict", "object", "text"])
def test_a_body_that_runs_again_gives_its_messages_the_same_ids(message):
    seen = []

    def body(state):
        messages = add_messages([], [copy.copy(message), copy.copy(message)])
        seen.append([m["id"] if isinstance(m, dict) else m.id for m in messages])
        interrupt("Go on?")

    graph, config = talks(InMemorySaver(), body)
    graph.invoke({"messages": []}, config)
    graph.invoke(Command(resume="yes"), config)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 2


@pytest.mark.parametrize("make", [lambda: add_messages([], "May I?")[0], lambda: stream_message(["May ", "I?"])])
def test_a_question_about_a_message_that_the_body_has_made_takes_its_answer(make):
    graph, config = talks(InMemorySaver(), lambda state: {"messages": interrupt({"message": make()})})
    [question] = graph.invoke({"messages": []}, config)["__interrupt__"]
    assert question.value["message"]["content"] == "May I?"
    assert [m["content"] for m in graph.invoke(Command(resume="yes"), config)["messages"]] == ["yes"]


def test_two_tasks_give_their_messages_different_ids():
    seen = []

    def body(state):
        seen.extend(m["id"] for m in add_messages([], "hi"))

    graph, config = talks(InMemorySaver(), body)
    graph.invoke({"messages": []}, config)
    graph.invoke({"messages": []}, config)
    assert len(set(seen)) == 2


def test_a_body_that_was_edited_gives_other_messages_other_ids():
    seen, text = [], ["hi"]

    def body(state):
        seen.extend(m["id"] for m in add_messages([], text[0]))
        interrupt("Go on?")

    graph, config = talks(InMemorySaver(), body)
    graph.invoke({"messages": []}, config)
    text[0] = "hello"
    graph.invoke(Command(resume="yes"), config)
    assert len(set(seen)) == 2


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_a_sub_graph_merges_while_a_body_waits_for_it_keeps_its_own_ids(asynchronous):
    def ask(state):
        return {"messages": said(interrupt("Go on?"))}

    builder = StateGraph(MessagesState).add_sequence([("a", lambda state: {"messages": "same"}), ("ask", ask)])
    inner = builder.add_edge(START, "a").compile()

    def body(state):
        return {"messages": inner.invoke({"messages": "hi"})["messages"]}

    async def abody(state):
        return {"messages": (await inner.ainvoke({"messages": "hi"}))["messages"]}

    graph, config = talks(InMemorySaver(), abody if asynchronous else body)

    async def calls():
        await graph.ainvoke({"messages": []}, config)
        return await graph.ainvoke(Command(resume="same"), config)

    if asynchronous:
        result = asyncio.run(calls())
    else:
        graph.invoke({"messages": []}, config)
        result = graph.invoke(Command(resume="same"), config)
    assert [m["content"] for m in result["messages"]] == ["hi", "same", "same"]
    assert len({m["id"] for m in result["messages"]}) == 3


def test_threads_of_a_body_make_no_id_twice():
    seen = []

    def body(state):
        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(contextvars.copy_context().run, add_messages, [], ["same"] * 50) for _ in range(8)]
            seen.extend(m["id"] for one in done for m in one.result())

    graph, config = talks(InMemorySaver(), body)
    graph.invoke({"messages": []}, config)
    assert len(set(seen)) == 400
