"""Expressions made at random: sound ones come to what Python says, hostile ones to an `ExpressionError`, and soon."""

from __future__ import annotations

import io
import itertools
import math
import os
import sys
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from nbhitl.debugging.expressions import Expression, ExpressionError, Template
from tests.debugging.expression_texts import HOSTILE, NAMES, Maker, mutated

CASES = int(os.environ.get("NBHITL_EXAMPLES", "3000"))
LONGEST = 3.0
"""Seconds of this thread's own time that one evaluation may take, on any machine; without a budget: minutes."""
BUILTINS = {
    kind.__name__: kind
    for kind in (
        len, any, all, sum, min, max, sorted, abs, bool, str, int, float, list, tuple, set, dict, round, range,
        isinstance,
    )
}  # fmt: skip
BOUNDED = ("would have more than", "too much work", "goes to", "have the same hash", "cannot be called here")
STRICTER = (
    "adds numbers",
    "are not filled with",
    "has to be a set",
    "has no value of its own",
    "at most",
    "is read from",
)


class Tripwire:
    """Does what a stranger's object may do at worst, and tells when something private of it was asked for."""

    def __init__(self):
        object.__setattr__(self, "touched", [])

    def __getattribute__(self, name):
        if name.startswith("_") and name not in ("__class__", "__dict__"):
            object.__getattribute__(self, "touched").append(name)
        if name == "touched":
            return object.__getattribute__(self, name)
        raise RuntimeError("\x1b[2J\ud800" + "trip" * 1000)

    def _fail(self, *_):
        raise MemoryError("trip")

    __eq__ = __lt__ = __len__ = __bool__ = __iter__ = __contains__ = __getitem__ = __hash__ = __add__ = __neg__ = _fail
    __str__ = __repr__ = __format__ = __index__ = __int__ = __round__ = __abs__ = __call__ = __radd__ = _fail


LARGE = {
    "wide": [str(i) for i in range(20_000)],
    "vector": np.arange(1_000_000),
    "objects": [object()] * 500_000,
    "long": [0] * 1_000_000,
}


def hostile_names():
    loop: list[object] = []
    loop.append(loop)
    return {
        **NAMES,
        "trip": Tripwire(),
        **LARGE,
        "dec": Decimal("1E+999999999"),
        "frac": Fraction(3, 7),
        "count": itertools.count(),
        "loop": loop,
        "module": os,
        "function": hostile_names,
        "klass": Tripwire,
        "error": ValueError("no"),
        "stream": io.StringIO("a\nb"),
    }


WATCHED = {"open", "import", "exec", "subprocess.Popen", "os.system", "socket.connect", "ctypes.dlopen"}
SEEN: list[str] = []
WATCHING = [False]


def _watch(event, args):
    if WATCHING[0] and event in WATCHED:
        SEEN.append(f"{event} {args!r:.100}")


@pytest.fixture
def no_doors():
    """Files, imports and processes that an evaluation reaches make the test fail."""
    if not hasattr(sys, "_nbhitl_watch"):
        sys._nbhitl_watch = True  # a hook stays for the rest of the process
        sys.addaudithook(_watch)
    SEEN.clear()
    yield
    WATCHING[0] = False
    assert SEEN == []


def evaluated(text, names, read=Expression.parse):
    """The value or the error, with the time that it took; anything but an `ExpressionError` is raised."""
    began = time.thread_time()
    WATCHING[0] = True
    try:
        found = read(text).value(names)
    except ExpressionError as error:
        found = error
    finally:
        WATCHING[0] = False
    return found, time.thread_time() - began


def python_s(text):
    """What Python says: a value, or an exception."""
    try:
        return eval(text, {"__builtins__": {}, **BUILTINS, **NAMES})
    except Exception as error:  # noqa: BLE001 - any will do
        return error


def same(one, other):
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return type(one) is type(other) and repr(one) == repr(other)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_sound_expressions_come_to_what_python_says():
    maker, values = Maker(1), 0
    for _ in range(CASES):
        text = maker.text()
        mine, _ = evaluated(text, dict(NAMES))
        if isinstance(mine, ExpressionError) and any(words in str(mine) for words in (*BOUNDED, *STRICTER)):
            continue
        theirs = python_s(text)
        if isinstance(theirs, Exception):
            assert isinstance(mine, ExpressionError), f"{text}: {mine!r}, Python: {theirs!r}"
            continue
        assert not isinstance(mine, ExpressionError), f"{text}: {mine}, Python: {theirs!r}"
        assert same(mine, theirs), f"{text}: {mine!r}, Python: {theirs!r}"
        values += 1
    assert values > CASES // 5


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_hostile_expressions_end_soon_and_reach_nothing(text, no_doors):
    names = hostile_names()
    before = {name: repr(value) for name, value in NAMES.items()}
    found, seconds = evaluated(text, names)
    assert seconds < LONGEST
    assert {name: repr(names[name]) for name in NAMES} == before
    assert names["trip"].touched == []
    if type(found) is ExpressionError:
        assert len(str(found)) < 1500
        str(found).encode("utf-8")


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_mutated_expressions_end_soon_and_reach_nothing(no_doors):
    names = hostile_names()
    slowest, which = 0.0, ""
    for text in mutated(2, CASES):
        found, seconds = evaluated(text, names)
        if seconds > slowest:
            slowest, which = seconds, text
        if type(found) is ExpressionError:  # a tripwire says nothing of its class
            str(found).encode("utf-8")
    assert names["trip"].touched == []
    assert slowest < LONGEST, which


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_log_texts_of_hostile_pieces_end_soon(no_doors):
    names = hostile_names()
    for text in mutated(3, CASES // 3):
        source = "score {" + text + "} and {" + text
        began = time.thread_time()
        try:
            made = Template.parse(source).text(names)
        except ExpressionError as error:
            made = str(error)
        made.encode("utf-8")
        assert len(made) <= 2500
        assert time.thread_time() - began < LONGEST, source


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_passes(error):
    class Stops:
        def __eq__(self, other):
            raise error

        __hash__ = None

    with pytest.raises(error):
        Expression.parse("x == 1").value({"x": Stops()})
