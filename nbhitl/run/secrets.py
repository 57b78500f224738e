"""Where the secrets of an answer stand, by its JSON Schema. Pure: holds no secret and hides none.

In doubt it is a secret: what one of several alternatives calls so is one in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbhitl.run.places import places
from nbhitl.run.subschemas import Node, resolve, subschemas
from nbhitl.run.wording import Path


def is_secret(node: Node) -> bool:
    """Whether a (resolved) schema is that of a secret: pydantic's ``SecretStr``, a password, or our own mark."""
    return bool(node.get("x-secret")) or node.get("format") == "password"


def has_secrets(described: Mapping[str, Any]) -> bool:
    """Whether a question with this JSON Schema asks for a secret anywhere."""
    return any(is_secret(node) for node in subschemas(dict(described)))


def secret_inside(root: Node, node: Any) -> bool:
    """Whether a part of a schema asks for a secret, however deep and by whatever reference."""
    todo, seen = [node], set()
    while todo:
        for sub in subschemas(todo.pop()):
            if is_secret(sub):
                return True
            ref = sub.get("$ref")
            if isinstance(ref, str) and ref not in seen:
                seen.add(ref)
                todo.append(dict(resolve(root, {"$ref": ref})))
    return False


def secret_paths(described: Mapping[str, Any], plain: Any, part: Node | None = None) -> list[Path]:
    """The places of an answer (JSON types) at which a secret stands; none where nothing (null) was given.

    ``part``: the schema inside ``described`` that ``plain`` is of, where that is not all of it.
    """
    if not has_secrets(described):
        return []
    return list(dict.fromkeys(places(described, described if part is None else part, plain, is_secret)))
