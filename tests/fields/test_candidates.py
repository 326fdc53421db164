"""The paths along which transport's candidates look into the observed frames."""

import numpy as np
import pytest

from tweenfield.fields.transport.candidates import trace, window

SIZE = (60, 64)


def displacements(place, times, interval, fraction):
    """Of the candidates of a picture that is at ``place(time)`` as a whole, in the middle of the picture."""
    places = np.array([place(t) for t in times])
    steps = np.diff(places, axis=0).astype(np.float32)
    forward = np.broadcast_to(steps[:, None, None], (len(steps), *SIZE, 2))
    none = np.zeros(len(steps), bool)
    around = window(forward, -forward, none, np.diff(times), interval, cut=False, moves=True)
    return trace(around, fraction).displacement[:, SIZE[0] // 2, SIZE[1] // 2]


def parabola(t):
    return np.array([3 * t - 0.5 * t**2, 0.8 * t**2])


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("interval", [0, 1, 2])
@pytest.mark.parametrize("times", [(0, 1, 2, 3), (0, 0.5, 2.5, 3), (0, 2, 3, 4.5)])
def test_a_point_under_constant_acceleration_is_found(times, interval, fraction):
    """Also at the ends of the video, where only three frames are known, and with unequal durations."""
    first, second = times[interval : interval + 2]
    now = first + fraction * (second - first)
    found = displacements(parabola, times, interval, fraction)
    for j, end in enumerate((first, second, first, second)):
        assert found[j] == pytest.approx(parabola(end) - parabola(now), abs=1e-5)


def test_flows_that_disagree_bend_no_path():
    """The path through the frames that agree is taken, or the straight one where there is none."""
    places = np.array([parabola(t) for t in range(4)])
    forward = np.broadcast_to(np.diff(places, axis=0).astype(np.float32)[:, None, None], (3, *SIZE, 2)).copy()
    backward, none = -forward, np.zeros(3, bool)
    backward[0] += 50

    def found(forward):
        around = window(forward, backward, none, np.ones(3), 1, cut=False, moves=True)
        return trace(around, 0.5).displacement[0, SIZE[0] // 2, SIZE[1] // 2]

    assert found(forward) == pytest.approx(parabola(1) - parabola(1.5), abs=1e-5)
    forward[2] += 50
    assert found(forward) == pytest.approx((parabola(1) - parabola(2)) / 2, abs=1e-5)


@pytest.mark.parametrize(("step", "bend"), [(0.0, 0.0), (1.0, 0.25), (8.0, 0.5)])
def test_no_point_turns_about_within_an_interval(step, bend):
    """Velocity falls by 4 pixels per interval: the bend is 4 / 8, or a quarter of less motion."""
    forward = np.zeros((3, *SIZE, 2), np.float32)
    forward[:, ..., 0] = np.array([step + 4, step, step - 4])[:, None, None]
    none = np.zeros(3, bool)
    around = window(forward, -forward, none, np.ones(3), 1, cut=False, moves=True)
    found = trace(around, 0.5).displacement[0, SIZE[0] // 2, SIZE[1] // 2, 0]
    assert found == pytest.approx(-step / 2 - bend, abs=1e-3)


def test_two_frames_know_of_no_acceleration():
    found = displacements(parabola, (0, 1), 0, 0.25)
    step = parabola(1) - parabola(0)
    assert found[0] == pytest.approx(-0.25 * step, abs=1e-6)
    assert found[1] == pytest.approx(0.75 * step, abs=1e-6)


@pytest.mark.parametrize("fraction", [0, 1])
def test_at_an_observed_time_nothing_is_moved_in_its_frame(fraction):
    found = displacements(parabola, (0, 1, 2, 3), 1, fraction)
    assert found[fraction] == pytest.approx(0, abs=1e-6)
