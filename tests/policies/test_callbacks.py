"""Handlers that are told when a run pauses and goes on."""

import asyncio

import langgraph.callbacks
import langgraph.checkpoint.memory
import langgraph.graph
import langgraph.types
import pytest

import nbhitl
from nbhitl import CallbackWarning, Command, GraphCallbackHandler, InMemorySaver, interrupt
from tests.policies.graphs import line


class Heard(GraphCallbackHandler):
    def __init__(self):
        self.events = []

    def on_interrupt(self, event):
        self.events.append(event)

    def on_resume(self, event):
        self.events.append(event)


class Theirs(langgraph.callbacks.GraphCallbackHandler):
    def __init__(self):
        super().__init__()
        self.events = []

    on_interrupt = Heard.on_interrupt
    on_resume = Heard.on_resume


def asks(state):
    return {"log": [interrupt("q")]}


def with_callbacks(config, *handlers):
    return {**config, "callbacks": list(handlers)}


def test_a_pause_and_its_end_are_told(call, saver, config):
    heard = Heard()
    graph = line(asks).compile(saver)
    asked = call(graph, {"x": 1}, with_callbacks(config, heard))["__interrupt__"]
    call(graph, Command(resume="r"), with_callbacks(config, heard))
    paused, resumed = heard.events
    assert (paused.status, paused.interrupts, paused.checkpoint_ns) == ("pending", tuple(asked), ())
    assert (resumed.status, resumed.checkpoint_id) == ("pending", paused.checkpoint_id)
    assert paused.checkpoint_id in [s.config["configurable"]["checkpoint_id"] for s in graph.get_state_history(config)]


def test_a_run_that_neither_pauses_nor_goes_on_is_not_told(call, saver, config):
    heard = Heard()
    call(line(lambda state: None).compile(saver), {"x": 1}, with_callbacks(config, heard))
    assert heard.events == []


def test_what_a_handler_raises_is_a_warning(call, saver, config):
    class Bad(GraphCallbackHandler):
        def on_interrupt(self, event):
            raise ValueError("bad")

    heard = Heard()
    graph = line(asks).compile(saver)
    with pytest.warns(CallbackWarning, match="on_interrupt raised ValueError: bad"):
        assert call(graph, {"x": 1}, with_callbacks(config, Bad(), heard))["__interrupt__"]
    assert len(heard.events) == 1


def test_an_async_handler_is_run_on_the_loop(saver, config):
    heard = []

    class Slow(GraphCallbackHandler):
        async def on_interrupt(self, event):
            await asyncio.sleep(0.01)
            heard.append(event)

    async def main():
        await line(asks).compile(saver).ainvoke({"x": 1}, with_callbacks(config, Slow()))
        async with asyncio.timeout(60):
            while not heard:
                await asyncio.sleep(0.01)

    asyncio.run(main())
    line(asks).compile(InMemorySaver()).invoke({"x": 1}, with_callbacks(config, Slow()))
    assert len(heard) == 2


def test_langchains_handlers_may_stand_in_the_same_list_or_bring_a_manager(config):
    from langchain_core.callbacks import BaseCallbackHandler, CallbackManager

    class Other(BaseCallbackHandler):
        pass

    for wrap in (list, lambda handlers: CallbackManager(handlers=handlers)):
        heard = Heard()
        given = {**config, "callbacks": wrap([Other(), heard])}
        line(asks).compile(InMemorySaver()).invoke({"x": 1}, given)
        assert len(heard.events) == 1


def test_a_langchain_runnable_takes_a_config_with_our_handler_in_it():
    from langchain_core.runnables import RunnableLambda

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("logging.Logger.warning", lambda *said: pytest.fail(str(said)))
        assert RunnableLambda(lambda x: x + 1).invoke(1, {"callbacks": [Heard()]}) == 2


def sub_graph(engine, saver, ask, before=()):
    def body(state):
        return {"log": [ask("q")]}

    return line(line(body, engine=engine).compile(), engine=engine).compile(saver, interrupt_before=list(before))


@pytest.mark.parametrize("before", [(), ("b",)])
def test_both_engines_tell_the_same_events(before, config):
    told = []
    for engine, saver, ask, command, heard in (
        (nbhitl, InMemorySaver(), interrupt, Command, Heard()),
        (
            langgraph.graph,
            langgraph.checkpoint.memory.InMemorySaver(),
            langgraph.types.interrupt,
            langgraph.types.Command,
            Theirs(),
        ),
    ):
        graph = sub_graph(engine, saver, ask, before)
        given = with_callbacks(config, heard)
        graph.invoke({"x": 1}, given)
        graph.invoke(command(resume="r"), given)
        if before:
            graph.invoke(None, given)
        told.append(
            [
                (
                    type(event).__name__,
                    event.status,
                    len(event.checkpoint_ns),
                    [question.value for question in getattr(event, "interrupts", ())],
                )
                for event in heard.events
            ]
        )
    assert told[0] == told[1]
    assert told[0]
