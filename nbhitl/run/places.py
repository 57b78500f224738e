"""Where in an answer the parts stand that a schema marks: secrets, the contents of files. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbhitl.run.limits import DEEPEST
from nbhitl.run.subschemas import Node, resolve
from nbhitl.run.wording import Path


def places(
    root: Node, node: Any, value: Any, wanted: Callable[[Node], bool], where: Path = (), depth: int = 0
) -> Iterator[Path]:
    """The places in ``value`` that stand for a wanted part of the schema ``node``; some may come twice.

    What one of several alternatives says holds for all of them, unless the value tells that it is of another one.
    Nothing inside of a wanted place is looked at, and null is no place.
    """
    if value is None or depth > 4 * DEEPEST or not isinstance(node, Mapping):
        return
    node = resolve(root, node)
    if wanted(node):
        yield where
        return
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(word, ()):
            if not _is_other(root, branch, value):
                yield from places(root, branch, value, wanted, where, depth + 1)
    if isinstance(value, Mapping):
        yield from _members(root, node, value, wanted, where, depth)
    elif isinstance(value, list | tuple):
        first = node.get("prefixItems", ())
        for i, item in enumerate(value):
            sub = first[i] if i < len(first) else node.get("items")
            yield from places(root, sub, item, wanted, (*where, i), depth + 1)


def _is_other(root: Node, branch: Any, value: Any) -> bool:
    """Whether a value says of itself that it is of another alternative: by a member that has one value here."""
    if not isinstance(value, Mapping):
        return False
    known = resolve(root, branch).get("properties", {})
    return any("const" in sub and key in value and value[key] != sub["const"] for key, sub in known.items())


def _members(
    root: Node, node: Node, value: Mapping[str, Any], wanted: Callable[[Node], bool], where: Path, depth: int
) -> Iterator[Path]:
    if wanted(resolve(root, node.get("propertyNames", {}))):
        yield where  # its very keys are such
        return
    known = node.get("properties", {})
    for key, item in value.items():
        subs = [known[key]] if key in known else [*node.get("patternProperties", {}).values()]
        subs += [] if key in known else [node.get("additionalProperties")]
        for sub in subs:
            yield from places(root, sub, item, wanted, (*where, key), depth + 1)
