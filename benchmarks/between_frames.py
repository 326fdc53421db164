"""Fits by the constraint at stride 4, at equal time: as the paper has it, and as ``patches`` has it.

Crops of 64x96 and 21 frames of each clip, where observed frames change most. The paper's constraint looks at
observed frames only, which span [-1, 1] in time; its network is cut down to 4 layers of 160, as the whole one
couldn't begin to learn in that time. Variants of patches take the same number of steps of the same number of
points; the network takes as many steps as the time of the last of them allows.
"""

import time

import numpy as np
from clips import CLIPS
from common import arguments, mean_psnr, save
from constraint_effect import crop

from tweenfield import (
    Dis,
    Flow,
    Recipe,
    Split,
    draft,
    estimate_flow,
    fit,
    hide,
    read_video,
    replace,
    standard,
)
from tweenfield.baselines import BASELINES
from tweenfield.drawing.render import render_colors

STRIDE, FRAMES = 4, 21
PAPER_TIME_STEP = 2 / ((FRAMES - 1) // STRIDE)
# The paper's constraint: absolute values, at observed frames.
PAPER = {"weight": 0.12, "huber": 0.0, "between": 0.0, "warped": 0.0}
PATCHES = {
    "patches, paper's constraint and time scale": {**PAPER, "time_step": PAPER_TIME_STEP},
    "patches, paper's constraint": PAPER,
    "patches, observed frames only": {"between": 0.0, "warped": 0.0},
    "patches, between": {"warped": 0.0},
    "patches, between and warped": {"teacher": None},
    "patches, between and pseudo-frames": {},
}
NETWORK = {"width": 160, "depth": 4, "points": 2048, "learning_rate": 5e-4, "extent": 1.0}
SIREN = {
    "network, paper's constraint and time scale": {"time_step": PAPER_TIME_STEP},
    "network, paper's constraint": {},
}
# Steps that tell how long a step takes.
TIMED = 50


def main() -> None:
    options = arguments(__doc__, steps=2000)
    results = []
    for name in CLIPS:
        video = crop(read_video(options.clips / f"{name}.mkv"), FRAMES, STRIDE)
        split = hide(video, STRIDE)
        flow = estimate_flow(split.observed, Dis())
        fits = {
            variant: fitted(split, flow, replace(standard("patches"), steps=options.steps, **changes))
            for variant, changes in PATCHES.items()
        }
        seconds = list(fits.values())[-1]["seconds"]
        for variant, changes in SIREN.items():
            recipe = replace(draft("siren"), weight=0.12, **NETWORK, **changes)
            begun, on = (fitted(split, flow, replace(recipe, steps=n))["seconds"] for n in (1, 1 + TIMED))
            steps = max(round(TIMED * seconds / (on - begun)), 1)
            fits[variant] = fitted(split, flow, replace(recipe, steps=steps))
        baselines = {
            name: mean_psnr(BASELINES[name](split.observed, flow, split.positions), split.held_out)
            for name in ("blend", "warp")
        }
        print(video.name, fits, baselines, flush=True)
        results.append({"clip": video.name, "fits": fits, "baselines": baselines})
    for variant in results[0]["fits"]:
        mean = np.mean([r["fits"][variant]["psnr_held_out"] for r in results])
        print(f"mean of {variant}: {mean:.2f} dB")
    save("between_frames", options.output, results, seed=0, flow="dis", stride=STRIDE, steps=options.steps)


def fitted(split: Split, flow: Flow, recipe: Recipe) -> dict[str, float]:
    """PSNR of a fit, its steps and its processor seconds, which other programs don't change."""
    began = time.process_time()
    field = fit(split.observed, flow, recipe, device="cpu").field
    seconds = time.process_time() - began
    return {
        "psnr_observed": mean_psnr(render_colors(field, range(len(split.observed))), split.observed),
        "psnr_held_out": mean_psnr(render_colors(field, split.positions), split.held_out),
        "steps": recipe.fit.steps,
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
