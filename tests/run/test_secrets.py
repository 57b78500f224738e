"""Secrets in answers: the body gets the very text, no memory holds it, and what is forgotten is asked anew."""

import asyncio
import copy
import json
import operator
import pickle
import threading
import traceback
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Annotated, TypedDict

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    Field,
    Secret,
    SecretBytes,
    SecretStr,
    TypeAdapter,
    create_model,
    field_validator,
    model_validator,
)

from nbhitl import START, Command, DuckDBSaver, InMemorySaver, SchemaError, Send, StateGraph, interrupt
from nbhitl.calls import CallOptions
from nbhitl.engine.errors import (
    AlreadyAnsweredError,
    AnswerRefused,
    PendingInterruptError,
    UnknownInterruptError,
    UnstorableValueError,
)
from nbhitl.engine.records import MISSING, Reopened, ThreadKey
from nbhitl.run import vault
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.context import once
from nbhitl.run.secrets import secret_paths
from nbhitl.run.vault import SECRET, VAULT, Vault
from nbhitl.session import Session

ROOT = Path(__file__).parents[2]
MARKER = json.loads((ROOT / "tests/corpora/attacks.json").read_text(encoding="utf-8"))["secrets"]["marker"]
PASSWORD = {"type": "string", "x-secret": True}
LOGIN = {"type": "object", "properties": {"user": {"type": "string"}, "password": PASSWORD}, "required": ["password"]}
GIVEN = {"user": "ann", "password": MARKER}


class Login(BaseModel):
    user: str
    password: SecretStr


class State(TypedDict, total=False):
    x: object
    log: Annotated[list, operator.add]


@pytest.fixture(autouse=True)
def forgotten():
    VAULT.forget()
    yield
    VAULT.forget()


def one(saver, ask, **more):
    """A graph of one node."""
    return StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile(saver, **more)


def told(saver, ns=""):
    """Everything that the saver remembers of the thread, as text."""
    saver.flush()
    return "\n".join(repr(position) for position in saver.history(ThreadKey("t", ns=ns)))


def asking(schema=Login, **more):
    """A node that asks for a login, and keeps what it was told outside of the state: in its ``got``."""

    def ask(state):
        ask.got.append(interrupt("who?", response_schema=schema, **more))
        interrupt("sure?")
        return {"log": ["in"]}

    ask.got = []
    return ask


# -- the body gets it, the memory does not


@pytest.mark.parametrize("schema", [Login, LOGIN], ids=["class", "json schema"])
def test_the_body_gets_the_very_text_each_time_it_runs_and_nothing_that_is_remembered_holds_it(saver, config, schema):
    asks = asking(schema)
    graph = one(saver, asks)
    graph.invoke({}, config)
    graph.invoke(Command(resume=GIVEN), config)
    assert graph.invoke(Command(resume="yes"), config)["log"] == ["in"]
    expected = Login(**GIVEN) if schema is Login else GIVEN
    assert asks.got == [expected, expected]
    assert MARKER not in told(saver)
    answers = [a.value for p in saver.history(ThreadKey("t")) for a in p.answers.values()]
    assert answers == [{"user": "ann", "password": SECRET}, "yes"]


def test_a_body_that_changes_what_it_was_told_is_told_the_same_again(saver, config):
    def ask(state):
        answer = interrupt("who?", response_schema=LOGIN)
        assert answer == GIVEN
        answer["password"] = "changed"
        return {"log": [interrupt("sure?")]}

    graph = one(saver, ask)
    graph.invoke({}, config)
    graph.invoke(Command(resume=GIVEN), config)
    assert graph.invoke(Command(resume="yes"), config)["log"] == ["yes"]


@pytest.mark.parametrize(
    "resume",
    [
        GIVEN,
        Login(user="ann", password=MARKER),
        {"user": "ann", "password": SecretStr(MARKER)},
    ],
    ids=["text", "instance", "secret"],
)
def test_code_may_answer_with_the_text_an_instance_or_a_secret(saver, config, resume):
    asks = asking()
    graph = one(saver, asks)
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    graph.invoke(Command(resume={asked.id: resume}), config)
    assert [login.password.get_secret_value() for login in asks.got] == [MARKER]
    assert MARKER not in told(saver)


