"""One server for the session, one browser a file, a fresh page and a kernel of its own for each test.

Without a browser the tests are skipped; with ``NBHITL_REQUIRE_BROWSER=1`` they fail instead.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.browser.lab import Notebook, chromium, expect, labextension, notebook, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.lab import Server


class Open(Protocol):
    """Opens a notebook with these cells, or a copy of a notebook's text."""

    def __call__(self, *cells: str, text: str | None = None) -> Notebook: ...


def _missing() -> str | None:
    """What these tests need and this machine does not have."""
    if expect is None:
        return "playwright is not installed: pip install 'nbhitl[test]'"
    if chromium() is None:
        return "no Chromium on the PATH: install it with the system's package manager, e.g. apt install chromium"
    if not labextension().is_file():
        return f"nbhitl's labextension is not installed in this environment ({labextension()}): pip install ."
    return None


@pytest.fixture(scope="session")
def needed() -> None:
    """Skip, or fail where a browser is required, when something is missing."""
    missing = _missing()
    if missing is not None:
        (pytest.fail if os.environ.get("NBHITL_REQUIRE_BROWSER") == "1" else pytest.skip)(missing)


@pytest.fixture(scope="session")
def server(needed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(needed: None) -> Iterator[Browser]:
    """A browser for one file: Playwright's event loop would be in the way of tests that use asyncio."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        found = playwright.chromium.launch(executable_path=chromium(), headless=True, args=flags)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page without a past; what it showed last stays in the test's folder."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(20_000)
    try:
        yield page
    finally:
        page.screenshot(path=tmp_path / "last.png")
        context.close()


@pytest.fixture
def lab(server: Server, page: Page, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open notebooks; their kernels end and what they set is forgotten with the test."""
    opened: list[Notebook] = []
    folder = server.root / re.sub(r"\W+", "-", request.node.name)[-60:]
    folder.mkdir()

    def start(*cells: str, text: str | None = None) -> Notebook:
        path = folder / f"story{len(opened) or ''}.ipynb"
        path.write_text(notebook(*cells) if text is None else text)
        opened.append(Notebook(page, server, path))
        return opened[-1]

    yield start
    server.end_kernels()
    shutil.rmtree(server.settings, ignore_errors=True)
