"""A JupyterLab server of our own, and one notebook in a headless page. Waits for conditions, never for times."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbhitl

try:
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
except ImportError:  # the fixtures skip before anything here is used
    expect = None

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
STARTUP = 60.0
"""Seconds that the server may take to answer."""
RUN = 60.0
"""Seconds that a cell may take."""


def chromium() -> str | None:
    """The browser on this machine, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def labextension() -> Path:
    """Where JupyterLab looks for our part of the page."""
    return Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "nbhitl" / "package.json"


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    token: str
    home: Path
    """The folder with all that it keeps."""

    @property
    def root(self) -> Path:
        """The folder that it serves."""
        return self.home / "notebooks"

    @property
    def data(self) -> Path:
        """Where it keeps which notebooks it trusts."""
        return self.home / "data"

    @property
    def settings(self) -> Path:
        """Where it keeps what the person has set."""
        return self.home / "settings"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.home / "server.log"

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Call the server's API, past any proxy."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(
            f"{self.url}/api/{path}", headers={"Authorization": f"token {self.token}"}, method=method
        )
        with direct.open(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found

    def end_kernels(self) -> None:
        """End all kernels, whatever has become of their pages."""
        for session in json.loads(self.ask("sessions")):
            self.ask(f"sessions/{session['id']}", "DELETE")


@contextlib.contextmanager
def serve(home: Path) -> Iterator[Server]:
    """A server that knows nothing of this machine's settings and is reached from this machine only."""
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    server = Server(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), home)
    server.root.mkdir()
    with server.log.open("w") as written:
        process = subprocess.Popen(
            _command(server), env=_environment(home), cwd=server.root, stdout=written, stderr=subprocess.STDOUT
        )
        try:
            _await(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(server: Server) -> list[str]:
    port = server.url.rpartition(":")[2]
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={server.token}", f"--ServerApp.root_dir={server.root}"),
        *("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        "--LabApp.expose_app_in_browser=True",
    ]


def _environment(home: Path) -> dict[str, str]:
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "NBHITL", "JPY_"))}
    return {**kept, **{key: str(home / folder) for key, folder in own.items()}}


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + STARTUP
    while True:
        try:
            server.ask("status")
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the server did not start:\n{server.log.read_text()}") from None
            time.sleep(0.1)


