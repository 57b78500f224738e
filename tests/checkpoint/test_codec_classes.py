"""A class that was changed since an object was stored: rebuilt where nothing is lost, told apart where something is."""

from __future__ import annotations

import dataclasses
import enum
import subprocess
import sys
import zlib
from typing import Any, NamedTuple

import msgpack
import pydantic
import pytest

from nbhitl.checkpoint.values.codec import Codec
from nbhitl.checkpoint.values.fields import fingerprint
from nbhitl.checkpoint.values.opaque import Opaque
from nbhitl.engine.errors import SchemaChanged, UnknownTypeError
from tests.checkpoint.codec_values import CLASSES, Colour, Free, Loose, Point, Review, Slotted


def cell(code: str, **names: Any) -> Any:
    """The last class that a notebook's cell defines; running a cell again makes another of the same name."""
    scope: dict[str, Any] = {"__name__": "__main__", "dataclasses": dataclasses, "enum": enum, "pydantic": pydantic}
    scope |= {"NamedTuple": NamedTuple, "Any": Any, **names}
    exec(compile(code, "a cell", "exec", dont_inherit=True), scope)
    return list(scope.values())[-1]


def both(before: str, after: str, *given: Any, **fields: Any) -> tuple[Codec, bytes, Any]:
    """A codec that knows the class as it is now, the bytes of an object as it was, and the class."""
    data = Codec().encode({"x": [cell(before)(*given, **fields)]})
    now = cell(after)
    return Codec([now]), data, now


DATACLASS = "@dataclasses.dataclass\nclass Review:\n"
MODEL = "class Review(pydantic.BaseModel):\n"
TUPLE = "class Review(NamedTuple):\n"
EVERY = pytest.mark.parametrize("head", [DATACLASS, MODEL, TUPLE], ids=["dataclass", "model", "named tuple"])


@EVERY
def test_a_class_whose_cell_ran_again_takes_its_objects(head):
    codec, data, now = both(head + " a: int\n b: str = 'x'", head + " a: int\n b: str = 'x'", a=1)
    assert codec.decode(data, strict=True) == {"x": [now(a=1, b="x")]}


@EVERY
def test_a_new_field_with_a_default_gets_it(head):
    codec, data, now = both(head + " a: int", head + " a: int\n b: int = 2", a=1)
    assert codec.decode(data, strict=True) == {"x": [now(a=1, b=2)]}


@EVERY
@pytest.mark.parametrize(
    ("after", "said"),
    [
        (" c: int = 1", "removed a: int, added c: int"),
        (" a: int\n b: str", "added b: str"),
        (" a: str", "changed a from int to str"),
        (" a: list[int]", "changed a from int to list[int]"),
    ],
)
def test_a_change_that_would_lose_something_is_told_field_by_field(head, after, said):
    codec, data, _ = both(head + " a: int", head + after, a=1)
    with pytest.raises(SchemaChanged) as caught:
        codec.decode(data, strict=True, path="state['q']")
    assert caught.value.path == "state['q']['x'][0]"
    assert caught.value.type_name == "__main__.Review"
    text = str(caught.value)
    assert text.startswith("state['q']['x'][0] was stored when the class __main__.Review was another: " + said)
    assert "saver.register(Review, migrate=f)" in text
    found = codec.decode(data)["x"][0]
    assert isinstance(found, Opaque)
    assert found.data == {"a": 1}


@EVERY
@pytest.mark.parametrize("after", [" a: int | None", " a: 'int'", " a: Any = None"])
def test_a_wider_type_takes_the_old_value_as_it_is(head, after):
    codec, data, now = both(head + " a: int", head + after, a=1)
    found = codec.decode(data, strict=True)["x"][0]
    assert (type(found), type(found.a), found.a) == (now, int, 1)


@EVERY
def test_a_value_that_would_be_converted_is_no_value_of_the_new_type(head):
    codec, data, _ = both(head + " a: str", head + " a: int", a="3")
    with pytest.raises(SchemaChanged, match="changed a from str to int"):
        codec.decode(data, strict=True)


