"""A file of every version that there was opens, reads as it was meant, and its questions can be answered."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file.schema import VERSION
from nbhitl.engine.errors import AlreadyAnsweredError
from nbhitl.engine.records import MISSING, Answered, Checkpoint, Task, ThreadKey, Wrote

GOLDEN = Path(__file__).parent / "golden"
DRAFTED = {"n": 2, "when": (dt.date(2024, 6, 7), {"é"})}


@pytest.fixture
def old(tmp_path):
    """A copy of the file of version 1; what is in it says ``golden/make_v1.py``."""
    path = tmp_path / "v1.duckdb"
    path.write_bytes(gzip.decompress((GOLDEN / "v1.duckdb.gz").read_bytes()))
    return path


def test_the_threads_of_an_old_file_load(old):
    with DuckDBSaver(old) as saver:
        assert {i.key.thread: i.status for i in saver.threads()} == {
            "finished": "finished",
            "paused": "interrupted",
            "forked": "interrupted",
            "failed": "failed",
        }
        finished = saver.load(ThreadKey("finished"))
        assert finished.checkpoint.values == {**DRAFTED, "log": ["in", "draft", "price 3.5", "review True"]}
        assert (finished.checkpoint.children, finished.checkpoint.deferred, finished.checkpoint.code) == ({}, (), "")
        failed = saver.load(ThreadKey("failed"))
        assert [(t.node, t.arg, t.origin) for t in failed.checkpoint.tasks] == [
            ("each", {"own": 0}, ""),
            ("each", {"own": 1}, ""),
        ]
        assert list(failed.wrote.values()) == [Wrote(failed.checkpoint.tasks[0].id, (("log", ["each 0"]),))]
        assert [f.text for f in failed.failed.values()] == ["ValueError: not that one"]
        assert [len(list(saver.history(i.key))) for i in saver.threads()] == [3, 6, 3, 4]
        assert [p.checkpoint.values.get("n") for p in saver.history(ThreadKey("forked"))] == [41, 40, 2, 2, 1, None]
        assert saver.breakpoints("") == {"draft": {"when": "before"}}
        assert saver.code("d") is None


def test_a_paused_thread_of_an_old_file_can_be_answered_and_goes_on(old):
    key = ThreadKey("paused")
    with DuckDBSaver(old) as saver:
        position = saver.load(key)
        (price,) = position.pending
        (review,) = position.answers.values()
        assert (price.value, price.default, price.deadline, price.ns) == ("how much?", MISSING, 0, "")
        assert (review.value, review.by, review.note) == (True, "ann", "fine")
        at = position.checkpoint
        with pytest.raises(AlreadyAnsweredError, match="by ann"):
            saver.answer(key, at.id, [Answered(review.interrupt, False)])
        saver.answer(key, at.id, [Answered(price.id, 2.5)])
        child = Checkpoint("next", at.id, at.step + 1, "loop", at.values, (Task("next:0", "price", origin="x"),))
        saver.commit(key, child)
        assert saver.newest(key, at.id).checkpoint == child
    with DuckDBSaver(old) as saver:
        assert saver.load(key).checkpoint == child
        assert saver.load(key, at.id).answers[price.id].value == 2.5


def test_an_old_file_gets_the_views_of_this_version_and_says_so(old):
    for _ in range(2):
        with DuckDBSaver(old) as saver:
            assert saver.sql("SELECT version FROM schema_migrations ORDER BY version").rows == [
                (i + 1,) for i in range(VERSION)
            ]
            assert saver.sql("SELECT thread, value, ns, deadline FROM pending_interrupts ORDER BY ALL").rows == [
                ("forked", '"how much?"', "", None),
                ("forked", '{"text":"ok?","n":41}', "", None),
                ("paused", '"how much?"', "", None),
            ]
            assert saver.sql("SELECT thread, answer, answered_by FROM answers ORDER BY ALL").rows == [
                ("finished", "3.5", ""),
                ("finished", "true", "ann"),
                ("forked", "3.5", ""),
                ("forked", "false", "ann"),
                ("paused", "true", "ann"),
            ]
            assert saver.sql("SELECT count(*) = max(seq) FROM journal").rows == [(True,)]
