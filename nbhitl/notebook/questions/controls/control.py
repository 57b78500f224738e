"""What a control is to its form: widgets, how their values are read, where its error is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbhitl.notebook.questions.markup import error_html, sentence
from nbhitl.run.forms import FormField

Said: TypeAlias = Sequence[tuple[str, str]]
"""Places inside a control, dotted (empty: the control itself), and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Part:
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
class Control:
    """A field's widgets, how their values are read, and where its error is shown."""

    field: FormField
    box: Any
    parts: tuple[Part, ...]
    read: Callable[[Sequence[Any], Sequence[Any]], Any]
    """The raw value from the values of the parts and the buffers that the page sent with them."""
    error: Any
    extras: tuple[Any, ...] = ()
    """Widgets that only help to set the parts."""
    inside: Callable[[Said], None] | None = None
    """Shows problems in the page, each beside its place; None where ``error`` shows them."""

    def say(self, problems: Said) -> None:
        """Show what is wrong with this field; nothing takes it away."""
        if self.inside is None:
            text = "; ".join(f"{path}: {text}" if path else text for path, text in problems)
            self.error.value = error_html(sentence(text)) if problems else ""
        else:
            self.inside(problems)
        (self.box.add_class if problems else self.box.remove_class)("nbh-wrong")

    def forget(self) -> None:
        """Say of what is not kept (secrets) that it has to be typed again."""
        for part in self.parts:
            if hasattr(part.widget, "refusals"):
                part.widget.refusals += 1

    def lock(self) -> None:
        """Take no more input."""
        for widget in (*(part.widget for part in self.parts), *self.extras):
            widget.disabled = True


def parts_of(controls: Sequence[Control]) -> list[Part]:
    """The parts of all controls, in the order in which the page sends their values."""
    return [part for control in controls for part in control.parts]
