"""Questions: how a run stops at one, how answers find it, and what is refused with nothing written."""

import enum
import operator
import threading
from collections import Counter
from typing import Annotated, Literal, TypedDict

import pydantic
import pytest

from nbhitl import (
    START,
    AnswerRefused,
    CheckpointerRequired,
    Command,
    DuckDBSaver,
    EmptyInputError,
    InMemorySaver,
    InvalidUpdateError,
    NbhitlError,
    PendingInterruptError,
    QuestionChanged,
    StateGraph,
    ThreadBusyError,
    UnknownInterruptError,
    UnknownNodeError,
    UnknownThreadError,
    UnstorableValueError,
    interrupt,
)
from nbhitl.engine.errors import UnknownKeyWarning
from nbhitl.engine.records import ThreadKey

THREAD = ThreadKey("t")


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


def fan(**nodes):
    """A graph whose nodes all run in the first super-step."""
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


def ask(state):
    return {"x": interrupt("sure?")}


def asks(name):
    return lambda state: {"log": [f"{name}: {interrupt(f'{name}?')}"]}


def ids(graph, config):
    """Node name to the ids of its open questions."""
    return {task.name: [i.id for i in task.interrupts] for task in graph.get_state(config).tasks}


def values(graph, config):
    return [i.value for i in graph.get_state(config).interrupts]


def test_a_question_is_returned_by_invoke_and_shown_by_get_state(saver, config):
    graph = fan(ask=ask).compile(saver)
    result = graph.invoke({"x": 1}, config)
    (question,) = result.pop("__interrupt__")
    assert result == {"x": 1, "log": []}
    assert (question.value, question.response_schema, len(question.id)) == ("sure?", None, 16)
    state = graph.get_state(config)
    assert state.interrupts == (question,)
    assert state.tasks[0].interrupts == (question,)
    assert state.next == ("ask",)
    assert (state.metadata["stop"], state.metadata["stop_text"]) == ("interrupted", "ask waits for an answer")


def test_the_answer_is_what_interrupt_returns_and_the_node_starts_again_from_its_first_line(saver, config):
    calls = Counter()

    def body(state):
        calls["before"] += 1
        answer = interrupt("?")
        calls["after"] += 1
        return {"x": answer}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    assert calls == {"before": 1}
    assert graph.invoke(Command(resume="yes"), config) == {"x": "yes", "log": []}
    assert calls == {"before": 2, "after": 1}
    assert graph.get_state(config).interrupts == ()


