"""The shots of a video, from its frames alone: hard cuts, dissolves, and fades through an even picture.

A cut is judged by three frames on each side of it, so that it can be asked of any interval of a video of any
length. Interval k, from frame k to k + 1, holds a cut if

    likeness(i, j) < 0.7 min(likeness(k - 1, k), likeness(k + 1, k + 2)),  i = k - 2..k, j = k + 1..k + 3,
    change(k) > 1.25 max(change(k - 1), change(k + 1)),

with change(k) the mean absolute difference of the two reduced frames. So what lasts for more than an interval
(fast turns of the camera, dissolves, fades) is no cut, nor is what is over after two frames (a flash), nor a
video whose frames are never alike (noise), nor one of two frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, final

import numpy as np
from jaxtyping import Bool

from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.clip import Video
from tweenfield.video.depth import Levels
from tweenfield.video.dissolves import Change, gradual_changes
from tweenfield.video.likeness import contrast, likeness, thumbnail, thumbnail_size

# As above: how unlike, how much more change, and over how many frames on each side.
_UNLIKE, _MORE, _REACH = 0.7, 1.25, 3
# Frames on both sides of a dissolve are less alike than this; on both sides of a blink, at least so much.
_OTHER, _SAME = 0.6, 0.9
# In what is hardly like itself nothing is unlike.
_LEAST = 0.1
# An even picture has less contrast, in levels of 255.
_EVEN = 1.2

Begins = Literal["start", "cut", "dissolve", "fade"]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A part of a video that was recorded in one piece.

    Attributes:
        frames: its first frame, and the one after its last; without those that show the next shot, too.
        start: time of the first frame in seconds.
        end: time at which the frame after the last begins, in seconds.
        begins: with the "start" of the video, or after a "cut", "dissolve" or "fade".
        transition: how many frames of a dissolve or fade lie before it.
    """

    frames: tuple[int, int]
    start: Fraction
    end: Fraction
    begins: Begins
    transition: int


def find_cuts(frames: Levels[Rows, "frames height width 3"]) -> Bool[OnDemand, " intervals"]:
    """Which intervals hold a hard cut, on demand."""
    return _Compared(frames).cuts()


def find_breaks(frames: Levels[Rows, "frames height width 3"]) -> Bool[OnDemand, " intervals"]:
    """Which intervals hold a hard cut, or lead to or from a flash of one frame."""
    return _Compared(frames).breaks()


def find_shots(video: Video) -> list[Shot]:
    """The shots of a video in their order. A part of a single colour, such as black, is none: it belongs to a
    fade.

    The frames are read once, in their order.
    """
    seen, last = _Compared(video.frames), len(video) - 1
    cuts = seen.cuts()
    hard = [Change(k, k + 1) for k in range(last) if cuts[k]]
    soft = gradual_changes(
        seen.thumbnails, lambda k: bool(cuts[k]), lambda i, j: seen.likeness_across(i, j) < _OTHER
    )
    changes = sorted([*hard, *soft])
    # Each as (first frame, last frame).
    parts = list(zip([0, *(c.after for c in changes)], [*(c.before for c in changes), last], strict=True))
    shown = [part for part in parts if not all(seen.is_even(k) for k in range(part[0], part[1] + 1))]
    shown = shown or [(0, last)]
    shots = [_shot(video, *shown[0], "fade" if shown[0][0] else "start", shown[0][0])]
    for (_, before), (first, end) in pairwise(shown):
        if Change(before, first) in changes:
            begins: Begins = "cut" if first == before + 1 else "dissolve"
        elif seen.likeness_across(before, first) < _SAME:
            begins = "fade"
        else:  # The same shot goes on after a blink.
            whole = shots.pop()
            shots.append(_shot(video, whole.frames[0], end, whole.begins, whole.transition))
            continue
        shots.append(_shot(video, first, end, begins, first - before - 1))
    return shots


def _shot(video: Video, first: int, last: int, begins: Begins, transition: int) -> Shot:
    after = video.times[last + 1] if last + 1 < len(video) else video.times[last] + 1 / video.rate
    return Shot(
        frames=(first, last + 1),
        start=video.times[first],
        end=after,
        begins=begins,
        transition=transition,
    )


@final
class _Compared:
    """Frames compared with those around them, on demand."""

    def __init__(self, frames: Levels[Rows, "frames height width 3"]) -> None:
        self.intervals = len(frames) - 1
        shape = len(frames), *thumbnail_size(*frames.shape[1:3]), 3
        self.thumbnails = OnDemand(lambda k: thumbnail(frames[k]), shape, np.float32)
        # Nothing that it holds refers back to it: what can't be freed at once adds up over many fits.
        shown = self.thumbnails
        self._likeness = OnDemand(
            lambda k: np.array(likeness(shown[k], shown[k + 1])), (self.intervals,), np.float64
        )

    def cuts(self) -> Bool[OnDemand, " intervals"]:
        """Which intervals hold a hard cut, on demand."""
        return OnDemand(lambda k: np.array(self._cut(k)), (self.intervals,), bool)

    def breaks(self) -> Bool[OnDemand, " intervals"]:
        """Which intervals hold a hard cut, or lead to or from a flash, on demand."""
        cuts = self.cuts()
        return OnDemand(
            lambda k: np.array(bool(cuts[k]) or self._is_flash(k) or self._is_flash(k + 1)),
            (self.intervals,),
            bool,
        )

    def _change(self, k: int) -> float:
        return float(np.abs(self.thumbnails[k] - self.thumbnails[k + 1]).mean())

    def likeness_across(self, i: int, j: int) -> float:
        """How much two frames, i before j, are alike, over how much each is like its outer neighbour."""
        beside = [
            float(self._likeness[k])
            for k, frame in ((i - 1, i), (j, j))
            if 0 <= k < self.intervals and not self.is_even(frame)
        ]
        return likeness(self.thumbnails[i], self.thumbnails[j]) / max(min(beside, default=1), _LEAST)

    def is_even(self, k: int) -> bool:
        """Whether a frame is of one colour."""
        return contrast(self.thumbnails[k]) < _EVEN

    def _cut(self, k: int) -> bool:
        beside = [i for i in (k - 1, k + 1) if 0 <= i < self.intervals]
        # In the order of the frames, as they may be decoded for this.
        if not beside or _MORE * max(map(self._change, beside)) >= self._change(k):
            return False
        most = _UNLIKE * min(float(self._likeness[i]) for i in beside)
        return bool(self._likeness[k] < most) and all(
            likeness(self.thumbnails[i], self.thumbnails[j]) < most
            for i in range(max(k - _REACH + 1, 0), k + 1)
            for j in range(k + 1, min(k + _REACH, self.intervals) + 1)
        )

    def _is_flash(self, k: int) -> bool:
        """Whether the frames before and after are alike, and this one is like neither."""
        if not 0 < k < self.intervals:
            return False
        most = _UNLIKE * likeness(self.thumbnails[k - 1], self.thumbnails[k + 1])
        return max(float(self._likeness[k - 1]), float(self._likeness[k])) < most
