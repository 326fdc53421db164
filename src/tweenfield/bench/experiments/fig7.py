"""Figure 7: how well narrow networks fit the observed frames, with and without the constraint."""

from __future__ import annotations

from tweenfield.bench.cells import Row
from tweenfield.bench.experiment import Experiment, Verdict, by_clip, counted
from tweenfield.bench.sweep import LAMBDA, bits_per_pixel, curves, observed, sweep

_WIDTHS = {
    "tiny": (8, 16),
    "small": (8, 12, 16, 24, 32, 48),
    "paper": (16, 24, 32, 48, 64, 96, 128, 256),
}
_CONSTRAINED, _PLAIN = "constrained, width", "plain, width"


def _check(rows: list[Row]) -> Verdict:
    holds, said = {}, []
    for clip, mine in by_clip(rows).items():
        narrow = min(row["x"] for row in mine)
        found = {row["series"]: observed(row) for row in mine if row["x"] == narrow}
        wins = [
            row["x"]
            for row in mine
            if row["series"] == _CONSTRAINED
            and all(observed(row) > observed(o) for o in mine if o["series"] == _PLAIN and o["x"] == row["x"])
        ]
        holds[clip] = found[_CONSTRAINED] > found[_PLAIN]
        said.append(
            f"{clip}: at {narrow:g} neurons {found[_CONSTRAINED]:.2f} dB with the constraint and "
            f"{found[_PLAIN]:.2f} dB without; better with it at "
            + (", ".join(f"{x:g}" for x in wins) if wins else "no width")
        )
    return counted(holds, "; ".join(said) + ".")


FIG7 = Experiment(
    title="Figure 7: narrow networks on the observed frames",
    question="Observed PSNR over the width of the network, and over the bits of its parameters per pixel.",
    claim="Narrow networks fit the observed frames better with the constraint than without.",
    plan=lambda scale, cases, baselines: sweep(
        scale,
        cases,
        [
            (series, width, {"width": width, "weight": weight})
            for series, weight in ((_CONSTRAINED, LAMBDA), (_PLAIN, 0.0))
            for width in _WIDTHS[scale]
        ],
    ),
    figures=lambda rows: [
        curves(rows, "neurons per layer", [("observed PSNR (dB)", observed)]),
        curves(
            rows,
            "bits per pixel (32 per parameter)",
            [("observed PSNR (dB)", observed)],
            x=bits_per_pixel,
            log=True,
        ),
    ],
    check=_check,
)
