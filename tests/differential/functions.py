"""Random programs of entrypoints and tasks as plain data, and the strategies that make them.

`tests.differential.perform` makes and plays them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from hypothesis import strategies as st


@dataclass(frozen=True)
class Ask:
    """A question in a body."""


@dataclass(frozen=True)
class Call:
    """A call of a task whose result is waited for at once."""

    task: str
    arg: int
    careful: bool = False
    """An error of it is caught and noted."""


@dataclass(frozen=True)
class Together:
    """Calls that run side by side."""

    calls: tuple[Call, ...]


Op: TypeAlias = Ask | Call | Together


@dataclass(frozen=True)
class Task:
    name: str
    ops: tuple[Op, ...] = ()
    fails: int = 0
    """How often it does so with the same argument, behind its operations."""
    attempts: int = 0
    """Its retry policy; 0: none."""
    cached: bool = False
    awaits: bool = False


@dataclass(frozen=True)
class Function:
    """An entrypoint, its tasks, and with how many inputs it is called on which threads."""

    tasks: tuple[Task, ...]
    ops: tuple[Op, ...]
    save: str = ""
    """What the next call on the thread gets as ``previous``: the result, or its ``size`` by ``final(save=...)``."""
    fails: int = 0
    attempts: int = 0
    awaits: bool = False
    turns: tuple[tuple[int, int], ...] = ((0, 0),)
    """Thread and input."""
    streams: bool = False

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)

    def reached(self, ops: tuple[Op, ...]) -> list[tuple[Op, bool]]:
        """Every operation at every depth, as often as it is made, and whether it runs beside others."""
        found: list[tuple[Op, bool]] = []
        for op in ops:
            calls = op.calls if isinstance(op, Together) else (op,) if isinstance(op, Call) else ()
            found.append((op, False))
            for call in calls:
                beside = isinstance(op, Together)
                found += [(call, beside)] * (op is not call)
                found += [(one, beside or more) for one, more in self.reached(self.task(call.task).ops)]
        return found

    def fatal(self, task: Task) -> bool:
        return bool(task.fails) and task.attempts <= task.fails

    def breaks(self, call: Call) -> bool:
        """Whether a call of it may end with an error that no policy covers."""
        return any(isinstance(op, Call) and self.fatal(self.task(op.task)) for op, _ in self.reached((call,)))

    def lonely(self, op: Op) -> Op:
        """The same with one call at most that breaks: which error comes first is chance."""
        if not isinstance(op, Together):
            return op
        breaks = [call for call in op.calls if self.breaks(call)]
        return Together(tuple(call for call in op.calls if call not in breaks[1:]))

    @property
    def again(self) -> bool:
        """Whether a body that calls is tried again in a run: upstream calls tasks that have ended once more."""
        breaks = any(map(self.fatal, self.tasks))
        tried = any((task.fails or breaks) and task.attempts > 1 and quiet(task.ops) for task in self.tasks)
        return tried or (self.attempts > 1 and (bool(self.fails) or breaks))

    @property
    def races(self) -> bool:
        """Whether calls that run side by side may find each other's results in the cache, or not."""
        return any(task.cached for task in self.tasks) and any(beside for _, beside in self.reached(self.ops))

    @property
    def beside(self) -> int:
        """How many questions there are in tasks that run beside others."""
        return sum(isinstance(op, Ask) for op, beside in self.reached(self.ops) if beside)


def features(function: Function) -> set[str]:
    """What can be seen of a program before it runs."""
    reached = function.reached(function.ops)
    called = [function.task(op.task) for op, _ in reached if isinstance(op, Call)]
    found = {
        "question in the body": any(isinstance(op, Ask) for op in function.ops),
        "question in a task": any(isinstance(op, Ask) for task in called for op in task.ops),
        "questions side by side": function.beside > 1,
        "side by side": any(isinstance(op, Together) for op, _ in reached),
        "task in a task": any(isinstance(op, Call | Together) for task in called for op in task.ops),
        "task fails": any(function.fatal(task) for task in called),
        "task is retried": any(task.fails and task.attempts > 1 for task in called),
        "entrypoint fails": bool(function.fails) and function.attempts <= function.fails,
        "entrypoint is retried": bool(function.fails) and function.attempts > 1,
        "error is caught": any(
            isinstance(op, Call) and op.careful and function.fatal(function.task(op.task)) for op, _ in reached
        ),
        "cached": any(task.cached for task in called),
        "a caller is tried again": function.again,
        "saved": function.save != "",
        "several turns": len(function.turns) > 1,
        "awaits": function.awaits,
        "sync task awaited": function.awaits and any(not task.awaits for task in called),
        "streams": function.streams,
    }
    return {name for name, there in found.items() if there}


