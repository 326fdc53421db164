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
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tweenfield.fields.transport.candidates import CANDIDATES, CUES, NEAR

# Differences of colour are multiplied by this before tanh: they saturate at about 1 / 8.
_GAIN = 8.0
# The difference e at which the correction is halved, and the side of the square that e is averaged over.
_LEVEL = 1 / 255
_AROUND = 5
# Rendering applies 80 % of the learned correction, because hidden frames differ from real gaps.
STRENGTH = 0.8


def base_weights(
    cues: Float[Tensor, "batch cues height width"], fraction: Float[Tensor, " batch"]
) -> Float[Tensor, "batch candidates height width"]:
    """The weights of the base mixture; the last cue is q, the share of the still candidates."""
    s, still = fraction[:, None, None], cues[:, -1]
    moving = (1 - still) / 2
    weights = cues.new_zeros(len(cues), CANDIDATES, *cues.shape[2:])
    for first, share in zip(NEAR, (moving, moving, still), strict=True):
        weights[:, first], weights[:, first + 1] = (1 - s) * share, s * share
    return weights


class Mixing(nn.Module):
    """The weights of all candidates, by ``depth`` 3x3 convolutions of ``width`` channels with ReLU between.

    Initialised uniformly from ``seed``, the last layer near zero: before the fit it mixes as the base does.
    """

    def __init__(self, width: int, depth: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        channels = [3 * CANDIDATES + CUES + 1, *[width] * (depth - 1), CANDIDATES]
        self.layers = nn.Sequential()
        for n, m in pairwise(channels):
            layer, bound = nn.Conv2d(n, m, 3, padding=1), 1 / math.sqrt(9 * n)
            for parameter in layer.parameters():
                parameter.data.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) * bound)
            self.layers.extend((layer, nn.ReLU()))
        del self.layers[-1]
        for parameter in self.layers[-1].parameters():
            parameter.data.mul_(1e-3)

    def forward(
        self,
        colors: Float[Tensor, "batch candidates 3 height width"],
        cues: Float[Tensor, "batch cues height width"],
        present: Float[Tensor, "batch candidates"],
        fraction: Float[Tensor, " batch"],
        strength: float = 1.0,
    ) -> Float[Tensor, "batch candidates height width"]:
        """The weight of each candidate; they sum to 1.

        Args:
            colors: of the candidates, in [0, 1].
            cues: as ``tweenfield.fields.transport.candidates.trace`` gives them.
            present: 1 for a candidate that is there, 0 for one beyond the ends of the video.
            fraction: of the interval.
            strength: factor of the learned correction: 1 in the fit, ``STRENGTH`` in rendering.
        """
        s = fraction[:, None, None, None]
        base = base_weights(cues, fraction)
        mixed = (base[:, :, None] * colors).sum(dim=1, keepdim=True)
        difference = torch.tanh(_GAIN * (colors - mixed) * present[:, :, None, None, None])
        inputs = torch.cat((difference.flatten(1, 2), cues, s.expand_as(cues[:, :1])), dim=1)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        doubt = (colors[:, NEAR[0] : NEAR[1] + 2] - mixed).abs().mean(dim=(1, 2))
        doubt = F.avg_pool2d(doubt[:, None], _AROUND, stride=1, padding=_AROUND // 2, count_include_pad=False)
        a = self.layers(inputs) * present[:, :, None, None] * (doubt / (doubt + _LEVEL))
        weights: Tensor = base + strength * 4 * s * (1 - s) * (a - base * a.sum(dim=1, keepdim=True))
        return weights
