"""`approve` gives True or False, `choose` the very option; what cannot be told apart is said at once."""

from dataclasses import dataclass
from enum import Enum

import pytest

from nbhitl import approve, choose
from nbhitl.engine.errors import AnswerRefused, CheckpointerRequired, NbhitlError, SchemaError


class Size(Enum):
    SMALL = 1
    LARGE = (3, "liters")


@dataclass(frozen=True)
class Model:
    name: str
    cost: float


SMALL, LARGE = Model("small", 0.1), Model("large", 2.5)


@pytest.mark.parametrize("answer", [True, False])
def test_an_approval_is_true_or_false(person, answer):
    asked = person(lambda: approve("Publish?"))
    assert asked.asked == "Publish?"
    assert asked.answers(answer) is answer


def test_what_is_shown_stands_in_the_question_in_order(person):
    asked = person(lambda: approve("Publish?", "the draft", {"topic": "tea"}))
    assert asked.asked == {"question": "Publish?", "show": ["the draft", {"topic": "tea"}]}


@pytest.mark.parametrize("answer", ["yes", 1, 0, None, "true"])
def test_an_approval_takes_no_other_answer(person, answer):
    asked = person(lambda: approve("Publish?"))
    with pytest.raises(AnswerRefused, match="must be"):
        asked.answers({asked.id: answer})


def test_the_words_for_yes_and_no_are_the_labels_of_the_form(person):
    (field,) = person(lambda: approve("Go?", yes="Send it", no="Keep it")).form.fields
    assert [(o.value, o.label) for o in field.options] == [(True, "Send it"), (False, "Keep it")]


def test_a_question_without_text_is_an_error_with_the_cure(person):
    with pytest.raises(NbhitlError, match=r"approve\(''\): give the question as text first"):
        person(lambda: approve(""))


def test_texts_and_numbers_are_recorded_as_they_are(person):
    assert person(lambda: choose("Which?", ["a", "b"])).answers("b") == "b"
    assert person(lambda: choose("How many?", [1, 2, 3])).answers(2) == 2


def test_the_very_option_comes_back_by_its_label(person):
    asked = person(lambda: choose("Which?", {"cheap": SMALL, "good": LARGE}))
    assert asked.answers("good") is LARGE


def test_objects_and_enums_name_themselves(person):
    assert person(lambda: choose("Which?", [SMALL, LARGE])).answers("Model(name='large', cost=2.5)") is LARGE
    assert person(lambda: choose("Which?", Size)).answers("LARGE") is Size.LARGE


def test_several_options_come_back_in_the_order_of_the_answer(person):
    asked = person(lambda: choose("Which?", ["a", "b", "c"], many=True, at_least=1))
    with pytest.raises(AnswerRefused, match="at least 1"):
        asked.answers({asked.id: []})
    assert asked.answers(["c", "a"]) == ["c", "a"]


def test_an_answer_that_is_no_option_is_refused_and_the_options_are_named(person):
    with pytest.raises(AnswerRefused, match=r"'a' or 'b'"):
        person(lambda: choose("Which?", ["a", "b"])).answers("c")


def test_one_and_true_are_different_options(person):
    asked = person(lambda: choose("Which?", {"one": 1, "yes": True}))
    assert asked.answers("yes") is True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no options"),
        (["a", "a"], "both 'a'"),
        ([object()], "another in each run"),
        ({1: "a"}, "have to be text"),
    ],
)
def test_options_that_cannot_be_chosen_from_are_an_error(person, options, said):
    with pytest.raises(NbhitlError, match=said):
        person(lambda: choose("Which?", options))


def test_bounds_without_many_are_an_error(person):
    with pytest.raises(NbhitlError, match="needs many=True"):
        person(lambda: choose("Which?", ["a"], at_least=1))


def test_options_that_changed_under_a_key_are_an_error_that_says_so(person):
    options = ["a", "b"]
    asked = person(lambda: choose("Which?", list(options), key="which"))
    options.remove("a")
    with pytest.raises(SchemaError, match="'a' is none of the options any more"):
        asked.answers("a")


def test_a_default_is_given_as_an_option(person):
    with pytest.raises(NbhitlError, match="none of the options"):
        person(lambda: choose("Which?", ["a"], deadline=60, default="b"))
    asked = person(lambda: choose("Which?", {"cheap": SMALL}, deadline=60, default=SMALL))
    assert asked.answers("cheap") is SMALL


def test_without_a_checkpointer_a_helper_says_what_interrupt_says(person):
    from nbhitl import START, StateGraph

    builder = StateGraph(dict)
    builder.add_node("node", lambda state: {"x": approve("Go?")})
    builder.add_edge(START, "node")
    with pytest.raises(CheckpointerRequired):
        builder.compile().invoke({"x": 1})


def test_outside_a_node_a_helper_says_so():
    with pytest.raises(NbhitlError, match="outside a node"):
        approve("Go?")
