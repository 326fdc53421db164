"""Motion blur is the mean of linear light over the exposure, whatever moves."""

import numpy as np
import pytest
import torch
from torch import nn

from tweenfield import Grid, UsageError, render_exposed
from tweenfield.drawing.exposure import colors_of, linear_light
from tweenfield.fields.base import Field


class Toy(Field):
    """Scene light that is a given function of points (x, y, t)."""

    name = "toy"

    def __init__(self, light):
        super().__init__()
        self.grid, self.light = Grid(frames=5, height=6, width=40), light
        self.like = nn.Parameter(torch.zeros(1))

    @property
    def config(self):
        raise NotImplementedError

    def forward(self, points):
        light = self.light(points.double().numpy())
        return torch.from_numpy(colors_of(light.astype(np.float32)))[:, None].expand(-1, 3) + 0 * self.like

    def with_derivative(self, points, direction):
        raise NotImplementedError


def drawn(light, t, exposure):
    with torch.no_grad():
        return next(render_exposed(Toy(light), [t], [exposure]))


def as_levels(light):
    return 255 * colors_of(np.atleast_1d(np.float32(light)))


def test_light_and_colours_are_inverse_and_those_of_bt709():
    colors = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(colors_of(linear_light(colors)), colors, atol=2e-6)
    # E = 4.5 L below L = 0.018, and 1.099 L^0.45 - 0.099 above.
    np.testing.assert_allclose(linear_light(np.float32([0.045, 1.0])), [0.01, 1.0], atol=1e-6)
    np.testing.assert_allclose(colors_of(np.float32([0.18])), [1.099 * 0.18**0.45 - 0.099], atol=3e-4)


def test_light_that_grows_evenly_has_its_mean_in_the_middle():
    for t, exposure in ((2.0, 1.0), (1.25, 0.5), (2.5, 3.0)):
        picture = drawn(lambda p: p[:, 2] / 4, t, exposure)
        assert np.abs(picture - as_levels(t / 4)).max() <= 0.5 + 1e-3


def test_a_moving_edge_becomes_a_ramp_of_light_as_long_as_its_path():
    # The edge is at x = 5 t + 8; it passes 10 pixels while the shutter is open.
    picture = drawn(lambda p: (p[:, 0] < 5 * p[:, 2] + 8) * 0.8 + 0.1, 2.0, 2.0)
    x = np.arange(40)
    # Bright for as long as the edge has not yet come back to x: the share of [13, 23] beyond x.
    share = np.clip((23 - x) / 10, 0, 1)
    assert np.abs(linear_light(np.float32(picture[3, :, 0] / 255)) - (0.1 + 0.8 * share)).max() < 0.06
    assert np.abs(picture[3, [12, 24], 0] - as_levels([0.9, 0.1])).max() <= 0.5 + 1e-3


def test_a_still_picture_stays_and_ends_are_cut_off():
    still = drawn(lambda p: p[:, 0] / 40, 2.0, 2.0)
    assert np.abs(still[2, :, 1] - as_levels(np.arange(40) / 40)).max() <= 0.5 + 1e-3
    # At t = 0 there is light from t = 0 to 1 only.
    assert np.abs(drawn(lambda p: p[:, 2] / 4, 0.0, 2.0) - as_levels(0.125)).max() <= 0.5 + 1e-3


def test_no_exposure_and_times_outside_are_refused():
    with pytest.raises(UsageError, match="an exposure of 0 intervals shows nothing"):
        drawn(lambda p: p[:, 2], 1.0, 0.0)
    with pytest.raises(UsageError, match="time 5 was asked for, but the field covers 0 to 4"):
        drawn(lambda p: p[:, 2], 5.0, 1.0)
