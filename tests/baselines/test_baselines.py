"""Baselines against patterns that can be drawn at any time."""

import numpy as np
import pytest
from flow.patterns import grid, inner, moved, pattern, psnr, rounded, translation, video_of

from tweenfield.baselines import BASELINES
from tweenfield.errors import FlowError, UsageError
from tweenfield.flow import Dis, estimate_flow

H, W = 72, 96
SHIFT = 2.3, -1.6

# What is computed here, as against other people's programs: see test_programs.py.
OWN = {name: BASELINES[name] for name in ("blend", "cubic", "warp", "warp4", "warp4-cubic")}
every_baseline = pytest.mark.parametrize("baseline", OWN.values(), ids=OWN.keys())


def draw(baseline, video, flow, t):
    (frame,) = baseline(video, flow, [t])
    return frame


def moving(frames=5):
    return video_of([moved(H, W, k * SHIFT[0], k * SHIFT[1]) for k in range(frames)])


def true_frame(t):
    x, y = grid(H, W)
    return inner(pattern(x - t * SHIFT[0], y - t * SHIFT[1]), 10)


@every_baseline
def test_observed_frames_are_exact(baseline):
    video, flow = moving(), translation(4, H, W, *SHIFT)
    for k in range(5):
        drawn = draw(baseline, video, flow, k)
        assert drawn.dtype == np.float32
        np.testing.assert_array_equal(drawn, video.frames[k] / np.float32(255))
        np.testing.assert_array_equal(rounded(drawn), video.frames[k])


@every_baseline
@pytest.mark.parametrize("frames", [2, 3, 6])
def test_a_still_video_stays_still(baseline, frames):
    video = video_of([moved(H, W, 0, 0)] * frames)
    for t in (0.5, frames - 1.25):
        drawn = draw(baseline, video, translation(frames - 1, H, W, 0, 0), t)
        np.testing.assert_allclose(drawn, video.frames[0] / np.float32(255), atol=3e-6)


@every_baseline
def test_colors_stay_in_range(baseline):
    noise = np.random.default_rng(0).choice(np.uint8([0, 255]), (4, 20, 30, 3))
    drawn = draw(baseline, video_of(list(noise)), translation(3, 20, 30, 0.5, 0.5), 1.4)
    assert drawn.shape == (20, 30, 3)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0 and drawn.max() <= 1


@every_baseline
@pytest.mark.parametrize("t", [-0.01, 4.01, float("nan")])
def test_times_outside_the_video_are_refused(baseline, t):
    with pytest.raises(UsageError, match="give a time from 0 to 4"):
        draw(baseline, moving(), translation(4, H, W, *SHIFT), t)


@pytest.mark.parametrize("t", [0.5, 1.3, 2.75])
def test_warp_follows_a_translation_and_blend_and_cubic_cant(t):
    video, true = moving(), true_frame(t)
    score = {
        n: psnr(inner(draw(b, video, translation(4, H, W, *SHIFT), t), 10), true) for n, b in OWN.items()
    }
    # 8-bit frames allow 59 dB: their rounding error.
    for name in ("warp", "warp4", "warp4-cubic"):
        assert score[name] > 56
        assert score[name] > max(score["blend"], score["cubic"]) + 15


def test_warp_with_estimated_flow():
    video = moving()
    assert psnr(inner(draw(OWN["warp"], video, estimate_flow(video, Dis()), 1.5), 10), true_frame(1.5)) > 50


def test_blend_is_linear_in_time():
    video = video_of([np.full((4, 5, 3), v, np.uint8) for v in (0, 200)])
    drawn = draw(OWN["blend"], video, translation(1, 4, 5, 0, 0), 0.3)
    np.testing.assert_allclose(drawn, 60 / 255, rtol=1e-5)


@pytest.mark.parametrize(("frames", "degree"), [(2, 1), (3, 2), (4, 3), (7, 3)])
def test_cubic_reproduces_a_polynomial_in_time(frames, degree):
    # k^degree scaled into bytes: only a polynomial of that degree through the frames is exact everywhere.
    values = [np.uint8(k**degree) for k in range(frames)]
    video = video_of([np.full((4, 5, 3), v, np.uint8) for v in values])
    for t in np.arange(0.25, frames - 1, 0.5):
        drawn = draw(OWN["cubic"], video, translation(frames - 1, 4, 5, 0, 0), float(t))
        np.testing.assert_allclose(255 * drawn, max(t**degree, 0), atol=1e-3)


@pytest.mark.parametrize("baseline", [OWN[n] for n in ("warp", "warp4", "warp4-cubic")])
def test_warps_refuse_the_flow_of_another_video(baseline):
    with pytest.raises(FlowError, match=r"translation: flow has shape \(3, .*needs \(4, "):
        draw(baseline, moving(), translation(3, H, W, *SHIFT), 1.5)


def test_four_frames_follow_what_two_cannot():
    # Noise of its own in every frame: the mean of four frames has half its power, that of two frames more.
    rng = np.random.default_rng(0)
    clean = [moved(H, W, k * SHIFT[0], k * SHIFT[1]) for k in range(5)]
    noisy = [(f + rng.normal(0, 8, f.shape)).clip(0, 255).astype(np.uint8) for f in clean]
    video, flow, true = video_of(noisy), translation(4, H, W, *SHIFT), true_frame(1.5)
    two, four = (psnr(inner(draw(OWN[n], video, flow, 1.5), 10), true) for n in ("warp", "warp4"))
    assert four > two + 1.5


def test_times_are_drawn_in_the_order_they_are_asked_for():
    video, flow = moving(), translation(4, H, W, *SHIFT)
    for baseline in OWN.values():
        frames = list(baseline(video, flow, [0.5, 1, 2.25]))
        for t, frame in zip([0.5, 1, 2.25], frames, strict=True):
            np.testing.assert_array_equal(frame, draw(baseline, video, flow, t))
