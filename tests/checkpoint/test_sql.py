"""A user's SQL: the views answer, and nothing else is let through."""

from __future__ import annotations

import contextlib
import time

import pytest

from nbhitl.checkpoint.file.schema import VIEWS
from nbhitl.engine.errors import QueryRefused
from nbhitl.engine.records import MISSING, Answered, Asked, Checkpoint, Send, Stopped, Task, ThreadKey, Wrote

T = ThreadKey("t", "g")


@pytest.fixture
def told(durable):
    """A thread with a step, an answered and a pending question, and a branch that is the current one."""
    tasks = (Task("a:0", "draft"), Task("a:1", "review"))
    durable.commit(T, Checkpoint("a", None, -1, "input", {"n": 1, "kept": "k"}, tasks, changed=("n", "kept"), at=10**6))
    durable.append(T, "a", [Wrote("a:0", (("n", 2), ("big", {"x": [1]})), ("end", Send("fan", 1)))])
    durable.append(T, "a", [Asked("a:1", "q", {"text": "ok?"}, {"type": "boolean"}, at=2 * 10**6)])
    durable.append(T, "a", [Asked("a:1", "q", {"text": "ok?"}, {"type": "boolean"}, at=3 * 10**6)])
    durable.answer(T, "a", [Answered("q", False, "ann", "form", "no!", 4 * 10**6)])
    durable.commit(T, Checkpoint("b", "a", 0, "loop", {"n": 2, "kept": "k"}, ran=("draft",), changed=("n",)))
    fork = Checkpoint("f", "a", 0, "fork", {"n": 9, "kept": "k"}, (Task("f:0", "review"),), changed=("n",))
    durable.commit(T, fork, [Asked("f:0", "q2", "again?", at=5), Stopped("interrupted", at=6)])
    return durable


def test_the_views_tell_the_thread(told):
    def rows(sql):
        return told.sql(sql).rows

    assert rows("SELECT graph, thread, status, step, checkpoints FROM threads") == [("g", "t", "interrupted", 0, 3)]
    assert rows("SELECT branch, step, checkpoint, parent, source, ran, next, changed FROM steps") == [
        (0, -1, "a", None, "input", [], ["draft", "review"], ["n", "kept"]),
        (0, 0, "b", "a", "loop", ["draft"], [], ["n"]),
        (1, 0, "f", "a", "fork", [], ["review"], ["n"]),
    ]
    assert rows("SELECT branch, step, key, value FROM state ORDER BY ALL") == [
        (0, -1, "kept", '"k"'),
        (0, -1, "n", "1"),
        (0, 0, "kept", '"k"'),
        (0, 0, "n", "2"),
        (1, 0, "kept", '"k"'),
        (1, 0, "n", "9"),
    ]
    assert rows("SELECT checkpoint, node, key, value FROM writes") == [
        ("a", "draft", "n", "2"),
        ("a", "draft", "big", '{"x":[1]}'),
    ]
    assert rows("SELECT node, interrupt, value, epoch_us(asked_at), epoch_us(answered_at) FROM interrupts") == [
        ("review", "q", '{"text":"ok?"}', 2 * 10**6, 4 * 10**6),
        ("review", "q2", '"again?"', 5, None),
    ]
    assert rows("SELECT thread, step, node, interrupt, value, schema FROM pending_interrupts") == [
        ("t", 0, "review", "q2", '"again?"', "null")
    ]
    assert rows("SELECT interrupt, question ->> 'text', answer, answered_by, via, note FROM answers") == [
        ("q", "ok?", "false", "ann", "form", "no!")
    ]
    assert rows("SELECT branch, parent, checkpoint, step, checkpoints, current FROM branches") == [
        (0, None, "b", 0, 2, False),
        (1, "a", "f", 0, 1, True),
    ]


def test_breakpoints_are_kept_for_each_graph(told):
    assert told.breakpoints("g") == {}
    told.set_breakpoints("g", {"draft": {"when": "before"}, "review": {"when": "after"}})
    told.set_breakpoints("g", {"draft": {"when": "after"}})
    told.set_breakpoints("other", {})
    assert told.breakpoints("g") == {"draft": {"when": "after"}}
    assert told.sql("SELECT * FROM breakpoints").rows == [("g", "draft", "draft", '{"when":"after"}')]


def test_a_breakpoint_is_shown_with_its_name_and_its_node(told):
    change = {"kind": "change", "key": "n"}
    after = {"kind": "after", "node": "sub/ask", "condition": "n > 3"}
    told.set_breakpoints("g", {"after sub/ask": after, "change n": change})
    assert told.sql("SELECT graph, breakpoint, node, spec->>'condition' FROM breakpoints").rows == [
        ("g", "after sub/ask", "sub/ask", "n > 3"),
        ("g", "change n", None, None),
    ]


