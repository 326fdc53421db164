"""Both neighbouring frames moved along the flow."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from tweenfield.baselines._time import split_time
from tweenfield.flow.between import between
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors


def warp(observed: Video, flow: Flow, t: float) -> Float32[np.ndarray, "height width 3"]:
    """The frame at time ``t``: (1 - s) V_k(x - s v) + s V_k+1(x + (1 - s) v), in [0, 1].

    v is the velocity at x and time t; s is the fraction of the interval.

    Args:
        observed: the frames, one per interval.
        flow: the flow of these frames.
        t: time in intervals since the first frame.

    Raises:
        UsageError: ``t`` is outside the video.
        FlowError: the flow belongs to another number or size of frames.
    """
    flow.check_fits(observed)
    k, s = split_time(observed, t)
    if s == 0:
        return colors(observed.frames[k])
    return between(observed, flow, k, s).color
