"""Truths of the transport field, on small videos whose frames between are known."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield import Dis, Flow, Video, draft, estimate_flow, fit, psnr, render
from tweenfield.baselines import warp
from tweenfield.fields import Grid, TransportConfig
from tweenfield.fitting.model_file import load, save
from tweenfield.fitting.recipe import FitConfig
from tweenfield.flow.observed import Observed

SIZE = (48, 64)


def video_of(frames):
    times = tuple(Fraction(k, 25) for k in range(len(frames)))
    return Video(frames=np.stack(frames), times=times, rate=Fraction(25), name="test")


def shifted(t, u=1.5, v=-0.5):
    return to_8bit(waves(*SIZE, u * t, v * t))


def quick(steps=40):
    recipe = draft("transport")
    return replace(recipe, fit=FitConfig(steps=steps, learning_rate=4e-3))


def fitted(frames, flow=None, steps=40):
    video = video_of(frames)
    flow = flow or estimate_flow(video, Dis())
    return video, flow, fit(video, flow, quick(steps), device="cpu").field


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def moving_field():
    return fitted([shifted(k) for k in range(7)])


def drawn(field, t):
    return next(render(field, [t]))


def test_observed_frames_come_back_to_the_last_level(moving_field):
    video, _, field = moving_field
    for k, frame in enumerate(render(field, range(len(video)))):
        assert np.array_equal(frame, video.frames[k])


@pytest.mark.parametrize("t", [0.5, 2.25, 3.5, 4.6, 5.5])
def test_a_translating_pattern_is_nearly_exact(moving_field, t):
    assert psnr(drawn(moving_field[2], t), shifted(t)) > 42


def test_the_field_is_continuous_in_time(moving_field):
    field = moving_field[2]
    with torch.no_grad():
        for k in (1.0, 2.5, 2.75, 3.0, 3.1):
            before, at, after = (field.frame(t) for t in (k - 1e-4, k, k + 1e-4))
            assert (at - before).abs().max() < 2e-3 and (after - at).abs().max() < 2e-3


def test_a_frame_of_another_size_covers_the_same_picture(moving_field):
    with torch.no_grad():
        small = moving_field[2].frame(2.5, (24, 32))
    y, x = np.mgrid[:24, :32] * 2 + 0.5
    red = 0.5 + 0.2 * np.sin(0.5 * (x - 3.75) + 0.2 * (y + 1.25)) + 0.2 * np.cos(0.3 * (y + 1.25))
    inside = np.s_[3:-3, 3:-3]
    assert np.abs(small[..., 0].numpy() - red)[inside].max() < 0.03


def test_a_static_video_stays_as_it_is():
    still = noise(1)
    field = fitted([still] * 5)[2]
    for t in (0.5, 1.3, 3.75):
        assert np.array_equal(drawn(field, t), still)


def test_repeated_frames_stay_as_they_are():
    frames = [shifted(3 * (k // 2)) for k in range(8)]
    _, _, field = fitted(frames)
    for k in (0, 2, 4, 6):
        assert psnr(drawn(field, k + 0.5), frames[k]) > 40


def test_the_same_seed_draws_the_same_picture(moving_field):
    again = fitted([shifted(k) for k in range(7)])[2]
    assert np.array_equal(drawn(again, 2.3), drawn(moving_field[2], 2.3))


def test_a_model_file_draws_the_same_picture(moving_field, tmp_path):
    video, flow, _ = moving_field
    result = fit(video, flow, quick(), device="cpu")
    save(result, tmp_path / "model.tween")
    loaded = load(tmp_path / "model.tween")
    assert loaded.recipe == result.recipe
    assert np.array_equal(drawn(loaded.field, 1.7), drawn(result.field, 1.7))


def test_two_frames_suffice():
    frames = [shifted(0), shifted(1)]
    assert psnr(drawn(fitted(frames)[2], 0.5), shifted(0.5)) > 30


def test_flow_of_other_frames_is_refused():
    field = TransportConfig().build(Grid(frames=3, height=20, width=24), seed=0)
    video = video_of([np.zeros((20, 24, 3), np.uint8)] * 3)
    flow = np.zeros((2, 20, 23, 2), np.float32)
    with pytest.raises(Exception, match=r"needs \(2, 20, 24, 2\)"):
        field.observe(Observed(video, Flow(forward=flow, backward=flow, name="other")))


def candidates_of(video, flow, t):
    """What the plain two-frame warp and the plain blend draw."""
    k = int(t)
    blend = (video.frames[k].astype(float) * (k + 1 - t) + video.frames[k + 1].astype(float) * (t - k)) / 255
    return to_8bit(warp(video, flow, t)), to_8bit(blend)


# How far below the better of warp and blend the field may end, in dB.
TOLERANCE = 0.1


def blots(x0, y0):
    """Another scene, which moves by (x0, y0): soft blots, none like another."""
    blots = np.random.default_rng(5).uniform((-20, -20, 3, 40), (SIZE[1] + 20, SIZE[0] + 20, 6, 215), (60, 4))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
    lit = np.zeros((*SIZE, 3))
    for k, (at_x, at_y, wide, bright) in enumerate(blots):
        lit[..., k % 3] += bright * np.exp(-((x - at_x - x0) ** 2 + (y - at_y - y0) ** 2) / (2 * wide**2))
    return np.clip(lit, 0, 255).round().astype(np.uint8)


def check_guard(frames, truth, times, flow=None):
    video, flow, field = fitted(frames, flow)
    ours = np.mean([psnr(drawn(field, t), truth(t)) for t in times])
    best = max(
        np.mean([psnr(candidates_of(video, flow, t)[which], truth(t)) for t in times]) for which in (0, 1)
    )
    assert ours > best - TOLERANCE


HALVES = [k + 0.5 for k in range(6)]


def test_wrong_flow_does_no_worse_than_no_flow():
    wrong = np.random.default_rng(3).normal(0, 4, (6, *SIZE, 2)).astype(np.float32)
    frames = [shifted(k, 0.4, 0.2) for k in range(7)]
    check_guard(
        frames, lambda t: shifted(t, 0.4, 0.2), HALVES, Flow(forward=wrong, backward=-wrong, name="wrong")
    )


def test_pure_noise_is_blended():
    # Nothing moves and nothing stays: the mean of independent frames is the best guess of the next.
    check_guard([noise(k) for k in range(7)], lambda t: noise(int(100 + t)), HALVES)


def test_a_fade_is_followed():
    def fading(t):
        return to_8bit(waves(*SIZE) * (0.3 + 0.1 * t))

    check_guard([fading(k) for k in range(7)], fading, HALVES)


def test_a_flash_does_not_spread():
    def flashing(t):
        return np.full((*SIZE, 3), 250, np.uint8) if t == 3 else shifted(t, 0.6, 0.3)

    times = [0.5, 1.5, 4.5, 5.5]
    check_guard([flashing(k) for k in range(7)], flashing, times)


def test_an_object_that_appears_does_no_harm_elsewhere():
    def scene(t):
        frame = shifted(t, 0.8, 0.0)
        if t >= 3:
            frame[10:30, 20:40] = (200, 40, 40)
        return frame

    check_guard([scene(k) for k in range(7)], scene, [0.5, 1.5, 3.5, 4.5, 5.5])


def test_a_hard_cut_is_not_blended():
    # Each scene goes on along its own motion: the first until the middle of the interval, then the second.
    def scene(t):
        return shifted(t, 0.8, 0.3) if t < 3.6 else blots(-0.5 * t, 0.4 * t)

    _, _, field = fitted([scene(k) for k in range(8)])
    assert np.flatnonzero(field.observations()["cuts"]).tolist() == [3]
    assert psnr(drawn(field, 3.5), scene(3.5)) > 35
    assert psnr(drawn(field, 3.75), scene(3.75)) > 35
    assert psnr(drawn(field, 5.5), scene(5.5)) > 40
