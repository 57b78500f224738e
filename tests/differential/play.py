"""Plays a program's script on one engine and writes down all that can be seen from outside."""

from __future__ import annotations

import asyncio
import functools
import operator
from typing import Any

from tests.differential.build import Ledger, built
from tests.differential.paths import askers, paths_of, prefixes, unchanged
from tests.differential.programs import Act, Graph, Program, nodes_in, subs_in

BROKEN = ("InvalidUpdateError", "GraphRecursionError")
"""After these a script ends: what a failed merge leaves behind differs ("failed merge")."""


class Play:
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
        self.failed = self.commanded = False
        self.leavers = set(paths_of(program.graph, lambda node: node.parent))
        self.callers = set(paths_of(program.graph, lambda node: node.calls))
        self.leaving = {path.rpartition("/")[0] for path in self.leavers}
        self.frail = {n.name for n in program.graph.nodes if n.defer or n.fails or n.asks or n.sub or n.calls}
        """Upstream forgets what does not end at once when a person sends to it with a command."""
        self.joins = {to for _, to in program.graph.joins} | {n.name for n in program.graph.nodes if n.defer}
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

    def run(self, what: str, input: Any, config: Any = None, **more: Any) -> None:
        before = [question for _, question, _ in self.pending(self.state())]
        del self.ledger.calls[:]
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
        idle = unchanged(before, [question for _, question in pending], self.callers)
        steps = [
            kept
            for step in steps
            if (kept := [w for w in step if not idle.intersection(askers(w, self.callers)) and not self.by_chance(w)])
        ]
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

    # -- acting

    def play(self) -> Play:
        self.run("start", {"log": ["in"], "steps": 0})
        for n, act in enumerate(self.program.script):
            if self.over:
                break
            self.act(act, n)
        return self

    def act(self, act: Act, n: int) -> None:
        state = self.state()
        open_ = self.pending(state)
        if self.at != (at := state.config["configurable"].get("checkpoint_id", "")):
            self.at = at
            self.answered.clear()
        if self.failed:
            self.run("go", None)
            return
        if act.do.startswith("answer"):
            if open_:
                self.answer(act, open_)
            return
        values = {"log": [f"person {n}"], "steps": 0}
        match act.do:
            case "go":
                if not (open_ and self.answered):  # DIFFERENCES["stale answer"]
                    self.run("go", None)
            case "go before":
                if not open_ and state.metadata["source"] == "loop":  # DIFFERENCES["breakpoint behind an edit"]
                    self.run("go before", None, interrupt_before=[act.node] if act.node else "*")
            case "input":
                if not open_:  # DIFFERENCES["new input while asking"]
                    self.run("input", values)
            case "command":
                # Reported: what a command goes to is merged behind what was due; to be removed when that is mended.
                first = any(act.node < name for name in state.next)
                if not open_ and act.node not in self.frail and not first:
                    self.commanded = True
                    self.run("command", self.m.Command(update=values, goto=act.node or []))
            case "update":
                self.update(act, values, state)
            case "fork" if self.branches:
                self.fork(act, values)
            case "replay" if self.branches:
                self.replay(act)
            case "bulk":
                if act.node and not open_ and act.node not in self.joins and self.may_edit(state, act.node):
                    two = [[self.m.StateUpdate({"log": [f"{n} {part}"]}, act.node)] for part in "ab"]
                    self.edited(self.attempt(self.graph.bulk_update_state, self.config, two))
            case "update inside":
                self.update_inside(act, values)

    @property
    def branches(self) -> bool:
        """Whether both engines see the same tree: here a sub-graph's memory belongs to the branch, upstream to all."""
        return not self.commanded and not any(sub.memory for sub in subs_in(self.program.graph))

    def answer(self, act: Act, open_: list[tuple[str, str, str]]) -> None:
        self.features.add("answered")
        if act.do == "answer one":
            place = act.place % len(open_)
            open_ = open_[place : place + 1]
        bare = len(open_) == 1 and act.do == "answer bare"
        if self.answered and any("/" in question for _, question, _ in open_):
            # Upstream gives a bare answer once more to what a sub-graph asks later: DIFFERENCES["stale answer"].
            bare = self.bare
            if bare and len(self.pending(self.state())) > 1:
                return
        self.bare = bare
        resume = act.value if bare else {id: act.value for _, _, id in open_}
        self.answered.update(question for _, question, _ in open_)
        self.run(act.do, self.m.Command(resume=resume))

    def may_edit(self, state: Any, as_node: str) -> bool:
        """Whether both engines mean the same by an edit here."""
        if self.commanded:
            return False  # upstream loses what a command updated when an edit follows
        if (self.program.before or self.program.after) and (not state.next or self.pending(state)):
            return False  # DIFFERENCES["breakpoint behind an edit"]
        if not as_node and (state.metadata["source"] != "loop" or self.joins):
            # Upstream looks for the last writer among the channels that were read: it forgets who an edit was written
            # as, and takes a node that an edge and a waiting edge led to for two.
            return False
        if any(node.defer and node.name in state.next for node in self.program.graph.nodes):
            return False  # reported: here an edit drops a deferred node that is due; to be removed when that is mended
        return not (as_node in self.joins and as_node in state.next)  # DIFFERENCES["writing as a due join"]

    def fork(self, act: Act, values: Any) -> None:
        old = self.history()
        if not old:
            return
        place = act.place % len(old)
        state = self.state(old[place].config)
        if self.program.before or self.program.after:
            return  # DIFFERENCES["breakpoint behind an edit"]
        if (place == 0 and self.pending(state)) or not self.may_edit(state, act.node):
            return
        config = self.edit(state.config, values, act.node)
        if config is not None:
            self.answered.clear()
            self.features.add("forked")
            self.run("fork", None, config)

    def update(self, act: Act, values: Any, state: Any) -> None:
        asking = [name for name, _, _ in self.pending(state)]
        if asking and (asking != [act.node] or len(state.tasks) > 1):
            return  # upstream drops the question when another is written as, and what its siblings did
        if not self.may_edit(state, act.node):
            return
        config = self.edit(self.config, values, act.node)
        if asking and config is not None:  # here the question stays in sight
            self.features.add("edited while it asks")
            self.run("update", None)
        else:
            self.edited(config)

    def update_inside(self, act: Act, values: Any) -> None:
        """Write into a paused sub-graph, as who asks there, and go on."""
        inner = self.inside(self.graph.get_state(self.config, subgraphs=True), self.program.graph)
        inner = [found for _, found in inner if len(found.tasks) == 1]
        if inner:
            found = inner[act.place % len(inner)]
            self.features.add("edited a sub-graph")
            if self.edit(found.config, values, found.next[0] if act.value == "yes" else ""):
                self.run("update inside", None)

    def replay(self, act: Act) -> None:
        old = self.history()[1:]  # replaying the newest one is going on, which makes no branch of its own
        if old:
            self.answered.clear()
            self.features.add("replayed")
            self.run("replay", None, old[act.place % len(old)].config)

    def edited(self, config: Any) -> None:
        if config is not None:
            self.features.add("edited")
            self.note("update", None, [], [])

    def end(self) -> list[Any]:
        """The record, and the whole history behind it."""
        if self.over or self.commanded:  # upstream writes a command into the checkpoint; here it makes one of its own
            return self.record
        history = [(s.metadata["source"], s.metadata["step"], sorted(s.next), dict(s.values)) for s in self.history()]
        return [*self.record, history]


def same(theirs: list[Any], ours: list[Any]) -> bool:
    """Whether the records are equal, up to a merge that upstream tries before its time.

    Where finished siblings wrote what does not go together, upstream says so while others still ask or failed.
    """
    early = theirs[-1][1] == "InvalidUpdateError" and len(ours) >= len(theirs) and len(ours[len(theirs) - 1]) > 2
    if early and len(theirs[-1]) == 2 and ours[len(theirs) - 1][5]:
        return theirs[:-1] == ours[: len(theirs) - 1]
    return theirs == ours
