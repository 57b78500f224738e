"""Run as a program of its own by ``test_serde``: gives stored bytes to the codec and prints what happened, as JSON.

``corpus``: all of the attack corpus, with an audit hook that sees whatever is imported, opened or executed.
``control``: one attack with pickles allowed, which shows that the hook would see it.
``fuzz``: frames that were damaged in a way that their checksum does not show; ``argv``: seed, number.
"""

from __future__ import annotations

import base64
import collections
import datetime as dt
import json
import random
import sys
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgpack

from nbhitl.checkpoint.values.codec import Codec
from nbhitl.checkpoint.values.kinds import Kind
from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.engine.errors import FileDamagedError, SaverError

CORPUS = Path(__file__).parents[1] / "corpora" / "attacks.json"
INERT = (
    *(Opaque, type(None), bool, int, float, str, bytes, bytearray, list, dict, tuple, set, frozenset),
    *(collections.deque, Decimal, msgpack.Timestamp),
)
"""What the attacks may come to, besides errors: plain data."""


def frame(body: bytes) -> bytes:
    return b"\x01" + zlib.crc32(body).to_bytes(4, "little") + body


def ext(code: int, parts: Any) -> bytes:
    return msgpack.packb(msgpack.ExtType(code, parts if type(parts) is bytes else msgpack.packb(parts)))


def attacks() -> dict[str, bytes]:
    """Bodies of frames: the corpus, and more of its kind."""
    corpus = json.loads(CORPUS.read_text(encoding="utf-8"))
    found = {
        name: base64.b64decode(text) for name, text in corpus["serde_msgpack_b64"].items() if name != "deep_array_1e5"
    }
    found["deep_array_1e5"] = b"\x91" * 100000 + b"\xc0"
    pickled = base64.b64decode(corpus["serde_pickle_b64"]["reduce_os_system"])
    found["reduce_os_system"] = pickled
    found["reduce_os_system as msgpack bytes"] = msgpack.packb(pickled)
    found["reduce_os_system as a pickle"] = ext(Kind.PICKLE, ["os.system", pickled])
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 48, 127):
        found[f"reduce_os_system as {code}"] = ext(code, pickled)
        found[f"reduce_os_system in {code}"] = ext(code, ["os.system", pickled])
    for i, value in enumerate(corpus["serde_json"]):
        found[f"json {i}"] = json.dumps(value).encode()
        found[f"json {i} as msgpack"] = msgpack.packb(value)
        for code in (Kind.DATACLASS, Kind.PYDANTIC, Kind.ENUM, Kind.PANDAS, Kind.POLARS):
            found[f"json {i} as {code.name}"] = ext(code, value)
    ours: list[tuple[int, Any]] = [
        (Kind.ARRAY, ["<f8", [10**12], b""]),
        (Kind.ARRAY, ["O", [1], b"x" * 8]),
        (Kind.ARRAY, ["<U0", [10**12], b""]),
        (Kind.NUMPY_SCALAR, ["O", b"x" * 8]),
        (Kind.DATACLASS, ["os.system", 0, {"command": "touch ./__nbhitl_pwned_"}]),
        (Kind.DATACLASS, ["subprocess.Popen", 0, {"args": ["touch", "./__nbhitl_pwned_"]}, {"args": "list"}]),
        (Kind.PYDANTIC, ["subprocess.Popen", 0, {"args": ["x"]}, [], None, None]),
        (Kind.NAMEDTUPLE, ["builtins.eval", ["source"], ["1"], 0, None]),
        (Kind.ENUM, ["os.environ", "X", 1]),
        (Kind.DATETIME, [1, 1, 1, 0, 0, 0, 0, 0, ["zone", "../../etc/passwd"]]),
        (Kind.ZONE, ["zone", "os"]),
        (Kind.BYTEARRAY, 10**12),
        (Kind.PATH, ["os", "x"]),
        (Kind.DECIMAL, "1" * 10),
        (Kind.PANDAS, ["frame", [["object", [1]]], ["__import__('os')"], ["os"], [{}], True]),
        (Kind.PANDAS, ["series", ["string", "os", "NA", ["a"]], [None], [None], [{}], True]),
        (Kind.PANDAS, ["series", ["arrow", "list<os>", None, None, []], [None], [None], [{}], True]),
        (Kind.PANDAS, ["period", 1, "os.system"]),
        (Kind.PANDAS, ["os.system", "x"]),
        (Kind.POLARS, ["series", ["x", ["Object"], [1], None]]),
        (Kind.POLARS, ["series", ["x", ["__class__"], [1], None]]),
        (Kind.POLARS, ["series", ["x", ["Datetime", "ns", "../../etc/passwd"], b"\0" * 8, []]]),
        (Kind.POLARS, ["series", ["x", ["Int8"], b"\0", [10**9]]]),
        (99, 1),
    ]
    found |= {f"ours {i}": ext(code, parts) for i, (code, parts) in enumerate(ours)}
    deep = b"\xc0"
    for _ in range(3000):
        deep = b"\xc9" + len(deep).to_bytes(4, "big") + b"\x02" + b"\x91" + deep if len(deep) < 2**20 else deep
    found["deep"] = deep
    return found


