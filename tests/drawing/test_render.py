import numpy as np
import pytest
import torch

from tweenfield import FlowError, Observed, UsageError, render, threads
from tweenfield.fields import Grid, SirenConfig, TransportConfig
from tweenfield.fields import base as fields_base
from tweenfield.fields.base import to_levels
from tweenfield.fields.transport import field as transport_field


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


def test_frames_come_one_by_one(field, monkeypatch):
    drawn = []
    picture = field.picture
    monkeypatch.setattr(field, "picture", lambda t, size: (drawn.append(t), picture(t, size))[1])
    frames = render(field, (k / 2 for k in range(5)))
    next(frames)
    assert drawn == [0.0]  # no frame is drawn before it is wanted
    next(frames)
    assert drawn == [0.0, 0.5]


def test_what_the_next_times_need_is_prepared_and_nothing_else_is(field, monkeypatch):
    prepared = []
    monkeypatch.setattr(field, "prepare", prepared.append)
    monkeypatch.setattr(threads, "begin", lambda function, item: function(item))
    frames = render(field, [k / 2 for k in range(9)])
    next(frames)
    # Of what is drawn and the next two; the first frame is known.
    assert prepared == [0.5, 1.0]
    assert len(list(frames)) == 8 and prepared == [k / 2 for k in range(1, 8)]


@pytest.mark.skipif(threads.count() == 1, reason="there is one thread")
def test_an_error_of_what_is_prepared_comes_with_its_frame(moving, monkeypatch):
    """In place of the frame, after those before it."""
    video, flow = moving
    field = TransportConfig(width=8).build(Grid.of(video), seed=0)
    field.observe(Observed(video, flow))
    trace = transport_field.trace

    def failing(window, fraction):
        if fraction == 0.75:
            raise FlowError("no flow there")
        return trace(window, fraction)

    monkeypatch.setattr(transport_field, "trace", failing)
    frames = render(field, [0.25, 0.5, 0.75])
    assert len([next(frames), next(frames)]) == 2
    with pytest.raises(FlowError, match="no flow there"):
        next(frames)


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