def test_without_the_class_at_hand_a_wrapped_secret_is_taken_where_one_is_asked_for(saver, config):
    graph = one(saver, asking(LOGIN))
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    with pytest.raises(AnswerRefused, match="user: is a SecretStr"):
        graph.invoke(Command(resume={asked.id: {"user": SecretStr("ann"), "password": SecretStr(MARKER)}}), config)
    graph.invoke(Command(resume={asked.id: {"user": "ann", "password": SecretStr(MARKER)}}), config)
    assert MARKER not in told(saver)


def test_one_bare_secret_is_a_secret(saver, config):
    asks = asking(SecretStr)
    graph = one(saver, asks)
    graph.invoke({}, config)
    graph.invoke(Command(resume=MARKER), config)
    graph.invoke(Command(resume="yes"), config)
    assert asks.got == [SecretStr(MARKER)] * 2
    assert MARKER not in told(saver)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_secret_is_kept_out_whatever_the_durability(saver, config, durability):
    asks = asking()
    graph = one(saver, asks)
    graph.invoke({}, config, durability=durability)
    graph.invoke(Command(resume=GIVEN), config, durability=durability)
    graph.invoke(Command(resume="yes"), config, durability=durability)
    assert [login.password.get_secret_value() for login in asks.got] == [MARKER] * 2
    assert MARKER not in told(saver)


def test_an_async_node_gets_it_too(saver, config):
    got = []

    async def ask(state):
        got.append(interrupt("who?", response_schema=Login))
        return {"log": [interrupt("sure?")]}

    graph = one(saver, ask)

    def go(input):
        return asyncio.run(graph.ainvoke(input, config))

    go({})
    go(Command(resume=GIVEN))
    VAULT.forget()
    assert go(Command(resume="yes"))["__interrupt__"][0].value == "who?"
    assert go(Command(resume=GIVEN))["log"] == ["yes"]
    assert [login.password.get_secret_value() for login in got] == [MARKER] * 2


def test_nobody_who_looks_on_sees_it(saver, config):
    graph = one(saver, asking())
    modes = ["values", "updates"]
    seen = list(graph.stream({}, config, stream_mode=modes))
    seen += list(graph.stream(Command(resume=GIVEN), config, stream_mode=modes))
    seen += [graph.get_state(config, subgraphs=True), *graph.get_state_history(config)]
    session = Session(graph, "t")
    seen += [session.answers(), session.state(), session.pending(), session.position]
    assert session.answers()[0][2].value == {"user": "ann", "password": SECRET}
    assert MARKER not in repr(seen)


# -- forgotten


@pytest.mark.parametrize("key", [None, "login"])
def test_a_forgotten_secret_is_asked_for_again_as_often_as_it_is_forgotten(saver, config, key):
    asks = asking(key=key)
    graph = one(saver, asks)
    (first,) = graph.invoke({}, config)["__interrupt__"]
    graph.invoke(Command(resume=GIVEN), config)
    ids = {first.id}
    for times in range(1, 6):
        VAULT.forget()
        resume = "yes" if times == 1 else None
        (asked,) = graph.invoke(resume if resume is None else Command(resume=resume), config)["__interrupt__"]
        assert (asked.value, asked.id in ids) == ("who?", False)
        (question,) = saver.load(ThreadKey("t")).pending
        assert (question.id, question.again, question.key) == (asked.id, times, key)
        ids.add(asked.id)
        if times < 5:
            VAULT.keep("others")
            answered = Session(graph, "t").answer(GIVEN)
            assert answered.value["password"] == SECRET
    assert graph.invoke(Command(resume={asked.id: GIVEN}), config)["log"] == ["in"]
    assert [login.password.get_secret_value() for login in asks.got] == [MARKER, MARKER]


