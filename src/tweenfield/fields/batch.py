"""A batch of equal networks with sines, and their tangents: a few networks at a time, in memory that is kept.

The same numbers as one layer of all networks after the other, ``tweenfield.fields.sine``: z = W a + b;
a' = sin(omega z); da' = omega cos(omega z) * W da, and the backward pass of the whole batch written out. What
a layer computes for all networks of a picture doesn't fit the caches, and fresh memory costs a CPU more than
what is computed in it. Each thread takes some of the networks, as one product is too small to be shared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield import threads
from tweenfield.fields.sine import CPU_POINTS, Layers, affine, plus_product
from tweenfield.fields.waves import sine_cosine

# Networks that are computed together, and what the backward pass needs of each of their hidden layers: sine,
# cosine and, with a tangent, the tangent before the cosine.
_Part = tuple[slice, list[tuple[Tensor, ...]]]


class _Kept(NamedTuple):
    memory: Tensor
    parts: list[_Part]


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


def networks(
    a: Float[Tensor, "networks points inputs"], weights: Layers, biases: Layers, omega: float, memory: Memory
) -> Float[Tensor, "networks points 3"]:
    """Outputs, as ``tweenfield.fields.sine.network`` has them. What the backward pass needs lies in
    ``memory`` until then.
    """
    value: Tensor = _Networks.apply(a, None, omega, memory, *weights, *biases)[0]  # type: ignore[no-untyped-call]
    return value


def networks_with_tangent(
    a: Float[Tensor, "networks points inputs"],
    da: Float[Tensor, "networks points inputs"],
    weights: Layers,
    biases: Layers,
    omega: float,
    memory: Memory,
) -> tuple[Float[Tensor, "networks points 3"], Float[Tensor, "networks points 3"]]:
    """Outputs, and their derivative along ``da``, as ``tweenfield.fields.sine.network_with_tangent`` has
    them; ``memory`` as for ``networks``.
    """
    value, tangent = _Networks.apply(a, da, omega, memory, *weights, *biases)  # type: ignore[no-untyped-call]
    return value, tangent


class _Networks(torch.autograd.Function):
    """(a, da, weights and biases) -> outputs and their tangents; without da, the tangents are None."""

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, da: Tensor | None, omega: float, memory: Memory, *layers: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        value, tangent, ctx.kept = _computed(a, da, omega, memory, *_halves(layers))
        ctx.save_for_backward(a, da, *layers)
        ctx.omega, ctx.memory = omega, memory
        return value, tangent

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_value: Tensor, grad_tangent: Tensor | None) -> tuple[Tensor | None, ...]:
        a, da, *layers = ctx.saved_tensors
        weights, biases = _halves(layers)
        # After a first backward pass, others work in the memory.
        kept = ctx.kept or _computed(a, da, ctx.omega, ctx.memory, weights, biases)[2]
        of_weights, of_biases = ([torch.empty_like(x) for x in each] for each in (weights, biases))
        of_a, of_da = (
            torch.empty_like(x) if needed else None
            for x, needed in zip((a, da), ctx.needs_input_grad, strict=False)
        )

        def compute(parts: list[_Part]) -> None:
            free, used = ([_scratch(a, weights) for _ in range(2)] for _ in range(2))
            for part, hidden in parts:
                grad, grad_d = grad_value[part], None if grad_tangent is None else grad_tangent[part]
                for layer in range(len(hidden), 0, -1):
                    sine, cosine, *dz = hidden[layer - 1]
                    one, two = (memory[: len(sine)] for memory in free)
                    of_weight = torch.bmm(grad.mT, sine, out=of_weights[layer][part])
                    if grad_d is not None:
                        plus_product(of_weight, grad_d.mT, torch.mul(cosine, dz[0], out=one))
                    torch.sum(grad, dim=1, out=of_biases[layer][part])
                    scaled = ctx.omega * weights[layer][part]
                    grad = torch.bmm(grad, scaled, out=one)
                    if grad_d is not None:
                        grad_d = torch.bmm(grad_d, scaled, out=two)
                    # What the layer above left isn't needed any more.
                    free, used = used, free
                    grad.mul_(cosine)
                    if grad_d is not None:
                        turned = torch.mul(grad_d, sine, out=free[0][: len(sine)])
                        grad.addcmul_(turned, dz[0], value=-1)
                        grad_d.mul_(cosine)
                # With few inputs, the transpose takes a CPU a quarter of the time.
                of_weight = a[part].mT @ grad
                of_weights[0][part] = (
                    of_weight if grad_d is None else plus_product(of_weight, da[part].mT, grad_d)
                ).mT
                torch.sum(grad, dim=1, out=of_biases[0][part])
                for of_input, x in ((of_a, grad), (of_da, grad_d)):
                    if of_input is not None and x is not None:
                        torch.bmm(x, weights[0][part], out=of_input[part])

        threads.shared_out(compute, kept.parts)
        ctx.memory.give_back(kept.memory)
        ctx.kept = None
        return of_a, of_da, None, None, *of_weights, *of_biases


def _computed(
    a: Tensor, da: Tensor | None, omega: float, memory: Memory, weights: list[Tensor], biases: list[Tensor]
) -> tuple[Tensor, Tensor | None, _Kept]:
    """Outputs, their tangents, and what the backward pass needs."""
    each = 2 if da is None else 3
    kept = memory.take(math.prod(a.shape[:2]) * each * sum(w.shape[1] for w in weights[:-1]), a)
    value = a.new_empty(*a.shape[:2], weights[-1].shape[1])
    tangent = None if da is None else torch.empty_like(value)
    parts = list(_parts(kept, each, a, weights))

    def compute(parts: list[_Part]) -> None:
        memory_z, memory_dx = (_scratch(a, weights) for _ in range(2))
        for part, hidden in parts:
            x, dx = a[part], None if da is None else da[part]
            for weight, bias, (sine, cosine, *dz) in zip(weights[:-1], biases[:-1], hidden, strict=True):
                scaled = omega * weight[part]
                sine_cosine(affine(x, scaled, omega * bias[part], memory_z[: len(x)]), sine, cosine)
                if dx is not None:
                    torch.bmm(dx, scaled.mT, out=dz[0])
                    dx = torch.mul(cosine, dz[0], out=memory_dx[: len(x)])
                x = sine
            affine(x, weights[-1][part], biases[-1][part], value[part])
            if dx is not None and tangent is not None:
                torch.bmm(dx, weights[-1][part].mT, out=tangent[part])

    threads.shared_out(compute, parts)
    return value, tangent, _Kept(kept, parts)


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


def _parts(kept: Tensor, each: int, a: Tensor, weights: list[Tensor]) -> Iterator[_Part]:
    """The networks of each part, and the memory of what is kept of each hidden layer: ``each`` tensors."""
    networks, together, place = len(a), _together(a), 0
    for first in range(0, networks, together):
        part = slice(first, min(first + together, networks))
        layers = []
        for w in weights[:-1]:
            shape = each, part.stop - part.start, a.shape[1], w.shape[1]
            layers.append(kept[place : place + math.prod(shape)].view(shape).unbind())
            place += math.prod(shape)
        yield part, layers
