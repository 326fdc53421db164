"""What a flow provider is, and the flow of a whole video as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.errors import FlowError


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Flow:
    """Optical flow between every two neighbouring frames of a video, in pixels per interval.

    Attributes:
        forward: ``forward[k]`` at pixel p of frame k is how far p moves until frame k + 1.
        backward: ``backward[k]`` at pixel p of frame k + 1 is how far p moves back until frame k.
        name: what messages and results call it.

    Raises:
        FlowError: the two shapes differ, or a value isn't finite.
    """

    forward: Float32[np.ndarray, "intervals height width 2"]
    backward: Float32[np.ndarray, "intervals height width 2"]
    name: str

    def __post_init__(self) -> None:
        if self.forward.shape != self.backward.shape:
            raise FlowError(
                f"{self.name}: forward flow has shape {self.forward.shape}, backward {self.backward.shape}; "
                "both need (intervals, height, width, 2)"
            )
        for direction, values in (("forward", self.forward), ("backward", self.backward)):
            if not np.isfinite(values).all():
                raise FlowError(f"{self.name}: the {direction} flow holds NaN or infinite values; repair it first")

    def __repr__(self) -> str:
        n, h, w, _ = self.forward.shape
        return f"Flow({self.name!r}, {n} intervals of {h}x{w})"


class FlowEstimator(Protocol):
    """A provider of optical flow: anything with a name and this method is one."""

    name: str

    def __call__(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "height width 2"]:
        """Flow that takes pixels of ``first`` to ``second``, in pixels: [..., 0] is x, [..., 1] is y."""
        ...
