"""Names that look like paths, SQL or nothing at all: only ever names, in the saver, the views and as parameters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbhitl import END, START, DuckDBSaver, StateGraph
from nbhitl.engine.errors import NbhitlError, QueryRefused, SaverError
from nbhitl.engine.records import Answered, Asked, Checkpoint, Task, ThreadKey, Wrote

CORPUS = json.loads((Path(__file__).parent.parent / "corpora" / "attacks.json").read_text(encoding="utf-8"))
IDS = [*CORPUS["ids_thread_checkpoint_ns"], *CORPUS["sql_filter_keys"], *CORPUS["names_graph"]]
TEXTS = list(dict.fromkeys(id_ for id_ in IDS if isinstance(id_, str)))


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A thread for each id, which is also its graph's name, its checkpoint's, its node's and a key of its state."""
    with DuckDBSaver(tmp_path_factory.mktemp("ids") / "t.duckdb") as saver:
        for id_ in TEXTS:
            key, task = ThreadKey(id_, id_), Task(f"{id_}:0", id_ or "node")
            saver.commit(key, Checkpoint(id_ or "c", None, 0, "input", {id_: id_}, (task,), changed=(id_,)))
            saver.append(key, id_ or "c", [Asked(task.id, f"q{id_}", id_)])
            saver.answer(key, id_ or "c", [Answered(f"q{id_}", id_, id_, note=id_)])
            saver.append(key, id_ or "c", [Wrote(task.id, ((id_, id_),))])
        yield saver


@pytest.mark.parametrize("id_", TEXTS, ids=range(len(TEXTS)))
def test_an_id_finds_its_own_thread_and_no_other(full, id_):
    position = full.load(ThreadKey(id_, id_))
    assert position.checkpoint.id == (id_ or "c")
    assert position.checkpoint.values == {id_: id_}
    assert [info.key for info in full.threads()].count(ThreadKey(id_, id_)) == 1
    assert len(list(full.history(ThreadKey(id_, id_)))) == 1


@pytest.mark.parametrize("id_", [t for t in TEXTS if t.isprintable()], ids=repr)
@pytest.mark.parametrize("view", ["threads", "steps", "state", "writes", "interrupts", "answers", "branches"])
def test_an_id_as_a_parameter_finds_the_same_in_every_view(full, view, id_):
    sql = f"SELECT graph, thread FROM {view} WHERE thread = $id AND graph = $id"
    assert set(full.sql(sql, {"id": id_}).rows) == {(id_, id_)}


@pytest.mark.parametrize("id_", [t for t in TEXTS if t.isprintable()], ids=repr)
def test_an_id_as_a_parameter_works_in_the_macros(full, id_):
    assert full.sql("SELECT checkpoint FROM history($id)", {"id": id_}).rows == [(id_ or "c",)]
    assert full.sql("SELECT * FROM diff($id, $a, $a)", {"id": id_, "a": id_ or "c"}).rows == []


@pytest.mark.parametrize("value", [*CORPUS["sql_filter_values"], *CORPUS["sql_limit_before"], *TEXTS], ids=repr)
def test_a_value_is_bound_as_it_is(full, value):
    if isinstance(value, str) and not _encodes(value):
        with pytest.raises(QueryRefused, match="half a surrogate"):
            full.sql("SELECT $v", {"v": value})
    else:
        assert full.sql("SELECT $v", {"v": value}).rows == [(value,)]
    assert len(full.threads()) == len(TEXTS)


@pytest.mark.parametrize("text", CORPUS["sql_limit_before"], ids=repr)
def test_a_limit_is_a_number_and_before_is_a_checkpoint(full, text):
    with pytest.raises(QueryRefused) as refused:
        full.sql("SELECT * FROM steps LIMIT $n", {"n": text})
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(SaverError, match="checkpoint"):
        list(full.history(ThreadKey("0", "0"), before=text))


@pytest.mark.parametrize("id_", CORPUS["ids_thread_checkpoint_ns"], ids=repr)
def test_a_graph_runs_in_a_thread_of_any_name_or_says_why_not(tmp_path, monkeypatch, id_):
    monkeypatch.chdir(tmp_path)
    builder = StateGraph(dict)
    builder.add_node("node", lambda state: {"x": 1})
    builder.add_edge(START, "node").add_edge("node", END)
    with DuckDBSaver("t.duckdb") as saver:
        graph = builder.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": id_}}
        if id_ in ("", []):
            with pytest.raises(NbhitlError, match="thread_id"):
                graph.invoke({"x": 0}, config)
        else:
            graph.invoke({"x": 0}, config)
            assert [info.key.thread for info in saver.threads()] == [str(id_)]
    assert {path.name.removeprefix(".").partition(".")[0] for path in tmp_path.iterdir()} == {"t"}


def _encodes(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
