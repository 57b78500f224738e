"""Old files: copied, then brought to this version in one go or not at all."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file import instances, mark, migrations
from nbhitl.checkpoint.file.doctor import diagnose
from nbhitl.checkpoint.file.schema import VERSION
from nbhitl.engine.errors import AlreadyAnsweredError, SaverError
from nbhitl.engine.records import Answered, Checkpoint, ThreadKey

GOLDEN = Path(__file__).parent / "golden"
OLD = range(1, VERSION)
OPEN = "import sys; from nbhitl.checkpoint import DuckDBSaver; DuckDBSaver(sys.argv[1]).close()"
STATUS = {
    1: {"finished": "finished", "paused": "interrupted", "forked": "interrupted", "failed": "failed"},
    2: {
        "finished": "finished",
        "paused": "interrupted",
        "forked": "interrupted",
        "failed": "failed",
        "chat": "finished",
        "nested": "interrupted",
        "nested and done": "finished",
    },
}


def unpacked(version, folder):
    path = folder / "runs.duckdb"
    path.write_bytes(gzip.decompress((GOLDEN / f"v{version}.duckdb.gz").read_bytes()))
    return path


def files(path):
    return sorted(f.name for f in path.parent.iterdir() if not f.name.endswith((".lock", ".owner")))


def test_there_is_a_file_of_every_version_and_a_step_from_it():
    assert sorted(STATUS) == list(OLD)
    assert [step.version for step in migrations.STEPS] == [version + 1 for version in OLD]


@pytest.mark.parametrize("version", OLD)
def test_an_old_file_is_copied_and_brought_to_this_version(version, tmp_path):
    path = unpacked(version, tmp_path)
    before = path.read_bytes()
    for _ in range(2):
        with DuckDBSaver(path) as saver:
            assert {i.key.thread: i.status for i in saver.threads()} == STATUS[version]
            assert saver.sql("SELECT version FROM schema_migrations ORDER BY version").rows == [
                (v,) for v in range(version, VERSION + 1)
            ]
            assert saver.sql("SELECT count(*) = max(seq) FROM journal").rows == [(True,)]
    assert migrations.backup_path(path, version).read_bytes() == before
    assert files(path) == ["runs.duckdb", "runs.duckdb.mark", f"runs.v{version}-backup.duckdb"]
    assert mark.read(path).clean


@pytest.mark.parametrize("version", OLD)
def test_every_position_of_an_old_file_reads_and_every_chain_holds(version, tmp_path):
    path = unpacked(version, tmp_path)
    with DuckDBSaver(path) as saver:
        for info in saver.threads():
            positions = list(saver.history(info.key))
            assert positions[0].checkpoint.id == info.checkpoint or info.key.thread == "forked"
            assert saver.load(info.key).checkpoint.id == info.checkpoint
    kept = mark.Mark(mark.mark_path(path), mark.read(path))
    kept.suspect()
    kept.close(clean=True)
    DuckDBSaver(path).close()  # looks at every row


def test_a_file_of_version_2_goes_on_where_it_stood(tmp_path):
    path = unpacked(2, tmp_path)
    with DuckDBSaver(path) as saver:
        chat = saver.load(ThreadKey("chat")).checkpoint
        assert [m["id"] for m in chat.values["messages"]] == ["u", *(f"a{i}" for i in range(1, 40))]
        assert len(list(saver.history(ThreadKey("chat")))) == 41
        assert [len(p.checkpoint.values["messages"]) for p in saver.history(ThreadKey("chat"))] == [
            *range(40, 0, -1),
            0,
        ]
        assert saver.code("d") == {"draft": "return {}"}
        assert saver.breakpoints("") == {"draft": {"when": "before"}}
        nested = saver.load(ThreadKey("nested"))
        (question,) = nested.pending
        assert (question.value, question.node) == ("inside?", "sub/inside")
        inner = saver.load(ThreadKey("nested", ns=question.ns), question.head)
        assert [q.value for q in inner.pending] == ["inside?"]
        saver.answer(ThreadKey("nested"), nested.checkpoint.id, [Answered(question.id, "yes", by="eve")])
        with pytest.raises(AlreadyAnsweredError, match="by eve"):
            saver.answer(ThreadKey("nested"), nested.checkpoint.id, [Answered(question.id, "no")])
        more = {**chat.values, "messages": [*chat.values["messages"], {"role": "user", "content": "more", "id": "n"}]}
        saver.commit(ThreadKey("chat"), Checkpoint("next", chat.id, 40, "loop", more, changed=("messages",)))
    with DuckDBSaver(path) as saver:
        assert saver.load(ThreadKey("chat")).checkpoint.values == more
        assert saver.sql("SELECT node, answer, answered_by FROM answers WHERE thread = 'nested'").rows == [
            ("sub/inside", '"yes"', "eve")
        ]


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("place", ["during_migration", "after_migration_before_record", "during_migration:2"])
def test_a_kill_in_a_migration_leaves_a_file_that_opens_next_time(version, place, tmp_path):
    path = unpacked(version, tmp_path)
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(path)], env={**os.environ, "NBHITL_CRASH_AT": place}, check=False, timeout=60
    )
    steps = VERSION - version
    assert done.returncode == (0 if place.endswith(":2") and steps < 2 else -signal.SIGKILL)
    backup = migrations.backup_path(path, version)
    assert backup.read_bytes() == before
    if done.returncode and not place.endswith(":2"):
        connection = instances.opened(path)
        assert connection.execute("SELECT max(version) FROM schema_migrations").fetchall() == [(version,)]
        connection.close()
    with DuckDBSaver(path) as saver:
        assert {i.key.thread: i.status for i in saver.threads()} == STATUS[version]
    assert backup.read_bytes() == before


def test_a_copy_that_is_there_is_never_replaced_by_another_one(tmp_path):
    path = unpacked(2, tmp_path)
    migrations.backup_path(path, 2).write_bytes(b"mine")
    DuckDBSaver(path).close()
    assert migrations.backup_path(path, 2).read_bytes() == b"mine"
    with DuckDBSaver(tmp_path / "runs.v2-backup-2.duckdb") as saver:
        assert len(saver.threads()) == len(STATUS[2])


def test_an_old_file_that_was_not_closed_is_copied_with_its_log(tmp_path):
    path = unpacked(2, tmp_path)
    write = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('INSERT INTO journal SELECT seq + 1, * EXCLUDE seq FROM journal ORDER BY seq DESC LIMIT 1');"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", write, str(path)], check=True)
    assert instances.wal_of(path).exists()
    DuckDBSaver(path).close()
    with duckdb.connect(str(migrations.backup_path(path, 2)), read_only=True) as connection:
        assert connection.execute("SELECT count(*) = max(seq), max(seq) FROM journal").fetchall() == [(True, 292)]
    assert files(path) == ["runs.duckdb", "runs.duckdb.mark", "runs.v2-backup.duckdb"]


def test_an_old_file_that_cannot_be_copied_is_left_alone(tmp_path, monkeypatch):
    path = unpacked(2, tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migrations.shutil, "copyfile", full)
    with pytest.raises(SaverError, match="No space left on device.*not changed"):
        DuckDBSaver(path)
    assert path.read_bytes() == before
    assert files(path) == ["runs.duckdb"]


def test_a_step_that_fails_leaves_the_file_and_names_its_copy(tmp_path, monkeypatch):
    path = unpacked(1, tmp_path)

    def fails(connection):
        connection.execute("DELETE FROM journal")
        connection.execute("SELECT nothing")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS[:-1], migrations.Step(VERSION, "fails", fails)))
    with pytest.raises(SaverError, match=r"could not be brought to version .*runs\.v1-backup\.duckdb"):
        DuckDBSaver(path)
    monkeypatch.undo()
    with DuckDBSaver(path) as saver:
        assert {i.key.thread: i.status for i in saver.threads()} == STATUS[1]


def test_a_file_that_another_program_of_this_version_made_gets_the_views_of_this_one(tmp_path):
    path = tmp_path / "t.duckdb"
    with DuckDBSaver(path) as saver:
        saver.commit(ThreadKey("t", "g"), Checkpoint("a", None, -1, "input", {"n": 1}))
        saver.set_setting(ThreadKey("", "g"), "watches", ["n"])
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP VIEW settings")
        connection.execute("CREATE OR REPLACE VIEW breakpoints AS SELECT 1 AS old")
        connection.execute("DELETE FROM about WHERE name = 'views'")
    for _ in range(2):
        with DuckDBSaver(path) as saver:
            assert saver.sql("SELECT name FROM settings").rows == [("watches",)]
            assert "breakpoint" in saver.sql("SELECT * FROM breakpoints").columns
            assert saver.load(ThreadKey("t", "g")).checkpoint.values == {"n": 1}
    assert diagnose(path).problems == []
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT name FROM about ORDER BY name").fetchall() == [("id",), ("views",)]
