"""The loss of a fitted motion: the flow constraint, integrated over an interval, on observed colours.

A point keeps its colour along its path. Integrated over an interval, that is V_k+1 - V_k = 0 at the two ends
of the path, which needs no derivative. For a point between the frames, at fraction s, with velocity v,

    L_v = mean of  (1/3) sum_blur sum_rgb |V_k+1(x + (1 - s) v) - V_k(x - s v)|  +  0.1 (|dv/dx| + |dv/dy|)

in the units of the constraint (9) of arXiv 2206.10886, a change of colour per interval. The absolute value
tolerates occluded points; blurred frames match over larger distances than sharp ones; total variation decides
where colours don't. Both terms are those of Zach, Pock, Bischof, *A Duality Based Approach for Realtime TV-L1
Optical Flow*, DAGM 2007.

The gradient of the constraint on the field doesn't reach the motion: it pulled the motion towards zero, away
from the truth (docs/lab-notes.md).
"""

from __future__ import annotations

from typing import NamedTuple, final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float16, Int
from torch import Tensor

from tweenfield.fields import splines
from tweenfield.fields.motion import Motion
from tweenfield.fitting.samples import Points, Samples
from tweenfield.flow.between import HALF_TRUSTED
from tweenfield.video import Video
from tweenfield.video.depth import colors

# Standard deviations of the blurs in pixels; 0 is the frame as it is and comes first.
_BLURS = (0, 2, 4)
_SMOOTHNESS = 0.1


class Matched(NamedTuple):
    """Points with velocity, colour and trust by the fitted motion, and the loss of that motion."""

    points: Points
    loss: Float[Tensor, ""]


@final
class Matching:
    """The loss of a motion on one video."""

    def __init__(self, video: Video, between: Samples, motion: Motion, device: torch.device) -> None:
        self._between = between
        self._motion = motion
        self._frames = torch.stack([_blurred(frame) for frame in video.frames]).to(device)

    def __call__(self, index: Int[Tensor, " points"], points: Float[Tensor, "points 3"]) -> Matched:
        """Velocity, colour and trust at these points of the samples, as in ``flow.between.between``.

        Trust depends on the colours alone: a fitted motion has no backward flow to agree with.
        """
        velocity, roughness = self._velocity(index, points)
        k = points[:, 2].floor()
        before, after = (points[:, :2] + (time - points[:, 2])[:, None] * velocity for time in (k, k + 1))
        x, y = torch.cat((before, after)).unbind(1)
        height, width = self._between.size
        inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
        inside = inside.chunk(2)[0] & inside.chunk(2)[1]
        first, second = splines.sample_planes(self._frames, torch.cat((k, k + 1)).long(), x, y).chunk(2)
        differing = (inside[:, None] * (second - first)).abs().sum(dim=1).mean() / len(_BLURS)
        with torch.no_grad():
            sharp_first, sharp_second = first[:, :3], second[:, :3]
            color = torch.lerp(sharp_first, sharp_second, (points[:, 2] - k)[:, None]).clamp(0, 1)
            square = (sharp_second - sharp_first).square().sum(dim=1)
            trust = inside * HALF_TRUSTED**2 / (HALF_TRUSTED**2 + square)
        return Matched(
            Points(points, velocity.detach(), color, trust),
            differing + _SMOOTHNESS * roughness,
        )

    def _velocity(
        self, index: Int[Tensor, " points"], points: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 2"], Float[Tensor, ""]]:
        """The velocity, and the mean length of its differences to the pixels to the right and below."""
        height, width = self._between.size
        right, below = points[:, 0] < width - 1, points[:, 1] < height - 1
        aside = points + right[:, None] * points.new_tensor([1, 0, 0])
        under = points + below[:, None] * points.new_tensor([0, 1, 0])
        places = torch.cat((index, index + right, index + width * below))
        given = self._between.velocity[places].float()
        here, aside, under = (given + self._motion(torch.cat((points, aside, under)))).chunk(3)
        return here, ((aside - here).abs() + (under - here).abs()).sum(dim=1).mean()


def _blurred(frame: np.ndarray) -> Float16[Tensor, "rows columns channels"]:
    """B-spline coefficients of a frame and its blurs, in half precision: they are 9 numbers per pixel."""
    color = colors(frame)
    images = [color, *(cv2.GaussianBlur(color, (0, 0), blur) for blur in _BLURS[1:])]
    channels = torch.from_numpy(np.concatenate(images, axis=2)).permute(2, 0, 1)
    return splines.prefilter(channels).permute(1, 2, 0).half()
