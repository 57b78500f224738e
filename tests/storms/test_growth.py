"""What a `DuckDBSaver` stores of lists that grow, against `InMemorySaver`: the same comes back, always.

The model gets deep copies at every commit, the file gets the very objects that a run holds: lists that a reducer made
or extended in place, lists that a node returned, returned again, or changed before it returned them. Hypothesis picks
what happens; a number for each picks the values, so that there is time for many.
"""

import copy
import json
import random
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from nbhitl.checkpoint import DuckDBSaver, InMemorySaver, lines
from nbhitl.checkpoint.file import instances, mark
from nbhitl.checkpoint.file.verifying import verify_all
from nbhitl.engine.errors import SaverError, UnstorableValueError
from nbhitl.engine.records import Answered, Asked, Checkpoint, Send, Stopped, Task, ThreadKey, Wrote
from tests.storms.programs import rounds

REDUCED = ("log", "notes")
PLAIN = ("last", "other")
CHANNELS = (*REDUCED, *PLAIN)
MAIN, COPY, SUB = ThreadKey("t"), ThreadKey("copy"), ThreadKey("t", ns="memory")
COUNTS: Counter[str] = Counter()

ATOMS = (
    *(None, True, False, -1, 0, 1, 2, 17, 0.0, -0.0, 1.0, 0.5, "", "a", "b", "naïve", "x" * 40, (), (1, [2])),
    *(2**63, -(2**63) - 1, 2**70, "\ud800", b"", b"a"),
)
PLAIN_ATOMS = 17
"""The first so many have JSON."""
REDUCED_CHANGES = (
    *("add", "add", "add", "add", "add", "extend", "extend"),
    *("cut", "keep one", "copy", "replace", "scalar", "back", "back", "gone", "same"),
)
PLAIN_CHANGES = (
    *("fresh", "fresh", "append", "append", "twin", "twin", "prefix", "prefix"),
    *("pop", "inside", "other", "scalar", "back", "back", "gone", "same", "swap", "deep copy"),
)
KEYS = st.sampled_from([MAIN, MAIN, MAIN, SUB, COPY])


class Chance(random.Random):
    """Values that a state may have, by chance."""

    def __init__(self, seed):
        super().__init__(seed)
        self.odd = self.random() < 0.2
        """Whether values without JSON are among them."""

    def atom(self):
        return self.choice(ATOMS if self.odd else ATOMS[:PLAIN_ATOMS])

    def item(self, depth=0):
        if depth > 2 or self.random() < 0.6:
            return self.atom()
        if self.random() < 0.5:
            return [self.item(depth + 1) for _ in range(self.randrange(3))]
        return {name: self.item(depth + 1) for name in self.sample("abc", self.randrange(3))}

    def rest(self):
        """Mostly short; sometimes longer than what is compared."""
        return [self.item() for _ in range(self.choice((0, 1, 1, 2, 3, 9, 12)))]

    def yes(self, share=0.5):
        return self.random() < share


DRAWN = st.integers(0, 2**32 - 1).map(Chance)


def changed_value(old, how, chance, past=None):
    """A channel's next value, in a list: what reducers and nodes do with lists. An empty one: it has none any more."""
    rest = chance.rest()
    if how == "gone":
        return []
    if past is not None and (how == "back" or (not isinstance(old, list) and chance.yes())):
        return [past + rest]
    if how == "scalar":
        return [chance.choice([None, 1, "text", {"a": rest}, tuple(rest)])]
    if not isinstance(old, list) or how in ("replace", "other"):
        return [rest]
    place = chance.randrange(len(old) + 1)
    match how:
        case "add":
            return [old + rest]
        case "extend" | "append":
            old.extend(rest)  # in place: the very list that the saver saw
        case "cut":
            return [old[:place]]
        case "keep one":
            return [old[-1:] + rest]
        case "copy" | "twin":
            return [copy.deepcopy(old) + rest]
        case "fresh":
            return [[*old, *rest]]
        case "pop":
            del old[place : place + 1]
        case "inside":
            inner = [item for item in old if isinstance(item, (dict, list))]
            if not inner:
                old.insert(place, [1])
            elif isinstance(found := chance.choice(inner), list):
                found.append(chance.item())
            else:
                found["a"] = chance.item()
        case "prefix":
            return [old[:place] + rest]
        case "deep copy":
            return [copy.deepcopy(old)]
        case "swap":
            return [old[::-1]]
        case _:
            assert how == "same"
    return [old]