@EVERY
def test_a_migration_takes_the_stored_fields_and_returns_those_of_today(head):
    codec, data, now = both(head + " a: int\n b: str = 'x'", head + " total: float", a=1)
    seen = []

    def migrate(fields):
        seen.append(dict(fields))
        return {"total": fields["a"] / 2}

    codec.register(now, migrate=migrate)
    assert codec.decode(data, strict=True) == {"x": [now(total=0.5)]}
    assert seen == [{"a": 1, "b": "x"}]


@EVERY
def test_a_migration_is_not_asked_for_objects_of_the_class_as_it_is(head):
    codec, data, now = both(head + " a: int", head + " a: int", a=1)
    codec.register(now, migrate=lambda fields: pytest.fail("asked"))
    assert codec.decode(data, strict=True) == {"x": [now(a=1)]}


@EVERY
@pytest.mark.parametrize(
    ("migrate", "said"),
    [
        (lambda fields: None, "migrate= returned a NoneType"),
        (lambda fields: {"b": 1}, "b"),
        (lambda fields: fields["gone"], "KeyError: 'gone'"),
    ],
)
def test_a_migration_that_fails_says_so(head, migrate, said):
    codec, data, now = both(head + " a: int", head + " z: int", a=1)
    codec.register(now, migrate=migrate)
    with pytest.raises(SchemaChanged) as caught:
        codec.decode(data, strict=True)
    assert said in str(caught.value)
    assert isinstance(codec.decode(data)["x"][0], Opaque)


@EVERY
def test_a_class_under_a_new_name_is_found_by_its_old_one(head):
    data = Codec().encode(cell(head.replace("Review", "Old") + " a: int")(a=1))
    now = cell(head + " a: int\n b: int = 2")
    codec = Codec()
    codec.register(now, was="__main__.Old")
    assert codec.decode(data, strict=True) == now(a=1, b=2)
    codec.register(now, was="__main__.Old", migrate=lambda fields: {**fields, "b": 3})
    assert codec.decode(data, strict=True) == now(a=1, b=3)


def test_a_migration_goes_with_one_class():
    for given in ({"migrate": dict}, {"was": "__main__.Old"}):
        with pytest.raises(TypeError, match="exactly one class"):
            Codec().register(Slotted, Loose, **given)
        with pytest.raises(TypeError, match="exactly one class"):
            Codec().register(**given)


def test_only_classes_with_fields_can_be_registered():
    codec = Codec()
    for given in (int, 3, Slotted(1)):
        with pytest.raises(TypeError, match="nothing to register"):
            codec.register(Slotted, given)
    assert isinstance(codec.decode(Codec().encode(Slotted(1))), Opaque)  # all or nothing


def test_a_class_of_another_kind_takes_no_objects_but_by_a_migration():
    codec, data, now = both(DATACLASS + " a: int", MODEL + " a: int", a=1)
    with pytest.raises(SchemaChanged, match="it was a dataclass and is a pydantic model now"):
        codec.decode(data, strict=True)
    codec.register(now, migrate=dict)
    assert codec.decode(data, strict=True) == {"x": [now(a=1)]}


def test_what_was_computed_once_is_not_computed_again():
    before = DATACLASS + " a: int\n def __post_init__(self): self.a += 1"
    after = DATACLASS + " a: int\n b: int = 5\n def __post_init__(self): self.a += 1"
    codec, data, _ = both(before, after, a=1)
    found = codec.decode(data, strict=True)["x"][0]
    assert (found.a, found.b) == (2, 5)
    check = "\n @pydantic.field_validator('a')\n @classmethod\n def more(cls, a): return a + 1"
    codec, data, _ = both(MODEL + " a: int" + check, MODEL + " a: int\n b: int = 5" + check, a=1)
    found = codec.decode(data, strict=True)["x"][0]
    assert (found.a, found.b, found.model_fields_set) == (2, 5, {"a"})


def test_a_changed_class_that_refuses_the_values_says_why():
    check = "\n @pydantic.field_validator('a')\n @classmethod\n def odd(cls, a):\n  raise ValueError('a is odd')"
    codec, data, _ = both(MODEL + " a: int", MODEL + " a: int\n b: int = 5" + check, a=1)
    with pytest.raises(SchemaChanged, match=r"added b: int \(ValidationError: .*a is odd"):
        codec.decode(data, strict=True)
    raising = "\n def __post_init__(self): raise ValueError('a is odd')"
    codec, data, _ = both(DATACLASS + " a: int", DATACLASS + " a: int\n b: int = 5" + raising, a=1)
    with pytest.raises(SchemaChanged, match=r"added b: int \(ValueError: a is odd\)"):
        codec.decode(data, strict=True)


