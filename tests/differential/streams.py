"""Plays a program on one engine and listens: what its streams say, in a form that is the same on both."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import Any

from hypothesis import strategies as st

from tests.differential.build import Data
from tests.differential.play import Play
from tests.differential.programs import Graph, Program, Sub, features, nodes_in
from tests.differential.strategies import programs

NO_X = Data().x
"""What an instance has as ``x`` where there is none."""
MODES = ("values", "updates", "custom", "tasks", "checkpoints", "debug")


@dataclass(frozen=True)
class Listening:
    """A program, and how its runs are listened to."""

    program: Program
    modes: tuple[str, ...]
    alone: bool
    """One mode, not given as a list."""
    subgraphs: bool
    version: str


@st.composite
def listenings(draw, nesting=1):
    program = draw(programs(nesting, style=st.sampled_from(["stream", "ainvoke"])))
    modes = draw(st.lists(st.sampled_from(MODES), min_size=1, max_size=4, unique=True))
    alone = len(modes) == 1 and draw(st.booleans())
    return Listening(tamed(program), tuple(modes), alone, draw(st.booleans()), draw(st.sampled_from(["v1", "v2"])))


def tamed(program: Program) -> Program:
    """The same without what streams differently on purpose."""
    script = [replace(act, do="answer") if act.do in ("answer one", "answer bare") else act for act in program.script]
    # A command has a checkpoint of its own here.
    script = [act for act in script if act.do not in ("command", "go")]
    asks = any(node.asks for node in nodes_in(program.graph))
    graph = sound(program.graph) if asks else program.graph  # beside a failure, what asks is DIFFERENCES["parked"]
    return replace(program, script=tuple(script), graph=graph)


def sound(graph: Graph) -> Graph:
    """The same without failures, at every depth."""

    def inside(sub: Sub | None) -> Sub | None:
        return None if sub is None else replace(sub, graph=sound(sub.graph))

    nodes = [replace(node, fails=False, sub=inside(node.sub), calls=inside(node.calls)) for node in graph.nodes]
    return replace(graph, nodes=tuple(nodes))


def alike(theirs: list[Any], ours: list[Any]) -> bool:
    """Whether both heard the same, up to where upstream merges before its time: see `tests.differential.play.same`."""
    broken, one = theirs[-1], theirs[:-1]
    if broken:
        return bool(ours) and one[:-1] == ours[: len(one) - 1]
    return theirs == ours


class Heard(Play):
    """A play whose calls are streams."""

    def __init__(self, m: Any, listening: Listening) -> None:
        super().__init__(m, listening.program)
        self.listening = listening
        self.ledger.speaks = True
        self.told: list[Any] = []
        self.fails = {node.name for node in nodes_in(listening.program.graph) if node.fails}

    def heard(self) -> list[Any]:
        """What was heard, call by call; and whether the play ended where a merge failed."""
        self.play()
        return [*self.told, self.over]

    def _call(self, steps: list[list[str]], input: Any, config: Any, more: Any) -> Any:
        how, chunks = self.listening, []
        given = {
            "stream_mode": how.modes[0] if how.alone else list(how.modes),
            "subgraphs": how.subgraphs,
            "version": how.version,
            "durability": self.program.durability,
            **more,
        }
        failed = True
        try:
            if self.waits:
                asyncio.run(self.listen(chunks, input, config, given))
            else:
                chunks += self.graph.stream(input, config, **given)  # keeps those before an error
            failed = False
        finally:
            resumed = input is None or not isinstance(input, dict)
            self.told.append(self.normal(list(map(self.parts, chunks)), resumed=resumed, failed=failed))
        return None

    async def listen(self, chunks: list[Any], input: Any, config: Any, given: Any) -> None:
        async for chunk in self.graph.astream(input, config, **given):
            chunks += [chunk]

    def parts(self, chunk: Any) -> tuple[tuple[str, ...], str, Any, Any]:
        """Namespace, mode, data and questions of a chunk, whatever its shape."""
        how = self.listening
        if how.version == "v2":
            assert set(chunk) == {"type", "ns", "data"} | ({"interrupts"} if chunk["type"] == "values" else set())
            return chunk["ns"], chunk["type"], chunk["data"], chunk.get("interrupts", ())
        ns, rest = (chunk[0], chunk[1:]) if how.subgraphs else ((), (chunk,))
        if how.alone:
            mode, data = how.modes[0], rest[0]
        else:
            mode, data = rest if how.subgraphs else rest[0]
        return ns, mode, data, ()

    def normal(self, parts: list[tuple[tuple[str, ...], str, Any, Any]], *, resumed: bool, failed: bool) -> Any:
        """For each graph, by the names of the nodes that lead to it, what each of its runs said, step by step."""
        runs: dict[tuple[str, ...], list[Any]] = {}
        for ns, mode, data, asked in parts:
            # Upstream tells what siblings did before once more, and that a body that failed wrote nothing.
            idle = mode == "updates" and ("__metadata__" in data or (self.fails & set(data) and None in data.values()))
            if not idle:
                runs.setdefault(ns, []).append((mode, *map(plain, said(mode, data, asked))))
        found: dict[str, list[Any]] = {}
        for ns, chunks in runs.items():
            path = "/".join(part.split(":")[0] for part in ns)
            # Where it goes on, upstream begins with values without what finished siblings wrote, here with it.
            begins = resumed and chunks[0][0] == "values"
            told = chunks[1:] if begins else chunks
            if resumed and path and self.remembering:
                told = list(dropwhile(stands, told))
            found.setdefault(path, []).append(by_step(told, failed=failed, inside=bool(ns)))
        # Upstream goes into a sub-graph that has ended once more, and says where that stands.
        found = {path: [run for run in told if not path or happened(run)] for path, told in found.items()}
        return {path: sorted(found[path], key=repr) for path in sorted(found) if found[path]}


def said(mode: str, data: Any, asked: Any) -> tuple[Any, ...]:
    """What a chunk says, without ids and times."""
    match mode:
        case "values":
            values = fields(data)
            asked = [*asked, *values.pop("__interrupt__", ())]
            return values, sorted(i.value for i in asked)
        case "updates":
            if "__interrupt__" in data:
                return "asks", sorted(i.value for i in data["__interrupt__"])
            return (data,)
        case "tasks":
            return (task_said(data),)
        case "checkpoints":
            return (checkpoint_said(data),)
        case "debug":
            payload = data["payload"]
            told = checkpoint_said(payload) if data["type"] == "checkpoint" else task_said(payload)
            return data["type"], data["step"], told, sorted(data)
    return (data,)


def fields(data: Any) -> dict[str, Any]:
    """A state as a dict: in a sub-graph, version 2 is an instance of the outer schema upstream, here of its own."""
    found = data if isinstance(data, dict) else vars(data)
    return {name: value for name, value in found.items() if value != NO_X}


def task_said(data: Any) -> Any:
    if "input" in data:
        return "begins", data["id"], data["name"], data["input"], sorted(data)
    return "ends", data["id"], data["name"], repr(data["error"]), data["result"], questions(data), sorted(data)


def checkpoint_said(data: Any) -> Any:
    """A checkpoint; without the questions of its tasks, which outlive an edit here."""
    tasks = []
    for task in data["tasks"]:
        # Upstream does not say that a task wrote nothing; here a sub-graph that goes on does not say what had failed.
        empty = {"error", "interrupts", *(["result"] if task.get("result") == {} else [])}
        tasks.append((task["name"], sorted(set(task) - empty)))
    tasks.sort()
    meta = data["metadata"]
    return fields(data["values"]), meta["source"], meta["step"], sorted(data["next"]), tasks, sorted(data)


def questions(task: Any) -> list[str]:
    return sorted(one["value"] for one in task.get("interrupts", ()))


def plain(data: Any) -> Any:
    """The same in an order of its own, and with what both engines have a class of as a tuple."""
    if isinstance(data, dict):
        return {name: plain(data[name]) for name in sorted(data)}
    if isinstance(data, list | tuple):
        return type(data)(map(plain, data))
    return ("Overwrite", data.value) if type(data).__name__ == "Overwrite" else data


def by_step(chunks: list[Any], *, failed: bool, inside: bool) -> list[Any]:
    """The chunks of one run in their order; those of tasks side by side in any, and a pause where the run ends.

    Upstream tells each question at once, and then the values once more; here a pause is told once, and beside an error
    there is none.
    """
    steps: list[list[Any]] = [[]]
    asked: Counter[Any] = Counter()
    values, paused = None, False
    for chunk in map(without_id, without_idle(chunks)):
        match chunk:
            case ("updates", "asks", questions):
                asked.update(("updates", question) for question in questions)
                continue
            case ("values", values, questions):
                asked.update(("values", question) for question in questions)
                paused = paused or bool(questions)
                if paused:
                    continue
        steps[-1].append(chunk)
        if stands(chunk):
            steps.append([])
    if failed:
        asked.clear()
    # In a sub-graph that pauses, upstream's values are without what its finished siblings wrote.
    last = values if paused and not failed and not inside else None
    return [*(sorted(step, key=repr) for step in steps), sorted(asked.items()), last]


def stands(chunk: Any) -> bool:
    """Whether it says where a run stands, and not that anything happens."""
    return chunk[0] in ("values", "checkpoints") or chunk[:2] == ("debug", "checkpoint")


def happened(run: list[Any]) -> bool:
    """Whether a run said more than where it stands, once in each mode."""
    *steps, asked, _ = run
    said = [chunk for step in steps for chunk in step]
    modes = {chunk[0] for chunk in said}
    return bool(asked) or not all(map(stands, said)) or len(modes) < len(said)


def without_idle(chunks: list[Any]) -> list[Any]:
    """The same without tasks that are said to begin and do not end: upstream names those that had ended before."""
    left = Counter(place for chunk in chunks for place in (told_of(chunk, "ends"),) if place)
    found = []
    for chunk in chunks:
        place = told_of(chunk, "begins")
        if place and not left[place]:
            continue
        left[place] -= 1
        found.append(chunk)
    return found


def told_of(chunk: Any, what: str) -> Any:
    """The mode and id of a task that is said to begin or to end; None for another chunk."""
    match chunk:
        case ("tasks", (told, id, *_)) | ("debug", _, _, (told, id, *_), _) if told == what:
            return chunk[0], id
    return None


def without_id(chunk: Any) -> Any:
    match chunk:
        case ("tasks", (told, _, *rest)):
            return "tasks", (told, *rest)
        case ("debug", "task" | "task_result" as type, step, (told, _, *rest), names):
            return "debug", type, step, (told, *rest), names
    return chunk


def listened(listening: Listening) -> set[str]:
    """What can be seen of it before it runs."""
    how = {f"mode {mode}" for mode in listening.modes} | {f"version {listening.version}"}
    how |= {name for name, there in {"alone": listening.alone, "subgraphs": listening.subgraphs}.items() if there}
    return features(listening.program) | how
