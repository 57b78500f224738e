"""Scripted people: the file's formats, and every error it can hold."""

import json

import pytest

from nbhitl import NbhitlError
from nbhitl.scripts import ScriptedAnswers


def written(tmp_path, text, name="answers.json"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_json_file_maps_nodes_to_answers(tmp_path):
    script = ScriptedAnswers.read(written(tmp_path, json.dumps({"review": {"ok": True}, "name": "Kim"})))
    assert script.has("review")
    assert not script.has("other")
    assert script.answer("review", "?") == {"ok": True}
    assert script.answer("name", "?") == "Kim"


@pytest.mark.parametrize("name", ["answers.yaml", "answers.yml"])
def test_a_yaml_file_does_the_same(name, tmp_path):
    script = ScriptedAnswers.read(written(tmp_path, "review: {ok: true}\nname: Kim\n", name))
    assert script.rules == {"review": {"ok": True}, "name": "Kim"}


def test_a_path_may_be_text(tmp_path):
    assert ScriptedAnswers.read(str(written(tmp_path, "{}"))).rules == {}


@pytest.mark.parametrize("answer", [False, 0, "", None, [], {}])
def test_any_value_is_an_answer_to_every_question_of_its_node(answer):
    script = ScriptedAnswers({"n": answer})
    assert [script.answer("n", "first"), script.answer("n", "second")] == [answer, answer]


def test_answers_in_order_are_given_one_after_the_other_each_node_for_itself():
    script = ScriptedAnswers({"a": {"in_order": [1, False, 3]}, "b": {"in_order": ["x"]}})
    assert [script.answer(node, "?") for node in "aabaa"[:4]] == [1, False, "x", 3]


def test_asking_more_often_than_there_are_answers_is_an_error_that_counts():
    script = ScriptedAnswers({"a": {"in_order": [1]}}, "answers.json")
    script.answer("a", "?")
    with pytest.raises(NbhitlError, match=r"answers.json: node 'a' asks for answer 2, and has 1"):
        script.answer("a", "?")


@pytest.mark.parametrize(("question", "answer"), [({"index": 17}, 3), ({"index": "17"}, 3), ({"index": 4}, "skip")])
def test_an_answer_may_be_chosen_by_a_key_of_the_question(question, answer):
    script = ScriptedAnswers({"a": {"by": "index", "is": {"17": 3, "*": "skip"}}})
    assert script.answer("a", question) == answer


@pytest.mark.parametrize("answer", [False, None, 0])
def test_a_falsy_chosen_answer_is_an_answer(answer):
    assert ScriptedAnswers({"a": {"by": "i", "is": {"1": answer}}}).answer("a", {"i": 1}) == answer


def test_a_number_is_a_key_in_yaml_too(tmp_path):
    file = written(tmp_path, "a:\n  by: index\n  is:\n    17: 3\n", "answers.yaml")
    assert ScriptedAnswers.read(file).answer("a", {"index": 17}) == 3


@pytest.mark.parametrize("question", [{"index": 5}, {}, "no dict"])
def test_a_question_that_no_answer_is_chosen_for_is_an_error_naming_the_key(question):
    script = ScriptedAnswers({"a": {"by": "index", "is": {"17": 3}}}, "answers.json")
    with pytest.raises(NbhitlError, match="answers.json: no answer for node 'a' with index = "):
        script.answer("a", question)


def test_a_mapping_that_only_looks_like_a_rule_is_an_answer():
    answer = {"by": "kim", "is": "fine", "note": ""}
    assert ScriptedAnswers({"a": answer}).answer("a", "?") == answer


@pytest.mark.parametrize(
    ("rule", "question"),
    [({"in_order": 5}, "?"), ({"in_order": "abc"}, "?"), ({"by": "index", "is": [1, 2]}, {"index": 0})],
)
def test_a_malformed_rule_is_an_error_that_names_its_node(rule, question):
    with pytest.raises(NbhitlError, match="'a'"):
        ScriptedAnswers({"a": rule}).answer("a", question)


def test_a_rule_for_a_node_that_is_not_there_is_an_error_with_a_suggestion():
    script = ScriptedAnswers({"revew": True}, "answers.json")
    with pytest.raises(NbhitlError, match="answers.json: there is no node 'revew'. Did you mean 'review'"):
        script.check({"review": None})
    ScriptedAnswers({"review": True}).check({"review": None, "other": None})


@pytest.mark.parametrize(("text", "name"), [("[1]", "a.json"), ("7", "a.json"), ("- 1\n", "a.yaml"), ("", "a.yaml")])
def test_a_file_that_holds_no_mapping_is_an_error(text, name, tmp_path):
    with pytest.raises(NbhitlError, match="expected a mapping from node names to answers"):
        ScriptedAnswers.read(written(tmp_path, text, name))


def test_a_file_that_is_no_json_is_an_error_that_says_where(tmp_path):
    with pytest.raises(NbhitlError, match="is no JSON: .* in line 2, column 8"):
        ScriptedAnswers.read(written(tmp_path, '{\n  "a": oops}'))


def test_a_file_that_is_no_yaml_is_an_error(tmp_path):
    with pytest.raises(NbhitlError, match="is no YAML"):
        ScriptedAnswers.read(written(tmp_path, "a: [1\nb: 2\n", "answers.yaml"))


def test_a_yaml_file_may_not_make_python_objects(tmp_path):
    with pytest.raises(NbhitlError, match="is no YAML"):
        ScriptedAnswers.read(written(tmp_path, "a: !!python/object/apply:os.getcwd []\n", "answers.yaml"))


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(NbhitlError, match="missing.json' cannot be read: No such file"):
        ScriptedAnswers.read(tmp_path / "missing.json")
    with pytest.raises(NbhitlError, match="cannot be read"):
        ScriptedAnswers.read(tmp_path)


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    file = tmp_path / "answers.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NbhitlError, match="answers.json"):
        ScriptedAnswers.read(file)
