"""What a frame is drawn from at one time: displacements and weights of all candidates."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from tweenfield.fields import splines
from tweenfield.fields.base import Grid
from tweenfield.fields.transport.candidates import SOURCES
from tweenfield.fields.transport.expected import Sight
from tweenfield.flow.sampling import halvings

# Knots per interval. Frames are mostly rendered at halves and quarters of it.
KNOTS = 4


class Maps(NamedTuple):
    """Displacements (x, y) and weights of all candidates at one knot, in pixels of the maps."""

    displacement: Float[Tensor, "candidates 2 rows columns"]
    weight: Float[Tensor, "candidates rows columns"]
    sight: Sight | None = None
    """What the error to expect is found from; None at an observed time and across a cut."""


def map_reduction(height: int, width: int) -> int:
    """By how much the maps of a transport field are smaller than a picture of this size, in x and in y."""
    return int(2 ** halvings(height, width))


def enlarged(
    values: Float[Tensor, "rows columns"], grid: Grid, reduction: int
) -> Float[Tensor, "height width"]:
    """Values on the grid of the maps at every pixel of the picture."""
    found = F.interpolate(values[None, None], scale_factor=reduction, mode="bilinear")
    return found[0, 0, : grid.height, : grid.width]


def fetched(
    planes: list[Float[Tensor, "3 rows columns"]],
    x: Float[Tensor, "candidates points"],
    y: Float[Tensor, "candidates points"],
) -> Float[Tensor, "candidates 3 points"]:
    """Each candidate's colours, from the spline coefficients of the four frames of a window."""
    return torch.stack([splines.sample(planes[SOURCES[j]], x[j], y[j]) for j in range(len(x))])


def place(t: float, frames: int) -> tuple[int, int, float]:
    """The interval of a time in so many frames, the knot before it, and the share of the way to the next."""
    interval = min(int(t), frames - 2)
    position = (t - interval) * KNOTS
    knot = min(int(position), KNOTS - 1) if position != KNOTS else KNOTS
    return interval, knot, position - knot


def by_knot(times: Float[Tensor, " points"], frames: int) -> list[tuple[int, int, Tensor]]:
    """Which points lie in which interval, after which knot."""
    where = (times.detach() * KNOTS).floor().long().clamp(0, (frames - 1) * KNOTS - 1)
    return [(int(p) // KNOTS, int(p) % KNOTS, (where == p).nonzero()[:, 0]) for p in where.unique()]