@pytest.mark.parametrize("answer", [False, 0, "", 0.0, []])
def test_a_falsy_answer_is_an_answer(answer, saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({"x": 1}, config)
    result = graph.invoke(Command(resume=answer), config)
    assert result["x"] == answer
    assert type(result["x"]) is type(answer)
    assert "__interrupt__" not in result


def test_a_falsy_answer_by_id_is_an_answer(saver, config):
    graph = fan(a=asks("a"), b=asks("b")).compile(saver)
    graph.invoke({}, config)
    open_ = ids(graph, config)
    result = graph.invoke(Command(resume={open_["a"][0]: False, open_["b"][0]: 0}), config)
    assert result["log"] == ["a: False", "b: 0"]


@pytest.mark.parametrize("resume", [{"0123456789abcdef": "yes"}, {"ffffffffffffffff": False}])
def test_an_unknown_id_is_an_error_that_names_the_open_questions_and_nothing_is_written(resume, saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(UnknownInterruptError, match=r"no open question has the id.*sure\?"):
        graph.invoke(Command(resume=resume), config)
    assert saver.load(THREAD) == before


def test_a_used_id_is_an_error_and_nothing_is_written(saver, config):
    graph = fan(a=asks("a"), b=asks("b")).compile(saver)
    graph.invoke({}, config)
    used = ids(graph, config)["a"][0]
    graph.invoke(Command(resume={used: 1}), config)
    before = saver.load(THREAD)
    with pytest.raises(UnknownInterruptError):
        graph.invoke(Command(resume={used: 2}), config)
    assert saver.load(THREAD) == before


def test_a_known_and_an_unknown_id_together_answer_nothing(saver, config):
    graph = fan(a=asks("a"), b=asks("b")).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(UnknownInterruptError):
        graph.invoke(Command(resume={ids(graph, config)["a"][0]: 1, "0123456789abcdef": 2}), config)
    assert saver.load(THREAD) == before


def test_an_answer_to_a_finished_thread_is_an_error(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=1), config)
    with pytest.raises(UnknownInterruptError, match="no open question"):
        graph.invoke(Command(resume=2), config)
    assert graph.get_state(config).values["x"] == 1


def test_a_bare_answer_to_several_questions_is_an_error_that_lists_them(saver, config):
    graph = fan(a=asks("a"), b=asks("b")).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(UnknownInterruptError, match=r"2 questions are open.*a\?.*b\?"):
        graph.invoke(Command(resume="yes"), config)
    assert saver.load(THREAD) == before


def test_an_empty_id_map_for_several_questions_is_no_answer(saver, config):
    graph = fan(a=asks("a"), b=asks("b")).compile(saver)
    graph.invoke({}, config)
    with pytest.raises(EmptyInputError):
        graph.invoke(Command(resume={}), config)


def test_a_dict_that_is_no_id_map_answers_the_only_question(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume={"ok": True}), config)["x"] == {"ok": True}


def test_a_partial_id_map_takes_its_node_on_and_the_other_stays_parked(saver, config):
    calls = Counter()

    def counted(name):
        def body(state):
            calls[name] += 1
            return {"log": [interrupt(f"{name}?")]}

        return body

    graph = fan(a=counted("a"), b=counted("b")).compile(saver)
    graph.invoke({}, config)
    result = graph.invoke(Command(resume={ids(graph, config)["b"][0]: "B"}), config)
    assert [q.value for q in result["__interrupt__"]] == ["a?"]
    assert calls == {"a": 1, "b": 2}
    assert graph.get_state(config).next == ("a",)
    assert graph.invoke(Command(resume="A"), config)["log"] == ["A", "B"]
    assert calls == {"a": 2, "b": 2}


def test_siblings_that_finished_are_kept_shown_and_never_run_again(saver, config):
    calls = Counter()

    def work(state):
        calls["work"] += 1
        return {"log": ["work"]}

    graph = fan(ask=ask, work=work).compile(saver)
    graph.invoke({}, config)
    state = graph.get_state(config)
    assert state.next == ("ask",)
    assert [task.result for task in state.tasks] == [None, {"log": ["work"]}]
    assert graph.invoke(Command(resume=1), config) == {"x": 1, "log": ["work"]}
    assert calls == {"work": 1}


def test_what_finished_siblings_wrote_is_in_the_values_that_get_state_shows(saver, config):
    graph = fan(ask=ask, work=lambda state: {"log": ["work"]}).compile(saver)
    graph.invoke({}, config)
    assert graph.get_state(config).values == {"log": ["work"]}


def test_a_question_and_a_failure_in_one_step_are_both_kept(saver, config):
    broken = [True]

    def fail(state):
        if broken:
            raise ValueError("broken")
        return {"log": ["mended"]}

    graph = fan(ask=ask, fail=fail).compile(saver)
    with pytest.raises(ValueError, match="broken"):
        graph.invoke({}, config)
    assert values(graph, config) == ["sure?"]
    broken.clear()
    assert [q.value for q in graph.invoke(None, config)["__interrupt__"]] == ["sure?"]
    assert graph.invoke(Command(resume=1), config) == {"x": 1, "log": ["mended"]}


