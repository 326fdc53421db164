"""Commands keep transparency where it fits, and lay it over a background, with a sentence, where not."""

import numpy as np
import pytest
from command.running import fails, tweenfield

from tweenfield import read_video, write_video

FIT = ["--preset", "draft", "--steps", "2", "--device", "cpu"]
SIREN = ["--field", "siren", "--preset", "draft", "--steps", "2", "--width", "8", "--depth", "1"]
GREEN = (20, 160, 60)


def bar(t, height=32, width=48):
    """A bar with soft edges, two pixels further right in each frame, over nothing."""
    x = np.mgrid[:height, :width][1]
    alpha = np.rint(255 * np.clip(0.5 + (7 - np.abs(x - 14 - 2 * t)) / 3, 0, 1)).astype(np.uint8)
    return np.dstack((np.full((height, width, 3), GREEN, np.uint8), alpha))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bar"
    write_video(path, [bar(k) for k in range(8)], rate=25)
    return path


@pytest.fixture(scope="module")
def model(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "bar.tween"
    done("fit", clip, "-o", path, *FIT)
    return path


def done(*line):
    result = tweenfield(*line)
    assert result.returncode == 0, result.stderr
    return result


def is_bar(picture, t):
    """Whether a picture is the bar at this time: its opacity to a tenth, and its colour where it is seen."""
    error = np.abs(picture[..., 3].astype(int) - bar(t)[..., 3])
    seen = picture[..., 3] > 20
    return error.max() <= 25 and np.abs(picture[seen][:, :3].astype(int) - GREEN).max() <= 8


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("o.webm", ["--timing", "source"]),
        ("o.mov", ["--end", "stop"]),
        ("o.mkv", ["--codec", "ffv1", "--slow", "2x"]),
        ("o", ["--speed", "0:0.5x", "--shutter", "1"]),
    ],
)
def test_run_keeps_it_without_a_word(clip, tmp_path, name, flags):
    result = done("run", clip, "-o", tmp_path / name, *FIT, *flags)
    assert "laid over" not in result.stderr
    video = read_video(tmp_path / name)
    assert len(video) == (15 if "stop" in flags else 16)
    for k in (0, 5, 8, 13):
        picture = video.rgba(k)
        picture = picture if picture.dtype == np.uint8 else np.rint(picture / 257).astype(np.uint8)
        assert is_bar(picture, k / 2)


@pytest.mark.parametrize(
    ("name", "flags", "why"),
    [
        ("o.mp4", FIT, "holds no transparency"),
        ("o.mov", [*FIT, "--codec", "h264"], "holds no transparency"),
        ("o.webm", SIREN, "the field siren draws no transparency"),
    ],
)
def test_run_lays_it_over_the_background_and_says_so(clip, tmp_path, name, flags, why):
    result = done("run", clip, "-o", tmp_path / name, *flags, "--background", "#c0a0ff")
    (said,) = [line for line in result.stderr.splitlines() if "laid over" in line]
    assert why in said and "laid over #c0a0ff (--background takes another colour)" in said
    video = read_video(tmp_path / name)
    assert video.alpha is None and len(video) == 16
    if "siren" not in flags:
        assert np.abs(video.frames[5][:, 40:].astype(int) - (0xC0, 0xA0, 0xFF)).max() <= 4


def test_a_model_is_rendered_as_transparent_as_its_video(clip, model, tmp_path):
    result = done("render", model, "-o", tmp_path / "o", "--video", clip, "--keyframes", "original")
    assert "laid over" not in result.stderr
    video = read_video(tmp_path / "o")
    np.testing.assert_array_equal(video.rgba(6), read_video(clip).rgba(3))
    assert is_bar(video.rgba(7), 3.5)
    result = done("render", model, "-o", tmp_path / "o.mp4", "--background", "white")
    assert "laid over white" in result.stderr
    assert np.abs(read_video(tmp_path / "o.mp4").frames[5][:, 40:].astype(int) - 255).max() <= 4


def test_eval_says_what_is_scored(clip):
    result = done("eval", clip, *FIT, "--no-baselines")
    assert "transparent in parts, which are laid over" in result.stderr


def test_info_tells_whether_a_video_is_transparent(clip, tmp_path):
    write_video(tmp_path / "o", [bar(0)[..., :3]], rate=25)
    for path, told in ((clip, "True"), (tmp_path / "o", "False")):
        (line,) = [line for line in done("info", path).stdout.splitlines() if line.startswith("transparent")]
        assert line.split()[1] == told


def test_what_cannot_be_is_refused_before_the_work(clip, model, tmp_path):
    line = ("run", clip, "-o", tmp_path / "o.mp4", *FIT)
    fails(tweenfield(*line, "--background", "blak"), 2, "'blak' is no colour")
    fails(tweenfield("render", model, "-o", tmp_path / "o.mp4", "--background", "#12"), 2, "no colour")
    line = ("run", clip, "-o", tmp_path / "o.mov", *FIT, "--crf", "20")
    fails(tweenfield(*line), 2, "prores has no constant rate factor")
    assert not (tmp_path / "o.mp4").exists() and not (tmp_path / "o.mov").exists()
