"""The observed frames of a video and their flow as one value, with how well the one explains the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import reduce, sample_displaced
from tweenfield.flow.velocity import agreement
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.clip import Video
from tweenfield.video.depth import eight_bit
from tweenfield.video.shots import find_breaks, find_cuts

# What is usual on a longer video shows in this many stretches of so many intervals.
_STRETCHES, _INTERVALS = 2, 10
# Frames within a stretch, which can be predicted from those around.
PER_STRETCH = _INTERVALS - 1


@dataclass(frozen=True, eq=False)
class Observed:
    """The data of a fit.

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
        """Three figures of each interval, on demand: the residual, which is the mean absolute difference
        between a frame and the next one warped back along the flow, in levels of 255; the same without
        motion; the mean agreement of forward and backward flow.
        """
        frames, forward, backward = self.video.frames, self.flow.forward, self.flow.backward
        return OnDemand(
            lambda k: np.array(_residuals(frames[k], frames[k + 1], forward[k], backward[k])),
            (len(forward), 3),
            np.float64,
        )

    def reduced(self, factor: int) -> Observed:
        """The same with frames and flow in squares of ``factor`` x ``factor`` pixels, vectors in these."""
        if factor == 1:
            return self
        if factor not in self._reductions:
            video, flow = self.video, self.flow
            height, width = (-(-side // factor) for side in video.size)

            def smaller(vectors: Rows) -> OnDemand:
                shape = (len(vectors), height, width, 2)
                return OnDemand(lambda k: reduce(vectors[k], factor) / np.float32(factor), shape, np.float32)

            shape = (len(video), height, width, 3)
            frames = OnDemand(
                lambda k: reduce(video.frames[k], factor), shape, video.frames.dtype, keep=False
            )
            self._reductions[factor] = Observed(
                replace(
                    video, frames=frames, alpha=None, depth=16 if video.alpha is not None else video.depth
                ),
                Flow(forward=smaller(flow.forward), backward=smaller(flow.backward), name=flow.name),
            )
        return self._reductions[factor]

    @cached_property
    def _reductions(self) -> dict[int, Observed]:
        return {}

    @cached_property
    def moves(self) -> Bool[OnDemand, " intervals"]:
        """For each interval whether the residual along the flow is at most that without motion."""
        residuals = self.residuals
        return OnDemand(
            lambda k: np.array(residuals[k][0] <= residuals[k][1]), (len(residuals),), bool, keep=False
        )

    @cached_property
    def durations(self) -> Float64[np.ndarray, " intervals"]:
        """Seconds from each frame to the next."""
        return np.diff(np.array(self.video.times, np.float64))

    @cached_property
    def cuts(self) -> Bool[OnDemand, " intervals"]:
        """Which intervals hold a cut, by ``tweenfield.video.shots``."""
        return find_cuts(self.video.frames)

    @cached_property
    def breaks(self) -> Bool[OnDemand, " intervals"]:
        """Which intervals hold a cut, or lead to or from a flash, by ``tweenfield.video.shots``."""
        return find_breaks(self.video.frames)


def stretches(frames: int, most: int = _STRETCHES) -> list[range]:
    """The frames that a fit looks at in a video of so many: all of them, or at most ``most`` stretches of ten
    intervals spread over a longer one, so that a fit takes the same time whatever the video's length.
    """
    intervals, most = frames - 1, min(most, _STRETCHES)
    if intervals <= most * _INTERVALS:
        return [range(frames)]
    # In the middle of equal parts of the video.
    middles = (intervals * (2 * part + 1) // (2 * most) for part in range(most))
    return [range(middle - _INTERVALS // 2, middle + _INTERVALS // 2 + 1) for middle in middles]


def mean_agreement(
    forward: Float32[np.ndarray, "height width 2"], backward: Float32[np.ndarray, "height width 2"]
) -> float:
    """The agreement of forward and backward flow, averaged over the pixels of both frames."""
    return float((agreement(forward, backward).mean() + agreement(backward, forward).mean()) / 2)


def _residuals(
    first: np.ndarray, second: np.ndarray, ahead: np.ndarray, back: np.ndarray
) -> tuple[float, float, float]:
    ahead, back = ahead.astype(np.float32), back.astype(np.float32)
    first, second = (eight_bit(frame).astype(np.float32) for frame in (first, second))
    residual = np.abs(sample_displaced(second, ahead) - first).mean()
    return float(residual), float(np.abs(second - first).mean()), mean_agreement(ahead, back)
