"""The magics in a real InteractiveShell: what a person types, sees and gets wrong."""

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest

TEA = """--thread demo -i '{"topic": "tea"}'"""


def test_a_cell_runs_to_its_question_and_says_how_to_answer(notebook):
    said = notebook.post(TEA)
    assert notebook.error is None
    assert "post / demo: waiting for a person. review waits for an answer" in said
    assert "%graph answer VALUE" in said


def test_an_answer_takes_the_run_on_in_the_same_thread(notebook):
    notebook.post(TEA)
    assert "published" not in notebook.run("%graph answer decision=revise notes='more on Assam'")
    said = notebook.run("%graph answer decision=publish")
    assert "published: About tea. more on Assam" in said
    assert "post / demo: finished" in said
    rows = notebook.run("%graph sql SELECT node, answer, via FROM answers ORDER BY answered_at")
    assert notebook.error is None
    assert [json.loads(answer)["decision"] for answer in notebook.value["answer"]] == ["revise", "publish"]
    assert "magic" in rows


def test_a_wrong_answer_names_the_field_and_the_question_stays(notebook):
    notebook.post(TEA)
    said = notebook.run("%graph answer decision=maybe")
    assert "decision: must be 'publish' or 'revise'" in said
    assert "Traceback" not in said
    notebook.run("%graph sql SELECT * FROM answers")
    assert len(notebook.value) == 0
    assert len(notebook.workspace.find().session.pending()) == 1


def test_running_a_paused_cell_again_shows_the_same_question_and_runs_nothing(notebook):
    notebook.post(TEA)
    (before,) = notebook.workspace.find().session.pending()
    notebook.post("--thread demo")
    (after,) = notebook.workspace.find().session.pending()
    assert before.id == after.id


def test_the_question_is_still_there_after_a_kernel_restart_with_its_class_checked(notebook):
    notebook.post(TEA)
    (before,) = notebook.workspace.find().session.pending()
    notebook.restart()
    notebook.post("--thread demo")
    (after,) = notebook.workspace.find().session.pending()
    assert before.id == after.id
    assert isinstance(after.schema, type)
    assert "published: About tea." in notebook.run("%graph answer decision=publish")


def test_without_a_thread_a_pause_is_taken_up_and_a_finished_run_is_followed_by_a_new_thread(notebook):
    notebook.post("""-i '{"topic": "tea"}'""")
    assert notebook.workspace.find().session.thread == "post"
    notebook.post()
    assert notebook.workspace.find().session.thread == "post"
    notebook.run("%graph answer decision=publish")
    said = notebook.post("""-i '{"topic": "milk"}'""")
    assert notebook.workspace.find().session.thread == "post-2"
    assert "Thread post has finished; this is the new thread post-2." in said


def test_new_input_while_a_question_is_open_is_an_error_with_the_ways_out(notebook):
    notebook.post(TEA)
    said = notebook.post(TEA.replace("tea", "milk"))
    assert "PendingInterruptError" in said
    for way in ("without --input", "--thread", "--restart"):
        assert way in said


def test_running_the_same_cell_again_with_its_input_shows_the_question(notebook):
    notebook.post(TEA)
    (before,) = notebook.workspace.find().session.pending()
    notebook.restart()
    said = notebook.post(TEA)
    assert notebook.error is None, said
    (after,) = notebook.workspace.find().session.pending()
    assert before.id == after.id


def test_an_answer_that_was_recorded_but_not_followed_goes_on_when_the_cell_is_run(notebook):
    notebook.post(TEA)
    notebook.workspace.find().session.answer({"decision": "publish"})
    assert "answered" in notebook.run("%graph")
    assert "published: About tea." in notebook.post(TEA)


def test_a_wrong_answer_from_a_cell_leaves_several_questions_open_and_a_node_can_be_named(notebook):
    notebook.run("""%%graph two
from typing import TypedDict
class State(TypedDict, total=False):
    a: str
    b: list
def left(state: State):
    return {"a": interrupt("left?", response_schema=str)}
def right(state: State):
    return {"b": interrupt("right?", response_schema=list[str])}
flow(START, [left, right], END)
""")
    assert "2 questions are open" in notebook.run("%graph answer 5")
    assert "left, right wait for 2 answers" in notebook.run("%graph")
    notebook.run("%graph answer left 12345")
    notebook.run('%graph answer right ["x"]')
    assert notebook.workspace.find().session.state().values == {"a": "12345", "b": ["x"]}


