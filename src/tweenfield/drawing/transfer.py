"""Between the colours of a video and light, by the transfer function that the video states (ITU-T H.273)."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

if TYPE_CHECKING:
    from collections.abc import Callable

Numbers = Float64[np.ndarray, "*any"]


class _Curve(NamedTuple):
    """Light of colours in [0, 1], and back."""

    light: Callable[[Numbers], Numbers]
    colors: Callable[[Numbers], Numbers]


def _power(gamma: float) -> _Curve:
    return _Curve(lambda v: v**gamma, lambda light: light ** (1 / gamma))


def _with_line(offset: float, knee: float, slope: float, gamma: float) -> _Curve:
    """A power with a straight part near black, up to the light ``knee``."""

    def light(v: Numbers) -> Numbers:
        bright = ((v + offset) / (1 + offset)) ** gamma
        return np.where(v < slope * knee, v / slope, bright)

    def colors(light: Numbers) -> Numbers:
        bright = (1 + offset) * np.maximum(light, knee) ** (1 / gamma) - offset
        return np.where(light < knee, slope * light, bright)

    return _Curve(light, colors)


def _logarithm(decades: float) -> _Curve:
    """Light of so many powers of ten; what is below has the colour 0."""
    least = 10**-decades

    def light(v: Numbers) -> Numbers:
        return np.where(v > 0, 10 ** (decades * (v - 1)), 0)

    return _Curve(light, lambda light: np.maximum(1 + np.log10(np.maximum(light, least)) / decades, 0))


def _pq() -> _Curve:
    """SMPTE ST 2084: light of the display, where 1 is 10,000 cd/m^2."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

    def light(v: Numbers) -> Numbers:
        root = v ** (1 / m2)
        return (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)

    def colors(light: Numbers) -> Numbers:
        root = light**m1
        return ((c1 + c2 * root) / (1 + c3 * root)) ** m2

    return _Curve(light, colors)


def _hlg() -> _Curve:
    """ITU-R BT.2100: light of the scene, where 1 is the brightest that can be coded."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * log(4 * a)

    def light(v: Numbers) -> Numbers:
        return np.where(v <= 0.5, v**2 / 3, (np.exp((v - c) / a) + b) / 12)

    def colors(light: Numbers) -> Numbers:
        bright = a * np.log(np.maximum(12 * light - b, 1 - b)) + c
        return np.where(light <= 1 / 12, np.sqrt(3 * light), bright)

    return _Curve(light, colors)


# The standard's 0.099 and 0.018 to more digits, so that the two parts of the curve meet (ITU-R BT.2020-2).
_BT709 = _with_line(0.09929682680944, 0.018053968510807, 4.5, 1 / 0.45)
# The curves by code point; others, and a video that states none, have that of BT.709.
_CURVES = {
    4: _power(2.2),
    5: _power(2.8),
    7: _with_line(0.111572195921731, 0.022821585529445, 4.0, 1 / 0.45),
    8: _power(1.0),
    9: _logarithm(2),
    10: _logarithm(2.5),
    13: _with_line(0.055010718947587, 0.003041282560128, 12.92, 2.4),
    16: _pq(),
    17: _power(2.6),
    18: _hlg(),
}


def linear_light(colors: Float32[np.ndarray, "*any"], transfer: int = 1) -> Float32[np.ndarray, "*any"]:
    """Light of colours in [0, 1], in parts of the highest: of the display for PQ, else of the scene.

    ``transfer`` is the code point of H.273 of the curve.
    """
    curve = _CURVES.get(transfer, _BT709)
    return curve.light(colors.astype(np.float64)).astype(np.float32)


def colors_of(light: Float32[np.ndarray, "*any"], transfer: int = 1) -> Float32[np.ndarray, "*any"]:
    """The colours in [0, 1] of light: the inverse of ``linear_light``."""
    curve = _CURVES.get(transfer, _BT709)
    return curve.colors(light.astype(np.float64)).astype(np.float32)
