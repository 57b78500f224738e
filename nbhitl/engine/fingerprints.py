"""Fingerprints: texts that differ when what a part of a graph does may have changed, and are equal otherwise.

A function's covers its code, defaults, enclosed values, and the user's functions, classes and constants that it names,
followed to the end; line numbers, comments, docstrings and files do not count. Nothing is called, and no file is read.
Not seen: what is imported inside a body, what an object holds (its class counts), what a list or dict holds
beside functions and classes (a run may fill it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from nbhitl.engine.channels import BinaryOperatorAggregate, Channel
from nbhitl.engine.classes import class_mention
from nbhitl.engine.mentions import Mention, called, hashed, is_graph
from nbhitl.engine.records import START

if TYPE_CHECKING:
    from nbhitl.engine.description import Graph, Node, Router

_MOST: Final = 2_000
"""How many functions and classes are followed from one name."""
_WIRING: Final = ("edges of ", "routers of ")


def fingerprint(function: Callable[..., Any]) -> str:
    """A function's (or another callable's) fingerprint, see `Look.of`."""
    return Look().of(function)


class Seen:
    """What the last look at a graph has found, so that the next one only looks at what may have changed."""

    __slots__ = ("channels", "code", "mentions", "wiring")

    def __init__(self) -> None:
        self.mentions: Mapping[int, Mention] = {}
        self.wiring: Mapping[str, str] | None = None
        """Of its edges: a graph never changes them."""
        self.channels: dict[str, str] = {}
        """Of those state keys that mention nothing of the user's: nothing about them can change."""
        self.code: tuple[Mapping[str, str], str] = ({}, "")
        """The parts, and a digest of them."""


class Look:
    """One look at the code of a graph. Nothing may change meanwhile."""

    __slots__ = ("_before", "_graphs", "_reached", "mentions")

    def __init__(self, before: Mapping[int, Mention] | None = None) -> None:
        self._before = before or {}
        self.mentions: dict[int, Mention] = {}
        self._reached: dict[int, str] = {}
        self._graphs: dict[int, str] = {}

    def of(self, thing: Any) -> str:
        """``<digest of its own code> <name>=<digest> ...``, one for each name of the user's that it mentions."""
        told = self._mention(thing)
        if not told.refs and not told.named:
            return told.own
        reached = self.reached
        led = tuple([reached(ref) for ref in told.leads_to()])
        if told.text[0] != led or not told.text[1]:
            told.text = led, self._text(told)
        return told.text[1]

    def _text(self, told: Mention) -> str:
        found = [told.own if not told.refs else hashed(told.own, *map(self.reached, told.refs))]
        for name, (said, refs) in told.named.items():
            found.append(f"{name}={hashed(said, *map(self.reached, refs))[:8]}")
        return " ".join(found)

    def reached(self, thing: Any) -> str:
        """A digest of a function, class or graph with all that it mentions, however far: circles are no trouble."""
        known = self._reached.get(id(thing))
        if known is not None:
            return known
        order, queue, said = {id(thing): 0}, [thing], []
        for each in queue:  # grows
            told = self._mention(each)
            said.append(told.digest())
            for ref in told.leads_to():
                place = order.setdefault(id(ref), len(order))
                said.append(str(place))
                if len(queue) == place < _MOST:
                    queue.append(ref)
        found = self._reached[id(thing)] = hashed(*said)
        return found

    def graph(self, graph: Graph) -> str:
        """A digest of a whole graph."""
        known = self._graphs.get(id(graph))
        if known is None:
            self._graphs[id(graph)] = "itself"  # a function may name the graph that it is part of
            known = self._graphs[id(graph)] = digest_of(_parts(graph, self))
        return known

    def _mention(self, thing: Any) -> Mention:
        place = id(thing)
        known = self.mentions.get(place)
        if known is None:
            known = self._before.get(place)
            if known is None or known.thing is not thing or not known.stands():
                try:
                    known = self._look_at(thing)
                except Exception:  # noqa: BLE001 - an object may raise at any look; a run does not end for that
                    known = Mention(thing)
                    known.own = hashed(called(type(thing)))
            self.mentions[place] = known
        return known

    def _look_at(self, thing: Any) -> Mention:
        if type(thing) is FunctionType:
            told = Mention(thing)
            told.function(thing)
        elif isinstance(thing, type):
            told = class_mention(thing)
        elif is_graph(thing):
            told = Mention(thing)
            told.own = self.graph(thing.graph)
        else:
            told = Mention(thing)
            told.put(thing)
            told.own = hashed("".join(told.said))
        return told


