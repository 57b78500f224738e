"""A question as a form of ipywidgets core controls: text, choices, pictures beside it, errors beside fields.

Only a view: it shows a form model (`nbhitl.run.fields`), gathers raw values and hands them to the caller's
``submit``, which has to put them on a queue and return. It checks nothing, holds no run state, never blocks
and does not rely on the thread or the moment of a callback. Works without a frontend.

Everything that comes from a question is shown as text: it reaches the page through `html.escape` only. The
labels of ipywidgets are typeset as TeX, so they go through `_label`. Pictures are raster images, told by
their first bytes.

This file is longer than the house likes; controls and pictures are to become files of their own.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import html
import importlib
import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

import ipywidgets as W  # noqa: N812 - the name its users know
import traitlets

from nbhitl.engine.records import MISSING
from nbhitl.run.fields import FormField, form_model

if TYPE_CHECKING:
    from nbhitl.engine.errors import Problem
    from nbhitl.engine.ports import Checker

State: TypeAlias = Literal["open", "busy", "answered", "closed"]
TEXT_SHOWN: Final = 20_000
"""Characters of one value of a question that are shown."""
PICTURE_CAP: Final = 10_000_000
"""Bytes of a picture that is sent to the page."""
TINY: Final = 160
"""Pixels: smaller pictures are enlarged to about this size."""


class Question(Protocol):
    """What a form needs of `nbhitl.engine.records.Asked`."""

    @property
    def value(self) -> Any:
        """What is asked."""

    @property
    def schema(self) -> Any:
        """What an answer has to be."""


class Form:
    """A question with controls for its answer; place it with ``display(form.widget)``.

    Args:
        question: its ``value`` is shown, its ``schema`` makes the controls.
        title: the heading, e.g. the node's name.
        checker: describes the schema.
        submit: called with the raw values by field name when the person submits (`nbhitl.run.fields.collect`
            says what they are). It must put them on a queue and return. The form is busy from then on, until
            `answered`, `refuse` or `close`, which may be called from any thread and after the form is gone.

    All values travel with the submit message when the package anywidget is there. With the core button alone,
    values that were typed a moment before the click may still be under way.

    Raises:
        SchemaError: the schema cannot be shown.
    """

    def __init__(
        self, question: Question, *, title: str, checker: Checker, submit: Callable[[Any], None]
    ) -> None:
        self.model = form_model(checker.describe(question.schema))
        self.state: State = "open"
        self._submit = submit
        self._controls = tuple(_control(field) for field in self.model.fields)
        self._summary = _text("")
        self._status = _text("")
        self._button = _button(self._controls, self._pressed)
        required = any(not field.may_be_blank for field in self.model.fields)
        legend = _text("* required" if required and len(self.model.fields) > 1 else "", "nbh-help")
        self._foot = W.HBox([self._button, legend]).add_class("nbh-foot")
        self._fields = W.VBox([c.box for c in self._controls]).add_class("nbh-fields")
        self._headline = self.model.description or _headline(question.value)
        shown = [] if self._headline == question.value else [W.HTML(p) for p in _question(question.value)]
        body = W.HBox([*shown, W.VBox([self._summary, self._fields, self._foot]).add_class("nbh-answer")])
        style = W.HTML(STYLE, layout=W.Layout(display="none"))
        parts = [style, *self._heading(title), body.add_class("nbh-body"), self._status]
        self.widget = W.VBox(parts).add_class("nbh-form")

    def press(self) -> None:
        """Submit as if the button was pressed, with the values that are known here."""
        self._pressed(None)

    def raw(self, sent: Sequence[Any] | None = None) -> dict[str, Any]:
        """The raw value of each control by field name; from the values ``sent`` by the page when given."""
        values = [part.value(i, sent) for i, part in enumerate(_parts(self._controls))]
        found, at = {}, 0
        for control in self._controls:
            found[control.field.name] = control.read(values[at : at + len(control.parts)])
            at += len(control.parts)
        return found

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong, each beside its field, and take another answer. What was typed is kept."""
        said: dict[str, list[str]] = {}
        rest = []
        for problem in problems:
            control = self._at(problem.field)
            if control is None:
                rest.append(": ".join(filter(None, (problem.field, problem.message))))
            else:
                inner = problem.field[len(control.field.name) :].lstrip(".")
                text = f"{inner}: {problem.message}" if inner else problem.message
                said.setdefault(control.field.name, []).append(text)
        for control in self._controls:
            control.say("; ".join(said.get(control.field.name, ())))
        lines = [_sentence(text) for text in rest]
        if len(said) > 1:
            labels = ", ".join(c.field.label for c in self._controls if c.field.name in said)
            lines.insert(0, f"{len(said)} fields need another answer: {labels}.")
        self._summary.value = _error("\n".join(lines)) if lines else ""
        self._become("open", "")

    def answered(self, text: str) -> None:
        """The answer was taken: say which one, and fold the form."""
        self._fields.layout.display = self._foot.layout.display = "none"
        self._quiet()
        self._become("answered", _note("nbh-done", "\u2713", f"Answered: {text}" if text else "Answered"))

    def close(self, message: str) -> None:
        """Nothing can be answered here any more (answered elsewhere, superseded): say why, keep the draft."""
        self._foot.layout.display = "none"
        self._quiet()
        self._become("closed", _note("nbh-closed", "\u2298", message))

    def _heading(self, title: str) -> list[Any]:
        texts = [(title or self.model.title, "nbh-title"), (self._headline, "nbh-description")]
        return [_text(text, style) for text, style in texts if text]

    def _pressed(self, sent: Sequence[Any] | None) -> None:
        if self.state != "open":
            return  # a second click, or one that was under way when the question was closed
        raw = self.raw(sent)
        self._become("busy", "")
        try:
            self._submit(raw)
        except BaseException:
            self._become("open", "")
            raise

    def _become(self, state: State, status: str) -> None:
        if self.state in ("answered", "closed") and state in ("open", "busy"):
            return  # a late message must not open what is done
        self.state = state
        self._status.value = status
        self._button.disabled = state != "open"
        self._button.description = "Answering ..." if state == "busy" else "Submit"

    def _quiet(self) -> None:
        self._summary.value = ""
        for control in self._controls:
            control.say("")
            for part in control.parts:
                part.widget.disabled = True
            for extra in control.extras:
                extra.disabled = True

    def _at(self, path: str) -> _Control | None:
        """The control that a problem's dotted path leads to (a name may have dots itself)."""
        fits = [
            c for c in self._controls
            if c.field.name == "" or path == c.field.name or path.startswith(c.field.name + ".")
        ]  # fmt: skip
        return max(fits, key=lambda c: len(c.field.name), default=None)


