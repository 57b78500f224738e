"""A damaged file is never opened as if it were whole, and what can be read of it is saved, wherever saving it stops."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file import mark, opening, salvage, verifying
from nbhitl.checkpoint.file.instances import wal_of
from nbhitl.engine.errors import CheckpointFileWarning, FileDamagedError, SaverError
from nbhitl.engine.records import Checkpoint, ThreadKey

THREADS = 3
FOLDED, STEPS = 40, 80
"""Steps of each thread that stand in the file, and all of them; the rest stands in the log."""
MAKE = """
import os, random, signal, sys
from nbhitl.checkpoint import DuckDBSaver, writer
from nbhitl.engine.records import Asked, Checkpoint, ThreadKey
writer._MOST_IN_TAIL = 0  # every commit is one of the log: what is lost there stands nowhere else
file, threads, folded, steps = sys.argv[1], *map(int, sys.argv[2:])
chance = random.Random(7)
saver = DuckDBSaver(file)
for i in range(steps):
    if i == folded:
        saver.close()
        saver = DuckDBSaver(file)
    for t in range(threads):
        values = {"i": i, "noise": chance.randbytes(300), "fixed": "f" * 300}
        point = Checkpoint(f"c{i}", f"c{i-1}" if i else None, i, "loop", values, changed=("i", "noise"))
        saver.commit(ThreadKey(f"t{t}"), point, [Asked(f"c{i}:0", f"q{i}", "what?")])
os.kill(os.getpid(), signal.SIGKILL)
"""
OPEN = "import sys; from nbhitl.checkpoint import DuckDBSaver; DuckDBSaver(sys.argv[1]).close()"
ROWS = THREADS * STEPS * 2
AGAIN = re.compile(r"Open a\.duckdb again to (go on with what was saved|begin anew)")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A file with its log and its mark, whose process was killed. Not to be opened: take a copy."""
    folder = tmp_path_factory.mktemp("killed")
    words = [sys.executable, "-c", MAKE, str(folder / "a.duckdb"), *map(str, (THREADS, FOLDED, STEPS))]
    assert subprocess.run(words, check=False, timeout=60).returncode == -signal.SIGKILL
    assert wal_of(folder / "a.duckdb").stat().st_size > 50_000
    return folder


@pytest.fixture
def file(killed, tmp_path):
    for name in ("a.duckdb", "a.duckdb.wal", "a.duckdb.mark"):
        shutil.copy(killed / name, tmp_path / name)
    return tmp_path / "a.duckdb"


def cut(path, chance):
    os.truncate(path, chance.randrange(path.stat().st_size))


def flip(path, chance):
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def zero(path, chance):
    data = path.read_bytes()
    start = chance.randrange(len(data))
    path.write_bytes(data[:start].ljust(len(data), b"\0"))


def steps(saver, thread):
    return [p.checkpoint.step for p in saver.history(ThreadKey(thread))]


def expect_whole(file):
    """The file opens, every thread is without holes and can be read; the steps that each has."""
    with DuckDBSaver(file) as saver:
        found = {}
        for info in saver.threads():
            positions = list(saver.history(info.key))
            numbers = [p.checkpoint.step for p in positions]
            assert numbers == list(reversed(range(len(numbers))))
            assert all(p.checkpoint.values["i"] == p.checkpoint.step for p in positions)
            found[info.key.thread] = len(numbers)
        ((rows, newest),) = saver.sql("SELECT count(*), max(seq) FROM journal").rows
        gone = sum(json.loads(text)["rows"] for (text,) in saver.sql("SELECT json FROM journal WHERE kind = 'damaged'"))
        assert rows + gone == newest
    return found


def originals(file):
    return {f.name: f.read_bytes() for f in sorted(file.parent.glob("a.duckdb*")) if f.is_file()}


