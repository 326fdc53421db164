"""Velocity, colour and trust at a time between two frames, by the flow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import displaced, sample, sample_linear
from tweenfield.flow.velocity import agreement, velocity_between
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors

# Where in an interval the flow is carried to: evenly spread, away from the frames themselves.
FRACTIONS = (0.125, 0.375, 0.625, 0.875)
# Where the two warped colours differ by this much (root of the sum of squares over RGB), trust is halved.
HALF_TRUSTED = np.float32(0.1)


class Between(NamedTuple):
    """One time between two frames, at every pixel.

    Attributes:
        velocity: in pixels per interval.
        color: the two frames moved along it and mixed by time, in [0, 1].
        trust: 1 where both flows and both colours agree, 0 where they contradict each other.
    """

    velocity: Float32[np.ndarray, "height width 2"]
    color: Float32[np.ndarray, "height width 3"]
    trust: Float32[np.ndarray, "height width"]


def between(video: Video, flow: Flow, interval: int, fraction: float) -> Between:
    """The time ``interval + fraction``, with (1 - s) V_k(x - s v) + s V_k+1(x + (1 - s) v) as its colour.

    v is the velocity at x, s the fraction. Trust is the larger of the two agreements of forward and backward
    flow where v leads, times d^2 / (d^2 + |difference of the two colours|^2).

    Raises:
        FlowError: there is no such interval, or the fraction isn't in [0, 1].
    """
    v = velocity_between(flow, interval, fraction)
    s = float(fraction)
    to_first, to_second = displaced(v, -s), displaced(v, 1 - s)
    first, second = (
        sample(colors(frame), *place)
        for frame, place in zip(video.frames[interval : interval + 2], (to_first, to_second), strict=True)
    )
    ahead, back = flow.forward[interval], flow.backward[interval]
    agreed = np.maximum(
        sample_linear(agreement(ahead, back), *to_first), sample_linear(agreement(back, ahead), *to_second)
    )
    differing = np.square(second - first).sum(axis=-1)
    return Between(
        velocity=v,
        color=(first + s * (second - first)).clip(0, 1),
        trust=agreed * HALF_TRUSTED**2 / (HALF_TRUSTED**2 + differing),
    )
