"""A thread as a page that stands alone, written by a session or by the magic."""

import base64
import hashlib
import html
import json
import operator
import re
import sys
from typing import Annotated, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field, SecretStr

from nbhitl import END, START, DuckDBSaver, InMemorySaver, NbhitlError, Session, StateGraph, cli, interrupt
from nbhitl.report.texts import BUDGET, Texts, as_parts, as_text, kind_of


class State(TypedDict, total=False):
    topic: str
    draft: str
    decision: str
    notes: str
    log: Annotated[list, operator.add]


class Review(BaseModel):
    """Publish this draft?"""

    decision: Literal["publish", "revise"]
    notes: str = Field("as it is", description="What should change?")


def draft(state):
    return {"draft": f"About {state['topic']}", "log": ["drafted"]}


def review(state):
    return interrupt({"question": "Publish it?", "draft": state["draft"]}, response_schema=Review).model_dump()


def publish(state):
    if state["topic"] == "coffee":
        raise ValueError("no <b>coffee</b> here")
    return {"log": ["published"]}


def post(saver):
    builder = StateGraph(State)
    for node in (draft, review, publish):
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "draft").add_edge("draft", "review")
    ends = {"publish": "publish", "revise": "draft"}
    builder.add_conditional_edges("review", lambda state: state["decision"], ends)
    return builder.add_edge("publish", END).compile(checkpointer=saver, name="post")


@pytest.fixture(params=["memory", "duckdb"])
def session(request, tmp_path):
    saver = InMemorySaver() if request.param == "memory" else DuckDBSaver(tmp_path / "t.duckdb")
    yield Session(post(saver), "demo")
    saver.close()


def told(session, file, **how):
    """The page's text, and the data of its script."""
    text = session.report(file, **how).read_text("utf-8")
    found = re.search(r'<script type="application/json" id="story">(.*?)</script>', text, re.DOTALL)
    return text, json.loads(found[1])


def finished(session):
    session.go({"topic": "tea"})
    session.answer({"decision": "revise", "notes": "more"}, by="kim", via="form", note="as Ann says")
    session.go()
    session.answer({"decision": "publish", "notes": "as it is"}, by="ann", via="magic")
    session.go()
    return session


def test_each_step_says_what_ran_what_it_wrote_and_what_was_answered(session, tmp_path):
    _, story = told(finished(session), tmp_path / "story.html")
    texts, steps = story["texts"], story["steps"]
    assert [step.get("what") for step in steps] == [
        "new input", "START", "draft", "review", "draft", "review", "publish",
    ]  # fmt: skip
    (node, wrote), *others = steps[3]["ran"]
    assert (node, {key: texts[number] for key, number in wrote}) == ("review", {"decision": "revise", "notes": "more"})
    assert not others
    [(node, fate, question, before, answer, who, note)] = steps[3]["said"]
    assert (node, fate, note) == ("review", "answered", "as Ann says")
    assert texts[question] == "Publish it?\ndraft: About tea"
    assert texts[before] == "notes: as it is"
    assert texts[answer] == "decision: revise\nnotes: more"
    assert who.startswith("by kim through a form at 20")


def test_a_step_holds_only_the_values_that_changed(session, tmp_path):
    _, story = told(finished(session), tmp_path / "story.html")
    assert [sorted(step.get("set", {})) for step in story["steps"]] == [
        ["log"], ["topic"], ["draft", "log"], ["decision", "notes"], ["log"], ["decision", "notes"], ["log"],
    ]  # fmt: skip
    number, kind = story["steps"][-1]["set"]["log"]
    assert (story["texts"][number], kind) == ('["drafted", "drafted", "published"]', "list (3)")
    assert [key for key, _ in story["keys"]] == ["topic", "draft", "decision", "notes", "log"]


