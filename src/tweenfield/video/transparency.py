"""Partly transparent pictures: straight, laid over a matte, or laid over a background.

A pixel with the straight colour c and the opacity a shows a c + (1 - a) b over a background b. What is
interpolated is the picture over a matte m, f = a c + (1 - a) m, and a itself. Both are mixed with the same
weights, which sum to 1; so f - (1 - a) m is the mixture of premultiplied colours a c (Porter, Duff,
*Compositing Digital Images*, 1984),
whatever the matte is. It is white or black, whichever contrasts with the clip, so that motion can be seen.
f and a have 16 bits, so that every straight colour of 8 bits comes back from them.
"""

from __future__ import annotations

from typing import Any, final

import cv2
import numpy as np
from jaxtyping import Float, UInt16

from tweenfield.errors import UsageError
from tweenfield.storage.on_demand import OnDemand
from tweenfield.video.depth import Levels, full_scale, rounded
from tweenfield.video.selecting import resize

BLACK, WHITE = "black", "white"
_TOP = 65535


def parse_color(text: str) -> Float[np.ndarray, " 3"]:
    """``"black"``, ``"#ff8000"`` and the like as RGB in [0, 1].

    Raises:
        UsageError: it is no colour.
    """
    if text in (BLACK, WHITE):  # Without Matplotlib, which takes a while to load.
        return np.full(3, float(text == WHITE))
    from matplotlib.colors import to_rgb

    try:
        return np.array(to_rgb(text))
    except ValueError as error:
        raise UsageError(f"{text!r} is no colour; give a name, such as white, or #rrggbb") from error


def is_transparent(picture: Levels[np.ndarray, "height width channels"]) -> bool:
    """Whether any pixel of it is."""
    return picture.shape[2] == 4 and bool(picture[..., 3].min() < full_scale(picture.dtype))


def premultiplied(
    rgba: Levels[np.ndarray, "height width 4"],
) -> UInt16[np.ndarray, "height width 4"]:
    """Colours times opacity, and opacity, in 16 bits."""
    top = full_scale(rgba.dtype)
    alpha = rgba[..., 3:].astype(np.uint32)
    product = rgba[..., :3] * alpha * np.uint32(_TOP // top)
    return np.dstack(((product + top // 2) // top, alpha * (_TOP // top))).astype(np.uint16)


def over_matte(
    premultiplied: UInt16[np.ndarray, "height width 4"], matte: str
) -> UInt16[np.ndarray, "height width 3"]:
    """The picture over black or white."""
    color = np.ascontiguousarray(premultiplied[..., :3])
    return color + (_TOP - premultiplied[..., 3:]) if matte == WHITE else color


def straight(
    over_matte: Float[np.ndarray, "height width 3"], alpha: Float[np.ndarray, "height width"], matte: str
) -> Float[np.ndarray, "height width 4"]:
    """Straight colours and opacity in [0, 1]; black where all is transparent.

    Colours are divided by the opacity before that is clipped: where interpolation overshoots, it does so in
    both, and the colour stays.
    """
    color = over_matte - (1 - alpha[..., None]) if matte == WHITE else over_matte
    seen = alpha[..., None] > 0.5 / _TOP
    color = np.divide(color, alpha[..., None], out=np.zeros_like(color), where=seen)
    return np.dstack((color, alpha)).clip(0, 1)


def levels_of(
    over_matte: UInt16[np.ndarray, "height width 3"],
    alpha: UInt16[np.ndarray, "height width"],
    matte: str,
    dtype: Any,
) -> Levels[np.ndarray, "height width 4"]:
    """Straight colours and opacity as the nearest levels of a type."""
    return rounded(straight(over_matte / _TOP, alpha / _TOP, matte), dtype)


def over(rgba: Levels[np.ndarray, "height width 4"], background: str) -> Levels[np.ndarray, "height width 3"]:
    """What is seen of a picture before a background of a single colour."""
    top = full_scale(rgba.dtype)
    alpha = rgba[..., 3:] / top
    seen = alpha * rgba[..., :3] + (1 - alpha) * (top * parse_color(background))
    levels: np.ndarray = np.rint(seen).astype(rgba.dtype)
    return levels


def resized(
    rgba: Levels[np.ndarray, "height width 4"], size: tuple[int, int]
) -> Levels[np.ndarray, "new_height new_width 4"]:
    """The picture at ``size``: what is premultiplied is resized, so that hidden colours don't leak."""
    smaller = resize(premultiplied(rgba), size)
    return levels_of(smaller[..., :3], smaller[..., 3], BLACK, rgba.dtype)


def spread(rgba: Levels[np.ndarray, "height width 4"]) -> Levels[np.ndarray, "height width 4"]:
    """The picture with the colours of its edges spread over what is fully transparent: a codec that blurs
    colours, or stores them at half the resolution, then finds no others to mix them with.

    Colours are averaged over squares of twice the side until all have one, and filled in from coarse to fine
    (the "pull-push" of Gortler et al., *The Lumigraph*, 1996).
    """
    top = np.float32(full_scale(rgba.dtype))
    hidden = rgba[..., 3] == 0
    if not hidden.any() or hidden.all():
        return rgba
    alpha = rgba[..., 3:].astype(np.float32) / top
    levels = [np.dstack((rgba[..., :3] * alpha, alpha))]
    while max(levels[-1].shape[:2]) > 1:
        rows, columns = (-(-side // 2) for side in levels[-1].shape[:2])
        levels.append(cv2.resize(levels[-1], (columns, rows), interpolation=cv2.INTER_AREA))
    filled = levels[-1][..., :3] / levels[-1][..., 3:]
    for level in reversed(levels[:-1]):
        filled = cv2.resize(filled, level.shape[1::-1], interpolation=cv2.INTER_LINEAR).reshape(
            *level.shape[:2], 3
        )
        np.divide(level[..., :3], level[..., 3:], out=filled, where=level[..., 3:] > 0)
    result: np.ndarray = rgba.copy()
    result[hidden, :3] = np.rint(filled[hidden])
    return result


@final
class Opacity:
    """Whether the frames of a clip are transparent anywhere, and which matte they contrast with."""

    def __init__(self) -> None:
        self.transparent = False
        self._color = self._alpha = 0.0

    def see(self, premultiplied: UInt16[np.ndarray, "height width 4"]) -> None:
        """Look at a frame."""
        self.transparent = self.transparent or is_transparent(premultiplied)
        *color, alpha = cv2.mean(premultiplied)
        self._color, self._alpha = self._color + sum(color) / 3, self._alpha + alpha

    @property
    def matte(self) -> str:
        """White for dark pictures, else black."""
        return WHITE if self._color < self._alpha / 2 else BLACK


def layers(premultiplied: OnDemand, matte: str) -> tuple[OnDemand, OnDemand]:
    """Frames over a matte, and their opacity."""
    frames = OnDemand(
        lambda k: over_matte(premultiplied[k], matte),
        (*premultiplied.shape[:3], 3),
        np.uint16,
        keep=False,
    )
    alpha = OnDemand(
        lambda k: np.ascontiguousarray(premultiplied[k][..., 3]),
        premultiplied.shape[:3],
        np.uint16,
        keep=False,
    )
    return frames, alpha
