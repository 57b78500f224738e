"""Killed anywhere ends like never killed: random graphs, killed at every call of the saver and at every body.

A kill is a `Killed` that leaves the saver (before or after it did what it was asked) or a body, and lets nobody else of
that process do anything more. The next process is another graph, compiled on what the saver kept. With ``lost`` the
last records that nobody waited for are lost as well, as a crash of the machine loses them.
"""

import asyncio
import contextlib
import operator
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import pytest

from nbhitl import END, START, Command, InMemorySaver, Send, StateGraph, interrupt
from nbhitl.engine.ids import digest
from nbhitl.engine.records import Kept
from nbhitl.run.context import CURRENT, once

CONFIG = {"configurable": {"thread_id": "t"}}
INPUT = {"log": ["in"]}
MOST = 60
"""Kills of one graph; a smaller one is killed at every point that there is."""


class Killed(BaseException):
    """The end of a process."""


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    marks: Annotated[frozenset, operator.or_]


class Inner(TypedDict, total=False):
    marks: Annotated[frozenset, operator.or_]


# -- processes and what outlives them


@dataclass
class Outside:
    """What happened in the world: bodies that began, by task, and effects; neither is undone by a kill."""

    bodies: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)


class Process:
    """Counts what could be the last thing that it does; everything after that is `Killed`."""

    def __init__(self, outside, *, at_body=None, at_write=None, after=False):
        self.outside, self.at_body, self.at_write, self.after = outside, at_body, at_write, after
        self.bodies = self.writes = 0
        self.dead = False
        self.lock = threading.Lock()

    def body(self):
        with self.lock:
            self.alive()
            self.bodies += 1
            if self.bodies == self.at_body:
                self.dead = True
            self.alive()
            self.outside.bodies.append(CURRENT.get().task.id)

    def effect(self, name):
        with self.lock:
            self.alive()
            self.outside.effects.append(name)
        return name

    def alive(self):
        if self.dead:
            raise Killed


class MortalSaver(InMemorySaver):
    """Keeps what it is given until its process dies, and knows which of it somebody waited for."""

    def __init__(self, process):
        super().__init__()
        self.process = process
        self.journal = []
        self.durable = 0
        self.gate = threading.RLock()

    def _write(self, name, args, wait, **named):
        process = self.process
        with self.gate:
            process.alive()
            process.writes += 1
            last = process.writes == process.at_write
            if last and not process.after:
                process.dead = True
                process.alive()
            args = [tuple(arg) if type(arg) is list else arg for arg in args]
            getattr(super(), name)(*args, **named)
            self.journal.append((name, args, named))
            process.dead = process.dead or last
            process.alive()
            if wait:
                self.durable = len(self.journal)

    def commit(self, key, checkpoint, entries=(), *, wait=True, **wrote):
        self._write("commit", [key, checkpoint, list(entries)], wait, **wrote)

    def append(self, key, checkpoint, entries, *, wait=True):
        self._write("append", [key, checkpoint, list(entries)], wait)

    def answer(self, key, checkpoint, answers):
        self._write("answer", [key, checkpoint, list(answers)], True)

    def reborn(self, process, lost=0):
        """What the next process finds: all of it but the last ``lost`` records that nobody waited for."""
        saver = MortalSaver(process)
        for name, args, named in self.journal[: max(self.durable, len(self.journal) - lost)]:
            getattr(InMemorySaver, name)(saver, *args, **named)
            saver.journal.append((name, args, named))
        saver.durable = len(saver.journal)
        return saver


# -- random graphs

KINDS = ["plain", "plain", "ask", "ask twice", "once", "once and ask", "goto", "sub", "memory", "deep", "call twice"]


@dataclass(frozen=True)
class Program:
    """A small graph as plain data."""

    kinds: tuple[str, ...]
    edges: tuple[tuple[Any, str], ...]
    goto: tuple[str, ...]
    sends: str | None
    loops: bool


def name(n):
    return f"n{n}"


def program(seed):
    chance = random.Random(seed)
    size = chance.randint(2, 4)
    names = [name(n) for n in range(size)]
    kinds = [chance.choice(KINDS) for _ in names]
    kinds[chance.randrange(size)] = KINDS[seed % len(KINDS)]
    edges: list[tuple[Any, str]] = [(START, one) for one in chance.sample(names, chance.randint(1, min(2, size)))]
    for n, one in enumerate(names[:-1]):
        edges += [(one, to) for to in chance.sample(names[n + 1 :], min(chance.randint(0, 2), size - n - 1))]
    if size > 2 and chance.random() < 0.5:
        edges.append(((names[0], names[1]), names[-1]))
    goto = tuple(chance.choice([*names[n + 1 :], END]) for n in range(size))
    plain = [one for one, kind in zip(names[1:], kinds[1:], strict=True) if kind in KINDS[:6]]
    sends = chance.choice(plain) if plain and chance.random() < 0.4 else None
    return Program(tuple(kinds), tuple(edges), goto, sends, loops=chance.random() < 0.4)


