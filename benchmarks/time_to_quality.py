"""Held-out PSNR over the time of the fit: the paper's recipe and patches, side by side on small crops.

Crops of 64x96 and 11 frames, every second observed, as in constraint_effect.py. The paper's recipe is the
preset ``paper`` with its optimiser and schedule, but with as many epochs as ``--epochs`` says and batches
of ``--points``: 15000 epochs of this small crop would take a CPU core days. So its curve is that of a recipe
cut short, and its end no more than what the same time buys. The paper doesn't give the scale of its time
axis: once an interval is as long as in 20 frames over [-1, 1], as the preset has it, and once the observed
frames of the crop themselves are spread over [-1, 1]. The clock stops while frames are scored.
"""

import time

import numpy as np
from common import arguments, save
from constraint_effect import PAPER_TIME_STEP, crop

from tweenfield import (
    Dis,
    FitResult,
    Recipe,
    Split,
    estimate_flow,
    fit,
    hide,
    paper,
    psnr,
    read_video,
    render,
    replace,
    standard,
)

CLIPS = ("bunny_a", "walk", "bikes")


def held_out(result: FitResult, split: Split) -> float:
    drawn = render(result.field, split.positions)
    return float(np.mean([psnr(a, b) for a, b in zip(drawn, split.held_out.frames, strict=True)]))


def curve(split: Split, recipe: Recipe, every: float, device: str) -> dict[str, object]:
    """The fit's held-out PSNR about every so many seconds, and at its end."""
    points, scoring = [], 0.0

    def score(result: FitResult) -> None:
        nonlocal scoring
        began = time.monotonic()
        points.append(
            {"seconds": result.seconds - scoring, "step": result.step, "psnr": held_out(result, split)}
        )
        scoring += time.monotonic() - began

    flow = estimate_flow(split.observed, Dis())
    score(fit(split.observed, flow, recipe, device=device, on_checkpoint=score, checkpoint_seconds=every))
    return {"steps": points[-1]["step"], "curve": points}


def main() -> None:
    options = arguments(__doc__, epochs=6, points=256, device="cpu")
    short = replace(paper(), epochs=options.epochs, points=options.points)
    recipes = {
        "patches": (standard("patches"), 0.5),
        "paper": (short, 5.0),
        "paper, crop over [-1, 1]": (replace(short, time_step=PAPER_TIME_STEP), 5.0),
    }
    results = []
    for clip in CLIPS:
        video = crop(read_video(options.clips / f"{clip}.mkv"))
        split = hide(video)
        for name, (recipe, every) in recipes.items():
            results.append({"clip": clip, "recipe": name, **curve(split, recipe, every, options.device)})
            end = results[-1]["curve"][-1]
            print(f"{video.name}: {name}: {end['psnr']:.2f} dB after {end['seconds']:.0f} s", flush=True)
            save(
                "time_to_quality",
                options.output,
                results,
                epochs=options.epochs,
                points=options.points,
                device=options.device,
            )


if __name__ == "__main__":
    main()
