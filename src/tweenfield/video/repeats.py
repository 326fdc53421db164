"""Frames that repeat the one before: animation on twos, 24 frames per second stored as 30, stutter.

An interval k, from frame k to k + 1, is judged by the mean absolute differences d(k, b) of blocks b of the
reduced pictures, against the intervals around it. With c(k) the mean of the four largest, it repeats if

    c(k) < 0.3 min(c(k - i), c(k + j))     for some i, j >= 1 with i + j <= 5,

so that motion is seen before and after it, with at most four intervals in between, of which none has half as
much (at a turning point of the motion they have); and if nothing goes on moving: of the d(k, b) above half of
the block's own largest nearby, the second largest is at most max(3, 0.12 min(...)), and no more than a tenth
of all blocks have one level of 255. What is compared is of one shot.

A cadence shows n frames in m intervals, each for m / n on average. Interval k repeats if

    floor((k + p) n / m) = floor((k + 1 + p) n / m),

p being its phase. A stretch follows a cadence if it repeats nowhere else and wherever it should, where
c(k) < 0.65 min(...) is enough. Its frames were sampled evenly, so they get times m / n intervals apart. A
repeat outside such a stretch is a frame that was lost: those beside it are where they belong. So are those of
a stretch where motion jumps after each repeat, as a camera may lose frames regularly, too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from math import ceil, gcd, inf
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.clip import Video
from tweenfield.video.depth import Levels, eight_bit
from tweenfield.video.selecting import resize
from tweenfield.video.shots import find_cuts

# Longer side of a reduced picture, which is at most half the frame, and side of a block in it, in pixels.
_LONG, _BLOCK = 240, 4
# How many of the largest blocks tell how much an interval changes: a small thing that moves must count.
_LARGEST = 4
# A frame is shown at most so many times.
_HOLD = 5
# So an interval is compared with as many before it, and after it.
_REACH = _HOLD - 1
# As above: change over that of the neighbours, of what repeats and of what may repeat.
_SURE, _LIKELY = 0.3, 0.65
# As above: change of what lies between.
_BETWEEN = 0.5
# In levels of 255, less than any change.
_TINY = 1e-3
# Where neighbours change less, nothing moves; in levels of 255.
# As above: what moves on, over its own largest change; what is little, in levels and over the neighbours'.
_OWN, _LEVELS, _SHARE = 0.5, 3, 0.12
# As above: at most this share of the blocks moves on by so many levels.
_MANY, _FAINT = 0.1, 1
# A cadence must be seen this often: repeats, rounds, and the share of its repeats that are sure.
_REPEATS, _ROUNDS, _SEEN = 5, 4, 0.5
# After a frame that was lost, an interval changes at least this much more than those beside it.
_JUMP = 1.2
# Longest round of a cadence in intervals; and those of films at 24 frames per second shown at 25.
_ROUND, _FILM = 12, (25, 24)


class _Stretch(NamedTuple):
    """What follows a cadence: its first and last frame, and how many intervals each new one is shown."""

    first: int
    end: int
    hold: Fraction


class Compared(NamedTuple):
    """An interval against those around it: its change over theirs, whether it repeats; its mean change."""

    ratio: float
    repeats: bool
    change: float


def find_repeats(video: Video) -> list[int]:
    """The indices of the frames that repeat the one before, while something moves before and after.

    Frames that are alike because nothing moves are none. The frames are read once, in their order.
    """
    return [int(k) + 1 for k in np.flatnonzero(_found(compared(video))[0])]


def compared(video: Video, begin: int = 0, end: int | None = None) -> Iterator[Compared | None]:
    """Each interval from one number until before another, by default all; None for a hard cut.

    What is given for an interval depends on the frames around it alone, not on where it began.
    """
    small = _reduced(video.frames)
    cuts = find_cuts(small)
    end = len(cuts) if end is None else end
    k = begin
    while k > max(begin - _REACH, 0) and not cuts[k - 1]:
        k -= 1
    while k < end:
        for this in _compared(_changes(small, cuts, k)):
            if k >= begin:
                yield this
            k += 1
            if k == end:
                return
        if k >= begin:
            yield None
        k += 1


def without_repeats(video: Video) -> Video:
    """The video with the frames that are really new, at the times at which these were sampled.

    Where repeats follow a cadence (animation on twos or threes, 24 frames per second stored as 30 or 60), the
    new frames get even times. A repeat that stands alone is only left out. The last frame is kept even if it
    repeats, and so are the first and the last time, the rate, and all of a video without repeats.

    The frames are read once, in their order.
    """
    return new_frames(video, compared(video))[0]


def new_frames(video: Video, intervals: Iterable[Compared | None]) -> tuple[Video, list[int]]:
    """What ``without_repeats`` gives, and the numbers of its frames with which a shot begins, after a cut.

    Args:
        video: all frames.
        intervals: what ``compared`` gives for them.
    """
    repeats, stretches, cuts = _found(intervals)
    last = len(video) - 1
    kept = [k for k in range(last + 1) if k in (0, last) or not repeats[k - 1]]
    shots = [bisect_left(kept, k + 1) for k in cuts]
    if len(kept) == len(video):
        return video, shots
    places = {k: Fraction(k) for k in kept}
    for stretch in stretches:
        # A last frame that repeats is shown after the end of the motion.
        frames = range(stretch.first, stretch.end + 1)
        new = [k for k in frames if k == 0 or not repeats[k - 1]]
        even = [new[0] + number * stretch.hold for number in range(len(new))]
        # A first frame that is cut short, as the video or the shot begins with it, is not in step.
        if any(abs(place - k) >= 1 for k, place in zip(new, even, strict=True)):
            new = new[1:]
            even = [new[0] + number * stretch.hold for number in range(len(new))]
        places.update(zip(new, even, strict=True))
    places[last] = Fraction(last)
    times = tuple(_time(video, places[k]) for k in kept)
    return replace(video.select(kept), times=times, rate=video.rate), shots


def _time(video: Video, place: Fraction) -> Fraction:
    """The time in seconds of a place between frames, in intervals."""
    k = int(place)
    if place == k:
        return video.times[k]
    return video.times[k] + (place - k) * (video.times[k + 1] - video.times[k])


def _found(
    intervals: Iterable[Compared | None],
) -> tuple[Bool[np.ndarray, " intervals"], list[_Stretch], list[int]]:
    """Which intervals repeat, what follows a cadence, and the intervals with a cut."""
    intervals, stretches = list(intervals), []
    repeats = np.zeros(len(intervals), bool)
    for begin, shot in _shots(intervals):
        sure = np.array([c.repeats for c in shot], bool)
        likely = sure | np.array([c.ratio < _LIKELY for c in shot], bool)
        change = np.array([c.change for c in shot])
        for found in list(_cadences(sure, likely, 0)):
            sure[found.first : found.end] = found.repeats
            if _is_even(change[found.first : found.end], found.repeats):
                # A first frame that should have been shown before doesn't belong to the cadence.
                own = int(np.argmin(found.repeats)) + 1 if found.cut_short else 0
                stretches.append(_Stretch(begin + found.first + own, begin + found.end, found.hold))
        repeats[begin : begin + len(sure)] = sure
    return repeats, stretches, [k for k, interval in enumerate(intervals) if interval is None]


@dataclass(frozen=True)
class _Change:
    """How much an interval changes, in levels of 255: each block, and the mean of the largest and of all."""

    blocks: Float32[np.ndarray, " blocks"]
    largest: float
    mean: float


def _shots(intervals: Iterable[Compared | None]) -> Iterator[tuple[int, list[Compared]]]:
    """For each shot of two frames or more, its first frame and its intervals."""
    begin, shot = 0, list[Compared]()
    for this in chain(intervals, [None]):
        if this is not None:
            shot.append(this)
            continue
        if shot:
            yield begin, shot
        begin, shot = begin + len(shot) + 1, []


def _reduced(frames: Levels[Rows, "frames height width 3"]) -> UInt8[OnDemand, "frames rows columns 3"]:
    """Small pictures, on demand."""
    height, width = frames.shape[1:3]
    scale = min(_LONG / max(height, width), 1 / 2)
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    return OnDemand(lambda k: eight_bit(resize(frames[k], size)), (len(frames), *size, 3), np.uint8)


def _changes(
    pictures: UInt8[Rows, "frames rows columns 3"], cuts: Bool[OnDemand, " intervals"], begin: int
) -> Iterator[Float32[np.ndarray, " blocks"]]:
    """The mean absolute differences of the blocks, for each interval of the shot that begins there."""
    rows, columns = (ceil(side / _BLOCK) for side in pictures.shape[1:3])
    before = cv2.cvtColor(pictures[begin], cv2.COLOR_RGB2GRAY)
    for k in range(begin, len(cuts)):
        if cuts[k]:
            return
        after = cv2.cvtColor(pictures[k + 1], cv2.COLOR_RGB2GRAY)
        change = cv2.absdiff(after, before).astype(np.float32)
        yield cv2.resize(change, (columns, rows), interpolation=cv2.INTER_AREA).ravel()
        before = after


def _compared(changes: Iterator[Float32[np.ndarray, " blocks"]]) -> Iterator[Compared]:
    """Each interval of a shot against at most four before and four after it."""
    earlier: list[_Change] = []
    later: deque[_Change] = deque()
    for blocks in changes:
        later.append(_Change(blocks, float(np.sort(blocks)[-_LARGEST:].mean()), float(blocks.mean())))
        if len(later) > _REACH:
            this = later.popleft()
            yield _compare(this, earlier, list(later))
            earlier = [*earlier, this][-_REACH:]
    while later:
        this = later.popleft()
        yield _compare(this, earlier, list(later))
        earlier = [*earlier, this][-_REACH:]


def _compare(this: _Change, earlier: list[_Change], later: list[_Change]) -> Compared:
    before = [other.largest for other in reversed(earlier)]
    after = [other.largest for other in later]
    # What is beyond the ends of the shot isn't known: for all we know, there is motion.
    around = _around(before + [inf] * (_REACH - len(before)), after + [inf] * (_REACH - len(after)), inf)
    ratio = this.largest / max(around, _TINY)
    around = _around(before, after, _BETWEEN)
    if ratio >= _LIKELY or around < _LEVELS or this.largest >= _SURE * around:
        return Compared(ratio, repeats=False, change=this.mean)
    own = np.max([other.blocks for other in (*earlier, *later)], axis=0)
    moves = np.sort(np.where(this.blocks > _OWN * own, this.blocks, 0))[::-1]
    goes_on = (
        moves[min(1, len(moves) - 1)] > max(_LEVELS, _SHARE * around)
        or moves[int(_MANY * len(moves))] > _FAINT
    )
    return Compared(ratio, repeats=not goes_on, change=this.mean)


def _around(before: list[float], after: list[float], between: float) -> float:
    """The largest change both before and after, with few intervals between, all below this share of it."""
    most = 0.0
    for i in range(min(len(before), _REACH)):
        for j in range(min(len(after), _REACH - i)):
            least = min(before[i], after[j])
            if all(other < between * least for other in (*before[:i], *after[:j])):
                most = max(most, least)
    return most


@lru_cache(maxsize=1)
def _rounds() -> list[tuple[int, Bool[np.ndarray, " intervals"]]]:
    """Every cadence at every phase, short ones first: its intervals, and which of them repeat."""
    pairs = [(m, n) for m in range(2, _ROUND + 1) for n in range(1, m) if gcd(m, n) == 1 and m <= _HOLD * n]
    return [
        (m, np.diff((np.arange(m + 1) + phase) * n // m) == 0)
        for m, n in [*pairs, _FILM]
        for phase in range(m)
    ]


def _is_even(change: Float64[np.ndarray, " intervals"], repeats: Bool[np.ndarray, " intervals"]) -> bool:
    """Whether motion goes on after a repeat as it did before; where a frame was lost, it jumps."""
    single = np.flatnonzero(~repeats[:-3] & repeats[1:-2] & ~repeats[2:-1] & ~repeats[3:])
    jumps = 2 * change[single + 2] / np.maximum(change[single] + change[single + 3], _TINY)
    return not len(single) or bool(np.median(jumps) < _JUMP)


class _Cadence(NamedTuple):
    """Intervals of a shot that follow a cadence.

    Attributes:
        first: the first of them.
        end: the one after the last.
        repeats: which of them repeat.
        hold: for how many intervals each new frame is shown.
        cut_short: whether the interval before them should have repeated.
    """

    first: int
    end: int
    repeats: Bool[np.ndarray, " intervals"]
    hold: Fraction
    cut_short: bool


def _cadences(
    sure: Bool[np.ndarray, " intervals"], likely: Bool[np.ndarray, " intervals"], offset: int
) -> Iterator[_Cadence]:
    """All cadences of a part of a shot that begins with interval ``offset``: what repeats, and what may."""
    best, most = None, 0
    if np.count_nonzero(sure) >= _REPEATS:
        for length, once in _rounds():
            shown = np.resize(once, len(sure))
            wrong = np.flatnonzero(np.where(shown, ~likely, sure))
            first, end = np.append(-1, wrong) + 1, np.append(wrong, len(sure))
            seen, asked = (
                counts[end] - counts[first]
                for counts in (np.append(0, np.cumsum(marks)) for marks in (sure, shown))
            )
            enough = (seen >= _REPEATS) & (seen >= _SEEN * asked) & (end - first >= _ROUNDS * length)
            k = int(np.argmax(seen * enough))
            if enough[k] and seen[k] > most:
                most, begin, after = int(seen[k]), int(first[k]), int(end[k])
                best = _Cadence(
                    offset + begin,
                    offset + after,
                    shown[begin:after],
                    Fraction(length, int(np.count_nonzero(~once))),
                    offset + begin > 0 and bool(once[(begin - 1) % length]),
                )
    if best is not None:
        begin, after = best.first - offset, best.end - offset
        yield from _cadences(sure[:begin], likely[:begin], offset)
        yield best
        yield from _cadences(sure[after:], likely[after:], best.end)
