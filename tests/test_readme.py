"""The README's Python blocks run as they stand; those with magics are for a notebook, and are run there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
PLAIN = [b for b in BLOCKS if not re.search(r"^%", b, re.MULTILINE) and re.search(r"^(from|import) ", b)]


def first_names(block):
    return re.sub(r"\W+", " ", block.split("import ", 1)[1].splitlines()[0])


def test_there_are_blocks_to_run():
    assert len(PLAIN) >= 4


@pytest.mark.parametrize("block", PLAIN, ids=first_names)
def test_a_block_of_the_readme_runs(block, tmp_path):
    script = tmp_path / "block.py"
    script.write_text(block)
    command = [sys.executable, "-W", "error", str(script)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout
