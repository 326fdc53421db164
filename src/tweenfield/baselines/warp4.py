"""Four observed frames moved along the flow."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from tweenfield.baselines._time import lagrange, split_time
from tweenfield.baselines.warp import warp
from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import displaced, sample, sample_linear
from tweenfield.flow.velocity import velocity_between
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors


def warp4(observed: Video, flow: Flow, t: float) -> Float32[np.ndarray, "height width 3"]:
    """The frame at time ``t``: half ``warp``, half the same from the two frames beyond, in [0, 1].

    These are reached along the flow of the neighbouring intervals. Where one of them is missing, at the ends
    of the video, it is ``warp`` alone.

    Args:
        observed: the frames, one per interval.
        flow: the flow of these frames.
        t: time in intervals since the first frame.

    Raises:
        UsageError: ``t`` is outside the video.
        FlowError: the flow belongs to another number or size of frames.
    """
    near = warp(observed, flow, t)
    k, s = split_time(observed, t)
    if s == 0 or not 0 < k < len(observed) - 2:
        return near
    before, _, _, after = _along(observed, flow, k, s)
    far: np.ndarray = ((2 - s) * before + (1 + s) * after) / 3
    return (0.5 * near + 0.5 * far).clip(0, 1)


def warp4_cubic(observed: Video, flow: Flow, t: float) -> Float32[np.ndarray, "height width 3"]:
    """As ``warp4``, with the cubic through the four colours along the path in place of the mean."""
    k, s = split_time(observed, t)
    if s == 0 or not 0 < k < len(observed) - 2:
        return warp(observed, flow, t)
    return np.tensordot(lagrange((-1, 0, 1, 2), s), _along(observed, flow, k, s), axes=1).clip(0, 1)


def _along(observed: Video, flow: Flow, k: int, s: float) -> Float32[np.ndarray, "4 height width 3"]:
    """Frames k - 1 to k + 2 where each pixel at time k + s comes from and goes to."""
    flow.check_fits(observed)
    v = velocity_between(flow, k, s)
    first, second = displaced(v, -s), displaced(v, 1 - s)
    back, ahead = sample_linear(flow.backward[k - 1], *first), sample_linear(flow.forward[k + 1], *second)
    before = first[0] + back[..., 0], first[1] + back[..., 1]
    after = second[0] + ahead[..., 0], second[1] + ahead[..., 1]
    places = (before, first, second, after)
    return np.stack([sample(colors(observed.frames[k - 1 + i]), *place) for i, place in enumerate(places)])
