"""Every recipe of the docs does what it says, on a small clip and with a small fit."""

import os
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from command.running import tweenfield
from conftest import to_8bit, waves
from video.clicks import clicking

from tweenfield import read_video, write_video

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text()
RECIPES = re.findall(r"\*\*(.*?)\.\*\*.*?```sh\n(.*?)\n```", PAGE, re.DOTALL)
FEW = "--field siren --preset draft --width 16 --depth 2 --steps 4 --device cpu"
# What each leaves: a name, how many frames, and at which rate; the clip has 75 frames at 25 per second.
LEFT = {
    "Twice the frame rate": ("smooth.mp4", 150, 50),
    "Slow motion": ("slow.mp4", 600, 25),
    "Another frame rate": ("screen.mp4", 180, 60),
    "A speed ramp": ("ramp.mp4", None, 25),
    "Motion blur": ("blurred.mp4", 36, 12),
    "Part of a clip": ("part.mp4", 20, 50),
    "A GIF": ("clip.gif", 150, 50),
    "For an editor": ("clip.mov", 150, 50),
    "For measurements": ("clip.mkv", 150, 50),
    "A time lapse": ("lapse.mp4", 20, 48),
    "A folder of clips": ("smooth/b.mp4", 10, 50),
    "Between other programs": ("smooth.mkv", 10, 50),
}


def small(path):
    """Five frames at 25 per second."""
    write_video(path, [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(5)], rate=25)


def test_there_are_twelve():
    assert [name for name, _ in RECIPES] == list(LEFT)


@pytest.mark.parametrize(("name", "line"), RECIPES)
def test_a_recipe_does_what_it_says(tmp_path, monkeypatch, name, line):
    monkeypatch.chdir(tmp_path)
    clicking(tmp_path / "clip.mp4")
    if name == "For measurements":
        (tmp_path / "clip.mp4").rename(tmp_path / "other.mp4")
        line = line.replace("clip.mp4", "other.mp4")
    if name == "Between other programs":
        small(tmp_path / "clip.mkv")
        program = f"{sys.executable} -c 'from tweenfield.command.app import main; main()'"
        piped = line.replace("tweenfield run -", f"{program} run - {FEW}", 1)
        subprocess.run(["bash", "-c", f"set -eo pipefail; {piped}"], check=True, env=os.environ, timeout=120)
    else:
        if name == "A time lapse":
            small(tmp_path / "pictures")
        if name == "A folder of clips":
            (tmp_path / "clips").mkdir()
            for clip in ("a.mkv", "b.mp4"):
                small(tmp_path / "clips" / clip)
        done = tweenfield(*shlex.split(line)[1:], *FEW.split())
        assert done.returncode == 0, done.stderr
    left, count, rate = LEFT[name]
    video = read_video(tmp_path / left)
    assert video.rate == rate and (count is None or len(video) == count)
    if name in ("Twice the frame rate", "Slow motion", "A speed ramp", "Part of a clip", "For an editor"):
        with av.open(left) as container:
            sound = container.streams.audio[0]
            lasts = Fraction(sound.duration * sound.time_base)
        # That of the clip ends 13 ms before the picture.
        assert abs(lasts - len(video) / video.rate) < 0.15
    if name == "A folder of clips":
        again = tweenfield(*shlex.split(line)[1:], *FEW.split())
        assert again.returncode == 0 and again.stdout.count("there already") == 2