def test_the_other_answers_of_the_body_are_kept_when_a_secret_is_asked_for_again(saver, config):
    got = []

    def ask(state):
        got.append([
            interrupt("name?"),
            interrupt("password?", response_schema=SecretStr).get_secret_value(),
            interrupt("age?", response_schema=int),
        ])  # fmt: skip
        return {"log": [interrupt("sure?")]}

    graph = one(saver, ask)
    graph.invoke({}, config)
    for answer in ("ann", MARKER, 7):
        graph.invoke(Command(resume=answer), config)
    VAULT.forget()
    assert graph.invoke(Command(resume="yes"), config)["__interrupt__"][0].value == "password?"
    assert graph.invoke(Command(resume=MARKER + "2"), config)["log"] == ["yes"]
    assert got == [["ann", MARKER, 7], ["ann", MARKER + "2", 7]]


def test_a_secret_in_a_loop_is_asked_for_again_in_its_round_only(saver, config):
    got = []

    def ask(state):
        got.append([interrupt(f"{n}?", response_schema=SecretStr).get_secret_value() for n in range(3)])
        return {"log": [len(got)]}

    graph = one(saver, ask)
    graph.invoke({}, config)
    graph.invoke(Command(resume="first"), config)
    VAULT.forget()
    (asked,) = graph.invoke(Command(resume="second"), config)["__interrupt__"]
    assert asked.value == "0?"
    (asked,) = graph.invoke(Command(resume="FIRST"), config)["__interrupt__"]
    assert asked.value == "2?"
    graph.invoke(Command(resume="third"), config)
    assert got == [["FIRST", "second", "third"]]


def test_each_task_of_a_fan_out_has_its_own_secret(saver, config):
    def ask(given):
        answer = interrupt({"for": given["x"]}, response_schema=SecretStr)
        return {"log": [f"{given['x']} {len(answer.get_secret_value())}"]}

    built = StateGraph(State).add_node("plan", lambda state: {}).add_node("ask", ask).add_edge(START, "plan")
    built.add_conditional_edges("plan", lambda state: [Send("ask", {"x": n}) for n in range(3)], ["ask"])
    graph = built.compile(saver)
    asked = graph.invoke({}, config)["__interrupt__"]
    ids = {q.value["for"]: q.id for q in asked}
    Session(graph, "t").answer("*" * 10, id=ids[0])
    VAULT.forget()
    graph.invoke(Command(resume={ids[1]: "*" * 11, ids[2]: "*" * 12}), config)
    (again,) = saver.load(ThreadKey("t")).pending
    assert again.value == {"for": 0}
    assert graph.invoke(Command(resume={again.id: "*" * 13}), config)["log"] == ["0 13", "1 11", "2 12"]


@pytest.mark.parametrize("called", ["as a node", "in a body"])
@pytest.mark.parametrize("forgets", [False, True])
def test_a_sub_graph_gets_it_and_asks_again_when_it_is_forgotten(saver, config, called, forgets):
    asks = asking()
    inner = StateGraph(State).add_node("ask", asks).add_edge(START, "ask").compile()
    node = inner if called == "as a node" else lambda state: {"log": inner.invoke({"log": []})["log"]}
    graph = StateGraph(State).add_node("inner", node).add_edge(START, "inner").compile(saver)
    graph.invoke({}, config)
    graph.invoke(Command(resume=GIVEN), config)
    if forgets:
        VAULT.forget()
        (asked,) = graph.invoke(Command(resume="yes"), config)["__interrupt__"]
        assert asked.value == "who?"
        assert graph.invoke(Command(resume=GIVEN), config)["log"] == ["in"]
    else:
        assert graph.invoke(Command(resume="yes"), config)["log"] == ["in"]
    assert [login.password.get_secret_value() for login in asks.got] == [MARKER, MARKER]
    saver.flush()
    lines = {e.ns for p in saver.history(ThreadKey("t")) for calls in p.entered.values() for e in calls.values()}
    assert lines
    assert all(MARKER not in told(saver, ns) for ns in ["", *lines])


