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
        known, unknown = error[:, : HALF - 9], error[:, HALF + 9 :]
        assert unknown.mean() > 2 * known.mean()
        # A pixel of the right ranks above one of the left nine times in ten.
        assert (unknown.ravel()[:, None] > known.ravel()).mean() > 0.9


def test_the_psnr_to_expect_of_grain_falls_with_its_strength():
    expected, true = [], []
    for sigma in (3, 10):
        draw = grainy(sigma)
        field = fitted(draw).field
        true.append(np.mean([psnr(next(render(field, [t])), draw(t)) for t in TIMES]))
        expected.append(np.mean([field.expected_psnr(t) for t in TIMES]))
    assert expected[0] - expected[1] == pytest.approx(true[0] - true[1], abs=2)
    # Noise that is new in every frame is taken for less than it is; docs/trust.md says so.
    assert np.array(expected) == pytest.approx(np.array(true), abs=6)


def test_an_observed_frame_has_no_error(half):
    for t in (0, 3, 6):
        assert not half.field.expected_error(float(t)).any() and half.field.expected_psnr(float(t)) == 100


def test_across_a_cut_the_other_shot_is_expected_as_likely_as_not():
    shots = np.random.default_rng(1).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    field = fitted(lambda t: shots[int(t >= 3)]).field
    difference = np.square(shots[0].astype(float) - shots[1]).mean(axis=-1)
    assert field.expected_error(2.5).numpy() == pytest.approx(np.sqrt(difference / 2), rel=1e-3)
    assert field.expected_error(2.25).numpy() == pytest.approx(np.sqrt(difference / 4), rel=1e-3)
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
