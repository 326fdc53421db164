"""The constraint between the frames, at stride 4: held-out PSNR of patches with the paper's constraint at
observed frames only, with the constraint between them too, and with warped colours there, at equal budget.

Crops of 64x96 and 21 frames of each clip, where observed frames change most. Every variant draws the same
number of points in every one of the same number of steps.
"""

import time

import numpy as np
from common import arguments, save
from constraint_effect import crop

from tweenfield import Dis, evaluate, read_video, replace, standard

CLIPS = ("bunny_a", "bunny_b", "bikes", "walk", "street_multi", "mouse")
STRIDE, FRAMES = 4, 21
VARIANTS = {
    "observed frames only, lambda 0.12": {"weight": 0.12, "between": 0.0, "warped": 0.0},
    "observed frames only": {"between": 0.0, "warped": 0.0},
    "between": {"warped": 0.0},
    "between and warped": {},
}


def main() -> None:
    options = arguments(__doc__, steps=1200)
    results = []
    for name in CLIPS:
        video = crop(read_video(options.clips / f"{name}.mkv"), FRAMES, STRIDE)
        fits, baselines = {}, {}
        for variant, changes in VARIANTS.items():
            began, wanted = time.monotonic(), () if baselines else ("blend", "warp")
            recipe = replace(standard("patches"), steps=options.steps, **changes)
            values = evaluate(
                video,
                Dis(),
                recipe,
                stride=STRIDE,
                device="cpu",
                baselines=wanted,
            ).as_json()
            baselines = baselines or {n: b["psnr_held_out"] for n, b in values["baselines"].items()}
            fits[variant] = {k: values[k] for k in ("psnr_observed", "psnr_held_out")}
            seconds = time.monotonic() - began
            print(f"{video.name}: {variant}: {fits[variant]}, {seconds:.0f} s", flush=True)
        print(video.name, baselines)
        results.append({"clip": video.name, "fits": fits, "baselines": baselines})
    for variant in VARIANTS:
        mean = np.mean([r["fits"][variant]["psnr_held_out"] for r in results])
        print(f"mean of {variant}: {mean:.2f} dB")
    save("between_frames", options.output, results, seed=0, flow="dis", stride=STRIDE, steps=options.steps)


if __name__ == "__main__":
    main()