def test_the_drawing_has_the_look_of_each_node_and_the_edges_that_were_taken(session, tmp_path):
    text, story = told(finished(session), tmp_path / "story.html")
    ids = {label: id for id, label in story["nodes"].items()}
    assert story["steps"][2]["look"] == {ids["draft"]: "ran", ids["review"]: "next"}
    assert story["steps"][3]["look"] == {ids["review"]: "ran", ids["draft"]: "next"}
    assert re.search(rf'<g id="{ids["publish"]}" class="node" data-kind="node" data-look="ran">', text)
    assert 'data-taken="true"' in text


def test_without_a_script_the_page_shows_the_last_step_and_the_timeline(session, tmp_path):
    session.go({"topic": "tea"})
    text, _ = told(session, tmp_path / "story.html")
    body = text.partition("<body>")[2].partition("<script")[0]
    assert "Waits for a person: review waits for an answer" in body
    assert "review waits for an answer</h3>" in body
    assert "About tea</div>" in body
    assert "review asked: Publish it?, draft: About tea, since 20" in body
    assert "Next: review" in body


def test_a_failure_is_told_with_its_text(session, tmp_path):
    session.go({"topic": "coffee"})
    session.answer({"decision": "publish", "notes": ""}, by="kim")
    session.go()
    text, story = told(session, tmp_path / "story.html")
    [(node, number)] = story["steps"][-1]["errors"]
    assert (node, story["texts"][number]) == ("publish", "ValueError: no <b>coffee</b> here")
    assert "no &lt;b&gt;coffee&lt;/b&gt; here" in text
    assert "<b>coffee" not in text


def test_other_branches_are_listed_with_where_they_left_and_how_they_ended(session, tmp_path):
    finished(session)
    point = next(state for state in session.history() if state.metadata["step"] == 1)
    session.compiled.update_state(point.config, {"draft": "by hand"}, as_node="draft")
    session.go()
    text, story = told(session, tmp_path / "story.html")
    # The edited state goes its own way behind step 1; what the thread did from there is another branch.
    assert [step.get("what") for step in story["steps"]][-2:] == ["edited by hand; draft", None]
    assert [step["leaving"] for step in story["steps"] if "leaving" in step] == [["main"]]
    assert re.search(r"<td>main</td><td>step 1</td><td>4</td><td>review → draft → review → publish</td><td>", text)


def test_branches_are_called_as_in_the_notebook_and_copies_are_no_runs(session, tmp_path):
    finished(session)
    session.fork(1, name="shorter")
    session.go()
    session.answer({"decision": "publish", "notes": ""})
    session.go()
    session.back(2)
    session.fork()
    text, _ = told(session, tmp_path / "story.html")
    rows = re.findall(r"<tr><td>([^<]*)</td><td>[^<]*</td><td>(\d+)</td><td>([^<]*)</td>", text)
    assert [(branch.name, branch.current) for branch in session.branches()] == [
        ("main", False),
        ("shorter", False),
        ("branch 3", False),
        ("branch 4", True),
    ]
    assert rows[:2] == [("main", "4", "review → draft → review → publish"), ("shorter", "2", "review → publish")]


def test_the_page_loads_nothing_and_its_policy_names_its_own_script_and_style(session, tmp_path):
    text, _ = told(finished(session), tmp_path / "story.html")
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', text)[1]
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        source = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    outside = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    assert not re.search(r"""\s(src|href|on\w+|style|action)\s*=|https?://|@import|url\(""", outside)


def test_a_file_that_is_no_report_is_left_as_it_is_unless_forced(session, tmp_path):
    finished(session)
    file = tmp_path / "story.html"
    file.write_text("<p>mine</p>")
    with pytest.raises(NbhitlError, match=r"exists and is no report of nbhitl: it is left as it is.*--force"):
        session.report(file)
    assert file.read_text() == "<p>mine</p>"
    session.report(file, force=True)
    session.report(file, title="The second one")
    assert "<h1>The second one</h1>" in file.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".duckdb" and "html" in path.name] == [
        "story.html"
    ]


