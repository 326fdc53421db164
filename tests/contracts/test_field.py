"""What every field must do. A new field is one more line in CONFIGS."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield import RECIPES, Flow, Video
from tweenfield.fields import Grid, PatchesConfig, SirenConfig, TransportConfig
from tweenfield.flow.observed import Observed

CONFIGS = [
    SirenConfig(width=24, depth=3, omega=30.0, time_step=0.1),
    SirenConfig(width=16, depth=1, omega=10.0, time_step=0.03, extent=2.0),
    PatchesConfig(side=5, width=12, depth=2, time_step=0.1),
    PatchesConfig(side=40, width=10, depth=1, omega=10.0),
    TransportConfig(width=6, depth=2),
    TransportConfig(width=4, depth=3),
]
GRID = Grid(frames=5, height=12, width=17)


@pytest.fixture(params=CONFIGS, ids=lambda config: f"{config.name}-depth{config.depth}")
def field(request):
    return observing(request.param.build(GRID, seed=3)).double()


def observing(field):
    """The field, having seen a pattern that moves, with a flow that varies; its parameters are random."""
    frames = np.stack(
        [to_8bit(waves(GRID.height, GRID.width, 1.5 * k, -0.5 * k)) for k in range(GRID.frames)]
    )
    video = Video(frames=frames, times=tuple(map(Fraction, range(GRID.frames))), rate=Fraction(1))
    y, x = np.mgrid[: GRID.height, : GRID.width]
    flow = np.stack((1.5 + 0.3 * np.sin(x / 3), -0.5 + 0.2 * np.cos(y / 4)), axis=-1).astype(np.float32)
    flow = np.broadcast_to(flow, (GRID.frames - 1, *flow.shape)).copy()
    field.observe(Observed(video, Flow(forward=flow, backward=-flow, name="test")))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return field


def points_inside(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    extent = torch.tensor([GRID.width - 1, GRID.height - 1, GRID.frames - 1], dtype=torch.float64)
    return torch.rand(n, 3, generator=generator, dtype=torch.float64) * extent


def directions(n, seed=1):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def jacobian(field, points):
    """(points, 3 colours, 3 coordinates) by autograd, one row of one point at a time."""
    return torch.stack(
        [torch.autograd.functional.jacobian(lambda p: field(p[None])[0], point) for point in points]
    )


def test_every_known_field_is_tested():
    assert {config.name for config in CONFIGS} == set(RECIPES)


def test_derivative_equals_the_jacobian_times_the_direction(field):
    points, direction = points_inside(20), directions(20)
    value, derivative = field.with_derivative(points, direction)
    torch.testing.assert_close(value, field(points), rtol=0, atol=1e-13)
    expected = (jacobian(field, points) @ direction[..., None])[..., 0]
    torch.testing.assert_close(derivative, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_derivative_agrees_with_central_differences(field, axis):
    points, h = points_inside(20), 1e-5
    direction = torch.zeros_like(points)
    direction[:, axis] = 1
    _, derivative = field.with_derivative(points, direction)
    numeric = (field(points + h * direction) - field(points - h * direction)) / (2 * h)
    torch.testing.assert_close(derivative, numeric, rtol=1e-6, atol=1e-7)


def test_derivative_is_linear_in_the_direction(field):
    points, a, b = points_inside(9), directions(9, 1), directions(9, 2)
    combined = field.with_derivative(points, 2 * a - 3 * b)[1]
    separate = 2 * field.with_derivative(points, a)[1] - 3 * field.with_derivative(points, b)[1]
    torch.testing.assert_close(combined, separate, rtol=1e-10, atol=1e-11)


def test_frame_is_the_field_at_pixel_centres(field):
    frame = field.frame(1.5)
    assert frame.shape == (GRID.height, GRID.width, 3)
    for y, x in [(0, 0), (3, 11), (GRID.height - 1, GRID.width - 1)]:
        point = torch.tensor([[x, y, 1.5]], dtype=torch.float64)
        torch.testing.assert_close(frame[y, x], field(point)[0], rtol=0, atol=1e-13)


def test_frame_of_three_times_the_size_holds_the_grid_at_its_centres(field):
    # Of three pixels where one was, the middle one has the same centre.
    large = field.frame(2.0, (3 * GRID.height, 3 * GRID.width))
    torch.testing.assert_close(large[1::3, 1::3], field.frame(2.0), rtol=0, atol=1e-10)


def test_frame_with_derivative_agrees_with_points(field):
    velocity = directions(GRID.height * GRID.width)[:, :2].reshape(GRID.height, GRID.width, 2)
    frame, derivative = field.frame_with_derivative(2.25, velocity)
    torch.testing.assert_close(frame, field.frame(2.25), rtol=0, atol=1e-12)
    y, x = 4, 9
    point = torch.tensor([[x, y, 2.25]], dtype=torch.float64)
    direction = torch.cat((velocity[y, x], torch.ones(1, dtype=torch.float64)))[None]
    torch.testing.assert_close(
        derivative[y, x], field.with_derivative(point, direction)[1][0], rtol=1e-10, atol=1e-11
    )


def test_the_seed_decides_the_parameters(field):
    first, same, other = (field.config.build(GRID, seed=seed) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_observations_are_restored_on_their_own_grid_only(field):
    again = field.config.build(GRID, seed=0).double()
    again.load_state_dict(field.state_dict())
    again.restore(field.observations())
    assert torch.equal(again.frame(1.5), field.frame(1.5))
    if field.observations():
        with pytest.raises(ValueError, match="aren't of Grid"):
            field.config.build(Grid(frames=5, height=13, width=17), seed=0).restore(field.observations())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_draws_what_the_cpu_draws(field):
    field = field.float()
    on_cpu = field.frame(1.3)
    torch.testing.assert_close(field.cuda().frame(1.3).cpu(), on_cpu, rtol=0, atol=1e-4)
