"""Type parameters of graphs and commands: type checkers read them, and a run never looks at them.

Parameters with defaults are in `typing` from Python 3.13 on, before that in a package that takes time to load. So type
checkers see generic classes here, and at run time there are classes that can be subscripted.
"""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Any, ClassVar, Generic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import TypeVar

    StateT = TypeVar("StateT", default=Any)
    ContextT = TypeVar("ContextT", default=Any)
    InputT = TypeVar("InputT", default=StateT | Mapping[str, Any])
    """Without an ``input_schema`` an input may have some of the state's keys: nobody has to give the others."""
    OutputT = TypeVar("OutputT", default=StateT)

    RunStateT = TypeVar("RunStateT", default=Any)
    RunContextT = TypeVar("RunContextT", default=Any)
    InputT_contra = TypeVar("InputT_contra", contravariant=True, default=Any)
    OutputT_co = TypeVar("OutputT_co", covariant=True, default=Any)

    NodeT_co = TypeVar("NodeT_co", bound=str, covariant=True, default=str)

    class BuilderTypes(Generic[StateT, ContextT, InputT, OutputT]):
        """A graph that is being built."""

    class GraphTypes(Generic[RunStateT, RunContextT, InputT_contra, OutputT_co]):
        """A graph that can run. Its parameters default to Any, so that ``CompiledGraph`` alone is any graph."""

    class NodeNames(Generic[NodeT_co]):
        """What names nodes: ``Command[Literal["a", "b"]]``."""

else:
    from typing import TypeVar

    StateT = TypeVar("StateT")
    ContextT = TypeVar("ContextT")
    InputT = TypeVar("InputT")
    OutputT = TypeVar("OutputT")
    RunStateT = TypeVar("RunStateT")
    RunContextT = TypeVar("RunContextT")
    InputT_contra = TypeVar("InputT_contra", contravariant=True)
    OutputT_co = TypeVar("OutputT_co", covariant=True)
    NodeT_co = TypeVar("NodeT_co", bound=str, covariant=True)

    class _Subscriptable:
        __slots__ = ()
        __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)

    BuilderTypes = GraphTypes = NodeNames = _Subscriptable