def test_a_fork_has_the_secret_while_it_is_known_and_asks_again_when_it_is_not(saver, config):
    asks = asking()
    graph = one(saver, asks)
    graph.invoke({}, config)
    graph.invoke(Command(resume=GIVEN), config)
    graph.invoke(Command(resume="yes"), config)
    old = next(s.config for s in graph.get_state_history(config) if s.next == ("ask",))
    sure = next(q for q in saver.load(ThreadKey("t"), old["configurable"]["checkpoint_id"]).asked.values())[1]
    assert graph.invoke(Command(resume={sure.id: "no"}), old)["log"] == ["in"]
    assert len(asks.got) == 3
    VAULT.forget()
    (asked,) = graph.invoke(Command(resume={sure.id: "never"}), old)["__interrupt__"]
    assert asked.value == "who?"
    assert graph.invoke(Command(resume=GIVEN), config)["log"] == ["in"]
    assert [login.password.get_secret_value() for login in asks.got] == [MARKER] * 4


def test_of_a_question_that_was_asked_again_time_travel_answers_the_last_one(saver, config):
    def ask(state):
        return {"log": [len(interrupt("who?", response_schema=SecretStr).get_secret_value()), once("n", lambda: 1)]}

    graph = one(saver, ask)
    graph.invoke({}, config)
    Session(graph, "t").answer("123")
    VAULT.forget()
    graph.invoke(None, config)
    assert graph.invoke(Command(resume="1234"), config)["log"] == [4, 1]
    old = next(s.config for s in graph.get_state_history(config) if s.next == ("ask",))
    assert graph.invoke(Command(resume="12345"), old)["log"] == [5, 1]


def test_a_copy_of_the_thread_shares_the_secret(saver, config):
    asks = asking()
    graph = one(saver, asks)
    graph.invoke({}, config)
    graph.invoke(Command(resume=GIVEN), config)
    saver.copy_thread(ThreadKey("t"), ThreadKey("u"))
    assert graph.invoke(Command(resume="yes"), {"configurable": {"thread_id": "u"}})["log"] == ["in"]
    assert asks.got[-1] == Login(**GIVEN)


def test_a_reopened_file_asks_again_and_keeps_the_rest(tmp_path, config):
    path = tmp_path / "t.duckdb"
    with DuckDBSaver(path) as saver:
        graph = one(saver, asking())
        graph.invoke({}, config)
        graph.invoke(Command(resume=GIVEN), config)
    VAULT.forget()  # as a new process
    asks = asking()
    with DuckDBSaver(path) as saver:
        graph = one(saver, asks)
        (asked,) = graph.invoke(Command(resume="yes"), config)["__interrupt__"]
        assert asked.value == "who?"
        with pytest.raises(PendingInterruptError):
            graph.invoke({}, config)
        assert graph.invoke(Command(resume=GIVEN), config)["log"] == ["in"]
    assert asks.got == [Login(**GIVEN)]
    with DuckDBSaver(path) as saver:
        assert MARKER not in told(saver)


def test_a_task_that_runs_anew_asks_for_its_forgotten_secret_before_its_open_question(saver, config):
    graph = one(saver, asking())
    graph.invoke({}, config)
    (sure,) = graph.invoke(Command(resume=GIVEN), config)["__interrupt__"]
    VAULT.forget()
    position = saver.load(ThreadKey("t"))
    saver.append(ThreadKey("t"), position.checkpoint.id, [Reopened(position.checkpoint.tasks[0].id)])
    (who,) = graph.invoke(None, config)["__interrupt__"]
    assert who.value == "who?"
    assert set(saver.load(ThreadKey("t")).superseded) == {sure.id}
    (again,) = graph.invoke(Command(resume=GIVEN), config)["__interrupt__"]
    assert again.id == sure.id
    assert graph.invoke(Command(resume="yes"), config)["log"] == ["in"]


# -- deadlines, defaults, effects


@pytest.mark.parametrize("default", [GIVEN, Login(**GIVEN)], ids=["text", "instance"])
def test_a_default_with_a_secret_is_refused_without_showing_it(saver, config, default):
    graph = one(saver, asking(deadline=60, default=default))
    with pytest.raises(SchemaError, match="default is stored with its question") as caught:
        graph.invoke({}, config)
    assert MARKER not in str(caught.value)
    assert MARKER not in told(saver)


def test_a_default_that_does_not_fit_is_not_shown_either(saver, config):
    graph = one(saver, asking(deadline=60, default={"password": MARKER}))
    with pytest.raises(SchemaError, match=r"interrupt\(default=\.\.\.\) does not fit") as caught:
        graph.invoke({}, config)
    assert MARKER not in str(caught.value)


