"""What was edited while a thread stood still, and the ways to go on: `Session.changes` and what follows from it."""

import linecache

import pytest

from nbhitl import START, DuckDBSaver, InMemorySaver, StateGraph, interrupt
from nbhitl.engine.errors import GraphError, NbhitlError
from nbhitl.engine.records import ThreadKey
from nbhitl.session import Session, revising
from nbhitl.session.sources import texts
from tests.edits.homes import State, as_node, asks, row, says, side_by_side

NUMBERS = iter(range(1_000))


def cell(source, **space):
    """What a notebook's cell leaves behind; its lines can be had, as IPython's."""
    name = f"<ipython-input-{next(NUMBERS)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space = {"__name__": "__main__", "interrupt": interrupt, **space}
    exec(compile(source, name, "exec"), space)
    return space


DRAFT = "def draft(state):\n    return {'log': [f'draft {LIMIT}']}\nLIMIT = 3\n"
REVIEW = "def review(state):\n    return {'log': [interrupt('sure?')]}\n"
PUBLISH = "def publish(state):\n    return {'log': ['published']}\n"
POST = DRAFT + REVIEW + PUBLISH


def post(source=POST, *names, **space):
    """A graph of the functions of a cell, one after the other."""
    found = cell(source, **space)
    return row(**{name: found[name] for name in names or ("draft", "review", "publish")})


@pytest.fixture(params=["memory", "duckdb"])
def saver(request, tmp_path):
    made = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield made
    made.close()


def on(saver, built, thread="t"):
    return Session(built.compile(saver), thread)


def paused(saver, built=None):
    session = on(saver, built or post())
    session.go({"x": 1})
    return session


def test_nothing_was_edited_when_the_same_cell_is_run_again(saver):
    paused(saver)
    found = on(saver, post()).changes()
    assert not found
    assert found.before is None


def test_an_edited_node_is_shown_with_both_of_its_sources(saver):
    paused(saver)
    (change,) = on(saver, post(POST.replace("'published'", "'out'"))).changes().parts
    assert (change.part, change.kind, change.words) == ("publish", "edited", "publish was edited")
    assert change.before == PUBLISH.rstrip()
    assert change.after == PUBLISH.replace("published", "out").rstrip()
    assert "- " in str(change.diff)


def test_what_a_node_mentions_is_named_and_stands_in_the_difference(saver):
    helper = "def words(n):\n    return n\nclass Tone:\n    kind = 'warm'\n"
    source = helper + POST.replace("'draft {LIMIT}'", "'draft {words(LIMIT)} {Tone}'")
    paused(saver, post(source))
    edited = source.replace("return n", "return -n").replace("'warm'", "'cold'").replace("LIMIT = 3", "LIMIT = 4")
    (change,) = on(saver, post(edited)).changes().parts
    assert change.kind == "mentions"
    assert set(change.names) == {"words", "Tone", "LIMIT"}
    shown = str(change.diff)
    for line in ("-     return n", "+     return -n", "- LIMIT = 3", "+ LIMIT = 4", "-     kind = 'warm'"):
        assert line in shown


def test_a_text_that_a_node_mentions_is_kept_only_where_it_stands_in_the_code(saver):
    source = POST.replace("LIMIT = 3", "LIMIT = 'three'").replace("{LIMIT}", "{LIMIT} {TOKEN}")
    paused(saver, post(source, TOKEN="hunter" + "2"))
    kept = str(saver.settings(ThreadKey("", "")))
    assert "LIMIT = 'three'" in kept
    assert "hunter2" not in kept
    (change,) = on(saver, post(source, TOKEN="other")).changes().parts
    assert change.names == ("TOKEN",)
    assert change.diff is None


@pytest.mark.parametrize("line", ["API_KEY = 'hunter2'", "password: str = 'hunter2'", "PIN = int('19' + '84')"])
def test_what_may_be_a_secret_is_not_kept(saver, line):
    name = line.split()[0].rstrip(":")
    paused(saver, post(f"{line}\n{POST.replace('{LIMIT}', '{LIMIT} {' + name + '}')}"))
    kept = str(saver.settings(ThreadKey("", "")))
    assert "LIMIT = 3" in kept
    assert "hunter2" not in kept
    assert "1984" not in kept


def test_an_annotated_constant_is_kept_as_it_stands(saver):
    paused(saver, post(POST.replace("LIMIT = 3", "LIMIT: int = 3")))
    (change,) = on(saver, post(POST.replace("LIMIT = 3", "LIMIT: int = -4"))).changes().parts
    assert "- LIMIT: int = 3" in str(change.diff)
    assert "+ LIMIT: int = -4" in str(change.diff)


