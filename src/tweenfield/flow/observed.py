"""The observed frames of a video and their flow as one value, with how well the one explains the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32

from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import displaced, sample_linear
from tweenfield.flow.velocity import agreement
from tweenfield.storage.on_demand import OnDemand
from tweenfield.video.clip import Video

# An interval holds a cut if its residual exceeds so many times the median residual plus so many grey levels,
_TIMES, _LEVELS = 5, 4
# and this share of the residual without any motion.
_SHARE = 0.7
# The median of a longer video is that of so many intervals, evenly spread.
_SAMPLE = 40


@dataclass(frozen=True, eq=False)
class Observed:
    """What a fit is given.

    Attributes:
        video: the observed frames.
        flow: their optical flow.

    Raises:
        FlowError: the flow is for frames of another size or number.
    """

    video: Video
    flow: Flow

    def __post_init__(self) -> None:
        self.flow.check_fits(self.video)

    @cached_property
    def residuals(self) -> Float[OnDemand, "intervals 3"]:
        """Of each interval, on demand: the mean difference, in levels of 255, of a frame and the next one
        moved back along the flow; the same without any motion; the mean agreement of both flows.
        """
        frames, forward, backward = self.video.frames, self.flow.forward, self.flow.backward
        return OnDemand(
            lambda k: np.array(_residuals(frames[k], frames[k + 1], forward[k], backward[k])),
            (len(forward), 3),
            np.float64,
        )

    @cached_property
    def sample(self) -> Float[np.ndarray, "sample 3"]:
        """``residuals`` of intervals that are evenly spread over the video."""
        count = len(self.residuals)
        return self.residuals[np.linspace(0, count - 1, min(count, _SAMPLE)).round().astype(int)]

    @cached_property
    def moves(self) -> Bool[OnDemand, " intervals"]:
        """Over which intervals following the flow explains at least as much as standing still."""
        residuals = self.residuals
        return OnDemand(
            lambda k: np.array(residuals[k][0] <= residuals[k][1]), (len(residuals),), bool, keep=False
        )

    @cached_property
    def cuts(self) -> Bool[OnDemand, " intervals"]:
        """Which intervals hold a cut: the flow explains nothing, and it usually does better on this video.

        Noise, which no flow ever explains, is no sequence of cuts, and two frames alone have no usual.
        """
        residuals, known = self.residuals, np.sort(self.sample[:, 0])
        # The lower median: of two intervals, the better one is what is usual.
        usual = known[(len(known) - 1) // 2]

        def cut(k: int) -> Bool[np.ndarray, ""]:
            residual, still, _ = residuals[k]
            return np.array(residual > _TIMES * usual + _LEVELS and residual > _SHARE * still)

        return OnDemand(cut, (len(residuals),), bool, keep=False)


def mean_agreement(
    forward: Float32[np.ndarray, "height width 2"], backward: Float32[np.ndarray, "height width 2"]
) -> float:
    """How far forward and backward flow agree, on average over both frames."""
    return float((agreement(forward, backward).mean() + agreement(backward, forward).mean()) / 2)


def _residuals(
    first: np.ndarray, second: np.ndarray, ahead: np.ndarray, back: np.ndarray
) -> tuple[float, float, float]:
    ahead, back = ahead.astype(np.float32), back.astype(np.float32)
    first, second = first.astype(np.float32), second.astype(np.float32)
    residual = np.abs(sample_linear(second, *displaced(ahead)) - first).mean()
    return float(residual), float(np.abs(second - first).mean()), mean_agreement(ahead, back)