def test_a_report_that_cannot_be_written_says_why(session, tmp_path):
    with pytest.raises(NbhitlError, match="has not run yet: there is nothing to report"):
        session.report(tmp_path / "story.html")
    finished(session)
    with pytest.raises(NbhitlError, match=r"its file ends in \.html: .*story\.html"):
        session.report(tmp_path / "story.txt")
    with pytest.raises(NbhitlError, match=r"cannot be written to .*: No such file or directory"):
        session.report(tmp_path / "nowhere" / "story.html")
    with pytest.raises(NbhitlError, match="tells 1 step or more, not 0"):
        session.report(tmp_path / "story.html", limit=0)


def test_of_a_long_thread_the_newest_steps_are_told(session, tmp_path):
    text, story = told(finished(session), tmp_path / "story.html", limit=3)
    assert [step["name"] for step in story["steps"]] == ["Step 3", "Step 4", "Step 5"]
    assert "Only the newest 3 steps are told" in text
    assert set(story["steps"][0]["set"]) == {"topic", "draft", "decision", "notes", "log"}


def test_a_thousand_steps_of_ten_keys_stay_below_five_megabytes_and_say_what_was_cut(tmp_path):
    wide = TypedDict("wide", {**{f"k{n}": object for n in range(9)}, "n": int}, total=False)

    def work(state):
        n = state["n"] + 1
        return {**{f"k{k}": {"step": n, "text": f"{n} of {k} " * 99} for k in range(9)}, "n": n}

    builder = StateGraph(wide).add_node("work", work).add_edge(START, "work")
    builder.add_conditional_edges("work", lambda state: "work" if state["n"] < 1000 else END, ["work", END])
    session = Session(builder.compile(checkpointer=InMemorySaver(), name="wide"), "t")
    session.compiled.invoke({"n": 0}, {**session.config, "recursion_limit": 2000})
    text, story = told(session, tmp_path / "wide.html")
    assert len(story["steps"]) == 1002
    assert len(text.encode()) < 5_000_000
    assert "Values are cut to 300 characters" in text
    assert any("characters left out" in one for one in story["texts"])


class Trap:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines", "two\nlines"),
        ({"a": [1, None, True]}, '{"a": [1, null, true]}'),
        ({"long": "x" * 90, "n": 1}, '{\n  "long": "' + "x" * 90 + '",\n  "n": 1\n}'),
        (Trap(), "<Trap: showing it raised RuntimeError>"),
        ({"trap": Trap()}, "<dict: showing it raised RuntimeError>"),
        ({1: 2}, "{1: 2}"),
        ({1}, "{1}"),
    ],
)
def test_any_value_has_a_text(value, text):
    assert as_text(value) == text


def test_of_a_long_list_the_middle_is_left_out():
    shown = json.loads(as_text(list(range(1000))))
    assert shown[99:102] == [99, "… 880 elements left out …", 980]
    assert kind_of(list(range(1000))) == "list (1,000)"


def test_a_list_that_holds_itself_is_shown_as_far_as_it_goes():
    endless = []
    endless.append(endless)
    assert as_text(endless) == "[" * 12 + '"…"' + "]" * 12


def test_a_question_is_shown_part_by_part():
    assert as_parts({"question": "Sure?", "n": 3, "draft": "a\nb"}) == "Sure?\nn: 3\ndraft:\na\nb"
    assert as_parts({}) == "{}"
    assert as_parts("text") == "text"


def test_texts_are_kept_once_and_all_cut_alike_when_they_become_too_much():
    texts = Texts(budget=10_000)
    first = texts.add("a" * 6_000 + "z")
    assert texts.add("a" * 6_000 + "z") == first
    assert not texts.is_cut(first)
    texts.add("b" * 6_000)
    assert texts.limit == 4_000
    assert texts[first].startswith("a" * 3_000 + " [… 2,001 characters left out …] a")
    assert texts[first].endswith("az")
    assert Texts().limit < BUDGET


