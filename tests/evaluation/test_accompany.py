"""Another interpolator mixed in: shares are what hidden frames say, and observed frames stay as they are."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves
from flow.patterns import psnr, translation, video_of

from tweenfield import Companion, Dis, UsageError, accompany, draft, estimate_flow, evaluate, fit, render
from tweenfield import replace as with_settings
from tweenfield.drawing.render import render_colors
from tweenfield.fields.shares import CLASSES, share

H, W = 72, 96


def scene(t):
    """A square of 28 pixels that moves by 7 pixels a frame over a background that moves the other way."""
    picture, x = waves(H, W, -0.5 * t), 8 + 7 * t
    inside = np.abs(np.arange(W) - x) <= 14
    rows = np.abs(np.arange(H) - H / 2) <= 14
    mask = (rows[:, None] & inside[None])[..., None]
    return np.where(mask, 1 - waves(H, W, x, 5.0), picture).astype(np.float32)


@pytest.fixture(scope="module")
def clip():
    return video_of([to_8bit(scene(k)) for k in range(10)])


@pytest.fixture(scope="module")
def flow(clip):
    return estimate_flow(clip, Dis())


@pytest.fixture(scope="module")
def result(clip, flow):
    return fit(clip, flow, with_settings(draft(), steps=60), device="cpu")


def knows_the_truth(clip):
    """An interpolator that finds out which frames it is given."""

    def between(first, second, s):
        j, k = (
            next(i for i, known in enumerate(clip.frames) if np.array_equal(known, frame))
            for frame in (first, second)
        )
        return scene(j + s * (k - j))

    return between


def test_a_perfect_one_is_taken_where_flow_is_in_doubt(clip, flow, result):
    companion = accompany(result, clip, flow, knows_the_truth(clip))
    assert companion.shares.shape == (CLASSES,) and companion.shares[-1] > 0.9
    t = Fraction(9, 2)
    (alone,), (joined,) = render(result.field, [t]), render(result.field, [t], companion=companion)
    truth = to_8bit(scene(float(t)))
    assert psnr(joined, truth) > psnr(alone, truth) + 3


def test_one_that_draws_anything_is_not_taken(clip, flow, result):
    rng = np.random.default_rng(0)
    companion = accompany(result, clip, flow, lambda a, b, s: rng.random(a.shape, np.float32))
    assert not companion.shares.any()
    drawn = [next(render(result.field, [0.5], companion=c)) for c in (companion, None)]
    np.testing.assert_array_equal(*drawn)


def test_the_mixture_is_what_it_is_said_to_be(clip, result):
    """f + 4 s (1 - s) r (g - f), with one share r for all classes."""
    field = result.field
    companion = Companion(
        between=lambda a, b, s: np.full(a.shape, s, np.float32),
        frames=clip.frames,
        shares=np.full(CLASSES, 0.6, np.float32),
    )
    for t in (2.5, 3.25):
        (f,), (joined,) = render_colors(field, [t]), render_colors(field, [t], companion)
        s = t % 1
        np.testing.assert_allclose(joined, f + 4 * s * (1 - s) * 0.6 * (s - f), atol=1e-6)
    for t in (0, 4, 9):
        observed = next(render(field, [t], companion=companion))
        np.testing.assert_array_equal(observed, clip.frames[t])


def test_shares_are_linear_between_the_middles_of_classes():
    shares = np.array([0, 0.2, 0.2, 0.4, 0.8, 0.8, 1], np.float32)
    found = share(shares, np.array([[0, 0.125, 0.3, 0.4, 0.5, 1]], np.float32), 0.5)
    np.testing.assert_allclose(found, [[0, 0.2, 0.2, 0.3, 0.4, 1]], atol=1e-6)
    assert not share(shares, np.ones((1, 1), np.float32), 1).any()


def test_nothing_is_mixed_in_across_a_cut(clip):
    another = np.random.default_rng(0).integers(0, 60, (H // 8, W // 8, 3)).repeat(8, 0).repeat(8, 1)
    cut = replace(clip, frames=np.concatenate((clip.frames[:5], [another.astype(np.uint8)] * 5)))
    flow = estimate_flow(cut, Dis())
    field = fit(cut, flow, with_settings(draft(), steps=1), device="cpu").field
    companion = Companion(
        between=lambda a, b, s: np.zeros(a.shape, np.float32),
        frames=cut.frames,
        shares=np.ones(CLASSES, np.float32),
    )
    (alone,), (joined,) = render(field, [4.25]), render(field, [4.25], companion=companion)
    np.testing.assert_array_equal(joined, alone)
    assert field.disagreement(4.25) is None


@pytest.mark.parametrize(("back", "known"), [(-1, 0), (1, 1)])
def test_disagreement_is_known_for_flows_that_agree_and_for_opposite_ones(clip, back, known):
    """Backward flow that is minus the forward one agrees everywhere; that is the same is 12 pixels off."""
    ahead = translation(9, H, W, 6, 0)
    flow = replace(ahead, backward=back * np.asarray(ahead.forward))
    field = fit(clip, flow, with_settings(draft(), steps=1), device="cpu").field
    found = field.disagreement(3.5)
    assert found.shape == (H, W)
    inside = found[10:-10, 20:-20]
    torch.testing.assert_close(inside, torch.full_like(inside, known), atol=0.02, rtol=0)
    assert field.disagreement(3) is None


def test_eval_scores_and_keeps_the_mixture(clip):
    scored = {
        name: evaluate(clip, Dis(), with_settings(draft(), steps=20), baselines={}, between=between)
        for name, between in (("alone", None), ("joined", knows_the_truth(clip)))
    }
    assert scored["alone"].fitted.companion is None
    assert np.mean(scored["joined"].score.psnr) > np.mean(scored["alone"].score.psnr) + 1


def test_what_can_not_be_accompanied_is_said(clip, flow):
    recipe = with_settings(draft("siren"), width=8, depth=2, steps=1)
    siren = fit(clip, flow, recipe, device="cpu")
    with pytest.raises(UsageError, match="the field siren follows no flow when it draws"):
        accompany(siren, clip, flow, knows_the_truth(clip))
    field = fit(clip, flow, with_settings(draft(), steps=1), device="cpu").field
    companion = Companion(lambda a, b, s: a, clip.frames, np.ones(CLASSES, np.float32))
    with pytest.raises(UsageError, match="of the field's own size"):
        next(render(field, [0.5], size=(36, 48), companion=companion))
