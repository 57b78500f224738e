"""A user's SQL that means harm, or makes harm without meaning it: refused in one line, or stopped; nothing changes."""

# ruff: noqa: E501, RUF001 - a query is one line

from __future__ import annotations

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
from nbhitl.checkpoint.sql import guard
from nbhitl.engine.errors import QueryRefused
from nbhitl.engine.records import Checkpoint, Task, ThreadKey, Wrote

REFUSED = [
    # Files, and functions that read them
    "FROM 'secret.csv'", "FROM \"secret.csv\"", "SELECT * FROM 'https://example.org/x.parquet'", "DESCRIBE 'secret.csv'",
    "SUMMARIZE 'secret.csv'", "SELECT (SELECT content FROM read_text('secret.csv'))", "FROM read_blob('*')",
    "FROM read_csv(['secret.csv'])", "FROM read_json('secret.csv')", "FROM read_parquet('x')", "FROM glob('/*')",
    "FROM parquet_metadata('x')", "FROM parquet_scan('x')", "FROM sniff_csv('secret.csv')", "FROM read_duckdb('t.duckdb')",
    "SELECT * FROM steps WHERE thread IN (SELECT content FROM read_text('secret.csv'))",
    "WITH x AS (FROM read_text('secret.csv')) FROM x", "SELECT * FROM steps, LATERAL (FROM read_text(thread))",
    "SELECT * FROM steps JOIN 'secret.csv' ON true", "FROM query('SELECT 1')", "FROM query_table('steps')",
    "FROM query_table(['secret.csv'])", "FROM json_execute_serialized_sql('{}')", "FROM seq_scan('journal')",
    # The session, settings, secrets
    "FROM duckdb_settings()", "FROM duckdb_secrets()", "FROM duckdb_functions()", "FROM duckdb_tables", "FROM duckdb_logs",
    "FROM pragma_database_list", "FROM pragma_storage_info('journal')", "FROM pg_catalog.pg_settings", "FROM pg_settings",
    "FROM sqlite_master", "FROM which_secret('x', 'y')", "SELECT current_setting('home_directory')", "SELECT getenv('HOME')",
    "SELECT getvariable('x')", "SELECT sleep_ms(10)", "SELECT pg_sleep(10)", "SELECT write_log('x')", "SELECT nextval('s')",
    "SELECT setseed(0.5)", "SELECT current_setting(x) FROM (SELECT 'threads' AS x)", "SHOW SECRETS",
    # SQL in a text, bytes of duckdb's own
    "SELECT json_serialize_plan('SELECT 1')", "SELECT json_serialize_sql('SELECT 1')", "SELECT json_deserialize_sql('{}')",
    "SELECT finalize('x'::BLOB)", "SELECT variant_bytes_to_variant('x'::BLOB)", "SELECT __internal_compress_string(thread) FROM steps",
    # Ways round the bounds
    "SELECT system.main.repeat('x', 1000000000)", "SELECT main.repeat('x', 2)", "SELECT system.main.getenv('HOME')",
    "SELECT repeat('x', (random() * 1000000000)::INT)", "SELECT 'x'.repeat(1000000000)",
    "SELECT list_transform([1000000000], lambda n: repeat('x', n))", "SELECT [repeat('x', n) for n in [1000000000]]",
    "SELECT \"repeat\"('x', 1000000000)", "SELECT REPEAT('x', 1000000000)", "SELECT repeat('x', n) FROM (SELECT 1000000000 AS n)",
    "SELECT lpad('x', 2000000000, 'y')", "SELECT rpad(thread, 2000000000, 'y') FROM steps", "SELECT range(1000000000)",
    "SELECT generate_series(DATE '0001-01-01', DATE '9999-01-01', INTERVAL 1 SECOND)", "SELECT range(0, -1000000000, -1)",
    "SELECT list_resize([1], 1000000000)", "SELECT array_resize([1], 1000000000, 7)", "SELECT bitstring('1', 1000000000)",
    "SELECT printf('%1000000000d', 1)", "SELECT printf('%*d', 1000000000, 1)", "SELECT printf(thread, 1) FROM steps",
    "SELECT format('{:1000000000d}', 1)", "SELECT format('{:{}d}', 1, 1000000000)",
    "SELECT replace(repeat('x', 50000), 'x', repeat('y', 50000))", "SELECT regexp_replace(repeat('x', 50000), 'x', repeat('y', 50000), 'g')",
    "SELECT regexp_replace(repeat('x', 50000), '(.*)', repeat('\\1', 50000), 'g')",
    "SELECT levenshtein(repeat('x', 50000), repeat('y', 50000))", "SELECT damerau_levenshtein(repeat('x', 50000), repeat('y', 50000))",
    "SELECT equi_width_bins(0, 1000000000, 1000000000, false)",
    # Statements
    "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE p", "SET VARIABLE x = 1", "SET threads = 9", "RESET ALL", "USE memory",
    "CALL pragma_version()", "PRAGMA version", "VACUUM", "ANALYZE", "CHECKPOINT", "LOAD json", "INSTALL json", "COMMENT ON VIEW steps IS 'x'",
    "CREATE MACRO f() AS 1", "CREATE TEMP TABLE x AS SELECT 1", "CREATE SECRET s (TYPE s3)", "DROP VIEW steps", "TRUNCATE journal",
    "ALTER TABLE journal ADD COLUMN x INT", "INSERT INTO journal SELECT * FROM journal", "UPDATE journal SET thread = ''",
    "DELETE FROM journal", "MERGE INTO journal USING steps ON false WHEN NOT MATCHED THEN INSERT *", "COPY journal TO 'x.csv'",
    "COPY (SELECT 1) TO 'x.csv'", "EXPORT DATABASE 'x'", "ATTACH 'x.duckdb'", "BEGIN", "ROLLBACK", "SELECT 1; DELETE FROM journal",
    "SELECT 1;;DROP VIEW steps", "/* */ DELETE FROM journal", "EXPLAIN DELETE FROM journal", "EXPLAIN ANALYZE DELETE FROM journal",
    "EXPLAIN ANALYZE COPY journal TO 'x.csv'", "EXPLAIN (FORMAT JSON) DELETE FROM journal", "EXPLAIN ANALYZE SELECT getenv('HOME')",
    "EXPLAIN ANALYZE FROM read_text('secret.csv')", "WITH x AS (DELETE FROM journal RETURNING *) FROM x",
    "WITH x AS (INSERT INTO journal SELECT * FROM journal RETURNING *) PIVOT x ON thread USING count(*)",
    "WITH x AS (DELETE FROM journal RETURNING *) PIVOT x ON thread USING count(*)", "PIVOT read_text('secret.csv') ON size USING count(*)",
    "PIVOT (SELECT * FROM duckdb_settings()) ON name USING first(value)", "PIVOT 'secret.csv' ON a USING count(*)",
    "PIVOT (SELECT getenv('HOME') AS h) ON h USING count(*)", "CREATE TYPE t AS ENUM (SELECT 'a'); SELECT 1",
    # Texts
    "SELECT 1\0", "SELECT '\ud800'", "ＳＥＬＥＣＴ 1", "SELECT 1 \u037e DELETE FROM journal", "ЅELECT 1", "\u202eSELECT 1", "", " ", ";", "--", "/*",
    # Python's own things
    "SELECT * FROM secret_df", "FROM python_list", "FROM pandas_scan(0)", "FROM arrow_scan(0, 0, 0)", "FROM python_map_function(0, 0)",
]  # fmt: skip

