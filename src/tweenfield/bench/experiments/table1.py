"""Table 1: the paper's field beside other methods, on every data set at hand."""

from __future__ import annotations

from tweenfield.baselines import Baseline
from tweenfield.bench.cases import Case
from tweenfield.bench.cells import Cell, Method, Row
from tweenfield.bench.comparison import over_frames, over_motion
from tweenfield.bench.datasets import Extent, reduced
from tweenfield.bench.experiment import CLIPS_SHOWN, Experiment, Scale, Verdict, by_clip, counted, mean
from tweenfield.bench.sweep import base, held_out
from tweenfield.fitting.presets import draft, paper, standard
from tweenfield.fitting.recipe import Recipe, replace

# Clips per data set, frames, size; none: as they are.
_EXTENT: dict[Scale, Extent] = {
    "tiny": {"clips": 1, "frames": 5, "size": (32, 48)},
    "small": {"clips": 6, "frames": 21, "size": (120, 180)},
    "paper": {},
}
OURS = "siren (paper)"


def _fields(scale: Scale) -> dict[str, Recipe]:
    if scale == "tiny":
        return {
            OURS: base(scale),
            "transport": replace(draft(), steps=3, width=4, hidden=2, crops=1, side=12),
        }
    siren = paper() if scale == "paper" else replace(draft("siren"), extent=1.0, time_step=0.2, steps=1500)
    return {OURS: siren, "transport": standard()}


def _plan(scale: Scale, cases: list[Case], baselines: dict[str, Baseline]) -> list[Cell]:
    methods: dict[str, Baseline | Recipe] = {**baselines, **_fields(scale)}
    return [
        Cell(case=case, method=Method(name=name, how=how), pictured=number < CLIPS_SHOWN)
        for number, case in enumerate(reduced(cases, **_EXTENT[scale]))
        for name, how in methods.items()
    ]


def _check(rows: list[Row]) -> Verdict:
    found = {}
    for clip, mine in by_clip(rows).items():
        others = [row for row in mine if row["method"] != OURS and "parameters" not in row]
        (ours,) = (row for row in mine if row["method"] == OURS)
        top = max(others, key=held_out)
        found[clip] = (
            held_out(ours) > held_out(top),
            f"motion {mean(ours['motion']):.2f} px, {held_out(ours):.2f} dB, "
            f"{top['method']} {held_out(top):.2f} dB",
        )
    return counted(found)


TABLE1 = Experiment(
    title="Table 1: methods and data sets",
    question="Held-out PSNR and SSIM of the paper's field, of transport, and of the baselines.",
    claim="Where motion is limited, the constrained network interpolates as well as or better than methods "
    "trained on other videos.",
    plan=_plan,
    compares=True,
    figures=lambda rows: [*over_frames(rows), over_motion(rows)],
    check=_check,
)
