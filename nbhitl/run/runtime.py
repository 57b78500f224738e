"""`Runtime`: what a run offers to bodies beside the state. Given to a parameter of that name, or by `get_runtime`.

It is made when a body wants it, once for each performance: bodies that do not ask pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Final, Generic, Literal, TypeAlias, overload

from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.generics import ContextT
from nbhitl.engine.records import EMPTY
from nbhitl.engine.stores import BaseStore
from nbhitl.run.config import config_of
from nbhitl.run.context import TaskContext, here
from nbhitl.run.world import RunControl

StreamWriter: TypeAlias = Callable[[Any], None]
"""Streams a value to whoever watches with ``stream_mode="custom"``; does nothing where nobody does."""
Extra: TypeAlias = Literal["config", "runtime", "store", "writer", "previous"]

PREVIOUS: Final = "previous"
"""The channel of an entrypoint that holds what its last call saved."""


def _unheard(_: Any) -> None:
    """Streams to nobody."""


def _alive() -> None:
    """Tells nobody that the body is alive."""


@dataclass(frozen=True, slots=True)
class ExecutionInfo:
    """Which performance of which task this is."""

    checkpoint_id: str
    """The checkpoint that the task belongs to."""
    checkpoint_ns: str
    """Where the task stands: the nodes that lead to it with their tasks' ids, ``outer:id|inner:id``."""
    task_id: str
    thread_id: str | None = None
    run_id: str | None = None
    """The ``run_id`` of the call's config, where one was given."""
    node_attempt: int = 1
    """1 at first, one more after each error that is tried again."""
    node_first_attempt_time: float | None = None
    """When the first attempt began, in seconds since 1970."""


@dataclass(frozen=True, kw_only=True)  # with slots, Runtime[Ctx](...) would raise: dataclasses make another class
class Runtime(Generic[ContextT]):
    """What a run offers to a body beside the state. Annotate with the context: ``runtime: Runtime[Ctx]``."""

    context: ContextT = None  # type: ignore[assignment]  # where nothing was given, as documented
    """What the caller gave as ``context=``; None where nothing was given. It is not stored: give it again to go on."""
    store: BaseStore | None = None
    """Memory across threads, as given to ``compile(store=...)``."""
    stream_writer: StreamWriter = _unheard
    heartbeat: Callable[[], None] = _alive
    """Tells that the body is alive, for a `TimeoutPolicy` with an ``idle_timeout``."""
    previous: Any = None
    """What the last call of this entrypoint on this thread saved; None in a graph."""
    execution_info: ExecutionInfo | None = None
    """None only in a runtime that was made by hand."""
    server_info: Any = None
    """Always None: LangGraph's servers fill it in."""
    control: RunControl | None = None
    """What the caller gave as ``control=``."""

    @property
    def drain_requested(self) -> bool:
        """Whether the run was asked to stop at the next node: a long body may want to end early."""
        return self.control is not None and self.control.drain_requested

    @property
    def drain_reason(self) -> str | None:
        """Why it was asked to; None where it was not."""
        return None if self.control is None else self.control.drain_reason

    def override(self, **changes: Any) -> Runtime[ContextT]:
        """The same with other values of some fields. Raises `NbhitlError` for a name that is no field."""
        names = [field.name for field in fields(self)]
        for name in changes:
            if name not in names:
                raise NbhitlError(f"Runtime.override({name}=...): there is no such field.{did_you_mean(name, names)}")
        return replace(self, **changes)

    def merge(self, other: Runtime[ContextT]) -> Runtime[ContextT]:
        """What ``other`` says, and of what it leaves at the default what this one says."""
        said = {
            field.name: value
            for field in fields(other)
            if (value := getattr(other, field.name)) is not field.default and value is not None
        }
        return replace(self, **said)


def runtime_of(job: TaskContext) -> Runtime[Any]:
    """The runtime of a performance: the same one whenever it is asked for."""
    if job.runtime is None:
        job.runtime = Runtime(
            context=job.run.context,
            store=job.run.world.store,
            stream_writer=partial(job.emit, "custom"),
            heartbeat=_alive if job.beat is None else job.beat,
            previous=None if job.node.pack is None else job.values.get(PREVIOUS),
            execution_info=_info(job),
            control=job.run.control,
        )
    return job.runtime


def _info(job: TaskContext) -> ExecutionInfo:
    run, task = job.run, job.task
    thread, run_id = run.config.get("configurable", EMPTY).get("thread_id"), run.config.get("run_id")
    return ExecutionInfo(
        checkpoint_id=job.position.checkpoint.id,
        checkpoint_ns=run.key.below(f"{task.node}:{task.id}"),
        task_id=task.id,
        thread_id=run.key.thread or (None if thread is None else str(thread)),
        run_id=None if run_id is None else str(run_id),
        node_attempt=job.attempt,
        node_first_attempt_time=(job.begun or run.world.clock.now()) / 1e6,
    )


def extras(job: TaskContext, takes: Collection[str]) -> dict[str, Any]:
    """What a function wants beside the state, by parameter; ``takes`` holds names of `Extra`."""
    found: dict[str, Any] = {}
    for name in takes:
        match name:
            case "config":
                found[name] = config_of(job)
            case "runtime":
                found[name] = runtime_of(job)
            case "store":
                found[name] = job.run.world.store
            case "writer":
                found[name] = runtime_of(job).stream_writer
            case "previous":
                found[name] = runtime_of(job).previous
            case _:
                raise AssertionError(f"nothing fills in {name!r}")
    return found


def not_given(job: TaskContext, error: Exception) -> str:
    """What to say to a body that tripped over a context or a store that it was not given; empty where it did not."""
    attribute = error.name if isinstance(error, AttributeError) and error.obj is None else ""
    if attribute and job.run.world.store is None and hasattr(BaseStore, attribute):
        return "The store is None: give one, compile(store=...), or in a cell --store NAME."
    if job.runtime is None or job.run.context is not None:
        return ""
    key = isinstance(error, TypeError) and str(error) == "'NoneType' object is not subscriptable"
    if not attribute and not key:
        return ""
    return (
        "runtime.context is None: the call gave no context= (in a cell: --context NAME). It is not stored, so give it "
        "again to go on."
    )


@overload
def get_runtime(context_schema: type[ContextT]) -> Runtime[ContextT]: ...


@overload
def get_runtime(context_schema: None = None) -> Runtime[Any]: ...


def get_runtime(context_schema: type[Any] | None = None) -> Runtime[Any]:
    """The runtime of the body that calls this: of a node, a router, a `@task` or an entrypoint.

    Args:
        context_schema: tells type checkers what ``.context`` is; nothing is done with it.

    Raises:
        NbhitlError: called outside a body.
    """
    return runtime_of(here("get_runtime"))


def get_stream_writer() -> StreamWriter:
    """A function that streams a value from the body that calls this, see `StreamWriter`.

    Raises:
        NbhitlError: called outside a body.
    """
    return runtime_of(here("get_stream_writer")).stream_writer


def get_store() -> BaseStore:
    """The store that the graph was compiled with.

    Raises:
        NbhitlError: called outside a body, or the graph was compiled without a store.
    """
    job = here("get_store")
    store = job.run.world.store
    if store is None:
        raise NbhitlError(
            f"node {job.task.node!r} called get_store(), but the graph has no store: compile(store=InMemoryStore())."
        )
    return store


def get_config() -> Mapping[str, Any]:
    """The config of the call, as a parameter named ``config`` gets it.

    Raises:
        NbhitlError: called outside a body.
    """
    return config_of(here("get_config"))