def test_wiring_and_keys_of_the_state_are_told_apart_from_nodes(saver):
    paused(saver)

    class Wide(State, total=False):
        more: str

    found = cell(POST)
    built = StateGraph(Wide)
    for name in ("draft", "review", "publish"):
        built.add_node(name, found[name])
    built.add_edge(START, "draft").add_edge("draft", "review").add_edge("draft", "publish")
    changes = on(saver, built).changes()
    kinds = {change.part: change.kind for change in changes.parts}
    assert kinds["edges of draft"] == "wiring"
    assert kinds["state key more"] == "key"
    wired = next(change for change in changes.parts if change.part == "edges of draft")
    assert "+ draft -> publish" in str(wired.diff)


def test_going_back_before_the_change_runs_again_with_the_new_code_and_deletes_nothing(saver):
    paused(saver)
    session = on(saver, post(POST.replace("LIMIT = 3", "LIMIT = 4")))
    before = session.changes().before
    assert (before.step, before.nodes, before.part) == (0, ("draft",), "draft")
    rows = len(session.history())
    assert session.fork_before_change() == before
    assert session.position.stopped.text == "back at step 0, before draft"
    assert session.state().next == ("draft",)
    assert len(session.history()) == rows + 1
    assert not session.changes()
    assert session.go().reason == "interrupted"
    assert session.state().values["log"] == ["draft 4"]


def test_where_nothing_that_was_edited_has_run_there_is_nothing_to_go_back_to(saver):
    paused(saver)
    session = on(saver, post(POST.replace("'sure?'", "'really?'").replace("published", "out")))
    changes = session.changes()
    assert [change.part for change in changes.parts] == ["publish", "review"]
    assert changes.before is None
    with pytest.raises(NbhitlError, match="has run on this branch"):
        session.fork_before_change()


def test_a_finished_sibling_of_the_paused_node_can_be_run_again(saver):
    paused(saver, side_by_side(ask=asks("sure?"), other=says("old")))
    session = on(saver, side_by_side(ask=asks("sure?"), other=says("new")))
    assert set(session.changes().before.nodes) == {"ask", "other"}
    session.fork_before_change()
    session.go()
    session.answer(True)
    session.go()
    assert "new" in session.state().values["log"]
    assert "old" not in session.state().values["log"]


def test_a_branch_that_was_left_is_not_where_an_edited_node_has_run(saver):
    session = paused(saver)
    session.back(1)
    again = on(saver, post(POST.replace("LIMIT = 3", "LIMIT = 4")))
    assert [change.part for change in again.changes().parts] == ["draft"]
    assert again.changes().before is None


def test_before_a_node_that_is_gone_the_run_goes_back_to_where_it_can_go_on(saver):
    paused(saver)
    source = POST.replace("def draft", "def write").replace("f'draft ", "f'drafted ")
    built = post(source, "write", "review", "publish")
    before = on(saver, built).changes().before
    assert before.nodes == (START,)
    session = on(saver, built)
    session.fork_before_change()
    assert session.position.stopped.text == "back at step -1, before the input is taken"
    session.go()
    assert session.state().values["log"] == ["drafted 3"]


def test_a_renamed_node_is_recognised_by_its_source_and_the_run_goes_on_under_the_new_name(saver):
    session = paused(saver)
    session.answer("yes")
    built = post(POST.replace("def review", "def check"), "draft", "check", "publish")
    renamed = on(saver, built)
    changes = renamed.changes()
    assert changes.gone == ("review",)
    assert dict(changes.renames) == {"review": "check"}
    with pytest.raises(GraphError, match="no node 'chek'"):
        renamed.rename("review", "chek")
    assert renamed.rename("review", "check").reason == "finished"
    assert renamed.state().values["log"] == ["draft 3", "yes", "published"]


def test_a_renamed_node_is_one_change_and_its_new_name_alone_is_no_reason_to_run_it_again(saver):
    paused(saver)
    changes = on(saver, post(POST.replace("def draft", "def write"), "write", "review", "publish")).changes()
    (change,) = changes.parts
    assert (change.part, change.kind, change.names) == ("draft", "renamed", ("write",))
    assert change.words == "draft seems to be write now"
    assert "- def draft(state):" in str(change.diff)
    assert changes.before is None
    edited = POST.replace("def draft", "def write").replace("f'draft ", "f'drafted ")
    assert on(saver, post(edited, "write", "review", "publish")).changes().before.nodes == (START,)


def test_the_new_name_of_a_sub_graphs_node_is_found_by_its_path(saver):
    paused(saver, as_node("review", "ask"))
    changes = on(saver, as_node("review", "question")).changes()
    assert changes.gone == ("review/ask",)
    assert dict(changes.renames) == {"review/ask": "review/question"}


