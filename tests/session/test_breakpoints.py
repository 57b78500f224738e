"""Breakpoints of a session: every kind, conditions, hits, logs; kept in the file, and set while the graph runs."""

import threading
import time

import pytest

from nbhitl import (
    END,
    START,
    DuckDBSaver,
    NbhitlError,
    Send,
    Session,
    StateGraph,
    UnknownNodeError,
    answering,
    interrupt,
)
from tests.session.lines import State, line, says, session_of


def loop(times):
    """count -> count -> ... until x is ``times``."""
    built = StateGraph(State).add_node("count", lambda s: {"x": s["x"] + 1})
    return built.add_edge(START, "count").add_conditional_edges("count", lambda s: "count" if s["x"] < times else END)


def texts(session, input):
    """The stops of a whole run."""
    stop = session.start(input)
    found = []
    while stop.reason == "breakpoint":
        found.append(stop.text.removeprefix("at the breakpoint "))
        stop = session.continue_()
    return [*found, stop.reason]


# -- places


def test_before_and_after_a_node(saver):
    session = session_of(line("a", "b"), saver)
    session.break_("b")
    session.break_("a", after=True)
    assert texts(session, {}) == ["after a", "before b", "finished"]


def test_a_stop_says_why_in_words_and_in_the_metadata(saver):
    session = session_of(line("a", "b"), saver)
    session.break_("b", condition="'a' in log")
    stop = session.start({})
    assert (stop.reason, stop.text) == ("breakpoint", "at the breakpoint before b ('a' in log)")
    meta = session.state().metadata
    assert (meta["stop"], meta["stop_text"]) == ("breakpoint", stop.text)


def test_in_a_sub_graph_by_path(saver):
    session = session_of(line(a=says("a"), sub=line("p", "q").compile()), saver)
    session.break_("sub/q")
    session.break_("sub/p", after=True)
    assert texts(session, {}) == ["after sub/p", "before sub/q", "finished"]


def test_on_an_edge_stops_only_those_who_come_along_it(saver):
    built = StateGraph(State)
    for name in ("a", "b"):
        built.add_node(name, says(name))
    built.add_node("c", lambda s: {"log": ["c"], "x": s.get("x", 0) + 1})
    built.add_edge(START, "a").add_edge("a", "c").add_edge("b", "c")
    built.add_conditional_edges("c", lambda s: "b" if s["x"] == 1 else END)
    session = session_of(built, saver)
    session.break_(on="edge b->c")
    assert texts(session, {}) == ["before c (on the edge b -> c)", "finished"]


def test_on_the_edge_from_the_start(saver):
    session = session_of(line("a", "b"), saver)
    session.break_(on="edge START->a")
    assert len(texts(session, {})) == 2


def test_on_a_changed_key_says_who_wrote_what(saver):
    session = session_of(line(a=lambda s: {"x": 1}, b=lambda s: {"x": 1}, c=lambda s: {"x": 2}), saver)
    session.break_(on="change x")
    assert texts(session, {"x": 0}) == ["after a (x: 0 -> 1)", "after c (x: 1 -> 2)", "finished"]


def test_on_a_changed_key_of_one_node(saver):
    session = session_of(line(a=lambda s: {"x": 1}, b=lambda s: {"x": 2}), saver)
    session.break_("b", on="change x")
    assert texts(session, {}) == ["after b (x: 1 -> 2)", "finished"]


def test_on_an_error_stops_before_the_failure_and_going_on_tries_again(saver):
    tries = []

    def fails(state):
        tries.append(1)
        if len(tries) < 3:
            raise ValueError(f"no {len(tries)}")
        return {"log": ["a"]}

    session = session_of(line(a=fails, b=says("b")), saver)
    session.break_(on="error")
    assert texts(session, {}) == ["on error in a (ValueError: no 1)", "on error in a (ValueError: no 2)", "finished"]


def test_on_an_error_in_a_sub_graph_stops_inside_it(saver):
    tries = []

    def fails(state):
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no")
        return {"log": ["q"]}

    session = session_of(line(sub=line(p=says("p"), q=fails).compile(), z=says("z")), saver)
    session.break_(on="error")
    stop = session.start({})
    assert stop.text == "at the breakpoint on error in sub/q (ValueError: no)"
    assert session.inside() == "sub/"
    assert session.continue_().reason == "finished"


