"""The controls of a form: ipywidgets' core ones for flat values, one of ours, which lives in the page, for the rest."""

from __future__ import annotations

from nbhitl.notebook.questions.controls.compound import COMPOUND, compound_control
from nbhitl.notebook.questions.controls.control import Control, Part, Said, parts_of
from nbhitl.notebook.questions.controls.flat import flat_control
from nbhitl.run.forms import FormField

__all__ = ["Control", "Part", "Said", "control_for", "parts_of"]


def control_for(field: FormField) -> Control:
    """The control that suits a field, with its default filled in."""
    return compound_control(field) if field.kind in COMPOUND else flat_control(field)
