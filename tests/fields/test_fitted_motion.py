"""The correction to a flow: where it is, how smooth it is, and what it makes of the flow."""

import numpy as np
import pytest
import torch

from tweenfield import FlowError, Grid, Motion
from tweenfield.fields import splines
from tweenfield.flow import Flow
from tweenfield.flow.sampling import sample_linear

GRID = Grid(frames=4, height=20, width=37)


def drawn(seed=0, grid=GRID):
    """A motion with corrections of about a pixel, in double precision."""
    motion = Motion(grid).double()
    generator = torch.Generator().manual_seed(seed)
    for level in motion.levels:
        level.data = 0.05 * torch.randn(level.shape, generator=generator, dtype=torch.float64)
    return motion


def points(count=200, grid=GRID, seed=1):
    extent = torch.tensor([grid.width - 1, grid.height - 1, grid.frames - 1], dtype=torch.float64)
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * extent


def test_it_starts_at_exactly_zero_everywhere():
    assert not Motion(GRID)(points().float()).any()


@pytest.mark.parametrize("grid", [GRID, Grid(frames=2, height=5, width=3)], ids=["usual", "tiny"])
def test_equal_knots_are_one_velocity_at_every_place_and_time(grid):
    # B-splines and hats sum to 1.
    motion = Motion(grid).double()
    motion.levels[0].data[:] = torch.tensor([0.3, -0.1])
    values = motion(points(grid=grid))
    torch.testing.assert_close(values, torch.tensor([6.0, -2.0]).double().expand_as(values))


def test_it_is_continuous_and_belongs_to_the_middle_of_each_interval():
    motion = drawn()
    for k in range(3):
        # Only the knots of this interval are left.
        alone = drawn()
        for level in alone.levels:
            level.data[[i for i in range(3) if i != k]] = 0
        at = torch.cat((points()[:, :2], torch.full((200, 1), k + 0.5).double()), dim=1)
        torch.testing.assert_close(alone(at), motion(at))
    for axis, step in ((0, 1e-6), (1, 1e-6), (2, 1e-6)):
        at = points().round()  # where cells and intervals meet
        aside = at.clone()
        aside[:, axis] -= step
        assert (motion(at) - motion(aside)).abs().max() < 1e-4


def test_the_gradient_is_that_of_finite_differences():
    motion = drawn()
    at = points(20).requires_grad_()
    assert torch.autograd.gradcheck(lambda *levels: _with(motion, levels, at.detach()), list(motion.levels))
    assert torch.autograd.gradcheck(motion, at)


def _with(motion, levels, at):
    return torch.func.functional_call(motion, {f"levels.{i}": v for i, v in enumerate(levels)}, at)


def test_points_in_many_planes_get_what_each_plane_has():
    images = torch.rand(3, 2, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    coefficients = splines.prefilter(images)
    at = 14 * torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 2
    plane = torch.arange(50) % 3
    found = splines.sample_planes(coefficients.permute(0, 2, 3, 1), plane, *at.unbind(1))
    for value, k, (x, y) in zip(found, plane, at, strict=True):
        torch.testing.assert_close(value, splines.sample(coefficients[k], x[None], y[None])[:, 0])


def test_a_correction_to_nothing_leads_there_and_back():
    # Along one smooth velocity, forward and backward are inverse, and a constant one is the flow itself.
    nothing = np.zeros((3, 20, 37, 2), np.float32)
    zero = Flow(forward=nothing, backward=nothing, name="zero")
    constant = Motion(GRID)
    constant.levels[0].data[:] = torch.tensor([0.05, 0.02])
    flow = constant.corrected(zero)
    np.testing.assert_allclose(flow.forward, np.broadcast_to([1, 0.4], flow.forward.shape), atol=1e-5)
    np.testing.assert_allclose(flow.backward, -flow.forward, atol=1e-5)
    bent = Motion(GRID)
    bent.levels[1].data = 0.1 * torch.randn(bent.levels[1].shape, generator=torch.Generator().manual_seed(0))
    flow = bent.corrected(zero)
    y, x = np.mgrid[:20, :37].astype(np.float32)
    for ahead, back in zip(flow.forward, flow.backward, strict=True):
        there = sample_linear(back, x + ahead[..., 0], y + ahead[..., 1])
        away = np.abs(ahead + there)[4:-4, 4:-4]
        assert np.abs(ahead).max() > 1 and away.max() < 0.1


def test_no_correction_leaves_a_flow_that_agrees_with_itself():
    forward = np.broadcast_to(np.float32([1.5, -0.5]), (3, 20, 37, 2)).copy()
    flow = Flow(forward=forward, backward=-forward, name="steady")
    corrected = Motion(GRID).corrected(flow)
    np.testing.assert_allclose(corrected.forward, forward, atol=1e-5)
    np.testing.assert_allclose(corrected.backward, -forward, atol=1e-5)


def test_flow_for_other_frames_is_refused():
    other = np.zeros((3, 20, 36, 2), np.float32)
    with pytest.raises(FlowError, match=r"\(3, 20, 36, 2\).*\(3, 20, 37, 2\)"):
        Motion(GRID).corrected(Flow(forward=other, backward=other, name="other"))
