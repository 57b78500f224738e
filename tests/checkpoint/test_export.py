"""The views of a checkpoint file as Parquet files."""

from __future__ import annotations

import duckdb
import pytest

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.file.export import export_parquet
from nbhitl.checkpoint.file.schema import VIEWS
from nbhitl.engine.errors import SaverError
from nbhitl.engine.records import Answered, Asked, Checkpoint, Task, ThreadKey

T = ThreadKey("t", "g")


@pytest.fixture
def saver(tmp_path):
    with DuckDBSaver(tmp_path / "a.duckdb") as made:
        made.commit(
            T,
            Checkpoint("c0", None, 0, "loop", {"i": 1, "é": [1, "ü"]}, (Task("c0:0", "n"),)),
            [Asked("c0:0", "q", "what?")],
        )
        made.answer(T, "c0", [Answered("q", {"x": 1}, by="ann")])
        yield made


def read(file):
    return duckdb.sql(f"SELECT * FROM '{file}'")


def test_every_view_of_a_live_file_is_written_and_reads_the_same(saver, tmp_path):
    files = export_parquet(saver.path, tmp_path / "deep" / "out")
    assert [f.stem for f in files] == list(VIEWS)
    assert sorted(f.name for f in (tmp_path / "deep" / "out").iterdir()) == sorted(f"{v}.parquet" for v in VIEWS)
    for file in files:
        expected = saver.sql(f"SELECT * FROM {file.stem}")
        found = read(file)
        assert tuple(found.columns) == expected.columns
        assert sorted(map(repr, found.fetchall())) == sorted(map(repr, expected.rows))
    assert read(tmp_path / "deep" / "out" / "answers.parquet").fetchall()[0][8:10] == ('{"x":1}', "ann")


def test_chosen_views_replace_what_was_there(saver, tmp_path):
    (tmp_path / "state.parquet").write_text("old")
    assert export_parquet(saver.path, tmp_path, ["state"]) == [tmp_path / "state.parquet"]
    assert read(tmp_path / "state.parquet").fetchall()[0][:3] == ("g", "t", 0)
    assert not (tmp_path / "threads.parquet").exists()


def test_a_folder_with_a_quote_in_its_name_is_a_folder(saver, tmp_path):
    (file,) = export_parquet(saver.path, tmp_path / "it's'; DROP", ["threads"])
    assert duckdb.read_parquet(str(file)).fetchall()[0][:2] == ("g", "t")


def test_an_unknown_view_is_refused_before_anything_is_done(saver, tmp_path):
    with pytest.raises(SaverError, match="no view 'stat'. Did you mean 'state'"):
        export_parquet(saver.path, tmp_path / "out", ["stat"])
    with pytest.raises(SaverError, match="no view"):
        export_parquet(saver.path, tmp_path / "out", ["journal; DROP TABLE journal"])
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told(saver, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SaverError, match="cannot be made"):
        export_parquet(saver.path, tmp_path / "file" / "out")


def test_a_folder_that_cannot_be_written_to_is_told(saver, tmp_path):
    (tmp_path / ".threads.parquet.new").mkdir()
    with pytest.raises(SaverError, match="could not be exported"):
        export_parquet(saver.path, tmp_path, ["threads"])
