"""SQL in the notebook: what a person types into ``%%graph_sql`` and ``%graph sql``, sees, and gets wrong."""

import datetime as dt
import subprocess
import sys

import pandas as pd
import pytest

from nbhitl.checkpoint import Table
from nbhitl.checkpoint.file.schema import MACROS, VIEWS

TEA = """--thread demo -i '{"topic": "tea"}'"""


@pytest.fixture
def answered(notebook):
    notebook.post(TEA)
    notebook.run("%graph answer decision=revise notes='more on Assam'")
    return notebook


def test_a_query_in_a_cell_gives_a_data_frame(answered):
    answered.run("%%graph_sql\nSELECT node, answer ->> 'decision' AS decision, answered_at FROM answers;")
    assert answered.error is None
    assert isinstance(answered.value, pd.DataFrame)
    assert answered.value[["node", "decision"]].values.tolist() == [["review", "revise"]]
    assert answered.value["answered_at"].dtype.kind == "M"


def test_a_query_in_a_line_gives_the_same_and_can_be_assigned(answered):
    answered.run("found = %graph sql SELECT node FROM answers")
    assert answered.shell.user_ns["found"]["node"].tolist() == ["review"]
    said = answered.run("%graph sql SELECT node FROM answers;")
    assert "review" in said


def test_without_pandas_the_result_is_a_table_and_nothing_imports_it(answered, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answered.run("%%graph_sql\nSELECT node FROM answers")
    assert isinstance(answered.value, Table)
    assert answered.value.rows == [("review",)]


def test_pandas_is_imported_by_a_query_and_not_before():
    code = "import sys, nbhitl.notebook.magics; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False"]


def test_out_gives_the_result_to_a_variable_and_shows_one_line(answered):
    said = answered.run("%%graph_sql --out found\nSELECT node, answer FROM answers")
    assert answered.value is None
    assert said.strip() == "found: DataFrame, 1 row x 2 columns."
    assert answered.shell.user_ns["found"]["node"].tolist() == ["review"]
    assert "found: DataFrame" in answered.run("%graph sql --out found SELECT 1")


def test_out_says_what_it_replaces(answered):
    answered.run("def helper(): pass\nimport json\nclass Kind: pass")
    assert "It was a function before." in answered.run("%graph sql --out helper SELECT 1")
    assert "It was a module before." in answered.run("%graph sql --out json SELECT 1")
    assert "It was a class before." in answered.run("%graph sql --out Kind SELECT 1")
    assert "It hides Python's own list." in answered.run("%graph sql --out list SELECT 1")


def test_variables_are_bound_and_never_spliced(answered):
    answered.run(
        "name = \"review' OR '1'='1\"\nnodes = ['review', 'x']\nwhen = __import__('datetime').datetime(2020, 1, 1)"
    )
    answered.run("%%graph_sql\nSELECT * FROM answers WHERE node = $name")
    assert answered.error is None
    assert len(answered.value) == 0
    answered.run(
        "%%graph_sql\nSELECT $name AS name FROM answers WHERE list_contains($nodes, node) AND answered_at > $when"
    )
    assert answered.value["name"].tolist() == ["review' OR '1'='1"]
    answered.run("%graph sql SELECT '{name} $name' AS braces, $name AS value")
    assert answered.value.values.tolist() == [["{name} $name", "review' OR '1'='1"]]


def test_a_missing_variable_and_one_that_cannot_be_bound_are_named(answered):
    answered.run("topic = 'tea'\nthing = object()\nbig = 1 << 200")
    assert "$topc: there is no variable of that name. Did you mean 'topic'?" in answered.run("%graph sql SELECT $topc")
    assert "$thing is a object, which SQL cannot take" in answered.run("%graph sql SELECT $thing")
    assert "$big is an integer of more than 128 bits" in answered.run("%graph sql SELECT $big")
    assert "write $name" in answered.run("%graph sql SELECT ?")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", 1), ("None", None), ("True", True), ("'é'", "é"), ("b'x'", b"x"), ("[1, 2]", [1, 2]), ("{3}", [3]),
        ("{'a': 1}", {"a": 1}), ("range(3)", [0, 1, 2]), ("__import__('numpy').int64(7)", 7),
        ("__import__('pandas').Series([1, 2])", [1, 2]), ("__import__('pathlib').Path('a')", "a"),
        ("__import__('datetime').date(2024, 5, 1)", dt.date(2024, 5, 1)),
    ],
)  # fmt: skip
def test_common_values_can_be_bound(notebook, monkeypatch, value, expected):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    notebook.run(f"x = {value}")
    notebook.run("%graph sql SELECT $x")
    assert notebook.value.rows == [(expected,)]


