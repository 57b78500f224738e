"""LangChain's payloads of reviews tell which answer they expect.

The shapes are those of langchain 1.4.7 (`langchain.agents.middleware.human_in_the_loop`) and, for the older
``HumanInterrupt``, of langgraph-prebuilt 1.1.2 (`langgraph.prebuilt.interrupt`).
"""

import json

import pytest

from nbhitl.engine.errors import AnswerRefused
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.cards import Action, actions_of, card_schema
from nbhitl.run.fields import collect, form_model

CHECKER = SchemaChecker()
SEND = {"name": "send", "args": {"to": "ann", "copies": 2, "urgent": True, "tags": ["x"]}, "description": "Why"}
DELETE = {"name": "delete", "args": {"path": "a"}}
ALL = ["approve", "edit", "reject", "respond"]
BATCHED = {
    "action_requests": [SEND, DELETE],
    "review_configs": [
        {"action_name": "send", "allowed_decisions": ALL},
        {"action_name": "delete", "allowed_decisions": ["approve", "reject"]},
    ],
}
PER_CALL = {"type": "tool_approval", "tool_call_id": "1", "name": "send", "args": {"to": "ann"}, "description": "Why"}
OLDER = {
    "action_request": {"action": "send", "args": {"to": "ann"}},
    "config": {"allow_ignore": True, "allow_respond": True, "allow_edit": True, "allow_accept": True},
    "description": "Why",
}
EDITED = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob", "copies": 3}}}


def taken(value, answer):
    return CHECKER.check(card_schema(value), answer)


def refused(value, answer):
    with pytest.raises(AnswerRefused) as found:
        taken(value, answer)
    return {p.field: p.message for p in found.value.problems}


def test_a_payload_says_which_calls_it_asks_about():
    assert actions_of(BATCHED) == (
        Action("send", SEND["args"], "Why", tuple(ALL)),
        Action("delete", {"path": "a"}, "", ("approve", "reject")),
    )
    (older,) = actions_of([OLDER])
    assert (older.name, older.allowed, older.dialect) == ("send", ("accept", "edit", "response", "ignore"), "response")


@pytest.mark.parametrize(
    "decision", [{"type": "approve"}, EDITED, {"type": "reject"}, {"type": "respond", "message": "x"}]
)
def test_a_batched_answer_has_a_decision_for_each_call(decision):
    answer = {"decisions": [decision, {"type": "approve"}]}
    assert taken(BATCHED, answer) == answer


def test_a_batched_answer_of_another_shape_is_refused():
    assert refused(BATCHED, {"decisions": [{"type": "approve"}]}) == {"decisions": "must have at least 2 items"}
    assert "decisions.1.type" in refused(BATCHED, {"decisions": [{"type": "approve"}, {"type": "nothing"}]})
    assert "decisions.1" in str(refused(BATCHED, {"decisions": [{"type": "approve"}, EDITED]}))


def test_an_answer_to_one_call_is_the_decision_itself():
    assert taken(PER_CALL, {"type": "approve"}) == {"type": "approve"}
    assert taken(PER_CALL, {"type": "reject", "message": "no"})["message"] == "no"
    assert refused(PER_CALL, {"decisions": [{"type": "approve"}]})


@pytest.mark.parametrize(
    "response",
    [
        {"type": "accept", "args": None},
        {"type": "ignore", "args": None},
        {"type": "response", "args": "no, ask Bob"},
        {"type": "edit", "args": {"action": "send", "args": {"to": "bob"}}},
    ],
)
@pytest.mark.parametrize("value", [[OLDER], OLDER], ids=["list", "alone"])
def test_an_answer_to_the_older_payload_is_a_list_of_responses(value, response):
    assert taken(value, [response]) == [response]


def test_what_the_older_payload_does_not_allow_is_refused():
    config = {"allow_ignore": False, "allow_respond": False, "allow_edit": False, "allow_accept": True}
    assert "0.type" in refused([{**OLDER, "config": config}], [{"type": "ignore", "args": None}])


def filled(value, raw):
    """What a person's form gives, checked."""
    schema = card_schema(value)
    return CHECKER.take(schema, raw)


def test_a_form_gives_exactly_what_langchain_takes():
    edited = {"edited_action": {"args": {"to": "bob", "copies": "3", "urgent": False, "tags": ["x", "y"]}}}
    raw = {"decisions": {"0": {"variant": 1, "value": edited}, "1": {"variant": 1, "value": {"message": "keep it"}}}}
    args = {"to": "bob", "copies": 3, "urgent": False, "tags": ["x", "y"]}
    assert filled(BATCHED, raw) == {
        "decisions": [
            {"type": "edit", "edited_action": {"name": "send", "args": args}},
            {"type": "reject", "message": "keep it"},
        ]
    }
    raw = {"decisions": {"0": {"variant": 0, "value": {}}, "1": {"variant": 1, "value": {"message": ""}}}}
    assert filled(BATCHED, raw) == {"decisions": [{"type": "approve"}, {"type": "reject"}]}
    raw = {"decisions": {"0": {"variant": 3, "value": {"message": ""}}, "1": {"variant": None, "value": None}}}
    with pytest.raises(AnswerRefused) as found:
        filled(BATCHED, raw)
    assert {p.field for p in found.value.problems} == {"decisions.0.message", "decisions.1"}


@pytest.mark.parametrize(
    ("variant", "value", "response"),
    [
        (0, {}, {"type": "accept", "args": None}),
        (1, {"args": {"args": {"to": "bob"}}}, {"type": "edit", "args": {"action": "send", "args": {"to": "bob"}}}),
        (2, {"args": "ask Bob"}, {"type": "response", "args": "ask Bob"}),
        (3, {}, {"type": "ignore", "args": None}),
    ],
)
def test_a_form_gives_exactly_what_the_older_interface_takes(variant, value, response):
    assert filled([OLDER], {"": {"0": {"variant": variant, "value": value}}}) == [response]


