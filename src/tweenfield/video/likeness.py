"""How much of one frame is found again in another, whatever has moved or become brighter: two frames of one
shot are alike, two of different shots are not.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Shaped

from tweenfield.video.depth import Levels, eight_bit

# Longer side of a reduced picture, and side of the blocks that are looked for in it, in pixels.
_LONG, _BLOCK = 48, 12
# A block correlates with its best place by 0.9 or more if it is found again, by 0.6 or less if it is gone.
_LOST, _FOUND = np.float32(0.6), np.float32(0.9)
# Blocks whose contrast is noise say nothing; those of this much more count half. In levels of 255.
_NOISE, _HALF = 1, 3
# What two even pictures, which have no block that counts, agree by.
_EVEN = 0.1


def thumbnail(frame: Levels[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "rows columns 3"]:
    """The frame reduced to ``thumbnail_size``, in levels of 255."""
    rows, columns = thumbnail_size(*frame.shape[:2])
    return cv2.resize(eight_bit(frame), (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)


def thumbnail_size(height: int, width: int) -> tuple[int, int]:
    """At most 48 pixels on the longer side."""
    scale = min(_LONG / max(height, width), 1)
    rows, columns = (max(round(side * scale), min(side, _BLOCK)) for side in (height, width))
    return rows, columns


def likeness(
    first: Float32[np.ndarray, "rows columns 3"], second: Float32[np.ndarray, "rows columns 3"]
) -> float:
    """The share of the blocks of each thumbnail that are found in the other, from 0 to 1.

    A block is looked for everywhere, and compared without its mean and its contrast: neither motion nor an
    even change of brightness makes two frames unlike.
    """
    found = weight = _EVEN
    for picture, other in ((first, second), (second, first)):
        for block, contrast in _blocks(picture):
            counts = max(contrast - _NOISE, 0) / (contrast - _NOISE + _HALF)
            if counts:
                best = cv2.matchTemplate(other, block, cv2.TM_CCOEFF_NORMED).max()
                found += counts * float(np.clip((best - _LOST) / (_FOUND - _LOST), 0, 1))
                weight += counts
    return found / weight


def contrast(picture: Shaped[np.ndarray, "rows columns channels"]) -> float:
    """The standard deviation of the pixels, averaged over the channels, in levels of 255."""
    return float(picture.std(axis=(0, 1)).mean())


def _blocks(
    picture: Float32[np.ndarray, "rows columns 3"],
) -> list[tuple[Float32[np.ndarray, "_ _ 3"], float]]:
    """Blocks that cover the picture, each with its contrast."""
    starts = [
        np.linspace(0, side - min(side, _BLOCK), max(side // _BLOCK, 1)).astype(int)
        for side in picture.shape[:2]
    ]
    blocks = [picture[y : y + _BLOCK, x : x + _BLOCK] for y in starts[0] for x in starts[1]]
    return [(block, contrast(block)) for block in blocks]
