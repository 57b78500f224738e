"""`review_tools` asks about tool calls as LangChain does, and gives back its decisions, checked."""

import pytest
from pydantic import BaseModel

from nbhitl import NbhitlError, review_tools
from nbhitl.engine.errors import AnswerRefused

CALLS = [
    {"name": "send", "args": {"to": "ann", "urgent": True}, "id": "1", "type": "tool_call"},
    {"name": "delete", "args": {"path": "notes.txt"}, "id": "2", "type": "tool_call"},
]
EDIT = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob", "urgent": False}}}


class Send(BaseModel):
    to: str
    copies: int = 1


def test_the_question_is_langchains_request(person):
    assert person(lambda: review_tools(CALLS, allow=("approve", "reject"))).asked == {
        "action_requests": [
            {"name": "send", "args": {"to": "ann", "urgent": True}},
            {"name": "delete", "args": {"path": "notes.txt"}},
        ],
        "review_configs": [
            {"action_name": "send", "allowed_decisions": ["approve", "reject"]},
            {"action_name": "delete", "allowed_decisions": ["approve", "reject"]},
        ],
    }


@pytest.mark.parametrize(
    "decision",
    [
        {"type": "approve"},
        EDIT,
        {"type": "reject"},
        {"type": "reject", "message": "no"},
        {"type": "respond", "message": "ok"},
    ],
)
def test_each_decision_comes_back_in_its_shape(person, decision):
    asked = person(lambda: review_tools(CALLS))
    assert asked.answers({"decisions": [decision, {"type": "approve"}]}) == [decision, {"type": "approve"}]


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ([{"type": "approve"}], "at least 2 items"),
        ([{"type": "approve"}] * 3, "at most 2 items"),
        ([{"type": "approve"}, {"type": "respond"}], r"decisions\.1"),
        ([{"type": "approve"}, {"type": "maybe"}], r"decisions\.1"),
        ([{"type": "edit"}, {"type": "approve"}], r"decisions\.0"),
        ([{"type": "edit", "edited_action": {"name": "rm", "args": {}}}, {"type": "approve"}], r"decisions\.0"),
        ([{"type": "approve", "message": "x"}, {"type": "approve"}], r"decisions\.0"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused_with_its_place(person, decisions, said):
    asked = person(lambda: review_tools(CALLS))
    with pytest.raises(AnswerRefused, match=said):
        asked.answers({"decisions": decisions})


def test_a_decision_that_is_not_allowed_for_this_tool_is_refused(person):
    asked = person(lambda: review_tools(CALLS, allow={"send": ("approve",)}))
    with pytest.raises(AnswerRefused, match=r"decisions\.0\.type: must be 'approve'"):
        asked.answers({"decisions": [{"type": "reject"}, {"type": "reject"}]})
    assert asked.answers({"decisions": [{"type": "approve"}, {"type": "reject"}]})[1] == {"type": "reject"}


def test_edited_arguments_are_checked_by_the_tools_own_schema(person):
    asked = person(lambda: review_tools(CALLS[:1], args_schemas={"send": Send}))
    wrong = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob", "copies": "many"}}}
    with pytest.raises(AnswerRefused, match=r"decisions\.0"):
        asked.answers({"decisions": [wrong]})
    right = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob", "copies": 2}}}
    assert asked.answers({"decisions": [right]}) == [right]


def test_without_calls_nobody_is_asked(person):
    assert person(lambda: review_tools([])).result["out"] == []


def test_one_default_counts_for_all_calls(person):
    asked = person(lambda: review_tools(CALLS, deadline=60, default={"type": "reject"}))
    assert asked.answers({"decisions": [{"type": "approve"}] * 2}) == [{"type": "approve"}] * 2


@pytest.mark.parametrize("call", [{"name": "send"}, {"args": {}}, "send", {"name": 1, "args": {}}])
def test_what_is_no_tool_call_is_an_error_that_shows_one(person, call):
    with pytest.raises(NbhitlError, match="a tool call is a dict with 'name' and 'args'"):
        person(lambda: review_tools([call]))


def test_a_misspelt_decision_is_answered_with_the_nearest_one(person):
    with pytest.raises(NbhitlError, match="Did you mean 'approve'"):
        person(lambda: review_tools(CALLS, allow=("aprove",)))
    with pytest.raises(NbhitlError, match="nothing is allowed"):
        person(lambda: review_tools(CALLS, allow=()))
