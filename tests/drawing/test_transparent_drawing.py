"""Transparent video is drawn without fringes: colours are those of the thing, opacity that of its edge."""

from dataclasses import replace as changed
from fractions import Fraction

import numpy as np
import pytest
import torch

from tweenfield import (
    Dis,
    Grid,
    Video,
    draft,
    estimate_flow,
    evaluate,
    fit,
    load,
    render,
    render_exposed,
    replace,
    save,
)
from tweenfield.storage.on_demand import OnDemand
from tweenfield.video.transparency import BLACK, WHITE, layers, premultiplied, straight

HEIGHT, WIDTH, FRAMES, SPEED = 40, 56, 6, 2.0
ORANGE, INK = (220, 120, 30), (0, 0, 0)
TIMES = (0.5, 1.25, 2.5, 4.75)


def opacity(t):
    """A square whose edges rise over four pixels, and which moves by SPEED pixels per interval."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    across = np.clip(0.5 + (8 - np.abs(x - 16 - SPEED * t)) / 4, 0, 1)
    return across * np.clip(0.5 + (8 - np.abs(y - 19.5)) / 4, 0, 1)


def video_of(color, matte, **settings):
    """The clip in 8 bits, over a matte."""
    alpha = [np.rint(255 * opacity(k)).astype(np.uint8) for k in range(FRAMES)]
    rgba = [np.dstack((np.full((HEIGHT, WIDTH, 3), color, np.uint8), a)) for a in alpha]
    held = OnDemand(lambda k: premultiplied(rgba[k]), (FRAMES, HEIGHT, WIDTH, 4), np.uint16)
    frames, opaque = layers(held, matte)
    times = tuple(Fraction(k, 25) for k in range(FRAMES))
    return Video(
        frames=frames, alpha=opaque, matte=matte, times=times, rate=Fraction(25), name="square", **settings
    )


def fitted(video):
    return fit(video, estimate_flow(video, Dis()), replace(draft(), steps=4), device="cpu")


@pytest.fixture(scope="module")
def orange():
    video = video_of(ORANGE, WHITE)
    return video, fitted(video)


@pytest.fixture(scope="module")
def ink():
    """What is black can't be seen over black."""
    video = video_of(INK, WHITE)
    return video, fitted(video)


@pytest.mark.parametrize(("clip", "color"), [("orange", ORANGE), ("ink", INK)])
def test_edges_move_with_the_thing_and_keep_its_colour(clip, color, request):
    _, result = request.getfixturevalue(clip)
    for t, drawn in zip(TIMES, render(result.field, TIMES), strict=True):
        assert drawn.dtype == np.uint8 and drawn.shape == (HEIGHT, WIDTH, 4)
        error = drawn[..., 3] / 255 - opacity(t)
        # Cross-fading would leave steps of 1 / 4 there.
        assert np.sqrt((error**2).mean()) < 0.02 and np.abs(error).max() < 0.1
        seen = drawn[..., 3] >= 5
        assert np.abs(drawn[seen][:, :3].astype(int) - color).max() <= 1


def test_observed_frames_come_back_as_they_were(orange):
    video, result = orange
    for keyframes in (None, video):
        for k, drawn in enumerate(render(result.field, range(FRAMES), keyframes=keyframes)):
            np.testing.assert_array_equal(drawn, video.rgba(k))


def test_what_is_drawn_over_the_matte_is_premultiplied_colour_without_it(orange):
    _, result = orange
    with torch.inference_mode():
        for t in TIMES:
            alpha = result.field.alpha(t)[..., None]
            premultiplied_color = result.field.frame(t) - (1 - alpha)
            np.testing.assert_allclose(premultiplied_color, alpha * torch.tensor(ORANGE) / 255, atol=2e-5)


def test_opacity_is_drawn_fast_as_it_is_defined(orange):
    _, result = orange
    for t in TIMES:
        with torch.inference_mode():
            fast = result.field.alpha(t)
        with torch.enable_grad():
            defined = result.field.alpha(t).detach()
        np.testing.assert_allclose(fast, defined, atol=1e-4)


def test_at_another_size_it_stays_transparent(orange):
    _, result = orange
    (drawn,) = render(result.field, [1.5], size=(2 * HEIGHT, 2 * WIDTH))
    smaller = drawn.reshape(HEIGHT, 2, WIDTH, 2, 4).mean(axis=(1, 3))
    assert np.abs(smaller[..., 3] / 255 - opacity(1.5)).max() < 0.1
    assert np.abs(drawn[drawn[..., 3] >= 5][:, :3].astype(int) - ORANGE).max() <= 1


def test_motion_blur_averages_opacity_and_keeps_the_colour(orange):
    _, result = orange
    (drawn,) = render_exposed(result.field, [2.5], [2])
    mean = np.mean([opacity(t) for t in np.linspace(1.5, 3.5, 81)], axis=0)
    assert np.abs(drawn[..., 3] / 255 - mean).max() < 0.05
    assert np.abs(drawn[drawn[..., 3] >= 5][:, :3].astype(int) - ORANGE).max() <= 1


def test_a_model_file_keeps_opacity(orange, tmp_path):
    _, result = orange
    save(result, tmp_path / "a.tween")
    loaded = load(tmp_path / "a.tween")
    assert loaded.source.matte == WHITE
    for a, b in zip(render(result.field, TIMES), render(loaded.field, TIMES), strict=True):
        np.testing.assert_array_equal(a, b)


def test_opacity_belongs_to_the_identity_of_a_video(orange):
    video, result = orange
    other = changed(video, alpha=np.full((FRAMES, HEIGHT, WIDTH), 9, np.uint16))
    assert fitted(other).source.digest != result.source.digest


def test_scores_are_of_the_picture_over_its_matte(orange):
    video, _ = orange
    scored = evaluate(video, Dis(), replace(draft(), steps=2), baselines={}, device="cpu")
    assert scored.split.held_out.alpha is None
    np.testing.assert_array_equal(scored.split.held_out.frames[0], video.over(WHITE).frames[1])


def test_a_clip_without_opacity_has_none():
    plain = Video(
        frames=np.zeros((3, 12, 16, 3), np.uint8), times=tuple(map(Fraction, range(3))), rate=Fraction(1)
    )
    assert Grid.of(plain) == Grid(frames=3, height=12, width=16)
    result = fitted(plain)
    assert result.field.alpha(0.5) is None
    assert next(render(result.field, [0.5])).shape == (12, 16, 3)


def test_overshoot_at_an_edge_does_not_change_the_colour():
    alpha = np.array([[1.08, 1.0, 0.5, -0.06]])
    for matte, behind in ((BLACK, 0), (WHITE, 1)):
        mixed = alpha[..., None] * 0.4 + (1 - alpha[..., None]) * np.full(3, behind)
        result = straight(mixed, alpha, matte)
        np.testing.assert_allclose(result[0, :3, :3], 0.4)
        np.testing.assert_allclose(result[0, :, 3], [1, 1, 0.5, 0])
        np.testing.assert_array_equal(result[0, 3], 0)
