"""A video as a value: frames, their times, and the colour tags and pixel aspect ratio to write it with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt16

from tweenfield.errors import VideoError
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.depth import DEPTHS, Levels, dtype_of
from tweenfield.video.hdr import Hdr
from tweenfield.video.transparency import BLACK, WHITE, levels_of, over, parse_color

if TYPE_CHECKING:
    from collections.abc import Sequence

_DTYPES = {dtype_of(depth) for depth in DEPTHS}


@dataclass(frozen=True, kw_only=True)
class ColorTags:
    """How the values of a video map to colours, as code points of ITU-T H.273 (2 = unspecified).

    ``matrix`` is the RGB to YUV matrix, ``primaries`` and ``transfer`` pass through untouched,
    ``full_range`` is True for 0-255, False for 16-235, in 8 bits.
    """

    matrix: int = 1
    primaries: int = 1
    transfer: int = 1
    full_range: bool = False


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Video:
    """RGB frames and the exact time of each.

    Attributes:
        frames: RGB, uint8 or, with more than 8 bits, uint16 whose full scale is 65535. Those of
            ``read_video`` are decoded when they are indexed, so that a long clip
            needn't fit in memory; ``np.asarray(video.frames)`` is all of them.
        times: presentation time of each frame in seconds, strictly increasing.
        rate: nominal frames per second.
        color: colour tags to write with.
        sample_aspect_ratio: width over height of one pixel.
        name: in messages and results.
        start: when the first frame is shown, in seconds on the file's own clock; sound refers to it.
        depth: bits per component of the source: 8 for uint8 frames; 10, 12 or 16 for uint16.
        hdr: what the source says about high dynamic range, to be written again.
        alpha: how opaque each pixel is, uint16 with a full scale of 65535; None if all are. Frames are uint16
            then, whatever the depth, and laid over the matte; over black they are premultiplied.
        matte: ``black`` or ``white``, which frames lie over where they are transparent.
        lasts: how long the last frame is shown, in seconds; one interval of the rate if None.

    Raises:
        VideoError: the numbers of frames and times differ, there is no frame, times don't increase,
            the depth doesn't belong to the frames' type, or alpha not to the frames.
    """

    frames: Levels[Rows, "frames height width 3"]
    times: tuple[Fraction, ...]
    rate: Fraction
    color: ColorTags = ColorTags()
    sample_aspect_ratio: Fraction = Fraction(1)
    name: str = "video"
    start: Fraction = Fraction(0)
    depth: int = 8
    hdr: Hdr | None = None
    alpha: UInt16[Rows, "frames height width"] | None = None
    matte: str = BLACK
    lasts: Fraction | None = None

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype not in _DTYPES:
            raise VideoError(
                f"{self.name}: frames have shape {self.frames.shape} and type {self.frames.dtype}; "
                "give uint8 or uint16 of shape (frames, height, width, 3)"
            )
        if self.alpha is not None and (
            (self.alpha.shape, self.alpha.dtype) != (self.frames.shape[:3], np.uint16)
            or self.frames.dtype != np.uint16
            or self.matte not in (BLACK, WHITE)
        ):
            raise VideoError(
                f"{self.name}: alpha is {self.alpha.dtype} {self.alpha.shape} over {self.matte}, frames are "
                f"{self.frames.dtype} {self.frames.shape}; give uint16 for both, of the same frames and "
                "pixels, over black or white"
            )
        kind = np.uint16 if self.alpha is not None else dtype_of(self.depth)
        if self.depth not in DEPTHS or self.frames.dtype != kind:
            raise VideoError(
                f"{self.name}: frames are {self.frames.dtype} but the depth is {self.depth}; "
                "give the depth 8 with uint8, and 10, 12 or 16 with uint16"
            )
        if len(self.times) != len(self.frames) or not self.times:
            raise VideoError(
                f"{self.name}: {len(self.frames)} frames but {len(self.times)} times; give one per frame"
            )
        if any(b <= a for a, b in zip(self.times, self.times[1:], strict=False)):
            raise VideoError(
                f"{self.name}: frame times don't increase; give each frame a later time than the one before"
            )

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, h, w, _ = self.frames.shape
        return f"Video({self.name!r}, {n} frames of {h}x{w}, {float(self.rate):.6g} fps)"

    def _repr_html_(self) -> str:
        """Five frames and the figures, in a notebook."""
        from tweenfield.video.notebook import as_html, spread, strip

        times = sorted({round(t) for t in spread(len(self) - 1)})
        rows: dict[str, list[object]] = {
            "frames": [len(self)],
            "size": ["{}x{}".format(*self.size)],
            "rate": [f"{float(self.rate):.6g} fps"],
            "from": [f"{float(self.times[0]):.3f} s"],
            "to": [f"{float(self.times[-1]):.3f} s"],
        }
        return as_html(self.name, strip(times, lambda k: np.asarray(self.frames[int(k)])), rows)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.frames.shape[1], self.frames.shape[2]

    def select(self, indices: Sequence[int]) -> Video:
        """The frames at ``indices`` (increasing), with their own times; the rate falls accordingly."""
        indices = list(indices)
        times = tuple(self.times[i] for i in indices)
        rate = self.rate if len(times) < 2 else Fraction(len(times) - 1) / (times[-1] - times[0])
        alpha = None if self.alpha is None else _chosen(self.alpha, indices)
        lasts = self.lasts if indices[-1:] == [len(self) - 1] else None
        frames = _chosen(self.frames, indices)
        return replace(self, frames=frames, alpha=alpha, times=times, rate=rate, lasts=lasts)

    def over(self, background: str | None = None) -> Video:
        """The video laid over a colour, so that nothing is transparent; over its matte if none is given.

        Args:
            background: a name, such as ``white``, or ``#rrggbb``.

        Raises:
            UsageError: it is no colour.
        """
        if self.alpha is None:
            return self
        color, dtype = background or self.matte, dtype_of(self.depth)
        parse_color(color)
        frames = OnDemand(lambda k: over(self.rgba(k), color), self.frames.shape, dtype)
        return replace(self, frames=frames, alpha=None)

    def rgba(self, k: int) -> Levels[np.ndarray, "height width 4"]:
        """Frame ``k`` of a video with alpha as straight RGBA, uint8 or uint16 by the depth."""
        assert self.alpha is not None
        return levels_of(self.frames[k], self.alpha[k], self.matte, dtype_of(self.depth))


def _chosen(rows: Rows, indices: list[int]) -> Rows:
    return rows.select(indices) if isinstance(rows, OnDemand) else rows[indices]
