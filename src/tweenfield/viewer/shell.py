"""The command line that renders what a page shows."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Where a viewed field came from, so that the same can be typed in.

    Attributes:
        source: the clip, or the model file.
        flags: those that the fit was given, for a clip.
        frames: of the input's frames the first, and every how many-th is observed; None where that isn't
            known, so that a part can't be named.
    """

    source: str
    flags: tuple[str, ...] = ()
    frames: tuple[int, int] | None = (0, 1)

    def command(self, *, speed: float, part: tuple[float, float] | None) -> str:
        """``tweenfield run`` or ``render`` that plays as slow or as fast, from and to these times if any."""
        name = PurePath(self.source)
        model = name.suffix == ".tween"
        kind = "slow" if speed < 1 else "fast" if speed > 1 and not model else "smooth"
        words = ["tweenfield", "render" if model else "run", self.source, "-o", f"{name.stem}-{kind}.mp4"]
        if speed < 1:
            words += ["--slow", f"{1 / speed:g}x"]
        elif kind == "fast":
            words += ["--speed", f"0:{speed:g}x"]
        else:
            words += ["--fps", "2x"]
        words += self.flags
        if part is not None and self.frames is not None and not model:
            first, step = self.frames
            begin, end = first + math.floor(part[0]) * step, first + math.ceil(part[1]) * step + 1
            words += ["--frames", f"{begin}:{end}" + (f":{step}" if step > 1 else "")]
        return shlex.join(words)
