"""What the tests of edits share: a thread that outlives its graph, and nodes that say what they got."""

import operator
from typing import Annotated, Any, TypedDict

from nbhitl import START, Command, DuckDBSaver, InMemorySaver, StateGraph, interrupt
from nbhitl.engine.records import ThreadKey
from nbhitl.session import Session

CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    x: Any


def asks(*texts, **more):
    """A node that asks these questions in a row, and logs each with the answer that it got."""

    def ask(state):
        return {"log": [[text, interrupt(text, **more)] for text in texts]}

    return ask


def says(text):
    def say(state):
        return {"log": [text]}

    return say


def row(**nodes):
    """A graph of nodes one after the other."""
    return StateGraph(State).add_sequence(list(nodes.items())).add_edge(START, next(iter(nodes)))


def side_by_side(**nodes):
    """A graph of nodes that all run in the first super-step."""
    built = StateGraph(State)
    for name, action in nodes.items():
        built.add_node(name, action).add_edge(START, name)
    return built


class Home:
    """A thread on a saver. An edit is another graph on it, after a restart of the kernel where the saver is a file."""

    def __init__(self, path, *, early):
        self.path = path
        self.early = early
        """The answer is recorded before the edit, and not continued; else it is given to the edited graph."""
        self.saver = InMemorySaver() if path is None else DuckDBSaver(path)
        self.given = []
        """Question and answer, as a person gave them."""

    def restart(self):
        if self.path is not None:
            self.saver.close()
            self.saver = DuckDBSaver(self.path)

    def on(self, graph):
        return graph.compile(self.saver)

    def session(self, graph):
        return Session(self.on(graph), "t")

    def asked(self, graph):
        """The questions that are open."""
        return [question.value for question in self.session(graph).pending()]

    def begin(self, graph, **input):
        self.on(graph).invoke(input, CONFIG)
        return self

    def answer(self, graph, value, question=None):
        """Record an answer, and do not go on."""
        session = self.session(graph)
        found = next(q for q in session.pending() if question in (None, q.value))
        recorded = session.answer(value, id=found.id)
        self.given.append([found.value, recorded.value])

    def go(self, graph, **more):
        return self.on(graph).invoke(None, CONFIG, **more).get("log")

    def resume(self, graph, value, **more):
        """Answer the one open question, and go on."""
        (found,) = self.session(graph).pending()
        self.given.append([found.value, value])
        return self.on(graph).invoke(Command(resume=value), CONFIG, **more).get("log")

    def edit(self, before, after, answer=True, **more):
        """Pause in ``before``, answer, go on with ``after``: the log."""
        self.begin(before)
        if self.early:
            self.answer(before, answer)
        self.restart()
        return self.go(after, **more) if self.early else self.resume(after, answer, **more)

    def kept(self):
        """Question and answer, of all that was ever asked in the outermost graph."""
        found = []
        for position in self.saver.history(ThreadKey("t")):
            asked = {q.id: q.value for several in position.asked.values() for q in several}
            found += [[asked[id], answered.value] for id, answered in position.answers.items()]
        return found

    def check(self):
        """The laws: no answer is lost, and none reaches another question."""
        kept = self.kept()
        assert all(pair in kept for pair in self.given), (self.given, kept)
        for position in self.saver.history(ThreadKey("t")):
            for got in position.checkpoint.values.get("log", ()):
                assert isinstance(got, str) or got in self.given, (got, self.given)


ASK = asks("sure?")
GOT = ["sure?", True]
REVIEW = row(first=says("first"), review=ASK, last=says("last"))


def joined(first, last):
    """``last`` waits for a node that asks and for one that does not."""
    built = side_by_side(**{first: ASK, "other": says("other")}).add_node(last, says("last"))
    return built.add_edge([first, "other"], last)


def uneven(first, last):
    """As `joined`, and one of the two has run a step before the other asks."""
    built = side_by_side(short=says("short"), begin=says("begin"))
    built.add_node(first, ASK).add_edge("begin", first).add_node(last, says("last"))
    return built.add_edge(["short", first], last)


def as_node(outer, inner):
    class Inner(TypedDict, total=False):
        x: Any

    def ask(state):
        return {"x": asks("sure?")(state)["log"]}

    sub = StateGraph(Inner).add_node(inner, ask).add_edge(START, inner).compile()
    return row(**{outer: sub, "last": lambda state: {"log": state["x"]}})
