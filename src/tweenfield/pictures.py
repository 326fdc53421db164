"""Pictures of an evaluation: what was observed, drawn and hidden, where they differ, and how quality runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tweenfield.evaluate import Evaluation
from tweenfield.files import atomic_output
from tweenfield.render import render

# Errors are drawn from 0 to this many of 255 levels, so that pictures of several clips can be compared.
ERROR_LEVELS = 32

_STYLE = {"field": "#c2410c", "blend": "#94a3b8", "cubic": "#64748b", "warp": "#1d4ed8"}


def save_comparison(evaluation: Evaluation, path: str | Path) -> None:
    """Side by side for the frame of median quality: last observed, drawn, hidden truth, error of the drawn
    frame and of the best baseline's stand-in, the plain blend of its two neighbours.

    Raises:
        OutputError: the picture can't be written.
    """
    split, scores = evaluation.split, evaluation.score.psnr
    which = int(np.argsort(scores)[len(scores) // 2])
    t = split.positions[which]
    drawn = next(render(evaluation.result.field, [t]))
    truth = split.held_out.frames[which]
    before = split.observed.frames[int(t)]
    error = np.abs(drawn.astype(int) - truth).max(axis=-1)
    panels = [
        (f"observed, frame {int(t)}", before),
        (f"drawn at {float(t):g}, {scores[which]:.1f} dB", drawn),
        ("hidden truth", truth),
        (f"error, 0 to {ERROR_LEVELS} of 255", error),
    ]
    height, width = truth.shape[:2]
    figure = Figure(figsize=(14, 3.5 * height / width + 0.4), layout="constrained")
    for axes, (title, picture) in zip(figure.subplots(1, 4), panels, strict=True):
        shown = axes.imshow(picture, cmap="inferno", vmin=0, vmax=ERROR_LEVELS) if picture.ndim == 2 else None
        if shown is None:
            axes.imshow(picture)
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=110)


def save_plots(evaluation: Evaluation, path: str | Path) -> None:
    """Two plots: PSNR of each held-out frame against the baselines, and the losses of the fit.

    Raises:
        OutputError: the picture can't be written.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    quality, losses = figure.subplots(1, 2)
    indices = evaluation.split.indices
    for name, score in {**evaluation.baselines, "field": evaluation.score}.items():
        label = f"{evaluation.result.field.name if name == 'field' else name}, {np.mean(score.psnr):.2f} dB"
        width = 2.2 if name == "field" else 1.2
        quality.plot(indices, score.psnr, marker=".", color=_STYLE.get(name), linewidth=width, label=label)
    quality.set(title=f"{evaluation.split.observed.name}: held-out frames", xlabel="frame", ylabel="PSNR (dB)")
    quality.legend(fontsize=9)
    quality.grid(alpha=0.3)

    history = evaluation.result.history
    steps = [p.step for p in history]
    losses.plot(steps, [p.observation for p in history], color=_STYLE["field"], label="observation loss (4)")
    if any(p.constraint for p in history):
        losses.plot(steps, [p.constraint for p in history], color=_STYLE["warp"], label="flow constraint (9)")
    losses.set(title="Fit", xlabel="step", ylabel="loss", yscale="log")
    losses.legend(fontsize=9)
    losses.grid(alpha=0.3, which="both")
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=110)
