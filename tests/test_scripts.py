"""Scripted people: the file's formats, and every error it can hold."""

import json

import pytest

from nbhitl import EndlessQuestions, LeftoverAnswers, NbhitlError, UnansweredQuestion
from nbhitl.engine.records import Asked
from nbhitl.scripts import PERSON, ScriptedAnswers
from nbhitl.scripts.script import SAME


def asked(value="?", number=0, **more):
    return Asked(f"task {number}", f"id {number}", value, **more)


def has(script, node):
    return script.rule(node, asked()) is not None


def told(script, node, value="?", **more):
    return script.answer(node, asked(value, **more))


def written(tmp_path, text, name="answers.json"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_json_file_maps_nodes_to_answers(tmp_path):
    script = ScriptedAnswers.read(written(tmp_path, json.dumps({"review": {"ok": True}, "name": "Kim"})))
    assert has(script, "review")
    assert not has(script, "other")
    assert told(script, "review", "?") == {"ok": True}
    assert told(script, "name", "?") == "Kim"


@pytest.mark.parametrize("name", ["answers.yaml", "answers.yml"])
def test_a_yaml_file_does_the_same(name, tmp_path):
    script = ScriptedAnswers.read(written(tmp_path, "review: {ok: true}\nname: Kim\n", name))
    assert told(script, "review") == {"ok": True}
    assert told(script, "name") == "Kim"


def test_a_path_may_be_text(tmp_path):
    assert ScriptedAnswers.read(str(written(tmp_path, "{}"))).rules == ()


@pytest.mark.parametrize("answer", [False, 0, "", None, [], {}])
def test_any_value_is_an_answer_to_every_question_of_its_node(answer):
    script = ScriptedAnswers({"n": answer})
    assert [told(script, "n", "first"), told(script, "n", "second")] == [answer, answer]


def test_answers_in_order_are_given_one_after_the_other_each_node_for_itself():
    script = ScriptedAnswers({"a": {"in_order": [1, False, 3]}, "b": {"in_order": ["x"]}})
    assert [told(script, node) for node in "aabaa"[:4]] == [1, False, "x", 3]


def test_each_thread_has_its_own_place_in_a_sequence():
    script = ScriptedAnswers({"a": {"in_order": [1, 2]}})
    assert [script.answer("a", asked(), thread) for thread in ("x", "y", "x")] == [1, 1, 2]
    assert script.leftovers() == [
        "the rule for node 'a' has 1 of 2 answers used on thread 'y'; the next one is 2",
    ]


def test_a_sequence_goes_on_where_an_earlier_run_has_left_off():
    script = ScriptedAnswers({"a": {"in_order": [1, 2, 3]}, "b": 1})
    script.take_up("x", [("a", asked("first", 1)), ("gone", asked("?", 2)), ("a", asked("second", 3))])
    assert script.answer("a", asked("third", 4), "x") == 3
    assert script.leftovers() == ["the rule for node 'b' was never used"]


def test_asking_more_often_than_there_are_answers_is_an_error_that_counts():
    script = ScriptedAnswers({"a": {"in_order": [1]}}, "answers.json")
    told(script, "a", "?")
    with pytest.raises(
        NbhitlError, match=r"answers.json: node 'a': '\?' asks for answer 2, and the rule for node 'a' has 1"
    ):
        told(script, "a", "?")


@pytest.mark.parametrize(("question", "answer"), [({"index": 17}, 3), ({"index": "17"}, 3), ({"index": 4}, "skip")])
def test_an_answer_may_be_chosen_by_a_key_of_the_question(question, answer):
    script = ScriptedAnswers({"a": {"by": "index", "is": {"17": 3, "*": "skip"}}})
    assert told(script, "a", question) == answer


@pytest.mark.parametrize("answer", [False, None, 0])
def test_a_falsy_chosen_answer_is_an_answer(answer):
    assert told(ScriptedAnswers({"a": {"by": "i", "is": {"1": answer}}}), "a", {"i": 1}) == answer


def test_a_number_is_a_key_in_yaml_too(tmp_path):
    file = written(tmp_path, "a:\n  by: index\n  is:\n    17: 3\n", "answers.yaml")
    assert told(ScriptedAnswers.read(file), "a", {"index": 17}) == 3


@pytest.mark.parametrize("question", [{"index": 5}, {}, "no dict"])
def test_a_question_that_no_answer_is_chosen_for_is_an_error_naming_the_key(question):
    script = ScriptedAnswers({"a": {"by": "index", "is": {"17": 3}}}, "answers.json")
    with pytest.raises(NbhitlError, match="answers.json: no answer for node 'a': .* with index = "):
        told(script, "a", question)


def test_a_mapping_that_only_looks_like_a_rule_is_an_answer():
    answer = {"by": "kim", "is": "fine", "note": ""}
    assert told(ScriptedAnswers({"a": answer}), "a") == answer


@pytest.mark.parametrize(
    ("rule", "question"),
    [({"in_order": 5}, "?"), ({"in_order": "abc"}, "?"), ({"by": "index", "is": [1, 2]}, {"index": 0})],
)
def test_a_malformed_rule_is_an_error_that_names_its_node(rule, question):
    with pytest.raises(NbhitlError, match="'a'"):
        told(ScriptedAnswers({"a": rule}), "a", question)


def test_a_rule_for_a_node_that_is_not_there_is_an_error_with_a_suggestion():
    script = ScriptedAnswers({"revew": True}, "answers.json")
    with pytest.raises(NbhitlError, match="answers.json: there is no node 'revew'. Did you mean 'review'"):
        script.check({"review": None})
    ScriptedAnswers({"review": True}).check({"review": None, "other": None})


@pytest.mark.parametrize(("text", "name"), [("7", "a.json"), ('"x"', "a.json"), ("7\n", "a.yaml"), ("", "a.yaml")])
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


def test_the_rule_that_names_a_node_best_counts():
    script = ScriptedAnswers({"*": "all", "sub": "in sub", "ask": "any ask", "sub/ask": "this one"})
    assert told(script, "sub/ask") == "this one"
    assert told(script, "sub/other") == "in sub"
    assert told(script, "else/ask") == "any ask"
    assert told(script, "ask") == "any ask"
    assert told(script, "elsewhere") == "all"


def test_in_a_list_the_first_rule_whose_conditions_hold_counts():
    script = ScriptedAnswers(
        [
            {"question": "Publish*", "node": "review", "answer": 1},
            {"question": "Publish*", "answer": 2},
            {"key": "price", "answer": 3},
            {"asks": {"n": 1}, "answer": 4},
            {"answer": 5},
        ]
    )
    assert told(script, "review", "Publish it?") == 1
    assert told(script, "other", {"text": "Publish\nthat?"}) == 2
    assert told(script, "other", "?", key="price") == 3
    assert told(script, "other", {"n": 1}) == 4
    assert told(script, "other", {"n": 2}) == 5


def test_only_a_star_is_special_in_a_pattern():
    script = ScriptedAnswers([{"question": "Really [a-z]? (1.0)", "answer": 1}, {"question": "a*c*", "answer": 2}])
    assert told(script, "n", "Really [a-z]? (1.0)") == 1
    assert told(script, "n", "abc") == 2
    with pytest.raises(UnansweredQuestion):
        told(script, "n", "Really b? (1.0)")
    with pytest.raises(UnansweredQuestion):
        told(script, "n", "xabc")


def test_a_question_is_also_known_by_what_its_class_says():
    script = ScriptedAnswers([{"question": "Publish this draft?", "answer": 1}])
    assert told(script, "n", {"draft": "x"}, described={"description": "Publish this draft?"}) == 1


def test_an_answer_may_be_chosen_by_the_questions_text_or_key():
    by_text = ScriptedAnswers({"n": {"by_question": {"Pub*": True, "*": {"in_order": [1, 2]}}}})
    assert [told(by_text, "n", text) for text in ("Publish?", "x", "Public?", "y")] == [True, 1, True, 2]
    by_key = ScriptedAnswers({"n": {"by_key": {"a": 1, "b": 2}}})
    assert [told(by_key, "n", key=key) for key in "ba"] == [2, 1]
    with pytest.raises(UnansweredQuestion, match="with key = 'c'. Known: 'a', 'b'"):
        told(by_key, "n", key="c")


def test_an_answer_that_looks_like_a_rule_is_written_as_answer():
    script = ScriptedAnswers({"a": {"answer": {"in_order": [1]}}, "b": {"in_order": [{"answer": {"default": True}}]}})
    assert told(script, "a") == {"in_order": [1]}
    assert told(script, "b") == {"default": True}


def test_a_function_is_given_the_question():
    script = ScriptedAnswers({"a": lambda question: question["n"] * 2, "b": {"in_order": [lambda _: 7, 8]}})
    assert told(script, "a", {"n": 4}) == 8
    assert [told(script, "b"), told(script, "b")] == [7, 8]


def test_what_a_function_raises_says_which_question_it_was_for():
    def wrong(question):
        raise KeyError("n")

    with pytest.raises(KeyError) as caught:
        told(ScriptedAnswers({"a": wrong}, "mine"), "a", "How many?")
    assert caught.value.__notes__ == ["while mine answered node 'a': 'How many?'"]


def test_an_async_function_is_refused():
    async def later(question):
        return 1

    with pytest.raises(NbhitlError, match="the function for node 'a' is async; give a plain function"):
        told(ScriptedAnswers({"a": later}), "a")


def test_a_question_can_be_left_to_a_person():
    assert told(ScriptedAnswers({"a": {"pause": True}}), "a") is PERSON
    script = ScriptedAnswers({"b": {"in_order": [{"pause": True}, 2]}})
    assert [told(script, "b"), told(script, "b")] == [PERSON, PERSON]  # it is the same question, asked again
    assert script.answer("b", asked("next", 1)) == 2


DESCRIBED = {
    "type": "object",
    "properties": {
        "tone": {"type": "string", "default": "dry"},
        "place": {"$ref": "#/$defs/Place"},
        "maybe": {"type": "string"},
        "kind": {"const": "draft"},
    },
    "required": ["place", "kind"],
    "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string", "default": "Bonn"}}}},
}


