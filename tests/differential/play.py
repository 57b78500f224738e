"""Plays a program's script on one engine, where both engines mean the same by what it does."""

from __future__ import annotations

from typing import Any

from tests.differential.programs import START, Act, subs_in
from tests.differential.stage import Stage


class Play(Stage):
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
        if open_ and act.do in ("input", "command", "bulk", "go before"):  # not while it asks
            self.update_asking(act, values, state)
            return
        match act.do:
            case "go":
                if not (open_ and self.answered):  # DIFFERENCES["stale answer"]
                    self.run("go", None)
            case "go before":
                looped = state.metadata["source"] == "loop" and not self.commanded
                if not open_ and looped:  # DIFFERENCES["breakpoint behind an edit"]
                    self.run("go before", None, interrupt_before=[act.node] if act.node else "*")
            case "input":
                if not open_:  # DIFFERENCES["new input while asking"]
                    self.run("input", values)
            case "command":
                # As for an edit: DIFFERENCES["breakpoint behind an edit"].
                held = (self.program.before or self.program.after) and not state.next
                if not open_ and not held and self.frail.isdisjoint([act.node, *state.next]):
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
        if self.answered and (self.bare or any("/" in question for _, question, _ in open_)):
            # Upstream gives a bare answer once more to what is asked later, where the next one is not bare as well, or
            # in a sub-graph: DIFFERENCES["stale answer"].
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
        if not as_node and (state.metadata["source"] != "loop" or self.joins or self.sends):
            # Upstream looks for the last writer among the channels that were read: it forgets who an edit was written
            # as, takes a node that an edge and a waiting edge led to for two, and one that was sent to for none.
            return False
        return not (as_node in self.joins and as_node in state.next)  # DIFFERENCES["writing as a due join"]

    def fork(self, act: Act, values: Any) -> None:
        old = self.history()
        if not old:
            return
        place = act.place % len(old)
        state = self.state(old[place].config)
        if self.program.before or self.program.after:
            return  # DIFFERENCES["breakpoint behind an edit"]
        if self.left_open(old, old[place]) or self.deferred.intersection(state.next):
            return  # upstream lets a deferred node that was due not wait for what is due now
        if not self.may_edit(state, act.node):
            return
        config = self.edit(state.config, values, act.node)
        if config is not None:
            self.answered.clear()
            self.features.add("forked")
            self.run("fork", None, config)

    def left_open(self, history: list[Any], old: Any) -> bool:
        """Whether it was left half-way: upstream drops what was done there, DIFFERENCES["edit while asking"]."""
        id = old.config["configurable"]["checkpoint_id"]
        after = [s for s in history if s.parent_config and s.parent_config["configurable"]["checkpoint_id"] == id]
        return bool(self.pending(old)) and not any(s.metadata["source"] == "loop" for s in after)

    def update(self, act: Act, values: Any, state: Any) -> None:
        if self.pending(state):
            self.update_asking(act, values, state)
        elif self.may_edit(state, act.node):
            self.edited(self.edit(self.config, values, act.node))

    def update_asking(self, act: Act, values: Any, state: Any) -> None:
        """Write as the node that asks, which does its work, or as the one that wrote last; then go on."""
        if len(state.tasks) > 1:
            return  # upstream drops what its siblings did: DIFFERENCES["edit while asking"]
        (asker,) = state.tasks
        if asker.name in self.remembering:
            return  # what its sub-graph did is remembered upstream, though nothing of it was committed
        before = []
        if act.place % 2 or act.node == asker.name:
            writer = asker.name
        else:
            # Upstream asks anew, here the question stays as it was: it must not depend on what is written.
            writer, values = self.writer_before(asker.name), {"notes": values["log"]}
            before = [question for _, question, _ in self.pending(state)]
        if writer and self.may_edit(state, writer) and self.edit(self.config, values, writer) is not None:
            self.features.add("edited while it asks")
            self.features.update({"a question outlived an edit"} if before and self.state().next else ())
            self.run("update", None, before=before)

    def writer_before(self, asker: str) -> str:
        """The node that alone led to the one that asks; none where upstream would have to do more than ask anew."""
        newest, *older = self.history()
        parent = (newest.parent_config or {}).get("configurable", {}).get("checkpoint_id")
        old = [state for state in older[:1] if state.config["configurable"]["checkpoint_id"] == parent]
        alone = old and len(old[0].tasks) == 1 and old[0].metadata["source"] == "loop" and old[0].next[0] != START
        kept = self.answered or asker in self.kept  # upstream forgets answers, and what a sub-graph did
        return old[0].next[0] if alone and not kept else ""

    def update_inside(self, act: Act, values: Any) -> None:
        """Write into a paused sub-graph, as who asks there, and go on."""
        inner = self.inside(self.graph.get_state(self.config, subgraphs=True), self.program.graph)
        inner = [found for _, found in inner if len(found.tasks) == 1]
        if inner:
            found = inner[act.place % len(inner)]
            self.features.add("edited a sub-graph")
            # As nobody in particular upstream starts anew what the asking node called, or is.
            deep = bool(self.callers) or hasattr(found.tasks[0].state, "tasks")
            if self.edit(found.config, values, found.next[0] if act.value == "yes" or deep else ""):
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


def same(theirs: list[Any], ours: list[Any]) -> bool:
    """Whether the records are equal, up to a merge that upstream tries before its time.

    Where finished siblings wrote what does not go together, upstream says so while others still ask or failed.
    """
    early = theirs[-1][1] == "InvalidUpdateError" and len(ours) >= len(theirs) and len(ours[len(theirs) - 1]) > 2
    if early and len(theirs[-1]) == 2 and ours[len(theirs) - 1][5]:
        return theirs[:-1] == ours[: len(theirs) - 1]
    return theirs == ours