def sub_graph(process, where, inner=None, **compiled):
    """Two nodes that leave marks: one with an effect, or a sub-graph of its own; and one that asks."""

    def first(state):
        process.body()
        return {"marks": frozenset({once("e", process.effect, f"{where} of {digest(state['marks'])[:6]}")})}

    def second(state):
        process.body()
        return {"marks": frozenset({f"{where}: {interrupt(f'{where}?')}"})}

    built = StateGraph(Inner).add_node("p", inner or first).add_node("q", second)
    return built.add_edge(START, "p").add_edge("p", "q").compile(**compiled)


def node(process, program, n):
    kind, where = program.kinds[n], name(n)
    if kind == "sub":
        return sub_graph(process, where)
    if kind == "memory":
        return sub_graph(process, where, checkpointer=True)
    if kind == "deep":
        return sub_graph(process, where, sub_graph(process, f"{where} deep"))
    inner = sub_graph(process, f"{where} called") if kind == "call twice" else None

    def body(state):
        process.body()
        seen = len(state.get("log", ()))
        match kind:
            case "plain":
                said = where
            case "ask":
                said = f"{where} {interrupt(f'{where}?')}"
            case "ask twice":
                said = f"{where} {interrupt(f'{where} 1?')} {interrupt(f'{where} 2?')}"
            case "once":
                said = once("e", process.effect, f"{where} after {seen}")
            case "once and ask":
                said = once("e", process.effect, f"{where} before, after {seen}") + interrupt(f"{where}?")
                said += once("f", process.effect, f"{where} behind, after {seen}")
            case "goto":
                return Command(update={"log": [where]}, goto=program.goto[n])
            case "call twice":
                one = inner.invoke({"marks": frozenset({f"{where} one {seen}"})})
                two = inner.invoke({"marks": one["marks"] | {f"{where} two {seen}"}})
                said = f"{where} {len(two['marks'])}"
        return {"log": [said]}

    return body


def later(body):
    """The same as an async node."""

    async def act(state):
        await asyncio.sleep(0)
        return body(state)

    return act


def compiled(program, process, saver, *, on_loop=False):
    built = StateGraph(State)
    for n in range(len(program.kinds)):
        body = node(process, program, n)
        called = program.kinds[n] == "call twice"  # a sync call of a sub-graph, so the body stays sync
        built.add_node(name(n), later(body) if on_loop and n % 2 and callable(body) and not called else body)
    for start, end in program.edges:
        built.add_edge(list(start) if isinstance(start, tuple) else start, end)
    last = name(len(program.kinds) - 1)

    def again(state):
        return name(0) if program.loops and len(state["log"]) < 5 else END

    built.add_conditional_edges(last, again, [name(0), END])
    if program.sends is not None:

        def fans_out(state):
            size = 20 * len(state["log"])  # so that no two effects have one name
            return [Send(program.sends, {"log": ["sent"] * (size + n)}) for n in (1, 2)]

        built.add_conditional_edges(name(0), fans_out, [program.sends, END])
    return built.compile(saver)


# -- running, dying, and going on


def inline(graph, input, durability):
    graph.invoke(input, {**CONFIG, "max_concurrency": 1}, durability=durability)


def threads(graph, input, durability):
    graph.invoke(input, CONFIG, durability=durability)


def on_loop(graph, input, durability):
    asyncio.run(graph.ainvoke(input, CONFIG, durability=durability))


def finish(graph, way, durability, *, one_by_one):
    """Whatever there is to do, until nothing is."""
    for _ in range(60):
        state = graph.get_state(CONFIG)
        asked = state.interrupts[:1] if one_by_one else state.interrupts
        if asked:
            way(graph, Command(resume={i.id: f"[{i.value}]" for i in asked}), durability)
        elif state.metadata is None:
            way(graph, INPUT, durability)
        elif state.next or state.metadata["stop"] != "finished":
            way(graph, None, durability)
        else:
            return
    raise AssertionError("it never ends")


