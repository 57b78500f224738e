"""Corners of what tells code apart: long functions, full caches, modules in modules, classes that do not answer."""

import dataclasses
import types

from nbhitl.engine import bytecode
from nbhitl.engine.fingerprints import fingerprint


def made(source):
    space = {"__name__": "__main__"}
    exec(source, space)
    return space["node"]


def long(last):
    return made("def node(state):\n" + "".join(f" a = {n + 1000}\n" for n in range(300)) + f" return {last}\n")


def test_constants_beyond_the_first_256_count():
    assert fingerprint(long("'x'")) == fingerprint(long("'x'"))
    assert fingerprint(long("'x'")) != fingerprint(long("'y'"))


def test_a_full_cache_is_emptied_and_says_the_same(monkeypatch):
    monkeypatch.setattr(bytecode, "_MOST", 0)
    node = made("def node(state):\n return {'log': [1]}\n")
    assert fingerprint(node) == fingerprint(made("def node(state):\n return {'log': [1]}\n"))


def test_a_class_whose_annotations_cannot_be_read_counts_all_the_same():
    class Silent(type):
        @property
        def __annotations__(cls):
            raise NameError("not defined yet")

    def using(name):
        space = {"__name__": "__main__", "Kind": Silent(name, (), {"__module__": "__main__"})}
        exec("def node(state):\n return Kind\n", space)
        return fingerprint(space["node"])

    assert using("One") == using("One")
    assert using("One") != using("Two")


def test_what_stands_in_a_module_of_a_users_package_counts():
    def using(value):
        outer, inner = types.ModuleType("mine"), types.ModuleType("mine.inner")
        inner.value, outer.inner = value, inner
        space = {"__name__": "__main__", "mine": outer}
        exec("def node(state):\n return mine.inner.value\n", space)
        return fingerprint(space["node"])

    assert using(1) == using(1)
    assert using(1) != using(2)


def test_an_installed_module_in_a_users_module_is_not_followed():
    outer = types.ModuleType("mine")
    outer.types = types
    space = {"__name__": "__main__", "mine": outer}
    exec("def node(state):\n return mine.types.FunctionType\n", space)
    assert fingerprint(space["node"]) == fingerprint(space["node"])


def test_a_frozen_dataclass_counts_by_its_fields():
    @dataclasses.dataclass(frozen=True)
    class Limits:
        most: int

    def using(most):
        space = {"__name__": "__main__", "limits": Limits(most)}
        exec("def node(state):\n return limits.most\n", space)
        return fingerprint(space["node"])

    assert using(1) == using(1)
    assert using(1) != using(2)
