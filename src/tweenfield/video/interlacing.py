"""Interlaced video: recognised by its marks or, if these are lost, by its pictures; made into whole ones."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, final

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from jaxtyping import UInt8

# So many frames at the beginning tell whether a video is marked; so many of its pictures, what it is.
_MARKED, _SEEN = 12, 240
# So many combed frames show that a video is interlaced, if they are this part of all.
_COMBED, _PART = 4, 100
# One order of fields must be so many times as frequent as the other.
_CLEAR = 8
# What differs from the line above or from the frame before by more levels counts; a combed picture has teeth
# in this part of what moves, or of so many pixels if fewer do.
_LEVELS, _TEETH, _LEAST = 4, 0.06, 500
# Lines in a row that make a tooth.
_ROW = np.ones((4, 1), np.uint8)


@dataclass(frozen=True, kw_only=True)
class Weave:
    """How pictures are made of two fields.

    Attributes:
        first: the field that is shown first, ``tff`` or ``bff``; ``auto`` as each frame is marked.
        throughout: whether all frames are, or only those of which ``idet`` says so.
    """

    first: str
    throughout: bool = True

    @property
    def sentence(self) -> str:
        """What the user should know."""
        if self.first == "auto":
            return "the video is interlaced, and is made into whole pictures"
        if self.throughout:
            return "the video is interlaced without being marked so, and is made into whole pictures"
        return "parts of the video are interlaced without being marked so, and are made into whole pictures"

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Names and arguments of libavfilter's."""
        which = "all" if self.throughout else "interlaced"
        whole = ("bwdif", f"mode=send_frame:parity={self.first}:deint={which}")
        return [whole] if self.throughout else [("idet", ""), whole]


@final
class Watch:
    """Looks at the frames of a video, in order, to tell whether they are of two fields of different times.

    Marks decide if there are any. Otherwise libavfilter's ``idet`` tells, from what fits the fields of the
    frames before and after. As it takes text that scrolls for interlaced, its word counts only where a frame
    is combed: where the picture moves, lines are brighter and darker by turns.
    """

    def __init__(self) -> None:
        self._frames, self._marked = 0, 0
        self._orders: Counter[str] = Counter()
        self._combed: Counter[str] = Counter()
        self._graph: av.filter.Graph | None = None
        self._before: av.VideoFrame | None = None

    def look(self, frame: av.VideoFrame) -> None:
        """Take the next frame in."""
        self._frames += 1
        self._marked += self._frames <= _MARKED and bool(frame.interlaced_frame)
        self._graph = self._graph or _graph(frame, [("idet", "")])
        self._graph.push(frame)
        self._judge()

    def _judge(self) -> None:
        assert self._graph is not None
        for frame in _ready(self._graph):
            said = cast("Any", frame).metadata  # PyAV doesn't declare it.
            self._orders[said["lavfi.idet.multiple.current_frame"]] += 1
            order = said["lavfi.idet.single.current_frame"]
            before, self._before = self._before, frame
            # No more is measured than is needed.
            asked = order in ("tff", "bff") and self._woven() is None
            if asked and before is not None and _is_combed(frame, before):
                self._combed[order] += 1

    @property
    def is_sure(self) -> bool:
        """Whether no more frames are needed to know that the video is interlaced throughout."""
        if self._frames == _MARKED:
            return self._mostly_marked
        weave = self._woven() if self._frames == _SEEN else None
        return weave is not None and weave.throughout

    def found(self) -> Weave | None:
        """What the frames are, after the last one; None if they are whole."""
        if self._mostly_marked:
            return Weave(first="auto")
        if self._graph is not None:
            self._graph.push(None)
            self._judge()
            self._graph = None
        return self._woven()

    @property
    def _mostly_marked(self) -> bool:
        return 2 * self._marked > min(self._frames, _MARKED)

    def _woven(self) -> Weave | None:
        first, other = sorted(("tff", "bff"), key=self._combed.__getitem__, reverse=True)
        combed = self._combed[first]
        if combed < max(_COMBED, self._frames / _PART, _CLEAR * self._combed[other]):
            return None
        return Weave(first=first, throughout=2 * self._orders[first] > self._frames)


def _is_combed(frame: av.VideoFrame, before: av.VideoFrame) -> bool:
    """Whether lines are brighter and darker by turns where the picture moves, as no whole picture's are."""
    now, then = _grey(frame), _grey(before)
    moves = cv2.absdiff(now, then) > 2 * _LEVELS
    steps = cv2.subtract(now[1:], now[:-1], dtype=cv2.CV_16S)
    steps[::2] *= -1
    teeth = (cv2.erode(steps, _ROW) > _LEVELS) | (cv2.dilate(steps, _ROW) < -_LEVELS)
    found, moving = (int(np.count_nonzero(where)) for where in (teeth & moves[1:], moves))
    return found > _TEETH * max(moving, _LEAST)


def _grey(frame: av.VideoFrame) -> UInt8[np.ndarray, "height width"]:
    return cast("np.ndarray", frame.reformat(format="gray").to_ndarray())


def deinterlaced(frames: Iterable[av.VideoFrame], tick: Fraction, weave: Weave) -> Iterator[av.VideoFrame]:
    """As many whole pictures as there are frames, at the same times, by libavfilter's bwdif.

    Each shows the time of its first field; the lines of the other field are interpolated in space and time.

    Args:
        frames: pictures of two fields each, of one size and format.
        tick: seconds per unit of their time stamps.
        weave: how the fields were put together.
    """
    graph: av.filter.Graph | None = None
    stamps: deque[tuple[int | None, int | None]] = deque()
    for number, frame in enumerate(frames):
        graph = graph or _graph(frame, weave.filters)
        stamps.append((frame.pts, frame.dts))
        # By their number, as stamps may be missing, and the filter wants them.
        frame.pts = number
        graph.push(frame)
        frame.pts = stamps[-1][0]
        yield from _stamped(graph, stamps, tick)
    if graph is not None:
        graph.push(None)
        yield from _stamped(graph, stamps, tick)


def _stamped(
    graph: av.filter.Graph, stamps: deque[tuple[int | None, int | None]], tick: Fraction
) -> Iterator[av.VideoFrame]:
    for whole in _ready(graph):
        whole.time_base = tick
        whole.pts, whole.dts = stamps.popleft()
        yield whole


def _graph(first: av.VideoFrame, filters: list[tuple[str, str]]) -> av.filter.Graph:
    """The filters one after the other, for frames like the first."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=first.time_base
    )
    chain = [graph.add(name, arguments) for name, arguments in filters]
    graph.link_nodes(source, *chain, graph.add("buffersink")).configure()
    return graph


def _ready(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (BlockingIOError, EOFError):
            return
