"""The verbs of %graph that move and stop a run, in a real InteractiveShell; their help, completion and suggestions."""

import pytest
from IPython.core.completer import provisionalcompleter

from nbhitl.notebook.completion import help_of_verbs
from nbhitl.notebook.verbs import VERBS

DESIGN = """
run step into out continue until pause back rewind fork retry goto
break breaks unbreak enable disable where state diff watch history branches sql report inbox answer set
"""

FLOW = """%%graph flow {line}
from typing import TypedDict

class State(TypedDict, total=False):
    x: int
    seen: list

def inner_p(state: State):
    return {{"x": state["x"] + 10}}

def inner_q(state: State):
    return {{"x": state["x"] + 100}}

inner = StateGraph(State).add_sequence([inner_p, inner_q]).add_edge(START, "inner_p").compile()

def first(state: State):
    return {{"x": state["x"] + 1}}

def last(state: State):
    print("last saw", state["x"])

flow(START, first, node(inner, name="sub"), last, END)
"""


@pytest.fixture
def flow(notebook):
    """The graph, stopped before its first node."""
    notebook.run("from nbhitl import StateGraph, START, END")
    said = notebook.run(FLOW.format(line="""--thread t --step -i '{"x": 1}'"""))
    assert notebook.error is None, said
    return notebook


def said(notebook, line):
    text = notebook.run(line)
    assert notebook.error is None, text
    return text


# -- moving


def test_a_cell_with_step_stops_before_its_first_node_and_steps_go_on(flow):
    assert "at the start, before first" in said(flow, "%graph where")
    assert "after 1 step, before sub" in said(flow, "%graph step")
    assert "last saw 112" in said(flow, "%graph step 2")
    assert "the run has finished" in flow.run("%graph step")


def test_into_and_out_of_a_sub_graph(flow):
    said(flow, "%graph into")
    assert "before sub/inner_p" in said(flow, "%graph into")
    where = said(flow, "%graph")
    assert "Inside sub." in where
    assert "%graph out" in where
    assert "out of sub, before last" in said(flow, "%graph out")


def test_until_a_node_and_by_its_path(flow):
    assert "as asked, before sub/inner_q" in said(flow, "%graph until sub/inner_q")
    assert "as asked, before last" in said(flow, "%graph until last")
    assert "there is no node 'lst'. Did you mean 'last'" in flow.run("%graph until lst")


def test_one_task_of_a_step(flow):
    assert "after one task, before sub" in said(flow, "%graph step --task")


def test_run_begins_anew_with_an_input_and_goes_on_without_one(flow):
    assert "last saw 112" in said(flow, "%graph run")
    said(flow, "given = {'x': 5}")
    assert "last saw 116" in said(flow, "%graph run --input given")
    assert "at the start, before first" in said(flow, """%graph run -i '{"x": 7}' --step""")
    assert "last saw 118" in said(flow, "%graph continue")
    assert "needs an --input" in flow.run("%graph run --restart")


def test_pause_has_to_have_something_to_pause(flow):
    assert "nothing is running" in flow.run("%graph pause")


# -- stopping


def test_breakpoints_are_set_listed_switched_and_removed(flow):
    assert "Breakpoint before last, if x > 3." in said(flow, "%graph break last --if x > 3")
    assert "Breakpoint after first" in said(flow, "%graph break first --after --hits >=1 --disabled")
    assert "when x changes" in said(flow, "%graph break --on change x --log 'x is {x}'")
    listed = said(flow, "%graph breaks")
    for words in ("before last, if x > 3", "after first", "disabled", "when x changes"):
        assert words in listed
    assert "Enabled: after first" in said(flow, "%graph enable after first")
    assert "Disabled: before last" in said(flow, "%graph disable last")
    assert "Removed: after first" in said(flow, "%graph unbreak first")
    said(flow, "%graph unbreak all")
    assert len(flow.workspace.find().session.breakpoints) == 0


def test_a_condition_keeps_its_quotes_and_stops_with_it(flow):
    said(flow, """%graph break last --if x > 3 and "a" in ["a"]""")
    assert """at the breakpoint before last (x > 3 and "a" in ["a"])""" in said(flow, "%graph continue")


def test_a_comment_behind_a_line_is_no_word_of_it(flow):
    assert "Breakpoint before last." in said(flow, "%graph break last   # before the node")
    told = said(flow, """%graph break first --if x > 1 and seen != "# 1" # never""")
    assert 'Breakpoint before first, if x > 1 and seen != "# 1".\n' in told
    assert "print 'saw #{x} # {x}' and go on" in said(flow, """%graph break sub --log "saw #{x} # {x}" # prints""")
    assert "there is no node '#1'. Known: 'first'" in flow.run("%graph break #1")
    assert "after 1 step" in said(flow, "%graph step # one")


def test_what_a_person_answers_may_have_a_number_sign(notebook):
    notebook.run("from nbhitl import START, END")
    notebook.run(
        "%%graph asks -t t -i '{}'\nfrom typing import TypedDict\nclass State(TypedDict, total=False):\n    text: str\n"
        "def ask_it(state: State):\n    return {'text': interrupt('?', response_schema=str)}\nflow(START, ask_it, END)"
    )
    said(notebook, "%graph answer we are # 1")
    assert notebook.workspace.find().session.state().values == {"text": "we are # 1"}


