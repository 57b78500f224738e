"""Any schema yields a form: valid answers are taken, whichever way they come, and a wrong place is named."""

import dataclasses
import datetime as dt
import enum
import json
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model
from typing_extensions import TypedDict

from nbhitl.engine.errors import AnswerRefused
from nbhitl.run.answers import SchemaChecker, form_model

CHECKER = SchemaChecker()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(str.strip)
NAMES = st.from_regex(r"[a-z][a-z_]{1,6}[a-z]", fullmatch=True).filter(lambda n: not hasattr(create_model("Empty"), n))
Path = tuple[str | int, ...]
PROFILE = settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@dataclasses.dataclass(frozen=True)
class Shape:
    """A type; what fits it and what does not, each as the answer itself and as what a form would send for it."""

    type: Any
    good: Callable[[Any, bool], tuple[Any, Any]]
    """``draw``, and whether the field has a default -> (answer, raw)."""
    bad: Callable[[Any, bool], tuple[Any, Any, Path]]
    """The same -> (answer, raw, the place that is wrong)."""


def simple(kind, good, bad, raw=lambda value: value):
    """A shape of one value: strategies of fitting values and of (wrong value, what a form would send for it)."""

    def fits(draw, _):
        value = draw(good)
        return value, raw(value)

    return Shape(kind, fits, lambda draw, _: (*draw(st.sampled_from(bad)), ()))


@st.composite
def flat(draw):
    low = draw(st.integers(-50, 50))
    high = low + draw(st.integers(1, 150))
    words = draw(st.lists(TEXT, min_size=1, max_size=5, unique=True))
    count = draw(st.integers(2, 12))
    day = st.dates(dt.date(1900, 1, 1))
    moment = st.datetimes(dt.datetime(1900, 1, 1)).map(lambda d: d.replace(microsecond=0))  # noqa: DTZ001
    members = enum.Enum("Made", {f"M_{n}": n * 3 for n in range(count)})
    indexes = st.lists(st.integers(0, len(words) - 1), unique=True).map(sorted)

    def yes_or_no(pull, defaulted):
        value = pull(st.booleans())
        return value, value if defaulted else 1 - value

    def chosen(pull, _):
        ticked = pull(indexes)
        return [words[n] for n in ticked], ticked

    several = Shape(list[Literal[tuple(words)]], chosen, lambda pull, _: ("no list", "no list", ()))
    text = Annotated[str, Field(max_length=12)]
    coded = Annotated[str, Field(pattern="^[a-c]{1,3}$")]
    within = Annotated[int, Field(ge=low, le=high)]
    above = Annotated[float, Field(gt=low)]
    codes = st.from_regex("^[a-c]{1,3}$", fullmatch=True)
    kinds = [
        simple(int, st.integers(-(2**70), 2**70), [(1.5, "1.5"), ("x", "x")], str),
        simple(within, st.integers(low, high), [(n, str(n)) for n in (low - 1, high + 1)], str),
        simple(above, st.floats(low, 1e9, exclude_min=True), [(float(low), str(low))], repr),
        simple(text, TEXT, [("x" * 13, "x" * 13), (3, 3)]),
        simple(coded, codes, [("d", "d"), ("abca", "abca")]),
        simple(
            Literal[tuple(words)],
            st.sampled_from(words),
            [("".join(words) + "!", len(words)), (7, -1)],
            words.index,
        ),
        simple(
            members,
            st.integers(0, count - 1).map(lambda n: n * 3),
            [(1, count), ("M_1", "M_1")],
            lambda value: value // 3,
        ),
        simple(dt.date, day.map(dt.date.isoformat), [("2024-02-30", "2024-02-30"), ("0", "0"), (0, 0)]),
        simple(dt.datetime, moment.map(dt.datetime.isoformat), [("0", "0")]),
        simple(
            dict[str, int],
            st.dictionaries(TEXT, st.integers(), max_size=3),
            [([], "[]"), ("x", '"x"')],
            json.dumps,
        ),
        Shape(bool, yes_or_no, lambda pull, _: ("yes", 7, ())),
        several,
    ]
    return draw(st.sampled_from(kinds))


