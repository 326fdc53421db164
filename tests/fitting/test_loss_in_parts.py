"""A loss in parts is the loss of all of them, and so is its derivative."""

import pytest
import torch

from tweenfield.fitting.parts import summed


@pytest.fixture(params=[1, 2])
def several(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def test_value_and_derivative_are_those_of_the_sum(several):
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, generator=generator, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def loss(part):
        errors = torch.tanh(part @ weight + shift).square()
        return errors.sum(), errors.detach().sqrt().sum()

    whole, other = loss(samples)
    expected = torch.autograd.grad(3 * whole, (weight, shift))
    total, counted = summed(loss, samples.split(5), [weight, shift])
    torch.testing.assert_close(total, whole, rtol=1e-12, atol=0)
    torch.testing.assert_close(counted, other, rtol=1e-12, atol=0)
    (3 * total).backward()
    for found, true in zip((weight.grad, shift.grad), expected, strict=True):
        torch.testing.assert_close(found, true, rtol=1e-12, atol=1e-15)
