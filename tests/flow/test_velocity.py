"""Motion between frames against motions whose every velocity is known."""

import numpy as np
import pytest
from flow.patterns import constant, grid, inner, pattern, psnr, translation

from tweenfield.errors import FlowError
from tweenfield.flow import Flow
from tweenfield.flow.sampling import sample, sample_linear
from tweenfield.flow.velocity import agreement, invert, velocity, velocity_at_frame, velocity_between

H, W = 48, 64
CENTER = np.array([30.0, 20.0])


def zoom_field(gain):
    """A flow that is ``gain`` times the position from the centre."""
    return (gain * (np.stack(grid(H, W), axis=-1) - CENTER)).astype(np.float32)


def zoom(factor):
    """Everything ``factor`` times as far from the centre after one interval."""
    return Flow(forward=zoom_field(factor - 1)[None], backward=zoom_field(1 / factor - 1)[None], name="zoom")


def float_grid(height=H, width=W):
    return tuple(g.astype(np.float32) for g in grid(height, width))


class TestSample:
    @pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3), (20, 30)])
    @pytest.mark.parametrize("channels", [(), (2,), (3,)])
    def test_gives_the_pixels_at_pixels(self, size, channels):
        image = np.random.default_rng(0).random((*size, *channels), dtype=np.float32)
        # White noise changes by up to 1 per pixel, and a float32 position near 30 is good to 4e-6.
        np.testing.assert_allclose(sample(image, *float_grid(*size)), image, atol=4e-6)
        np.testing.assert_array_equal(sample_linear(image, *float_grid(*size)), image)

    @pytest.mark.parametrize("sampler", [sample, sample_linear])
    @pytest.mark.parametrize("shift", [0.011, 1 / 64, 0.3, 0.37, 0.5, 0.99])
    def test_reproduces_a_ramp_at_any_position(self, sampler, shift):
        # Two channels too: there OpenCV rounds to 1/32 pixel.
        x, y = float_grid()
        ramp = np.stack([x, y], axis=-1)
        found = sampler(ramp, x + np.float32(shift), y + np.float32(shift))
        np.testing.assert_allclose(inner(found, 16), inner(ramp + np.float32(shift), 16), atol=3e-5)

    def test_is_near_exact_between_the_pixels_of_a_band_limited_pattern(self):
        x, y = grid(H, W)
        dx, dy = np.random.default_rng(1).uniform(-2, 2, (2, H, W))
        image = pattern(x, y).astype(np.float32)
        at = (x + dx).astype(np.float32), (y + dy).astype(np.float32)
        true = inner(pattern(x + dx, y + dy), 8)
        assert psnr(inner(sample(image, *at), 8), true) > 58
        assert psnr(inner(sample_linear(image, *at), 8), true) < 50

    @pytest.mark.parametrize("sampler", [sample, sample_linear])
    def test_replicates_the_border(self, sampler):
        image = np.random.default_rng(2).random((9, 11, 3), dtype=np.float32)
        x, y = float_grid(9, 11)
        np.testing.assert_allclose(
            sampler(image, x, y - 100), np.broadcast_to(image[:1], image.shape), atol=2e-6
        )
        np.testing.assert_allclose(
            sampler(image, x + 100, y), np.broadcast_to(image[:, -1:], image.shape), atol=2e-6
        )


class TestAgreement:
    def test_is_one_where_the_flow_leads_back_and_zero_where_it_leaves_the_frame(self):
        found = agreement(constant(H, W, 3, 0), constant(H, W, -3, 0))
        np.testing.assert_allclose(found[:, : W - 3], 1)
        np.testing.assert_array_equal(found[:, W - 2 :], 0)

    def test_is_zero_where_a_moving_square_covers_the_still_background(self):
        # The square of columns 10-29 moves 6 to the right: background at columns 30-35 is covered.
        ahead, back = constant(H, W, 0, 0), constant(H, W, 0, 0)
        ahead[10:30, 10:30, 0], back[10:30, 16:36, 0] = 6, -6
        found = agreement(ahead, back)
        assert found[10:30, 30:36].max() < 1e-3
        expected = np.ones((H, W))
        expected[10:30, 30:36] = 0
        np.testing.assert_allclose(found, expected, atol=1e-3)

    def test_falls_smoothly_with_the_mismatch(self):
        at = [agreement(constant(H, W, 1, 0), constant(H, W, -1 - d, 0))[5, 5] for d in (0, 0.1, 0.5, 1, 3)]
        assert at == sorted(at, reverse=True) and len(set(at)) == 5
        assert at[2] == pytest.approx(np.exp(-(0.5**2) / (0.5 + 0.05 * (1 + 1.5**2))), rel=1e-5)


