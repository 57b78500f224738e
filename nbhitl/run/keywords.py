"""The keywords of ``invoke``, for the overloads that type checkers read. Never imported in a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, Literal, TypedDict

from nbhitl.engine.generics import RunContextT
from nbhitl.run.streams.options import StreamMode
from nbhitl.run.world import Durability, RunControl


class Keywords(TypedDict, Generic[RunContextT], total=False):
    """Those that do not change what is returned."""

    context: RunContextT | Mapping[str, Any] | None
    interrupt_before: Literal["*"] | Iterable[str] | None
    interrupt_after: Literal["*"] | Iterable[str] | None
    durability: Durability
    control: RunControl | None
    rename: Mapping[str, str]
    restart: bool


class AllKeywords(Keywords[RunContextT], Generic[RunContextT], total=False):
    """And those that do."""

    stream_mode: StreamMode | Sequence[StreamMode]
    output_keys: str | Sequence[str] | None
