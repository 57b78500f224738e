"""Walking about in a JSON Schema: where a reference leads, which alternatives there are, what is inside.

Pure. May not judge a schema or an answer, and takes any JSON: what is no schema says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from nbhitl.run.limits import DEEPEST

Node: TypeAlias = Mapping[str, Any]


def resolve(root: Node, node: Any, depth: int = 0) -> Node:
    """``node`` with its local ``$ref`` (or lone ``allOf``) followed; keys beside the reference win."""
    if not isinstance(node, Mapping) or depth > 50:
        return {}
    ref, alone = node.get("$ref"), node.get("allOf")
    target: Any = None
    if isinstance(ref, str) and ref.startswith("#"):
        target = root
        for part in ref[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
    elif isinstance(alone, Sequence) and len(alone) == 1:
        target = alone[0]
    if target is None:
        return node
    own = {k: v for k, v in node.items() if k not in ("$ref", "allOf")}
    return {**resolve(root, target, depth + 1), **own}


def branches(root: Node, node: Node) -> tuple[list[Node], bool]:
    """The alternatives of a (resolved) node without null, and whether null is one of them."""
    either = node.get("anyOf", node.get("oneOf"))
    if isinstance(node.get("type"), list):
        either = [{**node, "type": name} for name in node["type"]]
    if not isinstance(either, Sequence):
        return [node], False
    outer = {k: v for k, v in node.items() if k not in ("anyOf", "oneOf", "discriminator")}
    found = [resolve(root, sub) for sub in either]
    rest = [sub for sub in found if sub.get("type") != "null"]
    if len(rest) == 1:
        rest = [{**rest[0], **{k: v for k, v in outer.items() if k != "type"}}]
    return rest, len(rest) < len(found)


def alternatives(root: Node, sub: Any) -> tuple[Node, list[Node], bool]:
    """A schema resolved, its alternatives without null, and whether null is one: ``Optional`` of a union is flat."""
    node = resolve(root, sub)
    rest, nullable = branches(root, node)
    for _ in range(DEEPEST):
        only = rest[0] if len(rest) == 1 else None
        if only is None or only is node or not {"anyOf", "oneOf"} & only.keys() or only.get("x-decimal"):
            break
        node = only
        rest, also = branches(root, node)
        nullable = nullable or also
    return node, rest, nullable


def tag_of(root: Node, node: Node, rest: Sequence[Node]) -> str | None:
    """The key whose value tells which of the alternatives an object is; None where there is no such key.

    It is the one that the schema names as its discriminator, or one that has a value of its own in each alternative.
    """
    said = node.get("discriminator")
    name = said.get("propertyName") if isinstance(said, Mapping) else said
    if isinstance(name, str):
        return name
    members = [sub.get("properties") for sub in rest]
    first = members[0] if members else None
    if len(members) < 2 or not isinstance(first, Mapping):
        return None
    for key in first:
        values = []
        for known in members:
            member = resolve(root, known.get(key)) if isinstance(known, Mapping) else {}
            if "const" not in member or not isinstance(member["const"], str | int):
                break
            values.append((type(member["const"]), member["const"]))
        if len(values) == len(members) == len(set(values)):
            return str(key)
    return None


def subschemas(node: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema, itself included."""
    if not isinstance(node, dict) or depth > DEEPEST:
        return
    yield node
    for word in ("items", "additionalProperties", "propertyNames", "not"):
        yield from subschemas(node.get(word), depth + 1)
    for word in ("properties", "patternProperties", "$defs", "definitions"):
        subs = node.get(word)
        for sub in subs.values() if isinstance(subs, Mapping) else ():
            yield from subschemas(sub, depth + 1)
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for sub in node.get(word, ()) if isinstance(node.get(word), list) else ():
            yield from subschemas(sub, depth + 1)
