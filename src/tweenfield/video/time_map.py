"""Speed over the input's time, such as ``0:1x 2.5:0.25x 4:1x``, and the two functions that follow from it."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise
from typing import final

from tweenfield.errors import UsageError

# Beyond these a video would be a still or a single frame.
_SLOWEST, _FASTEST = 1e-3, 1e3
_POINT = re.compile(r"(?P<time>\d+(?:\.\d*)?|\.\d+)\s*:\s*(?P<speed>\d+(?:\.\d*)?|\.\d+)\s*[xX]?")


@final
class TimeMap:
    """A speed that changes smoothly with the input's time, and the output's time that this makes.

    Output time is the integral of slowness, 1 / speed, over input time. Slowness runs through the given
    points by monotone cubic interpolation (Fritsch, Carlson, *Monotone Piecewise Cubic Interpolation*, SIAM
    J. Numer. Anal. 1980), so it never leaves the range of two neighbouring points and output time always
    grows. Before the first point and after the last one the speed is theirs.

    Args:
        points: (seconds of input, speed) in order of time; speed 0.25 is four times slower.

    Raises:
        UsageError: there is no point, times don't increase or are negative, or a speed isn't between 1/1000
            and 1000.
    """

    def __init__(self, points: list[tuple[float, float]]) -> None:
        if not points:
            raise UsageError("the speed has no point; write TIME:SPEED, such as 0:1x 2.5:0.25x 4:1x")
        for time, speed in points:
            if not (0 <= time < math.inf):
                raise UsageError(f"the speed has a point at {time:g} s; give times from 0 on")
            if not _SLOWEST <= speed <= _FASTEST:
                raise UsageError(
                    f"speed {speed:g}x at {time:g} s can't be played; choose one from {_SLOWEST:g}x to "
                    f"{_FASTEST:g}x"
                )
        for (before, _), (after, _) in pairwise(points):
            if after <= before:
                raise UsageError(
                    f"the speed has a point at {after:g} s after one at {before:g} s; "
                    "give times that increase"
                )
        from scipy.interpolate import PchipInterpolator  # takes longer to load than all else here

        self.points = tuple(points)
        self._times = [time for time, _ in points]
        self._slowness = [1 / speed for _, speed in points]
        self._between = None
        # Output times of the points, from the first one on.
        self._played = [0.0]
        if len(points) > 1:
            self._between = PchipInterpolator(self._times, self._slowness).antiderivative()
            self._played = [float(self._between(time)) for time in self._times]
        self._start = 0.0
        self._start = self.output_time(0.0)

    def output_time(self, seconds: float) -> float:
        """When what the input shows at ``seconds`` is shown, in seconds; 0 for 0."""
        first, last = self._times[0], self._times[-1]
        if seconds <= first:
            played = self._played[0] + (seconds - first) * self._slowness[0]
        elif seconds >= last or self._between is None:
            played = self._played[-1] + (seconds - last) * self._slowness[-1]
        else:
            played = float(self._between(seconds))
        return played - self._start

    def input_time(self, seconds: float) -> float:
        """What the output shows at ``seconds``, as seconds of the input: the inverse of ``output_time``."""
        played = seconds + self._start
        if played <= self._played[0]:
            return self._times[0] + (played - self._played[0]) / self._slowness[0]
        if played >= self._played[-1] or self._between is None:
            return self._times[-1] + (played - self._played[-1]) / self._slowness[-1]
        from scipy.optimize import brentq

        k = bisect_right(self._played, played) - 1
        between = self._between
        # Slowness is positive, so there is one such time between the two points.
        return float(
            brentq(lambda t: float(between(t)) - played, self._times[k], self._times[k + 1], xtol=1e-12)
        )

    def speed(self, seconds: float) -> float:
        """The speed at this time of the input."""
        inside = min(max(seconds, self._times[0]), self._times[-1])
        slowness = self._slowness[0] if self._between is None else float(self._between.derivative()(inside))
        return 1 / slowness


def output_time(speed: Fraction | TimeMap, seconds: Fraction) -> Fraction:
    """When the output shows what the input has at ``seconds``, at a constant speed or at one that changes."""
    return Fraction(speed.output_time(float(seconds))) if isinstance(speed, TimeMap) else seconds / speed


def parse_speed(text: str) -> TimeMap:
    """``"0:1x 2.5:0.25x 4:1x"``: seconds of the input and the speed there, by spaces or commas.

    Raises:
        UsageError: the text has another form; see ``TimeMap`` for times and speeds.
    """
    parts = [part for part in re.split(r"[\s,]+", re.sub(r"\s*:\s*", ":", text.strip())) if part]
    found = [_POINT.fullmatch(part) for part in parts]
    for part, match in zip(parts, found, strict=True):
        if match is None:
            raise UsageError(
                f"speed {text!r}: {part!r} isn't a point; write TIME:SPEED, such as 0:1x 2.5:0.25x 4:1x"
            )
    return TimeMap([(float(match["time"]), float(match["speed"])) for match in found if match])
