"""Rates, timelines and field times, to the frame and as exact fractions."""

from fractions import Fraction as F
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from tweenfield import End, Timing
from tweenfield.errors import UsageError
from tweenfield.video import (
    FrameRate,
    Video,
    field_position,
    output_timeline,
    parse_rate,
    parse_slow,
    parse_time,
)
from tweenfield.video.timing import frame_times, standard_rate


def video(count=None, rate=F(24), times=None):
    times = times or tuple(k / rate for k in range(count))
    return Video(frames=np.zeros((len(times), 2, 2, 3), np.uint8), times=times, rate=rate)


@pytest.mark.parametrize(
    ("text", "value", "relative"),
    [
        ("2x", F(2), True),
        ("2.5X", F(5, 2), True),
        ("1/2x", F(1, 2), True),
        ("60", F(60), False),
        (" 60 ", F(60), False),
        ("60000/1001", F(60000, 1001), False),
        ("23.976", F(24000, 1001), False),
        ("23.98", F(24000, 1001), False),
        ("29.97", F(30000, 1001), False),
        ("59.94", F(60000, 1001), False),
        ("119.88", F(120000, 1001), False),
        ("12.5", F(25, 2), False),
        ("29.9", F(299, 10), False),
        ("29.97x", F(2997, 100), True),
    ],
)
def test_rates_are_exact(text, value, relative):
    assert parse_rate(text) == FrameRate(value=value, relative=relative)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0x", "-2x", "-60", "x", "fast", "60/0", "1e3", "nan", "inf", "60 fps", "2xx", "1/2/3", "0.0"],
)
def test_nonsense_rates_are_refused(text):
    with pytest.raises(UsageError, match="2x, 60, 60000/1001"):
        parse_rate(text)


def test_slow_factors():
    assert parse_slow("4x") == parse_slow("4") == parse_slow(" 4 X ") == 4
    assert parse_slow("2.5x") == F(5, 2)
    assert parse_slow("29.97") == F(2997, 100)
    for text in ("0x", "-4", "slow", ""):
        with pytest.raises(UsageError, match="4x or"):
            parse_slow(text)


@pytest.mark.parametrize(
    ("count", "source", "fps", "slow", "drawn", "rate"),
    [
        (10, F(25), "2x", None, 19, F(50)),
        (10, F(25), None, "4x", 37, F(25)),
        (25, F(24), "60", None, 61, F(60)),
        (25, F(24), "2x", "2", 97, F(48)),
        (24, F(24000, 1001), "60000/1001", None, 58, F(60000, 1001)),
        (31, F(30), "60000/1001", None, 60, F(60000, 1001)),
        (31, F(30), "12.5", None, 13, F(25, 2)),
        (10, F(25), None, None, 10, F(25)),
        (10, F(25), None, "2.5x", 23, F(25)),
        (1, F(25), "8x", "100", 1, F(200)),
    ],
)
def test_timelines_that_stop_hold_the_right_number_of_frames(count, source, fps, slow, drawn, rate):
    clip = video(count, source)
    line = output_timeline(clip, fps=fps, slow=slow, end=End.stop)
    factor = parse_slow(slow) if slow else 1
    assert len(line) == len(line.positions) == drawn
    assert line.rate == rate
    assert line.times == tuple(k / (rate * factor) for k in range(drawn))
    assert line.positions == tuple(t * source for t in line.times)
    assert clip.times[-1] - line.times[-1] < 1 / (rate * factor)
    assert line.length == clip.times[-1] + 1 / (rate * factor)


@pytest.mark.parametrize(
    ("count", "source", "fps", "slow"),
    [
        (10, F(25), "2x", None),
        (10, F(25), None, "4x"),
        (24, F(24000, 1001), "60000/1001", None),
        (31, F(30), "12.5", None),
        (10, F(25), None, "2.5x"),
        (1, F(25), "8x", "100"),
    ],
)
def test_the_output_lasts_as_long_as_the_input(count, source, fps, slow):
    clip = video(count, source)
    line, stops = (
        output_timeline(clip, fps=fps, slow=slow),
        output_timeline(clip, fps=fps, slow=slow, end=End.stop),
    )
    seconds = count / source * (parse_slow(slow) if slow else 1)
    assert 0 <= len(line) / line.rate - seconds < 1 / line.rate
    assert line.length == count / source
    # What comes after is the last frame, held.
    assert line.times[: len(stops)] == stops.times and set(line.times[len(stops) :]) <= {clip.times[-1]}


