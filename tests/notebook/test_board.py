"""Several open questions as one list, answers that came from elsewhere, and deadlines: in a shell, without a page."""

import json
import threading
import time
from dataclasses import replace

import pytest

from nbhitl import cli
from nbhitl.inbox import open_questions
from nbhitl.notebook import launch
from nbhitl.notebook.questions.board import Board, Row
from nbhitl.notebook.questions.countdown import Countdown

FAN = '''%%graph fan {line}
import operator
from typing import Annotated, Literal, TypedDict
from pydantic import BaseModel, Field
from nbhitl import Command, Send

class State(TypedDict, total=False):
    done: Annotated[list, operator.add]

class Review(BaseModel):
    """Publish this draft?"""
    decision: Literal["publish", "revise"]
    notes: str = ""

def plan(state: State):
    return Command(goto=[Send("review", n) for n in range({n})])

def review(n):
    asked.append(n)
    return {{"done": [(n, interrupt(f"part {{n}}?", response_schema=Review{more}).decision)]}}

flow(START, plan)
flow(review, END)
'''
ONE = """%%graph one {line}
from typing import Literal, TypedDict

class State(TypedDict, total=False):
    got: str
    more: str

def ask(state: State):
    asked.append("ask")
    return {{"got": interrupt("first?", response_schema=Literal["a", "b"]{more})}}

def then(state: State):
    return {{"more": interrupt("second?", response_schema=str)}}

flow(START, ask, then, END)
"""


@pytest.fixture(autouse=True)
def person(monkeypatch, notebook):
    """Somebody sits in front."""
    monkeypatch.setattr(launch, "interactive", lambda shell: True)
    notebook.shell.user_ns["asked"] = []


@pytest.fixture
def fan(notebook):
    def run(n, line="", more=""):
        said = notebook.run(FAN.format(n=n, line=line, more=more))
        assert notebook.error is None, said
        return Shown(notebook)

    return run


@pytest.fixture
def one(notebook):
    def run(line="", more=""):
        said = notebook.run(ONE.format(line=line, more=more))
        assert notebook.error is None, said
        return Shown(notebook)

    return run


