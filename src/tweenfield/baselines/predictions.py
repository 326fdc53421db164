"""Frames that another program has drawn already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from tweenfield.errors import BaselineError
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors
from tweenfield.video.images import image_paths, read_opaque


@dataclass(frozen=True)
class Predictions:
    """A folder of images, one per held-out frame in natural order, or of such folders named as clips.

    Attributes:
        folder: the path.
    """

    folder: Path

    def __call__(
        self, observed: Video, flow: Flow, times: Sequence[Fraction | float]
    ) -> Iterator[Float32[np.ndarray, "height width 3"]]:
        """The images, in [0, 1]. The flow isn't used.

        Raises:
            BaselineError: there isn't one image per time, or one has another size than the video.
            VideoError: an image can't be read.
        """
        inside = [self.folder / name for name in (observed.name, Path(observed.name).stem)]
        folder = next((path for path in inside if path.is_dir()), self.folder)
        paths = image_paths(folder)
        if len(paths) != len(times):
            raise BaselineError(
                f"{folder}: there are {len(paths)} images, but {len(times)} frames of {observed.name} are "
                "held out; give one image for each, and no others"
            )
        for path in paths:
            picture = read_opaque(path)
            if picture.shape[:2] != observed.size:
                raise BaselineError(
                    f"{path}: the image is {picture.shape[0]}x{picture.shape[1]}, but the video "
                    f"{observed.size[0]}x{observed.size[1]}; draw at that size"
                )
            yield colors(picture)
