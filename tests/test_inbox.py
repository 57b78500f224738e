"""Open questions of a file, and answers to them from the command line, without a kernel and past one."""

import json
import os
import stat
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field, SecretStr

from nbhitl import START, DuckDBSaver, Session, StateGraph, interrupt
from nbhitl.cli import main
from nbhitl.engine.errors import AnswerRefused
from nbhitl.engine.records import MISSING, Asked
from nbhitl.inbox import Reply, accepted, settle, spoken
from nbhitl.mailbox import LARGEST, Mailbox, NobodyTookIt, NoReply, folder_of, post
from nbhitl.outcomes import then
from nbhitl.run.answers import SchemaChecker


class State(TypedDict, total=False):
    got: Annotated[list, lambda old, new: old + new]


class Review(BaseModel):
    """Publish this draft?"""

    decision: Literal["publish", "revise"]
    notes: str = ""
    score: int = Field(3, ge=0, le=9)


def graph(**questions):
    """A graph that asks all of these side by side."""
    built = StateGraph(State)
    for name, (value, more) in questions.items():
        built.add_node(name, lambda state, value=value, more=more: {"got": [interrupt(value, **more)]})
        built.add_edge(START, name)
    return built


REVIEW = {"review": ({"draft": "About tea."}, {"response_schema": Review})}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs.duckdb"


def ask(file, questions=REVIEW, name="post", thread="t"):
    """Run to the questions and close the file; their ids by node."""
    with DuckDBSaver(file) as saver:
        session = Session(graph(**questions).compile(saver, name=name), thread)
        session.go({})
        return {session.node_of(question): question.id for question in session.pending()}


def answers(file):
    with DuckDBSaver(file) as saver:
        return saver.sql("SELECT answer, answered_by, via, note FROM answers ORDER BY seq").rows


@contextmanager
def owned(file, serve=settle):
    """The file is open in this process, and its owner takes letters."""
    with DuckDBSaver(file) as saver:
        box, over = Mailbox(file), threading.Event()

        def work():
            while not over.wait(0.01):
                for letter in box.take():
                    box.reply(letter, serve(saver, Reply.read(letter.content)))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield saver
        finally:
            over.set()
            thread.join(10)
            box.close()


# -- inbox


def test_the_inbox_lists_every_open_question_with_what_it_takes(file, capsys):
    ids = ask(file, REVIEW | {"sure": ("sure?", {"deadline": 3600, "default": "no"})})
    assert main(["inbox", str(file)]) == 0
    said = capsys.readouterr().out
    for text in (*ids.values(), "thread t", "draft: About tea.", "decision=publish | revise", "deadline", "then no"):
        assert text in said


