"""The error to expect: truths on made clips whose frames between are known."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield import Dis, Grid, SirenConfig, UsageError, Video, draft, estimate_flow, fit, psnr, render
from tweenfield.fitting.model_file import load, save

SIZE = (48, 64)
HALF, SIGMA = SIZE[1] // 2, 12
# Of a fit that is enough for what is judged here.
TIMES = (1.5, 2.25, 3.5, 4.75)


def fitted(draw):
    frames = np.stack([draw(k) for k in range(7)])
    times = tuple(Fraction(k, 25) for k in range(len(frames)))
    video = Video(frames=frames, times=times, rate=Fraction(25), name="made")
    return fit(video, estimate_flow(video, Dis()), draft(), device="cpu")


def shown(t):
    return to_8bit(waves(*SIZE, 1.5 * t, -0.5 * t))


def half_noise(t):
    """On the left a pattern that moves, on the right nothing that could be predicted."""
    frame = shown(t)
    generator = np.random.default_rng(round(1000 * t))
    frame[:, HALF:] = generator.normal(128, SIGMA, (SIZE[0], HALF, 3)).round().clip(0, 255)
    return frame


def grainy(sigma):
    def draw(t):
        noise = np.random.default_rng(round(1000 * t)).normal(0, sigma, (*SIZE, 3))
        return (shown(0) + noise).round().clip(0, 255).astype(np.uint8)

    return draw


@pytest.fixture(scope="module")
def half():
    return fitted(half_noise)


def test_what_cannot_be_predicted_is_told_from_what_can(half):
    for t in TIMES:
        error = half.field.expected_error(t).numpy()
        assert error.shape == SIZE and (error >= 0).all()
        # Away from the border between them, which the cues are averaged across.
        assert error[:, HALF + 9 :].min() > error[:, : HALF - 9].mean()
        assert error[:, HALF + 9 :].mean() > 3 * error[:, : HALF - 9].mean()


def test_the_error_to_expect_of_noise_is_the_true_one_within_a_quarter(half):
    true = [np.square(next(render(half.field, [t])).astype(float) - half_noise(t))[:, HALF:] for t in TIMES]
    expected = [half.field.expected_error(t).numpy()[:, HALF:] ** 2 for t in TIMES]
    assert np.sqrt(np.mean(expected)) == pytest.approx(np.sqrt(np.mean(true)), rel=0.25)


@pytest.mark.parametrize("sigma", [3, 10])
def test_the_psnr_to_expect_of_grain_is_the_true_one_within_two_decibels(sigma):
    draw = grainy(sigma)
    field = fitted(draw).field
    true = np.mean([psnr(next(render(field, [t])), draw(t)) for t in TIMES])
    assert np.mean([field.expected_psnr(t) for t in TIMES]) == pytest.approx(true, abs=2)


def test_an_observed_frame_has_no_error(half):
    for t in (0, 3, 6):
        assert not half.field.expected_error(float(t)).any() and half.field.expected_psnr(float(t)) == 100


def test_across_a_cut_the_other_shot_is_expected_as_likely_as_not():
    field = fitted(lambda t: np.full((*SIZE, 3), 40 if t < 3 else 200, np.uint8)).field
    assert field.expected_error(2.5).numpy() == pytest.approx(160 / np.sqrt(2), rel=1e-3)
    assert field.error_reason(2.5) == "a cut"


def test_a_model_file_keeps_it(half, tmp_path):
    save(half, tmp_path / "half.tween")
    again = load(tmp_path / "half.tween").field
    assert again.expects_error and torch.equal(again.expected_error(2.5), half.field.expected_error(2.5))


def test_its_scale_changes_no_picture(half):
    before, level = next(render(half.field, [2.5])), half.field.expected_psnr(2.5)
    half.field.error.scale += np.log(4)
    assert np.array_equal(before, next(render(half.field, [2.5])))
    assert half.field.expected_psnr(2.5) == pytest.approx(level - 10 * np.log10(4), abs=0.05)
    half.field.error.scale -= np.log(4)


def test_a_field_that_has_none_says_so():
    field = SirenConfig(width=8, depth=1).build(Grid(frames=3, height=8, width=8), 0)
    assert not field.expects_error
    for ask in (field.expected_error, field.expected_psnr, field.error_reason):
        with pytest.raises(UsageError, match="no error to expect"):
            ask(0.5)