NESTED = {
    "open brackets": "SELECT " + "(" * 20_000, "brackets": "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
    "lists": "SELECT " + "[" * 290 + "1" + "]" * 290, "signs": "SELECT " + "- " * 20_000 + "1",
    "signs and comments": "SELECT " + "-/**/" * 9_000 + "1", "not": "SELECT " + "NOT " * 10_000 + "true",
    "sums": "SELECT 1" + "+1" * 20_000, "cases": "SELECT " + "CASE WHEN true THEN " * 2_000 + "1" + " END" * 2_000,
    "subqueries": "SELECT " + "(SELECT " * 290 + "1" + ")" * 290, "joins": "SELECT 1 FROM steps" + ", steps" * 300,
    "lambdas": "SELECT " + "list_transform([1], lambda x: " * 60 + "1" + ")" * 60, "long": "SELECT '" + "x" * 60_000 + "'",
    "types": "SELECT NULL::" + "STRUCT(a " * 900 + "INT" + ")" * 900, "casts": "SELECT 1" + "::INT" * 9_000,
    "explains": "EXPLAIN " * 6_000 + "SELECT 1", "dots": "SELECT thread" + ".lower()" * 5_000 + " FROM steps",
}  # fmt: skip

RUNNING_AWAY = [
    "SELECT count(*) FROM range(1000000000000) a, range(9)",
    "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r(s) AS (SELECT 'a' UNION ALL SELECT s || s FROM r) SELECT max(strlen(s)) FROM r",
    "SELECT strlen(s) FROM " + "(SELECT s || s AS s FROM " * 40 + "(SELECT thread AS s FROM steps)" + ")" * 40,
    "SELECT len(list(a.i * b.i)) FROM range(100000) a(i), range(100000) b(i)",
    "SELECT strlen(string_agg(a.i, '')) FROM range(100000) a(i), range(100000) b(i)",
    "SELECT count(DISTINCT a.i * b.i) FROM range(100000) a(i), range(100000) b(i)",
    "SELECT count(*) FROM range(100000) t(i) WHERE regexp_matches(repeat('a', 30000) || i, '(a|aa){1,100}b')",
    "SELECT list_reduce(list_transform(range(60), lambda x: 'x'), lambda a, b: a || a)",
    "SELECT sum(len(list_transform(range(20000), lambda x: range(20000)))) FROM range(1000)",
    "SELECT max(strlen(concat(" + ", ".join(["repeat(i::VARCHAR, 20000)"] * 40) + "))) FROM range(100000) t(i)",
]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sql")
    with DuckDBSaver(folder / "t.duckdb") as saver:
        key = ThreadKey("t", "g")
        saver.commit(key, Checkpoint("a", None, 0, "input", {"n": 1}, (Task("a:0", "draft"),), changed=("n",)))
        saver.append(key, "a", [Wrote("a:0", (("n", 2),))])
        yield saver