def test_the_default_is_what_the_form_offers():
    script = ScriptedAnswers({"a": {"default": True}})
    assert told(script, "a", default=5) == 5
    assert told(script, "a", described={"type": "integer", "default": 3}) == 3
    assert told(script, "a", described=DESCRIBED) == {"tone": "dry", "place": {"city": "Bonn"}, "kind": "draft"}
    with pytest.raises(UnansweredQuestion, match="the form of node 'a': 'How many' offers no default answer"):
        told(script, "a", "How many", described={"type": "integer"})


def test_a_default_can_be_changed_by_whoever_gets_it():
    script = ScriptedAnswers({"a": {"default": True}})
    described = {"default": {"tags": []}}
    told(script, "a", described=described)["tags"].append(1)
    assert described == {"default": {"tags": []}}


def test_what_was_not_used_is_named():
    script = ScriptedAnswers({"a": 1, "b": {"in_order": [1, {"default": True}]}, "*": 0, "c": {"pause": True}}, "mine")
    told(script, "b")
    with pytest.raises(
        LeftoverAnswers,
        match="mine: the rule for node 'a' was never used; the rule for node 'b' has 1 of 2 answers used; "
        "the next one is the form's default. There is no node 'a'. Did you mean 'ab'",
    ):
        script.expect_used(nodes=["ab", "b", "c"])


