"""The JSON of a model file back to values, each of the type and in the range that ``model_file`` wrote.

A file may come from anywhere: a wrong value is found here, not when a frame is drawn.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, TypeVar, get_args, get_type_hints

from tweenfield.fitting.presets import known
from tweenfield.fitting.recipe import FitConfig, Recipe
from tweenfield.fitting.result import Progress, Source
from tweenfield.video import ColorTags
from tweenfield.video.depth import DEPTHS
from tweenfield.video.hdr import of_json
from tweenfield.video.selecting import check_pixels
from tweenfield.video.timing import checked_rate, exact
from tweenfield.video.transparency import BLACK, WHITE

T = TypeVar("T")
# Beyond it a pixel would be wider than any picture is high, or the other way round.
_WIDEST_PIXEL = 100


def source_of(values: dict[str, Any]) -> Source:
    """What a fit keeps of its video.

    Raises:
        KeyError, TypeError, ValueError, UsageError: a value is missing, of another type or out of range.
    """
    height, width = (_of(int, side) for side in values["size"])
    times = tuple(exact(time) for time in values["times"])
    aspect, depth = exact(values["sample_aspect_ratio"]), values["depth"]
    if min(height, width) < 1 or not times or any(a >= b for a, b in pairwise(times)) or depth not in DEPTHS:
        raise ValueError("no such video can be")
    if not 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL:
        raise ValueError("no such pixels can be")
    check_pixels((height, width), "the video")
    matte = values["matte"]
    if matte not in (None, BLACK, WHITE):
        raise ValueError("there is no such matte")
    lasts = None if values.get("lasts") is None else exact(values["lasts"])
    if lasts is not None and lasts <= 0:
        raise ValueError("no frame can last so long")
    return Source(
        name=_of(str, values["name"]),
        size=(height, width),
        times=times,
        rate=checked_rate(exact(values["rate"])),
        color=_built(ColorTags, values["color"]),
        sample_aspect_ratio=aspect,
        digest=_of(str, values["digest"]),
        depth=depth,
        hdr=of_json(values["hdr"]),
        matte=matte,
        lasts=lasts,
    )


def recipe_of(settings: dict[str, Any]) -> Recipe:
    """What ``Recipe.settings`` was made of.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, of another type or out of range.
    """
    parts = {
        kind: _built(
            known(kind, settings[kind]["name"]), {k: v for k, v in settings[kind].items() if k != "name"}
        )
        for kind in ("field", "objective")
    }
    teacher = settings["teacher"]
    return Recipe(
        name=_of(str, settings["name"]),
        **parts,
        fit=_built(FitConfig, settings["fit"]),
        teacher=None if teacher is None else recipe_of(teacher),
    )


def record_of(content: dict[str, Any]) -> dict[str, Any]:
    """How the fit came about, as arguments of ``FitResult``.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, of another type or out of range.
    """
    step, steps = _of(int, content["step"]), _of(int, content["steps"])
    if not 0 < step <= steps:
        raise ValueError("no fit has such steps")
    return {
        "flow": _of(str, content["flow"]),
        "step": step,
        "steps": steps,
        "seconds": _of(float, content["seconds"]),
        "history": [_built(Progress, progress) for progress in content["history"]],
    }


def _built(kind: type[T], values: dict[str, Any]) -> T:
    """A dataclass of these values, which must have the types that it declares."""
    hints = get_type_hints(kind)
    return kind(**{name: _of(hints[name], value) for name, value in values.items()})


def _of(hint: Any, value: Any) -> Any:
    """The value, if it is of this type or of one of a union; JSON may write a whole float without a point."""
    kinds = get_args(hint) or (hint,)
    if type(value) not in kinds and not (type(value) is int and float in kinds):
        raise TypeError(f"{value!r} isn't {hint}")
    if not isinstance(value, str | None) and not math.isfinite(value):
        raise ValueError(f"{value!r} isn't finite")
    return value
