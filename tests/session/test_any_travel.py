"""Random journeys through time: whatever the way, a branch's state is what its path makes, and no branch is harmed."""

import random

import pytest

from nbhitl import END, START, DuckDBSaver, InMemorySaver, NbhitlError, StateGraph, interrupt
from tests.session.newsroom import State, line, newsroom, reopen, says, session

JOURNEYS = 25
MOVES = 30


def asks(name):
    return lambda state: {"log": [name], "topic": interrupt(name)}


def asks_only(name):
    def body(state):
        interrupt(name)
        return {"log": [name]}

    return body


def side_by_side():
    built = StateGraph(State)
    for name in "ab":
        built.add_node(name, asks_only(name)).add_edge(START, name)
    built.add_node("c", says("c")).add_node("d", asks("d")).add_edge(["a", "b"], "c").add_edge("c", "d")
    return built.add_edge("d", END)


def simple():
    return line(a=says("a"), ask=asks("ask"), b=says("b"), again=asks("again"), c=says("c"))


def begun(built, saver=None):
    made = session(built, saver or InMemorySaver())
    made.go({"topic": "tea"})
    return made


def move(made, chance, answers):
    """One random move; one that cannot be made is none."""
    branches = made.branches()
    nodes = made.nodes()
    match chance.choice(["go", "go", "answer", "answer", "answer", "back", "rewind", "fork", "switch", "to"]):
        case "go":
            made.go()
        case "answer" if made.pending():
            question = chance.choice(made.pending())
            made.answer(chance.choice(answers), id=question.id)
            made.go()
        case "back":
            made.back(chance.randint(1, 4))
        case "rewind":
            made.rewind(chance.choice(nodes))
        case "fork":
            made.fork(chance.choice([moment.step for moment in made.timeline()]))
        case "switch":
            made.switch(chance.choice(branches).name)
        case "to":
            made.back(to=chance.choice(made.timeline()).checkpoint)


GRAPHS = {
    "newsroom": (newsroom, [{"decision": "publish"}, {"decision": "revise"}]),
    "simple": (simple, ["x", "y"]),
    "side by side": (side_by_side, ["x", "y"]),
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("seed", range(JOURNEYS))
def test_a_branch_is_what_its_path_makes_of_it(name, seed):
    build, answers = GRAPHS[name]
    chance = random.Random(seed)
    made = begun(build())
    for _ in range(MOVES):
        ends = {
            branch.id: (branch.head, made.saver.load(made.key, branch.head).checkpoint) for branch in made.branches()
        }
        try:
            move(made, chance, answers)
        except NbhitlError:
            now = {branch.id: branch.head for branch in made.branches()}
            assert all(now.get(id) == head for id, (head, _) in ends.items()), "what is refused changes nothing"
            continue
        assert sorted(made.position.checkpoint.values["log"]) == sorted(made.path())
        assert made.position.stopped is not None
        assert not made.busy
        for head, checkpoint in ends.values():
            assert made.saver.load(made.key, head).checkpoint == checkpoint, "nothing is deleted or changed"
        (here,) = [branch for branch in made.branches() if branch.current]
        assert here.head == made.position.checkpoint.id
        assert made.timeline()[-1].now
    finish(made, answers)
    assert sorted(made.state().values["log"]) == sorted(made.path())


def finish(made, answers):
    """Go on to the end of the branch."""
    for _ in range(50):
        if made.pending():
            made.answer_all({question.id: answers[0] for question in made.pending()})
        if not made.position.checkpoint.tasks:
            return
        made.go()
    raise AssertionError("it does not end")


def review(depth):
    inner = line(begin=says("begin"), ask=asks("ask"), close=says("close"))
    for _ in range(depth):
        inner = line(review=inner.compile(name="inner"), after=says("after"))
    return inner


@pytest.mark.parametrize("seed", range(JOURNEYS))
def test_sub_graphs_end_as_if_nobody_had_travelled(seed):
    chance = random.Random(seed)
    built = review(1 + seed % 2)
    straight = begun(built)
    finish(straight, ["x"])
    made = begun(built)
    for _ in range(12):
        try:
            move(made, chance, ["x"])
        except NbhitlError:
            continue
    finish(made, ["x"])
    assert made.state().values == straight.state().values


@pytest.mark.parametrize("seed", range(6))
def test_journeys_go_on_when_the_file_is_opened_again(seed, tmp_path):
    chance = random.Random(seed)
    built = review(1 + seed % 2)
    straight = begun(built)
    finish(straight, ["x"])
    with DuckDBSaver(tmp_path / "t.duckdb") as saver:
        made = begun(built, saver)
        for number in range(12):
            if number % 4 == 3:
                before = made.branches()
                made = reopen(made, built)
                assert made.branches() == before
            try:
                move(made, chance, ["x"])
            except NbhitlError:
                continue
        finish(made, ["x"])
        assert made.state().values == straight.state().values
