"""A command that was killed at any moment ends with the same bytes when it is given again, leaving nothing.

``KILLS=100 pytest tests/kills`` (``make kills``) kills as often; without, each command is killed once or so.
"""

import os
import random
import shutil

import pytest
from conftest import to_8bit, waves
from kills.killing import LINES, command, content, killed_and_ended

from tweenfield import write_video

KILLS = int(os.environ.get("KILLS", "0"))


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A clip, and a model that was fitted to it."""
    folder = tmp_path_factory.mktemp("given")
    write_video(folder / "clip.mkv", [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(8)], rate=30)
    assert command(LINES["fit"], folder).status == 0
    (folder / "o.tween").rename(folder / "m.tween")
    return folder


@pytest.mark.timeout(max(300, 60 * KILLS))
@pytest.mark.parametrize("name", LINES)
def test_killed_at_any_moment(given, tmp_path, capsys, name):
    shutil.copytree(given, tmp_path / "whole")
    ended = command(LINES[name], tmp_path / "whole")
    assert ended.status == 0, ended.said
    whole, kills, number = content(tmp_path / "whole"), 0, 0
    while kills < max(KILLS / len(LINES), 1):
        folder = tmp_path / str(number)
        hit, wrong = killed_and_ended(name, random.Random(f"{name} {number}"), given, folder, ended.seconds)
        assert wrong == [], f"case {number}"
        left = content(folder)
        assert left.keys() == whole.keys(), f"case {number}"
        assert left == whole, f"case {number}: {[name for name in whole if left[name] != whole[name]]}"
        kills, number = kills + hit, number + 1
        shutil.rmtree(folder)
    if KILLS:
        with capsys.disabled():
            print(f"\n{name}: {kills} kills in {number} cases", flush=True)
