"""Scripted answers, replay and saved tests from a notebook's cells."""

import json
import runpy

import pytest

TEA = """-i '{"topic": "tea"}'"""
TWICE = {"review": {"in_order": [{"decision": "revise", "notes": "x"}, {"decision": "publish"}]}}


def scripted(notebook, tmp_path, rules, line=TEA):
    (tmp_path / "people.json").write_text(json.dumps(rules), encoding="utf-8")
    return notebook.post(f"{line} --answers people.json")


def rows(notebook):
    notebook.run("%graph sql SELECT node, via FROM answers ORDER BY seq")
    return [tuple(row) for row in notebook.value.to_numpy().tolist()]


def test_a_question_that_the_file_has_no_answer_for_fails_the_cell_and_keeps_the_run(notebook, tmp_path):
    scripted(notebook, tmp_path, [{"node": "review", "question": "Pubish*", "answer": {"decision": "publish"}}])
    assert "people.json: there is no answer for node 'review'" in str(notebook.error)
    assert "There are rules for: node 'review', question 'Pubish*'" in str(notebook.error)
    assert notebook.workspace.find().session.state().next == ("review",)


def test_a_file_may_leave_a_question_to_a_person(notebook, tmp_path):
    said = scripted(notebook, tmp_path, {"review": {"pause": True}})
    assert notebook.error is None
    assert "Paused: review waits for an answer." in said


def test_answers_that_nobody_asked_for_fail_the_cell(notebook, tmp_path):
    scripted(notebook, tmp_path, {"review": {"in_order": [{"decision": "publish"}, 1]}})
    assert "node 'review' has 1 of 2 answers used on thread 'post'; the next one is 1" in str(notebook.error)
    assert notebook.workspace.find().session.state().next == ()


def test_a_sequence_goes_on_when_the_cell_is_run_again(notebook, tmp_path):
    rules = json.loads(json.dumps(TWICE))
    rules["review"]["in_order"].insert(1, {"pause": True})
    scripted(notebook, tmp_path, rules)
    assert notebook.workspace.find().session.state().next == ("review",)
    scripted(notebook, tmp_path, TWICE)
    assert notebook.error is None
    assert rows(notebook) == [("review", "script")] * 2
    assert notebook.workspace.find().session.state().next == ()


def test_an_answer_that_does_not_fit_names_node_and_file(notebook, tmp_path):
    scripted(notebook, tmp_path, {"review": {"decision": "perhaps"}})
    assert "decision" in str(notebook.error)
    assert "in node 'review', answered by the rule for node 'review' of people.json" in notebook.error.__notes__


def test_a_misspelt_node_in_the_file_is_said_before_anything_runs(notebook, tmp_path):
    scripted(notebook, tmp_path, {"reviw": 1})
    assert "people.json: there is no node 'reviw'. Did you mean 'review'?" in str(notebook.error)
    assert notebook.workspace.current is None


def test_a_thread_is_replayed_until_a_node_asks(notebook, tmp_path):
    scripted(notebook, tmp_path, TWICE)
    said = notebook.run("%graph replay --until review")
    assert notebook.error is None
    assert "Graph post, replayed: review waits for an answer" in said
    notebook.run("%graph answer decision=publish")
    notebook.run("%graph replay")
    assert notebook.error is None
    assert [via for _, via in rows(notebook)] == ["script", "script", "magic", "replay"]


def test_after_a_replay_the_cells_own_script_is_back(notebook, tmp_path):
    scripted(notebook, tmp_path, TWICE)
    worker = notebook.workspace.find()
    before = worker.script
    notebook.run("%graph replay")
    assert worker.script is before


def test_a_thread_is_saved_as_a_test_that_runs(notebook, tmp_path):
    scripted(notebook, tmp_path, TWICE)
    said = notebook.run("%graph save-test test_post.py")
    assert notebook.error is None
    assert said.startswith("Written. Run it with: pytest test_post.py")
    space = runpy.run_path(str(tmp_path / "test_post.py"))
    space["test_thread_post_goes_as_it_was_recorded"]()
    assert 'values["draft"] == "About tea. x"' in (tmp_path / "test_post.py").read_text(encoding="utf-8")


def test_a_paused_thread_is_saved_too_and_an_odd_name_is_remarked(notebook, tmp_path):
    notebook.post(TEA)
    said = notebook.run("%graph save-test post.py")
    assert "(pytest finds it by itself when its name begins with test_)" in said
    runpy.run_path(str(tmp_path / "post.py"))["test_thread_post_goes_as_it_was_recorded"]()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%graph save-test", "say where the test goes: %graph save-test test_NAME.py"),
        ("%graph replay review", "%graph replay [--until NODE]: 'review' is neither of it"),
        ("%graph replay --until", "'--until' is neither of it"),
        ("%graph replay --until reveiw", "there is no node 'reveiw'. Did you mean 'review'?"),
        ("%graph save-test missing/test.py", "cannot be written: No such file or directory"),
    ],
)
def test_a_mistake_in_the_line_names_the_cure(notebook, line, words):
    notebook.post(TEA)
    notebook.run(line)
    assert words in str(notebook.error)


def test_the_verbs_have_help(notebook):
    assert "%graph replay [--until NODE]" in notebook.run("%graph replay?")
    said = notebook.run("%graph help")
    assert "Write the thread as a pytest file" in said
