"""Questions that were edited while they waited: an answer counts for the question it was given to, or for none."""

import pytest

from nbhitl import QuestionChanged, interrupt
from tests.edits.homes import asks, row, says, side_by_side

ASKED_ANEW = {
    "other words": (asks("sure?"), asks("really sure?"), "really sure?", [["really sure?", "new"]]),
    "a schema where there was none": (
        asks("sure?"), asks("sure?", response_schema=str), "sure?", [["sure?", "new"]],
    ),
    "no schema where there was one": (
        asks("sure?", response_schema=str), asks("sure?"), "sure?", [["sure?", "new"]],
    ),
    "a key": (asks("sure?"), asks("sure?", key="go"), "sure?", [["sure?", "new"]]),
    "another key": (asks("sure?", key="a"), asks("sure?", key="b"), "sure?", [["sure?", "new"]]),
    "no key where there was one": (asks("sure?", key="a"), asks("sure?"), "sure?", [["sure?", "new"]]),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "question", "log"), ASKED_ANEW.values(), ids=ASKED_ANEW)
def test_a_question_that_got(home, before, after, question, log):
    """... is asked anew; both answers are remembered, and only the new one counts."""
    after = row(ask=after)
    home.edit(row(ask=before), after, "old")
    assert home.asked(after) == [question]
    assert home.resume(after, "new") == log
    assert [answer for _, answer in home.kept()] == ["old", "new"]


SAME = {
    "what stands before it": lambda state: {"log": ["new", ["sure?", interrupt("sure?")]]},
    "a question behind it": lambda state: {
        "log": [["sure?", interrupt("sure?")]] + ([] if state else [interrupt("n")])
    },
    "where it stands": lambda state: {"log": asks("sure?")(state)["log"]},
}


@pytest.mark.parametrize("after", SAME.values(), ids=SAME)
def test_an_answer_survives_an_edit_of(home, after):
    log = home.edit(row(ask=asks("sure?")), row(ask=after))
    assert ["sure?", True] in log


def test_the_text_behind_a_key_may_be_edited_and_the_answer_counts(home):
    def worded(text):
        return row(ask=lambda state: {"log": [["sure?", interrupt(text, key="go")]]})

    assert home.edit(worded("sure?"), worded("Are you sure?")) == [["sure?", True]]


def two(*texts):
    return row(ask=asks(*texts), last=says("last"))


def test_two_questions_that_changed_places_are_both_asked_anew(home):
    home.begin(two("a?", "b?"))
    home.answer(two("a?", "b?"), "for a")
    home.go(two("a?", "b?"))
    if home.early:
        home.answer(two("a?", "b?"), "for b")
    home.restart()
    after = two("b?", "a?")
    home.go(after) if home.early else home.resume(after, "for b")
    assert home.asked(after) == ["b?"]
    home.resume(after, "b again")
    assert home.asked(after) == ["a?"]
    assert home.resume(after, "a again") == [["b?", "b again"], ["a?", "a again"], "last"]


def test_questions_that_changed_places_and_back_have_their_answers(paused):
    paused.begin(two("a?", "b?"))
    paused.answer(two("a?", "b?"), "for a")
    paused.restart()
    paused.go(two("b?", "a?"))
    paused.restart()
    paused.resume(two("a?", "b?"), "for b, first")
    assert paused.asked(two("a?", "b?")) == ["b?"]
    assert paused.resume(two("a?", "b?"), "for b") == [["a?", "for a"], ["b?", "for b"], "last"]


def test_with_keys_questions_may_change_places(home):
    def keyed(*texts):
        return row(ask=lambda state: {"log": [[text, interrupt(text, key=text)] for text in texts]})

    home.begin(keyed("a?", "b?"))
    home.answer(keyed("a?", "b?"), "for a")
    home.go(keyed("a?", "b?"))
    if home.early:
        home.answer(keyed("a?", "b?"), "for b")
    home.restart()
    after = keyed("b?", "a?")
    log = home.go(after) if home.early else home.resume(after, "for b")
    assert log == [["b?", "for b"], ["a?", "for a"]]


def test_a_question_put_in_before_another_is_asked_and_the_other_one_anew(home):
    home.edit(two("b?"), two("a?", "b?"), "for b")
    assert home.asked(two("a?", "b?")) == ["a?"]
    home.resume(two("a?", "b?"), "for a")
    assert home.asked(two("a?", "b?")) == ["b?"]
    assert home.resume(two("a?", "b?"), "b again") == [["a?", "for a"], ["b?", "b again"], "last"]


def test_a_question_that_is_gone_takes_its_answer_along_and_the_next_one_is_asked_anew(home):
    home.begin(two("a?", "b?"))
    home.answer(two("a?", "b?"), "for a")
    home.go(two("a?", "b?"))
    if home.early:
        home.answer(two("a?", "b?"), "for b")
    home.restart()
    after = two("b?")
    home.go(after) if home.early else home.resume(after, "for b")
    assert home.asked(after) == ["b?"]
    assert home.resume(after, "b again") == [["b?", "b again"], "last"]


def test_all_questions_may_be_gone_and_the_answer_is_still_remembered(home):
    assert home.edit(row(ask=asks("sure?")), row(ask=says("sure"))) == ["sure"]


def test_a_question_may_be_edited_as_often_as_a_person_likes(paused):
    paused.begin(row(ask=asks("a?")))
    for text in "bcde":
        paused.restart()
        paused.resume(row(ask=asks(f"{text}?")), f"before {text}")
        assert paused.asked(row(ask=asks(f"{text}?"))) == [f"{text}?"]
    assert paused.resume(row(ask=asks("e?")), "at last") == [["e?", "at last"]]


def test_a_question_that_differs_by_itself_is_still_an_error(paused):
    runs = []

    def ask(state):
        runs.append(1)
        return {"x": interrupt(f"draft {len(runs)}")}

    paused.begin(row(ask=ask))
    paused.resume(row(ask=ask), "one")
    with pytest.raises(QuestionChanged, match="key="):
        paused.resume(row(ask=ask), "two")


def test_a_question_that_moved_to_another_node_is_asked_there(home):
    before = row(one=asks("sure?"), two=says("two"))
    after = row(one=says("one"), two=asks("sure?"))
    home.edit(before, after, "in one")
    assert home.asked(after) == ["sure?"]
    assert home.resume(after, "in two") == ["one", ["sure?", "in two"]]


def test_two_nodes_that_ask_the_same_keep_their_answers_apart_when_their_code_changes_places(paused):
    def log(who):
        return lambda state: {"log": [f"{who} {interrupt('sure?')}"]}

    before, after = side_by_side(a=log("A"), b=log("B")), side_by_side(a=log("B"), b=log("A"))
    paused.begin(before)
    ids = {paused.session(before).node_of(q): q.id for q in paused.session(before).pending()}
    for node, answer in (("a", 1), ("b", 2)):
        paused.session(before).answer(answer, id=ids[node])
        paused.given.append(["sure?", answer])
    paused.restart()
    assert paused.go(after) == ["B 1", "A 2"]