def test_an_error_has_its_text_as_a_name_of_the_condition(saver):
    def fails(state):
        raise KeyError("topic")

    session = session_of(line(a=fails), saver)
    session.break_("a", on="error", condition="error_type == 'ValueError'")
    assert session.start({}).reason == "failed"


def test_on_an_interrupt_stops_also_where_answers_are_scripted(saver):
    session = session_of(line(a=lambda s: {"log": [interrupt("a?")]}, b=says("b")), saver)
    session.break_(on="interrupt")
    with answering({"a": "yes"}):
        assert session.start({}).text == "at the breakpoint on interrupt in a ('a?')"
        assert [asked.value for asked in session.pending()] == ["a?"]
        assert session.continue_().reason == "finished"


def test_on_an_interrupt_an_answer_goes_on(saver):
    session = session_of(line(sub=line(a=lambda s: {"log": [interrupt("a?")]}, b=says("b")).compile()), saver)
    session.break_(on="interrupt")
    assert session.start({}).text == "at the breakpoint on interrupt in sub/a ('a?')"
    session.answer("yes")
    assert session.go().reason == "finished"
    assert session.state().values["log"] == ["yes", "b"]


def test_one_branch_of_a_fan_out(saver):
    built = StateGraph(State).add_node("w", lambda arg: {"log": [arg["x"]]}).add_node("split", says("split"))
    built.add_edge(START, "split").add_conditional_edges("split", lambda s: [Send("w", {"x": n}) for n in (7, 8, 9)])
    session = session_of(built, saver)
    session.break_("w", branch=1)
    assert session.start({}).text == "at the breakpoint before w (branch 1)"
    assert [task.result for task in session.state().tasks] == [{"log": [7]}, None, {"log": [9]}]
    assert session.continue_().reason == "finished"


def test_a_condition_sees_the_input_of_a_task_that_was_sent(saver):
    built = StateGraph(State).add_node("w", lambda arg: {"log": [arg["x"]]}).add_node("split", says("split"))
    built.add_edge(START, "split").add_conditional_edges("split", lambda s: [Send("w", {"x": n}) for n in (7, 8, 9)])
    session = session_of(built, saver)
    session.break_("w", condition="arg['x'] == 9 and x == 9")
    session.start({})
    assert [task.result for task in session.state().tasks] == [{"log": [7]}, {"log": [8]}, None]


# -- conditions, hits, logs


def test_a_condition_over_the_state(saver):
    session = session_of(loop(6), saver)
    session.break_("count", condition="x >= 3 and x % 2")
    assert texts(session, {"x": 0}) == ["before count (x >= 3 and x % 2)"] * 2 + ["finished"]


def test_a_condition_on_a_key_that_has_no_value_yet_is_false(saver):
    session = session_of(line(a=lambda s: {"topic": "tea"}, b=says("b")), saver)
    session.break_("a", condition="topic == 'tea'")
    session.break_("b", condition="topic == 'tea'")
    assert texts(session, {}) == ["before b (topic == 'tea')", "finished"]


def test_a_condition_that_cannot_be_told_stops_and_says_so(saver):
    session = session_of(line("a", "b"), saver)
    session.break_("b", condition="log > 3")
    assert "before b (its condition 'log > 3' failed:" in texts(session, {})[0]


@pytest.mark.parametrize(
    ("hits", "at"), [("3", [2]), (">=4", [3, 4, 5]), ("%2", [1, 3, 5])], ids=["third", "from the fourth", "each second"]
)
def test_hits_are_counted(hits, at, saver):
    session = session_of(loop(6), saver)
    session.break_("count", hits=hits)
    stop, found = session.start({"x": 0}), []
    while stop.reason == "breakpoint":
        found.append(session.state().values["x"])
        stop = session.continue_()
    assert found == at
    assert session.hits == {"before count": 6}


