"""What counts as a change of a function's code, and what does not."""

import re
import sys
import types

import pytest

from nbhitl.engine.fingerprints import fingerprint

HEAD = """
import dataclasses, enum, functools, operator, typing
import pydantic
from typing import Annotated, Literal, TypedDict
from nbhitl import interrupt
"""
ASK = "\ndef node(state): return interrupt('how?', response_schema=Review)"
EDIT = re.compile("«(.*?)¦(.*?)»", re.DOTALL)


def versions(source):
    """A cell before and after: ``«old¦new»`` is what was edited."""
    return EDIT.sub(r"\1", source), EDIT.sub(r"\2", source)


@pytest.fixture
def cell(monkeypatch):
    """Runs a cell in a notebook's namespace; the fingerprint of its ``node``."""
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    space = vars(module)

    def run(source):
        space.clear()
        space["__name__"] = "__main__"
        exec(compile(HEAD + source, "<cell>", "exec", dont_inherit=True), space)
        return fingerprint(space["node"])

    return run


SEEN = {
    "an instruction": "def node(s): return s['x'] «+¦-» 1",
    "a constant": "def node(s): return s + «1¦2»",
    "a constant of another type": "def node(s): return s + «1¦1.0»",
    "a constant set": "def node(s): return s in {'a', «'b'¦'c'»}",
    "an attribute": "def node(s): return s.«a¦b»",
    "a default": "def node(s, n=«1¦2»): return n",
    "a keyword default": "def node(s, *, n=[«1¦2»]): return n",
    "a function inside": "def node(s): return (lambda: «1¦2»)()",
    "sync and async": "«¦async »def node(s): return s",
    "which error is handled": "def node(s):\n try: return s\n except «KeyError¦ValueError»: return 1",
    "a global function": "def helper(x): return «x¦-x»\ndef node(s): return helper(s)",
    "what a global function calls": "def b(x): return «x¦-x»\ndef a(x): return b(x)\ndef node(s): return a(s)",
    "a global constant": "LIMIT = «1¦2»\ndef node(s): return LIMIT",
    "a global that a function inside names": "K = «1¦2»\ndef node(s): return lambda: K",
    "a global that hides a built-in": "def node(s): return sum(s)\n«¦def sum(x): return 0»",
    "which function of the library": "f = operator.«add¦mul»\ndef node(s): return f(1, 2)",
    "which method of a built-in type": "f = str.«upper¦lower»\ndef node(s): return f(s)",
    "a function in a table": "def a(): return «1¦2»\nT = {'a': a}\ndef node(s): return T['a']()",
    "an enclosed value": "def f(n):\n return lambda s: n\nnode = f(«1¦2»)",
    "an enclosed tuple": "def f(n):\n return lambda s: n\nnode = f((1, «1¦2»))",
    "an enclosed function": "def f(n):\n return lambda s: n()\nnode = f(lambda: «1¦2»)",
    "a member of an Enum": ("class Level(enum.Enum):\n A = 1\n B = 2\nL = Level.«A¦B»\ndef node(s): return L"),
    "an enclosed set of functions": (
        "def a(): return 1\ndef b(): return 2\ndef f(n):\n return lambda s: n\nnode = f(frozenset({a, «a¦b»}))"
    ),
    "a class in a body": "def node(s):\n class A:\n  x = «1¦2»\n return A",
    "a default that holds itself": "L = [«1¦2»]\nL.append(L)\ndef node(s, l=L): return l",
    "a compiled pattern": "import re\nP = re.compile('«a¦b»')\ndef node(s): return P",
    "a date": "import datetime\nD = datetime.date(2026, 1, «1¦2»)\ndef node(s): return D",
    "a function behind a cache": "@functools.lru_cache\ndef node(s): return «1¦2»",
    "a function behind a decorator": (
        "def d(f):\n @functools.wraps(f)\n def w(s): return f(s)\n return w\n@d\ndef node(s): return «1¦2»"
    ),
    "an argument of a partial": "def f(n, s): return n\nnode = functools.partial(f, «1¦2»)",
    "a method": "class A:\n def go(self, s): return «1¦2»\nnode = A().go",
    "a class method": "class A:\n @classmethod\n def go(cls, s): return «1¦2»\nnode = A.go",
    "a callable object's class": "class A:\n def __call__(self, s): return «1¦2»\nnode = A()",
    "a property": "class A:\n @property\n def p(self): return «1¦2»\ndef node(s): return A().p",
    "a base class": "class B:\n def f(self): return «1¦2»\nclass A(B): pass\ndef node(s): return A()",
    "a field": "class Review(pydantic.BaseModel):\n «score¦points»: int" + ASK,
    "a field's type": "class Review(pydantic.BaseModel):\n score: «int¦str»" + ASK,
    "a field's default": "class Review(pydantic.BaseModel):\n score: int«¦ = 1»" + ASK,
    "a field's constraint": "class Review(pydantic.BaseModel):\n score: int = pydantic.Field(ge=«1¦2»)" + ASK,
    "a field's pattern": "class Review(pydantic.BaseModel):\n name: str = pydantic.Field(pattern='«a¦b»')" + ASK,
    "a validator": (
        "class Review(pydantic.BaseModel):\n score: int\n @pydantic.field_validator('score')\n"
        " def check(cls, x): return «x¦-x»" + ASK
    ),
    "when a validator runs": (
        "class Review(pydantic.BaseModel):\n score: int\n @pydantic.field_validator('score', mode='«after¦before»')\n"
        " def check(cls, x): return x" + ASK
    ),
    "a validator of the whole model": (
        "class Review(pydantic.BaseModel):\n score: int\n @pydantic.model_validator(mode='after')\n"
        " def check(self): «return self¦raise ValueError»" + ASK
    ),
    "a validator in an annotation": (
        "def check(x): return «x¦-x»\nclass Review(pydantic.BaseModel):\n"
        " score: Annotated[int, pydantic.AfterValidator(check)]" + ASK
    ),
    "a model's settings": "class Review(pydantic.BaseModel):\n model_config = {'extra': '«allow¦forbid»'}" + ASK,
    "a class inside": (
        "class Inner(pydantic.BaseModel):\n «a¦b»: int\nclass Review(pydantic.BaseModel):\n i: list[Inner]" + ASK
    ),
    "a class that a text names": (
        "class Inner(TypedDict):\n «a¦b»: int\nclass Review(TypedDict):\n i: 'list[Inner]'" + ASK
    ),
    "an Enum member": "class Review(enum.Enum):\n «A¦B» = 1" + ASK,
    "an Enum's value": "class Review(enum.Enum):\n A = «1¦2»" + ASK,
    "a method of an Enum": "class Review(enum.Enum):\n A = 1\n def f(self): return «1¦2»" + ASK,
    "a Literal's choice": "Review = Literal['«a¦b»']" + ASK,
    "an annotated type": "Review = Annotated[int, pydantic.Field(ge=«1¦2»)]" + ASK,
    "a dataclass's default": "@dataclasses.dataclass\nclass Review:\n a: int = «1¦2»" + ASK,
    "a dataclass's factory": (
        "@dataclasses.dataclass\nclass Review:\n a: list = dataclasses.field(default_factory=«list¦lambda: [1]»)" + ASK
    ),
    "a TypedDict's totality": "class Review(TypedDict, total=«True¦False»):\n a: int" + ASK,
    "a named tuple's field": "class Review(typing.NamedTuple):\n «a¦b»: int" + ASK,
    "a class's name": "class «Review¦Verdict»(pydantic.BaseModel):\n a: int\n«¦Review = Verdict»" + ASK,
}


