"""The command leaves out repeated frames, and says so."""

from fractions import Fraction

import numpy as np
import pytest
from command.running import tweenfield
from video.test_repeats import cadence, scene

from tweenfield import read_video, write_video

SMALL = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2"]
TINY = [*SMALL, "--steps", "4", "--device", "cpu"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twelve pictures, each shown twice."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_video(path, scene(3.0 * cadence(2, 24)), rate=Fraction(24))
    return path


def test_repeats_are_left_out_with_a_sentence_and_the_length_stays(clip, tmp_path):
    result = tweenfield("run", clip, "-o", tmp_path / "o.mp4", *TINY)
    assert result.returncode == 0
    # The last of the twelve repeats is the last frame, which stays.
    said = (
        "tweenfield: clip.mkv: 11 of 24 frames repeat the one before; they are left out and motion is "
        "made even (--repeats keep takes all frames as they are)"
    )
    assert said in result.stderr.splitlines()
    assert len(read_video(tmp_path / "o.mp4")) == 48
    quiet = tweenfield("run", clip, "-o", tmp_path / "quiet.mp4", *TINY, "-q")
    assert quiet.returncode == 0 and not quiet.stderr


def test_repeats_are_kept_on_wish(clip, tmp_path):
    result = tweenfield("run", clip, "-o", tmp_path / "o.mp4", *TINY, "--repeats", "keep", "-v")
    assert "repeat the one before" not in result.stderr and "24 frames of" in result.stderr


def test_one_lost_frame_is_said_in_the_singular(tmp_path):
    shown = np.arange(20)
    shown[9] = 8
    path = tmp_path / "clip.mkv"
    write_video(path, scene(3.0 * shown), rate=Fraction(24))
    said = tweenfield("run", path, "-o", tmp_path / "o.mp4", *TINY).stderr
    assert "1 of 20 frames repeats the one before; it is left out and motion is made even" in said
