"""Fork, switch, names and comparisons: the branches of a thread."""

import pytest

from nbhitl import END, START, AnswerRefused, InvalidUpdateError, NbhitlError, StateGraph, UnknownNodeError, interrupt
from tests.session.newsroom import State, line, newsroom, reopen, says, session


def named(made):
    return [(branch.name, branch.steps, branch.current) for branch in made.branches()]


def test_a_thread_has_one_branch_at_first(news):
    (branch,) = news.branches()
    assert (branch.name, branch.parent, branch.left_at, branch.steps, branch.current) == ("main", "", None, 1, True)
    assert branch.status == "review waits for an answer"


def test_a_thread_that_has_not_run_has_no_branches(saver):
    made = session(newsroom(), saver)
    assert (made.branches(), made.timeline()) == ([], [])
    with pytest.raises(NbhitlError, match="no branches"):
        made.find_branch()


def test_going_back_begins_a_branch_that_says_where_it_left(news):
    news.answer({"decision": "publish"})
    news.go()
    news.back(2)
    news.answer({"decision": "revise"})
    news.go()
    main, other = news.branches()
    assert (main.current, other.current) == (False, True)
    assert (other.name, other.parent, other.left_at, other.steps) == ("branch 2", main.id, 1, 2)


def test_branches_on_which_nothing_was_done_are_left_out_unless_they_are_named(news):
    news.answer({"decision": "publish"})
    news.go()
    news.back(1)
    news.back(1)
    assert [name for name, _, _ in named(news)] == ["main", "branch 3"]
    news.name_branch("kept")
    news.back(1)
    assert [name for name, _, _ in named(news)] == ["main", "kept", "branch 4"]


def test_a_fork_where_the_thread_stands_keeps_its_question_and_the_other_branch_keeps_it_too(news):
    (first,) = news.pending()
    stopped = news.fork(name="bold")
    assert (stopped.reason, stopped.text) == ("interrupted", "forked at step 1, review waits for an answer")
    assert [question.id for question in news.pending()] == [first.id]
    news.answer({"decision": "revise"})
    news.go()
    assert named(news) == [("main", 1, False), ("bold", 2, True)]
    stopped = news.switch("main")
    assert (stopped.reason, stopped.text) == ("interrupted", "on main, review waits for an answer")
    news.answer({"decision": "publish"})
    assert news.go().reason == "finished"
    assert named(news) == [("main", 3, True), ("bold", 2, False)]
    assert news.path() == ["draft", "review", "publish"]


def test_a_fork_of_a_step_with_edited_values_does_what_follows_the_writer(news):
    news.answer({"decision": "publish"})
    news.go()
    stopped = news.fork(2, {"decision": "revise"})
    assert stopped.text == "forked at step 2 with decision edited, before draft"
    assert (stopped.reason, news.state().next) == ("breakpoint", ("draft",))
    assert news.state().metadata["stop_text"] == stopped.text
    stopped = news.fork(0, {"topic": "milk"}, name="milk")
    assert stopped.text == "forked at step 0 with topic edited, before draft"
    assert news.go().reason == "interrupted"
    assert news.state().values["draft"] == "About milk"
    assert news.find_branch().name == "milk"


def test_a_fork_may_say_which_node_writes(news):
    news.answer({"decision": "publish"})
    news.go()
    news.fork(1, {"decision": "publish"}, as_node="review")
    assert news.state().next == ("publish",)
    with pytest.raises(UnknownNodeError, match="Did you mean 'review'"):
        news.fork(1, {"decision": "publish"}, as_node="revew")
    with pytest.raises(NbhitlError, match="as_node says who writes"):
        news.fork(1, as_node="review")


def test_a_fork_after_a_fan_out_asks_who_writes(saver):
    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, says(name)).add_edge(START, name)
    made = session(built.add_node("c", says("c")).add_edge(["a", "b"], "c").add_edge("c", END), saver)
    made.go({})
    with pytest.raises(InvalidUpdateError, match="--as NODE"):
        made.fork(1, {"topic": "x"})
    assert not made.busy
    made.fork(1, {"topic": "x"}, as_node="a")
    assert made.state().values["topic"] == "x"


