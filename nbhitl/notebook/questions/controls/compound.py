"""A field of many values (object, list, table, union, file) or a secret one, as one widget that lives in the page.

Rows can be added while the kernel is busy, since the page does it. What is typed is mirrored into the ``draft``
trait, so that it outlives a reload, but for secrets and the content of files: these leave the page once, with
the submit message. May not judge: `nbhitl.notebook.questions.controls.draft` says what a draft stands for.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anywidget
import ipywidgets as W  # noqa: N812 - the name its users know
import traitlets

from nbhitl.notebook.questions.controls.control import Control, Part, Said
from nbhitl.notebook.questions.controls.draft import draft_of, may_be_off, raw_of, row_draft
from nbhitl.notebook.questions.markup import sentence, text_box, whole
from nbhitl.run.forms import FormField, Kind
from nbhitl.run.limits import FILE_CAP

COMPOUND: Final[frozenset[Kind]] = frozenset({"object", "list", "table", "union", "file", "secret"})
"""The kinds of field that have no core control."""
_PAGE: Final = ("elements", "flat", "sent_once", "groups", "list", "table", "compound")
"""The files of what runs in the page: together they are one module."""
_FOLDER: Final = Path(__file__).with_name("page")
_ESM: Final = "\n".join((_FOLDER / f"{name}.js").read_text("utf-8") for name in _PAGE)
_CSS: Final = (_FOLDER / "compound.css").read_text("utf-8")


class Compound(anywidget.AnyWidget):
    """The page builds its controls from ``field`` and keeps ``draft`` up to date."""

    _esm = _ESM
    _css = _CSS
    field = traitlets.Dict().tag(sync=True)
    """What `described` says of the field."""
    draft = traitlets.Any().tag(sync=True)
    token = traitlets.Unicode().tag(sync=True)
    """By which the submit button finds it in the page."""
    problems: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """``[place, message]``, the place dotted and relative to this field."""
    refusals = traitlets.Int(0).tag(sync=True)
    """How often an answer was refused: what is not kept has to be typed again."""
    disabled = traitlets.Bool(False).tag(sync=True)


def compound_control(field: FormField) -> Control:
    """The control of a field that has parts, a file, or a secret."""
    widget = Compound(field=described(field), draft=draft_of(field), token=secrets.token_hex(8))

    def read(values: Sequence[Any], buffers: Sequence[Any]) -> Any:
        return raw_of(field, values[0], buffers)

    def inside(problems: Said) -> None:
        widget.problems = [[path, whole(text)] for path, text in problems]

    box = W.VBox([widget]).add_class("nbh-field")
    return Control(field, box, (Part(widget, "draft"),), read, text_box(""), inside=inside)


def described(field: FormField) -> dict[str, Any]:
    """What the page has to know of a field: words and shapes, never values, which only the kernel has."""
    found: dict[str, Any] = {
        "name": whole(field.name),
        "label": whole(field.label),
        "kind": field.kind,
        "required": not field.may_be_blank,
        "help": whole(_help(field)),
    }
    match field.kind:
        case "choice" | "choices":
            found["options"] = [whole(option.label) for option in field.options]
        case "text":
            found["multiline"] = field.multiline
        case "datetime":
            found["aware"] = field.aware
        case "object":
            found |= {"fields": [described(member) for member in field.fields], "optional": may_be_off(field)}
        case "list" if field.item is not None:
            found |= _many(field) | {"item": described(field.item), "blank": draft_of(field.item)}
        case "table":
            found |= _many(field) | {"fields": [described(c) for c in field.fields], "blank": row_draft(field)}
        case "union":
            found["variants"] = [described(variant) for variant in field.variants]
        case "file":
            found |= {"accepts": [whole(a) for a in field.accepts], "largest": field.largest or FILE_CAP}
        case _:
            pass
    return found


def _many(field: FormField) -> dict[str, Any]:
    return {"shortest": field.shortest, "longest": field.longest, "optional": may_be_off(field)}


def _help(field: FormField) -> str:
    about = " ".join(filter(None, (field.description, field.hint and f"({field.hint})")))
    return about if field.description else sentence(field.hint)
