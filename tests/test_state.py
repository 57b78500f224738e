"""State schemas: which channels they ask for, what a node gets, what a returned value writes."""

import operator
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar, NamedTuple, NotRequired, Required, TypedDict

import pydantic
import pytest
import typing_extensions
from hypothesis import given, settings
from hypothesis import strategies as st

import nbhitl
from nbhitl import END, START, Command, GraphError, IsLastStep, RemainingSteps, SchemaError, StateGraph
from nbhitl.engine.channels import (
    BinaryOperatorAggregate,
    EphemeralValue,
    LastValue,
    Topic,
    UntrackedValue,
    initial,
)
from nbhitl.engine.description import ROOT, WHOLE, Shape
from nbhitl.engine.records import MISSING
from nbhitl.state import Schema, merged, read, shape, unpacker

pytest.importorskip("langgraph")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what LangGraph's own dependencies say is not ours to mend
    import langgraph.channels
    import langgraph.graph
    import langgraph.managed

OURS = SimpleNamespace(StateGraph=StateGraph, RemainingSteps=RemainingSteps, IsLastStep=IsLastStep, channels=nbhitl)
THEIRS = SimpleNamespace(
    StateGraph=langgraph.graph.StateGraph,
    RemainingSteps=langgraph.managed.RemainingSteps,
    IsLastStep=langgraph.managed.IsLastStep,
    channels=langgraph.channels,
)


@dataclass
class Thing:
    """A class of the user's, in state hints."""

    size: int = 0


class Colour(Enum):
    RED = 1


def keep(old, new):
    return new


def three(old, new, more=1):
    return new


def alone(old):
    return old


def strict(old, new, *, how):
    return new


class Reducer:
    def __call__(self, old, new):
        return new


reducer = Reducer()
Add = Annotated[list, operator.add]


# -- one annotation


@pytest.mark.parametrize(
    ("hint", "channel", "first"),
    [
        (int, LastValue(int), MISSING),
        (Add, BinaryOperatorAggregate(list, operator.add), []),
        (Annotated[list[int], operator.add], BinaryOperatorAggregate(list[int], operator.add), []),
        (Annotated[int, operator.add], BinaryOperatorAggregate(int, operator.add), 0),
        (Annotated[Sequence[str], operator.add], BinaryOperatorAggregate(Sequence[str], operator.add), []),
        (Annotated[int | None, keep], BinaryOperatorAggregate(int | None, keep), MISSING),
        (Annotated[range, keep], BinaryOperatorAggregate(range, keep), MISSING),
        (Annotated[int, max], BinaryOperatorAggregate(int, max), 0),
        (Annotated[int, three], BinaryOperatorAggregate(int, three), 0),
        (Annotated[int, reducer], BinaryOperatorAggregate(int, reducer), 0),
        (Annotated[list, "a remark"], LastValue(list), MISSING),
        (Annotated[list, "a remark", operator.add], BinaryOperatorAggregate(list, operator.add), []),
        (Annotated[int, pydantic.Field(gt=3)], LastValue(int), MISSING),
        (Required[Add], BinaryOperatorAggregate(list, operator.add), []),
        (NotRequired[Add], BinaryOperatorAggregate(list, operator.add), []),
        (Annotated[Required[list], operator.add], BinaryOperatorAggregate(list, operator.add), []),
        (typing_extensions.ReadOnly[Add], BinaryOperatorAggregate(list, operator.add), []),
        (NotRequired[int], LastValue(int), MISSING),
        (Annotated[str, LastValue], LastValue(str), MISSING),
        (Annotated[str, EphemeralValue], EphemeralValue(str), MISSING),
        (Annotated[str, EphemeralValue, "a remark"], EphemeralValue(str), MISSING),
        (Annotated[str, UntrackedValue(str, guard=False)], UntrackedValue(str, guard=False), MISSING),
        (Annotated[list, Topic], Topic(list), MISSING),
        (Annotated[list, Topic(str, accumulate=True)], Topic(str, accumulate=True), MISSING),
        (
            Annotated[list, BinaryOperatorAggregate(list, operator.add)],
            BinaryOperatorAggregate(list, operator.add),
            [],
        ),
    ],
    ids=str,
)
def test_a_hint_makes_a_channel_with_its_first_value(hint, channel, first):
    found = read(typing_extensions.TypedDict("S", {"key": hint}))
    assert (found.channels, found.managed, found.mistakes) == ({"key": channel}, {}, ())
    assert initial(channel) == first


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (Annotated[list, alone], r"S.key: the reducer alone\(old\) cannot take two values"),
        (Annotated[list, strict], r"S.key: the reducer strict\(old, new, \*, how\) cannot take two values"),
        (Annotated[list, Thing], "S.key: Thing is a class, not a reducer"),
        (Annotated[list, set], "S.key: set is a class, not a reducer"),
        (Annotated[list, RemainingSteps], "is a type, not a reducer"),
        (Annotated[list, BinaryOperatorAggregate], "needs its reducer: write Annotated"),
        (Annotated[list, langgraph.channels.Topic], "S.key: Topic is LangGraph's. Import it from nbhitl"),
        (Annotated[list, operator.add, "a remark"], "the reducer add stands before 'a remark'.*Put it last"),
        (Add | None, r"the reducer add stands inside a union.*Annotated\[list \| None, add\]"),
    ],
    ids=str,
)
def test_a_reducer_that_would_fail_or_not_be_seen_is_a_mistake(hint, said):
    built = StateGraph(TypedDict("S", {"key": hint})).add_node("a", keep_nothing).add_edge(START, "a")
    with pytest.raises(GraphError, match=said):
        built.compile()


