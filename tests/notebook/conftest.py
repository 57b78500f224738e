"""A real InteractiveShell in an empty folder, without a history file."""

import atexit

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from nbhitl.notebook.workspace import Workspace

POST = '''%%graph post {line}
from typing import Literal, TypedDict
from pydantic import BaseModel, Field

class State(TypedDict, total=False):
    topic: str; draft: str; decision: str; notes: str

class Review(BaseModel):
    """Publish this draft?"""
    decision: Literal["publish", "revise"]
    notes: str = Field("", description="What should change?")

def draft(state: State):
    return {{"draft": f"About {{state['topic']}}. {{state.get('notes', '')}}"}}

def review(state: State):
    return interrupt({{"draft": state["draft"]}}, response_schema=Review).model_dump()

def publish(state: State):
    print("published:", state["draft"])

flow(START, draft, review)
route(review, by="decision", publish=publish, revise=draft)
flow(publish, END)
'''


class Notebook:
    """Runs cells and keeps what they printed and raised."""

    def __init__(self):
        InteractiveShell.clear_instance()
        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
        self.shell = InteractiveShell.instance(config=config)
        # Each shell would live to the end of the tests with all that ran in it, and be cleaned up then: minutes.
        atexit.unregister(self.shell.atexit_operations)
        self.run("%load_ext nbhitl")

    def run(self, source):
        """What a cell printed; its error, if any, is in ``error`` and its value in ``value``."""
        with capture_output() as captured:
            done = self.shell.run_cell(source)
        self.error, self.value = done.error_in_exec or done.error_before_exec, done.result
        shown = "\n".join(str(output.data.get("text/plain", "")) for output in captured.outputs)
        return captured.stdout + captured.stderr + shown

    def post(self, line=""):
        """Run the example of the README."""
        return self.run(self.source(line))

    def source(self, line=""):
        """The example's cell."""
        return POST.format(line=line)

    @property
    def workspace(self):
        return Workspace.of(self.shell)

    def restart(self):
        """As a kernel restart: nothing in memory is left, only the file."""
        self.workspace.close()
        self.__init__()

    def close(self):
        self.workspace.close()
        InteractiveShell.clear_instance()


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("NBHITL_ANSWERS", raising=False)
    found = Notebook()
    yield found
    found.close()
