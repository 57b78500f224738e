"""What binds an answer to its question."""

import dataclasses
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbhitl.engine.errors import EmptyInputError, QuestionChanged, UnknownInterruptError
from nbhitl.engine.fingerprints import fingerprint
from nbhitl.engine.ids import digest, interrupt_id
from nbhitl.engine.questions import binding, check_change, match_answers
from nbhitl.engine.records import MISSING, Asked

ONE = "0123456789abcdef"
TWO = "fedcba9876543210"


def asked(id, value="?", **more):
    return Asked("t", id, value, **more)


def test_the_same_call_asking_the_same_thing_is_the_same_question():
    one = binding(ordinal=0, key=None, value={"draft": "x"}, schema={"type": "string"})
    assert one == binding(ordinal=0, key=None, value={"draft": "x"}, schema={"type": "string"})


@pytest.mark.parametrize(
    "other",
    [
        {"ordinal": 1},
        {"value": {"draft": "y"}},
        {"schema": {"type": "integer"}},
        {"schema": None},
        {"key": "name"},
    ],
)
def test_another_place_value_schema_or_key_makes_another_question(other):
    same = {"ordinal": 0, "key": None, "value": {"draft": "x"}, "schema": {"type": "string"}}
    assert binding(**same) != binding(**{**same, **other})


def test_a_key_names_a_question_whose_value_changes():
    assert binding(ordinal=0, key="k", value=1, schema=None) == binding(ordinal=3, key="k", value=2, schema=None)


def test_a_question_may_change_once_and_is_refused_the_second_time():
    assert check_change([asked("1")], asked("2"), "n") is None
    with pytest.raises(QuestionChanged, match=r"node 'n'.*key="):
        check_change([asked("1"), asked("2")], asked("3"), "n")


def test_a_question_asked_again_or_elsewhere_in_the_body_changes_nothing():
    assert check_change([asked("1")], asked("1"), "n") is None
    assert check_change([asked("1", ordinal=1)], asked("2"), "n") is None


def test_a_question_with_a_key_never_counts_as_changed():
    before = [asked("1", key="k"), asked("2", key="k")]
    assert check_change(before, asked("3", key="k"), "n") is None
    assert check_change(before, asked("3"), "n") is None


def test_the_questions_of_sub_graphs_do_not_count_as_the_bodys_own():
    assert check_change([asked("1", ns="t:k"), asked("2", ns="t:k")], asked("3"), "n") is None


def test_a_bare_answer_goes_to_the_only_question():
    assert match_answers([asked(ONE)], "yes") == {ONE: "yes"}


@pytest.mark.parametrize("answer", [False, 0, "", []])
def test_falsy_answers_are_answers(answer):
    assert match_answers([asked(ONE)], answer) == {ONE: answer}


@pytest.mark.parametrize("answer", [False, 0, "", [], None, {}])
def test_by_id_every_value_is_an_answer(answer):
    assert match_answers([asked(ONE)], {ONE: answer}) == {ONE: answer}


@pytest.mark.parametrize("answer", [None, {}])
def test_nothing_is_no_answer_and_says_what_is_open_and_how_to_answer_none(answer):
    with pytest.raises(EmptyInputError, match=rf"is no answer. Open: {ONE} \('\?'\).*resume=\{{id: None\}}"):
        match_answers([asked(ONE)], answer)


@pytest.mark.parametrize("answer", [None, {}])
def test_nothing_where_no_question_is_open_says_how_to_go_on(answer):
    with pytest.raises(EmptyInputError, match="is no answer, and no question is open. Call with None to go on"):
        match_answers([], answer)


@pytest.mark.parametrize(
    ("by", "said"),
    [(TWO, f"question {TWO} took its place"), ("", "it was closed by an edit of the state")],
)
def test_an_answer_to_a_superseded_question_says_what_became_of_it(by, said):
    with pytest.raises(UnknownInterruptError, match=f"no open question has the id '{ONE}': {said}.*Open: {TWO}"):
        match_answers([asked(TWO)], {ONE: "yes"}, {ONE: by})


def test_a_bare_answer_for_two_questions_is_refused_with_both_named():
    with pytest.raises(UnknownInterruptError, match=f"{ONE}.*{TWO}"):
        match_answers([asked(ONE), asked(TWO)], "yes")


def test_any_of_several_questions_can_be_answered_by_id():
    assert match_answers([asked(ONE), asked(TWO)], {TWO: "b"}) == {TWO: "b"}


def test_an_id_that_is_not_pending_is_refused_with_the_open_ones_named():
    with pytest.raises(UnknownInterruptError, match=f"no open question has the id 'ffffffffffffffff'.*{ONE}"):
        match_answers([asked(ONE)], {"f" * 16: "yes"})


def test_an_answer_that_is_a_mapping_is_no_id_map():
    assert match_answers([asked(ONE)], {"decision": "publish"}) == {ONE: {"decision": "publish"}}


def test_no_answer_and_no_question_are_told_apart():
    with pytest.raises(EmptyInputError, match="resume="):
        match_answers([asked(ONE)], MISSING)
    with pytest.raises(UnknownInterruptError, match="no open question"):
        match_answers([], "yes")


class Colour(Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int


def test_digests_follow_content_not_identity():
    for make in (lambda: {"a": [1, 2.5, None, b"x"]}, lambda: Point(3), lambda: Colour.RED, lambda: {3, 1}, object):
        assert digest(make()) == digest(make())


def test_digests_tell_types_and_order_apart():
    values = [
        1,
        1.0,
        True,
        "1",
        b"1",
        [1],
        (1,),
        {1},
        {"a": 1},
        None,
        Point(1),
        Point(2),
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
    ]
    assert len({digest(value) for value in values}) == len(values)


def test_digests_look_into_arrays():
    numpy = pytest.importorskip("numpy")
    assert digest(numpy.arange(4)) == digest(numpy.arange(4))
    assert digest(numpy.arange(4)) != digest(numpy.arange(4).reshape(2, 2))


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_value_has_a_digest(value):
    assert digest(value) == digest(value)


def test_interrupt_ids_are_sixteen_hex_digits_and_depend_on_the_task():
    assert len(interrupt_id("t", "b")) == 16
    assert interrupt_id("t", "b") != interrupt_id("u", "b")


def test_a_fingerprint_ignores_where_code_stands_and_sees_what_it_does():
    space = {}
    exec("def one(s): return s['x'] + 1", space)
    exec("\n\n# moved\ndef two(s): return s['x'] + 1", space)
    exec("def three(s): return s['x'] + 2", space)
    assert fingerprint(space["one"]) == fingerprint(space["two"])
    assert fingerprint(space["one"]) != fingerprint(space["three"])
