"""Errors at each pixel as pictures, in levels of 255: one measure and one scale wherever they are shown."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.video.depth import Levels, colors

# Errors are drawn from 0 to this many of 255 levels, so that pictures of several clips can be compared.
ERROR_LEVELS = 32
ERROR_TITLE = f"error, black 0 to yellow {ERROR_LEVELS} of 255"


def error_levels(
    drawn: Levels[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "height width 3"]
) -> Float32[np.ndarray, "height width"]:
    """How far a drawn picture is off at each pixel, in levels of 255: the root of the squared error, mean
    over RGB, as ``Field.expected_error`` estimates it.
    """
    squared = np.square(255 * (colors(drawn) - colors(truth)))
    levels: np.ndarray = np.sqrt(squared.mean(axis=-1))
    return levels


def error_picture(error: Float32[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """Errors in levels of 255 as colours, black 0 to yellow ``ERROR_LEVELS`` and more, in 256 steps."""
    steps = (error * (255 / ERROR_LEVELS)).round().clip(0, 255).astype(np.uint8)
    colored: np.ndarray = cv2.applyColorMap(steps, cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.ascontiguousarray(colored)


def error_scale() -> UInt8[np.ndarray, "1 256 3"]:
    """The 256 colours of ``error_picture``, from 0 to ``ERROR_LEVELS``."""
    return error_picture(np.linspace(0, ERROR_LEVELS, 256, dtype=np.float32)[None])
