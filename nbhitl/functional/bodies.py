"""What is asked of a function that becomes an entrypoint or a task: a name, no generator, policies that make sense."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from nbhitl.engine.description import is_async
from nbhitl.engine.errors import GraphError
from nbhitl.engine.policies import CachePolicy, Retry, Timeout
from nbhitl.policies import policies_of
from nbhitl.signatures import EXTRAS, hints_of
from nbhitl.state import classes_in, classes_named

RESULT: Final = "result"
"""The state key of what a body returned."""


def checked_name(func: Any, name: str | None, what: str) -> str:
    """How an entrypoint or a task is called. Raises `GraphError` for what cannot be one; ``what`` is the decorator."""
    if not callable(func):
        cure = f"write `@{what}(...)` above a function."
        raise GraphError(f"@{what} stands above a function; it was given {func!r:.60}: {cure}")
    found = name or getattr(func, "__name__", "") or type(func).__name__
    if found == "<lambda>":
        raise GraphError(f"@{what}: a lambda has no name: give it one, {what}(name='...').")
    if "/" in found or "|" in found or ":" in found:
        raise GraphError(f"@{what}(name={found!r}): a name has no '/', '|' or ':'; these stand in paths.")
    if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
        raise GraphError(
            f"@{what} {found!r} is a generator, whose results could not be kept: return a list, and stream what is to "
            "be seen meanwhile with get_stream_writer()."
        )
    return found


def policies(
    func: Callable[..., Any], name: str, retry: Retry | None, cache: CachePolicy | None, timeout: Timeout | None
) -> dict[str, Any]:
    """What a node is given beside its function. Raises `GraphError` for a policy that makes no sense there."""
    found, mistakes = policies_of(retry, cache, None, timeout)
    if timeout is not None and not is_async(func):
        mistakes.append("a sync function cannot be broken off: make it an `async def`, or leave the timeout out.")
    if mistakes:
        raise GraphError(f"{name!r}: {' '.join(mistakes)}")
    return {"retry": found.retry, "cache": found.cache, "timeout": found.timeout}


def extras(func: Callable[..., Any]) -> tuple[str, ...]:
    """The parameters of a function that a run fills in, by name."""
    try:
        parameters = inspect.signature(func).parameters
    except (TypeError, ValueError):  # a built-in without a signature
        return ()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(name for name in EXTRAS if name in parameters and parameters[name].kind in by_name)


def types_of(func: Callable[..., Any]) -> tuple[type, ...]:
    """Classes that what a function takes and returns may have, as far as its code and its annotations name them."""
    found = [kind for hint in hints_of(func).values() for kind in classes_in(hint)]
    return tuple(dict.fromkeys([*found, *classes_named(func)]))
