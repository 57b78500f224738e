"""The exam that every saver sits, second part: sub-graphs, branches, what a checkpoint's id is worth, code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.engine.errors import AlreadyAnsweredError, SaverError, UnknownInterruptError, UnstorableValueError
from nbhitl.engine.records import (
    MISSING,
    Answered,
    Asked,
    Checkpoint,
    Continued,
    Entered,
    Entry,
    Held,
    Kept,
    Position,
    Reopened,
    Retried,
    Send,
    Stopped,
    Superseded,
    Task,
    ThreadKey,
    Wrote,
)

T = ThreadKey("t", "g")
NS = "review:abc-0001:0|ask:def-0002:1"
ODD_NS = ["s", NS, "naïve|\N{SNOWMAN}:1", "\ud800", "\x00u", "a" * 500, "'; DROP TABLE journal --", " ", "S"]
FIRST = Checkpoint("a", None, -1, "input", {"n": 1}, (Task("a:0", "review"), Task("a:1", "price")), changed=("n",))


def chain(saver, key, *links):
    """Commit ``child parent`` pairs, e.g. ``"b a"``."""
    for i, link in enumerate(links):
        id_, _, parent = link.partition(" ")
        saver.commit(key, Checkpoint(id_, parent or None, i, "loop", {"at": id_}, changed=("at",)), wait=False)


def test_what_a_checkpoint_says_of_sub_graphs_branches_and_code_comes_back(saver, reopened):
    tasks = (
        Task("c:0", "plain"),
        Task("c:1", "sent", {"i": 1}),
        Task("c:2", "again", origin="a:0"),
        Task("c:3", "sent", None, "a:1"),
        Task("c:4", "sent", 1),
    )
    full = Checkpoint(
        "c",
        None,
        3,
        "fork",
        {"a": None},
        tasks,
        deferred=("late", "later"),
        children={"memory:x": "m-0004", "": "\ud800"},
        code="5f",
    )
    saver.commit(T, full)
    assert saver.load(T) == Position(full)
    found = reopened(saver).load(T)
    assert found == Position(full)
    assert found.checkpoint.tasks[0].arg is MISSING
    assert found.checkpoint.tasks[2].arg is MISSING
    assert found.checkpoint.tasks[3].arg is None


def test_every_kind_of_entry_comes_back_in_order(saver, reopened):
    entries = [
        Entered("a:0", 0, NS, "s-0001", "r-0003", True, True),
        Entered("a:0", 1, "x"),
        Asked("a:0", "q1", "ok?", node="review/ask", ns=NS, head="s-0002", deadline=10**15, default=None),
        Asked("a:0", "q1", "ok?", node="review/ask", ns=NS, head="s-0003", deadline=10**15, default=None),
        Asked("a:1", "q2", {"v": (1, {2})}, {"type": "string"}, "S", 3, "k", "key k", 9, {"type": "string"}),
        Asked("a:1", "q3", None, default={"x": (1,)}),
        Superseded("q2", "q3"),
        Superseded("q3"),
        Asked("a:1", "q3", None, default={"x": (1,)}),
        Reopened("a:1"),
        Held("a:1", "before price"),
        Retried("a:0", 1, "ConnectionError", "ConnectionError: x", 7_000_000, 5_000_000),
        Retried("a:1", 3, "ValueError", "ValueError: \ud800", first=5, handled=True),
        Kept("a:0", "fit", {"model": (1, 2.5), "\ud800": {3}}),
        Kept("a:0", "", None),
        Stopped("breakpoint", "before price", 5, {"review": "1f"}),
        Continued(6, True),
        Held("a:0", "after review"),
        Answered("q1", False, via="deadline", at=7),
    ]
    saver.commit(T, FIRST, entries[:5])
    saver.append(T, "a", entries[5:9], wait=False)
    saver.append(T, "a", entries[9:])
    expected = Position(FIRST).after(entries)
    assert saver.load(T) == expected
    found = reopened(saver).load(T)
    assert found == expected
    assert found.asked["a:0"][0].default is None
    assert found.asked["a:1"][0].default is MISSING


SAMPLES = {
    str: "text",
    int: 7,
    bool: True,
    Any: (1, {2}),
    str | None: "some",
    Mapping[str, Any] | None: {"type": "string"},
    Mapping[str, Any]: {"v": (1,)},
    Mapping[str, str]: {"k": "v"},
    Mapping[str, frozenset[str]]: {"e": frozenset({"p", "q"})},
    tuple[str, ...]: ("x", "y"),
    tuple[tuple[str, Any], ...]: (("v", (1,)), ("v", None)),
    tuple[str | Send, ...]: ("x", Send("y", (1,))),
    tuple[Task, ...]: (Task("c:0", "n", (1,), "a:0"),),
    BaseException | None: None,
}


def full(cls, **given):
    """A record with a value of its own in every field."""
    hints = get_type_hints(cls)
    return cls(**{
        name: given[name] if name in given else get_args(hint)[-1] if get_origin(hint) is Literal else SAMPLES[hint]
        for name, hint in hints.items()
    })  # fmt: skip


@pytest.mark.parametrize("cls", get_args(Entry), ids=lambda cls: cls.__name__)
def test_no_field_of_an_entry_is_forgotten(saver, reopened, cls):
    entry = full(cls, schema={"type": "string"}) if cls is Asked else full(cls)
    saver.commit(T, full(Checkpoint), [entry])
    expected = Position(full(Checkpoint)).after([entry])
    assert saver.load(T) == expected
    assert reopened(saver).load(T) == expected


def test_sub_graphs_have_lines_of_their_own_whatever_they_are_called(saver, reopened):
    lines = [ThreadKey("t", "g", ns) for ns in ["", *ODD_NS]]
    for i, key in enumerate(lines):
        saver.commit(key, FIRST, [Asked("a:0", "q", i)], wait=False)
        saver.commit(key, Checkpoint("b", "a", 0, "loop", {"i": i}, changed=("n", "i")), [Stopped("finished", str(i))])
        saver.answer(key, "a", [Answered("q", i)])
        saver.append(key, "a", [Stopped("interrupted", str(i))])
    for seen in (saver, reopened(saver)):
        for i, key in enumerate(lines):
            newest, oldest = seen.history(key)
            assert newest == seen.load(key) == seen.newest(key, "a")
            assert oldest == seen.load(key, "a")
            assert newest.checkpoint.values == {"i": i}
            assert newest.stopped.text == oldest.stopped.text == str(i)
            assert oldest.answers == {"q": Answered("q", i)}
            with pytest.raises(AlreadyAnsweredError):
                seen.answer(key, "a", [Answered("q", -1)])
        assert [info.key for info in seen.threads()] == [lines[0]]


def test_a_question_that_stands_at_several_positions_is_answered_at_each_on_its_own(saver, reopened):
    sub = ThreadKey("t", "g", NS)
    fork = Checkpoint("f", "a", -1, "fork", {"n": 1}, (Task("f:0", "review", origin="a:0"),))
    saver.commit(T, FIRST, [Asked("a:0", "q", "ok?", node="review/ask", ns=NS, head="s")])
    saver.commit(sub, Checkpoint("s", None, 0, "input", tasks=(Task("s:0", "ask"),)), [Asked("s:0", "q", "ok?")])
    saver.commit(T, fork, [Asked("f:0", "q", "ok?", node="review/ask", ns="other", head="s")])
    for key, at, value in ((T, "f", 1), (sub, "s", 2), (T, "a", 3)):
        assert not saver.load(key, at).answers
        saver.answer(key, at, [Answered("q", value)])
    reopened(saver)
    for key, at, value in ((T, "f", 1), (sub, "s", 2), (T, "a", 3)):
        assert saver.load(key, at).answers["q"].value == value


@pytest.mark.parametrize(
    ("entry", "why"),
    [(Superseded("q", "q2"), "'q2' took its place"), (Superseded("q"), "done"), (Wrote("a:0"), "done")],
)
def test_a_question_that_is_no_longer_open_takes_no_answer(saver, entry, why):
    saver.commit(T, FIRST, [Asked("a:0", "q", "ok?"), Asked("a:1", "q2", "how much?"), entry])
    before = saver.load(T)
    with pytest.raises(UnknownInterruptError, match=rf"'q' is no longer open.*{why}.*Open: 'q2'"):
        saver.answer(T, "a", [Answered("q2", 1), Answered("q", True)])
    assert saver.load(T) == before
    saver.answer(T, "a", [Answered("q2", 1)])
    with pytest.raises(UnknownInterruptError, match=r"Nothing is pending"):
        saver.answer(T, "a", [Answered("q", True)])


def test_a_superseded_question_that_is_asked_again_takes_an_answer(saver):
    saver.commit(T, FIRST, [Asked("a:0", "q", "ok?"), Superseded("q"), Asked("a:0", "q", "ok?")])
    saver.answer(T, "a", [Answered("q", True)])
    assert saver.load(T).answers["q"].value is True


def test_a_second_checkpoint_of_an_id_is_refused_and_nothing_is_written(saver, reopened):
    saver.commit(T, FIRST, [Stopped("finished")])
    for again in (saver, reopened(saver)):
        with pytest.raises(SaverError, match="has a checkpoint 'a' already"):
            again.commit(T, Checkpoint("a", "a", 5, "loop", {"n": 2}), [Continued()])
        assert list(again.history(T)) == [Position(FIRST).after([Stopped("finished")])]
    saver.commit(ThreadKey("t", "g", NS), FIRST)
    saver.commit(ThreadKey("t"), FIRST)
    assert saver.load(ThreadKey("t")) == Position(FIRST)


def test_what_is_unknown_is_none_to_a_reader_and_an_error_to_a_writer(saver):
    for key in (T, ThreadKey("t", "g", NS)):
        assert saver.load(key) is saver.load(key, "a") is saver.newest(key, "a") is None
        assert list(saver.history(key)) == []
        with pytest.raises(SaverError, match="no checkpoint 'a'"):
            list(saver.history(key, before="a"))
        with pytest.raises(SaverError, match="no checkpoint 'a'"):
            saver.append(key, "a", [Continued()], wait=False)
        with pytest.raises(SaverError, match="no checkpoint 'a'"):
            saver.answer(key, "a", [Answered("q", 1)])
    saver.commit(T, FIRST)
    for unknown in ("", "b", "A"):
        assert saver.load(T, unknown) is saver.newest(T, unknown) is None
        with pytest.raises(SaverError, match="no checkpoint"):
            saver.append(T, unknown, [Continued()])
    assert list(saver.history(T)) == [Position(FIRST)]


def test_the_newest_since_a_checkpoint_is_its_youngest_descendant(saver, reopened):
    sub = ThreadKey("t", "g", NS)
    # a - b - c - h        the parent of "n" stands in another line
    #   \ d - f   \ g
    chain(saver, T, "a", "b a", "c b", "d a", "f d", "g b", "h c", "n elsewhere", "o n")
    chain(saver, sub, "b elsewhere", "x b")
    expected = {"a": "h", "b": "h", "c": "h", "d": "f", "f": "f", "g": "g", "h": "h", "n": "o", "o": "o"}
    for seen in (saver, reopened(saver)):
        assert {since: seen.newest(T, since).checkpoint.id for since in expected} == expected
        assert all(seen.newest(T, since) == seen.load(T, newest) for since, newest in expected.items())
        assert seen.newest(sub, "b") == seen.load(sub)
        assert seen.newest(sub, "a") is seen.newest(T, "elsewhere") is None
    chain(saver, T, "p f")
    assert saver.newest(T, "a").checkpoint.id == saver.newest(T, "d").checkpoint.id == "p"
    assert saver.newest(T, "b").checkpoint.id == "h"


def test_the_newest_checkpoint_brings_what_happened_at_it(saver):
    saver.commit(T, FIRST, [Asked("a:0", "q", "ok?")], wait=False)
    saver.append(T, "a", [Kept("a:0", "k", 1)], wait=False)
    assert saver.newest(T, "a") == saver.load(T)
    assert saver.newest(T, "a").kept == {"a:0": {"k": 1}}


def test_odd_parents_are_no_trap(saver):
    chain(saver, T, "a b", "b a", "c c", "d nowhere", "e d")
    assert saver.newest(T, "c").checkpoint.id == "c"
    assert saver.newest(T, "e").checkpoint.id == "e"
    assert saver.newest(T, "a").checkpoint.id == "b"


def test_code_is_remembered_once_for_a_digest(saver, reopened):
    assert saver.code("d1") is None
    saver.remember_code("d1", {"review": "1f", "\ud800": ""})
    saver.remember_code("d1", {"review": "other"})
    saver.remember_code("", {})
    for seen in (saver, reopened(saver)):
        assert seen.code("d1") == {"review": "1f", "\ud800": ""}
        assert seen.code("") == {}
        assert seen.code("d2") is None
        assert seen.threads() == []
        seen.remember_code("d1", {"review": "yet another"})
    saver.code("d1")["review"] = "changed from outside"
    assert saver.code("d1") == {"review": "1f", "\ud800": ""}
    if isinstance(saver, DuckDBSaver):
        rows = saver.sql("SELECT key FROM journal WHERE kind = 'code' ORDER BY seq").rows
        assert rows == [("d1",), ("",)]


def test_code_is_durable_with_the_next_record_that_is(durable):
    durable.remember_code("d1", {"review": "1f"})
    durable.commit(T, Checkpoint("a", None, 0, "input", code="d1"))
    assert durable.sql("SELECT kind FROM journal ORDER BY seq").rows == [("code",), ("checkpoint",)]


def test_a_checkpoint_brings_all_that_happened_at_it_in_one_call(saver, reopened):
    entries = [
        Wrote("a:1", (("n", 2),)),
        Asked("a:0", "q", "ok?"),
        Answered("q", "yes", "ann"),
        Asked("a:0", "q2", "sure?", default=1),
        Kept("a:0", "k", [1]),
        Entered("a:0", 0, NS, "s"),
        Superseded("q2"),
        Stopped("interrupted"),
    ]
    saver.commit(T, FIRST)
    fork = Checkpoint("f", "a", -1, "fork", {"n": 1}, FIRST.tasks)
    saver.commit(T, fork, entries, wait=False)
    assert saver.load(T) == Position(fork).after(entries)
    assert reopened(saver).load(T) == Position(fork).after(entries)
    assert saver.load(T, "a") == Position(FIRST)
    with pytest.raises(AlreadyAnsweredError, match="by ann"):
        saver.answer(T, "f", [Answered("q", "no")])


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (Kept("a:0", "fit", [{"x": print}]), "the result of 'fit'[0]['x']"),
        (Asked("a:0", "q", "ok?", default=(print,)), "the default answer to 'q'[0]"),
        (Asked("a:0", "q", {"v": print}), "the question 'q'['v']"),
        (Answered("q", [print]), "the answer to 'q'[0]"),
        (Wrote("a:0", (("n", {1: print}),)), "state['n'][1]"),
    ],
)
def test_a_checkpoint_and_its_entries_are_written_together_or_not_at_all(durable, reopened, entry, path):
    durable.commit(T, FIRST)
    fork = Checkpoint("f", "a", -1, "fork", {"n": 7}, FIRST.tasks, changed=("n",))
    for write in (
        lambda: durable.commit(T, fork, [Stopped("finished"), entry]),
        lambda: durable.append(T, "a", [Stopped("finished"), entry]),
    ):
        with pytest.raises(UnstorableValueError) as caught:
            write()
        assert caught.value.path == path
        assert durable.load(T) == Position(FIRST)
    assert list(reopened(durable).history(T)) == [Position(FIRST)]
    durable.commit(T, fork)
    assert durable.load(T) == Position(fork)


def test_one_call_is_one_group_of_rows_for_the_writer(durable, monkeypatch):
    put, groups = durable._writer.put, []
    monkeypatch.setattr(durable._writer, "put", lambda rows, **how: (groups.append(len(rows)), put(rows))[1])
    durable.commit(T, FIRST, [Asked("a:0", "q", "ok?"), Answered("q", 1), Stopped("finished")])
    assert groups == [4]


def test_what_has_its_default_costs_no_bytes(durable):
    durable.commit(T, FIRST, [Asked("a:0", "q", "ok?"), Answered("q", 1), Superseded("q"), Held("a:0", "x")])
    sizes = dict(durable.sql("SELECT kind, octet_length(bytes) FROM journal WHERE kind != 'value'").rows)
    assert sizes["checkpoint"] < 60
    assert sizes["asked"] < 40
    assert sizes["answered"] < 40
    assert sizes["superseded"] < 30
    assert sizes["held"] < 30


def test_finding_the_newest_reads_one_position_however_many_lie_between(durable, reopened, monkeypatch):
    chain(durable, T, "a", *(f"b{i} {'a' if i == 0 else f'b{i - 1}'}" for i in range(300)))
    reopened(durable)
    read, journal = [], durable._journal
    original = journal.read
    monkeypatch.setattr(journal, "read", lambda *given: (read.append(1), original(*given))[1])
    assert durable.newest(T, "a").checkpoint.id == "b299"
    assert len(read) < 40, "only the rows since the last full one"
