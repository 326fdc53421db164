import pytest
import torch

from tweenfield.fields import Grid, PatchesConfig, SirenConfig
from tweenfield.fields.base import along
from tweenfield.fields.sine import draw_layers, network
from tweenfield.fitting.precision import matrix_precision

GRID = Grid(frames=5, height=12, width=17)
CONFIGS = [
    SirenConfig(width=20, depth=3, time_step=0.1),
    PatchesConfig(side=6, width=8, depth=3, time_step=0.1),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_weight_gradients_of_value_and_derivative_equal_autograd_in_float64(config):
    field = config.build(GRID, seed=1).double()
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(15, 3, generator=generator, dtype=torch.float64) * 4
    flow = torch.randn(15, 2, generator=generator, dtype=torch.float64)
    colors = torch.rand(15, 3, generator=generator, dtype=torch.float64)
    direction = along(flow)

    value, derivative = field.with_derivative(points, direction)
    ((value - colors).square().sum() + derivative.abs().sum()).backward()
    written_out = [p.grad.clone() for p in field.parameters()]

    field.zero_grad()
    moving = points.clone().requires_grad_()
    value = field(moving)
    # The way a reader of the paper writes it: one reverse pass per channel, differentiated again.
    derivative = torch.stack(
        [
            (torch.autograd.grad(value[:, c].sum(), moving, create_graph=True)[0] * direction).sum(1)
            for c in range(3)
        ],
        dim=1,
    )
    ((value - colors).square().sum() + derivative.abs().sum()).backward()
    for ours, parameter in zip(written_out, field.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_no_precision_rounds_the_first_phases(precision):
    # Rounded to 8 bits, coordinates would be wrong by 1/256 and phases by omega times that.
    generator = torch.Generator().manual_seed(0)
    weights, biases = draw_layers(64, 1, 30.0, generator, networks=5)
    points = 2 * torch.rand(5, 200, 3, generator=generator) - 1
    with matrix_precision(precision):
        found = network(points, weights, biases, 30.0).double()
    (first, last), (first_bias, last_bias) = ([w.double() for w in part] for part in (weights, biases))
    sines = torch.sin(30 * (points.double() @ first.mT + first_bias[:, None]))
    # All that may be rounded is the product of these sines with the last weights.
    allowed = 2**-8 * (sines.abs() @ last.abs().mT) + 1e-4
    assert ((found - (sines @ last.mT + last_bias[:, None])).abs() <= allowed).all()