def test_the_limit_cuts_and_says_so(notebook):
    said = notebook.run("%%graph_sql --limit 3\nSELECT * FROM range(50)")
    assert len(notebook.value) == 3
    assert "only the first 3 rows were read" in said
    assert "only the first 10000 rows" in notebook.run("%graph sql --out many SELECT * FROM range(20000)")


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_works(notebook):
    said = notebook.run("%graph sql --timeout 0.3 SELECT count(*) FROM range(1000000000000) a, range(9)")
    assert "took longer than 0.3 s" in said
    assert "Traceback" not in said
    notebook.run("%graph sql SELECT 1")
    assert notebook.error is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%graph sql --ot x SELECT 1", "--ot: there is no such option. Did you mean '--out'?"),
        ("%graph sql --limit many SELECT 1", "--limit takes a number, not 'many'"),
        ("%graph sql --limit 0 SELECT 1", "--limit takes 1 to 10000 rows"),
        ("%graph sql --limit 10001 SELECT 1", "%graph export"),
        ("%graph sql --timeout -1 SELECT 1", "--timeout needs a value"),
        ("%graph sql --timeout 0 SELECT 1", "--timeout takes seconds"),
        ("%graph sql --out class SELECT 1", "cannot be a variable's name"),
        ("%graph sql --out a.b SELECT 1", "cannot be a variable's name"),
        ("%graph sql --db nowhere.duckdb SELECT 1", "there is no such file"),
        ("%%graph_sql --bad\nSELECT 1", "%%graph_sql? shows the options"),
        ("%%graph_sql --out 'x\nSELECT 1", "%%graph_sql: No closing quotation"),
        ("%graph sql SELECT * FROM anwsers", "no view 'anwsers'. Did you mean 'answers'?"),
        ("%graph sql SELECT anwser FROM answers", "no column 'anwser' here. Did you mean 'answer'?"),
        ("%graph sql DELETE FROM journal", "only one SELECT"),
        ("%graph sql SELECT 1 FORM steps", "line 1, column"),
    ],
)
def test_a_mistake_is_said_in_one_line(notebook, line, message):
    said = notebook.run(line)
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert notebook.error is not None


def test_without_a_query_the_views_and_macros_are_listed(notebook):
    for cell in ("%graph sql", "%%graph_sql\n  "):
        notebook.run(cell)
        assert isinstance(notebook.value, Table)
        listed = dict(notebook.value.rows)
        assert listed.keys() >= VIEWS.keys()
        assert all(any(call.startswith(f"{name}(") for call in listed) for name in MACROS)
        assert all(sentence.endswith(".") for sentence in listed.values())


def test_the_help_has_options_examples_and_every_view(notebook):
    doc = notebook.shell.find_magic("graph_sql", "cell").__doc__
    for word in ("--out", "--timeout", "--limit", "--db", "$name", "%%graph_sql --out scores", *VIEWS, *MACROS):
        assert word in doc


def test_an_empty_result_shows_its_columns_and_null_is_visible(notebook):
    assert "answered_by" in notebook.run("%graph sql SELECT * FROM answers")
    table = Table(("a", "b"), [])
    assert repr(table).splitlines()[0].split() == ["a", "b"]
    assert "(no rows)" in repr(table)
    assert "(no rows)" in table._repr_html_()
    table = Table(("a",), [(None,), ("x" * 500,)])
    assert "NULL" in repr(table)
    assert "<i>NULL</i>" in table._repr_html_()
    assert "long values are cut" in repr(table)
    assert "long values are cut" in table._repr_html_()
    assert len(table.df()["a"][1]) == 500


def test_large_numbers_beside_a_null_stay_exact(notebook):
    notebook.run("%graph sql SELECT * FROM (VALUES (9007199254740993), (NULL)) t(n)")
    assert notebook.value["n"][0] == 9007199254740993


