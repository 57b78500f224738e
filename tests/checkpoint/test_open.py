"""What stands at a path and is no checkpoint file: told plainly, with a cure, and left as it was."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file import mark
from nbhitl.engine.errors import FileDamagedError, FileLockedError, SaverError
from nbhitl.engine.records import Checkpoint, ThreadKey


def hashes(folder):
    found = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir() if f.is_file()}
    return {name: digest for name, digest in found.items() if not name.endswith(".lock")}


def refused(path, match, kind=SaverError):
    before = hashes(path.parent)
    with pytest.raises(kind, match=match) as caught:
        DuckDBSaver(path)
    assert hashes(path.parent) == before
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "runs").mkdir()
    refused(tmp_path / "runs", "is a folder: give the path of a file")


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SaverError, match="cannot be made"):
        DuckDBSaver(tmp_path / "file" / "a.duckdb")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SaverError, match="no ordinary file"):
        DuckDBSaver(tmp_path / "pipe")


def test_an_sqlite_file_is_refused_by_its_name(tmp_path):
    connection = sqlite3.connect(tmp_path / "a.duckdb")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    refused(tmp_path / "a.duckdb", "is an SQLite file.*not changed.*another path")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"PK\3\4", "a zip file"),
        (b"PAR1", "a Parquet file"),
        (b"\x1f\x8b\x08", "gzip.*unpack"),
        (b"hello", "no checkpoint"),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, head, what):
    (tmp_path / "a.duckdb").write_bytes(head + bytes(20_000))
    refused(tmp_path / "a.duckdb", what)


def test_a_database_of_somebody_else_is_refused(tmp_path):
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
    refused(tmp_path / "a.duckdb", "not one of nbhitl's.*not changed")


def test_a_database_of_somebody_else_with_a_log_keeps_it(tmp_path):
    make = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE TABLE a (b INTEGER)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", make, str(tmp_path / "a.duckdb")], check=True)
    assert (tmp_path / "a.duckdb.wal").exists()
    refused(tmp_path / "a.duckdb", "not one of nbhitl's")


def test_a_table_of_the_same_name_is_not_enough(tmp_path):
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE schema_migrations (version VARCHAR)")
        connection.execute("CREATE TABLE journal (a INTEGER)")
    refused(tmp_path / "a.duckdb", "unknown form", FileDamagedError)


def test_a_newer_file_is_refused_and_left_alone(tmp_path):
    DuckDBSaver(tmp_path / "a.duckdb").close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, 'later', now()::TIMESTAMP)")
        connection.execute("ALTER TABLE journal_1 ADD COLUMN more INTEGER")
    refused(tmp_path / "a.duckdb", "newer nbhitl .*version 99.*upgrade nbhitl")


def test_a_file_that_a_plain_duckdb_has_open_is_told_as_in_use(tmp_path):
    DuckDBSaver(tmp_path / "a.duckdb").close()
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    words = [sys.executable, "-c", hold, str(tmp_path / "a.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        with pytest.raises(FileLockedError, match="no nbhitl"):
            DuckDBSaver(tmp_path / "a.duckdb")
        child.communicate(b"\n")
    DuckDBSaver(tmp_path / "a.duckdb").close()


def test_an_empty_file_becomes_a_checkpoint_file(tmp_path):
    (tmp_path / "a.duckdb").touch()
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        saver.commit(ThreadKey("t"), Checkpoint("c", None, 0, "loop", {"i": 0}))
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        assert len(saver.threads()) == 1


READ_ONLY = """
import os, sys
from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.errors import SaverError
if os.geteuid() == 0:  # the superuser may write everywhere
    os.setuid(65534)
try:
    DuckDBSaver(sys.argv[1])
except SaverError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def open_folder():
    """A folder that other users may look into, too."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX's")
@pytest.mark.parametrize(
    ("mode", "folder_mode", "says"),
    [
        (0o444, 0o777, "is read-only: make it writable .*nbhitl.snapshot"),
        (0o666, 0o555, "the folder .* is read-only for you.*nbhitl.snapshot"),
        (0o000, 0o777, "you may not read"),
        (None, 0o555, "the folder .* is read-only for you"),
        (None, 0o000, "cannot be looked at|read-only for you"),
    ],
)
def test_what_may_not_be_written_is_told_and_left_alone(open_folder, mode, folder_mode, says):
    place = open_folder / "place"
    place.mkdir()
    file = place / "a.duckdb"
    if mode is not None:
        DuckDBSaver(file).close()
        mark.mark_path(file).unlink()
        file.with_name("a.duckdb.lock").unlink()
        before = file.read_bytes()
        file.chmod(mode)
    place.chmod(folder_mode)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    place.chmod(0o755)
    assert done.returncode == 0, done.stderr

    assert re.match(f"SaverError .*({says})", done.stdout), done.stdout
    assert sorted(f.name for f in place.iterdir()) == ([] if mode is None else ["a.duckdb"])
    if mode is not None:
        file.chmod(0o600)
        assert file.read_bytes() == before
