"""A field's picture at any height, drawn the way that is faster."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from tweenfield.fields.base import Field
from tweenfield.video import eight_bit


@torch.inference_mode()
def reduced_picture(field: Field, t: float, height: int | None) -> UInt8[np.ndarray, "height width 3"]:
    """The 8-bit picture at ``t``, ``height`` pixels high in the grid's proportions; None: as the grid is."""
    grid = field.grid
    if height is None or height == grid.height:
        return eight_bit(field.picture(t))
    size = height, max(1, round(grid.width * height / grid.height))
    # A field with a way of its own to draw its whole grid would prepare all of it for a few points, too.
    if type(field).picture is not Field.picture:
        return np.asarray(cv2.resize(eight_bit(field.picture(t)), size[::-1], interpolation=cv2.INTER_AREA))
    return eight_bit(field.picture(t, size))