# ---------------------------------------------------------------------------------------------- controls


@dataclass(frozen=True, slots=True)
class _Part:
    """One widget of a control and the trait that holds its value."""

    widget: Any
    key: str

    def value(self, i: int, sent: Sequence[Any] | None) -> Any:
        """Its value: the ``i``-th of those that the page sent, else the last one that arrived here."""
        if sent is None or i >= len(sent):
            return getattr(self.widget, self.key)
        build = self.widget.trait_metadata(self.key, "from_json")
        try:
            return build(sent[i], self.widget) if build else sent[i]
        except (TypeError, ValueError, KeyError, ArithmeticError):
            return str(sent[i])  # nothing that a picker sends: the checker will say so


@dataclass(frozen=True, slots=True)
class _Control:
    """A field's widgets, how their values are read, and where its error is shown."""

    field: FormField
    box: Any
    parts: tuple[_Part, ...]
    read: Callable[[Sequence[Any]], Any]
    error: Any
    extras: tuple[Any, ...] = ()
    """Widgets that only help to set the parts."""

    def say(self, problem: str) -> None:
        """Show what is wrong with this field; the empty text takes it away."""
        self.error.value = _error(_sentence(problem)) if problem else ""
        (self.box.add_class if problem else self.box.remove_class)("nbh-wrong")


