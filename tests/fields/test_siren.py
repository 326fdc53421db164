import math

import pytest
import torch

from tweenfield.fields import Grid, SirenConfig

GRID = Grid(frames=5, height=12, width=17)


def test_initialisation_follows_the_paper():
    config = SirenConfig(width=400, depth=4, omega=25.0)
    siren = config.build(GRID, seed=0)
    first, *hidden, last = siren.weights
    assert [tuple(w.shape) for w in siren.weights] == [(400, 3), (400, 400), (400, 400), (400, 400), (3, 400)]
    for weight, bound in [(first, 1 / 3), *((w, math.sqrt(6 / 400) / 25) for w in (*hidden, last))]:
        assert weight.abs().max() <= bound
        # A uniform law on [-b, b] has standard deviation b / sqrt(3).
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.08)


def test_activations_keep_their_scale_through_the_layers():
    # The point of the initialisation: the arcsine law of every sine layer has standard deviation 1/sqrt(2).
    siren = SirenConfig(width=512, depth=6).build(GRID, seed=0)
    a = (torch.rand(4096, 3) * 2 - 1).requires_grad_()
    for weight, bias in zip(siren.weights[:-1], siren.biases[:-1], strict=True):
        a = torch.sin(30 * (a @ weight.T + bias))
        assert a.std().item() == pytest.approx(1 / math.sqrt(2), abs=0.06)


def test_normalisation_puts_the_grid_where_the_parameters_say():
    siren = SirenConfig(width=8, depth=1, time_step=0.25, extent=1.5).build(GRID, seed=0)
    corners = torch.tensor([[0.0, 0.0, 0.0], [16.0, 11.0, 4.0]])
    normalised = (corners - siren.centre) * siren.scale
    # The longer side spans [-extent, extent], the shorter in proportion, time steps by time_step.
    expected = torch.tensor([1.5, 1.5 * 11 / 16, 0.5])
    torch.testing.assert_close(normalised, torch.stack((-expected, expected)))


@pytest.mark.parametrize("name", ["omega", "time_step", "extent"])
@pytest.mark.parametrize("value", [0, -1.5, math.inf, math.nan])
def test_real_settings_must_be_positive(name, value):
    with pytest.raises(ValueError, match=name):
        SirenConfig(**{name: value})


@pytest.mark.parametrize("name", ["width", "depth"])
@pytest.mark.parametrize("value", [0, -1])
def test_whole_settings_must_be_positive(name, value):
    with pytest.raises(ValueError, match=name):
        SirenConfig(**{name: value})
