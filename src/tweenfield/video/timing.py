"""Frame times and rates, exactly: texts that users write, and a file's clock."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tweenfield.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import av


# Rates and factors outside are mistakes, and longer texts hold numbers that no file can.
_LEAST, _MOST = Fraction(1, 1_000_000), Fraction(1_000_000)
_LONGEST = 40
_NTSC = tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240))
# What cameras and screens mean, and how far off their clocks are.
_COMMON = (*_NTSC, *map(Fraction, (24, 25, 30, 48, 50, 60, 100, 120, 240)))
_NEAR = Fraction(3, 100)
_EXACT = re.compile(r"-?\d{1,40}(/0*[1-9]\d{0,39})?", re.ASCII)


@runtime_checkable
class Timed(Protocol):
    """What has observed frames' times: a video, or what a fit keeps of one."""

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Of each frame, in seconds, increasing."""
        ...

    @property
    def rate(self) -> Fraction:
        """Nominal frames per second."""
        ...

    @property
    def lasts(self) -> Fraction | None:
        """How long the last frame is shown, in seconds; one interval of the rate if None."""
        ...


@dataclass(frozen=True, kw_only=True)
class FrameRate:
    """A playback rate: frames per second, or a multiple of the source's rate if ``relative``."""

    value: Fraction
    relative: bool = False

    def of(self, source: Fraction) -> Fraction:
        """Frames per second for a source of ``source`` frames per second."""
        return self.value * source if self.relative else self.value


def parse_rate(text: str) -> FrameRate:
    """``"2x"`` (times the source's rate), ``"60"``, ``"60000/1001"`` or ``"29.97"``.

    Decimals are exact, except that 23.976, 29.97, 59.94, 119.88 (and 23.98, 47.952, 239.76) mean the NTSC
    rates that they abbreviate: n * 1000/1001 for n = 24, 30, 48, 60, 120, 240.

    Raises:
        UsageError: the text is no number of one of these forms from a millionth to a million.
    """
    relative = text.strip().lower().endswith("x")
    value = _positive(text.strip()[:-1] if relative else text)
    if value is None:
        raise UsageError(
            f"frame rate {_short(text)} isn't a rate; write one such as 2x, 60, 60000/1001 or 29.97"
        )
    return FrameRate(value=value if relative else _ntsc(text, value), relative=relative)


def parse_slow(text: str) -> Fraction:
    """How many times slower: ``"4x"``, ``"4"`` or ``"2.5x"``.

    Raises:
        UsageError: the text is no number from a millionth to a million.
    """
    value = _positive(re.sub(r"\s*[xX]\s*$", "", text))
    if value is None:
        raise UsageError(f"slow motion {_short(text)} isn't a factor; write one such as 4x or 2.5x")
    return value


def parse_time(text: str) -> Fraction:
    """Seconds: ``"12.5"``, ``"1:02.5"`` (minutes) or ``"1:00:02.5"`` (hours).

    Raises:
        UsageError: the text has another form.
    """
    match = re.fullmatch(r"\s*(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d*)?|\.\d+)\s*", text, re.ASCII)
    if not match or len(text) > _LONGEST or (match[2] is not None and Fraction(match[3]) >= 60):
        raise UsageError(f"time {_short(text)} isn't one; write seconds or MM:SS, such as 12.5 or 1:02.5")
    hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def exact(text: str) -> Fraction:
    """The fraction that ``str`` made this text of. What else ``Fraction`` takes is refused: ``1e999999999``
    would take all of a machine.

    Raises:
        ValueError: it is no such text.
    """
    if not _EXACT.fullmatch(text):
        raise ValueError(f"{_short(text)} is no fraction")
    return Fraction(text)


def checked_rate(rate: Fraction) -> Fraction:
    """The rate, if it can be written.

    Raises:
        UsageError: it is below a millionth or above a million frames per second.
    """
    if not _LEAST <= rate <= _MOST:
        raise UsageError(
            f"{float(rate):.6g} frames per second can't be played; choose a rate from 0.000001 to 1000000"
        )
    return rate


def encodable(rate: Fraction) -> Fraction:
    """The rate, or the nearest one whose two numbers have 31 bits, as FFmpeg keeps them."""
    most = 2**31 - 1
    fits = rate.numerator <= most and rate.denominator <= most
    return rate if fits else rate.limit_denominator(int(most / max(rate, Fraction(1))))


def _positive(text: str) -> Fraction | None:
    form = r"\s*(\d+(\.\d*)?|\.\d+|\d+/0*[1-9]\d*)\s*"
    if len(text) > _LONGEST or not re.fullmatch(form, text, re.ASCII):
        return None
    value = Fraction(text.strip())
    return value if _LEAST <= value <= _MOST else None


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


