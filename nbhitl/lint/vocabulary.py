"""What is known of functions by their names alone: which ask, which have effects, whose result differs each time.

Short on purpose: a name that is not here is taken for harmless.
"""

from __future__ import annotations

import re
from typing import Final

ASKING: Final = frozenset({"interrupt", "approve", "choose", "ask", "ask_until", "edit", "review_tools"})
"""Names of nbhitl (and one of LangGraph) that stop and ask."""
HOMES: Final = frozenset({"nbhitl", "langgraph"})
"""Packages that these come from."""
SWALLOWING: Final = frozenset({"BaseException", "GraphInterrupt", "BaseExceptionGroup"})
"""Classes whose ``except`` clause catches a pause."""

_EFFECTS: Final = {
    "requests": ("post", "put", "patch", "delete"),
    "httpx": ("post", "put", "patch", "delete"),
    "subprocess": ("run", "call", "check_call", "check_output", "Popen"),
    "os": ("system", "remove", "unlink", "rename", "replace", "mkdir", "rmdir"),
    "shutil": ("move", "rmtree"),
    "webbrowser": ("open",),
}
EFFECTS: Final = frozenset(f"{module}.{name}" for module, names in _EFFECTS.items() for name in names)
"""Functions of libraries that do something in the world, whose second time matters."""
_VOLATILE: Final = {
    "time": ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "ctime", "localtime", "gmtime"),
    "datetime": ("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    "pandas": ("Timestamp.now", "Timestamp.today"),
    "uuid": ("uuid1", "uuid4"),
    "os": ("urandom", "listdir", "path.exists", "path.isfile", "path.isdir", "path.getsize", "path.getmtime"),
    "random": (
        "random", "randint", "randrange", "choice", "choices", "sample", "uniform", "gauss", "shuffle", "getrandbits",
        "normalvariate", "betavariate", "expovariate", "triangular", "SystemRandom",
    ),
    "secrets": ("token_hex", "token_urlsafe", "token_bytes", "choice", "randbelow", "randbits"),
    "requests": ("get",),
    "httpx": ("get",),
    "urllib": ("request.urlopen",),
    "builtins": ("id", "input", "object"),
}  # fmt: skip
VOLATILE: Final = frozenset(f"{module}.{name}" for module, names in _VOLATILE.items() for name in names)
"""Functions whose result is another one with each call."""
_LOOKS: Final = frozenset({"exists", "is_file", "is_dir"})
"""Methods of paths: what they say can change between two runs."""
_NUMPY_STEADY: Final = frozenset({"default_rng", "seed", "Generator", "RandomState", "SeedSequence", "PCG64"})
_SEEDED: Final = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "random.Random"})

SEEDING: Final = frozenset({"random.seed", "numpy.random.seed"})
SHUFFLING: Final = frozenset({"random.shuffle", "numpy.random.shuffle"})

VERBS: Final = frozenset(
    {
        "send", "post", "publish", "charge", "pay", "refund", "transfer", "delete", "upload", "deploy", "notify",
        "purchase", "buy", "deposit", "withdraw", "tweet", "sendmail", "commit", "drop", "unlink", "executemany",
    }
)  # fmt: skip
"""First words of names of functions that do what cannot be taken back."""
_OF_FUNCTIONS: Final = VERBS | {"email", "mail", "book", "ship", "submit", "insert", "cancel", "enqueue"}
_MAKING: Final = frozenset({"place", "issue", "make", "create", "open", "file", "schedule"})
_MADE: Final = frozenset(
    {"order", "payment", "refund", "ticket", "invoice", "booking", "meeting", "event", "issue", "user", "account"}
)
_MODEL_METHODS: Final = frozenset(
    {"invoke", "ainvoke", "batch", "abatch", "stream", "astream", "generate", "agenerate", "complete", "acomplete",
     "chat", "predict_messages", "generate_content"}
)  # fmt: skip
_MODELS: Final = frozenset({"llm", "model", "chat", "agent", "client", "chain", "gpt", "claude", "gemini", "tool"})
_CREATIONS: Final = ("completions.create", "messages.create", "responses.create", "chat_completion")
_READING: Final = re.compile(r"\s*(select|with|pragma|explain|show|describe|from|values)\b", re.IGNORECASE)

