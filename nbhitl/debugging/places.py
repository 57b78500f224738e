"""Names of places in a thread's past: a step's number, a way back from now, or a checkpoint's id. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import START, Position

NAMED = 12
"""Steps that an error lists."""


def position_at(place: int | str, branch: Iterable[Position], others: Iterable[Position]) -> Position:
    """The position that ``place`` names.

    Args:
        place: the number of a step on this branch (``3``), how many checkpoints back from now (``-1`` the last but
            one; where there is none, step -1), or a checkpoint's id, or how it begins or ends.
        branch: the positions that led to now, newest first; read as far as needed.
        others: all positions of the thread, those of other branches included; read only where the branch has none.

    Raises:
        NbhitlError: there is none, or several; the steps of the branch are listed.
    """
    number = _number(place)
    seen: list[Position] = []
    for back, position in enumerate(branch):
        if number is not None and (position.checkpoint.step == number if number >= 0 else back == -number):
            return position
        seen.append(position)
    if number == -1 and (first := [position for position in seen if position.checkpoint.step == -1]):
        return first[0]  # there is none before it, so the step of that number is meant
    text = str(place).strip()
    found = (_with_id(text, seen) or _with_id(text, others)) if text and not isinstance(place, int) else []
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(position.checkpoint.id for position in found[:NAMED])
        raise NbhitlError(f"{place!r} stands for {len(found)} checkpoints: {ids}. Write more of the id.")
    raise NbhitlError(f"there is no step or checkpoint {place} here.{_listed(seen)}")


def _number(place: int | str) -> int | None:
    if isinstance(place, int):
        return place
    return int(place) if re.fullmatch(r"\s*-?(0|[1-9][0-9]{0,8})\s*", place) else None  # -0004 is how an id ends


def _with_id(text: str, positions: Iterable[Position]) -> list[Position]:
    """The position of that id; else those whose id begins or ends so."""
    found = []
    for position in positions:
        id = position.checkpoint.id
        if id == text:
            return [position]
        if id.startswith(text) or (len(text) > 1 and id.endswith(text)):
            found.append(position)
    return found


def _listed(branch: Sequence[Position]) -> str:
    """The steps of a branch, newest first, in words."""
    shown = ", ".join(_step(position) for position in branch[:NAMED])
    rest = f", and {len(branch) - NAMED:,} older" if len(branch) > NAMED else ""
    back = f" -1 to -{len(branch) - 1} count back from now." if len(branch) > 1 else ""
    return f" Steps of this branch, newest first: {shown}{rest}.{back} %graph history lists all branches."


def _step(position: Position) -> str:
    checkpoint = position.checkpoint
    ran = ", ".join(node for node in checkpoint.ran if not node.startswith("__"))
    about = ran or ("the input" if START in checkpoint.ran else checkpoint.source)
    return f"{checkpoint.step} (after {about})" if checkpoint.ran else f"{checkpoint.step} ({about})"
