"""nbhitl: graphs of Python functions that pause, ask a person and go on, inside a Jupyter notebook.

Names are loaded when they are first used, so that ``import nbhitl`` stays light. Type checkers read the imports
instead; a test compares the two.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbhitl.asking.approving import approve as approve
    from nbhitl.asking.choosing import choose as choose
    from nbhitl.asking.editing import edit as edit
    from nbhitl.asking.tools import review_tools as review_tools
    from nbhitl.asking.typed import ask as ask, ask_until as ask_until
    from nbhitl.checkpoint.duckdb import DuckDBSaver as DuckDBSaver
    from nbhitl.checkpoint.file.copies import Snapshot as Snapshot, snapshot as snapshot
    from nbhitl.checkpoint.memory import InMemorySaver as InMemorySaver
    from nbhitl.checkpoint.values.opaque import Opaque as Opaque
    from nbhitl.compiled import CompiledGraph as CompiledGraph
    from nbhitl.engine.channels import (
        BinaryOperatorAggregate as BinaryOperatorAggregate,
        EphemeralValue as EphemeralValue,
        LastValue as LastValue,
        NamedBarrierValue as NamedBarrierValue,
        Topic as Topic,
        UntrackedValue as UntrackedValue,
    )
    from nbhitl.engine.commands import (
        Command as Command,
        Interrupt as Interrupt,
        Overwrite as Overwrite,
        StateUpdate as StateUpdate,
    )
    from nbhitl.engine.errors import (
        AlreadyAnsweredError as AlreadyAnsweredError,
        AnswerRefused as AnswerRefused,
        CheckpointFileWarning as CheckpointFileWarning,
        CheckpointerRequired as CheckpointerRequired,
        EmptyChannelError as EmptyChannelError,
        EmptyInputError as EmptyInputError,
        EndlessQuestions as EndlessQuestions,
        FileDamagedError as FileDamagedError,
        FileLockedError as FileLockedError,
        GraphChanged as GraphChanged,
        GraphError as GraphError,
        GraphInterrupt as GraphInterrupt,
        GraphRecursionError as GraphRecursionError,
        InterruptExpired as InterruptExpired,
        InvalidNamespaceError as InvalidNamespaceError,
        InvalidUpdateError as InvalidUpdateError,
        LeftoverAnswers as LeftoverAnswers,
        MutatedStateWarning as MutatedStateWarning,
        NbhitlError as NbhitlError,
        PauseSwallowed as PauseSwallowed,
        PendingInterruptError as PendingInterruptError,
        QueryRefused as QueryRefused,
        QuestionChanged as QuestionChanged,
        SaverError as SaverError,
        SchemaChanged as SchemaChanged,
        SchemaError as SchemaError,
        StoreError as StoreError,
        TaskChanged as TaskChanged,
        ThreadBusyError as ThreadBusyError,
        UnansweredQuestion as UnansweredQuestion,
        UnknownInterruptError as UnknownInterruptError,
        UnknownKeyWarning as UnknownKeyWarning,
        UnknownNodeError as UnknownNodeError,
        UnknownThreadError as UnknownThreadError,
        UnknownTypeError as UnknownTypeError,
        UnreachableNodeWarning as UnreachableNodeWarning,
        UnstorableValueError as UnstorableValueError,
    )
    from nbhitl.engine.policies import (
        RetryPolicy as RetryPolicy,
        CachePolicy as CachePolicy,
        TimeoutPolicy as TimeoutPolicy,
        default_retry_on as default_retry_on,
    )
    from nbhitl.engine.errors import (
        NodeError as NodeError,
        NodeTimeoutError as NodeTimeoutError,
        NodeCancelledError as NodeCancelledError,
        NodeFailed as NodeFailed,
        GraphDrained as GraphDrained,
        UncachedResultWarning as UncachedResultWarning,
        CallbackWarning as CallbackWarning,
    )
    from nbhitl.run.callbacks import (
        GraphCallbackHandler as GraphCallbackHandler,
        GraphInterruptEvent as GraphInterruptEvent,
        GraphResumeEvent as GraphResumeEvent,
    )
    from nbhitl.cache.memory import InMemoryCache as InMemoryCache
    from nbhitl.cache.duckdb import DuckDBCache as DuckDBCache
    from nbhitl.engine.ports import BaseCache as BaseCache
    from nbhitl.engine.records import END as END, START as START, Send as Send
    from nbhitl.engine.stores import BaseStore as BaseStore, Item as Item, SearchItem as SearchItem
    from nbhitl.engine.shown import Diff as Diff, Markdown as Markdown
    from nbhitl.functional import entrypoint as entrypoint, task as task
    from nbhitl.graph import StateGraph as StateGraph
    from nbhitl.messages import (
        MessagesState as MessagesState,
        REMOVE_ALL_MESSAGES as REMOVE_ALL_MESSAGES,
        add_messages as add_messages,
    )
    from nbhitl.notebook.workspace import get_session as get_session
    from nbhitl.run.context import interrupt as interrupt, once as once
    from nbhitl.run.runtime import (
        ExecutionInfo as ExecutionInfo,
        Runtime as Runtime,
        StreamWriter as StreamWriter,
        get_config as get_config,
        get_runtime as get_runtime,
        get_store as get_store,
        get_stream_writer as get_stream_writer,
    )
    from nbhitl.run.uploads import Upload as Upload
    from nbhitl.run.outputs import GraphOutput as GraphOutput
    from nbhitl.run.streams.messages import MessageChunk as MessageChunk, stream_message as stream_message
    from nbhitl.run.streams.options import StreamMode as StreamMode, StreamPart as StreamPart
    from nbhitl.run.world import Durability as Durability, RunControl as RunControl
    from nbhitl.scripts.context import answering as answering
    from nbhitl.session import Session as Session
    from nbhitl.state import IsLastStep as IsLastStep, RemainingSteps as RemainingSteps
    from nbhitl.store.duckdb import DuckDBStore as DuckDBStore
    from nbhitl.store.memory import InMemoryStore as InMemoryStore
    from nbhitl.state_snapshot import PregelTask as PregelTask, StateSnapshot as StateSnapshot

__version__ = "0.1.0"

_WHERE = {
    "RetryPolicy": "nbhitl.engine.policies",
    "default_retry_on": "nbhitl.engine.policies",
    "CachePolicy": "nbhitl.engine.policies",
    "TimeoutPolicy": "nbhitl.engine.policies",
    "NodeError": "nbhitl.engine.errors",
    "NodeTimeoutError": "nbhitl.engine.errors",
    "NodeCancelledError": "nbhitl.engine.errors",
    "NodeFailed": "nbhitl.engine.errors",
    "GraphDrained": "nbhitl.engine.errors",
    "UncachedResultWarning": "nbhitl.engine.errors",
    "CallbackWarning": "nbhitl.engine.errors",
    "GraphCallbackHandler": "nbhitl.run.callbacks",
    "GraphInterruptEvent": "nbhitl.run.callbacks",
    "GraphResumeEvent": "nbhitl.run.callbacks",
    "InMemoryCache": "nbhitl.cache.memory",
    "DuckDBCache": "nbhitl.cache.duckdb",
    "BaseCache": "nbhitl.engine.ports",
    "StateGraph": "nbhitl.graph",
    "CompiledGraph": "nbhitl.compiled",
    "entrypoint": "nbhitl.functional",
    "task": "nbhitl.functional",
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
    **dict.fromkeys(
        (
            "ExecutionInfo",
            "Runtime",
            "StreamWriter",
            "get_config",
            "get_runtime",
            "get_store",
            "get_stream_writer",
        ),
        "nbhitl.run.runtime",
    ),
    "Upload": "nbhitl.run.uploads",
    **dict.fromkeys(("BaseStore", "Item", "SearchItem"), "nbhitl.engine.stores"),
    "InMemoryStore": "nbhitl.store.memory",
    "DuckDBStore": "nbhitl.store.duckdb",
    "once": "nbhitl.run.context",
    "approve": "nbhitl.asking.approving",
    "choose": "nbhitl.asking.choosing",
    "ask": "nbhitl.asking.typed",
    "ask_until": "nbhitl.asking.typed",
    "edit": "nbhitl.asking.editing",
    "review_tools": "nbhitl.asking.tools",
    "Markdown": "nbhitl.engine.shown",
    "Diff": "nbhitl.engine.shown",
    "GraphOutput": "nbhitl.run.outputs",
    "MessageChunk": "nbhitl.run.streams.messages",
    "stream_message": "nbhitl.run.streams.messages",
    **dict.fromkeys(("StreamMode", "StreamPart"), "nbhitl.run.streams.options"),
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
            "EmptyChannelError",
            "EmptyInputError",
            "EndlessQuestions",
            "FileDamagedError",
            "FileLockedError",
            "GraphChanged",
            "GraphError",
            "GraphInterrupt",
            "GraphRecursionError",
            "InterruptExpired",
            "InvalidNamespaceError",
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
            "StoreError",
            "TaskChanged",
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


if not TYPE_CHECKING:  # or a name that does not exist would be of type Any

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
