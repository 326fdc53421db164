"""Draw a field at any times and any size, one frame after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from tweenfield import threads
from tweenfield.drawing.companion import Companion
from tweenfield.errors import UsageError
from tweenfield.fields.base import Field
from tweenfield.video import Video
from tweenfield.video.depth import Levels, dtype_of, rounded
from tweenfield.video.transparency import straight

# Times that are prepared while one is drawn.
_AHEAD = 2


def render(
    field: Field,
    times: Iterable[float | Fraction],
    *,
    size: tuple[int, int] | None = None,
    keyframes: Video | None = None,
    companion: Companion | None = None,
) -> Iterator[Levels[np.ndarray, "height width channels"]]:
    """Render ``field`` at the given times, frame by frame, so that memory doesn't grow with their number.
    They are RGB, or of transparent video straight RGBA, in uint8 or uint16 as its depth is.

    Args:
        field: a fitted field.
        times: in observed-frame intervals: 0 is the first observed frame, 2.5 lies midway between the
            third and the fourth.
        size: (height, width); the field's own grid if not given. The picture covers the same area.
        keyframes: the observed frames, which are returned unchanged where a time is a whole number.
        companion: another interpolator, which is mixed in where the flow is in doubt; of the field's own size
            and without transparency.

    A time that is repeated gives the same picture, without drawing it again.

    Raises:
        UsageError: a time lies outside the fitted ones, or ``keyframes`` aren't the field's frames.
    """
    grid = field.grid
    size = size or (grid.height, grid.width)
    if keyframes is not None and (len(keyframes), *size) != (grid.frames, *keyframes.size):
        raise UsageError(
            f"{keyframes.name} has {len(keyframes)} frames of {keyframes.size[0]}x{keyframes.size[1]}, but "
            f"{grid.frames} of {size[0]}x{size[1]} are drawn; keyframes need the same number and size"
        )
    if companion is not None and (size != (grid.height, grid.width) or grid.matte is not None):
        raise UsageError("a companion draws frames of the field's own size, and none that are transparent")
    if keyframes is not None and keyframes.frames.dtype != grid.dtype:
        raise UsageError(
            f"{keyframes.name} has {keyframes.depth} bits, but the field was fitted to {grid.depth}; "
            "keyframes need the same"
        )
    before, picture = None, None
    for t in _prepared(field, times):
        if picture is not None and t == before:
            yield picture
            continue
        if not 0 <= t <= grid.frames - 1:
            raise UsageError(f"time {float(t):g} was asked for, but the field covers 0 to {grid.frames - 1}")
        if keyframes is not None and t == int(t):
            picture = keyframes.frames[int(t)] if keyframes.alpha is None else keyframes.rgba(int(t))
        else:
            picture = _picture(field, float(t), size, companion)
        before = t
        yield picture


def _prepared(field: Field, times: Iterable[float | Fraction]) -> Iterator[float | Fraction]:
    """The times, while other threads prepare what the next two need."""
    waiting: deque[tuple[float | Fraction, Future[None] | None]] = deque()
    last = field.grid.frames - 1
    try:
        for t in times:
            waiting.append((t, threads.begin(field.prepare, float(t)) if 0 < t < last else None))
            if len(waiting) > _AHEAD:
                yield waiting.popleft()[0]
        while waiting:
            yield waiting.popleft()[0]
    finally:
        for _, prepared in waiting:
            if prepared is not None:
                prepared.cancel()


def render_colors(
    field: Field, times: Iterable[float | Fraction], companion: Companion | None = None
) -> Iterator[Float32[np.ndarray, "height width 3"]]:
    """Frames on the field's own grid as colours in [0, 1], before they are rounded."""
    for t in times:
        yield _colors(field, float(t), companion)


def _colors(field: Field, t: float, companion: Companion | None) -> Float32[np.ndarray, "height width 3"]:
    drawn = _draw(field, t, (field.grid.height, field.grid.width)).float().clamp(0, 1).cpu().numpy()
    return companion.joined(field, t, drawn) if companion else drawn


# Not around the loops above: a mode entered in a generator would hold for its caller as well.
@torch.inference_mode()
def _draw(field: Field, t: float, size: tuple[int, int]) -> Float[Tensor, "height width 3"]:
    return field.frame(t, size)


@torch.inference_mode()
def render_straight(
    field: Field, t: float, size: tuple[int, int]
) -> Float64[np.ndarray, "height width 4"] | None:
    """Straight RGBA in [0, 1] at one time; None if the field draws no opacity."""
    alpha, matte = field.alpha(t, size), field.grid.matte
    if alpha is None or matte is None:
        return None
    # In double precision, as little is left of a colour that is nearly transparent.
    frame, alpha = field.frame(t, size).double(), alpha.double()
    return straight(frame.cpu().numpy(), alpha.cpu().numpy(), matte)


@torch.inference_mode()
def _picture(
    field: Field, t: float, size: tuple[int, int], companion: Companion | None
) -> Levels[np.ndarray, "height width channels"]:
    if companion is not None:
        return rounded(_colors(field, t, companion), dtype_of(field.grid.depth))
    rgba = render_straight(field, t, size)
    return field.picture(t, size) if rgba is None else rounded(rgba, dtype_of(field.grid.depth))
