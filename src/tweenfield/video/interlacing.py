"""Interlaced video: recognised, and made into whole pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from fractions import Fraction

# So many frames at the beginning tell what a video is.
LOOKED_AT = 12


def is_interlaced(frames: Iterable[av.VideoFrame]) -> bool:
    """Whether most of these are marked as two fields of different times."""
    marks = [frame.interlaced_frame for frame in frames]
    return 2 * sum(marks) > len(marks)


def deinterlaced(frames: Iterable[av.VideoFrame], tick: Fraction) -> Iterator[av.VideoFrame]:
    """As many whole pictures as there are frames, at the same times, by libavfilter's bwdif.

    Each shows the time of its first field; the lines of the other field are interpolated in space and time.

    Args:
        frames: pictures of two fields each, of one size and format.
        tick: seconds per unit of their time stamps.
    """
    graph: av.filter.Graph | None = None
    stamps: deque[tuple[int | None, int | None]] = deque()
    for number, frame in enumerate(frames):
        graph = graph or _graph(frame, tick)
        stamps.append((frame.pts, frame.dts))
        # By their number, as stamps may be missing, and the filter wants them.
        frame.pts, frame.time_base = number, tick
        graph.push(frame)
        yield from _ready(graph, stamps, tick)
    if graph is not None:
        graph.push(None)
        yield from _ready(graph, stamps, tick)


def _graph(first: av.VideoFrame, tick: Fraction) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=first.width, height=first.height, format=first.format, time_base=tick)
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:parity=auto:deint=all"), graph.add("buffersink")
    ).configure()
    return graph


def _ready(
    graph: av.filter.Graph, stamps: deque[tuple[int | None, int | None]], tick: Fraction
) -> Iterator[av.VideoFrame]:
    while True:
        try:
            whole = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        whole.time_base = tick
        whole.pts, whole.dts = stamps.popleft()
        yield whole
