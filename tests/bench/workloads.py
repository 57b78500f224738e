"""What is run: each function takes an engine, builds untimed, and returns what is timed.

The shapes follow LangGraph's own benchmarks where they have one; user code is the same on both sides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from tests.bench import texts
from tests.bench.engines import MEMORY, Engine, Run


class Counter(TypedDict):
    """The smallest state."""

    n: int


class Results(TypedDict):
    """Where a fan-out is collected."""

    subjects: list[str]
    found: Annotated[list[str], operator.add]


def config(steps: int, thread: str = "1") -> dict[str, Any]:
    """A config that lets a run take so many steps."""
    return {"recursion_limit": steps + 10, "configurable": {"thread_id": thread}}


def looping(engine: Engine, steps: int, saver: Any) -> Any:
    """One node that runs until it has counted to ``steps``."""
    graph, end = engine.StateGraph(Counter), engine.END
    graph.add_node("a", lambda state: {"n": state["n"] + 1})
    graph.add_edge(engine.START, "a")
    graph.add_conditional_edges("a", lambda s: end if s["n"] >= steps else "a", ["a", end])
    return graph.compile(checkpointer=engine.saver(saver))


def loop(engine: Engine, steps: int, saver: Any, **options: Any) -> Run:
    """A loop of ``steps`` steps."""
    compiled = looping(engine, steps, saver)

    def run() -> None:
        assert compiled.invoke({"n": 0}, config(steps), **options)["n"] == steps

    return run


def sends(engine: Engine, count: int, saver: Any) -> Run:
    """``count`` tasks at once, each with an input of its own."""
    return rounds(engine, count, 1, saver)


def rounds(engine: Engine, count: int, turns: int, saver: Any, **options: Any) -> Run:
    """``count`` tasks at once, each with an input of its own, ``turns`` times."""
    subjects = [str(n) for n in range(count)]
    graph, send, end = engine.StateGraph(Results), engine.Send, engine.END
    graph.add_node("work", lambda arg: {"found": [arg["subject"]]})

    def spread(state: Results) -> Any:
        if len(state["found"]) >= count * turns:
            return end
        return [send("work", {"subject": subject}) for subject in state["subjects"]]

    graph.add_conditional_edges(engine.START, spread, ["work", end])
    if turns == 1:
        graph.add_edge("work", end)
    else:
        graph.add_node("again", lambda state: None)
        graph.add_edge("work", "again")
        graph.add_conditional_edges("again", spread, ["work", end])
    compiled = graph.compile(checkpointer=engine.saver(saver))

    def run() -> None:
        found = compiled.invoke({"subjects": subjects}, config(2 * turns + 10), **options)["found"]
        assert found == subjects * turns

    return run


def side_by_side(engine: Engine, steps: int, width: int) -> Run:
    """A loop in which ``width`` nodes that do next to nothing run side by side in every second step."""
    graph, end = engine.StateGraph(Counter), engine.END
    names = [f"side {n}" for n in range(width)]
    graph.add_node("count", lambda state: {"n": state["n"] + 1})
    graph.add_edge(engine.START, "count")
    for name in names:
        graph.add_node(name, _idle())
        graph.add_edge(name, "count")
    graph.add_conditional_edges("count", lambda s: end if s["n"] >= steps else names, [*names, end])
    compiled = graph.compile()

    def run() -> None:
        assert compiled.invoke({"n": 0}, config(2 * steps))["n"] == steps

    return run


def chain(engine: Engine, nodes: int) -> Any:
    """A builder of nodes in a row that do nothing, over a state of one list."""
    graph = engine.StateGraph(Results)
    before = engine.START
    for n in range(nodes):
        graph.add_node(f"node {n}", _idle())
        graph.add_edge(before, f"node {n}")
        before = f"node {n}"
    graph.add_edge(before, engine.END)
    return graph


def _idle() -> Callable[[Any], None]:
    def idle(state: Results) -> None:
        return None

    return idle


def sequential(engine: Engine, nodes: int, saver: Any) -> Run:
    """Nodes in a row, one step each."""
    compiled = chain(engine, nodes).compile(checkpointer=engine.saver(saver))
    return lambda: compiled.invoke({"subjects": []}, config(nodes))


def compiling(engine: Engine, nodes: int) -> Run:
    """Compile a builder that has its nodes and edges."""
    builder = chain(engine, nodes)
    return builder.compile


def building(engine: Engine, nodes: int) -> Run:
    """Add the nodes and edges, and compile."""
    return lambda: chain(engine, nodes).compile()


class Subject(TypedDict):
    """What a sub-graph of the fan-out is given."""

    subject: str


class Found(TypedDict):
    """What it gives back."""

    found: list[str]


class Working(Subject, Found):
    """What it works on."""


def fan_out_to_subgraph(engine: Engine, count: int, saver: Any, turns: int = 0) -> Run:
    """Sends to a compiled sub-graph of three nodes; the last of them runs ``turns`` more times."""
    end = engine.END
    inner = engine.StateGraph(Working, input_schema=Subject, output_schema=Found)
    inner.add_node("prepare", lambda state: {"subject": f"{state['subject']}!"})
    inner.add_node("find", lambda state: {"found": [f"about {state['subject']}"]})
    inner.add_node("polish", lambda state: {"found": [state["found"][0] + "."]})
    inner.add_edge(engine.START, "prepare").add_edge("prepare", "find").add_edge("find", "polish")
    inner.add_conditional_edges(
        "polish", lambda state: end if state["found"][0].endswith("." * (1 + turns)) else "polish", ["polish", end]
    )
    send = engine.Send
    outer = engine.StateGraph(Results)
    outer.add_node("work", inner.compile())
    outer.add_conditional_edges(
        engine.START, lambda state: [send("work", {"subject": s}) for s in state["subjects"]], ["work"]
    )
    outer.add_edge("work", end)
    compiled = outer.compile(checkpointer=engine.saver(saver))
    subjects = [str(n) for n in range(count)]

    def run() -> None:
        assert len(compiled.invoke({"subjects": subjects}, config(turns + 20))["found"]) == count

    return run


def pauses(engine: Engine, calls: int, saver: Any, **options: Any) -> Run:
    """Ask on a new thread and go on with the answer, ``calls`` times."""
    graph = engine.StateGraph(Counter)
    ask = engine.interrupt
    graph.add_node("ask", lambda state: {"n": ask("how many?")})
    graph.add_edge(engine.START, "ask").add_edge("ask", engine.END)
    compiled, command = graph.compile(checkpointer=engine.saver(saver)), engine.Command

    def run() -> None:
        for n in range(calls):
            assert "__interrupt__" in compiled.invoke({"n": -1}, config(5, str(n)), **options)
            assert compiled.invoke(command(resume=n), config(5, str(n)), **options)["n"] == n

    return run


class Talk(TypedDict):
    """A conversation that only grows."""

    messages: Annotated[list[dict[str, Any]], operator.add]


class Log(TypedDict):
    """A list without a reducer: a node returns all of it."""

    messages: list[dict[str, Any]]


def chat(engine: Engine) -> Any:
    """A conversation whose messages are merged by their ids."""
    return TypedDict("Chat", {"messages": Annotated[list[Any], engine.add_messages]})


def talking(engine: Engine, schema: Any, steps: int, saver: Any) -> Any:
    """A loop that adds a message of 500 bytes a step."""
    texts.prepare(steps)
    graph, end = engine.StateGraph(schema), engine.END

    def say(state: Any) -> dict[str, Any]:
        said = state["messages"]
        new = [texts.message(len(said))]
        return {"messages": said + new if schema is Log else new}

    graph.add_node("say", say)
    graph.add_edge(engine.START, "say")
    graph.add_conditional_edges("say", lambda s: end if len(s["messages"]) >= steps else "say", ["say", end])
    return graph.compile(checkpointer=engine.saver(saver))


def talk(engine: Engine, steps: int, saver: Any, schema: Any = Talk, **options: Any) -> Run:
    """A conversation of so many messages."""
    compiled = talking(engine, schema, steps, saver)

    def run() -> None:
        assert len(compiled.invoke({"messages": []}, config(steps), **options)["messages"]) == steps

    return run


def past(engine: Engine, steps: int, saver: Any, *, messages: bool) -> Any:
    """A graph that can look at the history of such a run."""
    return talking(engine, Talk, steps, saver) if messages else looping(engine, steps, saver)


def live(engine: Engine, steps: int, saver: Any, *, messages: bool) -> None:
    """Make the history that `history` reads."""
    past(engine, steps, saver, messages=messages).invoke({"messages": []} if messages else {"n": 0}, config(steps))


def history(engine: Engine, steps: int, saver: Any, *, messages: bool) -> Run:
    """Read a whole history, newest first."""
    compiled = past(engine, steps, saver, messages=messages)

    def run() -> None:
        assert len(list(compiled.get_state_history(config(steps)))) > steps

    return run


def remembered(engine: Engine, steps: int, *, messages: bool) -> Run:
    """Read a whole history in memory."""
    saver = engine.saver(MEMORY)
    live(engine, steps, saver, messages=messages)
    return history(engine, steps, saver, messages=messages)
