"""Velocity, colour and trust of every pixel at certain times, and random points among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tweenfield.fields.base import Field
from tweenfield.flow.between import FRACTIONS, between
from tweenfield.flow.estimator import Flow
from tweenfield.flow.observed import Observed
from tweenfield.flow.velocity import velocity_at_frame
from tweenfield.video import Video
from tweenfield.video.depth import Levels, full_scale


class Points(NamedTuple):
    """Points (x, y, t), their velocity and colour, and the trust in both, from 0 to 1."""

    points: Float[Tensor, "points 3"]
    velocity: Float[Tensor, "points 2"]
    colors: Float[Tensor, "points 3"]
    trust: Float[Tensor, " points"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Every pixel at certain times: all of the first time row after row, then the next.

    Attributes:
        size: height and width of a frame.
        times: in intervals since the first frame.
        velocity: by the given flow, in pixels per interval.
        colors: observed, warped, or those of pseudo-frames.
        trust: in colour and velocity, from 0 to 1.
    """

    size: tuple[int, int]
    times: Float[Tensor, " times"]
    velocity: Float[Tensor, "pixels 2"]
    colors: Levels[Tensor, "pixels 3"]
    trust: Float[Tensor, " pixels"]

    def draw(
        self, count: int, blocks: tuple[int, int], generator: torch.Generator
    ) -> tuple[Int[Tensor, " points"], Float[Tensor, "points 3"]]:
        """Random pixels as their places in the tensors and as points (x, y, t), ``count`` from each block."""
        height, width = self.size
        rows, columns = blocks
        device = self.colors.device
        # In double precision a number below 1 in single precision stays below it when columns are added.
        x, y, t = torch.rand(3, rows, columns, count, generator=generator).double()
        # A pixel on the border of two blocks is sampled in both, in proportion to its area in each.
        x = ((x + torch.arange(columns)[:, None]) * (width / columns)).long()
        y = ((y + torch.arange(rows)[:, None, None]) * (height / rows)).long()
        t = (t * len(self.times)).long()
        index = ((t * height + y) * width + x).flatten().to(device)
        x, y, t = (axis.flatten().to(device) for axis in (x, y, t))
        return index, torch.stack((x.float(), y.float(), self.times[t]), dim=1)

    def at(self, index: Int[Tensor, " points"], points: Float[Tensor, "points 3"]) -> Points:
        """Velocity, colour and trust of sampled points."""
        colors, velocity, trust = (
            x.index_select(0, index).float() for x in (self.colors, self.velocity, self.trust)
        )
        return Points(points, velocity, colors / (255 if self.colors.itemsize == 1 else 65535), trust)


def at_frames(video: Video, flow: Flow | None, device: torch.device) -> Samples:
    """The observed frames, with the velocity at them."""
    n, (height, width) = len(video), video.size
    pixels = n * height * width
    velocity = torch.zeros(1, 2).expand(pixels, 2)
    if flow is not None:
        velocity = torch.from_numpy(np.stack([velocity_at_frame(flow, k) for k in range(n)])).reshape(-1, 2)
    return Samples(
        size=video.size,
        times=torch.arange(n, dtype=torch.float32, device=device),
        colors=torch.from_numpy(np.ascontiguousarray(video.frames)).reshape(-1, 3).to(device),
        velocity=velocity.to(device),
        trust=torch.ones(1, device=device).expand(pixels),
    )


def between_frames(observed: Observed, device: torch.device, teacher: Field | None = None) -> Samples:
    """Times between the frames, by the flow; colours are those of the teacher, if there is one."""
    video, flow = observed.video, observed.flow
    n, (height, width) = len(video), video.size
    times = [(k, fraction) for k in range(n - 1) for fraction in FRACTIONS]
    colors, white = (
        np.empty((len(times), height, width, 3), video.frames.dtype),
        full_scale(video.frames.dtype),
    )
    # Half precision: 1/100 pixel at 10 pixels, for half the memory.
    velocity = np.empty((len(times), height, width, 2), np.float16)
    trust = np.empty((len(times), height, width), np.float16)
    for i, (k, fraction) in enumerate(times):
        velocity[i], color, trust[i] = between(video, flow, k, fraction)
        if teacher is not None:
            with torch.inference_mode():
                color = teacher.frame(k + fraction).clamp(0, 1).cpu().numpy()
        colors[i] = np.rint(white * color)
    return Samples(
        size=video.size,
        times=torch.tensor([k + fraction for k, fraction in times], device=device),
        colors=torch.from_numpy(colors).reshape(-1, 3).to(device),
        velocity=torch.from_numpy(velocity).reshape(-1, 2).to(device),
        trust=torch.from_numpy(trust).flatten().to(device),
    )
