"""kill -9 at any moment, and at every named point: nothing that was acknowledged is lost, nothing committed runs again.

``NBHITL_STORM=10000 python -m pytest tests/storms/test_kills.py`` kills more often.
"""

import re
import subprocess
import sys

import pytest

from nbhitl.checkpoint import crashing
from tests.storms.crashes import SCENES
from tests.storms.programs import ROOT, rounds, side_by_side

KILLS = 200
PASSINGS = ("1", "2", "5")
SIDE_BY_SIDE = 2


def test_random_kills_lose_no_acknowledged_step_and_run_no_committed_step_again(tmp_path, capsys):
    kills = str(-(-rounds(KILLS) // SIDE_BY_SIDE))
    found = side_by_side(tmp_path, [("kills", kills, str(seed)) for seed in range(SIDE_BY_SIDE)])
    for storm in found:
        assert storm["problems"] == []
        assert storm["acknowledged things lost"] == storm["committed steps run again"] == 0
        assert storm["slowest"] < 2
        assert storm["acknowledged: step"] > KILLS / 2
        assert storm["acknowledged: answered"]
        assert all(storm[f"kills, {how}"] for how in ("sync", "async", "exit", "bare"))
    assert sum(storm["kills"] for storm in found) >= rounds(KILLS)
    with capsys.disabled():
        print(*(f"\n{storm}" for storm in found))


@pytest.fixture(scope="module")
def crashes(tmp_path_factory):
    """What was wrong after a kill at each passing of each named point."""
    points = sorted(crashing.POINTS)
    shares = [points[i::SIDE_BY_SIDE] for i in range(SIDE_BY_SIDE)]
    calls = [("crashes", ",".join(PASSINGS), *share) for share in shares]
    return {
        point: told
        for found in side_by_side(tmp_path_factory.mktemp("crashes"), calls)
        for point, told in found.items()
    }


@pytest.mark.parametrize("point", crashing.POINTS)
def test_a_kill_at_a_named_point_loses_nothing(crashes, point):
    assert crashes[point] == {passing: [] for passing in PASSINGS}


def test_every_named_point_is_passed_somewhere_and_has_a_scene():
    source = "".join(path.read_text() for path in (ROOT / "nbhitl").rglob("*.py"))
    assert set(re.findall(r'crashing\.point\("(\w+)"\)', source)) == set(crashing.POINTS) == set(SCENES)


def test_the_environment_names_the_point_and_its_passing(tmp_path):
    code = (
        "from nbhitl.checkpoint import crashing\n"
        "for n in range(5): crashing.point('before_flush'); crashing.point('after_mark'); print(n, flush=True)"
    )
    env = {"NBHITL_CRASH_AT": "after_mark:3", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-9, "0\n1\n")
