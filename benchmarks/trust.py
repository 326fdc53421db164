"""How far the error to expect can be trusted, as uncertainty of flow and depth is judged.

Of each clip, every second or fourth frame is observed, and the others are drawn, with a map of the error to
expect. A pixel's error is the root of its squared error, mean over RGB, in levels of 255.

Sparsification (Ilg et al., ECCV 2018): the mean error of the pixels that are left when those of largest
expected error are removed, over that of all. AUSE is the area between this curve and that of the oracle,
which removes by the true error. The heuristic removes by the difference of the two warps along the forward
flow. Calibration: the share of pixels whose error is within z times the expected one. PSNR: expected and
true, of each frame; frames across a cut, which may belong to either shot, count only where "all" is said.

The clips of the half ``report`` share no source with those of the half ``tune``, which the network was fitted
to and all settings were chosen on (``trust_clips.py``).
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import torch
from common import RESULTS, ROOT, begun, keep, table
from matplotlib.figure import Figure
from trust_clips import REPORT, TUNE, clip

from tweenfield import Dis, Field, estimate_flow, fit, hide, standard
from tweenfield.drawing.expectation import expect
from tweenfield.drawing.render import render
from tweenfield.evaluation.metrics import PROTOCOLS
from tweenfield.fields.transport.maps import place

LEFT = np.linspace(1, 0.01, 100)
SPREAD = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
WITHIN = 1.5


def left_error(error: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The mean error of the pixels that are left, of all of which it is 1, for each share in ``LEFT``."""
    sums = np.cumsum(error[np.argsort(by, kind="stable")])
    counts = np.maximum((LEFT * len(error)).round().astype(int), 1)
    curve: np.ndarray = sums[counts - 1] / counts / max(error.mean(), 1e-9)
    return curve


@torch.inference_mode()
def measured(field: Field, t: float, truth: np.ndarray) -> dict | None:
    """All figures of one held-out frame; None across a cut, where there are no warps to compare with."""
    drawn = next(render(field, [t]))
    error = np.sqrt(np.square(drawn.astype(float) - truth).mean(axis=-1)).ravel()
    expected = field.expected_error(t).numpy().ravel()
    result = {
        "psnr": PROTOCOLS["tweenfield"](drawn.astype(np.float32) / 255, truth).psnr,
        "psnr_expected": expect(field, t).psnr,
        "within": [float((error <= z * expected).mean()) for z in SPREAD],
    }
    interval, knot, _ = place(t, field.grid.frames)
    sight = field._maps(interval, knot).sight
    if sight is None:
        return result | {"curves": None}
    warps = (sight.colors[0].float() - sight.colors[1].float()).abs().mean(dim=0).numpy().ravel()
    curves = {"ours": expected, "heuristic": warps, "oracle": error}
    return result | {"curves": {name: left_error(error, by).tolist() for name, by in curves.items()}}


def of_clip(data: Path, name: str, stride: int) -> dict:
    split = hide(clip(data, name), stride)
    field = fit(split.observed, estimate_flow(split.observed, Dis()), standard(), device="cpu").field
    frames = [
        measured(field, float(t), truth)
        for t, truth in zip(split.positions, split.held_out.frames, strict=True)
    ]
    whole = np.array([f["curves"] is not None for f in frames])
    curves = [f["curves"] for f in frames if f["curves"]]
    mean = {key: np.mean([c[key] for c in curves], axis=0) for key in curves[0]}
    ause = {key: float((mean[key] - mean["oracle"]).mean()) for key in ("ours", "heuristic")}
    psnr, expected = (np.array([f[key] for f in frames]) for key in ("psnr", "psnr_expected"))
    return {
        "ause": ause,
        "ratio": ause["ours"] / ause["heuristic"],
        "within": float((abs(psnr - expected) < WITHIN)[whole].mean()),
        "whole": whole.tolist(),
        "psnr": psnr.round(2).tolist(),
        "psnr_expected": expected.round(2).tolist(),
        "share_within": np.mean([f["within"] for f in frames], axis=0).round(4).tolist(),
        "curves": {key: values.round(4).tolist() for key, values in mean.items()},
    }


