"""Plays a plan of `tests.differential.policies` on one engine, and writes down all that can be seen from outside."""

from __future__ import annotations

import asyncio
import operator
import time
from collections import Counter
from typing import Annotated, Any, TypedDict

from tests.differential.build import now, plain
from tests.differential.policies import Do, Plan, Policies, Retry, Work
from tests.differential.programs import END


class Odd(Exception):
    """Neither of the program's own kind nor one of Python's."""


ERRORS = {"value": ValueError, "key": KeyError, "connection": ConnectionError, "odd": Odd}
DRAINED = ("GraphDrained",)


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    x: str


def retry_of(retry: Retry, m: Any) -> Any:
    match retry.on:
        case "two":
            on: Any = (ValueError, KeyError)
        case "call":
            on = lambda error: isinstance(error, (ValueError, Odd))  # noqa: E731 - one that is given
        case "default":
            return m.RetryPolicy(initial_interval=0, jitter=False, max_attempts=retry.attempts)
        case name:
            on = ERRORS[name]
    return m.RetryPolicy(initial_interval=0, jitter=False, max_attempts=retry.attempts, retry_on=on)


def key_of(state: Any) -> str:
    """What a result is cached by: another one in each step, since upstream caches what it may not see in this run."""
    return f"{state.get('x')} {len(state['log'])}"