class Shown:
    """What is on the screen of the cell that was run last."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.worker = notebook.workspace.current
        self.session = self.worker.session
        self.view = self.worker.screen

    @property
    def desk(self):
        return self.view._desk

    @property
    def board(self):
        return self.desk._board

    @property
    def ids(self):
        return list(self.board.rows)

    @property
    def states(self):
        return [row["state"] for row in self.board.list.rows]

    @property
    def said(self):
        return [row["said"] for row in self.board.list.rows]

    def sheet(self, id=None):
        return self.desk._sheets[id or next(iter(self.desk._sheets))]

    def fill(self, text, id=None):
        """Choose an option, and press the button."""
        form = self.sheet(id).form
        options = form.model.fields[0].options
        parts = form.controls[0].parts
        setattr(parts[0].widget, parts[0].key, [option.label for option in options].index(text))
        form.press()

    def say(self, **message):
        self.board.heard(message)
        self.settled()

    def settled(self):
        """Wait until the worker has done what it was told so far."""
        until(self.worker._jobs.empty)
        done = threading.Event()
        wait(self.worker, done)
        return self

    @property
    def texts(self):
        """What is written in the slot, as HTML."""
        return "\n".join(_texts(self.view._box)) if self.view._box is not None else ""


def _all(widget):
    found = [widget]
    for child in getattr(widget, "children", ()):
        found += _all(child)
    return found


def _texts(widget):
    for child in getattr(widget, "children", ()):
        yield from _texts(child)
    if isinstance(getattr(widget, "value", None), str):
        yield widget.value


def until(done, seconds=20):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def wait(worker, done):
    """Have the worker do nothing, behind all that it does now."""
    from nbhitl.notebook.commands import Look

    worker.do(Look())
    done.set()


# -- the board


def test_several_questions_are_a_board_with_the_first_one_opened(fan):
    shown = fan(3)
    assert [(row["node"], row["text"], row["state"]) for row in shown.board.list.rows] == [
        ("review", f"part {n}?", "open") for n in range(3)
    ]
    assert shown.board.list.opened == shown.ids[0]
    assert len(shown.desk._sheets) == 1


def test_one_question_is_a_form(one):
    shown = one()
    assert shown.board is None
    assert shown.sheet().form.state == "open"


def test_a_hundred_questions_have_one_form_until_another_one_is_opened(fan):
    shown = fan(100)
    assert len(shown.desk._sheets) == 1
    shown.say(type="open", id=shown.ids[70])
    assert list(shown.desk._sheets) == [shown.ids[0], shown.ids[70]]


def test_some_answers_are_submitted_together_and_the_others_wait(fan, notebook):
    shown = fan(4)
    for id in shown.ids[1:3]:
        shown.say(type="open", id=id)
        shown.fill("publish", id)
        shown.settled()
    assert shown.states == ["open", "ready", "ready", "open"]
    assert shown.said[1:3] == ["decision: publish"] * 2
    assert len(shown.session.pending()) == 4  # nothing is recorded before it is submitted
    notebook.shell.user_ns["asked"].clear()
    shown.say(type="submit")
    until(lambda: not shown.session.busy and len(shown.session.pending()) == 2)
    shown.settled()
    assert shown.states == ["open", "answered", "answered", "open"]
    assert sorted(notebook.shell.user_ns["asked"]) == [1, 2]  # each once: one continuation
    rows = notebook.workspace.saver.sql("SELECT answered_by <> '', via FROM answers").rows
    assert rows == [(True, "form")] * 2


def test_one_answer_is_given_to_all_that_match_and_submitted_once(fan, notebook):
    shown = fan(100)
    first, *others = shown.ids
    shown.fill("revise", first)
    shown.settled()
    shown.say(**{"type": "same", "from": first, "to": others})
    assert shown.states == ["ready"] * 100
    commits = notebook.workspace.saver.sql("SELECT count(*) FROM steps").rows
    shown.say(type="submit")
    until(lambda: shown.session.state().metadata["stop"] == "finished")
    assert dict(shown.session.state().values["done"]) == dict.fromkeys(range(100), "revise")
    assert notebook.workspace.saver.sql("SELECT count(*) FROM steps").rows == [(commits[0][0] + 1,)]
    assert len(notebook.workspace.saver.sql("SELECT DISTINCT answered_at FROM answers").rows) <= 100


def test_an_answer_is_only_given_to_questions_that_ask_for_the_same(notebook):
    notebook.run("""%%graph two
from typing import TypedDict
class State(TypedDict, total=False):
    a: str
    b: int
def left(state: State):
    return {"a": interrupt("left?", response_schema=str)}
def right(state: State):
    return {"b": interrupt("right?", response_schema=int)}
