"""Pictures of held-out frames: typical ones, and those where transport gains and loses most.

Chosen by the figures that ``clips.py`` left, against the plain warp. Draws ``side_by_side.png`` (every
second frame hidden; of two clips the frame of median gain, cut to where most changes),
``best_and_worst.png`` (three of four hidden; whole frames of two clips each) and ``foliage.png`` (every
second hidden; the part of bunny_a that changes most, fitted by itself) in ``docs/images``.
"""

import json
from pathlib import Path
from types import EllipsisType

import numpy as np
from common import ROOT, arguments, busiest
from constraint_effect import crop
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tweenfield import Dis, Split, estimate_flow, fit, hide, psnr, read_video, render, standard
from tweenfield.baselines import blend, warp
from tweenfield.evaluation.error_maps import ERROR_LEVELS, ERROR_TITLE, error_levels
from tweenfield.evaluation.metrics import rounded

IMAGES = ROOT / "docs" / "images"
# Clips with much motion and with fine detail, and the part of the frame that is shown.
TYPICAL = ("bikes", "bunny_a")
PART = (120, 180)
# The part of bunny_a to look at more closely.
FOLIAGE = (96, 144)
# Of the best and of the worst, from different clips.
SHOWN = 2


def main() -> None:
    options = arguments(__doc__)
    side_by_side(options.clips, gains(options.output, 2))
    best_and_worst(options.clips, gains(options.output, 4))
    foliage(options.clips)


def gains(results: Path, stride: int) -> dict[tuple[str, int], float]:
    """Gain over the warp in dB for every held-out frame of every clip."""
    cells = json.loads((results / f"clips_stride{stride}.json").read_text())["cells"]
    return {
        (name, k): ours - theirs
        for name, methods in cells.items()
        for k, (ours, theirs) in enumerate(
            zip(methods["transport"]["psnr_each"], methods["warp DIS"]["psnr_each"], strict=True)
        )
    }


def drawn(split: Split, k: int) -> dict[str, np.ndarray]:
    """A held-out frame as each method draws it, 8-bit RGB."""
    flow, t = estimate_flow(split.observed, Dis()), split.positions[k]
    colors = {"cross-fade": blend, "warp": warp}
    found = {name: rounded(draw(split.observed, flow, float(t))) for name, draw in colors.items()}
    return {**found, "tweenfield": next(render(fit(split.observed, flow, standard()).field, [t]))}


def side_by_side(clips: Path, found: dict[tuple[str, int], float]) -> None:
    figure = Figure(figsize=(15, 10.4), layout="constrained")
    grid = figure.subplots(2 * len(TYPICAL), 4, squeeze=False)
    for row, name in zip(range(0, len(grid), 2), TYPICAL, strict=True):
        order = sorted((key for key in found if key[0] == name), key=found.__getitem__)
        k = order[len(order) // 2][1]
        split = hide(read_video(clips / f"{name}.mkv"), 2)
        before, after = split.observed.frames[int(split.positions[k]) :][:2]
        part = busiest(np.abs(before.astype(int) - after).sum(axis=-1), PART, 20)
        beside_truth(grid[row : row + 2], drawn(split, k), split, k, name, part)
    figure.savefig(IMAGES / "side_by_side.png", dpi=70)


def best_and_worst(clips: Path, found: dict[tuple[str, int], float]) -> None:
    order = sorted(found, key=found.__getitem__)
    chosen = [*first_of_each_clip(order[::-1]), *first_of_each_clip(order)]
    figure = Figure(figsize=(15, 2.2 * len(chosen) + 0.4), layout="constrained")
    for axes, (name, k) in zip(figure.subplots(len(chosen), 5), chosen, strict=True):
        split = hide(read_video(clips / f"{name}.mkv"), 4)
        truth, pictures = split.held_out.frames[k], drawn(split, k)
        show(axes[0], truth, f"{name}, hidden truth at {float(split.positions[k]):g}")
        for column, method in ((1, "warp"), (3, "tweenfield")):
            picture = pictures[method]
            show(axes[column], picture, f"{method}, {psnr(picture, truth):.1f} dB")
            show(axes[column + 1], error_levels(picture, truth), ERROR_TITLE)
    figure.savefig(IMAGES / "best_and_worst.png", dpi=80)


def foliage(clips: Path) -> None:
    whole = read_video(clips / "bunny_a.mkv")
    split = hide(crop(whole, len(whole), 2, FOLIAGE), 2)
    k = len(split.positions) // 2
    t, flow = split.positions[k], estimate_flow(split.observed, Dis())
    pictures = {"warp": rounded(warp(split.observed, flow, float(t)))}
    for name in ("transport", "patches"):
        pictures[name] = next(render(fit(split.observed, flow, standard(name)).field, [t]))
    figure = Figure(figsize=(15, 5.6), layout="constrained")
    beside_truth(figure.subplots(2, 4), pictures, split, k, "bunny_a")
    figure.savefig(IMAGES / "foliage.png", dpi=70)


def beside_truth(
    grid: np.ndarray,
    pictures: dict[str, np.ndarray],
    split: Split,
    k: int,
    clip: str,
    part: tuple[slice, slice] | EllipsisType = ...,
) -> None:
    """Pictures of a held-out frame above their errors; in the last column the truth and the frame before."""
    truth = split.held_out.frames[k]
    for axes, (method, picture) in zip(grid.T, pictures.items(), strict=False):
        show(axes[0], picture[part], f"{method}, {psnr(picture, truth):.1f} dB")
        show(axes[1], error_levels(picture, truth)[part], ERROR_TITLE)
    show(grid[0, 3], truth[part], f"{clip}: hidden truth")
    show(grid[1, 3], split.observed.frames[int(split.positions[k])][part], "observed frame before it")


def first_of_each_clip(order: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The first frame of each clip in this order, as many as are shown."""
    first: dict[str, tuple[str, int]] = {}
    for name, k in order:
        first.setdefault(name, (name, k))
    return list(first.values())[:SHOWN]


def show(axes: Axes, picture: np.ndarray, title: str) -> None:
    axes.imshow(picture, cmap="inferno", vmin=0, vmax=ERROR_LEVELS)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()


if __name__ == "__main__":
    main()
