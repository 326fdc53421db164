"""Observed frames that are hidden from the fit of ``transport``, and what predicts them."""

from fractions import Fraction

import numpy as np
import pytest
from conftest import to_8bit, waves

from tweenfield.fitting.leave_out.hidden_frames import hide_frames
from tweenfield.flow import Flow, sampling
from tweenfield.flow.observed import Observed
from tweenfield.video import Video

HEIGHT, WIDTH = 96, 144


def moving(count):
    """Frames that move by (2, -1) pixels, with their exact flow; a cut after the third."""
    frames = np.stack([to_8bit(waves(HEIGHT, WIDTH, 2.0 * k, -k)) for k in range(count)])
    frames[:3] = 255 - frames[:3]
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
            rows, columns = hidden.small.shape[2:]
            assert (
                hidden.colors.shape[2:] == hidden.truth.shape[1:] == (reduction * rows, reduction * columns)
            )
            error = (hidden.colors - hidden.truth).float().abs()[:, :, 4:-4, 4:-4].mean(dim=(1, 2, 3))
            # One that follows the motion is nearer than one that stands still.
            assert error.min() < 0.015 < error[-1] / 2


def test_of_three_frames_the_middle_one_is_hidden():
    kinds = hide_frames(moving(3), 1, 6)
    assert [(len(kind), kind[0].fraction.item()) for kind in kinds] == [(1, 0.5), (1, 0.5)]
