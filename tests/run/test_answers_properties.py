"""What must hold for any schema: valid answers are taken, and what is wrong is named by its field."""

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model

from nbhitl.engine.errors import AnswerRefused
from nbhitl.run.answers import SchemaChecker
from nbhitl.run.fields import gather

CHECKER = SchemaChecker()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def kinds(draw):
    """A type, a value that fits it, and one that does not."""
    low = draw(st.integers(-50, 50))
    high = low + draw(st.integers(0, 150))
    words = draw(st.lists(TEXT.filter(str.strip), min_size=1, max_size=5, unique=True))
    return draw(
        st.sampled_from(
            [
                (bool, draw(st.booleans()), "yes"),
                (int, draw(st.integers()), 1.5),
                (float, draw(st.floats(allow_nan=False, allow_infinity=False)), "1.5"),
                (str, draw(TEXT), 3),
                (Annotated[int, Field(ge=low, le=high)], draw(st.integers(low, high)), high + 1),
                (Annotated[str, Field(max_length=20)], draw(TEXT), "x" * 21),
                (Literal[tuple(words)], draw(st.sampled_from(words)), "".join(words) + "!"),
                (list[int], draw(st.lists(st.integers(), max_size=3)), [None]),
                (int | None, draw(st.none() | st.integers()), "x"),
            ]
        )
    )


MODELS = st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,8}[a-z]", fullmatch=True), kinds(), min_size=1, max_size=5)


def _model(shape):
    return create_model(
        "Made", __config__={"protected_namespaces": ()}, **{n: (k, ...) for n, (k, _, _) in shape.items()}
    )


USABLE = MODELS.filter(lambda shape: not any(hasattr(create_model("Empty"), name) for name in shape))


@settings(deadline=None, max_examples=150)
@given(USABLE)
def test_a_valid_answer_is_taken_live_and_stored(shape):
    model, answer = _model(shape), {name: fit for name, (_, fit, _) in shape.items()}
    plain = CHECKER.check(model, answer)
    assert plain == answer
    assert CHECKER.build(model, plain).model_dump() == answer
    assert CHECKER.check(json.loads(json.dumps(CHECKER.describe(model))), answer) == answer


@settings(deadline=None, max_examples=150)
@given(USABLE, st.data())
def test_exactly_the_wrong_fields_are_named_live_and_stored(shape, data):
    wrong = data.draw(st.sets(st.sampled_from(sorted(shape)), min_size=1))
    missing = data.draw(st.sets(st.sampled_from(sorted(wrong))))
    answer = {name: bad if name in wrong else fit for name, (_, fit, bad) in shape.items() if name not in missing}
    for schema in (_model(shape), CHECKER.describe(_model(shape))):
        with pytest.raises(AnswerRefused) as refused:
            CHECKER.check(schema, answer)
        assert {p.field.split(".")[0] for p in refused.value.problems} == wrong


RAW = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@settings(deadline=None, max_examples=150)
@given(USABLE, st.data())
def test_whatever_a_screen_sends_is_taken_or_refused(shape, data):
    model = _model(shape)
    raw = {name: data.draw(RAW) for name in shape}
    gather(CHECKER.form_model(model), raw)
    try:
        plain = CHECKER.take(model, raw)
    except AnswerRefused as refused:
        assert refused.problems  # noqa: PT017
    else:
        assert CHECKER.check(model, plain) == plain


@settings(deadline=None, max_examples=100)
@given(st.recursive(RAW, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=8), s, max_size=3)))
def test_any_answer_to_any_kind_is_taken_or_refused(answer):
    for schema in (
        int,
        str,
        list[int],
        dict[str, str],
        Literal["a"],
        {"anyOf": [{"type": "string"}, {"minimum": 3}]},
    ):
        try:
            CHECKER.check(schema, answer)
        except AnswerRefused as refused:
            assert refused.problems  # noqa: PT017
