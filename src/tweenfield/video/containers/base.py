"""What an output container is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from tweenfield.video.carrying import Carried, Holds
from tweenfield.video.clip import ColorTags
from tweenfield.video.containers.codecs import Encoding
from tweenfield.video.depth import Levels
from tweenfield.video.hdr import Hdr
from tweenfield.video.transparency import BLACK

# The finest clock that every container can follow.
_FINEST = 90_000


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a player shows the frames.

    Attributes:
        rate: frames per second.
        color: matrix and range to convert with, and all the tags to write.
        sample_aspect_ratio: width over height of one pixel.
        depth: bits per component of the source; frames of more than 8 are uint16.
        hdr: what to say about high dynamic range.
        carried: what else of a file goes along with them.
        encoding: codec and quality.
        times: when each frame is shown, in seconds; those of ``rate`` if None.
        transparent: whether frames are straight RGBA.
        background: what they are laid over where they can't stay so: a name of a colour or ``#rrggbb``.
    """

    rate: Fraction
    color: ColorTags
    sample_aspect_ratio: Fraction
    depth: int = 8
    hdr: Hdr | None = None
    carried: Carried | None = None
    encoding: Encoding = field(default_factory=Encoding)
    times: tuple[Fraction, ...] | None = None
    transparent: bool = False
    background: str = BLACK

    @property
    def clock(self) -> Fraction:
        """Seconds per tick of a clock on which the frames lie."""
        if self.times is None:
            return 1 / self.rate
        ticks = lcm(*(time.denominator for time in self.times))
        return Fraction(1, ticks if ticks <= _FINEST else _FINEST)

    def tick(self, index: int) -> int:
        """When a frame is shown, in ticks of the clock."""
        return index if self.times is None else round(self.times[index] / self.clock)

    def until(self, index: int) -> Fraction:
        """When the frame after this one is shown, in seconds."""
        if self.times is None:
            return (index + 1) / self.rate
        return self.times[min(index + 1, len(self.times) - 1)]


@runtime_checkable
class Container(Protocol):
    """Writes frames to one kind of file, or to a folder."""

    @property
    def folder(self) -> bool:
        """Whether it makes a folder."""
        ...

    @property
    def square_pixels(self) -> bool:
        """Whether it can't store another pixel aspect ratio, so that frames are widened to square pixels."""
        ...

    @property
    def highest_rate(self) -> Fraction | None:
        """The highest number of frames per second, if there is a limit."""
        ...

    @property
    def holds(self) -> Holds | None:
        """What it has room for besides the picture; None for nothing."""
        ...

    @property
    def codecs(self) -> tuple[str, ...]:
        """Names of the codecs that it holds, the usual one first; none where there is no choice."""
        ...

    def keeps_alpha(self, encoding: Encoding) -> bool:
        """Whether transparent frames stay so; elsewhere they are laid over the background before."""
        ...

    def write(
        self, path: Path, frames: Iterator[Levels[np.ndarray, "height width channels"]], look: Look
    ) -> int:
        """Write at least one frame, all of one size, as they come; returns how many there were."""
        ...


@runtime_checkable
class InPieces(Container, Protocol):
    """A container whose frames can be written in pieces, which are put together later."""

    def write_piece(
        self,
        path: Path,
        frames: Iterator[Levels[np.ndarray, "height width channels"]],
        look: Look,
        begin: int,
    ) -> int:
        """Write frames from number ``begin`` on into a file or folder for ``join``."""
        ...

    def join(
        self, path: Path, pieces: Iterable[tuple[int, Path]], count: int, size: tuple[int, int], look: Look
    ) -> None:
        """Put pieces, each with the number of its first frame, together as they come, with all that is
        carried over; there are ``count`` frames of this (height, width).
        """
        ...
