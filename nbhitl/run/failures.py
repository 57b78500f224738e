"""What a node raised, as far as it is still known after the process was started anew."""

from __future__ import annotations

import builtins

from nbhitl.engine.errors import NodeFailed
from nbhitl.engine.records import Failed, Retried


def error_of(failed: Failed | Retried) -> BaseException:
    """The exception: itself, or one that stands for it; of a built-in class where it was of one."""
    if failed.exception is not None:
        return failed.exception
    text = failed.text.removeprefix(f"{failed.error}: ")
    kind = getattr(builtins, failed.error, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind() if text == failed.error else kind(text)
        except TypeError:  # it wants more than a text
            pass
    return NodeFailed(failed.text)
