"""What the compiled loops draw is the field as it is defined, whatever the reduction of its maps."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves
from numba.core import caching

from tweenfield import Dis, Grid, Observed, TransportConfig, Video, estimate_flow, machine_code
from tweenfield.fields import splines
from tweenfield.fields.reduced import reduced_picture
from tweenfield.fields.transport import kernels
from tweenfield.flow import sampling

SIZE = 45, 61
# A 512th of a level of 255: no frame is rounded otherwise for it, but for one value in a thousand.
CLOSE = 1 / 512 / 255


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(params=[1, 2, 4])
def field(request, monkeypatch):
    """A field with a network of large random weights; its maps are as much smaller as the parameter."""
    monkeypatch.setattr(sampling, "_MOST_PIXELS", SIZE[0] * SIZE[1] / request.param**2)
    moving = np.stack([to_8bit(waves(*SIZE, 1.7 * k, -0.6 * k)) for k in range(5)])
    frames = moving // 2 + noise(5, *SIZE, 3) // 8
    video = Video(frames=frames, times=tuple(map(Fraction, range(5))), rate=Fraction(1))
    field = TransportConfig(width=8).build(Grid(frames=5, height=SIZE[0], width=SIZE[1]), seed=0)
    field.observe(Observed(video, estimate_flow(video, Dis())))
    assert field.reduction == request.param
    with torch.no_grad():
        for parameter in field.mixing.parameters():
            parameter.mul_(2)
        field.mixing.layers[-1].weight.mul_(300)
        field.mixing.fine[-1].weight.mul_(300)
    return field


@pytest.mark.parametrize("t", [0.5, 1.25, 3.4, 3.95])
def test_a_frame_is_that_of_the_definition(field, t):
    with torch.no_grad():
        fast = field.frame(t)
        field.double()
        defined = field.frame(t)
    assert not torch.equal(fast, defined)  # by another way, indeed
    assert (fast - defined).abs().max() < CLOSE


def test_the_network_moves_the_picture(field):
    with torch.no_grad():
        drawn = field.frame(1.5)
        for parameter in field.mixing.parameters():
            parameter.zero_()
        assert (field.frame(1.5) - drawn).abs().mean() > 0.002


def test_the_derivative_is_that_of_autograd_and_of_central_differences(field):
    field.double()
    generator = torch.Generator().manual_seed(0)
    # Within the first two intervals and the beginning of the third: each takes a second.
    points = torch.rand(40, 3, generator=generator, dtype=torch.float64)
    points = points * torch.tensor([SIZE[1] - 1, SIZE[0] - 1, 2.2], dtype=torch.float64)
    direction = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    value, derivative = field.with_derivative(points, direction)
    torch.testing.assert_close(value, field(points))
    (_, by_autograd) = torch.autograd.functional.jvp(field, points, direction)
    torch.testing.assert_close(derivative, by_autograd)
    h = 1e-6
    difference = (field(points + h * direction) - field(points - h * direction)) / (2 * h)
    torch.testing.assert_close(derivative, difference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 4), (33, 70)])
def test_coefficients_of_a_picture_are_those_of_the_splines(shape):
    picture = noise(*shape, 3)
    expected = splines.prefilter(torch.from_numpy(picture).permute(2, 0, 1).double() / 255).permute(1, 2, 0)
    np.testing.assert_allclose(kernels.spline_picture(picture)[..., :3], expected, rtol=0, atol=2e-6)


def test_maps_of_another_reduction_are_refused_by_a_field():
    field = TransportConfig().build(Grid(frames=3, height=20, width=24), seed=0)
    with pytest.raises(ValueError, match="aren't of"):
        field.restore({"frames": noise(3, 20, 24, 3), "forward_flow": np.zeros((2, 10, 12, 2), np.float32)})


def test_a_reduced_picture_lies_where_it_should():
    # A ramp's mean over a square is its value at the square's middle; a cut square is filled up.
    y, x = np.mgrid[:10, :15].astype(np.float32)
    small = sampling.reduce(np.stack((x, y), axis=-1), 4)
    assert small.shape == (3, 4, 2)
    np.testing.assert_allclose(small[0, :3, 0], 4 * np.arange(3) + 1.5)
    np.testing.assert_allclose(small[:2, 0, 1], 4 * np.arange(2) + 1.5)


@pytest.mark.parametrize(
    ("size", "count"), [((240, 360), 0), ((480, 640), 1), ((1080, 1920), 2), ((2160, 3840), 3)]
)
def test_larger_pictures_are_halved_more_often(size, count):
    assert sampling.halvings(*size) == count


def test_a_picture_of_few_rows_is_the_mean_over_what_each_pixel_covers(field):
    def shares(many, few):
        edges, size = np.arange(few + 1) * many / few, many / few
        below = np.minimum(edges[1:, None], np.arange(many) + 1)
        return np.maximum(below - np.maximum(edges[:-1, None], np.arange(many)), 0) / size

    rows, columns = field.grid.height, field.grid.width
    few = reduced_picture(field, 1.3, rows // 6)
    across, along = shares(rows, few.shape[0]), shares(columns, few.shape[1])
    with torch.inference_mode():  # as it is drawn
        whole = field.picture(1.3).astype(float)
    expected = np.einsum("ab,bcd,ec->aed", across, whole, along)
    assert np.abs(few - expected).max() <= 0.51


def test_a_picture_is_the_frame_in_8_bit(field):
    with torch.inference_mode():
        for t in (0.0, 1.3, 2.0, 2.5, 4.0):
            expected = (field.frame(t) * 255).round().clamp(0, 255).to(torch.uint8)
            assert np.array_equal(field.picture(t), expected)
        small = (field.frame(1.5, (20, 30)) * 255).round().clamp(0, 255).to(torch.uint8)
        assert np.array_equal(field.picture(1.5, (20, 30)), small)


def test_loops_are_compiled_where_their_code_cannot_be_kept(monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    def double(values):
        for k in range(len(values)):
            values[k] *= 2

    values = np.ones(3)
    machine_code.compiled(double)(values)
    assert values.tolist() == [2, 2, 2]
