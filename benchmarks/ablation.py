"""What each part of transport is worth: the mean over the six clips with one part changed at a time.

Fits are shorter than ``standard`` (200 steps of 6 crops), so that a row takes two minutes on one core; but
what keeps a fit from going too far is looked at in a whole one. A row that the results file has already is
not computed again; remove the file to start over.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from clips import CLIPS
from common import arguments, begun, keep, mean_psnr

from tweenfield import DeepFlow, Dis, Farneback, Recipe, estimate_flow, fit, hide, read_video, standard
from tweenfield.drawing.render import render_colors
from tweenfield.fields.transport import candidates, field
from tweenfield.fitting.leave_out.hiding import Kind
from tweenfield.fitting.recipe import replace as change

SHORT = change(standard(), steps=200, crops=6)
# A first row, then one change each: flow provider, recipe, and what is patched.
ROWS: dict[str, dict] = {
    "all of it, 200 steps of 6 crops": {},
    "DeepFlow": {"flow": DeepFlow},
    "Farneback": {"flow": Farneback},
    "base without any still share": {"patches": {"fields.transport.candidates._STILL_SHARE": np.float32(0)}},
    "straight paths": {"patches": {"fields.transport.candidates._acceleration": lambda _, v, *__: 0 * v}},
    "base alone, nothing fitted": {
        "patches": {"fitting.leave_out.calibration._STRENGTHS": np.zeros(1)},
        "recipe": change(SHORT, steps=1),
    },
    "without the far frames along the flow": {"absent": (4, 5)},
    "without the far frames standing still": {"absent": (8, 9)},
    "without anything standing still": {
        "absent": (6, 7, 8, 9),
        "patches": {"fields.transport.candidates._STILL_SHARE": np.float32(0)},
    },
    "hidden at half size only": {"patches": {"fitting.leave_out.objective.TO_FIT": (Kind(2, 2),)}},
    "hidden at full size only": {"patches": {"fitting.leave_out.objective.TO_FIT": (Kind(2, 1),)}},
    "hidden at a quarter only": {"patches": {"fitting.leave_out.objective.TO_FIT": (Kind(4, 4),)}},
    "half and full size, no quarter": {
        "patches": {"fitting.leave_out.objective.TO_FIT": (Kind(2, 2), Kind(2, 1))}
    },
    "every hidden frame counts in full": {"patches": {"fitting.leave_out.hiding._LESS_AGREEMENT": 1e9}},
    "fitted weights followed all the way": {
        "patches": {"fitting.leave_out.calibration._STRENGTHS": np.ones(1)}
    },
    "fitted weights never moderated": {
        "patches": {"fitting.leave_out.calibration._STRENGTHS": np.full(1, 0.8)}
    },
    "network heard where candidates agree too": {"patches": {"fields.transport.mixing._LEVEL": 1e-9}},
    "12 channels": {"recipe": change(SHORT, width=12)},
    "64 channels": {"recipe": change(SHORT, width=64)},
    "2 convolutions": {"recipe": change(SHORT, depth=2)},
    "4 convolutions": {"recipe": change(SHORT, depth=4)},
    "50 steps": {"recipe": change(SHORT, steps=50)},
    "`standard`: 600 steps of 8 crops": {"recipe": standard()},
    "`standard` without any of the four cautions": {
        "recipe": standard(),
        "patches": {
            "fields.transport.candidates._STILL_SHARE": np.float32(0),
            "fitting.leave_out.hiding._LESS_AGREEMENT": 1e9,
            "fitting.leave_out.calibration._STRENGTHS": np.ones(1),
            "fields.transport.mixing._LEVEL": 1e-9,
        },
    },
}


def main() -> None:
    options = arguments(__doc__, stride=2)
    path = options.output / f"ablation_stride{options.stride}.json"
    content = begun(path, rows={})
    for name, row in ROWS.items():
        if name in content["rows"]:
            continue
        content["rows"][name] = {
            clip: measured(options.clips / f"{clip}.mkv", options.stride, **row) for clip in CLIPS
        }
        keep(path, content)
        values = list(content["rows"][name].values())
        print(f"| {name} | " + " | ".join(f"{v:.2f}" for v in [*values, np.mean(values)]) + " |", flush=True)


def measured(
    clip,
    stride: int,
    flow: Callable = Dis,
    recipe: Recipe = SHORT,
    absent: tuple[int, ...] = (),
    patches: dict[str, object] | None = None,
) -> float:
    """Mean PSNR of the held-out frames in dB, protocol ``tweenfield``."""
    split = hide(read_video(clip), stride)
    with ExitStack() as changes:
        for name, value in (patches or {}).items():
            changes.enter_context(patch(f"tweenfield.{name}", value))
        changes.enter_context(without(absent))
        fitted = fit(split.observed, estimate_flow(split.observed, flow()), recipe).field
        return mean_psnr(render_colors(fitted, split.positions), split.held_out)


@contextmanager
def without(absent: tuple[int, ...]) -> Iterator[None]:
    """Some candidates marked as beyond the ends of the video."""
    trace = candidates.trace

    def fewer(*arguments) -> candidates.Trace:
        traced = trace(*arguments)
        kept = np.isin(np.arange(candidates.CANDIDATES), absent, invert=True)
        return replace(traced, present=traced.present & kept)

    with (
        patch.object(field, "trace", fewer),
        patch("tweenfield.fitting.leave_out.hiding.trace", fewer),
    ):
        yield


if __name__ == "__main__":
    main()
