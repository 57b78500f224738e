"""The timeline's widget without a page: what it shows, what it takes, and what its buttons do."""

import pytest

from nbhitl.notebook.travelling.timeline import timeline_of
from nbhitl.notebook.travelling.timeline_view import TimelineView


@pytest.fixture
def view(notebook):
    """The timeline of the README's example, which has finished."""
    notebook.post("""--thread demo --input '{"topic": "<b>tea</b>"}'""")
    notebook.run("%graph answer decision=publish")
    made = TimelineView(
        lambda: notebook.workspace.find("post", "demo"), timeline_of(notebook.workspace.current.session)
    )
    made.notebook = notebook
    return made


def settled(view):
    """What the view says when the worker has done its work."""
    from nbhitl.notebook.commands import Act

    view.notebook.workspace.find("post", "demo").do(Act(lambda: None))
    return view._said.value


def test_it_begins_at_the_newest_step(view):
    lines = [line.split("  ")[0] for line in view._list.lines]
    assert lines == ["0 ✓ draft", "1 ✓ review", "2 ✓ publish", "3 ■ end of the run"]
    assert view._list.chosen == 3
    assert (view._back.disabled, view._fork.disabled) == (True, False)


def test_a_step_shows_what_it_changed_as_text(view):
    view._choose({"place": 0})
    assert "Step 0: ✓ draft ran" in view._shown.value
    assert "About &lt;b&gt;tea&lt;/b&gt;" in view._shown.value
    assert "<b>tea" not in view._shown.value
    assert not view._back.disabled


@pytest.mark.parametrize("sent", [None, [], {}, {"place": "1"}, {"place": -1}, {"place": 99}, {"place": True}])
def test_what_a_page_sends_that_is_no_place_is_ignored(view, sent):
    view._choose(sent)
    assert view._list.chosen == 3


def test_go_back_here_moves_the_thread_and_says_so(view):
    view._choose({"place": 1})
    view._back.click()
    assert "back at step 1, review waits for an answer, on branch 2." in settled(view)
    assert [line.split("  ")[0] for line in view._list.lines] == ["0 ✓ draft", "2 ? review"]
    assert len(view.notebook.workspace.current.session.pending()) == 1


def test_fork_here_begins_a_branch(view):
    view._choose({"place": 0})
    view._fork.click()
    assert "forked at step 0, before draft, on branch 2." in settled(view)
    assert [branch.name for branch in view.notebook.workspace.current.session.branches()] == ["main", "branch 2"]


def test_it_goes_on_when_the_cell_was_run_again(view):
    view.notebook.post("--thread demo")
    view._choose({"place": 2})
    view._back.click()
    assert "before publish" in settled(view)


def test_a_thread_that_is_gone_is_an_error_in_its_place(view):
    view.notebook.run("%graph delete demo --yes")
    assert view.notebook.error is None
    view._choose({"place": 0})
    assert 'role="alert"' in view._shown.value
    view._fork.click()
    assert 'role="alert"' in view._said.value
    view._refresh.click()
    assert 'role="alert"' in view._said.value
