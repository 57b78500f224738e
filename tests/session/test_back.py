"""Back, rewind and goto: the thread stands elsewhere, on a branch of its own; nothing runs and nothing is lost."""

import pytest

from nbhitl import END, START, NbhitlError, StateGraph, ThreadBusyError, UnknownNodeError, interrupt, once
from tests.session.newsroom import State, line, newsroom, reopen, says, sent, session


def ids(made):
    return [state.config["configurable"]["checkpoint_id"] for state in made.history()]


def test_back_stands_before_the_step_and_runs_nothing(news):
    before = ids(news)
    stopped = news.back()
    assert (stopped.reason, stopped.text) == ("breakpoint", "back at step 0, before draft")
    assert news.state().next == ("draft",)
    assert news.state().values == {"topic": "tea", "log": []}
    assert news.state().metadata["stop_text"] == stopped.text
    assert ids(news)[1:] == before, "nothing is deleted"


def test_going_on_from_there_passes_the_breakpoint_there(news):
    news.back()
    news.set_breakpoint("draft")
    assert news.go().reason == "interrupted"


def test_back_over_a_question_opens_it_again(news):
    first = news.pending()[0]
    news.answer({"decision": "publish"})
    assert news.go().reason == "finished"
    stopped = news.back(2)
    assert (stopped.reason, stopped.text) == ("interrupted", "back at step 1, review waits for an answer")
    (question,) = news.pending()
    assert (question.value, question.id != first.id) == ("About tea", True)
    news.answer({"decision": "revise"})
    news.go()
    assert news.path() == ["draft", "review", "draft"]
    assert news.outcome(question.id).fate == "answered"


def test_back_again_counts_from_where_the_thread_was_put(news):
    news.answer({"decision": "publish"})
    news.go()
    assert news.back(1).text == "back at step 2, before publish"
    assert news.back(1).text == "back at step 1, review waits for an answer"
    assert news.back(1).text == "back at step 0, before draft"
    with pytest.raises(NbhitlError, match="this is the beginning of the thread"):
        news.back()


def test_back_beyond_the_beginning_says_how_far_it_goes(news):
    with pytest.raises(NbhitlError, match="only 1 step behind it; back 1 goes to its beginning, step 0, before draft"):
        news.back(5)
    with pytest.raises(NbhitlError, match="1 or more"):
        news.back(0)


def test_back_goes_to_a_step_that_is_named(news):
    news.answer({"decision": "publish"})
    news.go()
    assert news.back(to=1).text == "back at step 1, review waits for an answer"
    assert news.back(to=news.timeline()[1].checkpoint).text == "back at step 0, before draft"
    with pytest.raises(NbhitlError, match="only takes the input"):
        news.back(to=news.timeline()[0].checkpoint)


def test_back_works_after_the_file_was_reopened(news):
    news.answer({"decision": "publish"})
    news.go()
    news.back(2)
    again = reopen(news, newsroom())
    assert again.state().metadata["stop_text"] == "back at step 1, review waits for an answer"
    again.answer({"decision": "publish"})
    assert again.go().reason == "finished"
    assert again.state().values["log"] == ["draft", "review", "publish"]


def test_back_over_a_new_input_stands_at_the_end_of_the_run_before(saver):
    made = session(line(a=says("a"), b=says("b")), saver)
    made.go({"topic": "one"})
    made.go({"topic": "two"})
    assert made.back(2).text == "back at step 4, before a"
    stopped = made.back(1)
    assert (stopped.reason, stopped.text) == ("finished", "back at step 2, where the run had finished")
    assert made.state().values["topic"] == "one"


def test_back_undoes_an_edit(news):
    news.compiled.update_state(news.config, {"topic": "milk"}, as_node="draft")
    assert news.state().values["topic"] == "milk"
    news.back()
    assert news.state().values["topic"] == "tea"


def test_back_from_a_failure_goes_to_the_step_before(saver):
    def fails(state):
        raise ValueError("no")

    made = session(line(a=says("a"), b=fails), saver)
    assert made.go({}).reason == "failed"
    assert made.back().text == "back at step 0, before a"
    assert made.failure is None


def test_a_thread_that_runs_or_has_not_run_cannot_go_back(saver):
    def a(state):
        with pytest.raises(ThreadBusyError, match="is being run"):
            made.back()

    made = session(line(a=a), saver)
    with pytest.raises(NbhitlError, match="has not run yet"):
        made.back()
    assert made.go({}).reason == "finished"


