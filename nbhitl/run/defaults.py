"""What a question's form answers when nobody touches it: the defaults that its schema declares, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from nbhitl.engine.records import MISSING, Asked
from nbhitl.run.limits import DEEPEST
from nbhitl.run.subschemas import resolve


def untouched(asked: Asked) -> Any:
    """The question's own default, else what its schema declares; `MISSING` where that is nothing.

    Of an object, members without a default are left out: whether it may be so is for the check to say.
    """
    if asked.default is not MISSING:
        return asked.default
    described = asked.described or {}
    return _declared(described, described, 0)


def _declared(root: Mapping[str, Any], node: Any, depth: int) -> Any:
    node = resolve(root, node)
    if "default" in node:
        return copy.deepcopy(node["default"])
    if "const" in node:
        return node["const"]
    members = node.get("properties")
    if not isinstance(members, Mapping) or depth > DEEPEST:
        return MISSING
    found = {}
    for name, member in members.items():
        if name in node.get("required", ()) or "default" in resolve(root, member):
            value = _declared(root, member, depth + 1)
            if value is not MISSING:
                found[name] = value
    return found
