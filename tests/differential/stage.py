"""One thread of one graph on one engine: calls it, and writes down all that can be seen from outside."""

from __future__ import annotations

import asyncio
import functools
import operator
from collections import Counter
from typing import Any

from tests.differential.build import Ledger, built
from tests.differential.paths import askers, paths_of, prefixes, unchanged
from tests.differential.programs import Graph, Program, nodes_in, subs_in

BROKEN = ("InvalidUpdateError", "GraphRecursionError")
"""After these a script ends: what a failed merge leaves behind differs ("failed merge")."""


class Stage:
    def __init__(self, m: Any, program: Program) -> None:
        self.m, self.program = m, program
        self.waits = program.style == "ainvoke"
        self.ledger = Ledger(m, waits=self.waits)
        self.graph = built(program.graph, self.ledger).compile(
            checkpointer=m.Saver(), interrupt_before=list(program.before), interrupt_after=list(program.after)
        )
        self.config = {"configurable": {"thread_id": "t"}, "recursion_limit": 30}
        self.record: list[Any] = []
        self.features: set[str] = set()
        self.quiet = any(node.update == "nothing" for node in nodes_in(program.graph))
        self.over = False
        self.answered: set[str] = set()
        """Questions that got their answer at the checkpoint ``at``."""
        self.at = ""
        self.bare = False
        self.hidden: list[str] = []
        self.failed = self.commanded = False
        self.leavers = set(paths_of(program.graph, lambda node: node.parent))
        self.callers = set(paths_of(program.graph, lambda node: node.calls))
        self.leaving = {path.rpartition("/")[0] for path in self.leavers}
        self.frail = {n.name for n in program.graph.nodes if n.defer or n.fails or n.asks or n.sub or n.calls}
        """Upstream forgets what does not end at once, and its siblings, when a person sends to it with a command."""
        self.sends = any(n.sends for n in program.graph.nodes) or any(r.sends for r in program.graph.routers)
        self.kept = {n.name for n in program.graph.nodes if n.sub or n.calls}
        self.remembering = {
            n.name
            for n in program.graph.nodes
            for sub in (n.sub, n.calls)
            if sub and any(one.memory for one in (sub, *subs_in(sub.graph)))
        }
        """Nodes that run sub-graphs with a memory, at any depth."""
        self.deferred = {n.name for n in program.graph.nodes if n.defer}
        self.joins = {to for _, to in program.graph.joins} | self.deferred
        """Nodes that stay due upstream when somebody writes as them: behind a waiting edge, or deferred."""

    # -- looking

    def state(self, config: Any = None) -> Any:
        return self.graph.get_state(config or self.config)

    def pending(self, state: Any) -> list[tuple[str, str, str]]:
        """Node, question and id of every open question."""
        found = [(task.name, i.value, i.id) for task in state.tasks for i in task.interrupts]
        return sorted(found)  # DIFFERENCES["order of next"]

    def history(self) -> list[Any]:
        return list(self.graph.get_state_history(self.config))

    # -- calling

    async def _acall(self, input: Any, config: Any, more: Any) -> Any:
        return await self.graph.ainvoke(input, config, durability=self.program.durability, **more)

    def _call(self, steps: list[list[str]], input: Any, config: Any, more: Any) -> Any:
        """What the call returns; ``steps`` gets the calls of each super-step."""
        if self.program.style == "stream":
            last = None
            stream = self.graph.stream(input, config, stream_mode="values", durability=self.program.durability, **more)
            for chunk in stream:
                if "__interrupt__" not in chunk:  # upstream yields that one while the step is still at work
                    steps.append(sorted(self.ledger.calls))
                    del self.ledger.calls[:]
                last = chunk
            return last
        if self.waits:
            return asyncio.run(self._acall(input, config, more))
        return self.graph.invoke(input, config, durability=self.program.durability, **more)

    def run(self, what: str, input: Any, config: Any = None, before: Any = (), **more: Any) -> None:
        """Call the graph; ``before`` are questions that were open, beside those that are in sight."""
        before = [question for _, question, _ in self.pending(self.state())] or list(before)
        before += [question for question in self.hidden if question not in before]
        del self.ledger.calls[:], self.ledger.open[:]
        steps: list[list[str]] = []
        last, error = None, None
        try:
            last = self._call(steps, input, {**self.config, **(config or {})}, more)
        except Exception as raised:  # noqa: BLE001 - which one it is gets compared
            error = type(raised).__name__
        steps.append(sorted(self.ledger.calls))
        if self.quiet:  # upstream yields nothing after a step that wrote nothing
            steps = [sorted(functools.reduce(operator.iadd, steps, []))]
        self.note(what, error, before, steps, last)

    def note(self, what: str, error: str | None, before: list[str], steps: list[list[str]], last: Any = None) -> None:
        try:
            state = None if error in BROKEN else self.state()
        except Exception as raised:  # noqa: BLE001 - upstream, where what finished siblings wrote does not go together
            state, error = None, type(raised).__name__
        if state is None:
            self.over = True
            self.record.append((what, error))
            return
        pending = [(name, question) for name, question, _ in self.pending(state)]
        if error:  # upstream still shows the questions that a failed task got an answer to
            pending = [(name, question) for name, question in pending if question not in self.answered]
        self.failed = error is not None
        # Beside a failure a sub-graph's questions are out of sight; here they are parked all the same.
        asked = [question for question in self.ledger.open if "/" in question]
        self.hidden = [*self.hidden, *asked] if self.failed else []
        idle = unchanged(before, [question for _, question in pending], self.callers)
        steps = [
            kept
            for step in steps
            if (kept := [w for w in step if not idle.intersection(askers(w, self.callers)) and not self.by_chance(w)])
        ]
        twins = {who for question, n in Counter(before).items() if n > 1 for who in askers(question, self.callers)}
        # Where one of several gets an answer, the others, who cannot be told apart, run again upstream.
        steps = [[who for n, who in enumerate(step) if who not in twins or who not in step[:n]] for step in steps]
        values = dict(state.values)
        returned = None if pending or error else {k: v for k, v in (last or values).items() if k != "__interrupt__"}
        self.record.append((what, error, steps, returned, values, sorted(state.next), pending))
        if pending and not error:
            inner = self.inside(self.graph.get_state(self.config, subgraphs=True), self.program.graph)
            self.record.extend((name, dict(found.values), sorted(found.next)) for name, found in inner)
        if pending:
            self.features.add("paused")
            self.features.update({"paused in a sub-graph"} if any("/" in q for _, q in pending) else ())
            self.features.update({"several questions at once"} if len(pending) > 1 else ())
        if state.next and not pending:
            self.features.add("stopped at a breakpoint or failure")
        if error:
            self.features.add("error")

    def by_chance(self, who: str) -> bool:
        """Whether it is a sibling of a node that leaves for the parent: how far it got is chance."""
        path = who.split("@", maxsplit=1)[0]
        return path not in self.leavers and any(one.rpartition("/")[0] in self.leaving for one in prefixes(path))

    def attempt(self, edit: Any, *args: Any, **more: Any) -> Any:
        """The new config, or None where the edit is refused."""
        try:
            found = edit(*args, **more)
            return asyncio.run(found) if asyncio.iscoroutine(found) else found
        except Exception as raised:  # noqa: BLE001 - which one it is gets compared
            self.record.append(("edit", type(raised).__name__))
            return None

    def edit(self, config: Any, values: Any, as_node: str) -> Any:
        update = self.graph.aupdate_state if self.waits else self.graph.update_state
        return self.attempt(update, config, values, as_node=as_node or None)

    def inside(self, state: Any, graph: Graph) -> list[Any]:
        """The snapshots of sub-graphs that ask, at every depth, with who they belong to."""
        found = []
        subs = {node.name: node.sub for node in graph.nodes if node.sub and node.sub.memory is not False}
        for task in state.tasks:
            if task.name in subs and task.interrupts and hasattr(task.state, "tasks"):
                found += [(task.name, task.state), *self.inside(task.state, subs[task.name].graph)]
        return sorted(found, key=lambda one: (one[0], str(one[1].values), sorted(one[1].next)))

    def end(self) -> list[Any]:
        """The record, and the whole history behind it."""
        if self.over or self.commanded:  # upstream writes a command into the checkpoint; here it makes one of its own
            return self.record
        history = [(s.metadata["source"], s.metadata["step"], sorted(s.next), dict(s.values)) for s in self.history()]
        return [*self.record, history]
