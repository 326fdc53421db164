"""A folder of PNGs, of 8 or 16 bits: 000000.png and so on, which keeps no rate."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import final

import cv2
import numpy as np

from tweenfield.video.carrying import Holds
from tweenfield.video.containers.base import Look
from tweenfield.video.containers.codecs import Encoding
from tweenfield.video.depth import Levels
from tweenfield.video.png import with_color


@final
@dataclass(frozen=True)
class Pngs:
    """Pictures as they are, pixels of another aspect ratio too."""

    holds: Holds | None = field(default=None, init=False)
    codecs: tuple[str, ...] = field(default=(), init=False)
    folder: bool = field(default=True, init=False)
    square_pixels: bool = field(default=False, init=False)
    highest_rate: Fraction | None = field(default=None, init=False)

    def keeps_alpha(self, encoding: Encoding) -> bool:
        """A PNG does."""
        return True

    def write(
        self, path: Path, frames: Iterator[Levels[np.ndarray, "height width channels"]], look: Look
    ) -> int:
        """Write the frames into a new folder."""
        return self.write_piece(path, frames, look, 0)

    def write_piece(
        self,
        path: Path,
        frames: Iterator[Levels[np.ndarray, "height width channels"]],
        look: Look,
        begin: int,
    ) -> int:
        """Write frames from number ``begin`` on into a new folder."""
        path.mkdir()
        count = 0
        for count, frame in enumerate(frames, start=1):
            order = cv2.COLOR_RGBA2BGRA if frame.shape[2] == 4 else cv2.COLOR_RGB2BGR
            _, data = cv2.imencode(".png", cv2.cvtColor(frame, order))
            png = with_color(data.tobytes(), look.color, look.hdr)
            (path / f"{begin + count - 1:06d}.png").write_bytes(png)
        return count

    def join(
        self, path: Path, pieces: Iterable[tuple[int, Path]], count: int, size: tuple[int, int], look: Look
    ) -> None:
        """All pictures in one new folder; the pieces stay until it is whole."""
        path.mkdir()
        for _, piece in pieces:
            for picture in piece.iterdir():
                try:
                    (path / picture.name).hardlink_to(picture)
                except OSError:  # Some file systems, such as exFAT, have no links.
                    shutil.copyfile(picture, path / picture.name)