flow(START, [left, right], END)
""")
    shown = Shown(notebook)
    first, second = shown.ids
    shown.board.keep(first, "text", "text")
    shown.say(**{"type": "same", "from": first, "to": [second]})
    assert shown.states == ["ready", "open"]


def test_an_answer_that_does_not_fit_says_so_in_its_form_and_is_not_kept(fan):
    shown = fan(2)
    shown.sheet().form.press()  # nothing was chosen
    shown.settled()
    assert shown.states == ["refused", "open"]
    assert shown.sheet().form.state == "open"
    assert shown.board.drafts == {}


def test_an_answer_can_be_changed_and_taken_back_until_it_is_submitted(fan):
    shown = fan(2)
    for choice in ("publish", "revise"):
        shown.fill(choice)
        shown.settled()
        assert shown.said[0] == f"decision: {choice}"
    shown.say(type="back", id=shown.ids[0])
    assert shown.states == ["open", "open"]
    shown.say(type="submit")
    assert len(shown.session.pending()) == 2


def test_of_several_answers_those_that_came_too_late_are_told_so_and_the_others_count(fan):
    shown = fan(3)
    first, second, _ = shown.ids
    for id in (first, second):
        shown.say(type="open", id=id)
        shown.fill("publish", id)
        shown.settled()
    shown.worker.session.watch = None
    saver, moved = shown.session.saver, []
    saver._moved = moved.append  # nobody is told of what happens now
    shown.session.answer({"decision": "revise"}, id=second, by="ann", via="command line")
    shown.say(type="submit")
    until(lambda: len(shown.session.pending()) == 1 and not shown.session.busy)
    shown.settled()
    assert shown.states == ["answered", "lost", "open"]
    assert "Answered elsewhere by ann through the command line at" in shown.said[1]


def test_submitting_twice_records_once(fan):
    shown = fan(2)
    shown.fill("publish")
    shown.settled()
    sent = []
    shown.desk._send = sent.append
    for _ in range(3):
        shown.board.heard({"type": "submit"})
    assert len(sent) == 1


@pytest.mark.parametrize(
    "message",
    [
        None, 3, "open", [], {}, {"type": "open"}, {"type": "open", "id": 3}, {"type": "open", "id": "nope"},
        {"type": "same", "from": "x", "to": ["y"]}, {"type": "same", "from": "x", "to": "abc"},
        {"type": "same", "from": None, "to": [None]}, {"type": "back", "id": "x"}, {"type": "back"},
        {"type": "submit", "answers": {"x": 1}}, {"type": "format"},
    ],
)  # fmt: skip
def test_what_a_page_sends_may_be_anything(message):
    sent = []
    board = Board(lambda id: None, sent.append, lambda source, others: others)
    board.put([Row("a", "node", "text"), Row("b", "node", "text")])
    board.heard(message)
    assert sent == []
    assert [row["state"] for row in board.list.rows] == ["open", "open"]


def test_a_page_cannot_share_an_answer_with_what_is_done():
    sent = []
    board = Board(lambda id: None, sent.append, lambda source, others: others)
    board.put([Row("a", "node", "text"), Row("b", "node", "text")])
    board.keep("a", 1, "1")
    board.done("b", "2")
    board.heard({"type": "same", "from": "a", "to": ["b", "zzz"]})
    board.heard({"type": "submit"})
    assert sent == [{"a": 1}]


# -- answers from elsewhere


def test_an_answer_by_code_is_said_in_the_form_without_a_click_and_the_draft_stays(one):
    shown = one()
    form = shown.sheet().form
    shown.session.answer("a", by="ann", note="by mail")
    until(lambda: form.state == "closed")
    assert "Answered elsewhere by ann through code at 20" in form._status.value
    assert ": a (by mail)" in form._status.value
    until(lambda: "Continue" in [getattr(w, "description", "") for w in _all(shown.view._box)])
    assert form.widget in _all(shown.view._box)  # it is still there, with a button to go on


def test_an_answer_by_the_magic_is_said_in_the_form(one, notebook):
    shown = one()
    form = shown.sheet().form
    notebook.run("%graph answer b --by ann --note 'why not'")
    assert form.state == "closed"
    assert "Answered elsewhere by ann through %graph answer at" in form._status.value
    notebook.run("%graph sql SELECT answered_by, via, note FROM answers")
    assert notebook.value.to_numpy().tolist() == [["ann", "magic", "why not"]]


def test_an_answer_from_the_command_line_is_taken_and_the_run_goes_on(one, notebook, capfd):
    shown = one()
    form = shown.sheet().form
    id = shown.session.pending()[0].id
    assert cli.main(["answer", str(notebook.workspace.path), id[:8], "a", "--by", "ann"]) == 0
    until(lambda: [q.value for q in shown.session.pending()] == ["second?"] and not shown.session.busy)
    shown.settled()
    assert form.state == "closed"
    assert "Answered elsewhere by ann through the command line at" in form._status.value
    assert shown.sheet().form.state == "open"  # the new question
    assert "goes on with it" in capfd.readouterr().out


def test_the_command_line_is_told_of_the_form_that_was_first(one, notebook, capfd):
    shown = one()
    id = shown.session.pending()[0].id
    shown.fill("b")
    until(lambda: [q.value for q in shown.session.pending()] == ["second?"])
    assert cli.main(["answer", str(notebook.workspace.path), id, "a"]) == 3
    assert "through a form at" in capfd.readouterr().err


def test_the_command_line_answers_a_thread_whose_cell_was_not_run_yet(one, notebook, capfd):
    id = one().session.pending()[0].id
    notebook.restart()
    assert notebook.workspace.saver.threads()  # the file is open, the cell was not run
    assert cli.main(["answer", str(notebook.workspace.path), id, "a"]) == 0
    assert "when its cell is run again" in capfd.readouterr().out


@pytest.mark.parametrize("seen", [False, True])
def test_a_run_that_code_takes_on_shows_its_next_question_and_its_end(seen, one):
    shown = one()
    form = shown.sheet().form
    shown.session.answer("a")
    if seen:
        until(lambda: shown.view._offered)
    shown.session.compiled.invoke(None, shown.session.config)
    until(lambda: form.state == "closed" and "second?" in shown.texts)
    shown.session.answer("x")
    shown.session.compiled.invoke(None, shown.session.config)
    until(lambda: "answered by" in shown.texts)


def test_a_question_that_an_edit_of_the_state_has_closed_says_so(one):
    shown = one()
    form = shown.sheet().form
    shown.session.compiled.update_state(shown.session.config, {"got": "x"}, as_node="ask")
    until(lambda: form.state == "closed")
    assert "The state was edited, and this is not asked any more." in form._status.value


def test_a_later_answer_of_another_page_is_told_that_it_does_not_count(one):
    shown = one()
    form = shown.sheet().form
    shown.desk._send = lambda command: None
    part = form.controls[0].parts[0]
    form._pressed([0])
    form._pressed([0])  # a double click
    assert not form._rivals
    form._pressed([1])
    form.answered("a")
    assert "Another answer was sent as well" in form._status.value
    assert part.widget.disabled


def test_the_inbox_magic_lists_questions_of_every_graph(one, fan, notebook):
    one()
    fan(2)
    notebook.run("%graph inbox")
    table = notebook.value
    assert sorted((row[1], row[3]) for row in table.rows) == [("fan", "review"), ("fan", "review"), ("one", "ask")]
    notebook.run(f"%graph answer {next(row[0] for row in table.rows if row[1] == 'one')} a")
    assert notebook.error is None
    assert [q.key.graph for q in open_questions(notebook.workspace.saver)].count("one") == 1  # its second question


def test_the_magic_answers_a_question_that_only_the_file_knows(one, notebook):
    id = one().session.pending()[0].id
    notebook.restart()
    said = notebook.run(f"%graph answer {id} a --note hm")
    assert "Recorded for ask. The run goes on when the cell of graph one is run." in said


def test_a_note_of_the_form_is_kept_with_the_answer(one, notebook):
    shown = one()
    shown.sheet().remark._heard(None, {"type": "note", "text": "asked twice"}, [])
    shown.sheet().remark._heard(None, {"type": "note", "text": 3}, [])
    shown.fill("a")
    until(lambda: not open_questions(notebook.workspace.saver) or shown.session.pending()[0].value == "second?")
    assert notebook.workspace.saver.sql("SELECT note FROM answers").rows == [("asked twice",)]


# -- deadlines


class Clock:
    """A clock that is set by hand, in microseconds."""

    def __init__(self):
        self.at = 1_000_000_000_000_000

    def now(self):
        return self.at


@pytest.fixture
def clock(monkeypatch):
    """Every cell's clock."""
    made = Clock()
    built = launch.CompiledGraph

    def timed(*args, **more):
        compiled = built(*args, **more)
        compiled.calls = replace(compiled.calls, world=replace(compiled.calls.world, clock=made))
        return compiled

    monkeypatch.setattr(launch, "CompiledGraph", timed)
    monkeypatch.setattr("nbhitl.notebook.worker.PATIENCE", 0.02)
    return made


