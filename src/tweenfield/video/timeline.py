"""Which times of the input are drawn, and when the output shows them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

from tweenfield.choices import End, Timing
from tweenfield.errors import UsageError
from tweenfield.video.time_map import TimeMap, output_time, parse_speed
from tweenfield.video.timing import (
    FrameRate,
    Timed,
    checked_rate,
    encodable,
    field_position,
    parse_rate,
    parse_slow,
)

# Output times of a speed that changes are floats; so close to a frame's time they are that time.
_CLOSE = 1e-6
# Their times alone take 3 GB.
_MOST_FRAMES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The times of the frames to render.

    Attributes:
        times: source time of each, in seconds on the clock of ``Video.times``. The last may be repeated.
        positions: the same as field times: the k-th observed frame is at exactly k.
        rate: frames per second at which they play, on average if ``shown`` is given.
        shown: when each is shown, in seconds of the output; k / ``rate`` if None.
        speed: at which the input plays: 0.5 is half as fast.
        length: seconds of the input that the output lasts.
    """

    times: tuple[Fraction, ...]
    positions: tuple[Fraction, ...]
    rate: Fraction
    shown: tuple[Fraction, ...] | None = None
    speed: Fraction | TimeMap = Fraction(1)
    length: Fraction = Fraction(0)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def steps(self) -> list[Fraction]:
        """How far the next position is from each; those that are held have the step before them."""
        steps: list[Fraction] = []
        for before, after in pairwise(self.positions):
            steps.append(after - before or (steps[-1] if steps else Fraction(1)))
        return [*steps, steps[-1] if steps else Fraction(1)]

    def shots(self, begin: Sequence[int]) -> list[int]:
        """The numbers of the frames with which a shot begins, given those of the observed frames.

        Across a cut the first shot goes on until the middle.
        """
        ends = [Fraction(2 * k - 1, 2) for k in begin]
        shown = [bisect_left(ends, position) for position in self.positions] if ends else []
        return [k for k, (before, after) in enumerate(pairwise(shown), start=1) if before != after]


def output_timeline(
    video: Timed,
    *,
    fps: FrameRate | Fraction | float | str | None = None,
    slow: Fraction | float | str | None = None,
    speed: TimeMap | str | None = None,
    end: End = End.hold,
    timing: Timing = Timing.constant,
) -> Timeline:
    """The frames to draw so that ``video`` plays at ``fps``, ``slow`` times slower or at a ``speed``.

    At a constant rate they lie k / (rate * slow) after the first observed frame. Nothing is extrapolated: as
    the last observed frame is shown for one interval of the input, so is its repetition, and twice the rate
    turns n frames into 2n.

    Args:
        video: gives the observed frames' times and the source's rate.
        fps: playback rate, or a text for ``parse_rate``; the source's own if None.
        slow: factor, or a text for ``parse_slow``; 1 if None.
        speed: over the time since the first frame, or a text for ``parse_speed``, in place of ``slow``.
        end: ``stop`` leaves out what repeats the last frame: 2n - 1 frames at twice the rate.
        timing: ``source`` keeps each observed frame at its own time, however they are spaced, and draws
            as many between two as come nearest to the rate.

    Raises:
        UsageError: a rate, factor or speed that can't be, both ``slow`` and ``speed``, or above ten million
            frames.
    """
    if slow is not None and speed is not None:
        raise UsageError("slow motion and a speed can't be combined; give one of --slow and --speed")
    rate = (
        video.rate
        if fps is None
        else (fps if isinstance(fps, FrameRate) else parse_rate(str(fps))).of(video.rate)
    )
    rate = checked_rate(encodable(rate))
    if speed is None:
        played: Fraction | TimeMap = 1 / (Fraction(1) if slow is None else parse_slow(str(slow)))
    else:
        played = speed if isinstance(speed, TimeMap) else parse_speed(speed)
    seconds = video.times[-1] - video.times[0]
    held = video.lasts or 1 / video.rate if end is End.hold else Fraction(0)
    if timing is Timing.source:
        times, shown = _from_source(video, rate, played, held)
    else:
        times, shown = _at_constant_rate(video, rate, played, seconds, held), None
    # Without what is held, the last frame is still seen for one interval of the output.
    length = seconds + (held or _output_interval(rate, played, seconds))
    return Timeline(
        times=times,
        positions=tuple(field_position(video.times, t) for t in times),
        rate=rate,
        shown=shown,
        speed=played,
        length=length,
    )


def _output_interval(rate: Fraction, speed: Fraction | TimeMap, at: Fraction) -> Fraction:
    """An interval of the output in seconds of the input."""
    return (Fraction(speed.speed(float(at))) if isinstance(speed, TimeMap) else speed) / rate


def _at_constant_rate(
    video: Timed, rate: Fraction, speed: Fraction | TimeMap, seconds: Fraction, held: Fraction
) -> tuple[Fraction, ...]:
    """The source times of frames at ``rate``."""
    first, last = video.times[0], video.times[-1]
    intervals = output_time(speed, seconds + held) * rate
    if not isinstance(speed, TimeMap):
        count = _checked(ceil(intervals) if held else int(intervals) + 1)
        return tuple(min(first + k * speed / rate, last) for k in range(count))
    count = _checked(ceil(float(intervals) - _CLOSE) if held else int(float(intervals) + _CLOSE) + 1)
    # The nearest simple fraction: a time that is that of an observed frame becomes exactly that.
    found = (Fraction(speed.input_time(float(k / rate))).limit_denominator(1_000_000) for k in range(count))
    return tuple(min(max(first + t, first), last) for t in found)


def _from_source(
    video: Timed, rate: Fraction, speed: Fraction | TimeMap, held: Fraction
) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """Source times of the observed frames and of others between them, and when each is shown."""
    first, last = video.times[0], video.times[-1]
    edges: Sequence[Fraction] = [*video.times, *([last + held] if held else [])]
    shown_at = [output_time(speed, edge - first) for edge in edges]
    pieces = [max(round((after - before) * rate), 1) for before, after in pairwise(shown_at)]
    _checked(sum(pieces))
    times = [
        before + k * (after - before) / count
        for (before, after), count in zip(pairwise(edges), pieces, strict=True)
        for k in range(count)
    ]
    times += [] if held else [last]
    shown = tuple(output_time(speed, time - first) for time in times)
    return tuple(min(time, last) for time in times), shown


def _checked(count: int) -> int:
    if count > _MOST_FRAMES:
        raise UsageError(
            f"these would be {count:,} frames, but at most {_MOST_FRAMES:,} can be drawn at once; choose a "
            "lower rate, less slow motion or fewer frames of the input"
        )
    return count
