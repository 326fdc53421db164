"""What the baselines share: where a time falls, and polynomials through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import overload

import numpy as np
from jaxtyping import Float32

from tweenfield.errors import UsageError
from tweenfield.fields.shares import Between
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors


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


def each_between(
    between: Between, observed: Video, times: Iterable[Fraction | float]
) -> Iterator[Float32[np.ndarray, "height width 3"]]:
    """Frames at ``times`` in [0, 1], each from the two observed frames around it; observed ones are exact."""
    for t in times:
        k, s = split_time(observed, t)
        first = observed.frames[k]
        yield colors(first) if s == 0 else between(first, observed.frames[k + 1], float(s))


def lagrange(nodes: Sequence[int], t: float) -> Float32[np.ndarray, " nodes"]:
    """Weights at ``t`` of the polynomial through values at the nodes."""
    weights = [np.prod([(t - j) / (i - j) for j in nodes if j != i]) for i in nodes]
    return np.array(weights, np.float32)
