"""The words of a report: how steps, times and reasons are called, on the page as in its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, assert_never

from nbhitl.drawing import taken_edges
from nbhitl.engine.records import START
from nbhitl.outcomes import moment
from nbhitl.words import cut, readable

if TYPE_CHECKING:
    from nbhitl.drawing import Drawing, Pair
    from nbhitl.engine.records import StopReason
    from nbhitl.report.story import Step, Story

LONGEST: Final = 400
"""Characters of a line that is no value."""
_REASONS: Final[Mapping[StopReason, str]] = {
    "finished": "Finished",
    "interrupted": "Waits for a person",
    "breakpoint": "Paused",
    "failed": "Failed",
    "drained": "Stopped",
}


def clean(text: str) -> str:
    """A stranger's text in one line of sensible length."""
    line = readable(" ".join(text[: 2 * LONGEST].split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def status(story: Story) -> tuple[str, str]:
    """Why the thread stopped: in a word (empty: it has not), and in words."""
    if story.reason is None:
        due = story.steps[-1].due
        return "", "Not finished: it was running, or was broken off" if due else "Not started"
    return story.reason, reason_words(story.reason, story.stop)


def reason_words(reason: StopReason, text: str) -> str:
    """Why a run stopped, as a sentence without its full stop."""
    name = _REASONS[reason]
    return name if text in ("", reason) else f"{name}: {text.removesuffix('.')}"


def duration(seconds: float) -> str:
    """A time span for people."""
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


class Phrases:
    """What the steps of one story are called."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._places = {step.checkpoint: self.short(step) for step in reversed(story.steps)}
        self._left: dict[str, list[str]] = {}
        for branch in story.branches:
            self._left.setdefault(branch.parted, []).append(branch.name)

    def node(self, name: str) -> str:
        """A node's name."""
        return "START" if name == START else clean(name)

    def short(self, step: Step) -> str:
        """A step in a word."""
        return "now" if step.how == "now" else str(step.number)

    def name(self, step: Step) -> str:
        """A step's heading."""
        match step.how:
            case "input":
                return f"Step {step.number}: new input"
            case "loop":
                return f"Step {step.number}"
            case "update":
                return f"Step {step.number}: the state was edited by hand"
            case "fork":
                return f"Step {step.number}: a branch begins here"
            case "now":
                return f"Now: after step {step.number - 1}"
            case _:
                assert_never(step.how)

    def what(self, step: Step) -> str:
        """What ran, in a cell."""
        words = {
            "input": "new input",
            "update": "edited by hand",
            "fork": "a branch begins here",
            "now": "",
            "loop": "",
        }
        counts: dict[str, int] = {}
        for node, _ in step.ran:
            counts[node] = counts.get(node, 0) + 1
        ran = [self.node(node) + (f" x{count}" if count > 1 else "") for node, count in counts.items()]
        return "; ".join(filter(None, (words[step.how], ", ".join(ran))))

    def time(self, step: Step) -> str:
        """How long it took, in a cell."""
        if step.how not in ("loop", "now") or not (step.took or step.waited):
            return ""
        waited = f"{duration(step.waited)} for a person" if step.waited else ""
        return " and ".join(filter(None, (duration(step.took) if step.took else "", waited)))

    def facts(self, step: Step) -> str:
        """What stands below a step's heading."""
        when = moment(step.at) if step.at else ""
        took = self.time(step)
        return " · ".join(filter(None, (when, f"took {took}" if took else "")))

    def place(self, checkpoint: str) -> str:
        """Where a branch left."""
        found = self._places.get(checkpoint)
        return f"step {found}" if found is not None else "the beginning, or a step that is not told here"

    def leaving(self, step: Step) -> list[str]:
        """The branches that leave after a step."""
        return [] if step.how == "now" else self._left.get(step.checkpoint, [])

    def happened(self, step: Step) -> Iterator[str]:
        """Questions, answers, failures and branches, a line each."""
        texts = self.story.texts
        for one in step.said:
            note = f" ({cut(one.note)})" if one.note else ""
            yield f"{cut(one.node)} asked: {one.line}{note}, {cut(one.who)}"
        for node, number in step.errors:
            yield f"{cut(node)} failed: {cut(texts[number])}"
        for name in self.leaving(step):
            yield f"branch {cut(name)} leaves here"

    def edges(self, drawing: Drawing, walked: frozenset[Pair]) -> list[str]:
        """The ids of the edges that were taken."""
        return sorted(taken_edges(drawing, walked))