def same(found, expected):
    """Equal, where 1 and True and 1.0 differ and the order of the channels does not matter."""
    assert (found is None) == (expected is None)
    if found is None:
        return
    ours, theirs = found.checkpoint, expected.checkpoint
    assert _texts(ours.values) == _texts(theirs.values)
    assert _texts(found.wrote) == _texts(expected.wrote)
    assert list(map(repr, ours.tasks)) == list(map(repr, theirs.tasks))
    bare = {"values": {}, "tasks": ()}
    found = replace(found, checkpoint=replace(ours, **bare), wrote={})
    assert found == replace(expected, checkpoint=replace(theirs, **bare), wrote={})


def _texts(values):
    return {name: repr(values[name]) for name in sorted(values)}


def has_json(value):
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        return False
    return repr(json.loads(json.dumps(value))) == repr(value)


class Growth(RuleBasedStateMachine):
    """A thread, a sub-graph that remembers and a copy, in a file and in a model."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "t.duckdb"
        shutil.copyfile(_template(), self.path)
        self.file = DuckDBSaver(self.path)
        self.model = InMemorySaver()
        self.patch = pytest.MonkeyPatch()
        self.live = {}
        """What a run holds, by line: its newest checkpoint with the very values."""
        self.known = {}
        """The ids of each line's checkpoints, oldest first."""
        self.spoilt = {}
        """Channels, by line, whose lists were changed in place by a step that was refused."""
        self.past = {}
        """The last list that each channel of a line had."""
        self.count = 0

    def teardown(self):
        try:
            for key in self.known:
                self.agree(key)
                self.whole_history(key)
        finally:
            self.patch.undo()
            self.file.close()
            connection = instances.opened(self.path)
            report = verify_all(connection, mark.read(self.path))
            connection.close()
            shutil.rmtree(self.folder)
        assert report.problems == []

    def agree(self, key):
        position = self.file.load(key)
        same(position, self.model.load(key))
        return position

    def whole_history(self, key, **which):
        found, expected = list(self.file.history(key, **which)), list(self.model.history(key, **which))
        assert [p.checkpoint.id for p in found] == [p.checkpoint.id for p in expected]
        for ours, theirs in zip(found, expected, strict=True):
            same(ours, theirs)

    def both(self, act):
        """The same call of both: both do it, or both refuse with the same error."""
        outcomes = []
        for saver in (self.file, self.model):
            try:
                outcomes.append(act(saver))
            except SaverError as error:
                outcomes.append((type(error), str(error)))
        assert outcomes[0] == outcomes[1]
        return outcomes[0]

    def commit(self, key, parent, step, values, changed, chance, tasks_before):
        self.count += 1
        id_ = f"c{self.count}"
        tasks = [Task(f"{id_}:{i}", f"n{i}") for i in range(chance.randrange(3))]
        if chance.yes(0.2):
            tasks.append(Task(f"{id_}:s", "sent", chance.item()))
        source = "loop" if parent else "input"
        checkpoint = Checkpoint(id_, parent, step, source, values, tuple(tasks), changed=tuple(changed), at=self.count)
        wrote = None
        if tasks_before and chance.yes(0.7):
            goto = chance.choice([(), (), ("n0",), (Send("n1", chance.item()),)])
            wrote = Wrote(tasks_before[-1].id, tuple(updates(changed, values, chance)), goto)
        joined = frozenset(chance.choice([REDUCED, REDUCED, REDUCED, REDUCED, (), REDUCED[:1]]))
        mine = replace(checkpoint, values=copy.deepcopy(values), tasks=copy.deepcopy(checkpoint.tasks))
        self.model.commit(key, mine, wrote=copy.deepcopy(wrote))
        self.file.commit(key, checkpoint, wrote=wrote, joined=joined, wait=False)
        self.live[key] = checkpoint
        self.spoilt.pop(key, None)
        self.known.setdefault(key, []).append(id_)
        COUNTS["commits"] += 1

    @initialize(chance=DRAWN, few=st.booleans())
    def first(self, chance, few):
        if few:  # lines are forgotten and read again, and full rows come early
            self.patch.setattr(lines, "_MOST", 2)
            self.patch.setattr(lines, "_FEW", 3)
        values = {name: chance.rest() for name in CHANNELS if chance.yes()}
        self.commit(MAIN, None, -1, values, values, chance, [])

    @rule(chance=DRAWN, key=KEYS, steps=st.integers(1, 6))
    def step(self, chance, key, steps):
        if key not in self.live:
            if key == COPY:
                return
            self.commit(key, None, -1, {}, (), chance, [])
        for _ in range(steps):
            before = self.live[key]
            values, changed = self.changed(key, chance)
            self.commit(key, before.id, before.step + 1, values, changed, chance, before.tasks)

    def changed(self, key, chance):
        """The values of a line's next step, and the names of those that changed."""
        old = self.live[key].values
        values, changed = dict(old), chance.sample(CHANNELS, chance.randrange(4))
        for name in changed:
            how = chance.choice(REDUCED_CHANGES if name in REDUCED else PLAIN_CHANGES)
            COUNTS[how] += 1
            if isinstance(old.get(name), list):
                self.past[key, name] = list(old[name])
            values.pop(name, None)
            for value in changed_value(old.get(name), how, chance, self.past.get((key, name))):
                values[name] = value
        return values, {*changed, *self.spoilt.pop(key, ())}

    @rule(chance=DRAWN, key=KEYS)
    def refused(self, chance, key):
        """A step with a value that cannot be stored: nothing is written, and what it changed in place may stay so."""
        if key not in self.live:
            return
        before = self.live[key]
        values, changed = self.changed(key, chance)
        bad = Checkpoint(
            "bad", before.id, before.step + 1, "loop", {**values, "bad": object()}, changed=(*changed, "bad")
        )
        with pytest.raises(UnstorableValueError, match="bad"):
            self.file.commit(key, bad, joined=frozenset(REDUCED), wait=False)
        self.spoilt[key] = changed
        COUNTS["refused"] += 1

    @rule(chance=DRAWN, size=st.integers(16, 40), name=st.sampled_from(CHANNELS))
    def long_run(self, chance, size, name):
        """So many steps that full rows come in between."""
        for _ in range(size):
            before = self.live[MAIN]
            old = before.values.get(name)
            values = {
                **before.values,
                name: [*(old if isinstance(old, list) else range(9)), before.step, chance.item()],
            }
            changed = {name, *self.spoilt.pop(MAIN, ())}
            self.commit(MAIN, before.id, before.step + 1, values, changed, chance, before.tasks)
        COUNTS["long runs"] += 1

    @rule(chance=DRAWN, key=KEYS)
    def fork(self, chance, key):
        if key not in self.known:
            return
        parent = chance.choice(self.known[key])
        position = self.file.load(key, parent)
        same(position, self.model.load(key, parent))
        checkpoint = position.checkpoint
        changed = chance.sample(CHANNELS, chance.randrange(3))
        values = {**checkpoint.values, **{name: chance.rest() for name in changed}}
        tasks = () if position.wrote else checkpoint.tasks
        self.commit(key, parent, checkpoint.step + 1, values, changed, chance, tasks)
        COUNTS["forks"] += 1

    @rule(key=KEYS, goes_on=st.booleans())
    def load(self, key, goes_on):
        """The run goes on with what was loaded, as after a question; or somebody only looks."""
        if key in self.live:
            position = self.agree(key)
            if goes_on:
                self.live[key] = position.checkpoint
                self.spoilt.pop(key, None)
                COUNTS["loads"] += 1

    @rule(key=KEYS, limit=st.none() | st.integers(0, 5))
    def history(self, key, limit):
        self.whole_history(key, limit=limit)

    @rule(chance=DRAWN)
    def old(self, chance):
        id_ = chance.choice(self.known[MAIN])
        same(self.file.load(MAIN, id_), self.model.load(MAIN, id_))
        same(self.file.newest(MAIN, id_), self.model.newest(MAIN, id_))

    @rule(compact=st.integers(0, 3))
    def reopen(self, compact):
        if compact:
            self.file.close()
            self.file = DuckDBSaver(self.path)
        else:
            self.file.compact()
        COUNTS["reopened" if compact else "compacted"] += 1

    @rule(chance=DRAWN, key=KEYS)
    def happenings(self, chance, key):
        """Entries at the newest checkpoint: writes, a question and its answer."""
        if key not in self.live or not self.live[key].tasks:
            return
        place = self.live[key]
        task = place.tasks[0].id
        self.count += 1
        asked = Asked(task, f"q{self.count}", chance.item())
        wrote = Wrote(task, tuple(updates(list(place.values), place.values, chance)))
        answered = Answered(asked.id, chance.item(), by="ann")
        entries = chance.choice([[asked], [asked, wrote], [wrote], [asked, answered], [Stopped("failed")]])
        copied = [copy.deepcopy(entry) if isinstance(entry, Wrote) else entry for entry in entries]
        self.model.append(key, place.id, copied)
        self.file.append(key, place.id, entries, wait=False)

    @rule(keep=st.integers(0, 9))
    def prune(self, keep):
        if self.both(lambda saver: saver.prune(MAIN, keep=keep)) is None:
            self.known[MAIN] = [p.checkpoint.id for p in self.model.history(MAIN)][::-1]
            COUNTS["prunes"] += 1

    @precondition(lambda self: COPY not in self.live)
    @rule()
    def make_copy(self):
        assert self.both(lambda saver: saver.copy_thread(MAIN, COPY)) is None
        place = self.live[MAIN]
        self.live[COPY] = replace(place, values=copy.deepcopy(place.values))
        self.known[COPY] = list(self.known[MAIN])
        COUNTS["copies"] += 1

    @precondition(lambda self: COPY in self.live)
    @rule()
    def delete_copy(self):
        assert self.both(lambda saver: saver.delete_thread(COPY)) is None
        del self.live[COPY], self.known[COPY]

    @rule()
    def sql(self):
        """The view shows the values that the model has, where they have JSON."""
        rows = self.file.sql("SELECT checkpoint, key, value FROM state WHERE thread = 't' AND ns = ''")
        found = {(checkpoint, key): value for checkpoint, key, value in rows}
        for position in self.model.history(MAIN):
            checkpoint = position.checkpoint
            for name in CHANNELS:
                if name not in checkpoint.values:
                    assert (checkpoint.id, name) not in found
                elif has_json(checkpoint.values[name]):
                    assert json.loads(found.pop((checkpoint.id, name))) == checkpoint.values[name]
                    COUNTS["values in SQL"] += 1
        assert self.file.sql(
            "SELECT count(*) + coalesce(sum(CAST(json_extract(json, '$.rows') AS BIGINT))"
            " FILTER (kind = 'pruned'), 0) = max(seq) FROM journal"
        ).rows == [(True,)]

    @rule()
    def threads(self):
        assert [t.key for t in self.file.threads()] == [t.key for t in self.model.threads()]