def test_characters_that_could_turn_or_move_text_are_marked():
    texts = Texts()
    assert texts[texts.add("a\u202eb\x1b[2J\r\nc\td")] == "a\ufffdb\ufffd[2J\nc\td"


class Login(BaseModel):
    user: str
    password: SecretStr


def test_a_secret_of_an_answer_is_not_in_the_page(tmp_path):
    def login(state):
        return {"draft": interrupt("Who are you?", response_schema=Login).user}

    builder = StateGraph(State).add_node("login", login).add_edge(START, "login").add_edge("login", END)
    session = Session(builder.compile(checkpointer=InMemorySaver(), name="login"), "t")
    session.go({})
    session.answer({"user": "ann", "password": "hunter2-marker"})
    session.go()
    text, story = told(session, tmp_path / "login.html")
    assert "hunter2-marker" not in text
    assert "user: ann\npassword: (secret)" in story["texts"]


def test_the_magic_writes_the_page_and_says_where(notebook, tmp_path):
    notebook.post('--input \'{"topic": "tea"}\'')
    said = notebook.run('%graph report story.html --title "The story of <tea>"')
    assert notebook.error is None
    assert re.search(r"Written: story.html \([1-9]\d* kB\)\. It needs no network", said)
    text = (tmp_path / "story.html").read_text("utf-8")
    assert "<h1>The story of &lt;tea&gt;</h1>" in text
    assert html.escape("Waits for a person: review waits for an answer") in text


def test_the_magic_tells_a_thread_of_an_earlier_kernel(notebook, tmp_path):
    notebook.post('--thread first --input \'{"topic": "tea"}\'')
    notebook.restart()
    notebook.post("--thread second -N")
    said = notebook.run("%graph report story.html --thread first")
    assert notebook.error is None, said
    assert "<dt>Thread</dt><dd>first</dd>" in (tmp_path / "story.html").read_text("utf-8")
    notebook.run("%graph report story.html --thread frist")
    assert "Did you mean 'first'" in str(notebook.error)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "the following arguments are required: FILE.html"),
        ("story.html --titel x", "Did you mean '--title'"),
        ("story.pdf", "its file ends in .html: story.html"),
        ("story.html --limit many", "--limit is a whole number, not 'many'"),
    ],
)
def test_a_mistake_in_the_line_is_named(notebook, words, said):
    notebook.post('--input \'{"topic": "tea"}\'')
    notebook.run(f"%graph report {words}")
    assert isinstance(notebook.error, NbhitlError)
    assert said in str(notebook.error)


def test_the_command_line_tells_a_thread_of_a_file_without_its_code(tmp_path, capsys):
    file = tmp_path / "t.duckdb"
    with DuckDBSaver(file) as saver:
        finished(Session(post(saver), "demo"))
    assert cli.main(["report", str(file), "demo", str(tmp_path / "story.html"), "--title", "Tea"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'story.html'}\n"
    text = (tmp_path / "story.html").read_text("utf-8")
    assert "<h1>Tea</h1>" in text
    assert "There is no drawing: the graph&#x27;s code was not at hand." in text
    assert "review asked: Publish it?, draft: About tea → decision: publish, notes: as it is, by ann" in text
    assert cli.main(["report", str(file), "dmeo", str(tmp_path / "story.html")]) == 1
    assert "Did you mean 'demo'" in capsys.readouterr().err


def test_with_its_code_the_command_line_draws_the_graph(tmp_path, monkeypatch):
    file = tmp_path / "t.duckdb"
    with DuckDBSaver(file) as saver:
        finished(Session(post(saver), "demo"))
    (tmp_path / "posts.py").write_text(
        "from nbhitl import InMemorySaver\nfrom tests.notebook.test_report import post\ngraph = post(InMemorySaver())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert cli.main(["report", str(file), "demo", "story.html", "--graph", "posts:graph"]) == 0
    assert '<svg id="picture"' in (tmp_path / "story.html").read_text("utf-8")
