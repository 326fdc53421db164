import pytest
import torch

from tweenfield.fields.batch import Memory, networks, networks_with_tangent
from tweenfield.fields.sine import draw_layers, network, network_with_tangent
from tweenfield.fields.waves import sine_cosine

NETWORKS, POINTS, OMEGA = 300, 40, 20.0


@pytest.fixture
def batch():
    """Inputs and layers of more networks than are computed together, in float64."""
    generator = torch.Generator().manual_seed(0)
    weights, biases = draw_layers(8, 2, OMEGA, generator, networks=NETWORKS)
    a, da = torch.randn(2, NETWORKS, POINTS, 3, generator=generator, dtype=torch.float64)
    return a, da, [w.detach().double() for w in weights], [b.detach().double() for b in biases]


def outputs_and_gradients(draw, batch, dtype, *memory):
    a, da, weights, biases = batch
    leaves = [x.to(dtype, copy=True).requires_grad_() for x in (a, da, *weights, *biases)]
    layers = leaves[2:]
    half = len(layers) // 2
    both = draw(*leaves[:2], layers[:half], layers[half:], OMEGA, *memory)
    (both[0].square().sum() + both[1].abs().sum()).backward()
    return [x.double() for x in (*(x.detach() for x in both), *(x.grad for x in leaves))]


def without_tangent(draw):
    """The same signature, with the inputs' derivative in place of that of the outputs."""
    return lambda a, da, *others: (draw(a, *others), da)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (networks_with_tangent, network_with_tangent),
        (without_tangent(networks), without_tangent(network)),
    ],
    ids=["tangent", "plain"],
)
def test_a_batch_is_what_one_layer_after_the_other_computes(batch, dtype, ours, theirs):
    tolerance = 1e-11 if dtype == torch.float64 else 2e-4
    expected = outputs_and_gradients(theirs, batch, torch.float64)
    found = outputs_and_gradients(ours, batch, dtype, Memory())
    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() <= tolerance * other.abs().max()


def test_a_second_backward_pass_gives_the_same_as_the_first(batch):
    memory = Memory()
    a, da, weights, biases = batch
    weights = [w.clone().requires_grad_() for w in weights]
    value, tangent = networks_with_tangent(a, da, weights, biases, OMEGA, memory)
    loss = value.square().sum() + tangent.abs().sum()
    first = torch.autograd.grad(loss, weights, retain_graph=True)
    # Others work in the memory meanwhile.
    networks_with_tangent(2 * a, da, weights, biases, OMEGA, memory)
    for one, other in zip(torch.autograd.grad(loss, weights), first, strict=True):
        assert torch.equal(one, other)


def test_the_number_of_threads_changes_nothing(batch):
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(outputs_and_gradients(networks_with_tangent, batch, torch.float32, Memory()))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert torch.equal(one, other)


def test_memory_that_was_used_changes_nothing(batch):
    memory = Memory()
    first = outputs_and_gradients(networks_with_tangent, batch, torch.float32, memory)
    a, da, *layers = batch
    fewer = a[:7], da[:7], *([x[:7] for x in part] for part in layers)
    outputs_and_gradients(networks_with_tangent, fewer, torch.float32, memory)
    again = outputs_and_gradients(networks_with_tangent, batch, torch.float32, memory)
    for ours, theirs in zip(first, again, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("reach", [0.1, 1, 30, 1000])
def test_sine_and_cosine_are_exact_to_the_last_bit_or_two_of_one(reach):
    generator = torch.Generator().manual_seed(0)
    z = torch.cat(
        (
            reach * (2 * torch.rand(20000, generator=generator) - 1),
            # The borders between the pieces.
            torch.arange(-8, 9) * torch.pi / 4,
            torch.zeros(1),
        )
    )
    sine, cosine = torch.empty_like(z), torch.empty_like(z)
    sine_cosine(z, sine, cosine)
    assert (sine - z.double().sin()).abs().max() <= 1.2e-7
    assert (cosine - z.double().cos()).abs().max() <= 1.2e-7
