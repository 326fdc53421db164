"""Observed frames that are hidden from the fit of ``transport``, and what predicts them."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield.fields.transport.candidates import STILL
from tweenfield.fields.transport.mixing import STRENGTH, Mixing, base_weights
from tweenfield.fitting.leave_out import hiding
from tweenfield.fitting.leave_out.calibration import moderate, spread
from tweenfield.fitting.leave_out.hidden_frames import Hidden
from tweenfield.fitting.leave_out.hiding import hide_frames as seen_frames
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


def hide_frames(*given):
    return [[seen.hidden for seen in kind] for kind in seen_frames(*given) if kind]


@pytest.mark.parametrize("reduction", [1, 2])
def test_something_predicts_each_hidden_frame(reduction, monkeypatch):
    monkeypatch.setattr(sampling, "_MOST_PIXELS", HEIGHT * WIDTH / reduction**2)
    kinds = hide_frames(moving(11), reduction, 6)
    assert len(kinds) == 3
    for kind in kinds:
        assert kind
        for hidden in kind:
            assert hidden.differences.shape[3:] == hidden.missing.shape[2:] == hidden.size
            s = hidden.fine[0, -1, 0, 0].item()
            error = (hidden.differences / (4 * s * (1 - s)) - hidden.missing[:, None]).float().abs()
            error = error[0, :, :, 4:-4, 4:-4].mean(dim=(1, 2, 3))
            # One that follows the motion is nearer than one that stands still.
            assert error.min() < 0.015 < error[STILL] / 2


def test_what_is_left_is_the_truth_less_the_mixture(monkeypatch):
    """By way of the definition, with weights that the network moves far."""
    seen = []
    gathered = hiding.gather
    monkeypatch.setattr(hiding, "gather", lambda *a: (seen.append((a[0], gathered(*a))), gathered(*a))[1])
    mixing = Mixing(8, 3, seed=0)
    with torch.no_grad():
        for layers in (mixing.layers, mixing.fine):
            layers[-1].weight.mul_(10000)
    kinds = seen_frames(moving(11), 1, 6)
    assert len({one.hidden.missing.shape for kind in kinds for one in kind}) == 3
    for colors, evidence in seen:
        (one,) = [
            one
            for kind in kinds
            for one in kind
            if one.hidden.features.shape == evidence.features.shape
            and torch.equal(one.hidden.features, evidence.features.half())
        ]
        hidden = Hidden(*(part.float() for part in one.hidden))
        hidden = hidden._replace(confidence=torch.ones(1))
        with torch.no_grad():
            base = base_weights(evidence.still, evidence.fraction)
            moved = (mixing(evidence, strength=0.8) - base)[:, :, None] * colors
            change = hidden.missing - hidden.left(mixing, 0.8)
            weight = mixing(evidence, strength=STRENGTH)[0]
            squared, weighed = one.error(mixing)
        assert change.abs().mean() > 0.005
        torch.testing.assert_close(change, moved.sum(dim=1), atol=2e-3, rtol=2e-2)
        torch.testing.assert_close(weighed, weight, atol=2e-3, rtol=2e-2)
        truth = (base[0, :, None] * colors).sum(dim=0) + hidden.missing[0]
        drawn = (weight[:, None] * colors).sum(dim=0)
        torch.testing.assert_close(
            squared.sqrt(), 255 * (drawn - truth).square().mean(dim=0).sqrt(), atol=0.5, rtol=0.02
        )


def test_of_three_frames_the_middle_one_is_hidden():
    kinds = hide_frames(moving(3), 1, 6)
    assert [(len(kind), kind[0].fine[0, -1, 0, 0].item()) for kind in kinds] == [(1, 0.5), (1, 0.5)]


def test_colours_of_smaller_maps_are_pixels_of_the_full_picture(monkeypatch):
    monkeypatch.setattr(sampling, "_MOST_PIXELS", HEIGHT * WIDTH / 4)
    observed = moving(25)
    _, full, _ = hide_frames(observed, 2, 20)
    frames = observed.video.frames.astype(np.float32) / 255
    apart = np.abs(np.diff(frames, axis=2)).mean()
    seen = set()
    for hidden in full:
        # Truth and candidates are of the same pixel of a square, or they would be apart as neighbours are.
        assert hidden.missing[..., 4:-4, 4:-4].float().abs().mean() < apart / 5
        seen.add(tuple(hidden.offset[0].tolist()))
    assert seen == {(x, y) for x in (-0.25, 0.25) for y in (-0.25, 0.25)}


def test_a_crop_is_the_same_part_of_everything():
    hidden = hide_frames(moving(11), 1, 6)[0][0]
    crop = hidden.crop(8, 20, 16)
    assert torch.equal(crop.missing, hidden.missing[:, :, 8:24, 20:36])
    assert torch.equal(crop.differences, hidden.differences[..., 8:24, 20:36])
    assert torch.equal(crop.doubt, hidden.doubt[:, 8:24, 20:36])
    assert torch.equal(crop.features, hidden.features[..., 4:12, 10:18])


def test_a_correction_that_harms_is_taken_back():
    """With one sign of its last layers the network helps, with the other it harms."""
    kinds = spread(seen_frames(moving(11), 1, 6))
    mixing = Mixing(8, 3, seed=0)
    truth = 0.0
    with torch.no_grad():
        for layers in (mixing.layers, mixing.fine):
            layers[-1].weight.mul_(300)
        for seen in (seen for kind in kinds for seen in kind):
            none, full = seen.left(mixing, 0.0), seen.left(mixing, 1.0)
            truth += float((none * (none - full)).sum())
        helpful = 1 if truth > 0 else -1
        strengths = []
        for sign in (helpful, -1):
            for layers in (mixing.layers, mixing.fine):
                for parameter in layers[-1].parameters():
                    parameter.mul_(sign)
            moderate(mixing, kinds)
            strengths.append(float(mixing.strength))
    assert strengths[1] == 0 < strengths[0] <= STRENGTH + 1e-6