def test_going_on_without_an_answer_runs_nothing_and_shows_the_question_again(saver, config):
    calls = Counter()

    def body(state):
        calls["body"] += 1
        interrupt("?")

    graph = fan(body=body).compile(saver)
    first = graph.invoke({}, config)
    assert graph.invoke(None, config) == first
    assert calls == {"body": 1}


def test_an_answer_is_consumed_once_so_going_on_does_not_answer_the_next_question(saver, config):
    def body(state):
        return {"log": [interrupt("first?"), interrupt("second?")]}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=1), config)
    assert [q.value for q in graph.invoke(None, config)["__interrupt__"]] == ["second?"]
    assert graph.invoke(Command(resume=2), config)["log"] == [1, 2]


def test_going_on_after_a_partial_answer_answers_nothing_else(saver, config):
    graph = fan(a=asks("a"), b=asks("b")).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume={ids(graph, config)["a"][0]: 1}), config)
    graph.invoke(None, config)
    assert values(graph, config) == ["b?"]


def test_questions_in_a_loop_are_told_apart_though_they_say_the_same(saver, config):
    def body(state):
        return {"log": [interrupt("again?") for _ in range(3)]}

    graph = fan(body=body).compile(saver)
    seen = {graph.invoke({}, config)["__interrupt__"][0].id}
    for answer in ("one", "two"):
        seen.add(graph.invoke(Command(resume=answer), config)["__interrupt__"][0].id)
    assert len(seen) == 3
    assert graph.invoke(Command(resume="three"), config)["log"] == ["one", "two", "three"]


def test_the_same_node_asks_anew_when_it_runs_again_in_a_later_step(saver, config):
    built = StateGraph(State).add_node("ask", lambda state: {"log": [interrupt("more?")]}).add_edge(START, "ask")
    built.add_conditional_edges("ask", lambda state: "ask" if state["log"][-1] else "__end__")
    graph = built.compile(saver)
    graph.invoke({}, config)
    assert [q.value for q in graph.invoke(Command(resume=1), config)["__interrupt__"]] == ["more?"]
    assert graph.invoke(Command(resume=0), config) == {"log": [1, 0]}


# -- what else may be given


def test_an_answer_for_a_thread_that_does_not_exist_is_an_error_and_makes_no_thread(saver, config):
    graph = fan(ask=ask).compile(saver)
    with pytest.raises(UnknownThreadError, match="thread t does not exist"):
        graph.invoke(Command(resume=1), config)
    assert saver.threads() == []


def test_going_on_with_a_thread_that_does_not_exist_is_an_error(saver, config):
    graph = fan(ask=ask).compile(saver)
    with pytest.raises(EmptyInputError, match="thread t does not exist"):
        graph.invoke(None, config)
    assert saver.threads() == []


