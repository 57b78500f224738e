"""Hypothesis strategies for the programs of `tests.differential.programs`: small, mostly meaningful, few draws."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.differential.programs import END, START, Act, Graph, Node, Program, Router, Sub, nodes_in, subs_in

KINDS = ["plain", "plain", "plain", "ask", "ask", "goto", "send", "total", "x", "overwrite", "nothing"]
FLAGS = [""] * 15 + ["defer", "narrow", "fails"]

MEMORY = st.sampled_from([None, None, None, True, True, False])


def some(draw, options, most, least=0):
    """A few of ``options``, no two alike, in their order."""
    options = list(dict.fromkeys(options))
    chosen = draw(st.lists(st.sampled_from(options), min_size=least, max_size=most, unique=True)) if options else []
    return tuple(option for option in options if option in chosen)


@st.composite
def nodes(draw, name, later, nesting, above):
    """One node; ``later`` is where it may lead, ``above`` where a sub-graph's node may leave for."""
    kinds = KINDS + (["sub", "calls"] * nesting) + (["parent"] if above else [])
    kind, flag = draw(st.sampled_from(kinds)), draw(st.sampled_from(FLAGS))
    flags = {"defer": flag == "defer", "narrow": flag == "narrow", "fails": flag == "fails"}
    targets = [to for to in later if to != END]
    match kind:
        case "sub":
            return Node(name, sub=draw(subs(nesting, targets)), defer=flags["defer"])
        case "calls":
            return Node(name, calls=draw(subs(nesting, [])), asks=draw(st.integers(0, 1)), **flags)
        case "ask":
            return Node(name, asks=draw(st.integers(1, 2)), patient=draw(st.booleans()), **flags)
        case "goto":
            return Node(name, goto=some(draw, later, 2, least=1), **flags)
        case "send" if targets:
            to = draw(st.sampled_from(targets))
            return Node(name, sends=(to,) * draw(st.integers(1, 2)), **flags)
        case "parent":
            return Node(name, asks=draw(st.integers(0, 1)), parent=draw(st.sampled_from(above)), **flags)
        case "total" | "x" | "overwrite" | "nothing":
            return Node(name, update=kind, **flags)
    return Node(name, **flags)


@st.composite
def graphs(draw, nesting, above=(), most=5):
    """A graph; ``nesting`` is how many levels of sub-graphs it may have."""
    letter = "abc"[2 - nesting]
    names = [f"{letter}{n}" for n in range(draw(st.integers(2 if nesting == 2 else 1, most)))]
    later = {name: [*names[n + 1 :], END] for n, name in enumerate(names)}
    made = tuple(draw(nodes(name, later[name], nesting, above)) for name in names)
    edges = [(START, names[0])]
    for n, name in enumerate(names[1:]):  # most nodes can be reached
        edges.append((draw(st.sampled_from([START, *names[: n + 1], names[n], names[n]])), name))
    edges += [(name, draw(st.sampled_from(later[name]))) for name in some(draw, names, 2)]
    joins = []
    if len(names) > 2 and draw(st.booleans()):
        to = draw(st.sampled_from(names[2:]))
        joins.append((some(draw, names[: names.index(to)], 3, least=2), to))
        edges = [edge for edge in edges if edge[1] != to or draw(st.booleans())]
    routers = []
    for name in some(draw, names, 2 if nesting == 2 else 1):
        back = draw(st.none() | st.sampled_from(names[: names.index(name) + 1]))
        shape = draw(st.sampled_from(["plain", "sends", "mapped"]))
        routers.append(
            Router(name, some(draw, later[name], 2, least=1), back, sends=shape == "sends", mapped=shape == "mapped")
        )
    state = draw(st.sampled_from(["dict", "dict", "dict", "dict", "dataclass", "model"]))
    return Graph(made, tuple(dict.fromkeys(edges)), tuple(joins), tuple(routers), state)


