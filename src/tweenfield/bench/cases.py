"""One task of a data set: a clip, of which every n-th frame is observed and the others are held out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tweenfield.bench.pattern import pattern
from tweenfield.errors import VideoError
from tweenfield.evaluation.split import Split, hide
from tweenfield.video import Video, read_video
from tweenfield.video.depth import with_depth
from tweenfield.video.images import read_opaque
from tweenfield.video.selecting import resize
from tweenfield.video.surveying import FOLDER_RATE


@dataclass(frozen=True, kw_only=True)
class Case:
    """A clip of a data set and how it is split; nothing is read before ``split`` is called.

    Attributes:
        dataset: name of the data set.
        name: name of the clip, unique in its data set.
        source: a video or folder of images, or the images themselves in order of time; none for the drawn
            pattern.
        stride: every ``stride``-th frame is observed, the others up to the last observed are held out.
        frames: how many frames to take from the start; all if None.
        margin: (rows, columns) to cut off at each side.
        size: (height, width) to resize to after that; as stored if None.
    """

    dataset: str
    name: str
    source: Path | tuple[Path, ...] | None
    stride: int = 2
    frames: int | None = None
    margin: tuple[int, int] = (0, 0)
    size: tuple[int, int] | None = None

    def read(self) -> Video:
        """All frames, those to be held out included.

        Raises:
            VideoError: a file is missing or unreadable, or the frames differ in size.
        """
        if self.source is None:
            return pattern(self.frames or 41, self.size or (240, 360))
        if isinstance(self.source, Path):
            frames = None if self.frames is None else slice(0, self.frames)
            if self.margin == (0, 0):
                return read_video(self.source, frames=frames, size=self.size).over()
            video = read_video(self.source, frames=frames).over()
            return self._video([self._fitted(video.frames[k]) for k in range(len(video))])
        pictures = [self._fitted(read_opaque(path)) for path in self.source[: self.frames]]
        for path, picture in zip(self.source, pictures, strict=False):
            if picture.shape != pictures[0].shape:
                raise VideoError(
                    f"{path}: the image is {picture.shape[0]}x{picture.shape[1]} but the first of its clip "
                    f"is {pictures[0].shape[0]}x{pictures[0].shape[1]}; get the data set anew"
                )
        return self._video(pictures)

    def split(self) -> Split:
        """The frames to observe, those to draw, and their times.

        Raises:
            VideoError: see ``read``.
            UsageError: there are too few frames.
        """
        return hide(self.read(), self.stride)

    def _fitted(self, picture: np.ndarray) -> np.ndarray:
        rows, columns = self.margin
        picture = picture[rows : picture.shape[0] - rows, columns : picture.shape[1] - columns]
        return resize(picture, self.size) if self.size else picture

    def _video(self, pictures: list[np.ndarray]) -> Video:
        frames = np.stack([with_depth(picture, pictures[0].dtype) for picture in pictures])
        return Video(
            frames=frames,
            times=tuple(Fraction(k) / FOLDER_RATE for k in range(len(pictures))),
            rate=FOLDER_RATE,
            name=self.name,
            depth=8 * frames.itemsize,
        )