def test_whoever_answered_in_time_may_answer_again_after_the_deadline(saver, config):
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    asks = asking(deadline=soon)
    graph = one(saver, asks)
    graph.invoke({}, config)
    graph.invoke(Command(resume=GIVEN), config)
    while datetime.now(UTC) < soon:
        threading.Event().wait(0.05)
    VAULT.forget()
    (asked,) = graph.invoke(Command(resume="yes"), config)["__interrupt__"]
    assert (asked.value, asked.deadline) == ("who?", None)
    assert graph.invoke(Command(resume=GIVEN), config)["log"] == ["in"]


def test_an_effect_cannot_keep_a_secret_in_a_file(tmp_path, config):
    def ask(state):
        once("fetch", lambda: {"token": SecretStr(MARKER)})

    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        with pytest.raises(UnstorableValueError, match="fetch") as caught:
            one(saver, ask).invoke({}, config)
        assert MARKER not in f"{caught.value} {caught.value.__notes__}"
        assert MARKER not in told(saver)


def test_a_secret_without_a_schema_is_refused_by_a_file_and_kept_as_it_is_in_memory(tmp_path, config):
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        graph = one(saver, asking(None))
        graph.invoke({}, config)
        with pytest.raises(UnstorableValueError, match="SecretStr") as caught:
            graph.invoke(Command(resume=SecretStr(MARKER)), config)
        assert MARKER not in str(caught.value)
        assert MARKER not in told(saver)
    memory, asks = InMemorySaver(), asking(None)
    graph = one(memory, asks)
    graph.invoke({}, config)
    graph.invoke(Command(resume=SecretStr(MARKER)), config)
    assert asks.got == [SecretStr(MARKER)]
    assert MARKER not in told(memory)


# -- refusals and errors


class Strict(BaseModel):
    user: str
    password: SecretStr

    @field_validator("user")
    @classmethod
    def known(cls, user, info):
        raise ValueError(f"{user} is not known")

    @model_validator(mode="before")
    @classmethod
    def tell(cls, data):
        if data["user"] == "tell":
            raise ValueError(f"{data['password']} does not fit, nor does {data['password']!r}, nor {data}")
        if data["user"] == "break":
            raise RuntimeError(data["password"])
        return data


@pytest.mark.parametrize("user", ["ann", "tell", "break"])
@pytest.mark.parametrize("secret", [MARKER, "with 'quotes' \\ and\nlines", "both \"and' of them"])
def test_what_a_validator_says_comes_without_the_secret(saver, config, user, secret):
    graph = one(saver, asking(Strict))
    graph.invoke({}, config)
    given = {"user": user, "password": secret}
    for answer in (
        lambda: graph.invoke(Command(resume=given), config),
        lambda: SchemaChecker().take(Strict, given),
    ):
        with pytest.raises(AnswerRefused) as caught:
            answer()
        assert secret not in str(caught.value)
        assert repr(secret)[1:-1] not in str(caught.value)
        assert (SECRET in str(caught.value)) is (user != "ann")


def test_the_placeholder_is_not_taken_for_a_secret(saver, config):
    graph = one(saver, asking())
    graph.invoke({}, config)
    with pytest.raises(AnswerRefused, match="password: is what stands in the place of a secret"):
        graph.invoke(Command(resume={"user": "ann", "password": SECRET}), config)
    assert [q.value for q in saver.load(ThreadKey("t")).pending] == ["who?"]
    graph.invoke(Command(resume={"user": SECRET, "password": MARKER}), config)


@pytest.mark.parametrize("via", ["magic", "command line"])
def test_a_secret_is_not_taken_where_it_is_overheard(saver, config, via):
    graph = one(saver, asking())
    graph.invoke({}, config)
    with pytest.raises(AnswerRefused, match=r"password: is a secret, and what is typed .*: give it in the form"):
        Session(graph, "t").answer(GIVEN, via=via)
    assert len(saver.load(ThreadKey("t")).pending) == 1


