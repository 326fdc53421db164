"""Which frames of the input, at which size: the texts of ``--frames`` and ``--size`` and what they mean."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tweenfield.errors import UsageError, VideoError
from tweenfield.video.depth import Levels

# More than any camera has; one such frame takes 1.5 GiB while it is drawn.
_MOST_PIXELS = 2**27


def parse_frames(text: str) -> slice:
    """``"A:B[:STEP]"`` as a slice; A and B may be left out or count from the end when negative.

    Raises:
        UsageError: the text has another form, or the step isn't positive.
    """
    match = re.fullmatch(r"\s*([+-]?\d{1,12})?:([+-]?\d{1,12})?(?::([+-]?\d{1,12})?)?\s*", text)
    if not match:
        raise UsageError(f"frames {text!r} isn't a range; write A:B or A:B:STEP, such as 0:20 or 10:-10:2")
    start, stop, step = (None if part is None else int(part) for part in match.groups())
    return _checked(slice(start, stop, step))


def _checked(frames: slice) -> slice:
    if frames.step is not None and frames.step < 1:
        raise UsageError(f"frames {frames_text(frames)} has the step {frames.step}; give a step of 1 or more")
    return frames


def frames_slice(frames: slice | str | None) -> slice:
    """``frames`` in any of its three forms as a slice with a positive step.

    Raises:
        UsageError: see ``parse_frames``.
    """
    if isinstance(frames, str):
        return parse_frames(frames)
    return _checked(frames or slice(None))


def frames_text(frames: slice) -> str:
    """``A:B[:STEP]``, as a user would write it."""
    parts = [frames.start, frames.stop] + ([] if frames.step is None else [frames.step])
    return ":".join("" if part is None else str(part) for part in parts)


def frame_range(frames: slice, count: int, name: str) -> range:
    """The indices that ``frames`` selects of ``count`` frames.

    Unlike Python's slices, a bound beyond either end is an error: it is a mistake about the clip.

    Raises:
        VideoError: the range reaches outside, or holds no frame.
    """
    has = f"{name} has {count} frame{'s' if count != 1 else ''}"
    start = 0 if frames.start is None else frames.start
    stop = count if frames.stop is None else frames.stop
    if not -count <= start < count or not -count <= stop <= count:
        raise VideoError(
            f"frames {frames_text(frames)} reaches outside the clip: {has}; choose a range within it"
        )
    indices = range(count)[frames]
    if not indices:
        raise VideoError(f"frames {frames_text(frames)} holds no frame: {has}; give an end after the start")
    return indices


@dataclass(frozen=True)
class Window:
    """A stretch of time: from ``since`` until before ``until``, in seconds after the first frame.

    Raises:
        UsageError: it is empty.
    """

    since: Fraction
    until: Fraction | None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise UsageError(
                f"there is nothing from {float(self.since):g} s to {float(self.until):g} s; give an end "
                "after the start"
            )

    def may_hold(self, seconds: Fraction, tick: Fraction) -> bool:
        """Whether a frame that is stamped so, on a clock of such ticks, may be within."""
        return seconds >= self.since - tick and not self.is_over(seconds, tick)

    def is_over(self, seconds: Fraction, tick: Fraction) -> bool:
        """Whether frames from this stamp on come later, however it was rounded."""
        return self.until is not None and seconds >= self.until + tick

    def part(self, times: Sequence[Fraction], indices: range, path: Path) -> range:
        """Those of ``indices`` whose times are within.

        Raises:
            VideoError: there is none.
        """
        begin = bisect_left(times, self.since)
        end = len(times) if self.until is None else bisect_left(times, self.until)
        inside = range(max(begin, indices.start), min(end, indices.stop), indices.step)
        if self.since == 0 and self.until is None:
            return indices
        if not inside:
            until = "" if self.until is None else f" and before {float(self.until):g} s"
            raise VideoError(
                f"{path}: there is no frame from {float(self.since):g} s on{until}; the last one is at "
                f"{float(times[-1]):.6g} s"
            )
        return inside


def parse_size(text: str) -> tuple[int, int]:
    """``"HxW"`` as (height, width) in pixels.

    Raises:
        UsageError: the text has another form, a side is zero, or there are more pixels than can be drawn.
    """
    match = re.fullmatch(r"\s*(\d{1,12})\s*[xX]\s*(\d{1,12})\s*", text)
    if not match or 0 in (size := (int(match[1]), int(match[2]))):
        raise UsageError(f"size {text!r} isn't a size in pixels; write HEIGHTxWIDTH, such as 240x360")
    check_pixels(size, f"size {text!r}")
    return size


def check_pixels(size: tuple[int, int], what: str) -> None:
    """Refuse a (height, width) of which a single frame would fill the memory.

    Raises:
        UsageError: it is one.
    """
    if size[0] * size[1] > _MOST_PIXELS:
        raise UsageError(
            f"{what} has {size[0] * size[1]:.2g} pixels; choose a --size of at most {_MOST_PIXELS:.2g}"
        )


def resize(
    rgb: Levels[np.ndarray, "height width channels"], size: tuple[int, int]
) -> Levels[np.ndarray, "new_height new_width channels"]:
    """The picture at ``size`` (height, width): area averages where a side shrinks, cubic where it grows."""
    shrunk = min(size[0], rgb.shape[0]), min(size[1], rgb.shape[1])
    for (height, width), method in ((shrunk, cv2.INTER_AREA), (size, cv2.INTER_CUBIC)):
        if (height, width) != rgb.shape[:2]:
            rgb = cv2.resize(rgb, (width, height), interpolation=method)
    return rgb