def test_the_same_question_answered_the_same_way_again_and_again_is_an_error():
    script = ScriptedAnswers({"a": "no"}, "mine")
    for _ in range(SAME):
        told(script, "a")
    with pytest.raises(EndlessQuestions, match="mine: node 'a': '\\?' was asked 100 times, and was answered 'no'"):
        told(script, "a")
    assert script.answer("a", asked(number=1)) == "no"  # another task


def test_no_message_tells_a_secret():
    password = {"type": "string", "format": "password", "writeOnly": True}
    script = ScriptedAnswers({"a": {"in_order": ["hunter22", "hunter33"]}, "b": "hunter44"}, "mine")
    told(script, "a", described=password)
    assert script.leftovers()[-1].endswith("the next one is (secret)")
    for _ in range(SAME):
        told(script, "b", described=password)
    with pytest.raises(EndlessQuestions) as caught:
        told(script, "b", described=password)
    assert "hunter" not in str(caught.value)


def test_several_questions_without_an_answer_are_named_together():
    script = ScriptedAnswers({"reveiw": 1}, "mine")
    with pytest.raises(UnansweredQuestion) as caught:
        script.answers([("review", asked("A?", 1)), ("ask", asked("B?", 2, key="k"))])
    assert str(caught.value) == (
        "mine: there is no answer for node 'review': 'A?'. Did you mean 'reveiw'?\n"
        "mine: there is no answer for node 'ask' (key 'k'): 'B?'. Known: 'reveiw'."
    )