REPEATED: Final = frozenset(
    {"append", "appendleft", "extend", "insert", "pop", "popleft", "popitem", "remove", "write", "writelines", "put",
     "put_nowait", "push", "increment", "inc", "reverse"}
)  # fmt: skip
"""Methods whose second call changes more; adding to a set or setting a key does not."""
CHANGING: Final = frozenset(
    {"append", "appendleft", "extend", "insert", "pop", "popleft", "popitem", "remove", "clear", "add", "discard",
     "update", "setdefault", "sort", "reverse", "difference_update", "intersection_update"}
)  # fmt: skip
"""Methods that change a list, dict or set in place."""

_UNSTORABLE: Final = {
    "builtins": ("open", "map", "filter", "zip", "iter", "enumerate", "reversed", "memoryview"),
    "threading": ("Lock", "RLock", "Event", "Thread"),
    "asyncio": ("Lock", "Event", "Queue", "create_task"),
    "sqlite3": ("connect",),
    "duckdb": ("connect",),
    "socket": ("socket",),
    "re": ("compile",),
    "types": ("SimpleNamespace",),
    "requests": ("Session",),
    "httpx": ("Client", "AsyncClient"),
    "logging": ("getLogger",),
    "openai": ("OpenAI", "AsyncOpenAI"),
    "anthropic": ("Anthropic", "AsyncAnthropic"),
    "matplotlib": ("pyplot.figure", "pyplot.subplots", "pyplot.gcf", "pyplot.gca"),
}
UNSTORABLE: Final = frozenset(f"{module}.{name}" for module, names in _UNSTORABLE.items() for name in names)
"""Calls whose result cannot be stored."""
_LIVE_ROOMS: Final = frozenset({"sklearn", "torch", "keras", "tensorflow", "PIL", "xgboost", "lightgbm"})
"""Packages whose classes cannot be stored."""
EXCEPTIONS: Final = frozenset({"Exception", "BaseException", "ValueError", "TypeError", "RuntimeError", "KeyError"})


def words(name: str) -> list[str]:
    """``sendMail_now`` as ``["send", "mail", "now"]``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")


def sounds_like_effect(name: str, *, method: bool) -> bool:
    """Whether a function or method of this name does something in the world, as far as its name says."""
    parts = words(name)
    if parts[0] in (VERBS if method else _OF_FUNCTIONS):
        return True
    return len(parts) > 1 and parts[0] in _MAKING and parts[-1] in _MADE


def asks_a_model(path: str) -> bool:
    """Whether ``llm.invoke``, ``client.messages.create`` and the like are called, by the dotted path."""
    if path.endswith(_CREATIONS):
        return True
    receiver, _, method = path.rpartition(".")
    if not receiver:
        return bool({"llm", "gpt", "claude", "gemini"} & set(words(method)))
    return method in _MODEL_METHODS and bool(_MODELS & set(words(receiver.replace(".", "_"))))


def is_volatile(name: str, *, arguments: bool) -> bool:
    """Whether a library's function gives something else with each call; ``arguments``: it was given any."""
    if name in _SEEDED:
        return not arguments
    if name.startswith("numpy.random."):
        return name.split(".")[2] not in _NUMPY_STEADY
    return name in VOLATILE


def is_look(method: str, *, arguments: bool) -> bool:
    """Whether a method looks for a file."""
    return method in _LOOKS and not arguments


def reads_only(query: str) -> bool:
    """Whether SQL only reads."""
    return _READING.match(query) is not None


def is_unstorable(name: str) -> bool:
    """Whether what a library's function or class gives cannot be stored."""
    last = name.rpartition(".")[2]
    return name in UNSTORABLE or (name.partition(".")[0] in _LIVE_ROOMS and last[:1].isupper())