@pytest.mark.parametrize("source", SEEN.values(), ids=SEEN)
def test_a_fingerprint_sees(cell, source):
    before, after = versions(source)
    assert cell(before) == cell(before)
    assert cell(before) != cell(after)


NOT_COUNTED = {
    "lines": "«¦\n\n\n»def node(s):\n«¦\n\n» return 1",
    "comments": "«¦# before»\ndef node(s): return 1 «¦# behind»",
    "a docstring": "def node(s):\n «¦'What it does.'»\n s = 1",
    "the words of a docstring": "def node(s):\n '«a¦b»'\n s = 1",
    "the docstring of a class inside": "def node(s):\n class A:\n  '«a¦b»'\n  x = 1\n return A",
    "annotations of its parameters": "def node(s«¦: dict») «¦-> dict»: return s",
    "the order of imports": "«import os, re¦import re, os»\ndef node(s): return os.path.join(re.escape(s))",
    "a global that it does not name": "«¦x = 1»\ndef node(s): return s.x",
    "a class's docstring": "class Review(pydantic.BaseModel):\n «¦'Says how it was.'»\n score: int" + ASK,
    "the order of a class's methods": (
        "class A:\n «¦def g(self): return 2»\n def f(self): return 1\n «def g(self): return 2¦»\ndef node(s): return A"
    ),
    "a global that it counts with": "N = «1¦2»\ndef node(s):\n global N\n N = N + 1\n return N",
    "an enclosed variable that it counts with": (
        "def f(n):\n def node(s):\n  nonlocal n\n  n += 1\n  return n\n return node\nnode = f(«1¦2»)"
    ),
    "what a list holds that a run may fill": "SEEN = [«¦1»]\ndef node(s): SEEN.append(s)",
    "what an object holds": ("class A:\n def __init__(self, n): self.n = n\na = A(«1¦2»)\ndef node(s): return a.n"),
}


@pytest.mark.parametrize("source", NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_a_fingerprint_does_not_count(cell, source):
    before, after = versions(source)
    assert cell(before) == cell(after)
