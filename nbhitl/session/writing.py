"""Writing into the state by hand, as a node would: through the reducers, or in place of what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbhitl.debugging.differences import Difference, differences
from nbhitl.engine.channels import BinaryOperatorAggregate, Channel, Topic
from nbhitl.engine.commands import Overwrite
from nbhitl.engine.description import ROOT, ByKey
from nbhitl.engine.errors import AnswerRefused, InvalidUpdateError, NbhitlError, SchemaError, did_you_mean
from nbhitl.engine.records import Stopped
from nbhitl.run.claims import Claim
from nbhitl.run.hands import has_async
from nbhitl.session.inspecting import STATE
from nbhitl.session.standing import Standing, reason_of, standing


@dataclass(frozen=True, slots=True)
class Written:
    """What an edit of the state came to."""

    differences: tuple[Difference, ...]
    doubts: tuple[str, ...] = ()
    """Values that do not fit the types of the state's schema, in words. They were written all the same, as a node's
    would be."""
    next: tuple[str, ...] = ()
    """The nodes that are due now."""


class Writing(Standing):
    """A runner whose state can be edited."""

    def set(self, values: Mapping[str, Any], *, overwrite: bool = False, as_node: str | None = None) -> Written:
        """Write into the state as if a node had: a new checkpoint, after which comes what follows that node.

        Nothing is run. Open questions stay open, unless ``as_node`` is who asks.

        Args:
            values: key to value, merged by the reducers as a node's update is.
            overwrite: they replace what is there, also where a key has a reducer.
            as_node: the node that counts as the writer; the one that ran last by default.

        Returns:
            What changed, which values do not fit the state's schema, and what is due now.

        Raises:
            NbhitlError: the state has no such key, or one that only grows is to be overwritten.
            ThreadBusyError: the thread is being run.
            InvalidUpdateError: several nodes ran in the last step, and none of them is named.
        """
        known = self.keys()
        for key in values:
            if key not in known:
                raise NbhitlError(f"set: {key!r} is no key of the state.{did_you_mean(key, known)}")
        given = {key: self._overwriting(key, value) if overwrite else value for key, value in values.items()}
        with self._reserved(Claim(), take=False):  # the edit claims the thread by itself
            before = {} if self.position is None else self.inspect().values
            whole = bool(self.graph.takes)  # a plain dict would be taken for the value itself
            self._update(given[STATE] if ROOT in self.graph.channels else ByKey(given) if whole else given, as_node)
            self._say_where()
        doubts = tuple(doubt for key, value in values.items() for doubt in self._doubts(key, value, overwrite))
        return Written(differences(before, self.inspect().values), doubts, self.state().next)

    def keys(self) -> tuple[str, ...]:
        """The keys of the state; ``state`` for the only value of a state without."""
        return tuple(STATE if key == ROOT else key for key in self.graph.channels)

    def channel(self, key: str) -> Channel:
        """What a key of `keys` does with what is written to it."""
        return self.graph.channels[ROOT if ROOT in self.graph.channels else key]

    def _update(self, values: Any, as_node: str | None) -> None:
        try:
            if has_async(self.graph):
                asyncio.run(self.compiled.aupdate_state(self.config, values, as_node))
            else:
                self.compiled.update_state(self.config, values, as_node)
        except InvalidUpdateError as error:
            if as_node is None and "as_node" in str(error):
                raise InvalidUpdateError(f"{error} In a %graph line: --as NODE.") from error
            raise

    def _say_where(self) -> None:
        """Why the thread stands there, where the edit has not kept that: a thread without it counts as broken off."""
        now = self.saver.load(self.key)
        if now is None or now.stopped is not None:
            return
        text = f"the state was edited, {standing(now)}"
        stopped = Stopped(reason_of(now), text, self.compiled.calls.world.clock.now(), self.graph.fingerprints())
        self.saver.append(self.key, now.checkpoint.id, [stopped])

    def _overwriting(self, key: str, value: Any) -> Any:
        channel = self.channel(key)
        if isinstance(channel, Topic) and channel.accumulate:
            raise NbhitlError(f"set: {key!r} only ever grows (Topic, accumulate=True), and cannot be overwritten.")
        return Overwrite(value) if isinstance(channel, BinaryOperatorAggregate) else value

    def _doubts(self, key: str, value: Any, overwrite: bool) -> Iterator[str]:
        """How a value does not fit the key's type; what goes through a reducer may be of another."""
        channel = self.channel(key)
        if channel.typ in (None, Any) or (isinstance(channel, BinaryOperatorAggregate) and not overwrite):
            return
        try:
            self.compiled.calls.world.checker.check(channel.typ, value)
        except AnswerRefused as error:
            yield from (f"{key}{'.' if p.field else ''}{p.field}: {p.message}" for p in error.problems)
        except SchemaError:  # of a type that no answer can have: nodes write such values, and nobody checks them
            return
