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
    found = {}
    for clip, mine in by_clip(rows).items():
        quality = {(row["series"], row["x"]): observed(row) for row in mine}
        widths = sorted({row["x"] for row in mine})
        wins = [x for x in widths if quality[_CONSTRAINED, x] > quality[_PLAIN, x]]
        narrow = widths[0]
        found[clip] = (
            narrow in wins,
            f"at {narrow:g} neurons {quality[_CONSTRAINED, narrow]:.2f} dB with the constraint and "
            f"{quality[_PLAIN, narrow]:.2f} dB without, better with it at "
            + (", ".join(f"{x:g}" for x in wins) or "no width"),
        )
    return counted(found)


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