def test_an_initvar_cannot_be_given_again():
    codec, data, _ = both(DATACLASS + " a: int", DATACLASS + " a: int\n b: dataclasses.InitVar[int]", a=1)
    assert codec.decode(data, strict=True)["x"][0].a == 1  # no field changed: the constructor does not run
    codec, data, _ = both(DATACLASS + " a: int", DATACLASS + " a: int\n b: dataclasses.InitVar[int]\n c: int = 1", a=1)
    with pytest.raises(SchemaChanged, match="TypeError"):
        codec.decode(data, strict=True)


def test_extra_fields_are_kept_or_missed():
    head = "class Review(pydantic.BaseModel, extra='allow'):\n"
    codec, data, _ = both(head + " a: int", head + " a: int\n b: int = 1", a=1, more=2)
    found = codec.decode(data, strict=True)["x"][0]
    assert (found.model_extra, found.model_fields_set) == ({"more": 2}, {"a", "more"})
    codec, data, _ = both(head + " a: int", MODEL + " a: int\n b: int = 1", a=1, more=2)
    with pytest.raises(SchemaChanged, match="no extra fields now, and more"):
        codec.decode(data, strict=True)


def test_private_attributes_that_came_or_went_are_seen():
    codec, data, _ = both(MODEL + " a: int", MODEL + " a: int\n _seen: int = 3\n _bare: int", a=1)
    found = codec.decode(data, strict=True)["x"][0]
    assert found._seen == 3
    assert not hasattr(found, "_bare")
    codec, data, _ = both(MODEL + " a: int\n _seen: int = 3", MODEL + " a: int", a=1)
    with pytest.raises(SchemaChanged, match="removed _seen"):
        codec.decode(data, strict=True)


def test_a_root_model_is_validated_by_its_root():
    before = "class Review(pydantic.RootModel[list[int]]): pass"
    codec, data, now = both(before, "class Review(pydantic.RootModel[list[int | str]]): pass", [1])
    assert codec.decode(data, strict=True) == {"x": [now([1])]}
    codec, data, now = both(before, "class Review(pydantic.RootModel[list[str]]): pass", [1])
    with pytest.raises(SchemaChanged, match="changed root from"):
        codec.decode(data, strict=True)


ENUM = "class Colour(enum.Enum):\n"


def test_a_member_is_its_name():
    codec, data, now = both(ENUM + " RED = 1", ENUM + " BLUE = 1\n RED = 2", 1)
    assert codec.decode(data, strict=True) == {"x": [now.RED]}
    codec, data, now = both(ENUM + " RED = 1", ENUM + " CRIMSON = 1\n BLUE = 0", 1)
    with pytest.raises(SchemaChanged, match="has no member RED now, it has CRIMSON, BLUE"):
        codec.decode(data, strict=True)
    assert codec.decode(data)["x"][0].data == {"name": "RED", "value": 1}
    codec.register(now, migrate=lambda fields: {"name": {"RED": "CRIMSON"}[fields["name"]]})
    assert codec.decode(data, strict=True) == {"x": [now.CRIMSON]}
    codec.register(now, migrate=lambda fields: {"name": "MAUVE"})
    with pytest.raises(SchemaChanged, match="no member RED"):
        codec.decode(data, strict=True)


def test_flags_are_put_together_by_their_names():
    head = "class Colour(enum.Flag):\n"
    codec, data, now = both(head + " A = 1\n B = 2", head + " B = 1\n A = 4", 3)
    assert codec.decode(data, strict=True) == {"x": [now.A | now.B]}
    codec, data, now = both(head + " A = 1\n B = 2", head + " A = 1", 3)
    with pytest.raises(SchemaChanged, match="no member A|B"):
        codec.decode(data, strict=True)


