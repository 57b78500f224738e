"""What nodes stream, as text below the drawing: which text is shown, how often it is sent, and what stays."""

import json
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from nbhitl.engine.records import START, Task
from nbhitl.notebook import launch
from nbhitl.notebook.slot import Slot
from nbhitl.notebook.streaming import live_text
from nbhitl.notebook.streaming.live_text import LiveText
from nbhitl.notebook.streaming.passages import KEPT, MOST, SHOWN, Passage, Passages, spoken
from nbhitl.notebook.streaming.throttle import PAUSE, Throttled
from nbhitl.run.vault import VAULT
from nbhitl.run.world import Emitted, Started

CORPUS = json.loads((Path(__file__).parents[1] / "corpora" / "attacks.json").read_text(encoding="utf-8"))
XSS = [text for kind in ("xss_html", "xss_markdown", "xss_ansi_text") for text in CORPUS[kind]]
WRITER = Task("run-1:0", "writer")
OTHER = Task("run-1:1", "other")


def token(text, id="m1", task=WRITER, ns=""):
    return Emitted("messages", (SimpleNamespace(content=text, id=id), {"langgraph_node": task.node}), task, ns)


def value(data, task=WRITER, ns=""):
    return Emitted("custom", data, task, ns)


def texts(passages):
    return {passage.title: passage.text for passage in passages.shown()[1]}


@pytest.fixture
def passages():
    return Passages()


# -- the text


def test_tokens_of_a_message_are_joined_and_messages_stand_on_lines_of_their_own(passages):
    for event in (token("Hel"), token("lo"), token("Next", "m2"), token("!", "m2")):
        assert passages.see(event)
    assert texts(passages) == {"writer": "Hello\nNext!"}


def test_a_secret_that_a_body_streams_is_hidden_also_where_the_text_is_cut(passages):
    secret = "hunter2hunter2"
    VAULT.keep({"token": secret}, [secret])
    try:
        for event in (token("it is hunt"), token("er2hunter2."), value({"token": secret})):
            passages.see(event)
        (shown,) = texts(passages).values()
        assert shown.startswith("it is (secret).\n")
        assert "hunter2" not in shown
        for before in range(len(secret) + 1):
            passage = Passage(("", "1"), "writer")
            passage.say(secret + "x" * (SHOWN - before), "m1")
            assert "nter2" not in passage.text
            assert len(passage.text) <= SHOWN
    finally:
        VAULT.forget()


def test_messages_that_come_at_the_same_time_do_not_mix(passages):
    for event in (token("a1 ", "a"), token("b1 ", "b"), token("a2", "a"), token("b2", "b")):
        passages.see(event)
    assert texts(passages) == {"writer": "a1 a2\nb1 b2"}


def test_each_custom_value_is_a_line_and_text_is_shown_as_it_is(passages):
    for data in ("reading", {"done": 3, "of": 10}, ["a"], None, "two\nlines"):
        passages.see(value(data))
    assert texts(passages)["writer"].splitlines() == [
        "reading", '{"done": 3, "of": 10}', '["a"]', "null", "two", "lines",
    ]  # fmt: skip


def test_a_long_value_is_cut_and_one_without_a_sensible_repr_does_no_harm(passages):
    class Hostile:
        def __repr__(self):
            raise RuntimeError("no")

    passages.see(value(list(range(10_000))))
    passages.see(value(Hostile()))
    first, second = texts(passages)["writer"].splitlines()
    assert len(first) <= 120
    assert first.endswith("…")
    assert "Hostile" in second


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        ({"content": "plain", "id": "1"}, "plain"),
        (SimpleNamespace(content=[{"type": "text", "text": "in "}, "blocks", {"type": "image"}], id=None), "in blocks"),
        (SimpleNamespace(content="", tool_call_chunks=[{"name": "search"}], id="1"), None),
        ({"role": "assistant", "content": None}, None),
        (3, None),
    ],
)
def test_messages_of_all_kinds_are_read(chunk, text):
    said = spoken(Emitted("messages", (chunk, {}), WRITER))
    assert (said and said[0]) == text


def test_only_the_end_of_a_long_text_is_kept_and_the_rest_is_counted():
    passage = Passage(("", "1"), "writer")
    for number in range(30_000):
        passage.say(f"{number:06} ", "m")
    assert len(passage.text) == SHOWN
    assert passage.text.rstrip().endswith("029999")
    assert passage.dropped + SHOWN == 7 * 30_000
    assert sum(len(piece.parts) for piece in passage._pieces) < SHOWN


