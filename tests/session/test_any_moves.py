"""However a run is moved and wherever it stops, it ends as if nobody had looked, and no body runs twice."""

import operator
import random
from typing import Annotated, TypedDict

import pytest

from nbhitl import END, START, DuckDBSaver, InMemorySaver, NbhitlError, Send, Session, StateGraph, interrupt


class State(TypedDict, total=False):
    x: Annotated[int, operator.add]
    log: Annotated[list, operator.add]


class World:
    """Graphs whose bodies count how often they ran."""

    def __init__(self, chance):
        self.chance, self.ran = chance, []

    def body(self, name, asks):
        def run(state):
            answer = interrupt(f"{name}?") if asks else 1
            self.ran.append(name)
            return {"x": answer, "log": [name]}

        return run

    def graph(self, depth, prefix=""):
        """Some nodes in a row or side by side; some are sub-graphs, some ask, some are sent several times."""
        built, before = StateGraph(State), [START]
        for number in range(self.chance.randint(2, 3)):
            layer = [f"{prefix}n{number}{letter}" for letter in "ab"[: self.chance.randint(1, 2)]]
            for name in layer:
                inner = depth and self.chance.random() < 0.4
                asks = not inner and self.chance.random() < 0.2
                built.add_node(name, self.graph(depth - 1, f"{name}_").compile() if inner else self.body(name, asks))
            for source in before:
                for target in layer:
                    built.add_edge(source, target)
            before = layer
        if self.chance.random() < 0.4:
            name = f"{prefix}w"
            built.add_node(name, self.body(name, asks=False))
            built.add_conditional_edges(before[0], lambda state: [Send(name, {"x": n}) for n in range(3)], [name])
            before = [*before[1:], name]
        for source in before:
            built.add_edge(source, END)
        return built


def plain(built, ran):
    """The end of a run that nobody disturbs, and how often each body ran."""
    session = Session(built.compile(InMemorySaver()), "plain")
    stop = session.start({"x": 0})
    while stop.reason != "finished":
        answer_all(session)
        stop = session.go()
    counted = sorted(ran)
    ran.clear()
    return session.state().values, counted


def answer_all(session):
    session.answer_all({question.id: 5 for question in session.pending()})


def moves(session, chance, nodes):
    return [
        session.step,
        lambda: session.step(chance.randint(1, 3)),
        session.task,
        session.into,
        session.out,
        session.continue_,
        lambda: session.until(chance.choice(nodes)),
        session.go,
    ]


def disturb(session, chance, nodes):
    """Set a breakpoint of some kind, or remove one."""
    points = list(session.breakpoints)
    if points and chance.random() < 0.5:
        session.remove_breakpoint(chance.choice(points))
        return
    node = chance.choice(nodes)
    kind = chance.choice(["before", "after", "change", "interrupt", "hits", "once"])
    match kind:
        case "before" | "after":
            session.break_(node, after=kind == "after", condition=chance.choice(["", "x > 2", "len(log) % 2"]))
        case "change":
            session.break_(on=f"change {chance.choice(['x', 'log'])}")
        case "interrupt":
            session.break_(on="interrupt")
        case "hits":
            session.break_(node, hits=chance.choice(["2", ">=2", "%2"]))
        case "once":
            session.break_(node, once=True)


@pytest.mark.parametrize("seed", range(60))
def test_any_moves_and_breakpoints_lead_to_the_same_end(seed, tmp_path):
    chance = random.Random(seed)
    world = World(chance)
    built = world.graph(2)
    values, counted = plain(built, world.ran)
    saver = DuckDBSaver(tmp_path / "t.duckdb") if seed % 4 == 0 else InMemorySaver()
    session = Session(built.compile(saver), "moved")
    nodes = session.nodes()
    stop, refused = session.start({"x": 0}, paused=True), 0
    for _ in range(400):
        if stop.reason == "finished":
            break
        if chance.random() < 0.3:
            disturb(session, chance, nodes)
        if stop.reason == "interrupted" or (session.pending() and chance.random() < 0.5):
            answer_all(session)
        try:
            stop = chance.choice(moves(session, chance, nodes))()
        except NbhitlError:  # nothing to go out of, for example: nothing has happened then
            refused += 1
            assert stop == session.position.stopped
    assert (stop.reason, refused < 400) == ("finished", True)
    assert session.state().values == values
    assert sorted(world.ran) == counted
    saver.close()
