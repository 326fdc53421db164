"""The paper's losses (arXiv 2206.10886, equations 4, 9 and 10) as pure functions of a field.

All take points (x, y, t) in pixels and observed-frame intervals, colours in [0, 1] and flow (u, v) in
pixels per interval, so the constraint's value is a change of colour per interval, summed over RGB.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from tweenfield.fields.base import Field, along


class Losses(NamedTuple):
    """The weighted sum that is minimised, and its two parts; all are scalars."""

    total: Float[Tensor, ""]
    observation: Float[Tensor, ""]
    constraint: Float[Tensor, ""]


def observation_loss(
    field: Field, points: Float[Tensor, "points 3"], colors: Float[Tensor, "points 3"]
) -> Float[Tensor, ""]:
    """L_obs: mean over points of the squared colour error summed over RGB (4)."""
    return squared_error(field(points), colors).mean()


def flow_constraint_loss(
    field: Field, points: Float[Tensor, "points 3"], flow: Float[Tensor, "points 2"]
) -> Float[Tensor, ""]:
    """L_of: mean over points of |df/dx u + df/dy v + df/dt| summed over RGB (9)."""
    return residual(field.with_derivative(points, along(flow))[1]).mean()


def constrained_loss(
    field: Field,
    points: Float[Tensor, "points 3"],
    colors: Float[Tensor, "points 3"],
    flow: Float[Tensor, "points 2"],
    weight: float,
    huber: float = 0.0,
) -> Losses:
    """L = (1 - lambda) L_obs + lambda L_of (10), lambda = ``weight``, both on the same points."""
    value, derivative = field.with_derivative(points, along(flow))
    observation = squared_error(value, colors).mean()
    constraint = residual(derivative, huber).mean()
    return Losses((1 - weight) * observation + weight * constraint, observation, constraint)


def squared_error(
    value: Float[Tensor, "points 3"], colors: Float[Tensor, "points 3"]
) -> Float[Tensor, " points"]:
    """Squared colour error of each point, summed over RGB."""
    return (value - colors).square().sum(dim=1)


def residual(derivative: Float[Tensor, "points 3"], huber: float = 0.0) -> Float[Tensor, " points"]:
    """How far each point is from keeping its colour: |df/dx u + df/dy v + df/dt| summed over RGB.

    A term d of this sum that is smaller than ``huber`` enters as d^2 / (2 huber), a larger one as
    |d| - huber / 2 (Huber, *Robust Estimation of a Location Parameter*, 1964).
    """
    return smooth_l1_loss(derivative, torch.zeros_like(derivative), reduction="none", beta=huber).sum(dim=1)
