"""What a flow provider is, and the flow of a whole video as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from tweenfield.errors import FlowError
from tweenfield.storage.on_demand import Ahead, OnDemand, Rows
from tweenfield.video.clip import Video
from tweenfield.video.depth import eight_bit


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Flow:
    """Optical flow between every two neighbouring frames of a video, in pixels per interval.

    Attributes:
        forward: ``forward[k]`` at pixel p of frame k is how far p moves until frame k + 1.
        backward: ``backward[k]`` at pixel p of frame k + 1 is how far p moves back until frame k.
        name: in messages and results.

    Both are arrays, or estimated interval by interval when they are indexed, so that those of a long clip
    needn't fit in memory; ``np.asarray(flow.forward)`` is all of it.

    Raises:
        FlowError: the two shapes differ, or a value isn't finite.
    """

    forward: Float32[Rows, "intervals height width 2"]
    backward: Float32[Rows, "intervals height width 2"]
    name: str

    def __post_init__(self) -> None:
        if self.forward.shape != self.backward.shape:
            raise FlowError(
                f"{self.name}: forward flow has shape {self.forward.shape}, backward {self.backward.shape}; "
                "both need (intervals, height, width, 2)"
            )
        for direction, values in (("forward", self.forward), ("backward", self.backward)):
            if isinstance(values, np.ndarray):
                _check_finite(values, direction, self.name)

    def check_fits(self, video: Video) -> None:
        """Check that this is the flow of ``video``.

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

    @property
    def name(self) -> str:
        """In messages and results."""
        ...

    def __call__(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "height width 2"]:
        """Flow that takes pixels of ``first`` to ``second``, in pixels: [..., 0] is x, [..., 1] is y."""
        ...


@runtime_checkable
class BothWays(FlowEstimator, Protocol):
    """A provider that estimates both directions faster than one after the other."""

    def both(
        self, first: UInt8[np.ndarray, "height width 3"], second: UInt8[np.ndarray, "height width 3"]
    ) -> tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width 2"]]:
        """Flow from ``first`` to ``second``, and back."""
        ...


def estimate_flow(
    video: Video, estimator: FlowEstimator, *, on_progress: Callable[[int, int], None] | None = None
) -> Flow:
    """Forward and backward flow between every two neighbouring frames, in pixels per interval.

    Each interval but the first is estimated when it is indexed, and kept as long as there is room. To
    whoever goes from interval to interval, the next one is estimated meanwhile, in a thread; all others, if
    there is room for all.

    Args:
        video: at least two frames; the provider gets them in 8 bits.
        estimator: the provider.
        on_progress: called after each new interval with how many are done, and how many there are.

    Raises:
        FlowError: the video has one frame, or the provider can't handle its size. Later, when an interval is
            indexed: the provider gave NaN or infinite values.
    """
    intervals = len(video) - 1
    if not intervals:
        raise FlowError(f"{video.name}: it has one frame; for flow two frames are needed")
    done: set[int] = set()

    def both(k: int) -> Float32[np.ndarray, "2 height width 2"]:
        first, second = eight_bit(video.frames[k]), eight_bit(video.frames[k + 1])
        if isinstance(estimator, BothWays):
            flows = np.stack(estimator.both(first, second))
        else:
            flows = np.stack((estimator(first, second), estimator(second, first)))
        for direction, values in zip(("forward", "backward"), flows, strict=True):
            _check_finite(values, direction, estimator.name)
        if on_progress and k not in done:
            done.add(k)
            on_progress(len(done), intervals)
        return flows

    # A row is large, and a field whose maps are smaller reads it once.
    pairs = OnDemand(both, (intervals, 2, *video.size, 2), np.float32, least=2)
    pairs[0]  # A provider that can't do it should say so now.
    ahead = Ahead(pairs)

    def one(which: int) -> OnDemand:
        shape = intervals, *video.size, 2
        return OnDemand(lambda k: ahead[k][which], shape, np.float32, keep=False, has=pairs.has)

    return Flow(forward=one(0), backward=one(1), name=estimator.name)


def _check_finite(values: np.ndarray, direction: str, name: str) -> None:
    if not np.isfinite(values).all():
        raise FlowError(f"{name}: the {direction} flow holds NaN or infinite values; repair it first")
