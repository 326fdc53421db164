"""Rendered frames and the held-out ones in; quality and cost out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tweenfield.drawing.companion import Companion
from tweenfield.drawing.render import render_colors
from tweenfield.errors import UsageError
from tweenfield.evaluation.accompany import accompany
from tweenfield.evaluation.cost import Meter
from tweenfield.evaluation.lpips import Lpips, check_size
from tweenfield.evaluation.metrics import PROTOCOLS, SMALLEST_SIDE, Quality
from tweenfield.evaluation.split import Split
from tweenfield.fields.shares import Between
from tweenfield.fitting.loop import fit
from tweenfield.fitting.recipe import Recipe
from tweenfield.fitting.result import FitResult
from tweenfield.flow import Flow
from tweenfield.video import Video

# Called with the stage's name, how much of it is done, out of how much, and a short remark.
OnStage = Callable[[str, int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Score:
    """Quality of each held-out frame, in the order of time, and the cost of rendering all of them."""

    psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    lpips: tuple[float, ...] | None
    """None if LPIPS wasn't measured."""
    seconds: float
    """Time to render them, without scoring."""
    peak_memory_mib: float
    """Peak main memory of the process, or of a program it ran, meanwhile."""

    @property
    def by_frame(self) -> dict[str, tuple[float, ...]]:
        """All that was measured of each frame."""
        found = {"psnr_held_out": self.psnr, "ssim_held_out": self.ssim, "lpips_held_out": self.lpips}
        return {name: values for name, values in found.items() if values is not None}

    @property
    def means(self) -> dict[str, float]:
        """Quality as means over frames."""
        return {name: float(np.mean(values)) for name, values in self.by_frame.items()}

    def as_json(self) -> dict[str, float]:
        """Means over frames, and the cost."""
        return {
            **self.means,
            "seconds": self.seconds,
            "peak_memory_mib": self.peak_memory_mib,
        }


def score(
    drawn: Iterable[np.ndarray], truth: Video, protocol: str = "tweenfield", lpips: Lpips | None = None
) -> Score:
    """How good drawn frames are.

    Args:
        drawn: colours in [0, 1], one frame for each of ``truth``.
        truth: the true frames.
        protocol: a name from ``tweenfield.evaluation.metrics.PROTOCOLS``.
        lpips: measures LPIPS, too.

    Raises:
        UsageError: there is no such protocol, or the frames are too small to be scored.
    """
    check_scoring(truth, protocol, lpips)
    times: list[float] = []
    qualities: list[Quality] = []
    distances: list[float] = []
    with Meter() as meter:
        for true, frame in zip(truth.frames, _timed(drawn, times), strict=True):
            qualities.append(PROTOCOLS[protocol](frame, true))
            if lpips:
                distances.append(lpips(frame, true))
    return Score(
        psnr=tuple(quality.psnr for quality in qualities),
        ssim=tuple(quality.ssim for quality in qualities),
        lpips=tuple(distances) if lpips else None,
        seconds=sum(times),
        peak_memory_mib=meter.peak_memory_mib,
    )


def _timed(frames: Iterable[np.ndarray], times: list[float]) -> Iterator[np.ndarray]:
    """The same frames; ``times`` gets how long each took to come."""
    frames = iter(frames)
    while True:
        began = time.monotonic()
        try:
            frame = next(frames)
        except StopIteration:
            return
        finally:
            times.append(time.monotonic() - began)
        yield frame


def check_scoring(video: Video, protocol: str, lpips: Lpips | None) -> None:
    """Find out before any work whether frames of this video can be scored.

    Raises:
        UsageError: there is no such protocol, or the frames are too small.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"there is no protocol {protocol!r}; use one of {', '.join(PROTOCOLS)}")
    if min(video.size) < SMALLEST_SIDE:
        raise UsageError(
            f"{video.name}: frames are {video.size[0]}x{video.size[1]}, but scoring needs "
            f"{SMALLEST_SIDE}x{SMALLEST_SIDE} or more"
        )
    if lpips:
        check_size(video.size, video.name)


@dataclass(frozen=True, kw_only=True)
class ScoredFit:
    """A field that was fitted to the observed frames of a split, and its scores."""

    result: FitResult
    companion: Companion | None
    """What is mixed in, if anything."""
    psnr_observed: float
    """Mean PSNR in dB of the observed frames as the field renders them."""
    score: Score
    """Of the held-out frames."""
    seconds: float
    """Time of the fit."""
    peak_memory_mib: float
    """Peak of the fit and of rendering the held-out frames."""

    @property
    def parameters(self) -> int:
        """Number of the field's parameters."""
        return sum(parameter.numel() for parameter in self.result.field.parameters())


def fit_and_score(
    split: Split,
    flow: Flow,
    recipe: Recipe,
    *,
    device: str = "auto",
    protocol: str = "tweenfield",
    lpips: Lpips | None = None,
    between: Between | None = None,
    on_stage: OnStage = lambda stage, done, total, remark: None,
    watch: Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]] = lambda frames: frames,
) -> ScoredFit:
    """Fit the observed frames of a split, render the held-out ones and score them.

    Args:
        split: observed and held-out frames.
        flow: of the observed frames.
        recipe: how to fit.
        device: as for ``tweenfield.fit``.
        protocol: a name from ``tweenfield.evaluation.metrics.PROTOCOLS``.
        lpips: measures LPIPS, too.
        between: another interpolator to mix in, as for ``accompany``.
        on_stage: called with the progress of the stages teacher, fit, other and render.
        watch: receives the rendered frames and passes them on.

    Raises:
        KeyboardInterrupt: Ctrl-C; scores of a fit that was cut short would mislead.
    """
    with Meter() as fitting:
        result = fit(
            split.observed,
            flow,
            recipe,
            device=device,
            on_progress=lambda p: on_stage(p.stage, p.step, p.steps, p.remark),
        )
    if not result.finished:
        raise KeyboardInterrupt
    companion = None
    if between is not None:
        companion = accompany(
            result,
            split.observed,
            flow,
            between,
            on_progress=lambda done, total: on_stage("other", done, total, ""),
        )
    drawn = _counted(render_colors(result.field, split.positions, companion), len(split.positions), on_stage)
    own = score(watch(drawn), split.held_out, protocol, lpips)
    observed = score(render_colors(result.field, range(len(split.observed))), split.observed, protocol)
    return ScoredFit(
        result=result,
        companion=companion,
        psnr_observed=float(np.mean(observed.psnr)),
        score=own,
        seconds=fitting.seconds,
        peak_memory_mib=max(fitting.peak_memory_mib, own.peak_memory_mib),
    )


def _counted(frames: Iterable[np.ndarray], total: int, on_stage: OnStage) -> Iterator[np.ndarray]:
    for done, frame in enumerate(frames, start=1):
        on_stage("render", done, total, "")
        yield frame
