"""What was edited while a thread stood still, as a person sees it: the parts, a source diff of each, the ways on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nbhitl.debugging.changes import Change, Changes
from nbhitl.notebook.inspecting.diffs import diff_html
from nbhitl.notebook.inspecting.look_style import LOOK_STYLE
from nbhitl.notebook.questions.markup import escaped
from nbhitl.words import readable

SHOWN = 40
"""Parts that are shown one by one."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What was edited since a thread stopped; shows itself as text and as HTML."""

    changes: Changes
    thread: str
    waits: bool = False
    """Whether the run waits for an answer, so that answering is how it goes on."""
    over: bool = False
    """Whether the run has finished, so that nothing goes on."""
    full: bool = True
    """Whether the text has the differences, too; the HTML folds them."""

    @property
    def title(self) -> str:
        """All of it in one sentence."""
        parts = [_name(change) for change in self.changes.parts]
        more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
        said = f"Changed since the run stopped: {', '.join(parts[:SHOWN])}{more}." if parts else ""
        gone = [
            f"The run stands at {old}, which is gone. Was it renamed? Run the cell with --rename {self._renamed(old)}."
            for old in self.changes.gone
        ]
        return " ".join(filter(None, [said, *gone]))

    def _renamed(self, old: str) -> str:
        return f"{old}={self.changes.renames.get(old, 'NEW')}"

    def ways(self) -> list[tuple[str, str]]:
        """How to go on: each a line of ``%graph``, and what it does."""
        changes = self.changes
        found = [(f"rename {self._renamed(old)}", "go on under the node's new name") for old in changes.gone]
        if not changes.gone and not self.over:
            going_on = "answer VALUE" if self.waits else "continue"
            found.append((going_on, "go on with the new code"))
        if changes.before is not None:
            before = changes.before
            where = f"from step {before.step}, before {before.words}"
            found.append(("rerun", f"run again {where}, with the new code, on a branch of its own"))
        found.append(("rerun --new", "run on the same input in a new thread; this one stays as it is"))
        return found

    def __repr__(self) -> str:
        if not self.changes:
            return f"Nothing was edited since thread {self.thread} stopped."
        lines = [readable(self.title)]
        if self.full:
            for change in self.changes.parts[:SHOWN]:
                lines += ["", readable(_sentence(change))]
                lines += [f"    {line}" for line in _text(change)]
            lines.append("")
        width = max(len(line) for line, _ in self.ways())
        lines += [readable(f"  %graph {line:<{width}}  {does}") for line, does in self.ways()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self.changes:
            return f"<p>{escaped(repr(self))}</p>"
        parts = "".join(_part_html(change) for change in self.changes.parts[:SHOWN])
        rows = "".join(
            f'<tr><th scope="row"><code>%graph {escaped(line)}</code></th><td>{escaped(does)}</td></tr>'
            for line, does in self.ways()
        )
        return (
            f'{LOOK_STYLE}<div class="nbh-look" role="region" aria-label="edited code">'
            f'<div class="nbh-heading">{escaped(self.title)}</div>{parts}'
            f'<details><summary>Ways to go on</summary><table class="nbh-parts"><tbody>{rows}</tbody></table></details>'
            "</div>"
        )


def _name(change: Change) -> str:
    match change.kind:
        case "mentions":
            return f"{change.part} ({', '.join(change.names)})"
        case "added":
            return f"{change.part} (new)"
        case "removed":
            return f"{change.part} (gone)"
        case "renamed":
            return f"{change.part} ({change.names[0]} now?)"
        case _:
            return change.part


def _sentence(change: Change) -> str:
    return f"{change.words}{'' if change.diff is not None else ' (its source then is not known)'}."


def _text(change: Change) -> Iterator[str]:
    if change.diff is not None:
        yield from map(readable, str(change.diff).expandtabs(4).splitlines())


def _part_html(change: Change) -> str:
    if change.diff is None:
        return f"<div>{escaped(_sentence(change))}</div>"
    return f"<details><summary>{escaped(change.words)}</summary>{diff_html(change.diff)}</details>"
