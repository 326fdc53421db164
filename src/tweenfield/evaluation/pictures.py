"""Pictures of an evaluation: frames beside the held-out ones, quality over time."""

from __future__ import annotations

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tweenfield.drawing.render import render
from tweenfield.evaluation.error_maps import ERROR_LEVELS, ERROR_TITLE, error_levels
from tweenfield.evaluation.evaluate import Evaluation
from tweenfield.fitting.result import SQUARED_ERROR
from tweenfield.video.depth import eight_bit

_FIELD, _CONSTRAINT = "#c2410c", "#1d4ed8"
_BASELINES = ("#94a3b8", "#0f766e", "#1d4ed8", "#a16207", "#7e22ce", "#0e7490", "#be185d", "#4d7c0f")


def comparison(evaluation: Evaluation) -> Figure:
    """The held-out frames of median and of lowest PSNR: observed frame before, rendered, truth, error."""
    split, scores = evaluation.split, np.array(evaluation.score.psnr)
    order = np.argsort(scores)
    rows = {"typical": order[len(order) // 2], "worst": order[0]}
    height, width = split.observed.size
    figure = Figure(figsize=(14, 3.5 * len(rows) * height / width + 0.9), layout="constrained")
    grid = figure.subplots(len(rows), 4, squeeze=False)
    for axes, (kind, which) in zip(grid, rows.items(), strict=True):
        t, truth = split.positions[which], split.held_out.frames[which]
        drawn = next(render(evaluation.result.field, [t], companion=evaluation.fitted.companion))
        panels = [
            (f"observed frame {int(t)}", split.observed.frames[int(t)]),
            (f"{kind}: drawn at {float(t):g}, {scores[which]:.1f} dB", drawn),
            ("held-out frame", truth),
            (ERROR_TITLE, error_levels(drawn, truth)),
        ]
        for axis, (title, picture) in zip(axes, panels, strict=True):
            axis.imshow(
                eight_bit(picture) if picture.ndim == 3 else picture,
                cmap="inferno",
                vmin=0,
                vmax=ERROR_LEVELS,
            )
            axis.set_title(title, fontsize=11)
            axis.set_axis_off()
    return figure


def plots(evaluation: Evaluation) -> Figure:
    """PSNR of each held-out frame beside that of the baselines, and the losses over the fit."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    quality, losses = figure.subplots(1, 2)
    scores = list(zip(evaluation.baselines.items(), cycle(_BASELINES), strict=False))
    for (name, score), color in scores:
        _draw_scores(quality, evaluation, name, score.psnr, color, 1.2)
    _draw_scores(quality, evaluation, evaluation.result.field.name, evaluation.score.psnr, _FIELD, 2.4)
    quality.set(
        title=f"{evaluation.split.observed.name}: held-out frames", xlabel="frame", ylabel="PSNR (dB)"
    )

    history = evaluation.result.history
    steps = [p.step for p in history]
    losses.plot(steps, [p.observation for p in history], color=_FIELD, label=SQUARED_ERROR)
    if any(p.constraint for p in history):
        losses.plot(steps, [p.constraint for p in history], color=_CONSTRAINT, label="flow constraint")
    losses.set(title="fit", xlabel="step", ylabel="mean over the last steps", yscale="log")
    for axes in (quality, losses):
        axes.legend(fontsize=9)
        axes.grid(alpha=0.3, which="both")
    return figure


def _draw_scores(
    axes: Axes, evaluation: Evaluation, name: str, psnr: tuple[float, ...], color: str, width: float
) -> None:
    label = f"{name}, mean {np.mean(psnr):.2f} dB"
    axes.plot(evaluation.split.indices, psnr, marker=".", color=color, linewidth=width, label=label)
