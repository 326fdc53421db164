"""Cubic interpolation in time, every pixel on its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from tweenfield.baselines._time import colors, split_time
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video


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
    knots = np.arange(start, min(start + 4, len(observed)))
    # Lagrange's weights: 1 at one's own knot, 0 at the others.
    weights = [np.prod([(t - j) / (i - j) for j in knots if j != i]) for i in knots]
    return np.tensordot(np.float32(weights), colors(observed.frames[knots]), axes=1).clip(0, 1)
