"""Figure 4a: the weight lambda of the constraint."""

from __future__ import annotations

from tweenfield.bench.cells import Row
from tweenfield.bench.experiment import Experiment, Verdict, by_clip, counted
from tweenfield.bench.sweep import best, curves, held_out, sweep

_LAMBDAS = {
    "tiny": (0.0, 0.12, 0.9),
    "small": (0.0, 0.01, 0.03, 0.12, 0.4, 0.8),
    "paper": (0.0, 0.01, 0.03, 0.06, 0.12, 0.25, 0.5, 0.8),
}


def _check(rows: list[Row]) -> Verdict:
    found = {}
    for clip, mine in by_clip(rows).items():
        top = best(mine)
        ends = min(row["x"] for row in mine), max(row["x"] for row in mine)
        found[clip] = top["x"] not in ends, f"best lambda {top['x']:g} ({held_out(top):.2f} dB)"
    return counted(found)


FIG4A = Experiment(
    title="Figure 4a: weight of the constraint",
    question="PSNR over lambda, from the observed frames alone (0) to almost the flow alone.",
    claim="The best lambda lies inside the range: both losses are needed.",
    plan=lambda scale, cases, baselines: sweep(
        scale, cases, [("lambda", weight, {"weight": weight}) for weight in _LAMBDAS[scale]]
    ),
    figures=lambda rows: [curves(rows, "lambda")],
    check=_check,
)