def test_a_fork_checks_what_it_is_given_before_anything_is_written(news):
    before = len(news.history())
    with pytest.raises(NbhitlError, match="'topi' is no key of the state. Did you mean 'topic'"):
        news.fork(0, {"topi": 1})
    with pytest.raises(NbhitlError, match="no step or checkpoint 9"):
        news.fork(9)
    with pytest.raises(NbhitlError, match="only takes the input"):
        news.fork(news.timeline()[0].checkpoint)
    with pytest.raises(NbhitlError, match="there is a branch 'main' already"):
        news.fork(0, name="main")
    for name in ("", " ", "7", "a\nb", "x" * 61):
        if name:
            with pytest.raises(NbhitlError, match="cannot be called"):
                news.fork(0, name=name)
    assert len(news.history()) == before


def test_an_async_router_is_asked_what_follows_an_edit(saver):
    async def a(state):
        return {"topic": "x"}

    async def route(state):
        return state["topic"]

    built = StateGraph(State).add_node("a", a).add_node("x", says("x")).add_node("y", says("y"))
    made = session(built.add_edge(START, "a").add_conditional_edges("a", route, ["x", "y"]), saver)
    made.go({})
    made.fork(1, {"topic": "y"})
    assert made.state().next == ("y",)
    made.go()
    assert made.state().values["log"] == ["y"]


def test_names_are_kept_in_the_file(news):
    news.name_branch("first try")
    again = reopen(news, newsroom())
    assert again.find_branch().name == "first try"
    assert again.find_branch("first try").current
    again.name_branch("renamed", "first try")
    assert [branch.name for branch in again.branches()] == ["renamed"]


def test_a_branch_is_found_by_its_name_its_number_and_a_checkpoint_on_it(news):
    news.back()
    main, other = news.branches()
    assert news.find_branch("2") == news.find_branch("branch 2") == other
    assert news.find_branch(main.head[-4:]).id in (main.id, other.id)
    assert news.find_branch(main.head) == main
    with pytest.raises(NbhitlError, match="no branch 'mian'. Did you mean 'main'"):
        news.find_branch("mian")


def test_switching_to_a_finished_branch_stands_at_its_end(news):
    news.answer({"decision": "publish"})
    news.go()
    news.back(2)
    stopped = news.switch("main")
    assert (stopped.reason, stopped.text) == ("finished", "on main, where the run had finished")
    assert news.state().values["log"] == ["draft", "review", "publish"]
    with pytest.raises(NbhitlError, match="stands on main already"):
        news.switch("main")


def test_switching_keeps_answers_that_nobody_went_on_with(news):
    news.answer({"decision": "publish"})
    news.back()
    news.switch("main")
    assert news.pending() == ()
    assert news.go().reason == "finished"


def test_switching_to_a_branch_that_failed_says_so_and_can_try_again(saver):
    broken = [True]

    def b(state):
        if broken:
            raise ValueError("no milk")
        return {"log": ["b"]}

    made = session(line(a=says("a"), b=b), saver)
    made.go({})
    made.back()
    assert made.switch("main").reason == "failed"
    assert "no milk" in made.position.failed[made.position.checkpoint.tasks[0].id].text
    broken.clear()
    assert made.go().reason == "finished"
    assert made.state().values["log"] == ["a", "b"]


def test_switching_to_a_branch_that_waits_in_a_sub_graph_leaves_the_other_one_alone(saver):
    inner = line(begin=says("begin"), ask=lambda state: {"log": [interrupt("inside?")]}).compile(name="inner")
    made = session(line(review=inner, last=says("last")), saver)
    made.go({})
    made.fork(name="two")
    made.answer("on two")
    assert made.go().reason == "finished"
    made.switch("main")
    (question,) = made.pending()
    made.answer("on main")
    assert made.go().reason == "finished"
    assert made.state().values["log"][-2:] == ["on main", "last"]
    made.switch("two")
    assert made.state().values["log"][-2:] == ["on two", "last"]
    assert made.node_of(question) == "review/ask"


def test_starting_over_begins_a_branch_that_left_no_other(news):
    news.go({"topic": "milk"}, restart=True)
    assert [(branch.name, branch.parent) for branch in news.branches()] == [("main", ""), ("branch 2", "")]


# -- comparing


