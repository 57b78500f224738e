"""The exam of savers, second part: threads are deleted, copied and pruned, each with its sub-graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbhitl.engine.errors import SaverError
from nbhitl.engine.records import Answered, Asked, Checkpoint, Stopped, Task, ThreadKey, Wrote

T, OTHER = ThreadKey("t", "g"), ThreadKey("other", "g")
SUB, MEMORY = replace(T, ns="ask:c3:0"), replace(T, ns="remembers")
EARLY = replace(T, ns="ask:c1:0")


@pytest.fixture
def grown(saver):
    """A thread of five checkpoints, a branch that was left, and three sub-graphs; it asks at its newest one."""
    for key in (SUB, MEMORY, EARLY):
        saver.commit(key, Checkpoint("s0", None, -1, "input", {"x": key.ns}))
    log: list[int] = []
    for i in range(5):
        log = [*log, i]
        tasks = (Task(f"c{i}:0", "ask"),)
        wrote = Wrote(f"c{i - 1}:0", (("log", [i]),)) if i else None
        values = {"log": log, "fixed": "f"}
        made = Checkpoint(f"c{i}", f"c{i - 1}" if i else None, i - 1, "loop", values, tasks, changed=("log",))
        saver.commit(T, made, wrote=wrote, joined={"log"})
    saver.commit(T, Checkpoint("left", "c1", 1, "fork", {"log": [9]}, changed=("log", "fixed")))
    saver.commit(
        T, Checkpoint("c5", "c4", 4, "loop", {"log": log, "fixed": "g"}, (Task("c5:0", "ask"),), changed=("fixed",))
    )
    saver.append(T, "c5", [Asked("c5:0", "q", "ok?"), Stopped("interrupted")])
    saver.commit(OTHER, Checkpoint("o", None, -1, "input", {"log": []}))
    return saver


def seen(saver, key):
    return list(saver.history(key))


def test_a_deleted_thread_is_gone_with_its_sub_graphs_and_others_stay(grown, reopened):
    grown.delete_thread(T)
    for saver in (grown, reopened(grown)):
        assert [info.key for info in saver.threads()] == [OTHER]
        assert [saver.load(key) for key in (T, SUB, MEMORY)] == [None] * 3
    grown.commit(T, Checkpoint("c0", None, -1, "input", {"log": ["new"]}))
    assert [p.checkpoint.values for p in seen(grown, T)] == [{"log": ["new"]}]


def test_a_text_names_a_thread_of_a_graph_without_a_scope(saver):
    for number in range(3):
        saver.commit(ThreadKey("1"), Checkpoint(f"c{number}", f"c{number - 1}" if number else None, number, "loop"))
    saver.copy_thread("1", "2")
    saver.prune("1", keep=1)
    assert [len(seen(saver, ThreadKey(name))) for name in ("1", "2")] == [1, 3]
    saver.delete_thread("1")
    assert [info.key for info in saver.threads()] == [ThreadKey("2")]
    with pytest.raises(SaverError):
        saver.delete_thread("1")


def test_a_copy_is_the_same_and_goes_its_own_way(grown, reopened):
    copy = ThreadKey("copy", "g")
    before = seen(grown, T)
    grown.copy_thread(T, copy)
    for saver in (grown, reopened(grown)):
        assert seen(saver, copy) == before
        assert saver.load(replace(copy, ns="remembers")).checkpoint.values == {"x": "remembers"}
    grown.answer(copy, "c5", [Answered("q", "yes")])
    assert grown.load(T).answers == {}
    with pytest.raises(SaverError, match="exists already"):
        grown.copy_thread(T, copy)


@pytest.mark.parametrize("keep", [1, 2, 3, 6, 99])
def test_pruning_keeps_the_newest_along_their_parents(grown, reopened, keep):
    before = {p.checkpoint.id: p for p in seen(grown, T)}
    grown.prune(T, keep=keep)
    names = [f"c{i}" for i in range(5, max(-1, 5 - keep), -1)]
    for saver in (grown, reopened(grown)):
        assert seen(saver, T) == [before[name] for name in names]
        assert saver.load(SUB) == (None if keep < 3 else grown.load(SUB))
        assert (saver.load(EARLY) is None) == (keep < 5)
        assert saver.load(MEMORY).checkpoint.values == {"x": "remembers"}
    grown.answer(T, "c5", [Answered("q", "yes")])
    end = Checkpoint("c6", "c5", 5, "loop", {"log": [0, 1, 2, 3, 4, 5]}, changed=("log", "fixed"))
    grown.commit(T, end, wrote=Wrote("c5:0", (("log", [5]),)), joined={"log"})
    assert reopened(grown).load(T).checkpoint == end


def test_what_there_is_not_is_an_error_and_nothing_changes(grown):
    nobody = ThreadKey("nobody")
    before = seen(grown, T)
    for act in (
        lambda: grown.delete_thread(nobody),
        lambda: grown.prune(nobody),
        lambda: grown.copy_thread(nobody, ThreadKey("x")),
    ):
        with pytest.raises(SaverError, match="there is no thread nobody"):
            act()
    with pytest.raises(SaverError, match="at least the newest"):
        grown.prune(T, keep=0)
    assert seen(grown, T) == before