def keep_nothing(state):
    return None


def test_a_managed_value_is_no_channel():
    found = read(TypedDict("S", {"x": int, "left": RemainingSteps, "last": NotRequired[IsLastStep]}))
    assert found.channels == {"x": LastValue(int)}
    assert found.managed == {"left": "remaining_steps", "last": "is_last_step"}


def test_a_key_may_not_have_a_name_of_the_graphs():
    assert read(TypedDict("S", {"__interrupt__": int})).mistakes == (
        "S.__interrupt__: that name belongs to the graph itself; take another.",
    )


# -- schemas


class Dict(TypedDict, total=False):
    x: int
    log: Add


class Model(pydantic.BaseModel):
    x: int = 0
    log: Add = []


@dataclass
class Data:
    x: int = 0
    log: Add = field(default_factory=list)


class Hinted:
    x: int
    log: Add


class Tuple(NamedTuple):
    x: int
    log: Add


@pytest.mark.parametrize("schema", [Dict, Model, Data, Hinted, Tuple])
def test_every_class_with_annotated_keys_is_a_schema(schema):
    assert read(schema).channels == {"x": LastValue(int), "log": BinaryOperatorAggregate(list, operator.add)}


@pytest.mark.parametrize("base", [Dict, Model, Data, Hinted])
def test_a_schema_has_the_keys_of_its_bases_too(base):
    sub = type("Sub", (base,), {"__annotations__": {"y": str}, "__module__": __name__, "y": ""})
    assert set(read(dataclass(sub) if base is Data else sub).channels) == {"x", "log", "y"}


def test_class_variables_and_private_fields_are_no_keys():
    class Private(pydantic.BaseModel):
        kind: ClassVar[str] = "m"
        x: int = 0
        _secret: int = 3

    @dataclass
    class Marked:
        kind: ClassVar[str] = "d"
        x: int = 0

    class Bare:
        kind: ClassVar[str] = "h"
        x: int

    assert [list(read(one).channels) for one in (Private, Marked, Bare)] == [["x"]] * 3


@pytest.mark.parametrize(
    ("schema", "channel"),
    [
        (str, LastValue(str)),
        (dict, LastValue(dict)),
        (list[int], LastValue(list[int])),
        (int | str, LastValue(int | str)),
        (Any, LastValue(Any)),
        (Add, BinaryOperatorAggregate(list, operator.add)),
    ],
)
def test_another_type_is_a_state_of_one_value(schema, channel):
    assert read(schema).channels == {ROOT: channel}


