"""What entries about attempts do to a position."""

from nbhitl.engine.breakpoints import Rules
from nbhitl.engine.moves import Commit, Perform, commit, next_move, taken
from nbhitl.engine.records import Checkpoint, Continued, Failed, Position, Retried, Task, Wrote
from tests.policies.graphs import Flaky, line

TASK = Task("c:0", "a")
CHECKPOINT = Checkpoint("c", None, 0, "loop", {}, (TASK,))
FIRST = Retried("c:0", 1, "E", "E: x", 7, 5)
SECOND = Retried("c:0", 2, "E", "E: x", 9, 5)
GRAPH = line(Flaky(0)).compile().graph


def test_the_last_attempt_counts():
    assert Position(CHECKPOINT).after([FIRST, SECOND]).retried == {"c:0": SECOND}


def test_a_task_that_is_tried_again_is_still_due_and_its_checkpoint_not_untouched():
    position = Position(CHECKPOINT).after([FIRST])
    assert not position.untouched
    assert next_move(GRAPH, position, Rules(9)) == Perform((TASK,))
    done = position.after([Wrote("c:0")])
    assert next_move(GRAPH, done, Rules(9)) == Commit()


def test_who_takes_a_run_up_again_goes_on_counting():
    assert Position(CHECKPOINT).after([FIRST, Continued(8)]).retried == {"c:0": FIRST}


def test_after_a_failure_it_is_counted_anew():
    failed = Position(CHECKPOINT).after([FIRST, Failed("c:0", "E", "E: x")])
    assert failed.retried == {"c:0": FIRST}
    assert failed.after([Continued(8)]).retried == {}
    assert Position(CHECKPOINT).after([FIRST, Failed("c:0", "E", "E: x"), Continued(8)]).retried == {}


def test_the_edges_of_a_node_do_not_follow_from_what_its_handler_wrote():
    for by, nodes in (("", ["b"]), ("cache", ["b"]), ("handler", [])):
        position = Position(CHECKPOINT).after([Wrote("c:0", by=by)])
        assert [task.node for task in commit(GRAPH, position, id="d", at=0).tasks] == nodes
        assert taken(GRAPH, position) == {("a", node) for node in nodes}
