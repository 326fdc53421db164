"""Figure 4e: width and depth of the constrained network."""

from __future__ import annotations

from tweenfield.bench.cells import Row
from tweenfield.bench.experiment import Experiment, Verdict, by_clip, counted
from tweenfield.bench.sweep import best, curves, held_out, sweep

_SIZES = {
    "tiny": ((2, 3), (8, 16)),
    "small": ((3, 4, 6), (48, 96, 160)),
    "paper": ((4, 6, 9, 12), (128, 256, 512, 720, 1024)),
}


def _check(rows: list[Row]) -> Verdict:
    found = {}
    for clip, mine in by_clip(rows).items():
        depths: dict[str, list[Row]] = {}
        for row in mine:
            depths.setdefault(row["series"], []).append(row)
        tops = {name: best(line) for name, line in depths.items()}
        widest = max(row["x"] for row in mine)
        found[clip] = (
            any(top["x"] < widest for top in tops.values()),
            ", ".join(f"{n} best at {t['x']:g} ({held_out(t):.2f} dB)" for n, t in tops.items()),
        )
    return counted(found)


FIG4E = Experiment(
    title="Figure 4e: width and depth",
    question="PSNR of the constrained network over its width, for several depths.",
    claim="Wider is not always better for the frames in between.",
    plan=lambda scale, cases, baselines: sweep(
        scale,
        cases,
        [
            (f"depth {depth}, width", width, {"depth": depth, "width": width})
            for depth in _SIZES[scale][0]
            for width in _SIZES[scale][1]
        ],
    ),
    figures=lambda rows: [curves(rows, "width")],
    check=_check,
)
