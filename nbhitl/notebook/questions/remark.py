"""A remark that a person may leave with an answer: folded away until it is asked for.

It also says when the form around it has outlived its kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import anywidget
import traitlets

LONGEST: Final = 2_000
"""Characters that are kept."""

_PAGE: Final = """
function render({ model, el }) {
  const box = document.createElement("details");
  box.className = "nbh-remark";
  const head = document.createElement("summary");
  head.textContent = "Add a note";
  const line = document.createElement("input");
  line.type = "text";
  line.maxLength = model.get("longest");
  line.placeholder = "Kept with the answer";
  line.setAttribute("aria-label", "Note, kept with the answer");
  box.append(head, line);
  el.append(box);
  // Each change goes off at once, so that the text is there when the answer is, however that is sent.
  line.addEventListener("input", () => model.send({ type: "note", text: line.value }));
  const paint = () => {
    line.disabled = model.get("disabled");
    el.hidden = line.disabled && !line.value;
  };
  model.on("change:disabled", paint);
  paint();
  // A kernel that was restarted knows nothing of this form any more, and a click would wait for ever.
  const gone = document.createElement("div");
  gone.className = "nbh-form-gone";
  gone.setAttribute("role", "status");
  el.append(gone);
  void model.widget_manager.get_model(model.get("me")).then((own) => {
    const look = () => {
      const dead = own.comm_live === false && !line.disabled;
      gone.textContent = dead ? "The kernel was restarted: run the cell again, and answer there." : "";
      const submit = el.closest(".nbh-form")?.querySelector(".nbh-submit");
      if (dead && submit) submit.disabled = true;
    };
    own.on("comm_live_update", look);
    look();
  });
}
export default { render };
"""
_STYLE: Final = """
.nbh-remark { margin-top: 10px; }
.nbh-form-gone:not(:empty) { margin-top: 10px; font-weight: 600; color: var(--jp-ui-font-color2, #616161); }
.nbh-remark summary { cursor: pointer; color: var(--jp-ui-font-color2, #616161); width: fit-content; }
.nbh-remark input { margin-top: 6px; width: 100%; max-width: 420px; height: 28px; padding: 0 8px;
  box-sizing: border-box; font: inherit; color: var(--jp-ui-font-color1, #222);
  background: var(--jp-layout-color1, #fff); border: 1px solid var(--jp-border-color1, #bdbdbd); }
"""


class Remark(anywidget.AnyWidget):
    """The note of one form; ``text`` is what was typed so far."""

    _esm = _PAGE
    _css = _STYLE
    disabled = traitlets.Bool(False).tag(sync=True)
    longest = traitlets.Int(LONGEST).tag(sync=True)

    me = traitlets.Unicode("").tag(sync=True)
    """Its own id: the page finds out by it whether the kernel is the same still."""

    def __init__(self) -> None:
        super().__init__()
        self.me = self.model_id
        self.text = ""
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, Mapping) and content.get("type") == "note" and isinstance(content.get("text"), str):
            self.text = content["text"][:LONGEST]