def test_the_inbox_as_json_has_each_question_with_its_schema(file, capsys):
    ids = ask(file)
    assert main(["inbox", str(file), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["id"], found["node"], found["graph"], found["thread"]) == (ids["review"], "review", "", "t")
    assert found["question"] == {"draft": "About tea."}
    assert found["schema"]["properties"]["decision"]["enum"] == ["publish", "revise"]
    assert (found["deadline"], found["has_default"]) == (None, False)


def test_an_inbox_without_questions_says_so(file, capsys):
    ids = ask(file)
    assert main(["answer", str(file), ids["review"], "decision=publish"]) == 0
    capsys.readouterr()
    assert main(["inbox", str(file)]) == 0
    assert capsys.readouterr().out == "No question is open.\n"


def test_the_inbox_can_be_read_while_somebody_has_the_file_open(file, capsys):
    ids = ask(file)
    with DuckDBSaver(file):
        assert main(["inbox", str(file)]) == 0
    assert ids["review"] in capsys.readouterr().out


def test_a_thread_whose_name_sql_cannot_hold_is_listed_too(file, capsys):
    ids = ask(file, thread="half \udc80 of a character")
    assert main(["inbox", str(file), "--json"]) == 0
    assert [q["id"] for q in json.loads(capsys.readouterr().out)] == list(ids.values())


def test_text_from_a_graph_moves_no_cursor(file, capsys):
    ask(file, {"sure": ("\x1b[2J\x1b]0;title\x07gone\u202e?", {})})
    assert main(["inbox", str(file)]) == 0
    said = capsys.readouterr().out
    assert "gone" in said
    assert not set(said) & set("\x1b\x07\u202e")


# -- answers without a kernel


def test_an_answer_from_the_command_line_is_recorded_and_the_next_run_takes_it(file, capsys):
    ids = ask(file)
    command = ["answer", str(file), ids["review"], "decision=publish", "notes=12", "score=4", "--by", "ann"]
    assert main([*command, "--note", "asked the author"]) == 0
    assert "Recorded for review (thread t)" in capsys.readouterr().out
    assert [row[1:] for row in answers(file)] == [("ann", "command line", "asked the author")]
    with DuckDBSaver(file, types=[Review]) as saver:
        session = Session(graph(**REVIEW).compile(saver, name="post"), "t")
        assert session.go().reason == "finished"
        assert [got.notes for got in session.state().values["got"]] == ["12"]


def test_the_beginning_of_an_id_is_enough(file):
    ids = ask(file)
    assert main(["answer", str(file), ids["review"][:5], "--json", '{"decision": "revise"}']) == 0


def test_a_refused_answer_names_its_fields_and_records_nothing(file, capsys):
    ids = ask(file)
    assert main(["answer", str(file), ids["review"], "decision=maybe", "score=12", "colour=red"]) == 1
    said = capsys.readouterr().err
    for field in ("decision: must be 'publish' or 'revise'", "score: ", "colour: "):
        assert field in said
    assert answers(file) == []


def test_who_comes_second_is_told_who_was_first_and_when(file, capsys):
    ids = ask(file)
    assert main(["answer", str(file), ids["review"], "decision=publish", "--by", "ann"]) == 0
    for id in (ids["review"], ids["review"][:6]):
        capsys.readouterr()
        assert main(["answer", str(file), id, "decision=revise"]) == 3
        said = capsys.readouterr().err
        assert f"question {ids['review']} was answered already by ann through the command line at 20" in said
    assert len(answers(file)) == 1


@pytest.mark.parametrize("id", ["0123456789abcdef", "", "%", "a'; DROP TABLE journal; --"])
def test_an_unknown_id_is_an_error(id, file, capsys):
    ask(file)
    assert main(["answer", str(file), id, "x"]) == 1
    assert "no open question has the id" in capsys.readouterr().err


def test_the_same_question_on_two_threads_needs_the_thread(file, capsys):
    ids = ask(file)
    with DuckDBSaver(file) as saver:
        session = Session(graph(**REVIEW).compile(saver, name="post"), "t")
        saver.copy_thread(session.key, type(session.key)("u", session.key.graph))
    assert main(["answer", str(file), ids["review"], "decision=publish"]) == 1
    assert "say which with --thread" in capsys.readouterr().err
    assert main(["answer", str(file), ids["review"], "decision=publish", "-t", "u"]) == 0
    assert main(["answer", str(file), ids["review"], "decision=revise"]) == 0  # the other one is left


def test_after_the_deadline_no_answer_is_taken(file, capsys):
    ids = ask(file, {"late": ("late?", {"deadline": 0.5, "default": "d"})})
    time.sleep(0.6)
    assert main(["answer", str(file), ids["late"], "x"]) == 1
    assert "its default counts when the thread goes on" in capsys.readouterr().err


class Login(BaseModel):
    user: str
    password: SecretStr


def test_a_secret_is_not_taken_from_a_command_line(file, capsys):
    ids = ask(file, {"login": ("who?", {"response_schema": Login})})
    assert main(["answer", str(file), ids["login"], "user=me", "password=hunter22"]) == 1
    assert "answer in the notebook" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_an_error_and_is_not_made(file, capsys):
    assert main(["answer", str(file), "abcd", "x"]) == 1
    assert main(["inbox", str(file)]) == 1
    assert not file.exists()


# -- answers in words


def schema_of(kind):
    return SchemaChecker().describe(kind)


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        (None, ["yes"], "yes"),
        (None, ["3"], 3),
        (None, ["a b=c"], "a b=c"),
        (None, ["a=1", "b=x"], {"a": 1, "b": "x"}),
        (str, ["3"], "3"),
        (str, ["a=b"], "a=b"),
        (int, ["3"], 3),
        (bool, ["true"], True),
        (Literal["1", "2"], ["1"], "1"),
        (Literal[1, 2], ["1"], 1),
        (list[str], ['["a"]'], ["a"]),
        (Review, ["decision=publish", "notes=null", "score=2"], {"decision": "publish", "notes": "null", "score": 2}),
        (str | None, ["null"], "null"),
    ],
)
def test_words_are_json_or_text_as_the_question_takes_it(kind, words, expected):
    schema = {} if kind is None else schema_of(kind)
    assert spoken(schema, words) == expected