NESTED = {
    "a field": (lambda x: Slotted(1, x), "state.b"),
    "a list in a field": (lambda x: Slotted(1, [0, {"k": x}]), "state.b[1]['k']"),
    "a model": (lambda x: Review.model_construct(title=x), "state.title"),
    "a named tuple": (lambda x: Point(1, (2, x)), "state.y[1]"),
    "a deque": (lambda x: __import__("collections").deque([1, x], maxlen=5), "state[1]"),
    "a set": (lambda x: {x}, "state[an element]"),
    "a key": (lambda x: {x: 1}, "state[a key]"),
}


@pytest.mark.parametrize(("make", "path"), NESTED.values(), ids=NESTED)
def test_a_value_of_an_unknown_class_is_a_typed_error_with_its_place_when_running(make, path):
    data = Codec().encode(make(Colour.RED))
    codec = Codec([c for c in CLASSES if c is not Colour])
    with pytest.raises(UnknownTypeError) as caught:
        codec.decode(data, strict=True, path="state")
    name = f"{Colour.__module__}.Colour"
    assert caught.value.path == path
    assert caught.value.type_name == name
    assert str(caught.value) == (
        f"{path} is a value of the class {name}, which this program does not know: define it again, or call "
        "saver.register(Colour)"
    )
    assert codec.encode(codec.decode(data)) == data


def test_the_caller_can_say_what_a_place_in_a_frame_is_called():
    data = Codec().encode([["head"], [["draft", 0, {"k": [Slotted(1)]}]]])

    def where(tree, steps):
        assert steps[:3] == [1, 0, 2]
        return f"state[{tree[1][0][0]!r}]", 3

    with pytest.raises(UnknownTypeError) as caught:
        Codec().decode(data, strict=True, path=where)
    assert caught.value.path == "state['draft']['k'][0]"


def test_a_class_is_described_once_in_a_frame():
    codec = Codec()
    one, many = (len(codec.encode([Slotted(1, "x")] * n)) for n in (1, 101))
    each = (many - one) / 100
    assert len(codec.encode(Slotted(1, "x"))) - 5 > each + len("aintbAny")
    reviewed = codec.encode([Slotted(1, Review(title="t")), Review(title="u")])
    assert reviewed.count(b"list[") == 1


def test_a_described_class_is_found_wherever_it_stands_in_the_frame():
    before, after = DATACLASS + " a: int", DATACLASS + " a: str"
    was, now = cell(before.replace("@dataclasses.dataclass", "@dataclasses.dataclass(frozen=True)")), cell(after)
    data = Codec().encode({(1, was(1)): was(2)})
    with pytest.raises(SchemaChanged, match="changed a from int to str"):
        Codec([now]).decode(data, strict=True)


def test_a_growing_list_keeps_its_first_bytes():
    codec, items = Codec(), [Slotted(i, Review(title="t")) for i in range(20)]
    whole = [codec.pack(codec.lowered(items[:n], "value")[0]) for n in (16, 20)]
    assert whole[1][5 + 3 :].startswith(whole[0][5 + 3 :])


def test_frames_of_the_time_before_classes_were_described_load():
    def frame(code: int, parts: Any) -> bytes:
        body = msgpack.packb(msgpack.ExtType(code, msgpack.packb(parts)))
        return b"\x01" + zlib.crc32(body).to_bytes(4, "little") + body

    name = Slotted.__module__
    codec = Codec(CLASSES)
    print_ = zlib.crc32(repr([(f.name, f.type) for f in dataclasses.fields(Slotted)]).encode())
    assert codec.decode(frame(33, [f"{name}.Slotted", print_, {"a": 1, "b": 2}]), strict=True) == Slotted(1, 2)
    assert codec.decode(frame(34, [f"{name}.Point", ["x", "y"], [1, 2]]), strict=True) == Point(1, 2)
    assert codec.decode(frame(34, [f"{name}.Point", ["x"], [1]]), strict=True) == Point(1)
    fields = {"title": "t", "score": 1.0, "parts": []}
    parts = [f"{name}.Review", fingerprint(Review), fields, ["title"], None, {"_seen": 3}]
    found = codec.decode(frame(35, parts), strict=True)
    assert (found.title, found._seen) == ("t", 3)
    with pytest.raises(SchemaChanged, match="title would be changed from 't' to 't!'"):  # its types are not known
        codec.decode(frame(35, [parts[0], 0, *parts[2:]]), strict=True)
    assert codec.decode(frame(35, [f"{name}.Free", 0, {"a": 1}, ["a"], {"b": 2}, None]), strict=True) == Free(a=1, b=2)
    assert codec.decode(frame(33, [f"{name}.Slotted", 0, {"a": 1, "b": 2}]), strict=True) == Slotted(1, 2)


