"""What the experiments on the paper's field share: its settings at each scale, and curves of quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from tweenfield.bench.cases import Case
from tweenfield.bench.cells import Cell, Method, Row
from tweenfield.bench.datasets import reduced
from tweenfield.bench.experiment import Scale, by_clip, logarithmic, mean
from tweenfield.fitting.presets import draft, paper_experiments
from tweenfield.fitting.recipe import Recipe, replace

# The paper's weight of the constraint.
LAMBDA = 0.12

# Clips, their frames (every second observed), and their size. The paper has 40 frames of 240x360.
_CLIPS: dict[Scale, tuple[int, int, tuple[int, int]]] = {
    "tiny": (1, 5, (32, 48)),
    "small": (2, 21, (60, 90)),
    "paper": (1, 40, (240, 360)),
}

_COLORS = ("#c2410c", "#1d4ed8", "#0f766e", "#7e22ce", "#a16207", "#be185d", "#0e7490", "#4d7c0f")


def clips(scale: Scale, cases: list[Case]) -> list[Case]:
    """The clips of a sweep."""
    count, frames, size = _CLIPS[scale]
    return reduced(cases, clips=count, frames=frames, size=size)


def base(scale: Scale) -> Recipe:
    """The constrained field that a sweep varies. Observed frames span [-1, 1] in time, as in ``paper``."""
    if scale == "paper":
        return paper_experiments()
    observed = (_CLIPS[scale][1] + 1) // 2
    sizes = {
        "tiny": {"width": 16, "depth": 2, "steps": 15, "points": 256},
        "small": {"width": 96, "depth": 4, "steps": 1000, "points": 2048},
    }
    return replace(draft("siren"), **sizes[scale], extent=1.0, time_step=2 / (observed - 1), weight=LAMBDA)


def sweep(scale: Scale, cases: list[Case], points: Sequence[tuple[str, float, dict[str, Any]]]) -> list[Cell]:
    """A cell for each point on each clip: the name of its curve, its place on the x axis, what it changes."""
    return [
        Cell(
            case=case,
            method=Method(name=f"{series} {x:g}", how=replace(base(scale), **changes)),
            labels={"series": series, "x": x},
        )
        for case in clips(scale, cases)
        for series, x, changes in points
    ]


def held_out(row: Row) -> float:
    """Mean PSNR of the held-out frames, in dB."""
    return mean(row["psnr"])


def observed(row: Row) -> float:
    """Mean PSNR of the observed frames as the field draws them, in dB."""
    return float(row["psnr_observed"])


def bits_per_pixel(row: Row) -> float:
    """Bits of the network's parameters, 32 each, per pixel of the observed frames."""
    height, width = row["size"]
    return float(32 * row["parameters"] / (row["observed"] * height * width))


def curves(
    rows: list[Row],
    xlabel: str,
    quantities: Sequence[tuple[str, Callable[[Row], float]]] = (
        ("held-out PSNR (dB)", held_out),
        ("observed PSNR (dB)", observed),
    ),
    *,
    x: Callable[[Row], float] = lambda row: row["x"],
    log: bool = False,
) -> Figure:
    """One row of axes per clip, one column per quantity, one line per series."""
    clips = by_clip(rows)
    figure = Figure(figsize=(5.2 * len(quantities), 3.4 * len(clips)), layout="constrained")
    grid = figure.subplots(len(clips), len(quantities), squeeze=False)
    for axes, (clip, mine) in zip(grid, clips.items(), strict=True):
        for axis, (label, quantity) in zip(axes, quantities, strict=True):
            series = dict.fromkeys(row["series"] for row in mine)
            for color, name in zip(_COLORS, series, strict=False):
                line = sorted((x(row), quantity(row)) for row in mine if row["series"] == name)
                axis.plot(*zip(*line, strict=True), marker="o", color=color, label=name)
            axis.set(title=clip, xlabel=xlabel, ylabel=label)
            if log:
                logarithmic(axis)
            axis.grid(alpha=0.3)
            if len(series) > 1:
                axis.legend(fontsize=9)
    return figure


def best(rows: list[Row], quantity: Callable[[Row], float] = held_out) -> Row:
    """The row of highest quality."""
    return max(rows, key=quantity)
