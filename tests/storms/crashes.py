"""Kills at named points: for each of `nbhitl.checkpoint.crashing.POINTS` work that passes it, and what must hold then.

``python -m tests.storms.crashes FOLDER PASSINGS POINT ...`` prints what is wrong, as JSON, by point and passing.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbhitl import DuckDBSaver
from nbhitl.checkpoint import writer
from nbhitl.checkpoint.file import instances, mark, migrations
from nbhitl.checkpoint.file.verifying import verify_all
from nbhitl.engine.errors import FileDamagedError
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.storms import world
from tests.storms.kills import Thread, ask, calm, crash_at, ended, fork, live
from tests.storms.world import Log

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN: Final = Path(__file__).parent.parent / "checkpoint" / "golden"
FILES: Final = range(5)
KEY: Final = ThreadKey("t")


@dataclass(frozen=True)
class Scene:
    """Work in a folder that passes a point again and again; and what is wrong there after a kill, in words."""

    prepare: Callable[[Path], Any]
    work: Callable[[Path], None]
    check: Callable[[Path, Any], list[str]]


# -- runs


def _threads(folder: Path) -> list[Thread]:
    return [Thread(folder, folder / "run.duckdb", f"p{i}", "sync") for i in range(2)]


def _calm_run(folder: Path) -> Any:
    return calm(folder, "sync")


def _run(folder: Path) -> None:
    for thread in _threads(folder):
        thread.live()


def _run_without_tail(folder: Path) -> None:
    writer._MOST_IN_TAIL = 0  # every commit goes straight into the database
    _run(folder)


def _idle(folder: Path) -> None:
    writer._MOST_IN_TAIL = 0
    writer._IDLE, writer._WORTH_FOLDING = 0.001, 1  # idle at once, so that the log is folded between two steps
    for thread in _threads(folder):
        with DuckDBSaver(thread.path) as saver:
            world.run(
                world.build(thread.log, lambda: time.sleep(0.003)).compile(saver), thread.name, "sync", thread.log
            )


def _check_runs(folder: Path, end: Any) -> list[str]:
    problems: list[str] = []
    for thread in _threads(folder):
        thread.check()
        ask(thread.live)
        thread.check()
        problems += thread.problems
        if thread.end != end or not thread.ended:
            problems.append(f"{thread.name} did not end as the calm run did")
    return problems


# -- files that are made


def _new(folder: Path, i: int) -> Path:
    return folder / f"new-{i}.duckdb"


def _make_files(folder: Path) -> None:
    for i in FILES:
        with DuckDBSaver(_new(folder, i)) as saver:
            saver.commit(KEY, Checkpoint("a", None, -1, "input", {"i": i}, changed=("i",)))
        Log(folder / "log").say("made", i)


def _check_files(folder: Path, _: None) -> list[str]:
    made = [int(words[1]) for words in Log(folder / "log").lines()]

    def look() -> list[str]:
        problems = []
        for i in FILES:
            with DuckDBSaver(_new(folder, i)) as saver:
                position = saver.load(KEY)
                if (position is None and i in made) or (
                    position is not None and position.checkpoint.values != {"i": i}
                ):
                    problems.append(f"file {i} lost its checkpoint")
        return problems

    return ask(look)


# -- upkeep of threads


def _finished(folder: Path) -> Any:
    end = calm(folder, "sync")
    shutil.copyfile(folder / "calm-sync.duckdb", folder / "kept.duckdb")
    return end


def _rewrite(folder: Path) -> None:
    with DuckDBSaver(folder / "kept.duckdb") as saver:
        for i in FILES:
            saver.copy_thread(ThreadKey("calm"), ThreadKey(f"copy-{i}"))
            if i % 2:
                saver.delete_thread(ThreadKey(f"copy-{i}"))
            else:
                saver.prune(ThreadKey(f"copy-{i}"), keep=3)


def _compact(folder: Path) -> None:
    for i in FILES:
        with DuckDBSaver(folder / "kept.duckdb") as saver:
            saver.copy_thread(ThreadKey("calm"), ThreadKey(f"copy-{i}"))
            saver.compact()
            saver.delete_thread(ThreadKey(f"copy-{i}"))


def _check_upkeep(folder: Path, end: Any) -> list[str]:
    path = folder / "kept.duckdb"

    def look() -> list[str]:
        connection = instances.opened(path)
        problems = verify_all(connection, mark.read(path)).problems
        connection.close()
        with DuckDBSaver(path) as saver:
            graph = world.build(Log(folder / "look.log")).compile(saver)
            values, steps = world.told(graph, "calm")
            if json.loads(json.dumps([values, steps])) != end:
                problems.append("a thread that nobody touched is another one")
            for info in saver.threads():
                found, left = world.told(graph, info.key.thread)
                if found != values or left not in (steps, steps[:3]):
                    problems.append(f"{info.key} is neither as it was before nor as it should be: {len(left)} steps")
                saver.prune(info.key, keep=2)
                saver.compact()
            if any(len(list(saver.history(info.key))) != 2 for info in saver.threads()):
                problems.append("pruning again did not prune")
        return problems

    return ask(look)


# -- files of older versions


def _old_files(folder: Path) -> dict[Path, bytes]:
    found = {}
    for i in FILES:
        data = gzip.decompress((GOLDEN / f"v{1 + i % 2}.duckdb.gz").read_bytes())
        found[folder / f"old-{i}.duckdb"] = data
    return found


def _prepare_old(folder: Path) -> list[Any]:
    for path, data in _old_files(folder).items():
        path.write_bytes(data)
    calmly = folder / "calm"
    calmly.mkdir()
    for path, data in _old_files(calmly).items():
        path.write_bytes(data)
    return ask(lambda: [_content(path) for path in _old_files(calmly)])


def _content(path: Path) -> list[str]:
    """Every thread of a file, as text."""
    with DuckDBSaver(path) as saver:
        return [repr((info, list(saver.history(info.key)))) for info in saver.threads()]


def _migrate(folder: Path) -> None:
    for path in _old_files(folder):
        DuckDBSaver(path).close()


def _check_old(folder: Path, contents: list[Any]) -> list[str]:
    problems = []
    found = ask(lambda: [_content(path) for path in _old_files(folder)])
    for i, (path, data) in enumerate(_old_files(folder).items()):
        if found[i] != contents[i]:
            problems.append(f"{path.name} was migrated to something else")
        version = 1 + int(path.stem[-1]) % 2
        if migrations.backup_path(path, version).read_bytes() != data:
            problems.append(f"the copy of {path.name} is not what it was")
    return problems


# -- damaged files


def _prepare_damaged(folder: Path) -> list[Any]:
    log, source = Log(folder / "damaged.log"), folder / "damaged.duckdb"

    def killed() -> None:
        writer._MOST_IN_TAIL = 0  # all that is lost with the log is lost
        live(source, "t", "sync", log, "after_mark", 30)

    if not ended(*fork(killed)):
        raise RuntimeError("the run ended before it was killed")
    size = (folder / "damaged.duckdb.wal").stat().st_size
    with (folder / "damaged.duckdb.wal").open("r+b") as file:
        file.truncate(size - 700)
    calmly = folder / "calm"
    calmly.mkdir()
    for target in (*(folder / f"d{i}.duckdb" for i in FILES), calmly / "d.duckdb"):
        for ending in ("", ".wal", ".mark"):
            shutil.copyfile(f"{source}{ending}", f"{target}{ending}")
    ask(lambda: _open_damaged(calmly / "d.duckdb"))
    return ask(lambda: _content(calmly / "d.duckdb"))


def _open_damaged(path: Path) -> bool:
    """Open a damaged file, which says so; whether it did."""
    try:
        DuckDBSaver(path).close()
    except FileDamagedError:
        return True
    return False


def _salvage(folder: Path) -> None:
    for i in FILES:
        if not _open_damaged(folder / f"d{i}.duckdb"):
            raise AssertionError("nobody was told of the damage")
        Log(folder / "log").say("told", i)


def _check_salvaged(folder: Path, content: Any) -> list[str]:
    problems = []
    told = [int(words[1]) for words in Log(folder / "log").lines()]
    paths = [folder / f"d{i}.duckdb" for i in FILES]
    found = ask(lambda: [(_open_damaged(path), _content(path)) for path in paths])
    for i, (said, threads) in enumerate(found):
        path = paths[i]
        # Killed after the last move, nothing is left to be done, and nobody is left to be told.
        if said == (i in told) and not (i == len(told) and (folder / f"{path.name}.damaged-1").exists()):
            problems.append(f"of {path.name} was said {'twice' if said else 'never'} that it is damaged")
        if threads != content:
            problems.append(f"{path.name} has other threads than a salvage that nobody killed")
        kept = folder / f"{path.name}.damaged-1"
        problems += [
            f"the damaged {path.name}{ending} was not kept as it was"
            for ending in ("", ".wal")
            if (kept / f"{path.name}{ending}").read_bytes() != (folder / f"damaged.duckdb{ending}").read_bytes()
        ]
        left = sorted(p.name for p in folder.iterdir() if p.name.startswith((path.name, f".{path.name}")))
        if set(left) - {path.name, f"{path.name}.lock", f"{path.name}.mark", kept.name}:
            problems.append(f"something else was left: {left}")
    return problems


# -- files of killed processes, whose last rows stand in their tails


def _prepare_tails(folder: Path) -> list[Any]:
    log, source = Log(folder / "killed.log"), folder / "killed.duckdb"
    if not ended(*fork(lambda: live(source, "t", "sync", log, "after_tail", 30))):
        raise RuntimeError("the run ended before it was killed")
    calmly = folder / "calm"
    calmly.mkdir()
    for target in (*(folder / f"k{i}.duckdb" for i in FILES), calmly / "k.duckdb"):
        for ending in ("", ".tail", ".mark"):
            shutil.copyfile(f"{source}{ending}", f"{target}{ending}")
    content = ask(lambda: _content(calmly / "k.duckdb"))
    said = {words[1] for words in log.lines() if words[0] == "step"}
    if not said or not all(f"'{step}'" in "".join(content) for step in said):
        raise RuntimeError("an acknowledged step is gone")
    return content


def _take_in(folder: Path) -> None:
    for i in FILES:
        DuckDBSaver(folder / f"k{i}.duckdb").close()


def _check_taken_in(folder: Path, content: Any) -> list[str]:
    problems = []
    contents = ask(lambda: [_content(folder / f"k{i}.duckdb") for i in FILES])
    for i in FILES:
        if contents[i] != content:
            problems.append(f"k{i}.duckdb is another one than without a kill")
        left = {p.name.removeprefix(f"k{i}.duckdb") for p in folder.glob(f"k{i}.duckdb*")}
        if left - {"", ".lock", ".mark"}:
            problems.append(f"something else was left: {left}")
    return problems


_RUNS: Final = Scene(_calm_run, _run, _check_runs)
_STRAIGHT: Final = Scene(_RUNS.prepare, _run_without_tail, _check_runs)
_TAILS: Final = Scene(_prepare_tails, _take_in, _check_taken_in)
_IDLE_RUNS: Final = Scene(_RUNS.prepare, _idle, _check_runs)
_OLD: Final = Scene(_prepare_old, _migrate, _check_old)
_DAMAGED: Final = Scene(_prepare_damaged, _salvage, _check_salvaged)
SCENES: Final = {
    "after_answer_before_commit": _RUNS,
    "before_flush": _STRAIGHT,
    "after_flush_before_mark": _STRAIGHT,
    "after_mark": _STRAIGHT,
    "before_tail": _RUNS,
    "after_tail_before_mark": _RUNS,
    "after_tail": _RUNS,
    "before_taking_in": _TAILS,
    "after_taking_in": _TAILS,
    "before_fold": _IDLE_RUNS,
    "after_fold": _IDLE_RUNS,
    "before_rename": Scene(lambda folder: None, _make_files, _check_files),
    "during_rewrite": Scene(_finished, _rewrite, _check_upkeep),
    "during_compact": Scene(_finished, _compact, _check_upkeep),
    "during_migration": _OLD,
    "after_migration_before_record": _OLD,
    "during_salvage_before_plan": _DAMAGED,
    "during_salvage_after_move": _DAMAGED,
    "during_salvage_before_rename": _DAMAGED,
    "during_salvage_after_rename": _DAMAGED,
}


def play(folder: Path, scene: Scene, point: str, passing: int, prepared: Any) -> list[str]:
    """Kill at a passing of a point; what is wrong afterwards."""

    def work() -> None:
        crash_at(point, passing)
        scene.work(folder)

    if not ended(*fork(work)):
        return ["the point was not passed so often"]
    return scene.check(folder, prepared)


def main(folder: Path, passings: list[int], points: list[str]) -> dict[str, dict[str, list[str]]]:
    """Each passing in a folder of its own."""
    found: dict[str, dict[str, list[str]]] = {}
    ready: dict[Callable[[Path], Any], tuple[Path, Any]] = {}
    for point in points:
        scene = SCENES[point]
        if scene.prepare not in ready:
            before = folder / f"before-{point}"
            before.mkdir()
            ready[scene.prepare] = before, scene.prepare(before)
        before, prepared = ready[scene.prepare]
        for passing in passings:
            place = folder / f"{point}-{passing}"
            shutil.copytree(before, place)
            found.setdefault(point, {})[str(passing)] = play(place, scene, point, passing, prepared)
            shutil.rmtree(place)
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), [int(n) for n in sys.argv[2].split(",")], sys.argv[3:])))