class Empty:
    pass


class EmptyModel(pydantic.BaseModel):
    pass


class Lost(TypedDict):
    x: "Nowhere"  # noqa: F821 - what this is about


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (None, "the state schema None is no class. Write `class State"),
        ("State", "the text 'State', not a class. Leave out the quotes"),
        (3, "the state schema 3 is no class"),
        (keep, "is no class"),
        (Thing(), "an instance of Thing. Give the class: Thing"),
        (Model(), "an instance of Model. Give the class: Model"),
        (Empty, r"Empty has no annotated keys. Write `class Empty\(TypedDict\)"),
        (EmptyModel, "EmptyModel has no annotated keys"),
        (RemainingSteps, "is a managed value; those are keys of a state"),
        (Lost, "Lost uses a name that is not defined: name 'Nowhere' is not defined"),
    ],
    ids=str,
)
def test_what_is_no_schema_is_refused(schema, said):
    with pytest.raises(SchemaError, match=said):
        StateGraph(schema)


def test_an_input_schema_that_is_none_is_named_by_its_role():
    with pytest.raises(SchemaError, match="^input_schema 'x' is no|^input_schema is the text 'x'"):
        StateGraph(Dict, input_schema="x")


def test_classes_in_hints_are_known_at_any_depth():
    @dataclass
    class Outer:
        thing: Thing

    class Things(TypedDict):
        things: Annotated[list[dict[str, Outer]], operator.add]
        colour: Colour | None

    assert set(read(Things).types) == {Outer, Thing, Colour}
    assert set(read(Outer).types) == {Outer, Thing}


def test_a_class_that_contains_itself_is_read():
    @dataclass
    class Tree:
        children: "list[Tree]"

    Tree.__annotations__["children"] = list[Tree]
    assert read(Tree).types == (Tree,)


# -- several schemas of one graph


def schema(**hints):
    return read(TypedDict("S", hints))


@pytest.mark.parametrize("turned", [False, True])
def test_a_reducer_wins_over_a_plain_key_in_any_order(turned):
    several = [schema(k=Add), schema(k=list)]
    channels, mistakes = merged(several[::-1] if turned else several)
    assert (channels, mistakes) == ({"k": BinaryOperatorAggregate(list, operator.add)}, [])


def test_the_same_reducer_twice_is_no_contradiction():
    same = [schema(k=Annotated[list, lambda a, b: a + b]) for _ in range(2)]
    assert (
        merged([*same, schema(k=Add), schema(k=Annotated[Sequence, operator.add])])[1]
        == merged([same[0], schema(k=Add)])[1]
    )
    assert merged(same)[1] == []


@pytest.mark.parametrize("other", [Annotated[list, keep], Annotated[list, EphemeralValue], Annotated[list, Topic]])
def test_two_ways_of_merging_one_key_are_a_mistake_that_names_both_schemas(other):
    one, two = read(TypedDict("One", {"k": Add})), read(TypedDict("Two", {"k": other}))
    (mistake,) = merged([one, two])[1]
    assert mistake.startswith("state key 'k': One says reducer add, Two says ")


def test_two_closures_of_the_same_code_are_two_reducers():
    def limited(size):
        def reduce(old, new):
            return (old + new)[-size:]

        return reduce

    assert merged([schema(k=Annotated[list, limited(1)]), schema(k=Annotated[list, limited(2)])])[1]


def test_a_key_that_is_managed_in_one_schema_is_no_ordinary_key_of_another():
    (mistake,) = merged([schema(left=RemainingSteps), schema(left=int)])[1]
    assert mistake.startswith("state key 'left': in S the run fills it in, in S it is an ordinary key")


# -- what a node gets


def test_the_shape_of_a_plain_dict_with_all_keys_is_the_whole_state():
    assert shape(read(Dict), {"x", "log"}, "node 'a'") is WHOLE
    assert shape(read(Dict), {"x", "log", "secret"}, "node 'a'") == Shape(("x", "log"))


def test_managed_keys_stand_in_the_shape():
    found = shape(schema(x=int, left=RemainingSteps), {"x"}, "node 'a'")
    assert found == Shape(None, None, {"left": "remaining_steps"})


