"""Fitted motion at any (x, y, t): the given flow plus a correction, which is zero before the fit.

    c(x, y, t) = sum_l sum_ijk  B(x / h_l - i) B(y / h_l - j) H(t - 1/2 - k) C_lijk

B is the cubic B-spline and h_l = 8, 16, 32, ... pixels, up to the picture's shorter side, so that large and
small parts of the picture can move on their own. H is the hat function: k counts intervals, a correction
belongs to the middle of one, and at a frame it is the mean of the two beside it.
"""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from tweenfield.errors import FlowError
from tweenfield.fields import splines
from tweenfield.fields.base import CHUNK_POINTS, Grid, frame_points
from tweenfield.flow.between import FRACTIONS
from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import sample_displaced
from tweenfield.flow.velocity import velocity_between

# Knots of the finest level are this many pixels apart, as are the cells of patches.
_FINEST = 8
# Pixels per unit of the parameters: a step of 1e-3, as an optimiser takes it, is 1/50 of a pixel.
_UNIT = 20.0


@final
class Motion(nn.Module):
    """A correction to the velocity, in pixels per interval; see the module's docstring for the equation."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid
        shortest = min(grid.height, grid.width)
        self.spacings = [_FINEST]
        while 2 * self.spacings[-1] <= shortest:
            self.spacings.append(2 * self.spacings[-1])
        self.levels = nn.ParameterList(
            torch.zeros(
                grid.frames - 1,
                *(-(-(side - 1) // spacing) + 1 + 2 * splines.MARGIN for side in (grid.height, grid.width)),
                2,
            )
            for spacing in self.spacings
        )

    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 2"]:
        """The correction at points (x, y, t)."""
        last = self.grid.frames - 2
        middle = (points[:, 2] - 0.5).clamp(0, last)
        first = middle.floor().clamp(max=max(last - 1, 0))
        both = torch.cat((first, (first + 1).clamp(max=last))).long()
        x, y = points[:, :2].repeat(2, 1).unbind(1)
        levels = (
            splines.sample_planes(level, both, x / spacing, y / spacing)
            for level, spacing in zip(self.levels, self.spacings, strict=True)
        )
        before, after = sum(levels, points.new_zeros(())).chunk(2)
        return _UNIT * torch.lerp(before, after, (middle - first)[:, None])

    def corrected(self, flow: Flow) -> Flow:
        """The corrected flow: how far each pixel moves along the sum of both velocities.

        Each interval is four steps of equal length, with the velocity in the middle of each.

        Raises:
            FlowError: the flow is for frames of another size or number.
        """
        wanted = (self.grid.frames - 1, self.grid.height, self.grid.width, 2)
        if flow.forward.shape != wanted:
            raise FlowError(
                f"{flow.name}: flow has shape {flow.forward.shape}, but this motion corrects {wanted}"
            )
        ways = []
        for k in range(self.grid.frames - 1):
            velocities = [velocity_between(flow, k, f) + self._at(k + f) for f in FRACTIONS]
            ways.append((_followed(velocities, 1), _followed(velocities[::-1], -1)))
        forward, backward = (np.stack(way) for way in zip(*ways, strict=True))
        return Flow(forward=forward, backward=backward, name=f"{flow.name}, fitted")

    @torch.no_grad()
    def _at(self, t: float) -> Float32[np.ndarray, "height width 2"]:
        """The correction at every pixel."""
        size = self.grid.height, self.grid.width
        points = frame_points(t, size, self.grid, like=self.levels[0])
        parts = [self(part) for part in points.split(CHUNK_POINTS)]
        return torch.cat(parts).reshape(*size, 2).numpy(force=True)


def _followed(
    velocities: list[Float32[np.ndarray, "height width 2"]], sign: int
) -> Float32[np.ndarray, "height width 2"]:
    """How far each pixel gets in one interval."""
    moved = np.zeros_like(velocities[0])
    for velocity in velocities:
        moved = moved + sign / len(velocities) * sample_displaced(velocity, moved)
    return moved
