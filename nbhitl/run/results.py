"""What a task's body takes, and what its result, its routers and its errors mean. Calls routers, but no body."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from nbhitl.engine import moves
from nbhitl.engine.commands import PARENT, Command, destinations
from nbhitl.engine.description import ROOT, WHOLE, Graph, Router, Shape
from nbhitl.engine.errors import (
    GraphInterrupt,
    InvalidUpdateError,
    NbhitlError,
    ParentCommand,
    PauseSwallowed,
    UnknownKeyWarning,
    UnknownNodeError,
    did_you_mean,
)
from nbhitl.engine.records import END, MISSING, Entry, Failed, Send, Wrote
from nbhitl.run.context import SWALLOWED, TaskContext
from nbhitl.run.remarks import remark
from nbhitl.run.runtime import extras, not_given
from nbhitl.run.vault import VAULT

Entries: TypeAlias = tuple[Entry, ...]
Updates: TypeAlias = tuple[tuple[str, Any], ...]


def shaped(job: TaskContext, shape: Shape, values: Mapping[str, Any]) -> Any:
    """What a function of this shape takes of the state."""
    if shape is WHOLE:
        return dict(values)
    found = dict(values) if shape.keys is None else {name: values[name] for name in shape.keys if name in values}
    if shape.managed:
        left = job.run.rules.last_step - job.position.checkpoint.step - 1
        for name, what in shape.managed.items():
            found[name] = left if what == "remaining_steps" else left == 1
    return found if shape.build is None else shape.build(found)


def arguments(job: TaskContext) -> tuple[Any, dict[str, Any]]:
    """The state (or the Send's own input) and what the function wants beside it."""
    node, task = job.node, job.task
    state = shaped(job, node.shape, job.values) if task.arg is MISSING else task.arg
    return state, extras(job, node.takes) if node.takes else {}


def taken(job: TaskContext) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a body is called with: of a `@task` its own arguments, which go before what the run would fill in."""
    state, more = arguments(job)
    if not job.run.graph.called:
        return (state,), more
    args, kwargs = job.run.given
    if more:
        given = inspect.signature(job.node.action).bind_partial(*args, **kwargs).arguments
        more = {name: value for name, value in more.items() if name not in given}
    return args, {**kwargs, **more}


def wrote(job: TaskContext, result: Any) -> Wrote:
    """What a body's result means, before its routers have spoken.

    Raises:
        ParentCommand: the body leaves its graph.
    """
    if job.pause is not None:
        raise PauseSwallowed(SWALLOWED.format(node=job.task.node))
    if job.node.pack is not None:
        return Wrote(job.task.id, job.node.pack(result))
    if result is None:
        return Wrote(job.task.id)
    if type(result) is dict and ROOT not in job.run.graph.channels:
        return Wrote(job.task.id, _known(job, tuple(result.items()), quiet=job.node.graph is not None))
    updates: list[tuple[str, Any]] = []
    goto: list[str | Send] = []
    several = isinstance(result, (list, tuple)) and any(isinstance(part, Command) for part in result)
    for part in result if several else [result]:
        update = part
        if isinstance(part, Command):
            _check_graph(job, part)
            goto += destinations(part.goto)
            update = part.update
        if update is not None:
            updates += _unpacked(job, update)
    # What a sub-graph has beside our keys is its own; what it sends with a Command is meant for us.
    quiet = job.node.graph is not None and not isinstance(result, Command)
    return Wrote(job.task.id, _known(job, tuple(updates), quiet=quiet), tuple(goto))


def _check_graph(job: TaskContext, command: Command) -> None:
    if command.graph is None:
        return
    if command.graph != PARENT:
        raise InvalidUpdateError(
            f"node {job.task.node!r} returned Command(graph={command.graph!r}): it is None, or Command.PARENT."
        )
    if job.run.parent is None:
        raise InvalidUpdateError(
            f"node {job.task.node!r} returned Command(graph=Command.PARENT), but its graph is no sub-graph: "
            "nothing called it."
        )
    raise ParentCommand(command)


def _unpacked(job: TaskContext, update: Any) -> Updates:
    found = job.run.graph.unpack(update)
    if found is None and isinstance(update, (list, tuple)) and all(_is_pair(part) for part in update):
        found = tuple((str(name), value) for name, value in update)
    if found is None:
        raise InvalidUpdateError(
            f"{_who(job)} {type(update).__name__}: {update!r:.60}. "
            "Give a dict of the state keys to change, a Command, or None."
        )
    return found


def _who(job: TaskContext) -> str:
    return f"{job.run.who} was given" if job.run.who else f"node {job.task.node!r} returned"


def _is_pair(part: Any) -> bool:
    return isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str)


def _known(job: TaskContext, updates: Updates, *, quiet: bool) -> Updates:
    """``updates`` of keys that the state has."""
    channels = job.run.graph.channels
    for name, _ in updates:
        if name not in channels:
            break
    else:
        return updates
    if not quiet:
        for name, _ in updates:
            if name not in channels:
                unknown_key(job.run.graph, _who(job), name, at=job.node.action)
    return tuple(pair for pair in updates if pair[0] in channels)


def unknown_key(graph: Graph, who: str, name: object, *, known: Collection[str] | None = None, at: Any = None) -> None:
    """Say that a key is none of ``known`` (the state's, unless given): a warning, or an error in a strict graph.

    ``at`` is the function that the warning points at.
    """
    keys = graph.channels if known is None else known
    of = "the input schema" if known is not None and name in graph.channels else "the state"
    text = f"{who} {name!r}, which is no key of {of}.{did_you_mean(name, keys)}"
    if graph.strict:
        raise InvalidUpdateError(text)
    remark(at, f"{text} It was left out; compile(strict=True) makes this an error.", UnknownKeyWarning)


def routed(job: TaskContext, entry: Wrote, chosen: Sequence[Any]) -> Wrote:
    """``entry`` with what the node's routers chose."""
    goto = list(entry.goto)
    for router, choice in zip(routers(job), chosen, strict=True):
        goto += _ends(router, choice)
    nodes = job.run.graph.nodes
    for target in goto:
        if type(target) is not str or (target not in nodes and target != END):
            check_target(job.run.graph, target, f"node {job.task.node!r}")
    return Wrote(entry.task, entry.updates, tuple(goto), entry.by)


def check_target(graph: Graph, target: str | Send, who: str) -> None:
    """Raises `UnknownNodeError` where a destination is no node."""
    name = target.node if isinstance(target, Send) else target
    if name not in graph.nodes and (name != END or isinstance(target, Send)):
        raise UnknownNodeError(f"{who} wants to go to {name!r}, which is no node.{did_you_mean(name, graph.nodes)}")


def routers(job: TaskContext) -> tuple[Router, ...]:
    """The node's conditional edges; none where its error handler runs, which says itself where to go."""
    if job.failure is not None:
        return ()
    return job.run.graph.routers.get(job.task.node, ())


def choices(job: TaskContext, entry: Wrote) -> list[Any]:
    """What the node's routers say, or their awaitables: each sees the state with the node's own writes."""
    found = routers(job)
    if not found:
        return []
    state = moves.preview(job.run.graph, job.values, entry.updates)
    return [
        router.path(_seen(job, router, state, entry), **(extras(job, router.takes) if router.takes else {}))
        for router in found
    ]


def _seen(job: TaskContext, router: Router, state: Mapping[str, Any], entry: Wrote) -> Any:
    found = shaped(job, router.shape, state)
    if router.sees_returned and router.shape.keys is not None and type(found) is dict:
        return {**dict(entry.updates), **found}
    return found


def ended(job: TaskContext, error: BaseException) -> Entries:
    """What a raised exception means. Signals that are not ours (Ctrl-C, cancellation) pass."""
    if isinstance(error, BaseExceptionGroup):
        pauses, rest = error.split(GraphInterrupt)
        if pauses is not None and rest is None:
            return tuple(e for pause in leaves(pauses) if isinstance(pause, GraphInterrupt) for e in pause.entries)
        error = rest if rest is not None else error  # a failure counts for more than the questions beside it
        ours = [leaf for leaf in leaves(error) if isinstance(leaf, NbhitlError)]
        error = ours[0] if ours else error  # it names the cure
    if isinstance(error, GraphInterrupt):
        return error.entries
    if not isinstance(error, Exception):
        raise error
    VAULT.hush(error)  # a body may have put a secret that it was told into its error, which is stored and shown
    failed = Failed(job.task.id, type(error).__name__, VAULT.hidden(_text(error)), error)
    error.add_note(f"in node {job.task.node!r}")
    if hint := not_given(job, error):
        error.add_note(hint)
    return (failed,)


def _ends(router: Router, choice: Any) -> list[str | Send]:
    if type(choice) is str and router.ends is not None and choice in router.ends:
        return [router.ends[choice]]
    found: list[str | Send] = []
    for one in choice if isinstance(choice, (list, tuple)) else [choice]:
        if isinstance(one, Send) or router.ends is None:
            found.append(one)
        elif one in router.ends:
            found.append(router.ends[one])
        else:
            ways = ", ".join(repr(key) for key in router.ends)
            raise UnknownNodeError(f"the router after {router.source!r} returned {one!r}; it knows only {ways}.")
    return found


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, at any depth; of another exception itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from leaves(part)
    else:
        yield error


def _text(error: Exception) -> str:
    return "".join(traceback.format_exception_only(error)).strip()
