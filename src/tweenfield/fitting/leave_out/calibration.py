"""What hidden frames say once the weights are fitted: how far to trust the fit, and the error to expect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

import numpy as np
import torch

from tweenfield import threads
from tweenfield.fields.transport.expected import ExpectedError, cues_of, harder, unscaled
from tweenfield.fields.transport.mixing import STRENGTH, Mixing
from tweenfield.fitting.leave_out.hidden_frames import Seen

# Standard deviation, in frames, of what is near, and what pulls towards the mean where hardly anything is.
_NEAR, _THIN = 2.0, 0.5
# The strength is found on so many hidden frames of each of the first two kinds, whose errors are most like
# those between observed frames.
_FRAMES, _KINDS = 10, 2
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
        errors = np.array(threads.each(partial(_errors, mixing), chain.from_iterable(chosen)))
        mixing.strength.fill_(float(_STRENGTHS[np.log(errors + _LEAST).mean(axis=0).argmin()]))


@torch.no_grad()
def calibrate(error: ExpectedError, mixing: Mixing, hidden: Sequence[Seen]) -> None:
    """Set the scale of the error to expect to what it is on hidden frames: on all, and on those nearby."""
    if not hidden:
        return
    ratios = np.array(threads.each(partial(_log_ratio, mixing), hidden))
    times = np.array([float(seen.number) for seen in hidden])
    near = np.exp(-0.5 * np.square((np.arange(len(error.scale))[:, None] - times) / _NEAR))
    # How far those nearby differ from all.
    local = near @ (ratios - ratios.mean()) / (near.sum(axis=1) + _THIN)
    error.scale.copy_(torch.from_numpy(ratios.mean() - harder() + local))


def spread(kinds: Sequence[Sequence[Seen]]) -> list[list[Seen]]:
    """The hidden frames that ``moderate`` looks at."""
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
    expected = float(unscaled(cues_of(seen.sight, weight)).exp().mean())
    return float(np.log((float(squared.mean()) + _LEAST) / expected))
