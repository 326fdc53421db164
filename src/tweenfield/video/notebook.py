"""Pictures and figures as HTML, which is how a notebook shows a value."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape

import cv2
import numpy as np

from tweenfield.video.depth import Levels, eight_bit

# Pictures in a strip, and how high they are.
PICTURES, HEIGHT = 5, 96


def spread(last: float) -> list[float]:
    """Times of a strip's pictures from 0 to ``last``, the same only once."""
    return sorted({float(t) for t in np.linspace(0, last, PICTURES)})


def as_html(
    title: str,
    pictures: Sequence[tuple[str, Levels[np.ndarray, "height width 3"]]],
    rows: Mapping[str, Sequence[object]],
) -> str:
    """A title, a strip of small pictures with a caption each, and a table. All text is escaped.

    Args:
        title: what is shown.
        pictures: caption and RGB; larger ones are made small.
        rows: the cells of each row of the table, by the row's name.
    """
    figures = "".join(
        f'<figure style="margin:0 4px 4px 0"><img src="{_url(picture)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, picture in pictures
    )
    lines = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        + "".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in cells)
        + "</tr>"
        for name, cells in rows.items()
    )
    return (
        f'<div><strong>{escape(title)}</strong><div style="display:flex;flex-wrap:wrap">{figures}</div>'
        f"<table>{lines}</table></div>"
    )


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a strip's picture of something of this size, which isn't enlarged."""
    height = min(size[0], HEIGHT)
    return height, max(1, round(size[1] * height / size[0]))


def strip(
    times: Sequence[float], draw: Callable[[float], Levels[np.ndarray, "height width 3"]]
) -> list[tuple[str, Levels[np.ndarray, "height width 3"]]]:
    """Pictures at these times with the time as their caption."""
    return [(f"{t:.4g}", draw(t)) for t in times]


def _url(picture: Levels[np.ndarray, "height width 3"]) -> str:
    height, width = small_size((picture.shape[0], picture.shape[1]))
    if (height, width) != picture.shape[:2]:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".png", cv2.cvtColor(eight_bit(picture), cv2.COLOR_RGB2BGR))[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
