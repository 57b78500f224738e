"""One owner a file: what the others are told, whatever they call the file, and what an owner leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file.lock import Ownership, note_path, owner
from nbhitl.engine.errors import FileLockedError, SaverError

HOLD = (
    "import sys; from nbhitl.checkpoint import DuckDBSaver; s = DuckDBSaver(sys.argv[1]); print(1, flush=True); input()"
)


@pytest.fixture
def held(tmp_path):
    """A file that another process has open, and that process."""
    path = tmp_path / "a.duckdb"
    environment = {**os.environ, "JPY_SESSION_NAME": "work/My\nbook.ipynb"}
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert child.stdout.readline() == b"1\n"
    yield path, child
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def refusal(path):
    with pytest.raises(FileLockedError) as caught:
        DuckDBSaver(path)
    return str(caught.value)


def test_the_refusal_is_one_line_with_the_owner_and_every_way_out(held):
    path, child = held
    text = refusal(path)
    assert "\n" not in text
    assert f"process {child.pid} (work/My book.ipynb, since " in text
    assert f"nbhitl.snapshot({str(path)!r})" in text
    assert "%graph db OTHER" in text
    assert "close the other kernel" in text


def test_the_note_tells_process_notebook_time_and_host(held):
    path, child = held
    found = owner(path)
    assert found.pop("started").startswith("20")
    assert found == {"pid": child.pid, "program": "work/My\nbook.ipynb", "host": socket.gethostname()}


def test_a_symbolic_link_is_the_same_file(held, tmp_path):
    path, child = held
    (tmp_path / "link.duckdb").symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    for other in (tmp_path / "link.duckdb", tmp_path / "folder" / "a.duckdb"):
        assert f"process {child.pid}" in refusal(other)
    assert not (tmp_path / "link.duckdb.lock").exists()


def test_a_hard_link_is_refused_and_nothing_is_changed(tmp_path):
    DuckDBSaver(tmp_path / "a.duckdb").close()
    os.link(tmp_path / "a.duckdb", tmp_path / "b.duckdb")
    before = (tmp_path / "b.duckdb").read_bytes()
    for name in ("a.duckdb", "b.duckdb"):
        with pytest.raises(SaverError, match="2 names.*lose rows.*symbolic link"):
            DuckDBSaver(tmp_path / name)
    assert (tmp_path / "b.duckdb").read_bytes() == before
    assert not (tmp_path / "b.duckdb.lock").exists()
    (tmp_path / "b.duckdb").unlink()
    DuckDBSaver(tmp_path / "a.duckdb").close()


def test_the_note_of_a_dead_owner_is_no_owner(held):
    path, child = held
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert owner(path)["pid"] == child.pid
    with DuckDBSaver(path):
        assert owner(path)["pid"] == os.getpid()
    assert owner(path) is None


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        "null",
        '{"pid": "1"}',
        '{"pid": 1, "program": [], "started": ""}',
        '{"pid": 999999999999999999999, "program": "x", "started": "y"}',
    ],
)
def test_a_note_that_says_nothing_sensible_still_leaves_one_plain_line(held, note):
    path, _ = held
    note_path(path).write_text(note)
    text = refusal(path)
    assert "in use by" in text
    assert "\n" not in text


def test_the_note_of_another_host_names_it(held):
    path, _ = held
    note_path(path).write_text(json.dumps({"pid": 7, "program": "x.ipynb", "started": "now", "host": "far"}))
    assert "process 7 on far (x.ipynb, since now)" in refusal(path)


def test_a_number_that_another_process_has_by_now_does_not_keep_the_file(tmp_path):
    path = tmp_path / "a.duckdb"
    DuckDBSaver(path).close()
    note_path(path).write_text(json.dumps({"pid": os.getppid(), "program": "x", "started": "y"}))
    DuckDBSaver(path).close()


def test_a_note_about_a_process_that_is_gone_is_not_repeated(held):
    path, _ = held
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    note_path(path).write_text(json.dumps({"pid": gone.pid, "program": "x", "started": "y"}))
    assert f"process {gone.pid}" not in refusal(path)


def test_a_lock_that_cannot_be_made_is_told_with_a_cure(tmp_path):
    (tmp_path / "a.duckdb.lock").mkdir()
    with pytest.raises(SaverError, match="cannot be made .*give a path"):
        DuckDBSaver(tmp_path / "a.duckdb")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.duckdb.lock"]


def test_a_note_that_cannot_be_written_lets_the_lock_go(tmp_path):
    (tmp_path / "a.duckdb.owner").mkdir()
    for _ in range(2):
        with pytest.raises(SaverError, match="cannot be written"):
            Ownership(tmp_path / "a.duckdb")
