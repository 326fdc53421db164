"""What transport mixes: colours of four observed frames, fetched along several hypotheses of the motion.

Times are fractions s of one interval; the window around it is (before, first, second, after). Each candidate
j looks from pixel x at time s into one frame of the window at x + D_j(x, s):

    along the forward flow    V_first(x - s v), V_second(x + (1 - s) v), with v = F(x - s v)
    along the backward flow   the same with v = -B(x + (1 - s) v)
    far along the flow        with the mean of both velocities to the first and the second frame, and from
                              there on along the flow of the neighbouring interval into V_before and V_after
    standing still            all four frames at x

Velocity changes, so the near paths are bent as parabolas are: each D of the first two lines gains
s (1 - s) A / 2. The acceleration A is the mean of the one from the interval before and of the one to the
interval after, weighted by how far that interval's flows agree, times the larger of these agreements. It is
at most 2 |v|, so that no point turns about within the interval: a frame that is repeated stays still.

At the ends of a video and beside a hard cut or a flash the window lacks a frame; its candidates are marked
absent.
Across a cut nothing moves: each side is carried on along its own motion, the first frame's until the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import sample_displaced
from tweenfield.flow.velocity import agreement, mean_velocity, velocities_between
from tweenfield.storage.on_demand import Rows

# Which frame of the window each candidate looks into.
SOURCES = (1, 2, 1, 2, 0, 3, 1, 2, 0, 3)
CANDIDATES = len(SOURCES)
# The still candidates begin at this index.
STILL = 6
# First index of each pair (frame before, frame after): by forward flow, by backward flow, still.
NEAR = (0, 2, STILL)
# Cues that the weights may depend on besides the colours; see trace().
CUES = 5
# Share of the still candidates in the base mixture where the agreement of the flows is 0.
_STILL_SHARE = np.float32(0.2)
# Side in pixels of the square over which the agreement is averaged.
_AROUND = 5
# The cues of motion and acceleration saturate at these lengths, in pixels.
LONG_MOTION = np.float32(20)
_STRONG_ACCELERATION = np.float32(8)
# Against division by zero.
_TINY = np.float32(1e-9)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Four frames around one interval, and the flow of the three intervals between them.

    Attributes:
        frames: numbers of the frame before, the first, the second and the one after; an absent frame
            repeats its neighbour.
        forward: flow from each frame to the next; of an absent frame, zero.
        backward: flow from each frame after the first to the one before it.
        present: whether there is a frame before, and one after, of the same shot.
        durations: of the three intervals, in any unit.
        cut: whether there is a cut between the first and the second frame.
        moves: whether the residual along the flow between them is at most that without motion.
    """

    frames: tuple[int, int, int, int]
    forward: Float32[np.ndarray, "3 height width 2"]
    backward: Float32[np.ndarray, "3 height width 2"]
    present: tuple[bool, bool]
    durations: tuple[float, float, float]
    cut: bool
    moves: bool


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The candidates' displacements at one time, in pixels, and cues for weighting them."""

    displacement: Float32[np.ndarray, "candidates height width 2"]
    cues: Float32[np.ndarray, "cues height width"]
    present: Bool[np.ndarray, " candidates"]


def window(
    forward: np.ndarray,
    backward: np.ndarray,
    breaks: np.ndarray,
    durations: np.ndarray,
    interval: int,
    *,
    cut: bool,
    moves: bool,
) -> Window:
    """The window around an interval, one of n; flow, breaks and durations are given for each of them. What
    lies beyond a cut or another break is absent.
    """
    last = len(forward)
    inside = np.clip(np.arange(interval - 1, interval + 2), 0, last - 1)
    ahead, back = forward[inside].astype(np.float32), backward[inside].astype(np.float32)
    present = (
        bool(interval > 0 and not breaks[interval - 1]),
        bool(interval + 2 <= last and not breaks[interval + 1]),
    )
    for side, there in ((0, present[0]), (2, present[1])):
        if not there:
            ahead[side] = back[side] = 0
    return Window(
        frames=(interval - present[0], interval, interval + 1, interval + 1 + present[1]),
        forward=ahead,
        backward=back,
        present=present,
        durations=tuple(durations[inside].tolist()),
        cut=cut,
        moves=moves,
    )