def _parts(controls: Sequence[_Control]) -> list[_Part]:
    return [part for control in controls for part in control.parts]


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _control(field: FormField) -> _Control:
    label = _label(field.label + ("" if field.may_be_blank or not field.label else " *"))
    match field.kind:
        case "choice":
            return _choice(field, label)
        case "choices":
            return _choices(field)
        case "checkbox":
            return _made(
                field, [W.Checkbox(value=bool(field.default), description=label, indent=False)], _first
            )
        case "integer" if _few(field):
            return _digits(field, label)
        case "integer" if _slides(field):
            return _slider(field, label)
        case "date" | "time" | "datetime":
            return _made(field, [_picker(field, label)], _first)
        case "json":
            value = "" if field.default in (MISSING, None) else _whole(_pretty(field.default))
            hint = {"a JSON list": "[ ]", "a JSON object": "{ }"}.get(field.hint, "")
            return _made(field, [_area(value, label, hint, 4)], _first)
        case _:
            value = "" if field.default in (MISSING, None) else _whole(str(field.default))
            box = _area(value, label, "", 4) if field.multiline else W.Text(value=value, description=label)
            if field.kind != "text":
                box.add_class("nbh-number")
            return _made(field, [box], _first)


def _made(
    field: FormField,
    widgets: Sequence[Any],
    read: Callable[[Sequence[Any]], Any],
    *,
    key: str = "value",
    shown: Sequence[Any] = (),
    beside: Sequence[Any] = (),
) -> _Control:
    error = _text("")
    about = " ".join(filter(None, (field.description, field.hint and f"({field.hint})")))
    about = about if field.description else _sentence(field.hint)
    labelled = not shown and any(getattr(w, "description", "") for w in widgets)
    above = [_bold(field)] if field.label and not labelled else []
    held = [W.HBox([*widgets, *beside]).add_class("nbh-row")] if beside else list(shown or widgets)
    parts = [*above, *held, *([_text(about, "nbh-help")] if about else []), error]
    box = W.VBox(parts).add_class("nbh-field")
    return _Control(field, box, tuple(_Part(w, key) for w in widgets), read, error, tuple(beside))


def _bold(field: FormField) -> Any:
    """A label of our own, for a group and where ipywidgets' cannot show the text as it is."""
    return _text(field.label + ("" if field.may_be_blank else " *"), "nbh-label")


def _choice(field: FormField, label: str) -> _Control:
    # without a default nothing is chosen beforehand: a person must choose
    values = [option.value for option in field.options]
    at = next(
        (i for i, v in enumerate(values) if v == field.default and type(v) is type(field.default)), None
    )
    blank = field.may_be_blank and at is None
    labels = (["(no answer)"] if blank else []) + [_whole(o.label) for o in field.options]
    start = 0 if blank else at
    short = len(labels) <= 12 and all(len(text) <= 3 for text in labels)
    kind = W.ToggleButtons if short else W.RadioButtons if len(labels) <= 7 else W.Dropdown
    box = kind(options=[(text, i) for i, text in enumerate(labels)], index=start, description=label)

    def read(values: Sequence[Any]) -> Any:
        index = values[0]
        if blank and type(index) is int:
            return None if index == 0 else index - 1 if index > 0 else index
        return index

    return _made(field, [box], read, key="index")