def updates(names, values, chance):
    """What a node may have written that made these values."""
    for name in names:
        if name in values:
            value = values[name]
            match chance.choice(("value", "rest", "rest", "other", "none")):
                case "value":
                    yield name, value
                case "rest" if isinstance(value, list):
                    yield name, value[chance.randrange(len(value) + 1) :]
                case "other":
                    yield name, chance.rest()


_TEMPLATES = []


def _template():
    if not _TEMPLATES:
        path = Path(tempfile.mkdtemp()) / "empty.duckdb"
        DuckDBSaver(path).close()
        _TEMPLATES.append(path)
    return _TEMPLATES[0]


# -- what was found once


def commits(saver, *values, joined=()):
    """One step for each: what the key ``x`` has then, ``...`` for no value."""
    for n, value in enumerate(values):
        state = {"n": n} if value is ... else {"n": n, "x": value}
        made = Checkpoint(f"c{n}", f"c{n - 1}" if n else None, n, "loop", state, changed=("n", "x"))
        saver.commit(MAIN, made, joined=frozenset(joined), wait=False)


@pytest.mark.parametrize("between", [None, {"a": 1}, "text", ()])
@pytest.mark.parametrize("joined", ["", "x"])
def test_a_list_that_was_something_else_in_between_comes_back(between, joined):
    long = list(range(12))
    with DuckDBSaver(":memory:") as saver:
        commits(saver, long, between, [*long, 12], joined=joined)
        assert saver.load(MAIN).checkpoint.values["x"] == [*long, 12]
        assert [p.checkpoint.values["x"] for p in saver.history(MAIN)] == [[*long, 12], between, long]