def test_hits_are_counted_on_where_the_thread_was_taken_up_again(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session = session_of(loop(9), saver)
        session.break_("count", hits="%3")
        assert session.start({"x": 0}).text == "at the breakpoint before count (hit 3)"
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session = session_of(loop(9), saver)
        assert session.hits == {"before count": 3}
        assert session.continue_().text == "at the breakpoint before count (hit 6)"
        other = Session(session.compiled, "other")
        assert other.hits == {}
        assert other.start({"x": 0}).text == "at the breakpoint before count (hit 3)"


def test_a_breakpoint_that_is_set_anew_is_counted_anew_and_one_that_is_switched_off_and_on_is_not(saver):
    session = session_of(loop(9), saver)
    session.break_("count", hits="3")
    assert session.start({"x": 0}).text == "at the breakpoint before count (hit 3)"
    session.enable_breakpoint("count", False)
    session.enable_breakpoint("count")
    assert session.hits == {"before count": 3}
    session.break_("count", hits="2")
    assert session.hits == {}
    assert session.continue_().text == "at the breakpoint before count (hit 2)"
    session.remove_breakpoint("count")
    assert session.hits == {}


def test_a_log_breakpoint_prints_and_does_not_stop(saver, capsys):
    session = session_of(loop(2), saver)
    session.break_("count", log="x is {x}, twice {x * 2}")
    assert session.start({"x": 0}).reason == "finished"
    assert capsys.readouterr().out == "[count] x is 0, twice 0\n[count] x is 1, twice 2\n"


def test_once_stops_once_and_is_gone(saver):
    session = session_of(loop(3), saver)
    session.break_("count", once=True)
    assert texts(session, {"x": 0}) == ["before count", "finished"]
    assert session.breakpoints == {}


def test_a_disabled_breakpoint_is_kept_and_stops_nothing(saver):
    session = session_of(line("a", "b"), saver)
    session.break_("b", enabled=False)
    assert texts(session, {}) == ["finished"]
    session.enable_breakpoint("b")
    assert session.start({}).text == "at the breakpoint before b"


# -- kept, and changed while a graph runs


def test_breakpoints_of_every_kind_survive_the_kernel(tmp_path):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        session = session_of(line("a", "b"), saver)
        session.break_("b", condition="x > 3", hits=">=2", once=True)
        session.break_("a", after=True, log="{x}", enabled=False)
        session.break_(on="edge a->b")
        session.break_(on="change x")
        session.break_(on="error")
        session.break_(on="interrupt")
        before = session.breakpoints
        assert len(before) == 6
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        assert session_of(line("a", "b"), saver).breakpoints == before


def test_a_breakpoint_set_while_the_graph_runs_stops_it_and_one_removed_does_not(saver):
    began, go_on = threading.Event(), threading.Event()

    def waits(state):
        began.set()
        assert go_on.wait(10)
        return {"log": ["a"]}

    session = session_of(line(a=waits, b=says("b"), c=says("c")), saver)
    session.break_("b")
    stops = []
    thread = threading.Thread(target=lambda: stops.append(session.start({})))
    thread.start()
    assert began.wait(10)
    session.remove_breakpoint("b")
    session.break_("c", condition="'b' in log")
    go_on.set()
    thread.join(10)
    assert stops[0].text == "at the breakpoint before c ('b' in log)"


def test_a_breakpoint_set_on_a_node_that_waits_for_a_person_does_not_stop_it_half_way(saver):
    session = session_of(line(a=lambda s: {"log": [interrupt("a?")]}, b=says("b")), saver)
    assert session.start({}).reason == "interrupted"
    session.break_("a")
    session.answer("yes")
    assert session.go().reason == "finished"


def test_a_breakpoint_on_a_node_that_is_gone_is_kept_and_stops_nothing(saver):
    session_of(line("a", "b"), saver).break_("b")
    session = session_of(line("a", "c"), saver)
    assert session.start({}).reason == "finished"
    assert [point.node for point in session.breakpoints.values()] == ["b"]


# -- mistakes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"node": "bb"}, "there is no node 'bb'. Did you mean 'b'"),
        ({"node": "sub/zz"}, "there is no node 'sub/zz'"),
        ({"node": "b", "condition": "x >"}, "column 3"),
        ({"node": "b", "condition": "__import__('os')"}, "__import__"),
        ({"node": "b", "condition": "topik == 'tea'"}, "'topik' is no key of the state. Did you mean 'topic'"),
        ({"node": "b", "log": "{topik}"}, "Did you mean 'topic'"),
        ({"node": "b", "hits": "often"}, "hits"),
        ({"node": "b", "log": "{x"}, "log"),
        ({"on": "change y"}, "'y' is no key of the state"),
        ({"on": "edge a"}, "edge A->B"),
        ({"on": "errors"}, "Did you mean 'error'"),
        ({"on": "edge a->zz"}, "there is no node 'zz'"),
        ({"node": "b", "after": True, "on": "error"}, "either --after"),
        ({"node": "b", "branch": -1}, "branch"),
        ({}, "node"),
    ],
)
def test_a_mistake_is_an_error_and_sets_nothing(given, words, saver):
    session = session_of(line(a=says("a"), b=says("b"), sub=line("p").compile()), saver)
    with pytest.raises(NbhitlError) as error:
        session.break_(**given)
    assert words in str(error.value)
    assert session.breakpoints == {}


