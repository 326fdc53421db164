"""The guard of the transport field on real clips: no worse than the plain warp and the plain blend."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import DEMO, to_8bit

from tweenfield import Dis, Flow, draft, estimate_flow, fit, hide, psnr, read_video, render
from tweenfield.baselines import blend, warp
from tweenfield.fitting.recipe import FitConfig

CLIPS = Path(__file__).resolve().parents[3] / "shared/data/clips"
NAMES = ("bunny_a", "bunny_b", "bikes", "walk", "street_multi", "mouse")
# How far below the better of warp and blend the field may end on average, in dB.
TOLERANCE = 0.1


def middle(path, size=(120, 180)):
    """The middle of every frame."""
    video = read_video(path)
    top, left = ((whole - part) // 2 for whole, part in zip(video.size, size, strict=True))
    frames = np.asarray(video.frames)[:, top : top + size[0], left : left + size[1]]
    return replace(video, frames=np.ascontiguousarray(frames))


def scores(split, flow):
    """Mean PSNR of the held-out frames: of the field, of the plain warp and of the plain blend."""
    recipe = replace(draft(), fit=FitConfig(steps=40, learning_rate=4e-3))
    field = fit(split.observed, flow, recipe, device="cpu").field

    def simple(draw):
        return (to_8bit(draw(split.observed, flow, float(t))) for t in split.positions)

    return [
        np.mean([psnr(*pair) for pair in zip(frames, split.held_out.frames, strict=True)])
        for frames in (render(field, split.positions), simple(warp), simple(blend))
    ]


@pytest.mark.skipif(not CLIPS.is_dir(), reason="../shared/data/clips isn't there")
@pytest.mark.parametrize("name", NAMES)
def test_motion_four_times_as_long(name):
    split = hide(middle(CLIPS / f"{name}.mkv"), 4)
    field, *simple = scores(split, estimate_flow(split.observed, Dis()))
    assert field > max(simple) - TOLERANCE


def wrong_flow(kind, shape):
    rng = np.random.default_rng(0)
    if kind == "nothing moves":
        ahead = np.zeros(shape, np.float32)
        return ahead, ahead
    if kind == "all is said to move":
        ahead = np.full(shape, (6, -4), np.float32)
        return ahead, -ahead
    # Smooth and long, and each direction by itself.
    ahead, back = (
        np.stack([20 * cv2.GaussianBlur(rng.normal(0, 8, shape[1:]), (0, 0), 8) for _ in range(shape[0])])
        for _ in range(2)
    )
    return ahead.astype(np.float32), back.astype(np.float32)


@pytest.mark.parametrize("kind", ["nothing moves", "all is said to move", "smooth noise"])
def test_wrong_flow_from_a_file(kind):
    split = hide(middle(DEMO), 2)
    n, height, width, _ = split.observed.frames.shape
    forward, backward = wrong_flow(kind, (n - 1, height, width, 2))
    field, *simple = scores(split, Flow(forward=forward, backward=backward, name="wrong"))
    assert field > max(simple) - TOLERANCE
