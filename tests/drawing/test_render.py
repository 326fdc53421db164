import numpy as np
import pytest
import torch

from tweenfield import UsageError, render
from tweenfield.fields import Grid, SirenConfig
from tweenfield.fields import base as fields_base
from tweenfield.fields.base import to_levels


@pytest.fixture
def field():
    return SirenConfig(width=16, depth=2).build(Grid(frames=5, height=20, width=28), seed=0)


def test_frames_are_the_field_at_pixel_centres_rounded(field):
    drawn = next(render(field, [1.5]))
    point = torch.tensor([[11.0, 4.0, 1.5]])
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(
        drawn[4, 11], (field(point)[0] * 255).round().clamp(0, 255).detach().numpy()
    )


def test_rounding_goes_to_the_nearest_level_and_stays_in_range():
    colors = torch.tensor([-0.3, 0.0, 0.4 / 255, 0.6 / 255, 100.4 / 255, 100.6 / 255, 1.0, 1.7])
    assert to_levels(colors).tolist() == [0, 0, 0, 1, 100, 101, 255, 255]


def test_frames_come_one_by_one(field):
    asked = []

    def times():
        for t in (0.0, 0.5, 1.0):
            asked.append(t)
            yield t

    frames = render(field, times())
    next(frames)
    assert asked == [0.0]  # no frame is drawn before it is wanted


def test_drawing_does_not_switch_off_gradients_for_the_caller(field):
    frames = render(field, [0.0, 0.5])
    next(frames)  # and the generator stays open
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_a_frame_larger_than_a_chunk_is_the_same(field, monkeypatch):
    whole = next(render(field, [2.25]))
    monkeypatch.setattr(fields_base, "CHUNK_POINTS", 100)
    parts = next(render(field, [2.25]))
    # Another chunk size may change the last bit of a float, so at most a rounding.
    assert np.abs(whole.astype(int) - parts).max() <= 1
    assert (whole != parts).mean() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 56), (33, 90)])
def test_any_size(field, size):
    assert next(render(field, [0.5], size=size)).shape == (*size, 3)


def test_original_keyframes_pass_untouched_and_others_are_drawn(field, moving):
    video, _ = moving
    kept = list(render(field, [0, 0.5, 1, 4.0], keyframes=video))
    for frame, k in zip((kept[0], kept[2], kept[3]), (0, 1, 4), strict=True):
        np.testing.assert_array_equal(frame, video.frames[k])
    np.testing.assert_array_equal(kept[1], next(render(field, [0.5])))


def test_original_keyframes_need_the_same_number_and_size(field, moving):
    video, _ = moving
    with pytest.raises(UsageError, match="same number and size"):
        list(render(field, [0], keyframes=video.select([0, 1])))
    with pytest.raises(UsageError, match="same number and size"):
        list(render(field, [0], size=(40, 56), keyframes=video))


@pytest.mark.parametrize("t", [-0.001, 4.001, float("nan")])
def test_times_outside_the_observed_ones_are_refused(field, t):
    with pytest.raises(UsageError, match="covers 0 to 4"):
        list(render(field, [t]))
