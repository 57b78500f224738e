"""What was edited in a graph's code while a thread stood still, and where the edits bear on what has run. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, assert_never

from nbhitl.engine.fingerprints import differing
from nbhitl.engine.records import START, Position
from nbhitl.engine.shown import Diff

Kind: TypeAlias = Literal["edited", "mentions", "added", "removed", "renamed", "wiring", "key"]
ALIKE: Final = 0.5
"""How much of two sources has to be the same for one to pass as the other, renamed."""
_COMPARED: Final = 4_000
"""Characters of two sources that are compared for that."""
_NO_NODE: Final = ("edges of ", "routers of ", "edge [", "state key ")


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a graph that is not what it was."""

    part: str
    """A node's name, or ``edges of draft``, ``routers of draft``, ``edge [a, b] to c``, ``state key log``."""
    kind: Kind
    """``mentions``: the node is the same, and names that it mentions mean something else. ``renamed``: it is gone, and
    a new node is so much like it that it seems to be the same."""
    names: tuple[str, ...] = ()
    """Of ``mentions``: which names; of ``renamed``: the new one."""
    before: str | None = None
    """Its source then; None where it was not kept."""
    after: str | None = None
    """Its source now; None where there is none."""
    inside: tuple[str, ...] = ()
    """Of a node that runs a sub-graph: the nodes in there whose source differs, by their path from it: ``ask``."""

    @property
    def words(self) -> str:
        """What happened to it: ``draft was edited``."""
        match self.kind:
            case "edited":
                return f"{self.part} was edited"
            case "mentions":
                return f"{self.part} is the same, but {', '.join(self.names)} changed"
            case "added":
                return f"{self.part} is new"
            case "removed":
                return f"{self.part} is gone"
            case "renamed":
                return f"{self.part} seems to be {self.names[0]} now"
            case "wiring" | "key":
                return f"{self.part} changed"
            case _:
                assert_never(self.kind)

    @property
    def diff(self) -> Diff | None:
        """Both sources; None where neither is known, or where they are the same."""
        if self.kind == "added":
            return None if self.after is None else Diff("", self.after)
        if self.kind == "removed":
            return None if self.before is None else Diff(self.before, "")
        if self.before is None or self.after is None or self.before == self.after:
            return None
        return Diff(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Before:
    """Where a branch stood just before the first part that changed had its say."""

    checkpoint: str
    step: int
    """The checkpoint's step, as in the history."""
    nodes: tuple[str, ...]
    """What is due there."""
    part: str
    """The part that changed."""

    @property
    def words(self) -> str:
        """What is due there: ``draft``, or ``the input is taken``."""
        return ", ".join("the input is taken" if node == START else node for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Changes:
    """What was edited since a thread stopped, and what that means for going on."""

    parts: tuple[Change, ...] = ()
    gone: tuple[str, ...] = ()
    """Nodes (by path) that the thread stands at and that are no longer there: it cannot go on without new names."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Of these, and of other nodes that are gone: old to new names that are likely."""
    before: Before | None = None
    """Where to go back to, to run with the new code what ran with the old; None: nothing that changed has run."""

    def __bool__(self) -> bool:
        return bool(self.parts or self.gone)


def compared(
    then: Mapping[str, str],
    now: Mapping[str, str],
    texts_then: Mapping[str, str],
    texts_now: Mapping[str, str],
) -> tuple[Change, ...]:
    """The parts whose fingerprints differ, nodes first, with their sources as far as they are known.

    Args:
        then: the fingerprints when the thread stopped.
        now: those of the graph as it is.
        texts_then: the sources then, by part; nodes of sub-graphs by path.
        texts_now: the sources now.
    """
    found = []
    for part, names in differing(then, now):
        kind = _kind(part, names, then, now)
        before = _text(part, texts_then) if part in then else None
        after = _text(part, texts_now) if part in now else None
        found.append(Change(part, kind, names, before, after, _inside(part, texts_then, texts_now)))
    return tuple(sorted(found, key=lambda change: change.part.startswith(_NO_NODE)))


def _inside(part: str, then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The paths of nodes below a part whose sources differ."""
    below = [path for path in {**then, **now} if path.startswith(f"{part}/")]
    nodes = [path for path in below if not path.rpartition("/")[2].startswith(_NO_NODE)]
    return tuple(path[len(part) + 1 :] for path in nodes if then.get(path) != now.get(path)) if then else ()


def _kind(part: str, names: Sequence[str], then: Mapping[str, str], now: Mapping[str, str]) -> Kind:
    if part.startswith("state key "):
        return "key"
    if part.startswith(_NO_NODE):
        return "wiring"
    if part not in then:
        return "added"
    if part not in now:
        return "removed"
    return "mentions" if names else "edited"


def _text(part: str, texts: Mapping[str, str]) -> str | None:
    """A part's source; of a sub-graph that of its nodes, each with its path above it."""
    inner = [f"# {path}\n{text}" for path, text in texts.items() if path.startswith(f"{part}/")]
    own = [texts[part]] if part in texts else []
    return "\n\n".join([*own, *inner]) if own or inner else None


def first_before(
    parts: Iterable[Change],
    branch: Iterable[Position],
    known: Collection[str],
    ran_inside: Callable[[Position, Change], bool],
) -> Before | None:
    """Where the first of these parts had its say on a branch; None where none had, or nothing can be gone back to.

    Args:
        parts: what changed.
        branch: the positions, newest first.
        known: the nodes that there are: where others are due, the run could not go on.
        ran_inside: whether an unfinished task at a position has finished nodes of its sub-graph that changed.
    """
    found, wanted = None, ""
    changed = [change for change in parts if change.kind != "added"]
    for position in branch:
        wanted = next(
            (change.part for change in changed if _bears_on(change, position) or ran_inside(position, change)), wanted
        )
        checkpoint = position.checkpoint
        due = tuple(dict.fromkeys(task.node for task in checkpoint.tasks))
        if wanted and all(node == START or node in known for node in (*due, *checkpoint.deferred)):
            found, wanted = Before(checkpoint.id, checkpoint.step, due, wanted), ""
    return found


def _bears_on(change: Change, position: Position) -> bool:
    """Whether a task that finished at a position ran this part, went on by it, or wrote this key."""
    done = [task for task in position.checkpoint.tasks if task.id in position.wrote]
    nodes = {"START" if task.node == START else task.node for task in done}
    match change.kind:
        case "edited" | "mentions" | "removed":
            return change.part in nodes
        case "renamed":
            return change.part in nodes and not _only_renamed(change)
        case "added":
            return False
        case "key":
            key = change.part.removeprefix("state key ")
            return any(name == key for task in done for name, _ in position.wrote[task.id].updates)
        case "wiring":
            return not nodes.isdisjoint(_sources(change.part))
        case _:
            assert_never(change.kind)


def _sources(part: str) -> list[str]:
    """The nodes that an edge or a router leads on from."""
    for prefix in ("edges of ", "routers of "):
        if part.startswith(prefix):
            return [part[len(prefix) :]]
    return part.removeprefix("edge [").partition("] to ")[0].split(", ")


def likely_renames(
    gone: Collection[str], then: Mapping[str, str], now: Mapping[str, str], known: Collection[str]
) -> dict[str, str]:
    """Old to new names of nodes, by how alike their sources are; each new name at most once.

    Args:
        gone: paths of nodes that are not there any more.
        then: the sources then, by path.
        now: the sources now.
        known: the parts that the graph had then: none of them is a new name.
    """
    pairs = sorted(_pairs(gone, then, {path: now[path] for path in now if path not in known}), reverse=True)
    found: dict[str, str] = {}
    for alike, old, new in pairs:
        if alike >= ALIKE and old not in found and new not in found.values():
            found[old] = new
    return found


def with_renames(parts: Iterable[Change], renames: Mapping[str, str]) -> tuple[Change, ...]:
    """The parts with one in place of a node that is gone and the one that it seems to be now.

    Wiring that leads where it led, to a node whose name has changed, is left out.
    """
    after = {change.part: change.after for change in parts if change.kind == "added"}
    new = {renames[old] for old in renames if renames[old] in after}
    found = []
    for change in parts:
        name = renames.get(change.part, "")
        if change.kind == "removed" and name in new:
            found.append(Change(change.part, "renamed", (name,), change.before, after[name]))
        elif not (change.part in new or (change.kind == "wiring" and _leads_the_same(change, renames))):
            found.append(change)
    return tuple(found)


def _only_renamed(change: Change) -> bool:
    """Whether a node's source is the same but for its name."""
    if change.before is None or change.after is None:
        return False
    defined = re.compile(rf"\bdef {re.escape(change.part)}\b")
    return change.after in (change.before, defined.sub(lambda _: f"def {change.names[0]}", change.before, count=1))


def _leads_the_same(change: Change, renames: Mapping[str, str]) -> bool:
    if change.before is None or change.after is None:
        return False
    ways = [_renamed_way(line, renames) for line in change.before.splitlines()]
    return change.before != change.after and sorted(ways) == sorted(change.after.splitlines())


def _renamed_way(line: str, renames: Mapping[str, str]) -> str:
    source, arrow, rest = line.partition(" -> ")
    target, mark, said = rest.partition("  # ")
    return f"{source}{arrow}{renames.get(target, target)}{mark}{said}" if arrow else line


def _pairs(gone: Collection[str], then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[float, str, str]]:
    fresh = [path for path in now if path not in then and not path.rpartition("/")[2].startswith(_NO_NODE)]
    for old in gone:
        for new in fresh:
            if old.rpartition("/")[0] == new.rpartition("/")[0]:  # a node stays in its sub-graph
                yield _alike(old, new, then.get(old), now[new]), old, new


def _alike(old: str, new: str, before: str | None, after: str) -> float:
    """From 0 to 1; by the names where the old source is not known."""
    if before is None:
        return difflib.SequenceMatcher(None, old, new).ratio()
    first, second = before[:_COMPARED], after[:_COMPARED]
    matcher = difflib.SequenceMatcher(None, first.splitlines(), second.splitlines(), autojunk=False)
    by_lines = matcher.ratio()
    return by_lines if by_lines >= ALIKE else difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()
