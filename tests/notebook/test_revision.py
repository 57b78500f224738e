"""What a person sees and can do when a cell is run again with edited code: words, HTML, verbs, buttons."""

import json
import re
from pathlib import Path

import pytest

from nbhitl.debugging.changes import Before, Change, Changes
from nbhitl.notebook.commands import Act, Go, Rerun
from nbhitl.notebook.revising.revision import Revision

TEA = """--thread demo -i '{"topic": "tea"}'"""


def edited(notebook, *pairs, line="--thread demo"):
    """Run the example of the README again, with other code."""
    source = notebook.source(line)
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new)
    return notebook.run(source)


DRAFT = ('f"About', 'f"All about')


def test_running_the_cell_again_with_edited_code_says_what_changed_and_how_to_go_on(notebook):
    notebook.post(TEA)
    said = edited(notebook, DRAFT)
    assert "Changed since the run stopped: draft." in said
    for way in ("%graph answer VALUE", "%graph rerun ", "%graph rerun --new"):
        assert way in said
    assert "run again from step 0, before draft, with the new code, on a branch of its own" in said
    assert len(notebook.workspace.find().session.pending()) == 1


def test_the_same_code_is_not_mentioned(notebook):
    notebook.post(TEA)
    assert "Changed" not in notebook.post("--thread demo")
    assert "Nothing was edited since thread demo stopped." in notebook.run("%graph changes")


def test_changes_shows_the_source_of_each_part_as_a_difference(notebook):
    notebook.post(TEA)
    edited(notebook, DRAFT, ('["publish", "revise"]', '["publish", "revise", "drop"]'))
    said = notebook.run("%graph changes")
    assert "draft was edited." in said
    assert """-     return {"draft": f"About""" in said
    assert """+     return {"draft": f"All about""" in said
    assert "review is the same, but Review changed." in said
    assert '+     decision: Literal["publish", "revise", "drop"]' in said
    page = notebook.value._repr_html_()
    assert page.count("<details>") == 3
    assert "<ins>" in page
    assert "+</span>" in page


def test_rerun_goes_back_before_the_change_and_runs_with_the_new_code(notebook):
    notebook.post(TEA)
    edited(notebook, DRAFT)
    said = notebook.run("%graph rerun")
    assert notebook.error is None, said
    assert "Run again from step 0, before draft." in said
    assert "review waits for an answer" in said
    session = notebook.workspace.find().session
    assert session.state().values["draft"] == "All about tea. "
    assert session.thread == "demo"
    assert "published: All about tea. " in notebook.run("%graph answer decision=publish")


def test_rerun_says_when_nothing_that_was_edited_has_run(notebook):
    notebook.post(TEA)
    edited(notebook, ('"published:"', '"out:"'))
    said = notebook.run("%graph rerun")
    assert "nothing that was edited since thread 'demo' stopped has run" in said
    assert "rewind" in said


def test_rerun_new_leaves_the_thread_as_it_is_and_begins_another_on_the_same_input(notebook):
    notebook.post(TEA)
    edited(notebook, DRAFT)
    said = notebook.run("%graph rerun --new")
    assert notebook.error is None, said
    assert "Thread demo stays as it is; this is the new thread demo-2." in said
    session = notebook.workspace.find().session
    assert (session.thread, session.state().values["draft"]) == ("demo-2", "All about tea. ")
    assert len(notebook.workspace.find("post", "demo").session.pending()) == 1
    assert notebook.workspace.find("post", "demo").session.state().values["draft"] == "About tea. "
    notebook.run("%graph -t demo rerun --new")
    assert notebook.workspace.find().session.thread == "demo-3"


RENAMED = (("def review", "def check"), ("draft, review", "draft, check"), ("route(review", "route(check"))


def test_a_node_that_was_renamed_is_offered_its_new_name_and_the_question_stays(notebook):
    notebook.post(TEA)
    said = edited(notebook, *RENAMED)
    assert "The run stands at review, which is gone. Was it renamed?" in said
    assert "%graph rename review=check" in said
    said = notebook.run("%graph rename review=check")
    assert notebook.error is None, said
    session = notebook.workspace.find().session
    assert [session.node_of(question) for question in session.pending()] == ["check"]
    assert "published: About tea." in notebook.run("%graph answer decision=publish")


@pytest.mark.parametrize("words", ["", "review", "review=", "=check"])
def test_rename_without_two_names_says_how_it_is_written(notebook, words):
    notebook.post(TEA)
    said = notebook.run(f"%graph rename {words}")
    assert "rename OLD=NEW" in said


def test_with_rename_on_the_line_nothing_is_offered(notebook):
    notebook.post(TEA)
    said = edited(notebook, *RENAMED, line="--thread demo --rename review=check")
    assert "gone" not in said
    assert len(notebook.workspace.find().session.pending()) == 1


def test_a_run_that_failed_goes_on_by_itself_where_nobody_can_choose(notebook):
    cell = """%%graph sums
from typing import TypedDict
class State(TypedDict, total=False):
    n: int
def one(state: State):
    return {"n": 1}
def two(state: State):
    return {"n": state["n"] / 0}
flow(START, one, two, END)
"""
    notebook.run(cell)
    said = notebook.run(cell.replace('"n": 1', '"n": 5').replace("/ 0", "/ 5"))
    assert notebook.error is None
    assert "Changed since the run stopped: one, two." in said
    assert "%graph rerun" in said
    assert notebook.workspace.find().session.state().values["n"] == 0.2


