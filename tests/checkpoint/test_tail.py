"""The tail beside the file: what is durable there and not in the database yet, and what becomes of it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from nbhitl import cli, snapshot
from nbhitl.checkpoint import DuckDBSaver, writer
from nbhitl.checkpoint.file import mark, tail
from nbhitl.checkpoint.file.instances import wal_of
from nbhitl.checkpoint.file.tail import Tail, tail_path
from nbhitl.engine.errors import FileDamagedError
from nbhitl.engine.records import Asked, Checkpoint, ThreadKey

ID = "0123456789abcdef"
T = ThreadKey("t")
STEPS = 30
KILLED = """
import os, signal, sys
from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.records import Checkpoint, ThreadKey
saver = DuckDBSaver(sys.argv[1])
for i in range(int(sys.argv[2])):
    point = Checkpoint(f"c{i}", f"c{i-1}" if i else None, i, "loop", {"i": i, "fixed": "f" * 300}, changed=("i",))
    saver.commit(ThreadKey("t"), point)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.duckdb"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A file whose process was killed before anything left the tail. Not to be opened: take a copy."""
    path = tmp_path_factory.mktemp("killed") / "a.duckdb"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(STEPS)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not wal_of(path).exists()
    assert mark.read(path).ahead == STEPS
    return path


@pytest.fixture
def left(killed, file):
    for ending in ("", ".mark", ".tail"):
        shutil.copy(f"{killed}{ending}", f"{file}{ending}")
    return file


def point(i):
    return Checkpoint(f"c{i}", f"c{i - 1}" if i else None, i, "loop", {"i": i}, changed=("i",))


def rows(first, count):
    return [(first + i, "", "t", os.urandom(20), None, 2**64 - 1 - i) for i in range(count)]


def steps(path):
    with DuckDBSaver(path) as saver:
        return [position.checkpoint.step for position in saver.history(T)][::-1]


# -- batches


def test_batches_are_read_in_their_order(file):
    kept = Tail(tail_path(file), ID)
    batches = [rows(1, 3), rows(4, 1), rows(5, 20)]
    for batch in batches:
        kept.append(batch)
    assert tail.read(file, ID) == [row for batch in batches for row in batch]
    assert tail.read(file, ID[::-1]) == []


def test_no_tail_and_a_tail_of_nothing_have_no_rows(file):
    assert tail.read(file, ID) == []
    for junk in (b"", b"junk", bytes(2000), os.urandom(700)):
        tail_path(file).write_bytes(junk)
        assert tail.read(file, ID) == []


def test_a_batch_that_was_cut_anywhere_is_not_there_and_those_before_it_are(file):
    kept = Tail(tail_path(file), ID)
    first, second = rows(1, 2), rows(3, 2)
    kept.append(first)
    begin = kept._end
    kept.append(second)
    whole = tail_path(file).read_bytes()
    for cut in range(begin, kept._end):
        for behind in (b"", bytes(len(whole) - cut), os.urandom(9)):
            tail_path(file).write_bytes(whole[:cut] + behind)
            assert tail.read(file, ID) == first


def test_a_changed_bit_never_reads_as_another_row(file):
    kept = Tail(tail_path(file), ID)
    first, second = rows(1, 2), rows(3, 2)
    kept.append(first)
    kept.append(second)
    whole = tail_path(file).read_bytes()[: kept._end]
    chance = random.Random(5)
    for _ in range(400):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        tail_path(file).write_bytes(data)
        assert tail.read(file, ID) in ([], first)


def test_what_stands_behind_a_new_beginning_is_not_read(file):
    kept = Tail(tail_path(file), ID)
    for batch in (rows(1, 1), rows(2, 1), rows(3, 1)):
        kept.append(batch)
    kept.begin_anew()
    newest = rows(4, 1)
    kept.append(newest)
    assert tail.read(file, ID) == newest


def test_a_tail_goes_with_a_clean_end_and_stays_otherwise(file):
    for clean in (False, True):
        kept = Tail(tail_path(file), ID)
        kept.append(rows(1, 1))
        kept.close(clean=clean)
        kept.close(clean=clean)
        assert tail_path(file).exists() is not clean


# -- a file with a tail


def test_what_somebody_waited_for_is_durable_in_the_tail_and_queries_find_it(file):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0))
        assert (mark.read(file).seq, mark.read(file).ahead) == (0, 1)
        assert not wal_of(file).exists()
        assert list(saver.sql("SELECT count(*) FROM steps")) == [(1,)]
        assert (mark.read(file).seq, mark.read(file).ahead) == (1, 0)
        saver.commit(T, point(1))
        assert [info.step for info in saver.threads()] == [1]


def test_after_a_moment_without_work_the_tail_is_in_the_file(file):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0), [Asked("task", "q", "Really?")])
        end = time.monotonic() + 60
        while mark.read(file).ahead and time.monotonic() < end:
            time.sleep(0.01)
        assert (mark.read(file).seq, mark.read(file).ahead) == (2, 0)
        assert wal_of(file).exists()


def test_a_long_tail_goes_into_the_file_while_work_goes_on(file, monkeypatch):
    monkeypatch.setattr(writer, "_QUIET", 60.0)
    monkeypatch.setattr(writer, "_LONG_TAIL", 4)
    with DuckDBSaver(file) as saver:
        for i in range(50):
            saver.commit(T, point(i))
            assert mark.read(file).ahead <= 4
        assert mark.read(file).seq >= 46


def test_a_group_that_is_too_large_for_the_tail_goes_straight_into_the_file(file, monkeypatch):
    monkeypatch.setattr(writer, "_MOST_IN_TAIL", 4)
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0), [Asked("task", f"q{i}", "Really?", key=f"k{i}") for i in range(4)])
        assert (mark.read(file).seq, mark.read(file).ahead) == (5, 0)
        assert not tail_path(file).exists()