def test_a_node_that_never_ends_can_be_interrupted_and_the_worker_lives_on(notebook):
    began = threading.Event()
    notebook.shell.user_ns.update(began=began, patient=[True])
    cell = """%%graph endless
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
def spin(state: State):
    began.set()
    while patient: pass
    return {"x": 1}
def beside(state):
    return {}
flow(START, [spin, beside], END)
"""

    over = threading.Event()

    def stop():
        began.wait(10)
        while not over.wait(0.6):
            os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=stop)
    presser.start()
    notebook.run(cell)
    over.set()
    presser.join()
    notebook.shell.user_ns["patient"].clear()
    session = notebook.workspace.find().session
    assert session.state().metadata["stop"] == "drained"
    notebook.run("%graph continue")
    assert session.state().values == {"x": 1}


def test_restart_starts_over_on_a_new_branch_and_deletes_nothing(notebook):
    notebook.post(TEA)
    notebook.post("""--thread demo --restart -i '{"topic": "milk"}'""")
    assert notebook.workspace.find().session.state().values["draft"] == "About milk. "
    notebook.run("%graph sql SELECT DISTINCT branch FROM steps")
    assert len(notebook.value) == 2


def test_a_failed_run_goes_on_at_the_node_that_failed_with_the_new_code(notebook):
    cell = """%%graph sums
from typing import TypedDict
class State(TypedDict, total=False):
    n: int
def one(state: State):
    print("one runs")
    return {"n": 1}
def two(state: State):
    return {"n": state["n"] / 0}
flow(START, one, two, END)
"""
    said = notebook.run(cell)
    assert isinstance(notebook.error, ZeroDivisionError)
    assert "line 9" in said
    assert "run_cell_magic" not in said
    said = notebook.run(cell.replace("/ 0", "+ 1"))
    assert notebook.error is None
    assert "one runs" not in said
    assert "Changed since the run stopped: two." in said
    assert notebook.workspace.find().session.state().values == {"n": 2}


def test_the_same_cell_run_again_has_not_changed_also_after_a_kernel_restart(notebook):
    notebook.post(TEA)
    assert "Changed" not in notebook.post("--thread demo")
    notebook.restart()
    assert "Changed" not in notebook.post("--thread demo")


def test_a_class_that_another_cell_redefined_is_named(notebook):
    notebook.post(TEA)
    said = notebook.run(notebook.source("--thread demo").replace("notes: str = F", "note: str = F"))
    assert "Changed since the run stopped: review (Review)." in said


def test_a_renamed_node_is_told_and_rename_goes_on_with_its_answer(notebook):
    def post(line):
        return notebook.run(notebook.source("LINE").replace("review", "check").replace("LINE", line))

    notebook.post(TEA)
    said = post("--thread demo")
    assert "The run stands at review, which is gone. Was it renamed? Run the cell with --rename review=check." in said
    said = post("--thread demo --rename review=check")
    assert notebook.error is None
    assert "check waits for an answer" in said
    assert "published: About tea." in notebook.run("%graph answer decision=publish")


def test_a_rename_after_an_answer_does_not_ask_again(notebook):
    notebook.post(TEA)
    notebook.workspace.find().session.answer({"decision": "publish"})
    notebook.restart()
    source = notebook.source("LINE").replace("review", "check")
    said = notebook.run(source.replace("LINE", "--thread demo --rename review=check"))
    assert notebook.error is None
    assert "published: About tea." in said


def test_a_rename_that_is_no_pair_is_an_error(notebook):
    assert "--rename review: write the old and the new name" in notebook.post("--rename review")


def test_a_breakpoint_by_option_by_verb_and_its_way_on(notebook):
    said = notebook.post(TEA + " --break review")
    assert "paused. at the breakpoint before review" in said
    notebook.run("%graph unbreak review")
    notebook.run("%graph break publish")
    notebook.run("%graph continue")
    notebook.run("%graph answer decision=publish")
    assert "at the breakpoint before publish" in notebook.run("%graph")
    notebook.run("%graph breaks")
    assert notebook.value.rows == [("before publish", "before publish", 1, "")]
    assert "published: About tea." in notebook.run("%graph continue")


def test_breakpoints_are_kept_with_the_graph_over_a_restart(notebook):
    notebook.post(TEA + " --break publish -N")
    notebook.restart()
    notebook.post(TEA)
    notebook.run("%graph breaks")
    assert notebook.value.rows == [("before publish", "before publish", 0, "")]


def test_no_execute_draws_and_runs_nothing(notebook):
    said = notebook.post("-N")
    assert "post / post: not started" in said
    assert notebook.workspace.find().session.position is None