def test_unknown_breakpoints_are_named_with_what_there_is(saver):
    session = session_of(line("a", "b"), saver)
    with pytest.raises(NbhitlError, match="there is no breakpoint 'b'.*none is set"):
        session.remove_breakpoint("b")
    session.break_("b")
    session.break_("b", after=True)
    with pytest.raises(NbhitlError, match="several breakpoints at 'b': before b, after b"):
        session.enable_breakpoint("b", False)
    assert session.remove_breakpoint("after b").node == "b"
    assert session.enable_breakpoint("b", False).enabled is False
    with pytest.raises(UnknownNodeError):
        session.toggle_breakpoint("zz")


@pytest.mark.parametrize("kept", [1, "x", None, [1], [["before a", "q"]], {"before a": "q", 1: 2}])
def test_hits_that_are_none_in_the_file_count_from_zero(kept, saver):
    session = session_of(line("a", "b"), saver)
    session.break_("a")
    saver.set_setting(session.key, "hits", kept)
    assert session.hits == {}
    assert session.start({"x": 1}).text == "at the breakpoint before a"
    assert session.hits == {"before a": 1}


def test_a_breakpoint_with_a_mistake_from_the_file_cannot_be_switched_on(saver):
    session = session_of(line("a", "b"), saver)
    saver.set_breakpoints(session.name, {"before a": {"kind": "before", "node": "a", "condition": "((("}})
    with pytest.raises(NbhitlError):
        session.enable_breakpoint("before a")
    assert session.enable_breakpoint("before a", False).enabled is False
    assert session.start({"x": 1}).reason == "finished"


def test_breakpoints_that_are_set_at_the_same_time_are_all_kept(saver, monkeypatch):
    app = StateGraph(State).add_sequence([(f"n{number}", says("n")) for number in range(8)]).add_edge(START, "n0")
    compiled = app.compile(saver, name="demo")
    read = saver.breakpoints
    monkeypatch.setattr(saver, "breakpoints", lambda graph: (read(graph), time.sleep(0.02))[0])
    threads = [
        threading.Thread(target=Session(compiled, f"t{number}").set_breakpoint, args=(f"n{number}",))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read("demo")) == {f"before n{number}" for number in range(8)}


def test_hits_are_kept_before_the_next_call_can_begin(saver, monkeypatch):
    app = StateGraph(State).add_node("a", says("a")).add_edge(START, "a").compile(saver, name="demo")
    session = Session(app, "t")
    session.break_("a", once=True)
    busy = []
    keep, put = saver.set_setting, saver.set_breakpoints
    monkeypatch.setattr(saver, "set_setting", lambda *given: (busy.append(session.busy), keep(*given))[1])
    monkeypatch.setattr(saver, "set_breakpoints", lambda *given: (busy.append(session.busy), put(*given))[1])
    assert session.go({}).reason == "breakpoint"
    assert len(busy) >= 2
    assert all(busy)
    assert session.breakpoints == {}
