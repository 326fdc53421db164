"""--shutter draws with motion blur; what it can't do is refused."""

from fractions import Fraction

import numpy as np
import pytest
from command.running import fails, tweenfield
from conftest import to_8bit, waves

from tweenfield import read_video, write_video
from tweenfield.drawing.transfer import colors_of, linear_light

FIT = ["--preset", "draft", "--steps", "2", "--device", "cpu"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Waves that move by a pixel per frame."""
    path = tmp_path_factory.mktemp("clip") / "clip"
    write_video(path, [to_8bit(waves(48, 64, k, 0)) for k in range(13)], rate=Fraction(25))
    return path


def test_an_open_shutter_blurs_along_the_motion(clip, tmp_path):
    for name, flags in (("sharp", []), ("blurred", ["--shutter", "360"])):
        line = ("run", clip, "-o", tmp_path / name, *FIT, "--fps", "25/6", *flags)
        assert tweenfield(*line).returncode == 0
    sharp, blurred = (np.asarray(read_video(tmp_path / n).frames)[1] for n in ("sharp", "blurred"))
    # The mean of linear light over the six pixels that the waves move meanwhile.
    path = (waves(48, 64, 6 + d, 0).astype(np.float32) for d in np.linspace(-3, 3, 61))
    mean = colors_of(np.mean([linear_light(colors) for colors in path], axis=0))
    of_sharp, of_blurred = (np.abs(drawn / 255 - mean)[8:-8, 12:-12].mean() for drawn in (sharp, blurred))
    assert of_blurred < of_sharp / 5


def test_what_to_expect_is_that_of_sharp_frames(clip, tmp_path):
    line = ("run", clip, "-o", tmp_path / "o.mkv", *FIT, "--fps", "25/6")
    assert tweenfield(*line, "--shutter", "90").stdout.rstrip().endswith("exact without the motion blur")
    assert tweenfield(*line).stdout.rstrip().endswith("exact")


@pytest.mark.parametrize("degrees", ["0", "-90", "361", "nan"])
def test_a_shutter_that_cannot_be_is_refused(clip, tmp_path, degrees):
    line = ("run", clip, "-o", tmp_path / "o.mkv", *FIT, "--shutter", degrees)
    fails(tweenfield(*line), 2, "degrees can't be; choose one above 0, up to 360")


def test_observed_frames_have_no_motion_blur(clip, tmp_path):
    line = ("run", clip, "-o", tmp_path / "o.mkv", *FIT, "--shutter", "180", "--keyframes", "original")
    fails(tweenfield(*line), 2, "leave it or --shutter out")
