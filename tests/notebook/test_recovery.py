"""A checkpoint file that could not be written to, e.g. on a full disk: once there is room, the cell goes on."""

import errno

from nbhitl.notebook.workspace import Workspace

TEA = """--thread demo -i '{"topic": "tea"}'"""


def test_after_a_failed_write_the_cell_opens_the_file_again_and_goes_on(notebook, monkeypatch):
    notebook.post(TEA)
    workspace = Workspace.of(notebook.shell)
    broken = workspace.saver

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(broken._writer, "_flush", full)
    notebook.run("%graph answer decision=publish notes=x")
    assert "No space left on device" in str(notebook.error)
    assert broken.failed
    monkeypatch.undo()
    notebook.post(TEA)
    assert notebook.error is None
    assert workspace.saver is not broken
    assert [question.value for question in workspace.current.session.pending()], "the question is asked again"
    notebook.run("%graph answer decision=publish notes=x")
    assert workspace.current.session.state().metadata["stop"] == "finished"
