"""Motion blur: the field averaged over the time that a shutter would be open, in linear light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from jaxtyping import Float32

from tweenfield.drawing.render import render_colors, render_straight
from tweenfield.drawing.transfer import colors_of, linear_light
from tweenfield.errors import UsageError
from tweenfield.fields.base import Field
from tweenfield.video.depth import Levels, dtype_of, rounded

# Samples are tripled until the picture changes by less than this on average, in levels of 255.
_CHANGE = 0.25
_FEWEST, _MOST = 8, 128


def render_exposed(
    field: Field,
    times: Iterable[float | Fraction],
    exposures: Iterable[float | Fraction],
    *,
    transfer: int = 1,
) -> Iterator[Levels[np.ndarray, "height width channels"]]:
    """Render ``field`` with motion blur, frame by frame, on its own grid.

    Each frame is the mean of linear light over its exposure, centred on its time; what reaches beyond the
    first or the last observed frame is left out. Of transparent video, opacity is averaged, and light by it.
    The mean is taken over the middles of equal parts of the exposure: eight, then three times as many as long
    as the picture changes by a quarter of a level or more.

    Args:
        field: a fitted field.
        times: as for ``tweenfield.render``.
        exposures: how long the shutter is open for each of them, in observed-frame intervals.
        transfer: which curve leads from light to colours, as a code point of ITU-T H.273; ``ColorTags`` has a
            video's. The light is that of the display for PQ (16), else that of the scene; BT.709 for what is
            unspecified or unknown.

    Raises:
        UsageError: an exposure isn't positive, or a time lies outside the fitted ones.
    """
    last = field.grid.frames - 1
    before, picture = None, None
    for t, exposure in zip(times, exposures, strict=True):
        if picture is not None and (t, exposure) == before:
            yield picture
            continue
        if not exposure > 0:
            raise UsageError(f"an exposure of {float(exposure):g} intervals shows nothing; give a longer one")
        if not 0 <= t <= last:
            raise UsageError(f"time {float(t):g} was asked for, but the field covers 0 to {last}")
        opens, closes = max(float(t - exposure / 2), 0.0), min(float(t + exposure / 2), float(last))
        before, picture = (t, exposure), _exposed(field, opens, closes, transfer)
        yield picture


def _exposed(
    field: Field, opens: float, closes: float, transfer: int
) -> Levels[np.ndarray, "height width channels"]:
    count = _FEWEST
    light = _mean_light(field, opens, closes, range(count), count, transfer)
    picture = _shown(light, transfer)
    while 3 * count <= _MOST:
        # The middles of thirds: every third of them is a sample that was taken already.
        finer = [k for k in range(3 * count) if k % 3 != 1]
        light = (light + 2 * _mean_light(field, opens, closes, finer, 3 * count, transfer)) / 3
        before, picture, count = picture, _shown(light, transfer), 3 * count
        if 255 * np.abs(picture - before).mean() < _CHANGE:
            break
    return rounded(picture, dtype_of(field.grid.depth))


def _mean_light(
    field: Field, opens: float, closes: float, parts: Iterable[int], count: int, transfer: int
) -> Float32[np.ndarray, "height width channels"]:
    """The mean over the middles of some of ``count`` equal parts of the time from ``opens`` to ``closes``."""
    times = [opens + (closes - opens) * (part + 0.5) / count for part in parts]
    mean: np.ndarray = _light(field, times[0], transfer) / np.float32(len(times))
    for time in times[1:]:
        mean += _light(field, time, transfer) / np.float32(len(times))
    return mean


def _light(field: Field, t: float, transfer: int) -> Float32[np.ndarray, "height width channels"]:
    """Linear light, of transparent video times opacity, and that as a fourth channel."""
    rgba = render_straight(field, t, (field.grid.height, field.grid.width))
    if rgba is None:
        return linear_light(next(render_colors(field, [t])), transfer)
    colors, alpha = rgba[..., :3].astype(np.float32), rgba[..., 3:].astype(np.float32)
    return np.dstack((alpha * linear_light(colors, transfer), alpha))


def _shown(
    light: Float32[np.ndarray, "height width channels"], transfer: int
) -> Float32[np.ndarray, "height width channels"]:
    """What ``_light`` gives as colours in [0, 1], straight ones."""
    if light.shape[2] == 3:
        return colors_of(light, transfer)
    alpha = light[..., 3:]
    seen = np.divide(light[..., :3], alpha, out=np.zeros_like(light[..., :3]), where=alpha > 0)
    return np.dstack((colors_of(seen, transfer), alpha))
