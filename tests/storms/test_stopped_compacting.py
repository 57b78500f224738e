"""Ctrl-C at each line of `DuckDBSaver.compact`: the saver works on, whatever was open at that moment."""

import pytest

from nbhitl import DuckDBSaver
from nbhitl.checkpoint.file import compacting, instances
from nbhitl.engine.records import Checkpoint, ThreadKey
from tests.storms.stops import ByLine, Measure

KEY = ThreadKey("t")


@pytest.fixture
def grown(tmp_path):
    def made(name):
        saver = DuckDBSaver(tmp_path / f"{name}.duckdb")
        saver.commit(KEY, Checkpoint("a", None, -1, "input", {"log": [1]}))
        return saver

    return made


def test_a_stop_at_any_line_leaves_a_saver_that_works(grown):
    measure = Measure(tracing=True)
    with grown("whole") as saver, measure:
        saver.compact()
    lines = sorted(line for line in measure.lines if line[0] in (compacting.__file__, instances.__file__))
    assert len(lines) > 30
    struck = 0
    for number, (file, line) in enumerate(lines):
        with grown(str(number)) as saver:
            disturbance = ByLine(file, line, 1)
            try:
                with disturbance:
                    saver.compact()
            except KeyboardInterrupt:
                struck += disturbance.struck
            assert saver.load(KEY).checkpoint.values == {"log": [1]}, (file, line)
            saver.commit(KEY, Checkpoint("b", "a", 0, "loop", {"log": [1]}))
    assert struck > 30
