"""Live classes, by pydantic: their JSON Schema, and whether an answer is one of theirs.

Runs a person's validators, whatever they raise. pydantic is imported on first use, so that ``import nbhitl`` stays
light. May not decide what is recorded or refused: `nbhitl.run.answers` is told what was found.
"""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbhitl.engine.errors import Problem, SchemaError
from nbhitl.run.secrets import has_secrets, is_secret, secret_paths
from nbhitl.run.subschemas import subschemas
from nbhitl.run.vocabulary import understood
from nbhitl.run.wording import ACCEPTED, Path, problem_of

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def adapter_of(schema: Any) -> TypeAdapter[Any]:
    """The adapter that pydantic makes for a live schema. Raises `SchemaError` for what cannot be asked for."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError
    from pydantic_core import SchemaError as Unusable

    typed = isinstance(schema, type) or typing.get_origin(schema) is not None or schema is Any
    if not typed and type(schema).__module__ not in ("typing", "typing_extensions"):
        cure = " Give the class itself, not an instance." if hasattr(schema, "__dataclass_fields__") else ""
        cure = cure or (" Give the class itself, not an instance." if hasattr(schema, "model_dump") else "")
        raise SchemaError(f"{shown(schema)} cannot be asked for.{cure} {ACCEPTED}")
    try:
        return TypeAdapter(_modern(schema))
    except (PydanticUserError, NameError, TypeError, ImportError, Unusable) as wrong:
        reason = str(wrong).strip().split("\n")[0]
        raise SchemaError(f"{shown(schema)} cannot be asked for: {reason} {ACCEPTED}") from wrong


def described(schema: Any) -> dict[str, Any]:
    """The JSON Schema of a live schema. Raises `SchemaError` for what cannot be asked for."""
    from pydantic.errors import PydanticUserError

    try:
        found = adapter_of(schema).json_schema(schema_generator=_generator())
        return _discreet(understood(dict(json.loads(json.dumps(found, allow_nan=False)))))
    except (PydanticUserError, ValueError, TypeError) as wrong:
        if isinstance(wrong, SchemaError):
            raise
        reason = str(wrong).split("\n")[0]
        raise SchemaError(f"{shown(schema)} cannot be asked for: {reason} {ACCEPTED}") from wrong


def validated(adapter: TypeAdapter[Any], schema: Any, plain: Any) -> tuple[Any, list[Problem]]:
    """The typed value, or what is wrong. The class's own code runs here: whatever it raises is a problem."""
    from pydantic import ValidationError
    from pydantic.errors import PydanticUserError

    try:
        data = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
        return adapter.validate_json(data, strict=True), []
    except ValidationError as refused:
        return None, [problem_of(error, plain) for error in refused.errors(include_url=False)]
    except PydanticUserError as wrong:
        reason = str(wrong).split("\n")[0]
        raise SchemaError(f"{shown(schema)} cannot be checked: {reason}") from wrong
    except Exception as broken:  # noqa: BLE001 - a stranger's code
        said = f"{type(broken).__name__}: {broken}" if str(broken) else type(broken).__name__
        return None, [Problem("", f"could not be checked, a validator of {shown(schema)} raised {said}")]


def settled(adapter: TypeAdapter[Any], root: Mapping[str, Any], typed: Any, plain: Any) -> Any:
    """What to record: the typed value's content where that builds the same value again, else what was given.

    So defaults (of a clock, of a random id) are fixed with the answer: the same each time a body runs. ``root`` is
    the schema's description.
    """
    try:
        found = content(adapter, root, typed)
        data = json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
        if adapter.validate_json(data, strict=True) == typed:
            return found
    except Exception:  # noqa: BLE001, S110 - a one-way serializer, a validator that changes what it reads
        pass
    return plain


def content(adapter: TypeAdapter[Any], root: Mapping[str, Any], typed: Any) -> Any:
    """What a typed value contains, in JSON types, its secrets in clear: `nbhitl.run.vault` takes them out again.

    Raises whatever the class's own serializers raise.
    """
    found = json.loads(adapter.dump_json(typed, by_alias=True, round_trip=True, warnings=False))
    paths = secret_paths(root, found)
    if not paths:
        return found
    wrapped = adapter.dump_python(typed, by_alias=True, round_trip=True, warnings=False)
    return _with_texts(found, wrapped, paths)


def contents(adapter: TypeAdapter[Any], root: Mapping[str, Any]) -> Callable[[Any], Any]:
    """For `plain_data`: `content` of whatever is an instance of the class (or a list of such, ...)."""
    return lambda answer: content(adapter, root, adapter.validate_python(answer, strict=True))


def _with_texts(found: Any, wrapped: Any, paths: Iterable[Path]) -> Any:
    """``found`` with the texts of the secrets that ``wrapped``, the same in Python's types, has at these places."""
    for path in paths:
        at = wrapped
        for step in path:
            at = at[step] if isinstance(at, dict) else list(at)[int(step)]  # a set has no places of its own
        reveal = getattr(at, "get_secret_value", None)
        if reveal is None:
            continue  # a serializer of the class wrote the text itself
        text = reveal()
        text = text.decode() if isinstance(text, bytes) else text
        if not path:
            return text
        holder = found
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = text
    return found


