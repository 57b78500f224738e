"""A thread's recorded answers, given again: until a node asks that a person wants to answer anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Stopped
from nbhitl.scripts.recording import Recording, rules_of
from nbhitl.scripts.script import ScriptedAnswers


def replayed(recorded: Recording, until: str | None, nodes: Iterable[str], thread: str) -> ScriptedAnswers:
    """The script that gives a thread's answers again.

    What ``until`` asks is left to a person, and so is what nodes ask that asked nothing then.

    Raises:
        NbhitlError: nothing is recorded, the branch was edited by hand, or there is no node ``until``.
    """
    if not recorded.rounds:
        raise NbhitlError(f"thread {thread!r} has not run yet, so there is nothing to replay.")
    recorded.expect_unedited(f"thread {thread!r} cannot be replayed")
    answers = [one for each in recorded.rounds for one in each.answers]
    name = f"the answers recorded on thread {thread!r}"
    stop = [] if until is None else [{"node": until, "pause": True}]
    ScriptedAnswers(stop, "replay").check(nodes)
    return ScriptedAnswers([*stop, *rules_of(answers)], name, others=True, via="replay", timeless=True)


def play(
    recorded: Recording, script: ScriptedAnswers, go: Callable[[Any, bool], Stopped | None], *, until: str | None
) -> Stopped | None:
    """Give each recorded input again, as long as the runs finish; why the last one stopped.

    Args:
        recorded: what is played.
        script: who answers, from `replayed`.
        go: runs on an input until it stops; the flag says whether it begins a new branch.
        until: where it ends early; None: everything has to be used.

    Raises:
        LeftoverAnswers: it finished, and nobody asked for some of the answers.
    """
    stopped: Stopped | None = None
    for number, each in enumerate(recorded.rounds):
        stopped = go(each.input, number == 0)
        if stopped is None or stopped.reason != "finished":
            return stopped
    if until is None:
        script.expect_used()
    return stopped
