"""Observed frames that are hidden from the fit of ``transport``, and what predicts them."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield.fitting.leave_out.hidden_frames import hide_frames
from tweenfield.flow import Flow, sampling
from tweenfield.flow.observed import Observed
from tweenfield.video import Video

HEIGHT, WIDTH = 96, 144


def moving(count):
    """Frames that move by (2, -1) pixels, with their exact flow; a cut after the third."""
    frames = np.stack([to_8bit(waves(HEIGHT, WIDTH, 2.0 * k, -k)) for k in range(count)])
    other = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 500, (HEIGHT, WIDTH, 3)), (0, 0), 4)
    for k in range(3):
        frames[k] = np.roll(np.clip(127 + other, 0, 255), (-k, 2 * k), axis=(0, 1))
    forward = np.broadcast_to(np.float32([2, -1]), (count - 1, HEIGHT, WIDTH, 2)).copy()
    video = Video(frames=frames, times=tuple(map(Fraction, range(count))), rate=Fraction(1))
    return Observed(video, Flow(forward=forward, backward=-forward, name="exact"))


@pytest.mark.parametrize("reduction", [1, 2])
def test_something_predicts_each_hidden_frame(reduction, monkeypatch):
    monkeypatch.setattr(sampling, "_MOST_PIXELS", HEIGHT * WIDTH / reduction**2)
    kinds = hide_frames(moving(11), reduction, 6)
    assert len(kinds) == 3
    for kind in kinds:
        assert kind
        for hidden in kind:
            assert hidden.colors.shape[3:] == hidden.truth.shape[2:] == hidden.size
            error = (hidden.colors - hidden.truth[:, None]).float().abs()
            error = error[0, :, :, 4:-4, 4:-4].mean(dim=(1, 2, 3))
            # One that follows the motion is nearer than one that stands still.
            assert error.min() < 0.015 < error[-1] / 2


def test_of_three_frames_the_middle_one_is_hidden():
    kinds = hide_frames(moving(3), 1, 6)
    assert [(len(kind), kind[0].fraction.item()) for kind in kinds] == [(1, 0.5), (1, 0.5)]


def test_colours_of_smaller_maps_are_pixels_of_the_full_picture(monkeypatch):
    monkeypatch.setattr(sampling, "_MOST_PIXELS", HEIGHT * WIDTH / 4)
    observed = moving(25)
    _, full, _ = hide_frames(observed, 2, 20)
    # Which pixel of a square of 2x2 stands for it, by its offset in squares.
    pixels = {((x - 0.5) / 2, (y - 0.5) / 2): np.s_[:, y::2, x::2] for y in (0, 1) for x in (0, 1)}
    seen = set()
    for hidden in full:
        truth = 255 * hidden.truth[0].float().permute(1, 2, 0).numpy()
        distance = {
            offset: np.abs(observed.video.frames[pixel] - truth).mean(axis=(1, 2, 3)).min()
            for offset, pixel in pixels.items()
        }
        nearest = min(distance, key=distance.get)
        assert distance[nearest] < 0.5
        assert nearest == tuple(hidden.offset[0].tolist())
        seen.add(nearest)
    assert seen == set(pixels)


def test_a_crop_is_the_same_part_of_everything():
    hidden = hide_frames(moving(11), 1, 6)[0][0]
    crop = hidden.crop(8, 20, 16)
    assert torch.equal(crop.truth, hidden.truth[:, :, 8:24, 20:36])
    assert torch.equal(crop.colors, hidden.colors[..., 8:24, 20:36])
    assert torch.equal(crop.doubt, hidden.doubt[:, 8:24, 20:36])
    assert torch.equal(crop.features, hidden.features[..., 4:12, 10:18])
