"""Branches are read off the checkpoints of a thread, whatever these hold."""

import pytest

from nbhitl.debugging.lineage import Lineage, check_name, genuine
from nbhitl.engine.errors import NbhitlError
from nbhitl.engine.records import Checkpoint, Position


def positions(*rows):
    """``(id, parent, source)``, oldest first, as positions, newest first."""
    made = [Position(Checkpoint(id, parent, step, source)) for step, (id, parent, source) in enumerate(rows)]
    return made[::-1]


FORKED = positions(("a", None, "input"), ("b", "a", "loop"), ("c", "b", "loop"), ("f", "a", "fork"), ("g", "f", "loop"))


def test_the_first_child_goes_on_and_the_second_one_begins_a_branch():
    main, other = Lineage(FORKED, {}).branches
    assert (main.name, main.head, main.steps, main.current) == ("main", "c", 2, False)
    assert (other.name, other.id, other.head, other.left, other.left_at, other.current) == (
        "branch 2", "f", "g", "a", 0, True,
    )  # fmt: skip


def test_a_named_checkpoint_begins_a_branch_although_it_is_the_first_child():
    made = Lineage(positions(("a", None, "input"), ("f", "a", "fork"), ("c", "a", "loop")), {"f": "two"})
    assert [(branch.name, branch.head) for branch in made.branches] == [("main", "c"), ("two", "f")]


def test_the_line_of_a_branch_goes_back_to_the_beginning():
    made = Lineage(FORKED, {})
    assert [[position.checkpoint.id for position in made.line(branch)] for branch in made.branches] == [
        ["a", "b", "c"],
        ["a", "f", "g"],
    ]


def test_a_parent_that_was_pruned_makes_a_branch_that_left_no_other():
    made = Lineage(positions(("c", "b", "loop"), ("d", "c", "loop")), {})
    assert [(branch.id, branch.parent, branch.head) for branch in made.branches] == [("c", "", "d")]


def test_copies_stand_in_for_what_they_copy():
    line = positions(
        ("a", None, "input"), ("b", "a", "loop"), ("f", "b", "fork"), ("g", "f", "fork"), ("h", "g", "loop")
    )
    assert [position.checkpoint.id for position in genuine(line)] == ["h", "g", "a"]


def test_a_thread_without_checkpoints_has_no_branches():
    made = Lineage([], {"gone": "name"})
    assert (made.branches, made.shown(), made.leaving()) == ((), [], {})


@pytest.mark.parametrize("name", ["", " ", " x", "x ", "12", "a\tb", "\x1b[31m", "x" * 61])
def test_what_cannot_be_a_name(name):
    with pytest.raises(NbhitlError, match="cannot be called"):
        check_name(name)