@pytest.mark.parametrize("words", [[], ["two", "words"], ["a=1", "a=2"], ["a=1", "b"]])
def test_words_that_make_no_answer_are_refused(words):
    with pytest.raises(AnswerRefused):
        spoken({}, words)


def test_what_is_accepted_is_said_in_one_line():
    assert accepted({}) == "anything: text, or JSON"
    assert accepted(schema_of(bool)) == "Yes | No"
    assert accepted(schema_of(Review)).startswith("decision=publish | revise, notes=")


# -- letters to whoever has the file open


def test_a_living_owner_takes_the_answer(file, capsys):
    ids = ask(file)
    with owned(file):
        assert main(["answer", str(file), ids["review"], "decision=publish", "--by", "ann"]) == 0
        assert main(["answer", str(file), ids["review"], "decision=revise"]) == 3
        assert main(["answer", str(file), "ffff", "x"]) == 1
    assert "was answered already by ann through the command line" in capsys.readouterr().err
    assert [row[1:3] for row in answers(file)] == [("ann", "command line")]
    assert not folder_of(file).exists()


def test_a_secret_is_not_even_written_into_a_letter(file, capsys):
    ids = ask(file, {"login": ("who?", {"response_schema": Login})})
    letters = []

    def noted(saver, reply):
        letters.append(reply.plain())
        return settle(saver, reply)

    with owned(file, noted):
        assert main(["answer", str(file), ids["login"], "user=me", "password=hunter22"]) == 1
    assert "answer in the notebook" in capsys.readouterr().err
    assert len(letters) == 1
    assert "hunter22" not in json.dumps(letters)


def test_an_owner_who_takes_no_answers_is_told_of_and_the_answer_is_taken_back(file, capsys):
    ids = ask(file)
    with DuckDBSaver(file):
        assert main(["answer", str(file), ids["review"], "decision=publish", "--timeout", "0.1"]) == 4
        assert not folder_of(file).exists()
    assert "did not take the answer within 0.1 s; it was taken back" in capsys.readouterr().err
    assert answers(file) == []


def test_an_owner_who_takes_the_letter_and_dies_is_told_of(file):
    box = Mailbox(file)
    taken = []

    def take():
        while not taken:
            taken.extend(box.take())
            time.sleep(0.005)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    with pytest.raises(NoReply, match="did not say within"):
        post(file, {"a": 1}, timeout=0.3)
    thread.join(10)


def test_a_letter_is_taken_once_by_however_many_owners(file):
    taken, over = [], threading.Event()

    def take():
        box = Mailbox(file)
        while not over.is_set():
            for letter in box.take():
                taken.append(letter.content["n"])
                box.reply(letter, {"n": letter.content["n"]})

    owners = [threading.Thread(target=take, daemon=True) for _ in range(3)]
    for owner in owners:
        owner.start()
    assert [post(file, {"n": n}, timeout=20) for n in range(30)] == [{"n": n} for n in range(30)]
    over.set()
    for owner in owners:
        owner.join(10)
    assert sorted(taken) == list(range(30))


def test_the_folder_and_the_letters_are_for_their_owner_only(file):
    folder = folder_of(file)
    seen = []

    def look():
        while not seen:
            seen.extend(stat.S_IMODE(found.stat().st_mode) for found in folder.glob("*.letter"))
            time.sleep(0.002)
        seen.append(stat.S_IMODE(folder.stat().st_mode))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    with pytest.raises(NobodyTookIt):
        post(file, {}, timeout=0.5)
    thread.join(10)
    assert seen[0] == 0o600
    assert stat.S_IMODE(os.stat(file.parent).st_mode)


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_may_write_to_is_not_looked_into(mode, file):
    folder = folder_of(file)
    folder.mkdir()
    folder.chmod(mode)
    (folder / f"{'0' * 32}.letter").write_text("{}")
    assert list(Mailbox(file).take()) == []
    with pytest.raises(Exception, match="no folder of yours alone"):
        post(file, {}, timeout=0.1)


def test_a_folder_that_is_a_link_is_not_looked_into(file, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "elsewhere" / f"{'0' * 32}.letter").write_text("{}")
    folder_of(file).symlink_to(tmp_path / "elsewhere")
    assert list(Mailbox(file).take()) == []


