"""The verbs of ``%graph``: each is one function of a worker and the rest of the line. Help is made from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbhitl.checkpoint.sql.table import Table
from nbhitl.engine.errors import NbhitlError, did_you_mean
from nbhitl.engine.records import MISSING
from nbhitl.inbox import Reply, Stored, accepted, answer, open_questions
from nbhitl.notebook import housekeeping, queries, replays
from nbhitl.notebook.findings import Findings, findings_of
from nbhitl.notebook.worker import Answer, Go, Worker, user
from nbhitl.outcomes import moment, then
from nbhitl.words import cut, plainly

if TYPE_CHECKING:
    from nbhitl.notebook.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that ``%graph`` can do."""

    usage: str
    does: Callable[[Workspace, str, str | None, str | None], Any]

    @property
    def sentence(self) -> str:
        """What it does, in one sentence."""
        return (self.does.__doc__ or "").partition("\n")[0]


def call(workspace: Workspace, line: str) -> Any:
    """Do what a ``%graph`` line says; what it returns is shown by the notebook.

    Raises:
        NbhitlError: an unknown verb or a mistake in its words; names the cure.
    """
    graph, thread, rest = _address(line.strip())
    word, _, words = rest.partition(" ")
    word = word or "where"
    if word not in VERBS:
        raise NbhitlError(f"%graph {word}: there is no such verb.{did_you_mean(word, VERBS)} %graph help lists them.")
    return VERBS[word].does(workspace, words.strip(), graph, thread)


_FLAG = re.compile(r"(-[gt])\s+(?:(\"[^\"]*\"|'[^']*')|(\S+))\s*")


def _address(line: str) -> tuple[str | None, str | None, str]:
    """``-g NAME`` and ``-t THREAD`` at the beginning of a line, and what follows them."""
    found: dict[str, str] = {}
    while match := _FLAG.match(line):
        flag, quoted, plain = match.groups()
        found[flag] = quoted[1:-1] if quoted else plain
        line = line[match.end() :]
    return found.get("-g"), found.get("-t"), line


