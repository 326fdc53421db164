"""Which points the flow constraint draws, and what it makes of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import waves
from torch import nn

from tweenfield.fields import Field, Grid, PatchesConfig
from tweenfield.fitting.flow_constraint import FlowConstraint
from tweenfield.flow import Flow
from tweenfield.flow.between import FRACTIONS
from tweenfield.flow.observed import Observed

CPU = torch.device("cpu")


class Recorder(Field):
    """Draws the moving pattern of the fixture ``moving`` exactly, and keeps the points it was asked for."""

    name = "recorder"
    config = None
    blocks = (1, 1)

    def __init__(self, blocks=(1, 1), shift=0.0):
        nn.Module.__init__(self)
        self.grid = Grid(frames=5, height=20, width=28)
        self.blocks, self.shift, self.asked = blocks, shift, []

    def forward(self, points):
        self.asked.append(points)
        x, y, t = points.double().unbind(1)
        return self.shift + torch.from_numpy(_waves_at((x - 1.5 * t).numpy(), (y + 0.5 * t).numpy())).float()

    def with_derivative(self, points, direction):
        h = 1e-3
        p, d = points.double(), direction.double()
        ahead, behind = (self._color(p + e * d) for e in (h, -h))
        return self(points), ((ahead - behind) / (2 * h)).float()

    def _color(self, points):
        x, y, t = points.unbind(1)
        return torch.from_numpy(_waves_at((x - 1.5 * t).numpy(), (y + 0.5 * t).numpy()))

    def frame(self, t, size=None):
        y, x = torch.meshgrid(torch.arange(20), torch.arange(28), indexing="ij")
        points = torch.stack((x, y, torch.full_like(x, t, dtype=torch.float64)), dim=-1)
        return self._color(points.double().reshape(-1, 3)).reshape(20, 28, 3)

    def frame_with_derivative(self, t, velocity): ...


def _waves_at(x, y):
    red = 0.5 + 0.2 * np.sin(0.5 * x + 0.2 * y) + 0.2 * np.cos(0.3 * y)
    green = 0.5 + 0.25 * np.sin(0.4 * y - 0.3 * x)
    blue = 0.5 + 0.2 * np.cos(0.25 * x) * np.sin(0.45 * y + 1)
    return np.stack((red, green, blue), axis=-1)


def test_the_recorder_draws_the_pattern():
    y, x = np.mgrid[:20, :28].astype(float)
    np.testing.assert_allclose(_waves_at(x - 1.5, y + 0.5), waves(20, 28, 1.5, -0.5), atol=1e-12)


def drawn(field, moving, steps=1, **settings):
    objective = FlowConstraint(**settings).on(Observed(*moving), CPU)
    for step in range(steps):
        objective(field, torch.Generator().manual_seed(step))
    return torch.cat(field.asked)


@pytest.mark.parametrize("between", [0.0, 0.5])
def test_each_block_gets_the_same_number_of_points(moving, between):
    points = drawn(Recorder(blocks=(5, 4)), moving, points=6, between=between)
    x, y, t = points.unbind(1)
    block = (y // 4) * 4 + x // 7
    assert torch.equal(block.long().bincount(minlength=20), torch.full((20,), 6))
    assert (t % 1 > 0).double().mean().item() == between


@pytest.mark.parametrize("blocks", [(1, 1), (3, 5), (20, 28)])
def test_each_observed_pixel_is_drawn_equally_often_whatever_the_blocks(moving, blocks):
    points = drawn(Recorder(blocks), moving, steps=-(-200_000 // (blocks[0] * blocks[1] * 40)), points=40)
    x, y, t = points.long().unbind(1)
    counts = ((t * 20 + y) * 28 + x).bincount(minlength=5 * 20 * 28).double()
    expected = len(points) / (5 * 20 * 28)
    # Independent draws have a variance of their mean; draws by blocks have less.
    assert (counts - expected).abs().max() < 5.5 * expected**0.5
    assert ((counts - expected) ** 2).mean() < 1.1 * expected


def test_points_between_lie_at_the_fractions_of_every_interval(moving):
    t = drawn(Recorder(), moving, points=4000, between=0.5)[2000:, 2]
    assert set(t.tolist()) == {k + fraction for k in range(4) for fraction in FRACTIONS}


@pytest.mark.parametrize(("spacing", "cells"), [(1, 4), (2, 9)])
def test_patches_get_products_of_one_shape(moving, spacing, cells):
    config = PatchesConfig(side=4, spacing=spacing, width=4, depth=1)
    field = config.build(Grid(frames=5, height=20, width=28), 0)
    most = []
    field._layers, layers = (lambda rows: most.append(rows.most) or layers(rows)), field._layers
    objective = FlowConstraint(points=3).on(Observed(*moving), CPU)
    objective(field, torch.Generator().manual_seed(0))
    # A network inside the picture has the points of its cells, and none has more.
    assert most == [cells * 3]


def test_the_truth_costs_nothing_between_the_frames_either(moving):
    losses = FlowConstraint(points=3000, between=0.5, warped=1.0).on(Observed(*moving), CPU)(
        Recorder(), torch.Generator().manual_seed(0)
    )
    # 8 bits leave 1/12 of a squared level in each channel; borders and sampling, a little more of the warp.
    level = 1 / 255**2
    assert losses.observation == pytest.approx(3 * level / 12, rel=0.2)
    assert losses.constraint < 1e-4
    assert losses.total < 20 * level


def test_a_wrong_colour_costs_the_weight_of_warped_colours_between(moving):
    def total(warped):
        settings = FlowConstraint(weight=0, points=3000, between=0.5, warped=warped)
        objective = settings.on(Observed(*moving), CPU)
        return objective(Recorder(shift=0.2), torch.Generator().manual_seed(0)).total.item()

    assert total(0) == pytest.approx(3 * 0.2**2, rel=0.01)
    # The flow is exact, so nearly all of the picture is to be trusted; at the borders it leads outside.
    assert total(2.0) == pytest.approx(3 * 3 * 0.2**2, rel=0.15)
    assert total(2.0) - total(0) == pytest.approx(2 * (total(1.0) - total(0)), rel=1e-5)


def test_where_the_flow_contradicts_itself_it_constrains_nothing_and_its_colour_counts_less(moving):
    video, flow = moving
    wild = Flow(forward=flow.forward + 3, backward=flow.backward + 3, name="wild")

    def asked(trusted, **settings):
        objective = FlowConstraint(points=500, between=0.5, **settings).on(Observed(video, wild), CPU)
        if trusted:
            ones = torch.ones_like(objective._between.trust)
            objective._between = replace(objective._between, trust=ones)
        losses = objective(Recorder(shift=0.2), torch.Generator().manual_seed(0))
        return losses.total.item() - losses.observation.item()

    everywhere, nowhere = (asked(trusted, weight=0, warped=1.0) for trusted in (True, False))
    assert nowhere == pytest.approx(0.3 * everywhere, rel=1e-3)
    known = FlowConstraint(weight=1, points=250).on(Observed(video, wild), CPU)
    alone = known(Recorder(shift=0.2), torch.Generator().manual_seed(0)).constraint.item()
    both = FlowConstraint(weight=1, points=500, between=0.5).on(Observed(video, wild), CPU)
    half = both(Recorder(shift=0.2), torch.Generator().manual_seed(0)).constraint.item()
    assert half == pytest.approx(alone / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight", -0.1), ("weight", 1.1), ("points", 0), ("between", 1.0), ("between", -0.1), ("warped", -1.0)],
)
def test_settings_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match="must"):
        FlowConstraint(**{name: value})


def test_a_teacher_is_believed_where_flow_knows_nothing(moving):
    video, flow = moving
    none = Flow(forward=0 * flow.forward, backward=0 * flow.backward, name="none")
    objective = FlowConstraint(weight=0, points=400, between=0.75, warped=1.0)
    blended, taught = (
        objective.on(Observed(video, none), CPU, teacher)(Recorder(), torch.Generator().manual_seed(0)).total
        for teacher in (None, Recorder())
    )
    # Three colours, each rounded to 8 bit, in observed frames and in the teacher's.
    rounding = 3 / 255**2 / 12
    assert taught < 1.1 * 2 * rounding < blended / 5


def test_only_who_asks_for_colours_between_the_frames_can_be_taught():
    between = FlowConstraint(between=0.5, warped=1.0)
    assert between.teachable
    assert not replace(between, warped=0.0).teachable
    assert not replace(between, between=0.0).teachable
    assert not replace(between, motion="fitted").teachable
