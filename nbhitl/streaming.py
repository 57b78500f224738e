"""Calls of a compiled graph that are streamed, sync and async. The chunks are made in `nbhitl.run.streams`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, closing
from typing import Any

from nbhitl.calls import CallOptions, Calls, Config
from nbhitl.nesting import Nest
from nbhitl.run.claims import Claim, on_thread
from nbhitl.run.context import TaskContext
from nbhitl.run.drive import adrive, drive
from nbhitl.run.outputs import raise_failure
from nbhitl.run.running import Run
from nbhitl.run.streams.options import StreamOptions
from nbhitl.run.streams.stream import Stream
from nbhitl.stand_ins import following


def stream(
    calls: Calls,
    input: Any,
    config: Config,
    options: CallOptions,
    wanted: StreamOptions,
    inside: TaskContext | None,
) -> Iterator[Any]:
    """Run, and yield chunks meanwhile; ``inside`` is the task whose body is calling."""
    if inside is not None:
        yield from _inner(calls.nested(input, config, options, inside, as_node=False), wanted)
        return
    claim = Claim()
    try:  # whoever leaves the stream half-way lets the thread go
        while True:
            run = calls.prepare(input, config, options, claim)
            yield from _watched(run, wanted)
            answered = following(calls, run, config, options)
            if answered is None:
                break
            input, config, options = answered
    finally:
        claim.release()
    raise_failure(run)


def _watched(run: Run, wanted: StreamOptions) -> Iterator[Any]:
    chunks = Stream(wanted, run)
    with closing(chunks), closing(drive(run)) as events:
        yield from chunks.first()
        for event in events:
            yield from chunks.of(event)


def _inner(nest: Nest, wanted: StreamOptions) -> Iterator[Any]:
    """The same for a call from a body."""
    chunks = Stream(wanted, nest.run)
    with closing(chunks), closing(drive(nest.run)) as events, closing(nest.events(events)) as told:
        yield from chunks.first()
        for event in told if nest.open else ():
            yield from chunks.of(event)
    nest.result()


async def astream(
    calls: Calls,
    input: Any,
    config: Config,
    options: CallOptions,
    wanted: StreamOptions,
    inside: TaskContext | None,
) -> AsyncGenerator[Any, None]:
    """As `stream`, on the running loop."""
    if inside is not None:
        nest = calls.nested(input, config, options, inside, as_node=False)
        async with aclosing(_ainner(nest, wanted)) as found:
            async for chunk in found:
                yield chunk
        return
    claim = Claim()
    try:
        while True:
            run = await on_thread(calls.world.saver, calls.prepare, input, config, options, claim=claim)
            async with aclosing(_awatched(run, wanted)) as found:
                async for chunk in found:
                    yield chunk
            answered = following(calls, run, config, options)
            if answered is None:
                break
            input, config, options = answered
    finally:
        claim.release()
    raise_failure(run)


async def _awatched(run: Run, wanted: StreamOptions) -> AsyncGenerator[Any, None]:
    chunks = Stream(wanted, run)
    with closing(chunks):
        async with aclosing(adrive(run)) as events:
            for chunk in chunks.first():
                yield chunk
            async for event in events:
                for chunk in chunks.of(event):
                    yield chunk


async def _ainner(nest: Nest, wanted: StreamOptions) -> AsyncGenerator[Any, None]:
    chunks = Stream(wanted, nest.run)
    with closing(chunks):
        async with aclosing(adrive(nest.run)) as events, aclosing(nest.aevents(events)) as told:
            for chunk in chunks.first():
                yield chunk
            if nest.open:
                async for event in told:
                    for chunk in chunks.of(event):
                        yield chunk
    nest.result()
