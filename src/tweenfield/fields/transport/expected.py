"""The error to expect of what transport draws, at every pixel.

The squared error of a pixel, mean over RGB, in levels of 255, is modelled by its expectation

    E[e^2] = exp(g(c) + d).

c are cues, most of them logarithms, at the pixel and averaged over squares of 5x5 and 17x17 around it: how
the candidates scatter around the mixture; how the frame before and the one after differ along the forward
flow, along the backward flow and without motion; how the two flows' mixtures differ, the far candidates from
the mixture, and the mixture from the base; how steep the picture is; what of its finest detail is lost where
it is fetched from between pixels. Besides these: how far between pixels that is, agreement, length of the
motion, acceleration, share of standing still, and the time.

g is a small network that was fitted once, to other clips (benchmarks/trust_network.py). Its loss is the
scoring rule log E + e^2 / E of a Gaussian's variance, least on average for the true mean of e^2 (Gneiting and
Raftery, *Strictly Proper Scoring Rules*, JASA 2007), and the like for the mean of a frame. d is measured on
hidden frames of the clip that is fitted (``tweenfield.fitting.leave_out.calibration``).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple, final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float16, Float32
from torch import Tensor, nn
from torch.nn import functional as F

from tweenfield.fields.transport.candidates import CUES, LONG_MOTION, NEAR
from tweenfield.fields.transport.mixing import base_weights

# Sides of the squares that a cue is averaged over, and what keeps its logarithm finite, in squared levels.
_SIDES = (1, 5, 17)
_LEAST = np.float32(0.02)
_AROUND = 9
# Motion is large from this share of the picture's longer side on.
_LARGE = 0.02
# Rounding to whole levels adds the variance of what is lost.
_ROUNDING = 1 / 12


class Sight(NamedTuple):
    """What is seen of a frame when its weights are found, kept until the error to expect is asked for."""

    colors: Float16[Tensor, "candidates 3 rows columns"]
    """Those of the candidates, in [0, 1]."""
    cues: Float16[Tensor, "cues rows columns"]
    """Those of ``candidates.trace``."""
    phase: Float16[Tensor, "rows columns"]
    """How far between pixels colours are fetched: 0 at pixels, 2 in the middle of four."""
    fraction: float
    """The fraction of the interval."""


def sight_of(
    colors: Float[Tensor, "candidates 3 rows columns"],
    cues: Float[Tensor, "cues rows columns"],
    displacement: Float[Tensor, "moving 2 rows columns"],
    fraction: float,
) -> Sight:
    """What is seen of candidates fetched at ``displacement``, in pixels of the picture."""
    near = displacement[: NEAR[1] + 2]
    apart = (near - near.round()).square().sum(dim=1)
    share = near.new_tensor([1 - fraction, fraction] * 2)
    phase = 2 * (share[:, None, None] * apart).sum(dim=0)
    return Sight(colors.half(), cues.half(), phase.half(), fraction)


def cues_of(
    sight: Sight, weight: Float[Tensor, "candidates rows columns"], step: int = 1
) -> Float32[np.ndarray, "cues _ _"]:
    """All that g is told of each pixel of a mixture with these weights, or of every ``step``-th of every
    ``step``-th row.
    """
    s = sight.fraction
    agreement, cues = sight.cues[:2].amin(dim=0).float().cpu().numpy(), sight.cues.float().cpu()
    colors, w = sight.colors.float().cpu(), weight.float().cpu()[:, None]
    base = base_weights(cues[None, CUES - 1], torch.tensor([s]))[0][:, None]
    drawn = (w * colors).sum(dim=0)
    along = [(1 - s) * colors[first] + s * colors[first + 1] for first in NEAR[:2]]
    size = w.abs()
    squares = [
        (size * (colors - drawn).square()).sum(dim=0) / size.sum(dim=0),
        *((colors[first] - colors[first + 1]).square() for first in NEAR),
        (along[0] - along[1]).square(),
        (colors[4:6] - drawn).square().mean(dim=0),
        (drawn - (base * colors).sum(dim=0)).square(),
    ]
    maps = [255**2 * square.mean(dim=0).numpy() for square in squares]
    gray = 255 * drawn.mean(dim=0).numpy()
    dx, dy = (cv2.Sobel(gray, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    maps.append(dx * dx + dy * dy)
    phase = sight.phase.float().cpu().numpy()
    maps.append(phase * np.square(cv2.Laplacian(gray, cv2.CV_32F, scale=1 / 4)))
    chosen = np.s_[::step, ::step]
    averaged = [np.log(cv2.blur(m, (side, side))[chosen] + _LEAST) for m in maps for side in _SIDES]
    disagreed = 1 - agreement
    others = [
        phase,
        cv2.blur(phase, (_SIDES[-1], _SIDES[-1])),
        disagreed,
        cv2.blur(disagreed, (_AROUND, _AROUND)),
        *cues[2:].numpy(),
    ]
    others.append(np.full_like(gray, 4 * s * (1 - s)))
    return np.stack((*averaged, *(other[chosen] for other in others)), dtype=np.float32)


def disagreement(sight: Sight) -> Float[Tensor, "rows columns"]:
    """1 less the agreement of forward and backward flow, averaged over both and around each pixel."""
    agreement: Tensor = sight.cues[:2].float().mean(dim=0)
    return 1 - F.avg_pool2d(agreement[None], _SIDES[1], 1, _SIDES[1] // 2, count_include_pad=False)[0]


@cache
def _fitted() -> dict[str, np.ndarray]:
    """The layers of g, and ``harder``."""
    with (files("tweenfield.fields.transport") / "expected.npz").open("rb") as file:
        return dict(np.load(file))


def harder() -> float:
    """The logarithm of the factor by which the squared error of hidden frames is larger beside g than that of
    frames between observed ones: the median over the clips that g was fitted to.
    """
    return float(_fitted()["harder"])


def unscaled(cues: Float32[np.ndarray, "cues rows columns"]) -> Float[Tensor, "rows columns"]:
    """g: the logarithm of the squared error to expect, but for what is measured on the clip."""
    layers = {name: torch.from_numpy(values) for name, values in _fitted().items()}
    # Not by NumPy, whose products keep every core busy in vain.
    values = torch.from_numpy(cues).flatten(1)
    count = (len(layers) - 1) // 2
    for number in range(count):
        values = torch.addmm(layers[f"bias{number}"][:, None], layers[f"weight{number}"], values)
        if number < count - 1:
            values.tanh_()
    log: Tensor = values[0].unflatten(0, cues.shape[1:])
    return log


@final
class ExpectedError(nn.Module):
    """The squared error to expect at each pixel, in levels of 255."""

    scale: Float[Tensor, " frames"]
    """d at each observed frame; between them it is linear."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.zeros(frames))

    def forward(
        self, sight: Sight, weight: Float[Tensor, "candidates rows columns"], interval: int, step: int = 1
    ) -> Float[Tensor, "_ _"]:
        """Of the mixture with these weights in that interval; ``step`` as for ``cues_of``."""
        log = unscaled(cues_of(sight, weight, step)).to(weight)
        d = torch.lerp(self.scale[interval], self.scale[interval + 1], sight.fraction).to(weight)
        return (log + d).clamp(-6, 11).exp() + _ROUNDING


def reason(sight: Sight | None, squared: Float[Tensor, "rows columns"]) -> str:
    """What most of the error to expect is due to; ``sight`` is None across a cut."""
    if sight is None:
        return "a cut"
    share = squared / squared.sum()
    agreement = float((share * sight.cues[:2].float().amin(dim=0)).sum())
    motion = LONG_MOTION * float((share * sight.cues[2].float()).sum())
    if motion > _LARGE * max(squared.shape):
        return "large motion"
    return "motion that the flow doesn't find" if agreement < 0.5 else "detail that changes"
