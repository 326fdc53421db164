"""From decoded pictures to frames as wanted: the colours of the file, upright, resized, opaque or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from tweenfield.errors import VideoError
from tweenfield.storage.on_demand import OnDemand, rows_kept
from tweenfield.video.color import bits_of, color_tags, has_alpha, rgb_from_frame
from tweenfield.video.depth import Levels, depth_of_bits, dtype_of, full_scale, with_depth
from tweenfield.video.hdr import hdr_of
from tweenfield.video.selecting import check_pixels, resize
from tweenfield.video.transparency import Opacity, layers, premultiplied


def fitted(
    picture: Levels[np.ndarray, "height width channels"], size: tuple[int, int] | None
) -> Levels[np.ndarray, "new_height new_width channels"]:
    """The picture at a (height, width); if it has opacity, premultiplied and in 16 bits."""
    picture = premultiplied(picture) if picture.shape[2] == 4 else picture
    return resize(picture, size or (picture.shape[0], picture.shape[1]))


@final
class Conversion:
    """From the decoded pictures of one file to those of ``fitted``. It can be pickled."""

    def __init__(self, first: av.VideoFrame, path: Path, size: tuple[int, int] | None) -> None:
        self.color, self.turns = color_tags(first, path), quarter_turns(first.rotation, path)
        self.mirrored = is_mirrored(first)
        self.depth, self.hdr = depth_of_bits(bits_of(first.format)), hdr_of(first)
        self.dtype = dtype_of(self.depth)
        self.stored = first.height, first.width
        self.upright = self.stored[::-1] if self.turns % 2 else self.stored
        self.size = size or self.upright
        check_pixels(self.size, str(path))
        self.may_be_transparent = has_alpha(first.format)
        self._path = path
        self._reformatter = VideoReformatter()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_reformatter": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _reformatter=VideoReformatter())

    def check(self, frame: av.VideoFrame, index: int) -> None:
        """Refuse a picture of another size than the first."""
        if (frame.height, frame.width) != self.stored:
            raise VideoError(
                f"{self._path}: the picture changes from {self.stored[0]}x{self.stored[1]} to "
                f"{frame.height}x{frame.width} at frame {index}; read up to it with --frames 0:{index}"
            )

    def __call__(self, frame: av.VideoFrame) -> Levels[np.ndarray, "height width channels"]:
        rgb = rgb_from_frame(frame, self.color, self._reformatter)
        rgb = np.rot90(rgb[::-1] if self.mirrored else rgb, self.turns)
        return np.ascontiguousarray(fitted(rgb, self.size))


def quarter_turns(degrees: int, path: Path) -> int:
    """How many quarter turns counterclockwise bring the stored picture upright, 0 to 3.

    Raises:
        VideoError: the display matrix holds another angle.
    """
    if degrees % 90:
        raise VideoError(
            f"{path}: the picture is to be turned by {degrees} degrees; only quarter turns are supported"
        )
    return degrees // 90 % 4


def is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether the stored picture is to be turned upside down before it is turned upright."""
    side_data: Any = frame.side_data  # PyAV declares one kind only.
    found = [bytes(part) for part in side_data if part.type.name == "DISPLAYMATRIX"]
    if not found:
        return False
    (a, b, _), (c, d, _), _ = np.frombuffer(found[0], np.int32).reshape(3, 3).astype(float)
    return bool(a * d < b * c)


@final
class Seen:
    """What was found when the frames were read for the first time, and as many of them as are kept."""

    def __init__(self) -> None:
        self.opacity = Opacity()
        self._pictures: dict[int, np.ndarray] = {}
        self._most = 1

    @property
    def is_full(self) -> bool:
        """Whether no more of them are kept."""
        return len(self._pictures) >= self._most

    def add(self, index: int, picture: Levels[np.ndarray, "height width channels"]) -> None:
        """Look at frame ``index``, which is one of ``fitted``."""
        if picture.shape[2] == 4:
            self.opacity.see(picture)
        self._most = rows_kept(picture.nbytes)
        if not self.is_full:
            self._pictures[index] = picture

    def rows(
        self,
        make: Callable[[int], np.ndarray],
        indices: Sequence[int],
        size: tuple[int, int],
        dtype: Any,
    ) -> tuple[OnDemand, OnDemand | None]:
        """The frames of these numbers in ``dtype``; or if any is transparent, in 16 bits over the matte, and
        their opacity. ``make`` gives what ``fitted`` does, for those that were not kept.
        """
        transparent = self.opacity.transparent

        def row(picture: np.ndarray) -> np.ndarray:
            if not transparent:
                return np.ascontiguousarray(with_depth(picture[..., :3], dtype))
            if picture.shape[2] == 4:
                return picture
            opaque = np.full_like(picture[..., 0], full_scale(picture.dtype))
            return premultiplied(np.dstack((picture, opaque)))

        shape = len(indices), *size, 4 if transparent else 3
        rows = OnDemand(lambda k: row(make(indices[k])), shape, np.uint16 if transparent else dtype)
        for k, index in enumerate(indices):
            if index in self._pictures:
                rows.put(k, row(self._pictures[index]))
        return layers(rows, self.opacity.matte) if transparent else (rows, None)