def notebook(*cells: str) -> str:
    """A notebook file with these code cells."""
    made = [
        {"cell_type": "code", "id": f"c{n}", "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
        for n, cell in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


class Notebook:
    """One notebook, opened in JupyterLab."""

    def __init__(self, page: Page, server: Server, path: Path) -> None:
        self.page = page
        self.server = server
        self.path = path
        name = path.relative_to(server.root).as_posix()
        self.page.goto(f"{server.url}/lab/tree/{name}?token={server.token}&reset")
        self._await()

    def _await(self) -> None:
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext !== undefined", timeout=RUN * 1000
        )
        self._js(
            "await app.restored; await panel.context.ready; await session.ready; await session.session.kernel.info;"
        )
        self.page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=RUN * 1000)
        self.cell(0).wait_for()

    def _js(self, body: str, arg: object = None) -> Any:
        """Run a function body in the page; it has the app, the notebook's panel and its session at hand."""
        return self.page.evaluate(
            "async arg => { const app = window.jupyterapp, panel = app.shell.currentWidget,"
            f" session = panel.sessionContext; {body} }}",
            arg,
        )

    # -- cells

    def cell(self, n: int) -> Locator:
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{n}']")

    def output(self, n: int) -> Locator:
        return self.cell(n).locator(".jp-Cell-outputArea")

    def graph(self, n: int) -> Graph:
        return Graph(self.cell(n).locator(".nbhitl-Graph"))

    def form(self, n: int) -> Form:
        """The form in a cell's output that can be filled in."""
        return Form(self.cell(n).locator(".nbh-form").filter(has=self.page.locator(".nbh-submit:visible")))

    def answers(self, n: int) -> Locator:
        """The rows of the table of answers below a drawing."""
        table = self.output(n).get_by_role("table").filter(has=self.page.get_by_role("columnheader", name="question"))
        return table.locator("tbody tr")

    def start(self, n: int) -> None:
        """Run a cell and do not wait for its end."""
        self._js(
            "panel.content.activeCellIndex = arg;"
            "const run = app.commands.execute('notebook:run-cell');"
            "(window.__runs ??= {})[arg] = run.then(ok => (ok ? 'ended' : 'failed'), String);",
            n,
        )

    def ended(self, n: int) -> None:
        """Wait until a cell that was started has ended."""
        end = self._js(
            "const late = new Promise(done => setTimeout(() => done('still running'), arg[1]));"
            "return await Promise.race([window.__runs[arg[0]], late]);",
            [n, RUN * 1000],
        )
        assert end == "ended", f"cell {n}: {end}\n{self.output(n).inner_text()}"

    def run(self, *cells: int) -> None:
        """Run cells, one after the other, each to its end."""
        for n in cells:
            self.start(n)
            self.ended(n)

    def executed(self, n: int) -> int | None:
        """The number beside a cell."""
        count: int | None = self._js("return panel.content.widgets[arg].model.executionCount;", n)
        return count

    # -- file, kernel, looks

    def save(self) -> str:
        """Save; what is in the file then."""
        self._js("await panel.context.save();")
        return self.path.read_text()

    def reload(self) -> None:
        """Save, and load the page again; the kernel lives on."""
        self.save()
        self.page.reload()
        self._await()

    def restart(self) -> None:
        self._js("await session.session.kernel.restart(); await session.session.kernel.info;")

    def interrupt(self) -> None:
        """What the Stop button does."""
        self._js("await session.session.kernel.interrupt();")

    def shutdown(self) -> None:
        self._js("await session.shutdown();")

    def is_trusted(self) -> bool:
        return all(self._js("return panel.content.widgets.map(cell => cell.model.trusted);"))

    def theme(self, name: str) -> None:
        self._js("await app.commands.execute('apputils:change-theme', { theme: arg });", name)
        light = str("Light" in name).lower()
        self.page.locator(f"body[data-jp-theme-name='{name}'][data-jp-theme-light='{light}']").wait_for(
            state="attached"
        )

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the notebook's checkpoint file, which the kernel must have let go of."""
        with nbhitl.DuckDBSaver(self.path.parent / ".nbhitl" / f"{self.path.stem}.duckdb") as saver:
            return list(saver.sql(query))


class Graph:
    """A drawing on the page."""

    def __init__(self, box: Locator) -> None:
        self.box = box
        self.status = box.locator(".nbhitl-Graph-status")
        self.notice = box.locator(".nbhitl-Graph-notice")

    def node(self, name: str) -> Locator:
        return self.box.locator(f"g.node[aria-label^='breakpoint before {name}']")

    def shows(self, **states: str) -> None:
        """Wait until nodes are in these states."""
        for name, state in states.items():
            expect(self.node(name)).to_have_attribute("data-state", state)

    def marked(self, name: str, on: bool = True) -> None:
        """Wait until a node has its red dot, or has it no more."""
        node = self.node(name)
        expect(node).to_have_attribute("data-breakpoint", "before" if on else "none")
        expect(node).to_have_attribute("aria-pressed", str(on).lower())
        if on:
            expect(node.locator(".nbhitl-Dot")).to_have_css("opacity", "1")


class Form:
    """A question on the page."""

    def __init__(self, box: Locator) -> None:
        self.box = box
        self.submit = box.locator(".nbh-submit")

    def option(self, name: str) -> Locator:
        return self.box.get_by_role("radio", name=name, exact=True)

    def choose(self, name: str) -> None:
        self.option(name).check()

    def field(self, label: str) -> Locator:
        """The box of a field: its label, its control, its error."""
        return self.box.locator(".nbh-field").filter(has_text=label)

    def text(self, label: str) -> Locator:
        return self.field(label).locator("input[type=text], textarea").first
