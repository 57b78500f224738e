"""LangGraph's pages "Human-in-the-loop" and "Enable human intervention": reviews, approvals, tools, conversations."""

import operator
from typing import Annotated, Any, Literal, TypedDict

import pytest


class Text(TypedDict, total=False):
    text: str


def compiled(lg, state, *nodes, **more):
    """The nodes in a row, with a saver in memory."""
    first = nodes[0][0] if isinstance(nodes[0], tuple) else nodes[0].__name__
    return (
        lg.StateGraph(state)
        .add_sequence(nodes)
        .add_edge(lg.START, first)
        .compile(checkpointer=lg.InMemorySaver(), **more)
    )


# -- revising a text


def test_a_person_revises_a_text(lg):
    def human(state: Text):
        return {"text": lg.interrupt({"text_to_revise": state["text"]})}

    graph, config = compiled(lg, Text, human), lg.thread()
    result = graph.invoke({"text": "original"}, config)
    assert [(type(one), one.value) for one in result["__interrupt__"]] == [
        (lg.Interrupt, {"text_to_revise": "original"})
    ]
    assert graph.invoke(lg.Command(resume="edited"), config) == {"text": "edited"}


def test_two_people_revise_two_texts_at_the_same_time(lg):
    class Texts(TypedDict):
        one: str
        two: str

    def revise(key):
        return lambda state: {key: lg.interrupt({"text_to_revise": state[key]})}

    graph = (
        lg.StateGraph(Texts)
        .add_node("human_1", revise("one"))
        .add_node("human_2", revise("two"))
        .add_edge(lg.START, "human_1")
        .add_edge(lg.START, "human_2")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"one": "text 1", "two": "text 2"}, config)
    answers = {one.id: f"edited {one.value['text_to_revise']}" for one in graph.get_state(config).interrupts}
    assert graph.invoke(lg.Command(resume=answers), config) == {"one": "edited text 1", "two": "edited text 2"}


# -- approving, editing


