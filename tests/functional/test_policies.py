"""Retries, caching and time limits of tasks and entrypoints."""

import asyncio
import inspect

import pytest

import nbhitl
from nbhitl import CachePolicy, InMemoryCache, NodeTimeoutError, RetryPolicy, entrypoint, task

SOON = RetryPolicy(initial_interval=0.001, jitter=False, retry_on=ConnectionError)


def test_a_task_is_tried_again_and_its_caller_is_not(saver, config, did):
    @task(retry_policy=SOON)
    def work():
        did["work"] += 1
        if did["work"] < 3:
            raise ConnectionError("not now")
        return did["work"]

    @entrypoint(checkpointer=saver)
    def main(value):
        did["main"] += 1
        return work().result()

    assert main.invoke(1, config) == 3
    assert did == {"work": 3, "main": 1}


def test_an_entrypoint_is_tried_again_and_its_finished_tasks_are_not(saver, config, did):
    @task
    def work():
        did["work"] += 1
        return "done"

    @entrypoint(checkpointer=saver, retry_policy=SOON)
    def main(value):
        found = work().result()
        did["main"] += 1
        if did["main"] < 3:
            raise ConnectionError("not now")
        return found

    assert main.invoke(1, config) == "done"
    assert did == {"work": 1, "main": 3}


def test_a_cached_task_is_run_once_for_each_of_its_arguments(saver, did):
    @task(cache_policy=CachePolicy())
    def work(n, more=0):
        did[n] += 1
        return n

    @entrypoint(checkpointer=saver, cache=InMemoryCache())
    def main(n):
        return work(n, more=n).result()

    threads = [{"configurable": {"thread_id": str(n)}} for n in range(4)]
    assert [main.invoke(n, thread) for n, thread in zip([1, 1, 2, 1], threads, strict=True)] == [1, 1, 2, 1]
    assert did == {1: 1, 2: 1}


def test_the_cache_of_a_task_can_be_cleared(did):
    cache = InMemoryCache()

    @task(cache_policy=CachePolicy(key_func=str))
    def work(n):
        did[n] += 1
        return n

    @entrypoint(cache=cache)
    def main(n):
        return work(n).result()

    main.invoke(1)
    work.clear_cache(cache)
    main.invoke(1)
    asyncio.run(work.aclear_cache(cache))
    main.invoke(1)
    assert did[1] == 3


def test_an_async_task_that_takes_too_long_is_given_up():
    @task(timeout=0.05)
    async def work():
        await asyncio.sleep(10)

    @entrypoint()
    async def main(value):
        try:
            await work()
        except NodeTimeoutError:
            return "given up"

    assert asyncio.run(main.ainvoke(1)) == "given up"


def test_a_policy_that_makes_no_sense_is_refused_where_it_stands():
    with pytest.raises(nbhitl.GraphError, match="max_attempts"):

        @task(retry_policy=RetryPolicy(max_attempts=0))
        def work():
            return 1


def test_all_that_is_wrong_with_policies_is_said_at_once():
    with pytest.raises(nbhitl.GraphError, match=r"'work': max_attempts=0.* ttl=-1.* a sync function cannot be broken"):

        @task(retry_policy=RetryPolicy(max_attempts=0), cache_policy=nbhitl.CachePolicy(ttl=-1), timeout=1)
        def work():
            return 1


def test_decorators_keep_the_name_the_text_and_the_signature():
    @task
    def work(n: int) -> int:
        """What it does."""
        return n

    assert (work.__name__, work.__doc__) == ("work", "What it does.")
    assert list(inspect.signature(work.func).parameters) == ["n"]
