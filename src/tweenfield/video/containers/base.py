"""What an output container is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from tweenfield.video.clip import ColorTags
from tweenfield.video.depth import Levels
from tweenfield.video.hdr import Hdr
from tweenfield.video.sound import Sound


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a player shows the frames.

    Attributes:
        rate: frames per second.
        color: matrix and range to convert with, and all the tags to write.
        sample_aspect_ratio: width over height of one pixel.
        sound: what is heard with them.
        hdr: what to say about high dynamic range.
    """

    rate: Fraction
    color: ColorTags
    sample_aspect_ratio: Fraction
    sound: Sound | None = None
    hdr: Hdr | None = None


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
    def holds_sound(self) -> bool:
        """Whether it has room for sound."""
        ...

    def write(self, path: Path, frames: Iterator[Levels[np.ndarray, "height width 3"]], look: Look) -> int:
        """Write at least one frame, all of one size, as they come; returns how many there were."""
        ...
