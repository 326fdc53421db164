"""What the three OpenCV providers share: a checked pair of grey frames."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from tweenfield.errors import FlowError

# Given for the flow, it lets OpenCV allocate one, as None would; but OpenCV's types know no None there.
NO_FLOW = np.empty(0, np.float32)


def gray_pair(
    first: UInt8[np.ndarray, "height width 3"],
    second: UInt8[np.ndarray, "height2 width2 3"],
    *,
    name: str,
    smallest: int,
) -> tuple[UInt8[np.ndarray, "height width"], UInt8[np.ndarray, "height width"]]:
    """Both frames in grey, if ``name`` can estimate flow at their size.

    Raises:
        FlowError: the sizes differ, or a side is under ``smallest`` pixels.
    """
    if first.shape != second.shape:
        raise FlowError(
            f"{name}: the frames have shapes {first.shape} and {second.shape}; flow needs two of one size"
        )
    height, width = first.shape[:2]
    if min(height, width) < smallest:
        raise FlowError(
            f"{name}: frames of {height}x{width} are too small; give {smallest}x{smallest} pixels or more"
        )
    return cv2.cvtColor(first, cv2.COLOR_RGB2GRAY), cv2.cvtColor(second, cv2.COLOR_RGB2GRAY)