def _ntsc(text: str, value: Fraction) -> Fraction:
    digits = len(text.strip().partition(".")[2])
    return next((rate for rate in _NTSC if digits > 1 and round(rate, digits) == value), value)


def standard_rate(rate: Fraction) -> Fraction:
    """The standard rate that ``rate`` is a rounding of (Matroska keeps nanoseconds), or ``rate`` itself.

    Standard are whole numbers, whole numbers * 1000/1001, and whole thousandths.
    """
    standard = (Fraction(round(rate)), Fraction(round(rate * 1001 / 1000)) * 1000 / 1001, round(rate, 3))
    return next((near for near in standard if abs(near - rate) < rate / 2_000_000), Fraction(rate))


def usual_rate(times: Sequence[Fraction]) -> Fraction:
    """The rate of a video whose intervals differ, by those that are about as long as the one in the middle.
    So a few frames that were dropped, or a pause, don't lower it.

    It is one of the common rates if one is near, otherwise a whole number, or below one as it is.
    """
    steps = [after - before for before, after in pairwise(times)]
    middle = median_low(steps)
    usual = [step for step in steps if abs(step - middle) <= middle / 6]
    rate = len(usual) / sum(usual, Fraction(0))
    common = min(_COMMON, key=lambda one: abs(one - rate))
    return common if abs(common - rate) <= _NEAR * rate else Fraction(round(rate)) or rate


def frame_times(
    ticks: Sequence[int | None], time_base: Fraction, rates: Sequence[Fraction]
) -> tuple[tuple[Fraction, ...], Fraction, bool] | None:
    """Exact times, in seconds from the first frame, of frames that a file stamps in whole ticks.

    A clock too coarse for the rate jitters (60 fps in Matroska: 0, 17, 33 ms). When every stamp lies within
    one tick of k / rate, the times are exactly k / rate.

    Args:
        ticks: one stamp per frame; increasing, but for those that the file leaves out (None).
        time_base: seconds per tick.
        rates: the constant rates to try, best first; the stamps' own mean is tried last.

    Returns:
        The times, the nominal rate, and whether the rate is constant; None if stamps are missing and the
        others have no constant rate.
    """
    stamps = [(k, tick * time_base) for k, tick in enumerate(ticks) if tick is not None]
    (first, start), (last, end) = (stamps[0], stamps[-1]) if stamps else ((0, 0), (0, 0))
    if last > first:
        mean = (last - first) / Fraction(end - start)
        rates = [*rates, Fraction(round(mean)), mean]
    for rate in rates:
        # With a tick longer than half an interval everything would fit.
        if rate and all(
            abs(t - start - (k - first) / rate) <= min(time_base, 1 / (2 * rate)) for k, t in stamps
        ):
            return tuple(k / rate for k in range(len(ticks))), rate, True
    if None in ticks:
        return None
    times = tuple(t - start for _, t in stamps)
    return times, usual_rate(times), False


def gapped_times(
    ticks: Sequence[int | None], time_base: Fraction, rates: Sequence[Fraction]
) -> tuple[tuple[Fraction, ...], Fraction] | None:
    """The same for frames of which some are missing: whole multiples of 1 / rate, and the rate.

    None if they don't lie at such multiples, rounded to the clock, of any of the ``rates``.
    """
    stamps = [(tick or 0) * time_base for tick in ticks]
    for rate in rates:
        places = [round((t - stamps[0]) * rate) for t in stamps]
        near = min(time_base, 1 / (4 * rate))
        fit = all(abs(t - stamps[0] - k / rate) <= near for t, k in zip(stamps, places, strict=True))
        if fit and increasing(places) and None not in ticks:
            return tuple(k / rate for k in places), rate
    return None


def field_position(times: Sequence[Fraction], time: Fraction) -> Fraction:
    """The field time of a source time: k at the k-th observed frame, linear in between.

    Args:
        times: of the observed frames, in seconds, increasing.
        time: in seconds, from the first of them to the last.

    Raises:
        UsageError: ``time`` lies before the first or after the last.
    """
    if not times[0] <= time <= times[-1]:
        raise UsageError(
            f"time {float(time):.6g} s isn't within the clip; choose one from {float(times[0]):.6g} "
            f"to {float(times[-1]):.6g} s"
        )
    k = bisect_right(times, time) - 1
    return Fraction(k) if time == times[k] else k + (time - times[k]) / (times[k + 1] - times[k])


def increasing(values: Sequence[int | None]) -> bool:
    """Whether no value is missing and each is larger than the one before."""
    known = [value for value in values if value is not None]
    return len(known) == len(values) and all(a < b for a, b in pairwise(known))


def stamp_of(item: av.Packet[Any] | av.VideoFrame) -> int:
    """What a packet and its picture have in common; AVI has the order of decoding only."""
    stamp = item.dts if item.pts is None else item.pts
    return 0 if stamp is None else stamp
