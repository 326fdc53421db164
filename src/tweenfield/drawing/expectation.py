"""What to expect of drawn frames, which have no truth: their PSNR, which are doubtful, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from tweenfield.choices import Doubtful
from tweenfield.drawing.companion import Companion
from tweenfield.drawing.render import render
from tweenfield.fields.base import Field
from tweenfield.video import Video
from tweenfield.video.depth import Levels, colors, dtype_of, rounded

# Below this PSNR in dB, errors are mostly seen at once.
DOUBTFUL_PSNR = 30.0
# How many runs of doubtful frames a line names.
_TOLD = 3


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What to expect of one drawn frame."""

    index: int
    """Number of the frame in the output."""
    t: float
    """Its time, in observed-frame intervals."""
    psnr: float
    """The PSNR to expect in dB; 100 for a frame that is exact."""
    reason: str
    """Why it is doubtful; empty if it isn't."""


@torch.inference_mode()
def expect(field: Field, t: float | Fraction, index: int = 0) -> Expectation:
    """What to expect of the picture at ``t``, which is number ``index`` of the output.

    Raises:
        UsageError: the field has no error to expect.
    """
    psnr = field.expected_psnr(float(t))
    reason = field.error_reason(float(t)) if psnr < DOUBTFUL_PSNR else ""
    return Expectation(index=index, t=float(t), psnr=psnr, reason=reason)


def render_doubtful(
    field: Field,
    times: Iterable[float | Fraction],
    doubtful: Doubtful,
    *,
    keyframes: Video | None = None,
    companion: Companion | None = None,
) -> Iterator[Levels[np.ndarray, "height width 3"]]:
    """Render ``field`` as ``tweenfield.render`` does, but with something safe in place of doubtful frames.

    Args:
        field: a fitted field that has an error to expect.
        times: as for ``tweenfield.render``.
        doubtful: ``hold`` takes the nearest observed frame, ``blend`` fades from the one before to the one
            after, ``draw`` takes the frame as it is.
        keyframes: as for ``tweenfield.render``.
        companion: as for ``tweenfield.render``; which frames are doubtful is told by the field alone.

    Raises:
        UsageError: as ``tweenfield.render``, or the field has no error to expect.
    """
    for t in times:
        if doubtful is Doubtful.draw or not expect(field, t).reason:
            yield from render(field, [t], keyframes=keyframes, companion=companion)
        elif doubtful is Doubtful.hold:
            yield from render(field, [round(t)], keyframes=keyframes)
        else:
            first, second = (colors(f) for f in render(field, [int(t), int(t) + 1], keyframes=keyframes))
            share = np.float32(float(t) - int(t))
            yield rounded(first + share * (second - first), dtype_of(field.grid.depth))


def mean_psnr(expected: Sequence[Expectation]) -> float:
    """The mean PSNR to expect in dB of the frames that aren't exact; 100 if all are."""
    inexact = [e.psnr for e in expected if e.psnr < 100]
    return float(np.mean(inexact)) if inexact else 100.0


def doubtful_ranges(expected: Sequence[Expectation]) -> list[tuple[int, int, str]]:
    """First and last number of each run of doubtful frames, and the reason that most of them have.

    Exact frames between doubtful ones belong to the run.
    """
    runs: list[list[Expectation]] = []
    joined = False
    for e in sorted(expected, key=lambda e: e.index):
        if e.reason:
            if not joined:
                runs.append([])
            runs[-1].append(e)
            joined = True
        elif e.psnr < 100:
            joined = False
    return [(run[0].index, run[-1].index, _usual([e.reason for e in run])) for run in runs]


def in_words(expected: Sequence[Expectation]) -> str:
    """One line: the PSNR to expect, and the doubtful frames, the three longest runs of them by number."""
    line = f"{mean_psnr(expected):.1f} dB" if any(e.psnr < 100 for e in expected) else "exact"
    ranges = doubtful_ranges(expected)
    for first, last, reason in sorted(sorted(ranges, key=lambda r: r[0] - r[1])[:_TOLD]):
        frames = f"frames {first}-{last}" if last > first else f"frame {first}"
        line += f"; {frames} doubtful: {reason}"
    if len(ranges) > _TOLD:
        line += f"; and {len(ranges) - _TOLD} more places"
    return line


def _usual(reasons: Sequence[str]) -> str:
    return max(dict.fromkeys(reasons), key=reasons.count)
