"""Calling tasks: where, in which colour, side by side, within limits, and what becomes of what nobody asked for."""

import asyncio
import concurrent.futures
import contextvars
import threading
import time

import pytest

from nbhitl import GraphError, InMemorySaver, NbhitlError, entrypoint, task


def test_a_task_outside_of_a_run_is_an_error_that_names_the_cure():
    @task
    def work():
        return 1

    with pytest.raises(NbhitlError, match=r"work\.func\(\.\.\.\)"):
        work()
    assert work.func() == 1


def test_a_sync_body_cannot_call_an_async_task():
    @task
    async def work():
        return 1

    @entrypoint()
    def main(value):
        return work().result()

    with pytest.raises(NbhitlError, match="async def"):
        main.invoke(1)
    with pytest.raises(NbhitlError, match="async def"):
        asyncio.run(main.ainvoke(1))


def test_an_async_body_awaits_tasks_of_both_colours():
    @task
    def sync(n):
        return n + 1

    @task
    async def awaited(n):
        await asyncio.sleep(0)
        return n + 1

    @entrypoint()
    async def main(n):
        return [await sync(n), await awaited(n), *await asyncio.gather(sync(10), awaited(20))]

    assert asyncio.run(main.ainvoke(1)) == [2, 2, 11, 21]


def test_calls_run_side_by_side(saver, config):
    meet = threading.Barrier(6)

    @task
    def work(n):
        meet.wait(60)
        return n

    @entrypoint(checkpointer=saver)
    def main(value):
        return [future.result() for future in [work(n) for n in range(6)]]

    assert main.invoke(1, config) == [0, 1, 2, 3, 4, 5]


def test_calls_begin_while_the_body_does_something_else():
    begun = threading.Event()

    @task
    def work():
        begun.set()

    @entrypoint()
    def main(value):
        future = work()
        return begun.wait(60), future.done() or future.result()

    assert main.invoke(1)[0] is True


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_calls_run_at_a_time_than_the_config_says(most):
    lock, now, peak = threading.Lock(), [0], [0]

    @task
    def work(n):
        with lock:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    @entrypoint()
    def main(value):
        for future in [work(n) for n in range(8)]:
            future.result()

    main.invoke(1, {"max_concurrency": most})
    assert peak[0] <= most
    peak[0] = 0

    @entrypoint()
    async def amain(value):
        await asyncio.gather(*[work(n) for n in range(8)])

    asyncio.run(amain.ainvoke(1, {"max_concurrency": most}))
    assert peak[0] <= most


def test_tasks_that_wait_for_tasks_never_wait_for_a_free_thread():
    @task
    def deep(n):
        return n if n == 0 else deep(n - 1).result() + 1

    @entrypoint()
    def main(value):
        return [future.result() for future in [deep(30) for _ in range(5)]]

    assert main.invoke(1, {"max_concurrency": 1}) == [30] * 5


def test_a_future_may_be_given_to_another_task():
    @task
    def first():
        return 1

    @task
    def second(future):
        return future.result() + 1

    @entrypoint()
    def main(value):
        return second(first()).result()

    assert main.invoke(1) == 2


def test_a_call_sees_the_context_variables_of_its_caller():
    name = contextvars.ContextVar("name", default="nobody")

    @task
    def work():
        return name.get()

    @entrypoint()
    def main(value):
        name.set("before")
        future = work()
        name.set("after")
        return future.result()

    assert main.invoke(1) == "before"


def test_the_end_of_a_body_waits_for_the_calls_that_it_made(saver, config, did):
    @task
    def work():
        time.sleep(0.05)
        did["work"] += 1

    @entrypoint(checkpointer=saver)
    def main(value):
        work()
        return "done"

    assert main.invoke(1, config) == "done"
    assert did["work"] == 1


def test_a_failure_that_nobody_asked_about_is_not_lost():
    @task
    def work():
        raise ValueError("unheard")

    @entrypoint()
    def main(value):
        work()
        return "done"

    with pytest.raises(ValueError, match="unheard") as error:
        main.invoke(1)
    assert any("without asking" in note for note in error.value.__notes__)


