"""`add_messages`: the reducer for a list of chat messages, and `MessagesState`, a state that has one.

Messages are plain dicts, ``{"role": "user", "content": "hi", "id": "1"}``. LangChain's messages are taken as well:
where one of them is involved, all become LangChain's, merged as LangGraph merges them. Nothing of LangChain is loaded
before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Annotated, Any, Final, Literal, TypedDict

from nbhitl.engine.channels import joining
from nbhitl.engine.errors import InvalidUpdateError, did_you_mean
from nbhitl.run.context import fresh_id

REMOVE_ALL_MESSAGES: Final = "__remove_all__"
"""The id with which a removal takes away everything before it."""

_LONG: Final = 64
"""Lists from this length on are remembered, so that appending does not look through them again."""
_REMEMBERED: Final = 16
_RECENT: Final = 256


@joining
def add_messages(left: Any = None, right: Any = None, *, format: Literal["langchain-openai"] | None = None) -> Any:
    """Merge new messages into a list: appends them, or replaces those that have the same id.

    Args:
        left: the list so far.
        right: one message or a list: dicts with ``role`` and ``content``, ``(role, text)``, a text (the user's), or
            LangChain messages. ``{"role": "remove", "id": "1"}`` (or ``RemoveMessage``) removes one; with the id
            `REMOVE_ALL_MESSAGES`, all that came before. Messages without an id get one.
        format: for LangChain messages: what their content is brought into. Without ``left`` and ``right``, a reducer
            that does so is returned.

    Returns:
        A new list; the messages of ``left`` are the same objects.

    Raises:
        InvalidUpdateError: something that is no message, or the removal of one that is not there.
    """
    if left is None and right is None:
        return partial(add_messages, format=format)
    if left is None or right is None:
        raise InvalidUpdateError("add_messages takes two lists of messages; one of them is None.")
    if format not in (None, "langchain-openai"):
        raise InvalidUpdateError(f"add_messages(format={format!r}): it is 'langchain-openai', or left out.")
    incoming = _listed(right)
    old = _KNOWN.get(left) or _Known(_listed(left), _PLAIN, known=False)
    kind = _LANGCHAIN if format or any(map(_is_langchain, incoming)) else old.kind
    if not old.known and kind is _PLAIN and any(map(_is_langchain, old.messages)):
        kind = _LANGCHAIN
    if not old.known or kind is not old.kind:
        old = _Known([_with_id(kind, kind.read(message))[0] for message in old.messages], kind)
    merged = _merge(old, [_with_id(kind, kind.read(message)) for message in incoming])
    if format:
        chain = import_module("langchain_core.messages")
        return chain.convert_to_messages(chain.convert_to_openai_messages(merged.messages))
    _KNOWN.put(merged)
    return merged.messages


class MessagesState(TypedDict):
    """A state with one key, a list of messages; to be subclassed for more."""

    messages: Annotated[list[Any], add_messages]


# -- what messages are


@dataclass(frozen=True, slots=True)
class _Kind:
    """How to deal with messages of a kind."""

    read: Callable[[Any], Any]
    """From any form to a message of this kind; what has this kind stays the same object."""
    id_of: Callable[[Any], Any]
    named: Callable[[Any, str], Any]
    """The message with an id."""
    said: Callable[[Any], Any]
    """Who says what in it."""
    removes: Callable[[Any], bool]


def _plain(given: Any) -> Any:
    if isinstance(given, str):
        return {"role": "user", "content": given}
    if isinstance(given, Mapping):
        role = given.get("role", given.get("type"))
        if role == "remove" and not given.get("id"):
            raise InvalidUpdateError(f"the message {given!r:.60} removes nothing: give the id of the one to remove.")
        if isinstance(role, str):
            return given
    elif isinstance(given, (tuple, list)) and len(given) == 2 and isinstance(given[0], str):
        return {"role": given[0], "content": given[1]}
    raise InvalidUpdateError(
        f"{given!r:.60} is no message. Give {{'role': 'user', 'content': 'hi'}}, ('user', 'hi'), or a text."
    )


def _langchain(given: Any) -> Any:
    chain = import_module("langchain_core.messages")
    if not _is_langchain(given):
        given = _plain(given)
        if given.get("role", given.get("type")) == "remove":
            return chain.RemoveMessage(id=given["id"])
        return chain.convert_to_messages([given])[0]
    return chain.message_chunk_to_message(given)


def _is_langchain(given: Any) -> bool:
    """Whether it is a LangChain message; loads nothing."""
    kind = type(given)
    return hasattr(kind, "model_fields") and any(
        c.__name__ == "BaseMessage" and c.__module__.startswith("langchain_core.") for c in kind.__mro__
    )


def _set_id(message: Any, name: str) -> Any:
    message.id = name  # in place, as LangGraph does: the node's own message then has it too
    return message


_PLAIN: Final = _Kind(
    read=_plain,
    id_of=lambda message: message.get("id"),
    named=lambda message, name: {**message, "id": name},
    said=lambda message: (message.get("role"), message.get("content")),
    removes=lambda message: message.get("role", message.get("type")) == "remove",
)
_LANGCHAIN: Final = _Kind(
    read=_langchain,
    id_of=lambda message: message.id,
    named=_set_id,
    said=lambda message: (message.type, message.content),
    removes=lambda message: message.type == "remove",
)


def _listed(given: Any) -> Sequence[Any]:
    if isinstance(given, list) or (isinstance(given, tuple) and given and not isinstance(given[0], str)):
        return given
    return [given]


def _with_id(kind: _Kind, message: Any) -> tuple[Any, str | None]:
    """The message with an id, and the id that it came with."""
    own = kind.id_of(message)
    return (kind.named(message, fresh_id(kind.said(message))), None) if own is None else (message, own)


# -- merging


@dataclass(slots=True)
class _Known:
    """A list of messages of one kind, all with ids. Never changed, but for the index, which is made when needed."""

    messages: Sequence[Any]
    kind: _Kind
    places: dict[str, int] | None = None
    """Id to place in the list, the latest messages aside."""
    recent: dict[str, int] = field(default_factory=dict)
    """The same for the latest messages: kept apart, so that each new list copies only these."""
    known: bool = True
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.messages)

    def place(self, name: str) -> int | None:
        if self.places is None:
            self.places = {self.kind.id_of(message): n for n, message in enumerate(self.messages)}
            self.recent = {}
        return self.recent.get(name, self.places.get(name))


def _merge(old: _Known, new: list[tuple[Any, str | None]]) -> _Known:
    """``old`` with messages merged in; each comes with the id that it had, None where it was given one just now."""
    kind = old.kind
    for place in range(len(new) - 1, -1, -1):
        if new[place][1] == REMOVE_ALL_MESSAGES and kind.removes(new[place][0]):
            old, new = _Known([], kind), new[place + 1 :]
            break
    result = list(old.messages)
    added: dict[str, int] = {}
    removed: set[str] = set()
    for message, own in new:
        place_of = None if own is None else added.get(own, old.place(own))
        if own is not None and kind.removes(message):
            if place_of is None:
                known = [str(kind.id_of(one)) for one in result]
                raise InvalidUpdateError(f"there is no message {own!r} to remove.{did_you_mean(own, known)}")
            removed.add(own)
        elif place_of is None:
            added[kind.id_of(message)] = len(result)
            result.append(message)
        else:
            result[place_of] = message
            removed.discard(own or "")
    if removed:
        return _Known([message for message in result if kind.id_of(message) not in removed], kind)
    if old.places is None:
        return _Known(result, kind)
    recent = {**old.recent, **added}
    if len(recent) > _RECENT:
        return _Known(result, kind, {**old.places, **recent})
    return _Known(result, kind, old.places, recent)


class _Memory:
    """The long lists that were returned last, by identity: what is in them need not be found out again.

    They are kept alive, since an address may be used again; so it is few of them.
    """

    def __init__(self) -> None:
        self._lists: dict[int, _Known] = {}
        self._lock = threading.Lock()

    def get(self, messages: Any) -> _Known | None:
        found = self._lists.get(id(messages))
        # Someone may have appended to it in place: then it is looked through again.
        return found if found is not None and len(found.messages) == found.size else None

    def put(self, known: _Known) -> None:
        if len(known.messages) < _LONG:
            return
        with self._lock:
            self._lists[id(known.messages)] = known
            while len(self._lists) > _REMEMBERED:
                del self._lists[next(iter(self._lists))]


_KNOWN: Final = _Memory()
