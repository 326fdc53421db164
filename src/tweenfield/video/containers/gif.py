"""GIF, which loops endlessly: each frame with the best 256 colours for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, final

import av
import numpy as np

from tweenfield.video.carrying import Holds
from tweenfield.video.color import has_alpha
from tweenfield.video.containers.base import Look
from tweenfield.video.containers.codecs import Encoding
from tweenfield.video.depth import Levels, eight_bit

Packet: TypeAlias = "av.Packet[Any]"


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
        """A pixel of a GIF is there or not: what is less than half there is not."""
        return True

    def write(
        self, path: Path, frames: Iterator[Levels[np.ndarray, "height width channels"]], look: Look
    ) -> int:
        """Write the frames; times are k / rate rounded to 10 ms."""
        first = next(frames)
        height, width, channels = first.shape
        pixel_format = "rgb24" if channels == 3 else "rgba"
        graph, clear = _palette_graph(width, height, look.rate, pixel_format), channels == 4
        # Pictures with holes can't leave out what they have in common with the one before.
        options = {"gifflags": "-offsetting-transdiff"} if clear else {}
        with av.open(f"file:{path}", "w", format="gif", options={"loop": "0"}) as container:
            stream = container.add_stream("gif", rate=look.rate, options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
            stream.codec_context.time_base = 1 / look.rate
            count = 0
            for count, picture in enumerate(chain([first], frames), start=1):
                frame = av.VideoFrame.from_ndarray(eight_bit(picture), format=pixel_format)
                frame.pts, frame.time_base = count - 1, 1 / look.rate
                graph.push(frame)
                _drain(graph, container, stream, clear=clear)
            graph.push(None)
            _drain(graph, container, stream, clear=clear)
            container.mux(stream.encode(None))
        return count


def _palette_graph(width: int, height: int, rate: Fraction, pixel_format: str) -> av.filter.Graph:
    """A palette for each frame, so that no frame waits for the whole clip."""
    graph, packed = av.filter.Graph(), av.VideoFormat(pixel_format)
    source = graph.add_buffer(width=width, height=height, format=packed, time_base=1 / rate)
    split = graph.add("split")
    # One of the 256 colours is to be nothing.
    palette = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(has_alpha(packed))}")
    use, sink = graph.add("paletteuse", "new=1"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(palette, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _drain(
    graph: av.filter.Graph, container: av.container.OutputContainer, stream: av.VideoStream, *, clear: bool
) -> None:
    """Encode what the filter has ready."""
    while True:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        packets = stream.encode(frame)
        container.mux([_gone_afterwards(packet) for packet in packets] if clear else packets)


def _gone_afterwards(packet: Packet) -> Packet:
    """The packet of a picture of which nothing is left once the next one is shown; FFmpeg asks for that only
    where the picture has holes itself.
    """
    data = bytearray(packet)
    # The first one begins with the header of the file, and a palette of as many colours as that says.
    control = 13 + 3 * (2 << (data[10] & 7)) if data[:3] == b"GIF" else 0
    assert data[control : control + 2] == b"\x21\xf9"
    # What is then seen is nothing only if some index means nothing; no colour has the last one.
    if not data[control + 3] & 1:
        data[control + 6] = 255
    data[control + 3] = 2 << 2 | 1
    packet.update(bytes(data))
    return packet
