"""Figure 3: a plain SIREN at many frequencies omega against the constrained one."""

from __future__ import annotations

from tweenfield.baselines import Baseline
from tweenfield.bench.cases import Case
from tweenfield.bench.cells import Cell, Row
from tweenfield.bench.experiment import Experiment, Scale, Verdict, by_clip, counted
from tweenfield.bench.sweep import LAMBDA, base, best, curves, held_out, sweep

_OMEGAS = {"tiny": (10, 30), "small": (2, 5, 10, 20, 30), "paper": (2, 5, 10, 15, 20, 25, 30, 40)}
_PLAIN, _CONSTRAINED = "plain, omega", "constrained, omega"


def _plan(scale: Scale, cases: list[Case], baselines: dict[str, Baseline]) -> list[Cell]:
    plain = [(_PLAIN, omega, {"omega": float(omega), "weight": 0.0}) for omega in _OMEGAS[scale]]
    omega = base(scale).settings["field"]["omega"]
    return sweep(scale, cases, [*plain, (_CONSTRAINED, omega, {"weight": LAMBDA})])


def _check(rows: list[Row]) -> Verdict:
    found = {}
    for clip, mine in by_clip(rows).items():
        plain = best([row for row in mine if row["series"] == _PLAIN])
        constrained = best([row for row in mine if row["series"] == _CONSTRAINED])
        found[clip] = (
            held_out(constrained) > held_out(plain),
            f"constrained {held_out(constrained):.2f} dB, best plain {held_out(plain):.2f} dB "
            f"at omega {plain['x']:g}",
        )
    return counted(found)


FIG3 = Experiment(
    title="Figure 3: no frequency does what the constraint does",
    question="Held-out PSNR of a SIREN without the constraint over its frequency omega, and of one with it.",
    claim="The constrained network interpolates better than the plain one at its best omega.",
    plan=_plan,
    figures=lambda rows: [curves(rows, "omega")],
    check=_check,
)
