"""What to expect on your clip: hide frames, fit the rest, render and score the held-out frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tweenfield.baselines import DEFAULT_BASELINES, Baseline, chosen
from tweenfield.drawing.expectation import expect
from tweenfield.evaluation.cost import Meter
from tweenfield.evaluation.lpips import Lpips
from tweenfield.evaluation.score import OnStage, Score, ScoredFit, check_scoring, fit_and_score, score
from tweenfield.evaluation.split import Split, hide
from tweenfield.fields.reduced import reduced_picture
from tweenfield.fields.shares import Between
from tweenfield.fitting.device import resolve_device
from tweenfield.fitting.recipe import Recipe
from tweenfield.fitting.result import FitResult
from tweenfield.flow import Flow, FlowEstimator, estimate_flow
from tweenfield.video import Video
from tweenfield.video.notebook import as_html, small_size, spread

# The baselines of ``DEFAULT_BASELINES`` by name.
COMPARED: Mapping[str, Baseline] = MappingProxyType(chosen(DEFAULT_BASELINES))


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Evaluation:
    """Scores of a field and of the baselines on the same held-out frames, by one protocol."""

    split: Split
    fitted: ScoredFit
    device: str
    protocol: str
    expected: tuple[float, ...] | None
    """PSNR in dB to expect of each held-out frame; None if the field has no error to expect."""
    baselines: dict[str, Score]
    seconds: dict[str, float]
    peak_memory_mib: float

    @property
    def result(self) -> FitResult:
        """The fitted field and the record of its fit."""
        return self.fitted.result

    @property
    def score(self) -> Score:
        """Of the field, on the held-out frames."""
        return self.fitted.score

    def __repr__(self) -> str:
        return f"Evaluation({self.split.observed.name!r}, {np.mean(self.score.psnr):.2f} dB held-out)"

    def _repr_html_(self) -> str:
        """Five of the held-out frames as the field draws them, and all scores, in a notebook."""
        split, field = self.split, self.result.field
        chosen = sorted({round(t) for t in spread(len(split.positions) - 1)})
        height = small_size(split.observed.size)[0]
        drawn = [
            (
                f"frame {split.indices[k]}, {self.score.psnr[k]:.1f} dB",
                reduced_picture(field, float(split.positions[k]), height),
            )
            for k in chosen
        ]
        rows: dict[str, list[object]] = {"": [name.upper().split("_")[0] for name in self.score.means]}
        for name, scored in {field.name: self.score, **self.baselines}.items():
            rows[name] = [f"{scored.means[key]:.4g}" for key in self.score.means]
        return as_html(f"{split.observed.name}: held-out frames, protocol {self.protocol}", drawn, rows)

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
            "psnr_observed": self.fitted.psnr_observed,
            **self.score.means,
            "frames": self._frames(),
            "baselines": {name: score.as_json() for name, score in self.baselines.items()},
            "seconds": self.seconds,
            "peak_memory_mib": self.peak_memory_mib,
            "parameters": self.fitted.parameters,
        }

    def _frames(self) -> list[dict[str, Any]]:
        """Every held-out frame in the order of time."""
        scores = {name.removesuffix("_held_out"): values for name, values in self.score.by_frame.items()}
        expected = self.expected or (None,) * len(self.split.indices)
        return [
            {
                "index": index,
                "t": float(t),
                **{name: values[k] for name, values in scores.items()},
                "psnr_expected": expected[k],
            }
            for k, (index, t) in enumerate(zip(self.split.indices, self.split.positions, strict=True))
        ]


def evaluate(
    video: Video,
    flow: FlowEstimator | Flow,
    recipe: Recipe,
    *,
    stride: int = 2,
    device: str = "auto",
    baselines: Mapping[str, Baseline] = COMPARED,
    protocol: str = "tweenfield",
    lpips: Lpips | None = None,
    between: Between | None = None,
    on_stage: OnStage | None = None,
) -> Evaluation:
    """Fit the observed frames of a video and score field and baselines on the held-out ones.

    Args:
        video: all frames, those to be held out included.
        flow: a provider, which gets the observed frames only, or the flow of the observed frames.
        recipe: how to fit.
        stride: every ``stride``-th frame is observed.
        device: as for ``tweenfield.fit``.
        baselines: what to compare with, by name; they are given the same flow as the field.
        protocol: how PSNR and SSIM are measured, a name from ``tweenfield.evaluation.metrics.PROTOCOLS``.
        lpips: measures LPIPS of the held-out frames as well.
        between: another interpolator to mix in, as for ``accompany``; the error to expect stays that of the
            field alone.
        on_stage: called with the progress of the stages flow, teacher, fit, other and render.

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
    fitted = fit_and_score(
        split,
        flow,
        recipe,
        device=device,
        protocol=protocol,
        lpips=lpips,
        between=between,
        on_stage=on_stage,
    )
    return Evaluation(
        split=split,
        fitted=fitted,
        device=str(resolve_device(device)),
        protocol=protocol,
        expected=_expected(fitted.result, split),
        baselines={
            name: score(draw(split.observed, flow, split.positions), split.held_out, protocol, lpips)
            for name, draw in baselines.items()
        },
        seconds={"flow": flowing.seconds, "fit": fitted.seconds, "render": fitted.score.seconds},
        peak_memory_mib=max(flowing.peak_memory_mib, fitted.peak_memory_mib),
    )


def _expected(result: FitResult, split: Split) -> tuple[float, ...] | None:
    if not result.field.expects_error:
        return None
    return tuple(expect(result.field, t).psnr for t in split.positions)
