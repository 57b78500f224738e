"""An answer as plain data: what JSON and every saver can carry.

May not know a schema: the one thing that it asks of a class is what an instance of it contains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

from nbhitl.engine.errors import AnswerRefused, Problem
from nbhitl.run.limits import DEEPEST, ITEMS_CAP, TEXT_CAP, TEXTS_CAP, VALUES_CAP
from nbhitl.run.wording import Path, dotted, refuse

Content: TypeAlias = Callable[[Any], Any]
"""An instance of a class -> what it contains, in JSON types."""
Files: TypeAlias = Callable[[Any], Collection[Path]]
"""A plain answer -> where in it the contents of files stand."""


def plain_data(answer: Any, content: Content | None = None, files: Files | None = None) -> Any:
    """The answer in JSON types. Raises `AnswerRefused` for what JSON cannot carry, and for what is too large.

    Args:
        answer: the answer, as code or a form gives it.
        content: what an instance of the schema's class contains; it may raise anything for what is none.
        files: where in a plain answer the contents of files stand: these texts may be longer than others.
    """
    walk = _Walk()
    try:
        plain = walk.into(answer, ())
    except _Foreign as foreign:
        try:
            plain = content(answer) if content is not None else _Foreign
        except Exception:  # noqa: BLE001 - whatever the class's own code raises, the answer is not of this class
            plain = _Foreign
        if plain is _Foreign:
            kind = type(foreign.value).__name__
            refuse([Problem(dotted(foreign.where), f"is a {kind}, which does not fit the question")])
        walk = _Walk()
        plain = walk.into(plain, ())
    refuse([*walk.problems, *walk.too_long(files(plain) if files is not None and walk.long else ())])
    return plain


def unstorable(value: Any, depth: int = 0) -> Iterator[str]:
    """Faults of an answer without a schema: only what no saver could keep, wherever text stands."""
    match value:
        case str() if not _encodable(value):
            yield _SURROGATE
        case list() | tuple() if depth < DEEPEST:
            for item in value:
                yield from unstorable(item, depth + 1)
        case dict() if depth < DEEPEST:
            for key, item in value.items():
                yield from unstorable(key, depth + 1)
                yield from unstorable(item, depth + 1)
        case _:
            pass


@dataclass(slots=True)
class _Foreign(Exception):
    """A value that is no JSON type."""

    where: Path
    value: Any


@dataclass(slots=True)
class _Walk:
    """What is found on the way through an answer."""

    problems: list[Problem] = field(default_factory=list)
    long: dict[Path, int] = field(default_factory=dict)
    """The texts that are too long, unless they are contents of files."""
    values: int = 0
    characters: int = 0

    def into(self, value: Any, where: Path) -> Any:
        """The value in JSON types. Raises `_Foreign` for what is none."""
        if len(where) > DEEPEST:
            raise AnswerRefused([Problem(str(where[0]), f"is nested more than {DEEPEST} levels deep")])
        self.values += 1
        if self.values > VALUES_CAP:
            raise AnswerRefused([Problem("", f"holds too much: at most {VALUES_CAP:,} values are taken")])
        if isinstance(value, Enum):
            value = value.value
        if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
            value = value.item()
        match value:
            case None | bool() | int():
                return value if value is None or isinstance(value, bool) else int(value)
            case float():
                if not math.isfinite(value):
                    self.say(where, "must be a finite number")
                return float(value)
            case str():
                self.text(value, where)
                return str(value)
            case list() | tuple():
                if len(value) > ITEMS_CAP:
                    self.say(where, f"is too long: {len(value):,} items, at most {ITEMS_CAP:,} are taken")
                    return []
                return [self.into(item, (*where, i)) for i, item in enumerate(value)]
            case dict() if all(isinstance(key, str) for key in value):
                for key in value:
                    if not _encodable(key) or len(key) > TEXT_CAP:
                        self.say(where, "has a key that is too long or cannot be stored")
                return {str(key): self.into(item, (*where, key)) for key, item in value.items()}
            case _:
                raise _Foreign(where, value)

    def text(self, text: str, where: Path) -> None:
        if len(text) > TEXT_CAP:
            self.long[where] = len(text)
        else:
            self.characters += len(text)
        if len(text) <= TEXT_CAP and not _encodable(text):
            self.say(where, _SURROGATE)

    def say(self, where: Path, text: str) -> None:
        self.problems.append(Problem(dotted(where), text))

    def too_long(self, files: Collection[Path]) -> Iterator[Problem]:
        for where, length in self.long.items():
            if where not in files:
                yield Problem(dotted(where), f"is too long: {length:,} characters, at most {TEXT_CAP:,} are taken")
        if self.characters > TEXTS_CAP:
            yield Problem("", f"is too long: {self.characters:,} characters, at most {TEXTS_CAP:,} are taken")


_SURROGATE: Final = "holds half of a character (a lone surrogate), which cannot be stored: delete it"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