def test_two_branches_are_compared_from_where_they_part(news):
    news.answer({"decision": "publish"})
    news.go()
    news.back(2)
    news.answer({"decision": "revise"})
    news.go()
    found = news.compare("main")
    assert (found.one.name, found.other.name, found.same_path) == ("main", "branch 2", False)
    assert found.parted.nodes == ("draft",)
    shown = [tuple(moment and moment.nodes for moment in row) for row in found.rows]
    assert shown == [(("review",), ("review",)), (("publish",), ("draft",)), ((), ("review",))]
    answers = [moment.exchanges[0].answered.value["decision"] for moment in found.rows[0]]
    assert answers == ["publish", "revise"]
    assert {difference.key for difference in found.differences} == {"decision", "log"}


def test_a_fork_with_edited_values_is_compared_from_the_edit(news):
    news.fork(0, {"topic": "milk"})
    news.go()
    found = news.compare("main", "branch 2")
    first, second = found.rows[0]
    assert (first.nodes, second.nodes, second.edited) == (("draft",), ("draft",), ("topic",))
    assert {difference.key for difference in found.differences} == {"topic", "draft"}
    with pytest.raises(NbhitlError, match="both are main"):
        news.compare("main", "main")


def test_branches_without_a_common_step_are_compared_from_their_inputs(news):
    news.go({"topic": "milk"}, restart=True)
    found = news.compare("main")
    assert found.parted is None
    assert [moment.nodes for moment in found.rows[0]] == [("draft",), ("draft",)]


# -- the timeline


def test_the_timeline_tells_what_each_step_did(news):
    news.answer({"decision": "publish"}, by="kim", via="form")
    news.go()
    told = [(m.step, m.happened, m.nodes, m.wrote) for m in news.timeline()]
    assert told == [
        (-1, "input", ("__start__",), ("topic",)),
        (0, "ran", ("draft",), ("draft", "log")),
        (1, "ran", ("review",), ("decision", "log")),
        (2, "ran", ("publish",), ("log",)),
        (3, "ended", (), ()),
    ]
    (exchange,) = news.timeline()[2].exchanges
    assert (exchange.node, exchange.asked.value, exchange.answered.by) == ("review", "About tea", "kim")
    assert [moment.now for moment in news.timeline()] == [False] * 4 + [True]


def test_the_timeline_tells_waiting_from_work(news):
    asked = news.pending()[0].at
    answered = news.answer({"decision": "publish"}).at
    news.go()
    review = news.timeline()[2]
    assert review.waited >= answered - asked
    assert review.work >= 0
    assert review.began + review.work + review.waited == news.timeline()[3].began


def test_time_at_a_breakpoint_is_no_work(news):
    news.back()
    moment = news.timeline()[-1]
    assert (moment.happened, moment.work, moment.copied, moment.now) == ("due", None, True, True)
    news.go()
    draft = news.timeline()[-2]
    assert draft.waited > 0


def test_the_timeline_says_where_other_branches_leave(news):
    news.answer({"decision": "publish"})
    news.go()
    news.back(2)
    assert news.timeline()[-1].leaving == ()
    news.switch("main")
    assert [moment.leaving for moment in news.timeline()] == [(), (), (), (), ()], "nothing was done there yet"
    news.fork(1, name="bold")
    news.switch("main")
    assert [moment.leaving for moment in news.timeline()][2] == ("bold",)


def test_the_timeline_shows_an_edit_and_a_failure(saver):
    def b(state):
        raise ValueError("no milk")

    made = session(line(a=says("a"), b=b), saver)
    made.go({})
    failed = made.timeline()[-1]
    assert (failed.happened, failed.failures) == ("failed", (("b", "ValueError: no milk"),))
    made.fork(0, {"topic": "x"})
    edited = made.timeline()[-1]
    assert (edited.edited, edited.nodes, edited.happened) == (("topic",), ("a",), "due")
    assert len(made.timeline()) == 2, "the step that was edited before it ran is told once"


def test_a_step_before_an_edit_has_run(news):
    news.answer({"decision": "publish"})
    news.go()
    news.fork(1, {"topic": "milk"})
    told = [(moment.step, moment.happened, moment.nodes) for moment in news.timeline()]
    assert told == [(-1, "input", ("__start__",)), (0, "ran", ("draft",)), (2, "due", ("review",))]
    assert news.timeline()[1].work is not None
    assert not any(moment.now for row in news.compare("main").rows for moment in row[:1] if moment)


def test_an_answer_that_does_not_fit_is_refused_on_a_branch_too(news):
    news.fork()
    with pytest.raises(AnswerRefused):
        news.answer({"decision": "burn"})
