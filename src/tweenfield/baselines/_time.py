"""What the baselines share: where a time falls, and polynomials through it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import overload

import numpy as np
from jaxtyping import Float32

from tweenfield.errors import UsageError
from tweenfield.video.clip import Video


@overload
def split_time(observed: Video, t: float) -> tuple[int, float]: ...


@overload
def split_time(observed: Video, t: Fraction) -> tuple[int, Fraction]: ...


def split_time(observed: Video, t: float | Fraction) -> tuple[int, float | Fraction]:
    """The last frame not after ``t`` (in intervals since the first frame), and the fraction from there on.

    Raises:
        UsageError: ``t`` is before the first or after the last frame.
    """
    last = len(observed) - 1
    if not 0 <= t <= last:
        raise UsageError(
            f"{observed.name}: time {t} is outside the video; give a time from 0 to {last} intervals"
        )
    return int(t), t - int(t)


def lagrange(nodes: Sequence[int], t: float) -> Float32[np.ndarray, " nodes"]:
    """Weights at ``t`` of the polynomial through values at the nodes."""
    weights = [np.prod([(t - j) / (i - j) for j in nodes if j != i]) for i in nodes]
    return np.array(weights, np.float32)
