"""What flow explains of a video, and where it can't: hard cuts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from tweenfield.flow.motion import agreement, displaced, sample_linear

# In an interval with a cut the flow leaves this many times what it usually leaves, and so many levels more,
_TIMES, _LEVELS = 5, 4
# and little less than if nothing moved.
_SHARE = 0.7


class Explained(NamedTuple):
    """How well flow explains the change over each interval.

    Attributes:
        residual: mean difference, in levels, of a frame and the next one moved back along the flow.
        still: the same without any motion.
        agreed: mean agreement of forward and backward flow.
    """

    residual: Float[np.ndarray, " intervals"]
    still: Float[np.ndarray, " intervals"]
    agreed: Float[np.ndarray, " intervals"]

    @property
    def helps(self) -> bool:
        """Whether following the flow is better than standing still, in most intervals."""
        return bool(np.median(self.residual - self.still) <= 0)


def explained(
    frames: UInt8[np.ndarray, "frames height width 3"],
    forward: Float[np.ndarray, "intervals height width 2"],
    backward: Float[np.ndarray, "intervals height width 2"],
) -> Explained:
    """How well flow explains each interval of a video."""
    rows = [_interval(*frames[k : k + 2], forward[k], backward[k]) for k in range(len(forward))]
    return Explained(*np.array(rows).T)


def find_cuts(video: Explained) -> Bool[np.ndarray, " intervals"]:
    """Which intervals hold a cut: the flow explains nothing, and it usually does better on this video.

    Noise, which no flow ever explains, is no sequence of cuts, and two frames alone have no usual.
    """
    # The lower median: of two intervals, the better one is what is usual.
    usual = np.sort(video.residual)[(len(video.residual) - 1) // 2]
    return (video.residual > _TIMES * usual + _LEVELS) & (video.residual > _SHARE * video.still)


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
