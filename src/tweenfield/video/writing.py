"""Frames to a video file or a folder of PNGs, streamed, at an exact rate and with unchanged colours."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from tweenfield.errors import OutputError, UsageError
from tweenfield.storage.aside import aside
from tweenfield.storage.atomic import atomic_output, check_target
from tweenfield.video.clip import ColorTags
from tweenfield.video.color import yuv_matrix
from tweenfield.video.containers import CONTAINERS, Container, Look
from tweenfield.video.depth import DEPTHS, Levels, dtype_of
from tweenfield.video.hdr import Hdr
from tweenfield.video.selecting import resize
from tweenfield.video.sound import Sound

BT709 = ColorTags()
_DTYPES = {dtype_of(depth) for depth in DEPTHS}


def container_for(path: str | Path) -> Container:
    """The container that the name asks for."""
    text = os.fspath(path)
    suffix = "" if text.endswith(("/", os.sep)) else Path(text).suffix.lower()
    if suffix not in CONTAINERS:
        raise UsageError(
            f"{text}: {suffix} isn't a kind of video that can be written; use "
            f"{', '.join(filter(None, CONTAINERS))}, or a name that ends in / for a folder of PNGs"
        )
    return CONTAINERS[suffix]


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
    container, path = container_for(path), Path(path)
    most = container.highest_rate
    if rate is not None and most is not None and rate > most:
        raise UsageError(
            f"{path}: a {path.suffix[1:].upper()} plays at most {float(most):g} frames per second, not "
            f"{float(rate):.6g}; choose --fps {float(most):g} or another format"
        )
    check_target(path, inputs=inputs, folder=container.folder)


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    rate: Fraction | int,
    color: ColorTags = BT709,
    sample_aspect_ratio: Fraction = Fraction(1),
    sound: Sound | None = None,
    hdr: Hdr | None = None,
) -> int:
    """Write frames as they come, holding only a few in memory; the result appears whole or not at all.

    Frames are encoded in a thread while the next ones are made.

    The name decides: ``.mp4`` and ``.mkv`` are H.264, ``.webm`` VP9, ``.gif`` loops endlessly with a palette
    for each frame, and a name without an extension or with a ``/`` at the end is a folder of
    ``000000.png`` and so on, which keeps no rate. Files hold 4:2:0, H.264 4:4:4 if a side is odd. Frames of
    uint16 are HEVC Main10 in ``.mp4`` and ``.mkv``, AV1 of 10 bits in ``.webm``, PNGs of 16 bits, and GIFs of
    8. Frame times are exactly k / rate, rounded to the clock of
    ``.mkv`` and ``.webm`` (1 ms) and of ``.gif`` (10 ms).

    Args:
        path: an existing file is replaced; an existing folder must be empty.
        frames: RGB, uint8 or uint16 with a full scale of 65535, all of one size and type.
        rate: frames per second.
        color: matrix and range to convert with, and all the tags to write.
        sample_aspect_ratio: width over height of one pixel; ``.webm`` and ``.gif`` are widened to square
            ones, PNGs stay as they are.
        sound: what is heard with the frames. It is taken over as it is, and encoded again only where the
            container can't hold it or its speed changes; GIFs and PNGs have none. It ends where it is
            damaged.
        hdr: what to say about high dynamic range; only HEVC holds it.

    Returns:
        The number of frames written.

    Raises:
        UsageError: the name, the rate or the colour matrix is unusable.
        OutputError: there is no frame, a frame has another size or type, or writing failed.
    """
    container, target, rate = container_for(path), Path(path), Fraction(rate)
    if not 0 < rate < 1_000_000:
        raise UsageError(f"{target}: the rate {rate} can't be written; choose one above 0 and below 1000000")
    yuv_matrix(color)  # Refuses a matrix that can't be used before any work is done.
    check_output(path, rate=rate)
    look = Look(
        rate=rate, color=color, sample_aspect_ratio=Fraction(sample_aspect_ratio), sound=sound, hdr=hdr
    )
    with atomic_output(target) as temporary:
        checked = _checked(frames, target)
        if container.square_pixels and look.sample_aspect_ratio != 1:
            checked = (resize(f, (f.shape[0], ceil(f.shape[1] * look.sample_aspect_ratio))) for f in checked)
        return aside(lambda ready: container.write(temporary, ready, look), checked)


def _checked(frames: Iterable[np.ndarray], target: Path) -> Iterator[Levels[np.ndarray, "height width 3"]]:
    """The frames, of which there must be one, and all must be alike."""
    kind: tuple[np.dtype[Any], tuple[int, ...]] | None = None
    for index, frame in enumerate(frames):
        kind = kind or (frame.dtype, frame.shape)
        if (frame.dtype, frame.shape) != kind or frame.dtype not in _DTYPES or frame.shape[2:] != (3,):
            raise OutputError(
                f"{target}: frame {index} is {frame.dtype} {frame.shape} after {kind[0]} {kind[1]}; give "
                " uint8 or uint16 (height, width, 3) of one size and type"
            )
        yield np.ascontiguousarray(frame)
    if kind is None:
        raise OutputError(f"{target}: there is no frame to write; give at least one")