def test_the_option_of_the_cell_keeps_a_breakpoint_with_a_condition(flow):
    said(flow, "%graph break last --if x > 3")
    said(flow, FLOW.format(line="--thread t --break last"))
    assert "before last, if x > 3" in said(flow, "%graph breaks")


def test_a_log_breakpoint_prints_in_the_cell(flow):
    said(flow, """%graph break last --log "x is {x} now" """)
    assert "[last] x is 112 now" in said(flow, "%graph continue")


def test_a_breakpoint_in_a_sub_graph_and_on_an_edge(flow):
    said(flow, "%graph break sub/inner_q --once")
    assert "only a Command can go this way" in said(flow, "%graph break --on edge first -> last --disabled")
    assert "Command" not in said(flow, "%graph break --on edge sub -> last")
    assert "before sub/inner_q" in said(flow, "%graph continue")
    assert "before last (on the edge sub -> last)" in said(flow, "%graph continue")
    assert "inner_q" not in said(flow, "%graph breaks")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%graph break", "say which node"),
        ("%graph break lst", "Did you mean 'last'"),
        ("%graph break last --iff x", "there is no option --iff. Did you mean '--if'"),
        ("%graph break last --if", "--if needs a text"),
        ("%graph break last --if x >", "column 3"),
        ("%graph break last --hits often", "hits"),
        ("%graph break --on errr", "Did you mean 'error'"),
        ("%graph unbreak last", "there is no breakpoint 'last'"),
        ("%graph enable", "say which breakpoint"),
        ("%graph step many", "N is a whole number, not 'many'. %graph step?"),
        ("%graph step --taks", "Did you mean '--task'? %graph step?"),
        ("%graph step 0", "1 or more"),
        ("%graph until", "NODE"),
        ("%graph out", "stands in no sub-graph"),
        ("%graph into sub", "unrecognized arguments: sub"),
        ("%graph stpe", "Did you mean 'step'"),
        ("%graph run --input nothing_here", "there is no variable of that name"),
    ],
)
def test_a_mistake_is_named_with_the_cure_and_without_a_traceback(flow, line, words):
    text = flow.run(line)
    assert flow.error is not None
    assert words in text
    assert "Traceback" not in text


# -- found


def test_help_of_a_verb_names_its_options_with_examples(flow):
    text = said(flow, "%graph break?")
    for words in ("--after", "--if EXPR", "--hits", "edge A->B", "%graph break --on change score"):
        assert words in text
    assert said(flow, "%graph help break") == text


def test_help_lines_are_found_at_the_end_of_a_line_only():
    assert help_of_verbs(["  %graph step?\n"]) == ["  %graph help step\n"]
    assert help_of_verbs(["%graph state x\n", "%graph sql SELECT '?'\n"]) == [
        "%graph state x\n",
        "%graph sql SELECT '?'\n",
    ]
    assert help_of_verbs(["%graph?\n"]) == ["%graph?\n"]


def test_the_magics_own_help_lists_the_verbs(notebook):
    doc = notebook.shell.find_line_magic("graph").__doc__
    assert all(f"%graph {name} " in doc for name in VERBS)


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("%graph st", {"state", "step"}),
        ("%graph break ", {"first", "sub", "sub/inner_p", "last"}),
        ("%graph break sub/", {"sub/inner_p", "sub/inner_q"}),
        ("%graph break last --", {"--after", "--if", "--hits", "--log", "--once", "--disabled", "--on"}),
        ("%graph -t t until la", {"last"}),
        ("%graph unbreak ", {"before last", "all"}),
        ("%graph help brea", {"break", "breaks"}),
    ],
)
def test_the_tab_key_offers_what_can_follow(flow, text, some):
    said(flow, "%graph break last")
    with provisionalcompleter():
        found = {completion.text for completion in flow.shell.Completer.completions(text, len(text))}
    assert some <= found
    assert not found & {"print", "%%graph"}


def completed(flow, text):
    with provisionalcompleter():
        return {completion.text: completion.type for completion in flow.shell.Completer.completions(text, len(text))}


def test_the_tab_key_offers_keys_where_an_expression_is_written_and_not_for_a_node(flow):
    assert set(completed(flow, "%graph break ")) == {"first", "sub", "sub/inner_p", "sub/inner_q", "last"}
    assert "seen" in completed(flow, "%graph break last --if se")
    assert completed(flow, "%graph brea") == {"break": "graph", "breaks": "graph"}


def test_the_tab_key_offers_the_nodes_of_the_graph_that_is_named(flow):
    other = FLOW.format(line="""--thread t --step -i '{"x": 1}'""").replace("flow --thread", "other --thread")
    said(flow, other.replace("def last(", "def final(").replace(", last, END", ", final, END"))
    assert set(completed(flow, "%graph until fi")) == {"first", "final"}
    assert set(completed(flow, "%graph -g flow until la")) == {"last"}
    assert "last" not in completed(flow, "%graph -g flwo until la")


def test_every_verb_of_the_design_is_there_and_is_a_method_of_a_session(flow):
    session = flow.workspace.find().session
    methods = {"continue": "continue_", "break": "break_", "run": "start", "unbreak": "remove_breakpoint",
               "enable": "enable_breakpoint", "disable": "enable_breakpoint", "breaks": "breakpoints",
               "watch": "add_watch", "inbox": "pending", "sql": "saver"}  # fmt: skip
    for verb in DESIGN.split():
        assert verb in VERBS, verb
        name = methods.get(verb, verb)
        assert hasattr(session, name), name
