"""Frames to a video file or a folder of PNGs, streamed, at an exact rate and with unchanged colours."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import chain
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from tweenfield.errors import OutputError, UsageError
from tweenfield.files import atomic_output, check_target
from tweenfield.video.clip import ColorTags
from tweenfield.video.color import frame_from_rgb, yuv_matrix
from tweenfield.video.selecting import resize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FILE_SUFFIXES = (".mp4", ".mkv", ".webm", ".gif")
# PyAV can't hand a pixel aspect ratio to these muxers, so their frames are widened to square pixels.
SQUARE_SUFFIXES = (".webm", ".gif")
GIF_MAX_RATE = 50
BT709 = ColorTags()

_CODECS = {
    ".mp4": ("libx264", {"crf": "14", "preset": "medium"}, {"movflags": "+faststart"}),
    ".mkv": ("libx264", {"crf": "14", "preset": "medium"}, {}),
    ".webm": ("libvpx-vp9", {"crf": "20", "b": "0", "row-mt": "1", "deadline": "good", "cpu-used": "3"}, {}),
}


def _kind(path: str | Path) -> str:
    """The extension that decides the format, or "" for a folder of PNGs."""
    text = os.fspath(path)
    suffix = "" if text.endswith(("/", os.sep)) else Path(text).suffix.lower()
    if suffix and suffix not in FILE_SUFFIXES:
        raise UsageError(
            f"{text}: {suffix} isn't a kind of video that can be written; use {', '.join(FILE_SUFFIXES)}, "
            "or a name that ends in / for a folder of PNGs"
        )
    return suffix


def check_output(
    path: str | Path, *, inputs: Sequence[str | Path] = (), rate: Fraction | int | None = None
) -> None:
    """Find out before hours of work that ``path`` can't be written.

    Args:
        path: as for ``write_video``.
        inputs: what is read, so must not be overwritten.
        rate: frames per second to be written, if known already.

    Raises:
        UsageError: the name's kind is unknown, is one of ``inputs``, or can't hold ``rate``.
        OutputError: the folder is missing or not writable, or something else is in the way.
    """
    kind, path = _kind(path), Path(path)
    if kind == ".gif" and rate is not None and rate > GIF_MAX_RATE:
        raise UsageError(
            f"{path}: a GIF plays at most {GIF_MAX_RATE} frames per second, not {float(rate):.6g}; "
            f"choose --fps {GIF_MAX_RATE} or another format"
        )
    check_target(path, inputs=inputs, folder=not kind)


def write_video(
    path: str | Path,
    frames: Iterable[UInt8[np.ndarray, "height width 3"]],
    *,
    rate: Fraction | int,
    color: ColorTags = BT709,
    sample_aspect_ratio: Fraction = Fraction(1),
) -> int:
    """Write frames as they come, holding only a few in memory; the result appears whole or not at all.

    The name decides: ``.mp4`` and ``.mkv`` are H.264, ``.webm`` VP9, ``.gif`` loops endlessly with a palette
    for each frame, and a name without an extension or with a ``/`` at the end is a folder of
    ``000000.png`` and so on, which keeps no rate. Files hold 4:2:0, H.264 4:4:4 if a side is odd.
    Frame times are exactly k / rate, rounded to the clock of
    ``.mkv`` and ``.webm`` (1 ms) and of ``.gif`` (10 ms).

    Args:
        path: an existing file is replaced; an existing folder must be empty.
        frames: uint8 RGB, all of one size.
        rate: frames per second.
        color: matrix and range to convert with, and all the tags to write.
        sample_aspect_ratio: width over height of one pixel; ``.webm`` and ``.gif`` are widened to square
            ones, PNGs stay as they are.

    Returns:
        The number of frames written.

    Raises:
        UsageError: the name, the rate or the colour matrix is unusable.
        OutputError: there is no frame, a frame has another size or type, or writing failed.
    """
    kind, target, rate = _kind(path), Path(path), Fraction(rate)
    if not 0 < rate < 1_000_000:
        raise UsageError(f"{target}: the rate {rate} can't be written; choose one above 0 and below 1000000")
    yuv_matrix(color)  # Refuses a matrix that can't be used before any work is done.
    check_output(path, rate=rate)
    with atomic_output(target) as temporary:
        checked = _checked(frames, target)
        if kind in SQUARE_SUFFIXES and sample_aspect_ratio != 1:
            checked = (resize(f, (f.shape[0], ceil(f.shape[1] * sample_aspect_ratio))) for f in checked)
        if not kind:
            return _write_pngs(temporary, checked)
        if kind == ".gif":
            return _write_gif(temporary, checked, rate)
        return _write_file(temporary, checked, rate, color, sample_aspect_ratio)


def _checked(
    frames: Iterable[UInt8[np.ndarray, "height width 3"]], target: Path
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """The frames, of which there must be one, and all must be alike."""
    shape = None
    for index, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.shape != shape or frame.dtype != np.uint8 or frame.shape[2:] != (3,):
            raise OutputError(
                f"{target}: frame {index} is {frame.dtype} {frame.shape} after frames of {shape}; "
                "give uint8 (height, width, 3) of one size"
            )
        yield np.ascontiguousarray(frame)
    if shape is None:
        raise OutputError(f"{target}: there is no frame to write; give at least one")


def _write_pngs(folder: Path, frames: Iterator[UInt8[np.ndarray, "height width 3"]]) -> int:
    folder.mkdir()
    count = 0
    for count, frame in enumerate(frames, start=1):
        _, data = cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        (folder / f"{count - 1:06d}.png").write_bytes(data)
    return count


def _write_file(
    path: Path,
    frames: Iterator[UInt8[np.ndarray, "height width 3"]],
    rate: Fraction,
    color: ColorTags,
    sample_aspect_ratio: Fraction,
) -> int:
    codec, options, container_options = _CODECS[path.suffix.lower()]
    first = next(frames)
    height, width, _ = first.shape
    odd = height % 2 or width % 2
    pixel_format = "yuv444p" if codec == "libx264" and odd else "yuv420p"
    with av.open(f"file:{path}", "w", options=container_options) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context.time_base = stream.time_base = 1 / rate
        context.sample_aspect_ratio = sample_aspect_ratio
        context.colorspace, context.color_range = color.matrix, 2 if color.full_range else 1
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        reformatter, count = VideoReformatter(), 0
        for count, rgb in enumerate(chain([first], frames), start=1):
            frame = frame_from_rgb(rgb, color, pixel_format, reformatter)
            frame.pts, frame.time_base = count - 1, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return count


def _write_gif(path: Path, frames: Iterator[UInt8[np.ndarray, "height width 3"]], rate: Fraction) -> int:
    first = next(frames)
    height, width, _ = first.shape
    graph = _palette_graph(width, height, rate)
    with av.open(f"file:{path}", "w", format="gif", options={"loop": "0"}) as container:
        stream = container.add_stream("gif", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        stream.codec_context.time_base = 1 / rate
        count = 0
        for count, rgb in enumerate(chain([first], frames), start=1):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = count - 1, 1 / rate
            graph.push(frame)
            _drain(graph, container, stream)
        graph.push(None)
        _drain(graph, container, stream)
        container.mux(stream.encode(None))
    return count


def _palette_graph(width: int, height: int, rate: Fraction) -> av.filter.Graph:
    """Each frame drawn with the best 256 colours for it, so that no frame waits for the whole clip."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format="rgb24", time_base=1 / rate)
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
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        container.mux(stream.encode(frame))