def test_a_failure_that_was_asked_about_may_pass():
    @task
    def work():
        raise ValueError("no matter")

    @entrypoint()
    def main(value):
        return str(work().exception())

    assert main.invoke(1) == "no matter"


def test_a_body_that_fails_begins_no_more_calls(did):
    @task
    def work(n):
        did["work"] += 1
        time.sleep(0.05)

    @entrypoint()
    def main(value):
        for n in range(50):
            work(n)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        main.invoke(1)
    assert did["work"] < 50


def test_result_waits_as_long_as_it_is_told():
    end = threading.Event()

    @task
    def work():
        return end.wait(60)

    @entrypoint()
    def main(value):
        future = work()
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01)
        end.set()
        return future.result(timeout=60)

    assert main.invoke(1) is True


def test_an_error_of_a_task_arrives_with_its_type(saver, config):
    class Odd(Exception):
        pass

    @task
    def work():
        raise Odd("why")

    @entrypoint(checkpointer=saver)
    def main(value):
        try:
            work().result()
        except Odd as error:
            return f"caught {error}"

    assert main.invoke(1, config) == "caught why"


def test_a_task_in_a_class_takes_its_instance():
    class Sums:
        def __init__(self, base):
            self.base = base

        @task
        def add(self, n):
            return self.base + n

    @entrypoint()
    def main(n):
        return Sums(10).add(n).result()

    assert main.invoke(1) == 11


def test_a_task_has_the_name_that_it_was_given():
    @task(name="other")
    def work(n):
        return n

    @entrypoint()
    def main(n):
        return work(n).result()

    assert list(main.stream(1)) == [{"other": 1}, {"main": 1}]


def test_a_lambda_needs_a_name():
    with pytest.raises(GraphError, match="has no name"):
        task(lambda n: n)


def test_a_cancelled_call_is_not_begun(did):
    @task
    def work():
        did["work"] += 1

    @entrypoint()
    def main(value):
        return work().cancel()

    assert main.invoke(1, {"max_concurrency": 1}) is True
    assert did["work"] == 0


def test_a_wait_that_times_out_cancels_an_async_task(did):
    @task
    async def work():
        did["begun"] += 1
        await asyncio.sleep(10)
        did["ended"] += 1

    @entrypoint()
    async def main(value):
        try:
            async with asyncio.timeout(0.05):
                await work()
        except TimeoutError:
            return "too slow"

    assert asyncio.run(main.ainvoke(1)) == "too slow"
    assert did == {"begun": 1}


def test_a_thread_of_a_body_calls_tasks_with_its_context():
    @task
    def work(n):
        return n + 1

    @entrypoint()
    def main(n):
        found = []
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(lambda: found.append(work(n).result()),))
        thread.start()
        thread.join(60)
        return found

    @entrypoint()
    async def amain(n):
        return await asyncio.to_thread(lambda: work(n).result())

    assert main.invoke(1) == [2]
    assert asyncio.run(amain.ainvoke(1)) == 2


def test_ten_thousand_calls_leave_no_thread_behind(config):
    @task
    def work(n):
        return n

    @entrypoint(checkpointer=InMemorySaver())
    def main(value):
        return sum(work(n).result() for n in range(2_000))

    before = threading.active_count()
    assert main.invoke(1, config) == sum(range(2_000))
    assert threading.active_count() <= before + 2


def test_a_body_may_wait_for_its_calls_in_pythons_own_way_where_one_works_at_a_time(config):
    now, most = [], []

    @task
    def work(n):
        now.append(n)
        most.append(len(now))
        time.sleep(0.005)
        now.remove(n)
        return n

    @entrypoint()
    def main(value):
        first = sorted(future.result() for future in concurrent.futures.as_completed([work(n) for n in range(5)]))
        return first + [future.result() for future in [work(n) for n in range(5, 10)]]

    assert main.invoke(1, {**config, "max_concurrency": 1}) == list(range(10))
    assert set(most) == {1}