def test_another_file_is_looked_at_and_not_changed(answered, tmp_path):
    answered.workspace.close()
    other = tmp_path / "other.duckdb"
    (tmp_path / ".nbhitl" / "default.duckdb").rename(other)
    for left in (tmp_path / ".nbhitl").iterdir():
        left.unlink()
    before = other.read_bytes()
    answered.run("%%graph_sql --db other.duckdb\nSELECT node FROM answers")
    assert answered.value["node"].tolist() == ["review"]
    assert other.read_bytes() == before
    answered.run("%graph sql SELECT node FROM answers")
    assert len(answered.value) == 0


def test_text_from_a_graph_stays_text(notebook):
    notebook.run("%graph sql SELECT '<script>alert(1)</script>' AS \"<img src=x>\"")
    html = notebook.value._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html


def test_a_thread_is_deleted_only_with_yes(answered):
    said = answered.run("%graph delete demo")
    assert "deletes thread 'demo' of graph 'post' for good" in said
    assert "%graph delete demo --yes" in said
    answered.run("%graph sql SELECT * FROM threads")
    assert len(answered.value) == 1
    assert "no thread 'dem'" in answered.run("%graph delete dem --yes")
    assert "is deleted" in answered.run("%graph delete demo --yes")
    assert answered.error is None
    answered.run("%graph sql SELECT * FROM threads")
    assert len(answered.value) == 0
    assert "no graph has been run" in answered.run("%graph")
    answered.post(TEA)
    assert "waiting for a person" not in answered.run("%graph sql SELECT 1")
    assert len(answered.workspace.find().session.pending()) == 1


def test_a_thread_is_pruned_to_its_newest_checkpoints_and_goes_on(answered):
    assert "--yes" in answered.run("%graph prune demo --keep 2")
    assert "Pruned 1 thread." in answered.run("%graph prune demo --keep 2 --yes")
    assert answered.error is None
    answered.run("%graph sql SELECT * FROM steps WHERE ns = ''")
    assert len(answered.value) == 2
    assert "published: About tea. more on Assam" in answered.run("%graph answer decision=publish")
    assert "Pruned 1 thread." in answered.run("%graph prune --yes")


def test_the_file_is_compacted_measured_and_exported(answered, tmp_path):
    assert "before" in answered.run("%graph compact")
    assert answered.error is None
    answered.run("%graph size")
    assert answered.error is None
    answered.run("%graph export views")
    assert answered.error is None
    assert {file.stem for file in (tmp_path / "views").glob("*.parquet")} >= set(VIEWS)
    assert "published" in answered.run("%graph answer decision=publish")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%graph delete", "%graph delete THREAD --yes"),
        ("%graph delete a b", "%graph delete THREAD --yes"),
        ("%graph delete a --now", "there is no option --now"),
        ("%graph prune --keep x --yes", "--keep takes a number"),
        ("%graph export", "%graph export FOLDER"),
    ],
)
def test_a_mistake_in_looking_after_the_file_is_named(notebook, line, message):
    assert message in notebook.run(line)


def _completed(notebook, text):
    """What the Tab key offers at the end of a text."""
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        return {done.text for done in notebook.shell.Completer.completions(text, len(text))}


def test_the_tab_key_offers_views_columns_options_and_variables(notebook):
    notebook.run("topic = 'tea'\n%load_ext nbhitl")
    assert _completed(notebook, "%%graph_sql\nSELECT * FROM ans") >= {"answers"}
    assert _completed(notebook, "%graph sql SELECT * FROM pend") == {"pending_interrupts"}
    assert _completed(notebook, "x = %graph sql FROM hist") == {"history("}
    assert _completed(notebook, "%%graph_sql --o") == {"--out"}
    assert _completed(notebook, "%%graph_sql --out x ") == {"--out", "--timeout", "--limit", "--db"}
    assert _completed(notebook, "%%graph_sql\nSELECT $to") == {"$topic"}
    assert _completed(notebook, "%%graph_sql\nSELECT answered_") == set()
    notebook.run("%graph sql SELECT 1")
    assert _completed(notebook, "%%graph_sql\nSELECT answered_") == {"answered_by", "answered_at"}
    assert "answers" not in _completed(notebook, "ans")
    assert "%%graph_sql" in _completed(notebook, "%%graph_s")
