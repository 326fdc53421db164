"""How much of another interpolator's frames to mix in, as hidden frames say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float32

from tweenfield.fields.shares import CLASSES, Between, classes
from tweenfield.fields.transport.expected import disagreement
from tweenfield.fields.transport.mixing import Mixing
from tweenfield.fitting.leave_out.hiding import FULL_SIZE_AS_SEEN, hide_frames
from tweenfield.flow.observed import Observed
from tweenfield.video.depth import colors

# Hidden frames that are looked at.
_FRAMES = 8
# Less isn't worth the other's time.
_LEAST = np.float32(0.05)
# Against division by zero.
_TINY = 1e-9


@torch.no_grad()
def measure_shares(
    mixing: Mixing,
    reduction: int,
    observed: Observed,
    between: Between,
    on_progress: Callable[[int, int], None],
) -> Float32[np.ndarray, " classes"]:
    """The share for each class of disagreement (``tweenfield.fields.shares``) that is best on hidden frames:

        r = sum (V - f) (g - f) / sum (g - f)^2,

    the least squares of f + r (g - f) to the hidden frames V, with the field's prediction f and the other
    interpolator's g, bounded to 0 and 1. Frames are hidden at full size alone: at half the size, where motion
    is half as long, whoever follows long motion well can't show it.

    Args:
        mixing: the fitted weights of a ``transport`` field.
        reduction: by how much its maps are smaller than the picture.
        observed: what they were fitted to.
        between: two frames and a fraction of the way from one to the other; returns colours in [0, 1].
        on_progress: called with the number of hidden frames drawn and to be drawn.
    """
    gained, squared = np.zeros(CLASSES), np.zeros(CLASSES)
    (seen,) = hide_frames(observed, reduction, _FRAMES, [FULL_SIZE_AS_SEEN])
    for done, one in enumerate(seen, start=1):
        first, second, truth = one.pictures()
        x, y = one.pixel
        other, true = (
            picture[y::reduction, x::reduction]
            for picture in (between(first, second, one.sight.fraction), colors(truth))
        )
        left = one.left(mixing, mixing.strength).permute(1, 2, 0).cpu().numpy()
        further = left + other - true
        which = classes(disagreement(one.sight).numpy())
        gained += np.bincount(which.ravel(), (left * further).sum(axis=-1).ravel(), CLASSES)
        squared += np.bincount(which.ravel(), (further * further).sum(axis=-1).ravel(), CLASSES)
        on_progress(done, len(seen))
    shares = np.clip(gained / np.maximum(squared, _TINY), 0, 1).astype(np.float32)
    return np.where(shares < _LEAST, 0, shares)
