"""What is asked, as safe HTML: text, tables, pictures, Markdown and changes beside it. Shows only; knows no controls.

A question's value can be anything. Of a dict the key ``question`` is the question's text, ``show`` (a list, as the
helpers of `nbhitl.asking` make it) what is shown without names, and ``problem`` why it is asked again.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.engine.shown import Diff, Markdown
from nbhitl.notebook.inspecting.diffs import diff_html
from nbhitl.notebook.questions.markdown import markdown_html
from nbhitl.notebook.questions.markup import error_html, escaped, pretty
from nbhitl.notebook.questions.photos import picture
from nbhitl.notebook.questions.tables import grid, table_html
from nbhitl.run.cards import Action, actions_of

TEXT_SHOWN: Final = 20_000
"""Characters of one value of a question that are shown."""
NAME_SHOWN: Final = 60
_NAMELESS: Final = object()
"""Stands for the name of what has none; any text can be a name."""


class Question(Protocol):
    """What a form needs of `nbhitl.engine.records.Asked`."""

    @property
    def value(self) -> Any:
        """What is asked."""

    @property
    def schema(self) -> Any:
        """What an answer has to be."""


def headline(value: Any) -> str:
    """The question's text where it is one short line: its own heading. Empty for others."""
    text = value.get("question") if isinstance(value, dict) else value
    return text if type(text) is str and len(text) <= 200 and "\n" not in text else ""


def question_html(value: Any, heading: str = "") -> list[str]:
    """What is asked as safe HTML, in at most one part; the text that is the form's ``heading`` is not said again."""
    actions = actions_of(value)
    if actions is not None:
        return ["".join(map(_action, actions))] if actions else []
    if not isinstance(value, dict):
        return [] if heading and value == heading else _joined(_shown([(_NAMELESS, value)]))
    rest = dict(value)
    said = []
    if isinstance(rest.get("question"), str) and len(rest) > 1:
        text = rest.pop("question")
        said += [] if text == heading else [_text(text)]
    elif heading and rest.get("question") == heading:
        return []
    if isinstance(rest.get("problem"), str) and "question" in value:
        said.append(error_html(rest.pop("problem")))
    shown = rest.pop("show") if isinstance(rest.get("show"), list) and "question" in value else []
    return _joined([*said, *_shown([(_NAMELESS, item) for item in shown]), *_shown(rest.items())])


def _joined(parts: Iterable[str]) -> list[str]:
    found = "".join(parts)
    return [found] if found else []


def _shown(named: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    """Pictures first, side by side; then the others in order, short ones in a table of names and values."""
    pictures, others = [], []
    for name, item in named:
        value = item.data if isinstance(item, Opaque) else item
        found = picture(value)
        if found is not None:
            pictures.append(_figure("" if name is _NAMELESS else _cut(name), *found))
        else:
            others.append((name, value))
    yield "".join(pictures)
    rows: list[str] = []
    for name, item in others:
        block = _block(item)
        if block is None and name is not _NAMELESS:
            rows.append(_row(name, item))
            continue
        yield from _table(rows)
        rows = []
        if name is not _NAMELESS:
            yield f'<div class="nbh-name">{escaped(_name(name))}</div>'
        if block is not None:
            yield block
        elif item is not None:
            yield _bare(item)
    yield from _table(rows)


def _block(value: Any) -> str | None:
    """What needs the whole width; None for what is shown as text."""
    if isinstance(value, Markdown) and isinstance(value.text, str):
        return markdown_html(value.text)
    if isinstance(value, Diff):
        return diff_html(value)
    found = grid(value)
    return None if found is None else table_html(found)


def _bare(value: Any) -> str:
    """A value without a name: its members by name where it has some, else its text."""
    members = _members(value)
    if members:
        return "".join(_shown(members.items()))
    return _text(_cut(value))


def _members(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return dict(vars(value)) if isinstance(getattr(type(value), "__pydantic_fields__", None), dict) else None


def _row(name: Any, value: Any) -> str:
    return f"<tr><th>{escaped(_name(name))}</th><td>{escaped(_cut(value))}</td></tr>"


def _table(rows: list[str]) -> Iterator[str]:
    if rows:
        yield f'<table class="nbh-values">{"".join(rows)}</table>'


def _text(text: str) -> str:
    return f'<div class="nbh-question">{escaped(text)}</div>'


def _figure(name: str, kind: str, data: bytes) -> str:
    said = escaped(name[:100])
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    caption = f"<figcaption>{said}</figcaption>" if name else ""
    return f'<figure class="nbh-figure"><img src="{source}" alt="picture {said}">{caption}</figure>'


def _action(action: Action) -> str:
    """A tool's call that waits for a person: its name, why, and what it is called with."""
    why = action.description
    if f"Tool: {action.name}" in why and "Args: " in why:  # LangChain's own words, which repeat what stands below
        why = why.partition("\n")[0]
    head = f'<div class="nbh-name">{escaped(_name(action.name))}</div>'
    about = _text(_cut(why)) if why and why != action.name else ""
    return f'<div class="nbh-action">{head}{about}{"".join(_shown(action.args.items()))}</div>'


def _name(name: Any) -> str:
    return _cut(name)[:NAME_SHOWN]


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else pretty(value)
    cut = f" ... ({len(text):,} characters)" if len(text) > TEXT_SHOWN else ""
    return text[:TEXT_SHOWN] + cut
