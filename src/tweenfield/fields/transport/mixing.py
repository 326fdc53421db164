"""The weights of transport's candidates: a base mixture without parameters, and a correction by a network.

With s the fraction of the interval, A the agreement of forward and backward flow around a pixel, and each
pair of candidates weighted by 1 - s and s, the base mixture is

    b = (1 - q) / 2 (along the forward flow) + (1 - q) / 2 (along the backward flow) + q (standing still),
    q = 0.2 (1 - A), or 1 over an interval whose residual along the flow exceeds that without motion.

Where the two flows agree, this is the plain warp; where they don't, the mean of several wrong colours is
nearer the truth than one of them (docs/lab-notes.md). The network corrects these weights:

    w = b + 4 s (1 - s) (a - b sum(a)),      a = e / (e + 1/255) network(differences from the base, cues, s),

with e the mean difference between the base's candidates along the flow and the base's colour, around the
pixel. Where these candidates agree, the correction vanishes.

The network is the sum of two. One has 3x3 convolutions and works on means over squares of 2x2 pixels, as this
takes a quarter of the time; its output is enlarged bilinearly. The other is small and looks at each pixel by
itself, so that edges stay sharp.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tweenfield.fields.transport.candidates import CANDIDATES, CUES, NEAR

# Differences of colour are multiplied by this before they saturate, at about 1 / 8.
GAIN = 8.0
# Where they reach 1.
LONGEST = 3.0
# The difference e at which the correction is halved, and the side of the square that e is averaged over.
_LEVEL = 1 / 255
_AROUND = 5
# The convolutions of 3x3 work on a picture this much smaller.
COARSER = 2
# What is seen of each pixel by itself: the candidates' mean differences over RGB, cues and s.
FINE = CANDIDATES + CUES + 1
# Hidden channels of the network that sees it.
_FINE_WIDTH = 16
# Rendering applies at most 80 % of the learned correction, because hidden frames differ from real gaps.
STRENGTH = 0.8


def base_weights(
    still: Float[Tensor, "batch height width"], fraction: Float[Tensor, " batch"]
) -> Float[Tensor, "batch candidates height width"]:
    """The weights of the base mixture, given q, the share of the still candidates in it."""
    s, moving = fraction[:, None, None], (1 - still) / 2
    weights = still.new_zeros(len(still), CANDIDATES, *still.shape[1:])
    for first, share in zip(NEAR, (moving, moving, still), strict=True):
        weights[:, first], weights[:, first + 1] = (1 - s) * share, s * share
    return weights


class Evidence(NamedTuple):
    """What the weights of a picture are found from; nothing in it depends on parameters."""

    features: Float[Tensor, "batch features rows columns"]
    """Differences of the candidates' colours from the base's, cues and s, averaged over squares of 2x2."""
    fine: Float[Tensor, "batch fine height width"]
    """The same at each pixel, but averaged over RGB."""
    still: Float[Tensor, "batch height width"]
    """Share of the still candidates in the base mixture."""
    doubt: Float[Tensor, "batch height width"]
    """e / (e + 1/255)."""
    present: Float[Tensor, "batch candidates"]
    """1 for a candidate that is there, 0 for one beyond the ends of the video."""
    fraction: Float[Tensor, " batch"]
    """s."""


def gather(
    colors: Float[Tensor, "batch candidates 3 height width"],
    cues: Float[Tensor, "batch cues height width"],
    present: Float[Tensor, "batch candidates"],
    fraction: Float[Tensor, " batch"],
) -> Evidence:
    """The evidence in the colours of the candidates, in [0, 1], and in the cues of ``candidates.trace``."""
    s, still = fraction[:, None, None], cues[:, -1]
    base = base_weights(still, fraction)
    mixed = (base[:, :, None] * colors).sum(dim=1, keepdim=True)
    difference = saturated(GAIN * (colors - mixed) * present[:, :, None, None, None])
    others = torch.cat((cues, s[:, None].expand_as(cues[:, :1])), dim=1)
    features = torch.cat((difference.flatten(1, 2), others), dim=1)
    fine = torch.cat((difference.mean(dim=2), others), dim=1)
    rows, columns = still.shape[1:]
    if rows % COARSER or columns % COARSER:
        features = F.pad(features, (0, columns % COARSER, 0, rows % COARSER), mode="replicate")
    differing = (colors[:, NEAR[0] : NEAR[1] + 2] - mixed).abs().mean(dim=(1, 2))
    return Evidence(F.avg_pool2d(features, COARSER), fine, still, doubt(differing), present, fraction)


def saturated(values: Tensor) -> Tensor:
    """x (27 + x^2) / (27 + 9 x^2), which is 1 from 3 on: tanh to 0.024, without its exponentials."""
    values = values.clamp(-LONGEST, LONGEST)
    squares = values.square()
    return values * (27 + squares) / (27 + 9 * squares)


def doubt(differing: Float[Tensor, "batch height width"]) -> Float[Tensor, "batch height width"]:
    """e / (e + 1/255), given the mean difference at each pixel that e averages."""
    e = F.avg_pool2d(differing, _AROUND, stride=1, padding=_AROUND // 2, count_include_pad=False)
    return e / (e + _LEVEL)


class Mixing(nn.Module):
    """The weights of all candidates, by ``depth`` 3x3 convolutions of ``width`` channels with ReLU between.

    Initialised uniformly from ``seed``, last layers near zero: before the fit it mixes as the base does.

    Attributes:
        strength: the factor of the learned correction in rendering, a scalar from 0 to ``STRENGTH``.
    """

    strength: Tensor

    def __init__(self, width: int, depth: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layers = _convolutions([3 * CANDIDATES + CUES + 1, *[width] * (depth - 1)], 3, generator)
        self.fine = _convolutions([FINE, _FINE_WIDTH], 1, generator)
        self.register_buffer("strength", torch.tensor(STRENGTH))

    def forward(
        self, evidence: Evidence, strength: float | Tensor = 1.0
    ) -> Float[Tensor, "batch candidates height width"]:
        """The weight of each candidate; they sum to 1.

        ``strength`` is the factor of the learned correction: 1 in the fit, ``self.strength`` in rendering.
        """
        s = evidence.fraction[:, None, None, None]
        a = self.correction(evidence.features, evidence.fine)
        a = a * evidence.present[:, :, None, None] * evidence.doubt[:, None]
        base = base_weights(evidence.still, evidence.fraction)
        weights: Tensor = base + strength * 4 * s * (1 - s) * (a - base * a.sum(dim=1, keepdim=True))
        return weights

    def correction(
        self, features: Float[Tensor, "batch features _ _"], fine: Float[Tensor, "batch fine height width"]
    ) -> Float[Tensor, "batch candidates height width"]:
        """The output of the network."""
        rows, columns = fine.shape[2:]
        coarse = self.layers(features.contiguous(memory_format=torch.channels_last))
        enlarged = F.interpolate(coarse, scale_factor=COARSER, mode="bilinear")[:, :, :rows, :columns]
        found: Tensor = enlarged + self.fine(fine)
        return found


def _convolutions(channels: list[int], side: int, generator: torch.Generator) -> nn.Sequential:
    """Layers from the first number of channels through the others to one for each candidate."""
    layers = nn.Sequential()
    for n, m in pairwise([*channels, CANDIDATES]):
        layer, bound = nn.Conv2d(n, m, side, padding=side // 2), 1 / (side * math.sqrt(n))
        for parameter in layer.parameters():
            parameter.data.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) * bound)
        layers.extend((layer, nn.ReLU()))
    del layers[-1]
    for parameter in layers[-1].parameters():
        parameter.data.mul_(1e-3)
    return layers
