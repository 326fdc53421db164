"""What flow explains of a video, and where it can't: hard cuts."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Float, Float32

from tweenfield.flow.estimator import Flow
from tweenfield.flow.motion import agreement, displaced, sample_linear
from tweenfield.on_demand import OnDemand
from tweenfield.video.clip import Video

# In an interval with a cut the flow leaves this many times what it usually leaves, and so many levels more,
_TIMES, _LEVELS = 5, 4
# and little less than if nothing moved.
_SHARE = 0.7
# What is usual on a longer video shows in this many of its intervals.
_SAMPLE = 40


class Explained(NamedTuple):
    """How well flow explains the change over intervals of a video, those spread evenly over a long one.

    Attributes:
        residual: mean difference, in levels, of a frame and the next one moved back along the flow.
        still: the same without any motion.
        agreed: mean agreement of forward and backward flow.
        every: these three of every interval, on demand.
    """

    residual: Float[np.ndarray, " sample"]
    still: Float[np.ndarray, " sample"]
    agreed: Float[np.ndarray, " sample"]
    every: Float[OnDemand, "intervals 3"]

    @property
    def helps(self) -> Bool[OnDemand, " intervals"]:
        """Over which intervals following the flow is at least as good as standing still."""
        return OnDemand(
            lambda k: np.array(self.every[k][0] <= self.every[k][1]), (len(self.every),), bool, keep=False
        )


# A fit and its field both ask, and flow of large frames isn't kept until the second time.
_known: WeakKeyDictionary[Flow, tuple[Video, Explained]] = WeakKeyDictionary()


def explained(video: Video, flow: Flow) -> Explained:
    """How well flow explains the change over the intervals of its video; worked out once."""
    if flow not in _known or _known[flow][0] is not video:
        # Not ``flow`` itself below: it would never be let go.
        frames, forward, backward = video.frames, flow.forward, flow.backward
        every = OnDemand(
            lambda k: np.array(_interval(frames[k], frames[k + 1], forward[k], backward[k])),
            (len(forward), 3),
            np.float64,
        )
        sample = np.linspace(0, len(every) - 1, min(len(every), _SAMPLE)).round().astype(int)
        _known[flow] = video, Explained(*every[sample].T, every)
    return _known[flow][1]


def find_cuts(video: Explained) -> Bool[OnDemand, " intervals"]:
    """Which intervals hold a cut: the flow explains nothing, and it usually does better on this video.

    Noise, which no flow ever explains, is no sequence of cuts, and two frames alone have no usual.
    """
    # The lower median: of two intervals, the better one is what is usual.
    usual = np.sort(video.residual)[(len(video.residual) - 1) // 2]

    def cut(k: int) -> Bool[np.ndarray, ""]:
        residual, still, _ = video.every[k]
        return np.array(residual > _TIMES * usual + _LEVELS and residual > _SHARE * still)

    return OnDemand(cut, (len(video.every),), bool, keep=False)


def mean_agreement(
    forward: Float32[np.ndarray, "height width 2"], backward: Float32[np.ndarray, "height width 2"]
) -> float:
    """How far forward and backward flow agree, on average over both frames."""
    return float((agreement(forward, backward).mean() + agreement(backward, forward).mean()) / 2)


def _interval(
    first: np.ndarray, second: np.ndarray, ahead: np.ndarray, back: np.ndarray
) -> tuple[float, float, float]:
    ahead, back = ahead.astype(np.float32), back.astype(np.float32)
    first, second = first.astype(np.float32), second.astype(np.float32)
    residual = np.abs(sample_linear(second, *displaced(ahead)) - first).mean()
    return float(residual), float(np.abs(second - first).mean()), mean_agreement(ahead, back)
