"""LangChain's messages are known without anybody registering their classes: ``MessagesState`` does not name them.

Nothing is imported because a file says so: they are known to a program that has loaded ``langchain_core.messages``, and
only the names of this list are looked up in there.
"""

from __future__ import annotations

import sys
from typing import Final

MODULE: Final = "langchain_core.messages"
_KINDS: Final = {
    "ai": "AIMessage",
    "chat": "ChatMessage",
    "function": "FunctionMessage",
    "human": "HumanMessage",
    "system": "SystemMessage",
    "tool": "ToolMessage",
}
_NAMES: Final = {
    f"{MODULE}.{module}.{name}{chunk}": name + chunk for module, name in _KINDS.items() for chunk in ("", "Chunk")
} | {f"{MODULE}.modifier.RemoveMessage": "RemoveMessage"}


def is_chat_message(name: str) -> bool:
    """Whether a class of this qualified name is one of LangChain's messages."""
    return name in _NAMES


def message_class(name: str) -> type | None:
    """The class of this qualified name when it is one of LangChain's messages, and the program has loaded these."""
    loaded = sys.modules.get(MODULE) if name in _NAMES else None
    found: type | None = None if loaded is None else getattr(loaded, _NAMES[name], None)
    return found
