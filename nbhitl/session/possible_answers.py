"""The answers that a question can get, where its schema says so: choices, yes or no, and what is made of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, Final

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import MISSING, Asked
from nbhitl.run.cards import card_schema
from nbhitl.run.fields import form_model
from nbhitl.run.forms import FormField
from nbhitl.words import plainly

MOST: Final = 24
"""Answers that are tried."""
_NONE: Final[tuple[Any, ...]] = (MISSING,)


def possible(question: Asked, described: Mapping[str, Any] | None) -> list[Any]:
    """Every answer to a question, as plain data, at most one more than `MOST`.

    Fields with any number of values keep their default; where there is none, the question has no list of answers.

    Args:
        question: the question.
        described: its JSON Schema; None for a question without one.

    Raises:
        NbhitlError: the schema does not list the answers; says which field is to be given.
    """
    schema = described if described is not None else card_schema(question.value)
    if schema is None:
        raise NbhitlError(
            f"the question {plainly(question.value)!r} takes any answer, so say which to try: "
            "%graph what-if yes no, or JSON."
        )
    model = form_model(schema)
    if model.single:
        found: Iterator[Any] = iter(_values(model.fields[0]))
    else:
        found = _objects(model.fields, model.fixed)
    return list(islice(found, MOST + 1))


def _objects(fields: Sequence[FormField], fixed: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    choices = [_values(field) for field in fields]
    for chosen in product(*choices):
        given = {field.name: value for field, value in zip(fields, chosen, strict=True) if value is not MISSING}
        yield {**dict(fixed), **given}


def _values(field: FormField) -> Sequence[Any]:
    """The values of one field; `MISSING` alone where it may be left out."""
    match field.kind:
        case "choice":
            return [*(option.value for option in field.options), *([None] if field.nullable else [])]
        case "checkbox":
            return [True, False]
        case "object" if not field.positional:
            return list(islice(_objects(field.fields, field.fixed), MOST + 1))
        case "union":
            return _variants(field)
    if not field.required or field.default is not MISSING:
        return _NONE if not field.required else (field.default,)
    if field.nullable:
        return (None,)
    name = f"field {field.name!r}" if field.name else "the answer"
    raise NbhitlError(
        f"{name} ({field.label}) has no list of values, so say which answers to try: "
        f"%graph what-if {field.name or 'ANSWER'}{'=VALUE' if field.name else ''} ..."
    )


def _variants(field: FormField) -> Sequence[Any]:
    """The values of those alternatives that list them."""
    found: list[Any] = []
    refused: NbhitlError | None = None
    for variant in field.variants:
        try:
            found += _values(variant)
        except NbhitlError as error:
            refused = error
    found = [value for value in found if value is not MISSING]
    if not found and refused is not None:
        raise refused
    return found or _NONE