def test_new_input_while_a_question_waits_is_an_error_and_the_question_stays(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(PendingInterruptError, match=r"sure\?"):
        graph.invoke({"x": 2}, config)
    assert saver.load(THREAD) == before
    assert graph.invoke(Command(resume=1), config)["x"] == 1


def test_new_input_after_the_end_starts_again_on_the_state_there_is(saver, config):
    graph = fan(a=lambda state: {"log": ["a"]}).compile(saver)
    graph.invoke({"x": 1}, config)
    assert graph.invoke({"log": ["in"]}, config) == {"x": 1, "log": ["a", "in", "a"]}


def test_a_command_without_an_answer_is_an_error(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    with pytest.raises(EmptyInputError, match="resume="):
        graph.invoke(Command(), config)


@pytest.mark.parametrize("resume", [None, {}])
def test_a_command_with_an_empty_answer_is_an_error_and_nothing_is_written(resume, saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(EmptyInputError, match="is no answer. Open: .*sure"):
        graph.invoke(Command(resume=resume), config)
    assert saver.load(THREAD) == before


def test_a_command_that_updates_keeps_the_question_open_under_its_id(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    before = ids(graph, config)
    graph.invoke(Command(update={"log": ["said"]}), config)
    state = graph.get_state(config)
    assert (ids(graph, config), state.values, state.next) == (before, {"log": ["said"]}, ("ask",))
    assert graph.invoke(Command(resume="yes"), config) == {"x": "yes", "log": ["said"]}


def test_a_command_that_goes_to_a_node_runs_it_beside_what_was_due(saver, config):
    graph = fan(ask=asks("ask")).add_node("b", lambda state: {"log": ["b"]}).compile(saver)
    graph.invoke({}, config)
    before = ids(graph, config)["ask"]
    graph.invoke(Command(goto="b"), config)
    assert (graph.get_state(config).values["log"], ids(graph, config)["ask"]) == (["b"], before)
    assert graph.invoke(Command(resume="yes"), config) == {"log": ["ask: yes", "b"]}


def test_a_command_that_goes_where_the_run_is_going_runs_that_once(saver, config):
    graph = fan(ask=asks("ask")).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume=1, goto="ask"), config) == {"log": ["ask: 1"]}


def test_a_command_that_answers_and_updates_does_both(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume=1, update={"log": ["said"]}), config) == {"x": 1, "log": ["said"]}


def test_a_command_starts_a_thread_where_it_says(saver, config):
    graph = fan(ask=ask).add_node("b", lambda state: {"log": ["b"]}).compile(saver)
    assert graph.invoke(Command(update={"x": 1}, goto="b"), config) == {"x": 1, "log": ["b"]}


@pytest.mark.parametrize(
    ("command", "error", "said"),
    [
        (Command(goto="akk"), UnknownNodeError, r"Command\(goto=...\) wants to go to 'akk'.*Did you mean 'ask'"),
        (Command(update=7), InvalidUpdateError, r"Command\(update=7\): give a dict"),
        (Command(graph=Command.PARENT, update={}), InvalidUpdateError, "graph= is for a node's return value"),
    ],
)
def test_a_command_that_cannot_be_is_refused_and_nothing_is_written(command, error, said, saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(error, match=said):
        graph.invoke(command, config)
    assert saver.load(THREAD) == before


def test_an_unknown_key_in_a_commands_update_is_a_warning(saver, config):
    graph = fan(ask=ask).compile(saver)
    graph.invoke({}, config)
    with pytest.warns(UnknownKeyWarning, match=r"Command\(update=...\) has 'lgo'.*Did you mean 'log'"):
        graph.invoke(Command(update={"lgo": 1, "x": 2}), config)
    assert graph.get_state(config).values == {"x": 2, "log": []}


def test_pausing_needs_a_checkpointer():
    with pytest.raises(CheckpointerRequired, match=r"node 'ask' called interrupt\(\).*checkpointer=InMemorySaver"):
        fan(ask=ask).compile().invoke({})


def test_answering_needs_a_checkpointer():
    with pytest.raises(CheckpointerRequired):
        fan(ask=ask).compile().invoke(Command(resume=1))


def test_going_on_needs_a_checkpointer():
    with pytest.raises(EmptyInputError, match="no checkpointer"):
        fan(ask=ask).compile().invoke(None)


def test_interrupt_outside_a_node_is_an_error_that_names_the_cure():
    with pytest.raises(NbhitlError, match="outside a node.*copy_context"):
        interrupt("?")


def test_interrupt_in_a_thread_that_a_node_starts_is_an_error(config):
    errors = []

    def elsewhere():
        try:
            interrupt("?")
        except NbhitlError as error:
            errors.append(error)

    def body(state):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    fan(body=body).compile(InMemorySaver()).invoke({}, config)
    assert "outside a node" in str(errors[0])


# -- what an answer is bound to


def test_an_answer_survives_an_edit_that_leaves_the_question_alone(saver, config):
    def first(state):
        return {"x": interrupt("sure?")}

    def second(state):
        unrelated = 1
        answer = interrupt("sure?")
        return {"x": (answer, unrelated)}

    fan(ask=first).compile(saver).invoke({}, config)
    saver.answer(THREAD, saver.load(THREAD).checkpoint.id, [_answer(saver, "yes")])
    assert tuple(fan(ask=second).compile(saver).invoke(None, config)["x"]) == ("yes", 1)


def _answer(saver, value):
    from nbhitl.engine.records import Answered

    return Answered(saver.load(THREAD).pending[0].id, value)


def test_a_yes_does_not_move_to_another_question_when_two_are_reordered(saver, config):
    def before(state):
        return {"log": [interrupt("delete a?"), interrupt("delete b?")]}

    def after(state):
        return {"log": [interrupt("delete b?"), interrupt("delete a?")]}

    graph = fan(ask=before).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="yes to a"), config)
    graph = fan(ask=after).compile(saver)
    # The second question waits already, as the second call; the first call now asks what nobody has seen there.
    saver.answer(THREAD, saver.load(THREAD).checkpoint.id, [_answer(saver, "yes to b")])
    assert values(graph, config) == []
    assert [q.value for q in graph.invoke(None, config)["__interrupt__"]] == ["delete b?"]


