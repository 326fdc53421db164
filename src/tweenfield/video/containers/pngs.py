"""A folder of PNGs, of 8 or 16 bits: 000000.png and so on, which keeps no rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import final

import cv2
import numpy as np

from tweenfield.video.containers.base import Look
from tweenfield.video.depth import Levels


@final
@dataclass(frozen=True)
class Pngs:
    """Pictures as they are, pixels of another aspect ratio too."""

    holds_sound: bool = field(default=False, init=False)
    folder: bool = field(default=True, init=False)
    square_pixels: bool = field(default=False, init=False)
    highest_rate: Fraction | None = field(default=None, init=False)

    def write(self, path: Path, frames: Iterator[Levels[np.ndarray, "height width 3"]], look: Look) -> int:
        """Write the frames into a new folder."""
        path.mkdir()
        count = 0
        for count, frame in enumerate(frames, start=1):
            _, data = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            (path / f"{count - 1:06d}.png").write_bytes(data.tobytes())
        return count
