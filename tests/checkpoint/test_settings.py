"""What is remembered beside a thread or a graph, in both savers."""

from __future__ import annotations

import subprocess
import sys
import threading

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file.copies import snapshot
from nbhitl.checkpoint.file.doctor import diagnose
from nbhitl.engine.errors import FileDamagedError, SaverError, UnstorableValueError
from nbhitl.engine.records import MISSING, Checkpoint, ThreadKey

T = ThreadKey("t", "g")
GRAPH = ThreadKey("", "g")


def begin(saver, key=T, n=1):
    for i in range(n):
        saver.commit(key, Checkpoint(f"c{i}", f"c{i - 1}" if i else None, i, "loop", {"i": i}, changed=("i",)))


def test_there_are_no_settings_at_first(saver):
    assert saver.settings(T) == {}
    assert saver.settings(GRAPH) == {}


def test_the_last_value_of_each_name_counts_also_after_reopening(saver, reopened):
    saver.set_setting(T, "hits", {"before draft": 1})
    saver.set_setting(T, "hits", {"before draft": 2})
    saver.set_setting(T, "branches", {"c1": "shorter"})
    expected = {"hits": {"before draft": 2}, "branches": {"c1": "shorter"}}
    assert saver.settings(T) == expected
    assert reopened(saver).settings(T) == expected


def test_graphs_and_threads_do_not_mix_and_sub_graphs_share_their_thread_s(saver, reopened):
    for i, key in enumerate([T, GRAPH, ThreadKey("t", ""), ThreadKey("", ""), ThreadKey("u", "g")]):
        saver.set_setting(key, "n", i)
    reopened(saver)
    found = [saver.settings(key) for key in (T, GRAPH, ThreadKey("t", ""), ThreadKey("", ""), ThreadKey("u", "g"))]
    assert found == [{"n": i} for i in range(5)]
    assert saver.settings(ThreadKey("t", "g", "review:1")) == {"n": 0}
    saver.set_setting(ThreadKey("t", "g", "review:1"), "n", "new")
    assert saver.settings(T) == {"n": "new"}


def test_missing_removes_a_setting(saver, reopened):
    saver.set_setting(T, "a", None)
    saver.set_setting(T, "b", 1)
    saver.set_setting(T, "a", MISSING)
    saver.set_setting(T, "never set", MISSING)
    assert saver.settings(T) == {"b": 1}
    assert reopened(saver).settings(T) == {"b": 1}
    saver.set_setting(T, "a", 3)
    assert reopened(saver).settings(T) == {"a": 3, "b": 1}


def test_settings_make_no_thread_and_move_none(saver, reopened):
    saver.set_setting(ThreadKey("new", "g"), "hits", {})
    assert saver.threads() == []
    begin(saver, T)
    begin(saver, ThreadKey("later", "g"))
    saver.set_setting(T, "hits", {"x": 1})
    assert [info.key.thread for info in saver.threads()] == ["later", "t"]
    assert reopened(saver).load(T).checkpoint.values == {"i": 0}
    begin(saver, ThreadKey("new", "g"))
    assert reopened(saver).settings(ThreadKey("new", "g")) == {"hits": {}}


def test_settings_go_with_their_thread_and_those_of_the_graph_stay(saver, reopened):
    begin(saver)
    saver.set_setting(T, "hits", {"x": 1})
    saver.set_setting(GRAPH, "watches", ["i"])
    saver.delete_thread(T)
    assert saver.settings(T) == {}
    assert reopened(saver).settings(T) == {}
    assert saver.settings(GRAPH) == {"watches": ["i"]}


def test_a_copied_thread_has_the_settings_too_and_they_part_from_there(saver, reopened):
    begin(saver)
    copy = ThreadKey("copy", "g")
    saver.set_setting(T, "hits", {"x": 1})
    assert saver.settings(copy) == {}
    saver.copy_thread(T, copy)
    saver.set_setting(T, "hits", {"x": 2})
    reopened(saver)
    assert (saver.settings(copy), saver.settings(T)) == ({"hits": {"x": 1}}, {"hits": {"x": 2}})


