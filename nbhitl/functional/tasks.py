"""`@task`: a function whose calls are made once, however often the body around them runs."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast, overload

from nbhitl.engine.channels import LastValue
from nbhitl.engine.description import ByKey, Graph, Node, Shape, is_async
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.policies import CachePolicy, Retry, Timeout
from nbhitl.engine.ports import BaseCache
from nbhitl.engine.records import END, START
from nbhitl.functional.bodies import RESULT, checked_name, extras, policies, types_of
from nbhitl.functional.call import CALL
from nbhitl.functional.calling import calls_of
from nbhitl.functional.futures import SyncAsyncFuture
from nbhitl.run.cached import namespace
from nbhitl.run.context import CURRENT

P = ParamSpec("P")
T = TypeVar("T")
_SHAPE: Final = Shape(keys=(CALL,))


class TaskFunction(Generic[P, T]):
    """A function that was made a task: calling it, in a body, gives a future of its result.

    ``func`` is the function itself; ``graph`` the graph of one node in which a call of it runs.
    """

    def __init__(
        self,
        func: Callable[P, Any],
        *,
        name: str | None = None,
        retry_policy: Retry | None = None,
        cache_policy: CachePolicy | None = None,
        timeout: Timeout | None = None,
    ) -> None:
        found = checked_name(func, name, "task")
        functools.update_wrapper(self, func)
        self.func, self.name = func, found
        given = policies(func, found, retry_policy, cache_policy, timeout)
        self.awaits = is_async(func)
        node = Node(found, func, takes=extras(func), shape=_SHAPE, pack=_packed, **given)
        self.graph = Graph(
            nodes={found: node},
            channels={CALL: LastValue(str), RESULT: LastValue()},
            edges={START: (found,), found: (END,)},
            routers={},
            input_keys=frozenset({CALL}),
            output_keys=frozenset({RESULT}),
            name=found,
            types=types_of(func),
            unpack=_unpacked,
            takes=CALL,
            gives=RESULT,
            called=True,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> SyncAsyncFuture[T]:
        """Make a call; a future of its result: ``.result()`` in a sync body, ``await`` in an async one.

        Raises:
            NbhitlError: called outside of a run; or the task is async, and the body is not.
            TaskChanged: the same code has called it with other arguments when it ran before.
        """
        inside = CURRENT.get()
        if inside is None:
            raise NbhitlError(
                f"task {self.name!r} was called outside of a run, where nobody would keep its result. Call it in an "
                f"@entrypoint, another task or a graph's node; for the plain function: {self.name}.func(...). A thread "
                "that a body starts needs the body's context: contextvars.copy_context().run(...)."
            )
        return cast(SyncAsyncFuture[T], calls_of(inside).call(self, (args, kwargs)))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A task in a class takes the instance first, as a method does."""
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<task {self.name}>"

    def clear_cache(self, cache: BaseCache) -> None:
        """Forget the results of this task that a cache keeps."""
        cache.clear([namespace(self.graph, self.name)])

    async def aclear_cache(self, cache: BaseCache) -> None:
        """As `clear_cache`, without blocking the loop."""
        await asyncio.to_thread(self.clear_cache, cache)

    def as_action(self) -> Callable[..., Any]:
        """This task as a plain function: makes a call and returns its result."""
        return lambda *args, **kwargs: self(*args, **kwargs).result()


def _packed(value: Any) -> tuple[tuple[str, Any], ...]:
    return ((RESULT, value),)


def _unpacked(value: Any) -> tuple[tuple[str, Any], ...]:
    """What somebody writes into the state of a call: its result; or `ByKey`, some keys."""
    return tuple(value.items()) if isinstance(value, ByKey) else _packed(value)


class _Decorator:
    """`task` with options: makes a `TaskFunction` of what it stands above."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    @overload
    def __call__(self, func: Callable[P, Awaitable[T]], /) -> TaskFunction[P, T]: ...

    @overload
    def __call__(self, func: Callable[P, T], /) -> TaskFunction[P, T]: ...

    def __call__(self, func: Callable[..., Any], /) -> TaskFunction[..., Any]:
        return TaskFunction(func, **self._options)


@overload
def task(func: Callable[P, Awaitable[T]], /) -> TaskFunction[P, T]: ...


@overload
def task(func: Callable[P, T], /) -> TaskFunction[P, T]: ...


@overload
def task(
    *,
    name: str | None = None,
    retry_policy: Retry | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: Timeout | None = None,
) -> _Decorator: ...


def task(
    func: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    retry_policy: Retry | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: Timeout | None = None,
) -> Any:
    """Make a function a task: ``@task``, or ``@task(name=..., ...)``.

    In a run, calling it returns a future at once, and calls run side by side; ``.result()`` (in an async body
    ``await``) gives the result. That is durable before it is handed out, so a body that runs again, after an answer, a
    failure or a kill, gets it without the function being called again. A task may ask people, call other tasks and
    sub-graphs, and stream.

    A call is known by its arguments, so these have to be the same when the body runs again: put what changes, e.g. the
    time or a random number, into a task of its own. (Ids of chat messages do not count.) They need not be storable; the
    result has to be.

    Args:
        func: the function, sync or async; an async one can be called in async bodies only.
        name: how it is called; the function's name by default.
        retry_policy: when it is tried again, see `nbhitl.RetryPolicy`; of several, the first to know the error counts.
        cache_policy: that a result of an earlier run may be taken, see `nbhitl.CachePolicy`.
        timeout: how long one attempt of an async task may take: seconds, a timedelta or a `nbhitl.TimeoutPolicy`.

    Raises:
        GraphError: it cannot be a task: a generator, a lambda without a name, a timeout on a sync function.
    """
    options: dict[str, Any] = {
        "name": name,
        "retry_policy": retry_policy,
        "cache_policy": cache_policy,
        "timeout": timeout,
    }
    return _Decorator(options) if func is None else TaskFunction(func, **options)
