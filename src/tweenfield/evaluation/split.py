"""A video in; its observed and its held-out frames out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tweenfield.errors import UsageError
from tweenfield.video import Video, field_position


@dataclass(frozen=True, kw_only=True)
class Split:
    """A video with held-out frames: every n-th frame is observed, those between are held out.

    Attributes:
        observed: the observed frames.
        held_out: the held-out frames.
        stride: every ``stride``-th frame is observed.
        positions: time of each held-out frame, in observed-frame intervals.
        indices: index of each held-out frame in the whole video.
    """

    observed: Video
    held_out: Video
    stride: int
    positions: tuple[Fraction, ...]
    indices: tuple[int, ...]


def hide(video: Video, stride: int = 2) -> Split:
    """Observe every ``stride``-th frame and hold out those between.

    Frames after the last observed one are left out: nothing observed follows them. A transparent video is
    laid over its matte.

    Raises:
        UsageError: the stride is under 2, or fewer than two frames would be observed.
    """
    if stride < 2:
        raise UsageError(f"stride is {stride}, but must be at least 2 to hide any frame")
    observed = range(0, len(video), stride)
    if len(observed) < 2:
        raise UsageError(
            f"{video.name}: {len(video)} frames at stride {stride} leave {len(observed)} observed; "
            f"at least {stride + 1} frames are needed"
        )
    indices = tuple(i for i in range(observed[-1]) if i % stride)
    video = video.over()
    seen = video.select(observed)
    positions = tuple(field_position(seen.times, video.times[i]) for i in indices)
    return Split(
        observed=seen, held_out=video.select(indices), stride=stride, positions=positions, indices=indices
    )
