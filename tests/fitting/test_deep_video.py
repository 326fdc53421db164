"""Video of 10 bits through flow, fit, drawing, scores and model files: nothing is rounded to 8 bits."""

from dataclasses import replace as changed
from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import waves

from tweenfield import (
    BASELINES,
    Dis,
    Grid,
    Hdr,
    Observed,
    Split,
    TransportConfig,
    Video,
    draft,
    estimate_flow,
    evaluate,
    find_shots,
    fit,
    hide,
    load,
    psnr,
    render,
    render_exposed,
    replace,
    save,
    ssim,
)
from tweenfield.errors import BaselineError, UsageError
from tweenfield.evaluation.pictures import comparison
from tweenfield.fields import splines
from tweenfield.fields.transport import kernels
from tweenfield.fitting.samples import between_frames
from tweenfield.video.depth import colors, eight_bit

HEIGHT, WIDTH, FRAMES = 40, 56, 7
LEVEL = 65535 / 255


def truth(t):
    """Colours of a dark, smooth pattern that moves: all of it lies within seven levels of 255."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x, y = x - 1.5 * t, y + 0.5 * t
    red = 0.02 + 0.012 * np.sin(0.12 * x + 0.05 * y)
    green = 0.03 + 0.01 * np.cos(0.1 * y - 0.06 * x)
    return np.stack((red, green, 0.025 + 0.008 * np.sin(0.08 * x) * np.cos(0.1 * y)), axis=-1)


def ten_bits(picture):
    """The nearest of 1024 code values, in 16 bits."""
    return np.rint(np.rint(picture * 1023) * (65535 / 1023)).astype(np.uint16)


def video_of(pictures, **settings):
    times = tuple(Fraction(k, 25) for k in range(len(pictures)))
    settings = {"depth": 10, **settings}
    return Video(frames=np.stack(pictures), times=times, rate=Fraction(25), name="dark", **settings)


@pytest.fixture(scope="module")
def fitted():
    video = video_of([ten_bits(truth(k)) for k in range(FRAMES)], hdr=Hdr(max_cll=1000, max_fall=400))
    result = fit(video, estimate_flow(video, Dis()), replace(draft("transport"), steps=10), device="cpu")
    return video, result


def test_drawn_frames_have_more_than_8_bits(fitted):
    video, result = fitted
    times = [0.5, 1.5, 2.25, 4.5]
    for t, drawn in zip(times, render(result.field, times), strict=True):
        assert drawn.dtype == np.uint16
        error = (drawn - 65535 * truth(t))[4:-4, 4:-4]
        assert np.abs(error).max() < LEVEL / 5
        assert np.sqrt((error**2).mean()) < LEVEL / 10
        # Between observed frames, colours lie between code values as well.
        assert len(np.unique(drawn)) > 1000 > 20 * len(np.unique(video.frames))
    for k, drawn in enumerate(render(result.field, range(FRAMES))):
        np.testing.assert_array_equal(drawn, video.frames[k])


def test_a_static_clip_stays_as_it_is_at_any_time():
    still = ten_bits(waves(HEIGHT, WIDTH))
    video = video_of([still] * 4)
    result = fit(video, estimate_flow(video, Dis()), replace(draft("transport"), steps=3), device="cpu")
    for drawn in render(result.field, [0, 0.3, 1, 1.5, 2.9, 3]):
        assert np.abs(drawn.astype(int) - still).max() < 64
    (drawn,) = render_exposed(result.field, [1.5], [0.5])
    assert np.abs(drawn.astype(int) - still).max() < 64


@pytest.mark.parametrize("reduction", [1, 2])
def test_compiled_loops_draw_the_field_as_it_is_defined(reduction, monkeypatch):
    monkeypatch.setattr("tweenfield.flow.sampling._MOST_PIXELS", HEIGHT * WIDTH / reduction**2)
    video = video_of([ten_bits(waves(HEIGHT, WIDTH, 1.7 * k, -0.6 * k)) for k in range(4)])
    grid = Grid(frames=4, height=HEIGHT, width=WIDTH, depth=10)
    field = TransportConfig(width=8).build(grid, seed=0)
    field.observe(Observed(video, estimate_flow(video, Dis())))
    assert field.reduction == reduction
    (fast,) = render(field, [1.3])
    field.double()
    (defined,) = render(field, [1.3])
    assert fast.dtype == defined.dtype == np.uint16
    assert np.abs(fast.astype(int) - defined).max() <= 2
    with pytest.raises(ValueError, match="aren't of"):
        field.restore({**field.observations(), "frames": eight_bit(video.frames[0])[None].repeat(4, 0)})


def test_coefficients_of_a_picture_of_16_bits():
    picture = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    planes = torch.from_numpy(picture.astype(np.float64) / 65535).permute(2, 0, 1)
    expected = splines.prefilter(planes).permute(1, 2, 0)
    np.testing.assert_allclose(kernels.spline_picture(picture)[..., :3], expected, rtol=0, atol=2e-6)


def test_a_model_file_draws_16_bits_again(fitted, tmp_path):
    video, result = fitted
    save(result, tmp_path / "a.tween")
    again = load(tmp_path / "a.tween")
    assert (again.source, again.source.depth, again.source.hdr) == (result.source, 10, video.hdr)
    for one, other in zip(*(render(r.field, [0, 0.5, 2.75]) for r in (again, result)), strict=True):
        assert one.dtype == np.uint16
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["siren", "patches"])
def test_other_fields_draw_the_type_of_what_they_were_fitted_to(fitted, name, tmp_path):
    video, _ = fitted
    recipe = changed(replace(draft(name), steps=2, width=8, depth=2), teacher=None)
    result = fit(video, estimate_flow(video, Dis()), recipe, device="cpu")
    save(result, tmp_path / "a.tween")
    for field in (result.field, load(tmp_path / "a.tween").field):
        (drawn,) = render(field, [0.5])
        assert drawn.dtype == np.uint16 and len(np.unique(drawn)) > 256


def test_samples_between_frames_keep_their_precision(fitted):
    video, _ = fitted
    observed = Observed(video, estimate_flow(video, Dis()))
    samples = between_frames(observed, torch.device("cpu"))
    points = samples.at(torch.arange(HEIGHT * WIDTH), torch.zeros(HEIGHT * WIDTH, 3))
    error = points.colors.reshape(HEIGHT, WIDTH, 3).numpy() - truth(float(samples.times[0]))
    assert np.abs(error[4:-4, 4:-4]).max() < 0.3 / 255


def test_keyframes_have_the_depth_of_the_field(fitted):
    video, result = fitted
    assert all(frame.dtype == np.uint16 for frame in render(result.field, [0, 0.5], keyframes=video))
    eight = video_of([eight_bit(frame) for frame in video.frames], depth=8)
    with pytest.raises(UsageError, match="dark has 8 bits, but the field was fitted to 10"):
        next(render(result.field, [0], keyframes=eight))


def test_scores_count_in_the_same_levels():
    picture = ten_bits(waves(HEIGHT, WIDTH))
    # One level of 255 off everywhere.
    assert psnr(picture + np.uint16(257), picture) == pytest.approx(20 * np.log10(255))
    assert ssim(picture, picture) == pytest.approx(1)
    eight = eight_bit(picture).astype(np.uint16) * 257
    noisy = eight_bit(picture)[::-1]
    assert ssim(noisy.astype(np.uint16) * 257, eight) == pytest.approx(ssim(noisy, eight_bit(picture)))


def test_an_evaluation_sees_what_8_bits_would_hide(fitted):
    video, _ = fitted
    found = evaluate(video, Dis(), replace(draft("transport"), steps=3), device="cpu")
    # Rounding to 8 bits alone would leave it at 10.8 dB + 20 log10(255) = 58.9.
    assert np.mean(found.score.psnr) > 60
    assert set(found.baselines) == {"blend", "cubic", "warp"}
    assert len(comparison(found).axes) == 8


def test_baselines_work_or_refuse(fitted):
    video, _ = fitted
    split: Split = hide(video)
    flow = estimate_flow(split.observed, Dis())
    for name in ("blend", "cubic", "warp", "warp4", "warp4-cubic"):
        first, exact = BASELINES[name](split.observed, flow, [0.5, 1])
        assert first.dtype == np.float32
        np.testing.assert_array_equal(exact, colors(split.observed.frames[1]))
    with pytest.raises(BaselineError, match="minterpolate draws 8 bits, but the video has 10"):
        list(BASELINES["minterpolate"](split.observed, flow, [0.5]))


def test_shots_and_flow_are_those_of_8_bits():
    scenes = [waves(HEIGHT, WIDTH, 1.5 * k) for k in range(6)] + [1 - waves(HEIGHT, WIDTH)[:, ::-1] ** 2] * 6
    deep = video_of([ten_bits(scene) for scene in scenes])
    eight = video_of([eight_bit(frame) for frame in deep.frames], depth=8)
    assert find_shots(deep) == find_shots(eight)
    flows = [estimate_flow(video, Dis()) for video in (deep, eight)]
    np.testing.assert_array_equal(flows[0].forward[1], flows[1].forward[1])
    kinds = [Observed(video, flow) for video, flow in zip((deep, eight), flows, strict=True)]
    np.testing.assert_array_equal(kinds[0].residuals[1], kinds[1].residuals[1])