HOSTILE = {
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe\x00",
    "nested too deeply": b"[" * 200_000,
    "too large": b" " * (LARGEST + 1),
    "a number that is too long": b"1" * 100_000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_letter_that_cannot_be_read_is_refused_and_removed(content, file):
    folder = folder_of(file)
    folder.mkdir(mode=0o700)
    (folder / f"{'a' * 32}.letter").write_bytes(content)
    box = Mailbox(file)
    (letter,) = box.take()
    assert letter.problem
    assert letter.content is None
    box.reply(letter, {"came": "refused"})
    assert [found.name for found in folder.iterdir()] == [f"{'a' * 32}.reply"]


def test_links_pipes_and_folders_are_no_letters(file, tmp_path):
    folder = folder_of(file)
    folder.mkdir(mode=0o700)
    (tmp_path / "secret").write_text('{"a": "secret"}')
    (folder / f"{'a' * 32}.letter").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / f"{'b' * 32}.letter")
    (folder / f"{'c' * 32}.letter").mkdir()
    found = list(Mailbox(file).take())
    assert [letter.problem for letter in found] == ["the answer is no ordinary file"] * 3
    assert all(letter.content is None for letter in found)
    assert (tmp_path / "secret").read_text() == '{"a": "secret"}'


def test_names_that_are_none_of_ours_are_let_be_and_old_replies_are_cleared(file):
    folder = folder_of(file)
    folder.mkdir(mode=0o700)
    for name in ("notes.txt", "..letter", f"{'a' * 32}.reply", f"{'b' * 32}.reply"):
        (folder / name).write_text("{}")
    os.utime(folder / f"{'a' * 32}.reply", (0, 0))
    os.utime(folder / "notes.txt", (0, 0))
    assert list(Mailbox(file).take()) == []
    assert {found.name for found in folder.iterdir()} == {"notes.txt", "..letter", f"{'b' * 32}.reply"}


WRONG = [
    None, [], "text", 3, {}, {"id": 1},
    Reply("a").plain() | {"words": "abc"},
    Reply("a").plain() | {"words": [1]},
    Reply("a").plain() | {"json": {}},
    Reply("a").plain() | {"ahead": 1},
    Reply("a").plain() | {"more": 1},
]  # fmt: skip


@pytest.mark.parametrize("content", WRONG, ids=range(len(WRONG)))
def test_a_letter_with_parts_of_other_types_is_refused(content):
    with pytest.raises(Exception, match="no answer that nbhitl has sent"):
        Reply.read(content)


def test_a_reply_survives_its_way_as_json():
    reply = Reply("ab12", ("a=1", "ü"), None, "ann", "n", "g", "t")
    assert Reply.read(json.loads(json.dumps(reply.plain()))) == reply
    assert "a=1" not in json.dumps(reply.inquiry().plain())


def test_what_counts_when_the_time_is_up_is_said_in_the_words_of_the_form():
    options = {"oneOf": [{"const": True, "title": "Book"}, {"const": False, "title": "Leave it"}]}
    asked = Asked("t", "i", "Book it?", described=options, deadline=1, default=False)
    assert then(asked) == "Leave it"
    assert then(replace(asked, described=None)) == "false"
    assert then(replace(asked, default=MISSING)) == "the node fails"


# -- what the file says of an answer


@pytest.mark.parametrize(
    ("schema", "before"),
    [
        ({"type": "string", "default": "as it was"}, "as it was"),
        ({"type": "object", "properties": {"a/b~c": {"type": "integer", "default": 3}, "x": {}}}, {"a/b~c": 3}),
        ({"type": "object", "properties": {"x": {"type": "integer"}}}, None),
        (Review, {"notes": "", "score": 3}),
        (str, None),
        (None, None),
    ],
)
def test_the_answers_view_has_what_the_form_had_before(schema, before, file):
    ids = ask(file, {"edit": ("?", {"response_schema": schema})})
    value = {"decision": "publish"} if schema is Review else {} if before != "as it was" else "x"
    value = "x" if schema is str else value
    assert main(["answer", str(file), ids["edit"], "--json", json.dumps(value)]) == 0
    with DuckDBSaver(file) as saver:
        ((found,),) = saver.sql("SELECT before FROM answers").rows
    assert (None if found is None else json.loads(found)) == before