def shown(schema: Any) -> str:
    """What was given as a schema, in the words of a message."""
    kind = "the " + type(schema).__name__
    match schema:
        case type():
            return f"the class {schema.__qualname__}"
        case types.FunctionType() | types.BuiltinFunctionType() | types.ModuleType():
            return f"{kind} {schema.__name__}"
        case _:
            return f"{kind} {repr(schema)[:80]}"


def _modern(schema: Any) -> Any:
    """``schema`` with `typing.TypedDict` classes rebuilt: pydantic refuses these before Python 3.12."""
    if sys.version_info >= (3, 12):
        return schema
    import typing_extensions as ext

    if ext.is_typeddict(schema) and type(schema).__module__ == "typing":
        hints = typing.get_type_hints(schema, include_extras=True)
        keys = {name: _modern(hint) for name, hint in hints.items()}
        marked = (ext.Required, ext.NotRequired)
        for name, hint in keys.items():
            if typing.get_origin(hint) not in marked and name not in schema.__required_keys__:
                keys[name] = ext.NotRequired[hint]
        made: Any = ext.TypedDict(schema.__name__, keys)  # type: ignore[misc]
        for key in ("__module__", "__doc__", "__qualname__"):
            setattr(made, key, getattr(schema, key))
        if hasattr(schema, "__pydantic_config__"):
            setattr(made, "__pydantic_config__", schema.__pydantic_config__)  # noqa: B010 - mypy: made here
        return made
    arguments = typing.get_args(schema)
    changed = tuple(_modern(a) if not isinstance(a, list) else a for a in arguments)
    if all(new is old for new, old in zip(changed, arguments, strict=True)):
        return schema
    if isinstance(schema, types.UnionType):
        return typing.Union[changed]  # noqa: UP007 - built from a tuple
    if typing.get_origin(schema) is typing.Annotated:
        return typing.Annotated[(_modern(schema.__origin__), *schema.__metadata__)]
    return schema.copy_with(changed) if hasattr(schema, "copy_with") else typing.get_origin(schema)[changed]


@lru_cache(maxsize=1)
def _generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Generator(GenerateJsonSchema):
        """Closes objects whose class says nothing of other keys; marks decimals and aware datetimes."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - the base's

        def model_schema(self, schema: Any) -> dict[str, Any]:
            return _closed(super().model_schema(schema), schema["cls"])

        def dataclass_schema(self, schema: Any) -> dict[str, Any]:
            return _closed(super().dataclass_schema(schema), schema["cls"])

        def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
            return _closed(super().typed_dict_schema(schema), schema.get("cls"))

        def enum_schema(self, schema: Any) -> dict[str, Any]:
            found = super().enum_schema(schema)
            names = [str(member.name) for member in schema["members"]]
            return {**found, "x-names": names} if len(found.get("enum", ())) == len(names) else found

        def json_or_python_schema(self, schema: Any) -> dict[str, Any]:
            found = super().json_or_python_schema(schema)
            dump = schema.get("serialization", {}).get("function")  # the mark of `pydantic.Secret` is its serializer
            secret = getattr(dump, "__name__", "").startswith("_serialize_secret")
            return {**found, "x-secret": True} if secret else found

        def decimal_schema(self, schema: Any) -> dict[str, Any]:
            return {**super().decimal_schema(schema), "x-decimal": True}

        def datetime_schema(self, schema: Any) -> dict[str, Any]:
            aware = {"x-timezone": "aware"} if schema.get("tz_constraint") == "aware" else {}
            return {**super().datetime_schema(schema), **aware}

    return Generator


def _discreet(found: dict[str, Any]) -> dict[str, Any]:
    """Without the secrets that stand in a class as defaults or examples: a description is stored and shown."""
    if not has_secrets(found):
        return found
    for node in subschemas(found):
        if is_secret(node):
            for word in ("default", "examples", "example", "const", "enum"):
                node.pop(word, None)
        elif "default" in node:
            for path in secret_paths(found, node["default"], node):
                holder = node["default"]
                for step in path[:-1]:
                    holder = holder[step]
                if path and isinstance(holder, dict):
                    holder.pop(path[-1], None)
                else:  # a list that holds secrets, or a secret itself: nothing is left to fill in
                    node.pop("default", None)
                    break
    return found


def _closed(found: dict[str, Any], cls: Any) -> dict[str, Any]:
    config = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    members = getattr(cls, "__pydantic_fields__", {}).values()
    other_names = any(not isinstance(getattr(f, "validation_alias", None), str | None) for f in members)
    validators = getattr(getattr(cls, "__pydantic_decorators__", None), "model_validators", {}).values()
    early = any(v.info.mode in ("before", "wrap") for v in validators)  # may accept keys of its own
    if "properties" in found and not (config.get("extra") or by_name or other_names or early):
        found.setdefault("additionalProperties", False)
    return found
