"""Pictures of flow: direction as hue, length as saturation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8


def _wheel() -> np.ndarray:
    """The 55 colours of Baker et al., from red over yellow, green, cyan, blue and magenta back to red."""
    # Along each edge of the colour cube: how many steps (more where the eye sees more), channel, falling.
    ramps = [(15, 1, False), (6, 0, True), (4, 2, False), (11, 1, True), (13, 0, False), (6, 2, True)]
    color, rows = np.array([255.0, 0.0, 0.0]), []
    for steps, channel, falling in ramps:
        part = np.tile(color, (steps, 1))
        rise = np.floor(255 * np.arange(steps) / steps)
        part[:, channel] = 255 - rise if falling else rise
        color[channel] = 0 if falling else 255
        rows.append(part)
    return np.concatenate(rows) / 255


_WHEEL = _wheel()


def flow_to_color(
    flow: Float32[np.ndarray, "height width 2"], longest: float | None = None
) -> UInt8[np.ndarray, "height width 3"]:
    """Flow as an RGB picture by the Middlebury colour wheel: white is no motion, red is to the right.

    Baker, Scharstein, Lewis, Roth, Black, Szeliski, *A Database and Evaluation Methodology for Optical
    Flow*, IJCV 2011.

    Args:
        flow: motion in pixels.
        longest: the length drawn in full colour, longer ones are darker; by default the longest in ``flow``.
    """
    length = np.linalg.norm(flow, axis=-1)
    scale = length.max() if longest is None else longest
    radius = (length / max(scale, 1e-6))[..., None]
    position = (np.arctan2(-flow[..., 1], -flow[..., 0]) / np.pi + 1) / 2 * (len(_WHEEL) - 1)
    below = position.astype(int)
    part = (position - below)[..., None]
    hue = (1 - part) * _WHEEL[below] + part * _WHEEL[(below + 1) % len(_WHEEL)]
    # The tolerance keeps the longest vector itself from counting as too long.
    color = np.where(radius <= 1 + 1e-6, 1 - radius * (1 - hue), 0.75 * hue)
    picture: np.ndarray = (255 * color.clip(0, 1)).astype(np.uint8)
    return picture