def test_many_short_lines_are_bounded_as_well_and_so_are_empty_ones():
    passage = Passage(("", "1"), "writer")
    for number in range(30_000):
        passage.say("" if number % 2 else f"line {number}", None)
    assert passage.text.endswith("line 29998\n") or passage.text.endswith("line 29998")
    assert len(passage._pieces) <= SHOWN


def test_a_message_whose_beginning_is_gone_goes_on():
    passage = Passage(("", "1"), "writer")
    passage.say("begin", "m")
    for _ in range(10):
        passage.say("x" * SHOWN, "other")
    passage.say("end", "m")
    assert passage.text.endswith("\nend")


def test_characters_without_a_shape_are_marked_and_ends_of_lines_stay(passages):
    passages.see(value("a\x1b[31mred\u202eturned\rback\ttab\ud800"))
    assert texts(passages)["writer"] == "a\ufffd[31mred\ufffdturned\nback    tab\ufffd"


def test_tasks_are_told_apart_and_those_of_sub_graphs_are_named_by_their_path(passages):
    passages.see(token("one"))
    passages.see(token("two", task=OTHER))
    passages.see(token("three", task=Task("run-1:2", "writer")))
    passages.see(token("four", task=Task("run-2:0", "inner"), ns="review:run-1:0|deep:run-5:1"))
    assert texts(passages) == {"writer": "one", "other": "two", "writer (2)": "three", "review/deep/inner": "four"}


def test_a_new_input_clears_the_text_and_a_next_step_does_not(passages):
    passages.see(token("old"))
    assert not passages.see(Started((OTHER,)))
    assert texts(passages) == {"writer": "old"}
    assert passages.see(Started((Task("run-7:0", START),)))
    assert texts(passages) == {}


def test_a_body_that_begins_again_streams_its_text_anew(passages):
    passages.see(token("Hel"))
    passages.see(token("stays", task=OTHER))
    inner = Task("run-2:0", "inner")
    passages.see(token("below", task=inner, ns="writer:run-1:0"))
    passages.see(Started((WRITER,)))
    assert texts(passages) == {"writer": "Hel", "other": "stays", "writer/inner": "below"}  # until it says something
    passages.see(token("Hello"))
    passages.see(token("below again", task=inner, ns="writer:run-1:0"))
    passages.see(token(" there"))
    assert texts(passages) == {"writer": "Hello there", "other": "stays", "writer/inner": "below again"}


def test_of_many_tasks_the_last_are_shown_and_the_others_counted(passages):
    for number in range(KEPT + 50):
        passages.see(token("x", task=Task(f"run-1:{number}", "work")))
    before, shown = passages.shown()
    assert (before, len(shown)) == (KEPT + 50 - MOST, MOST)
    assert shown[-1].title == f"work ({KEPT + 50})"
    assert len(passages._all) == KEPT


# -- how often


def test_a_function_is_called_at_most_ten_times_a_second_and_once_more_at_the_end():
    calls, last = [], []

    def does():
        calls.append(time.monotonic())
        last.append(asked[0])
        return 0.0

    throttled, asked = Throttled(does), [0]
    begun = time.monotonic()
    while time.monotonic() < begun + 0.55 or len(calls) < 3:
        asked[0] += 1
        throttled.soon()
    until(lambda: last[-1] == asked[0])
    assert len(calls) <= (time.monotonic() - begun) / PAUSE + 2
    assert all(later - sooner >= PAUSE * 0.8 for sooner, later in pairwise(calls))


def test_a_call_now_waits_for_the_one_at_work_and_takes_the_place_of_the_next():
    entered, leave, calls = threading.Event(), threading.Event(), []

    def does():
        calls.append(threading.current_thread())
        entered.set()
        assert leave.wait(60)
        return 0.0

    throttled = Throttled(does)
    throttled.soon()
    assert entered.wait(60)
    waiting = threading.Thread(target=throttled.now)
    waiting.start()
    throttled.soon()
    assert len(calls) == 1
    leave.set()
    waiting.join(60)
    assert len(calls) == 2
    assert throttled._timer is None