@st.composite
def operations(draw, names, most):
    """A few operations that call some of ``names``."""
    found: list[Op] = []
    for _ in range(draw(st.integers(0 if most < 4 else 1, most))):
        kind = draw(st.sampled_from(["ask", "call", "call", "together"]) if names else st.just("ask"))
        call = st.builds(Call, st.sampled_from(names), st.integers(0, 2), st.sampled_from([False, False, True]))
        match kind:
            case "ask":
                found.append(Ask())
            case "call":
                found.append(draw(call))
            case _:
                calls = draw(st.lists(call, min_size=2, max_size=3, unique_by=lambda one: (one.task, one.arg)))
                found.append(Together(tuple(replace(one, careful=False) for one in calls)))
    return tuple(found)


def tamed(function: Function) -> Function:
    """The same without what differs from run to run upstream, or on purpose here."""
    fatal = [task.name for task in function.tasks if function.fatal(task)]
    tasks: list[Task] = []
    for task in function.tasks:
        # One that fails may end before or behind a question beside it. A result that a person had a part in is not
        # taken from the cache here: see test_exceptions_of_policies.
        asks = not (fatal and function.beside) and not any(one.cached for one in function.tasks)
        ops = task.ops if asks else quiet(task.ops)
        one = replace(task, ops=ops, fails=0) if task.name in fatal[1:] else replace(task, ops=ops)
        # A task without a policy of its own has that of its entrypoint upstream.
        tasks.append(replace(one, attempts=one.attempts or 1) if function.attempts else one)
    made = replace(function, tasks=tuple(tasks))
    alone = [replace(task, ops=tuple(map(made.lonely, task.ops))) for task in made.tasks]
    made = replace(made, tasks=tuple(alone), ops=tuple(map(made.lonely, made.ops)))
    if made.again:  # upstream counts the calls of an earlier attempt in: one gets the result of another
        short = [replace(task, ops=single(task.ops)) for task in made.tasks]
        made = replace(made, tasks=tuple(short), ops=single(made.ops))
    return made


def single(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """Without questions, and with one call only."""
    found = quiet(ops)[:1]
    return tuple(Together(op.calls[:1]) if isinstance(op, Together) else op for op in found)


def quiet(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """The same without questions."""
    return tuple(op for op in ops if not isinstance(op, Ask))


@st.composite
def functions(draw):
    awaits = draw(st.booleans())
    tasks: list[Task] = []
    for n in reversed(range(draw(st.integers(1, 3)))):
        # A plain task must not call one that awaits.
        waits = awaits and draw(st.sampled_from([True, True, False]))
        names = [task.name for task in tasks] if waits or not awaits else []
        ops = draw(operations(names, 2)) if draw(st.booleans()) else ()
        fails = draw(st.sampled_from([0, 0, 0, 1, 2]))
        tasks.append(
            Task(
                f"t{n}",
                ops,
                fails,
                draw(st.sampled_from([0, 0, 2, 3])),
                draw(st.sampled_from([False, False, True])),
                waits,
            )
        )
    fails = draw(st.sampled_from([0, 0, 0, 0, 1]))
    turn = st.tuples(st.integers(0, 1), st.integers(0, 1))
    made = Function(
        tuple(tasks),
        draw(operations([task.name for task in tasks], 4)),
        draw(st.sampled_from(["", "", "size"])),
        fails,
        draw(st.sampled_from([0, 0, 2, 3])),
        awaits,
        ((0, 0), *draw(st.lists(turn, max_size=2))),
        draw(st.booleans()),
    )
    return tamed(made)
