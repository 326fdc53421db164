"""The paper's experiment (arXiv 2206.10886): held-out PSNR of a SIREN with and without the flow constraint.

    python examples/paper_experiment.py clip.mp4 result.json --size 120x180

Both are fitted to every second frame; observed times span [-1, 1] in the network's coordinates.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from tweenfield import Dis, draft, estimate_flow, fit, hide, psnr, read_video, render, replace

WEIGHTS = {"without the constraint": 0.0, "with the constraint": 0.12}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A SIREN with and without the flow constraint.")
    parser.add_argument("clip", help="a video, or a folder of images")
    parser.add_argument("output", type=Path, help="NAME.json")
    parser.add_argument("--frames", help="A:B, use these frames only")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))), help="HxW to resize to")
    parser.add_argument("--steps", type=int, default=3000, help="of each fit (3000; the paper: 5000 epochs)")
    parser.add_argument("--width", type=int, default=160, help="of the network (160; the paper: 512)")
    options = parser.parse_args(arguments)

    split = hide(read_video(options.clip, frames=options.frames, size=options.size), stride=2)
    flow = estimate_flow(split.observed, Dis())
    siren = replace(draft("siren"), steps=options.steps, width=options.width, extent=1.0)
    siren = replace(siren, time_step=2 / (len(split.observed) - 1))

    found = {}
    for name, weight in WEIGHTS.items():
        result = fit(split.observed, flow, replace(siren, weight=weight))
        for kind, frames, times in (
            ("observed", split.observed.frames, range(len(split.observed))),
            ("held-out", split.held_out.frames, split.positions),
        ):
            scores = [psnr(d, t) for d, t in zip(render(result.field, times), frames, strict=True)]
            found[f"{kind} frames {name}"] = float(np.mean(scores))
    for name, value in found.items():
        print(f"{name}: {value:.2f} dB")
    options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
