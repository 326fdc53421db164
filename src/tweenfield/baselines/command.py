"""Any program that draws a frame between two image files."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from jaxtyping import Float32

from tweenfield.baselines._time import each_between
from tweenfield.errors import BaselineError, UsageError, VideoError
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors
from tweenfield.video.images import read_opaque

_PLACES = ("{a}", "{b}", "{t}", "{out}")


@dataclass(frozen=True)
class Command:
    """A program called once per frame.

    Attributes:
        template: a command line in which {a} and {b} become the PNGs of the frames before and after, {t} the
            fraction of the way between them, and {out} the PNG to write. No shell is involved.

    Raises:
        UsageError: the template lacks {a}, {b} or {out}.
    """

    template: str

    def __post_init__(self) -> None:
        missing = [place for place in ("{a}", "{b}", "{out}") if place not in self.template]
        if missing:
            raise UsageError(
                f"the command {self.template!r} lacks {missing[0]}; write it where the file goes"
            )

    def __call__(
        self, observed: Video, flow: Flow, times: Sequence[Fraction | float]
    ) -> Iterator[Float32[np.ndarray, "height width 3"]]:
        """Frames at ``times``, in [0, 1]. The flow isn't used.

        Raises:
            BaselineError: the program can't be run, fails, or writes no picture of the right size.
            UsageError: a time is outside the video.
        """
        return each_between(self.between, observed, times)

    def between(
        self, first: np.ndarray, second: np.ndarray, s: float
    ) -> Float32[np.ndarray, "height width 3"]:
        """Colours in [0, 1] at the fraction ``s`` of the way from one frame to another.

        Raises:
            BaselineError: as above.
        """
        with TemporaryDirectory() as folder:
            paths = {name: Path(folder) / f"{name}.png" for name in ("a", "b", "out")}
            for name, frame in (("a", first), ("b", second)):
                cv2.imwrite(str(paths[name]), frame[..., ::-1])
            self._run({**{name: str(path) for name, path in paths.items()}, "t": f"{s:.10g}"})
            return colors(self._picture(paths["out"], first.shape[:2]))

    def _run(self, values: dict[str, str]) -> None:
        words = shlex.split(self.template)
        for place in _PLACES:
            words = [word.replace(place, values[place.strip("{}")]) for word in words]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise BaselineError(
                f"{words[0]}: it can't be run ({error.strerror}); check the command"
            ) from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise BaselineError(f"{words[0]}: it ended with status {done.returncode} and said: {said}")

    def _picture(self, path: Path, size: tuple[int, int]) -> np.ndarray:
        try:
            picture = read_opaque(path)
        except VideoError as error:
            raise BaselineError(f"the command {self.template!r} wrote no picture to {{out}}") from error
        if picture.shape[:2] != size:
            raise BaselineError(
                f"the command {self.template!r} wrote {picture.shape[0]}x{picture.shape[1]} pixels, "
                f"not {size[0]}x{size[1]}"
            )
        return picture
