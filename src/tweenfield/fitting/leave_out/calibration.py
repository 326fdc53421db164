"""What hidden frames say once the weights are fitted: how far to trust the fit, and the error to expect."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from tweenfield.fields.transport.expected import ExpectedError, cues_of, unscaled
from tweenfield.fields.transport.mixing import STRENGTH, Mixing
from tweenfield.fitting.leave_out.hidden_frames import Seen

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
# Factors of the learned correction that are tried.
_STRENGTHS = np.linspace(0, STRENGTH, 9)


@torch.no_grad()
def moderate(mixing: Mixing, chosen: Sequence[Sequence[Seen]]) -> None:
    """Set the factor of the learned correction to the one that predicts hidden frames best, by the mean
    logarithm of errors: a short fit may end worse than the base mixture that it began from.
    """
    if chosen:
        errors = np.array([_errors(mixing, seen) for kind in chosen for seen in kind])
        mixing.strength.fill_(float(_STRENGTHS[np.log(errors + _LEAST).mean(axis=0).argmin()]))


@torch.no_grad()
def calibrate(error: ExpectedError, mixing: Mixing, chosen: Sequence[Sequence[Seen]]) -> None:
    """Set the scale of the error to expect to what it is on hidden frames, chosen by ``spread``: on all, and
    on those nearby.
    """
    found = [np.array([_log_ratio(mixing, seen) for seen in kind]) for kind in chosen]
    if not found:
        return
    times = np.concatenate([[float(seen.number) for seen in kind] for kind in chosen])
    # How far those nearby differ from it.
    differing = np.concatenate([ratios - ratios.mean() for ratios in found])
    near = np.exp(-0.5 * np.square((np.arange(len(error.scale))[:, None] - times) / _NEAR))
    local = near @ differing / (near.sum(axis=1) + _THIN)
    scale = np.mean([ratios.mean() for ratios in found]) - math.log(_HARDER) + local
    error.scale.copy_(torch.from_numpy(scale))


def spread(kinds: Sequence[Sequence[Seen]]) -> list[list[Seen]]:
    """The hidden frames that ``calibrate`` looks at."""
    return [
        [kind[int(k)] for k in np.unique(np.linspace(0, len(kind) - 1, _FRAMES).round().astype(int))]
        for kind in kinds[:_KINDS]
    ]


def _errors(mixing: Mixing, seen: Seen) -> np.ndarray:
    """The mean squared error of a hidden frame, in levels of 255, for each strength."""
    full = seen.left(mixing, 1.0)
    none = seen.hidden.missing[0].to(full)
    left = [none + float(strength) * (full - none) for strength in _STRENGTHS]
    return np.array([255**2 * float(part.square().mean()) for part in left])


def _log_ratio(mixing: Mixing, seen: Seen) -> float:
    """The logarithm of the mean squared error of a hidden frame over that to expect of it unscaled."""
    squared, weight = seen.error(mixing)
    expected = float(np.exp(unscaled(cues_of(seen.sight, weight))).mean())
    return float(np.log((float(squared.mean()) + _LEAST) / expected))