@pytest.fixture
def unchanged(file, tmp_path, monkeypatch):
    """The file, with a check afterwards that nothing was changed in it or beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    before = file.sql("SELECT count(*), max(seq) FROM journal").rows
    yield file
    assert file.sql("SELECT count(*), max(seq) FROM journal").rows == before
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize("query", REFUSED)
def test_an_attack_is_refused_in_one_line(unchanged, query):
    secret_df = python_list = [1]  # noqa: F841 - a query must not see them
    with pytest.raises(QueryRefused) as refused:
        unchanged.sql(query, timeout=30)
    said = str(refused.value)
    assert len(said.splitlines()) == 1
    assert len(said) < 500
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("name", NESTED)
def test_a_query_that_is_too_large_or_deep_is_refused_and_the_process_lives(unchanged, name):
    with pytest.raises(QueryRefused):
        unchanged.sql(NESTED[name], timeout=30)


@pytest.mark.parametrize("query", RUNNING_AWAY, ids=range(len(RUNNING_AWAY)))
def test_a_query_that_runs_away_is_stopped_and_the_next_one_works(unchanged, query):
    started = time.monotonic()
    with pytest.raises(QueryRefused):
        unchanged.sql(query, timeout=0.5)
    assert time.monotonic() - started < 30  # half a second, and as long again to stop; not as long as it would take
    assert unchanged.sql("SELECT 1").rows == [(1,)]


def test_a_query_that_runs_away_takes_about_a_gibibyte_at_most():
    code = f"""
        import threading, time
        from nbhitl.checkpoint import DuckDBSaver
        from nbhitl.checkpoint.sql import guard
        from nbhitl.engine.errors import QueryRefused
        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * 4096
        saver, over, most = DuckDBSaver(":memory:"), [], [0]
        saver.sql("SELECT 1")
        base = resident()
        def watch():
            while not over:
                most[0] = max(most[0], resident() - base)
                time.sleep(0.005)
        threading.Thread(target=watch, daemon=True).start()
        for query in {RUNNING_AWAY!r}:
            try:
                saver.sql(query, timeout=2)
            except QueryRefused:
                pass
        over.append(1)
        print(most[0] >> 20)
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1700  # MiB; what a busy machine lets through before the watcher looks again


def test_a_call_that_nothing_interrupts_is_left_behind_until_it_is_settled(monkeypatch):
    connection = duckdb.connect()
    monkeypatch.setattr(guard._Query, "interrupt", lambda query: None)
    monkeypatch.setattr(guard, "_GRACE", 0.0)
    with pytest.raises(QueryRefused, match="took longer"):
        guard.run(connection, "SELECT count(*) FROM range(1000000000000)", None, 0.1)
    left = [thread for thread in threading.enumerate() if thread.name == "nbhitl-sql"]
    assert left
    assert not guard.settle(connection, 0.1)
    monkeypatch.undo()
    assert guard.run(connection, "SELECT 1", None, 5).rows == [(1,)]
    assert guard.settle(connection, 30)
    for thread in left:
        thread.join(5)
        assert not thread.is_alive()
    connection.close()


def test_ctrl_c_stops_a_query_and_is_ctrl_c(durable):
    presser = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        durable.sql("SELECT count(*) FROM range(1000000000000) a, range(9)", timeout=30)
    assert not guard._at_work
    assert durable.sql("SELECT 1").rows == [(1,)]


def test_the_macros_of_a_query_are_gone_with_it(unchanged):
    with pytest.raises(QueryRefused, match="repeat"):
        unchanged.sql("SELECT repeat('x', 1000000000)")
    assert unchanged.sql("SHOW ALL TABLES").rows == unchanged.sql("SHOW ALL TABLES").rows
    found = unchanged._reader.rows(
        "SELECT function_name FROM duckdb_functions() WHERE NOT internal AND function_name = 'repeat'"
    )
    assert found == []
