"""nbhitl: graphs of Python functions that pause, ask a person and go on, inside a Jupyter notebook.

Names are loaded when they are first used, so that ``import nbhitl`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

_WHERE = {
    "StateGraph": "nbhitl.graph",
    "CompiledGraph": "nbhitl.compiled",
    "START": "nbhitl.engine.records",
    "END": "nbhitl.engine.records",
    "Send": "nbhitl.engine.records",
    "Command": "nbhitl.engine.commands",
    "Interrupt": "nbhitl.engine.commands",
    "Overwrite": "nbhitl.engine.commands",
    "StateUpdate": "nbhitl.engine.commands",
    "add_messages": "nbhitl.messages",
    "MessagesState": "nbhitl.messages",
    "REMOVE_ALL_MESSAGES": "nbhitl.messages",
    "RemainingSteps": "nbhitl.state",
    "IsLastStep": "nbhitl.state",
    **dict.fromkeys(
        ("BinaryOperatorAggregate", "EphemeralValue", "LastValue", "NamedBarrierValue", "Topic", "UntrackedValue"),
        "nbhitl.engine.channels",
    ),
    "interrupt": "nbhitl.run.context",
    "Upload": "nbhitl.run.uploads",
    "once": "nbhitl.run.context",
    "approve": "nbhitl.asking.approving",
    "choose": "nbhitl.asking.choosing",
    "ask": "nbhitl.asking.typed",
    "ask_until": "nbhitl.asking.typed",
    "edit": "nbhitl.asking.editing",
    "review_tools": "nbhitl.asking.tools",
    "Markdown": "nbhitl.engine.shown",
    "Diff": "nbhitl.engine.shown",
    "Durability": "nbhitl.run.world",
    "RunControl": "nbhitl.run.world",
    "StateSnapshot": "nbhitl.state_snapshot",
    "PregelTask": "nbhitl.state_snapshot",
    "InMemorySaver": "nbhitl.checkpoint.memory",
    "DuckDBSaver": "nbhitl.checkpoint.duckdb",
    "snapshot": "nbhitl.checkpoint.file.copies",
    "Snapshot": "nbhitl.checkpoint.file.copies",
    "Opaque": "nbhitl.checkpoint.values.opaque",
    "Session": "nbhitl.session",
    "answering": "nbhitl.scripts.context",
    "get_session": "nbhitl.notebook.workspace",
    **dict.fromkeys(
        (
            "AlreadyAnsweredError",
            "AnswerRefused",
            "CheckpointFileWarning",
            "CheckpointerRequired",
            "EmptyInputError",
            "EndlessQuestions",
            "FileDamagedError",
            "FileLockedError",
            "GraphChanged",
            "GraphError",
            "GraphInterrupt",
            "GraphRecursionError",
            "InterruptExpired",
            "InvalidUpdateError",
            "LeftoverAnswers",
            "MutatedStateWarning",
            "NbhitlError",
            "PauseSwallowed",
            "PendingInterruptError",
            "QueryRefused",
            "QuestionChanged",
            "SaverError",
            "SchemaChanged",
            "SchemaError",
            "ThreadBusyError",
            "UnansweredQuestion",
            "UnknownInterruptError",
            "UnknownKeyWarning",
            "UnknownNodeError",
            "UnknownThreadError",
            "UnknownTypeError",
            "UnreachableNodeWarning",
            "UnstorableValueError",
        ),
        "nbhitl.engine.errors",
    ),
}

__all__ = ["__version__", "load_ipython_extension", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        from nbhitl.engine.errors import did_you_mean

        raise AttributeError(f"nbhitl has no {name!r}.{did_you_mean(name, _WHERE)}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext nbhitl``: the ``%%graph`` and ``%graph`` magics."""
    from nbhitl.notebook import load

    load(shell)
