"""Plays a program of `tests.differential.functions` on one engine."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from tests.differential.build import now
from tests.differential.functions import Ask, Call, Function, Op, Task, Together

MOST = 20
"""Calls that one turn may take."""


class Performed:
    """One entrypoint on one engine, its threads and its cache."""

    def __init__(self, m: Any, function: Function) -> None:
        self.m, self.function = m, function
        self.calls: list[str] = []
        self.ended: list[str] = []
        self.updates: list[str] = []
        self.failed: Counter[str] = Counter()
        self.record: list[Any] = []
        self.features: set[str] = set()
        self.loose = function.again or function.races
        """Whether what has ended may run again upstream."""
        self.exact = function.beside < 2 and not self.loose
        """Whether it is said how often each body runs: upstream shows one of several questions at a time."""
        self.tasks = {task.name: self.task(task) for task in function.tasks}
        self.graph = self.entrypoint()

    # -- building

    def policies(self, attempts: int) -> dict[str, Any]:
        if not attempts:
            return {}
        retry = self.m.RetryPolicy(initial_interval=0, jitter=False, max_attempts=attempts, retry_on=ValueError)
        return {"retry_policy": retry}

    def task(self, task: Task) -> Any:
        async def body(arg: int) -> str:
            who = f"{task.name}({arg})"
            self.calls.append(who)
            found = await self.do(task.ops, who, waits=task.awaits)
            if self.failed[who] < task.fails:
                self.failed[who] += 1
                if self.function.fatal(task):  # what runs beside it has ended by now
                    await asyncio.sleep(0.03) if task.awaits else time.sleep(0.03)
                raise ValueError(who)
            self.ended.append(who)
            return " ".join([who, *found])

        def plain(arg: int) -> str:
            return now(body(arg))

        made = body if task.awaits else plain
        made.__qualname__ = task.name  # upstream's cache knows a task by where its function stands
        cache = {"cache_policy": self.m.CachePolicy()} if task.cached else {}
        make = self.m.task(name=task.name, **self.policies(task.attempts), **cache)
        return make(made)

    def entrypoint(self) -> Any:
        function = self.function

        async def body(given: Any, previous: Any) -> Any:
            self.calls.append("body")
            found = await self.do(function.ops, "body", waits=function.awaits)
            who = f"body {given} {previous}"
            if self.failed[who] < function.fails:
                self.failed[who] += 1
                raise ValueError(who)
            self.ended.append("body")
            value = [given, previous if function.save else str(previous)[-20:], *found]
            return self.m.entrypoint.final(value=value, save=len(found) + given) if function.save else value

        async def awaiting(given: int, *, previous: Any) -> Any:
            return await body(given, previous)

        def plain(given: int, *, previous: Any) -> Any:
            return now(body(given, previous))

        make = self.m.entrypoint(
            checkpointer=self.m.Saver(), cache=self.m.InMemoryCache(), **self.policies(function.attempts)
        )
        return make(awaiting if function.awaits else plain)

    async def do(self, ops: tuple[Op, ...], who: str, *, waits: bool) -> list[str]:
        found = []
        for n, op in enumerate(ops):
            match op:
                case Ask():
                    found.append(self.m.interrupt(f"{who} {n}?"))
                case Call():
                    found.append(await self.one(op, waits=waits))
                case Together(calls):
                    futures = [self.tasks[call.task](call.arg) for call in calls]
                    found += await asyncio.gather(*futures) if waits else [future.result() for future in futures]
        return found

    async def one(self, call: Call, *, waits: bool) -> str:
        future = self.tasks[call.task](call.arg)
        try:
            return await future if waits else future.result()
        except ValueError as error:
            if not call.careful:
                raise
            return f"caught {error}"

    # -- playing

    def play(self) -> Performed:
        for n, (thread, given) in enumerate(self.function.turns):
            self.turn({"configurable": {"thread_id": str(thread)}}, given + 2 * n)
        return self

    def turn(self, config: Any, given: Any) -> None:
        """One input, and all the answers and new attempts that it takes."""
        del self.ended[:], self.updates[:]
        last, input = None, given
        for _ in range(MOST):
            last, error = self.call(config, input)
            state = self.graph.get_state(config)
            open_ = {i.id: i.value for task in state.tasks for i in task.interrupts}
            if self.exact:
                shown = sorted(open_.values()) if not error else []  # upstream shows answered ones beside an error
                self.record.append((error, sorted(self.calls), shown, sorted(state.next)))
            self.features.update({"failed"} if error else {"paused"} if open_ else ())
            if not state.next:
                break
            input = None if error else self.m.Command(resume={id: f"A {asked}" for id, asked in open_.items()})
        ended, updates = sorted(self.ended), sorted(self.updates)
        if self.loose:
            ended = sorted(set(ended))
            updates = sorted({one for one in updates if "__metadata__" not in one})
        self.record.append((last, ended, updates, state.values))

    def call(self, config: Any, input: Any) -> tuple[Any, str | None]:
        del self.calls[:]
        try:
            if self.function.awaits:
                return asyncio.run(self.acall(config, input)), None
            if not self.function.streams:
                return self.graph.invoke(input, config), None
            last = None
            for chunk in self.graph.stream(input, config, stream_mode="updates"):
                last = self.heard(chunk, last)
            return last, None
        except Exception as raised:  # noqa: BLE001 - which one it is gets compared
            return None, repr(raised)

    async def acall(self, config: Any, input: Any) -> Any:
        if not self.function.streams:
            return await self.graph.ainvoke(input, config)
        last = None
        async for chunk in self.graph.astream(input, config, stream_mode="updates"):
            last = self.heard(chunk, last)
        return last

    def heard(self, chunk: Any, last: Any) -> Any:
        """The last thing that a stream told of a task or the body; they are noted in any order."""
        # Upstream tells of a task that failed behind an answer that it wrote nothing.
        if "__interrupt__" in chunk or list(chunk.values()) == [None]:
            return last
        self.updates.append(repr(chunk))
        return chunk
