"""How fast the page is: ``python -m tests.bench.page [--submits N]``. Needs a Chromium; promises are in milliseconds.

From the click on Submit to the first line of the next node, both by this machine's clock: the form's values travel to
the kernel, are checked and recorded durably, and the run goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.bench.measure import WIDTH
from tests.browser.lab import Notebook, chromium, notebook, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

SUBMIT_TARGET, SUBMIT_STRETCH = 100.0, 50.0
"""Milliseconds, at the 95th percentile."""

CLICK = "button => { const now = Date.now(); button.click(); return now; }"
ASKING = """\
%%graph asking
import time
from typing import TypedDict
from pydantic import BaseModel

began = []

class Again(BaseModel):
    ok: bool = True

class State(TypedDict, total=False):
    count: int

def ask_again(state: State):
    count = state.get("count", 0)
    interrupt(f"Question {count}?", response_schema=Again)
    return {"count": count + 1}

def after(state: State):
    began.append(time.time() * 1000)

flow(START, ask_again, after)
route(after, lambda state: ask_again if state["count"] < LIMIT else END)
"""


def submits(page: Page, home: Path, count: int) -> list[float]:
    """Milliseconds from each click on Submit to the next node."""
    clicks: list[float] = []
    with serve(home) as server:
        file = server.root / "asking.ipynb"
        file.write_text(notebook("%load_ext nbhitl", ASKING.replace("LIMIT", str(count + 1)), "print(began)"))
        book = Notebook(page, server, file)
        book.run(0, 1)
        for number in range(count):
            form = book.form(1)
            form.box.get_by_text(f"Question {number}?").wait_for()
            page.wait_for_timeout(150)  # people do not answer faster
            clicks.append(form.submit.evaluate(CLICK))
        book.form(1).box.get_by_text(f"Question {count}?").wait_for()
        book.run(2)
        began = json.loads(book.output(2).inner_text())
    return [begin - click for click, begin in zip(clicks, began, strict=True)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    parser.add_argument("--submits", type=int, default=40, help="answers (default 40)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        took = submits(page, Path(folder) / "server", given.submits)
        browser.close()
    ordered = sorted(took)
    p95 = ordered[round(0.95 * (len(ordered) - 1))]
    met = "STRETCH" if p95 <= SUBMIT_STRETCH else "met" if p95 <= SUBMIT_TARGET else "MISSED"
    title = f"Submit -> next node, {len(took)} answers"
    print(
        f"{title:<{WIDTH}} median {statistics.median(took):.0f} ms, p95 {p95:.0f} ms, most {ordered[-1]:.0f} ms   "
        f"target {SUBMIT_TARGET:.0f} / {SUBMIT_STRETCH:.0f} ms   {met}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