def expect_damage(file):
    """Opening tells of the damage once, keeps the damaged files as they were, and works the next time."""
    before = {n: d for n, d in originals(file).items() if not n.endswith((".lock", ".owner"))}
    with pytest.raises(FileDamagedError) as caught:
        DuckDBSaver(file)
    text = str(caught.value)
    assert AGAIN.search(text), text
    aside = max(file.parent.glob("a.duckdb.damaged-*"))
    assert {f.name: f.read_bytes() for f in aside.iterdir()} == before
    assert str(aside) in text
    assert not salvage.work_folder(file).exists()
    return text, expect_whole(file)


# -- what is no damage


def test_a_file_whose_process_was_killed_opens_with_every_row(file):
    assert expect_whole(file) == dict.fromkeys(("t0", "t1", "t2"), STEPS)


def test_rows_beyond_the_mark_are_no_damage(file, tmp_path):
    old = mark.read(file)
    level = mark.Level(old.file, 100, 0)
    with duckdb.connect(str(shutil.copy(file, tmp_path / "b.duckdb"))) as connection:
        ((chain,),) = connection.execute("SELECT chain FROM journal WHERE seq = 100").fetchall()
    mark.mark_path(file).unlink()
    mark.Mark(mark.mark_path(file), mark.Level(level.file, 100, chain)).close(clean=False)
    assert expect_whole(file) == dict.fromkeys(("t0", "t1", "t2"), STEPS)


def test_a_file_that_was_copied_without_its_mark_opens(file):
    mark.mark_path(file).unlink()
    assert expect_whole(file) == dict.fromkeys(("t0", "t1", "t2"), STEPS)


def test_a_mark_of_another_file_is_ignored_with_a_word(file, tmp_path):
    (tmp_path / "other").mkdir()
    with DuckDBSaver(tmp_path / "other" / "b.duckdb") as saver:
        saver.commit(ThreadKey("t"), Checkpoint("c", None, 0, "loop", {"i": 0}))
    shutil.copy(tmp_path / "other" / "b.duckdb", file)
    wal_of(file).unlink()
    with pytest.warns(CheckpointFileWarning, match="another file"):
        saver = DuckDBSaver(file)
    assert steps(saver, "t") == [0]
    saver.close()
    DuckDBSaver(file).close()


def test_a_file_that_was_deleted_is_made_anew_with_a_word(file):
    with DuckDBSaver(file):
        pass
    file.unlink()
    with pytest.warns(CheckpointFileWarning, match="480 rows and is gone"):
        saver = DuckDBSaver(file)
    assert saver.threads() == []
    saver.close()
    DuckDBSaver(file).close()


# -- what is


def test_a_log_that_is_gone_is_told(file):
    wal_of(file).unlink()
    text, found = expect_damage(file)
    lost = (STEPS - FOLDED) * THREADS * 2
    assert f"the last {lost} of {ROWS} rows are missing" in text
    assert f"{ROWS - lost} of {ROWS} rows were saved" in text
    assert "thread 't2' at step 39" in text
    assert found == dict.fromkeys(("t0", "t1", "t2"), FOLDED)


@pytest.mark.parametrize("damage", [cut, flip, zero])
def test_a_damaged_log_never_opens_with_fewer_rows_without_a_word(damage, killed, tmp_path):
    seen = Counter()
    for trial in range(6):
        folder = tmp_path / str(trial)
        shutil.copytree(killed, folder)
        file = folder / "a.duckdb"
        (folder / "a.duckdb.lock").unlink(missing_ok=True)
        (folder / "a.duckdb.owner").unlink(missing_ok=True)
        damage(wal_of(file), random.Random(trial))
        text, found = expect_damage(file)
        assert all(FOLDED <= n <= STEPS for n in found.values()), found
        assert max(found.values()) - min(found.values()) <= 1
        assert len(found) == THREADS
        seen[min(found.values())] += 1
        assert f"of {ROWS} rows were saved" in text
    assert len(seen) > 2  # more than what stood in the file was saved


