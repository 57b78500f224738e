"""The page of differences shows what its words say, and LangGraph behaves as the page says it does.

Each cell of one line is run here, and again with LangGraph's names in place of ours, which are taken from the page
itself: it tells its readers how to see the other side.
"""

import ast
import contextlib
import inspect
import io
import json
import logging
import os
import warnings
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "notebooks" / "02-differences-from-langgraph.ipynb"
CELLS = {cell["id"]: cell for cell in json.loads(PAGE.read_text())["cells"]}
PREAMBLE = {id: cell for id, cell in CELLS.items() if cell["cell_type"] == "code" and id.startswith("setup-")}
LINES = {id: cell for id, cell in CELLS.items() if cell["cell_type"] == "code" and id not in PREAMBLE}
PROMISE = (
    "a committed step is never run again and never lost; a node that was paused or killed runs its body again (at "
    "least once), so put effects in `once`/`@task` or after the question; a person's answer is recorded exactly once, "
    "and the first valid one wins."
)

ONLY_OURS = None
"""There is nothing to compare with: the line uses what LangGraph does not have, or a file."""

SHOWN: dict[str, tuple[str, str | None]] = {
    # pausing and answering
    "broad-except": ("asks=['Delete it?']", "log=['went on without an answer'] next=[] asks=[]"),
    "swallowed": ("PauseSwallowed: node 'careless' went on", "no error: log=['went on without an answer']"),
    "swallowed-2": ("PauseSwallowed: node 'hasty' went on", "no error: log=['went on without an answer']"),
    "swallowed-3": ("PauseSwallowed: node 'gathers' went on", "no error: log=['went on without an answer']"),
    "exception-group": ("asks=['Delete it?']", "ExceptionGroup: unhandled errors in a TaskGroup"),
    "exception-group-2": ("asks=['Delete it?', 'Keep a copy?']", ONLY_OURS),
    "no-checkpointer": ("CheckpointerRequired: node 'ask' called interrupt()", "no error: {'log': [], '__interrupt__'"),
    "unknown-id": ("UnknownInterruptError: no open question has the id", "no error: log=[] next=['ask']"),
    "unknown-id-2": ("UnknownInterruptError: there is no open question", "no error: log=['Publish? yes']"),
    "unknown-thread": ("UnknownThreadError: thread 1 does not exist", "no error: log=[] next=['ask']"),
    "no-answer": ("EmptyInputError: Command(resume=None) is no answer", "UnboundLocalError"),
    "no-answer-2": ("EmptyInputError: Command(resume={}) is no answer", "no error: log=[] next=['ask']"),
    "consumed-once": ("asks=['Price?']", "log=['Title? Tea', 'Price? Tea'] next=[] asks=[]"),
    "moved-answer": ("log=[] next=['d'] asks=['Delete b?']", "log=['Delete b? yes', 'Delete a? no']"),
    "question-changed": ("QuestionChanged: question 1 of node 'watches'", "no error: log=['yes']"),
    "key": ("log=['yes'] next=[] asks=[]", ONLY_OURS),
    "new-input": ("PendingInterruptError: thread 1 waits for an answer ('Publish?')", "no error: log=[]"),
    "checked-first": ("AnswerRefused: the answer was refused: must be a whole number {'count': 1}", "{'count': 2}"),
    "json-schema": ("AnswerRefused: the answer was refused: must be a whole", "no error: log=['How many? many']"),
    "misspelt": ("AnswerRefused: the answer was refused: note: is not a field", "no error: ... notes=''"),
    "misspelt-2": ("False", ""),
    "parked": ("{'price': 1, 'title': 2}", "{'price': 2, 'title': 2}"),
    "loop": ("{'letter to Ada': 3, 'letter to Bo': 2}", "{'letter to Ada': 3, 'letter to Bo': 2}"),
    "loop-2": ("{'letter to Ada': 1, 'letter to Bo': 1}", ONLY_OURS),
    "deadline": ("log=['Publish? no'] next=[] asks=[]", ONLY_OURS),
    "deadline-2": ("InterruptExpired: nobody answered the question of node 'ask' in time", ONLY_OURS),
    "deadline-3": ("and its default counts", ONLY_OURS),
    # stopping without a question
    "answer-at-breakpoint": ("log=[] next=['ask'] asks=['Publish?']", "log=['Publish? yes'] next=[]"),
    "stop": ("'breakpoint'", ""),
    "stop-2": ("'finished'", ""),
    "breakpoint-typo": ("UnknownNodeError: interrupt_before: there is no node 'pubish'. Did you mean", "no error"),
    "breakpoint-off": ("log=['draft', 'publish'] next=[]", "log=['draft'] next=['publish']"),
    "breakpoint-star": ("{'__interrupt': 'before'}", ""),
    "breakpoint-task": ("log=[] next=['draft', 'publish']", "log=[] next=['draft', 'publish']"),
    "breakpoint-task-2": ("log=['draft'] next=['publish']", ONLY_OURS),
    "breakpoint-kept": ("at the breakpoint before publish", ONLY_OURS),
    "breakpoint-after-edit": ("'edited'] next=['publish']", "'edited', 'publish'] next=[]"),
    # editing and time
    "edit-keeps-question": ("next=['ask'] asks=['Publish?']", "next=['ask'] asks=[]"),
    "edit-keeps-question-2": ("': ''}", ""),
    "edit-keeps-siblings": ("log=['draft', 'edited'] next=['ask'] asks=['Publish?']", "log=['edited'] next=[] asks=[]"),
    "edit-as-due": ("'me'] next=[]", "'me', 'publish'] next=[]"),
    "edit-as-deferred": ("log=['draft', 'me'] next=[]", "log=['draft', 'me', 'last'] next=[]"),
    "edit-after-edit": ("log=['draft', 'me'] next=['publish']", "log=['draft', 'me'] next=['ask']"),
    "command-kept": ("log=['draft', 'me'] next=['ask']", "log=['draft'] next=['ask']"),
    "command-goto": ("log=['draft', 'last', 'last'] next=[]", "log=['draft', 'last'] next=[]"),
    "command-goto-2": ("log=['draft', 'draft'] next=['ask']", "log=['draft'] next=['ask']"),
    "command-goto-3": ("next=['ask'] asks=['Publish?']", "next=[] asks=[]"),
    "fork": ("log=['Publish? no', 'publish']", "log=['Publish? yes', 'publish']"),
    "renamed": (
        "GraphChanged: the run is about to run node 'ask', ... log=['Publish? yes', 'publish'] next=[] asks=[]",
        "no error: log=[] next=[] asks=[]",
    ),
    # sub-graphs
    "sub-breakpoint": ("{'draft': 1}", "{'draft': 1, 'publish': 1}"),
    "sub-except": ("asks=['Publish?']", "log=['went on without an answer'] next=[]"),
    "sub-edit": ("asks=['Publish?']", "asks=[]"),
    "sub-edit-2": ("{'ask': 2, 'draft': 1}", "{'ask': 2, 'draft': 2}"),
    "sub-siblings": ("log=['draft', 'edited'] next=['review'] asks=['Publish?']", "log=['edited'] next=[] asks=[]"),
    "sub-parked": ("{'price': 1, 'title': 2}", "{'price': 2, 'title': 2}"),
    "sub-fork": ("log=['Publish? no', 'publish']", "log=['Publish? yes', 'publish']"),
    "memory-forbidden": ("CheckpointerRequired: node 'memory' calls", "no error: log=['tea after nothing']"),
    "memory-branch": ("log=['tea after nothing', 'rum after tea']", "'rum after tea, milk']"),
    "memory-parallel": ("2", "1"),
    "memory-parallel-2": ("'milk after tea', 'tea after tea']", "'milk after milk', 'tea after milk']"),
    "memory-body": ("log=['milk after nothing', 'tea after milk']", "['milk after nothing', 'tea after nothing']"),
    # state and validation
    "unknown-key": ("UnknownKeyWarning: node 'typo' returned 'lgo'", "no warning"),
    "unknown-key-2": ("UnknownKeyWarning: the input has 'topik'", "no warning"),
    "unknown-key-3": ("InvalidUpdateError: node 'typo' returned 'lgo'", ONLY_OURS),
    "unknown-goto": ("UnknownNodeError: node 'goes_astray' wants to go to 'pubish'", "no error"),
    "unknown-goto-2": ("UnknownNodeError: node 'sends_astray' wants to go to 'pubish'", "no error"),
    "unknown-option": ("unknown stream_mode 'update'. Did you mean 'updates'?", "no error: []"),
    "unknown-option-2": ("unknown durability 'never'. Known: 'async', 'exit', 'sync'.", "no error: log=['draft']"),
    "reducer": ("GraphError: ... the reducer add stands before ... Put it last.", "no error: {'log': ['publish']}"),
    "reducer-2": ("GraphError: ... the reducer add stands inside a union", "no error: {'log': ['publish']}"),
    "no-node": ("GraphError: ... add_node('yields'): it is a generator", "no error: log=['two']"),
    "no-node-2": ("GraphError: ... Drafts is a class; give a function", "InvalidUpdateError: Expected dict, got <"),
    "missing-field": ("SchemaError: node 'about' takes ... no value yet for its field 'title'", "TypeError: Article"),
    "in-place": ("MutatedStateWarning: node 'scribbles' changed state['log'] in place", "no warning"),
    "failed-merge": ("InvalidUpdateError: ... 'failed'", "InvalidUpdateError: ... InvalidUpdateError:"),
    "messages": ("[{'role': 'user', 'content': 'hi', 'id': '1'}]", "[HumanMessage(content='hi'"),
    "limit": ("{'log': ['draft', 'publish']}", "GraphRecursionError"),
    "deferred-sends": ("'sends', 'draft', 'last'] next=[]", "'sends', 'last', 'draft'] next=[]"),
    "drawn-keys": ("[None, 'good, fine', None]", "[None, 'fine', None]"),
    # streams
    "told-once": ("[{'ask': {'log': ['Publish? yes']}}]", "[{'draft': {'log': ['draft']}, '__metadata__': {'cached'"),
    "mode-at-once": ("NbhitlError: unknown stream_mode 'update'. Did you mean 'updates'?", "no error: generator"),
    "dict-messages": ("['hello']", "[]"),
    # entrypoints and tasks
    "unheard": ("ValueError: nothing is known of tea", "no error: well"),
    "unasked": ("['Publish tea?']", "'well'"),
    "at-once": ("['Publish milk?', 'Publish tea?']", "['Publish tea?']"),
    "arguments": ("TaskChanged: node 'counts_up' calls task 'write' with other arguments", "no error: yes"),
    "no-task": ("GraphError: @task 'yields_lines' is a generator, whose results", "no error: _TaskFunction"),
    # policies
    "drained": ("log=['draft'] next=['publish'] asks=[]", "GraphDrained: Graph drained"),
    "drained-2": ("'drained'", "GraphDrained: Graph drained"),
    "drained-waiting": ("{'tried': 1}", "{'tried': 3}"),
    "attempts": ("{'tried': 4}", "{'tried': 5}"),
    "cached-code": ("{'log': ['new']}", "{'log': ['old']}"),
    "no-policy": ("GraphError: ... add_node('shop'): max_attempts=0: a whole number", "no error: 2"),
    "no-policy-2": ("GraphError: ... add_node('shop'): ttl=-1: give seconds above 0", "no error: 2"),
    "handler-name": (
        "[{'shop': {'log': ['shop is closed']}}]",
        "[{'__error_handler__shop': {'log': ['shop is closed']}}]",
    ),
    # stores and contexts
    "stored": ("{'size': [2, 3]}", "{'size': (2, 3)}"),
    "no-store": ("NbhitlError: node 'looks_for_a_store' called get_store(), but the graph has no store", "store: None"),
    "looked-into": ("[]", "[('notes', 'nobody')]"),
    "time-to-live": ("no error: 0", "TypeError: ... unexpected keyword argument 'ttl'"),
    "context": ("NbhitlError: context lacks 'name' of Caller", "no error: ['draft']"),
    # storage
    "clock": ("log=['Publish? yes', 'publish'] next=[]", "log=['Publish? yes'] next=[]"),
    "durable": ('ask "Who are you?" "Ada"', ONLY_OURS),
    "sql": ('["draft"]', ONLY_OURS),
    # additions
    "first-answer": ("was answered already by Ada through code at", ONLY_OURS),
}
"""A line's cell to what it shows here, and with LangGraph; `...` stands for more, an empty text for nothing at all."""


