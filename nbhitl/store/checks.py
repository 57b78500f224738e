"""What may be put into a store: namespaces, keys and values, checked before anything is done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from nbhitl.engine.errors import InvalidNamespaceError, StoreError, UnstorableValueError
from nbhitl.engine.stores import GetOp, ListNamespacesOp, Op, PutOp, SearchOp
from nbhitl.store.filters import check_filter

DEEPEST: Final = 100
"""Levels of lists and dicts in a value."""
_RESERVED: Final = "langgraph"


def checked(op: Op) -> Op:
    """An operation that can be done: its value is a copy, of JSON's types alone.

    Raises:
        InvalidNamespaceError: a namespace that cannot be.
        UnstorableValueError: a value that is no JSON.
        StoreError: anything else that is wrong with it.
    """
    match op:
        case GetOp(namespace=namespace, key=key):
            return op._replace(namespace=_namespace(namespace), key=_key(key))
        case PutOp(namespace=namespace, key=key, value=value, ttl=ttl):
            if value is not None:
                _check_new(namespace)
                check_ttl(ttl, "ttl")
                value = _value(value)
            return op._replace(namespace=_namespace(namespace), key=_key(key), value=value)
        case SearchOp(namespace_prefix=prefix, filter=found, limit=limit, offset=offset, query=query):
            _check_count(limit, "limit")
            _check_count(offset, "offset")
            check_filter(found)
            if query is not None and not isinstance(query, str):
                raise StoreError(f"search(query={query!r:.40}): give a text")
            return op._replace(namespace_prefix=_namespace(prefix))
        case ListNamespacesOp(match_conditions=conditions, max_depth=depth, limit=limit, offset=offset):
            _check_count(limit, "limit")
            _check_count(offset, "offset")
            if depth is not None and (not isinstance(depth, int) or depth < 1):
                raise StoreError(f"list_namespaces(max_depth={depth!r}): give a whole number of levels, at least 1")
            for condition in conditions or ():
                if condition.match_type not in ("prefix", "suffix"):
                    raise StoreError(f"a match condition is 'prefix' or 'suffix', not {condition.match_type!r}")
                _namespace(condition.path)
            return op
        case _:
            raise StoreError(f"{op!r:.60} is no operation: give GetOp, PutOp, SearchOp or ListNamespacesOp")


def check_ttl(ttl: Any, role: str) -> None:
    """Raises `StoreError` where a time to live is no time."""
    number = isinstance(ttl, (int, float)) and not isinstance(ttl, bool)
    if ttl is not None and (not number or not 0 < ttl < 1e9):
        raise StoreError(f"{role}={ttl!r:.40}: give minutes, more than 0, or None for ever")


def _namespace(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        cure = f"give a tuple: ({given!r:.40},)" if isinstance(given, str) else "give a tuple of texts"
        raise InvalidNamespaceError(f"the namespace {given!r:.40} is no tuple: {cure}")
    for label in given:
        if not isinstance(label, str):
            raise InvalidNamespaceError(f"{label!r:.40} in the namespace {given!r:.80} is no text: give str(...) of it")
        if not label:
            raise InvalidNamespaceError(f"the namespace {given!r:.80} has an empty text in it: leave it out")
        if "." in label:
            raise InvalidNamespaceError(
                f"{label!r:.40} in the namespace {given!r:.80} has a '.' in it: put another sign there, or two texts"
            )
        _check_text(label, "the namespace")
    return tuple(given)


def _check_new(namespace: Any) -> None:
    """Where something is put, there has to be a namespace, and not one that belongs to LangGraph."""
    if not isinstance(namespace, str) and isinstance(namespace, Sequence):
        if not namespace:
            raise InvalidNamespaceError("the namespace is empty: give at least one text, e.g. ('memories',)")
        if namespace[0] == _RESERVED:
            raise InvalidNamespaceError(f"a namespace does not begin with {_RESERVED!r}: take another first text")


def _key(given: Any) -> str:
    if not isinstance(given, str):
        raise StoreError(f"the key {given!r:.40} is no text: give str(...) of it")
    _check_text(given, "the key")
    return given


def _check_text(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise StoreError(f"{what} {text!r:.60} has half a character in it (a lone surrogate): leave that out") from None


def _check_count(number: Any, role: str) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise StoreError(f"{role}={number!r:.40}: give a whole number, 0 or more")


def _value(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise StoreError(f"a store holds dicts; {given!r:.60} is a {type(given).__name__}: give {{'value': ...}}")
    found: dict[str, Any] = plain(given, "value", 0)
    return found


def plain(given: Any, path: str, depth: int) -> Any:
    """A copy of a value, of JSON's types alone: tuples as lists, enums and the like as what they are made of."""
    if depth > DEEPEST:
        raise UnstorableValueError(f"{path[:200]} lies more than {DEEPEST} levels deep: store less of it", path)
    match given:
        case None | bool():
            return given
        case str():
            try:
                given.encode()
            except UnicodeEncodeError:
                raise UnstorableValueError(f"{path} has half a character in it (a lone surrogate)", path) from None
            return str.__str__(given)
        case int():
            return int(given)
        case float():
            if not math.isfinite(given):
                raise UnstorableValueError(f"{path} is {given!r}, which JSON does not have: store None or a text", path)
            return float(given)
        case Mapping():
            return {_name(name, path): plain(part, f"{path}[{name!r}]", depth + 1) for name, part in given.items()}
        case list() | tuple():
            return [plain(part, f"{path}[{place}]", depth + 1) for place, part in enumerate(given)]
        case _:
            raise UnstorableValueError(
                f"{path} is a {type(given).__name__}, which is no JSON: store what it is made of, e.g. a dict of its "
                "fields, or its text",
                path,
            )


def _name(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise UnstorableValueError(f"{path} has the key {name!r:.40}, which is no text: give str(...) of it", path)
    found: str = plain(name, f"a key of {path}", 0)
    return found
