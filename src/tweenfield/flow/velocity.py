"""Velocity at any time from the flow between neighbouring frames.

Everywhere: pixel centres on integers, x to the right, y down, velocity in pixels per interval.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from tweenfield.errors import FlowError
from tweenfield.flow.estimator import Flow
from tweenfield.flow.sampling import bilinear, cell, sample_displaced
from tweenfield.machine_code import in_bands

# The fixed point gains a factor of |gradient of the flow| per iteration; at 0.3 ten leave 1e-5 of the error.
_ITERATIONS = 10
# Both directions may be occluded: then the mean is unweighted.
_SMALLEST_WEIGHT = np.float32(1e-3)
_F = np.float32
_HALF, _RELATIVE = _F(0.5), _F(0.05)


def agreement(
    forward: Float32[np.ndarray, "height width 2"], backward: Float32[np.ndarray, "height width 2"]
) -> Float32[np.ndarray, "height width"]:
    """How well the backward flow leads back to where the forward flow came from: 1 exactly, 0 not at all.

    With F at a pixel of the first frame and B where it arrives:

        exp(-|F + B|^2 / (0.5 + 0.05 (|F|^2 + |B|^2))),  and 0 where F leaves the frame.

    The form is the occlusion test of Sundaram, Brox, Keutzer, ECCV 2010, made smooth: below 1/e is occluded.
    Their relative tolerance of 0.01 rejects too much of an imperfect flow: 0.05 gives better warps.
    """
    agreed = np.empty(forward.shape[:2], np.float32)
    _agreement_rows(len(agreed), np.ascontiguousarray(forward), np.ascontiguousarray(backward), agreed)
    return agreed


@in_bands
def _agreement_rows(
    begin: int, end: int, forward: np.ndarray, backward: np.ndarray, agreed: np.ndarray
) -> None:
    height, width, _ = forward.shape
    for row in range(begin, end):
        for column in range(width):
            u, v = forward[row, column, 0], forward[row, column, 1]
            x, y = _F(column) + u, _F(row) + v
            # Whether it arrives on some pixel's square.
            inside = -_HALF <= x <= _F(width) - _HALF and -_HALF <= y <= _F(height) - _HALF
            i, j, in_x = cell(x, width)
            k, m, in_y = cell(y, height)
            a = bilinear(
                backward[k, i, 0], backward[k, j, 0], backward[m, i, 0], backward[m, j, 0], in_x, in_y
            )
            b = bilinear(
                backward[k, i, 1], backward[k, j, 1], backward[m, i, 1], backward[m, j, 1], in_x, in_y
            )
            tolerance = _HALF + _RELATIVE * (u * u + v * v + a * a + b * b)
            missed = (u + a) * (u + a) + (v + b) * (v + b)
            agreed[row, column] = np.exp(-missed / tolerance) if inside else _F(0)


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
        (from_first, sample_displaced(agreement(ahead, back), from_first, -fraction)),
        (-from_second, sample_displaced(agreement(back, ahead), from_second, fraction - 1)),
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
    if not share:
        return flow
    carried = np.empty_like(flow)
    _carry_rows(len(flow), np.ascontiguousarray(flow), np.float32(share), carried)
    return carried


@in_bands
def _carry_rows(begin: int, end: int, flow: np.ndarray, share: np.float32, out: np.ndarray) -> None:
    height, width, _ = flow.shape
    for y in range(begin, end):
        for x in range(width):
            u, v = flow[y, x, 0], flow[y, x, 1]
            for _ in range(_ITERATIONS):
                i, j, in_x = cell(_F(x) - share * u, width)
                k, m, in_y = cell(_F(y) - share * v, height)
                a = bilinear(flow[k, i, 0], flow[k, j, 0], flow[m, i, 0], flow[m, j, 0], in_x, in_y)
                b = bilinear(flow[k, i, 1], flow[k, j, 1], flow[m, i, 1], flow[m, j, 1], in_x, in_y)
                if a == u and b == v:
                    break
                u, v = a, b
            out[y, x, 0], out[y, x, 1] = u, v


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