def committed(saver):
    """The ids of all tasks, in all lines, behind which there is a checkpoint; and of those that wrote."""
    found = set()
    for key in list(saver._lines):
        positions = list(saver.history(key))
        parents = {position.checkpoint.parent for position in positions}
        for position in positions:
            found.update(position.wrote)
            if position.checkpoint.id in parents:
                found.update(task.id for task in position.checkpoint.tasks)
    return found


def seen(graph):
    """The final state, and the path of committed steps."""
    path = [
        (s.metadata["source"], s.metadata["step"], s.next, s.values, sorted(t.name for t in s.tasks))
        for s in graph.get_state_history(CONFIG)
    ]
    return graph.get_state(CONFIG).values, path


def calm(program, way, durability):
    """The run that nobody kills: what is seen of it, and its process."""
    process = Process(Outside())
    saver = MortalSaver(process)
    graph = compiled(program, process, saver, on_loop=way is on_loop)
    finish(graph, way, durability, one_by_one=True)
    assert len(set(process.outside.effects)) == len(process.outside.effects)
    return seen(graph), process


def killed(program, way, durability, lost, **kill):
    """The same run, killed once: what is seen of it, its process, and the effects of which no record was left."""
    process = Process(Outside(), **kill)
    saver = MortalSaver(process)
    with contextlib.suppress(Killed):
        finish(compiled(program, process, saver, on_loop=way is on_loop), way, durability, one_by_one=True)
    outside, heir = process.outside, Process(process.outside)
    reborn = saver.reborn(heir, lost)
    unknown = set(outside.effects)
    for _, (_, _, entries), _ in reborn.journal:
        unknown -= {entry.value for entry in entries if type(entry) is Kept}
    done, begun = committed(reborn), len(outside.bodies)
    graph = compiled(program, heir, reborn, on_loop=way is on_loop)
    finish(graph, way, durability, one_by_one=False)
    assert not done.intersection(outside.bodies[begun:]), "a committed task ran again"
    return seen(graph), process, unknown


def check(seed, way, durability, lost=0):
    """Kill at every point; how many kills there were."""
    made = program(seed)
    expected, alive = calm(made, way, durability)
    assert expected[0] == calm(made, inline, "sync")[0][0]
    kills = [{"at_body": n} for n in range(1, alive.bodies + 1)]
    kills += [{"at_write": n, "after": after} for n in range(1, alive.writes + 1) for after in (False, True)]
    if len(kills) > MOST:
        kills = random.Random(seed).sample(kills, MOST)
    count = 0
    for kill in kills:
        ended, dead, unknown = killed(made, way, durability, lost, **kill)
        count += dead.dead  # side by side, the order of the last writes may differ: then there is no such point
        assert ended == expected, (seed, made, kill)
        # An effect happened once; or twice, where the kill came between its end and its record.
        again = Counter(dead.outside.effects) - Counter(alive.outside.effects)
        assert set(dead.outside.effects) == set(alive.outside.effects), (seed, made, kill)
        assert again <= Counter(unknown), (seed, made, kill)
        assert way is not inline or len(unknown) <= ("at_write" in kill), (seed, made, kill)
    return count


WAYS = (inline, threads, on_loop)
MODES = (("sync", 0), ("async", 0), ("async", 3), ("exit", 0))
"""Durability, and how many records at most are lost with the process."""
SEEDS = range(24)


def combination(seed):
    """Over twelve seeds each way meets each mode."""
    return WAYS[seed % 3], *MODES[seed // 3 % 4]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_anywhere_ends_like_never_killed(seed):
    way, durability, lost = combination(seed)
    assert check(seed, way, durability, lost) > 7


@pytest.mark.parametrize("seed", SEEDS)
def test_all_ways_and_durabilities_end_in_the_same_state_with_the_same_effects(seed):
    made = program(seed)
    ends = [calm(made, way, durability) for way in WAYS for durability in ("sync", "async", "exit")]
    assert {repr(sorted(process.outside.effects)) for _, process in ends} == {repr(sorted(ends[0][1].outside.effects))}
    assert all(state == ends[0][0][0] for (state, _), _ in ends)


def test_every_kind_of_node_is_among_the_graphs_that_are_killed():
    kinds = {kind for seed in SEEDS for kind in program(seed).kinds}
    assert kinds == set(KINDS)
    assert any(program(seed).sends for seed in SEEDS)
    assert any(program(seed).loops for seed in SEEDS)
    assert any(isinstance(start, tuple) for seed in SEEDS for start, _ in program(seed).edges)
