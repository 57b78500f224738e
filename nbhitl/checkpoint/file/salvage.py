"""What can be read of a damaged file, in a new file in its place. The damaged one is moved aside, never changed.

Everything is read from copies, in a folder of ours beside the file. When the new file is whole, a plan is written
there; from then on the work is finished by whoever opens the file next, wherever this process was killed. Before it,
the damaged files stand where they were.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbhitl.checkpoint import crashing
from nbhitl.checkpoint.file import parts, tail
from nbhitl.checkpoint.file.instances import fill_new, sync_folder, wal_of
from nbhitl.checkpoint.file.mark import mark_path
from nbhitl.checkpoint.file.remains import Remains, kept, readable
from nbhitl.checkpoint.file.verifying import Line, file_id, named
from nbhitl.checkpoint.rows import from_column, linked
from nbhitl.engine.errors import FileDamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbhitl.checkpoint.file.mark import Level

PLAN: Final = "plan.json"
"""In the work folder, when the new file is whole."""
_RESULT: Final = "saved.duckdb"
_BATCH: Final = 2048
_SHOWN: Final = 5


def work_folder(path: Path) -> Path:
    """Where a file is salvaged."""
    return path.with_name(f".{path.name}.salvage")


def finish(path: Path) -> None:
    """Finish what another process began; raises `FileDamagedError` with its message when there was something."""
    work = work_folder(path)
    try:
        plan = json.loads((work / PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        shutil.rmtree(work, ignore_errors=True)  # killed before it had anything; the damaged files are in place
        return
    _replace(path, plan["folder"])
    raise FileDamagedError(plan["message"])


def salvage(path: Path, why: Sequence[str], level: Level | None) -> bool:
    """Put what can be read of a damaged file in its place, and raise `FileDamagedError`, which tells of it.

    Returns False, with everything as it was, when as far as can be told the file is none of nbhitl's: there is no mark
    (``level``) beside it, and nothing of ours in it.
    """
    import duckdb

    work = work_folder(path)
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir()
        saved = _saved(path, work, why, level)
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(work, ignore_errors=True)
        raise FileDamagedError(
            f"{path} is damaged ({'; '.join(why)}), and what can be read could not be saved beside it ({error})."
            " It was not changed. Make room there, and open it again."
        ) from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    if saved is None:
        shutil.rmtree(work, ignore_errors=True)
        return False
    folder = _free_folder(path)
    message = _message(path, why, saved, folder)
    crashing.point("during_salvage_before_plan")
    _write_plan(work, {"folder": folder.name, "message": message})
    _replace(path, folder.name)
    raise FileDamagedError(message)


def _saved(path: Path, work: Path, why: Sequence[str], level: Level | None) -> Remains | None:
    """Make the new file; None when nothing says that the damaged one is ours."""
    with contextlib.ExitStack() as stack:
        source = readable(path, work)
        if source is not None:
            stack.callback(source.close)
            if level is not None and level.file != file_id(source):
                level = None
        elif level is None:
            return None
        target = fill_new(work / _RESULT)
        stack.callback(target.close)
        saved = Remains(newest=0 if level is None else level.newest)
        chains: dict[Line, int] = {}
        appender = parts.Appender(target)
        removed, batch = 0, []
        for row in () if source is None else kept(source, tail.read(path, file_id(source)), saved, chains):
            batch.append(row)
            removed += _removed(row)
            if len(batch) == _BATCH:
                appender.append(batch)
                appender.flush()
                batch = []
        saved.lost = saved.newest - saved.rows - removed
        appender.append([*batch, _record(saved, chains, why, _free_folder(path).name)])
        appender.flush()
        del appender
        target.execute("CHECKPOINT")
    return saved


def _removed(row: tuple[Any, ...]) -> int:
    """How many rows a row says are gone."""
    if row[5] not in ("pruned", "damaged"):
        return 0
    return int(json.loads(row[14]).get("rows", 0))


def _record(saved: Remains, chains: dict[Line, int], why: Sequence[str], folder: str) -> tuple[Any, ...]:
    """The row that remembers what was lost."""
    told = {
        "rows": saved.lost,
        "what": list(why),
        "originals": folder,
        "cut": [[*line, saved.ends[line], rows] for line, rows in saved.cut.items()],
        "late": [list(line) for line in saved.late],
    }
    now = time.time_ns() // 1000
    link = linked(chains.get(("", "", ""), 0), "damaged", "", None)
    start = (saved.newest + 1, "", "", "", 0, "damaged", "", None, 0, None, None, None, now, None)
    return (*start, json.dumps(told), link)


def _message(path: Path, why: Sequence[str], saved: Remains, folder: Path) -> str:
    known = saved.newest - saved.lost
    what = f"{path} is damaged: {'; '.join(why)}. "
    if not saved.rows:
        what += "Nothing could be read. "
    elif saved.lost:
        what += f"{known:,} of {saved.newest:,} rows were saved. "
    else:
        what += "All rows were saved. "
    what += "".join(f"{sentence}. " for sentence in _told(saved))
    again = "go on with what was saved" if saved.rows else "begin anew"
    return (
        f"{what}The damaged file was moved to {folder} and is kept as it is. Open {path.name} again to {again}; if you"
        " have a copy of it from before, put that in its place instead."
    )


def _told(saved: Remains) -> Iterator[str]:
    """Which threads are known to have lost something."""
    for line, rows in list(saved.cut.items())[:_SHOWN]:
        yield f"{_named(line)} now ends at step {saved.ends[line]}; {rows:,} rows behind a hole were left out"
    for line in saved.late[:_SHOWN]:
        yield f"{_named(line)} has lost its beginning"
    if saved.unshown:
        yield f"the values of {saved.unshown:,} rows load as before, and are not shown by queries"
    if len(saved.cut) > _SHOWN or len(saved.late) > _SHOWN:
        yield "`nbhitl doctor` tells of all threads"
    if saved.lost > sum(saved.cut.values()):
        newest = [line for line in list(saved.ends)[::-1] if line not in saved.cut][:_SHOWN]
        ends = ", ".join(f"{_named(line)} at step {saved.ends[line]}" for line in newest)
        if ends:
            yield f"Threads may have lost their last steps; those that ran last now end: {ends}"


def _named(line: Line) -> str:
    graph, thread, ns = map(from_column, line)
    return named((graph, thread, ns))


def _free_folder(path: Path) -> Path:
    n = 1
    while (folder := path.with_name(f"{path.name}.damaged-{n}")).exists():
        n += 1
    return folder


def _write_plan(work: Path, plan: dict[str, str]) -> None:
    fresh = work / f"{PLAN}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(plan, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, work / PLAN)
    sync_folder(work)
    sync_folder(work.parent)


def _replace(path: Path, folder: str) -> None:
    """Move the damaged files aside and the new one in their place; can be done again from any point on."""
    work, aside = work_folder(path), path.with_name(folder)
    result = work / _RESULT
    if result.exists():  # while it does, what stands at the path is the damaged file
        aside.mkdir(exist_ok=True)
        for file in (mark_path(path), tail.tail_path(path), wal_of(path), path):
            if file.exists():
                os.replace(file, aside / file.name)
                crashing.point("during_salvage_after_move")
        sync_folder(aside)
        crashing.point("during_salvage_before_rename")
        os.replace(result, path)
        sync_folder(path.parent)
    crashing.point("during_salvage_after_rename")
    shutil.rmtree(work, ignore_errors=True)