def test_bytes_behind_the_log_are_no_damage(file):
    with wal_of(file).open("ab") as log:
        log.write(b"\x07 something that was not finished")
    assert expect_whole(file) == dict.fromkeys(("t0", "t1", "t2"), STEPS)


@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_file_never_opens_with_holes(damage, killed, tmp_path):
    for trial in range(8):
        folder = tmp_path / str(trial)
        shutil.copytree(killed, folder)
        file = folder / "a.duckdb"
        for name in ("lock", "owner"):
            (folder / f"a.duckdb.{name}").unlink(missing_ok=True)
        damage(file, random.Random(trial))
        try:
            found = expect_whole(file)
        except FileDamagedError:
            found = expect_whole(file)
            assert max(folder.glob("a.duckdb.damaged-*")).is_dir()
        else:
            assert found == dict.fromkeys(("t0", "t1", "t2"), STEPS), "only bytes that nobody uses may change"


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_a_file_of_which_little_is_left_is_told_and_the_log_is_kept(file, size):
    os.truncate(file, size)
    text, found = expect_damage(file)
    assert "Nothing could be read" in text
    assert found == {}
    with DuckDBSaver(file) as saver:
        ((record,),) = saver.sql("SELECT json FROM journal WHERE kind = 'damaged'").rows
    assert json.loads(record)["rows"] == ROWS


@pytest.mark.parametrize("place", [600, 4096 + 600, 8192 + 600, 0, 4096, 8192])
def test_a_header_that_was_changed_where_nothing_stands_loses_nothing(file, place):
    data = bytearray(file.read_bytes())
    data[place : place + 2] = b"xy"
    file.write_bytes(data)
    text, found = expect_damage(file)
    assert "All rows were saved" in text
    assert found == dict.fromkeys(("t0", "t1", "t2"), STEPS)


def test_the_other_header_is_tried_where_one_is_gone(file):
    DuckDBSaver(file).close()
    data = bytearray(file.read_bytes())
    older = min((4096, 8192), key=lambda at: int.from_bytes(data[at + 8 : at + 16], "little"))
    data[older + 8 : older + 100] = b"\xff" * 92
    file.write_bytes(data)
    _, found = expect_damage(file)
    assert found == dict.fromkeys(("t0", "t1", "t2"), STEPS)


