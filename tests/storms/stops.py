"""Ctrl-C at any moment, in the main thread of a program that goes on afterwards, with the same saver.

``python -m tests.storms.stops FOLDER STOPS SEED signal`` sends real signals; ``... line`` raises `KeyboardInterrupt` at
a line of nbhitl's, picked by chance among all that are passed; ``... "every line"`` at each line of a short run, and
``... "handing over"`` at each line that hands rows to the writer. Prints one JSON object; a hang ends with a traceback.

Lines are traced here, and never in the tests' own process: there CPython 3.11 was seen to loop for ever in a traced
``__init__`` of a dataclass, after some thousand other tests.
"""

from __future__ import annotations

import contextlib
import contextvars
import faulthandler
import json
import linecache
import opcode
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import nbhitl
from nbhitl import DuckDBSaver, InMemorySaver
from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.writer import Writer
from nbhitl.engine.errors import SaverError
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.storms import world

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

PATIENCE = 60.0
"""Seconds after which a trial counts as hanging."""
OURS = str(Path(nbhitl.__file__).parent)
ACTS = ("run", "run", "run", "run", "look", "file", "upkeep", "bare")
ROUNDS = 2


class Notes:
    """What happened in the world, in memory."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []

    def say(self, *words: object) -> None:
        self.words.append(tuple(map(str, words)))

    def of(self, word: str) -> list[str]:
        return [words[1] for words in self.words if words[0] == word]


class Disturbance(Protocol):
    """Stops the work inside it once, somewhere; ``struck`` tells whether it did."""

    struck: bool

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class BySignal:
    """A real SIGINT from another thread, after some time."""

    def __init__(self, after: float) -> None:
        self.after, self.struck = after, False
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._strike, daemon=True)

    def _strike(self) -> None:
        if not self.over.wait(self.after):
            self.struck = True
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for _ in range(3):  # a signal that comes late strikes here
            try:
                self.over.set()
                self.thread.join()
                return
            except KeyboardInterrupt:
                continue


class ByLine:
    """A `KeyboardInterrupt` at a line of nbhitl's, when the main thread passes it for the so-manieth time."""

    def __init__(self, file: str, line: int, passing: int) -> None:
        self.file, self.line, self.left = file, line, passing
        self.struck, self.where = False, ""

    def _global(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._local if frame.f_code.co_filename == self.file else None

    def _local(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line" and frame.f_lineno == self.line and not self.struck:
            self.left -= 1
            if self.left <= 0 and not _is_left(frame):
                self.struck = True
                self.where = f"{frame.f_code.co_filename.removeprefix(OURS)}:{frame.f_lineno} {frame.f_code.co_name}"
                raise KeyboardInterrupt
        return self._local

    def __enter__(self) -> Self:
        self.before = sys.gettrace()
        sys.settrace(self._global)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)


def _is_left(frame: FrameType) -> bool:
    """Whether a ``with`` block is about to be left: there no signal is seen before its end was called."""
    if frame.f_lasti < 0 or "with " not in linecache.getline(frame.f_code.co_filename, frame.f_lineno):
        return False
    code = frame.f_code.co_code[frame.f_lasti : frame.f_lasti + 6]
    return [opcode.opname[op] for op in code[::2]] == ["LOAD_CONST"] * 3


class Storm:
    """Trials on one file: each is stopped once, and has to go on as if it never was."""

    def __init__(
        self, folder: Path, chance: random.Random, disturb: Callable[[random.Random, str], Disturbance]
    ) -> None:
        self.folder, self.chance, self.disturb = folder, chance, disturb
        self.files = 0
        self._begin()
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.ends: dict[str, Any] = {}

    def _begin(self) -> None:
        """Begin a file, with a thread that nobody stops."""
        self.saver = DuckDBSaver(self.folder / f"stops-{self.files}.duckdb")
        self.files += 1
        self._to_the_end(world.build(Notes()).compile(self.saver), "run", "sync")

    def trial(self, number: int) -> None:
        act = ACTS[number % len(ACTS)]
        disturbance = self.disturb(self.chance, act)
        name = f"{act} {number}"
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        try:
            getattr(self, f"_{act}")(name, disturbance)
        except BaseException as error:  # noqa: BLE001 - whatever comes out is what is looked at
            self._problem(name, disturbance, "".join(traceback.format_exception(error)[-6:]))
        try:
            self.saver.threads()
        except SaverError as error:
            self._problem(name, disturbance, f"the saver does not work any more: {error}")
            self._begin()
        faulthandler.cancel_dump_traceback_later()
        self.counts[f"{act}: {'stopped' if disturbance.struck else 'not reached'}"] += 1

    def _problem(self, name: str, disturbance: Disturbance, text: str) -> None:
        self.problems.append(f"{name}, at {getattr(disturbance, 'where', 'a signal')}: {text}")

    def _stopped(self, disturbance: Disturbance, work: Callable[[], Any]) -> None:
        try:
            with disturbance:
                work()
        except KeyboardInterrupt:
            self.counts["KeyboardInterrupt came out"] += 1

    def _run(self, name: str, disturbance: Disturbance) -> None:
        """A run, with a durability and bodies by chance."""
        durability = self.chance.choice(["sync", "async", "exit"])
        work = self.chance.choice([lambda: None, world.busy(0.0005), lambda: time.sleep(0.001)])
        notes = Notes()
        graph = world.build(notes, work).compile(self.saver)
        self._stopped(disturbance, lambda: self._to_the_end(graph, name, durability))
        committed = world.committed(self.saver, name)
        graph.get_state(world.config(name))  # the outcome is known
        begun = len(notes.words)
        self._to_the_end(graph, name, durability)
        again = {words[1] for words in notes.words[begun:] if words[0] == "body"} & committed
        if again:
            self._problem(name, disturbance, f"committed tasks ran again: {again}")
        values = repr(graph.get_state(world.config(name)).values)
        if values != self.ends.setdefault("run", values):
            self._problem(name, disturbance, f"another end: {values}")
        kept = notes.of("kept")
        effects = Counter(notes.of("effect"))
        if any(count > 2 for count in effects.values()) or sum(effects.values()) > len(effects) + 1:
            self._problem(name, disturbance, f"effects {effects}, kept {kept}")
        self.counts[f"run, {durability}"] += 1

    def _to_the_end(self, graph: Any, name: str, durability: str) -> None:
        while (given := world.due(graph, name)) is not world.END:
            graph.invoke(given, world.config(name), durability=durability)

    def _look(self, name: str, disturbance: Disturbance) -> None:
        """History, state and SQL of what is there."""
        graph = world.build(Notes()).compile(self.saver)
        thread = "run"

        def look() -> Any:
            told = world.told(graph, thread)
            return (
                told,
                self.saver.sql("SELECT * FROM state ORDER BY ALL").rows,
                self.saver.threads(),
                self.saver.breakpoints(""),
            )

        self._stopped(disturbance, look)
        if repr(look()) != repr(look()):
            self._problem(name, disturbance, "what is seen differs")

    def _file(self, name: str, disturbance: Disturbance) -> None:
        """Opening, committing and closing a file of its own."""
        path = self.folder / f"{name}.duckdb"
        made: list[DuckDBSaver] = []
        key = ThreadKey("t")

        def use() -> None:
            with DuckDBSaver(path) as saver:
                made.append(saver)
                saver.commit(key, Checkpoint("a", None, -1, "input", {"a": 1}, changed=("a",)))
                saver.commit(key, Checkpoint("b", "a", 0, "loop", {"a": 2}, changed=("a",)), wait=False)
                list(saver.history(key))

        self._stopped(disturbance, use)
        for saver in made:
            saver.close()
        with DuckDBSaver(path) as saver:
            position = saver.load(key)
            if position is not None:
                saver.commit(key, Checkpoint("c", position.checkpoint.id, 1, "loop", {"a": 3}, changed=("a",)))
            if saver.sql("SELECT count(*) = coalesce(max(seq), 0) FROM journal").rows != [(True,)]:
                self._problem(name, disturbance, "there is a gap in the file")
        for file in self.folder.glob(f"{name}*"):
            file.unlink()

    def _upkeep(self, name: str, disturbance: Disturbance) -> None:
        """Copy, prune, delete and compact."""
        source = ThreadKey("run")
        target = ThreadKey(name)
        compacting = self.chance.random() < 0.4
        before = repr(list(self.saver.history(source)))

        def work() -> None:
            self.saver.copy_thread(source, target)
            self.saver.prune(target, keep=3)
            self.saver.delete_thread(target)
            if compacting:
                self.saver.compact()

        self._stopped(disturbance, work)
        left = len(list(self.saver.history(target)))
        if left not in (0, 3, len(list(self.saver.history(source)))):
            self._problem(name, disturbance, f"half a copy: {left} checkpoints")
        if (self.saver.load(target) is None) != (left == 0):
            self._problem(
                name, disturbance, f"load() finds another thread than history(), which has {left} checkpoints"
            )
        elif left:
            self.saver.delete_thread(target)
        if repr(list(self.saver.history(source))) != before:
            self._problem(name, disturbance, "another thread changed")

    def _bare(self, name: str, disturbance: Disturbance) -> None:
        """Commits at full speed: stopped while it waits for the writer."""
        key = ThreadKey(name)
        given: list[str] = []

        def commit() -> None:
            grown: list[int] = []
            for step in range(60):
                grown = [*grown, step]
                id_ = f"{name}-{step}"
                parent = given[-1] if given else None
                made = Checkpoint(id_, parent, step, "loop", {"log": grown}, changed=("log",))
                self.saver.commit(key, made, joined={"log"}, wait=step % 2 == 0)
                given.append(id_)

        self._stopped(disturbance, commit)
        found = [p.checkpoint for p in self.saver.history(key)][::-1]
        names = [c.id for c in found]
        if names[: len(given)] != given or len(names) > len(given) + 1:
            self._problem(name, disturbance, f"{len(given)} commits returned, {len(names)} are there")
        if any(c.values["log"] != list(range(c.step + 1)) for c in found):
            self._problem(name, disturbance, "other values")
        if names:
            last = found[-1]
            made = Checkpoint(f"{name}-last", last.id, 99, "loop", {"log": [*last.values["log"], 1]}, changed=("log",))
            self.saver.commit(key, made, joined={"log"})


def _by_signal(longest: dict[str, float]) -> Callable[[random.Random, str], Disturbance]:
    return lambda chance, act: BySignal(chance.uniform(0.0, longest[act]))


def _by_line(lines: dict[str, list[tuple[str, int]]]) -> Callable[[random.Random, str], Disturbance]:
    # Each line is as likely as any other, however often it is passed.
    return lambda chance, act: ByLine(*chance.choice(lines[act]), chance.choice((1, 1, 1, 2, 5)))


class Measure:
    """Disturbs nothing; tells how long the work took, and which lines of ours it passed."""

    def __init__(self, *, tracing: bool) -> None:
        self.struck, self.tracing = False, tracing
        self.seconds = 0.0
        self.lines: set[tuple[str, int]] = set()

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        if self.tracing:
            sys.settrace(lambda frame, event, arg: self._count if frame.f_code.co_filename.startswith(OURS) else None)
        return self

    def _count(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._count

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        sys.settrace(None)
        self.seconds = time.perf_counter() - self.began


def every_line() -> dict[str, Any]:
    """One stop at each line that a short run in memory passes; what went wrong when it was gone on with."""
    world.ROUNDS = ROUNDS
    measure = Measure(tracing=True)
    with measure:
        expected = _values(InMemorySaver())
    problems = []

    def stopped_at(file: str, line: int) -> None:
        saver, stop = InMemorySaver(), ByLine(file, line, 1)
        faulthandler.dump_traceback_later(
            PATIENCE, exit=True
        )  # or a program that goes on for ever would hang the storm
        try:
            with contextlib.suppress(KeyboardInterrupt), stop:
                _values(saver)
            ended = _values(saver)
        except BaseException as error:  # noqa: BLE001 - a pause that comes out is wrong, too
            problems.append(f"{stop.where}: {type(error).__name__}: {error}")
        else:
            if ended != expected:
                problems.append(f"{stop.where}: it ended with {ended}")
        faulthandler.cancel_dump_traceback_later()

    for place in sorted(measure.lines):
        contextvars.copy_context().run(stopped_at, *place)  # or one line could spoil all that follow
    return {"problems": problems, "lines": len(measure.lines)}


def handing_over() -> dict[str, Any]:
    """A stop at each line of `Writer.put`; after which of them a later commit returned before it was durable."""
    gate, writing = threading.Event(), threading.Event()
    hold = False

    def held(name: str) -> None:
        if hold and name == "before_flush":
            writing.set()
            gate.wait(20)

    crashing.point = held
    lines = sorted({line for *_, line in Writer.put.__code__.co_lines() if line is not None})
    problems = []
    for line in lines:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        hold = False
        gate.clear()
        writing.clear()
        with DuckDBSaver(":memory:") as saver:
            with contextlib.suppress(KeyboardInterrupt), ByLine(Writer.put.__code__.co_filename, line, 1):
                saver.commit(ThreadKey("stopped"), Checkpoint("a", None, -1, "input"))
            for _ in range(4):  # until what was handed over is surely written
                saver.flush()
                time.sleep(0.03)
            hold = True
            commit = threading.Thread(target=saver.commit, args=(ThreadKey("t"), Checkpoint("a", None, -1, "input")))
            commit.start()
            if not writing.wait(20):
                problems.append(f"line {line}: a later commit was not written")
            commit.join(0.05)
            if not commit.is_alive():
                problems.append(f"line {line}: a later commit returned before it was durable")
            gate.set()
            commit.join()
        faulthandler.cancel_dump_traceback_later()
    return {"problems": problems, "lines": len(lines)}


def _values(saver: InMemorySaver) -> Any:
    """Run a thread to its end, from wherever it stands; the values it ends with."""
    graph = world.build(Notes()).compile(saver)
    while (given := world.due(graph, "t")) is not world.END:
        graph.invoke(given, world.config("t"))
    return graph.get_state(world.config("t")).values


def main(folder: Path, stops: int, seed: int, how: str) -> dict[str, Any]:
    """So many stops; what was found."""
    if how in ("every line", "handing over"):
        return every_line() if how == "every line" else handing_over()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    world.ROUNDS = ROUNDS
    chance = random.Random(seed)
    measured: dict[str, Any] = {}

    def measure(_: random.Random, act: str) -> Disturbance:
        made = Measure(tracing=how == "line")
        measured[act] = made
        return made

    storm = Storm(folder, chance, measure)
    for number in range(len(ACTS)):
        storm.trial(number)
    assert not storm.problems, storm.problems
    if how == "line":
        storm.disturb = _by_line({act: sorted(one.lines) for act, one in measured.items()})
    else:
        storm.disturb = _by_signal({act: one.seconds for act, one in measured.items()})
    storm.counts.clear()
    number = len(ACTS)
    while sum(n for what, n in storm.counts.items() if what.endswith(": stopped")) < stops and len(storm.problems) < 12:
        storm.trial(number)
        number += 1
    try:
        storm.saver.close()
        for file in range(storm.files):
            with DuckDBSaver(folder / f"stops-{file}.duckdb") as saver:
                ((whole,),) = saver.sql(
                    "SELECT count(*) + coalesce(sum(CAST(json_extract(json, '$.rows') AS BIGINT))"
                    " FILTER (kind = 'pruned'), 0) = max(seq) FROM journal"
                )
                if not whole:
                    storm.problems.append("there is a gap in the file")
    except SaverError as error:
        storm.problems.append(f"at the end: {error}")
    return {"problems": storm.problems, **storm.counts}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])), flush=True)
    os._exit(0)
