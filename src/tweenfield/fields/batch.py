"""A batch of equal networks with sines, and their tangents: a few networks at a time, in memory that is kept.

The same numbers as one layer of all networks after the other, ``tweenfield.fields.sine``: z = W a + b;
a' = sin(omega z); da' = omega cos(omega z) * W da, and the backward pass of the whole batch written out. What
a layer computes for all networks of a picture doesn't fit the caches, and fresh memory costs a CPU more than
what is computed in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield.fields.sine import CPU_POINTS, Layers, affine, plus_product
from tweenfield.fields.waves import sine_cosine

# Sine, cosine and the tangent before the cosine: what the backward pass needs of each layer.
_KEPT = 3


class Memory:
    """Memory that one step after another computes in."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def take(self, size: int, like: Tensor) -> Tensor:
        """So many numbers of the type and device of ``like``, of any value."""
        while self._free:
            memory = self._free.pop()
            if memory.numel() >= size and memory.dtype == like.dtype and memory.device == like.device:
                return memory
        return like.new_empty(size)

    def give_back(self, memory: Tensor) -> None:
        """Let the next step have it."""
        self._free.append(memory)


def networks_with_tangent(
    a: Float[Tensor, "networks points inputs"],
    da: Float[Tensor, "networks points inputs"],
    weights: Layers,
    biases: Layers,
    omega: float,
    memory: Memory,
) -> tuple[Float[Tensor, "networks points 3"], Float[Tensor, "networks points 3"]]:
    """Outputs, and their derivative along ``da``, as ``tweenfield.fields.sine.network_with_tangent`` has
    them. What the backward pass needs lies in ``memory`` until then.
    """
    value, tangent = _Networks.apply(a, da, omega, memory, *weights, *biases)  # type: ignore[no-untyped-call]
    return value, tangent


class _Networks(torch.autograd.Function):
    """(a, da, weights and biases) -> outputs and their tangents."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, da: Tensor, omega: float, memory: Memory, *layers: Tensor
    ) -> tuple[Tensor, Tensor]:
        weights, biases = _halves(layers)
        size = math.prod(a.shape[:2]) * sum(_KEPT * w.shape[1] for w in weights[:-1])
        kept = memory.take(size, a)
        value, tangent = (a.new_empty(*a.shape[:2], weights[-1].shape[1]) for _ in range(2))
        scratch = _scratch(a, weights)
        for part, layers_kept in _parts(kept, a, weights):
            x, dx = a[part], da[part]
            for weight, bias, (sine, cosine, dz) in zip(weights[:-1], biases[:-1], layers_kept, strict=True):
                scaled = omega * weight[part]
                torch.bmm(dx, scaled.mT, out=dz)
                sine_cosine(affine(x, scaled, omega * bias[part]), sine, cosine)
                x, dx = sine, torch.mul(cosine, dz, out=scratch[: len(dz)])
            value[part] = affine(x, weights[-1][part], biases[-1][part])
            torch.bmm(dx, weights[-1][part].mT, out=tangent[part])
        ctx.save_for_backward(a, da, *layers)
        ctx.omega, ctx.memory, ctx.kept = omega, memory, kept
        return value, tangent

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_value: Tensor, grad_tangent: Tensor) -> tuple[Tensor | None, ...]:
        a, da, *layers = ctx.saved_tensors
        weights, biases = _halves(layers)
        of_weights, of_biases = ([torch.empty_like(x) for x in each] for each in (weights, biases))
        of_inputs = [torch.empty_like(x) for x in (a, da)] if any(ctx.needs_input_grad[:2]) else None
        free, used = ([_scratch(a, weights) for _ in range(2)] for _ in range(2))
        for part, hidden in _parts(ctx.kept, a, weights):
            grad, grad_d = grad_value[part], grad_tangent[part]
            for layer in range(len(hidden), 0, -1):
                sine, cosine, dz = hidden[layer - 1]
                one, two = (memory[: len(dz)] for memory in free)
                of_weight = torch.bmm(grad.mT, sine, out=of_weights[layer][part])
                plus_product(of_weight, grad_d.mT, torch.mul(cosine, dz, out=one))
                torch.sum(grad, dim=1, out=of_biases[layer][part])
                scaled = ctx.omega * weights[layer][part]
                grad, grad_d = torch.bmm(grad, scaled, out=one), torch.bmm(grad_d, scaled, out=two)
                # What the layer above left isn't needed any more.
                free, used = used, free
                turned = torch.mul(grad_d, sine, out=free[0][: len(dz)])
                grad.mul_(cosine).addcmul_(turned, dz, value=-1)
                grad_d.mul_(cosine)
            # With few inputs, the transpose takes a CPU a quarter of the time.
            of_weights[0][part] = plus_product(a[part].mT @ grad, da[part].mT, grad_d).mT
            torch.sum(grad, dim=1, out=of_biases[0][part])
            if of_inputs:
                of_inputs[0][part], of_inputs[1][part] = (x @ weights[0][part] for x in (grad, grad_d))
        ctx.memory.give_back(ctx.kept)
        ctx.kept = None
        return (*(of_inputs or (None, None)), None, None, *of_weights, *of_biases)


def _halves(layers: Any) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases apart."""
    half = len(layers) // 2
    return list(layers[:half]), list(layers[half:])


def _together(a: Tensor) -> int:
    """How many networks are computed together: on a CPU, so many that their points fit the caches."""
    networks, points = a.shape[:2]
    return min(networks, max(1, CPU_POINTS // points)) if a.device.type == "cpu" else networks


def _scratch(a: Tensor, weights: list[Tensor]) -> Tensor:
    """Memory for what a hidden layer of a part computes."""
    return a.new_empty(_together(a), a.shape[1], weights[-1].shape[2])


def _parts(
    kept: Tensor, a: Tensor, weights: list[Tensor]
) -> Iterator[tuple[slice, list[tuple[Tensor, ...]]]]:
    """The networks of each part, and for each of their hidden layers the memory of what is kept."""
    networks, together, place = len(a), _together(a), 0
    for first in range(0, networks, together):
        part = slice(first, min(first + together, networks))
        layers = []
        for w in weights[:-1]:
            shape = _KEPT, part.stop - part.start, a.shape[1], w.shape[1]
            layers.append(kept[place : place + math.prod(shape)].view(shape).unbind())
            place += math.prod(shape)
        yield part, layers
