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
    a: Float[Tensor, "*networks points 3"], weights: Layers, biases: Layers, omega: float
) -> Float[Tensor, "*networks points 3"]:
    """The networks' outputs at their inputs ``a``."""
    for weight, bias in _scaled(weights, biases, omega):
        a = torch.sin(_affine(a, weight, bias))
    return _affine(a, weights[-1], biases[-1])


def network_with_tangent(
    a: Float[Tensor, "*networks points 3"],
    da: Float[Tensor, "*networks points 3"],
    weights: Layers,
    biases: Layers,
    omega: float,
) -> tuple[Float[Tensor, "*networks points 3"], Float[Tensor, "*networks points 3"]]:
    """Outputs, and their derivative along ``da``, by one forward-mode tangent:
    z = W a + b;  a' = sin(omega z);  da' = omega cos(omega z) * W da.
    """
    for weight, bias in _scaled(weights, biases, omega):
        a, da = _SineTangent.apply(_affine(a, weight, bias), da @ weight.mT)
    return _affine(a, weights[-1], biases[-1]), da @ weights[-1].mT


class _SineTangent(torch.autograd.Function):
    """(z, dz) -> (sin z, cos z * dz), with the backward pass written out so that sine and cosine of a
    layer are each computed once per step; autograd would compute them again."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, dz: Tensor) -> tuple[Tensor, Tensor]:
        sine, cosine = torch.sin(z), torch.cos(z)
        ctx.save_for_backward(sine, cosine, dz)
        return sine, cosine * dz

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_value: Tensor, grad_tangent: Tensor) -> tuple[Tensor, Tensor]:
        sine, cosine, dz = ctx.saved_tensors
        return torch.addcmul(grad_value * cosine, grad_tangent * sine, dz, value=-1), grad_tangent * cosine


def _affine(a: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if a.dim() == 2:
        return torch.addmm(bias, a, weight.mT)
    return torch.baddbmm(bias[:, None], a, weight.mT)


def _scaled(weights: Layers, biases: Layers, omega: float) -> list[tuple[Tensor, Tensor]]:
    # omega goes into the small weight matrices, not over every point of every layer.
    return [(omega * w, omega * b) for w, b in zip(weights[:-1], biases[:-1], strict=True)]


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter((2 * torch.rand(shape, generator=generator) - 1) * bound)