def optional(shape):
    """``None``, or the shape itself."""

    def good(draw, defaulted):
        # with None as its default, a choice of yes and no is no box to tick
        return (None, None) if draw(st.booleans()) else shape.good(draw, False)

    return Shape(shape.type | None, good, lambda draw, _: shape.bad(draw, False))


def _nullable(shape):
    return type(None) in typing.get_args(shape.type)


def many(shape, least, most):
    """A list; too many of what fits is as wrong as one that does not."""

    def items(draw, low, high):
        found = [shape.good(draw, False) for _ in range(draw(st.integers(low, high)))]
        return [plain for plain, _ in found], [raw for _, raw in found]

    def bad(draw, _):
        if draw(st.booleans()):
            return *items(draw, most + 1, most + 1), ()
        plains, raws = items(draw, max(least, 1), most)
        place = draw(st.integers(0, len(plains) - 1))
        plains[place], raws[place], path = shape.bad(draw, False)
        return plains, raws, (place, *path)

    return Shape(
        Annotated[list[shape.type], Field(min_length=least, max_length=most)],
        lambda draw, _: items(draw, least, most),
        bad,
    )


def thing(members, make, tag=None):
    """An object; ``members``: name -> (shape, whether it has a default). ``tag``: its discriminator's value."""
    own = {} if tag is None else {"kind_": tag}
    if make is _typed_dict:  # which knows no defaults
        members = {name: (shape, False) for name, (shape, _) in members.items()}

    def good(draw, _):
        found = {name: shape.good(draw, given) for name, (shape, given) in members.items()}
        return {**own, **{n: plain for n, (plain, _) in found.items()}}, {n: raw for n, (_, raw) in found.items()}

    def bad(draw, _):
        plain, raw = good(draw, False)
        name = draw(st.sampled_from(sorted(members)))
        shape, given = members[name]
        if not given and not _nullable(shape) and draw(st.booleans()):  # a form's blank may be None
            del plain[name], raw[name]
            return plain, raw, (name,)
        plain[name], raw[name], path = shape.bad(draw, given)
        return plain, raw, (name, *path)

    return Shape(make(members, tag), good, bad)


def _model(members, tag):
    own = {} if tag is None else {"kind_": (Literal[tag], ...)}
    fields = {n: (s.type, False if given else ...) for n, (s, given) in members.items()}
    return create_model("Model", __config__={"protected_namespaces": ()}, **own, **fields)


def _typed_dict(members, tag):
    own = {} if tag is None else {"kind_": Literal[tag]}
    return TypedDict("Keys", {**own, **{n: s.type for n, (s, _) in members.items()}})


def _dataclass(members, tag):
    own = [] if tag is None else [("kind_", Literal[tag])]
    required = [(n, s.type) for n, (s, given) in members.items() if not given]
    with_default = [(n, s.type, False) for n, (s, given) in members.items() if given]
    return dataclasses.make_dataclass("Data", [*own, *required, *with_default])


def either(shapes, make):
    """One of several objects, told apart by a discriminator."""
    tagged = [thing(members, make, f"tag_{n}") for n, members in enumerate(shapes)]

    def good(draw, _):
        n = draw(st.integers(0, len(tagged) - 1))
        plain, raw = tagged[n].good(draw, False)
        return plain, {"variant": n, "value": raw}

    def bad(draw, _):
        n = draw(st.integers(0, len(tagged) - 1))
        plain, raw, path = tagged[n].bad(draw, False)
        return plain, {"variant": n, "value": raw}, path

    kind = Annotated[Union[tuple(t.type for t in tagged)], Field(discriminator="kind_")]  # noqa: UP007 - made of a list
    return Shape(kind, good, bad)