def summary(found: dict, names: dict) -> dict:
    """Means over the clips of one half."""
    mine = [r for key, r in found.items() if key.rsplit(" ", 1)[0] in names]
    psnr, expected, whole = (
        np.concatenate([r[key] for r in mine]) for key in ("psnr", "psnr_expected", "whole")
    )
    off = expected - psnr
    return {
        "ause": {key: float(np.mean([r["ause"][key] for r in mine])) for key in mine[0]["ause"]},
        "ratio": float(
            np.mean([r["ause"]["ours"] for r in mine]) / np.mean([r["ause"]["heuristic"] for r in mine])
        ),
        "within": float(np.mean([r["within"] for r in mine])),
        "of each frame": float(np.mean(abs(off[whole]) < WITHIN)),
        "of all": float(np.mean(abs(off) < WITHIN)),
        "off": float(np.mean(off[whole])),
        "correlation": float(np.corrcoef(psnr[whole], expected[whole])[0, 1]),
        "share_within": np.mean([r["share_within"] for r in mine], axis=0).round(4).tolist(),
    }


def plot(found: dict) -> Figure:
    figure = Figure(figsize=(12, 4), layout="constrained")
    curves, frames, shares = figure.subplots(1, 3)
    mine = {key: r for key, r in found.items() if key.rsplit(" ", 1)[0] in REPORT}
    for key, color in (("heuristic", "#94a3b8"), ("ours", "#c2410c"), ("oracle", "#1d4ed8")):
        curve = np.mean([r["curves"][key] for r in mine.values()], axis=0)
        curves.plot(1 - LEFT, curve, color=color, label={"ours": "expected error"}.get(key, key))
    curves.set(title="sparsification", xlabel="share of pixels removed", ylabel="mean error left, of all")
    curves.legend()
    for name in REPORT:
        points = [r for key, r in mine.items() if key.rsplit(" ", 1)[0] == name]
        frames.scatter(
            *(np.concatenate([r[k] for r in points]) for k in ("psnr_expected", "psnr")), s=6, label=name
        )
    ends = (22, 55)
    frames.fill_between(
        ends, np.subtract(ends, WITHIN), np.add(ends, WITHIN), color="#d6d3d1", alpha=0.6, zorder=0
    )
    frames.set(
        title="PSNR of held-out frames", xlabel="expected (dB)", ylabel="true (dB)", xlim=ends, ylim=ends
    )
    frames.legend(fontsize=7)
    for r in mine.values():
        shares.plot(SPREAD, r["share_within"], color="#c2410c", alpha=0.3, linewidth=1)
    shares.plot(SPREAD, summary(found, REPORT)["share_within"], color="#c2410c", marker=".", label="mean")
    shares.set(
        title="calibration", xlabel="times the expected error", ylabel="share of pixels within", ylim=(0, 1)
    )
    shares.legend()
    for axes in (curves, frames, shares):
        axes.grid(alpha=0.3)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "images" / "trust.png")
    options = parser.parse_args()
    path = options.output / "trust.json"
    content = begun(path, benchmark="trust", results={})
    found = content["results"]
    halves = {"report": REPORT, "tune": TUNE}
    for half, names in halves.items():
        for name, stride in product(names, (2, 4)):
            key = f"{name} {stride}"
            if key not in found:
                found[key] = of_clip(options.data, name, stride)
                print(key, {figure: found[key][figure] for figure in ("ratio", "within")}, flush=True)
                keep(path, content)
        content.setdefault("summary", {})[half] = summary(found, names)
        keep(path, content)
    plot(found).savefig(options.picture, dpi=100)
    figures = ("ratio", "within", "of each frame", "of all", "off", "correlation")
    lines = [[half, *(round(s[f], 3) for f in figures)] for half, s in content["summary"].items()]
    print(table(["clips", *figures], lines))


if __name__ == "__main__":
    main()
