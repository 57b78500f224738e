"""`record`: a frozen slotted dataclass that is made as fast as one that is not frozen.

A frozen dataclass sets each field through ``object.__setattr__``; with thirteen fields that is 1 us, several times a
super-step. A record is filled as an instance of a writable twin with the same slots, and becomes frozen by the change
of its class at the end. Nobody sees the twin; everything else is the dataclass's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, cast, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A class as a frozen slotted dataclass; default factories are called once, so they give what is never changed."""
    made: Any = dataclass(frozen=True, slots=True)(cls)
    known: dict[str, Any] = {"made": made, "become": object.__setattr__}
    known["Twin"] = type(made.__name__, (), {"__slots__": made.__slots__})
    parameters, body = ["self"], ["become(self, '__class__', Twin)"]
    for field in fields(made):
        given = field.default if field.default_factory is MISSING else field.default_factory()
        parameters.append(field.name if given is MISSING else f"{field.name}=default_{field.name}")
        known[f"default_{field.name}"] = given
        body.append(f"self.{field.name} = {field.name}")
    body.append("self.__class__ = made")
    source = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body)
    exec(compile(source, f"<record {made.__name__}>", "exec"), known)  # noqa: S102 - as dataclasses do it
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    made.__init__ = init
    return cast("type[T]", made)