def test_scripted_answers_run_a_cell_to_its_end(notebook, tmp_path):
    file = tmp_path / "people.json"
    file.write_text(
        json.dumps({"review": {"in_order": [{"decision": "revise", "notes": "x"}, {"decision": "publish"}]}})
    )
    said = notebook.post(TEA + f" --answers {file.name}")
    assert notebook.error is None
    assert "published: About tea. x" in said
    notebook.run("%graph sql SELECT via FROM answers")
    assert notebook.value["via"].tolist() == ["script", "script"]


def test_the_environments_answers_are_used_too(notebook, tmp_path, monkeypatch):
    (tmp_path / "people.json").write_text('{"review": {"decision": "publish"}, "elsewhere": 1}')
    monkeypatch.setenv("NBHITL_ANSWERS", "people.json")
    assert "published: About tea." in notebook.post(TEA)


def test_a_pause_can_be_made_an_error(notebook, monkeypatch):
    monkeypatch.setenv("NBHITL_ON_PAUSE", "error")
    notebook.post(TEA)
    assert "review waits for an answer" in str(notebook.error)


def test_a_pasted_langgraph_cell_works_and_says_who_serves_it(notebook):
    said = notebook.run("""%%graph pasted -i '{"x": 1}'
from typing_extensions import TypedDict
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

class S(TypedDict, total=False):
    x: int

def ask(state: S):
    return {"x": interrupt({"x": state["x"]})}

builder = StateGraph(S)
builder.add_node("ask", ask)
builder.add_edge(START, "ask")
builder.add_edge("ask", END)
graph = builder.compile(checkpointer=MemorySaver())
""")
    assert notebook.error is None
    assert "langgraph imports are served by nbhitl" in said
    notebook.run("%graph answer 7")
    notebook.run("%graph state")
    assert notebook.value.values == {"x": 7}


def test_an_unknown_langgraph_name_is_named_with_its_line(notebook):
    said = notebook.run("%%graph pasted\nfrom langgraph.prebuilt import ToolNode\n")
    assert "line 2: nbhitl has no 'ToolNode' of langgraph.prebuilt" in said


def test_wiring_reads_lists_names_lambdas_and_router_functions(notebook):
    said = notebook.run("""%%graph wired
import operator
from typing import Annotated, TypedDict
class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
def a(state: State):
    return {"log": ["a"]}
def b(state):
    return {"log": ["b"]}
def c(state):
    return {"log": ["c"]}
last = node(lambda state: {"log": ["last"]}, name="last")
flow(START, a, [b, "c"], last)
route(last, lambda state: a if len(state["log"]) < 6 else END)
""")
    assert notebook.error is None, said
    assert notebook.workspace.find().session.state().values == {"log": ["a", "b", "c", "last"] * 2}


def test_async_nodes_run_in_the_worker(notebook):
    notebook.run("""%%graph waits
import asyncio
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
async def one(state: State):
    await asyncio.sleep(0)
    return {"x": 1}
def two(state):
    return {"x": state["x"] + interrupt("how many?", response_schema=int)}
flow(START, one, two, END)
""")
    assert notebook.error is None
    notebook.run("%graph answer 2")
    assert notebook.workspace.find().session.state().values == {"x": 3}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("flow(START, 'firts')", "line 7: there is no node 'firts'. Did you mean 'first'?"),
        ("flow(START, 3)", "line 7: 3 is no node. Give a function, a node's name, START or END."),
        ("flow(START, lambda state: {})", "line 7: a lambda has no name."),
        ("flow(first)", "line 7: flow() wires at least two steps"),
        ("route(first)", "line 7: route() takes either by='state key' or a function of the state."),
        ("route(first, by='x')", "line 7: route(by='x') needs targets"),
        ("flow(first, END)", "nothing follows START"),
        ("flow(START, print)", "line 7: print was not defined in this cell."),
        ("pass", "the cell wires no graph."),
    ],
)
def test_a_mistake_in_the_wiring_is_named_with_its_line(notebook, cell, message):
    said = notebook.run(f"""%%graph wrong
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
def first(state: State):
    return {{}}
{cell}
""")
    assert message in said
    assert "Traceback" not in said
    assert "/nbhitl/" not in said


def test_a_misspelt_function_is_answered_with_the_nearest_one(notebook):
    said = notebook.run(
        "%%graph wrong\nfrom typing import TypedDict\ndef first(s):\n    return {}\nflow(START, frist)\n"
    )
    assert "name 'frist' is not defined" in said
    assert "Did you mean 'first'?" in said


