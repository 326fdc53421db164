"""Folders of still pictures as videos: which files, in which order, as RGB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mode

import av
import cv2
import numpy as np
from natsort import natsorted, ns

from tweenfield.errors import VideoError
from tweenfield.video.depth import Levels, rounded
from tweenfield.video.exr import read_exr
from tweenfield.video.transparency import BLACK, over

IMAGE_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm", ".jp2", ".exr"]
)
# OpenCV turns pictures upright by their EXIF tag only when it drops transparency, which these don't have.
_OPAQUE_SUFFIXES = frozenset([".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".pnm"])


def image_paths(folder: Path) -> list[Path]:
    """The pictures of ``folder`` in natural order (2 before 10), without hidden files.

    Raises:
        VideoError: the folder can't be listed or holds no picture.
    """
    try:
        names = [
            p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")
        ]
    except OSError as error:
        raise VideoError(
            f"{folder}: the folder can't be read ({error.strerror}); check its permissions"
        ) from error
    if not names:
        known = " ".join(sorted(IMAGE_SUFFIXES))
        raise VideoError(f"{folder}: the folder holds no images; give one with files of these kinds: {known}")
    return natsorted(names, key=lambda p: p.name, alg=ns.IGNORECASE)


def first_gap(paths: Sequence[Path]) -> tuple[Path, Path] | None:
    """The first two pictures between whose numbers some are missing, if the others are numbered evenly."""
    numbers = [int(found[-1]) if (found := re.findall(r"\d{1,18}", path.stem)) else 0 for path in paths]
    steps = [after - before for before, after in pairwise(numbers)]
    step = mode(steps) if steps else 0
    gaps = [k for k, found in enumerate(steps) if found != step]
    even = step > 0 and 2 * len(gaps) < len(steps) and all(steps[k] > 0 for k in gaps)
    return (paths[gaps[0]], paths[gaps[0] + 1]) if gaps and even else None


def read_image(path: Path) -> Levels[np.ndarray, "height width channels"]:
    """One picture as RGB in 8 or 16 bits, with straight opacity as a fourth channel if it has one: grey is
    repeated, floats are clipped to 0 (black) to 1 (white) and rounded to 16 bits.

    Raises:
        VideoError: the file can't be read or decoded, or its numbers are neither of these.
    """
    opaque = path.suffix.lower() in _OPAQUE_SUFFIXES
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR if opaque else cv2.IMREAD_UNCHANGED
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise VideoError(f"{path}: the image can't be read ({error.strerror}); check the file") from error
    try:
        if path.suffix.lower() == ".exr":
            return rounded(read_exr(data.tobytes()), np.uint16)
        pixels = cv2.imdecode(data, flags) if data.size else None
    except cv2.error as error:
        raise VideoError(
            f"{path}: the image can't be decoded, as it has more pixels than OpenCV takes (2^30) or than fit "
            "into memory; make it smaller or remove it from the folder"
        ) from error
    except av.error.FFmpegError:
        pixels = None
    if pixels is None:
        raise VideoError(f"{path}: the image can't be decoded; replace the file or remove it from the folder")
    if pixels.dtype.kind == "f":
        pixels = rounded(np.nan_to_num(pixels.astype(np.float32)), np.uint16)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise VideoError(
            f"{path}: the image holds {pixels.dtype} numbers; convert it to 8 or 16-bit integers"
        )
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4:
        return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def read_opaque(path: Path) -> Levels[np.ndarray, "height width 3"]:
    """The same with transparency laid over black.

    Raises:
        VideoError: see ``read_image``.
    """
    picture = read_image(path)
    return over(picture, BLACK) if picture.shape[2] == 4 else picture
