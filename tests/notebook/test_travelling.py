"""`%graph back`, `rewind`, `goto`, `fork`, `switch`, `branches`, `compare`, `timeline` and `what-if`, in a shell."""

import contextvars

import pytest

from nbhitl.notebook.travelling.branch_tree import BranchTree, SideBySide
from nbhitl.notebook.travelling.foreseen import Foreseen
from nbhitl.notebook.travelling.timeline import Timeline

ASYNC = """%%graph post {line}
from typing import TypedDict

class State(TypedDict, total=False):
    topic: str; ok: bool

async def draft(state: State):
    return {{"topic": state["topic"] + "!"}}

async def review(state: State):
    return {{"ok": interrupt("sure?", response_schema=bool)}}

async def publish(state: State):
    print("published")

flow(START, draft, review)
route(review, by="ok", to={{True: publish, False: draft}})
flow(publish, END)
"""
INPUT = """--thread demo --input '{"topic": "tea"}'"""


@pytest.fixture
def post(notebook):
    """The README's example, paused at its question."""
    notebook.post(INPUT)
    return notebook


def line(notebook, text):
    """What a line printed, or shows."""
    printed = notebook.run(f"%graph {text}")
    assert notebook.error is None, notebook.error
    return printed


def test_back_says_where_the_thread_stands_and_how_to_go_on(post):
    line(post, "answer decision=publish")
    told = line(post, "back 2")
    assert "Graph post, thread demo: back at step 1, review waits for an answer, on branch 2." in told
    assert "%graph answer VALUE" in told
    told = line(post, "back")
    assert "back at step 0, before draft" in told
    assert "Go on: %graph continue" in told
    assert "review waits for an answer" in line(post, "continue")


def test_back_goes_to_a_step(post):
    line(post, "answer decision=publish")
    assert "back at step 0, before draft" in line(post, "back --to 0")
    post.run("%graph back 9")
    assert "this is the beginning of the thread" in str(post.error)
    post.run("%graph back --too 0")
    assert "Did you mean '--to'" in str(post.error)


def test_rewind_and_goto_move_without_running(post):
    assert "sent on to step 2, before publish" in line(post, "goto publish")
    assert "back at step 0, before draft" in line(post, "rewind draft")
    assert "sent on to step 2, before draft" in line(post, "goto draft")
    line(post, "continue")
    line(post, "goto publish")
    line(post, "continue")
    assert post.workspace.current.session.path()[-1] == "publish"
    post.run("%graph goto publsh")
    assert "Did you mean 'publish'" in str(post.error)


def test_fork_takes_values_a_writer_and_a_name(post):
    line(post, "answer decision=publish")
    told = line(post, "fork 2 --set decision=revise 'notes=shorter, please' --as review --name bold")
    assert "forked at step 2 with decision, notes edited, before draft, on bold." in told
    line(post, "continue")
    assert post.workspace.current.session.state().values["draft"] == "About tea. shorter, please"
    post.run("%graph fork 2 --set decision")
    assert "--set KEY=VALUE" in str(post.error)
    post.run("%graph fork 2 --set topik=1")
    assert "Did you mean 'topic'" in str(post.error)


def test_fork_reads_values_as_json(post):
    line(post, """fork 0 --set 'topic="a \\"quoted\\" word"'""")
    assert post.workspace.current.session.state().values["topic"] == 'a "quoted" word'


def test_branches_are_shown_as_a_tree_and_can_be_named_and_switched(post):
    line(post, "answer decision=publish")
    line(post, "back 2")
    line(post, "answer decision=revise")
    line(post, "branches")
    assert isinstance(post.value, BranchTree)
    _, _, _, main, other = repr(post.value).splitlines()
    assert main.split() == ["main", "3", "finished"]
    assert other.startswith("└─ branch 2  ● now  at step 1  2 ")
    assert "branch 2 is called try again now." in line(post, "branch 'try again'")
    assert "on main, where the run had finished" in line(post, "switch main")
    post.run("%graph switch mian")
    assert "Did you mean 'main'" in str(post.error)
    html = post.run("%graph branches") and post.value._repr_html_()
    assert 'aria-current="true"' in html
    assert "└─ try again" in html


def test_branches_on_which_nothing_was_done_are_counted(post):
    line(post, "back")
    line(post, "switch main")
    assert "1 on which nothing was done left out" in line(post, "branches")
    line(post, "branches --all")
    assert len(post.value) == 2


def test_compare_shows_both_side_by_side(post):
    line(post, "answer decision=publish")
    line(post, "back 2")
    line(post, "answer decision=revise notes=shorter")
    shown = line(post, "compare main")
    assert isinstance(post.value, SideBySide)
    assert "main and branch 2 part after step 0 (draft)." in shown
    assert "✓ publish ran" in shown
    assert "From the end of main to the end of branch 2:" in shown
    assert "<ins>" in post.value._repr_html_()
    post.run("%graph compare main main")
    assert "both are main" in str(post.error)