def test_questions_of_a_fan_out_are_all_open_again(saver):
    asks = {name: lambda state, name=name: {"log": [interrupt(name)]} for name in "ab"}
    built = StateGraph(State)
    for name, action in asks.items():
        built.add_node(name, action).add_edge(START, name)
    made = session(built.add_node("c", says("c")).add_edge(["a", "b"], "c"), saver)
    made.go({})
    made.answer_all({question.id: question.value.upper() for question in made.pending()})
    made.go()
    assert made.state().values["log"] == ["A", "B", "c"]
    assert made.back(2).text == "back at step 0, a, b wait for 2 answers"
    made.answer_all({question.id: question.value * 2 for question in made.pending()})
    made.go()
    assert made.state().values["log"] == ["aa", "bb", "c"]


def test_only_the_first_question_of_a_body_is_open_again(saver):
    def two(state):
        return {"log": [interrupt("one"), interrupt("two")]}

    made = session(line(two=two, end=says("end")), saver)
    made.go({})
    for answer in "xy":
        made.answer(answer)
        made.go()
    made.back(2)
    assert [question.value for question in made.pending()] == ["one"]
    made.answer("z")
    made.go()
    assert [question.value for question in made.pending()] == ["two"]


def test_an_effect_of_a_node_that_asked_is_not_repeated(saver):
    calls = []

    def node(state):
        once("mail", lambda: calls.append("mail"))
        return {"log": [interrupt("sure?")]}

    made = session(line(node=node), saver)
    made.go({})
    made.answer("yes")
    made.go()
    made.back()
    made.answer("no")
    made.go()
    assert (calls, made.state().values["log"]) == (["mail"], ["no"])


def test_a_deadline_leaves_as_much_time_as_it_did(saver):
    made = session(line(ask=lambda state: {"log": [interrupt("sure?", deadline=3600, default="no")]}), saver)
    made.go({})
    then = made.pending()[0]
    made.answer("yes")
    made.go()
    made.back()
    (now,) = made.pending()
    assert now.deadline - now.at == then.deadline - then.at
    assert now.at > then.at


def nested(remembers=None):
    """A sub-graph that asks between two steps, as a node."""
    inner = line(begin=says("begin"), ask=lambda state: {"log": [interrupt("inside?")]}, close=says("close"))
    below = inner.compile(checkpointer=remembers, name="inner")
    return line(first=says("first"), review=below, last=says("last"))


@pytest.mark.parametrize("remembers", [None, True])
def test_back_over_a_sub_graph_opens_its_question_again(saver, remembers):
    made = session(nested(remembers), saver)
    made.go({})
    made.answer("one")
    assert made.go().reason == "finished"
    whole = made.state().values["log"]
    assert made.back(2).text == "back at step 1, review/ask waits for an answer"
    again = reopen(made, nested(remembers))
    (question,) = again.pending()
    assert (question.value, again.node_of(question)) == ("inside?", "review/ask")
    again.answer("two")
    assert again.go().reason == "finished"
    assert again.state().values["log"] == [{"one": "two"}.get(word, word) for word in whole]


def test_two_questions_side_by_side_in_a_sub_graph_are_both_open_again(saver):
    inner = StateGraph(State)
    for name in "ab":
        inner.add_node(name, lambda state, name=name: {"log": [interrupt(name)]}).add_edge(START, name)
    made = session(line(review=inner.compile(name="inner"), last=says("last")), saver)
    made.go({})
    made.answer_all({question.id: question.value.upper() for question in made.pending()})
    made.go()
    made.back(2)
    assert [question.value for question in made.pending()] == ["a", "b"]
    made.answer("x", id=made.pending()[0].id)
    assert made.go().reason == "interrupted", "the old answer of the other one does not count"
    made.answer("y")
    made.go()
    assert made.state().values["log"] == ["x", "y", "last"]


# -- rewind


def test_rewind_stands_before_the_last_run_of_a_node(news):
    news.answer({"decision": "revise"})
    news.go()
    assert news.rewind("draft").text == "back at step 2, before draft"
    assert news.state().values["log"] == ["draft", "review"]
    assert news.rewind("review").text == "back at step 1, before review"
    assert news.pending() == (), "it asks again when it runs"
    assert news.go().reason == "interrupted"


def test_rewind_of_a_node_that_waits_runs_it_from_its_first_line(news):
    assert news.rewind("review").text == "back at step 1, before review"
    assert news.pending() == ()
    assert news.go().reason == "interrupted"


def test_rewind_leaves_the_open_question_on_the_branch_that_is_left(news):
    news.rewind("review")
    assert [branch.name for branch in news.branches()] == ["main", "branch 2"]
    assert news.switch("main").text == "on main, review waits for an answer"
    assert len(news.pending()) == 1


def test_rewind_needs_a_node_that_ran(news):
    with pytest.raises(UnknownNodeError, match="Did you mean 'draft'"):
        news.rewind("drafd")
    with pytest.raises(NbhitlError, match="'publish' has not run on this branch"):
        news.rewind("publish")