class Enforced:
    """One graph on one engine, its threads and its cache."""

    def __init__(self, m: Any, plan: Plan) -> None:
        self.m, self.plan = m, plan
        self.calls: list[str] = []
        self.failed: Counter[str] = Counter()
        self.drained: set[str] = set()
        self.control: Any = None
        self.record: list[Any] = []
        self.features: set[str] = set()
        self.begun: set[int] = set()
        self.open: dict[int, list[str]] = {}
        self.over: set[int] = set()
        """Threads on which a handler failed: upstream goes on with the handler, here with its node."""
        self.graph = self.built()

    # -- building

    def built(self) -> Any:
        made = self.m.StateGraph(State)
        for work in self.plan.works:
            made.add_node(work.name, self.body(work), **self.options(work.policies))
        for start, end in self.plan.edges:
            made.add_edge(start, end)
        made.set_node_defaults(**self.options(self.plan.defaults))  # behind the nodes: the order makes no difference
        return made.compile(checkpointer=self.m.Saver(), cache=self.m.InMemoryCache())

    def options(self, policies: Policies) -> dict[str, Any]:
        retries = [retry_of(retry, self.m) for retry in policies.retries]
        key = {"key": key_of}.get(policies.cached)
        found = {
            "retry_policy": retries[0] if len(retries) == 1 else retries,
            "error_handler": policies.handler and self.handler(policies.handler),
            "cache_policy": policies.cached
            and (self.m.CachePolicy() if key is None else self.m.CachePolicy(key_func=key)),
        }
        return {name: value for name, value in found.items() if value}

    def body(self, work: Work) -> Any:
        async def body(state: Any) -> Any:
            who = f"{work.name}@{state.get('x')}{len(state['log'])}"
            self.calls.append(who)
            if work.drains and who not in self.drained:
                self.drained.add(who)
                self.control.request_drain()
            if work.early:
                await self.fail(work, who)
            answers = [str(self.m.interrupt(f"{who} #{n}")) for n in range(work.asks)]
            if not work.early:
                await self.fail(work, who)
            # No two alike: upstream's cache tells equal texts from a text that stands there twice.
            update = {"log": [" ".join([f"{work.name}.{len(state['log'])}", *answers])]}
            if work.sends:
                # No two alike: in one step, which of them finds the other's cached result is chance.
                two = [{"log": ["sent", "twice"][:n], "x": f"s{n} {who}"} for n in (1, 2)]
                return self.m.Command(update=update, goto=[self.m.Send(work.sends, one) for one in two])
            return self.m.Command(update=update, goto=work.goto) if work.goto else update

        return body if self.plan.awaits else plain(body)

    async def fail(self, work: Work, who: str) -> None:
        if self.failed[who] >= work.fails:
            return
        self.failed[who] += 1
        if self.plan.fatal(work):  # upstream cancels siblings that have not ended by now
            await asyncio.sleep(0.03) if self.plan.awaits else time.sleep(0.03)
        raise ERRORS[work.error](who)

    def handler(self, kind: str) -> Any:
        async def handle(state: Any, error: Any) -> Any:
            told = repr(error.error).strip('"')  # upstream, the error is its text after a pause
            self.calls.append(f"{kind} {error.node} {told}@{len(state['log'])}")
            if kind == "raise":
                raise ERRORS["odd"](f"handler of {error.node}")
            note = self.m.interrupt(f"what of {error.node}?") if kind == "ask" else kind
            update = {"log": [f"{note} {error.node}"]}
            last = self.plan.works[-1].name
            return self.m.Command(update=update, goto=END if error.node == last else last) if kind == "goto" else update

        if self.plan.awaits:
            found = handle
        else:

            def found(state: Any, error: Any) -> Any:
                return now(handle(state, error))

        found.__annotations__ = {"error": self.m.NodeError}
        return found

    # -- playing

    def play(self) -> Enforced:
        for n, do in enumerate(self.plan.script):
            self.act(do, f"a{n}")
        for thread in sorted(self.begun):
            config = {"configurable": {"thread_id": str(thread)}}
            history = list(self.graph.get_state_history(config))
            seen = [(s.metadata["source"], s.metadata["step"], sorted(s.next), dict(s.values)) for s in history]
            self.record.append(("history", thread, seen))
        return self

    def act(self, do: Do, answer: str) -> None:
        if do.thread in self.over:
            return
        config = {"configurable": {"thread_id": str(do.thread)}, "recursion_limit": 30}
        if do.what == "clear":
            self.graph.clear_cache([do.node] if do.node else None)
            self.features.add("cleared")
            return
        state = self.graph.get_state(config)
        if open_ := self.open.get(do.thread):
            self.features.add("answered")
            self.run(do.thread, config, self.m.Command(resume=dict.fromkeys(open_, answer)))
        elif do.what == "input" and not state.next:
            self.begun.add(do.thread)
            self.run(do.thread, config, {"log": [f"in{do.x}"], "x": do.x})
        elif do.thread in self.begun and state.next:
            self.run(do.thread, config, None)

    def run(self, thread: int, config: Any, input: Any) -> None:
        del self.calls[:]
        self.control = self.m.RunControl()
        result, error = None, None
        try:
            if self.plan.awaits:
                result = asyncio.run(self.graph.ainvoke(input, config, control=self.control))
            else:
                result = self.graph.invoke(input, config, control=self.control)
        except Exception as raised:  # noqa: BLE001 - which one it is gets compared
            if type(raised).__name__ not in DRAINED:  # upstream raises; here the run just stops
                own = isinstance(raised, tuple(ERRORS.values()))
                error = repr(raised) if own else type(raised).__name__
                self.over.update({thread} if "handler of" in error else ())
        state = self.graph.get_state(config)
        # Upstream's state does not show what an error handler asks.
        asked = (result or {}).get("__interrupt__", ())
        self.open[thread] = [i.id for i in asked]
        questions = sorted(i.value for i in asked)
        shown = None if error or questions or state.next else result
        # Nor, while the step goes on, that a handler has ended.
        handled = any(self.plan.policies(one).handler and not self.plan.fatal(one) for one in self.plan.works)
        half = handled and (error or questions)
        stands = None if half else (dict(state.values), sorted(state.next))
        self.record.append((error, shown, sorted(self.calls), stands, questions))
        self.features.update({"failed"} if error else (), {"paused"} if questions else ())
        self.features.update({"drained"} if state.next and not error and not questions else ())
