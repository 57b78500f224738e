"""Scripted people: answers from a file, so that a notebook runs where nobody sits in front of it.

A file (JSON, or YAML with a ``.yaml`` ending) maps a node's name to a rule:

- any value: the answer to every question of that node;
- ``{"in_order": [...]}``: one answer after the other;
- ``{"by": "index", "is": {"17": 3, "*": "skip"}}``: chosen by a key of the question, ``"*"`` for all others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbhitl.engine.errors import NbhitlError, did_you_mean


class ScriptedAnswers:
    """The rules of one file, and how far their sequences have come."""

    def __init__(self, rules: Mapping[str, Any], name: str = "the scripted answers") -> None:
        if not isinstance(rules, Mapping):
            raise NbhitlError(f"{name}: expected a mapping from node names to answers, not {type(rules).__name__}.")
        self.rules = dict(rules)
        self.name = name
        self._given: dict[str, int] = {}

    @classmethod
    def read(cls, path: str | Path) -> ScriptedAnswers:
        """Read a file. Raises `NbhitlError` when it is missing or malformed, saying where."""
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise NbhitlError(f"the answers file {str(path)!r} is no UTF-8 text: {error}") from error
        except OSError as error:
            raise NbhitlError(f"the answers file {str(path)!r} cannot be read: {error.strerror}.") from error
        if file.suffix in (".yaml", ".yml"):
            import yaml

            try:
                return cls(yaml.safe_load(text), str(path))
            except yaml.YAMLError as error:
                raise NbhitlError(f"the answers file {str(path)!r} is no YAML: {error}") from error
        try:
            return cls(json.loads(text), str(path))
        except json.JSONDecodeError as error:
            raise NbhitlError(
                f"the answers file {str(path)!r} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}."
            ) from error

    def check(self, nodes: Mapping[str, Any]) -> None:
        """Raise `NbhitlError` when a rule names a node that the graph does not have."""
        for name in self.rules:
            if name not in nodes:
                raise NbhitlError(f"{self.name}: there is no node {name!r}.{did_you_mean(name, nodes)}")

    def has(self, node: str) -> bool:
        """Whether there is a rule for a node's questions."""
        return node in self.rules

    def answer(self, node: str, question: Any) -> Any:
        """The answer to a question of ``node``. Raises `NbhitlError` when the rule has none for it."""
        rule = self.rules[node]
        if isinstance(rule, Mapping) and set(rule) == {"in_order"}:
            count = self._given.get(node, 0)
            if not isinstance(rule["in_order"], list):
                raise NbhitlError(f"{self.name}: node {node!r}: in_order takes a list of answers.")
            if count >= len(rule["in_order"]):
                raise NbhitlError(f"{self.name}: node {node!r} asks for answer {count + 1}, and has {count} in order.")
            self._given[node] = count + 1
            return rule["in_order"][count]
        if isinstance(rule, Mapping) and set(rule) == {"by", "is"}:
            key = question.get(rule["by"]) if isinstance(question, Mapping) else None
            if not isinstance(rule["is"], Mapping):
                raise NbhitlError(f"{self.name}: node {node!r}: 'is' takes a mapping from {rule['by']!r} to answers.")
            answers = {str(name): answer for name, answer in rule["is"].items()}
            found = answers.get(str(key), answers.get("*", rule))
            if found is rule:
                raise NbhitlError(f"{self.name}: no answer for node {node!r} with {rule['by']} = {key!r}.")
            return found
        return rule
