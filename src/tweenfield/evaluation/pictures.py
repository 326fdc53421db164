"""Pictures of an evaluation: the rendered video, frames beside the held-out ones, quality over time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tweenfield.drawing.render import render
from tweenfield.evaluation.evaluate import Evaluation
from tweenfield.fitting.result import SQUARED_ERROR
from tweenfield.storage.atomic import atomic_output
from tweenfield.video import write_video
from tweenfield.video.depth import Levels, eight_bit

# Errors are drawn from 0 to this many of 255 levels, so that pictures of several clips can be compared.
ERROR_LEVELS = 32
ERROR_TITLE = f"error, black 0 to yellow {ERROR_LEVELS} of 255"

_FIELD, _CONSTRAINT = "#c2410c", "#1d4ed8"
_BASELINES = ("#94a3b8", "#0f766e", "#1d4ed8", "#a16207", "#7e22ce", "#0e7490", "#be185d", "#4d7c0f")


def save_evaluation(
    evaluation: Evaluation,
    folder: str | Path,
    count: Callable[[str, Iterable[np.ndarray], int], Iterable[np.ndarray]] = lambda stage, items, n: items,
) -> None:
    """Write a folder with ``drawn.mp4`` (every frame, observed and held out, as the field renders it),
    ``comparison.png``, ``plots.png`` and ``result.json``.

    Args:
        evaluation: what to show.
        folder: a new or empty one.
        count: wraps the drawn frames, to show progress.

    Raises:
        OutputError: the folder isn't empty or can't be written.
    """
    split, source = evaluation.split, evaluation.result.source
    times = sorted({*range(len(split.observed)), *split.positions})
    rate = split.observed.rate * (len(times) - 1) / (len(split.observed) - 1)
    with atomic_output(folder) as partial:
        partial.mkdir()
        write_video(
            partial / "drawn.mp4",
            count("video", render(evaluation.result.field, times), len(times)),
            rate=rate,
            color=source.color,
            sample_aspect_ratio=source.sample_aspect_ratio,
            hdr=source.hdr,
        )
        comparison(evaluation).savefig(partial / "comparison.png", dpi=110)
        plots(evaluation).savefig(partial / "plots.png", dpi=110)
        (partial / "result.json").write_text(json.dumps(evaluation.as_json(), indent=2) + "\n")


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
        drawn = next(render(evaluation.result.field, [t]))
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


def error_levels(
    drawn: Levels[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "height width 3"]
) -> Int[np.ndarray, "height width"]:
    """How far a drawn picture is off at each pixel, in levels of 255: the largest difference of its
    channels."""
    levels: np.ndarray = np.abs(eight_bit(drawn).astype(int) - eight_bit(truth)).max(axis=-1)
    return levels


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