def test_settings_are_shown_as_they_are_set_now(told):
    told.set_setting(ThreadKey("", "g"), "watches", ["n"])
    told.set_setting(ThreadKey("", "g"), "watches", ["n", "n > 3"])
    told.set_setting(T, "hits", {"before draft": 2})
    told.set_setting(T, "gone", 1)
    told.set_setting(T, "gone", MISSING)
    assert told.sql("SELECT * FROM settings").columns == ("graph", "thread", "name", "value")
    assert told.sql("SELECT * FROM settings").rows == [
        ("g", "", "watches", '["n","n > 3"]'),
        ("g", "t", "hits", '{"before draft":2}'),
    ]
    assert told.sql("SELECT thread, status FROM threads").rows == [("t", "interrupted")]


def test_every_view_is_documented_and_works(told):
    names = {r[0] for r in told.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").rows} if False else VIEWS
    for name in names:
        assert len(told.sql(f"SELECT * FROM {name}").columns) > 2
        assert VIEWS[name].endswith(".")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "FROM steps",
        "DESCRIBE steps",
        "SHOW TABLES",
        "SUMMARIZE state",
        "EXPLAIN SELECT * FROM state",
        "-- why\n EXPLAIN ANALYZE SELECT 1",
        "VALUES (1)",
        "WITH x AS (SELECT * FROM steps) SELECT count(*) FROM x;",
        "SELECT key, count(*) FROM state GROUP BY key HAVING count(*) > 0 ORDER BY 2 DESC LIMIT 5",
        "SELECT value -> 'x' FROM writes, range(3)",
        "SELECT * FROM steps WHERE thread = 'copy x to y; delete'",
        "SELECT unnest(ran) FROM steps",
        "SELECT lpad(thread, 10, ' '), repeat('-', 20), printf('%5d', step) FROM steps",
        "SELECT e.key FROM state, json_each(value) e",
        "PIVOT (SELECT step, key, value FROM state) ON key IN ('n') USING first(value)",
    ],
)
def test_benign_queries_are_served(told, query):
    assert told.sql(query) is not None


def test_parameters_are_bound(told):
    assert told.sql("SELECT count(*) FROM steps WHERE thread = ?", ["t' OR 1=1 --"]).rows == [(0,)]


def test_every_attack_is_refused_and_changes_nothing(told, attacks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    secret_df = python_variable = __import__("pandas").DataFrame({"a": [1]})  # noqa: F841 - a query must not see them
    more = ["COPY steps TO 'x.csv'", "PRAGMA version",
            "SELECT getenv('HOME')", "SELECT current_setting('x')", "",
            "DELETE FROM journal", "WITH x AS (DELETE FROM journal RETURNING *) FROM x", "DROP VIEW steps",
            "EXPLAIN ANALYZE DELETE FROM journal",
            "EXPLAIN ANALYZE WITH x AS (DELETE FROM journal RETURNING *) SELECT 1",
            "SELECT 1; SELECT 2", "CALL duckdb_tables()", "CHECKPOINT", "USE memory",
            "FROM duckdb_settings()",
            "FROM glob('*')", "FROM read_blob('t.duckdb')", "FROM parquet_scan('x')"]  # fmt: skip
    before = told.sql("SELECT count(*), max(seq) FROM journal").rows
    files = sorted(tmp_path.iterdir())
    for query in attacks["sql_magic_must_fail"] + more:
        for attempt in (query, query.replace("checkpoints", "journal")):
            with pytest.raises(QueryRefused):
                told.sql(attempt)
    assert told.sql("SELECT count(*), max(seq) FROM journal").rows == before
    assert sorted(tmp_path.iterdir()) == files


def test_what_could_run_away_is_refused_or_stopped(told, attacks):
    more = ["SELECT length(lpad('x', 1000000000, 'y'))", "SELECT range(1000000000)[1]",
            "SELECT repeat('x', n) FROM range(9) t(n)",
            "SELECT repeat(repeat('x', 100000), 100000)", "SELECT printf('%1000000000d', 1)",
            "SELECT format('{:1000000000d}', 1)", "SELECT printf('%*d', 1000000000, 1)",
            "SELECT count(*) FROM journal a, journal b, range(100000000000)"]  # fmt: skip
    for query in attacks["sql_magic_must_be_bounded"] + more:
        started = time.monotonic()
        with contextlib.suppress(QueryRefused):
            told.sql(query.replace("checkpoints", "journal"), timeout=0.5)
        assert time.monotonic() - started < 30  # they would take for ever


def test_a_misspelt_view_is_suggested(told):
    with pytest.raises(QueryRefused, match=r"no view 'step'\. Did you mean 'steps'\?"):
        told.sql("SELECT * FROM step")


def test_a_query_sees_what_was_just_committed_and_can_be_cut(told):
    told.append(T, "f", [Stopped("finished", at=7)], wait=False)
    assert told.sql("SELECT status FROM threads").rows == [("finished",)]
    table = told.sql("SELECT * FROM range(20000)")
    assert len(table) == 10_000
    assert "only the first 10000 rows" in repr(table)


def test_a_table_shows_text_and_never_markup(told):
    table = told.sql("SELECT '<script>alert(1)</script>' AS \"<b>\", chr(27) || '[2J' AS c, NULL AS n")
    html = table._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html
    assert "\x1b" not in repr(table)
    assert repr(table).splitlines()[0].split() == ["<b>", "c", "n"]
    assert list(table.df().columns) == ["<b>", "c", "n"]
    assert [len(row) for row in table] == [3]