def test_when_the_time_is_up_the_kernel_takes_the_default_by_itself(one, clock):
    shown = one(more=', deadline=60, default="b"')
    sheet = shown.sheet()
    assert (sheet.countdown.then, sheet.countdown.until) == ("b", (clock.at + 60_000_000) / 1000)
    clock.at += 61_000_000
    until(lambda: sheet.form.state == "closed")
    assert "the default b was taken." in sheet.form._status.value
    assert sheet.countdown.over
    until(lambda: shown.session.state().values.get("got") == "b" and "second?" in shown.texts)


def test_without_a_default_the_node_fails_and_the_form_says_so(one, clock):
    shown = one(more=", deadline=60")
    sheet = shown.sheet()
    assert sheet.countdown.then == "the node fails"
    clock.at += 61_000_000
    until(lambda: sheet.form.state == "closed")
    assert "nobody answered in time, so the node failed." in sheet.form._status.value
    until(lambda: shown.session.state().metadata["stop"] == "failed")
    assert "nobody answered in time" in shown.texts


def test_a_clock_that_is_set_back_only_makes_the_question_wait_longer(one, clock, notebook):
    shown = one(more=', deadline=60, default="b"')
    clock.at -= 3_600_000_000
    runs = len(notebook.shell.user_ns["asked"])
    time.sleep(0.1)
    assert len(shown.session.pending()) == 1
    assert len(notebook.shell.user_ns["asked"]) == runs
    shown.fill("a")
    until(lambda: shown.session.state().values.get("got") == "a")