@st.composite
def subs(draw, nesting, above):
    return Sub(draw(graphs(nesting - 1, tuple(above), most=3)), draw(MEMORY))


def forgets(graph):
    return any(sub.memory is False for sub in subs_in(graph))


def tamed(graph):
    """The same graph without what upstream does differently from run to run, or cannot do."""
    failing = []

    def walk(graph, joins, asks, fails, forgetful=False):
        sent = {to for node in graph.nodes for to in node.sends}
        sent |= {to for router in graph.routers if router.sends for to in (*router.choices, router.back)}

        leaving = [node for node in graph.nodes if node.parent]
        written: list[str] = []  # a second writer in the same step is an error; upstream says so before a sibling asks
        # What the siblings of one that leaves for the parent get done is chance: they may neither ask nor leave.
        outer_asks, asks = asks, asks and not leaving

        def tame(node):
            # Two that fail in one step: upstream reports one of them, either one.
            alone = fails and node.name not in sent
            first = node.fails and alone and not failing and not leaving
            failing.extend([node.name] * first)
            may_ask = asks or (outer_asks and node in leaving[:1])
            lonely = node.name not in sent and node.update not in written
            written.extend([node.update] if node.update in ("x", "overwrite") else [])
            update = node.update if lonely or node.update not in ("x", "overwrite") else "log"
            parent = node.parent if node in leaving[:1] else ""
            defer = node.defer and not sent  # upstream runs a deferred node beside what was sent, and not after it
            node = replace(
                node, fails=first, update=update, defer=defer, asks=node.asks if may_ask else 0, parent=parent
            )
            return replace(
                node,
                sub=inside(node.sub, node, alone and not leaving),
                calls=inside(node.calls, node, alone and not leaving),
            )

        def inside(sub, node, alone):
            many = forgetful or node.name in sent
            if sub and sub.memory and many:
                # Upstream lets tasks at the same time share one memory. In a graph without memory, here it is an error.
                sub = replace(sub, memory=None)
            if not sub:
                return None
            # Without a memory of its own upstream's sub-graph forgets the first of two answers.
            keeps = sub.memory is not False
            return replace(sub, graph=walk(sub.graph, joins, asks and keeps, alone, many or not keeps))

        # A loop in which nobody may count the rounds ends at the limit, and 2**30 bodies later where two are sent.
        endless = any(node.update == "nothing" for node in nodes_in(graph))
        routers = tuple(replace(r, back=None if endless else r.back) for r in graph.routers)
        return replace(graph, nodes=tuple(map(tame, graph.nodes)), joins=graph.joins if joins else (), routers=routers)

    return walk(graph, not forgets(graph), True, True)


ACTS = ["answer"] * 5 + ["answer one"] * 3 + ["answer bare"] * 2 + ["go", *["update"] * 5, *["fork"] * 3, "replay"]
ACTS += ["input", "go before", "command", "bulk", "update inside"]
VALUES = st.sampled_from(["yes", "yes", "again", False, 0, ""])


STYLES = st.sampled_from(["stream", "stream", "stream", "invoke", "ainvoke"])


@st.composite
def programs(draw, nesting=2, style=STYLES):
    graph = tamed(draw(graphs(nesting)))
    names = [node.name for node in graph.nodes]
    act = st.builds(Act, st.sampled_from(ACTS), st.sampled_from([*names, ""]), st.integers(0, 5), VALUES)
    static = draw(st.integers(0, 4)) == 0
    return Program(
        graph,
        tuple(draw(st.lists(act, min_size=1, max_size=5))),
        some(draw, names, 2) if static else (),
        some(draw, names, 1) if static else (),
        draw(style),
        # With "async" upstream's memory saver shares the sets of waiting edges with the run, and its history shows
        # later ones; with "sync" upstream crashes where a sub-graph is compiled with ``checkpointer=False``.
        "async" if forgets(graph) else "sync",
    )