@pytest.mark.parametrize(("answer", "decision"), [("approve", "approved"), ("reject", "rejected")])
def test_an_approval_updates_the_state_and_chooses_the_path(lg, answer, decision):
    class State(TypedDict, total=False):
        output: str
        decision: str
        path: Annotated[list[str], operator.add]

    def generate(state: State):
        return {"output": "the output", "path": ["generate"]}

    def approval(state: State) -> lg.Command[Literal["approved_path", "rejected_path"]]:
        said = lg.interrupt({"question": "Approve?", "output": state["output"]})
        if said == "approve":
            return lg.Command(goto="approved_path", update={"decision": "approved"})
        return lg.Command(goto="rejected_path", update={"decision": "rejected"})

    graph = (
        lg.StateGraph(State)
        .add_node("generate", generate)
        .add_node("approval", approval)
        .add_node("approved_path", lambda state: {"path": ["approved_path"]})
        .add_node("rejected_path", lambda state: {"path": ["rejected_path"]})
        .set_entry_point("generate")
        .add_edge("generate", "approval")
        .add_edge("approved_path", lg.END)
        .add_edge("rejected_path", lg.END)
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    result = graph.invoke({}, config)
    assert lg.asked(result) == [{"question": "Approve?", "output": "the output"}]
    assert graph.invoke(lg.Command(resume=answer), config) == {
        "output": "the output",
        "decision": decision,
        "path": ["generate", f"{decision}_path"],
    }


def test_a_person_edits_what_was_generated_and_the_next_node_uses_it(lg):
    used = []

    def generate(state: Text):
        return {"text": "The cat sat on the mat."}

    def review(state: Text):
        return {"text": lg.interrupt({"task": "edit", "text": state["text"]})["edited"]}

    def use(state: Text):
        used.append(state["text"])
        return state

    graph, config = compiled(lg, Text, generate, review, use), lg.thread()
    assert lg.asked(graph.invoke({}, config)) == [{"task": "edit", "text": "The cat sat on the mat."}]
    assert used == []
    assert graph.invoke(lg.Command(resume={"edited": "The cat lay down."}), config) == {"text": "The cat lay down."}
    assert used == ["The cat lay down."]


# -- tools


def reviewed(lg, tool):
    """A wrapper that puts a review in front of any tool; it speaks lists of requests and of answers."""

    def call(**arguments):
        request = {
            "action_request": {"action": tool.__name__, "args": arguments},
            "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True},
            "description": "Please review the tool call",
        }
        answer = lg.interrupt([request])[0]
        match answer["type"]:
            case "accept":
                return tool(**arguments)
            case "edit":
                return tool(**answer["args"]["args"])
            case "response":
                return answer["args"]
        raise ValueError(f"Unknown kind of answer: {answer['type']}")

    return call


def hotel_agent(lg, booked):
    class State(TypedDict):
        messages: Annotated[list[dict], operator.add]

    def book_hotel(hotel_name):
        booked.append(hotel_name)
        return f"booked a stay at {hotel_name}"

    tool = reviewed(lg, book_hotel)

    def model(state: State):
        last = state["messages"][-1]
        if last["role"] == "tool":
            return {"messages": [{"role": "ai", "content": f"Well: {last['content']}"}]}
        return {"messages": [{"role": "ai", "content": "", "call": {"hotel_name": last["content"]}}]}

    def tools(state: State):
        return {"messages": [{"role": "tool", "content": tool(**state["messages"][-1]["call"])}]}

    graph = (
        lg.StateGraph(State)
        .add_node(model)
        .add_node(tools)
        .add_edge(lg.START, "model")
        .add_conditional_edges("model", lambda s: "tools" if "call" in s["messages"][-1] else lg.END, ["tools", lg.END])
        .add_edge("tools", "model")
        .compile(checkpointer=lg.InMemorySaver())
    )
    return graph, lg.thread(), {"messages": [{"role": "user", "content": "McKittrick"}]}


@pytest.mark.parametrize(
    ("answer", "booked", "said"),
    [
        ({"type": "accept"}, ["McKittrick"], "Well: booked a stay at McKittrick"),
        ({"type": "edit", "args": {"args": {"hotel_name": "Ritz"}}}, ["Ritz"], "Well: booked a stay at Ritz"),
        ({"type": "response", "args": "too expensive"}, [], "Well: too expensive"),
    ],
)
def test_a_wrapper_lets_a_person_accept_edit_or_answer_a_tool_call(lg, answer, booked, said):
    done = []
    graph, config, given = hotel_agent(lg, done)
    [[request]] = lg.asked(graph.invoke(given, config))
    assert request["action_request"] == {"action": "book_hotel", "args": {"hotel_name": "McKittrick"}}
    assert done == []
    chunks = list(graph.stream(lg.Command(resume=[answer]), config))
    assert [list(chunk) for chunk in chunks] == [["tools"], ["model"]]
    assert done == booked
    assert graph.get_state(config).values["messages"][-1]["content"] == said


def test_an_answer_that_a_tool_does_not_know_is_an_error_of_the_node_and_the_question_can_be_answered_anew(lg):
    done = []
    graph, config, given = hotel_agent(lg, done)
    graph.invoke(given, config)
    with pytest.raises(ValueError, match="Unknown kind of answer"):
        graph.invoke(lg.Command(resume=[{"type": "shrug"}]), config)
    assert graph.get_state(config).next == ("tools",)
    assert done == []


def test_a_review_node_between_model_and_tool_goes_on_back_or_changes_the_call(lg):
    class State(TypedDict):
        messages: Annotated[list[dict], operator.add]

    def model(state: State):
        said = [m["content"] for m in state["messages"] if m["role"] in ("user", "feedback")]
        return {"messages": [{"role": "call", "content": " ".join(said)}]}

    def review(state: State) -> lg.Command[Literal["tool", "model"]]:
        call = state["messages"][-1]["content"]
        answer = lg.interrupt({"question": "Is this right?", "call": call})
        match answer["action"]:
            case "continue":
                return lg.Command(goto="tool")
            case "update":
                return lg.Command(goto="tool", update={"messages": [{"role": "call", "content": answer["data"]}]})
        return lg.Command(goto="model", update={"messages": [{"role": "feedback", "content": answer["data"]}]})

    def tool(state: State):
        return {"messages": [{"role": "tool", "content": f"did {state['messages'][-1]['content']}"}]}

    graph = (
        lg.StateGraph(State)
        .add_node(model)
        .add_node(review)
        .add_node(tool)
        .add_edge(lg.START, "model")
        .add_edge("model", "review")
        .add_edge("tool", lg.END)
        .compile(checkpointer=lg.InMemorySaver())
    )

    def begun():
        config = lg.thread()
        assert lg.asked(graph.invoke({"messages": [{"role": "user", "content": "weather"}]}, config)) == [
            {"question": "Is this right?", "call": "weather"}
        ]
        return config

    config = begun()
    result = graph.invoke(lg.Command(resume={"action": "continue"}), config)
    assert result["messages"][-1]["content"] == "did weather"
    config = begun()
    result = graph.invoke(lg.Command(resume={"action": "update", "data": "weather in Rome"}), config)
    assert result["messages"][-1]["content"] == "did weather in Rome"
    config = begun()
    result = graph.invoke(lg.Command(resume={"action": "feedback", "data": "in Oslo"}), config)
    assert lg.asked(result) == [{"question": "Is this right?", "call": "weather in Oslo"}]
    result = graph.invoke(lg.Command(resume={"action": "continue"}), config)
    assert result["messages"][-1]["content"] == "did weather in Oslo"


# -- validating


def test_a_node_asks_for_an_age_until_it_is_one(lg):
    class State(TypedDict, total=False):
        age: int

    reported = []

    def valid_age(state: State):
        prompt = "Your age?"
        while True:
            said = lg.interrupt(prompt)
            try:
                age = int(said)
                if age < 0:
                    raise ValueError
            except ValueError:
                prompt = f"{said!r} is no age"
            else:
                return {"age": age}

    def report(state: State):
        reported.append(state["age"])
        return state

    graph, config = compiled(lg, State, valid_age, report), lg.thread()
    assert lg.asked(graph.invoke({}, config)) == ["Your age?"]
    assert lg.asked(graph.invoke(lg.Command(resume="not a number"), config)) == ["'not a number' is no age"]
    assert lg.asked(graph.invoke(lg.Command(resume="-10"), config)) == ["'-10' is no age"]
    assert graph.invoke(lg.Command(resume="25"), config) == {"age": 25}
    assert reported == [25]


# -- static breakpoints


def printing(lg, seen, **more):
    def step(name):
        def body(state: Text):
            seen.append(name)

        return body

    return compiled(lg, Text, *[(f"step_{n}", step(n)) for n in (1, 2, 3)], **more)


def test_a_graph_stops_before_a_step_and_goes_on_with_none(lg):
    seen = []
    graph, config = printing(lg, seen, interrupt_before=["step_3"]), lg.thread()
    assert all(event == {"text": "hello"} for event in graph.stream({"text": "hello"}, config, stream_mode="values"))
    assert seen == [1, 2]
    assert graph.get_state(config).next == ("step_3",)
    assert graph.get_state(config).values == {"text": "hello"}
    list(graph.stream(None, config, stream_mode="values"))
    assert seen == [1, 2, 3]
    assert graph.get_state(config).next == ()


def test_the_state_is_edited_at_a_breakpoint(lg):
    def shout(state: Text):
        return {"text": state["text"].upper()}

    graph = compiled(lg, Text, ("step_1", lambda s: {}), ("step_2", shout), interrupt_before=["step_2"])
    config = lg.thread()
    graph.invoke({"text": "hello"}, config)
    graph.update_state(config, {"text": "hello universe"})
    assert graph.get_state(config).next == ("step_2",)
    assert graph.invoke(None, config) == {"text": "HELLO UNIVERSE"}


def test_a_person_writes_as_the_node_that_waits(lg):
    graph = compiled(
        lg,
        Text,
        ("ask", lambda s: {"text": "by the node"}),
        ("last", lambda s: {"text": s["text"] + ", then last"}),
        interrupt_before=["ask"],
    )
    config = lg.thread()
    graph.invoke({"text": ""}, config)
    graph.update_state(config, {"text": "by a person"}, as_node="ask")
    assert graph.get_state(config).next == ("last",)
    assert graph.invoke(None, config) == {"text": "by a person, then last"}


def test_a_question_may_depend_on_the_state(lg):
    def check(state: Text):
        if len(state["text"]) > 5:
            return {"text": lg.interrupt(f"{state['text']!r} is longer than 5; shorten it")}
        return {}

    graph, short, long = compiled(lg, Text, check), lg.thread(), lg.thread()
    assert graph.invoke({"text": "short"}, short) == {"text": "short"}
    assert lg.asked(graph.invoke({"text": "too long"}, long)) == ["'too long' is longer than 5; shorten it"]
    assert graph.invoke(lg.Command(resume="long"), long) == {"text": "long"}


# -- side effects


def test_an_api_is_called_once_when_it_stands_behind_the_question(lg):
    called = []

    def human(state: Text):
        answer = lg.interrupt("really?")
        called.append(f"in the node: {answer}")
        return {"text": answer}

    def api(state: Text):
        called.append(f"in its own node: {state['text']}")
        return {}

    graph, config = compiled(lg, Text, human, api), lg.thread()
    graph.invoke({"text": ""}, config)
    graph.invoke(lg.Command(resume="yes"), config)
    assert called == ["in the node: yes", "in its own node: yes"]


# -- a sub-graph that is called as a function


def counting(lg, counts, **sub):
    class State(TypedDict, total=False):
        counter: int

    def count(name):
        counts[name] = counts.get(name, 0) + 1

    def some_node(state: State):
        count("some_node")
        return {"counter": state["counter"] + 10}

    def human_node(state: State):
        count("human_node")
        count(f"answer {lg.interrupt('your name?')}")
        return {}

    subgraph = lg.StateGraph(State).add_sequence([some_node, human_node]).add_edge(lg.START, "some_node").compile(**sub)

    def first_node(state: State):
        count("first_node")
        return {}

    def parent_node(state: State):
        count("parent_node")
        subgraph.invoke(state)
        return {"counter": state["counter"] + 1}

    return compiled(lg, State, first_node, parent_node)


def test_on_resume_only_the_calling_node_and_the_asking_node_run_again(lg):
    counts = {}
    graph, config = counting(lg, counts), lg.thread()
    chunks = list(graph.stream({"counter": 1}, config))
    assert lg.asked(chunks[-1]) == ["your name?"]
    assert counts == {"first_node": 1, "parent_node": 1, "some_node": 1, "human_node": 1}
    assert list(graph.stream(lg.Command(resume="35"), config)) == [{"parent_node": {"counter": 2}}]
    assert counts == {"first_node": 1, "parent_node": 2, "some_node": 1, "human_node": 2, "answer 35": 1}


def test_a_sub_graph_with_a_checkpointer_of_its_own_still_uses_the_outer_thread(lg):
    counts = {}
    graph, config = counting(lg, counts, checkpointer=lg.InMemorySaver()), lg.thread()
    assert lg.asked(graph.invoke({"counter": 1}, config)) == ["your name?"]
    assert graph.invoke(lg.Command(resume="35"), config) == {"counter": 2}
    assert counts == {"first_node": 1, "parent_node": 2, "some_node": 1, "human_node": 2, "answer 35": 1}


# -- several questions in one node


def test_two_questions_in_one_node_take_two_answers(lg):
    class State(TypedDict, total=False):
        name: Any
        age: Any

    ran = []

    def human(state: State):
        ran.append("human")
        return {"name": lg.interrupt("name?"), "age": lg.interrupt("age?")}

    graph, config = compiled(lg, State, human), lg.thread()
    assert lg.asked(graph.invoke({}, config)) == ["name?"]
    assert lg.asked(graph.invoke(lg.Command(resume="John"), config)) == ["age?"]
    assert graph.invoke(lg.Command(resume=30), config) == {"name": "John", "age": 30}
    assert len(ran) == 3


def test_a_stale_answer_is_not_given_to_the_next_question(lg):
    def human(state: Text):
        return {"text": f"{lg.interrupt('one?')} {lg.interrupt('two?')}"}

    graph, config = compiled(lg, Text, human), lg.thread()
    graph.invoke({"text": ""}, config)
    graph.invoke(lg.Command(resume="1"), config)
    result = graph.invoke(None, config)
    # We differ: "`invoke(None)` after a partial answer re-delivers the stale answer to the next question"
    if lg.ours:
        assert lg.asked(result) == ["two?"]
        result = graph.invoke(lg.Command(resume="2"), config)
        assert result == {"text": "1 2"}
    else:
        assert result == {"text": "1 1"}


def test_new_input_while_a_question_waits_throws_the_question_away_upstream(lg):
    def human(state: Text):
        return {"text": f"{state['text']}: {lg.interrupt('really?')}"}

    graph, config = compiled(lg, Text, human), lg.thread()
    graph.invoke({"text": "old"}, config)
    # We differ: "new input on an interrupted thread throws away the question and finished siblings' results"
    if lg.ours:
        with pytest.raises(lg.PendingInterruptError):
            graph.invoke({"text": "new"}, config)
        assert graph.invoke(lg.Command(resume="yes"), config) == {"text": "old: yes"}
    else:
        assert lg.asked(graph.invoke({"text": "new"}, config)) == ["really?"]
        assert graph.invoke(lg.Command(resume="yes"), config) == {"text": "new: yes"}


# -- conversations


def test_a_conversation_over_many_turns_has_a_human_node_that_waits(lg):
    class State(TypedDict):
        messages: Annotated[list[str], operator.add]

    def agent(state: State) -> lg.Command[Literal["human", "__end__"]]:
        last = state["messages"][-1]
        if last == "bye":
            return lg.Command(goto=lg.END, update={"messages": ["see you"]})
        return lg.Command(goto="human", update={"messages": [f"you said {last}"]})

    def human(state: State) -> lg.Command[Literal["agent"]]:
        return lg.Command(goto="agent", update={"messages": [lg.interrupt("Ready for your input.")]})

    graph = (
        lg.StateGraph(State)
        .add_node(agent)
        .add_node(human)
        .add_edge(lg.START, "agent")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config, said = lg.thread(), []
    for given in ({"messages": ["hi"]}, lg.Command(resume="more"), lg.Command(resume="bye")):
        for chunk in graph.stream(given, config, stream_mode="updates"):
            if "agent" in chunk:
                said += chunk["agent"]["messages"]
    assert said == ["you said hi", "you said more", "see you"]
    assert graph.get_state(config).next == ()


def test_two_agents_hand_over_to_each_other_and_share_one_human_node(lg):
    class State(TypedDict, total=False):
        messages: Annotated[list[str], operator.add]
        active: str

    def agent(name, other):
        def body(state: State) -> lg.Command[Literal["travel", "hotel", "human"]]:
            last = state["messages"][-1]
            if other in last:
                return lg.Command(goto=other, update={"messages": ["over to you"]})
            return lg.Command(goto="human", update={"messages": [f"{name}: ok"], "active": name})

        return body

    def human(state: State) -> lg.Command[Literal["travel", "hotel"]]:
        return lg.Command(goto=state["active"], update={"messages": [lg.interrupt("next?")]})

    graph = (
        lg.StateGraph(State)
        .add_node("travel", agent("travel", "hotel"))
        .add_node("hotel", agent("hotel", "travel"))
        .add_node(human)
        .add_edge(lg.START, "travel")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"messages": ["somewhere warm"]}, config)
    assert graph.get_state(config).values["active"] == "travel"
    result = graph.invoke(lg.Command(resume="and a hotel"), config)
    assert result["active"] == "hotel"
    assert result["messages"] == ["somewhere warm", "travel: ok", "and a hotel", "over to you", "hotel: ok"]


def test_a_question_can_wait_while_another_branch_of_the_step_has_finished(lg):
    class State(TypedDict):
        log: Annotated[list[str], operator.add]

    ran = []

    def work(state: State):
        ran.append("work")
        return {"log": ["worked"]}

    def ask(state: State):
        return {"log": [lg.interrupt("go?")]}

    graph = (
        lg.StateGraph(State)
        .add_node(work)
        .add_node(ask)
        .add_node("join", lambda state: {"log": ["joined"]})
        .add_edge(lg.START, "work")
        .add_edge(lg.START, "ask")
        .add_edge(["work", "ask"], "join")
        .compile(checkpointer=lg.InMemorySaver())
    )
    config = lg.thread()
    graph.invoke({"log": []}, config)
    state = graph.get_state(config)
    assert (state.next, state.values) == (("ask",), {"log": ["worked"]})
    assert graph.invoke(lg.Command(resume="went"), config) == {"log": ["went", "worked", "joined"]}
    assert ran == ["work"]