def observed_window(observed: Mapping[str, Rows], interval: int) -> Window:
    """The window around an interval in a field's observations; of flow, which may be estimated on demand, no
    more is read than is needed.
    """
    near = range(max(interval - 1, 0), min(interval + 2, len(observed["breaks"])))
    breaks, durations = (observed[name][near.start : near.stop] for name in ("breaks", "durations"))

    def flow(name: str) -> np.ndarray:
        rows = np.zeros((len(near), *observed[name].shape[1:]), np.float32)
        for place, k in enumerate(near):
            if k == interval or not breaks[place]:
                rows[place] = observed[name][k]
        return rows

    return window(
        flow("forward_flow"),
        flow("backward_flow"),
        breaks,
        durations,
        interval - near.start,
        cut=bool(observed["cuts"][interval]),
        moves=bool(observed["moves"][interval]),
    )


def trace(around: Window, fraction: float) -> Trace:
    """The candidates at ``fraction`` of the window's middle interval.

    Cues: agreement of forward and backward flow at the first and at the second frame, length of the motion,
    how far the velocity differs between the intervals before and after, and the share of standing still in
    the base mixture (``tweenfield.fields.transport.mixing``).
    """
    flow = Flow(forward=around.forward[1:2], backward=around.backward[1:2], name="window")
    s = np.float32(fraction)

    def pair(v: np.ndarray) -> list[np.ndarray]:
        return [-s * v, (1 - s) * v]

    (ahead, sure_ahead), (back, sure_back) = velocities_between(flow, 0, fraction)
    v = mean_velocity(ahead, sure_ahead, back, sure_back)
    to_first, to_second = pair(v)
    near = [*pair(ahead), *pair(back)]
    if around.cut:
        to_first, to_second = s * around.backward[0], (1 - s) * around.forward[2]
        near = [to_first, to_second] * 2
    onward_before = _at(around.backward[0], to_first)
    onward_after = _at(around.forward[2], to_second)
    still = np.zeros_like(v)
    before, after = around.present
    acceleration = onward_after + onward_before if before and after else still
    if not around.cut:
        bend = (
            s * (1 - s) / 2 * _acceleration(around, v, (to_first, to_second), (onward_before, onward_after))
        )
        near = [straight + bend for straight in near]
    disagreed = 1 - cv2.blur((sure_ahead + sure_back) / 2, (_AROUND, _AROUND))
    return Trace(
        displacement=np.stack((*near, to_first + onward_before, to_second + onward_after, *[still] * 4)),
        cues=np.stack(
            (
                sure_ahead,
                sure_back,
                np.minimum(_length(v) / LONG_MOTION, 1),
                np.minimum(_length(acceleration) / _STRONG_ACCELERATION, 1),
                _STILL_SHARE * disagreed if around.moves else np.ones_like(disagreed),
            )
        ),
        present=np.array([(before, True, True, after)[source] for source in SOURCES]),
    )


def _acceleration(
    around: Window,
    v: np.ndarray,
    to_ends: tuple[np.ndarray, np.ndarray],
    onward: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """A at each pixel, in pixels per squared middle interval; 0 where no neighbouring interval is present.

    ``to_ends`` leads to the first and the second frame, ``onward`` from there to the ones beyond.
    """
    total, weights = np.zeros_like(v), [np.zeros_like(v[..., :1])]
    # The change of velocity from the interval before, or to the one after, has v with this sign.
    beyond = ((1, 0, around.backward, around.forward), (-1, 2, around.forward, around.backward))
    for present, (sign, k, there, back), here, vector in zip(
        around.present, beyond, to_ends, onward, strict=True
    ):
        if present:
            duration = np.float32(around.durations[k] / around.durations[1])
            weight = _at(agreement(there[k], back[k]), here)[..., None]
            total += weight * 2 / (1 + duration) * (sign * v + vector / duration)
            weights.append(weight)
    sure = np.maximum.reduce(weights) / np.maximum(sum(weights), _TINY)
    mean = sure * total
    bounded: np.ndarray = mean * np.minimum(1, 2 * _length(v) / np.maximum(_length(mean), _TINY))[..., None]
    return bounded


def _at(values: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    return sample_displaced(values, displacement)


def _length(vectors: np.ndarray) -> np.ndarray:
    length: np.ndarray = np.linalg.norm(vectors, axis=-1)
    return length
