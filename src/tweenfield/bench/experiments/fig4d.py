"""Figure 4d: the frequency omega of the constrained network."""

from __future__ import annotations

from tweenfield.bench.experiment import Experiment
from tweenfield.bench.sweep import curves, sweep

_OMEGAS = {"tiny": (10, 30), "small": (5, 10, 20, 30, 45), "paper": (10, 15, 20, 25, 30, 40, 60)}

FIG4D = Experiment(
    title="Figure 4d: frequency with the constraint",
    question="PSNR of the constrained network over the frequency omega of its sines.",
    plan=lambda scale, cases, baselines: sweep(
        scale, cases, [("omega", omega, {"omega": float(omega)}) for omega in _OMEGAS[scale]]
    ),
    figures=lambda rows: [curves(rows, "omega")],
)
