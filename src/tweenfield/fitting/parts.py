"""A loss in parts, which are computed at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from tweenfield import threads

T = TypeVar("T")


def summed(
    loss: Callable[[T], tuple[Tensor, Tensor]], parts: Iterable[T], parameters: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """The sums of both figures of all parts, of which the first has a derivative by the parameters.

    Each part's derivative is computed with the part, by a thread of its own. Sums are taken in the order of
    the parts, so they don't depend on the number of threads.
    """

    def with_gradient(part: T) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        value, other = loss(part)
        return value.detach(), other.detach(), torch.autograd.grad(value, parameters)

    values, others, gradients = zip(*threads.each(with_gradient, parts), strict=True)
    gradient = [torch.stack(of_one).sum(dim=0) for of_one in zip(*gradients, strict=True)]
    total: Tensor = _Known.apply(  # type: ignore[no-untyped-call]
        torch.stack(values).sum(), gradient, *parameters
    )
    return total, torch.stack(others).sum()


class _Known(torch.autograd.Function):
    """A value whose gradient is known."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradient: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradient = gradient
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *derivatives: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(derivatives[0] * part for part in ctx.gradient)