def test_pruning_keeps_the_settings(saver, reopened):
    begin(saver, n=3)
    for i in range(5):
        saver.set_setting(T, "hits", {"x": i})
    saver.set_setting(T, "gone", 1)
    saver.set_setting(T, "gone", MISSING)
    begin(saver, ThreadKey("other", "g"))
    saver.prune(T, keep=1)
    assert saver.settings(T) == {"hits": {"x": 4}}
    assert reopened(saver).settings(T) == {"hits": {"x": 4}}
    assert [position.checkpoint.id for position in saver.history(T)] == ["c2"]


def test_odd_names_are_only_names(saver, reopened, attacks):
    names = [name for name in attacks["ids_thread_checkpoint_ns"] if isinstance(name, str)]
    names += ["", "\ud800", "\x00", "\x00ud", "'; DROP TABLE journal_1 --"]
    for name in names:
        saver.set_setting(ThreadKey(name, name), name, name)
    reopened(saver)
    for name in names:
        assert saver.settings(ThreadKey(name, name)) == {name: name}


def test_whoever_reads_a_stored_setting_gets_a_value_of_his_own(durable):
    durable.set_setting(T, "watches", ["i"])
    durable.settings(T)["watches"].append("j")
    assert durable.settings(T) == {"watches": ["i"]}


def test_what_cannot_be_stored_is_refused_and_changes_nothing(durable):
    durable.set_setting(T, "hits", 1)
    with pytest.raises(UnstorableValueError, match="hits"):
        durable.set_setting(T, "hits", threading.Lock())
    assert durable.settings(T) == {"hits": 1}


def test_the_same_value_again_writes_no_row(durable):
    durable.set_setting(T, "hits", {"x": 1})
    rows = durable._reader.rows("SELECT count(*) FROM journal")
    durable.set_setting(T, "hits", {"x": 1})
    assert durable._reader.rows("SELECT count(*) FROM journal") == rows


def test_settings_outlive_compacting_and_a_closed_saver_says_so(durable):
    begin(durable)
    durable.set_setting(T, "hits", {"x": 1})
    durable.compact()
    assert durable.settings(T) == {"hits": {"x": 1}}
    durable.close()
    for call in (lambda: durable.settings(T), lambda: durable.set_setting(T, "a", 1)):
        with pytest.raises(SaverError, match="closed"):
            call()


def test_a_snapshot_and_the_doctor_see_settings(tmp_path):
    file = tmp_path / "t.duckdb"
    with DuckDBSaver(file) as saver:
        saver.set_setting(GRAPH, "watches", ["i"])
        saver.set_setting(T, "hits", {"x": 1})
        begin(saver, n=2)
        saver.set_setting(T, "hits", MISSING)
        with snapshot(file) as seen:
            assert seen.settings(GRAPH) == {"watches": ["i"]}
            assert seen.sql("SELECT name FROM settings").rows == [("watches",)]
    assert diagnose(file).problems == []


def test_a_killed_kernel_loses_no_setting(tmp_path):
    file = tmp_path / "t.duckdb"
    code = (
        "import os, sys; from nbhitl.checkpoint import DuckDBSaver; from nbhitl.engine.records import ThreadKey;"
        "s = DuckDBSaver(sys.argv[1]); s.set_setting(ThreadKey('t', 'g'), 'hits', {'x': 7}); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode == 9
    with DuckDBSaver(file) as saver:
        assert saver.settings(T) == {"hits": {"x": 7}}


def test_salvage_keeps_settings_and_tells_a_thread_s_last_step_all_the_same(tmp_path):
    file = tmp_path / "t.duckdb"
    with DuckDBSaver(file) as saver:
        saver.set_setting(GRAPH, "watches", ["i"])
        begin(saver, n=4)
        saver.set_setting(T, "hits", {"x": 1})
        begin(saver, ThreadKey("broken", "g"), n=3)
    with duckdb.connect(str(file)) as connection:  # behind our back
        connection.execute("DELETE FROM journal_1 WHERE thread = 'broken' AND step = 1")
    with pytest.raises(FileDamagedError, match="those that ran last now end: thread 't' of graph 'g' at step 3"):
        DuckDBSaver(file)
    with DuckDBSaver(file) as saver:
        assert saver.settings(GRAPH) == {"watches": ["i"]}
        assert saver.settings(T) == {"hits": {"x": 1}}
        assert saver.load(T).checkpoint.values == {"i": 3}