def test_without_the_old_source_a_new_name_is_found_by_its_likeness(saver):
    space = {"interrupt": interrupt}
    exec("def review(state): return {'log': [interrupt('?')]}\ndef other(state): return {}", space)
    paused(saver, row(review=space["review"], other=space["other"]))
    found = cell("def reviewed(state):\n    return {'log': [interrupt('?')]}\ndef other(state):\n    return {}\n")
    changes = on(saver, row(reviewed=found["reviewed"], other=found["other"])).changes()
    assert changes.gone == ("review",)
    assert dict(changes.renames) == {"review": "reviewed"}


def test_an_unlike_node_is_no_new_name(saver):
    paused(saver)
    other = "def other(state):\n    for n in range(9):\n        print(n)\n    return {'x': sum(range(3))}\n"
    built = post(POST + other, "draft", "other", "publish")
    changes = on(saver, built).changes()
    assert changes.gone == ("review",)
    assert dict(changes.renames) == {}


def test_the_edit_of_a_sub_graph_shows_which_node_in_it(saver):
    class Inner(State):
        pass

    def outer(text):
        inner = cell(f"def ask(state):\n    return {{'log': [interrupt({text!r})]}}\n")
        built = row(ask=inner["ask"]).compile(name="review")
        return row(first=says("first"), review=built)

    paused(saver, outer("sure?"))
    (change,) = on(saver, outer("really?")).changes().parts
    assert change.part == "review"
    assert "# review/ask" in change.before
    assert "interrupt('really?')" in str(change.diff)


def test_sources_are_written_once_for_each_state_of_the_code(saver):
    kept = []
    for source in (POST, POST, POST.replace("3", "4"), POST):
        paused(saver, post(source))
        kept.append({name: value for name, value in saver.settings(ThreadKey("", "")).items() if "source" in name})
        saver.delete_thread(ThreadKey("t"))
    assert [len(each) for each in kept] == [1, 1, 2, 2]


def test_only_the_newest_states_of_the_code_are_kept(saver, monkeypatch):
    monkeypatch.setattr(revising, "MOST_SOURCES", 3)
    for number in range(3, 9):
        paused(saver, post(POST.replace("LIMIT = 3", f"LIMIT = {number}")))
        saver.delete_thread(ThreadKey("t"))
    kept = [value["draft"] for name, value in saver.settings(ThreadKey("", "")).items() if "source" in name]
    assert [text.rpartition("LIMIT = ")[2] for text in kept] == ["6", "7", "8"]


def test_sources_outlive_the_kernel(tmp_path):
    saver = DuckDBSaver(tmp_path / "t.duckdb")
    paused(saver)
    saver.close()
    saver = DuckDBSaver(tmp_path / "t.duckdb")
    (change,) = on(saver, post(POST.replace("'published'", "'out'"))).changes().parts
    assert change.before == PUBLISH.rstrip()
    saver.close()


def test_nodes_without_a_source_are_compared_all_the_same(saver):
    space = {}
    exec("def one(state): return {'log': [1]}\ndef two(state): return {'log': [interrupt('?')]}", space)
    paused(saver, row(one=space["one"], two=space["two"]))
    exec("def one(state): return {'log': [2]}", space)
    (change,) = on(saver, row(one=space["one"], two=space["two"])).changes().parts
    assert (change.part, change.kind, change.diff) == ("one", "edited", None)


def test_long_sources_are_cut():
    long = "def node(state):\n" + "".join(f"    state['x'] = {n}\n" for n in range(9_000)) + "    return {}\n"
    found = texts(row(node=cell(long)["node"]).compile().graph)
    assert len(found["node"]) == 20_000


def test_the_newest_input_is_that_of_the_branch(saver):
    session = on(saver, row(say=says("a")))
    assert session.newest_input() is None
    session.go({"x": 1})
    session.go({"x": 2})
    assert session.newest_input() == {"x": 2}


def outer_of(first, second):
    """A graph whose node ``review`` runs two nodes, one after the other."""
    found = cell(
        f"def a(state):\n    return {{'log': [{first!r}]}}\n"
        f"def b(state):\n    return {{'log': [interrupt({second!r})]}}\n"
    )
    inner = row(a=found["a"], b=found["b"]).compile(name="review")
    return row(first=says("first"), review=inner)


def test_a_node_that_has_finished_inside_a_paused_sub_graph_has_run(saver):
    paused(saver, outer_of("old", "sure?"))
    session = on(saver, outer_of("new", "sure?"))
    (change,) = session.changes().parts
    assert change.inside == ("a",)
    assert session.changes().before.nodes == ("review",)
    session.fork_before_change()
    session.go()
    session.answer("yes")
    session.go()
    assert "new" in session.state().values["log"]
    assert "old" not in session.state().values["log"]


def test_the_node_that_a_sub_graph_is_paused_at_has_not_run(saver):
    paused(saver, outer_of("same", "sure?"))
    session = on(saver, outer_of("same", "really?"))
    assert session.changes().parts[0].inside == ("b",)
    assert session.changes().before is None
