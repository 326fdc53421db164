"""Pictures as the bytes that the page is sent, and the legends of its colours."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from tweenfield.errors import TweenfieldError
from tweenfield.evaluation.error_maps import error_scale
from tweenfield.flow import flow_to_color

_JPEG_QUALITY = 92


def encoded(picture: UInt8[np.ndarray, "height width 3"], kind: str) -> bytes:
    """RGB as PNG or JPEG."""
    settings = {
        # Twice as large as the smallest, in a third of the time.
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY],
    }[kind]
    done, data = cv2.imencode(f".{kind}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise TweenfieldError(
            f"a picture of {picture.shape[1]}x{picture.shape[0]} can't be written as {kind}"
        )
    return data.tobytes()


def color_wheel(radius: int = 44) -> bytes:
    """The colours of every motion up to the longest, as PNG."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return encoded(flow_to_color(np.stack((x, y), axis=-1).astype(np.float32), radius), "png")


def levels_scale() -> bytes:
    """The colours of errors from 0 to the most that is told apart, as PNG of 256x1."""
    return encoded(error_scale(), "png")


def _size(size: tuple[int, int], height: int | None) -> tuple[int, int]:
    """As high as asked for, in the same proportions."""
    return (height, max(1, round(size[1] * height / size[0]))) if height else size


def resized(picture: np.ndarray, height: int | None) -> np.ndarray:
    """The same at this height or its own, in its proportions."""
    rows, columns = _size((picture.shape[0], picture.shape[1]), height)
    if (rows, columns) == picture.shape[:2]:
        return picture
    resized: np.ndarray = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    return resized
