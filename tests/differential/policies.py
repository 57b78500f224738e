"""Random programs of nodes with policies as plain data: retries, error handlers, cached results, defaults, draining.

`tests.differential.enforce` makes and plays them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.differential.programs import END, START
from tests.differential.strategies import some

ERRORS = ("value", "key", "connection", "odd")


@dataclass(frozen=True)
class Retry:
    attempts: int
    on: str
    """An error of `ERRORS`; ``two`` of them as a tuple; ``call``, a function; ``default``."""

    def covers(self, error: str) -> bool:
        match self.on:
            case "two":
                return error in ("value", "key")
            case "call":
                return error in ("value", "odd")
            case "default":
                return error in ("connection", "odd")
        return error == self.on


@dataclass(frozen=True)
class Policies:
    """What a node is given beside its body, or all nodes by default."""

    retries: tuple[Retry, ...] = ()
    handler: str = ""
    """``update``, ``goto``, ``raise``, ``ask``."""
    cached: str = ""
    """By the ``whole`` input, or by a ``key`` of it."""


@dataclass(frozen=True)
class Work:
    """A node: it asks, fails, and writes its name, in this order."""

    name: str
    policies: Policies = Policies()
    fails: int = 0
    """How often it does so with the same input."""
    error: str = "value"
    asks: int = 0
    early: bool = False
    """It fails before it asks."""
    goto: str = ""
    sends: str = ""
    drains: bool = False
    """Its run is asked to stop, the first time with the same input."""


@dataclass(frozen=True)
class Do:
    """``input`` x on a thread, ``go``, ``clear`` the cache (of a node)."""

    what: str
    thread: int = 0
    x: str = "ex"
    node: str = ""


@dataclass(frozen=True)
class Plan:
    works: tuple[Work, ...]
    edges: tuple[tuple[str, str], ...]
    defaults: Policies
    script: tuple[Do, ...]
    awaits: bool

    def policies(self, work: Work) -> Policies:
        """The policies of a node, with the defaults where it has none."""
        own, more = work.policies, self.defaults
        return Policies(own.retries or more.retries, own.handler or more.handler, own.cached or more.cached)

    def fatal(self, work: Work) -> bool:
        """Whether its error comes out of the run."""
        policies = self.policies(work)
        handled = policies.handler in ("update", "goto", "ask")
        return bool(work.fails) and not handled and not self.survives(work)

    def handled(self, work: Work) -> bool:
        """Whether its error ends in a handler."""
        return bool(work.fails and self.policies(work).handler) and not self.survives(work) and not self.fatal(work)

    def asks_about(self, work: Work) -> bool:
        """Whether its handler asks."""
        return self.handled(work) and self.policies(work).handler == "ask"

    def survives(self, work: Work) -> bool:
        """Whether its retries are enough."""
        attempts = [retry.attempts for retry in self.policies(work).retries if retry.covers(work.error)]
        return bool(attempts) and attempts[0] > work.fails


retries = st.lists(
    st.builds(Retry, st.integers(1, 4), st.sampled_from([*ERRORS, "two", "call", "default"])), max_size=2
).map(tuple)


def policies() -> st.SearchStrategy[Policies]:
    handler = st.sampled_from(["", "", "update", "update", "goto", "goto", "raise", "ask"])
    return st.builds(Policies, retries, handler, st.sampled_from([""] * 5 + ["whole", "key"]))


@st.composite
def works(draw, name, later):
    targets = [to for to in later if to != END]
    kind = draw(st.sampled_from(["plain", "plain", "fails", "fails", "fails", "ask", "ask", "goto", "send", "drain"]))
    work = Work(name, draw(policies()), error=draw(st.sampled_from(ERRORS)))
    match kind:
        case "fails":
            work = replace(work, fails=draw(st.integers(1, 3)), asks=draw(st.sampled_from([0, 0, 1])))
            return replace(work, early=draw(st.booleans()))
        case "ask":
            return replace(work, asks=draw(st.integers(1, 2)))
        case "goto":
            return replace(work, goto=draw(st.sampled_from(later)))
        case "send" if targets:
            return replace(work, sends=draw(st.sampled_from(targets)))
        case "drain":
            return replace(work, drains=True)
    return work


def tamed(plan: Plan) -> Plan:
    """The same without what differs from run to run upstream, or on purpose here."""
    fatal = [work.name for work in plan.works if plan.fatal(work)]
    sent = {work.sends for work in plan.works}
    # What a handler did beside a question or an error is lost upstream: it is called again in the next run.
    halts = {work.name for work in plan.works if work.asks or plan.asks_about(work)} | set(fatal)
    lost = bool(halts) and len(halts | {work.name for work in plan.works if plan.handled(work)}) > 1
    found = []
    for work in plan.works:
        # Two that fail in one step: upstream reports either one. Questions beside a failure: DIFFERENCES["parked"].
        keeps = not plan.fatal(work) or (work.name in fatal[:1] and work.name not in sent)
        one = work if keeps else replace(work, fails=0)
        if fatal:
            one = replace(one, asks=0)
            if one.policies.handler == "ask":
                one = replace(one, policies=replace(one.policies, handler="update"))
        if one.policies.cached or plan.defaults.cached:
            one = replace(one, asks=0)  # a result that a person had a part in is not cached here
        if any(work.fails for work in plan.works):
            one = replace(one, drains=False)  # a drain ends a back-off here
        if lost and plan.handled(one):
            one = replace(one, fails=0)
        found.append(one)
    defaults = replace(plan.defaults, handler="update") if fatal and plan.defaults.handler == "ask" else plan.defaults
    return replace(plan, works=tuple(found), defaults=defaults)


@st.composite
def plans(draw):
    names = [f"n{n}" for n in range(draw(st.integers(1, 4)))]
    later = {name: [*names[n + 1 :], END] for n, name in enumerate(names)}
    made = tuple(draw(works(name, later[name])) for name in names)
    if draw(st.sampled_from([False, False, False, False, True])):
        made = tuple(replace(work, fails=0, drains=True) for work in made)
    edges = [(START, names[0])]
    edges += [(draw(st.sampled_from([START, *names[: n + 1]])), name) for n, name in enumerate(names[1:])]
    edges += [(name, draw(st.sampled_from(later[name]))) for name in some(draw, names, 2)]
    do = st.builds(
        Do,
        st.sampled_from(["input", "input", "go", "go", "clear"]),
        st.integers(0, 1),
        st.sampled_from(["ex", "why"]),
        st.sampled_from(["", *names]),
    )
    defaults = draw(st.just(Policies()) | policies())
    script = (Do("input"), *draw(st.lists(do, max_size=5)))
    return tamed(Plan(made, tuple(dict.fromkeys(edges)), defaults, script, draw(st.booleans())))


def features(plan: Plan) -> set[str]:
    """What can be seen of a plan before it runs."""
    all_ = [plan.policies(work) for work in plan.works]
    found = {
        "retries": any(work.fails and plan.policies(work).retries for work in plan.works),
        "survives": any(work.fails and plan.survives(work) for work in plan.works),
        "two retry policies": any(len(one.retries) > 1 for one in all_),
        "fatal": any(plan.fatal(work) for work in plan.works),
        **{
            f"handler {kind}": any(
                work.fails and not plan.survives(work) and plan.policies(work).handler == kind for work in plan.works
            )
            for kind in ("update", "goto", "raise", "ask")
        },
        "cached": any(one.cached for one in all_),
        "defaults": plan.defaults != Policies(),
        "drains": any(work.drains for work in plan.works),
        "asks and fails": any(work.asks and work.fails for work in plan.works),
        "several threads": len({do.thread for do in plan.script}) > 1,
        "awaits": plan.awaits,
    }
    return {name for name, there in found.items() if there}
