"""The thread as a page that stands alone."""

from __future__ import annotations

from pathlib import Path

from nbhitl.layout import lay_out
from nbhitl.report import STEPS, Heading, write
from nbhitl.session.runner import Runner


class Reporting(Runner):
    """A runner whose thread can be told."""

    def report(self, file: str | Path, *, title: str = "", limit: int = STEPS, force: bool = False) -> Path:
        """Write the thread as one HTML page: its steps with a slider, the state, questions, answers and failures.

        The page needs no network, no notebook and no nbhitl; without JavaScript it shows the last step and the
        timeline. Secrets in answers are not in it. Long values are cut, and a note says so.

        Args:
            file: where it goes, e.g. ``"story.html"``. An older report there is written over.
            title: the page's title; the names of graph and thread by default.
            limit: how many steps are told, the newest ones.
            force: write over a file that is no report, too.

        Raises:
            NbhitlError: the thread has not run yet; ``limit`` is below 1; there is another file of that name.
        """
        heading = Heading(title, self.name, self.thread, self.compiled.calls.world.clock.now())
        return write(self.saver, self.key, file, heading, graph=self.graph, lay_out=lay_out, limit=limit, force=force)
