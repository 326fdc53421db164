"""The programs in examples/ run, say what is true, and use public names only."""

import ast
import json
import re
import runpy
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import to_8bit, waves

import tweenfield
from tweenfield import psnr, read_video, write_video

EXAMPLES = Path(__file__).parents[1] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))


def run(name, *arguments):
    runpy.run_path(str(EXAMPLES / name))["main"]([str(argument) for argument in arguments])


def pattern(t):
    return to_8bit(waves(32, 48, 2 * t, -t))


@pytest.fixture
def clip(tmp_path):
    """Nine frames of a pattern that moves by (2, -1) pixels a frame."""
    write_video(tmp_path / "clip", [pattern(t) for t in range(9)], rate=Fraction(30))
    return tmp_path / "clip"


def test_slow_motion_keeps_frames_and_draws_those_between(clip, tmp_path):
    run("slow_motion.py", clip, tmp_path / "slow", "--factor", "2", "--draft", "--steps", "1")
    frames = read_video(tmp_path / "slow").frames
    assert len(frames) == 18  # the last one is held
    np.testing.assert_array_equal(frames[::2], read_video(clip).frames)
    for k in range(1, 17, 2):
        faded = (pattern(k // 2) // 2 + pattern(k // 2 + 1) // 2).astype(np.uint8)
        assert psnr(frames[k], pattern(k / 2)) > psnr(faded, pattern(k / 2)) + 3


def test_slow_motion_plays_as_fast_as_the_clip(clip, tmp_path, capsys):
    run("slow_motion.py", clip, tmp_path / "slow.mp4", "--frames", "2:5", "--draft", "--steps", "1")
    video = read_video(tmp_path / "slow.mp4")
    assert (len(video), video.rate) == (12, read_video(clip).rate)
    assert f"12 frames from 3, at {float(video.rate):g} fps" in capsys.readouterr().out


def test_trust_names_the_frame_that_nothing_could_foresee(clip, tmp_path, capsys):
    spoilt = read_video(clip).frames[:].copy()
    spoilt[5, 8:16, 20:30] = 255  # a flash of ten by eight pixels, in a held-out frame
    write_video(tmp_path / "spoilt", spoilt, rate=Fraction(30))
    run("how_far_to_trust.py", tmp_path / "spoilt", tmp_path / "trust.png", "--steps", "2")
    said = capsys.readouterr().out
    scores = {int(k): float(v) for k, v in re.findall(r"^frame (\d): ([\d.]+) dB$", said, re.MULTILINE)}
    assert list(scores) == [1, 3, 5, 7] and scores[5] < min(scores[k] for k in (1, 3, 7)) - 3
    (mean,) = re.findall(r"have ([\d.]+) dB on average", said)
    # All five are rounded.
    assert float(mean) == pytest.approx(np.mean(list(scores.values())), abs=0.0101)
    assert f"the worst is frame 5 with {scores[5]:.2f} dB" in said
    assert "The best of blend, cubic, warp is" in said and "Observed frames were 2 frames apart" in said
    assert cv2.imread(str(tmp_path / "trust.png")).shape == (900, 1800, 3)


def test_trust_maps_errors_where_they_are(clip):
    names = runpy.run_path(str(EXAMPLES / "how_far_to_trust.py"))
    frames = read_video(clip).frames[:].copy()
    frames[3, 8:16, 20:30] = 255
    video = tweenfield.Video(frames=frames, times=tuple(map(Fraction, range(9))), rate=Fraction(1))
    recipe = tweenfield.replace(tweenfield.draft(), steps=2)
    errors = names["error_maps"](tweenfield.evaluate(video, tweenfield.Dis(), recipe))
    assert errors.shape == (4, 32, 48)
    assert errors[1, 8:16, 20:30].min() > 40 > errors[1, :, 32:].max()


def test_paper_experiment_finds_that_the_constraint_helps(clip, tmp_path, capsys):
    run("paper_experiment.py", clip, tmp_path / "r.json", "--steps", "150", "--width", "48")
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["held-out frames with the constraint"] > found["held-out frames without the constraint"] + 3
    assert found["observed frames without the constraint"] > found["held-out frames without the constraint"]
    said = capsys.readouterr().out.splitlines()
    assert said[-4:] == [f"{name}: {value:.2f} dB" for name, value in found.items()]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_examples_use_public_names_only(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.split(".")[0] == "tweenfield"]
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "tweenfield":
            assert node.module == "tweenfield"
            assert {alias.name for alias in node.names} <= set(tweenfield.__all__)


def test_every_example_is_listed():
    listed = re.findall(r"^- \[(\S+\.py)\]\(\1\): ", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [path.name for path in PROGRAMS]