def test_on_a_board_the_late_ones_expire_and_the_others_wait(fan, clock):
    shown = fan(2, more=', deadline=60 if n else None, **({"default": Review(decision="revise")} if n else {})')
    clock.at += 61_000_000
    until(lambda: shown.states == ["open", "lost"])
    assert "the default decision: revise was taken" in shown.said[1]


def test_a_breakpoint_is_not_passed_because_the_time_is_up(notebook, clock):
    notebook.run("""%%graph held --break slow
from typing import TypedDict
class State(TypedDict, total=False):
    a: str
    b: str
def late(state: State):
    return {"a": interrupt("late?", deadline=60, default="d")}
def slow(state: State):
    return {"b": "ran"}
flow(START, [late, slow], END)
""")
    shown = Shown(notebook)
    clock.at += 61_000_000
    time.sleep(0.1)
    shown.settled()
    assert shown.session.state().values == {}


def test_an_answer_after_the_deadline_reopens_the_form_with_the_reason_where_nobody_takes_the_default(one, clock):
    shown = one(more=', deadline=60, default="b"')
    shown.worker._deadline = lambda: 0  # as at a breakpoint
    shown.settled()
    clock.at += 61_000_000
    form = shown.sheet().form
    shown.fill("a")
    shown.settled()
    assert form.state == "open"
    assert "its default counts" in "".join(_texts(form.widget))


def test_a_countdown_tells_the_page_how_much_is_left_by_the_kernels_clock(clock):
    sent = []
    made = Countdown(clock.at + 5_000_000, "b", clock.now)
    made.send = sent.append
    clock.at += 2_000_000
    for message in ({"type": "left"}, {"type": "other"}, "left", None, {"left": 1}):
        made._heard(None, message, [])
    assert sent == [{"left": 3000.0}]


def test_what_is_on_the_page_is_text(fan):
    shown = fan(2)
    evil = "<img src=x onerror=alert(1)>"
    shown.board.put([Row("z", evil, evil)])
    assert json.dumps(shown.board.list.rows).count(evil) == 2  # as data; the page puts it into textContent
