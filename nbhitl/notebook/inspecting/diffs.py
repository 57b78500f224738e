"""What changed between two values, as HTML: signs and marks beside colours, so that nobody needs to see these.

Texts are compared line by line, and changed lines word by word; dicts, dataclasses and pydantic models key by key;
frames and all others as the lines of their text. Everything is shown as text.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from nbhitl.engine.records import MISSING
from nbhitl.engine.shown import Diff
from nbhitl.notebook.questions.markup import escaped, pretty
from nbhitl.notebook.questions.tables import grid

LINES_COMPARED: Final = 2_000
TEXT_COMPARED: Final = 40_000
"""Characters of each text that are compared: beyond them the comparison would take seconds."""
AROUND: Final = 2
"""Equal lines that are shown before and after a change."""
DEEP: Final = 6
"""Levels of dicts that are compared key by key."""
_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")


def diff_html(diff: Diff) -> str:
    """Before and after as safe HTML."""
    old, new = _members(diff.before), _members(diff.after)
    if old is not None and new is not None:
        return _keys_html(old, new)
    return _lines_html(_as_text(diff.before), _as_text(diff.after))


# -- key by key


def _keys_html(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    rows, same = [], 0
    for name, before, after in _pairs(old, new, ""):
        if _equal(before, after):
            same += 1
            continue
        sign, word = _sign(before, after)
        both = marked(_in_cell(before), _in_cell(after)) if sign == "~" else None
        was, now = both or (_whole(before, "del"), _whole(after, "ins"))
        rows.append(
            f'<tr><td class="nbh-sign" title="{word}">{sign}</td><th scope="row">{escaped(name)}</th>'
            f'<td class="nbh-gone">{was}</td><td class="nbh-come">{now}</td></tr>'
        )
    rest = f'<div class="nbh-note">{same:,} {"value is" if same == 1 else "values are"} the same</div>' if same else ""
    if not rows:
        return f'<div class="nbh-diff"><div class="nbh-note">Nothing has changed</div>{rest}</div>'
    head = '<tr><td></td><td></td><th scope="col">before</th><th scope="col">after</th></tr>'
    return f'<div class="nbh-diff"><table class="nbh-changes"><thead>{head}</thead>{"".join(rows)}</table>{rest}</div>'


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys((*old, *new)):
        name = f"{path}{key}"
        before, after = old.get(key, MISSING), new.get(key, MISSING)
        inner = _members(before), _members(after)
        if inner[0] is not None and inner[1] is not None and name.count(".") < DEEP:
            yield from _pairs(inner[0], inner[1], f"{name}.")
        else:
            yield name, before, after


def _members(value: Any) -> Mapping[str, Any] | None:
    """The named parts of a dict, a dataclass or a pydantic model; None for other values."""
    if isinstance(value, Mapping):
        return value if all(isinstance(key, str) for key in value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, MISSING) for field in dataclasses.fields(value)}
    if isinstance(getattr(type(value), "__pydantic_fields__", None), dict):
        return dict(vars(value))
    return None


def _equal(before: Any, after: Any) -> bool:
    try:
        return type(before) is type(after) and bool(before == after)
    except Exception:  # noqa: BLE001 - a stranger's values; their text decides
        return _as_text(before) == _as_text(after)


def _sign(before: Any, after: Any) -> tuple[str, str]:
    if before is MISSING:
        return "+", "added"
    return ("\u2212", "removed") if after is MISSING else ("~", "changed")


def _whole(value: Any, tag: str) -> str:
    return "" if value is MISSING else f"<{tag}>{escaped(_in_cell(value))}</{tag}>"


def _in_cell(value: Any) -> str:
    return pretty(value) if isinstance(value, dict | list) else _as_text(value)


# -- line by line


def _lines_html(before: str, after: str) -> str:
    old, new = before[:TEXT_COMPARED].splitlines(), after[:TEXT_COMPARED].splitlines()
    cut = len(before) > TEXT_COMPARED or len(after) > TEXT_COMPARED or max(len(old), len(new)) > LINES_COMPARED
    old, new = old[:LINES_COMPARED], new[:LINES_COMPARED]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    lines = list(_changes(matcher, old, new))
    if not any(' class="nbh-gone"' in line or ' class="nbh-come"' in line for line in lines):
        lines = ['<div class="nbh-note">Nothing has changed</div>']
    if cut:
        lines.append('<div class="nbh-note">Only the beginning of the texts is compared: they are long</div>')
    return f'<div class="nbh-diff nbh-roll" tabindex="0" role="region" aria-label="changes">{"".join(lines)}</div>'


def _changes(matcher: difflib.SequenceMatcher[str], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    at = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        yield from _skipped(group[0][1] - at)
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                yield from (_line("same", " ", "", escaped(line)) for line in old[i1:i2])
            else:
                yield from _block(old[i1:i2], new[j1:j2])
        at = group[-1][2]
    yield from _skipped(len(old) - at)


def _block(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Lines that took the place of others: the n-th of both are compared by their words."""
    gone, come = [], []
    for n in range(max(len(old), len(new))):
        before, after = old[n] if n < len(old) else None, new[n] if n < len(new) else None
        both = marked(before, after) if before is not None and after is not None else None
        if before is not None:
            gone.append(_line("gone", "\u2212", "removed: ", both[0] if both else escaped(before)))
        if after is not None:
            come.append(_line("come", "+", "added: ", both[1] if both else escaped(after)))
    yield from gone
    yield from come


def marked(before: str, after: str) -> tuple[str, str] | None:
    """Both texts with the words that differ marked; None where they have too little in common for that."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > 1_500:
        return None
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < 0.4:
        return None
    gone, come = [], []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        first, second = escaped("".join(old[i1:i2])), escaped("".join(new[j1:j2]))
        if kind == "equal":
            gone.append(first)
            come.append(second)
            continue
        gone.append(f"<del>{first}</del>" if first else "")
        come.append(f"<ins>{second}</ins>" if second else "")
    return "".join(gone), "".join(come)


def _line(style: str, sign: str, word: str, inner: str) -> str:
    said = f'<span class="nbh-unseen">{word}</span>' if word else ""
    return f'<div class="nbh-{style}"><span class="nbh-sign" aria-hidden="true">{sign}</span>{said}{inner}</div>'


def _skipped(count: int) -> Iterator[str]:
    if count > 0:
        yield f'<div class="nbh-note">\u22ef {count:,} equal line{"s" if count > 1 else ""}</div>'


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    found = grid(value)
    if found is not None and not isinstance(value, list | tuple):
        rows = ("  |  ".join(str(item) for item in row) for row in found.rows)
        return "\n".join(["  |  ".join(found.columns), *rows])
    try:
        return json.dumps(value, ensure_ascii=False, indent=1)
    except (TypeError, ValueError, RecursionError):
        return pretty(value)
