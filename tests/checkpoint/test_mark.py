"""The high-water mark beside the file: torn writes, and what it says about how the file was closed."""

from __future__ import annotations

import os
import random

import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file import mark
from nbhitl.checkpoint.file.mark import Level, Mark
from nbhitl.engine.records import Checkpoint, ThreadKey

ID = "0123456789abcdef"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.duckdb"


def made(file, seq=0, chain=0):
    return Mark(mark.mark_path(file), Level(ID, seq, chain))


def test_what_was_written_last_is_read(file):
    kept = made(file)
    for seq in range(1, 20):
        kept.write(seq, 2**64 - seq)
        assert mark.read(file) == Level(ID, seq, 2**64 - seq)
    kept.close(clean=False)
    assert mark.read(file) == Level(ID, 19, 2**64 - 19)


def test_no_mark_and_a_mark_of_nothing_are_none(file):
    assert mark.read(file) is None
    for junk in (b"", b"junk", bytes(2000), os.urandom(700)):
        mark.mark_path(file).write_bytes(junk)
        assert mark.read(file) is None


def test_a_write_that_was_torn_anywhere_leaves_the_mark_before_it(file):
    kept = made(file)
    kept.write(1, 11)
    before = mark.mark_path(file).read_bytes()
    kept.write(2, 22)
    after = mark.mark_path(file).read_bytes()
    kept.close(clean=False)
    assert before != after
    start = next(i for i, (x, y) in enumerate(zip(before.ljust(len(after), b"\0"), after, strict=True)) if x != y)
    seen = set()
    for cut in range(start, len(after) + 1):
        mark.mark_path(file).write_bytes(after[:cut] + before[cut:])
        seen.add(mark.read(file).seq)
        assert mark.read(file) in (Level(ID, 1, 11), Level(ID, 2, 22))
    assert seen == {1, 2}


def test_a_changed_bit_never_reads_as_a_mark_of_its_own(file):
    kept = made(file)
    kept.write(1, 11)
    kept.write(2, 22)
    kept.close(clean=False)
    whole = mark.mark_path(file).read_bytes()
    chance = random.Random(5)
    for _ in range(300):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        mark.mark_path(file).write_bytes(data)
        assert mark.read(file) in (Level(ID, 1, 11), Level(ID, 2, 22))


def test_closing_says_whether_it_was_clean_and_up_to_where(file):
    kept = made(file, 5, 55)
    kept.write(9, 99)
    assert mark.read(file) == Level(ID, 9, 99, verified=5)
    kept.close(clean=True)
    kept.close(clean=True)
    kept.write(10, 100)
    assert mark.read(file) == Level(ID, 9, 99, verified=9, clean=True)
    again = made(file, 9, 99)
    assert mark.read(file) == Level(ID, 9, 99, verified=9)
    again.close(clean=False)


def test_a_suspicion_is_kept_until_the_next_opening(file):
    kept = made(file, 5, 55)
    kept.suspect()
    kept.write(6, 66)
    kept.close(clean=True)
    assert mark.read(file) == Level(ID, 6, 66, verified=6, clean=True, suspect=True)


def test_a_saver_moves_the_mark_with_every_group_and_closes_it(file):
    with DuckDBSaver(file) as saver:
        for i in range(3):
            saver.commit(ThreadKey("t"), Checkpoint(f"c{i}", None, i, "loop", {"i": i}))
            (newest,) = saver.sql("SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1").rows
            level = mark.read(file)
            assert (level.seq, level.chain, level.clean) == (*newest, False)
        (id_,) = saver.sql("SELECT value FROM about WHERE name = 'id'").rows
    assert mark.read(file) == Level(id_[0], *newest, verified=newest[0], clean=True)
