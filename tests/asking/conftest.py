"""A graph of one node whose body asks, and a person who answers."""

from collections.abc import Callable, Iterator
from typing import Any, TypedDict

import pytest

from nbhitl import END, START, Command, DuckDBSaver, InMemorySaver, StateGraph
from nbhitl.run.answers import form_model
from nbhitl.run.forms import FormModel

CONFIG = {"configurable": {"thread_id": "1"}}


class State(TypedDict, total=False):
    """What the node's body returned."""

    out: Any


class Person:
    """Runs a body as a node, and answers its questions one by one."""

    def __init__(self, body: Callable[[], Any], saver: Any) -> None:
        def node(state: State) -> State:
            return {"out": body()}

        builder = StateGraph(State)
        builder.add_node("node", node)
        builder.add_edge(START, "node")
        builder.add_edge("node", END)
        self.graph = builder.compile(checkpointer=saver)
        begun = self.graph.get_state(CONFIG).created_at is not None
        self.result = self.graph.invoke(None if begun else {}, CONFIG)

    @property
    def asked(self) -> Any:
        """The value of the open question."""
        return self.result["__interrupt__"][0].value

    @property
    def id(self) -> str:
        """The id of the open question."""
        return self.result["__interrupt__"][0].id

    @property
    def form(self) -> FormModel:
        """The form of the open question."""
        return form_model(self.graph.get_state(CONFIG).tasks[0].interrupts[0].response_schema)

    def answers(self, *given: Any) -> Any:
        """Give answers; what the body returned, or the value of the next question."""
        for answer in given:
            self.result = self.graph.invoke(Command(resume=answer), CONFIG)
        return self.asked if "__interrupt__" in self.result else self.result["out"]


@pytest.fixture
def person() -> Callable[[Callable[[], Any]], Person]:
    """Makes a person for a body, with a thread in memory."""
    return lambda body: Person(body, InMemorySaver())


@pytest.fixture
def stored(tmp_path) -> Iterator[Callable[[Callable[[], Any]], Person]]:
    """The same with a thread in a file, which is closed and opened again between all questions and answers."""
    savers = []

    def opened(body: Callable[[], Any]) -> Person:
        for saver in savers:
            saver.close()
        savers.append(DuckDBSaver(tmp_path / "runs.duckdb"))
        return Person(body, savers[-1])

    yield opened
    for saver in savers:
        saver.close()