def described(graph: Graph) -> dict[str, str]:
    """The fingerprints of a graph's parts: nodes by their name, then ``edges of ...``, ``state key ...`` and so on."""
    look = Look(graph.seen.mentions)
    found = _parts(graph, look)
    graph.seen.mentions = look.mentions
    return found


def _parts(graph: Graph, look: Look) -> dict[str, str]:
    found = {name: _node(node, look) for name, node in graph.nodes.items()}
    if graph.seen.wiring is None:
        graph.seen.wiring = _wiring(graph)
    parts = dict(graph.seen.wiring)
    for source, routers in graph.routers.items():
        parts[f"routers of {_shown(source)}"] = " ".join([_router(router, look) for router in routers])
    for name, channel in graph.channels.items():
        parts[f"state key {name}"] = graph.seen.channels.get(name) or _channel(name, channel, look, graph.seen)
    parts.update(found)  # a node of such a name goes first
    return parts


def _wiring(graph: Graph) -> dict[str, str]:
    found = {f"edges of {_shown(source)}": hashed(*sorted(targets)) for source, targets in graph.edges.items()}
    return found | {f"edge [{', '.join(edge.sources)}] to {edge.target}": "" for edge in graph.waiting}


def digest_of(parts: Mapping[str, str]) -> str:
    """A digest of all fingerprints of a graph."""
    return hashed(*(text for pair in parts.items() for text in pair))


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The parts whose fingerprints differ, sorted; where only what a function names has changed, with these names.

    The wiring of a node that came or went is left out.
    """
    return [f"{part} ({', '.join(names)})" if names else part for part, names in differing(then, now)]


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """As `changes`: each part, and the names in it that mean something else where the rest of it is the same."""
    came_or_went = then.keys() ^ now.keys()
    found: list[tuple[str, tuple[str, ...]]] = []
    for name in sorted({*then, *now}):
        before, after = then.get(name), now.get(name)
        if before == after or any(name.startswith(w) and name[len(w) :] in came_or_went for w in _WIRING):
            continue
        found.append((name, () if before is None or after is None else _named(before, after)))
    return found


def _named(before: str, after: str) -> tuple[str, ...]:
    own, *then = before.split(" ")
    own_now, *now = after.split(" ")
    if own != own_now:
        return ()
    return tuple(dict.fromkeys(part.partition("=")[0] for part in [*now, *then] if (part in now) != (part in then)))


def _shown(name: str) -> str:
    return "START" if name == START else name


def _node(node: Node, look: Look) -> str:
    text = look.of(node.action) if node.graph is None else f"graph-{look.graph(node.graph)}"
    if node.handler is not None:
        text = f"{text} error_handler={hashed(look.of(node.handler.action))[:8]}"
    return f"deferred-{text}" if node.defer else text


def _router(router: Router, look: Look) -> str:
    text = look.of(router.path)
    if router.ends is None:
        return text
    own, _, rest = text.partition(" ")
    told = Mention(router)
    told.put(dict(router.ends))
    return f"{hashed(own, ''.join(told.said))} {rest}".rstrip()


def _channel(key: str, channel: Channel, look: Look, seen: Seen) -> str:
    told = Mention(channel)
    told.said.append(type(channel).__name__)
    told.hint(channel.typ, {})
    for name in ("accumulate", "guard"):
        told.said.append(f"{name}={getattr(channel, name, None)};")
    kind = hashed("".join(told.said), *map(look.reached, told.refs))
    if not isinstance(channel, BinaryOperatorAggregate):
        if not (told.refs or told.fluid or told.looked_up):
            seen.channels[key] = kind
        return kind
    own, _, rest = look.of(channel.operator).partition(" ")
    return f"{hashed(kind, own)} {rest}".rstrip()
