"""Secrets that people have answered: in this process's memory, and nowhere else.

An answer with secrets is sealed before it is recorded: what is stored, shown and sent says `SECRET` in their places,
and the whole of it is kept here under a random name, `nbhitl.engine.records.Answered.sealed`. A body that runs again
in this process gets the very text; any other process has forgotten it, and the question is asked again. May not
write anything anywhere, nor be written: a vault cannot be pickled, and its repr tells nothing.
"""

from __future__ import annotations

import contextlib
import copy
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.engine.records import MISSING, Answered
from nbhitl.run.secrets import secret_paths
from nbhitl.run.wording import Path, dotted

SECRET: Final = "(secret)"  # noqa: S105 - the one text that is none
"""What stands in the place of a secret, whatever its kind and length."""
OVERHEARD: Final = {
    "magic": "what is typed into a cell stays in the notebook and in IPython's history",
    "command line": "what is typed there stays in the shell's history, and the notebook's kernel does not get it",
}
"""Ways (`Answered.via`) on which no secret is taken, and why."""
TOLD: Final = 4
"""Characters from which on a secret is looked for in a text: a shorter one stands in any."""
KEPT: Final = 10_000
"""Answers that are kept at most; the oldest are forgotten, and asked again if they are needed."""


class Vault:
    """Whole answers by random names. Any thread may use it."""

    __slots__ = ("_answers", "_lock")

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[Any, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, whole: Any, texts: Iterable[str] = ()) -> str:
        """A new name for an answer (JSON types); ``texts`` are its secrets, for `hidden`."""
        name = secrets.token_hex(16)
        with self._lock:
            self._answers[name] = (copy.deepcopy(whole), tuple(texts))
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return name

    def whole(self, name: str) -> Any:
        """The answer of a name, the caller's own to change; `MISSING` where it is forgotten."""
        with self._lock:
            found = self._answers.get(name)
        return MISSING if found is None else copy.deepcopy(found[0])

    def hidden(self, text: str) -> str:
        """A text without the secrets that are kept here, as they are written or as Python writes them."""
        with self._lock:
            known = {text for _, texts in self._answers.values() for text in texts}
        return without(text, known)

    def hush(self, error: BaseException) -> None:
        """Take the secrets out of an exception's own words, and of those that led to it: a person may read them.

        What an exception makes up from attributes of its own is out of reach.
        """
        with self._lock:
            known = {text for _, texts in self._answers.values() for text in texts}
        seen: set[int] = set()
        todo: list[BaseException | None] = [error]
        while known and todo:
            one = todo.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            todo += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
            for name in ("args", "__notes__", "filename", "filename2", "strerror"):
                with contextlib.suppress(Exception):  # a stranger's class: it need not let itself be changed
                    value = getattr(one, name, None)
                    hushed = _hushed(value, known)
                    if hushed is not value:  # an OSError says more once its file is set, even to None
                        setattr(one, name, hushed)

    def forget(self) -> None:
        """Forget everything, as the end of the process does."""
        with self._lock:
            self._answers.clear()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault holds secrets: it is neither pickled nor copied.")


VAULT: Final = Vault()
"""This process's."""


def sealed(answered: Answered, described: Mapping[str, Any]) -> Answered:
    """An answer as it may be recorded: where its schema has secrets, these stand in `VAULT` only.

    Raises:
        AnswerRefused: it came on a way on which others hear it (`OVERHEARD`); or `SECRET` itself was given, by whoever
            takes what is shown of a secret for the secret.
    """
    paths = secret_paths(described, answered.value)
    if not paths:
        return answered
    if answered.via in OVERHEARD:
        text = f"is a secret, and {OVERHEARD[answered.via]}: give it in the form"
        raise AnswerRefused([Problem(dotted(path), text) for path in paths])
    found = dict(_found(answered.value, paths))
    shown = [Problem(dotted(path), _SHOWN) for path, value in found.items() if value == SECRET]
    if shown:
        raise AnswerRefused(shown)
    name = VAULT.keep(answered.value, _texts(found.values()))
    return replace(answered, value=concealed(answered.value, paths), sealed=name)


def opened(answered: Answered) -> Any:
    """The whole value of an answer; `MISSING` when a secret in it is forgotten."""
    return VAULT.whole(answered.sealed) if answered.sealed else answered.value


def shown(described: Mapping[str, Any], plain: Any) -> Any:
    """An answer (JSON types) as it may be shown and stored: with `SECRET` for each secret that its schema knows of."""
    return concealed(plain, secret_paths(described, plain))


def concealed(value: Any, paths: Iterable[Path]) -> Any:
    """``value`` with `SECRET` at each of these places."""
    return _changed(value, paths, lambda _: SECRET)


def revealed(described: Mapping[str, Any], value: Any) -> Any:
    """An answer from code, in which secrets may be wrapped up (``SecretStr``), with the texts of those asked for."""
    return _changed(value, secret_paths(described, value), _unwrapped)


def _changed(value: Any, paths: Iterable[Path], change: Callable[[Any], Any]) -> Any:
    """``value`` with what is at these places changed; what lies on the way there is copied."""
    inside: dict[str | int, list[Path]] = {}
    for path in paths:
        if not path:
            return change(value)
        inside.setdefault(path[0], []).append(path[1:])
    if isinstance(value, Mapping):
        return {key: _changed(item, inside.get(key, ()), change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(item, inside.get(i, ()), change) for i, item in enumerate(value)]
    return value


def _unwrapped(value: Any) -> Any:
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if callable(reveal) else value


def unsaid(described: Mapping[str, Any], value: Any, problems: Iterable[Problem]) -> list[Problem]:
    """Problems of an answer without its secrets: a person's validator may have put them into its message."""
    texts = set(_texts(item for _, item in _found(value, secret_paths(described, value))))
    return [Problem(p.field, without(p.message, texts)) for p in problems]


def without(text: str, secrets_: Iterable[str]) -> str:
    """A text with `SECRET` in the place of each of these, the longest first."""
    for secret in sorted(secrets_, key=len, reverse=True):
        for written in (secret, repr(secret)[1:-1]):
            if len(secret) >= TOLD and written in text:
                text = text.replace(written, SECRET)
    return text


def _hushed(value: Any, known: set[str]) -> Any:
    """A part of an exception; in place of one that holds a secret, its text without that."""
    if isinstance(value, list | tuple):  # notes, arguments
        items = [_hushed(item, known) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else type(value)(items)
    text = value if isinstance(value, str) else repr(value)
    hidden = without(text, known)
    return value if hidden == text else hidden


_SHOWN: Final = (
    "is what stands in the place of a secret, not the secret itself: that was never recorded, so give it anew"
)


def _found(value: Any, paths: Iterable[Path]) -> Iterable[tuple[Path, Any]]:
    for path in paths:
        at = value
        for step in path:
            at = at[step]
        yield path, at


def _texts(values: Iterable[Any]) -> Iterable[str]:
    """The texts in these values, at any depth; numbers as they are written."""
    for value in values:
        match value:
            case str():
                yield value
            case Mapping():
                yield from _texts([*value.keys(), *value.values()])
            case list() | tuple():
                yield from _texts(value)
            case None | bool():
                pass
            case _:
                yield str(value)
