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
from collections.abc import Mapping
from typing import Any

from nbhitl.engine.errors import AnswerRefused, Problem, SchemaError
from nbhitl.run import fields
from nbhitl.run.forms import FormModel
from nbhitl.run.limits import DEEPEST
from nbhitl.run.live_schemas import adapter_of, described, settled, shown, validated
from nbhitl.run.plain import plain_data, unstorable
from nbhitl.run.reading import gather
from nbhitl.run.stored_schemas import violations
from nbhitl.run.subschemas import subschemas
from nbhitl.run.vocabulary import well_formed
from nbhitl.run.wording import ACCEPTED, refuse

__all__ = ["ACCEPTED", "DEEPEST", "SchemaChecker", "form_model"]


class SchemaChecker:
    """The `nbhitl.engine.ports.Checker` for everything that `ACCEPTED` names. Holds nothing."""

    def describe(self, schema: Any) -> Mapping[str, Any]:
        """The JSON Schema of a live schema (of None: ``{}``, anything). The same schema gives the same dict.

        Raises:
            SchemaError: a kind that cannot be shown, a secret, or a JSON Schema that cannot be checked.
        """
        if schema is None:
            return {}
        if isinstance(schema, Mapping):
            return well_formed(schema)
        found = described(schema)
        for node in subschemas(found):
            if node.get("format") == "password" and node.get("writeOnly"):
                raise SchemaError(
                    f"{shown(schema)} has a secret field, and an answer is stored in clear. Ask for secrets "
                    "inside the node (getpass), or read them from the environment."
                )
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
            root, plain = well_formed(schema), plain_data(answer)
            refuse(violations(root, root, plain, ()))
            return plain
        adapter = adapter_of(schema)
        plain = plain_data(answer, adapter)
        extra = list(violations(root := described(schema), root, plain, (), live=True))
        typed, wrong = validated(adapter, schema, plain)
        refuse([*wrong, *extra])
        return settled(adapter, typed, plain)

    def build(self, schema: Any, plain: Any) -> Any:
        """What ``interrupt()`` returns: an instance of a live schema's class; otherwise ``plain`` itself.

        Raises:
            AnswerRefused: the data does not fit the class (as it is now).
        """
        if schema is None or isinstance(schema, Mapping):
            return plain
        typed, wrong = validated(adapter_of(schema), schema, plain)
        refuse(wrong)
        return typed

    def form_model(self, schema: Any) -> FormModel:
        """The form for a schema, live or stored."""
        return fields.form_model(self.describe(schema))

    def take(self, schema: Any, raw: Mapping[str, Any]) -> Any:
        """The checked plain answer from a form's raw values (`nbhitl.run.reading.collect`).

        Raises:
            AnswerRefused: every wrong field at once, those that cannot be read and those that do not fit.
        """
        answer, unread = gather(self.form_model(schema), raw)
        if not unread:
            return self.check(schema, answer)
        known = {problem.field for problem in unread}
        try:
            if "" not in known:
                self.check(schema, answer)
        except AnswerRefused as refused:
            unread += [p for p in refused.problems if p.field not in known]
        raise AnswerRefused(unread)


def form_model(schema: Any) -> FormModel:
    """The form for a schema, live or stored. Raises `SchemaError` for what cannot be shown."""
    return SchemaChecker().form_model(schema)
