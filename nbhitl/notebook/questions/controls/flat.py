"""A field with one flat value as ipywidgets core controls, and how their values are read.

Only a view: it makes widgets for a field (`nbhitl.run.forms`) and gathers raw values. It checks nothing and
knows no question. Text goes through `nbhitl.notebook.questions.markup`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as W  # noqa: N812 - the name its users know
import traitlets

from nbhitl.engine.records import MISSING
from nbhitl.notebook.questions.controls.control import Control, Part
from nbhitl.notebook.questions.markup import label_text, pretty, sentence, text_box, whole
from nbhitl.run.forms import FormField


def flat_control(field: FormField) -> Control:
    """The core control that suits a field, with its default filled in."""
    label = label_text(field.label + ("" if field.may_be_blank or not field.label else " *"))
    match field.kind:
        case "choice":
            return _choice(field, label)
        case "choices":
            return _choices(field)
        case "checkbox":
            return _made(field, [W.Checkbox(value=bool(field.default), description=label, indent=False)], _first)
        case "integer" if _few(field):
            return _digits(field, label)
        case "integer" if _slides(field):
            return _slider(field, label)
        case "date" | "time" | "datetime":
            return _made(field, [_picker(field, label)], _first)
        case "json":
            value = "" if field.default in (MISSING, None) else whole(pretty(field.default))
            hint = {"a JSON list": "[ ]", "a JSON object": "{ }"}.get(field.hint, "")
            return _made(field, [_area(value, label, hint, 4)], _first)
        case _:
            value = "" if field.default in (MISSING, None) else whole(str(field.default))
            box = _area(value, label, "", 4) if field.multiline else W.Text(value=value, description=label)
            if field.kind != "text":
                box.add_class("nbh-number")
            return _made(field, [box], _first)


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _made(
    field: FormField,
    widgets: Sequence[Any],
    read: Callable[[Sequence[Any]], Any],
    *,
    key: str = "value",
    shown: Sequence[Any] = (),
    beside: Sequence[Any] = (),
) -> Control:
    error = text_box("")
    about = " ".join(filter(None, (field.description, field.hint and f"({field.hint})")))
    about = about if field.description else sentence(field.hint)
    labelled = not shown and any(getattr(w, "description", "") for w in widgets)
    above = [_bold(field)] if field.label and not labelled else []
    held = [W.HBox([*widgets, *beside]).add_class("nbh-row")] if beside else list(shown or widgets)
    parts = [*above, *held, *([text_box(about, "nbh-help")] if about else []), error]
    box = W.VBox(parts).add_class("nbh-field")
    return Control(
        field, box, tuple(Part(w, key) for w in widgets), lambda values, _: read(values), error, tuple(beside)
    )


def _bold(field: FormField) -> Any:
    """A label of our own, for a group and where ipywidgets' cannot show the text as it is."""
    return text_box(field.label + ("" if field.may_be_blank else " *"), "nbh-label")


def _choice(field: FormField, label: str) -> Control:
    # without a default nothing is chosen beforehand: a person must choose
    values = [option.value for option in field.options]
    at = next((i for i, v in enumerate(values) if v == field.default and type(v) is type(field.default)), None)
    blank = field.may_be_blank and at is None
    labels = (["(no answer)"] if blank else []) + [whole(o.label) for o in field.options]
    start = 0 if blank else at
    short = len(labels) <= 12 and all(len(text) <= 5 for text in labels)
    kind = W.ToggleButtons if short else W.RadioButtons if len(labels) <= 7 else W.Dropdown
    box = kind(options=[(text, i) for i, text in enumerate(labels)], index=start, description=label)

    def read(values: Sequence[Any]) -> Any:
        index = values[0]
        if blank and type(index) is int:
            return None if index == 0 else index - 1 if index > 0 else index
        return index

    return _made(field, [box], read, key="index")


def _choices(field: FormField) -> Control:
    default = field.default if isinstance(field.default, list) else []
    boxes = [
        W.Checkbox(value=option.value in default, description=label_text(option.label), indent=False)
        for option in field.options
    ]
    rows = [
        box if box.description else W.HBox([box, text_box(option.label)]).add_class("nbh-row")
        for box, option in zip(boxes, field.options, strict=True)
    ]
    return _made(field, boxes, _ticked, shown=rows)


def _ticked(values: Sequence[Any]) -> list[int]:
    return [i for i, ticked in enumerate(values) if ticked is True]


def _span(field: FormField) -> int:
    """How far apart the bounds of a whole number are; 0 where there are not two."""
    low: Any = field.minimum
    high: Any = field.maximum
    return high - low if isinstance(low, int) and isinstance(high, int) else 0


def _few(field: FormField) -> bool:
    return 0 < _span(field) < 12 and not field.step


def _slides(field: FormField) -> bool:
    step: Any = field.step
    return 0 < _span(field) <= 100 and (step is None or isinstance(step, int))


def _digits(field: FormField, label: str) -> Control:
    low, high = int(field.minimum or 0), int(field.maximum or 0)
    numbers = [str(n) for n in range(low, high + 1)]
    texts = (["(no answer)"] if field.may_be_blank and field.default in (MISSING, None) else []) + numbers
    start = texts.index(str(field.default)) if str(field.default) in texts else None
    start = 0 if start is None and len(texts) > len(numbers) else start
    box = W.ToggleButtons(options=[(t, i) for i, t in enumerate(texts)], index=start, description=label)

    def read(values: Sequence[Any]) -> Any:
        index = values[0]
        if index is None:
            return None
        known = type(index) is int and 0 <= index < len(texts)
        return str(index) if not known else texts[index] if texts[index] != "(no answer)" else None

    return _made(replace(field, hint=""), [box], read, key="index")  # the buttons show what is allowed


def _slider(field: FormField, label: str) -> Control:
    # the text box is the answer: a slider always has a value, and clamps what is typed without a word
    low, high = int(field.minimum or 0), int(field.maximum or 0)
    given = field.default if isinstance(field.default, int) and low <= field.default <= high else None
    slider = W.IntSlider(
        value=low if given is None else given, min=low, max=high, step=int(field.step or 1), readout=False
    )
    box = W.Text(value="" if given is None else str(given), description=label, placeholder=f"{low}-{high}")

    def slid(change: Any) -> None:
        box.value = str(change["new"])

    def typed(change: Any) -> None:
        text = change["new"].strip()
        if text.isascii() and text.lstrip("-").isdigit() and len(text) < 9 and low <= int(text) <= high:
            with slider.hold_trait_notifications():
                slider.unobserve(slid, "value")
                slider.value = int(text)
            slider.observe(slid, "value")

    slider.observe(slid, "value")
    box.observe(typed, "value")
    return _made(field, [box.add_class("nbh-number")], _first, beside=[slider])


def _picker(field: FormField, label: str) -> Any:
    kind, parse = {
        "date": (W.DatePicker, dt.date.fromisoformat),
        "time": (W.TimePicker, dt.time.fromisoformat),
        "datetime": (W.DatetimePicker if field.aware else W.NaiveDatetimePicker, dt.datetime.fromisoformat),
    }[field.kind]
    try:
        return kind(value=parse(field.default) if isinstance(field.default, str) else None, description=label)
    except (ValueError, traitlets.TraitError):
        return kind(description=label)


def _area(value: str, label: str, placeholder: str, rows: int) -> Any:
    rows = min(12, max(rows, value.count("\n") + 2))
    return W.Textarea(value=value, description=label, placeholder=placeholder, rows=rows)
