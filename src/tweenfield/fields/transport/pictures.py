"""Observed frames as a transport field looks into them: colours, spline coefficients, reduced ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from tweenfield.fields import splines
from tweenfield.fields.transport import kernels
from tweenfield.flow.sampling import reduce
from tweenfield.storage.on_demand import Rows
from tweenfield.video.depth import Levels, full_scale

# As many as an interval's window has.
_KEPT = 4
T = TypeVar("T")


@final
class Pictures:
    """What is computed of ``frames`` is kept while it is in use; ``like`` gives a tensor of the type and on
    the device that all others have.
    """

    def __init__(self, frames: Rows, reduction: int, like: Callable[[], Tensor]) -> None:
        self.reduction = reduction
        self._frames, self._like = frames, like
        self._kept: dict[str, OrderedDict[tuple[object, ...], object]] = {}

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
        return torch.tensor(frame).permute(2, 0, 1).to(self._like()) / full_scale(frame.dtype)

    def _keep(self, kind: str, k: int, compute: Callable[[], T]) -> T:
        like = self._like()
        return keep(self._kept.setdefault(kind, OrderedDict()), (k, like.dtype, like.device), compute, _KEPT)


def keep(
    kept: OrderedDict[tuple[object, ...], object],
    key: tuple[object, ...],
    compute: Callable[[], T],
    most: int,
) -> T:
    """What ``compute`` returns, kept in ``kept`` until ``most`` newer values take its place."""
    if key not in kept:
        while len(kept) >= most:
            kept.popitem(last=False)
        # Not in inference mode, whose tensors could not be used in a later fit.
        with torch.inference_mode(False), torch.no_grad():
            kept[key] = compute()
    kept.move_to_end(key)
    value: T = kept[key]  # type: ignore[assignment]  # what this compute returned before
    return value
