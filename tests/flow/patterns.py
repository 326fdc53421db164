"""Moving patterns whose every pixel and every velocity is known, drawn as sums of plane waves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tweenfield.flow import Flow
from tweenfield.video.clip import Video

_RNG = np.random.default_rng(7)
# 24 waves of 8 to 40 pixels: any shift can be drawn exactly, and sampling between pixels has work to do.
_ANGLE = _RNG.uniform(0, 2 * np.pi, 24)
_WAVE = 2 * np.pi / _RNG.uniform(8, 40, 24)
_PHASE = _RNG.uniform(0, 2 * np.pi, (24, 3))


def pattern(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """RGB in [0, 1] at any positions."""
    along = _WAVE * (np.cos(_ANGLE) * x[..., None] + np.sin(_ANGLE) * y[..., None])
    return 0.5 + 0.06 * np.cos(along[..., None] + _PHASE).sum(axis=-2).clip(-8, 8)


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return x, y


def rounded(colors: np.ndarray) -> np.ndarray:
    return np.round(255 * colors).astype(np.uint8)


def moved(height: int, width: int, dx: float, dy: float) -> np.ndarray:
    """The pattern moved by (dx, dy), 8 bit."""
    x, y = grid(height, width)
    return rounded(pattern(x - dx, y - dy))


def video_of(frames: list[np.ndarray], name: str = "test clip") -> Video:
    return Video(
        frames=np.stack(frames),
        times=tuple(Fraction(k, 25) for k in range(len(frames))),
        rate=Fraction(25),
        name=name,
    )


def constant(height: int, width: int, dx: float, dy: float) -> np.ndarray:
    """The flow of a translation."""
    return np.broadcast_to(np.float32([dx, dy]), (height, width, 2)).copy()


def translation(intervals: int, height: int, width: int, dx: float, dy: float) -> Flow:
    ahead = np.stack([constant(height, width, dx, dy)] * intervals)
    return Flow(forward=ahead, backward=-ahead, name="translation")


def inner(values: np.ndarray, margin: int) -> np.ndarray:
    """Without a margin on each side, where what moves in or out decides."""
    return values[margin:-margin, margin:-margin]


def epe(found: np.ndarray, true: np.ndarray) -> float:
    """Average endpoint error in pixels."""
    return float(np.linalg.norm(found - true, axis=-1).mean())


def psnr(found: np.ndarray, true: np.ndarray) -> float:
    """Of colours in [0, 1]."""
    return float(-10 * np.log10(np.mean((found.astype(np.float64) - true) ** 2)))