class TestInvert:
    def test_a_translation_is_exact(self):
        np.testing.assert_array_equal(invert(constant(H, W, 2.3, -1.6)), constant(H, W, -2.3, 1.6))

    def test_a_zoom(self):
        found = invert(zoom_field(0.15))
        np.testing.assert_allclose(inner(found, 8), inner(zoom_field(1 / 1.15 - 1), 8), atol=1e-4)


class TestVelocity:
    @pytest.mark.parametrize("t", [0, 0.25, 0.5, 1, 1.9, 2.0])
    def test_of_a_translation_is_the_translation_at_any_time(self, t):
        flow = translation(2, H, W, 2.3, -1.6)
        np.testing.assert_allclose(velocity(flow, t), flow.forward[0], atol=1e-6)

    @pytest.mark.parametrize("s", [0.25, 0.5, 0.8])
    @pytest.mark.parametrize("factor", [1.15, 0.9])
    def test_of_a_zoom_between_frames(self, s, factor):
        # x = c + (1 + s (z - 1)) (p - c) moves at (z - 1) (p - c).
        found = velocity_between(zoom(factor), 0, s)
        true = zoom_field((factor - 1) / (1 + s * (factor - 1)))
        np.testing.assert_allclose(inner(found, 8), inner(true, 8), atol=1e-4)

    def test_goes_continuously_into_the_flow_at_both_ends_of_an_interval(self):
        flow = zoom(1.1)
        for s, true in ((0.0, flow.forward[0]), (1.0, -flow.backward[0])):
            np.testing.assert_allclose(inner(velocity_between(flow, 0, s), 8), inner(true, 8), atol=1e-4)

    def test_at_a_frame_is_the_mean_of_both_sides_and_one_sided_at_the_ends(self):
        ahead = np.stack([constant(H, W, 1, 0), constant(H, W, 2, 0)])
        flow = Flow(forward=ahead, backward=-ahead, name="speeding up")
        np.testing.assert_array_equal(velocity_at_frame(flow, 0), ahead[0])
        np.testing.assert_array_equal(velocity_at_frame(flow, 2), ahead[1])
        np.testing.assert_allclose(inner(velocity_at_frame(flow, 1), 4), inner(constant(H, W, 1.5, 0), 4))

    def test_trusts_the_direction_that_agrees(self):
        ahead = np.stack([constant(H, W, 1, 0), constant(H, W, 9, 9)])
        back = np.stack([constant(H, W, -1, 0), constant(H, W, 4, 0)])
        found = velocity_at_frame(Flow(forward=ahead, backward=back, name="half wrong"), 1)
        np.testing.assert_allclose(inner(found, 12), inner(ahead[0], 12), atol=0.02)

    @pytest.mark.parametrize("t", [-0.1, 2.01, float("nan"), float("inf")])
    def test_outside_the_video_is_refused(self, t):
        with pytest.raises(FlowError, match="give a time from 0 to 2"):
            velocity(translation(2, H, W, 1, 0), t)

    def test_no_such_interval_fraction_or_frame_is_refused(self):
        flow = translation(2, H, W, 1, 0)
        for interval, fraction in ((2, 0.5), (-1, 0.5), (0, 1.5)):
            with pytest.raises(FlowError, match="interval from 0 to 1"):
                velocity_between(flow, interval, fraction)
        for frame in (-1, 3):
            with pytest.raises(FlowError, match="frame from 0 to 2"):
                velocity_at_frame(flow, frame)
