"""What people ask in SQL is served, and in the words of DuckDB."""

# ruff: noqa: E501, SIM905 - a query is one line

from __future__ import annotations

import datetime as dt
import sys
import threading

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file.schema import MACROS, VIEWS
from nbhitl.engine.errors import QueryRefused
from nbhitl.engine.records import Answered, Asked, Checkpoint, Stopped, Task, ThreadKey, Wrote

BENIGN = """\
SELECT * FROM threads
SELECT thread, step, row_number() OVER (PARTITION BY thread ORDER BY seq DESC) AS n FROM steps
SELECT thread, lag(made_at) OVER (PARTITION BY thread ORDER BY seq) AS before FROM steps
SELECT *, sum(step) OVER (ORDER BY seq ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM steps
SELECT * FROM steps QUALIFY row_number() OVER (PARTITION BY thread ORDER BY step DESC) = 1
SELECT a.step, b.key FROM steps a ASOF JOIN state b ON a.thread = b.thread AND a.seq >= b.seq
SELECT [x * 2 for x in [1, 2, 3] if x > 1] AS doubled
SELECT list_transform(ran, lambda n: upper(n)) FROM steps
SELECT list_filter(next, lambda n: n <> 'review'), list_reduce([1, 2, 3], lambda a, b: a + b) FROM steps
SELECT node, count(*) FROM (SELECT unnest(next) AS node FROM steps) GROUP BY ALL ORDER BY ALL
SELECT value -> '$.a', value ->> 'a', json_extract(value, '$.a[0]'), json_type(value) FROM state
SELECT key, json_array_length(value), json_keys(value) FROM state WHERE json_valid(value::VARCHAR)
SELECT e.key, e.value FROM state, json_each(value) e
SELECT t.fullkey, t.atom FROM state, json_tree(value) t
SELECT json_object('a', 1, 'b', [1, 2]), json_array(1, 'x'), to_json({'a': 1}), json_structure(value) FROM state
SELECT from_json(value, '{"a": "INTEGER[]"}').a FROM state WHERE key = 'big'
SELECT json_group_array(key), json_group_object(key, value) FROM state
SELECT value::INTEGER + 1 FROM state WHERE key = 'n'
SELECT TRY_CAST(value AS DOUBLE) FROM state
SELECT date_trunc('hour', made_at), date_part('year', made_at), strftime(made_at, '%Y-%m-%d %H:%M') FROM steps
SELECT made_at + INTERVAL 1 DAY, age(TIMESTAMP '2024-01-01', made_at), date_diff('minute', made_at, TIMESTAMP '2024-01-01') FROM steps
SELECT time_bucket(INTERVAL '15 minutes', made_at) AS t, count(*) FROM steps GROUP BY t
SELECT max(answered_at - asked_at) AS waited, epoch(max(answered_at - asked_at)) FROM interrupts
SELECT * FROM steps WHERE made_at > now() - INTERVAL 100 YEAR
SELECT now(), current_date, today(), current_timestamp AS t
SELECT strptime('2024-05-01', '%Y-%m-%d'), make_date(2024, 5, 1), to_timestamp(0), epoch_ms(0)
SELECT upper(thread), length(thread), thread || '!', concat_ws('-', thread, step), left(thread, 1), thread[1:1] FROM steps
SELECT replace(thread, 't', node), regexp_replace(thread, '[aeiou]', '_', 'g') FROM writes
SELECT regexp_matches(thread, '^t'), regexp_extract(thread, '(t)(.*)', 1), thread SIMILAR TO 't.*' FROM steps
SELECT string_split('a,b,c', ','), split_part('a-b', '-', 1), array_to_string([1, 2], ','), trim('  x ')
SELECT lpad(thread, step::INT + 10, ' '), repeat('#', step + 2), bar(step, 0, 10, 20), printf('%05.2f', 1.5) FROM steps
SELECT format('{:,} rows in {}', count(*), first(graph)) FROM steps
SELECT levenshtein(thread, 'tt'), jaro_winkler_similarity(thread, 'tx'), jaccard(thread, 'ty') FROM steps
SELECT thread FROM steps WHERE thread LIKE 't%' OR thread ILIKE '%T' OR thread GLOB 't*' OR contains(thread, 'x')
SELECT CASE WHEN step < 0 THEN 'input' WHEN step = 0 THEN 'first' ELSE 'later' END AS what, count(*) FROM steps GROUP BY 1
SELECT coalesce(note, 'none'), nullif(answered_by, ''), ifnull(via, '?') FROM answers
PIVOT state ON key USING first(value) GROUP BY step
PIVOT (SELECT thread, step, key, value FROM state) ON key USING any_value(value::VARCHAR) ORDER BY step
SELECT * FROM (PIVOT steps ON source USING count(*) GROUP BY thread)
WITH p AS (PIVOT steps ON source USING count(*) GROUP BY thread) SELECT * FROM p
PIVOT (SELECT step, key, value FROM state) ON key IN ('n') USING first(value)
UNPIVOT (SELECT step, branch FROM steps) ON step, branch INTO NAME what VALUE number
SELECT graph, thread, count(*) FROM steps GROUP BY GROUPING SETS ((graph), (graph, thread), ())
SELECT graph, thread, count(*) FROM steps GROUP BY ROLLUP (graph, thread)
SELECT graph, source, count(*), grouping(graph) FROM steps GROUP BY CUBE (graph, source)
SELECT * FROM state USING SAMPLE 2 ROWS
SELECT * FROM state TABLESAMPLE reservoir(50%)
FROM steps SELECT thread, count(*) GROUP BY ALL
SELECT * EXCLUDE (seq) REPLACE (upper(thread) AS thread) FROM steps
SELECT COLUMNS('.*_at') FROM answers
SELECT max(COLUMNS(*)) FROM threads
SELECT count(*) FILTER (WHERE source = 'loop'), count(DISTINCT thread), median(step), quantile_cont(step, 0.9) FROM steps
SELECT approx_quantile(step, 0.5), mode(source), stddev(step), corr(step, seq), regr_slope(step, seq), histogram(step) FROM steps
SELECT arg_max(checkpoint, seq), max_by(step, seq, 2), first(thread ORDER BY seq), string_agg(source, ', ' ORDER BY seq) FROM steps
SELECT thread FROM steps WHERE EXISTS (FROM answers a WHERE a.thread = steps.thread)
SELECT thread FROM steps UNION SELECT thread FROM answers EXCEPT SELECT 'x'
SELECT * FROM steps s LEFT JOIN answers a USING (thread, checkpoint)
SELECT * FROM steps SEMI JOIN answers USING (thread)
SELECT * FROM steps ANTI JOIN answers USING (thread)
SELECT * FROM steps POSITIONAL JOIN state
SELECT s.step, x.n FROM steps s, LATERAL (SELECT s.step + 1 AS n) x
WITH RECURSIVE up(checkpoint, parent) AS (SELECT checkpoint, parent FROM steps WHERE checkpoint = 'b' UNION ALL SELECT s.checkpoint, s.parent FROM steps s JOIN up ON s.checkpoint = up.parent) SELECT * FROM up
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT sum(i) FROM n
WITH a AS MATERIALIZED (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM b
SELECT unnest(range(step + 3)) FROM steps
SELECT day, count(s.step) FROM generate_series(DATE '1970-01-01', DATE '1970-01-03', INTERVAL 1 DAY) d(day) LEFT JOIN steps s ON date_trunc('day', s.made_at) = day GROUP BY day
SELECT count(*) FROM range(100000)
SELECT {'a': 1, 'b': 'x'}.a, MAP {'k': 1}['k'], struct_pack(x := 1), [1, 2][1], row(1, 2)
SELECT md5(thread), sha256(thread), hash(thread), hex('a'), to_base64('a'::BLOB), uuid() IS NOT NULL FROM steps
SELECT random() < 2, gen_random_uuid() IS NOT NULL
SELECT 7 // 2, 7 % 2, 2 ** 10, round(1.25, 1), floor(1.5), greatest(1, 2), abs(-1), 5!
SELECT typeof(value), pg_typeof(step) FROM state LIMIT 1
SELECT ? IS NULL
SELECT 'it''s', E'a\\nb', $$a 'b'$$, 'x; DROP TABLE journal -- no'
/* and one here */ SELECT 1 -- and there
SELECT 1;
VALUES (1, 'a'), (2, 'b')
TABLE steps
DESCRIBE answers
DESCRIBE SELECT * FROM answers
SUMMARIZE state
SUMMARIZE SELECT step FROM steps
SHOW TABLES
SHOW ALL TABLES
SHOW DATABASES
EXPLAIN SELECT * FROM state
EXPLAIN ANALYZE SELECT * FROM state
EXPLAIN (FORMAT JSON) SELECT 1
SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL
SELECT * FROM main.steps
SELECT kind, count(*), sum(octet_length(bytes)) FROM journal GROUP BY kind
SELECT Thread, STEP FROM "Steps"
SELECT * FROM node_stats ORDER BY runs DESC
SELECT * FROM size_report
SELECT * FROM history('t')
SELECT step, changed FROM history('t') WHERE step >= 0 LIMIT 5
SELECT * FROM diff('t', 'a', 'b')
SELECT h.step, d.key FROM history('t') h, diff('t', -1, 0) d
SELECT * FROM steps LIMIT 10 OFFSET 1
SELECT * FROM steps ORDER BY thread COLLATE NOCASE, step DESC NULLS LAST
SELECT DISTINCT ON (thread) thread, step FROM steps ORDER BY thread, step DESC
SELECT thread, step FROM steps WHERE (thread, step) IN (('t', 0), ('t', 1))
SELECT any_value(thread) FROM steps HAVING count(*) > 0
SELECT step, count(*) AS n FROM steps GROUP BY step HAVING n > 0 ORDER BY n DESC""".split("\n")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A thread with a step, an answer and a branch."""
    with DuckDBSaver(tmp_path_factory.mktemp("sql") / "t.duckdb") as saver:
        key, tasks = ThreadKey("t", "g"), (Task("a:0", "draft"), Task("a:1", "review"))
        values = {"n": 1, "big": {"a": [1, 2]}}
        saver.commit(key, Checkpoint("a", None, -1, "input", values, tasks, changed=("n", "big"), at=10**6))
        saver.append(
            key, "a", [Wrote("a:0", (("n", 2),)), Asked("a:1", "q", {"text": "ok?"}, {"type": "boolean"}, at=2)]
        )
        saver.answer(key, "a", [Answered("q", False, "ann", "form", "no!", 4 * 10**6)])
        saver.commit(
            key, Checkpoint("b", "a", 0, "loop", {**values, "n": 2}, ran=("draft",), changed=("n",), at=5 * 10**6)
        )
        saver.append(key, "b", [Stopped("finished", at=6 * 10**6)])
        yield saver


@pytest.mark.parametrize("query", BENIGN)
def test_what_people_ask_is_served(told, query):
    table = told.sql(query, [1] if "?" in query and "'?'" not in query else None)
    assert table.columns or query.startswith("--")


def test_times_with_a_zone_need_no_pytz(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytz", None)
    ((now, one),) = told.sql("SELECT now() AS now, 1 AS one").rows
    assert abs(now - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=1)
    assert one == 1
    with pytest.raises(QueryRefused, match="CAST"):
        told.sql("SELECT [now()]")


def test_every_view_and_macro_works_in_a_plain_duckdb_without_our_settings(told, tmp_path):
    copy = tmp_path / "plain.duckdb"
    with DuckDBSaver(copy) as saver:
        for number in range(3):
            saver.commit(
                ThreadKey("t", "g"), Checkpoint(f"c{number}", None, number, "loop", {"n": number}, changed=("n",))
            )
        ours = {name: saver.sql(f"SELECT * FROM {name}") for name in VIEWS}
    plain = duckdb.connect(str(copy), read_only=True)
    try:
        for name, table in ours.items():
            relation = plain.execute(f"SELECT * FROM {name}")
            assert [column[0] for column in relation.description] == list(table.columns)
            assert sorted(map(repr, relation.fetchall())) == sorted(map(repr, table.rows))
        calls = {"history": "history('t')", "diff": "diff('t', 0, 2)"}
        assert calls.keys() == MACROS.keys()
        assert [len(plain.execute(f"SELECT * FROM {call}").fetchall()) for call in calls.values()] == [3, 1]
    finally:
        plain.close()


def test_a_query_works_on_any_thread_and_several_at_once(told):
    found, errors = [], []

    def ask():
        try:
            found.append(told.sql("SELECT count(*), repeat('x', 3) FROM steps").rows)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    assert errors == []
    assert found == [[(2, "xxx")]] * 8
