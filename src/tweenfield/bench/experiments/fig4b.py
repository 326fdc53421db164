"""Figure 4b: the learning rate."""

from __future__ import annotations

from tweenfield.bench.experiment import Experiment
from tweenfield.bench.sweep import curves, sweep

_RATES = {
    "tiny": (1e-4, 1e-3),
    "small": (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3),
    "paper": (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4),
}

FIG4B = Experiment(
    title="Figure 4b: learning rate",
    question="PSNR of the constrained network over the step size that Adam starts from.",
    plan=lambda scale, cases, baselines: sweep(
        scale, cases, [("learning rate", rate, {"learning_rate": rate}) for rate in _RATES[scale]]
    ),
    figures=lambda rows: [curves(rows, "learning rate", log=True)],
)
