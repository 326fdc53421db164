"""Pictures between their pixels, in NumPy: pixel centres on integers, x to the right, y down."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, Shaped

from tweenfield.machine_code import in_bands, inlined

# Inverse of the cubic B-spline's samples (1/6, 4/6, 1/6), a two-sided geometric series cut at 1e-8.
_POLE = np.sqrt(3) - 2
_PREFILTER = np.sqrt(3) * _POLE ** np.abs(np.arange(-14, 15))


# Motion and weights of a larger picture are found on one halved until it has no more pixels than this.
_MOST_PIXELS = 250_000


def halvings(height: int, width: int) -> int:
    """How often a picture of this size is halved for what varies slowly in it; 0 up to 480x520 pixels."""
    count = 0
    while height * width > _MOST_PIXELS * 4**count:
        count += 1
    return count


def reduce(
    image: Shaped[np.ndarray, "height width channels"], factor: int
) -> Shaped[np.ndarray, "_ _ channels"]:
    """The mean of each square of ``factor`` x ``factor`` pixels; a cut square is filled up with the border.

    Pixel (X, Y) of the result lies at ((X + 1/2) factor - 1/2, (Y + 1/2) factor - 1/2).
    """
    if factor == 1:
        return image
    height, width = image.shape[:2]
    below, right = -height % factor, -width % factor
    if below or right:
        image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = (width + right) // factor, (height + below) // factor
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def displaced(
    flow: Float32[np.ndarray, "height width 2"], share: float = 1
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Every pixel's x and y after ``share`` times its flow."""
    height, width = flow.shape[:2]
    share = np.float32(share)
    x = np.arange(width, dtype=np.float32) + share * flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + share * flow[..., 1]
    return x, y


def sample(
    image: Float32[np.ndarray, "height width *channels"],
    x: Float32[np.ndarray, "rows columns"],
    y: Float32[np.ndarray, "rows columns"],
) -> Float32[np.ndarray, "rows columns *channels"]:
    """The image between its pixels, by interpolating cubic B-splines; the border is replicated.

    Unser, *Splines: A Perfect Fit for Signal and Image Processing*, IEEE SPM 1999: prefilter, then 4x4
    positive weights, which are four bilinear fetches (Sigg, Hadwiger, *GPU Gems 2*, chapter 20).
    ``cv2.INTER_CUBIC`` isn't used: it rounds coordinates to 1/32 pixel, and a linear ramp comes out 0.05
    pixel off.
    """
    height, width = image.shape[:2]
    x0, x1, wx = _bspline_fetches(np.clip(x, 0, width - 1))
    y0, y1, wy = _bspline_fetches(np.clip(y, 0, height - 1))
    out = np.empty(x.shape + image.shape[2:], np.float32)
    for plane, result in _planes(image, out):
        spline = cv2.sepFilter2D(plane, -1, _PREFILTER, _PREFILTER, borderType=cv2.BORDER_REFLECT_101)
        spline = cv2.copyMakeBorder(spline, 2, 2, 2, 2, cv2.BORDER_REFLECT_101)
        top = (1 - wx) * _fetch(spline, x0, y0) + wx * _fetch(spline, x1, y0)
        bottom = (1 - wx) * _fetch(spline, x0, y1) + wx * _fetch(spline, x1, y1)
        result[...] = (1 - wy) * top + wy * bottom
    return out


def sample_linear(
    image: Float32[np.ndarray, "height width *channels"],
    x: Float32[np.ndarray, "rows columns"],
    y: Float32[np.ndarray, "rows columns"],
) -> Float32[np.ndarray, "rows columns *channels"]:
    """The image between its pixels, bilinearly: never beyond its values. The border is replicated."""
    out = np.empty(x.shape + image.shape[2:], np.float32)
    for plane, result in _planes(image, out):
        result[...] = _fetch(plane, x, y)
    return out


def sample_displaced(
    image: Float32[np.ndarray, "height width *channels"],
    flow: Float32[np.ndarray, "height width 2"],
    share: float = 1,
) -> Float32[np.ndarray, "height width *channels"]:
    """``sample_linear`` at every pixel's place after ``share`` times its flow."""
    out = np.empty(image.shape, np.float32)
    channels = (*image.shape[:2], -1)
    image, flow = np.ascontiguousarray(image), np.ascontiguousarray(flow)
    _fetch_rows(len(image), image.reshape(channels), flow, np.float32(share), out.reshape(channels))
    return out


@in_bands
def _fetch_rows(
    begin: int, end: int, image: np.ndarray, flow: np.ndarray, share: np.float32, out: np.ndarray
) -> None:
    height, width, channels = image.shape
    for y in range(begin, end):
        for x in range(width):
            i, j, in_x = cell(np.float32(x) + share * flow[y, x, 0], width)
            k, m, in_y = cell(np.float32(y) + share * flow[y, x, 1], height)
            for c in range(channels):
                out[y, x, c] = bilinear(
                    image[k, i, c], image[k, j, c], image[m, i, c], image[m, j, c], in_x, in_y
                )


@inlined
def cell(position: Any, size: int) -> tuple[Any, Any, Any]:
    """The two samples around a place along one axis, and how far it is from the first; at the border both are
    its own.
    """
    position = min(max(position, np.float32(0)), np.float32(size - 1))
    # Unsigned, so that no index can count from the end.
    first = np.uintp(position)
    return first, min(first + np.uintp(1), np.uintp(size - 1)), position - np.float32(first)


@inlined
def bilinear(a: Any, b: Any, c: Any, d: Any, in_x: Any, in_y: Any) -> Any:
    """The value between a and b above, c and d below."""
    above, below = a + in_x * (b - a), c + in_x * (d - c)
    return above + in_y * (below - above)


def _planes(image: np.ndarray, out: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a contiguous channel of ``image`` and its view of ``out``."""
    # One by one: OpenCV 5's bilinear remap is exact for one channel, but rounds to 1/32 pixel for two.
    if image.ndim == 2:
        return [(image, out)]
    return [(np.ascontiguousarray(image[..., c]), out[..., c]) for c in range(image.shape[2])]


def _fetch(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _bspline_fetches(position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along one axis: where two linear fetches of coefficients padded by 2 go, and the second's weight."""
    cell = np.floor(position)
    t = position - cell
    w0, w3 = (1 - t) ** 3 / 6, t**3 / 6
    w1 = 2 / 3 - t * t * (2 - t) / 2
    second = 1 - w0 - w1
    return cell + 1 + w1 / (w0 + w1), cell + 3 + w3 / second, second
