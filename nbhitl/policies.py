"""What `add_node` is given beside a function: policies and an error handler, checked; and those of a whole graph.

What they do when a node runs stands in `nbhitl.run.policies`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nbhitl.actions import understood
from nbhitl.engine.description import Node, is_async
from nbhitl.engine.errors import NbhitlError, NodeError
from nbhitl.engine.policies import (
    CachePolicy,
    ErrorHandler,
    Retry,
    RetryPolicy,
    Timeout,
    TimeoutPolicy,
    limits,
    retries,
    wrong_cache,
    wrong_retry,
    wrong_timeout,
)
from nbhitl.run.context import CURRENT
from nbhitl.signatures import hints_of, promised


@dataclass(frozen=True, slots=True)
class Policies:
    """What was given, for one node or for all; the parts that were not are empty."""

    retry: tuple[RetryPolicy, ...] = ()
    cache: CachePolicy | None = None
    timeout: TimeoutPolicy | None = None
    handler: Node | None = None
    """Without its name."""
    takes: Any = None
    """What the parameter of the handler for the state is annotated with; None: nothing was said."""

    def over(self, others: Policies) -> Policies:
        """These, and where nothing was given those of ``others``."""
        handler, takes = (self.handler, self.takes) if self.handler is not None else (others.handler, others.takes)
        return Policies(
            self.retry or others.retry, self.cache or others.cache, self.timeout or others.timeout, handler, takes
        )


def policies_of(
    retry_policy: Retry | None,
    cache_policy: CachePolicy | None,
    error_handler: ErrorHandler | None,
    timeout: Timeout | None,
) -> tuple[Policies, list[str]]:
    """What was given, and what is wrong with it in words; what is wrong is left out."""
    found, mistakes = Policies(), []
    if retry_policy is not None:
        mistakes.append(wrong_retry(retry_policy))
        found = found if mistakes[-1] else replace(found, retry=retries(retry_policy))
    if cache_policy is not None:
        mistakes.append(wrong_cache(cache_policy))
        found = found if mistakes[-1] else replace(found, cache=cache_policy)
    if timeout is not None:
        mistakes.append(wrong_timeout(timeout))
        found = found if mistakes[-1] else replace(found, timeout=limits(timeout))
    if error_handler is not None:
        handler, takes, wrong = _handler(error_handler)
        mistakes.append(f"error_handler: {wrong}" if wrong else "")
        found = found if wrong else replace(found, handler=handler, takes=takes)
    return found, [mistake for mistake in mistakes if mistake]


def applied(node: Node, own: Policies, usual: Policies) -> tuple[Node, list[str]]:
    """A node with its policies, its own before the ``usual`` ones; and what is wrong with them for this node.

    Retries and limits of all nodes are those of their handlers, too.
    """
    if own == usual == Policies():
        return node, []
    found = own.over(usual)
    handler = found.handler
    mistakes = _unlimited(node, found.timeout, "it")
    if handler is not None:
        mistakes += _unlimited(handler, usual.timeout, "its error handler")
        handler = replace(handler, name=node.name, retry=usual.retry, timeout=usual.timeout)
    return replace(node, retry=found.retry, cache=found.cache, timeout=found.timeout, handler=handler), mistakes


def _unlimited(node: Node, timeout: TimeoutPolicy | None, who: str) -> list[str]:
    if timeout is None or node.awaits or node.twin is not None:
        return []
    return [f"timeout: {who} is a sync function, and nobody can break that off. Make it an `async def`."]


def _handler(given: Any) -> tuple[Node, Any, str]:
    """A handler as a node without a name, what it takes of the state, and what is wrong with it."""
    name = _error_parameter(given)
    found = understood(given if name is None else _told(given, name))
    signature = found.signature
    node = Node("", found.call, promised(signature.returns), takes=signature.takes, twin=found.twin, graph=found.graph)
    return node, signature.first, found.mistake


def _error_parameter(given: Any) -> str | None:
    """The parameter for the `NodeError`: annotated so, or else called ``error``."""
    if not callable(given) or isinstance(given, type):
        return None
    try:
        parameters = inspect.signature(given).parameters
    except (TypeError, ValueError):  # a built-in without a signature
        return None
    hints = hints_of(given)
    annotated = [name for name in parameters if hints.get(name) is NodeError]
    return annotated[0] if annotated else "error" if "error" in list(parameters)[1:] else None


def _told(handler: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A handler as a function of the state: what it handles is filled in when it runs."""

    async def on_loop(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **{name: _handled()}, **kwargs)

    def at_once(*args: Any, **kwargs: Any) -> Any:
        return handler(*args, **{name: _handled()}, **kwargs)

    call = functools.wraps(handler)(on_loop if is_async(handler) else at_once)
    signature = inspect.signature(handler)
    rest = [parameter for other, parameter in signature.parameters.items() if other != name]
    vars(call)["__signature__"] = signature.replace(parameters=rest)  # what `inspect` looks at
    call.__annotations__ = {other: hint for other, hint in call.__annotations__.items() if other != name}
    return call


def _handled() -> NodeError:
    job = CURRENT.get()
    if job is None or job.failure is None:
        raise NbhitlError("an error handler was called by itself: the run calls it, when a node has failed.")
    return job.failure
