"""What a flow provider is, and the flow of a whole video as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.errors import FlowError
from tweenfield.video.clip import Video


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Flow:
    """Optical flow between every two neighbouring frames of a video, in pixels per interval.

    Attributes:
        forward: ``forward[k]`` at pixel p of frame k is how far p moves until frame k + 1.
        backward: ``backward[k]`` at pixel p of frame k + 1 is how far p moves back until frame k.
        name: what messages and results call it.
        estimator: who made it and can make more; none for flow from a file.

    Raises:
        FlowError: the two shapes differ, or a value isn't finite.
    """

    forward: Float32[np.ndarray, "intervals height width 2"]
    backward: Float32[np.ndarray, "intervals height width 2"]
    name: str
    estimator: FlowEstimator | None = None

    def __post_init__(self) -> None:
        if self.forward.shape != self.backward.shape:
            raise FlowError(
                f"{self.name}: forward flow has shape {self.forward.shape}, backward {self.backward.shape}; "
                "both need (intervals, height, width, 2)"
            )
        for direction, values in (("forward", self.forward), ("backward", self.backward)):
            if not np.isfinite(values).all():
                raise FlowError(
                    f"{self.name}: the {direction} flow holds NaN or infinite values; repair it first"
                )

    def check_fits(self, video: Video) -> None:
        """Whether this is flow for the frames of ``video``.

        Raises:
            FlowError: it is for frames of another size or number.
        """
        n, (height, width) = len(video), video.size
        if self.forward.shape != (n - 1, height, width, 2):
            raise FlowError(
                f"{self.name}: flow has shape {self.forward.shape}, but {video.name} with its {n} frames "
                f"of {height}x{width} needs {(n - 1, height, width, 2)}"
            )

    def __repr__(self) -> str:
        n, h, w, _ = self.forward.shape
        return f"Flow({self.name!r}, {n} intervals of {h}x{w})"


@runtime_checkable
class FlowEstimator(Protocol):
    """A provider of optical flow: anything with a name and this method is one."""

    name: str

    def __call__(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "height width 2"]:
        """Flow that takes pixels of ``first`` to ``second``, in pixels: [..., 0] is x, [..., 1] is y."""
        ...


def estimate_flow(
    video: Video, estimator: FlowEstimator, *, on_progress: Callable[[int, int], None] | None = None
) -> Flow:
    """Forward and backward flow between every two neighbouring frames, in pixels per interval.

    Args:
        video: at least two frames.
        estimator: the provider.
        on_progress: called after each interval with how many are done, and how many there are.

    Raises:
        FlowError: the video has one frame, or the provider can't handle its size.
    """
    intervals = len(video) - 1
    if not intervals:
        raise FlowError(f"{video.name}: it has one frame; for flow two frames are needed")
    forward = np.empty((intervals, *video.size, 2), np.float32)
    backward = np.empty_like(forward)
    for k, (first, second) in enumerate(zip(video.frames, video.frames[1:], strict=False)):
        forward[k] = estimator(first, second)
        backward[k] = estimator(second, first)
        if on_progress:
            on_progress(k + 1, intervals)
    return Flow(forward=forward, backward=backward, name=estimator.name, estimator=estimator)
