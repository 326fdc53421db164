"""Observed frames as a transport field looks into them: colours, spline coefficients, reduced ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from tweenfield.fields import splines
from tweenfield.fields.base import Grid
from tweenfield.fields.transport import kernels
from tweenfield.fields.transport.kept import Kept
from tweenfield.flow.observed import Observed
from tweenfield.flow.sampling import reduce
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.depth import Levels, full_scale

# As many as an interval's window has.
# The four frames of a window; where maps are prepared, of two more as well.
_WINDOW, _PREPARED = 4, 6
_KEPT = {"image": _WINDOW, "planes": _WINDOW, "small": _PREPARED, "small planes": _PREPARED}
T = TypeVar("T")


@final
class Pictures:
    """What is computed of ``frames`` is kept while it is in use, with the type and on the device of the
    parameters of ``network``; not of the field, which refers to this: cycles aren't freed at once.
    """

    def __init__(self, frames: Rows, reduction: int, network: nn.Module) -> None:
        self.reduction = reduction
        self._frames, self._network = frames, network
        self._kept = Kept(_KEPT if reduction > 1 else dict.fromkeys(_KEPT, _PREPARED))

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


def observations_of(observed: Observed, reduction: int) -> dict[str, Rows]:
    """What a field refers to: frames, and flow reduced to the maps."""
    small, alpha = observed.reduced(reduction), observed.video.alpha
    return {
        "frames": observed.video.frames,
        **({} if alpha is None else {"alpha": alpha}),
        "forward_flow": small.flow.forward,
        "backward_flow": small.flow.backward,
        "cuts": small.cuts,
        "breaks": small.breaks,
        "moves": small.moves,
        "durations": small.durations,
    }


def check_observations(observations: Mapping[str, Rows], grid: Grid, reduction: int) -> None:
    """Check that what a field is to refer to is of its grid.

    Raises:
        ValueError: it isn't.
    """
    flow = (grid.frames - 1, *(-(-side // reduction) for side in (grid.height, grid.width)), 2)
    shape = grid.frames, grid.height, grid.width
    wanted: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {
        "frames": ((*shape, 3), grid.dtype),
        **({} if grid.matte is None else {"alpha": (shape, np.dtype(np.uint16))}),
        **dict.fromkeys(("forward_flow", "backward_flow"), (flow, np.dtype(np.float32))),
        **dict.fromkeys(("cuts", "breaks", "moves"), (flow[:1], np.dtype(bool))),
        "durations": (flow[:1], np.dtype(np.float64)),
    }
    if wanted != {name: (tuple(values.shape), values.dtype) for name, values in observations.items()}:
        raise ValueError(f"transport: these observations aren't of {grid}")
