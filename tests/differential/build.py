"""The same program on LangGraph or on nbhitl. Bodies note in a ledger who was called, with what input."""

from __future__ import annotations

import asyncio
import operator
import time
import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict

import pydantic

import nbhitl
import nbhitl.store
from tests.differential.programs import END, Graph, Node, Router, Sub

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langgraph.cache.memory
    import langgraph.checkpoint.memory
    import langgraph.config
    import langgraph.errors
    import langgraph.func
    import langgraph.graph
    import langgraph.runtime
    import langgraph.store.base
    import langgraph.store.memory
    import langgraph.types

THEIRS = SimpleNamespace(
    name="langgraph",
    StateGraph=langgraph.graph.StateGraph,
    Command=langgraph.types.Command,
    Send=langgraph.types.Send,
    Overwrite=langgraph.types.Overwrite,
    StateUpdate=langgraph.types.StateUpdate,
    interrupt=langgraph.types.interrupt,
    RetryPolicy=langgraph.types.RetryPolicy,
    CachePolicy=langgraph.types.CachePolicy,
    NodeError=langgraph.errors.NodeError,
    RunControl=langgraph.runtime.RunControl,
    Runtime=langgraph.runtime.Runtime,
    InMemoryCache=langgraph.cache.memory.InMemoryCache,
    InMemoryStore=langgraph.store.memory.InMemoryStore,
    BaseStore=langgraph.store.base.BaseStore,
    GetOp=langgraph.store.base.GetOp,
    SearchOp=langgraph.store.base.SearchOp,
    get_runtime=langgraph.runtime.get_runtime,
    get_store=langgraph.config.get_store,
    get_stream_writer=langgraph.config.get_stream_writer,
    entrypoint=langgraph.func.entrypoint,
    task=langgraph.func.task,
    Saver=langgraph.checkpoint.memory.InMemorySaver,
)
OURS = SimpleNamespace(
    name="nbhitl",
    Saver=nbhitl.InMemorySaver,
    GetOp=nbhitl.store.GetOp,
    SearchOp=nbhitl.store.SearchOp,
    **{name: getattr(nbhitl, name) for name in vars(THEIRS) if name not in ("name", "Saver", "GetOp", "SearchOp")},
)
LOOP_STEPS = 5
CALLED = "called by "


def joined(old: list, new: list) -> list:
    """Adds to a log. What comes back from a sub-graph begins with what it got: only the rest is added."""
    return new if old and new[: len(old)] == old else old + new


def larger(old: int, new: int) -> int:
    return max(old, new)


def added(old: int, new: int) -> int:
    return old + new


class State(TypedDict, total=False):
    log: Annotated[list, joined]
    steps: Annotated[int, larger]
    total: Annotated[int, added]
    x: str
    notes: Annotated[list, operator.add]


@dataclass
class Data:
    log: Annotated[list, joined] = field(default_factory=list)
    steps: Annotated[int, larger] = 0
    total: Annotated[int, added] = 0
    x: str = "no x"
    notes: Annotated[list, operator.add] = field(default_factory=list)


class Model(pydantic.BaseModel):
    log: Annotated[list, joined] = []
    steps: Annotated[int, larger] = 0
    total: Annotated[int, added] = 0
    x: str = "no x"
    notes: Annotated[list, operator.add] = []


class Narrow(TypedDict, total=False):
    log: list
    steps: int


SCHEMAS = {"dict": State, "dataclass": Data, "model": Model}


class Ledger:
    """What the bodies of one play did, and what they have to remember between two runs of the same body."""

    def __init__(self, m: Any, *, waits: bool) -> None:
        self.m, self.waits = m, waits
        self.calls: list[str] = []
        self.open: list[str] = []
        """What was asked and has no answer."""
        self.failed: set[str] = set()
        self.asked = 0
        self.features: set[str] = set()
        self.speaks = False
        """Whether bodies write to the stream."""


def seen(state: Any, name: str, default: Any) -> Any:
    """A key of the state, in each of the forms that it may have."""
    if isinstance(state, dict):
        return state.get(name, default)
    return getattr(state, name, default)


def sends(m: Any, targets: tuple[str, ...], state: Any, steps: int) -> list[Any]:
    """Each gets another input."""
    first = seen(state, "log", [])[:1]
    return [m.Send(to, {"log": first + ["sent"] * (n + 1), "steps": steps}) for n, to in enumerate(targets)]


