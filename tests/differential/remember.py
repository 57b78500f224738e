"""Plays a program of `tests.differential.memories` on one engine."""

from __future__ import annotations

import asyncio
import inspect
import operator
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from tests.differential.build import now
from tests.differential.memories import OWN, Keeper, Memories, Use, Visit


@dataclass
class Data:
    user: str
    language: str = "en"


class Dict(TypedDict, total=False):
    user: str
    language: str


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]


def shown(found: Any) -> Any:
    """What a store gave back, without its times."""
    if isinstance(found, list):
        return [shown(one) for one in found]
    return (found.namespace, found.key, found.value) if hasattr(found, "namespace") else found


class Remembered:
    """One graph and one store on one engine; each node notes what the store gave it."""

    def __init__(self, m: Any, memories: Memories) -> None:
        self.m, self.memories = m, memories
        self.failed: Counter[str] = Counter()
        self.store = m.InMemoryStore()
        self.record: list[Any] = []
        self.features: set[str] = set()
        made = self.builder()
        for n, keeper in enumerate(memories.keepers):
            retry = m.RetryPolicy(initial_interval=0, jitter=False, retry_on=ValueError)
            action = self.body(keeper, f"n{n}")
            if keeper.sub:
                inner = self.builder().add_node("in", action, retry_policy=retry).add_edge("__start__", "in")
                made.add_node(f"n{n}", inner.compile())
            else:
                made.add_node(f"n{n}", action, retry_policy=retry)
            made.add_edge(f"n{n - 1}" if n else "__start__", f"n{n}")
        self.graph = made.compile(checkpointer=m.Saver(), store=self.store)

    def builder(self) -> Any:
        return self.m.StateGraph(State, context_schema=Dict if self.memories.context == "dict" else Data)

    # -- bodies

    def body(self, keeper: Keeper, name: str) -> Any:
        """The body of a node: as many kinds as there are ways to come to the store."""
        m, awaits = self.m, self.memories.awaits

        async def work(state: Any, store: Any, runtime: Any) -> Any:
            who = f"{name}@{len(state['log'])}"
            context = runtime.context
            user, language = (
                (context["user"], context.get("language"))
                if isinstance(context, dict)
                else (context.user, context.language)
            )
            info = runtime.execution_info
            found: list[Any] = [name, user, language, info.thread_id, info.node_attempt, runtime.previous]
            found += [await self.use(use, store, user) for use in keeper.uses]
            answer = m.interrupt(f"{who}?") if keeper.asks else None
            if self.failed[who] < keeper.fails:
                self.failed[who] += 1
                raise ValueError(who)
            return {"log": [repr([*found, answer])]}

        done = kept if awaits else now
        match keeper.access:
            case "store":

                def body(state: Any, *, store: Any) -> Any:
                    return done(work(state, store, m.get_runtime()))

                body.__annotations__ = {"store": m.BaseStore}
            case "runtime":

                def body(state: Any, runtime: Any) -> Any:
                    return done(work(state, runtime.store, runtime))

                body.__annotations__ = {"runtime": m.Runtime}
            case "get_store":

                def body(state: Any) -> Any:
                    return done(work(state, m.get_store(), m.get_runtime()))
            case _:

                def body(state: Any) -> Any:
                    runtime = m.get_runtime()
                    return done(work(state, runtime.store, runtime))

        if not awaits:
            return body
        return awaiting(body)

    async def use(self, use: Use, store: Any, user: str) -> Any:
        ns = tuple(user if label == OWN else label for label in use.ns)
        try:
            return shown(await self.called(use, ns, store))
        except ValueError as error:
            return type(error).__name__

    async def called(self, use: Use, ns: tuple[str, ...], store: Any) -> Any:
        """The result of one operation; in async bodies by the store's async methods."""
        prefix = "a" if self.memories.awaits else ""
        match use.op:
            case "put":
                given: Any = ("put", (ns, use.key, use.value), {})
            case "search":
                given = ("search", (ns,), {"filter": use.filter, "limit": use.limit, "offset": use.offset})
            case "list":
                given = ("list_namespaces", (), {"prefix": ns or None, "max_depth": use.depth})
            case "batch":
                given = ("batch", ([self.m.GetOp(ns, use.key), self.m.SearchOp(ns, limit=use.limit)],), {})
            case name:
                given = (name, (ns, use.key), {})
        method, args, more = given
        found = getattr(store, prefix + method)(*args, **more)
        found = await found if prefix else found
        if use.op == "list":  # upstream lists what was only looked for, and what was emptied
            held = {item.namespace[: use.depth] for item in store.search((), limit=1000)}
            found = [one for one in found if one in held]
        return found

    # -- playing

    def play(self) -> Remembered:
        for visit in self.memories.visits:
            self.visit(visit)
        items = sorted(repr(shown(item)) for item in self.store.search((), limit=100))
        self.record.append(items)
        return self

    def visit(self, visit: Visit) -> None:
        config = {"configurable": {"thread_id": str(visit.thread)}}
        given = {"user": visit.user, **({"language": visit.language} if visit.language else {})}
        context = Data(**given) if self.memories.context == "dataclass" else given
        input: Any = {"log": ["in"]}
        for _ in range(6):
            if self.memories.awaits:
                result = asyncio.run(self.graph.ainvoke(input, config, context=context))
            else:
                result = self.graph.invoke(input, config, context=context)
            state = self.graph.get_state(config)
            open_ = [i for task in state.tasks for i in task.interrupts]
            self.record.append((result["log"], sorted(state.next), sorted(i.value for i in open_)))
            if not open_:
                return
            self.features.add("paused")
            input = self.m.Command(resume="yes")


def kept(made: Any) -> Any:
    """A coroutine, for who awaits it."""
    return made


def awaiting(body: Any) -> Any:
    """The same body, as the coroutine function that its signature says it is not."""

    async def awaited(*args: Any, **more: Any) -> Any:
        return await body(*args, **more)

    awaited.__signature__ = inspect.signature(body)
    awaited.__annotations__ = body.__annotations__
    return awaited
