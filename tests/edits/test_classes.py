"""Classes of answers that were edited while their question waited."""

import dataclasses
import enum
from typing import Annotated, Literal, TypedDict

import pydantic
import pytest

from nbhitl import SchemaError, interrupt
from tests.edits.homes import row


def model(name="Review", /, **fields):
    return pydantic.create_model(name, **fields)


def checked(least):
    class Review(pydantic.BaseModel):
        score: int

        @pydantic.field_validator("score")
        @classmethod
        def high(cls, score):
            if score < least:
                raise ValueError(f"at least {least}")
            return score

    return Review


def holding(**fields):
    return model(inner=(model("Inner", **fields), ...))


def data(**fields):
    return dataclasses.make_dataclass("Review", fields.items())


def typed(total, **fields):
    return TypedDict("Review", fields, total=total)


def members(**found):
    return enum.Enum("Level", found)


def plain(value):
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump()
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)
    return value.name if isinstance(value, enum.Enum) else value


def asking(schema):
    def ask(state):
        return {"x": plain(interrupt("how?", response_schema=schema))}

    return row(ask=ask)


def result(home, schema):
    return home.on(asking(schema)).get_state({"configurable": {"thread_id": "t"}}).values.get("x")


SCORE = model(score=(int, ...))
OLD = {"score": 5}

ASKED_ANEW = {
    "got a field": (SCORE, model(score=(int, ...), note=(str, ...)), OLD, {"score": 6, "note": "n"}),
    "got a field with a default": (SCORE, model(score=(int, ...), note=(str, "")), OLD, {"score": 6, "note": "n"}),
    "lost a field": (model(score=(int, ...), note=(str, ...)), SCORE, {"score": 5, "note": "n"}, {"score": 6}),
    "has a field of another name": (SCORE, model(points=(int, ...)), OLD, {"points": 6}),
    "has a field of another type": (SCORE, model(score=(str, ...)), OLD, {"score": "six"}),
    "has another default": (model(score=(int, 1)), model(score=(int, 2)), OLD, {"score": 6}),
    "has another constraint": (
        model(score=(Annotated[int, pydantic.Field(ge=0)], ...)),
        model(score=(Annotated[int, pydantic.Field(ge=6)], ...)),
        OLD, {"score": 6},
    ),
    "has another name": (SCORE, model("Verdict", score=(int, ...)), OLD, {"score": 6}),
    "got an Enum member": (members(LOW=1), members(LOW=1, HIGH=2), 1, 2),
    "has an Enum member of another value": (members(LOW=1), members(LOW=2), 1, 2),
    "lost a choice": (Literal["a", "b"], Literal["b", "c"], "a", "b"),
    "is a TypedDict that may leave keys out": (typed(True, score=int), typed(False, score=int), OLD, {"score": 6}),
    "has another class inside": (
        holding(score=(int, ...)), holding(score=(int, ...), note=(str, ...)),
        {"inner": OLD}, {"inner": {"score": 6, "note": "n"}},
    ),
    "became a plain type": (SCORE, int, OLD, 6),
}  # fmt: skip


def named(answer, schema):
    """An answer as a body gets it: an Enum's value as the name of its member."""
    return schema(answer).name if isinstance(schema, enum.EnumMeta) else answer


@pytest.mark.parametrize(("before", "after", "old", "new"), ASKED_ANEW.values(), ids=ASKED_ANEW)
def test_a_question_is_asked_anew_when_its_class(home, before, after, old, new):
    home.edit(asking(before), asking(after), old)
    assert result(home, after) is None
    assert home.asked(asking(after)) == ["how?"]
    home.resume(asking(after), new)
    assert result(home, after) == named(new, after)
    assert [answer for _, answer in home.kept()] == [old, new]


COUNTS = {
    "was written once more": (model(score=(int, ...)), model(score=(int, ...)), OLD, OLD),
    "calls an Enum member otherwise": (members(LOW=1, HIGH=2), members(SMALL=1, BIG=2), 1, "SMALL"),
    "became a pydantic model": (data(score=int), model(score=(int, ...)), OLD, OLD),
    "became a dataclass": (model(score=(int, ...)), data(score=int), OLD, OLD),
    "became a TypedDict": (model(score=(int, ...)), typed(True, score=int), OLD, OLD),
    "has a validator that the answer passes": (checked(1), checked(2), OLD, OLD),
    "has another name under a key": (SCORE, model("Verdict", score=(int, ...)), OLD, OLD),
}


@pytest.mark.parametrize(("before", "after", "old", "got"), COUNTS.values(), ids=COUNTS)
def test_an_answer_counts_when_its_class(home, request, before, after, old, got):
    if "under a key" in request.node.callspec.id:
        before, after = keyed(before), keyed(after)
        home.edit(before, after, old)
        assert home.on(after).get_state({"configurable": {"thread_id": "t"}}).values["x"] == got
        return
    home.edit(asking(before), asking(after), old)
    assert result(home, after) == got
    assert home.asked(asking(after)) == []


def keyed(schema):
    return row(ask=lambda state: {"x": plain(interrupt("how?", response_schema=schema, key="k"))})


def test_a_validator_that_no_longer_takes_the_answer_fails_the_node_and_the_answer_is_kept(paused):
    paused.begin(asking(checked(1)))
    paused.answer(asking(checked(1)), OLD)
    paused.restart()
    with pytest.raises(
        SchemaError, match=r"recorded for node 'ask' does not fit the class it is asked with now.*at least 9"
    ):
        paused.go(asking(checked(9)))
    paused.restart()
    paused.go(asking(checked(1)))
    assert result(paused, SCORE) == OLD


def test_under_a_key_an_answer_that_no_longer_fits_fails_the_node_and_is_kept(home):
    later = model(score=(int, ...), note=(str, ...))
    with pytest.raises(SchemaError, match=r"recorded for node 'ask' does not fit.*note"):
        home.edit(keyed(SCORE), keyed(later), OLD)
    home.go(keyed(SCORE))
    assert result(home, SCORE) == OLD


def test_a_class_that_was_deleted_fails_the_node_until_it_is_back(home):
    space = {"interrupt": interrupt, "Review": SCORE, "plain": plain}
    exec("def ask(state): return {'x': plain(interrupt('how?', response_schema=Review))}", space)
    built = row(ask=space["ask"])
    home.begin(built)
    if home.early:
        home.answer(built, OLD)
    del space["Review"]
    home.restart()
    with pytest.raises(NameError, match="'Review' is not defined"):
        home.go(built) if home.early else home.resume(built, OLD)
    home.check()
    space["Review"] = SCORE
    home.restart()
    home.go(built)
    assert result(home, SCORE) == OLD


def test_a_class_of_the_same_name_from_another_cell_is_named_and_asks_anew(home):
    space = {"interrupt": interrupt, "Review": SCORE, "plain": plain}
    exec("def ask(state): return {'x': plain(interrupt('how?', response_schema=Review))}", space)
    built = row(ask=space["ask"])
    home.begin(built)
    if home.early:
        home.answer(built, OLD)
    space["Review"] = model(title=(str, ...))
    home.restart()
    assert home.session(built).changed_code() == ["ask (Review)"]
    home.go(built) if home.early else home.resume(built, OLD)
    assert home.asked(built) == ["how?"]
    home.resume(built, {"title": "t"})
    assert result(home, SCORE) == {"title": "t"}
