"""`Stream`: the chunks of one call, of its sub-graphs and of what its bodies say while they run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from nbhitl.engine.commands import Interrupt
from nbhitl.engine.records import Stopped
from nbhitl.run.running import Listener, Run
from nbhitl.run.streams import langchain
from nbhitl.run.streams.chunks import Chunks
from nbhitl.run.streams.messages import Seen
from nbhitl.run.streams.options import LIVE, StreamMode, StreamOptions
from nbhitl.run.streams.pipe import Pipe
from nbhitl.run.world import Chunk, Emitted, Event


class Stream:
    """What one call streams; the outlet of its bodies. Made before the run is driven."""

    def __init__(self, options: StreamOptions, run: Run) -> None:
        self.options = options
        self._wanted: frozenset[StreamMode] = frozenset((*options.modes, *options.printed))
        self._seen = Seen()
        self._chunks = Chunks(run, self._wanted, self._packed, self._seen, options.keys, typed=options.version == "v2")
        self._below: dict[int, Chunks] = {}
        self._ns = run.key.ns
        self._outer = run.outlet
        """Of a stream that a body reads: where the stream around it takes what happens."""
        self.modes = (self._wanted & LIVE) | (frozenset() if self._outer is None else self._outer.modes)
        self._around: Listener | None = None
        """Who hears of sub-graphs beside this stream."""
        self.pipe = Pipe()
        self._kept: deque[Any] = deque()
        """What calls of tasks did, where that is shown when their body has ended."""
        self.live = options.live or run.graph.function
        run.watched = True
        run.calls = self._hear
        if self.live:
            self._watch(run)

    def _watch(self, run: Run) -> None:
        """Hear what happens while bodies run."""
        run.outlet, run.pipe = self, self.pipe
        if self.options.subgraphs:
            self._around = run.listener
            run.listener = self._hear
        if "messages" in self._wanted and langchain.listen(run):
            self.pipe.context = lambda: langchain.listening(run)

    # -- from the bodies' threads

    def put(self, event: Emitted, ns: str) -> None:
        """Take what a body says, to whoever reads this stream or one around it."""
        mode = event.mode
        if mode in self._wanted and (self.options.subgraphs or ns == self._ns):
            if mode == "messages":
                self._seen.add(event.data[0])
            self._offer(self._packed(ns, mode, event.data, ()))
        if self._outer is not None and mode in self._outer.modes:
            self._outer.put(event, ns)

    async def room(self) -> None:
        """Wait until there is room for more: for async bodies, whose writers never wait."""
        await self.pipe.room()
        if self._outer is not None:
            await self._outer.room()

    def _hear(self, run: Run, event: Event) -> None:
        """Take note of what happened in a sub-graph, on the thread that runs it."""
        chunks = self._below.get(id(run))
        if chunks is None:
            chunks = self._below[id(run)] = Chunks(
                run, self._wanted, self._packed, self._seen, typed=self.options.version == "v2"
            )
            if not run.graph.called:
                self._offer(chunks.first())
        if not run.graph.called or (self.options.subgraphs or run.shown_in == self._ns):
            self._offer(chunks.of(event))
        if isinstance(event, Stopped):
            del self._below[id(run)]
        if self._around is not None:
            self._around(run, event)

    def _offer(self, found: Iterator[Any]) -> None:
        for item in found:
            if self.live:
                self.pipe.offer(Chunk(item))
            else:
                self._kept.append(item)

    # -- for whoever reads

    def first(self) -> Iterator[Any]:
        """What is yielded before anything happens."""
        return self._chunks.first()

    def of(self, event: Event) -> Iterator[Any]:
        """What is yielded of one event of the run."""
        if isinstance(event, Chunk):
            yield event.item
        else:
            while self._kept:
                yield self._kept.popleft()
            yield from self._chunks.of(event)

    def close(self) -> None:
        """Nobody reads any more: what bodies still say is dropped, and none of them waits."""
        self.pipe.close()

    def _packed(self, ns: str, mode: StreamMode, data: Any, asked: tuple[Interrupt, ...]) -> Iterator[Any]:
        """A chunk in the shape that was asked for."""
        options = self.options
        path = tuple(ns.split("|")) if ns else ()
        if options.version == "v2":
            item: Any = {"type": mode, "ns": path, "data": data}
            if mode == "values":
                item["interrupts"] = asked
        else:
            if asked:
                data = {**data, "__interrupt__": asked} if isinstance(data, dict) else {"__interrupt__": asked}
            item = (mode, data) if options.paired else data
            if options.subgraphs:
                item = (path, mode, data) if options.paired else (path, data)
        if mode in options.printed:
            print(f"[{mode}]", *([path] if options.subgraphs else []), data)
        if mode in options.modes:
            yield item
