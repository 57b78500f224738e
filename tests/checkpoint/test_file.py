"""One file, one owner: opening, locking, forking, failing."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.errors import FileDamagedError, FileLockedError, SaverError
from nbhitl.engine.records import Asked, Checkpoint, Position, ThreadKey

T = ThreadKey("t")


def point(i: int, **values: object) -> Checkpoint:
    return Checkpoint(f"c{i}", f"c{i - 1}" if i else None, i, "loop", {"i": i, **values}, changed=("i",))


def python(code: str, *args: str, **options: object) -> subprocess.Popen[str]:
    head = "import sys, os, time\nfrom nbhitl.checkpoint import *\nfrom nbhitl.engine.records import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(code), *args],
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def test_importing_the_room_does_not_import_duckdb():
    heavy = {"duckdb", "numpy", "pydantic", "filelock"}
    code = f"import nbhitl.checkpoint, sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_folder_is_made_and_the_file_is_found_again(tmp_path):
    path = tmp_path / "deep" / "er" / "a.duckdb"
    with DuckDBSaver(path) as saver:
        saver.commit(T, point(0))
        assert saver.path == str(path)
    assert not path.with_name("a.duckdb.wal").exists()
    with DuckDBSaver(str(path)) as saver:
        assert saver.load(T) == Position(point(0))


def test_a_database_in_memory_works():
    with DuckDBSaver(":memory:") as saver:
        saver.commit(T, point(0))
        assert saver.sql("SELECT count(*) FROM steps").rows == [(1,)]


def test_the_same_file_twice_in_a_process_is_refused(tmp_path):
    with (
        DuckDBSaver(tmp_path / "a.duckdb"),
        pytest.raises(FileLockedError, match="already open in this process"),
    ):
        DuckDBSaver(tmp_path / "a.duckdb")
    DuckDBSaver(tmp_path / "a.duckdb").close()


def test_another_process_gets_one_line_that_names_the_owner_and_a_dead_owner_is_none(tmp_path):
    path = str(tmp_path / "a.duckdb")
    owner = python("s = DuckDBSaver(sys.argv[1]); print('open', flush=True); time.sleep(60)", path)
    assert owner.stdout.readline() == "open\n"
    with pytest.raises(FileLockedError) as caught:
        DuckDBSaver(path)
    text = str(caught.value)
    assert f"process {owner.pid}" in text
    assert "another file" in text
    assert "close the other kernel" in text
    assert "\n" not in text
    assert json.loads((tmp_path / "a.duckdb.owner").read_text())["pid"] == owner.pid
    owner.kill()
    owner.wait()
    owner.stdout.close()
    DuckDBSaver(path).close()


def test_a_saver_that_nobody_closed_is_flushed_at_exit_and_does_not_hang(tmp_path):
    path = str(tmp_path / "a.duckdb")
    child = python(
        """
        saver = DuckDBSaver(sys.argv[1])
        for i in range(200):
            point = Checkpoint(f"c{i}", f"c{i-1}", i, "loop", {"i": i}, changed=("i",))
            saver.commit(ThreadKey("t"), point, wait=False)
        """,
        path,
    )
    assert child.wait(20) == 0
    child.stdout.close()
    with DuckDBSaver(path) as saver:
        assert saver.load(T).checkpoint.step == 199
    assert not (tmp_path / "a.duckdb.owner").exists()


def test_a_saver_that_is_collected_lets_the_file_go(tmp_path):
    saver = DuckDBSaver(tmp_path / "a.duckdb")
    saver.commit(T, point(0), wait=False)
    del saver
    gc.collect()
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        assert saver.load(T) == Position(point(0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("leave", ["sys.exit(0)", "os._exit(0)"])
def test_a_forked_child_is_refused_and_harms_nothing(tmp_path, leave):
    child = python(
        f"""
        saver = DuckDBSaver(sys.argv[1])
        saver.commit(ThreadKey("t"), Checkpoint("a", None, 0, "input", {{"i": 0}}))
        saver.size()  # there is a log
        child = os.fork()
        if child == 0:
            try:
                saver.load(ThreadKey("t"))
            except Exception as error:
                print(type(error).__name__, "fork" in str(error), flush=True)
            {leave}
        print(os.waitpid(child, 0)[1], flush=True)
        print(os.path.exists(sys.argv[1] + ".wal"), flush=True)
        saver.commit(ThreadKey("t"), Checkpoint("b", "a", 1, "loop", {{"i": 1}}, changed=("i",)))
        """,
        str(tmp_path / "a.duckdb"),
        stderr=subprocess.DEVNULL,
    )
    said, _ = child.communicate(timeout=20)
    assert said.split() == ["SaverError", "True", "0", "True"]
    assert child.returncode == 0
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        assert saver.load(T).checkpoint.step == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_keep_the_lock_of_a_dead_parent(tmp_path):
    path = str(tmp_path / "a.duckdb")
    owner = python(
        """
        s = DuckDBSaver(sys.argv[1])
        child = os.fork()
        if child == 0:
            os.close(1)
            time.sleep(20)
            os._exit(0)
        print(child, flush=True)
        time.sleep(60)
        """,
        path,
    )
    child = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.read()  # ends when the child has closed its end: by then it has let go of the lock
    owner.stdout.close()
    try:
        DuckDBSaver(path).close()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_first_creation_that_was_killed_leaves_no_trouble(tmp_path):
    (tmp_path / ".a.duckdb.new").write_bytes(b"half")
    (tmp_path / "a.duckdb").write_bytes(b"")
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        saver.commit(T, point(0))
    assert not (tmp_path / ".a.duckdb.new").exists()


def test_files_of_something_else_are_refused_and_left_alone(tmp_path):
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(SaverError, match="not one of nbhitl's"):
        DuckDBSaver(other)
    text = tmp_path / "text.duckdb"
    text.write_bytes(b"hello" * 5000)
    with pytest.raises(FileDamagedError, match="not changed"):
        DuckDBSaver(text)
    assert text.read_bytes() == b"hello" * 5000


def test_a_file_of_a_newer_version_is_refused_in_plain_words(tmp_path):
    DuckDBSaver(tmp_path / "a.duckdb").close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, 'later', now()::TIMESTAMP)")
    with pytest.raises(SaverError, match="newer nbhitl"):
        DuckDBSaver(tmp_path / "a.duckdb")


def test_a_writer_that_failed_says_so_at_every_later_call(tmp_path):
    saver = DuckDBSaver(tmp_path / "a.duckdb")
    saver.commit(T, point(0))
    saver._writer.put([("", "t", "", "no number", *[None] * 10)])
    for call in (
        saver.flush,
        lambda: saver.commit(T, point(1)),
        lambda: saver.commit(T, point(1), wait=False),
        lambda: saver.sql("SELECT 1"),
        saver.close,
    ):
        with pytest.raises(SaverError, match="acknowledged before is safe"):
            call()
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        assert saver.load(T) == Position(point(0))


def test_callers_are_held_up_when_too_much_waits(tmp_path, monkeypatch):
    monkeypatch.setattr("nbhitl.checkpoint.writer._HEAVIEST", 100_000)
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        most = 0
        for i in range(500):
            saver.commit(T, Checkpoint(f"c{i}", None, i, "loop", {"text": f"{i:04}" * 500}), wait=False)
            most = max(most, saver._writer._heavy)
        assert 2_000 < most < 110_000


def test_the_sequence_has_no_gaps(tmp_path):
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        for i in range(100):
            saver.commit(ThreadKey(str(i % 3)), point(i), wait=i % 7 == 0)
        assert saver.sql("SELECT count(*) = max(seq) AND count(DISTINCT seq) = count(*) FROM journal").rows == [(True,)]


def test_only_changed_channels_are_written(tmp_path):
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        for i in range(50):
            saver.commit(T, point(i, fixed="x" * 1000), wait=False)
        assert saver.sql("SELECT count(*), count(*) FILTER (octet_length(bytes) > 1000) FROM journal").rows == [(50, 1)]


def test_a_live_schema_is_stored_by_its_description(tmp_path):
    path = tmp_path / "a.duckdb"
    described = {"type": "integer", "title": "int"}
    with DuckDBSaver(path) as saver:
        saver.commit(T, point(0), [Asked("c0:0", "q", "how many?", int, described=described, schema_name="int")])
    with DuckDBSaver(path) as saver:
        (found,) = saver.load(T).asked["c0:0"]
        assert (found.schema, found.described, found.schema_name) == (described, described, "int")


def test_ctrl_c_while_waiting_leaves_a_saver_that_works(tmp_path):
    with DuckDBSaver(tmp_path / "a.duckdb") as saver:
        stop = threading.Event()

        def interrupt() -> None:
            while not stop.wait(0.004):
                os.kill(os.getpid(), signal.SIGINT)

        i = 0
        hit = 0
        worker = threading.Thread(target=interrupt)
        end = time.monotonic() + 1.5
        try:
            worker.start()
            while time.monotonic() < end:
                try:
                    i = (saver.load(T).checkpoint.step if saver.load(T) else -1) + 1
                    saver.commit(T, point(i), wait=i % 3 == 0)
                except KeyboardInterrupt:
                    hit += 1
        except KeyboardInterrupt:
            pass
        finally:
            while worker.is_alive():
                try:
                    stop.set()
                    worker.join()
                except KeyboardInterrupt:
                    pass
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(0.05)
        assert hit > 5
        steps = [p.checkpoint.step for p in saver.history(T)]
        assert steps == list(reversed(range(len(steps))))
