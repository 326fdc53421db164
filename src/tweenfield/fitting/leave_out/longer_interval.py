"""What changes further over the longer time that is left where a frame is hidden.

The neighbours of a hidden frame are n times as far apart as observed frames are. What the mixture can't know
of the time between them grows with the square of n: how paths bend besides the parabola, and how the light
changes. Where that is large, the right choice among the candidates is not the one that is right between
observed frames. So the paths are led to where the flow through the hidden frame says that they pass, and the
light of the hidden frame is what its neighbours' light tells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional as F

from tweenfield.fields.transport.candidates import NEAR, STILL
from tweenfield.flow import Flow
from tweenfield.flow.velocity import agreement

# Light is compared in squares of so many pixels, so that lost detail isn't taken for it.
_SQUARE = 8
# Weight of a square where nothing is sure.
_UNSURE = 1e-4
# Smaller deviations of the light within a picture, in [0, 1], say nothing.
_FLAT = 1 / 255


def certain(flow: Flow) -> Float32[np.ndarray, "height width"]:
    """How far flow over two intervals is relied on at the frame between them: the product of its agreement
    with its reverse on both sides.
    """
    sure: np.ndarray = agreement(flow.backward[0], flow.forward[0]) * agreement(
        flow.forward[1], flow.backward[1]
    )
    return sure


def passing(
    displacement: Float32[np.ndarray, "moving height width 2"],
    flow: Flow,
    sure: Float32[np.ndarray, "height width"],
    fraction: float,
) -> Float32[np.ndarray, "moving height width 2"]:
    """The displacements of the candidates along the motion, bent so that they pass through a hidden frame
    where its flow says.

    Args:
        displacement: from the hidden frame into the frames of its window, of the candidates that move.
        flow: from the frame before to the hidden one and on to the one after, two intervals.
        sure: how far it is relied on.
        fraction: where the hidden frame is between these.

    With B and F the flow from the hidden frame to the two, and D the mean of the pairs of candidates, all are
    moved by (1 - s) (B - D_before) + s (F - D_after) where the flow is sure.
    """
    s, to_before, to_after = np.float32(fraction), flow.backward[0], flow.forward[1]
    before, after = (sum(displacement[pair + k] for pair in NEAR if pair < STILL) / 2 for k in (0, 1))
    moved: np.ndarray = displacement + sure[..., None] * (
        (1 - s) * (to_before - before) + s * (to_after - after)
    )
    return moved


def lit(
    truth: Float[Tensor, "3 height width"],
    base: Float[Tensor, "3 height width"],
    around: Float[Tensor, "frames 3 height width"],
    times: Sequence[float],
    fraction: float,
    sure: Float[Tensor, "height width"],
) -> Float[Tensor, "3 height width"]:
    """A hidden frame in the light that the frames around it tell.

    Args:
        truth: the hidden frame.
        base: what the base mixture predicts.
        around: some frames around it, without motion, those on both sides of it first.
        times: of these frames; 0 and 1 of the first two.
        fraction: time of the hidden frame.
        sure: how far a pixel's colour is relied on to tell of the light.

    Light is the mean and the standard deviation of each channel. The hidden frame's is moved to the nearest
    one between that of the base, which changes evenly, and that on the polynomial through all frames.
    """
    seen, even = _light(truth, sure), _light(base, sure)
    # Weights of the frames on the polynomial, less those on the line through the first two.
    powers = np.arange(len(times))
    bent = np.linalg.solve(np.vander(times, increasing=True).T, fraction**powers)
    bent[:2] -= 1 - fraction, fraction
    smooth = even + sum(float(w) * _light(frame, sure) for w, frame in zip(bent, around, strict=True))
    kept = seen.clamp(torch.minimum(even, smooth), torch.maximum(even, smooth))
    (mean, deviation), (new_mean, new_deviation) = seen[..., None, None], kept[..., None, None]
    relit: Tensor = (truth - mean) * (new_deviation / deviation) + new_mean
    return relit


def _light(
    picture: Float[Tensor, "3 height width"], sure: Float[Tensor, "height width"]
) -> Float[Tensor, "2 3"]:
    side = min(_SQUARE, *sure.shape)
    coarse, shares = (F.avg_pool2d(x, side).flatten(1) for x in (picture, sure[None]))
    shares = (shares + _UNSURE) / (shares + _UNSURE).sum()
    mean = (shares * coarse).sum(dim=1)
    deviation = (shares * (coarse - mean[:, None]).square()).sum(dim=1).sqrt()
    return torch.stack((mean, deviation.clamp(min=_FLAT)))
