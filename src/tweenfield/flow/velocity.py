"""Velocity at any time from the flow between neighbouring frames.

Everywhere: pixel centres on integers, x to the right, y down, velocity in pixels per interval.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from tweenfield.errors import FlowError
from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import displaced, sample_linear

# The fixed point gains a factor of |gradient of the flow| per iteration; at 0.3 ten leave 1e-5 of the error.
_ITERATIONS = 10
# Both directions may be occluded: then the mean is unweighted.
_SMALLEST_WEIGHT = np.float32(1e-3)


def agreement(
    forward: Float32[np.ndarray, "height width 2"], backward: Float32[np.ndarray, "height width 2"]
) -> Float32[np.ndarray, "height width"]:
    """How well the backward flow leads back to where the forward flow came from: 1 exactly, 0 not at all.

    With F at a pixel of the first frame and B where it arrives:

        exp(-|F + B|^2 / (0.5 + 0.05 (|F|^2 + |B|^2))),  and 0 where F leaves the frame.

    The form is the occlusion test of Sundaram, Brox, Keutzer, ECCV 2010, made smooth: below 1/e is occluded.
    Their relative tolerance of 0.01 rejects too much of an imperfect flow: 0.05 gives better warps.
    """
    height, width = forward.shape[:2]
    x, y = displaced(forward, 1)
    back = sample_linear(backward, x, y)
    tolerance = 0.5 + 0.05 * (_square(forward) + _square(back))
    agreed: np.ndarray = np.exp(-_square(forward + back) / tolerance)
    return np.where(_inside(x, y, height, width), agreed, np.float32(0))


def invert(flow: Float32[np.ndarray, "height width 2"]) -> Float32[np.ndarray, "height width 2"]:
    """Flow back: at pixel q of the second frame, minus the flow of the point p that arrives there."""
    return -_carry(flow, 1)


def velocities_between(
    flow: Flow, interval: int, fraction: float
) -> tuple[
    tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width"]],
    tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width"]],
]:
    """Velocity at time ``interval + fraction`` by the forward and by the backward flow, and their agreement.

    A point moves along a straight line. With s the fraction, the one at x has the velocity v = F(x - s v) by
    the forward flow and v = -B(x + (1 - s) v) by the backward flow: fixed points, in pixels per interval.

    Raises:
        FlowError: there is no such interval, or the fraction isn't in [0, 1].
    """
    if not (0 <= interval < len(flow.forward) and 0 <= fraction <= 1):
        raise FlowError(
            f"{flow.name}: no velocity at fraction {fraction} of interval {interval}; "
            f"give a fraction in [0, 1] of an interval from 0 to {len(flow.forward) - 1}"
        )
    ahead, back = flow.forward[interval], flow.backward[interval]
    from_first, from_second = _carry(ahead, fraction), _carry(back, 1 - fraction)
    return (
        (from_first, sample_linear(agreement(ahead, back), *displaced(from_first, -fraction))),
        (-from_second, sample_linear(agreement(back, ahead), *displaced(from_second, fraction - 1))),
    )


def velocity_between(flow: Flow, interval: int, fraction: float) -> Float32[np.ndarray, "height width 2"]:
    """The mean of ``velocities_between``, weighted by agreement.

    Raises:
        FlowError: there is no such interval, or the fraction isn't in [0, 1].
    """
    ahead, back = velocities_between(flow, interval, fraction)
    return mean_velocity(*ahead, *back)


def velocity_at_frame(flow: Flow, frame: int) -> Float32[np.ndarray, "height width 2"]:
    """Velocity at an observed frame: flow to the next and minus flow to the previous, averaged by agreement.

    The first and the last frame have only one of the two.

    Raises:
        FlowError: there is no such frame.
    """
    last = len(flow.forward)
    if not 0 <= frame <= last:
        raise FlowError(f"{flow.name}: no velocity at frame {frame}; give a frame from 0 to {last}")
    if frame == 0:
        return np.array(flow.forward[0])
    if frame == last:
        return -flow.backward[-1]
    ahead, back = flow.forward[frame], flow.backward[frame - 1]
    return mean_velocity(
        ahead, agreement(ahead, flow.backward[frame]), -back, agreement(back, flow.forward[frame - 1])
    )


def velocity(flow: Flow, t: float) -> Float32[np.ndarray, "height width 2"]:
    """Velocity at time ``t``, in intervals since the first frame, at every pixel, in pixels per interval.

    Raises:
        FlowError: ``t`` is before the first or after the last frame.
    """
    if not 0 <= t <= len(flow.forward):
        raise FlowError(
            f"{flow.name}: no velocity at time {t}; give a time from 0 to {len(flow.forward)} intervals"
        )
    whole = int(t)
    return velocity_at_frame(flow, whole) if t == whole else velocity_between(flow, whole, t - whole)


def _carry(
    flow: Float32[np.ndarray, "height width 2"], share: float = 1
) -> Float32[np.ndarray, "height width 2"]:
    """The flow v of the point that is at pixel x after a share of its way: v = F(x - share v)."""
    carried = flow
    for _ in range(_ITERATIONS if share else 0):
        carried = sample_linear(flow, *displaced(carried, -share))
    return carried


def mean_velocity(
    a: Float32[np.ndarray, "height width 2"],
    weight_a: Float32[np.ndarray, "height width"],
    b: Float32[np.ndarray, "height width 2"],
    weight_b: Float32[np.ndarray, "height width"],
) -> Float32[np.ndarray, "height width 2"]:
    """The weighted mean of two estimates of the velocity."""
    share = (weight_b + _SMALLEST_WEIGHT) / (weight_a + weight_b + 2 * _SMALLEST_WEIGHT)
    mean: np.ndarray = a + share[..., None] * (b - a)
    return mean


def _inside(
    x: Float32[np.ndarray, "height width"], y: Float32[np.ndarray, "height width"], height: int, width: int
) -> Bool[np.ndarray, "height width"]:
    """Which positions lie on some pixel's square."""
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def _square(flow: Float32[np.ndarray, "height width 2"]) -> Float32[np.ndarray, "height width"]:
    squares: np.ndarray = np.einsum("hwc,hwc->hw", flow, flow)
    return squares
