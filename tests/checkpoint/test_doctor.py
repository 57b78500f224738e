"""``nbhitl doctor`` and what it is made of: every kind of damage is told, nothing is changed without being asked."""

from __future__ import annotations

import os
import re

import duckdb
import pytest

from nbhitl import cli
from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file import instances, mark, verifying
from nbhitl.checkpoint.file.doctor import diagnose
from nbhitl.engine.errors import FileDamagedError, SaverError
from nbhitl.engine.records import Checkpoint, ThreadKey


def point(i, text=""):
    return Checkpoint(f"c{i}", f"c{i - 1}" if i else None, i, "loop", {"i": i, "text": text}, changed=("i", "text"))


@pytest.fixture
def file(tmp_path):
    """Two threads of 30 steps, closed properly."""
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        for i in range(30):
            for name in ("t", "u"):
                saver.commit(ThreadKey(name), point(i), wait=i % 10 == 0)
    return tmp_path / "a.duckdb"


def contents(file):
    return {f: f.read_bytes() for f in file.parent.rglob("*") if f.is_file() and f.suffix != ".lock"}


def told(capsys, file, *words):
    before = contents(file)
    code = cli.main(["doctor", str(file), *words])
    if not words:
        assert contents(file) == before
    return code, capsys.readouterr().out


def changed(file, sql):
    with duckdb.connect(str(file)) as connection:
        connection.execute(sql)


def test_a_whole_file_is_told_to_be_whole(file, capsys):
    code, said = told(capsys, file)
    assert code == 0
    assert "version 3\n60 rows in 2 threads\n" in said
    assert "its mark says: 60 rows written; it was closed properly\n" in said
    assert said.endswith("whole: the sequence has no gaps, and every row has its checksum and its place in its chain\n")


def test_a_file_without_a_mark_is_whole_as_far_as_can_be_told(file, capsys):
    mark.mark_path(file).unlink()
    code, said = told(capsys, file)
    assert (code, "no mark beside it" in said) == (0, True)