def tag_of(state: Any) -> str:
    """What a body sees, in short; behind a ``<`` what the body saw that called the sub-graph that this one is in."""
    log = seen(state, "log", [])
    tag = f"{seen(state, 'steps', 0)}.{len(log)}.{seen(state, 'total', 0)}{seen(state, 'x', '')}"
    return f"{tag}<{log[0].removeprefix(CALLED)}" if log and log[0].startswith(CALLED) else tag


def body_of(node: Node, path: str, ledger: Ledger, called: Any) -> Any:
    """The body of a node, as a coroutine function; it only waits where the ledger says so."""
    m = ledger.m

    async def body(state: Any) -> Any:
        steps, tag = seen(state, "steps", 0), tag_of(state)
        who = f"{path}@{tag}"
        ledger.calls.append(who)
        notes = [node.name]
        write = m.get_stream_writer() if ledger.speaks else silent
        write(f"{who} begins")
        if called is not None:
            given = {"log": [f"{CALLED}{tag}"], "steps": steps}
            back = await called.ainvoke(given) if ledger.waits else called.invoke(given)
            notes += back["log"][1:][-4:]
        for n in range(node.asks):
            times = 0
            while (answer := ask(ledger, f"{who} #{n}.{times}")) == "again" and node.patient:
                times += 1
            notes.append(f"{answer!r}")
        if node.fails and who not in ledger.failed:
            ledger.failed.add(who)
            if ledger.waits:
                await asyncio.sleep(0.03)  # upstream cancels siblings that have not ended by now
            else:
                time.sleep(0.03)
            raise ValueError(path)
        write(f"{who} ends")
        return result(node, m, state, " ".join(notes))

    return body


def silent(_: str) -> None:
    """Writes to nobody's stream."""


def ask(ledger: Ledger, question: str) -> Any:
    ledger.open.append(question)
    answer = ledger.m.interrupt(question)
    ledger.open.remove(question)
    return answer


def result(node: Node, m: Any, state: Any, note: str) -> Any:
    steps = seen(state, "steps", 0) + 1
    update: dict[str, Any] | None = {"log": [note], "steps": steps}
    match node.update:
        case "total":
            update = {"steps": steps, "total": steps}
        case "x":
            update = {"steps": steps, "x": note}
        case "overwrite":
            update = {"log": m.Overwrite([*seen(state, "log", [])[:1], f"over {note}"]), "steps": steps}
        case "nothing":
            update = None
    if node.parent:
        return m.Command(graph=m.Command.PARENT, update=update, goto=node.parent)
    if node.sends:
        return m.Command(update=update, goto=sends(m, node.sends, state, steps))
    if node.goto:
        return m.Command(update=update, goto=node.goto[0] if len(node.goto) == 1 else list(node.goto))
    return update


def now(coroutine: Any) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def plain(body: Any) -> Any:
    """The same body as a plain function."""
    return lambda state: now(body(state))


def router_of(router: Router, m: Any) -> Any:
    def route(state: Any) -> Any:
        steps = seen(state, "steps", 0)
        if router.back is not None and steps < LOOP_STEPS:
            choice = router.back
        else:
            choice = router.choices[steps % len(router.choices)]
        if router.sends and choice != END:
            return sends(m, (choice, choice), state, steps)
        return f"to {choice}" if router.mapped else choice

    return route


def built(graph: Graph, ledger: Ledger, path: str = "") -> Any:
    """The builder of a graph."""
    m = ledger.m
    made = m.StateGraph(SCHEMAS[graph.state])
    names = [node.name for node in graph.nodes]
    for node in graph.nodes:
        inner = f"{path}{node.name}"
        if node.sub is not None:
            action = compiled(node.sub, ledger, f"{inner}/")
        else:
            called = None if node.calls is None else compiled(node.calls, ledger, f"{inner}/")
            body = body_of(node, inner, ledger, called)
            action = body if ledger.waits else plain(body)
        more = {**({"defer": True} if node.defer else {}), **({"input_schema": Narrow} if node.narrow else {})}
        made.add_node(node.name, action, **more)
    for start, end in graph.edges:
        made.add_edge(start, end)
    for sources, to in graph.joins:
        made.add_edge(list(sources), to)
    for router in graph.routers:
        ends = {f"to {name}": name for name in [*names, END]} if router.mapped else [*names, END]
        made.add_conditional_edges(router.source, router_of(router, m), ends)
    return made


def compiled(sub: Sub, ledger: Ledger, path: str) -> Any:
    return built(sub.graph, ledger, path).compile(checkpointer=sub.memory)
