"""What to expect on your clip: hide frames, fit the rest, score the drawn ones against the hidden truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from tweenfield.baselines import BASELINES, USUAL, Baseline
from tweenfield.cost import Meter
from tweenfield.errors import UsageError
from tweenfield.fit import FitResult, Recipe, fit, resolve_device
from tweenfield.flow import Flow, FlowEstimator, estimate_flow
from tweenfield.lpips import Lpips, check_size
from tweenfield.metrics import PROTOCOLS, SMALLEST_SIDE
from tweenfield.render import render_colors
from tweenfield.video import Video, field_position

# Called with the stage's name, how much of it is done, out of how much, and a short remark.
OnStage = Callable[[str, int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Split:
    """A video with frames hidden: every n-th is observed, the others up to the last observed are held out.

    Attributes:
        observed: the observed frames.
        held_out: the hidden ones.
        stride: every ``stride``-th frame is observed.
        positions: time of each hidden frame, in observed-frame intervals.
        indices: place of each hidden frame in the whole video.
    """

    observed: Video
    held_out: Video
    stride: int
    positions: tuple[Fraction, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Score:
    """Quality of each held-out frame, in the order of time, and what drawing all of them took."""

    psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    lpips: tuple[float, ...] | None
    """None where it wasn't asked for."""
    seconds: float
    """Time to draw them; scoring them doesn't count."""
    peak_memory_mib: float
    """Most main memory that the process, or a program it ran, used meanwhile."""

    @property
    def means(self) -> dict[str, float]:
        """Quality as means over frames."""
        found = {"psnr_held_out": self.psnr, "ssim_held_out": self.ssim, "lpips_held_out": self.lpips}
        return {name: float(np.mean(values)) for name, values in found.items() if values is not None}

    def as_json(self) -> dict[str, float]:
        """Means over frames, and the cost."""
        return {
            **self.means,
            "seconds": self.seconds,
            "peak_memory_mib": self.peak_memory_mib,
        }


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Evaluation:
    """Scores of a field and of the baselines on the same held-out frames, by one protocol."""

    split: Split
    result: FitResult
    device: str
    protocol: str
    psnr_observed: float
    score: Score
    baselines: dict[str, Score]
    seconds: dict[str, float]
    peak_memory_mib: float

    def __repr__(self) -> str:
        return f"Evaluation({self.split.observed.name!r}, {np.mean(self.score.psnr):.2f} dB held-out)"

    def as_json(self) -> dict[str, Any]:
        """The object that ``tweenfield eval --json -`` prints."""
        return {
            "clip": self.split.observed.name,
            "field": self.result.field.name,
            "flow": self.result.flow,
            "preset": self.result.recipe.name,
            "settings": self.result.recipe.settings,
            "seed": self.result.recipe.fit.seed,
            "device": self.device,
            "protocol": self.protocol,
            "size": list(self.split.observed.size),
            "stride": self.split.stride,
            "observed": len(self.split.observed),
            "held_out": len(self.split.held_out),
            "psnr_observed": self.psnr_observed,
            **self.score.means,
            "baselines": {name: score.as_json() for name, score in self.baselines.items()},
            "seconds": self.seconds,
            "peak_memory_mib": self.peak_memory_mib,
            "parameters": sum(parameter.numel() for parameter in self.result.field.parameters()),
        }


def hide(video: Video, stride: int = 2) -> Split:
    """Observe every ``stride``-th frame and hold out those between.

    Frames after the last observed one are left out: nothing observed follows them.

    Raises:
        UsageError: the stride is under 2, or fewer than two frames would be observed.
    """
    if stride < 2:
        raise UsageError(f"stride is {stride}, but must be at least 2 to hide any frame")
    observed = range(0, len(video), stride)
    if len(observed) < 2:
        raise UsageError(
            f"{video.name}: {len(video)} frames at stride {stride} leave {len(observed)} observed; "
            f"at least {stride + 1} frames are needed"
        )
    indices = tuple(i for i in range(observed[-1]) if i % stride)
    seen = video.select(observed)
    positions = tuple(field_position(seen.times, video.times[i]) for i in indices)
    return Split(
        observed=seen, held_out=video.select(indices), stride=stride, positions=positions, indices=indices
    )