def with_libraries() -> list[Any]:
    """A value of every sort that is stored, those of libraries too."""
    import numpy as np
    import pandas as pd
    import polars as pl

    from tests.checkpoint.codec_values import Colour, Free, Point, Review, Slotted

    moments = pd.date_range("2024-10-27", periods=2, freq="h", tz="Europe/Berlin")
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": moments, "e": [1, "z"]})
    nested = {"l": [[1], None], "s": [{"a": 1}, None], "d": [Decimal("1.5"), None], "t": [dt.date(2024, 1, 1), None]}
    return [
        np.arange(3), np.float32(1), np.array([["a"]]), table, table["d"], table.set_index(["a", "b"]), moments,
        pd.array([1, None], dtype="Int8").to_numpy(object).tolist(), pd.Series(pd.array([1, None], dtype="Int8")),
        pd.Series(pd.period_range("2024", periods=2, freq="M")), pd.Series(pd.interval_range(0, 2)), pd.Timestamp(1),
        pd.Interval(1, 2), pd.Period("2024"),
        pl.DataFrame({"i": [1, None], "f": [0.5, None], "t": ["x", None], **nested}),
        pl.Series([1]).cast(pl.Datetime("ns", "Europe/Berlin")), pl.Series(["a"], dtype=pl.Enum(["a"])),
        pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)), Slotted(1, [Colour.RED]), Review(title="t"), Free(a=1, b=2),
        Point(1, {Slotted(1): 2}),
    ]  # fmt: skip


def standard() -> list[Any]:
    """A value of every sort of the standard library that is stored."""
    berlin = ZoneInfo("Europe/Berlin")
    return [
        {"a": [1, 2.5, None, True, "é", b"x"]}, (1, {2}, frozenset({3})), 2**70, bytearray(b"x"), 1j, range(3),
        collections.deque([1], 2), Decimal("1.5"), dt.datetime(2024, 1, 1, tzinfo=berlin), dt.date(2024, 1, 1),
        dt.time(1, tzinfo=dt.timezone(dt.timedelta(1 / 24))), dt.timedelta(1), Path("x"), berlin,
        __import__("fractions").Fraction(1, 3), __import__("uuid").UUID(int=1),
    ]  # fmt: skip


class Hook:
    """Counts what an audit hook sees while on: a hook cannot be taken out again."""

    # What reading the interpreter's own memory looks like, and what ends a thread, says nothing about the data.
    quiet = ("sys._getframe", "object.__getattr__", "gc.", "cpython.")

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, args: Any) -> None:
        if self.on and not event.startswith(self.quiet):
            self.seen.append(f"{event} {args!r:.100}")


def tried(hook: Hook, codec: Codec, data: bytes, strict: bool) -> str:
    """What decoding came to: the class of the value, or of the error."""
    hook.on = True
    try:
        found = codec.decode(data, strict=strict)
    except SaverError as error:
        return type(error).__name__
    finally:
        hook.on = False
    assert isinstance(found, INERT), found
    return type(found).__name__