def test_a_question_that_changed_is_asked_again_and_both_are_remembered(saver, config):
    draft = ["first"]

    def body(state):
        return {"x": interrupt(draft[0])}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    draft[0] = "second"
    assert [q.value for q in graph.invoke(Command(resume="ok"), config)["__interrupt__"]] == ["second"]
    (asked,) = saver.load(THREAD).asked.values()
    assert [q.value for q in asked] == ["first", "second"]
    assert graph.invoke(Command(resume="fine"), config)["x"] == "fine"


def test_a_question_that_changes_a_second_time_is_an_error_that_names_the_cure(saver, config):
    calls = Counter()

    def body(state):
        calls["body"] += 1
        return {"x": interrupt(f"draft {calls['body']}")}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume="ok"), config)
    with pytest.raises(QuestionChanged, match="question 1 of node 'body'.*key="):
        graph.invoke(Command(resume="ok"), config)
    assert graph.get_state(config).metadata["stop"] == "failed"


def test_a_key_names_a_question_whose_value_changes(saver, config):
    calls = Counter()

    def body(state):
        calls["body"] += 1
        return {"x": interrupt(f"draft {calls['body']}", key="draft")}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    assert graph.invoke(Command(resume="ok"), config)["x"] == "ok"


def test_keys_tell_questions_apart(saver, config):
    def body(state):
        return {"log": [interrupt("?", key="a"), interrupt("?", key="b")]}

    graph = fan(body=body).compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=1), config)
    assert graph.invoke(Command(resume=2), config)["log"] == [1, 2]


def test_a_question_is_found_again_in_a_file_that_was_reopened(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        shown = fan(ask=ask).compile(saver).invoke({}, config)["__interrupt__"]
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(ask=ask).compile(saver)
        assert list(graph.get_state(config).interrupts) == shown
        assert graph.invoke(Command(resume={shown[0].id: "later"}), config)["x"] == "later"


# -- typed answers


class Verdict(pydantic.BaseModel):
    ok: bool
    score: int = pydantic.Field(ge=0, le=9)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def typed(schema):
    """A graph that asks for an answer of this schema; it keeps what ``interrupt`` returned in the list."""
    got = []

    def body(state):
        got.append(interrupt("verdict?", response_schema=schema))

    return fan(body=body), got


@pytest.mark.parametrize("given", [{"ok": True, "score": 3}, Verdict(ok=True, score=3)])
def test_a_pydantic_answer_comes_back_as_an_instance(given, saver, config):
    built, got = typed(Verdict)
    graph = built.compile(saver)
    (question,) = graph.invoke({}, config)["__interrupt__"]
    assert question.response_schema is not None
    graph.invoke(Command(resume=given), config)
    assert got == [Verdict(ok=True, score=3)]


@pytest.mark.parametrize(
    ("schema", "given", "expected"),
    [
        (bool, False, False),
        (int, 0, 0),
        (Literal["yes", "no"], "no", "no"),
        (Colour, "red", Colour.RED),
        (Annotated[int, pydantic.Field(ge=0, le=9)], 9, 9),
        ({"type": "string", "maxLength": 3}, "abc", "abc"),
    ],
)
def test_an_answer_has_the_type_that_was_asked_for(schema, given, expected, saver, config):
    built, got = typed(schema)
    graph = built.compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=given), config)
    assert got == [expected]
    assert type(got[0]) is type(expected)