def source(cell):
    return "".join(cell["source"])


def holds(shown, expected):
    """Whether the parts of ``expected``, between which there may be more, are shown; of an empty one, nothing is."""
    if not expected:
        return shown == ""
    for part in expected.split(" ... "):
        _, found, shown = shown.partition(part)
        if not found:
            return False
    return True


class Reader:
    """Runs the page's cells as a kernel would, and keeps what each shows."""

    def __init__(self, names):
        self.names = {}
        self.shown = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # `return` in `finally`, on purpose
            for id, cell in (PREAMBLE | LINES).items():
                if id in PREAMBLE:
                    exec(names if id == "setup-names" else source(cell), self.names)

    def run(self, id):
        """What a line's cell shows, white space aside; an error as its name and message."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                value = eval(source(LINES[id]), self.names)
                if value is not None:
                    print(repr(value))
            except Exception as error:  # noqa: BLE001 - what upstream shows may be just that
                print(f"{type(error).__name__}: {error}")
        return " ".join(printed.getvalue().split())


@pytest.fixture(scope="module")
def ours():
    return Reader(source(CELLS["setup-names"]))


@pytest.fixture(scope="module")
def theirs():
    """A reader who did what the page says: took the names from LangGraph."""
    pytest.importorskip("langgraph")
    said = [line for line in source(CELLS["setup-words"]).splitlines() if line.startswith("    ")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
        reader = Reader(inspect.cleandoc("\n".join(said)))
        import langgraph.checkpoint.base.id as ids
    earlier = reader.names["an_hour_earlier"]

    def in_a_new_process(act):
        ids._last_v6_timestamp = None
        return earlier(act)

    reader.names["an_hour_earlier"] = in_a_new_process
    return reader


def test_the_page_gives_the_promise_in_the_words_of_the_contract():
    said = source(CELLS["title"]).replace("\n> ", " ")
    assert PROMISE in said


def test_every_line_of_the_page_has_its_expectation_and_every_expectation_its_line():
    assert list(SHOWN) == list(LINES)


@pytest.mark.parametrize("id", LINES)
def test_a_difference_is_one_line_that_is_one_statement(id):
    text = source(LINES[id])
    assert "\n" not in text
    assert len(text) <= 120
    assert len(ast.parse(text).body) == 1


def test_every_difference_says_what_langgraph_does_and_what_happens_here():
    rows = [id for id in LINES if f"{id}-words" in CELLS]
    assert len(rows) >= 40
    for id in rows:
        title, _, said = source(CELLS[f"{id}-words"]).partition("\n\n")
        assert title.startswith("### "), id
        assert said.startswith("- **LangGraph:** "), id
        assert "\n- **Here:** " in said, id


@pytest.mark.parametrize("id", SHOWN)
def test_a_line_shows_what_its_words_say(ours, id):
    shown = ours.run(id)
    assert holds(shown, SHOWN[id][0]), shown


@pytest.mark.parametrize("id", [id for id, (_, upstream) in SHOWN.items() if upstream is not ONLY_OURS])
def test_langgraph_behaves_as_the_page_says(theirs, id, monkeypatch):
    monkeypatch.setattr(logging.getLogger("langgraph"), "disabled", True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = theirs.run(id)
    assert holds(shown, SHOWN[id][1]), shown


def test_every_cell_of_the_page_runs_in_a_kernel_and_shows_the_same(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    notebook = nbformat.read(PAGE, as_version=4)
    kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, km=kernels, timeout=60, resources=resources)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NBHITL_")}
    client.execute(env=environment, cleanup_kc=True)
    for cell in notebook.cells:
        if cell.id in SHOWN:
            texts = [out.text if "text" in out else out.data["text/plain"] for out in cell.outputs]
            assert holds(" ".join(" ".join(texts).split()), SHOWN[cell.id][0]), cell.id