def corpus(libraries: bool) -> dict[str, Any]:
    values = standard() + (with_libraries() if libraries else [])
    codecs = [Codec()]
    if libraries:
        from tests.checkpoint.codec_values import CLASSES

        codecs.append(Codec(CLASSES))
    for codec in codecs:  # whatever our own code imports when it is first used is there now
        for value in values:
            codec.decode(codec.encode(value))
    hook = Hook()
    outcomes: collections.Counter[str] = collections.Counter()
    bad: list[str] = []
    for name, body in attacks().items():
        for data in (body, frame(body), frame(b"\x91" + body), frame(b"\x81\xa1a" + body)):
            for codec in codecs:
                for strict in (False, True):
                    hook.seen.clear()
                    outcomes[tried(hook, codec, data, strict)] += 1
                    bad += [f"{name}: {event}" for event in hook.seen]
    return {"attacks": len(attacks()), "outcomes": outcomes, "bad": bad}


def control() -> dict[str, Any]:
    codec = Codec(allow_pickle=True)
    hook = Hook()
    outcome = tried(hook, codec, frame(attacks()["reduce_os_system as a pickle"]), strict=False)
    return {"outcome": outcome, "bad": hook.seen}


def damaged(chance: random.Random, bodies: list[bytes]) -> bytes:
    """A frame with some bytes changed, or put together from parts of others."""
    body = bytearray(chance.choice(bodies))
    match chance.randrange(4):
        case 0 | 1:
            for _ in range(chance.randint(1, 4)):
                body[chance.randrange(len(body))] = chance.choice((0, 1, 0x7F, 0x80, 0xC0, 0xFF, chance.randrange(256)))
        case 2:
            other, at = chance.choice(bodies), chance.randrange(len(body))
            start = chance.randrange(len(other))
            body[at : at + chance.randrange(20)] = other[start : start + chance.randrange(20)]
        case 3:
            return frame(ext(chance.choice(list(Kind)), odd(chance, 3)))
    return frame(bytes(body))


def odd(chance: random.Random, depth: int) -> Any:
    """Parts of a value, of the right look and the wrong make."""
    names = ["frame", "series", "index", "range", "multi", "numpy", "object", "category", "string", "masked", "python"]
    names += ["Int8", "Float64", "List", "Struct", "Enum", "Array", "Decimal", "Datetime", "ns", "zone", "fixed", "D"]
    pool = [None, True, 0, 1, -1, 2**63, 2**64 - 1, 1e308, "", "<f8", "<U9", "M8[ns]", b"", b"\0" * 8, *names]
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(pool)
    match chance.randrange(4):
        case 0:
            inner = msgpack.packb(odd(chance, depth - 1))
            return msgpack.ExtType(int(chance.choice(list(Kind))), inner)
        case 1:
            return {chance.choice(names): odd(chance, depth - 1) for _ in range(chance.randrange(3))}
    return [odd(chance, depth - 1) for _ in range(chance.randrange(6))]


def fuzz(seed: int, number: int) -> dict[str, Any]:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))  # a bomb is an error, not a slow machine
    except ImportError:  # Windows
        pass
    import warnings

    warnings.simplefilter("ignore")  # odd numbers make numpy and pandas warn
    from tests.checkpoint.codec_values import CLASSES

    codec, ignorant = Codec(CLASSES), Codec()
    bodies = [codec.encode(value)[5:] for value in standard() + with_libraries()]
    chance = random.Random(seed)
    outcomes: collections.Counter[str] = collections.Counter()
    for i in range(number):
        data = damaged(chance, bodies)
        strict = chance.random() < 0.5
        try:
            (codec if chance.random() < 0.7 else ignorant).decode(data, strict=strict)
            outcomes["a value"] += 1
        except FileDamagedError:
            outcomes["damaged"] += 1
        except SaverError as error:
            if not strict:
                raise AssertionError(f"example {i} of seed {seed}: {data.hex()}") from error
            outcomes[type(error).__name__] += 1
        except BaseException as error:
            raise AssertionError(f"example {i} of seed {seed}: {data.hex()}") from error
    return outcomes


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["corpus", libraries]:
            print(json.dumps(corpus(libraries == "libraries")))
        case ["control"]:
            print(json.dumps(control()))
        case ["fuzz", seed, number]:
            print(json.dumps(fuzz(int(seed), int(number))))