def _choices(field: FormField) -> _Control:
    default = field.default if isinstance(field.default, list) else []
    boxes = [
        W.Checkbox(value=option.value in default, description=_label(option.label), indent=False)
        for option in field.options
    ]
    rows = [
        box if box.description else W.HBox([box, _text(option.label)]).add_class("nbh-row")
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


def _digits(field: FormField, label: str) -> _Control:
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


def _slider(field: FormField, label: str) -> _Control:
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


def _button(controls: Sequence[_Control], pressed: Callable[[Sequence[Any] | None], None]) -> Any:
    try:
        base = importlib.import_module("anywidget").AnyWidget
    except ImportError:
        button = W.Button(description="Submit", button_style="primary")
        button.on_click(lambda _: pressed(None))
        return button.add_class("nbh-submit")
    button = _submit_class(base)()
    button.controls = [[part.widget.model_id, part.key] for part in _parts(controls)]
    button.on_msg(lambda _widget, content, _buffers: pressed(_sent(content)))
    return button


def _sent(content: Any) -> Sequence[Any] | None:
    values = content.get("values") if isinstance(content, Mapping) else None
    return values if isinstance(values, list) else None


def _submit_class(base: Any) -> Any:
    class Submit(base):  # type: ignore[misc]
        """The button, and Ctrl+Enter anywhere in its form: sends all values of the form in one message.

        ipywidgets sends each change on its own and holds changes back while one is under way, so a click can
        overtake what was typed before it.
        """

        _esm = SUBMIT
        description = traitlets.Unicode("Submit").tag(sync=True)
        disabled = traitlets.Bool(False).tag(sync=True)
        controls: traitlets.List[Any] = traitlets.List().tag(sync=True)

    return Submit


# ---------------------------------------------------------------------------------------------- the question


def _headline(value: Any) -> str:
    """A question that is one short line of text is its own heading."""
    return value if type(value) is str and len(value) <= 200 and "\n" not in value else ""


def _question(value: Any) -> list[str]:
    """What is asked as safe HTML: pictures in one part, text in another."""
    named = list(value.items()) if isinstance(value, dict) else [("", value)]
    pictures, rows = [], []
    for name, item in named:
        found = picture(item)
        if found is not None:
            pictures.append((_shown(name) if name else "", found))
        elif item is not None or isinstance(value, dict):
            rows.append((_shown(name), _shown(item)))
    parts = []
    if pictures:
        parts.append("".join(_figure(name, kind, data) for name, (kind, data) in pictures))
    if rows and isinstance(value, dict):
        lines = (f"<tr><th>{_escaped(n[:60])}</th><td>{_escaped(t)}</td></tr>" for n, t in rows)
        parts.append(f'<table class="nbh-values">{"".join(lines)}</table>')
    elif rows:
        parts.append(f'<div class="nbh-question">{_escaped(rows[0][1])}</div>')
    return ["".join(parts)] if parts else []


def _figure(name: str, kind: str, data: bytes) -> str:
    said = _escaped(name[:100])
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    caption = f"<figcaption>{said}</figcaption>" if name else ""
    return f'<figure class="nbh-figure"><img src="{source}" alt="picture {said}">{caption}</figure>'


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else _pretty(value)
    cut = f" ... ({len(text):,} characters)" if len(text) > TEXT_SHOWN else ""
    return text[:TEXT_SHOWN] + cut


def _pretty(value: Any) -> str:
    try:
        indent = 2 if isinstance(value, dict | list) and len(repr(value)) > 60 else None
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return repr(value)
    except Exception as broken:  # noqa: BLE001 - a stranger's code
        return f"<{type(value).__name__}: its repr raised {type(broken).__name__}>"


# ---------------------------------------------------------------------------------------------- pictures


def picture(value: Any) -> tuple[str, bytes] | None:
    """Kind and bytes of a raster picture: of image bytes, a PIL image, a matplotlib figure, an array."""
    try:
        if isinstance(value, bytes | bytearray | memoryview):
            data = bytes(value)
        elif (made := _drawn(value)) is not None:
            data = made
        else:
            return None
    except Exception:  # noqa: BLE001 - a stranger's picture; it is shown as text then
        return None
    kind = _kind(data)
    return None if kind is None or len(data) > PICTURE_CAP else (kind, data)


def _kind(data: bytes) -> str | None:
    """By the first bytes, as what a file calls itself cannot be trusted. No SVG: it can hold scripts."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _drawn(value: Any) -> bytes | None:
    room = type(value).__module__.split(".")[0]
    out = io.BytesIO()
    if room == "PIL" and hasattr(value, "resize"):
        times = _times(value.height, value.width)
        value = value.convert("RGBA" if "A" in value.getbands() else "RGB")
        value.resize((value.width * times, value.height * times), 0).save(out, "PNG")
        return out.getvalue()
    if room == "matplotlib" and hasattr(value, "savefig"):
        value.savefig(out, format="png", bbox_inches="tight")
        return out.getvalue()
    return array_png(value) if room == "numpy" and getattr(value, "ndim", 0) in (2, 3) else None


def _times(height: int, width: int) -> int:
    return max(1, round(TINY / max(height, width, 1)))


def array_png(array: Any) -> bytes | None:
    """A numpy array of shape (h, w) or (h, w, 1 or 3 or 4) as PNG; None for other shapes and types.

    uint8 and bool are shown as they are, floats in 0..1 as black to white, other numbers from their least
    to their greatest value. Small ones are enlarged without blur, ones above 2,048 pixels a side thinned out.
    """
    import numpy as np

    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    layers = array.shape[2] if array.ndim == 3 else 1
    if array.dtype.kind not in "buif" or 0 in array.shape or layers not in (1, 3, 4):
        return None
    step = max(1, -(-max(array.shape[:2]) // 2_048))
    array = array[::step, ::step]
    if array.dtype.kind == "b":
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        numbers = np.nan_to_num(array.astype(float), posinf=0.0, neginf=0.0)
        low, high = float(numbers.min()), float(numbers.max())
        if array.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
            low, high = 0.0, 1.0
        array = np.round((numbers - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)
    times = _times(*array.shape[:2])
    array = np.ascontiguousarray(array.repeat(times, 0).repeat(times, 1))
    height, width = array.shape[:2]
    colour = {1: 0, 3: 2, 4: 6}[layers]
    lines = b"".join(b"\0" + row.tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", binascii.crc32(name + data))


# ---------------------------------------------------------------------------------------------- text


def _text(text: str, style: str = "") -> Any:
    return W.HTML(f'<div class="{style}">{_escaped(text)}</div>' if text else "")


def _escaped(text: str) -> str:
    return html.escape(_whole(text))


def _whole(text: str) -> str:
    """Without halves of characters, which cannot be sent."""
    return text.encode("utf-8", "replace").decode()


def _label(text: str) -> str:
    """For ipywidgets' own labels, which are typeset: empty for text that could be TeX (see `_made`)."""
    text = _whole(text).replace("\n", " ")
    return "" if text.count("$") > 1 or "\\" in text else text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _note(style: str, sign: str, text: str) -> str:
    return f'<div class="{style}" role="status"><span aria-hidden="true">{sign}</span> {_escaped(text)}</div>'


def _error(text: str) -> str:
    sign = '<span aria-hidden="true">\u26a0</span>'
    return f'<div class="nbh-error" role="alert">{sign} {_escaped(text)}</div>'


SUBMIT: Final = """
function render({ model, el }) {
  const button = document.createElement("button");
  button.className = "jupyter-widgets jupyter-button widget-button mod-primary nbh-submit";
  button.title = "Ctrl+Enter";
  const paint = () => {
    button.disabled = model.get("disabled");
    button.textContent = model.get("description");
  };
  const submit = async () => {
    if (button.disabled) return;
    button.disabled = true;
    button.textContent = "Answering ...";
    const values = [];
    for (const [id, key] of model.get("controls")) {
      const control = await model.widget_manager.get_model(id);
      values.push(control.serialize({ [key]: control.get(key) })[key]);
    }
    model.send({ values });
  };
  const keys = (event) => {
    const form = el.closest(".nbh-form");
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !form?.contains(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void submit();
  };
  paint();
  button.addEventListener("click", submit);
  window.addEventListener("keydown", keys, true);
  model.on("change:disabled", paint);
  model.on("change:description", paint);
  el.appendChild(button);
  return () => window.removeEventListener("keydown", keys, true);
}
export default { render };
"""

STYLE: Final = """<style>
.nbh-form { border: 1px solid var(--jp-border-color2, #ccc); border-radius: 4px; padding: 12px 16px 14px;
  max-width: 980px; margin: 0 0 8px; box-sizing: border-box; color: var(--jp-ui-font-color1, #222);
  background: var(--jp-layout-color1, #fff); font-size: var(--jp-ui-font-size1, 13px); overflow: visible; }
.nbh-form .widget-html, .nbh-form .widget-html-content { height: auto; margin: 0; line-height: 1.45;
  font-size: inherit; }
.nbh-form .nbh-title { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-description { white-space: pre-wrap; font-weight: 600;
  font-size: var(--jp-ui-font-size2, 16px); }
.nbh-form .nbh-body { flex-flow: row wrap; gap: 12px 28px; margin-top: 10px; align-items: flex-start;
  overflow: visible; }
.nbh-form .nbh-body > .widget-html { flex: 0 1 auto; max-width: 100%; }
.nbh-form .nbh-answer { flex: 1 1 320px; min-width: 0; max-width: 620px; overflow: visible; }
.nbh-form .nbh-fields { gap: 14px; overflow: visible; }
.nbh-form .nbh-field { padding-left: 10px; border-left: 3px solid transparent; margin-left: -13px;
  overflow: visible; }
.nbh-form .nbh-wrong { border-left-color: var(--jp-error-color1, #c62828); }
.nbh-form .nbh-field .widget-inline-hbox:not(.widget-slider),
.nbh-form .nbh-field .widget-inline-vbox { flex-direction: column; align-items: flex-start; width: 100%;
  height: auto; margin: 0; }
.nbh-form .nbh-field .widget-label, .nbh-form .nbh-label { width: auto; height: auto; max-width: 100%;
  text-align: left; font-weight: 600; line-height: 1.5; margin: 0 0 2px; padding: 0; white-space: normal;
  color: var(--jp-ui-font-color1, #222); }
.nbh-form .nbh-field .widget-checkbox .widget-label-basic { display: flex; align-items: center; width: auto;
  max-width: 100%; height: auto; line-height: 1.6; white-space: normal; }
.nbh-form .nbh-field .widget-checkbox input { flex: none; margin: 0 7px 0 1px; }
.nbh-form .nbh-field input[type="text"], .nbh-form .nbh-field textarea { width: 100%;
  box-sizing: border-box; }
.nbh-form .nbh-field textarea { resize: vertical; height: auto; }
.nbh-form .nbh-field select { flex: none; width: auto; min-width: 160px; max-width: 100%; height: 28px;
  appearance: auto; background-image: none; padding: 0 6px; }
.nbh-form .nbh-field input[type="date"], .nbh-form .nbh-field input[type="time"],
.nbh-form .nbh-field input[type="datetime-local"] { width: auto; height: 28px; padding: 0 8px;
  box-sizing: border-box; font: inherit; color: var(--jp-ui-font-color1, #222);
  background: var(--jp-layout-color1, #fff); border: 1px solid var(--jp-border-color1, #bdbdbd); }
.nbh-form .widget-radio-box { margin: 0; width: auto; height: auto; }
.nbh-form .widget-radio-box label { height: auto; line-height: 1.6; width: auto; white-space: normal;
  font-weight: normal; }
.nbh-form .widget-toggle-buttons .widget-toggle-button { width: auto; min-width: 38px; margin: 0 4px 4px 0; }
.nbh-form .widget-toggle-buttons .widget-toggle-button.mod-active { box-shadow: none; font-weight: 600;
  color: var(--jp-ui-inverse-font-color1, #fff); background: var(--jp-brand-color1, #1976d2); }
.nbh-form .nbh-row { flex-flow: row wrap; align-items: flex-end; gap: 12px; overflow: visible; }
.nbh-form .nbh-field .nbh-number input[type="text"] { width: 160px; }
.nbh-form .nbh-field .nbh-row .nbh-number { width: auto; flex: 0 1 auto; }
.nbh-form .nbh-field .nbh-row .nbh-number input[type="text"] { width: 80px; }
.nbh-form .nbh-row .widget-slider { flex: 1 1 160px; width: auto; max-width: 320px; height: 28px; margin: 0; }
.nbh-form .nbh-help { color: var(--jp-ui-font-color2, #616161); white-space: pre-wrap; }
.nbh-form .nbh-error { color: var(--jp-error-color1, #c62828); white-space: pre-wrap; font-weight: 600; }
.nbh-form .nbh-answer > .widget-html .nbh-error { margin-bottom: 8px; }
.nbh-form .nbh-foot { margin-top: 14px; gap: 12px; align-items: center; overflow: visible; }
.nbh-form .nbh-submit { width: auto; min-width: 96px; margin: 0; }
.nbh-form .nbh-done, .nbh-form .nbh-closed { margin-top: 10px; white-space: pre-wrap; font-weight: 600; }
.nbh-form .nbh-done { color: var(--jp-success-color1, #2e7d32); }
.nbh-form .nbh-closed { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-figure { margin: 0 0 8px; }
.nbh-form .nbh-figure img { display: block; max-width: min(100%, 420px); height: auto;
  border: 1px solid var(--jp-border-color2, #ccc); }
.nbh-form figcaption { color: var(--jp-ui-font-color2, #616161); }
.nbh-form .nbh-question { white-space: pre-wrap; max-width: 60ch; overflow-wrap: anywhere; }
.nbh-form .nbh-values { border-collapse: collapse; max-width: 100%; }
.nbh-form .nbh-values th, .nbh-form .nbh-values td { text-align: left; vertical-align: top;
  padding: 2px 12px 2px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.nbh-form .nbh-values th { white-space: nowrap; font-weight: normal;
  color: var(--jp-ui-font-color2, #616161); }
</style>"""
