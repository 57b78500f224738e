"""``nbhitl lint`` and what it reads: Python files and notebooks, in which no code is run."""

import json

import pytest

from nbhitl.cli import main
from nbhitl.engine.errors import NbhitlError
from nbhitl.lint import lint_notebook, lint_source

TRAP = "from nbhitl import interrupt\ndef node(state):\n    send_mail(1)\n    return {'x': interrupt('Go on?')}\n"


def notebook(*cells):
    made = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A lesson"]}, *made], "nbformat": 4})


def test_the_command_names_file_line_and_column_and_fails(tmp_path, capsys):
    file = tmp_path / "lesson.py"
    file.write_text(TRAP)
    assert main(["lint", str(file)]) == 1
    assert capsys.readouterr().out.startswith(f"{file}:3:5: warning NBH101 in node: send_mail() runs again when")


def test_the_command_says_that_nothing_was_found(tmp_path, capsys):
    file = tmp_path / "lesson.py"
    file.write_text("def node(state):\n    return {}\n")
    assert main(["lint", str(file)]) == 0
    assert capsys.readouterr().out == "The linter found nothing.\n"


def test_a_note_does_not_fail_the_command(tmp_path, capsys):
    file = tmp_path / "lesson.py"
    file.write_text("def node(state):\n    while not interrupt('Done?'):\n        pass\n")
    assert main(["lint", str(file)]) == 0
    assert ":2:15: note NBH304 in node" in capsys.readouterr().out


def test_a_file_that_is_no_python_is_an_error_that_names_the_line(tmp_path, capsys):
    file = tmp_path / "lesson.py"
    file.write_text("def node(state):\n    return {\n")
    assert main(["lint", str(file)]) == 1
    assert f"{file}: line 2 is no Python" in capsys.readouterr().err


def test_a_file_with_null_bytes_or_of_endless_depth_is_an_error_and_no_traceback(tmp_path, capsys):
    file = tmp_path / "lesson.py"
    for text in ("x = 1\0", "x = " + "(" * 5_000, "x = " + "-" * 50_000 + "1"):
        file.write_text(text)
        assert main(["lint", str(file)]) == 1
        assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize("terms", [100, 600, 3_000, 30_000])
def test_a_very_long_expression_is_looked_at_or_named_as_too_deep(terms):
    long = f"def total(state):\n    return {'+'.join(['1'] * terms)}\n"
    try:
        said = [one.code for one in lint_source(TRAP + long, "lesson.py")]
    except NbhitlError as error:  # how deep Python's own parser goes differs from version to version
        said = str(error)
    assert said == ["NBH101"] or (terms > 100 and said.startswith("lesson.py cannot be read as Python"))


def test_no_code_is_run(tmp_path):
    lint_source(f"open({str(tmp_path / 'made')!r}, 'w')\n" + TRAP)
    assert not list(tmp_path.iterdir())


def test_lines_of_a_notebook_count_in_their_cell_its_magic_included(tmp_path, capsys):
    file = tmp_path / "lesson.ipynb"
    file.write_text(notebook("%load_ext nbhitl", f"%%graph mails -N\n{TRAP}flow(START, node, END)\n"))
    assert main(["lint", str(file)]) == 1
    assert f"{file}:cell 3:4:5: warning NBH101 in node" in capsys.readouterr().out


def test_a_cell_of_a_notebook_knows_the_cells_before_it():
    helpers = (
        "from nbhitl import interrupt as person\nimport requests as http\ndef sure():\n    return person('Sure?')\n"
    )
    node = (
        "%%graph g\ndef node(state):\n    http.post('https://x')\n    return {'ok': sure()}\nflow(START, node, END)\n"
    )
    (found,) = lint_notebook(notebook(helpers, node), "lesson.ipynb")
    assert (found.cell, found.line, found.code) == (3, 3, "NBH101")


def test_a_graph_cell_needs_no_imports_and_another_cell_does():
    body = "def node(state):\n    send_mail(1)\n    return {'ok': approve('Go on?')}\n"
    assert lint_notebook(notebook(body), "x.ipynb") == []
    (found,) = lint_notebook(notebook(f"%%graph g\n{body}flow(START, node, END)\n"), "x.ipynb")
    assert found.code == "NBH101"


def test_magics_shell_lines_and_cells_of_other_languages_are_passed_over():
    cell = f"%matplotlib inline\n!ls\nif True:\n    %graph unbreak all\n{TRAP}"
    found = lint_notebook(notebook("%%bash\nrm -rf {", "%%graph_sql\nSELECT", "a = = b", cell), "x.ipynb")
    assert [(one.cell, one.line) for one in found] == [(5, 7)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [{}]}'])
def test_what_is_no_notebook_is_an_error(text):
    with pytest.raises(NbhitlError, match=r"x.ipynb is no notebook file"):
        lint_notebook(text, "x.ipynb")
