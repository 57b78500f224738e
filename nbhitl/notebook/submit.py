"""The button of a form: it sends the values of all controls in one message, on a click or Ctrl+Enter.

An anywidget, since ipywidgets' own button sends no values. May not look at the values: the form reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import anywidget
import traitlets

from nbhitl.notebook.controls import Part

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
"""What the page runs. The values are those of the page's own models, as they would be sent to the kernel."""


class Submit(anywidget.AnyWidget):
    """The button, and Ctrl+Enter anywhere in its form: sends all values of the form in one message.

    ipywidgets sends each change on its own and holds changes back while one is under way, so a click on its
    own button could overtake what was typed before it.
    """

    _esm = SUBMIT
    description = traitlets.Unicode("Submit").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    controls: traitlets.List[Any] = traitlets.List().tag(sync=True)


def submit_button(parts: Sequence[Part], pressed: Callable[[Sequence[Any] | None], None]) -> Submit:
    """A button that calls ``pressed`` with the value of each part as the page has it; None if it sent no list."""
    button = Submit()
    button.controls = [[part.widget.model_id, part.key] for part in parts]
    button.on_msg(lambda _widget, content, _buffers: pressed(_sent(content)))
    return button


def _sent(content: Any) -> Sequence[Any] | None:
    values = content.get("values") if isinstance(content, Mapping) else None
    return values if isinstance(values, list) else None
