"""Schemas of answers, and checking an answer: the `Checker` behind ``interrupt(..., response_schema=)``.

May not know widgets or savers. An answer is checked as JSON, in pydantic's strict mode with the class's own
validators, before anything is recorded (`nbhitl.run.live_schemas`); without the class (loaded from disk,
before its cell ran) against the stored JSON Schema (`nbhitl.run.stored_schemas`). pydantic is imported on first
use, so that ``import nbhitl`` stays light.

Two things are stricter than pydantic's default: a key that is no field is refused unless the class says what
to do with extra keys (a misspelt field with a default would be lost in silence), and a date has to look like
one (pydantic reads "1700000000" as a moment).
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from nbhitl.engine.errors import AnswerRefused, Problem, SchemaError
from nbhitl.run import fields
from nbhitl.run.form_problems import in_form
from nbhitl.run.forms import FormModel
from nbhitl.run.limits import DEEPEST
from nbhitl.run.live_schemas import adapter_of, contents, described, settled, shown, validated
from nbhitl.run.plain import plain_data, unstorable
from nbhitl.run.reading import gather
from nbhitl.run.secrets import has_secrets
from nbhitl.run.stored_schemas import violations
from nbhitl.run.subschemas import subschemas
from nbhitl.run.uploads import file_contents
from nbhitl.run.vault import revealed, unsaid
from nbhitl.run.vocabulary import well_formed
from nbhitl.run.wording import ACCEPTED, refuse

__all__ = ["ACCEPTED", "DEEPEST", "SchemaChecker", "form_model"]


class SchemaChecker:
    """The `nbhitl.engine.ports.Checker` for everything that `ACCEPTED` names. Holds nothing."""

    def describe(self, schema: Any) -> Mapping[str, Any]:
        """The JSON Schema of a live schema (of None: ``{}``, anything). The same schema gives the same dict.

        Raises:
            SchemaError: a kind that cannot be shown, or a JSON Schema that cannot be checked.
        """
        if schema is None:
            return {}
        if isinstance(schema, Mapping):
            return well_formed(schema)
        found = described(schema)
        for node in subschemas(found):
            if any(isinstance(value, list | dict) for value in node.get("enum", ())):
                raise SchemaError(f"{shown(schema)}: an Enum's values must be text, numbers or booleans.")
        return found

    def name(self, schema: Any) -> str | None:
        """The name of a class in its module, notebook or function; None for built-in ones."""
        name = getattr(schema, "__qualname__", "") if isinstance(schema, type) else ""
        if type(schema).__name__ == "TypeAliasType":
            name = schema.__name__
        builtin = getattr(schema, "__module__", "") == "builtins" or typing.get_origin(schema) is not None
        return None if not name or builtin else str(name).rpartition("<locals>.")[2]

    def check(self, schema: Any, answer: Any) -> Any:
        """The answer as plain data (JSON types), with the class's defaults filled in.

        Without a schema every value passes unchanged. An instance of the class (or a value made of such) is
        taken for its content.

        Raises:
            AnswerRefused: one problem for each wrong field.
            SchemaError: the schema itself cannot be used.
        """
        if schema is None or (isinstance(schema, Mapping) and not schema):
            refuse([Problem("", text) for text in unstorable(answer)])
            return answer
        if isinstance(schema, Mapping):
            root = well_formed(schema)
            plain = plain_data(_revealed(root, answer), files=lambda found: file_contents(root, found))
            refuse(unsaid(root, plain, violations(root, root, plain, ())))
            return plain
        adapter, root = adapter_of(schema), described(schema)
        plain = plain_data(
            _revealed(root, answer), contents(adapter, root), files=lambda found: file_contents(root, found)
        )
        extra = list(violations(root, root, plain, (), live=True))
        typed, wrong = validated(adapter, schema, plain)
        told = {problem.field for problem in extra}  # in our words, and not also in those of a library
        refuse(unsaid(root, plain, [*(p for p in wrong if p.field not in told), *extra]))
        return settled(adapter, root, typed, plain)

    def build(self, schema: Any, plain: Any) -> Any:
        """What ``interrupt()`` returns: an instance of a live schema's class; otherwise ``plain`` itself.

        Raises:
            AnswerRefused: the data does not fit the class (as it is now).
        """
        if schema is None or isinstance(schema, Mapping):
            return plain
        typed, wrong = validated(adapter_of(schema), schema, plain)
        if wrong:
            refuse(unsaid(described(schema), plain, wrong))
        return typed

    def form_model(self, schema: Any) -> FormModel:
        """The form for a schema, live or stored."""
        return fields.form_model(self.describe(schema))

    def take(self, schema: Any, raw: Mapping[str, Any]) -> Any:
        """The checked plain answer from a form's raw values (`nbhitl.run.reading.collect`).

        Raises:
            AnswerRefused: every wrong field at once, those that cannot be read and those that do not fit.
        """
        model = self.form_model(schema)
        answer, unread = gather(model, raw)
        try:
            if any(problem.field == "" for problem in unread):
                raise AnswerRefused(unread)
            plain = self.check(schema, answer)
        except AnswerRefused as refused:
            found = in_form(model, raw, refused.problems)
        else:
            found = []
            if not unread:
                return plain
        known = tuple(problem.field for problem in unread)
        refuse([*unread, *(p for p in found if p.field and not _within(p.field, known))] if unread else found)
        raise AssertionError("an answer is taken or refused")


def _within(place: str, others: Sequence[str]) -> bool:
    """Whether a place is one of the others, or inside of one."""
    return any(place == other or place.startswith(f"{other}.") for other in others)


def _revealed(root: Mapping[str, Any], answer: Any) -> Any:
    return revealed(root, answer) if has_secrets(root) else answer


def form_model(schema: Any) -> FormModel:
    """The form for a schema, live or stored. Raises `SchemaError` for what cannot be shown."""
    return SchemaChecker().form_model(schema)
