"""How far off pictures may be, and how far they are where the true frames are known."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from tweenfield.drawing.expectation import expect
from tweenfield.errors import UsageError
from tweenfield.evaluation.error_maps import error_levels
from tweenfield.evaluation.metrics import psnr
from tweenfield.evaluation.split import Split
from tweenfield.fields.base import Field
from tweenfield.video import Video, eight_bit

# Times are rounded on their way here; a third of an interval is found all the same.
_NEAR = 1 / 2048
Kind = Literal["expected", "true"]


@final
class Truth:
    """The frames of a video that were observed and those that were held out, by their times.

    Args:
        video: the observed frames.
        split: the held-out ones; None where there are none.
    """

    def __init__(self, video: Video, split: Split | None) -> None:
        self._video, self._split = video, split
        self.held_out = [float(t) for t in split.positions] if split else []

    def nearest(self, t: float) -> tuple[UInt8[np.ndarray, "height width 3"], float, str]:
        """The frame nearest in time, its time, and what it is in words."""
        k = bisect.bisect(self.held_out, t)
        near = min([float(round(t)), *self.held_out[max(k - 1, 0) : k + 1]], key=lambda at: abs(at - t))
        if self._split is None or near not in self.held_out:
            frame = eight_bit(np.asarray(self._video.frames[round(near)]))
            return frame, near, f"observed frame {round(near)}"
        which = self.held_out.index(near)
        frame = eight_bit(np.asarray(self._split.held_out.frames[which]))
        return frame, near, f"held-out frame {self._split.indices[which]}, at {near:.4g}"

    def at(self, t: float) -> tuple[UInt8[np.ndarray, "height width 3"], float]:
        """The true frame at time ``t``, and its exact time.

        Raises:
            UsageError: there is none.
        """
        if not self.held_out:
            raise UsageError(
                "there are no held-out frames to tell the true error by; look at the folder that "
                "'tweenfield eval -o DIR' leaves"
            )
        frame, near, _ = self.nearest(t)
        if abs(near - t) > _NEAR:
            raise UsageError(f"no true frame is known at {t:.4g}; the nearest is at {near:.4g}")
        return frame, near


@torch.inference_mode()
def expected_map(field: Field, t: float) -> tuple[Float32[np.ndarray, "height width"], str]:
    """The error to expect at each pixel in levels of 255, and the PSNR in words.

    Raises:
        UsageError: the field has none.
    """
    error = field.expected_error(t).cpu().numpy()
    return error, f"error to expect: {_decibels(field.expected_psnr(t))}"


def true_map(
    drawn: UInt8[np.ndarray, "height width 3"], truth: UInt8[np.ndarray, "height width 3"], label: str
) -> tuple[Float32[np.ndarray, "height width"], str]:
    """The error at each pixel in levels of 255, and the PSNR in words."""
    return error_levels(drawn, truth), f"true error of {label}: {_decibels(psnr(drawn, truth))}"


def told(field: Field, t: float, truth: Truth, draw: Callable[[float], np.ndarray]) -> dict[str, Any]:
    """The PSNR at ``t`` in dB, to expect and true, each None where it isn't known, and why it is doubtful."""
    values: dict[str, Any] = {"t": t, "expected": None, "reason": "", "true": None}
    if field.config.expects_error:
        expected = expect(field, t)
        values |= {"expected": round(expected.psnr, 2), "reason": expected.reason}
    if truth.held_out:
        frame, exact = truth.at(t)
        values["true"] = round(psnr(draw(exact), frame), 2)
    return values


def _decibels(value: float) -> str:
    return "exact" if value >= 100 else f"{value:.1f} dB"