@pytest.mark.parametrize(
    ("schema", "given", "field"),
    [
        (Verdict, {"ok": True, "score": 10}, "score"),
        (Verdict, {"ok": True}, "score"),
        (bool, "perhaps", ""),
        (Literal["yes", "no"], "maybe", ""),
        ({"type": "string", "maxLength": 3}, "abcd", ""),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_nothing_is_recorded(schema, given, field, saver, config):
    built, got = typed(schema)
    graph = built.compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    with pytest.raises(AnswerRefused) as caught:
        graph.invoke(Command(resume=given), config)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert saver.load(THREAD) == before
    assert got == []


def test_one_bad_answer_refuses_the_good_ones_that_came_with_it(saver, config):
    def asks_for(schema):
        return lambda state: {"log": [interrupt("?", response_schema=schema)]}

    graph = fan(a=asks_for(int), b=asks_for(bool)).compile(saver)
    graph.invoke({}, config)
    before = saver.load(THREAD)
    open_ = ids(graph, config)
    with pytest.raises(AnswerRefused):
        graph.invoke(Command(resume={open_["a"][0]: 1, open_["b"][0]: "perhaps"}), config)
    assert saver.load(THREAD) == before


def test_no_answer_is_no_answer_to_a_typed_question(saver, config):
    graph = typed(int)[0].compile(saver)
    graph.invoke({}, config)
    with pytest.raises(EmptyInputError, match="resume=<answer>"):
        graph.invoke(Command(resume=None), config)


def test_an_answer_that_cannot_be_stored_is_refused_and_the_question_stays(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(ask=ask).compile(saver)
        graph.invoke({}, config)
        before = saver.load(THREAD)
        with pytest.raises(UnstorableValueError):
            graph.invoke(Command(resume=threading.Lock()), config)
        assert saver.load(THREAD) == before


def test_a_question_that_cannot_be_stored_fails_its_node(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = fan(body=lambda state: interrupt(threading.Lock())).compile(saver)
        with pytest.raises(UnstorableValueError):
            graph.invoke({}, config)
        state = graph.get_state(config)
        assert (state.metadata["stop"], state.interrupts) == ("failed", ())
        assert fan(body=ask).compile(saver).invoke(None, config)["__interrupt__"][0].value == "sure?"


def test_a_key_that_names_two_questions_in_one_body_is_an_error(saver, config):
    def body(state):
        return {"log": [interrupt(what, key="ok") for what in ("delete a?", "delete b?")]}

    graph = fan(node=body).compile(saver)
    graph.invoke({}, config)
    with pytest.raises(NbhitlError, match="uses the key 'ok' for two different questions"):
        graph.invoke(Command(resume=True), config)


def test_a_thread_that_is_being_run_is_not_run_twice(saver, config):
    began, go = threading.Event(), threading.Event()

    def slow(state):
        began.set()
        go.wait(10)
        return {"log": ["slow"]}

    graph = fan(node=slow).compile(saver)
    runner = threading.Thread(target=graph.invoke, args=({}, config))
    runner.start()
    assert began.wait(10)
    with pytest.raises(ThreadBusyError, match="being run already"):
        graph.invoke(None, config)
    go.set()
    runner.join()
    assert graph.get_state(config).values["log"] == ["slow"]
