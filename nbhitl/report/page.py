"""A story -> one page of HTML that stands alone: no request, no foreign script, readable without any script."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbhitl.outcomes import moment
from nbhitl.report.data import data
from nbhitl.report.files import MARK
from nbhitl.report.phrases import Phrases, clean, status
from nbhitl.report.picture import SIGNS, WORDS, painted

if TYPE_CHECKING:
    from nbhitl.drawing import Drawing, Pair
    from nbhitl.report.branches import Other
    from nbhitl.report.happenings import Said
    from nbhitl.report.story import Look, Step, Story

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a story."""

    title: str
    graph: str
    thread: str
    written: int
    """When the page was made, in microseconds since 1970."""


def page(story: Story, heading: Heading, drawing: Drawing | None, svg: str | None, problem: str = "") -> str:
    """The page.

    Args:
        story: what it tells.
        heading: what stands above.
        drawing: the graph's drawing; None where the code is not at hand.
        svg: a clean layout of it.
        problem: why there is none.
    """
    script, style = _asset("page.js"), _asset("page.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    title = _text(heading.title or f"{heading.graph} / {heading.thread}")
    body = _Body(story, Phrases(story))
    drawn = drawing if svg is not None else None
    top = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{MARK}\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n"
    )
    bottom = (
        f'<script type="application/json" id="story">{data(story, body.phrases, drawn)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )
    parts = (
        top,
        body.head(title, heading),
        _BAR,
        body.picture(drawn, svg, problem),
        body.detail(),
        body.timeline(),
        body.branches(),
        body.notes(),
        bottom,
    )
    return "".join(parts)


_BAR: Final = """<nav id="bar" aria-label="Steps" hidden>
<button id="first" title="First step (Home)" aria-label="First step">|&#x25C0;&#xFE0E;</button>
<button id="back" title="Step before (Left)" aria-label="Step before">&#x25C0;&#xFE0E;</button>
<button id="play" title="Play (Space)" aria-label="Play">&#x25B6;&#xFE0E; Play</button>
<button id="forth" title="Next step (Right)" aria-label="Next step">&#x25B6;&#xFE0E;</button>
<button id="last" title="Last step (End)" aria-label="Last step">&#x25B6;&#xFE0E;|</button>
<input type="range" id="slider" min="0" value="0" aria-label="Step">
<output id="where"></output>
</nav>
"""


@dataclass(frozen=True, slots=True)
class _Body:
    """The parts of the page that are there without a script: where the thread stands now, and all its steps in rows."""

    story: Story
    phrases: Phrases

    def head(self, title: str, heading: Heading) -> str:
        reason, words = status(self.story)
        facts = [("Graph", heading.graph), ("Thread", heading.thread), ("Written", moment(heading.written))]
        shown = "".join(f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in facts if value)
        sign = SIGNS.get(_LOOKS.get(reason, "idle"), "")
        badge = (
            f'<svg class="sign" viewBox="-8 -8 16 16" width="22" height="22" aria-hidden="true">'
            f'<circle r="7.5"/><path d="{sign}"/></svg>'
        )
        return (
            f"<header>\n<h1>{title}</h1>\n<dl>{shown}</dl>\n"
            f'<p class="status" data-look="{_LOOKS.get(reason, "idle")}">{badge}<span>{_text(words)}</span></p>\n'
            "</header>\n"
        )

    def picture(self, drawing: Drawing | None, svg: str | None, problem: str) -> str:
        if drawing is None or svg is None:
            why = problem or "There is no drawing: the graph's code was not at hand."
            return f'<p class="quiet">{_text(why)}</p>\n'
        looks, walked = _at_the_end(self.story.steps)
        taken = frozenset(self.phrases.edges(drawing, walked))
        used = {look for step in self.story.steps for look in step.looks.values()} | {"idle"}
        legend = "".join(
            f'<li data-look="{look}"><svg class="sign" viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true">'
            f'<circle r="7.5"/><path d="{SIGNS.get(look, "")}"/></svg>{words}</li>'
            for look, words in WORDS.items()
            if look in used
        )
        stage = f'<div id="stage">{painted(svg, drawing, looks, taken)}</div>'
        return f'<figure>\n{stage}<ul class="legend">{legend}</ul>\n</figure>\n'

    def detail(self) -> str:
        step = self.story.steps[-1]
        parts = [self._ran(step), *map(self._said, step.said), *(self._error(*error) for error in step.errors)]
        due = f"<p>Next: {_text(', '.join(step.due))}</p>" if step.due else ""
        return (
            f'<main>\n<section id="step" aria-live="polite"><h2>{_text(self.phrases.name(step))}</h2>\n'
            f'<p class="quiet">{_text(self.phrases.facts(step))}</p>{"".join(parts)}{due}</section>\n'
            f'<section id="state"><h2>State now</h2>\n{self._state()}</section>\n</main>\n'
        )

    def _ran(self, step: Step) -> str:
        return "".join(
            f'<div class="card"><h3>{_text(self.phrases.node(node))} ran</h3>{self._values(wrote)}</div>'
            for node, wrote in step.ran
        )

    def _values(self, values: Mapping[str, int]) -> str:
        rows = "".join(f"<dt>{_text(key)}</dt>{self._value(number)}" for key, number in values.items())
        return f'<dl class="values">{rows}</dl>' if rows else '<p class="quiet">wrote nothing</p>'

    def _value(self, number: int) -> str:
        return f'<dd class="value">{html.escape(self.story.texts[number])}</dd>'

    def _said(self, one: Said) -> str:
        rows = [("asked", one.question), ("before", one.before), ("answer", one.answer)]
        shown = "".join(f"<dt>{name}</dt>{self._value(number)}" for name, number in rows if number is not None)
        heads = {"answered": "was answered", "open": "waits for an answer", "closed": "asked"}
        note = f"<dt>note</dt><dd>{_text(one.note)}</dd>" if one.note else ""
        return (
            f'<div class="card" data-look="{"waiting" if one.fate == "open" else "done"}">'
            f'<h3>{_text(one.node)} {heads[one.fate]}</h3><dl class="values">{shown}{note}</dl>'
            f'<p class="quiet">{_text(one.who)}</p></div>'
        )

    def _error(self, node: str, number: int) -> str:
        text = html.escape(self.story.texts[number])
        return f'<div class="card" data-look="failed"><h3>{_text(node)} failed</h3><p class="value">{text}</p></div>'

    def _state(self) -> str:
        now: dict[str, tuple[int, str]] = {}
        for step in self.story.steps:
            for key, value in step.values.items():
                if value is None:
                    now.pop(key, None)
                else:
                    now[key] = value
        rows = "".join(
            f'<tr><th scope="row">{_text(key)}<small>{_text(now[key][1])}</small></th>'
            f'<td><div class="value">{html.escape(self.story.texts[now[key][0]])}</div></td></tr>'
            for key in self.story.keys
            if key in now
        )
        return f"<table>{rows}</table>" if rows else '<p class="quiet">empty</p>'

    def timeline(self) -> str:
        rows = "".join(map(self._row, range(len(self.story.steps))))
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("step", "what ran", "took", "changed", "happened"))
        return (
            '<section id="timeline"><h2>Timeline</h2>\n<div class="wide"><table>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody>\n</table></div></section>\n"
        )

    def _row(self, place: int) -> str:
        step = self.story.steps[place]
        cells = [self.phrases.short(step), self.phrases.what(step), self.phrases.time(step), ", ".join(step.values)]
        shown = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        happened = "".join(f"<div>{html.escape(line)}</div>" for line in self.phrases.happened(step))
        current = ' aria-current="step"' if place == len(self.story.steps) - 1 else ""
        return f'<tr data-step="{place}"{current}>{shown}<td>{happened}</td></tr>\n'

    def branches(self) -> str:
        found = self.story.branches
        if not found:
            return ""
        heads = "".join(
            f'<th scope="col">{head}</th>' for head in ("branch", "left after", "steps", "what ran", "how it ended")
        )
        rows = "".join(map(self._branch, found))
        return (
            '<section id="branches"><h2>Other branches</h2>\n<div class="wide"><table>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody>\n</table></div></section>\n"
        )

    def _branch(self, branch: Other) -> str:
        cells = [
            branch.name,
            self.phrases.place(branch.parted),
            str(branch.steps),
            " → ".join(map(self.phrases.node, branch.path)),
            branch.stop,
        ]
        return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>\n"

    def notes(self) -> str:
        notes = []
        if self.story.older:
            notes.append(f"Only the newest {len(self.story.steps):,} steps are told: see --limit.")
        if any(self.story.texts.is_cut(number) for number in range(len(self.story.texts))):
            notes.append(f"Values are cut to {self.story.texts.limit:,} characters.")
        lines = "".join(f"<p>{_text(note)}</p>" for note in notes)
        return f'<footer class="quiet">{lines}<p>Made by nbhitl. This page loads nothing.</p></footer>\n'


_LOOKS: Final[Mapping[str, Look]] = {
    "finished": "done",
    "interrupted": "waiting",
    "breakpoint": "paused",
    "failed": "failed",
    "drained": "paused",
}
"""Why a run stopped, and the look of a node that has the same sign."""


def _at_the_end(steps: Iterable[Step]) -> tuple[dict[str, Look], frozenset[Pair]]:
    looks: dict[str, Look] = {}
    walked: frozenset[Pair] = frozenset()
    for step in steps:
        looks |= step.looks
        walked = step.taken if step.taken is not None else walked
    return looks, walked


def _text(text: str) -> str:
    """A stranger's text in one line, as HTML that shows it as it is."""
    return html.escape(clean(text))


@lru_cache(maxsize=2)
def _asset(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
