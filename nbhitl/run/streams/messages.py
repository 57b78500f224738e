"""Messages on their way: `stream_message`, pieces of one that is being written, and where a message comes from."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, overload

from nbhitl.run.context import CURRENT, TaskContext, fresh_id
from nbhitl.run.streams.langchain import is_message, said
from nbhitl.run.streams.payloads import triggers


@dataclass(frozen=True, slots=True)
class MessageChunk:
    """A piece of a message, in stream mode ``messages``; of one that a node returned as a dict, the whole message."""

    content: Any
    id: str | None = None
    """The same for all pieces of a message."""
    role: str = "assistant"


@overload
def stream_message(tokens: Iterable[Any], *, id: str | None = None, role: str = "assistant") -> dict[str, Any]: ...


@overload
def stream_message(
    tokens: AsyncIterable[Any], *, id: str | None = None, role: str = "assistant"
) -> Awaitable[dict[str, Any]]: ...


def stream_message(
    tokens: Iterable[Any] | AsyncIterable[Any], *, id: str | None = None, role: str = "assistant"
) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Stream a message piece by piece, and return the whole of it, to be returned by the node.

    Each piece goes to stream mode ``messages`` as ``(chunk, metadata)``. Where nobody streams, the pieces are only
    joined. A body that runs again streams its message again.

    Args:
        tokens: texts, as a generator or an async one gives them; dicts with ``content``; or LangChain's message
            chunks, which are streamed as they are.
        id: the message's id; by default that of LangChain's chunks, or one that nothing else has. Leave it out with
            chunks of a model, which is heard by itself.
        role: who says it.

    Returns:
        ``{"role": ..., "content": ..., "id": ...}``; of an async iterable, an awaitable of that.
    """
    message = _Message(CURRENT.get(), id, role)
    if isinstance(tokens, AsyncIterable):
        return message.aread(tokens)
    return message.read([tokens] if isinstance(tokens, str) else tokens)


class _Message:
    """One message while it is written."""

    def __init__(self, job: TaskContext | None, id: str | None, role: str) -> None:
        self.id, self.role = id, role
        self._job = job
        self._about: dict[str, Any] | None = None if job is None else metadata(job)
        self._texts: list[str] = []

    def read(self, tokens: Iterable[Any]) -> dict[str, Any]:
        for token in tokens:
            self._say(token)
        return self._whole()

    async def aread(self, tokens: AsyncIterable[Any]) -> dict[str, Any]:
        outlet = None if self._job is None else self._job.run.outlet
        async for token in tokens:
            self._say(token)
            if outlet is not None:
                await outlet.room()
        return self._whole()

    def _say(self, token: Any) -> None:
        self._texts.append(text_of(token))
        if self.id is None:
            self.id = (token.id if is_message(token) else None) or fresh_id(self.role)
        if self._job is not None and not (is_message(token) and said(self._job.run, token)):
            self._job.emit("messages", (self._chunk(token), self._about))

    def _chunk(self, token: Any) -> Any:
        if is_message(token):
            return token if token.id else token.model_copy(update={"id": self.id})
        content = token.get("content", "") if isinstance(token, Mapping) else token
        return MessageChunk(content, self.id, self.role)

    def _whole(self) -> dict[str, Any]:
        return {"role": self.role, "content": "".join(self._texts), "id": self.id or fresh_id(self.role)}


def text_of(piece: Any) -> str:
    """The text of a piece of a message: a text, a dict with ``content``, a chunk, or a list of content blocks."""
    if isinstance(piece, str):
        return piece
    if isinstance(piece, (list, tuple)):
        return "".join(text_of(block) for block in piece)
    if isinstance(piece, Mapping):
        return text_of(piece.get("content", piece.get("text")) or "")
    return text_of(getattr(piece, "content", None) or "")


def metadata(job: TaskContext) -> dict[str, Any]:
    """Where a message comes from: LangGraph's names, beside the metadata and the tags of the config."""
    run, task = job.run, job.task
    given = run.config.get("configurable", {})
    found = {
        **run.config.get("metadata", {}),
        **({"thread_id": given["thread_id"]} if "thread_id" in given else {}),
        "langgraph_step": job.position.checkpoint.step + 1,
        "langgraph_node": task.node,
        "langgraph_triggers": triggers(task),
        "langgraph_path": ("__pregel_pull", task.node),
        "langgraph_checkpoint_ns": run.key.below(f"{task.node}:{task.id}"),
    }
    tags = run.config.get("tags")
    return {**found, "tags": list(tags)} if tags else found


class Seen:
    """Which messages a stream has shown already: each comes once, in pieces or as a whole."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, chunk: Any) -> None:
        """A message, or a piece of one, was shown."""
        if (id := _id(chunk)) is not None:
            self._ids.add(id)

    def note(self, values: Mapping[str, Any]) -> None:
        """What stands in the state already is no news."""
        for message in messages_in(values.values()):
            self.add(message)

    def news(self, updates: Iterable[tuple[str, Any]]) -> Iterator[Any]:
        """The messages in what a node returned that were not shown yet, as they are shown."""
        for message in messages_in(value for _, value in updates):
            if (id := _id(message)) is None or id not in self._ids:
                self.add(message)
                if isinstance(message, Mapping):
                    yield MessageChunk(message["content"], id, message["role"])
                else:
                    yield message


def _id(message: Any) -> str | None:
    found = message.get("id") if isinstance(message, Mapping) else getattr(message, "id", None)
    return found if isinstance(found, str) else None


def messages_in(values: Iterable[Any]) -> Iterator[Any]:
    """The messages among values and in their lists: LangChain's, and dicts with ``role`` and ``content``."""
    for value in values:
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if (type(one) is dict and isinstance(one.get("role"), str) and "content" in one) or (
                is_message(one) and one.type != "remove"
            ):
                yield one
