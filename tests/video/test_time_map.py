"""Output time is the integral of slowness over input time, and the input's time its inverse."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tweenfield import End, TimeMap, UsageError, Video, output_timeline, parse_speed


def test_one_point_is_a_constant_speed():
    slow = parse_speed("3:0.25x")
    for s in (0.0, 1.0, 3.0, 7.5):
        assert slow.output_time(s) == pytest.approx(4 * s)
        assert slow.input_time(4 * s) == pytest.approx(s)
        assert slow.speed(s) == pytest.approx(0.25)


def test_output_time_is_the_integral_of_slowness():
    ramp = parse_speed("0:1x 2.5:0.25x 4:1x")
    seconds = np.linspace(0, 6, 60001)
    slowness = np.array([1 / ramp.speed(s) for s in seconds])
    integral = np.concatenate(([0], np.cumsum((slowness[1:] + slowness[:-1]) / 2 * np.diff(seconds))))
    played = np.array([ramp.output_time(s) for s in seconds])
    assert np.abs(played - integral).max() < 1e-6


@pytest.mark.parametrize("text", ["0:1x 2.5:0.25x 4:1x", "1:4 2:0.1 2.5:1 9:30", "2:0.5x", "0.5:2 0.6:0.01"])
def test_the_two_functions_are_inverse_and_increase(text):
    speed = parse_speed(text)
    seconds = np.linspace(0, 12, 997)
    played = [speed.output_time(s) for s in seconds]
    assert played[0] == 0 and (np.diff(played) > 0).all()
    assert np.abs([speed.input_time(u) for u in played] - seconds).max() < 1e-9


def test_the_speed_is_that_of_the_points_and_never_beyond_its_neighbours():
    points = [(0.0, 1.0), (1.0, 0.25), (2.0, 0.25), (3.0, 8.0)]
    speed = TimeMap(points)
    for time, value in points:
        assert speed.speed(time) == pytest.approx(value)
    assert speed.speed(99) == pytest.approx(8)
    assert all(speed.speed(s) == pytest.approx(0.25) for s in np.linspace(1, 2, 11))
    assert all(0.25 - 1e-9 <= speed.speed(s) <= 1 + 1e-9 for s in np.linspace(0, 1, 101))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the speed has no point"),
        ("1x", "'1x' isn't a point; write TIME:SPEED"),
        ("0:1x 2:fast", "'2:fast' isn't a point"),
        ("-1:1x", "'-1:1x' isn't a point"),
        ("2:1x 1:2x", "a point at 1 s after one at 2 s; give times that increase"),
        ("1:1x 1:2x", "a point at 1 s after one at 1 s"),
        ("0:0x", "speed 0x at 0 s can't be played; choose one from 0.001x to 1000x"),
        ("0:1e9", "'0:1e9' isn't a point"),
        ("0:99999", "speed 99999x at 0 s can't be played"),
    ],
)
def test_what_is_no_speed_is_one_sentence(text, said):
    with pytest.raises(UsageError) as error:
        parse_speed(text)
    assert said in str(error.value)


def clip(count=26, rate=Fraction(25)):
    frames = np.zeros((count, 4, 4, 3), np.uint8)
    return Video(frames=frames, times=tuple(k / rate for k in range(count)), rate=rate)


def test_a_constant_speed_is_slow_motion_to_the_frame():
    for rate in (Fraction(25), Fraction(30000, 1001)):
        video = clip(rate=rate)
        for speed, slow in (("0:0.25x", "4x"), ("0:1x 5:1x", "1x"), ("3:0.5", "2x")):
            for end in End:
                mapped = output_timeline(video, speed=speed, end=end)
                assert replace(mapped, speed=1 / Fraction(slow[0])) == output_timeline(
                    video, slow=slow, end=end
                )


def test_frames_are_even_in_the_output_and_as_fast_as_asked_in_the_input():
    video, speed = clip(), parse_speed("0:1x 0.5:0.25x 1:2x")
    timeline = output_timeline(video, fps=50, speed=speed, end=End.stop)
    times = [float(t) for t in timeline.times]
    played = [speed.output_time(t) for t in times]
    assert np.abs(np.subtract(played, np.arange(len(times)) / 50)).max() < 1e-5
    assert times[0] == 0 and 1 - 2 / 50 < times[-1] <= 1 and timeline.rate == 50
    middle = [b - a for a, b in pairwise(times) if 0.49 < a < 0.51]
    assert middle == pytest.approx([0.25 / 50] * len(middle), rel=0.02)
    assert [float(step) for step in timeline.steps[:-1]] == pytest.approx(list(25 * np.diff(times)))


def test_slow_motion_and_a_speed_exclude_each_other():
    with pytest.raises(UsageError, match="give one of --slow and --speed"):
        output_timeline(clip(), slow="2x", speed="0:1x")


def test_no_time_is_before_the_first_frame():
    with pytest.raises(UsageError, match="a point at -1 s; give times from 0 on"):
        TimeMap([(-1.0, 1.0)])
