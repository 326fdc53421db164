"""Observed frames as a transport field looks into them: colours, spline coefficients, reduced ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from tweenfield.fields import splines
from tweenfield.fields.transport import kernels
from tweenfield.fields.transport.kept import Kept
from tweenfield.flow.sampling import reduce
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.depth import Levels, full_scale

# As many as an interval's window has.
_KEPT = dict.fromkeys(("image", "planes", "small", "small planes"), 4)
T = TypeVar("T")


@final
class Pictures:
    """What is computed of ``frames`` is kept while it is in use, with the type and on the device of the
    parameters of ``network``; not of the field, which refers to this: cycles aren't freed at once.
    """

    def __init__(self, frames: Rows, reduction: int, network: nn.Module) -> None:
        self.reduction = reduction
        self._frames, self._network = frames, network
        self._kept = Kept(_KEPT)

    def frame(self, k: int) -> Levels[np.ndarray, "height width 3"]:
        """An observed frame."""
        return np.ascontiguousarray(self._frames[k])

    def colors(self, k: int) -> Float[Tensor, "3 height width"]:
        """Its colours."""
        return self._as_colors(self.frame(k))

    def small_colors(self, k: int) -> Float[Tensor, "3 rows columns"]:
        """Those of a frame reduced to the grid of the maps."""
        return self._as_colors(reduce(self.frame(k), self.reduction))

    def image(self, k: int) -> Float32[np.ndarray, "rows columns 4"]:
        """Spline coefficients of an observed frame, as the kernels take them."""
        return self._keep("image", k, lambda: kernels.spline_picture(self.frame(k)))

    def small_image(self, k: int) -> Float32[np.ndarray, "rows columns 4"]:
        """The same of a frame reduced to the grid of the maps."""
        if self.reduction == 1:
            return self.image(k)
        return self._keep("small", k, lambda: kernels.spline_picture(reduce(self.frame(k), self.reduction)))

    def planes(self, k: int) -> Float[Tensor, "3 rows columns"]:
        """Spline coefficients of an observed frame."""
        return self._keep("planes", k, lambda: splines.prefilter(self.colors(k)))

    def small_planes(self, k: int) -> Float[Tensor, "3 rows columns"]:
        """The same of a frame reduced to the grid of the maps."""
        if self.reduction == 1:
            return self.planes(k)
        return self._keep("small planes", k, lambda: splines.prefilter(self.small_colors(k)))

    def _as_colors(self, frame: Levels[np.ndarray, "height width 3"]) -> Float[Tensor, "3 height width"]:
        return torch.tensor(frame).permute(2, 0, 1).to(next(self._network.parameters())) / full_scale(
            frame.dtype
        )

    def _keep(self, kind: str, k: int, compute: Callable[[], T]) -> T:
        like = next(self._network.parameters())
        return self._kept(kind, (k, like.dtype, like.device), compute)


def grey(alpha: Rows) -> OnDemand:
    """Opacity as pictures of three equal channels, as all that draws takes three."""
    shape = *alpha.shape, 3
    return OnDemand(lambda k: np.repeat(alpha[k][..., None], 3, axis=2), shape, alpha.dtype, keep=False)