def test_a_script_that_is_not_strict_leaves_the_rest_to_a_person():
    script = ScriptedAnswers({"a": 1}, strict=False)
    assert script.answers([("a", asked("A?", 1)), ("b", asked("B?", 2))]) == {"id 1": 1}


def test_a_script_for_some_nodes_leaves_the_others_to_a_person_only():
    script = ScriptedAnswers([{"node": "a", "asks": "A?", "answer": 1}], others=True)
    assert script.answers([("a", asked("A?", 1)), ("b", asked("B?", 2))]) == {"id 1": 1}
    with pytest.raises(UnansweredQuestion, match="There are rules for: node 'a', question 'A\\?'"):
        script.answers([("a", asked("changed", 3))])


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([7], "mine: rule 1: expected a mapping"),
        ([{"node": "a"}], "rule 1: it says nothing to answer"),
        ([{"nod": "a", "answer": 1}], "there is no 'nod' in a rule. Did you mean 'node'"),
        ([{"node": 1, "answer": 1}], "rule 1: node is 1; it takes text"),
        ([{"question": 1, "answer": 1}], "rule 1: question is 1; it takes text"),
        ([{"answer": 1, "default": True}], "rule 1: answer, default do not go together"),
        ([{"by": "index", "answer": 1}], "do not go together"),
        ({1: 2}, "a node's name is 1; it takes text"),
        ({"a": {"by_key": 3}}, "node 'a': by_key takes a mapping from each key to answers"),
        ({"a": {"by_question": []}}, "by_question takes a mapping from each question to answers"),
        (None, "expected a mapping from node names to answers, or a list of rules, not NoneType"),
        ("text", "not str"),
    ],
)
def test_rules_that_are_none_are_errors_that_name_the_place(rules, words):
    with pytest.raises(NbhitlError, match=words):
        ScriptedAnswers(rules, "mine")


def test_a_path_into_a_sub_graph_is_checked_too():
    nodes = ["review", "review/ask", "other"]
    for name in ("review", "ask", "review/ask", "other/called in its body", "*"):
        ScriptedAnswers({name: 1}).check(nodes)
    with pytest.raises(NbhitlError, match="there is no node 'review/aks'. Did you mean 'review/ask'"):
        ScriptedAnswers({"review/aks": 1}).check(nodes)


@pytest.mark.parametrize("name", ["deep.json", "deep.yaml"])
def test_a_file_that_is_nested_too_deeply_is_an_error(name, tmp_path):
    with pytest.raises(NbhitlError, match="deep.* is nested too deeply"):
        ScriptedAnswers.read(written(tmp_path, "[" * 100_000 + "]" * 100_000, name))
