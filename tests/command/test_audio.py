"""The command takes sound along, in step with the picture."""

import av
import numpy as np
import pytest
from command.running import tweenfield
from video.clicks import FLASHES, RATE, clicking, clicks

from tweenfield import parse_speed

TINY = [
    "--field",
    "siren",
    "--preset",
    "draft",
    "--width",
    "16",
    "--depth",
    "2",
    "--steps",
    "4",
    "--device",
    "cpu",
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clicking(tmp_path_factory.mktemp("clip") / "clip.mkv")


def heard(path):
    return clicks(path)[0]


def test_sound_is_kept_and_cut_with_the_frames(clip, tmp_path):
    assert tweenfield("run", clip, "-o", tmp_path / "o.mp4", *TINY, "--frames", "20:70").returncode == 0
    expected = [t - 20 / RATE for t in FLASHES if t >= 20 / RATE]
    assert np.abs(np.subtract(heard(tmp_path / "o.mp4"), expected)).max() < 0.003


def test_sound_is_stretched_with_slow_motion_unless_it_is_to_be_kept(clip, tmp_path):
    few = [*TINY, "--frames", "0:40", "--slow", "2x"]
    assert tweenfield("run", clip, "-o", tmp_path / "stretched.mp4", *few).returncode == 0
    assert np.abs(np.subtract(heard(tmp_path / "stretched.mp4"), [2 * t for t in FLASHES[:2]])).max() < 0.06
    assert tweenfield("run", clip, "-o", tmp_path / "kept.mp4", *few, "--audio", "keep").returncode == 0
    assert np.abs(np.subtract(heard(tmp_path / "kept.mp4"), FLASHES[:2])).max() < 0.003


def test_without_sound_on_wish_and_where_there_is_no_room_for_it(clip, tmp_path):
    few = [*TINY, "--frames", "0:5"]
    silent = tweenfield("run", clip, "-o", tmp_path / "o.mp4", *few, "--audio", "none")
    assert silent.returncode == 0 and "sound" not in silent.stderr
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert not container.streams.audio
    gif = tweenfield("run", clip, "-o", tmp_path / "o.gif", *few, "--fps", "50")
    assert (
        gif.returncode == 0
        and "o.gif: sound will be left out, as this holds a picture only; choose" in gif.stderr
    )


def test_sound_follows_a_speed_that_changes_unless_it_is_to_be_kept(clip, tmp_path):
    few, speed = [*TINY, "--frames", "0:40", "--speed", "0:1x 0.4:0.5x"], parse_speed("0:1x 0.4:0.5x")
    stretched = tweenfield("run", clip, "-o", tmp_path / "stretched.mp4", *few)
    assert stretched.returncode == 0 and "left out" not in stretched.stderr
    found = [speed.input_time(t) for t in heard(tmp_path / "stretched.mp4")]
    assert np.abs(np.subtract(found, FLASHES[:2])).max() < 0.03
    kept = tweenfield("run", clip, "-o", tmp_path / "kept.mp4", *few, "--audio", "keep")
    assert kept.returncode == 0 and "left out" not in kept.stderr
    assert np.abs(np.subtract(heard(tmp_path / "kept.mp4"), FLASHES[:2])).max() < 0.003