def test_all_mistakes_are_reported_together(notebook):
    said = notebook.run("""%%graph wrong
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
flow(START, "one")
flow("one", 2)
""")
    assert "3 mistakes:" in said
    assert "line 5: there is no node 'one'" in said
    assert "line 6: 2 is no node" in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%%graph", "the following arguments are required: name"),
        ("%%graph post --colour red", "unrecognized arguments: --colour red"),
        ("%%graph post -i nowhere", "there is no variable of that name"),
        ("%%graph post -i '{oops'", "neither a variable's name nor JSON"),
        ("%%graph post -i '[1]'", "expected a dict of state keys, not list"),
        ("%%graph post --break publihs -N", "there is no node 'publihs'. Did you mean 'publish'?"),
        ("%%graph post --answers none.json", "'none.json' cannot be read"),
        ("%%graph post --state Nothing", "there is no class of that name"),
        ("%%graph post -i '{\"topik\": 1}'", "which is no key of it. Did you mean 'topic'?"),
    ],
)
def test_a_mistake_in_the_options_is_named_with_the_cure(notebook, line, message):
    notebook.post("-N")
    said = notebook.run(notebook.source().replace("%%graph post ", line, 1))
    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%graph hepl", "there is no such verb. Did you mean 'help'?"),
        ("%graph break", "say which node: %graph break NODE"),
        ("%graph break publihs", "there is no node 'publihs'. Did you mean 'publish'?"),
        ("%graph unbreak publish", "there is no breakpoint 'publish'"),
        ("%graph state topik", "there is no value 'topik' in the state. Did you mean 'topic'?"),
        ("%graph continue", "continue: review waits for an answer"),
        ("%graph answer", "%graph answer needs the answer"),
        ("%graph pause", "nothing is running"),
        ("%graph sql --out", "%graph sql --out needs a value"),
        ("%graph sql SELECT * FROM anwsers", "answers"),
        ("%graph sql DROP TABLE journal", "SELECT"),
        ("%graph -g pots", "Did you mean 'post'?"),
        ("%graph help brake", "Did you mean 'break'?"),
    ],
)
def test_a_mistake_in_a_verb_is_named_with_the_cure(notebook, line, message):
    notebook.post(TEA)
    said = notebook.run(line)
    assert notebook.error is not None
    assert message in said
    assert "Traceback" not in said


def test_every_verb_has_help(notebook):
    from nbhitl.notebook.verbs import VERBS

    said = notebook.run("%graph help")
    for name, verb in VERBS.items():
        assert f"%graph {name}" in said
        assert verb.sentence in said
        assert verb.usage in notebook.run(f"%graph {name}?")
        assert verb.sentence.endswith(".") or verb.sentence.endswith("...")


def test_verbs_before_any_graph_say_what_to_do(notebook):
    assert "run a %%graph cell first" in notebook.run("%graph state")


def test_the_readme_names_every_verb():
    from nbhitl.notebook.verbs import VERBS

    readme = (Path(__file__).parents[2] / "README.md").read_text()
    table = [line for line in readme.splitlines() if line.startswith("| `%")]
    named = {word for line in table for word in re.findall(r"`(?:%graph )?([\w-]+)", line.split(" | ")[0])}
    assert VERBS.keys() - {"where"} - named == set()
    assert "| `%graph` |" in readme


def test_required_keys_without_an_input_are_listed(notebook):
    said = notebook.run("""%%graph needs
from typing import TypedDict
class State(TypedDict):
    topic: str
def first(state: State):
    return {}
flow(START, first, END)
""")
    assert "needs an input with topic" in said


def test_a_schema_that_cannot_be_shown_fails_the_node_and_the_thread_stays(notebook):
    cell = """%%graph odd
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
def ask(state: State):
    return {"x": interrupt("how many?", response_schema=print)}
flow(START, ask, END)
"""
    said = notebook.run(cell)
    assert "SchemaError" in said
    assert "in node 'ask'" in said
    assert "Traceback" not in said
    notebook.run(cell.replace("=print", "=int"))
    assert notebook.error is None
    assert len(notebook.workspace.find().session.pending()) == 1


