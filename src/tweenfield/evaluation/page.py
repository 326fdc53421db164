"""One page that opens offline: the PSNR to expect over time, and the most doubtful frames with their maps."""

from __future__ import annotations

import base64
import heapq
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from tweenfield.drawing.expectation import DOUBTFUL_PSNR, Expectation, doubtful_ranges, in_words
from tweenfield.evaluation.error_maps import ERROR_LEVELS, error_picture
from tweenfield.fields.base import Field
from tweenfield.fields.reduced import reduced_picture
from tweenfield.storage.atomic import atomic_output

# So many frames are shown.
SHOWN = 10
_HERE = "tweenfield.evaluation"
_HEIGHT = 270
_LINE, _LIMIT = "#c2410c", "#57534e"


def write_expectation(
    folder: str | Path, field: Field, expected: Sequence[Expectation], seconds: Sequence[float], title: str
) -> None:
    """Write a folder with ``report.html``.

    Args:
        folder: a new or empty one.
        field: what the frames were drawn with.
        expected: what to expect of each frame of the output.
        seconds: when each is shown, by its number.
        title: whose frames they are.

    Raises:
        OutputError: the folder isn't empty or can't be written.
    """
    worst = heapq.nsmallest(SHOWN, {e.t: e for e in reversed(expected) if e.psnr < 100}.values(), _psnr)
    html = (
        environment(_HERE)
        .get_template("expectation.html.j2")
        .render(
            title=title,
            summary=in_words(expected),
            limit=DOUBTFUL_PSNR,
            levels=ERROR_LEVELS,
            plot=svg(_plot(expected, seconds)),
            ranges=[
                {"first": a, "last": b, "from": seconds[a], "to": seconds[b], "reason": reason}
                for a, b, reason in doubtful_ranges(expected)
            ],
            worst=[_shown(field, e, seconds[e.index]) for e in worst],
        )
    )
    with atomic_output(folder) as partial:
        partial.mkdir()
        (partial / "report.html").write_text(html)


def environment(package: str) -> Environment:
    """The templates of a package, and the style that all pages have."""
    loaders = [PackageLoader(name) for name in dict.fromkeys((package, _HERE))]
    return Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined)


def svg(figure: Figure) -> str:
    """A plot as an address that holds it."""
    text = io.BytesIO()
    # No date: the same results make the same file.
    figure.savefig(text, format="svg", metadata={"Date": None})
    return data(text.getvalue(), "image/svg+xml")


def data(content: bytes, kind: str) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _psnr(e: Expectation) -> float:
    return e.psnr


def _shown(field: Field, e: Expectation, seconds: float) -> dict[str, Any]:
    height, width = _small_size(field)
    with torch.inference_mode():
        error = field.expected_error(e.t).cpu().numpy()
    error = cv2.resize(error, (width, height), interpolation=cv2.INTER_AREA)
    drawn = reduced_picture(field, e.t, height)
    return {
        "frame": e.index,
        "seconds": seconds,
        "psnr": e.psnr,
        "reason": e.reason,
        "drawn": _webp(drawn),
        "map": _webp(error_picture(error)),
    }


def _small_size(field: Field) -> tuple[int, int]:
    height = min(field.grid.height, _HEIGHT)
    return height, max(1, round(field.grid.width * height / field.grid.height))


def _webp(picture: UInt8[np.ndarray, "height width 3"]) -> str:
    encoded = cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    return data(encoded.tobytes(), "image/webp")


def _plot(expected: Sequence[Expectation], seconds: Sequence[float]) -> Figure:
    figure = Figure(figsize=(10.4, 3.6), layout="constrained")
    axes = figure.subplots()
    shown = [e for e in expected if e.psnr < 100]
    axes.plot([seconds[e.index] for e in shown], [e.psnr for e in shown], marker=".", color=_LINE)
    axes.axhline(DOUBTFUL_PSNR, color=_LIMIT, linestyle="dashed", linewidth=1)
    axes.set(xlabel="seconds of the output", ylabel="PSNR to expect (dB)")
    axes.grid(alpha=0.3)
    return figure