def built(schema, values, who="node 'a'"):
    made = shape(read(schema), set(read(schema).channels), who).build
    assert made is not None
    return made(values)


def test_a_dataclass_is_made_of_the_keys_that_have_a_value():
    assert built(Data, {"x": 3}) == Data(3, [])


def test_a_missing_field_of_a_dataclass_names_the_node_and_the_field():
    @dataclass
    class Needs:
        x: int
        y: int

    with pytest.raises(SchemaError, match="^node 'a' takes Needs, and the state has no value yet for its field 'y'"):
        built(Needs, {"x": 1})


def test_a_field_that_the_constructor_does_not_take_is_left_out():
    @dataclass
    class Partly:
        x: int
        y: int = field(default=3, init=False)

    assert built(Partly, {"x": 1, "y": 9}).y == 3


def test_what_a_dataclasses_own_check_says_gets_a_note():
    @dataclass
    class Positive:
        x: int

        def __post_init__(self):
            if self.x < 0:
                raise ValueError("negative")

    with pytest.raises(ValueError, match="^negative") as caught:
        built(Positive, {"x": -1})
    assert caught.value.__notes__ == ["while the state was made into the Positive that node 'a' takes"]


def test_a_model_is_validated_and_what_it_says_gets_a_note():
    assert built(Model, {"x": "3"}) == Model(x=3)
    with pytest.raises(pydantic.ValidationError, match="x\n  Input should be a valid integer") as caught:
        built(Model, {"x": "three"}, "node 'draft'")
    assert caught.value.__notes__ == ["while the state was made into the Model that node 'draft' takes"]


def test_a_field_with_an_alias_gets_its_value():
    class Named(pydantic.BaseModel):
        x: int = pydantic.Field(0, alias="ex")

    assert built(Named, {"x": 4}).x == 4


def test_a_state_of_one_value_is_handed_over_bare():
    assert built(Add, {ROOT: [1]}) == [1]


# -- what a returned value writes


def test_a_mapping_writes_all_its_keys():
    assert unpacker({"x"})({"x": 1, "unknown": 2}) == (("x", 1), ("unknown", 2))


@pytest.mark.parametrize("value", [Data(1), Tuple(1, [])])
def test_an_instance_writes_the_keys_that_the_state_has(value):
    assert unpacker({"x", "log"})(value) == (("x", 1), ("log", []))
    assert unpacker({"x"})(value) == (("x", 1),)


@pytest.mark.parametrize("value", [Thing(), 3, "x", None, [{"x": 1}], object(), Empty(), ("x", 1)])
def test_anything_else_is_no_update(value):
    assert unpacker({"x"})(value) is None


def test_an_attribute_that_was_never_set_writes_nothing():
    made = Hinted()
    made.x = 3
    assert unpacker({"x", "log"})(made) == (("x", 3),)


@pytest.mark.parametrize("value", [None, 3, {"x": 1}, Data(1), []])
def test_everything_is_an_update_of_a_state_of_one_value(value):
    assert unpacker({ROOT})(value) == ((ROOT, value),)


# -- as LangGraph


class Fields(pydantic.BaseModel):
    need: int | None
    one: int = 1
    none: int | None = None
    five: int | None = 5
    made: list = pydantic.Field(default_factory=list)
    shared: list = []


@dataclass
class Plain:
    need: int | None
    one: int = 1
    none: int | None = None
    made: list = field(default_factory=list)


VALUES = {"need": st.none() | st.integers(), "one": st.integers(0, 2), "none": st.none() | st.integers(0, 2)}
WAYS = st.tuples(
    st.fixed_dictionaries(
        {"need": VALUES["need"]},
        optional={
            "one": VALUES["one"],
            "none": VALUES["none"],
            "five": VALUES["need"],
            "made": st.just([1]),
            "shared": st.just([]),
        },
    ),
    st.fixed_dictionaries({}, optional={**VALUES, "five": VALUES["need"]}),
    st.booleans(),
)


