"""Frames to a video file or a folder of PNGs, streamed, at an exact rate and with unchanged colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from tweenfield.errors import OutputError, UsageError
from tweenfield.storage.aside import aside
from tweenfield.storage.atomic import atomic_output, check_target
from tweenfield.video.carrying import Carried
from tweenfield.video.clip import ColorTags
from tweenfield.video.color import yuv_matrix
from tweenfield.video.containers import CONTAINERS, Coded, Container, Encoding, Look, check_encoding
from tweenfield.video.depth import DEPTHS, Levels, dtype_of
from tweenfield.video.hdr import Hdr
from tweenfield.video.selecting import resize
from tweenfield.video.transparency import BLACK, over, parse_color, resized

# What can be written without going back.
_STREAMED = (".mkv", ".y4m")
_STDOUT = Path("/dev/fd/1")
BT709 = ColorTags()
AS_USUAL = Encoding()
_DTYPES = {dtype_of(depth) for depth in DEPTHS}
_CHANNELS = (3,), (4,)


def container_for(path: str | Path) -> Container:
    """The container that the name asks for."""
    text = os.fspath(path)
    if text == "-":
        return CONTAINERS[_STREAMED[0]]
    suffix = "" if text.endswith(("/", os.sep)) else _suffix(text)
    if suffix not in CONTAINERS:
        raise UsageError(
            f"{text}: {suffix} isn't a kind of video that can be written; use "
            f"{', '.join(filter(None, CONTAINERS))}, or a name that ends in / for a folder of PNGs"
        )
    return CONTAINERS[suffix]


def _suffix(text: str) -> str:
    # Of "-.y4m" Python says that all of it is the stem.
    return text[1:] if is_stdout(text) else Path(text).suffix.lower()


def check_output(
    path: str | Path,
    *,
    inputs: Sequence[str | Path] = (),
    rate: Fraction | int | None = None,
    encoding: Encoding = AS_USUAL,
    transparent: bool = False,
    uneven: bool = False,
) -> None:
    """Find out before hours of work that ``path`` can't be written.

    Args:
        path: as for ``write_video``.
        inputs: what is read, so must not be overwritten.
        rate: frames per second to be written, if known already.
        encoding: what is to be written.
        transparent: whether frames are RGBA.
        uneven: whether frames are unevenly spaced in time.

    Raises:
        UsageError: the name's kind is unknown, is one of ``inputs``, or can't hold what is wanted.
        OutputError: the folder is missing or not writable, or something else is in the way.
    """
    container, path = container_for(path), Path(path)
    if container.codecs:
        usual = (
            container.codec(encoding, 8, clear=True) if transparent and isinstance(container, Coded) else None
        )
        check_encoding(encoding, container.codecs, str(path), usual)
    elif encoding != AS_USUAL:
        raise UsageError(
            f"{path}: there is no choice of codec here; leave out --codec, --crf and --pixel-format"
        )
    # What holds a picture only has an even rate or none.
    if uneven and container.holds is None:
        raise UsageError(
            f"{path}: this can't hold frames that are unevenly spaced in time; choose --timing constant, "
            "or .mp4, .mov, .mkv or .webm"
        )
    most = container.highest_rate
    if rate is not None and most is not None and rate > most:
        raise UsageError(
            f"{path}: a {path.suffix[1:].upper()} plays at most {float(most):g} frames per second, not "
            f"{float(rate):.6g}; choose --fps {float(most):g} or another format"
        )
    if not is_stdout(path):
        check_target(path, inputs=inputs, folder=container.folder)
    elif sys.stdout.isatty():
        raise UsageError(f"{path} writes a video to stdout, but that is a terminal; pipe it, or name a file")


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    rate: Fraction | int,
    color: ColorTags = BT709,
    sample_aspect_ratio: Fraction = Fraction(1),
    hdr: Hdr | None = None,
    carried: Carried | None = None,
    encoding: Encoding = AS_USUAL,
    times: Sequence[Fraction] | None = None,
    background: str = BLACK,
) -> int:
    """Write frames as they come, holding only a few in memory; the result appears whole or not at all.

    Frames are encoded in a thread while the next ones are made.

    The name decides: ``.mp4``, ``.mov`` and ``.mkv`` are H.264 unless another codec is asked for, ``.webm``
    is VP9, ``.y4m`` isn't compressed, ``.gif`` loops endlessly with a palette for each frame, and a name
    without an extension or with a ``/`` at the end is a folder of ``000000.png`` and so on, which keeps no
    rate. Frames of uint16 are HEVC of 10 bits in place of H.264, AV1 of 10 bits in ``.webm``, PNGs of 16
    bits, and GIFs of 8. Transparent frames are VP9 in ``.webm``, ProRes 4444 in ``.mov``, either in ``.mkv``,
    PNGs, and with hard edges GIFs; elsewhere they are laid over ``background``. Pictures are 4:2:0, or 4:4:4
    if a side is odd.
    Frame times are exact but for the clocks of ``.mkv`` and ``.webm`` (1 ms) and of ``.gif`` (10 ms).

    Args:
        path: an existing file is replaced; an existing folder must be empty.
        frames: RGB or straight RGBA, uint8 or uint16 with a full scale of 65535, all of one size and type.
        rate: frames per second.
        color: matrix and range to convert with, and all the tags to write.
        sample_aspect_ratio: width over height of one pixel; ``.webm`` and ``.gif`` are widened to square
            ones, PNGs stay as they are.
        hdr: what to say about high dynamic range; all but GIFs and YUV4MPEG hold it.
        carried: a file whose sound, subtitles, chapters, attachments and metadata go along, as far as the
            container can hold them: as they are, or encoded again where they must be.
        encoding: codec, quality and pixel format.
        times: when each frame is shown, in seconds from the first; those of ``rate`` if None. GIFs and
            PNGs keep no such times.
        background: what transparent frames are laid over where they can't stay so: a name, such as
            ``white``, or ``#rrggbb``.

    Returns:
        The number of frames written.

    Raises:
        UsageError: the name, the rate, the encoding, the colour matrix or the background is unusable.
        OutputError: there is no frame, a frame has another size or type, or writing failed.
    """
    container, target, rate = container_for(path), Path(path), Fraction(rate)
    if not 0 < rate < 1_000_000:
        raise UsageError(f"{target}: the rate {rate} can't be written; choose one above 0 and below 1000000")
    # Refuse what can't be used before any work is done.
    yuv_matrix(color)
    parse_color(background)
    check_output(path, rate=rate, encoding=encoding, uneven=times is not None)
    look = Look(
        rate=rate,
        color=color,
        sample_aspect_ratio=Fraction(sample_aspect_ratio),
        hdr=hdr,
        carried=carried,
        encoding=encoding,
        times=None if times is None else tuple(times),
        background=background,
    )
    return write_whole(target, container, frames, look)


def is_stdout(path: str | Path) -> bool:
    """Whether ``path`` stands for stdout: ``-``, ``-.mkv`` or ``-.y4m``."""
    return os.fspath(path) in ("-", *(f"-{suffix}" for suffix in _STREAMED))


def write_whole(target: Path, container: Container, frames: Iterable[np.ndarray], look: Look) -> int:
    """Write all frames; returns how many there were."""
    ready = shown(frames, container, look, target)
    if is_stdout(target):
        return aside(lambda items: container.write(_STDOUT, items, look), ready)
    with atomic_output(target) as temporary:
        return aside(lambda items: container.write(temporary, items, look), ready)


def shown(
    frames: Iterable[np.ndarray], container: Container, look: Look, target: Path
) -> Iterator[Levels[np.ndarray, "height width channels"]]:
    """The frames as ``container`` takes them: widened to square pixels if it knows no others, opaque if it
    can't keep them otherwise.

    Raises:
        OutputError: there is none, or one has another size or type than the first.
    """
    aspect = look.sample_aspect_ratio
    opaque = not container.keeps_alpha(look.encoding)
    for frame in _checked(frames, target):
        height, width, channels = frame.shape
        size = height, ceil(width * aspect) if container.square_pixels else width
        if channels == 3:
            yield resize(frame, size)
        elif opaque:
            yield resize(over(frame, look.background), size)
        else:
            yield frame if size == (height, width) else resized(frame, size)


def _checked(
    frames: Iterable[np.ndarray], target: Path
) -> Iterator[Levels[np.ndarray, "height width channels"]]:
    """The frames, of which there must be one, and all must be alike."""
    kind: tuple[np.dtype[Any], tuple[int, ...]] | None = None
    for index, frame in enumerate(frames):
        kind = kind or (frame.dtype, frame.shape)
        if (
            (frame.dtype, frame.shape) != kind
            or frame.dtype not in _DTYPES
            or frame.shape[2:] not in _CHANNELS
        ):
            raise OutputError(
                f"{target}: frame {index} is {frame.dtype} {frame.shape} after {kind[0]} {kind[1]}; give "
                "uint8 or uint16 (height, width, 3 or 4) of one size and type"
            )
        yield np.ascontiguousarray(frame)
    if kind is None:
        raise OutputError(f"{target}: there is no frame to write; give at least one")
