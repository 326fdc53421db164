"""GIF, which loops endlessly: each frame with the best 256 colours for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import final

import av
import numpy as np

from tweenfield.video.carrying import Holds
from tweenfield.video.containers.base import Look
from tweenfield.video.containers.codecs import Encoding
from tweenfield.video.depth import Levels, eight_bit


@final
@dataclass(frozen=True)
class Gif:
    """Its clock ticks 100 times a second, and players show no frame for less than two ticks."""

    holds: Holds | None = field(default=None, init=False)
    codecs: tuple[str, ...] = field(default=(), init=False)
    folder: bool = field(default=False, init=False)
    square_pixels: bool = field(default=True, init=False)
    highest_rate: Fraction | None = field(default=Fraction(50), init=False)

    def keeps_alpha(self, encoding: Encoding) -> bool:
        """A pixel of a GIF is there or not, which shows as a hard edge."""
        return False

    def write(self, path: Path, frames: Iterator[Levels[np.ndarray, "height width 3"]], look: Look) -> int:
        """Write the frames; times are k / rate rounded to 10 ms."""
        first = next(frames)
        height, width, _ = first.shape
        graph = _palette_graph(width, height, look.rate)
        with av.open(f"file:{path}", "w", format="gif", options={"loop": "0"}) as container:
            stream = container.add_stream("gif", rate=look.rate)
            stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
            stream.codec_context.time_base = 1 / look.rate
            count = 0
            for count, rgb in enumerate(chain([first], frames), start=1):
                frame = av.VideoFrame.from_ndarray(eight_bit(rgb), format="rgb24")
                frame.pts, frame.time_base = count - 1, 1 / look.rate
                graph.push(frame)
                _drain(graph, container, stream)
            graph.push(None)
            _drain(graph, container, stream)
            container.mux(stream.encode(None))
        return count


def _palette_graph(width: int, height: int, rate: Fraction) -> av.filter.Graph:
    """A palette for each frame, so that no frame waits for the whole clip."""
    graph = av.filter.Graph()
    rgb = av.VideoFormat("rgb24")
    source = graph.add_buffer(width=width, height=height, format=rgb, time_base=1 / rate)
    split = graph.add("split")
    palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use, sink = graph.add("paletteuse", "new=1"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(palette, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _drain(graph: av.filter.Graph, container: av.container.OutputContainer, stream: av.VideoStream) -> None:
    """Encode what the filter has ready."""
    while True:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        container.mux(stream.encode(frame))
