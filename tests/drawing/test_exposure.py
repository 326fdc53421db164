"""Motion blur is the mean of linear light over the exposure, whatever moves."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tweenfield import Grid, UsageError, render_exposed
from tweenfield.drawing.transfer import colors_of, linear_light
from tweenfield.fields.base import Field


class Toy(Field):
    """Scene light that is a given function of points (x, y, t)."""

    name = "toy"

    def __init__(self, light, depth=8, transfer=1):
        super().__init__()
        self.grid, self.light = Grid(frames=5, height=6, width=40, depth=depth), light
        self.transfer = transfer
        self.like = nn.Parameter(torch.zeros(1))

    @property
    def config(self):
        raise NotImplementedError

    def forward(self, points):
        light = self.light(points.double().numpy())
        colors = colors_of(light.astype(np.float32), self.transfer)
        return torch.from_numpy(colors)[:, None].expand(-1, 3) + 0 * self.like

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


# Written down from the standards apart from the package, in float64: colours of light, or light of colours.
def hlg(light):
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(light <= 1 / 12, np.sqrt(3 * light), a * np.log(12 * light - b) + c)


def pq(light):
    y = light ** (1305 / 8192)
    return ((107 / 128 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)


def srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def bt709(light):
    return np.where(light < 0.018, 4.5 * light, 1.099 * light**0.45 - 0.099)


STANDARDS = [
    (1, bt709, 3e-4),
    (6, bt709, 3e-4),
    (2, bt709, 3e-4),
    (14, bt709, 3e-4),
    (4, lambda light: light ** (1 / 2.2), 1e-6),
    (5, lambda light: light ** (1 / 2.8), 1e-6),
    (7, lambda light: np.where(light < 0.0228, 4 * light, 1.1115 * light**0.45 - 0.1115), 3e-4),
    (8, lambda light: light, 1e-6),
    (9, lambda light: np.where(light < 0.01, 0, 1 + np.log10(np.maximum(light, 0.01)) / 2), 1e-6),
    (10, lambda light: np.where(light < 10**-2.5, 0, 1 + np.log10(np.maximum(light, 1e-5)) / 2.5), 1e-6),
    (13, srgb, 2e-5),
    (16, pq, 1e-6),
    (17, lambda light: light ** (1 / 2.6), 1e-6),
    (18, hlg, 1e-6),
]


@pytest.mark.parametrize(("transfer", "standard", "digits"), STANDARDS)
def test_each_transfer_is_that_of_its_standard(transfer, standard, digits):
    """Within what the standard's own digits leave open; there and back within a third of a 16-bit level."""
    light = np.concatenate([np.geomspace(1e-7, 1, 4001), [0.0]])
    np.testing.assert_allclose(colors_of(light.astype(np.float32), transfer), standard(light), atol=digits)
    colors = np.linspace(0, 1, 65536, dtype=np.float32)
    back = colors_of(linear_light(colors, transfer), transfer)
    np.testing.assert_allclose(back, colors, atol=0.33 / 65535)


def test_pq_and_hlg_at_the_levels_that_bt2100_and_bt2408_name():
    # 100, 1000 and 10000 cd/m^2 in PQ; 3/4 of the signal is 26.5% of the scene's light in HLG.
    cd = np.float32([100, 1000, 10000]) / 10000
    np.testing.assert_allclose(colors_of(cd, 16), [0.5081, 0.7518, 1.0], atol=5e-5)
    np.testing.assert_allclose(linear_light(np.float32([0.5, 0.75, 1]), 18), [1 / 12, 0.2650, 1], atol=5e-5)


@pytest.mark.parametrize(("transfer", "standard"), [(16, pq), (18, hlg), (13, srgb), (4, STANDARDS[4][1])])
def test_a_light_that_is_on_for_part_of_the_exposure_has_that_part_of_its_light(transfer, standard):
    """The exposure is [1, 3], sampled in 72 parts: the light is on for a quarter of it, 18 parts."""
    field = Toy(lambda p: np.where(p[:, 2] < 1.5, 0.8, 0.02), depth=16, transfer=transfer)
    with torch.no_grad():
        picture = next(render_exposed(field, [2.0], [2.0], transfer=transfer))
    expected = 65535 * standard(np.float64(0.25 * 0.8 + 0.75 * 0.02))
    assert np.abs(picture - expected).max() <= 1.5


class TransparentToy(Toy):
    """Over black, with an opacity that is a given function of time."""

    def __init__(self, light, opacity, **settings):
        super().__init__(light, **settings)
        self.grid, self.opacity = replace(self.grid, matte="black"), opacity

    def forward(self, points):
        return super().forward(points) * self.opacity(float(points[0, 2]))

    def alpha(self, t, size=None):
        return torch.full(size, self.opacity(t))


@pytest.mark.parametrize(
    ("transfer", "standard", "digits"), [(16, pq, 0), (18, hlg, 0), (13, srgb, 2e-5), (1, bt709, 3e-4)]
)
def test_of_a_transparent_light_each_moment_counts_by_its_opacity(transfer, standard, digits):
    """Bright and opaque for a quarter of the exposure, dark and half transparent for the rest."""
    field = TransparentToy(
        lambda p: np.where(p[:, 2] < 1.5, 0.8, 0.02),
        lambda t: 1.0 if t < 1.5 else 0.5,
        depth=16,
        transfer=transfer,
    )
    with torch.no_grad():
        picture = next(render_exposed(field, [2.0], [2.0], transfer=transfer))
    opacity = 0.25 + 0.75 * 0.5
    light = (0.25 * 0.8 + 0.75 * 0.5 * 0.02) / opacity
    assert np.abs(picture[..., 3] - 65535 * opacity).max() <= 1.5
    assert np.abs(picture[..., :3] - 65535 * standard(np.float64(light))).max() <= (
        25 if transfer == 1 else 2
    )


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