def until(done, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


# -- what is shown


class Shown:
    """In the place of an output: remembers what it was told."""

    made: ClassVar = []

    def __init__(self, id):
        self.told = []
        Shown.made.append(self)

    def display(self, bundle, raw):
        self.told.append(bundle)

    update = display


@pytest.fixture
def outputs(monkeypatch):
    monkeypatch.setattr(Shown, "made", [])
    monkeypatch.setattr(live_text, "DisplayHandle", Shown)
    monkeypatch.setattr("nbhitl.notebook.slot.DisplayHandle", Shown)
    return Shown.made


def test_with_a_person_in_front_the_text_grows_in_a_widget_and_stays_as_an_output(outputs):
    slot = Slot()
    text = LiveText(slot, interactive=True, live=True)
    text.see(Started((WRITER,)))
    text.see(token("Hel"))
    until(lambda: slot.box is not None and slot.above().children)
    text.see(token("lo <b>"))
    roll = slot.above().children[1].children[1]
    until(lambda: roll.value == '<pre class="nbh-text">Hello &lt;b&gt;</pre>')
    text.rest()
    assert slot.above().children[1].children[1] is roll  # where the person has scrolled to is kept
    (output,) = [output for output in outputs if "nbh-streamed" in output.told[-1].get("text/html", "")]
    assert output.told[-1]["text/plain"] == "writer:\nHello <b>"
    assert "Hello &lt;b&gt;" in output.told[-1]["text/html"]


def test_what_stands_below_keeps_its_widgets_while_text_is_streamed(outputs):
    import ipywidgets as widgets

    slot, form = Slot(), widgets.Text()
    text = LiveText(slot, interactive=True, live=True)
    slot.show(form)
    before = slot.box.children
    text.see(Started((WRITER,)))
    text.see(token("x"))
    until(lambda: slot.above().children)
    assert slot.box.children == before
    assert before[2] is form


def test_a_thousand_tokens_a_second_are_few_messages(outputs):
    slot = Slot()
    text = LiveText(slot, interactive=True, live=True)
    text.see(Started((WRITER,)))
    values, begun = [], time.monotonic()
    for number in range(1000):
        text.see(token(f"{number} "))
        time.sleep(0.0005)
        if number == 500:
            until(lambda: slot.above().children)
            slot.above().children[1].children[1].observe(lambda change: values.append(change.new), "value")
    text.rest()
    most = (time.monotonic() - begun) / PAUSE + 2  # however slow the machine is
    assert values[-1].endswith("999 </pre>")
    assert len(values) <= most
    assert sum(len(output.told) for output in outputs) <= most


def test_without_a_person_only_the_output_is_there(outputs):
    slot = Slot()
    text = LiveText(slot, interactive=False, live=True)
    text.see(Started((WRITER,)))
    text.see(token("Hello"))
    text.rest()
    assert slot.box is None
    assert [output.told[-1]["text/plain"] for output in outputs] == ["writer:\nHello"]


def test_in_a_terminal_the_text_is_shown_when_the_run_stops_and_only_when_it_is_new(outputs):
    text = LiveText(Slot(), interactive=False, live=False)
    text.see(Started((WRITER,)))
    text.see(token("Hello"))
    assert outputs == []
    text.rest()
    text.rest()
    assert [output.told for output in outputs] == [[text._bundle]]


def test_where_nothing_is_streamed_nothing_is_shown(outputs):
    text = LiveText(Slot(), interactive=True, live=True)
    text.see(Started((WRITER,)))
    text.rest()
    assert outputs == []
    assert text.html() == ""


def test_the_next_run_takes_the_text_away(outputs):
    slot = Slot()
    text = LiveText(slot, interactive=True, live=True)
    text.see(Started((WRITER,)))
    text.see(token("old"))
    text.rest()
    text.see(Started((Task("run-9:0", START),)))
    text.rest()
    assert slot.above().children == ()
    assert text._bundle == {"text/plain": "", "text/html": ""}


def test_nothing_is_painted_after_the_run_has_stopped(outputs):
    slot = Slot()
    text = LiveText(slot, interactive=True, live=True)
    text.see(Started((WRITER,)))
    text.see(token("in time"))
    text.rest()
    slot.clear(text.html)
    text.see(token(" too late"))
    text._page.now()
    assert slot.box is None


@pytest.mark.parametrize("payload", XSS)
def test_nothing_that_is_streamed_becomes_markup(payload, outputs):
    slot = Slot()
    text = LiveText(slot, interactive=True, live=True)
    text.see(Started((WRITER,)))
    text.see(token(payload, task=Task("run-1:0", payload)))
    text.see(value(payload))
    text.see(value({payload: payload}))
    text.rest()
    shown = text.html().replace(live_text.STYLE, "") + "".join(
        part.value for area in slot.above().children[1:] for part in area.children
    )
    allowed = ('<div class="nbh-story nbh-streamed">', "</div>", '<p class="nbh-who">', "</p>", "</pre>",
               '<pre class="nbh-text">')  # fmt: skip
    for tag in allowed:
        shown = shown.replace(tag, "")
    assert "<" not in shown


# -- in a notebook

STREAMS = """%%graph streams {line}
from typing import TypedDict
from nbhitl import get_stream_writer

class State(TypedDict, total=False):
    n: int

def writer(state: State):
    for word in ("tea", "for", "two"):
        get_stream_writer()(word)
    return {{"n": 1}}

def asks(state: State):
    get_stream_writer()("before the question")
    many = interrupt("How many?")
    get_stream_writer()("after it")
    return {{"n": many}}

flow(START, writer, asks, END)
"""


def test_a_cell_shows_what_its_nodes_have_streamed(notebook):
    shown = notebook.run(STREAMS.format(line=""))
    assert "writer:\ntea\nfor\ntwo" in shown
    assert "asks:\nbefore the question" in shown


def test_an_answer_has_the_body_stream_anew_and_keeps_the_rest(notebook):
    notebook.run(STREAMS.format(line=""))
    shown = notebook.run("%graph answer 3")
    assert shown.count("before the question") <= 1
    assert notebook.workspace.find().session.state().values == {"n": 3}


def test_without_people_the_text_is_in_the_file_at_the_end_also_what_another_cell_went_on_with(tmp_path):
    cells = ["%load_ext nbhitl", STREAMS.format(line=""), "%graph answer 3"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    NotebookClient(book, km=kernels, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute(
        cleanup_kc=True
    )
    (text,) = [
        output.data for output in book.cells[1].outputs if "writer:" in output.get("data", {}).get("text/plain", "")
    ]
    assert text["text/plain"] == "writer:\ntea\nfor\ntwo\n\nasks:\nbefore the question\nafter it"
    assert "before the question\nafter it</pre>" in text["text/html"]
    assert not any("widget-view" in kind for output in book.cells[1].outputs for kind in output.get("data", {}))


@pytest.fixture
def person(monkeypatch, notebook):
    """Somebody sits in front."""
    monkeypatch.setattr(launch, "interactive", lambda shell: True)


def test_a_form_that_is_open_while_a_branch_streams_stays_the_same(notebook, person, monkeypatch):
    monkeypatch.setattr(notebook.shell, "kernel", object(), raising=False)
    notebook.run(STREAMS.format(line=""))
    view = notebook.workspace.find().screen
    form = view._slot.box.children[2]
    assert view._slot.above().children
    view.event(Started((WRITER,)))
    view.event(token("more"))
    until(lambda: "more" in view._slot.above().children[-1].children[1].value)
    assert view._slot.box.children[2] is form


NESTED = """%%graph nested
from typing import TypedDict
from nbhitl import StateGraph, get_stream_writer, stream_message, task

class State(TypedDict, total=False):
    n: int

@task
def look_up(word):
    get_stream_writer()(f"looking up {word}")
    return word

async def deep(state: State):
    async def tokens():
        for token in ("from ", "below"):
            yield token
    await stream_message(tokens())

def top(state: State):
    for future in [look_up("tea"), look_up("rain")]:
        future.result()
    get_stream_writer()("from the top")

inner = StateGraph(State).add_node(deep).add_edge(START, "deep").compile()
flow(START, node(inner, name="sub"), top, END)
"""


def test_sub_graphs_are_named_by_their_path_and_calls_of_a_task_by_its_name(notebook):
    shown = notebook.run(NESTED)
    assert notebook.error is None
    assert "sub/deep:\nfrom below" in shown
    assert "look_up:\nlooking up tea" in shown
    assert "look_up (2):\nlooking up rain" in shown
    assert "top:\nfrom the top" in shown
