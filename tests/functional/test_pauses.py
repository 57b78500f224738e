"""Questions in tasks: several at once, unasked results, what swallows a pause, what waits for it."""

import asyncio
import concurrent.futures

import pytest
from pydantic import BaseModel, SecretStr

from nbhitl import Command, DuckDBSaver, PauseSwallowed, entrypoint, interrupt, task
from nbhitl.engine.records import ThreadKey


@task
def ask(what):
    return interrupt(what)


@task
async def aask(what):
    return interrupt(what)


def answers(graph, config):
    """An answer to each open question: what it asks, in capitals."""
    return Command(resume={one.id: one.value.upper() for one in graph.get_state(config).interrupts})


def asked(graph, config):
    return sorted(one.value for one in graph.get_state(config).interrupts)


def test_several_tasks_wait_at_once_and_each_gets_its_answer(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        return [future.result() for future in [ask("a"), ask("b"), ask("c")]]

    main.invoke(1, config)
    assert asked(main, config) == ["a", "b", "c"]
    assert main.invoke(answers(main, config), config) == ["A", "B", "C"]


def test_some_of_them_may_be_answered_first(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        return [future.result() for future in [ask("a"), ask("b")]]

    first = main.invoke(1, config)["__interrupt__"][0]
    main.invoke(Command(resume={first.id: "A"}), config)
    assert asked(main, config) == ["b"]
    assert main.invoke(Command(resume="B"), config) == ["A", "B"]


def test_a_body_that_never_asks_for_the_result_of_a_task_that_waits_waits_as_well(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        ask("a")
        return "done"

    assert main.invoke(1, config)["__interrupt__"][0].value == "a"
    assert main.invoke(Command(resume=1), config) == "done"


def test_a_question_of_the_body_itself_stands_beside_those_of_its_tasks(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        future = ask("a")
        own = interrupt("own")
        return [own, future.result()]

    main.invoke(1, config)
    assert asked(main, config) == ["a", "own"]
    assert main.invoke(answers(main, config), config) == ["OWN", "A"]


def test_a_question_in_a_task_of_a_task_reaches_the_person(saver, config):
    @task
    def outer(what):
        return ask(what).result()

    @entrypoint(checkpointer=saver)
    def main(value):
        return outer("a").result()

    main.invoke(1, config)
    assert main.invoke(answers(main, config), config) == "A"


def test_an_async_body_gathers_questions(saver, config):
    @entrypoint(checkpointer=saver)
    async def main(value):
        return await asyncio.gather(aask("a"), ask("b"))

    async def story():
        await main.ainvoke(1, config)
        assert asked(main, config) == ["a", "b"]
        return await main.ainvoke(answers(main, config), config)

    assert asyncio.run(story()) == ["A", "B"]


def test_a_task_group_gathers_questions(saver, config):
    @entrypoint(checkpointer=saver)
    async def main(value):
        async def one(what):
            return await aask(what)

        async with asyncio.TaskGroup() as group:
            found = [group.create_task(one(what)) for what in ("a", "b")]
        return [each.result() for each in found]

    async def story():
        await main.ainvoke(1, config)
        assert asked(main, config) == ["a", "b"]
        return await main.ainvoke(answers(main, config), config)

    assert asyncio.run(story()) == ["A", "B"]


def test_futures_can_be_waited_for_as_those_of_an_executor(saver, config):
    @task
    def double(n):
        return 2 * n

    @entrypoint(checkpointer=saver)
    def main(value):
        futures = [double(n) for n in range(5)]
        done, open_ = concurrent.futures.wait(futures, timeout=60)
        return sorted(future.result() for future in concurrent.futures.as_completed(done, timeout=60)), len(open_)

    assert main.invoke(1, config) == ([0, 2, 4, 6, 8], 0)


def test_a_pause_that_a_body_swallows_is_an_error(saver, config):
    @entrypoint(checkpointer=saver)
    def main(value):
        try:
            return ask("a").result()
        except BaseException:  # noqa: BLE001 - the mistake
            return "swallowed"

    with pytest.raises(PauseSwallowed):
        main.invoke(1, config)


def test_a_pause_that_gather_turns_into_a_value_is_an_error(saver, config):
    @entrypoint(checkpointer=saver)
    async def main(value):
        await asyncio.gather(aask("a"), return_exceptions=True)
        return "swallowed"

    with pytest.raises(PauseSwallowed):
        asyncio.run(main.ainvoke(1, config))


def test_a_secret_that_a_task_is_given_is_not_stored_with_its_call(tmp_path, config):
    class Login(BaseModel):
        password: SecretStr

    @task
    def log_in(password, note):
        return "logged in"

    path = tmp_path / "runs.duckdb"
    with DuckDBSaver(str(path)) as saver:

        @entrypoint(checkpointer=saver)
        def main(value):
            password = interrupt("Log in", response_schema=Login).password.get_secret_value()
            return log_in(password, "x" * 100 + password).result()

        main.invoke(1, config)
        main.invoke(Command(resume={"password": "sesame-open-7391"}), config)
        calls = [str(saver.load(ThreadKey("t", "", one))) for one in namespaces(saver)]
    assert "log_in(" in calls[0]
    assert "sesame" not in calls[0]


def namespaces(saver):
    """Those of the sub-graphs of the thread."""
    found = saver.load(ThreadKey("t"))
    positions = [found, *saver.history(ThreadKey("t"))]
    return {call.ns for one in positions for calls in one.entered.values() for call in calls.values()}


def test_an_answer_in_the_body_of_a_task_survives_a_failure_behind_it(saver, config, did):
    @task
    def work():
        found = interrupt("a")
        did["work"] += 1
        if did["work"] == 1:
            raise ConnectionError("not now")
        return found

    @entrypoint(checkpointer=saver)
    def main(value):
        return work().result()

    main.invoke(1, config)
    with pytest.raises(ConnectionError):
        main.invoke(Command(resume="A"), config)
    assert main.invoke(None, config) == "A"
