"""The compiled loops of flow are their definitions, in NumPy and in float64."""

import numpy as np
import pytest
from conftest import waves

from tweenfield import Flow
from tweenfield.flow.sampling import displaced, sample_displaced, sample_linear
from tweenfield.flow.velocity import agreement, invert, velocities_between

SIZES = [(45, 61), (130, 40), (1, 9), (9, 1)]


def flows(height, width, longest=6.0):
    """Smooth flow with some noise, beyond the borders as well, and flow back that agrees in parts."""
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width]
    smooth = np.stack((np.sin(x / 9 + y / 13), np.cos(x / 11 - y / 7)), axis=-1)
    ahead = longest * smooth + generator.normal(0, 0.2, smooth.shape)
    back = -longest * smooth + generator.normal(0, 1.5, smooth.shape) * (x > width / 2)[..., None]
    return ahead.astype(np.float32), back.astype(np.float32)


def bilinear(image, x, y):
    """In float64, the border replicated."""
    image = image.astype(np.float64)
    height, width = image.shape[:2]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    i, k = np.floor(x).astype(int), np.floor(y).astype(int)
    j, m = np.minimum(i + 1, width - 1), np.minimum(k + 1, height - 1)
    in_x, in_y = ((a - b).reshape(*x.shape, *[1] * (image.ndim - 2)) for a, b in ((x, i), (y, k)))
    above, below = (image[row, i] + in_x * (image[row, j] - image[row, i]) for row in (k, m))
    return above + in_y * (below - above)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [(), (2,), (3,)])
def test_samples_at_displaced_pixels(size, channels):
    image = np.random.default_rng(0).normal(size=(*size, *channels)).astype(np.float32)
    flow, _ = flows(*size)
    found = sample_displaced(image, flow, -0.4)
    y, x = np.mgrid[: size[0], : size[1]]
    share = np.float64(np.float32(-0.4))
    expected = bilinear(image, x + share * flow[..., 0], y + share * flow[..., 1])
    assert found.dtype == np.float32 and found.shape == image.shape
    # Places are rounded to 4e-6 of a pixel.
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-5)
    np.testing.assert_allclose(found, sample_linear(image, *displaced(flow, -0.4)), rtol=0, atol=5e-5)


@pytest.mark.parametrize("size", SIZES)
def test_agreement_is_its_formula(size):
    ahead, back = flows(*size)
    f = ahead.astype(np.float64)
    y, x = np.mgrid[: size[0], : size[1]]
    to_x, to_y = x + f[..., 0], y + f[..., 1]
    b = bilinear(back, to_x, to_y)
    expected = np.exp(
        -np.square(f + b).sum(axis=-1)
        / (0.5 + 0.05 * (np.square(f).sum(axis=-1) + np.square(b).sum(axis=-1)))
    )
    inside = (to_x >= -0.5) & (to_x <= size[1] - 0.5) & (to_y >= -0.5) & (to_y <= size[0] - 0.5)
    np.testing.assert_allclose(agreement(ahead, back), np.where(inside, expected, 0), rtol=0, atol=5e-5)
    assert min(size) == 1 or (inside.any() and not inside.all())


@pytest.mark.parametrize("size", SIZES)
def test_carried_flow_is_ten_steps_of_the_fixed_point(size):
    ahead, _ = flows(*size, longest=2.0)
    y, x = np.mgrid[: size[0], : size[1]]
    carried = ahead.astype(np.float64)
    for _ in range(10):
        carried = bilinear(ahead, x - carried[..., 0], y - carried[..., 1])
    # Noise has gradients, which enlarge the rounding of places.
    np.testing.assert_allclose(invert(ahead), -carried, rtol=0, atol=1e-3)


def test_arrays_that_cannot_be_written_to_or_have_gaps_are_the_same():
    ahead, back = flows(40, 52)
    wide = np.zeros((40, 52, 4), np.float32)
    wide[..., ::2] = ahead
    fixed = back.copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(agreement(wide[..., ::2], fixed), agreement(ahead, back))


def test_velocity_of_uniform_motion_is_that_motion():
    picture = waves(30, 40)
    ahead = np.broadcast_to(np.float32([3.0, -1.5]), (1, *picture.shape[:2], 2))
    flow = Flow(forward=np.array(ahead), backward=-np.array(ahead), name="uniform")
    for velocity, sure in velocities_between(flow, 0, 0.3):
        np.testing.assert_allclose(velocity, ahead[0], rtol=0, atol=1e-6)
        assert sure[5:-5, 5:-5].min() == 1
