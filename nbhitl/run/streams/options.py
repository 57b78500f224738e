"""What a stream is asked for: modes, sub-graphs, keys, the shape of what it yields."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict, get_args

from nbhitl.engine.commands import Interrupt
from nbhitl.engine.errors import NbhitlError, did_you_mean

StreamMode: TypeAlias = Literal["values", "updates", "custom", "messages", "tasks", "checkpoints", "debug"]
"""``values``: the whole state after each super-step; ``updates``: what each node returned; ``custom``: what bodies give
their ``writer``; ``messages``: pairs of a piece of a message and where it comes from; ``tasks``: each task as it begins
and ends; ``checkpoints``: each checkpoint, as ``get_state`` shows it; ``debug``: tasks and checkpoints with their step
and time."""
StreamVersion: TypeAlias = Literal["v1", "v2"]
"""``v1``: bare chunks, in tuples with several modes or sub-graphs; ``v2``: each chunk a `StreamPart`."""

LIVE: Final[frozenset[StreamMode]] = frozenset(("custom", "messages"))
"""What bodies stream by themselves."""


class StreamPart(TypedDict):
    """A chunk of a stream of version v2."""

    type: StreamMode
    ns: tuple[str, ...]
    """Empty for the graph itself; a part for each sub-graph on the way down."""
    data: Any
    interrupts: NotRequired[tuple[Interrupt, ...]]
    """With ``values``: the questions that wait."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a stream is asked for, checked."""

    modes: tuple[StreamMode, ...] = ("updates",)
    printed: tuple[StreamMode, ...] = ()
    """Modes whose chunks are printed."""
    paired: bool = False
    """Whether chunks come with their mode: several were asked for."""
    subgraphs: bool = False
    version: StreamVersion = "v1"
    keys: Collection[str] | None = None
    """The output keys; None for the graph's own, one name for its bare value."""

    @property
    def live(self) -> bool:
        """Whether chunks come while bodies run, so that these have to be performed elsewhere than where it is read."""
        return self.subgraphs or not LIVE.isdisjoint((*self.modes, *self.printed))


def stream_options(
    mode: StreamMode | Sequence[StreamMode],
    *,
    keys: Collection[str] | None = None,
    subgraphs: bool = False,
    version: StreamVersion = "v1",
    print_mode: StreamMode | Sequence[StreamMode] = (),
) -> StreamOptions:
    """What a stream is asked for. Raises `NbhitlError` for an unknown mode or version."""
    check_version(version)
    return StreamOptions(
        modes=_checked(mode, "stream_mode"),
        printed=_checked(print_mode, "print_mode"),
        paired=not isinstance(mode, str),
        subgraphs=subgraphs,
        version=version,
        keys=keys,
    )


def check_version(version: StreamVersion) -> None:
    """Raises `NbhitlError` for an unknown version."""
    if version not in get_args(StreamVersion):
        raise NbhitlError(
            f"unknown version {version!r}: 'v1' (bare chunks) or 'v2' (dicts that say their type and namespace)."
        )


def _checked(mode: StreamMode | Sequence[StreamMode], role: str) -> tuple[StreamMode, ...]:
    modes: tuple[StreamMode, ...] = (mode,) if isinstance(mode, str) else tuple(mode)
    for name in modes:
        if name not in get_args(StreamMode):
            known = ", ".join(get_args(StreamMode))
            hint = did_you_mean(name, get_args(StreamMode)) or f" There are {known}."
            raise NbhitlError(f"unknown {role} {name!r}.{hint}")
    return modes