def test_a_deleted_thread_does_not_come_back_out_of_the_tail(file):
    with DuckDBSaver(file) as saver:
        for i in range(5):
            saver.commit(T, point(i))
        saver.delete_thread(T)
        saver.commit(ThreadKey("other"), point(0))
        copy = file.with_name("b.duckdb")
        with snapshot(file, to=copy) as seen:
            assert [info.key.thread for info in seen.threads()] == ["other"]
    assert steps(file) == []


def test_closing_leaves_no_tail(file):
    with DuckDBSaver(file) as saver:
        saver.commit(T, point(0))
        assert tail_path(file).exists()
    assert not tail_path(file).exists()
    assert steps(file) == [0]


def test_a_copy_of_an_open_file_has_what_stands_in_its_tail(file, monkeypatch):
    monkeypatch.setattr(writer, "_QUIET", 60.0)
    with DuckDBSaver(file) as saver:
        for i in range(3):
            saver.commit(T, point(i))
            with snapshot(file) as seen:
                assert seen.load(T).checkpoint.step == i
        assert mark.read(file).ahead == 3


# -- after a kill


def test_what_a_killed_process_left_in_the_tail_is_taken_in_once(left):
    assert steps(left) == list(range(STEPS))
    assert not tail_path(left).exists()
    assert steps(left) == list(range(STEPS))


def test_a_tail_that_was_taken_in_before_is_not_taken_in_again(left):
    kept = tail_path(left).read_bytes()
    assert steps(left) == list(range(STEPS))
    tail_path(left).write_bytes(kept)  # killed before it was gone
    assert steps(left) == list(range(STEPS))


def test_a_snapshot_of_a_killed_file_has_its_tail_and_changes_nothing(left):
    before = {path.name: path.read_bytes() for path in left.parent.iterdir()}
    with snapshot(left) as seen:
        assert len(list(seen.history(T))) == STEPS
    assert {path.name: path.read_bytes() for path in left.parent.iterdir()} == before


@pytest.mark.parametrize("gone", ["deleted", "cut", "changed"])
def test_rows_that_are_missing_with_the_tail_are_told(left, capsys, gone):
    place = tail_path(left)
    if gone == "deleted":
        place.unlink()
    elif gone == "cut":
        os.truncate(place, 5000)
    else:
        data = bytearray(place.read_bytes())
        data[5000] ^= 1
        place.write_bytes(data)
    assert cli.main(["doctor", str(left)]) == 1
    assert "its tail was changed, or is gone" in capsys.readouterr().out
    with pytest.raises(FileDamagedError, match=rf"the last \d+ of {STEPS} rows are missing: its tail was changed"):
        DuckDBSaver(left)
    assert tail_path(left.with_name("a.duckdb.damaged-1") / "a.duckdb").exists() is (gone != "deleted")
    found = steps(left)
    assert found == list(range(len(found)))
    assert len(found) < STEPS


@pytest.mark.parametrize("emptied", [True, False])
def test_a_file_that_is_lost_while_rows_of_it_stand_in_the_tail_is_damage_and_the_tail_is_kept(left, emptied):
    left.write_bytes(b"") if emptied else left.unlink()
    with pytest.raises(FileDamagedError, match=f"the file is {'empty' if emptied else 'gone'}, and its tail is left"):
        DuckDBSaver(left)
    kept = left.with_name(f"{left.name}.damaged-1") / f"{left.name}.tail"
    assert len(tail.read(kept.with_suffix(""), mark.read(kept.with_suffix("")).file)) == STEPS
    DuckDBSaver(left).close()


def test_a_file_that_is_gone_with_its_tail_is_missed(left):
    left.unlink()
    tail_path(left).unlink()
    with pytest.warns(UserWarning, match=f"had {STEPS} rows and is gone"):
        DuckDBSaver(left).close()


def test_the_doctor_counts_what_stands_in_the_tail(left, capsys):
    assert cli.main(["doctor", str(left)]) == 0
    said = capsys.readouterr().out
    assert f"{STEPS} rows in its tail, which the next opening takes in" in said
    assert f"its mark says: {STEPS} rows written" in said


def test_what_stands_in_the_tail_of_a_damaged_file_is_saved(left):
    data = bytearray(left.read_bytes())
    data[600] ^= 1  # in the first header, where nothing stands
    left.write_bytes(data)
    with pytest.raises(FileDamagedError, match="All rows were saved"):
        DuckDBSaver(left)
    assert steps(left) == list(range(STEPS))


def test_a_log_that_was_lost_is_made_good_by_a_tail_that_has_its_rows_still(tmp_path, file):
    with DuckDBSaver(file) as saver:
        for i in range(5):
            saver.commit(T, point(i))
        saver.size()  # what is in the tail goes into the log
        folder = tmp_path / "copy"
        folder.mkdir()
        for ending in ("", ".mark", ".tail"):
            shutil.copy(f"{file}{ending}", folder / f"a.duckdb{ending}")
    assert steps(folder / "a.duckdb") == list(range(5))


def test_the_tail_of_a_file_that_was_put_in_the_place_of_another_is_left_out(left, tmp_path):
    other = tmp_path / "other.duckdb"
    with DuckDBSaver(other) as saver:
        saver.commit(ThreadKey("u"), point(0))
    shutil.copy(other, left)
    with pytest.warns(UserWarning, match="is about another file"):
        assert steps(left) == []
    with DuckDBSaver(left) as saver:
        assert [info.key.thread for info in saver.threads()] == ["u"]
