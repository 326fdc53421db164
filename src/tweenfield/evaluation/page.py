"""Pages that open offline: what all have, the viewer's parts included, and that of what to expect."""

from __future__ import annotations

import base64
import heapq
import io
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
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
# The styles of lines, and those that have the colour of another.
_STYLES, _SAME = ("s0", "s2", "s3", "s1", "s4"), {"expected": "s0", "true": "s1"}
_DASHES = ("", " dashed", " dotted")


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
            psnr=plotted(
                {"PSNR to expect": [(seconds[e.index], e.psnr) for e in expected if e.psnr < 100]},
                axis="second",
                styles={"PSNR to expect": "expected"},
            ),
            size=small_size((field.grid.height, field.grid.width)),
            pictures=[
                choice
                for e in worst
                for choice in (
                    (f"frame {e.index} as drawn", f"drawn-{e.index}"),
                    (f"error to expect of frame {e.index}", f"map-{e.index}"),
                )
            ],
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
    """The templates of a package, and what all pages have: their base, style, and the modules of the viewer's
    parts, by the names that ``report.js`` imports.
    """
    folders = ((package, "templates"), (_HERE, "templates"), (_HERE, "components"))
    loaders = [PackageLoader(*folder) for folder in dict.fromkeys(folders)]
    made = Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined)
    made.globals["modules"] = _modules
    return made


def plotted(
    series: Mapping[str, Iterable[tuple[float, float]]],
    *,
    axis: str,
    styles: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """What ``plot.js`` draws: PSNR in dB at places along an axis, a line for each series by its name.

    Args:
        series: places, increasing, and PSNR.
        axis: what the places are.
        styles: for some series ``expected`` or ``true``; the others get the colours that are left, in turn.
    """
    taken = {_SAME[style] for style in styles.values()}
    others = cycle(style + dashes for dashes in _DASHES for style in _STYLES if style not in taken)
    lines: list[dict[str, Any]] = [
        {
            "name": name,
            "style": styles.get(name) or next(others),
            "points": [
                {"x": x, "psnr": round(psnr, 2), "said": f"{axis} {x:.6g}: {psnr:.1f} dB, {name}"}
                for x, psnr in points
            ],
        }
        for name, points in series.items()
    ]
    last = max((p["x"] for line in lines for p in line["points"]), default=0)
    return {"series": lines, "to": last, "limit": DOUBTFUL_PSNR, "inset": 34, "axis": axis}


def _modules() -> dict[str, dict[str, str]]:
    """An import map: from a file that was opened offline no other can be fetched."""
    parts = (files(_HERE) / "components").iterdir()
    return {
        "imports": {
            file.name: data(file.read_bytes(), "text/javascript")
            for file in sorted(parts, key=lambda file: file.name)
            if file.name.endswith(".js")
        }
    }


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
    height, width = small_size((field.grid.height, field.grid.width))
    with torch.inference_mode():
        error = field.expected_error(e.t).cpu().numpy()
    error = cv2.resize(error, (width, height), interpolation=cv2.INTER_AREA)
    drawn = reduced_picture(field, e.t, height)
    return {
        "frame": e.index,
        "seconds": seconds,
        "psnr": e.psnr,
        "reason": e.reason,
        "drawn": webp(drawn),
        "map": webp(error_picture(error)),
    }


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a page's picture of something of this size, which isn't enlarged."""
    height = min(size[0], _HEIGHT)
    return height, max(1, round(size[1] * height / size[0]))


def webp(picture: UInt8[np.ndarray, "height width 3"]) -> str:
    """A picture as an address that holds it, without loss."""
    encoded = cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    return data(encoded.tobytes(), "image/webp")