def test_whoever_is_too_late_is_not_told_the_secret(saver, config):
    graph = one(saver, asking())
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    session = Session(graph, "t")
    session.answer(GIVEN, by="ann")
    with pytest.raises(AlreadyAnsweredError, match="by ann") as caught:
        session.answer({"user": "eve", "password": "guess"}, id=asked.id)
    assert MARKER not in f"{caught.value} {caught.value.answered}"
    with pytest.raises(UnknownInterruptError):
        session.answer(GIVEN, id="0" * 16)


def test_of_two_at_once_the_later_one_is_told_who_was_first_and_not_what(saver, config):
    graph = one(saver, asking())
    graph.invoke({}, config)
    position = saver.load(ThreadKey("t"))
    asked = graph.calls.open_questions(position)
    first, second = (
        graph.calls.check_answers(asked, {asked[0].id: {"user": who, "password": MARKER}}, CallOptions(by=who))
        for who in ("ann", "eve")
    )
    saver.answer(ThreadKey("t"), position.checkpoint.id, first)
    with pytest.raises(AlreadyAnsweredError, match="by ann") as caught:
        saver.answer(ThreadKey("t"), position.checkpoint.id, second)
    assert MARKER not in f"{caught.value} {caught.value.answered}"
    graph.invoke(None, config)
    assert graph.invoke(Command(resume="yes"), config)["log"] == ["in"]


def test_a_node_that_fails_with_its_secret_is_remembered_without_it(saver, config):
    def ask(state):
        login = interrupt("who?", response_schema=Login)
        raise ConnectionError(f"https://{login.user}:{login.password.get_secret_value()}@host is not there")

    graph = one(saver, ask)
    graph.invoke({}, config)
    with pytest.raises(ConnectionError):
        graph.invoke(Command(resume=GIVEN), config)
    position = saver.load(ThreadKey("t"))
    (failed,) = position.failed.values()
    assert failed.text.splitlines()[0] == f"ConnectionError: https://ann:{SECRET}@host is not there"
    assert MARKER not in f"{position.stopped} {[f.text for f in position.failed.values()]}"


class Told(Exception):
    """Says what it was told, by an attribute of its own."""

    def __init__(self, secret):
        super().__init__("told")
        self.secret = secret

    def __str__(self):
        return self.secret


class Stubborn(Exception):
    """Does not let itself be changed."""

    args = property(lambda self: (MARKER,), lambda self, value: None)


def _failures():
    yield "argument", KeyError(MARKER)
    yield "several", ValueError("for", {"a": MARKER}, 7)
    yield "file", FileNotFoundError(2, "no such file", f"/home/{MARKER}")
    yield "note", _noted(ValueError("x"), f"with {MARKER}")
    yield "cause", _caused(ValueError("x"), ValueError(MARKER))
    yield "group", ExceptionGroup("some", [ValueError("x"), TypeError(MARKER)])
    yield "decoding", UnicodeDecodeError("utf-8", MARKER.encode(), 0, 1, "bad")
    yield "attribute", Told(MARKER)
    yield "stubborn", Stubborn()


def _noted(error, note):
    error.add_note(note)
    return error


def _caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(("kind", "error"), list(_failures()))
def test_whatever_an_exception_is_made_of_its_secret_is_not_remembered(saver, config, kind, error):
    def ask(state):
        interrupt("who?", response_schema=Login)
        raise error

    graph = one(saver, ask)
    graph.invoke({}, config)
    with pytest.raises(type(error)) as caught:
        graph.invoke(Command(resume=GIVEN), config)
    position = saver.load(ThreadKey("t"))
    assert [MARKER in failed.text for failed in position.failed.values()] == [False]
    assert MARKER not in position.stopped.text
    if kind not in ("attribute", "stubborn"):  # what an exception makes up itself is out of reach
        shown = "".join(line for line in traceback.format_exception(caught.value) if not line.startswith("  "))
        assert MARKER not in shown


# -- the vault


def test_a_vault_keeps_copies_and_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr(vault, "KEPT", 3)
    kept = Vault()
    value = {"a": [1]}
    names = [kept.keep(value) for _ in range(4)]
    value["a"].append(2)
    kept.whole(names[1])["a"].append(3)
    assert [kept.whole(name) for name in names] == [MISSING, *[{"a": [1]}] * 3]
    assert len(set(names)) == 4
    kept.forget()
    assert kept.whole(names[3]) is MISSING


