"""How many bits a colour has: pictures are uint8, or uint16 with a full scale of 65535 for more than 8 bits.

A value v of n bits stands for v / (2^n - 1) of full scale, so that black and white are 0 and 65535 for any n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import AbstractDtype, Float, Float32, UInt8

if TYPE_CHECKING:
    from typing import Annotated as Levels
else:

    class Levels(AbstractDtype):
        """Colours as whole numbers: uint8, or uint16 where there are more than 8 bits."""

        dtypes = ("uint8", "uint16")


__all__ = [
    "DEPTHS",
    "Levels",
    "colors",
    "depth_of_bits",
    "dtype_of",
    "eight_bit",
    "full_scale",
    "rounded",
    "with_depth",
]

# What a video may have; the pictures of all but the first are uint16.
DEPTHS = (8, 10, 12, 16)


def depth_of_bits(bits: int) -> int:
    """The least depth that holds so many bits per component; 16 for floats of 32 bits."""
    return next((depth for depth in DEPTHS if depth >= bits), DEPTHS[-1])


def dtype_of(depth: int) -> np.dtype[Any]:
    """The type of the pictures of a video of this depth."""
    return np.dtype(np.uint8 if depth == 8 else np.uint16)


def full_scale(dtype: Any) -> int:
    """The level of white in pictures of a type."""
    return int(np.iinfo(dtype).max)


def colors(picture: Levels[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Colours in [0, 1]."""
    scaled: np.ndarray = picture.astype(np.float32) / np.float32(full_scale(picture.dtype))
    return scaled


def eight_bit(
    picture: Levels[np.ndarray, "height width channels"],
) -> UInt8[np.ndarray, "height width channels"]:
    """The picture in 8 bits, each level as the nearest: (v + 128) // 257."""
    return picture if picture.dtype == np.uint8 else cv2.convertScaleAbs(picture, alpha=1 / 257)


def with_depth(
    picture: Levels[np.ndarray, "height width channels"], dtype: Any
) -> Levels[np.ndarray, "height width channels"]:
    """The picture in another type: to uint8 it is rounded, to uint16 every level is kept."""
    if picture.dtype == dtype:
        return picture
    return eight_bit(picture) if dtype == np.uint8 else picture * np.uint16(257)


def rounded(
    picture: Float[np.ndarray, "height width channels"], dtype: Any = np.uint8
) -> Levels[np.ndarray, "height width channels"]:
    """Colours in [0, 1] as the nearest levels of a type."""
    top = picture.dtype.type(full_scale(dtype))
    levels: np.ndarray = (picture * top).round().clip(0, top).astype(dtype)
    return levels
