"""What a node may be given beside its function: when it is tried again, how long it may take, how long a result counts.

Names and defaults are LangGraph's. Plain values: `nbhitl.run.policies` does what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

RetryOn: TypeAlias = type[Exception] | Sequence[type[Exception]] | Callable[[Exception], bool]


def default_retry_on(error: Exception) -> bool:
    """Whether trying again may help: not where the program itself is wrong."""
    return not isinstance(
        error,
        (
            ValueError,
            TypeError,
            ArithmeticError,
            ImportError,
            LookupError,
            NameError,
            SyntaxError,
            RuntimeError,
            ReferenceError,
            StopIteration,
            StopAsyncIteration,
            OSError,
        ),
    ) or isinstance(error, ConnectionError)


class RetryPolicy(NamedTuple):
    """When a node that raised is tried again, and after how long.

    The wait before attempt ``n`` is ``min(max_interval, initial_interval * backoff_factor ** (n - 2))`` seconds.
    """

    initial_interval: float = 0.5
    """Seconds before the second attempt."""
    backoff_factor: float = 2.0
    max_interval: float = 128.0
    """Seconds; no wait is longer."""
    max_attempts: int = 3
    """Attempts in all, the first one included."""
    jitter: bool = True
    """Add up to one second by chance, so that many that failed together do not come back together."""
    retry_on: RetryOn = default_retry_on
    """Exception classes, or a function of the exception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """That a node's result may be taken from an earlier run with the same input."""

    key_func: Callable[..., str | bytes] | None = None
    """From the node's input to what the result is known by; None: a digest of the whole input."""
    ttl: int | None = None
    """Seconds that a result counts; None: for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutPolicy:
    """How long one attempt of an async node may take."""

    run_timeout: float | timedelta | None = None
    """For all of it; seconds, or a timedelta."""
    idle_timeout: float | timedelta | None = None
    """Without a sign of life."""
    refresh_on: Literal["auto", "heartbeat"] = "auto"
    """What is a sign of life: ``auto`` whatever it streams or calls, and heartbeats; ``heartbeat`` these alone."""


ErrorHandler: TypeAlias = Callable[..., Any]