def outcome(m, schema, value, before):
    """What is in the state after a node returned ``value``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nbhitl.UnknownKeyWarning)
        graph = m.StateGraph(schema).add_node("n", lambda state: value).add_edge(START, "n").compile()
        return graph.invoke(before)


@settings(max_examples=60, deadline=None)
@given(WAYS)
def test_a_model_writes_the_fields_that_it_writes_in_langgraph(way):
    given, changed, constructed = way
    value = Fields.model_construct(**given) if constructed else Fields(**given)
    for name, one in changed.items():
        object.__setattr__(value, name, one)  # what counts as set stays as it was
    before = {"need": 90, "one": 91, "none": 92, "five": 93, "made": [94], "shared": [95]}
    assert outcome(OURS, Fields, value, before) == outcome(THEIRS, Fields, value, before)


@settings(max_examples=30, deadline=None)
@given(WAYS)
def test_a_dataclass_writes_the_fields_that_it_writes_in_langgraph(way):
    names = set(Plain.__dataclass_fields__)
    value = Plain(**{name: one for name, one in way[0].items() if name in names})
    before = {"need": 90, "one": 91, "none": 92, "made": [94]}
    assert outcome(OURS, Plain, value, before) == outcome(THEIRS, Plain, value, before)


def trace(m, schema, inputs, *nodes, **schemas):
    """What each node of a chain gets, and what comes back; the type of an error."""
    seen = []
    graph = m.StateGraph(schema, **schemas)
    before = START
    for number, (hint, update, taken) in enumerate(nodes):

        def body(state, update=update):
            seen.append(state)
            return update

        if hint is not None:
            body.__annotations__["state"] = hint
        graph.add_node(f"n{number}", body, **({} if taken is None else {"input_schema": taken}))
        graph.add_edge(before, f"n{number}")
        before = f"n{number}"
    try:
        back = graph.compile().invoke(inputs)
    except (TypeError, ValueError) as error:
        back = TypeError if isinstance(error, TypeError) else type(error)
    return seen, back


class Private(TypedDict):
    x: int
    secret: str


class Text(pydantic.BaseModel):
    x: str


@pytest.mark.parametrize(
    ("schema", "inputs", "nodes"),
    [
        (Dict, {"x": 1}, [(Private, {"secret": "s"}, None), (None, None, None), (Private, None, None)]),
        (Dict, {"x": 1}, [(None, {"log": ["a"]}, Private), (Data, None, None), (Model, None, None)]),
        (Dict, {"x": 1}, [(Text, None, None)]),
        (Dict, {"x": 1}, [(dict, None, None), (Any, None, None), (int, None, None), (Private | None, None, None)]),
        (Dict, {"x": 1}, [(Hinted, None, None), (Tuple, None, None), (Empty, None, None)]),
        (Dict, {"x": 1}, [(Annotated[Private, "remark"], None, None), ("Nowhere", None, None)]),
        (Dict, Data(3, ["in"]), [(None, {"x": 2}, None)]),
        (Model, {"x": "3"}, [(None, {"x": "4"}, None), (None, {"log": ["a"]}, None)]),
        (Model, {"x": "three"}, [(None, None, None)]),
        (Model, Model(x=3), [(None, Model(x=5, log=["b"]), None)]),
        (Model, {"x": "3"}, [(Dict, None, None)]),
        (Data, {"x": 3}, [(None, Data(4, ["a"]), None), (None, None, None)]),
        (Data, Data(3), [(None, None, None)]),
        (Plain, {"one": 3}, [(None, None, None)]),
        (Add, ["a"], [(None, ["b"], None), (None, None, None), (None, Command(update=["c"]), None)]),
        (str, "a", [(None, "b", None), (None, None, None)]),
        (Annotated[int, operator.add], 3, [(None, 4, None)]),
    ],
)
def test_nodes_get_what_they_get_in_langgraph(schema, inputs, nodes):
    theirs = [(h, langgraph_command(u), g) for h, u, g in nodes]
    assert trace(OURS, schema, inputs, *nodes) == trace(THEIRS, schema, inputs, *theirs)


def langgraph_command(update):
    return langgraph.types.Command(update=update.update) if isinstance(update, Command) else update


@pytest.mark.parametrize("hint", [None, dict, Private, Data, Text, Model])
@pytest.mark.parametrize("narrow", [None, Dict])
@pytest.mark.parametrize("source", ["n", START])
def test_routers_get_what_they_get_in_langgraph(hint, narrow, source):
    def seen_by_router(m):
        seen = []

        def route(state):
            seen.append(state)
            return END

        if hint is not None:
            route.__annotations__["state"] = hint
        graph = m.StateGraph(Dict, input_schema=TypedDict("In", {"x": str}))
        graph.add_node("n", lambda state: {"log": ["n"]}, **({} if narrow is None else {"input_schema": narrow}))
        if source == "n":
            graph.add_edge(START, "n")
        graph.add_conditional_edges(source, route, ["n", END])
        back = graph.compile().invoke({"x": "1"})
        return seen, back

    assert seen_by_router(OURS) == seen_by_router(THEIRS)


@pytest.mark.parametrize("kind", [dict, dataclass, pydantic.BaseModel])
def test_managed_values_tell_what_they_tell_in_langgraph(kind):
    def told(m):
        hints = {"x": Annotated[int, operator.add], "left": m.RemainingSteps, "last": m.IsLastStep}
        space = {"__annotations__": hints, "__module__": __name__, "left": 0, "last": False, "x": 0}
        if kind is dict:
            state = TypedDict("S", hints)
        else:
            state = dataclass(type("S", (), space)) if kind is dataclass else type("S", (kind,), space)
        seen = []

        def body(given):
            get = given.get if kind is dict else partial(getattr, given)
            seen.append((get("x"), get("left"), get("last")))
            return {"x": 1}

        graph = m.StateGraph(state).add_node("n", body).add_edge(START, "n")
        graph.add_conditional_edges("n", lambda given: "n" if len(seen) < 4 else END, ["n", END])
        back = graph.compile().invoke({"x": 0}, {"recursion_limit": 5})
        return seen, back

    assert told(OURS) == told(THEIRS)


def test_a_managed_value_in_an_input_schema_is_a_mistake():
    class Narrow(TypedDict):
        x: int
        left: RemainingSteps

    with pytest.raises(GraphError, match="input_schema: 'left' is filled in by the run; leave it out"):
        StateGraph(Dict, input_schema=Narrow).add_node("a", keep_nothing).add_edge(START, "a").compile()


def test_channel_classes_in_a_schema_behave_as_in_langgraph():
    def seen_by(m):
        c = m.channels
        hints = {
            "x": int,
            "short": Annotated[str, c.EphemeralValue],
            "topic": Annotated[list, c.Topic(str)],
            "all": Annotated[list, c.Topic(str, accumulate=True)],
            "sum": Annotated[int, c.BinaryOperatorAggregate(int, operator.add)],
        }
        seen = []

        def body(state):
            seen.append(dict(sorted(state.items())))
            return {"topic": ["t"], "all": "a", "sum": 2} if len(seen) == 1 else {"x": len(seen)}

        graph = m.StateGraph(TypedDict("S", hints))
        for n in "abc":
            graph.add_node(n, body)
        graph.add_edge(START, "a").add_edge("a", "b").add_edge("b", "c")
        return seen, graph.compile().invoke({"x": 1, "short": "s"})

    assert seen_by(OURS) == seen_by(THEIRS)


# -- lightness


def test_a_graph_without_models_loads_no_pydantic():
    code = """
import sys
from typing import TypedDict
from dataclasses import dataclass
from nbhitl.state import read, shape, unpacker
import nbhitl.messages
@dataclass
class D:
    x: int = 0
S = TypedDict("S", {"x": int})
for schema in (S, D, list):
    found = read(schema)
    shape(found, set(found.channels), "node")
unpacker({"x"})(D())
nbhitl.messages.add_messages([], "hi")
print(*(m for m in ("pydantic", "langchain_core", "numpy") if m in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_schema_is_a_value():
    assert isinstance(read(Dict), Schema)
    assert read(Dict) == read(Dict)
