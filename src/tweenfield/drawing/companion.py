"""Another interpolator, whose frames are mixed into a field's where the flow is in doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from tweenfield.fields.base import Field
from tweenfield.fields.shares import Between, share
from tweenfield.storage.on_demand import Rows
from tweenfield.video.depth import Levels


@dataclass(frozen=True, eq=False)
class Companion:
    """An interpolator that draws from two frames, and how much of what it draws is mixed in.

    Attributes:
        between: draws a frame between two observed ones.
        frames: the observed ones.
        shares: for each class of disagreement (``tweenfield.fields.shares``), from 0 to 1.
    """

    between: Between
    frames: Levels[Rows, "frames height width 3"]
    shares: Float32[np.ndarray, " classes"]

    def joined(
        self, field: Field, t: float, colors: Float32[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "height width 3"]:
        """The colours that ``field`` has at ``t``, in [0, 1], with the companion's mixed in; as they are
        across a cut, and if the field follows no flow.
        """
        k = min(int(t), len(self.frames) - 2)
        disagreement = field.disagreement(t) if 0 < t - k < 1 and self.shares.any() else None
        if disagreement is None:
            return colors
        weight = share(self.shares, disagreement.cpu().numpy(), t - k)[..., None]
        other = self.between(self.frames[k], self.frames[k + 1], t - k)
        joined: Float32[np.ndarray, "height width 3"] = colors + weight * (other - colors)
        return joined