def test_a_row_that_was_changed_ends_its_thread_there_and_the_others_go_on(file):
    DuckDBSaver(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE journal_1 SET bytes = bytes || 'x'::BLOB WHERE thread = 't1' AND step = 60")
    text, found = _doubted(file)
    assert found == {"t0": STEPS, "t1": 60, "t2": STEPS}
    assert "thread 't1' now ends at step 59; 38 rows behind a hole were left out" in text
    with DuckDBSaver(file) as saver:
        saver.commit(ThreadKey("t1"), Checkpoint("c60", "c59", 60, "loop", {"i": 60}, changed=("i",)))
        assert saver.load(ThreadKey("t1")).checkpoint.values["i"] == 60
    assert expect_whole(file) == {"t0": STEPS, "t1": 61, "t2": STEPS}


def test_rows_that_are_missing_inside_are_found_at_open(file):
    DuckDBSaver(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("DELETE FROM journal_1 WHERE thread = 't2' AND step = 30")
    text, found = expect_damage(file)
    assert "2 rows are missing in between" in text
    assert found == {"t0": STEPS, "t1": STEPS, "t2": 30}


def test_a_newest_row_that_is_another_one_is_found_at_open(file):
    DuckDBSaver(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE journal_1 SET chain = 5 WHERE seq = ?", [ROWS])
    text, _ = expect_damage(file)
    assert f"row {ROWS} is not the one that was written" in text


def test_what_was_lost_stays_recorded_and_another_damage_has_a_folder_of_its_own(file):
    wal_of(file).unlink()
    expect_damage(file)
    DuckDBSaver(file).close()
    os.truncate(file, 5000)
    text, _ = expect_damage(file)
    assert "a.duckdb.damaged-2" in text


def _doubted(file):
    """Opening a file in which reading has found damage before."""
    level = mark.read(file)
    kept = mark.Mark(mark.mark_path(file), level)
    kept.suspect()
    kept.close(clean=True)
    return expect_damage(file)


def test_damage_that_is_found_in_use_is_told_and_saved_from_at_the_next_open(file):
    DuckDBSaver(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE journal_1 SET bytes = bytes || 'x'::BLOB WHERE thread = 't1' AND step = 60")
    kept = mark.Mark(mark.mark_path(file), mark.read(file))
    corrupt = duckdb.Error("Corrupt database file: checksum\nstack")
    assert verifying.is_damage(corrupt)
    assert not verifying.is_damage(duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"))
    error = verifying.found_in_use("a.duckdb", corrupt, kept)
    kept.close(clean=True)
    assert isinstance(error, FileDamagedError)
    assert str(error).startswith("a.duckdb is damaged: Corrupt database file: checksum. Close this checkpointer")
    _, found = expect_damage(file)
    assert found == {"t0": STEPS, "t1": 60, "t2": STEPS}


def test_a_whole_file_that_was_doubted_opens(file):
    DuckDBSaver(file).close()
    kept = mark.Mark(mark.mark_path(file), mark.read(file))
    kept.suspect()
    kept.close(clean=True)
    assert expect_whole(file) == dict.fromkeys(("t0", "t1", "t2"), STEPS)
    assert not mark.read(file).suspect


# -- killed while saving


@pytest.mark.parametrize(
    "place",
    [
        "during_salvage_before_plan",
        "during_salvage_after_move",
        "during_salvage_after_move:2",
        "during_salvage_after_move:3",
        "during_salvage_before_rename",
        "during_salvage_after_rename",
    ],
)
def test_a_kill_while_saving_loses_nothing_and_is_finished_by_the_next(file, place):
    os.truncate(wal_of(file), 60_000)
    before = originals(file)
    environment = {**os.environ, "NBHITL_CRASH_AT": place}
    done = subprocess.run([sys.executable, "-c", OPEN, str(file)], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    here = originals(file)
    for name, data in before.items():  # wherever it is, it is somewhere
        aside = list(file.parent.glob(f"a.duckdb.damaged-*/{name}"))
        assert here.get(name) == data or any(f.read_bytes() == data for f in aside)
    with pytest.raises(FileDamagedError, match="Open a.duckdb again"):
        DuckDBSaver(file)
    aside = file.parent / "a.duckdb.damaged-1"
    assert {f.name: f.read_bytes() for f in aside.iterdir()} == before
    assert all(n >= FOLDED for n in expect_whole(file).values())
    assert not salvage.work_folder(file).exists()
    assert len(list(file.parent.glob("a.duckdb.damaged-*"))) == 1


def test_no_room_to_save_leaves_the_damaged_file_as_it_is(file, monkeypatch):
    wal_of(file).unlink()
    before = originals(file)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(salvage.shutil, "copyfile", full)
    with pytest.raises(FileDamagedError, match="No space left on device.*was not changed"):
        DuckDBSaver(file)
    now = {n: d for n, d in originals(file).items() if not n.endswith((".lock", ".owner"))}
    assert now == before
    monkeypatch.undo()
    expect_damage(file)


def test_a_damaged_database_of_somebody_else_is_left_alone(tmp_path):
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT range a FROM range(100000)")
    data = bytearray(other.read_bytes())
    data[4096:4200] = bytes(104)
    other.write_bytes(data)
    with pytest.raises(SaverError, match="not changed"):
        DuckDBSaver(other)
    assert other.read_bytes() == data
    assert sorted(f.name for f in tmp_path.iterdir()) == ["other.duckdb", "other.duckdb.lock"]


def test_examining_changes_nothing(file):
    os.truncate(wal_of(file), 60_000)
    before = originals(file)
    (problem,) = opening.examine(file)
    assert "rows are missing" in problem
    assert originals(file) == before
