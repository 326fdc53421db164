"""Hidden frames, and how a network's prediction of them is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield.fields import splines
from tweenfield.fields.transport.expected import Sight
from tweenfield.fields.transport.mixing import COARSER, Evidence, Mixing


class Hidden(NamedTuple):
    """Hidden frames and what predicts them: a batch of them, or one in half precision to save memory.

    With a the network's output, e / (e + 1/255) as ``doubt``, and both on the grid of the maps, a hidden
    frame is predicted as

        base + sum_j doubt a_j differences_j,

    which is the mixture of ``mixing.py`` with its factors that don't depend on parameters taken together.
    """

    features: Float[Tensor, "batch features _ _"]
    fine: Float[Tensor, "batch fine rows columns"]
    doubt: Float[Tensor, "batch rows columns"]
    differences: Float[Tensor, "batch candidates 3 rows columns"]
    """4 s (1 - s) times the candidates' colours less that of the base; 0 for absent ones."""
    missing: Float[Tensor, "batch 3 rows columns"]
    """The truth less the base."""
    confidence: Float[Tensor, " batch"]
    """How far the truth is relied on."""
    offset: Float[Tensor, "batch 2"]
    """How far (x, y) differences and truth are from the pixels of the maps, in these."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the maps, both even."""
        _, rows, columns = self.doubt.shape
        return rows, columns

    def crop(self, top: int, left: int, side: int) -> Hidden:
        """A square of the maps; all three numbers are even."""

        def part(values: Tensor, factor: int = 1) -> Tensor:
            rows, columns = (slice(first // factor, (first + side) // factor) for first in (top, left))
            return values[..., rows, columns]

        return self._replace(
            features=part(self.features, COARSER),
            **{name: part(getattr(self, name)) for name in ("fine", "doubt", "differences", "missing")},
        )

    def left(self, mixing: Mixing, strength: float | Tensor = 1.0) -> Float[Tensor, "batch 3 rows columns"]:
        """The truth, as far as it is relied on, less the prediction by a network."""
        correction = strength * self.doubt[:, None] * mixing.correction(self.features, self.fine)
        if self.offset.any():
            correction = splines.shift(correction, self.offset)
        relied_on = self.confidence[:, None, None, None] * self.missing
        return relied_on - (correction[:, :, None] * self.differences).sum(dim=1)


class Seen(NamedTuple):
    """A hidden frame with what the error to expect of it is found from."""

    hidden: Hidden
    sight: Sight
    present: Float[Tensor, " candidates"]
    """1 for a candidate that is there, 0 for one beyond the ends of the video."""
    number: int
    """Number of the frame in the video."""
    pictures: Callable[[], list[np.ndarray]]
    """The observed frames before and after it and itself, of the size and the part that it is seen in."""
    pixel: tuple[int, int]
    """Which pixel (x, y) of theirs stands for one of the maps."""

    def _to(self, like: Tensor) -> Hidden:
        """The hidden frame in another precision, and on another device."""
        return Hidden(*(part.to(like) for part in self.hidden))

    def left(self, mixing: Mixing, strength: float | Tensor) -> Float[Tensor, "3 rows columns"]:
        """The truth less the prediction by a network, with the type and on the device that it has."""
        hidden = self._to(next(mixing.parameters()))
        left: Tensor = hidden._replace(confidence=torch.ones_like(hidden.confidence)).left(mixing, strength)
        return left[0]

    def error(
        self, mixing: Mixing
    ) -> tuple[Float[Tensor, "rows columns"], Float[Tensor, "candidates rows columns"]]:
        """The squared error of what is drawn, mean over RGB, in levels of 255, and the weights."""
        squared = 255**2 * self.left(mixing, mixing.strength).square().mean(dim=0)
        like = next(mixing.parameters())
        hidden = self._to(like)
        evidence = Evidence(
            features=hidden.features,
            fine=hidden.fine,
            still=self.sight.cues[None, -1].to(like),
            doubt=hidden.doubt,
            present=self.present[None].to(like),
            fraction=like.new_tensor([self.sight.fraction]),
        )
        return squared, mixing(evidence, strength=mixing.strength)[0]