def test_one_call_with_one_decision_needs_nothing_but_the_button():
    config = {"action_name": "delete", "allowed_decisions": ["approve"]}
    value = {"action_requests": [DELETE], "review_configs": [config]}
    (place,) = form_model(card_schema(value)).fields[0].fields
    assert (place.kind, place.fields, place.fixed) == ("object", (), (("type", "approve"),))
    assert collect(form_model(card_schema(value)), {"decisions": {"0": {}}}) == {"decisions": [{"type": "approve"}]}


def test_a_list_of_fixed_length_is_filled_in_place_by_place():
    (field,) = form_model(CHECKER.describe(tuple[int, str])).fields
    assert (field.kind, field.positional, [f.kind for f in field.fields]) == ("object", True, ["integer", "text"])
    assert CHECKER.take(tuple[int, str], {"": {"0": "3", "1": "x"}}) == [3, "x"]
    with pytest.raises(AnswerRefused, match="0: must be a whole number"):
        CHECKER.take(tuple[int, str], {"": {"0": "q", "1": "x"}})


def test_arguments_are_fields_that_hold_what_the_model_wants():
    schema = card_schema({"action_requests": [SEND], "review_configs": BATCHED["review_configs"]})
    edit = schema["properties"]["decisions"]["prefixItems"][0]["oneOf"][1]
    members = edit["properties"]["edited_action"]["properties"]["args"]["properties"]
    assert {name: (member["type"], member["default"]) for name, member in members.items()} == {
        "to": ("string", "ann"),
        "copies": ("integer", 2),
        "urgent": ("boolean", True),
        "tags": ("array", ["x"]),
    }


def test_a_tools_own_schema_types_the_arguments_its_definitions_included():
    given = {
        "$defs": {"Who": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        "title": "send",
        "type": "object",
        "properties": {"to": {"$ref": "#/$defs/Who"}, "copies": {"type": "integer", "maximum": 3}},
        "required": ["to"],
        "strict": True,
    }
    config = {"action_name": "send", "allowed_decisions": ["edit"], "args_schema": given}
    request = {"name": "send", "args": {"to": {"name": "ann"}, "copies": 1}}
    value = {"action_requests": [request, request], "review_configs": [config]}

    def edit(**args):
        return {"type": "edit", "edited_action": {"name": "send", "args": args}}

    fine = {"decisions": [edit(to={"name": "bob"}), edit(to={"name": "cem"}, copies=3)]}
    assert taken(value, fine) == fine
    wrong = {"decisions": [edit(to={}), edit(to={"name": "cem"}, copies=4)]}
    assert refused(value, wrong) == {
        "decisions.0.edited_action.args.to.name": "is required",
        "decisions.1.edited_action.args.copies": "must be at most 3",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"type": "string"},
        {"type": "object", "properties": {"x": {"$ref": "#/properties/y"}}},
        {"properties": 3},
        {"type": "object", "properties": {"x": {"type": "no such type"}}},
    ],
)
def test_a_tools_schema_that_cannot_be_used_is_left_aside(given):
    config = {"action_name": "delete", "allowed_decisions": ["edit"], "args_schema": given}
    schema = card_schema({"action_requests": [DELETE], "review_configs": [config]})
    assert '"path": {"type": "string"' in json.dumps(schema)


def test_the_same_tool_twice_is_told_apart_by_number():
    value = {"action_requests": [DELETE, DELETE], "review_configs": BATCHED["review_configs"]}
    titles = [place["title"] for place in card_schema(value)["properties"]["decisions"]["prefixItems"]]
    assert titles == ["delete", "delete (2)"]


def test_a_call_without_a_config_may_be_decided_in_every_way():
    (action,) = actions_of({"action_requests": [DELETE], "review_configs": []})
    assert action.allowed == tuple(ALL)


@pytest.mark.parametrize(
    "args", [{}, {"x": None}, {"x": float("nan")}, {"x": object()}, {"x": [1, "a"]}, {"a": {"b": {}}}]
)
def test_arguments_of_any_kind_have_a_schema_that_can_be_checked(args):
    value = {"action_requests": [{"name": "f", "args": args}], "review_configs": []}
    assert taken(value, {"decisions": [{"type": "approve"}]})


def test_deep_arguments_end_as_json():
    deep = value = {}
    for _ in range(200):
        deep["x"] = {}
        deep = deep["x"]
    schema = card_schema({"action_requests": [{"name": "f", "args": value}], "review_configs": []})
    assert json.dumps(schema).count('"properties"') < 20


@pytest.mark.parametrize(
    "value",
    [
        None, "text", 3, [], {}, [1], {"action_requests": []}, {"action_requests": [], "review_configs": []},
        {"action_requests": [{}], "review_configs": []},
        {"action_requests": [{"name": 1, "args": {}}], "review_configs": []},
        {"action_requests": [DELETE], "review_configs": [{"action_name": "delete", "allowed_decisions": []}]},
        {"action_requests": [DELETE], "review_configs": [{"action_name": "delete", "allowed_decisions": "approve"}]},
        {"action_requests": [DELETE], "review_configs": {}}, [OLDER, 1], [{**OLDER, "config": {}}],
        {"type": "tool_approval"}, {"question": "Publish?"},
    ],
)  # fmt: skip
def test_what_is_no_such_payload_has_no_card(value):
    assert actions_of(value) is None
    assert card_schema(value) is None
