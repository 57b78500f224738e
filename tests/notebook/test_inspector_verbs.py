"""`%graph state`, `diff`, `watch`, `set` and `edit`, as they are typed."""

import pytest

from nbhitl.engine.records import Stopped
from nbhitl.notebook.steering import steering
from nbhitl.notebook.verbs.pairs import pairs

WATCHED = "nbh-watched"

TEA = """--thread demo -i '{"topic": "tea"}'"""


@pytest.fixture
def paused(notebook):
    notebook.post(TEA)
    return notebook


def test_the_state_is_shown_now_and_at_earlier_steps(paused):
    said = paused.run("%graph state")
    assert "State of post / demo at step 1, after draft. Next: review." in said
    assert paused.value.values == {"topic": "tea", "draft": "About tea. "}
    paused.run("found = %graph state --step -1")
    assert paused.run("found['topic']").strip().endswith("'tea'")
    assert "draft" not in paused.run("%graph state --step 0").partition("\n")[2].replace("Next: draft", "")
    assert "About tea." in paused.run("%graph state draft")


def test_an_unknown_step_or_key_is_an_error_with_the_ways_out(paused):
    assert "Steps of this branch, newest first: 1 (after draft)" in paused.run("%graph state --step 9")
    assert "Did you mean 'draft'?" in paused.run("%graph state drft")
    assert "there is no option --setp. Did you mean '--step'?" in paused.run("%graph state --setp 1")
    assert "no sub-graph 'review' was at work" in paused.run("%graph state --in review")


def test_differences_are_shown_of_the_last_step_and_of_any_two(paused):
    assert "From step 0 to step 1 of post / demo:\n+ draft  'About tea. '" in paused.run("%graph diff")
    paused.run("%graph answer decision=publish notes=fine")
    said = paused.run("%graph diff 1 2")
    assert "+ decision  'publish'" in said
    assert "+ notes     'fine'" in said
    assert "nothing has changed" in paused.run("%graph diff 2 2")
    assert "\u2212 notes     'fine'" in paused.run("%graph diff -1 1")


def test_a_watch_is_shown_at_once_at_any_step_and_where_the_run_stands(paused):
    assert "len(draft)  int   11" in paused.run("%graph watch len(draft)")
    assert "'draft' has no value here" in paused.run("%graph watch --step 0")
    assert "len(draft) = 11" in paused.run("%graph")
    assert "no expression" in paused.run("%graph watch len(draft")
    assert "Did you mean 'len(draft)'?" in paused.run("%graph unwatch len(draf)")
    assert "No longer watched: len(draft)" in paused.run("%graph unwatch all")
    assert "Nothing is watched yet" in paused.run("%graph watch")


def test_watches_are_told_at_each_stop_by_whatever_moved_the_run(paused):
    paused.run("%graph watch len(draft)")
    said = paused.run("%graph answer decision=revise notes=shorter")
    assert "review waits for an answer" in said
    assert "len(draft) = 18" in said
    paused.run("%graph back 3")
    assert "len(draft): 'draft' has no value here" in paused.run("%graph")


@pytest.mark.parametrize("reason", ["breakpoint", "failed"])
def test_watches_stand_as_text_below_the_buttons_of_a_stop(paused, reason):
    session = paused.workspace.find().session
    stopped = Stopped(reason, "before review")
    session.set({"draft": "<b>x</b>"})
    assert not [box for box in steering(session, stopped, "", lambda _: None).children if WATCHED in box._dom_classes]
    paused.run("%graph watch draft")
    [box] = [box for box in steering(session, stopped, "", lambda _: None).children if WATCHED in box._dom_classes]
    assert "draft = &#x27;&lt;b&gt;x&lt;/b&gt;&#x27;" in box.value


def test_values_are_written_from_expressions_and_from_variables_of_the_notebook(paused):
    said = paused.run("%graph set topic=topic.upper() + '!' notes='a b'")
    assert "~ topic  'tea' -> 'TEA!'" in said
    assert "Next: review." in said
    paused.run("given = 'from Python'")
    assert "'from Python'" in paused.run("%graph set notes=$given --overwrite")
    assert paused.workspace.find().session.state().values["notes"] == "from Python"
    assert len(paused.workspace.find().session.pending()) == 1


def test_the_writer_can_be_named_and_its_route_is_taken(paused):
    assert "Next: publish." in paused.run("%graph set decision='publish' --as review")
    assert "published" in paused.run("%graph continue")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("set", "say it like this: %graph set KEY=EXPR"),
        ("set topic", "A text is written in quotes: topic='tea'"),
        ("set topic=coffee", "A text is written in quotes: topic='coffee'."),
        ("set topic=$nothing", "the notebook has no variable of that name"),
        ("set topik='x'", "Did you mean 'topic'?"),
        ("set topic='x' topic='y'", "topic is given twice"),
        ("set topic= --overwrite", "topic= has no value behind it"),
        ("set topic='x' --overwrit", "Did you mean '--overwrite'?"),
        ("set topic='x' --as reviw", "Did you mean 'review'?"),
        ("set topic=__import__('os')", "topic=__import__('os')"),
        ("unwatch", "say which: %graph unwatch EXPR|all"),
        ("edit topik", "Did you mean 'topic'?"),
    ],
)
def test_a_mistake_is_an_error_that_says_how_and_changes_nothing(paused, line, message):
    before = paused.workspace.find().session.at().checkpoint.id
    said = paused.run(f"%graph {line}")
    assert message in said
    assert "Traceback" not in said
    assert paused.workspace.find().session.at().checkpoint.id == before


def test_what_does_not_fit_the_schema_is_written_and_said(paused):
    said = paused.run("%graph set topic=3")
    assert "written all the same: topic: must be text" in said
    assert "(str became int)" in said


def test_without_a_person_edit_says_how_to_do_it_in_a_line(paused):
    assert "There is nobody to fill in a form here. Use: %graph set topic=... " in paused.run("%graph edit topic")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a=1", {"a": "1"}),
        ("a = b == c", {"a": "b == c"}),
        ("a=x <= 3 b=2", {"a": "x <= 3", "b": "2"}),
        ("a='b=c d=e' b=[1, {'x': 2}]", {"a": "'b=c d=e'", "b": "[1, {'x': 2}]"}),
        ("a='it\\'s b=1' c=3", {"a": "'it\\'s b=1'", "c": "3"}),
        ("a=(1, b == 2) c=d", {"a": "(1, b == 2)", "c": "d"}),
    ],
)
def test_pairs_end_where_the_next_one_begins(words, found):
    assert pairs(words, "") == found
