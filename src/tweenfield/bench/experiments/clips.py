"""Every field and every baseline on every clip, at full size: our own table."""

from __future__ import annotations

from tweenfield.baselines import Baseline
from tweenfield.bench.cases import Case
from tweenfield.bench.cells import Cell, Method
from tweenfield.bench.comparison import over_frames, over_motion
from tweenfield.bench.datasets import Extent, reduced
from tweenfield.bench.experiment import CLIPS_SHOWN, Experiment, Scale
from tweenfield.fitting.presets import RECIPES, draft, standard
from tweenfield.fitting.recipe import Recipe, replace

_TINY = {
    "transport": {"steps": 3, "width": 4, "hidden": 2, "crops": 1, "side": 12},
}


def _recipe(field: str, scale: Scale) -> Recipe:
    if scale == "tiny":
        return replace(draft(field), **_TINY.get(field, {"steps": 3}))
    # A siren's standard fit takes half an hour on a CPU.
    return draft(field) if scale == "small" and field == "siren" else standard(field)


def _plan(scale: Scale, cases: list[Case], baselines: dict[str, Baseline]) -> list[Cell]:
    extent: Extent = {"clips": 1, "frames": 5, "size": (32, 48)} if scale == "tiny" else {}
    methods: dict[str, Baseline | Recipe] = {**baselines, **{f: _recipe(f, scale) for f in RECIPES}}
    return [
        Cell(case=case, method=Method(name=name, how=how), pictured=number < CLIPS_SHOWN)
        for number, case in enumerate(reduced(cases, **extent))
        for name, how in methods.items()
    ]


CLIPS = Experiment(
    title="Clips: every field and baseline",
    question="Held-out PSNR and SSIM, seconds and memory of each method on each clip.",
    plan=_plan,
    compares=True,
    figures=lambda rows: [*over_frames(rows), over_motion(rows)],
)
