"""The error to expect, measured on hidden frames once the weights are fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from tweenfield.fields import splines
from tweenfield.fields.transport.candidates import CUES
from tweenfield.fields.transport.expected import ExpectedError, Sight, cues_of, unscaled
from tweenfield.fields.transport.mixing import STRENGTH, Mixing
from tweenfield.fitting.leave_out.hidden_frames import Hidden

# Only the first two kinds: with three of four frames hidden, errors tell less of those between real frames.
_KINDS = 2
# Standard deviation, in frames, of what is near, and what pulls towards the mean where hardly anything is.
_NEAR, _THIN = 2.0, 0.5
# So many hidden frames of each kind are looked at: more take time and tell little more.
_FRAMES = 10
# By this factor the squared error of hidden frames is larger beside g than that of frames between observed
# ones: the median over the clips that g was fitted to.
_HARDER = 1.45
# Frames with hardly any error tell nothing of the others.
_LEAST = 0.01


@torch.no_grad()
def calibrate(
    error: ExpectedError, mixing: Mixing, reduction: int, kinds: Sequence[Sequence[Hidden]]
) -> None:
    """Set the scale of the error to expect to what it is on hidden frames: on all, and on those nearby.

    ``reduction`` says by how much the maps are smaller than the picture.
    """
    found = [np.array([_log_ratio(mixing, reduction, h) for h in _spread(kind)]) for kind in kinds[:_KINDS]]
    if not found:
        return
    times = np.concatenate([[float(h.time) for h in _spread(kind)] for kind in kinds[:_KINDS]])
    # How far those nearby differ from it.
    differing = np.concatenate([ratios - ratios.mean() for ratios in found])
    near = np.exp(-0.5 * np.square((np.arange(len(error.scale))[:, None] - times) / _NEAR))
    local = near @ differing / (near.sum(axis=1) + _THIN)
    scale = np.mean([ratios.mean() for ratios in found]) - math.log(_HARDER) + local
    error.scale.copy_(torch.from_numpy(scale))


def _spread(kind: Sequence[Hidden]) -> list[Hidden]:
    chosen = np.unique(np.linspace(0, len(kind) - 1, _FRAMES).round().astype(int))
    return [kind[int(k)] for k in chosen]


def _log_ratio(mixing: Mixing, reduction: int, hidden: Hidden) -> float:
    """The logarithm of the mean squared error of a hidden frame over that to expect of it unscaled."""
    hidden = Hidden(*(part.float() for part in hidden))
    weight = mixing(hidden.evidence, strength=STRENGTH)
    sight = Sight(hidden.colors[0].half(), hidden.fine[0, -CUES - 1 : -1].half(), float(hidden.fraction[0]))
    expected = float(np.exp(unscaled(cues_of(sight, weight[0]))).mean())
    if reduction > 1:
        weight = splines.shift(weight, hidden.offset)
    drawn = (weight[:, :, None] * hidden.colors).sum(dim=1)
    squared = 255**2 * float((drawn - hidden.truth).square().mean())
    return float(np.log((squared + _LEAST) / expected))