def score(
    drawn: Iterable[np.ndarray], truth: Video, protocol: str = "tweenfield", lpips: Lpips | None = None
) -> Score:
    """How good drawn frames are.

    Args:
        drawn: colours in [0, 1], one frame for each of ``truth``.
        truth: the true frames.
        protocol: a name from ``tweenfield.metrics.PROTOCOLS``.
        lpips: measures LPIPS, too.

    Raises:
        UsageError: there is no such protocol, or the frames are too small to be scored.
    """
    check_scoring(truth, protocol, lpips)
    times: list[float] = []
    with Meter() as meter:
        each = [
            (PROTOCOLS[protocol](frame, true), lpips(frame, true) if lpips else None)
            for true, frame in zip(truth.frames, _timed(drawn, times), strict=True)
        ]
    return Score(
        psnr=tuple(quality.psnr for quality, _ in each),
        ssim=tuple(quality.ssim for quality, _ in each),
        lpips=tuple(distance for _, distance in each) if lpips else None,
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


def evaluate(
    video: Video,
    flow: FlowEstimator | Flow,
    recipe: Recipe,
    *,
    stride: int = 2,
    device: str = "auto",
    baselines: Mapping[str, Baseline] = MappingProxyType({name: BASELINES[name] for name in USUAL}),
    protocol: str = "tweenfield",
    lpips: Lpips | None = None,
    on_stage: OnStage | None = None,
) -> Evaluation:
    """Fit the observed frames of a video and score field and baselines on the held-out ones.

    Args:
        video: all frames, those to be hidden included.
        flow: a provider, which is shown the observed frames only, or the flow of the observed frames.
        recipe: how to fit.
        stride: every ``stride``-th frame is observed.
        device: as for ``tweenfield.fit``.
        baselines: what to compare with, by name; they are given the same flow as the field.
        protocol: how PSNR and SSIM are measured, a name from ``tweenfield.metrics.PROTOCOLS``.
        lpips: measures LPIPS of the held-out frames, too.
        on_stage: told how the stages flow, teacher, fit and render get on.

    Raises:
        UsageError: too few frames for the stride, frames too small to be scored, or no such protocol.
        KeyboardInterrupt: Ctrl-C; scores of a fit that was cut short would mislead.
    """
    on_stage = on_stage or (lambda stage, done, total, remark: None)
    split = hide(video, stride)
    check_scoring(video, protocol, lpips)

    with Meter() as flowing:
        if not isinstance(flow, Flow):
            flow = estimate_flow(
                split.observed, flow, on_progress=lambda done, total: on_stage("flow", done, total, "")
            )
        for _ in flow.forward:  # Made on demand, it would count as part of the fit.
            pass
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
    drawn = render_colors(result.field, split.positions)
    own = score(_counted(drawn, len(split.positions), on_stage), split.held_out, protocol, lpips)
    observed = score(render_colors(result.field, range(len(split.observed))), split.observed, protocol)
    return Evaluation(
        split=split,
        result=result,
        device=str(resolve_device(device)),
        protocol=protocol,
        psnr_observed=float(np.mean(observed.psnr)),
        score=own,
        baselines={
            name: score(draw(split.observed, flow, split.positions), split.held_out, protocol, lpips)
            for name, draw in baselines.items()
        },
        seconds={"flow": flowing.seconds, "fit": fitting.seconds, "render": own.seconds},
        peak_memory_mib=max(m.peak_memory_mib for m in (flowing, fitting, own)),
    )


def _counted(frames: Iterable[np.ndarray], total: int, on_stage: OnStage) -> Iterable[np.ndarray]:
    for done, frame in enumerate(frames, start=1):
        on_stage("render", done, total, "")
        yield frame
