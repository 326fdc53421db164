"""Cubic interpolation in time, every pixel on its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from tweenfield.baselines._time import lagrange, split_time
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors


def cubic(observed: Video, flow: Flow, t: float) -> Float32[np.ndarray, "height width 3"]:
    """The frame at time ``t``: the cubic through the four nearest observed frames, in [0, 1].

    The flow isn't used. With fewer than four frames the polynomial has a lower degree.

    Args:
        observed: the frames, one per interval.
        flow: taken because every baseline takes it.
        t: time in intervals since the first frame.

    Raises:
        UsageError: ``t`` is outside the video.
    """
    k, s = split_time(observed, t)
    if s == 0:
        return colors(observed.frames[k])
    start = min(max(k - 1, 0), max(len(observed) - 4, 0))
    knots = range(start, min(start + 4, len(observed)))
    return np.tensordot(lagrange(knots, t), colors(observed.frames[list(knots)]), axes=1).clip(0, 1)