def test_rewind_into_a_sub_graph_runs_only_what_follows_there(saver):
    made = session(nested(), saver)
    made.go({})
    made.answer("one")
    made.go()
    assert made.rewind("review/close").text == "back at step 1, before review/close"
    assert made.state().next == ("review",)
    made.go()
    assert made.pending() == (), "what was answered before it stays"
    assert made.state().values["log"].count("close") == 1
    assert made.state().values["log"][-1] == "last"
    made.rewind("review/ask")
    assert made.go().reason == "interrupted"


def test_rewind_after_a_fork_of_a_fan_out_names_each_node_once(saver):
    built = StateGraph(State).add_node("spread", says("spread")).add_node("work", lambda s: {"log": [s["topic"]]})
    built.add_edge(START, "spread").add_conditional_edges("spread", sent("x", "y", "z"), ["work"])
    made = session(built.add_edge("work", END), saver)
    made.go({})
    assert made.rewind("work").text == "back at step 1, before work"
    made.go()
    assert made.state().values["log"] == ["spread", "x", "y", "z"]


# -- goto


def test_goto_makes_a_node_the_next_one_and_drops_what_was_due(news):
    (question,) = news.pending()
    stopped = news.goto("publish")
    assert (stopped.reason, stopped.text) == ("breakpoint", "sent on to step 2, before publish")
    assert (news.state().next, news.pending()) == (("publish",), ())
    assert news.outcome(question.id).fate == "superseded"
    assert news.go().reason == "finished"
    assert news.state().values["log"] == ["draft", "publish"]


def test_goto_keeps_what_finished_siblings_have_written(saver):
    built = StateGraph(State).add_node("a", says("a")).add_node("b", lambda state: {"log": [interrupt("b?")]})
    built.add_node("c", says("c")).add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "c")
    made = session(built, saver)
    made.go({})
    made.goto("c")
    assert made.state().values["log"] == ["a"]
    made.go()
    assert made.state().values["log"] == ["a", "c"]


def test_goto_from_the_end_of_a_run_begins_a_step_more(saver):
    made = session(line(a=says("a"), b=says("b")), saver)
    made.go({})
    made.goto("a")
    made.go()
    assert made.state().values["log"] == ["a", "b", "a", "b"]


def test_goto_takes_a_node_of_the_graph_itself(saver, news):
    with pytest.raises(UnknownNodeError, match="Did you mean 'publish'"):
        news.goto("publsh")
    made = session(nested(), saver, "other")
    made.go({})
    with pytest.raises(NbhitlError, match="only a node of the graph itself can be next"):
        made.goto("review/close")


def test_rewind_into_a_sub_graph_keeps_what_happened_beside_it_on_this_branch(saver):
    inner = line(begin=says("begin"), ask=lambda state: {"log": [interrupt("inside?")]})
    built = StateGraph(State).add_node("review", inner.compile(name="inner")).add_edge(START, "review")
    built.add_node("other", lambda state: {"log": [interrupt("other?")]}).add_edge(START, "other")
    made = session(built.add_node("last", says("last")).add_edge(["review", "other"], "last"), saver)
    made.go({})

    def tell(which, answer):
        (question,) = [asked for asked in made.pending() if asked.value == which]
        made.answer(answer, id=question.id)
        made.go()

    made.fork(name="two")
    tell("other?", "on two")
    made.switch("main")
    tell("other?", "on main")
    made.switch("two")
    assert made.rewind("review/begin").text.endswith("before review/begin")
    assert made.find_branch().parent == made.find_branch("two").id
    made.go()
    tell("inside?", "in")
    assert made.state().values["log"] == ["on two", "begin", "in", "last"]


def test_rewind_again_goes_to_the_run_before(news):
    for _ in range(2):
        news.answer({"decision": "revise"})
        news.go()
    log = ["draft", "review", "draft", "review", "draft"]
    assert news.state().values["log"] == log
    for left in (4, 2, 0):
        news.rewind("draft")
        assert news.state().values["log"] == log[:left]
    with pytest.raises(NbhitlError, match="'draft' has not run on this branch"):
        news.rewind("draft")


def test_answers_are_those_that_count_on_this_branch(news):
    news.answer({"decision": "revise"})
    news.fork()
    assert [answer.value["decision"] for _, _, answer in news.answers()] == ["revise"], "a copy is no second answer"
    news.go()
    news.back(2)
    assert news.answers() == [], "it was taken back"
    news.answer({"decision": "publish"})
    assert news.go().reason == "finished"
    assert [answer.value["decision"] for _, _, answer in news.answers()] == ["publish"]