@pytest.mark.parametrize(
    ("rate", "minutes"), [(F(24000, 1001), 60), (F(30000, 1001), 10), (F(60000, 1001), 10)]
)
def test_a_long_video_has_no_drift(rate, minutes):
    """Frame k is at exactly k / rate, also by the stamps of a clock of milliseconds."""
    count = int(60 * minutes * rate)
    times, found, constant = frame_times([round(k / rate * 1000) for k in range(count)], F(1, 1000), [rate])
    line = output_timeline(SimpleNamespace(times=times, rate=found, lasts=None), fps="2x")
    assert constant and found == rate and len(line) == 2 * count
    assert line.times[-2] == (count - 1) / rate and line.positions[-2] == count - 1


def test_observed_frames_keep_their_own_times():
    times = (F(0), F(1, 30), F(1, 10), F(2, 10), F(7, 30))
    clip = video(times=times, rate=F(120, 7))
    line = output_timeline(clip, fps="60", timing=Timing.source, end=End.stop)
    assert set(times) <= set(line.times) and line.times == line.shown
    assert line.positions == tuple(field_position(times, t) for t in line.shown)
    assert len(line) == 2 + 4 + 6 + 2 + 1
    slow = output_timeline(clip, slow="4x", fps="60", timing=Timing.source)
    assert {4 * t for t in times} <= set(slow.shown)
    assert all(a < b for a, b in pairwise(slow.shown))
    assert slow.shown[-1] < 4 * (times[-1] + 1 / clip.rate)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12.5", F(25, 2)), ("1:02.5", F(125, 2)), ("1:00:02", 3602), ("0:07", 7), (".25", F(1, 4))],
)
def test_times_are_exact(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:60", "1:75.2", "1m", "1:2:3:4", "nan", "1:", "5e3"])
def test_nonsense_times_are_refused(text):
    with pytest.raises(UsageError, match="seconds or MM:SS"):
        parse_time(text)


def test_numbers_and_texts_mean_the_same():
    clip = video(9)
    assert output_timeline(clip, fps=60, slow=2.5) == output_timeline(clip, fps="60", slow="2.5x")
    assert output_timeline(clip, fps=F(60000, 1001)) == output_timeline(clip, fps=parse_rate("59.94"))
    with pytest.raises(UsageError):
        output_timeline(clip, fps=0)
    with pytest.raises(UsageError):
        output_timeline(clip, slow=F(-1))


def test_variable_rate_positions():
    times = (F(1), F(2), F(5), F(6))
    clip = video(times=times, rate=F(3, 5))
    assert [field_position(times, t) for t in times] == [0, 1, 2, 3]
    assert field_position(times, F(3, 2)) == F(1, 2)
    assert field_position(times, F(3)) == F(4, 3)
    line = output_timeline(clip, fps=1, end=End.stop)
    assert line.times == (1, 2, 3, 4, 5, 6)
    assert line.positions == (0, 1, F(4, 3), F(5, 3), 2, 3)
    for outside in (F(0), F(61, 10)):
        with pytest.raises(UsageError, match="from 1 to 6 s"):
            field_position(times, outside)


@pytest.mark.parametrize("rate", [F(60), F(60000, 1001), F(24000, 1001), F(25), F(240), F(48123, 1000)])
def test_millisecond_stamps_become_the_rate_again(rate):
    ticks = [round(k / rate * 1000) for k in range(200)]
    assert frame_times(ticks, F(1, 1000), [rate]) == (tuple(k / rate for k in range(200)), rate, True)


def test_a_dropped_frame_makes_the_rate_variable():
    ticks = [0, 17, 33, 67, 83]
    times, rate, constant = frame_times(ticks, F(1, 1000), [F(60)])
    assert not constant
    assert times == tuple(F(t, 1000) for t in ticks)
    assert rate == 60


def test_a_wrong_nominal_rate_gives_way_to_the_stamps():
    assert frame_times([7, 47, 87, 127], F(1, 1000), [F(30)]) == ((0, F(1, 25), F(2, 25), F(3, 25)), 25, True)


def test_missing_stamps_are_filled_at_a_constant_rate_only():
    assert frame_times([None] * 3, F(1, 1000), [F(50)]) == ((0, F(1, 50), F(2, 50)), 50, True)
    assert frame_times([0, None, 40, None], F(1, 1000), [F(50)]) == (
        (0, F(1, 50), F(2, 50), F(3, 50)),
        50,
        True,
    )
    assert frame_times([0, None, 40, 100], F(1, 1000), [F(50)]) is None


def test_rounded_rates_become_the_usual_ones():
    assert standard_rate(F(19001, 317)) == F(60000, 1001)
    assert standard_rate(F(24000, 1001)) == F(24000, 1001)
    assert standard_rate(F(21126, 439)) == F(48123, 1000)
    assert standard_rate(F(2997, 125)) == F(2997, 125)
    assert standard_rate(F(60)) == 60
    assert standard_rate(F(1000, 7)) == F(1000, 7)