def _where(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Say where the run stands, and what can be done next."""
    worker = workspace.find(graph, thread)
    session, state = worker.session, worker.session.state()
    meta = state.metadata or {}
    answered = meta.get("stop") == "interrupted" and not state.interrupts
    status = "answered" if answered else meta.get("stop_text") or ("broken off" if state.metadata else "not run yet")
    status = "running" if session.busy else status
    print(f"Graph {session.name}, thread {session.thread}: {status}.")
    if state.next:
        print(f"Next: {', '.join(state.next)}.")
    for question in session.pending():
        print(f"Question of {session.node_of(question)}: {plainly(question.value)}")
    if len(state.interrupts) > 1:
        print("Answer in the forms, or: %graph answer NODE VALUE")
    elif state.interrupts:
        print("Answer in the form, or: %graph answer VALUE (JSON, key=value pairs, or text)")
    elif not state.next and state.metadata:
        print("Run the cell for a new run; %graph history shows how this one went.")
    elif state.next and not session.busy:
        print("Go on: %graph continue")


def _break(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Stop before a node; kept with the graph until it is removed."""
    worker = workspace.find(graph, thread)
    for node in _names(words, "break NODE"):
        worker.session.set_breakpoint(node)
        print(f"Breakpoint before {node}.")
    workspace.repaint(worker.session.name)


def _unbreak(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Remove the breakpoint of a node, or of all nodes."""
    worker = workspace.find(graph, thread)
    points = worker.session.breakpoints
    names = list(points) if words == "all" else _names(words, "unbreak NODE, or: %graph unbreak all")
    for node in names:
        if node not in points:
            raise NbhitlError(f"%graph unbreak: there is no breakpoint at {node!r}.{did_you_mean(node, points)}")
        worker.session.set_breakpoint(node, on=False)
    workspace.repaint(worker.session.name)


def _breaks(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Table:
    """List the breakpoints of the graph."""
    session = workspace.find(graph, thread).session
    known = session.graph.nodes
    rows = [(node, "" if node in known else "no such node now") for node in sorted(session.breakpoints)]
    return Table(("stops before", "note"), rows)


def _continue(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Go on from where the run stands: past a breakpoint, or again after a failure."""
    worker = workspace.find(graph, thread)
    if worker.session.pending():
        raise NbhitlError("the run waits for an answer: fill in the form, or %graph answer VALUE.")
    position = worker.session.position
    if position is None or not position.checkpoint.tasks:
        raise NbhitlError("there is nothing to go on with: the run has finished. Run the cell for a new one.")
    worker.do(Go())
    _tell(worker)


def _tell(worker: Worker) -> None:
    """Say in the cell that asked for it what came of it: the drawing may be far above."""
    text = (worker.session.state().metadata or {}).get("stop_text") or ""
    print(f"Graph {worker.session.name}: {text}. See the drawing under its cell.")


def _inbox(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Table:
    """The questions that wait for an answer, of every graph in the checkpoint file."""
    rows = [
        (
            question.asked.id,
            question.key.graph,
            question.key.thread,
            question.node,
            plainly(question.asked.value),
            cut(accepted(question.schema)),
            moment(question.asked.at),
            f"{moment(question.asked.deadline)}, then {then(question.asked)}" if question.asked.deadline else "",
        )
        for question in open_questions(workspace.saver)
        if graph in (None, question.key.graph) and thread in (None, question.key.thread)
    ]
    return Table(("id", "graph", "thread", "node", "question", "accepted", "since", "deadline"), rows)


def _answer(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Answer the open question: JSON, key=value pairs, or text; of several, that of a node or an id."""
    words, said = _remarks(words)
    if not words:
        raise NbhitlError("%graph answer needs the answer: JSON, key=value pairs, or text.")
    worker = _asker(workspace, words, graph, thread)
    if worker is None:
        first, *rest = housekeeping.split(words, "answer ID VALUE")
        reply = Reply(first, tuple(rest), None, said.get("by", user()), said.get("note", ""), graph, thread)
        question, _ = answer(workspace.saver, reply, Stored(workspace.saver, via="magic"))
        print(f"Recorded for {question.node}. The run goes on when the cell of graph {question.key.graph} is run.")
        return
    id, value = _which(worker, words)
    worker.do(Answer(value, id, via="magic", by=said.get("by"), note=said.get("note", "")))
    _tell(worker)


def _asker(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Worker | None:
    """The worker whose question the words begin with, else the one that is meant; None: only the file knows it."""
    first, _, rest = words.partition(" ")
    if rest and _ID.fullmatch(first):
        for worker in workspace.workers.values():
            if any(question.id.startswith(first) for question in worker.session.pending()):
                return worker
        if any(question.asked.id.startswith(first) for question in open_questions(workspace.saver)):
            return None
    return workspace.find(graph, thread)


_ID = re.compile(r"[0-9a-f]{4,16}")
_REMARK = re.compile(r"""(?:^|\s)--(note|by)\s+("[^"]*"|'[^']*'|\S+)\s*$""")


def _remarks(words: str) -> tuple[str, dict[str, str]]:
    """The words without ``--note TEXT`` and ``--by NAME`` at their end, and what these say."""
    said: dict[str, str] = {}
    while match := _REMARK.search(words):
        name, text = match.groups()
        said.setdefault(name, text[1:-1] if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1 else text)
        words = words[: match.start()]
    return words.strip(), said


def _pause(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Stop the run that is at work, before its next node."""
    worker = workspace.find(graph, thread)
    if not worker.session.busy:
        raise NbhitlError("nothing is running.")
    worker.session.pause("stopped with %graph pause; it can be continued")


def _state(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Any:
    """The state's values as they are now, or one of them."""
    values = dict(workspace.find(graph, thread).session.state().values)
    if not words:
        return values
    found = values.get(words, MISSING)
    if found is MISSING:
        raise NbhitlError(f"%graph state: there is no value {words!r} in the state.{did_you_mean(words, values)}")
    return found


def _history(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Table:
    """The checkpoints of the thread, newest first; N of them when given."""
    if words and not words.isdecimal():
        raise NbhitlError(f"%graph history takes a number of checkpoints, not {words!r}.")
    rows = []
    for state in workspace.find(graph, thread).session.history(int(words) if words else None):
        meta = state.metadata or {}
        id = state.config["configurable"]["checkpoint_id"]
        rows.append((meta.get("step"), meta.get("source"), ", ".join(state.next), meta.get("stop_text"), id))
    return Table(("step", "source", "next", "stopped", "checkpoint"), rows)


def _lint(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Findings:
    """What the linter sees in the graph's code: traps of asking, each with its reason and its cure."""
    return findings_of(workspace.find(graph, thread).session.graph)


def _threads(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Table:
    """The threads in the checkpoint file."""
    return workspace.saver.sql("SELECT graph, thread, status, step, updated_at FROM threads ORDER BY updated_at DESC")


def _sql(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> Any:
    """Query the checkpoint file; without a query, list its views."""
    options, query = queries.split(words)
    return queries.run(workspace, query, options)


def _db(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """Say which checkpoint file is used, or use another one."""
    if words:
        workspace.use(words.strip("'\""))
    print(f"Checkpoint file: {workspace.path}")


def _help(workspace: Workspace, words: str, graph: str | None, thread: str | None) -> None:
    """This list; with a verb, that verb."""
    if words and words not in VERBS:
        raise NbhitlError(f"%graph help: there is no verb {words!r}.{did_you_mean(words, VERBS)}")
    shown = {words: VERBS[words]} if words else VERBS
    width = max(len(verb.usage) for verb in shown.values())
    for verb in shown.values():
        print(f"%graph {verb.usage:<{width}}  {verb.sentence}")
    if not words:
        print("-g NAME and -t THREAD before the verb choose another graph or thread.")


VERBS = {
    "where": Verb("where", _where),
    "continue": Verb("continue", _continue),
    "inbox": Verb("inbox", _inbox),
    "answer": Verb("answer [NODE|ID] VALUE [--note TEXT] [--by NAME]", _answer),
    "pause": Verb("pause", _pause),
    "break": Verb("break NODE", _break),
    "unbreak": Verb("unbreak NODE|all", _unbreak),
    "breaks": Verb("breaks", _breaks),
    "state": Verb("state [KEY]", _state),
    "history": Verb("history [N]", _history),
    "lint": Verb("lint", _lint),
    "threads": Verb("threads", _threads),
    "sql": Verb("sql SELECT ...", _sql),
    "replay": Verb("replay [--until NODE]", replays.replay),
    "save-test": Verb("save-test FILE.py", replays.save_test),
    "size": Verb("size", housekeeping.size),
    "delete": Verb("delete THREAD --yes", housekeeping.delete),
    "prune": Verb("prune [THREAD] [--keep N] --yes", housekeeping.prune),
    "compact": Verb("compact", housekeeping.compact),
    "export": Verb("export FOLDER", housekeeping.export),
    "db": Verb("db [FILE]", _db),
    "help": Verb("help [VERB]", _help),
}


def _names(words: str, usage: str) -> list[str]:
    names = housekeeping.split(words, usage)
    if not names:
        raise NbhitlError(f"say which node: %graph {usage}")
    return names


def _which(worker: Worker, words: str) -> tuple[str | None, Any]:
    """The question's id, if the words begin with one, and the answer."""
    pending = {question.id: question for question in worker.session.pending()}
    first, _, rest = words.partition(" ")
    nodes = {worker.session.node_of(question): id for id, question in pending.items()}
    begun = [id for id in pending if _ID.fullmatch(first) and id.startswith(first)]
    id = (nodes.get(first) or (begun[0] if len(begun) == 1 else None)) if rest else None
    text = rest.strip() if id else words
    asked = pending[id] if id else next(iter(pending.values())) if len(pending) == 1 else None
    wants_text = asked is not None and (asked.described or {}).get("type") == "string"
    return id, _unquoted(text) if wants_text else _value(text)


def _unquoted(text: str) -> str:
    """Text as it stands, or without the quotes of a JSON string."""
    value = _value_of(text)
    return value if isinstance(value, str) else text


def _value(words: str) -> Any:
    """JSON; else ``key=value`` pairs, each value JSON or text; else the text itself."""
    try:
        return json.loads(words)
    except json.JSONDecodeError:
        pass
    if _PAIRS.fullmatch(words):
        return {key: _value_of(text) for key, text in _PAIR.findall(words)}
    return words


_PAIR = re.compile(r"""(\w+)=("[^"]*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|\S*)""")
_PAIRS = re.compile(rf"({_PAIR.pattern}\s*)+")


def _value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text
