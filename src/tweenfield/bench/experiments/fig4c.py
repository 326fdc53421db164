"""Figure 4c: the number of epochs."""

from __future__ import annotations

from tweenfield.bench.experiment import Experiment
from tweenfield.bench.sweep import curves, sweep

# Each is a fit of its own, since the step size falls to zero along the way.
_LENGTHS = {
    "tiny": ("steps", (5, 15)),
    "small": ("steps", (250, 500, 1000, 2000)),
    "paper": ("epochs", (500, 1000, 2500, 5000, 10000)),
}

FIG4C = Experiment(
    title="Figure 4c: length of the fit",
    question="PSNR of the constrained network over the epochs (at small scales: steps) of the whole fit.",
    plan=lambda scale, cases, baselines: sweep(
        scale, cases, [(_LENGTHS[scale][0], n, {_LENGTHS[scale][0]: n}) for n in _LENGTHS[scale][1]]
    ),
    figures=lambda rows: [curves(rows, "epochs, or steps at small scales", log=True)],
)