def test_a_vault_is_not_pickled_nor_copied_and_tells_nothing():
    kept = Vault()
    kept.keep(MARKER, [MARKER])
    assert MARKER not in f"{kept} {kept!r}"
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds secrets"):
            take(kept)


def test_a_text_is_told_without_the_secrets_the_longest_first_and_short_ones_in_clear():
    kept = Vault()
    kept.keep(None, ["hunter", "hunter2", "abc", "12345"])
    assert kept.hidden("hunter2 and hunter, abc, x12345y") == f"{SECRET} and {SECRET}, abc, x{SECRET}y"


def test_many_threads_share_a_vault():
    kept, names = Vault(), {}

    def work(n):
        for i in range(50):
            names[n, i] = kept.keep([n, i], [f"{n}-{i}-text"])
            kept.hidden("anything")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {key: kept.whole(name) for key, name in names.items()} == {key: list(key) for key in names}


# -- wherever the secret stands


def _schemas():
    """A JSON Schema with secrets here and there, and a strategy for its answers: tuples of both."""
    secret = st.just((PASSWORD, st.text(max_size=3).map(lambda s: MARKER + s)))
    pydantics = st.just(({"type": "string", "format": "password", "writeOnly": True}, st.just(MARKER)))
    plain = st.just(({"type": "integer"}, st.integers(-5, 5)))
    nullable = secret.map(lambda s: ({"anyOf": [s[0], {"type": "null"}]}, st.none() | s[1]))

    def lists(inner):
        return inner.map(lambda s: ({"type": "array", "items": s[0]}, st.lists(s[1], max_size=3)))

    def objects(inner):
        def build(parts):
            names = [f"f{i}" for i in range(len(parts))]
            schema = {
                "type": "object",
                "properties": {name: part[0] for name, part in zip(names, parts, strict=True)},
                "required": names[:1],
                "additionalProperties": False,
            }
            must = {name: part[1] for name, part in zip(names[:1], parts, strict=False)}
            may = {name: part[1] for name, part in zip(names[1:], parts[1:], strict=True)}
            return schema, st.fixed_dictionaries(must, optional=may)

        return st.lists(inner, min_size=1, max_size=3).map(build)

    def named(inner):
        return inner.map(
            lambda s: (
                {"type": "object", "additionalProperties": s[0]},
                st.dictionaries(st.sampled_from("abc"), s[1], max_size=2),
            )
        )

    def either(inner):
        def build(parts):
            one, other = parts
            tagged = [
                {"type": "object", "properties": {"kind": {"const": n}, "it": part[0]}, "required": ["kind", "it"]}
                for n, part in enumerate((one, other))
            ]
            answers = [
                st.fixed_dictionaries({"kind": st.just(n), "it": part[1]}) for n, part in enumerate((one, other))
            ]
            return {"oneOf": tagged}, st.one_of(*answers)

        return st.tuples(inner, inner).map(build)

    leaves = secret | pydantics | plain | nullable
    return st.recursive(leaves, lambda s: lists(s) | objects(s) | objects(s) | named(s) | either(s), max_leaves=5)


