"""Looking at a file that somebody has open: read-only copies that fit together, made by a child process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file import copies
from nbhitl.checkpoint.file.copies import snapshot
from nbhitl.checkpoint.file.instances import wal_of
from nbhitl.engine.errors import FileDamagedError, FileLockedError, QueryRefused, SaverError
from nbhitl.engine.records import Answered, Asked, Checkpoint, Task, ThreadKey, Wrote

T = ThreadKey("t")
WRITE = """
import sys
from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import Checkpoint, ThreadKey
saver = DuckDBSaver(sys.argv[1])
for i in range(int(sys.argv[2])):
    point = Checkpoint(f"c{i}", f"c{i-1}" if i else None, i, "loop", {"i": i, "x": "x" * 200}, changed=("i",))
    saver.commit(ThreadKey("t"), point, wait=i % 50 == 0)
    if i % 100 == 0:
        print(i, flush=True)
"""


def point(i):
    return Checkpoint(f"c{i}", f"c{i - 1}" if i else None, i, "loop", {"i": i}, (Task(f"c{i}:0", "n"),), changed=("i",))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.duckdb"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Where temporary copies are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_file_that_this_process_has_open_is_looked_at_and_stays_its_own(file, places):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0), [Asked("c0:0", "q", "what?")])
        with snapshot(file) as seen:
            assert seen.sql("SELECT value FROM pending_interrupts").rows == [('"what?"',)]
            assert [i.key for i in seen.threads()] == [T]
            assert seen.load(T) == saver.load(T)
            saver.commit(T, point(1))
            assert [p.checkpoint.step for p in seen.history(T)] == [0]
            assert repr(seen) == f"Snapshot({str(file)!r})"
        assert list(places.iterdir()) == []
        other = "import duckdb, sys; duckdb.connect(sys.argv[1])"  # the database's own lock still holds
        done = subprocess.run([sys.executable, "-c", other, str(file)], capture_output=True, text=True, check=False)
        assert "lock" in done.stderr
        saver.commit(T, point(2))
    with DuckDBSaver(file) as saver:
        assert [p.checkpoint.step for p in saver.history(T)] == [2, 1, 0]


def test_a_file_that_another_process_writes_to_is_looked_at(file):
    with subprocess.Popen([sys.executable, "-c", WRITE, str(file), "100000"], stdout=subprocess.PIPE) as child:
        try:
            child.stdout.readline()
            with pytest.raises(FileLockedError):
                DuckDBSaver(file)
            for _ in range(3):
                said = int(child.stdout.readline())
                with snapshot(file) as seen:
                    assert seen.load(T).checkpoint.step >= said
        finally:
            child.kill()
            child.stdout.read()


def test_thirty_snapshots_of_a_file_that_is_written_to_at_full_speed_have_no_holes(file, monkeypatch):
    monkeypatch.setattr("nbhitl.checkpoint.writer._WORTH_FOLDING", 1)
    stop = threading.Event()
    with DuckDBSaver(file) as saver:

        def write():
            i = 0
            while not stop.is_set():
                saver.commit(T, point(i), wait=i % 5 == 0)
                if i % 15 == 0:
                    saver._reader.connection.cursor().execute("FORCE CHECKPOINT")  # as often as no kernel folds
                i += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            last = -1
            for _ in range(30):
                with snapshot(file) as seen:
                    position = seen.load(T)
                    step = -1 if position is None else position.checkpoint.step
                    assert seen.sql("SELECT count(*), count(DISTINCT step) FROM steps").rows == [(step + 1, step + 1)]
                    assert step >= last
                    last = step
        finally:
            stop.set()
            writer.join()
        assert last > 0


def test_a_file_that_nobody_has_open_is_not_touched(file):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0))
    before = {f.name: (f.read_bytes(), f.stat().st_mtime_ns) for f in file.parent.iterdir()}
    with snapshot(file) as seen:
        assert len(seen.threads()) == 1
    assert {f.name: (f.read_bytes(), f.stat().st_mtime_ns) for f in file.parent.iterdir()} == before


def test_writing_to_a_snapshot_is_refused(file):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0), [Asked("c0:0", "q", "what?")])
    with snapshot(file) as seen:
        for call in (
            lambda: seen.commit(T, point(1)),
            lambda: seen.append(T, "c0", [Wrote("c0:0", ())]),
            lambda: seen.answer(T, "c0", [Answered("q", 1)]),
            lambda: seen.remember_code("d", {}),
            lambda: seen.set_breakpoints("", {}),
            lambda: seen.set_setting(T, "hits", {}),
            lambda: seen.delete_thread(T),
            lambda: seen.prune(T),
            seen.compact,
        ):
            with pytest.raises(SaverError, match="read-only: go on with the thread in the kernel"):
                call()
        with pytest.raises(QueryRefused):
            seen.sql("DELETE FROM journal")
        assert len(seen.load(T).pending) == 1


def test_a_copy_with_a_place_stays(file, tmp_path):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0))
        snapshot(file, tmp_path / "kept" / "copy.duckdb").close()
        with pytest.raises(SaverError, match="exists already"):
            snapshot(file, tmp_path / "kept" / "copy.duckdb")
    with DuckDBSaver(tmp_path / "kept" / "copy.duckdb") as saver:
        assert len(saver.threads()) == 1


def test_a_snapshot_that_nobody_closed_leaves_no_copy(file, places):
    DuckDBSaver(file).close()
    seen = snapshot(file)
    assert len(list(places.iterdir())) == 1
    del seen
    gc.collect()
    assert list(places.iterdir()) == []


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path, places):
    with pytest.raises(SaverError, match="there is no file"):
        snapshot(tmp_path / "no.duckdb")
    assert [f.name for f in tmp_path.iterdir()] == ["temporary"]
    assert list(places.iterdir()) == []


def test_a_file_of_something_else_is_told(tmp_path, places):
    (tmp_path / "text").write_bytes(b"hello" * 9999)
    with pytest.raises(SaverError, match="no checkpoint file"):
        snapshot(tmp_path / "text")
    assert list(places.iterdir()) == []


def test_a_damaged_file_is_told_and_neither_changed_nor_salvaged(file, places):
    with DuckDBSaver(file) as saver:
        for i in range(50):
            saver.commit(T, point(i))
        saver.size()  # there is a log
        copies._copied(file, file.with_name("b.duckdb"))
    file.with_name("b.duckdb.tail").unlink()  # it has rows that went into the log
    os.truncate(wal_of(file.with_name("b.duckdb")), 2000)
    before = {f.name: f.read_bytes() for f in file.parent.glob("b.duckdb*")}
    with pytest.raises(FileDamagedError, match="rows are missing.*nbhitl doctor"):
        snapshot(file.with_name("b.duckdb"))
    assert {f.name: f.read_bytes() for f in file.parent.glob("b.duckdb*")} == before
    assert list(places.iterdir()) == []


def test_a_copy_that_was_torn_is_made_again(file, monkeypatch):
    torn = []
    copied = copies._copied

    def tears(source, copy):
        copied(source, copy)
        if not torn:
            torn.append(copy)
            wal_of(copy).unlink()
            (copy.with_name(copy.name + ".mark")).write_bytes(b"")

    with DuckDBSaver(file) as saver:
        for i in range(5):
            saver.commit(T, point(i))
        saver.size()  # there is a log
        monkeypatch.setattr(copies, "_copied", tears)
        monkeypatch.setattr(copies, "_unchanged", lambda *_: False)
        monkeypatch.setattr(copies.opening, "examine", lambda path: [] if wal_of(path).exists() else ["torn"])
        with snapshot(file) as seen:
            assert seen.load(T).checkpoint.step == 4
    assert len(torn) == 1


def test_a_link_is_followed(file, tmp_path):
    DuckDBSaver(file).close()
    (tmp_path / "link").symlink_to(file)
    with snapshot(tmp_path / "link") as seen:
        assert seen.source == Path(file).resolve()
