"""Dissolves and fades: frames between two others that are mixtures of these, in shares that grow evenly.

With A the frame before, B the one after, and V_m the m-th of n - 1 between them, all reduced to some hundred
values, the least-squares share of B is a_m = <V_m - A, B - A> / |B - A|^2. It is a dissolve if the a_m lie
near m / n, the rest |V_m - A - a_m (B - A)|^2 is small against min(m / n, 1 - m / n)^2 |B - A|^2, the change
begins at A and ends at B, and these are of different shots. Motion between A and B is no mixture: what is
seen on the way is in neither of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32

from tweenfield.storage.on_demand import OnDemand

# Intervals from A to B: each length is within 8 % of one of these, or is one of the shortest.
_LENGTHS = (*range(2, 13), 14, 16, 18, 21, 24, 28, 32, 37, 43, 50, 58, 67, 78, 90)
# By how much the share may go on below 0 and above 1 in a quarter of the length before and after.
_ONWARD = 0.08
# At most so many of the frames between are looked at.
_LOOKS = 12
# The largest deviation of a share, the largest rest for long ones, the smallest distance in levels of 255.
_DEVIATION, _REST, _DISTANCE = 0.25, 0.7, 3
# A few frames are like a mixture by chance: the rest of a short one is smaller, by this over the length.
_SHORT = 1.5
# Thumbnails are reduced by this factor again, so that what moves a little stays where it is.
_COARSER = 3
# A longer video is gone through in pieces of so many frames.
_PIECE = 512


class Change(NamedTuple):
    """One shot's last frame and the next one's first; what is between shows both."""

    before: int
    after: int


def gradual_changes(
    thumbnails: Float32[OnDemand, "frames rows columns 3"],
    cut: Callable[[int], bool],
    unlike: Callable[[int, int], bool],
) -> Iterator[Change]:
    """The dissolves of a video; a fade is one to or from an even picture.

    Args:
        thumbnails: the reduced frames.
        cut: whether an interval holds a hard cut.
        unlike: whether two frames are of different shots.
    """
    last = len(thumbnails) - 1
    done = 0
    for begin in range(0, last, _PIECE):
        reach = range(begin, min(begin + _PIECE + _LENGTHS[-1], last) + 1)
        cuts = np.cumsum([0, *(cut(k) for k in reach[:-1])])
        rejected: list[Change] = []
        accepted: list[Change] = []
        for change in _mixtures(np.stack([_coarse(thumbnails[k]) for k in reach])):
            before, after = (begin + k for k in change)
            if (
                before >= begin + _PIECE
                or cuts[change.after] > cuts[change.before]
                or before < done
                or any(_overlap(change, other) > 0 for other in accepted)
                or any(_overlap(change, other) > 0.5 for other in rejected)
            ):
                continue
            (accepted if unlike(before, after) else rejected).append(change)
        for change in sorted(accepted):
            done = begin + change.after
            yield Change(begin + change.before, done)


def _coarse(thumbnail: Float32[np.ndarray, "rows columns 3"]) -> Float32[np.ndarray, " values"]:
    rows, columns = (-(-side // _COARSER) for side in thumbnail.shape[:2])
    return cv2.resize(thumbnail, (columns, rows), interpolation=cv2.INTER_AREA).ravel()


def _mixtures(values: Float32[np.ndarray, "frames values"]) -> list[Change]:
    """All that may be dissolves, those that explain most of the difference first."""
    squares = (values**2).mean(axis=1)
    distance = np.maximum(squares[:, None] + squares - 2 * (values @ values.T) / values.shape[1], 0)
    found: list[tuple[float, Change]] = []
    for length in _LENGTHS:
        if length >= len(values):
            break
        before = np.arange(len(values) - length)
        between = np.maximum(distance[before, before + length], 1e-6)
        rest, deviation, expected = np.zeros_like(between), np.zeros_like(between), 0.0
        for step in np.unique(np.linspace(1, length - 1, _LOOKS).astype(int)):
            to_before, to_after = distance[before, before + step], distance[before + step, before + length]
            share = (to_before + between - to_after) / (2 * between)
            rest += np.maximum(to_before - share**2 * between, 0)
            deviation = np.maximum(deviation, np.abs(share - step / length))
            expected += min(step, length - step) ** 2 / length**2
        rest /= expected * between
        # Motion goes on as evenly before and after; a dissolve begins and ends.
        far = max(length // 4, 1)
        earlier, later = np.maximum(before - far, 0), np.minimum(before + length + far, len(values) - 1)
        onward = (
            np.maximum(
                distance[before + length, earlier] - distance[before, earlier],
                distance[before, later] - distance[before + length, later],
            )
            / (2 * between)
            - 0.5
        )
        explained = between * (1 - rest) * (1 - deviation / _DEVIATION / 2)
        mixed = (rest < _REST * (1 - _SHORT / length)) & (deviation < _DEVIATION) & (onward < _ONWARD)
        for k in np.flatnonzero(mixed & (between > _DISTANCE**2)):
            found.append((float(explained[k]), Change(int(k), int(k) + length)))
    return [change for _, change in sorted(found, reverse=True)]


def _overlap(one: Change, other: Change) -> float:
    """Intervals in both, as a share of those in either."""
    both = min(one.after, other.after) - max(one.before, other.before)
    return max(both, 0) / (max(one.after, other.after) - min(one.before, other.before))
