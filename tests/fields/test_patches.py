import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield import (
    Dis,
    FitConfig,
    Flow,
    FlowConstraint,
    Recipe,
    Video,
    estimate_flow,
    fit,
    hide,
    psnr,
    read_video,
    render,
)
from tweenfield.fields import Grid, PatchesConfig
from tweenfield.fields.base import frame_points
from tweenfield.flow.observed import Observed

GRID = Grid(frames=5, height=30, width=43)
# Windows that overlap everywhere, and in every second cell.
EACH_LAYOUT = pytest.mark.parametrize("layout", [{"side": 8}, {"side": 4, "spacing": 2}], ids=["1", "2"])
DEMO = Path(__file__).parents[2] / "demo" / "bunny.mp4"


def patches(**settings):
    return PatchesConfig(**{"side": 8, "width": 8, "depth": 2} | settings).build(GRID, seed=0).double()


def scattered(n):
    """Points in the picture and around it."""
    extent = torch.tensor([GRID.width, GRID.height, GRID.frames], dtype=torch.float64)
    unit = torch.rand(n, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (1.4 * unit - 0.2) * extent


@EACH_LAYOUT
def test_windows_sum_to_one(layout):
    # Where all networks say the same, so does the field, and nothing changes in any direction.
    field = patches(**layout)
    color = torch.tensor([0.3, -0.2, 0.7], dtype=torch.float64)
    with torch.no_grad():
        field.weights[-1].zero_()
        field.biases[-1].copy_(color.expand_as(field.biases[-1]))
    points = scattered(500)
    value, derivative = field.with_derivative(points, torch.ones_like(points))
    torch.testing.assert_close(value, (0.5 + 0.5 * color).expand(500, 3), rtol=0, atol=4e-16)
    torch.testing.assert_close(derivative, torch.zeros_like(points), rtol=0, atol=1e-15)


@EACH_LAYOUT
def test_a_network_is_not_seen_beyond_its_cells(layout):
    field = patches(**layout)
    before = field.frame(1.0)
    # The third network of the third row sits in the middle of its cells, which end at -1/2 + k * cell.
    middle, reach, columns = (2, 1, field.blocks[1] + 1) if layout == {"side": 8} else (4.5, 1.5, 6)
    with torch.no_grad():
        field.biases[-1][2 * columns + 2] += 5
    x, y = (torch.arange(n) + 0.5 for n in (GRID.width, GRID.height))
    inside = ((y / field.cell[1] - middle).abs() < reach)[:, None] & (
        (x / field.cell[0] - middle).abs() < reach
    )
    changed = (field.frame(1.0) - before).abs().amax(dim=2)
    assert torch.equal(changed > 0, inside)


@EACH_LAYOUT
@pytest.mark.parametrize("axis", [0, 1])
def test_value_and_derivatives_are_continuous_across_the_borders_of_cells(axis, layout):
    field, e = patches(**layout), 1e-7
    points = scattered(40)
    # The borders of cells, in turn.
    points[:, axis] = (torch.arange(40) % 5 + 1) * field.cell[axis] - 0.5
    step = torch.zeros(3, dtype=torch.float64)
    step[axis] = e
    for direction in torch.eye(3, dtype=torch.float64):
        before = field.with_derivative(points - step, direction.expand(40, 3))
        after = field.with_derivative(points + step, direction.expand(40, 3))
        for a, b in zip(before, after, strict=True):
            # What a Lipschitz function may change by over a distance of 2e; a jump would be of order 0.1.
            torch.testing.assert_close(a, b, rtol=0, atol=20 * e)


def drifting(steps):
    """Waves that move by each of ``steps`` (x, y) in turn, with their exact flow."""
    places = np.concatenate(([[0, 0]], np.cumsum(steps, axis=0)))
    video = Video(
        frames=np.stack([to_8bit(waves(GRID.height, GRID.width, x, y)) for x, y in places]),
        times=tuple(map(Fraction, range(len(places)))),
        rate=Fraction(1),
    )
    forward = np.empty((len(steps), GRID.height, GRID.width, 2), np.float32)
    forward[:] = np.reshape(steps, (-1, 1, 1, 2))
    return video, Flow(forward=forward, backward=-forward, name="exact")


@EACH_LAYOUT
def test_displacement_is_how_far_the_flow_leads_from_the_middle_frame(layout):
    video, flow = drifting([(1, 0.5), (3, 0.5), (-2, 0), (4, 1)])
    field = patches(**layout)
    field.observe(Observed(video, flow))
    expected = torch.tensor([[-4, -1], [-3, -0.5], [0, 0], [-2, 0], [2, 1]], dtype=torch.float64)
    each = expected[:, None].expand(5, field.displacement.shape[1], 2)
    torch.testing.assert_close(field.displacement[1:-1], each, rtol=0, atol=1e-5)


def test_value_and_derivatives_are_continuous_where_the_flow_changes():
    video, flow = drifting([(1, 0.5), (3, 0.5), (-2, 0), (4, 1)])
    field, e = patches(), 1e-7
    field.observe(Observed(video, flow))
    for frame in range(5):
        points = scattered(40)
        points[:, 2] = frame
        step = torch.tensor([0, 0, e], dtype=torch.float64)
        for direction in torch.eye(3, dtype=torch.float64):
            before = field.with_derivative(points - step, direction.expand(40, 3))
            after = field.with_derivative(points + step, direction.expand(40, 3))
            for a, b in zip(before, after, strict=True):
                torch.testing.assert_close(a, b, rtol=0, atol=200 * e)


def test_networks_that_move_with_the_picture_know_the_frames_between():
    # Frames alone are fitted: what ties them together is only where the networks go.
    video, flow = drifting([(2, -1)] * 4)
    halves = [drifting([(1, -0.5)] * 8)[0].frames[k] for k in (1, 3, 5, 7)]
    recipe = Recipe(
        name="test",
        field=PatchesConfig(side=8, width=16, depth=2),
        objective=FlowConstraint(weight=0, points=16),
        fit=FitConfig(steps=150, learning_rate=3e-3),
    )

    def held_out(known):
        drawn = render(fit(video, known, recipe, device="cpu").field, [0.5, 1.5, 2.5, 3.5])
        return np.mean([psnr(a, b) for a, b in zip(drawn, halves, strict=True)])

    still = Flow(forward=0 * flow.forward, backward=0 * flow.backward, name="none")
    assert held_out(flow) > held_out(still) + 2


@EACH_LAYOUT
def test_the_derivative_is_the_limit_of_differences(layout):
    video, flow = drifting([(1, 0.5), (3, 0.5), (-2, 0), (4, 1)])
    field, h = patches(**layout), 1e-5
    field.observe(Observed(video, flow))
    points, direction = scattered(300), torch.ones(300, 3, dtype=torch.float64)
    # Inside the picture, and away from the frames, where the second derivative in time jumps.
    points = points.clamp(min=0.01) % torch.tensor([GRID.width - 1, GRID.height - 1, GRID.frames - 1.01])
    points[:, 2] += 0.005 * ((points[:, 2] % 1) < 0.005)
    ahead, behind = (field(points + step * direction) for step in (h, -h))
    value, derivative = field.with_derivative(points, direction)
    torch.testing.assert_close(value, field(points), rtol=0, atol=1e-13)
    torch.testing.assert_close(derivative, (ahead - behind) / (2 * h), rtol=0, atol=1e-7)


@EACH_LAYOUT
def test_points_on_a_frame_need_not_come_in_any_order(layout):
    field = patches(**layout)
    points = frame_points(2.0, (GRID.height, GRID.width), GRID, like=field.scale)
    shuffle = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    alone = torch.cat([field(point[None]) for point in points[shuffle[:30]]])
    torch.testing.assert_close(field(points[shuffle])[:30], alone, rtol=0, atol=1e-13)
    torch.testing.assert_close(
        field(points[shuffle]), field.frame(2.0).reshape(-1, 3)[shuffle], rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("spacing", [1, 2, 3])
def test_cells_cover_the_picture_whatever_its_size(spacing):
    for height, width, side in [(1, 1, 8), (7, 90, 8), (24, 32, 8), (30, 43, 100)]:
        field = PatchesConfig(side=side, spacing=spacing, width=4, depth=1).build(
            Grid(frames=2, height=height, width=width), 0
        )
        rows, columns = field.blocks
        assert torch.equal(field.cell, torch.tensor([width / columns, height / rows]))
        assert rows >= 1 and columns >= 1
        if min(height, width) >= side:
            assert (field.cell > side * 2 / 3).all() and (field.cell < side * 3 / 2).all()
        assert field.frame(0.5).shape == (height, width, 3)


def test_the_picture_is_no_worse_at_the_borders_of_cells():
    whole = read_video(DEMO, frames="0:9")
    video = Video(
        frames=np.ascontiguousarray(whole.frames[:, 63:127, 123:219]),
        times=tuple(map(Fraction, range(len(whole)))),
        rate=Fraction(1),
    )
    split = hide(video, 2)
    recipe = Recipe(
        name="test",
        field=PatchesConfig(side=8, width=24, depth=3),
        objective=FlowConstraint(points=8),
        fit=FitConfig(steps=250, learning_rate=1e-3),
    )
    field = fit(split.observed, estimate_flow(split.observed, Dis()), recipe, device="cpu").field
    with torch.no_grad():
        drawn = torch.stack([field.frame(float(t)) for t in split.positions])
    error = (drawn - torch.from_numpy(split.held_out.frames) / 255).numpy()
    assert -10 * math.log10((error**2).mean()) > 25  # it has learnt something
    # A border that shows is a jump of the error between pixels 7 and 8, 15 and 16, ... The clip's own
    # compression leaves edges between 0 and 1 and between 4 and 5, so these are left out.
    for axis in (1, 2):
        jump = np.diff(error, axis=axis)
        place = np.arange(jump.shape[axis]) % 8
        assert _power(jump, place == 7, axis) < 1.1 * _power(jump, np.isin(place, (1, 2, 3, 5, 6)), axis)
        place = np.arange(error.shape[axis]) % 8
        assert _power(error, np.isin(place, (0, 7)), axis) < 1.1 * _power(
            error, (place > 0) & (place < 7), axis
        )


def _power(values, chosen, axis):
    return np.square(np.compress(chosen, values, axis=axis)).mean()


@pytest.mark.parametrize("name", ["side", "omega", "time_step"])
@pytest.mark.parametrize("value", [0, -1.5, math.inf, math.nan])
def test_real_settings_must_be_positive(name, value):
    with pytest.raises(ValueError, match=name):
        PatchesConfig(**{name: value})


@pytest.mark.parametrize("name", ["width", "depth", "spacing"])
@pytest.mark.parametrize("value", [0, -1])
def test_whole_settings_must_be_positive(name, value):
    with pytest.raises(ValueError, match=name):
        PatchesConfig(**{name: value})
