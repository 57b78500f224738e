"""State schemas: what they say of the channels, how a node's input is made, what a returned value writes."""

from nbhitl.state.inputs import Shapes, shape, unpacker
from nbhitl.state.schemas import (
    IsLastStep,
    RemainingSteps,
    Schema,
    classes_in,
    classes_named,
    is_keyed,
    is_typed_dict,
    name_of_schema,
    read,
    required,
)
from nbhitl.state.together import Schemas, merged

__all__ = [
    "IsLastStep",
    "RemainingSteps",
    "Schema",
    "Schemas",
    "Shapes",
    "classes_in",
    "classes_named",
    "is_keyed",
    "is_typed_dict",
    "merged",
    "name_of_schema",
    "read",
    "required",
    "shape",
    "unpacker",
]
