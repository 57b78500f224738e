"""How long a question waits still, counted down by the page, and the answer that counts then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import anywidget
import traitlets

from nbhitl.notebook.questions.markup import whole

_PAGE: Final = """
const two = (n) => String(n).padStart(2, "0");
function words(left) {
  const s = Math.max(0, Math.ceil(left / 1000));
  if (s >= 172800) return `${Math.floor(s / 86400)} days left`;
  if (s >= 3600) return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)} left`;
  return `${Math.floor(s / 60)}:${two(s % 60)} left`;
}
function render({ model, el }) {
  el.classList.add("nbh-countdown");
  const time = document.createElement("span");
  time.className = "nbh-countdown-time";
  time.setAttribute("role", "timer");
  const then = document.createElement("span");
  el.append(time, then);
  // The kernel says how much is left, and a clock that nobody sets counts from there. Its own wall clock only stands
  // in until the kernel has answered, which may be at work in a cell.
  let end = performance.now() + model.get("until") - Date.now();
  const heard = (message) => {
    if (typeof message?.left === "number") { end = performance.now() + message.left; paint(); }
  };
  const ask = () => { if (!document.hidden && !model.get("over")) model.send({ type: "left" }); };
  const paint = () => {
    const left = end - performance.now();
    const over = model.get("over");
    el.hidden = over;
    el.classList.toggle("nbh-soon", left < 30000);
    time.textContent = left > 0 ? words(left) : "The time is up";
    then.textContent = left > 0 ? `, then: ${model.get("then")}` : `: ${model.get("then")}`;
  };
  const seen = () => { if (!document.hidden) { ask(); paint(); } };
  model.on("msg:custom", heard);
  model.on("change:over", paint);
  document.addEventListener("visibilitychange", seen);
  const tick = setInterval(paint, 250), sync = setInterval(ask, 20000);
  paint();
  ask();
  return () => {
    clearInterval(tick);
    clearInterval(sync);
    document.removeEventListener("visibilitychange", seen);
    model.off("msg:custom", heard);
  };
}
export default { render };
"""
_STYLE: Final = """
.nbh-countdown { font-variant-numeric: tabular-nums; color: var(--jp-ui-font-color2, #616161); margin-top: 4px; }
.nbh-countdown[hidden] { display: none; }
.nbh-countdown-time { font-weight: 600; color: var(--jp-ui-font-color1, #222); }
.nbh-countdown.nbh-soon .nbh-countdown-time {
  color: color-mix(in srgb, var(--jp-error-color1, #c62828) 80%, var(--jp-ui-font-color1, #000)); }
"""


class Countdown(anywidget.AnyWidget):
    """Shown with a question that has a deadline.

    Args:
        until: the deadline, in microseconds since 1970.
        then: what happens then, in words.
        now: the kernel's clock, in microseconds.
    """

    _esm = _PAGE
    _css = _STYLE
    until = traitlets.Float(0).tag(sync=True)
    """Milliseconds since 1970."""
    then = traitlets.Unicode("").tag(sync=True)
    over = traitlets.Bool(False).tag(sync=True)
    """Nothing is counted any more."""

    def __init__(self, until: int, then: str, now: Callable[[], int]) -> None:
        super().__init__(until=until / 1000, then=whole(then))
        self._now = now
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, Mapping) and content.get("type") == "left":
            self.send({"left": self.until - self._now() / 1000})