def test_a_live_file_is_looked_at_through_a_copy(file, capsys):
    with DuckDBSaver(file) as saver:
        saver.commit(ThreadKey("t"), point(30))
        saver.size()  # what is in the tail goes into the file now, and not while it is looked at
        code, said = told(capsys, file)
        saver.commit(ThreadKey("t"), point(31))
    assert code == 0
    assert "in use, so a copy was looked at (already open in this process" in said
    assert "61 rows in 2 threads" in said


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM journal_1 WHERE seq = 7", "1 rows are missing in between"),
        ("DELETE FROM journal_1 WHERE seq > 50", "the last 10 of 60 rows are missing"),
        ("UPDATE journal_1 SET bytes = 'x'::BLOB WHERE seq = 9", "do not follow the rows before them.*thread 't'"),
        ("UPDATE journal_1 SET checkpoint = 'other' WHERE seq = 9", "do not follow the rows before them"),
        ("UPDATE journal_1 SET kind = 'wrote' WHERE seq = 9", "do not follow the rows before them"),
        ("UPDATE journal_1 SET thread = 'v' WHERE seq = 59", "do not follow the rows before them"),
        ("INSERT INTO journal_1 SELECT * FROM journal WHERE seq = 5", "1 rows more than were written are there"),
        ("UPDATE journal_1 SET chain = 1 WHERE seq = 60", "row 60 is not the one that was written"),
    ],
)
def test_every_kind_of_tampering_is_told_and_changes_nothing(file, sql, says, capsys):

    changed(file, sql)
    code, said = told(capsys, file)
    assert code == 1
    assert re.search("DAMAGED: .*" + says, said)
    assert "nbhitl doctor --salvage" in said


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file whose bytes and whose JSON take blocks of their own; the blocks of each."""
    file = tmp_path_factory.mktemp("large") / "a.duckdb"
    with DuckDBSaver(file) as saver:
        for i in range(8000):
            saver.commit(ThreadKey("t"), point(i, os.urandom(150).hex()), wait=False)
    connection = instances.opened(file)
    found = connection.execute(
        "SELECT column_name, flatten(list(additional_block_ids)) FROM pragma_storage_info('journal_1')"
        " WHERE column_name IN ('bytes', 'json') GROUP BY ALL"
    ).fetchall()
    connection.close()
    return file, dict(found)


def with_a_flip(large, column, folder):
    file, blocks = large
    data = bytearray(file.read_bytes())
    data[12288 + sorted(blocks[column])[1] * 262144 + 5000] ^= 1
    (folder / "a.duckdb").write_bytes(data)
    return folder / "a.duckdb"


def test_an_unreadable_part_is_told(large, tmp_path, capsys):
    file = with_a_flip(large, "bytes", tmp_path)
    code, said = told(capsys, file)
    assert code == 1
    assert "rows cannot be read: their part of the file was changed" in said
    code, said = told(capsys, file, "--salvage")
    assert code == 1
    assert "of 8,000 rows were saved" in said
    with DuckDBSaver(file) as saver:
        kept = [p.checkpoint.step for p in saver.history(ThreadKey("t"))]
    assert kept == list(reversed(range(len(kept))))
    assert 1000 < len(kept) < 8000
    code, said = told(capsys, file)
    assert code == 0
    assert f"lost once: {8000 - len(kept):,} rows" in said
    assert "a.duckdb.damaged-1" in said


def test_json_that_cannot_be_read_loses_no_step(large, tmp_path, capsys):
    file = with_a_flip(large, "json", tmp_path)
    code, said = told(capsys, file, "--salvage")
    assert code == 1
    assert "All rows were saved" in said
    assert "rows load as before, and are not shown by queries" in said
    with DuckDBSaver(file) as saver:
        positions = list(saver.history(ThreadKey("t")))
        assert [p.checkpoint.values["i"] for p in positions] == list(reversed(range(8000)))
    assert told(capsys, file)[0] == 0


def test_salvaging_a_whole_file_does_nothing(file, capsys):
    data = file.read_bytes()
    code, said = told(capsys, file, "--salvage")
    assert (code, file.read_bytes() == data) == (0, True)
    assert "whole" in said


def test_salvaging_on_request_saves_what_opening_would_not_notice(file, capsys):
    changed(file, "UPDATE journal_1 SET bytes = bytes || 'x'::BLOB WHERE seq = 9")
    code, said = told(capsys, file, "--salvage")
    assert code == 1
    assert "thread 't' now ends at step 3; 25 rows behind a hole were left out" in said
    code, said = told(capsys, file)
    assert code == 0
    assert "lost once: 26 rows, for" in said
    assert "  thread 't': ends at step 3, 25 rows left out" in said
    with DuckDBSaver(file) as saver:
        assert saver.load(ThreadKey("t")).checkpoint.step == 3
        assert saver.load(ThreadKey("u")).checkpoint.step == 29


def test_a_file_whose_salvage_was_killed_is_told(file, capsys, monkeypatch):
    from nbhitl.checkpoint.file import salvage

    changed(file, "DELETE FROM journal_1 WHERE seq > 50")

    def stops(*_):
        raise RuntimeError

    monkeypatch.setattr(salvage, "_replace", stops)
    with pytest.raises(RuntimeError):
        DuckDBSaver(file)
    monkeypatch.undo()
    code, said = told(capsys, file)
    assert code == 1
    assert "was not finished" in said
    with pytest.raises(FileDamagedError):
        DuckDBSaver(file)
    assert told(capsys, file)[0] == 0


def test_a_file_that_does_not_open_at_all_is_told(file, capsys):
    os.truncate(file, 20_000)
    code, said = told(capsys, file)
    assert code == 1
    assert "DAMAGED: " in said


def test_what_is_no_checkpoint_file_is_an_error_in_one_line(tmp_path, capsys):
    (tmp_path / "text").write_bytes(b"hello" * 9000)
    assert cli.main(["doctor", str(tmp_path / "text")]) == 1
    assert "is no checkpoint file" in capsys.readouterr().err
    assert cli.main(["doctor", str(tmp_path / "no")]) == 1
    assert "there is no file" in capsys.readouterr().err
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(SaverError, match="not one of nbhitl's"):
        diagnose(tmp_path / "other.duckdb")


def test_progress_is_told(file):
    seen = []
    connection = instances.opened(file)
    verifying.verify_all(connection, None, lambda done, rows: seen.append((done, rows)))
    assert seen == []  # only for files that take a while
    connection.execute("CREATE TABLE more AS SELECT * FROM journal, range(400)")
    connection.execute("DROP VIEW IF EXISTS threads")
    connection.execute("DELETE FROM journal_1")
    connection.execute(
        "INSERT INTO journal_1 (seq, graph, thread, ns, branch, kind, checkpoint, bytes, chain)"
        " SELECT row_number() OVER (), graph, thread, ns, 0, kind, checkpoint, bytes, chain FROM more"
    )
    report = verifying.verify_all(connection, None, lambda done, rows: seen.append((done, rows)))
    connection.close()
    assert seen == [(10_000, 24_000), (20_000, 24_000)]
    assert report.rows == 24_000


def test_rows_that_cannot_be_read_are_found_by_halves():
    """A connection that refuses ranges with certain rows in them, as duckdb does for a damaged block."""

    class Fake:
        def __init__(self, top, bad):
            self.top, self.bad, self.rows, self.asked = top, bad, [], 0

        def execute(self, sql, params=()):
            if "duckdb_tables" in sql:
                self.rows = [("journal_1",)]
                return self
            if "max(rowid)" in sql:
                self.rows = [(self.top,)]
                return self
            start, stop = params
            self.asked += 1
            if any(start <= b < stop for b in self.bad):
                raise duckdb.Error("Corrupt database file: checksum")
            self.rows = [(i, i) for i in range(start, stop)]
            return self

        def fetchall(self):
            return self.rows

        def fetchmany(self, n):
            found, self.rows = self.rows[:n], self.rows[n:]
            return found

    for bad in ([], [0], [299_999], [5000, 130_000], [2047, 2048]):
        fake = Fake(300_000, bad)
        found = list(verifying.scan(fake, "seq"))
        lost = [item for item in found if isinstance(item, verifying.Bad)]
        kept = [item[0] for item in found if not isinstance(item, verifying.Bad)]
        assert kept == sorted(set(range(300_000)) - {i for b in lost for i in range(b.start, b.stop)})
        assert all(any(b.start <= i < b.stop for b in lost) for i in bad)
        assert sum(b.stop - b.start for b in lost) <= 2048 * len(bad)
        assert fake.asked < 40