PRINTS = """
import enum
from tests.checkpoint.codec_values import CLASSES
from nbhitl.checkpoint.values.fields import fingerprint
print([fingerprint(c) for c in CLASSES if not issubclass(c, enum.Enum)])
"""


def test_a_fingerprint_is_the_same_in_every_process():
    said = {
        subprocess.run(
            [sys.executable, "-c", PRINTS], capture_output=True, text=True, timeout=60, check=True,
            env={**__import__("os").environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_registering_a_class_again_keeps_how_it_is_migrated():
    @dataclasses.dataclass
    class Review:
        text: str

    old = Codec()
    data = old.encode(Review("ok"))

    @dataclasses.dataclass
    class Now:
        text: str
        stars: int

    Now.__qualname__, Now.__module__ = Review.__qualname__, Review.__module__
    codec = Codec()
    codec.register(Now, migrate=lambda fields: {**fields, "stars": 3})
    codec.register(Now)  # as compiling a graph does
    assert codec.decode(data, strict=True) == Now("ok", 3)


# -- LangChain's messages


def chat_messages() -> list[Any]:
    chain = pytest.importorskip("langchain_core.messages")
    call = {"name": "add", "args": {"a": 1}, "id": "c", "type": "tool_call"}
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    kinds = (getattr(chain, name) for name in chain.__all__ if name.endswith(("Message", "MessageChunk")))
    plain = [kind for kind in kinds if kind.__name__ in ("HumanMessage", "SystemMessage", "HumanMessageChunk")]
    return [
        *(kind("hi", id="1", name="Ada") for kind in plain),
        chain.HumanMessage([{"type": "text", "text": "hi"}, {"type": "image", "url": "x"}]),
        chain.AIMessage("", id="2", tool_calls=[call], usage_metadata=usage, response_metadata={"model": "m"}),
        chain.AIMessageChunk("a", id="3"),
        chain.ToolMessage("7", tool_call_id="c", artifact={"rows": [1, 2]}, status="error"),
        chain.FunctionMessage("7", name="add"),
        chain.ChatMessage("hi", role="critic"),
        chain.RemoveMessage(id="4"),
    ]


def test_langchain_messages_load_without_being_registered():
    messages = chat_messages()
    again = Codec().decode(Codec().encode({"messages": messages}), strict=True)["messages"]
    assert again == messages
    assert [type(one) for one in again] == [type(one) for one in messages]


def test_a_program_that_has_not_loaded_langchain_loads_nothing_of_it():
    data = Codec().encode(chat_messages()[0])
    code = (
        "import sys; from nbhitl.checkpoint.values.codec import Codec; data = bytes.fromhex(sys.stdin.read()); "
        "print(type(Codec().decode(data)).__name__, 'langchain_core' in sys.modules)\n"
        "try: Codec().decode(data, strict=True)\n"
        "except Exception as error: print(error)\n"
        "import langchain_core.messages; print(Codec().decode(data, strict=True).content)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=data.hex(), capture_output=True, text=True, check=True)
    first, error, last = done.stdout.splitlines()
    assert (first, last) == ("Opaque False", "hi")
    assert error.endswith("which this program does not know: import langchain_core.messages")


@pytest.mark.parametrize("name", ["langchain_core.messages.base.BaseMessage", "langchain_core.messages.os.system"])
def test_nothing_else_of_langchain_is_looked_up(name):
    module, _, short = name.rpartition(".")
    fake = pydantic.create_model(short, content=(str, ...), __module__=module)
    assert isinstance(Codec().decode(Codec().encode(fake(content="x"))), Opaque)


def test_a_registered_class_comes_before_langchains_own():
    chain = pytest.importorskip("langchain_core.messages")
    mine = pydantic.create_model("HumanMessage", __base__=chain.HumanMessage, __module__=chain.HumanMessage.__module__)
    assert type(Codec([mine]).decode(Codec().encode(mine("hi")))) is mine