def test_after_a_finished_run_an_edit_is_shown_on_request_only(notebook):
    notebook.post(TEA)
    notebook.run("%graph answer decision=publish")
    said = edited(notebook, DRAFT, line="--thread demo -N")
    assert "Changed" not in said
    said = notebook.run("%graph changes")
    assert "draft was edited." in said
    assert "%graph rerun --new" in said
    assert "continue" not in said


# -- buttons


@pytest.fixture
def offered(notebook, monkeypatch):
    """Run cells as if somebody sat in front; the buttons that stand below an edit, by their names."""
    monkeypatch.setattr("nbhitl.notebook.launch.interactive", lambda shell: True)

    def run(*pairs, line="--thread demo"):
        edited(notebook, *pairs, line=line)
        choice = notebook.workspace.find().screen.choice
        return {} if choice is None or choice._box is None else {b.description: b for b in choice._box.children}

    return run


def test_the_buttons_are_the_ways_that_make_sense(notebook, offered):
    notebook.post(TEA)
    assert list(offered(DRAFT)) == ["Run again from step 0, before draft", "New thread"]
    notebook.post('--thread demo --restart -i \'{"topic": "tea"}\'')
    assert list(offered(('"published:"', '"out:"'))) == ["New thread"]
    assert list(offered(*RENAMED)) == ["review is check now", "New thread"]


def test_a_button_puts_its_command_on_the_queue_and_leaves_words(notebook, offered):
    notebook.post(TEA)
    button = offered(DRAFT)["Run again from step 0, before draft"]
    worker, sent = notebook.workspace.find(), []
    worker.screen.choice._send = sent.append
    button.click()
    assert sent == [Rerun()]
    assert worker.screen.choice._box is None
    button.click()
    assert len(sent) == 1


def test_a_new_thread_is_begun_on_the_workers_thread(notebook, offered):
    notebook.post(TEA)
    button = offered(DRAFT)["New thread"]
    old, sent = notebook.workspace.find(), []
    old.screen.choice._send = sent.append
    button.click()
    (command,) = sent
    assert isinstance(command, Act)
    old.do(command)
    new = notebook.workspace.find()
    new.do(Go())  # behind what begins it
    assert new.session.thread == "demo-2"
    assert new.session.state().values["draft"] == "All about tea. "


def test_buttons_go_when_the_run_has_gone_on_by_other_means(notebook, offered):
    notebook.post(TEA)
    button = offered(DRAFT)["New thread"]
    worker, sent = notebook.workspace.find(), []
    worker.screen.choice._send = sent.append
    notebook.run("%graph answer decision=revise")
    assert worker.screen.choice._box is None
    button.click()
    assert sent == []


def test_what_has_run_and_was_edited_is_not_gone_on_with_before_the_person_says_how(notebook, offered):
    ran = notebook.shell.user_ns["ran"] = []
    cell = """%%graph post --thread demo
from typing import TypedDict
class State(TypedDict, total=False):
    n: int
def one(state: State):
    ran.append("one")
    return {"n": 1}
def two(state: State):
    ran.append("two")
    return {"n": state["n"] / 0}
flow(START, one, two, END)
"""
    notebook.run(cell)
    notebook.run(cell.replace('"n": 1', '"n": 5'))
    assert ran == ["one", "two"]
    notebook.run(cell.replace("/ 0", "/ 5"))
    assert ran == ["one", "two", "two"]


# -- text of strangers


def test_sources_and_names_are_shown_as_text():
    evil = "<img src=x onerror=alert(1)>"
    change = Change(evil, "edited", (), f"'{evil}'", f"'{evil}' # \x1b[31m\u202e")
    gone = Changes((change,), (evil,), {evil: evil}, Before("c", 0, (evil,), evil))
    shown = Revision(gone, evil)
    page = shown._repr_html_()
    assert "<img" not in page
    assert not re.search("[\x1b\u202e]", repr(shown))


ATTACKS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text(encoding="utf-8"))


def test_no_hostile_text_of_the_corpus_becomes_an_element():
    texts = [str(value) for entry in _entries(ATTACKS) for value in entry.values()]
    assert len(texts) > 50
    for text in texts:
        change = Change(text, "edited", (text,), text, f"{text}.")
        page = Revision(Changes((change,), (text,), {text: text}, Before("c", 0, (text,), text)), text)._repr_html_()
        tags = set(re.findall(r"<(\w+)", page))
        known = {"style", "div", "details", "summary", "span", "table", "tbody", "tr", "th", "td", "code", "ins", "del"}
        assert tags <= known, text


def _entries(found):
    if isinstance(found, list):
        for one in found:
            yield from _entries(one)
    elif isinstance(found, dict):
        yield found
        for one in found.values():
            yield from _entries(one)


def test_many_parts_are_cut():
    changes = Changes(tuple(Change(f"node{n}", "edited", (), "a", "b") for n in range(300)))
    shown = Revision(changes, "t")
    assert "and 260 more" in shown.title
    assert shown._repr_html_().count("<details>") == 41