_NUMBER_OR_TEXT = st.one_of(
    st.integers().map(lambda n: (n, {"variant": 0, "value": str(n)})),
    TEXT.map(lambda t: (t, {"variant": 1, "value": t})),
)
NUMBER_OR_TEXT = Shape(
    int | str,
    lambda draw, _: draw(_NUMBER_OR_TEXT),
    lambda draw, _: (1.5, {"variant": 0, "value": "1.5"}, ()),
)
MAKERS = st.sampled_from([_model, _typed_dict, _dataclass])


@st.composite
def members_of(draw, inner):
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    # the only default that changes what a form sends: a bool that has one is a box to tick
    return {name: (shape := draw(inner), shape.type is bool and draw(st.booleans())) for name in names}


@st.composite
def nested(draw, depth=2):
    """Any shape, with that many levels of lists and objects in it."""
    if depth == 0:
        return draw(flat() | st.just(NUMBER_OR_TEXT))
    inner = nested(depth - 1)
    match draw(st.integers(0, 5)):
        case 0:
            return draw(flat())
        case 1:
            shape = draw(inner)
            return shape if _nullable(shape) or shape is NUMBER_OR_TEXT else optional(shape)
        case 2:
            least = draw(st.integers(0, 2))
            shape = draw(inner)
            # a list of choices is one control of its own kind
            return shape if _is_choice(shape) else many(shape, least, least + draw(st.integers(1, 3)))
        case 3:
            return either(draw(st.lists(members_of(inner), min_size=2, max_size=3)), draw(MAKERS))
        case _:
            return thing(draw(members_of(inner)), draw(MAKERS))


def _is_choice(shape):
    return "enum" in str(CHECKER.describe(shape.type)) or "const" in str(CHECKER.describe(shape.type))


@st.composite
def questions(draw):
    return thing(draw(members_of(nested())), draw(MAKERS))


def _stored(schema):
    return json.loads(json.dumps(CHECKER.describe(schema)))


def _dotted(path):
    return ".".join(map(str, path))


def _refused(take, schema, answer):
    with pytest.raises(AnswerRefused) as refused:
        take(schema, answer)
    assert all(problem.message for problem in refused.value.problems)
    return {problem.field for problem in refused.value.problems}


@PROFILE
@given(questions(), st.data())
def test_a_valid_answer_is_taken_the_same_from_code_from_a_form_and_without_the_class(shape, data):
    plain, raw = shape.good(data.draw, False)
    stored = _stored(shape.type)
    assert form_model(stored) == form_model(shape.type)
    taken = CHECKER.check(shape.type, plain)
    assert taken == plain
    assert CHECKER.take(shape.type, raw) == plain
    assert CHECKER.check(stored, plain) == plain
    assert CHECKER.take(stored, raw) == plain
    assert CHECKER.check(shape.type, CHECKER.build(shape.type, plain)) == plain


@PROFILE
@given(questions(), st.data())
def test_exactly_the_wrong_place_is_named_from_code_from_a_form_and_without_the_class(shape, data):
    plain, raw, path = shape.bad(data.draw, False)
    for schema in (shape.type, _stored(shape.type)):
        assert _refused(CHECKER.check, schema, plain) == {_dotted(path)}
        assert _refused(CHECKER.take, schema, raw) == {_dotted(path)}


KEYS = st.sampled_from(["variant", "value", "name", "content"]) | st.text(max_size=3)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
ANY_RAW = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@PROFILE
@given(questions(), st.data())
def test_whatever_is_sent_in_the_place_of_a_field_is_taken_or_refused(shape, data):
    _, raw = shape.good(data.draw, False)
    raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(ANY_RAW)
    try:
        plain = CHECKER.take(shape.type, raw)
    except AnswerRefused as refused:
        assert refused.problems  # noqa: PT017
    else:
        assert CHECKER.check(shape.type, plain) == plain
