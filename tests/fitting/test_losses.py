"""Known answers on fields that are formulas."""

import math

import pytest
import torch
from torch import nn

from tweenfield.fields import Field, Grid, SirenConfig
from tweenfield.fitting.losses import constrained_loss, flow_constraint_loss, observation_loss


class PlaneWave(Field):
    """f = 1/2 + a_c sin(k . (p - V t)): a wave with velocity V and its own amplitude in each channel."""

    name = "plane-wave"
    config = None

    def __init__(self, wave_vector, velocity, amplitudes):
        nn.Module.__init__(self)
        self.grid = Grid(frames=9, height=64, width=64)
        self.k = torch.tensor(wave_vector, dtype=torch.float64)
        self.v = torch.tensor(velocity, dtype=torch.float64)
        self.a = torch.tensor(amplitudes, dtype=torch.float64)

    def phase(self, points):
        return (points[:, :2] - points[:, 2:] * self.v) @ self.k

    def forward(self, points):
        return 0.5 + self.a * torch.sin(self.phase(points))[:, None]

    def with_derivative(self, points, direction):
        change = (direction[:, :2] - direction[:, 2:] * self.v) @ self.k
        return self(points), self.a * (torch.cos(self.phase(points)) * change)[:, None]

    def frame(self, t, size=None): ...

    def frame_with_derivative(self, t, velocity): ...


@pytest.fixture
def wave():
    return PlaneWave(wave_vector=(0.3, -0.2), velocity=(2.0, -1.0), amplitudes=(0.1, 0.2, 0.3))


@pytest.fixture
def points():
    # Whole periods of the phase, so that means over points are exact: |cos| has mean 2/pi.
    n = 4000
    x = torch.arange(n, dtype=torch.float64) * (2 * math.pi / 0.3) / n
    return torch.stack((x, torch.zeros_like(x), torch.zeros_like(x)), dim=1)


def constant_flow(points, u, v):
    return torch.tensor([[u, v]], dtype=torch.float64).expand(len(points), 2)


def test_a_translating_wave_obeys_the_constraint_for_its_own_velocity(wave, points):
    assert flow_constraint_loss(wave, points, constant_flow(points, 2.0, -1.0)).item() == pytest.approx(
        0, abs=1e-12
    )


@pytest.mark.parametrize(("u", "v"), [(0.0, 0.0), (3.0, -1.0), (2.0, 4.0)])
def test_a_wrong_velocity_costs_the_change_of_colour_along_it(wave, points, u, v):
    # |a_c cos(phase) k . (w - V)| averaged over the phase and summed over channels.
    off = 0.3 * (u - 2.0) - 0.2 * (v + 1.0)
    expected = (0.1 + 0.2 + 0.3) * (2 / math.pi) * abs(off)
    assert flow_constraint_loss(wave, points, constant_flow(points, u, v)).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_sliding_along_the_wave_front_costs_nothing(wave, points):
    # The aperture problem: velocities that differ along the front can't be told apart.
    assert flow_constraint_loss(
        wave, points, constant_flow(points, 2.0 + 2, -1.0 + 3)
    ).item() == pytest.approx(0, abs=1e-12)


def test_observation_loss_is_summed_over_channels_and_averaged_over_points(wave, points):
    off = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    assert observation_loss(wave, points, wave(points) + off).item() == pytest.approx(
        0.01 + 0.04 + 0.09, rel=1e-12
    )


@pytest.mark.parametrize("weight", [0.0, 0.12, 1.0])
def test_the_sum_weighs_both_parts(wave, points, weight):
    colors, flow = torch.full_like(points, 0.25), constant_flow(points, 1.0, 1.0)
    losses = constrained_loss(wave, points, colors, flow, weight)
    observation, constraint = observation_loss(wave, points, colors), flow_constraint_loss(wave, points, flow)
    torch.testing.assert_close(losses.observation, observation)
    torch.testing.assert_close(losses.constraint, constraint)
    torch.testing.assert_close(losses.total, (1 - weight) * observation + weight * constraint)


def test_losses_don_t_depend_on_how_a_field_normalises_its_input():
    # The same network written for two normalisations: the constraint is in pixels and intervals either way.
    grid = Grid(frames=5, height=16, width=16)
    a = SirenConfig(width=16, depth=2, time_step=0.1, extent=1.0).build(grid, seed=0).double()
    b = SirenConfig(width=16, depth=2, time_step=0.2, extent=2.0).build(grid, seed=0).double()
    b.load_state_dict(a.state_dict())
    with torch.no_grad():
        b.weights[0] /= 2
    points = torch.rand(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4
    flow = constant_flow(points, 1.5, -0.5)
    torch.testing.assert_close(flow_constraint_loss(a, points, flow), flow_constraint_loss(b, points, flow))


def test_small_changes_of_colour_count_by_their_square(wave, points):
    # k . (flow - V) is 0.9 here: channel c changes by 0.9 a_c cos, with a mean square of (0.9 a_c)^2 / 2.
    flow = constant_flow(points, 5.0, -1.0)
    squares = sum((0.9 * a) ** 2 / 2 for a in (0.1, 0.2, 0.3))
    of_all = constrained_loss(wave, points, wave(points), flow, 1.0, huber=0.5)
    assert of_all.constraint.item() == pytest.approx(squares / (2 * 0.5), rel=1e-6)
    # Where the change is larger, half of the threshold is all that is missing.
    wave.a = wave.a * 1e6
    of_none = constrained_loss(wave, points, wave(points), flow, 1.0, huber=0.5).constraint.item()
    assert of_none == pytest.approx(flow_constraint_loss(wave, points, flow).item() - 3 * 0.25, abs=0.01)
