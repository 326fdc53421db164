"""Cross-fade between the two nearest observed frames."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from tweenfield.baselines._time import split_time
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors


def blend(observed: Video, flow: Flow, t: float) -> Float32[np.ndarray, "height width 3"]:
    """The frame at time ``t``: (1 - s) V_k + s V_k+1, in [0, 1]. The flow isn't used.

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
    first, second = colors(observed.frames[k : k + 2])
    faded: np.ndarray = first + np.float32(s) * (second - first)
    return faded
