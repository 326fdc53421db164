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


@pytest.mark.parametrize("reduction", [1, 2])
def test_something_predicts_each_hidden_frame_of_a_shot(reduction, monkeypatch):
    # A shot of three frames, too short to hide three of four, and one of eight; (2, -1) pixels a frame.
    monkeypatch.setattr(sampling, "_MOST_PIXELS", HEIGHT * WIDTH / reduction**2)
    frames = np.stack([to_8bit(waves(HEIGHT, WIDTH, 2.0 * k, -k)) for k in range(11)])
    frames[:3] = 255 - frames[:3]
    forward = np.broadcast_to(np.float32([2, -1]), (10, HEIGHT, WIDTH, 2)).copy()
    video = Video(frames=frames, times=tuple(map(Fraction, range(11))), rate=Fraction(1))
    kinds = hide_frames(Observed(video, Flow(forward=forward, backward=-forward, name="exact")), reduction, 6)
    assert len(kinds) == 3
    for kind in kinds:
        assert kind
        for hidden in kind:
            rows, columns = hidden.small.shape[2:]
            assert (
                hidden.colors.shape[2:] == hidden.truth.shape[1:] == (reduction * rows, reduction * columns)
            )
            error = (hidden.colors - hidden.truth).float().abs()[:, :, 4:-4, 4:-4].mean(dim=(1, 2, 3))
            # One that follows the motion is nearer than any that stands still.
            assert error.min() < 0.015 < error[-1] / 2
