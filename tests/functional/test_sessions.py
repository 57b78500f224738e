"""A session over an entrypoint: runs, breakpoints in tasks, steps, time travel, the state, a saved test."""

import subprocess
import sys

import pytest

from nbhitl import CompiledGraph, InMemorySaver, Session, entrypoint, interrupt, task


@task
def write(topic):
    return f"essay about {topic}"


@task
def polish(text):
    return text.upper()


@entrypoint(checkpointer=InMemorySaver())
def essay(topic: str, *, previous=None):
    text = polish(write(topic).result()).result()
    return {"text": text, "ok": interrupt({"essay": text}, response_schema=bool)}


@pytest.fixture
def session(request):
    return Session(CompiledGraph(essay.graph, InMemorySaver()), request.node.name)


def test_a_session_goes_on_any_input_and_takes_answers(session):
    assert session.go("cats").reason == "interrupted"
    session.answer(True)
    assert session.go().reason == "finished"
    assert session.state().values == {"text": "ESSAY ABOUT CATS", "ok": True}
    assert session.began_with("cats")
    assert not session.began_with("dogs")


def test_it_knows_its_tasks_as_nodes(session):
    assert session.nodes() == ["essay", "essay/polish", "essay/write"]


def test_a_breakpoint_holds_a_task_by_its_path(session):
    session.set_breakpoint("essay/polish")
    stopped = session.go("cats")
    assert (stopped.reason, stopped.text) == ("breakpoint", "at the breakpoint before essay/polish")
    assert session.go().reason == "interrupted"


def test_steps_go_into_tasks_and_out_again(session):
    assert session.start("cats", paused=True).text == "at the start, before essay"
    assert session.into().text == "after one task, before essay/write"
    assert session.into().text == "after one task, before essay/polish"
    assert session.continue_().reason == "interrupted"


def test_the_state_is_shown_by_key_and_that_of_a_task_by_its_path(session):
    session.go("cats")
    assert session.inspect().values == {"input": "cats"}
    assert session.inspect(inside="essay/write").values == {"call": "write(cats)", "result": "essay about cats"}
    session.answer(True)
    session.go()
    assert list(session.inspect().values) == ["input", "result", "previous"]


def test_back_opens_the_question_again_and_keeps_what_the_tasks_did(session, monkeypatch):
    session.go("cats")
    session.answer(True)
    session.go()
    monkeypatch.setattr(write, "func", None)  # it would not run
    session.back()
    assert [one.value for one in session.pending()] == [{"essay": "ESSAY ABOUT CATS"}]
    session.answer(False)
    session.go()
    assert session.state().values["ok"] is False


def test_a_key_of_the_state_can_be_set(session):
    session.go("cats")
    session.answer(True)
    session.go()
    session.set({"result": {"text": "mine"}})
    assert session.state().values == {"text": "mine"}
    assert session.inspect().values["previous"] == {"text": "ESSAY ABOUT CATS", "ok": True}


def test_it_is_replayed_from_its_input_and_its_answers(session):
    session.go("cats")
    session.answer(True)
    session.go()
    assert session.replay().reason == "finished"
    assert session.state().values == {"text": "ESSAY ABOUT CATS", "ok": True}


def test_it_is_saved_as_a_test(tmp_path):
    (tmp_path / "flows.py").write_text(
        "from nbhitl import InMemorySaver, entrypoint, interrupt, task\n\n"
        "@task\ndef write(topic):\n    return f'essay about {topic}'\n\n"
        "@entrypoint(checkpointer=InMemorySaver())\ndef essay(topic):\n"
        "    return [write(topic).result(), interrupt('ok?')]\n"
    )
    (tmp_path / "make.py").write_text(
        "from flows import essay\nfrom nbhitl import Session\n\n"
        "session = Session(essay, 't')\nsession.go('cats')\nsession.answer('yes')\nsession.go()\n"
        "session.save_test('test_essay.py')\n"
    )
    for command in (["make.py"], ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_essay.py"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
