"""The file of a `DuckDBStore`: what it keeps, who may have it, and how it can be looked at."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from nbhitl import DuckDBSaver, DuckDBStore, FileLockedError, SaverError, StoreError
from nbhitl.store import PutOp
from tests.store import letters

HOME = ("memories", "anna")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "store.duckdb"


def test_what_was_put_is_there_when_the_file_is_opened_again(path):
    index = {"dims": 6, "embed": letters.embed}
    with DuckDBStore(path, index=index) as store:
        store.put(HOME, "1", {"t": "aaa"})
        store.put(HOME, "2", {"t": "bbb"}, ttl=1000)
    with DuckDBStore(path, index=index) as store:
        assert [item.key for item in store.search((), query="bbb")] == ["2", "1"]
        store.put(HOME, "3", {})
        assert [item.key for item in store.search(())] == ["1", "2", "3"]


def test_each_put_is_durable_when_it_returns(path):
    code = (
        "import os, sys; from nbhitl import DuckDBStore; store = DuckDBStore(sys.argv[1]);"
        "store.put(('a',), 'k', {'n': 1}); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == 9
    with DuckDBStore(path) as store:
        assert store.get(("a",), "k").value == {"n": 1}


def test_two_cannot_have_one_file(path):
    with DuckDBStore(path):
        with pytest.raises(FileLockedError, match="already open in this process"):
            DuckDBStore(path)
        code = "import sys; from nbhitl import DuckDBStore; DuckDBStore(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert f"is in use by process {os.getpid()}" in done.stderr
    with DuckDBStore(path) as store:
        assert store.search(()) == []


def test_a_store_and_a_saver_have_a_file_each(tmp_path):
    saver, file = DuckDBSaver(tmp_path / "runs.duckdb"), tmp_path / "runs.duckdb"
    with pytest.raises(FileLockedError, match="already open"):
        DuckDBStore(file)
    saver.close()
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"is no store's file, and was not changed.*DuckDBStore\('.*store.duckdb'\)"):
        DuckDBStore(file)
    assert file.read_bytes() == before
    DuckDBSaver(file).close()
    with DuckDBStore(tmp_path / "store.duckdb") as store:
        store.put(HOME, "k", {"n": 1})
    with pytest.raises(SaverError, match="not one of nbhitl's"):
        DuckDBSaver(tmp_path / "store.duckdb")
    with DuckDBStore(tmp_path / "store.duckdb") as store:
        assert store.get(HOME, "k").value == {"n": 1}


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("my notes, which are longer than nothing at all")
    with pytest.raises((StoreError, SaverError), match="notes.txt"):
        DuckDBStore(file)
    assert file.read_text().startswith("my notes")


def test_the_items_can_be_asked_for_with_sql(path):
    with DuckDBStore(path) as store:
        store.put(HOME, "food", {"likes": "pizza", "stars": 4})
        store.put(("a",), "short", {}, ttl=0.0001)
        store.put(("a",), "big", {"n": 10**30, "t": "\x00é"})
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "SELECT namespace, key, value->>'likes', created_at <= now(), expires_at IS NULL FROM store_items "
            "WHERE namespace[1] = 'memories'"
        ).fetchall()
        assert rows == [(["memories", "anna"], "food", "pizza", True, True)]
        assert connection.execute("SELECT count(*) FROM store_items WHERE key = 'big'").fetchone() == (1,)


def test_a_closed_store_says_so_and_closing_twice_is_fine(path):
    store = DuckDBStore(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match=r"is closed: open it again with DuckDBStore\("):
        store.get(HOME, "k")


def test_a_store_that_nobody_holds_lets_its_file_go(path):
    store = DuckDBStore(path)
    del store
    DuckDBStore(path).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_is_refused_and_does_not_harm_the_file(path):
    with DuckDBStore(path) as store:
        store.put(HOME, "k", {"n": 1})
        child = os.fork()
        if child == 0:
            try:
                store.put(HOME, "k", {"n": 2})
            except StoreError as error:
                os._exit(7 if "forked" in str(error) else 8)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        store.put(HOME, "k", {"n": 3})
        assert store.get(HOME, "k").value == {"n": 3}


def test_a_batch_that_the_database_cannot_do_is_not_done_at_all(path, monkeypatch):
    from nbhitl.store import table

    with DuckDBStore(path) as store:
        store.put(HOME, "old", {"n": 1})
        monkeypatch.setattr(table, "INSERT", "INSERT INTO nowhere VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        with pytest.raises(StoreError, match="nothing was changed"):
            store.batch([PutOp(HOME, "old", {"n": 2}), PutOp(HOME, "new", {})])
        monkeypatch.undo()
        assert store.get(HOME, "old").value == {"n": 1}
        store.put(HOME, "new", {})
        assert len(store.search(())) == 2


def test_vectors_of_another_model_are_no_use_and_do_no_harm(path):
    with DuckDBStore(path, index={"dims": 6, "embed": letters.embed}) as store:
        store.put(HOME, "1", {"t": "aaa"})
    with DuckDBStore(path, index={"dims": 2, "embed": lambda texts: [[1.0, 0.0] for _ in texts]}) as store:
        store.put(HOME, "2", {"t": "aaa"})
        assert [(i.key, i.score) for i in store.search((), query="a")] == [("2", 1.0), ("1", None)]


def test_a_path_may_begin_with_a_home_and_be_relative(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with DuckDBStore("~/one.duckdb") as one, DuckDBStore("two.duckdb") as two:
        assert (one.path, two.path) == (str(tmp_path / "one.duckdb"), str(tmp_path / "two.duckdb"))
    assert Path("one.duckdb").exists()
    assert "one.duckdb" in os.listdir(tmp_path)
