"""The form that edits the state, driven without a frontend."""

import operator
from typing import Annotated, TypedDict

import pandas as pd
import pytest
from pydantic import BaseModel

pytest.importorskip("ipywidgets")

from nbhitl import START, InMemorySaver, NbhitlError, Session, StateGraph, interrupt
from nbhitl.notebook.commands import Act
from nbhitl.notebook.inspecting.state_form import HOW, WRITER, OpenForm, state_form


class Review(BaseModel):
    ok: bool = False


class State(TypedDict, total=False):
    topic: str
    score: int
    log: Annotated[list[str], operator.add]
    review: Review
    table: object
    blank: str


class Screen:
    """Looks on, and keeps how often it was brought up to date."""

    interactive = True

    def __init__(self):
        self.times = 0

    def stopped(self, stopped):
        self.times += 1


class Worker:
    """Does what it is told at once."""

    def __init__(self, session):
        self.session, self.screen = session, Screen()

    def put(self, command):
        assert isinstance(command, Act)
        command.does()


@pytest.fixture
def session():
    def first(state):
        return {"log": ["first"], "review": Review(), "table": pd.DataFrame({"a": [1]})}

    built = StateGraph(State).add_node("first", first).add_node("ask", lambda state: {"topic": interrupt("?")})
    built.add_edge(START, "first").add_edge("first", "ask")
    made = Session(built.compile(InMemorySaver(), name="post"), "demo")
    made.go({"topic": "tea", "score": 3})
    return made


def opened(session, *keys):
    return OpenForm(Worker(session), state_form(session, keys))


def fill(shown, **texts):
    for control in shown.form.controls:
        if control.field.name in texts:
            part = control.parts[0]
            setattr(part.widget, part.key, texts[control.field.name])


def status(shown):
    return shown.form._status.value + shown.form._summary.value


def names(shown):
    return [control.field.name for control in shown.form.controls]


def test_the_form_begins_with_the_values_of_the_state(session):
    shown = opened(session, "topic", "score", "review")
    assert shown.form.raw() == {"topic": "tea", "score": "3", "review": {"ok": False}}


def test_how_to_write_is_asked_where_a_key_has_a_reducer_and_only_there(session):
    assert names(opened(session, "topic")) == ["topic"]
    assert names(opened(session, "topic", "log")) == ["topic", "log", HOW]


def test_only_what_was_changed_is_written(session):
    shown = opened(session)
    fill(shown, score="4")
    shown.form.press()
    assert shown.form.state == "answered"
    assert [one.where for one in session.diff()] == ["score"]
    assert session.state().values["log"] == ["first"]
    assert shown.worker.screen.times == 1
    assert "What this changed. Next: ask" in shown.form.widget.children[-1].value
    assert len(session.pending()) == 1


def test_a_list_with_a_reducer_is_replaced_or_merged_as_the_person_chooses(session):
    shown = opened(session, "log")
    shown.write({**shown.form.raw(), "log": ["x"]})
    assert session.state().values["log"] == ["x"]
    shown = opened(session, "log")
    shown.write({**shown.form.raw(), "log": ["y"], HOW: 1})
    assert session.state().values["log"] == ["x", "y"]


def test_what_does_not_fit_is_said_beside_its_field_and_nothing_is_written(session):
    before = session.at().checkpoint.id
    shown = opened(session, "topic", "score")
    fill(shown, score="many")
    shown.form.press()
    assert shown.form.state == "open"
    assert session.at().checkpoint.id == before
    fill(shown, score="5")
    shown.form.press()
    assert session.state().values["score"] == 5


def test_a_form_in_which_nothing_was_changed_writes_nothing(session):
    before = session.at().checkpoint.id
    shown = opened(session, "topic")
    shown.form.press()
    assert shown.form.state == "open"
    assert session.at().checkpoint.id == before


def test_a_form_of_a_state_that_has_moved_on_writes_nothing_and_says_so(session):
    shown = opened(session, "topic")
    session.set({"topic": "coffee"})
    fill(shown, topic="cocoa")
    shown.form.press()
    assert shown.form.state == "closed"
    assert "has moved on" in status(shown)
    assert session.state().values["topic"] == "coffee"


def test_a_value_that_the_schema_refuses_leaves_its_field_blank(session):
    session.set({"topic": 7})
    asked = state_form(session, ("topic", "score"))
    assert asked.doubts == ("topic is blank in the form, as its value does not fit the schema: must be text.",)
    shown = OpenForm(Worker(session), asked)
    fill(shown, topic="tea")
    shown.form.press()
    assert session.state().values["topic"] == "tea"


def test_a_key_without_a_value_is_blank_and_stays_so(session):
    shown = opened(session, "blank", "topic")
    fill(shown, topic="coffee")
    shown.form.press()
    assert "blank" not in session.state().values


def test_what_no_form_can_show_is_left_out_and_named(session):
    session.set({"table": pd.Series([1, 2])}, as_node="first")
    assert list(state_form(session).left_out) == ["table"]
    with pytest.raises(NbhitlError, match=r"%graph set KEY=\$name --overwrite"):
        state_form(session, ("table",))


def test_a_frame_is_edited_as_a_table_of_its_own(session):
    shown = opened(session, "table")
    assert names(shown) == ["table"]
    shown.write({"table": [{"a": "1"}, {"a": "5"}]})
    table = session.state().values["table"]
    assert table.equals(pd.DataFrame({"a": [1, 5]}))
    assert [one.where for one in session.diff()] == ["table", "table[row 1]"]
    shown = opened(session, "table")
    shown.form.press()
    assert shown.form.state == "open"  # nothing was changed


def test_of_several_last_writers_the_form_asks_which_one_counts():
    built = StateGraph(State).add_node("a", lambda state: {"log": ["a"]}).add_node("b", lambda state: {"log": ["b"]})
    built.add_node("c", lambda state: {"topic": interrupt("?")})
    built.add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "c")
    session = Session(built.compile(InMemorySaver(), name="post"), "demo")
    session.go({"topic": "tea"})
    shown = opened(session, "topic")
    assert names(shown) == ["topic", WRITER]
    shown.write({**shown.form.raw(), "topic": "coffee", WRITER: 0})
    assert session.state().values["topic"] == "coffee"
