"""The page of an evaluation: its scores, PSNR over time, and held-out frames beside what was drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from tweenfield.drawing.render import render
from tweenfield.evaluation.error_maps import ERROR_LEVELS, error_levels, error_picture
from tweenfield.evaluation.evaluate import Evaluation
from tweenfield.evaluation.page import environment, plotted, small_size, webp
from tweenfield.video.depth import eight_bit

# The headings of scores, their digits, and whether more is better.
_COLUMNS = {
    "psnr_held_out": ("PSNR (dB)", 2, True),
    "ssim_held_out": ("SSIM", 4, True),
    "lpips_held_out": ("LPIPS", 4, False),
}
_WORST = 4
EXPECTED = "PSNR to expect"


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the page, which opens offline."""
    split, told = evaluation.split, evaluation.as_json()
    name = evaluation.result.field.name
    scores = {name: evaluation.score, **evaluation.baselines}
    expected = {} if evaluation.expected is None else {EXPECTED: evaluation.expected}
    lines = {**{each: score.psnr for each, score in scores.items()}, **expected}
    html = (
        environment("tweenfield.evaluation")
        .get_template("evaluation.html.j2")
        .render(
            **{
                key: told[key] for key in ("clip", "held_out", "size", "stride", "protocol", "flow", "preset")
            },
            headings=[_COLUMNS[key][0] for key in evaluation.score.means],
            rows=_rows({each: score.means for each, score in scores.items()}),
            psnr=plotted(
                {each: list(zip(split.indices, psnr, strict=True)) for each, psnr in lines.items()},
                axis="frame",
                styles={name: "true", EXPECTED: "expected"},
            ),
            levels=ERROR_LEVELS,
            shown=small_size(split.observed.size),
            frames=[_frame(evaluation, kind, k) for k, kind in _chosen(evaluation.score.psnr).items()],
        )
    )
    path.write_text(html)


def _rows(means: dict[str, dict[str, float]]) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Each method's cells: text, and whether it is the best of its column."""
    best = {
        key: (max if more else min)(each[key] for each in means.values())
        for key, (_, _, more) in _COLUMNS.items()
        if key in next(iter(means.values()))
    }
    return [
        (name, [(f"{each[key]:.{_COLUMNS[key][1]}f}", each[key] == best[key]) for key in best])
        for name, each in means.items()
    ]


def _chosen(psnr: tuple[float, ...]) -> dict[int, str]:
    """Which frames are shown: the worst, and the median."""
    order = np.argsort(psnr)
    worst = {int(k): "Low" if n else "Lowest" for n, k in enumerate(order[:_WORST])}
    return worst | {int(order[len(order) // 2]): "Typical"}


@torch.inference_mode()
def _frame(evaluation: Evaluation, kind: str, k: int) -> dict[str, Any]:
    split, field = evaluation.split, evaluation.result.field
    t, truth = split.positions[k], np.asarray(split.held_out.frames[k])
    drawn, height = next(render(field, [t])), small_size(split.observed.size)[0]
    pictures = {
        "as drawn": eight_bit(drawn),
        "held-out frame": eight_bit(truth),
        "true error": error_picture(error_levels(drawn, truth)),
    }
    if evaluation.expected is not None:
        pictures["error to expect"] = error_picture(field.expected_error(float(t)).cpu().numpy())
    pictures["observed frame before"] = eight_bit(np.asarray(split.observed.frames[int(t)]))
    pictures["observed frame after"] = eight_bit(np.asarray(split.observed.frames[int(t) + 1]))
    shown = [
        {"id": f"frame-{split.indices[k]}-{n}", "name": name, "src": webp(_reduced(picture, height))}
        for n, (name, picture) in enumerate(pictures.items())
    ]
    return {
        "kind": kind,
        "frame": split.indices[k],
        "psnr": evaluation.score.psnr[k],
        "expected": None if evaluation.expected is None else evaluation.expected[k],
        "pictures": shown,
        "choices": [(each["name"], each["id"]) for each in shown],
    }


def _reduced(picture: UInt8[np.ndarray, "_ _ 3"], height: int) -> UInt8[np.ndarray, "_ _ 3"]:
    if picture.shape[0] == height:
        return picture
    size = small_size((picture.shape[0], picture.shape[1]))
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA))