@pytest.mark.parametrize(
    ("schema", "answer", "paths"),
    [
        (PASSWORD, MARKER, [()]),
        (PASSWORD, None, []),
        ({"type": "string"}, MARKER, []),
        ({"type": "object", "additionalProperties": PASSWORD}, {"a": "1", "b": "2"}, [("a",), ("b",)]),
        ({"type": "object", "patternProperties": {"^p": PASSWORD}}, {"p": "1"}, [("p",)]),
        ({"type": "object", "propertyNames": PASSWORD}, {"p": "1"}, [()]),
        ({"prefixItems": [{}, PASSWORD], "items": {}}, ["1", "2", "3"], [(1,)]),
        ({"anyOf": [{"type": "integer"}, PASSWORD]}, "1", [()]),
        ({"allOf": [{"type": "object"}, {"properties": {"p": PASSWORD}}]}, {"p": "1"}, [("p",)]),
        (
            {"$defs": {"N": {"properties": {"p": PASSWORD, "n": {"$ref": "#/$defs/N"}}}}, "$ref": "#/$defs/N"},
            {"p": "1", "n": {"p": "2", "n": {"p": "3"}}},
            [("p",), ("n", "p"), ("n", "n", "p")],
        ),
        ({"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, PASSWORD]}}, "$ref": "#/$defs/A"}, "1", [()]),
    ],
)
def test_the_places_of_secrets_are_found_wherever_a_schema_may_say_so(schema, answer, paths):
    assert secret_paths(schema, answer) == paths
    assert MARKER not in repr(vault.shown(schema, answer)) or not paths


def _can_be_asked(schema):
    """Whether a form has a field for each secret; what has none is refused before anything is asked."""
    try:
        SchemaChecker().describe(schema)
    except SchemaError as error:
        return "has no field of its own in a form" not in str(error)
    return True


def _types():
    """A type with secrets here and there, and a strategy for plain answers: tuples of both."""
    text = st.text(max_size=3).map(lambda more: MARKER + more)
    numbers = st.integers(7_000_000_001, 7_000_000_009)
    leaves = st.sampled_from([
        (SecretStr, text), (Annotated[SecretStr, Field(min_length=8)], text), (Secret[int], numbers),
        (SecretBytes, st.just(MARKER)), (int, st.integers(-5, 5)), (str, st.text(max_size=2)),
    ])  # fmt: skip

    def grown(inner):
        def model(parts):
            fields = {f"f{n}": (part[0], ...) for n, part in enumerate(parts)}
            made = create_model(f"M{len(parts)}", **fields)
            return made, st.fixed_dictionaries({f"f{n}": part[1] for n, part in enumerate(parts)})

        lists = inner.map(lambda part: (list[part[0]], st.lists(part[1], max_size=2)))
        optional = inner.map(lambda part: (part[0] | None, st.none() | part[1]))
        return lists | optional | st.lists(inner, min_size=1, max_size=3).map(model)

    return st.recursive(leaves, grown, max_leaves=4)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file that all examples share, each on a thread of its own."""
    folder = tmp_path_factory.mktemp("secrets")
    with DuckDBSaver(folder / "t.duckdb") as made:
        yield made, folder, count()


def _told_to(file, schema, answer):
    """What a body is told that asks with ``schema``, before and after it is forgotten; no byte of it may be stored."""
    saver, folder, threads = file
    asks, config = asking(schema), {"configurable": {"thread_id": f"{next(threads)}"}}
    graph = one(saver, asks)
    (asked,) = graph.invoke({}, config)["__interrupt__"]
    (sure,) = graph.invoke(Command(resume={asked.id: answer}), config)["__interrupt__"]
    position = saver.load(ThreadKey(config["configurable"]["thread_id"]))
    assert MARKER not in repr(position)
    assert "70000000" not in repr(position.answers)
    saver.flush()
    assert [path.name for path in folder.rglob("*") if MARKER.encode() in path.read_bytes()] == []
    VAULT.forget()
    state = graph.invoke(Command(resume={sure.id: "yes"}), config)
    return asks.got, "__interrupt__" in state


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_whatever_the_shape_no_byte_is_stored_and_the_body_gets_the_exact_answer(file, data):
    schema, answers = data.draw(_schemas())
    assume(_can_be_asked(schema))
    answer = data.draw(answers)
    got, again = _told_to(file, schema, answer)
    assert got[0] == answer
    assert again is (MARKER in repr(answer)) is (len(secret_paths(schema, answer)) > 0)
    assert len(secret_paths(schema, answer)) == repr(answer).count(MARKER)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_whatever_the_class_no_byte_is_stored_and_the_body_gets_the_exact_answer(file, data):
    schema, answers = data.draw(_types())
    answer = data.draw(answers)
    typed = TypeAdapter(schema).validate_json(json.dumps(answer))
    got, again = _told_to(file, schema, answer)
    assert got[0] == typed
    assert again is (MARKER in repr(answer) or "70000000" in repr(answer))
    assert SchemaChecker().check(schema, typed) == SchemaChecker().check(schema, answer)  # code may give an instance
