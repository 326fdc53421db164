"""Folders of still pictures as videos: which files, in which order, as 8-bit RGB."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from natsort import natsorted, ns

from tweenfield.errors import VideoError
from tweenfield.video.color import over_black

IMAGE_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm", ".jp2"]
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


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """One picture as 8-bit RGB: grey is repeated, 16 bits are rounded, transparency is laid over black.

    Raises:
        VideoError: the file can't be read or decoded, or its numbers aren't 8 or 16-bit integers.
    """
    opaque = path.suffix.lower() in _OPAQUE_SUFFIXES
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR if opaque else cv2.IMREAD_UNCHANGED
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise VideoError(f"{path}: the image can't be read ({error.strerror}); check the file") from error
    pixels = cv2.imdecode(data, flags) if data.size else None
    if pixels is None:
        raise VideoError(f"{path}: the image can't be decoded; replace the file or remove it from the folder")
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise VideoError(
            f"{path}: the image holds {pixels.dtype} numbers; convert it to 8 or 16-bit integers"
        )
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4:
        return over_black(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA))
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