def test_a_locked_file_names_its_owner_and_both_ways_out(notebook, tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from nbhitl import DuckDBSaver; saver = DuckDBSaver('.nbhitl/default.duckdb');"
        "print('open', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    try:
        assert owner.stdout.readline() == b"open\n"
        said = notebook.post(TEA)
        assert "FileLockedError" in said
        assert str(owner.pid) in said
        assert "Traceback" not in said
    finally:
        owner.communicate()
    assert "waits for an answer" in notebook.post(TEA)


def test_a_run_at_work_is_not_started_twice(notebook):
    began, go = threading.Event(), threading.Event()
    notebook.shell.user_ns.update(began=began, go=go)
    cell = """%%graph slow
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
def first(state: State):
    began.set(); go.wait(10)
    return {"x": 1}
flow(START, first, END)
"""
    notebook.run(cell.replace("%%graph slow", "%%graph slow -N"))
    worker = notebook.workspace.find()
    from nbhitl.notebook.commands import Go

    worker.put(Go({}))
    assert began.wait(10)
    said = notebook.run(cell)
    assert "ThreadBusyError" in said
    go.set()


def test_a_run_can_be_asked_to_stop_and_goes_on_later(notebook):
    began, go = threading.Event(), threading.Event()
    notebook.shell.user_ns.update(began=began, go=go)
    notebook.run("""%%graph slow -N
from typing import TypedDict
class State(TypedDict, total=False):
    x: int
def first(state: State):
    began.set(); go.wait(10)
    return {"x": 1}
def second(state):
    return {"x": state["x"] + 1}
flow(START, first, second, END)
""")
    from nbhitl.notebook.commands import Go

    worker = notebook.workspace.find()
    worker.put(Go({}))
    assert began.wait(10)
    notebook.run("%graph pause")
    assert notebook.error is None
    go.set()
    notebook.run("%graph db")
    for _ in range(200):
        if not worker.session.busy:
            break
        threading.Event().wait(0.02)
    assert worker.session.state().metadata["stop"] == "drained"
    assert worker.session.state().values == {"x": 1}
    notebook.run("%graph continue")
    assert worker.session.state().values == {"x": 2}


def test_session_hands_out_the_run(notebook):
    notebook.post(TEA)
    notebook.run("import nbhitl\ns = nbhitl.get_session('post')\ns.thread")
    assert notebook.value == "demo"


def test_another_checkpoint_file_can_be_used(notebook, tmp_path):
    notebook.post(TEA + " --db other.duckdb")
    assert (tmp_path / "other.duckdb").exists()
    assert "other.duckdb" in notebook.run("%graph db")


def test_values_of_classes_that_the_state_names_come_back_as_themselves(notebook):
    cell = """%%graph typed --thread t
import dataclasses
from enum import Enum
from typing import TypedDict
import numpy as np
from pydantic import BaseModel
class Colour(Enum):
    RED = "red"
class Model(BaseModel):
    n: int
@dataclasses.dataclass
class Point:
    x: float
class State(TypedDict, total=False):
    colours: list[Colour]; model: Model | None; points: dict[str, Point]; array: np.ndarray
def make(state: State):
    return {"colours": [Colour.RED], "model": Model(n=1), "points": {"a": Point(0.5)}, "array": np.arange(3)}
def ask(state: State):
    interrupt("go on?")
    kinds = [type(state[k]).__name__ for k in ("model", "array")] + [type(state["points"]["a"]).__name__]
    print(kinds, state["colours"])
flow(START, make, ask, END)
"""
    notebook.run(cell)
    assert notebook.error is None
    notebook.restart()
    notebook.run(cell)
    assert "['Model', 'ndarray', 'Point'] [<Colour.RED: 'red'>]" in notebook.run("%graph answer true")


REVIEWED = """%%graph post {line}
from typing import TypedDict
from nbhitl import END, START, StateGraph, interrupt

class State(TypedDict, total=False):
    text: str

def begin(state):
    return {{"text": "draft"}}

def check(state):
    return {{"text": interrupt("How should it read?", response_schema=str)}}

def publish(state):
    return {{"text": state["text"] + "!"}}

review = StateGraph(State).add_node(check).add_edge(START, "check").compile()
flow(START, begin, review, publish, END)
"""


def test_a_sub_graph_is_a_node_whose_question_is_asked_in_the_cell(notebook):
    said = notebook.run(REVIEWED.format(line=""))
    assert notebook.error is None
    assert "review/check" in said
    notebook.run("%graph answer better")
    assert notebook.run("%graph state").count("better!") == 1


def test_the_breakpoint_in_a_sub_graph_is_named_by_its_path(notebook):
    said = notebook.run(REVIEWED.format(line="--break review/check"))
    assert notebook.error is None
    assert "before review/check" in said
