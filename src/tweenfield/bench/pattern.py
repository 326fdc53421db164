"""A clip that is drawn, for trying an experiment without any data."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tweenfield.video import Video


def pattern(frames: int, size: tuple[int, int]) -> Video:
    """A patterned disc that crosses a patterned background, both at constant speed, 25 frames per second.

    The background moves by 1/200 of the width per frame, the disc by 1/80 of it the other way.
    """
    height, width = size
    y, x = np.mgrid[:height, :width] / width
    drawn = []
    for k in range(frames):
        back, front = _texture(x - k / 200, y, 50), _texture(x + k / 80, y - k / 400, 70)
        distance = np.hypot(x - 0.65 + k / 80, y - 0.5 * height / width - k / 400)
        # The edge is two pixels wide.
        cover = np.clip((0.2 - distance) * width / 2 + 0.5, 0, 1)[..., None]
        drawn.append((255 * (cover * front + (1 - cover) * back)).round().astype(np.uint8))
    return Video(
        frames=np.stack(drawn),
        times=tuple(Fraction(k, 25) for k in range(frames)),
        rate=Fraction(25),
        name="pattern",
    )


def _texture(x: np.ndarray, y: np.ndarray, pitch: float) -> np.ndarray:
    phases = np.stack((x + 0.3 * y, y - 0.5 * x, x + y + 0.4), axis=-1)
    return 0.5 + 0.24 * np.sin(pitch * phases) + 0.24 * np.cos(0.37 * pitch * phases[..., ::-1])
