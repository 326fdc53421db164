"""Does the picture flicker? The change from each drawn frame to the next, 16 frames per interval.

A field that jumps at observed frames shows spikes there. Blending is drawn beside it: its change is the same
all through an interval, and differs from one interval to the next.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from common import ROOT, arguments, save
from matplotlib.figure import Figure

from tweenfield import Dis, draft, estimate_flow, fit, hide, read_video, standard
from tweenfield.baselines import blend

PER_INTERVAL = 16


def change(draw: Callable[[float], np.ndarray], times: np.ndarray) -> np.ndarray:
    """Mean absolute change from each frame to the next, in levels of 255 but before rounding."""
    frames = [draw(float(t)) for t in times]
    return np.array([255 * np.abs(b - a).mean() for a, b in pairwise(frames)])


def main() -> None:
    options = arguments(__doc__, clip="bikes", first=4, intervals=6)
    video = hide(read_video(options.clips / f"{options.clip}.mkv"), 2).observed
    flow = estimate_flow(video, Dis())
    times = np.arange(options.intervals * PER_INTERVAL + 1) / PER_INTERVAL + options.first
    changes = {}
    for recipe in (standard(), draft()):
        field = fit(video, flow, recipe).field
        with torch.no_grad():
            changes[f"transport, {recipe.name}"] = change(lambda t, f=field: f.frame(t).numpy(), times)
    changes["blend"] = change(lambda t: blend(video, flow, t), times)

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    for (name, values), color in zip(changes.items(), ("#c2410c", "#1d4ed8", "#94a3b8"), strict=True):
        axes.plot(times[1:] - 0.5 / PER_INTERVAL, values, color=color, label=name)
    for t in range(options.first, options.first + options.intervals + 1):
        axes.axvline(t, color="#cbd5e1", linewidth=0.8, zorder=0)
    axes.set(
        title=f"{options.clip}: change between drawn frames, {PER_INTERVAL} per interval",
        xlabel="time in intervals; lines are observed frames",
        ylabel="mean change (of 255)",
        ylim=(0, None),
    )
    axes.legend(fontsize=9)
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    figure.savefig(ROOT / "docs" / "images" / "continuity.png", dpi=110)
    results = {}
    for name, values in changes.items():
        steps = values.reshape(options.intervals, PER_INTERVAL)
        # The steps that touch an observed frame, over those in the middle of the interval.
        results[name] = {
            "mean": float(values.mean()),
            "at_observed_over_middle": float(steps[:, [0, -1]].mean() / steps[:, 4:12].mean()),
        }
        print(name, results[name])
    save("continuity", options.output, results, clip=options.clip, first=options.first)


if __name__ == "__main__":
    main()
