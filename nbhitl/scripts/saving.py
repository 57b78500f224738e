"""A thread as a pytest file: gives the recorded answers again, and compares the path and the final state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Position
from nbhitl.run.vault import SECRET
from nbhitl.scripts.code import GRAPH
from nbhitl.scripts.literals import Literals, NoLiteral, assertions, quoted
from nbhitl.scripts.recording import Recorded, Recording, open_ones, rules_of
from nbhitl.scripts.sources import Source, code_of


def pytest_file(
    name: str, thread: str, recorded: Recording, position: Position, values: Any, source: Source, file: Path
) -> str:
    """The text of a pytest file that replays a thread.

    Args:
        name: the graph's.
        thread: the thread's.
        recorded: how it went.
        position: where it stands.
        values: the state's values there.
        source: where the graph's code is.
        file: where the text will be written.

    Raises:
        NbhitlError: the thread cannot be replayed (it failed, was stopped, was edited by hand), or its code not found.
    """
    stopped = position.stopped
    if stopped is None or stopped.reason not in ("finished", "interrupted"):
        how = "has not stopped by itself" if stopped is None else f"ended: {stopped.text or stopped.reason}"
        raise NbhitlError(
            f"thread {thread!r} {how}. A test is made of a run that has finished, or waits for an answer."
        )
    recorded.expect_unedited(f"thread {thread!r} cannot be made a test")
    code = code_of(source, file)
    literals = Literals(code.classes)
    answers = [one for each in recorded.rounds for one in each.answers]
    rules = _rules(rules_of([*answers, *open_ones(position)], shown=True), answers, literals)
    body = _body(thread, recorded, position, values, literals)
    imports = {*code.imports, "import nbhitl", *(line for line in literals.imports if line.startswith("import"))}
    late = sorted(literals.imports - imports)  # they may stand where only the lines above make Python look
    if any("digest(" in line for line in body):
        imports.add("from nbhitl.engine.ids import digest")
    whose = f" of graph {name!r}" if name else ""
    title = f"Thread {thread!r}{whose}, replayed: its answers, the path of its nodes, its final state."
    return "\n".join(
        [
            f'"""{_docstring(title)}\n\n{_MARK}\n"""',
            "",
            *([*dict.fromkeys(code.future), ""] if code.future else []),
            *sorted(imports, key=lambda line: ("nbhitl" in line, not line.startswith("import"), line)),
            "",
            *code.lines,
            "",
            *([*(f"{line}  # noqa: E402" for line in late), ""] if late else []),
            "# -- what people have answered, each in the order in which it was asked",
            "",
            *rules,
            "",
            "",
            f"def test_thread_{_identifier(thread)}_goes_as_it_was_recorded():",
            *(f"    {line}" if line else "" for line in body),
            "",
        ]
    )


_MARK = "Written by nbhitl (save_test). Run it with pytest."


def put(file: Path, text: str) -> None:
    """Write a test. Raises `NbhitlError` when something else stands there, or it cannot be written."""
    try:
        if file.exists() and _MARK not in file.read_text(encoding="utf-8", errors="replace"):
            raise NbhitlError(f"{file} exists, and was not written by save_test. Take another name, or delete it.")
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise NbhitlError(f"{file} cannot be written: {error.strerror}.") from error


def _body(thread: str, recorded: Recording, position: Position, values: Any, literals: Literals) -> list[str]:
    """The lines of the test function."""
    reason = position.stopped.reason if position.stopped is not None else ""
    lines = [f"run = nbhitl.Session({GRAPH}, {quoted(thread)})", "with nbhitl.answering(ANSWERS):"]
    for each in recorded.rounds:
        try:
            given = literals.of(dict(each.input) if isinstance(each.input, Mapping) else each.input, 8)
        except NoLiteral as error:
            raise NbhitlError(
                f"the input of thread {thread!r} cannot be written down ({error}): a test would not know what to begin "
                "with. Begin with values that have a literal, and load the rest in a node."
            ) from error
        lines.append(f"    stopped = run.go({given})")
        lines += ["    if run.failure is not None:", "        raise run.failure"]
    lines += [f"assert stopped.reason == {quoted(reason)}", f"assert run.path() == {literals.of(recorded.path, 4)}"]
    if reason == "interrupted":
        waiting = [one.node for one in open_ones(position)]
        lines.append(f"assert [run.node_of(question) for question in run.pending()] == {literals.of(waiting, 4)}")
    lines.append("values = run.state().values")
    if not isinstance(values, Mapping):
        return [*lines, *assertions("values", values, lambda value: literals.of(value, 4))]
    lines.append(f"assert sorted(values) == {literals.of(sorted(values), 4)}")
    for key in values:
        lines += assertions(f"values[{quoted(key)}]", values[key], lambda value: literals.of(value, 4))
    return lines


def _rules(rules: list[dict[str, Any]], answers: Iterable[Recorded], literals: Literals) -> list[str]:
    """The lines that give ``ANSWERS`` its value."""
    sealed = {one.node for one in answers if one.answered is not None and one.answered.sealed}
    lines = ["ANSWERS = ["]
    # A rule that only names its node would take the answers of those that say what is asked.
    vague: list[str] = []
    for rule in rules:
        notes = []
        parts = [f'"node": {quoted(rule["node"])}']
        if "key" in rule:
            parts.append(f'"key": {quoted(rule["key"])}')
        exact = True
        if "asks" in rule:
            try:
                parts.append(f'"asks": {literals.of(rule["asks"], 8)}')
            except NoLiteral as error:
                exact = False
                notes.append(f"    # what it asks cannot be written down ({error}): only the node counts")
        if rule["node"] in sealed:
            notes.append(f"    # secrets are never recorded: {STAND_IN!r} stands in the place of each")
        each = [_answer(one, literals, rule["node"]) for one in rule["in_order"]]
        parts.append(f'"in_order": [{", ".join(each)}]')
        flat = "    {" + ", ".join(parts) + "},"
        written = [flat] if len(flat) <= 110 and "\n" not in flat else _broken(parts, each)
        (lines if exact else vague).extend([*notes, *written])
    return [*lines, *vague, "]"]


STAND_IN = "no secret"
"""Stands in a test where somebody has answered a secret."""


def _broken(parts: list[str], each: list[str]) -> list[str]:
    lines = ["    {", *(f"        {part}," for part in parts[:-1]), '        "in_order": [']
    return [*lines, *(f"            {one}," for one in each), "        ],", "    },"]


def _answer(one: Mapping[str, Any], literals: Literals, node: str) -> str:
    if "pause" in one:
        return '{"pause": True}'
    try:
        text = literals.of(_without_secrets(one["answer"]), 12)
    except NoLiteral as error:
        raise NbhitlError(f"an answer to node {node!r} cannot be written down: {error}.") from error
    return f'{{"answer": {text}}}' if isinstance(one["answer"], Mapping) else text


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return STAND_IN if value == SECRET else value
        case dict():
            return {key: _without_secrets(item) for key, item in value.items()}
        case list():
            return [_without_secrets(item) for item in value]
        case _:
            return value


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "one"


def _docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
