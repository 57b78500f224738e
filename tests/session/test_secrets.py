"""What a person answers as a secret does not come out of a debugger: not in its views, its texts, its file."""

from typing import Literal, TypedDict

import pydantic

from nbhitl import END, START, DuckDBSaver, Session, StateGraph, interrupt
from nbhitl.notebook.story import story
from nbhitl.notebook.travelling.foreseen import Foreseen
from nbhitl.notebook.travelling.timeline import timeline_of

PASSWORD = "hunter2-hunter3"


class State(TypedDict, total=False):
    length: int
    said: str


class Login(pydantic.BaseModel):
    """Log in."""

    user: Literal["kim", "lee"]
    password: pydantic.SecretStr


def log_in(state):
    login = interrupt("Who are you?", response_schema=Login)
    password = login.password.get_secret_value()
    if login.user == "lee":
        raise ValueError(f"no such password: {password}")
    return {"length": len(password)}


def test_a_secret_is_in_no_view_no_text_and_not_in_the_file(tmp_path, capsys):
    saver = DuckDBSaver(tmp_path / "t.duckdb")
    built = StateGraph(State).add_node("log_in", log_in).add_node("last", lambda state: {"said": "welcome"})
    built.add_edge(START, "log_in").add_edge("log_in", "last").add_edge("last", END)
    session = Session(built.compile(saver, name="demo"), "t")
    session.break_(on="error", log="{error}")
    session.break_(on="error", node="log_in", condition="'no such' in error")
    session.break_(on="change length", log="{length} characters")
    session.add_watch("length")
    session.go({})
    given = {"password": PASSWORD}
    foreseen = session.what_if([{"user": "kim", **given}, {"user": "lee", **given}])
    shown = [repr(foreseen), repr(Foreseen(foreseen, "t")), Foreseen(foreseen, "t")._repr_html_()]
    session.answer({"user": "lee", **given})
    shown += [session.go().text, session.where(), repr(session.failures), repr(session.inspect())]
    session.go()
    shown += [session.where(), repr(session.failures)]
    session.rewind("log_in")
    session.go()
    session.answer({"user": "kim", **given})
    assert session.go().reason == "finished"
    shown += [repr(timeline_of(session)), timeline_of(session)._repr_html_(), repr(session.diff(0))]
    shown += [repr(session.inspect()), repr(session.compare("main")), *story(session).values(), session.where()]
    shown += [
        session.report(tmp_path / "t.html").read_text("utf-8"),
        repr(session.breakpoints),
        capsys.readouterr().out,
    ]
    saver.close()
    assert "15 characters" in shown[-1], "the node got it"
    assert all("(secret)" in text for text in (shown[0], shown[1], shown[2], shown[3]))
    assert not [text for text in shown if "hunter2" in text]
    assert not [file.name for file in tmp_path.iterdir() if b"hunter2" in file.read_bytes()]
