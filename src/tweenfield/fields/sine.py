"""Layers with a sine, shared by the fields that are made of them: one network, or a batch of equal ones.

    a_l = sin(omega (W_l a_{l-1} + b_l)),   then one linear layer

Sitzmann et al., *Implicit Neural Representations with Periodic Activation Functions*, NeurIPS 2020 (arXiv
2006.09661), section 3. A batch of networks has one more axis in front of every tensor, and each product is
one ``torch.baddbmm`` for all of them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

# A CPU is faster with at most so many points at a time, for its caches and its allocator.
CPU_POINTS = 4096
# Inputs of a first layer, at most: x, y, t and what is added to them.
_COORDINATES = 5
# One tensor per layer.
Layers = nn.ParameterList | list[Tensor]


def draw_layers(
    width: int, depth: int, omega: float, generator: torch.Generator, networks: int | None = None
) -> tuple[nn.ParameterList, nn.ParameterList]:
    """Weights (outputs, inputs) and biases of networks from 3 coordinates to 3 colours, as Sitzmann et al.
    draw them: uniform on +-1/n in the first layer and +-sqrt(6/n)/omega in all others, biases on +-1/sqrt(n),
    with n a layer's inputs.
    """
    batch = () if networks is None else (networks,)
    inputs, outputs = [3] + [width] * depth, [width] * depth + [3]
    weights, biases = nn.ParameterList(), nn.ParameterList()
    for layer, (n, m) in enumerate(zip(inputs, outputs, strict=True)):
        bound = math.sqrt(6 / n) / omega if layer else 1 / n
        weights.append(_uniform((*batch, m, n), bound, generator))
        biases.append(_uniform((*batch, m), 1 / math.sqrt(n), generator))
    return weights, biases


def network(
    a: Float[Tensor, "*networks points inputs"], weights: Layers, biases: Layers, omega: float
) -> Float[Tensor, "*networks points 3"]:
    """The networks' outputs at their inputs ``a``."""
    for weight, bias in _scaled(weights, biases, omega):
        a = torch.sin(affine(a, weight, bias))
    return affine(a, weights[-1], biases[-1])


def network_with_tangent(
    a: Float[Tensor, "*networks points inputs"],
    da: Float[Tensor, "*networks points inputs"],
    weights: Layers,
    biases: Layers,
    omega: float,
) -> tuple[Float[Tensor, "*networks points 3"], Float[Tensor, "*networks points 3"]]:
    """Outputs, and their derivative along ``da``, by one forward-mode tangent:
    z = W a + b;  a' = sin(omega z);  da' = omega cos(omega z) * W da.
    """
    hidden = _scaled(weights, biases, omega)
    parts = [
        _with_tangent(*part, hidden, weights[-1], biases[-1])
        for part in zip(_parts(a), _parts(da), strict=True)
    ]
    value, tangent = (torch.cat(each, dim=-2) for each in zip(*parts, strict=True))
    return value, tangent


def _with_tangent(
    a: Tensor, da: Tensor, hidden: list[tuple[Tensor, Tensor]], weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    for w, b in hidden:
        a, da = _SineLayer.apply(a, da, w, b)  # type: ignore[no-untyped-call]  # torch gives it no types
    return affine(a, weight, bias), da @ weight.mT


def _parts(points: Tensor) -> tuple[Tensor, ...]:
    split = points.dim() == 2 and points.device.type == "cpu"
    return points.split(CPU_POINTS) if split else (points,)


class _SineLayer(torch.autograd.Function):
    """(a, da, W, b) -> (sin z, cos z * dz) with z = W a + b and dz = W da, and its backward pass written out.

    Autograd would compute sine and cosine twice and touch more memory: fresh memory costs the CPU about as
    much as what is computed in it.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, da: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        z, dz = affine(a, weight, bias), da @ weight.mT
        sine, cosine = torch.sin(z), z.cos_()
        ctx.save_for_backward(a, da, weight, sine, cosine, dz)
        return sine, cosine * dz

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_sine: Tensor, grad_tangent: Tensor) -> tuple[Tensor | None, ...]:
        a, da, weight, sine, cosine, dz = ctx.saved_tensors
        grad_dz = grad_tangent * sine
        grad_z = (grad_sine * cosine).addcmul_(grad_dz, dz, value=-1)
        torch.mul(grad_tangent, cosine, out=grad_dz)
        needed, tangent_needed = ctx.needs_input_grad[:2]
        return (
            grad_z @ weight if needed else None,
            grad_dz @ weight if tangent_needed else None,
            plus_product(grad_z.mT @ a, grad_dz.mT, da),
            grad_z.sum(dim=-2),
        )


def affine(a: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
    """W a + b, in ``out`` if it is given."""
    if a.shape[-1] <= _COORDINATES and _products_round(a.device):
        # omega would turn what is rounded in coordinates into wrong phases.
        z = bias[..., None, :]
        for coordinate, column in zip(a.split(1, dim=-1), weight.mT.split(1, dim=-2), strict=True):
            z = torch.addcmul(z, coordinate, column)
        return z if out is None else out.copy_(z)
    if a.dim() == 2:
        return torch.addmm(bias, a, weight.mT, out=out)
    return torch.baddbmm(bias[:, None], a, weight.mT, out=out)


def _products_round(device: torch.device) -> bool:
    """Whether matrix products on this device may round what they multiply."""
    precision = torch.get_float32_matmul_precision()
    return precision == "medium" or (precision == "high" and device.type == "cuda")


def plus_product(sum_: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return sum_.addmm_(a, b) if a.dim() == 2 else sum_.baddbmm_(a, b)


def _scaled(weights: Layers, biases: Layers, omega: float) -> list[tuple[Tensor, Tensor]]:
    # omega goes into the small weight matrices, not over every point of every layer.
    return [(omega * w, omega * b) for w, b in zip(weights[:-1], biases[:-1], strict=True)]


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter((2 * torch.rand(shape, generator=generator) - 1) * bound)
