"""What a node may be given beside its function: when it is tried again, how long it may take, how long a result counts.

Names and defaults are LangGraph's. Plain values: `nbhitl.run.policies` does what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from nbhitl.engine.errors import NbhitlError, NodeCancelledError, NodeTimeoutError

RetryOn: TypeAlias = type[Exception] | Sequence[type[Exception]] | Callable[[Exception], bool]


_HOPELESS: Final = (
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
)
_HTTP: Final = frozenset({("requests", "HTTPError"), ("httpx", "HTTPStatusError")})


def default_retry_on(error: Exception) -> bool:
    """Whether trying again may help: not where the program itself is wrong.

    Of answers over HTTP (requests, httpx) those that say that the server is to blame; of nbhitl's own errors those
    about time. Other errors of the operating system do not go away by themselves, connections apart.
    """
    if isinstance(error, ConnectionError):
        return True
    if any((kind.__module__.partition(".")[0], kind.__name__) in _HTTP for kind in type(error).__mro__):
        code = getattr(getattr(error, "response", None), "status_code", None)
        return code is None or 500 <= code < 600
    if isinstance(error, NbhitlError):
        return isinstance(error, (NodeTimeoutError, NodeCancelledError))
    return not isinstance(error, _HOPELESS)


class RetryPolicy(NamedTuple):
    """When a node that raised is tried again, and after how long.

    The wait before attempt ``n`` is ``min(max_interval, initial_interval * backoff_factor ** (n - 2))`` seconds.
    """

    initial_interval: float = 0.5
    """Seconds before the second attempt."""
    backoff_factor: float = 2.0
    max_interval: float = 128.0
    """Seconds; no wait is longer, the jitter aside."""
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
"""A function of the state, and of a `NodeError` in a parameter that is annotated so, or called ``error``."""
Retry: TypeAlias = RetryPolicy | Sequence[RetryPolicy]
Timeout: TypeAlias = float | timedelta | TimeoutPolicy


def knows(policy: RetryPolicy, error: Exception) -> bool:
    """Whether a policy is about an error."""
    wanted = policy.retry_on
    if isinstance(wanted, type):
        return isinstance(error, wanted)
    if isinstance(wanted, Sequence):
        return isinstance(error, tuple(wanted))
    return bool(wanted(error))


def delay(policy: RetryPolicy, attempts: int, chance: float) -> float:
    """Seconds to wait when so many attempts have been made; ``chance``, from 0 to 1, is the jitter."""
    try:
        usual = min(policy.max_interval, policy.initial_interval * policy.backoff_factor ** (attempts - 1))
    except OverflowError:
        usual = policy.max_interval
    return usual + chance if policy.jitter else usual


def seconds(limit: float | timedelta | None) -> float | None:
    """A limit in seconds."""
    return limit.total_seconds() if isinstance(limit, timedelta) else limit


def retries(given: Retry | None) -> tuple[RetryPolicy, ...]:
    """One policy or several, as several."""
    if given is None:
        return ()
    return (given,) if isinstance(given, RetryPolicy) else tuple(given)


def limits(given: Timeout | None) -> TimeoutPolicy | None:
    """A limit for the whole of an attempt, or several, as a policy."""
    return given if given is None or isinstance(given, TimeoutPolicy) else TimeoutPolicy(run_timeout=given)


# -- what is wrong with what was given, in words


def wrong_retry(given: Any) -> str:
    """What is wrong with a ``retry_policy``; empty when nothing is."""
    several = [given] if isinstance(given, RetryPolicy) or not isinstance(given, (list, tuple)) else list(given)
    if not several:
        return "retry_policy: an empty list says nothing; leave it out, or give RetryPolicy(max_attempts=1) for none."
    for policy in several:
        if not isinstance(policy, RetryPolicy):
            return f"retry_policy={policy!r:.40}: give a RetryPolicy(...), or a list of these."
        if type(policy.max_attempts) is not int or policy.max_attempts < 1:
            return f"max_attempts={policy.max_attempts!r}: a whole number, the first attempt included, so at least 1."
        for name, least in (("initial_interval", 0), ("backoff_factor", 0), ("max_interval", 0)):
            value = getattr(policy, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
                return f"{name}={value!r:.40}: give a number, not below {least}."
        if (wrong := _wrong_errors(policy.retry_on)) is not None:
            return f"retry_on={wrong!r:.40}: give a class of exceptions, a list of these, or a function of the error."
    return ""


def _wrong_errors(given: Any) -> Any:
    for kind in given if isinstance(given, Sequence) else [given]:
        if isinstance(kind, type) and issubclass(kind, Exception):
            continue
        if kind is given and callable(kind) and not isinstance(kind, type):
            continue
        return kind
    return None


def wrong_timeout(given: Any) -> str:
    """What is wrong with a ``timeout``; empty when nothing is."""
    policy = limits(given) or TimeoutPolicy()
    for name, limit in (("run_timeout", policy.run_timeout), ("idle_timeout", policy.idle_timeout)):
        value = seconds(limit)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0):
            return f"{name}={limit!r:.40}: give seconds above 0, or a timedelta."
    if policy.refresh_on not in ("auto", "heartbeat"):
        return f"refresh_on={policy.refresh_on!r:.40}: it is 'auto' or 'heartbeat'."
    return ""


def wrong_cache(given: Any) -> str:
    """What is wrong with a ``cache_policy``; empty when nothing is."""
    if not isinstance(given, CachePolicy):
        return f"cache_policy={given!r:.40}: give CachePolicy(key_func=..., ttl=...), or CachePolicy()."
    if given.key_func is not None and not callable(given.key_func):
        return f"key_func={given.key_func!r:.40}: give a function of the node's input."
    if given.ttl is not None and (
        isinstance(given.ttl, bool) or not isinstance(given.ttl, (int, float)) or given.ttl <= 0
    ):
        return f"ttl={given.ttl!r:.40}: give seconds above 0, or None for ever."
    return ""