def test_timeline_is_a_table_where_nobody_sits(post):
    line(post, "answer decision=publish --by kim")
    line(post, "timeline")
    assert isinstance(post.value, Timeline)
    shown = repr(post.value)
    assert shown.startswith("Timeline of post / demo, on main")
    assert "✓ ran" in shown
    assert "review asked" in shown
    assert "(kim, magic)" in shown
    assert "older" not in line(post, "timeline 5")
    assert "1 older step is left out" in line(post, "timeline 4")
    assert "4 older steps are left out" in line(post, "timeline 1")


def test_the_timeline_names_an_error_and_a_fan_out(notebook):
    notebook.run(
        "%%graph wide --thread w --input '{\"n\": 1}'\nfrom typing import TypedDict\n"
        "class State(TypedDict, total=False):\n    n: int\n"
        "from nbhitl import Command, Send\n"
        "def spread(state: State):\n    return Command(goto=[Send('work', {}) for _ in range(3)])\n"
        "def work(state):\n    raise ValueError('<b>no</b>')\n"
        "flow(START, spread)\nflow(work, END)\n"
    )
    assert isinstance(notebook.error, ValueError), notebook.error
    shown = line(notebook, "timeline")
    assert "work \u00d73" in shown
    assert "work: ValueError: <b>no</b>" in shown
    assert "<b>no" not in notebook.value._repr_html_()


def test_what_if_runs_each_answer_and_leaves_the_question_open(post):
    shown = line(post, "what-if")
    assert isinstance(post.value, Foreseen)
    assert [row.path for row in post.value] == [("review", "publish"), ("review", "draft")]
    assert "review → publish" in shown
    assert "The thread itself stands where it stood." in shown
    assert len(post.workspace.current.session.pending()) == 1
    assert "demo~what-if" not in line(post, "threads")


def test_what_nodes_print_under_a_what_if_is_an_output_of_its_own_cell(notebook):
    """The kernel looks in the context of a print for the cell that it belongs to."""
    cell = contextvars.ContextVar("cell", default="the cell of the graph")
    seen = notebook.shell.user_ns["seen"] = []
    notebook.shell.user_ns["cell"] = cell
    source = ASYNC.format(line=INPUT).replace('print("published")', "seen.append(cell.get())")
    said = notebook.run(source)
    assert notebook.error is None, said
    token = cell.set("the cell of the what-if")
    try:
        line(notebook, "what-if true")
    finally:
        cell.reset(token)
    line(notebook, "answer true")
    assert seen == ["the cell of the what-if", "the cell of the graph"]


def test_what_if_takes_answers_field_by_field_and_keeps_its_threads(post):
    shown = line(post, "what-if decision=revise notes=a notes='b c' --keep")
    assert [row.values["draft"] for row in post.value] == ["About tea. a", "About tea. b c"]
    assert "demo~what-if-2" in shown
    assert "demo~what-if-1" in line(post, "threads")
    post.run("%graph what-if decision=publish yes")
    assert "not both" in str(post.error)
    post.run("%graph what-if decision=burn")
    assert "decision" in str(post.error)


def test_a_stop_in_the_cell_ends_a_what_if_between_two_nodes(post):
    session = post.workspace.current.session
    tried = session.what_if
    seen = []

    def watched(*args, control, **more):
        control.request_drain("enough")
        seen.append(tried(*args, control=control, **more))
        return seen[-1]

    session.what_if = watched
    shown = line(post, "what-if")
    assert "At least 2 more answers were not tried." in shown
    assert seen[0].rows == ()


def test_async_graphs_travel_and_foresee_too(notebook):
    notebook.run(ASYNC.format(line=INPUT))
    assert notebook.error is None
    line(notebook, "what-if")
    assert [row.path for row in notebook.value] == [("review", "publish"), ("review", "draft")]
    line(notebook, "answer true")
    assert "before draft" in line(notebook, "fork 2 --set ok=false")


def test_everything_works_after_the_kernel_was_restarted(post):
    line(post, "answer decision=publish")
    line(post, "fork 1 --name bold")
    post.restart()
    post.post("--thread demo")
    assert "bold" in line(post, "branches")
    assert "on main, where the run had finished" in line(post, "switch main")


def test_text_of_a_graph_is_never_html(post):
    line(post, "answer decision=revise notes='<script>alert(1)</script>'")
    line(post, "branch '<img src=x>'")
    for verb in ("timeline", "branches", "what-if"):
        line(post, verb)
        html = post.value._repr_html_()
        assert "<script" not in html
        assert "<img" not in html


def test_help_knows_the_verbs(post):
    for verb in ("back", "rewind", "goto", "fork", "branches", "branch", "switch", "compare", "timeline", "what-if"):
        assert f"%graph {verb}" in line(post, f"help {verb}")
