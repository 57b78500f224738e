"""Stored bytes from anywhere: nothing is imported, opened or executed because of them, and no error but ours comes out.

Each test runs ``hostile_bytes`` in a process of its own: an audit hook stays for good, and a decoder that is broken
might take the process with it. ``NBHITL_LONG=1`` tries a million damaged frames instead of ten thousand.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbhitl.checkpoint import DuckDBSaver
from nbhitl.checkpoint.values.codec import Codec
from nbhitl.engine.errors import FileDamagedError
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.checkpoint.codec_values import CLASSES
from tests.checkpoint.hostile_bytes import attacks as bodies
from tests.checkpoint.hostile_bytes import frame

ROOT = Path(__file__).parents[2]
LONG = os.environ.get("NBHITL_LONG") == "1"
PWNED = "__nbhitl_pwned_"


def run(folder: Path, *args: str, seconds: float = 240) -> dict[str, Any]:
    """What ``hostile_bytes`` prints, run in a folder of its own."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.checkpoint.hostile_bytes", *args], cwd=folder,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("libraries", ["plain", "libraries"])
def test_no_attack_of_the_corpus_imports_opens_or_executes_anything(attacks, libraries, tmp_path):
    said = run(tmp_path, "corpus", libraries)
    assert said["bad"] == []
    assert said["attacks"] > len(attacks["serde_msgpack_b64"]) + len(attacks["serde_pickle_b64"]) + len(
        attacks["serde_json"]
    )
    assert said["outcomes"]["FileDamagedError"] > 100
    assert said["outcomes"]["UnknownTypeError"] > 10
    assert list(tmp_path.iterdir()) == []


def test_the_hook_would_have_seen_it(tmp_path):
    said = run(tmp_path, "control")
    assert any(event.startswith("pickle.find_class") for event in said["bad"])
    assert any(event.startswith("os.system") for event in said["bad"])
    assert [path.name for path in tmp_path.iterdir()] == [PWNED]


def test_every_entry_of_the_corpus_is_tried(attacks):
    tried = bodies()
    for name, text in attacks["serde_msgpack_b64"].items():
        assert name == "deep_array_1e5" or tried[name] == base64.b64decode(text)
    pickled = base64.b64decode(attacks["serde_pickle_b64"]["reduce_os_system"])
    assert tried["reduce_os_system"] == pickled  # under the tag of msgpack
    assert pickled in tried["reduce_os_system as a pickle"]  # and of a pickle
    assert [json.loads(tried[f"json {i}"]) for i in range(len(attacks["serde_json"]))] == attacks["serde_json"]


def test_a_damaged_frame_is_a_value_or_one_kind_of_error(tmp_path):
    number = 1_000_000 if LONG else 10_000
    said = run(tmp_path, "fuzz", "2024", str(number), seconds=3600 if LONG else 240)
    assert sum(said.values()) == number
    assert said["damaged"] > number / 2
    assert said["a value"] > number / 100  # damage goes deep enough to be read


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_give_a_value_or_one_kind_of_error(body):
    for codec in (Codec(CLASSES), Codec()):
        for data in (body, frame(body)):
            try:
                codec.decode(data)
            except FileDamagedError:
                pass


def test_json_that_looks_like_a_constructor_stays_a_dict(attacks, tmp_path):
    wanted = attacks["serde_json"]
    codec = Codec(CLASSES)
    for value in wanted:
        assert codec.decode(codec.encode(value), strict=True) == value
    key = ThreadKey("t")
    with DuckDBSaver(tmp_path / "t.duckdb", types=CLASSES) as saver:
        saver.commit(key, Checkpoint("a", None, -1, "input", {"all": wanted, "one": wanted[0]}))
    with DuckDBSaver(tmp_path / "t.duckdb", types=CLASSES) as saver:
        values = saver.load(key).checkpoint.values
    assert values == {"all": wanted, "one": wanted[0]}
    assert {type(value) for value in [*values["all"], values["one"]]} == {dict}
    assert not list(tmp_path.rglob(PWNED))