def test_a_value_that_is_gone_where_a_row_is_full_is_gone_in_the_history():
    with DuckDBSaver(":memory:") as saver:
        long = ["x" * 400] * 4
        commits(saver, *([[*long, n]] for n in range(20)), *([...] * 20))
        full = saver._reader.rows("SELECT step FROM journal WHERE key = 'full'")
        assert any(step >= 20 for (step,) in full) or len(full) > 1
        assert [("x" in p.checkpoint.values) for p in saver.history(MAIN)] == [False] * 20 + [True] * 20
        rows = saver.sql("SELECT step FROM state WHERE key = 'x' ORDER BY step").rows
        assert [step for (step,) in rows] == list(range(20))


def test_a_look_in_between_does_not_make_every_later_step_read_the_whole_list(monkeypatch):
    with DuckDBSaver(":memory:") as saver:
        log = [{"n": n} for n in range(50)]
        saver.commit(MAIN, Checkpoint("c0", None, 0, "loop", {"x": log}, changed=("x",)), joined={"x"})
        saver.load(MAIN)  # somebody watches the run: it goes on with its own list
        journal, reads = saver._journal, []
        values = journal.values
        monkeypatch.setattr(journal, "values", lambda records: reads.append(1) or values(records))
        for n in range(1, 11):
            log = [*log, {"n": n}]
            made = Checkpoint(f"c{n}", f"c{n - 1}", n, "loop", {"x": log}, changed=("x",))
            saver.commit(MAIN, made, joined={"x"}, wait=False)
        assert len(reads) <= 2
        assert saver.load(MAIN).checkpoint.values == {"x": log}


def test_a_checkpoint_keeps_its_write_when_the_branch_that_it_led_to_is_pruned():
    for saver in (DuckDBSaver(":memory:"), InMemorySaver()):
        task = Task("a:0", "node")
        saver.commit(MAIN, Checkpoint("a", None, 0, "input", {"x": [1]}, (task,), changed=("x",)))
        wrote = Wrote("a:0", (("x", [1, 2]),))
        saver.commit(MAIN, Checkpoint("b", "a", 1, "loop", {"x": [1, 2]}, changed=("x",)), wrote=wrote)
        saver.commit(MAIN, Checkpoint("c", "a", 1, "fork", {"x": [3]}, changed=("x",)))
        saver.prune(MAIN, keep=2)
        assert [p.checkpoint.id for p in saver.history(MAIN)] == ["c", "a"]
        assert saver.load(MAIN, "a").wrote == {"a:0": wrote}
        saver.close()


def test_lists_that_grow_shrink_and_change_come_back_as_the_reference_has_them():
    how = settings(
        max_examples=rounds(120),
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Growth, settings=how)
    print(dict(COUNTS))
