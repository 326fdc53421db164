"""A first look at a transport field: of what lies around the interval nothing is seen, nor estimated."""

from fractions import Fraction

import numpy as np
import pytest
from conftest import to_8bit, waves

from tweenfield import Dis, Flow, Grid, Observed, Video, draft, estimate_flow, fit, replace
from tweenfield.fields import SirenConfig

SIZE, FRAMES = (40, 60), 24
QUICK = replace(draft(), steps=4, width=4, hidden=2, crops=1, side=12)


class Counting:
    """Estimates by DIS, and notes which frame was looked at from which."""

    name = "counting"

    def __init__(self, video):
        self.video, self.asked = video, []

    def __call__(self, first, second):
        self.asked.append(
            tuple(next(k for k, f in enumerate(self.video.frames) if (f == x).all()) for x in (first, second))
        )
        return Dis()(first, second)


@pytest.fixture(scope="module")
def video():
    frames = np.stack([to_8bit(waves(*SIZE, 1.5 * k, 0.1 * k * k)) for k in range(FRAMES)])
    return Video(frames=frames, times=tuple(map(Fraction, range(FRAMES))), rate=Fraction(1), name="made")


@pytest.fixture(scope="module")
def fitted(video):
    return fit(video, estimate_flow(video, Dis()), QUICK, device="cpu").field


def on(field, video, flow):
    """The field on observations that nothing was asked of yet."""
    fresh = field.config.build(field.grid, 0)
    fresh.load_state_dict(field.state_dict())
    fresh.observe(Observed(video, flow))
    return fresh


def test_it_is_that_of_a_video_of_two_frames(video, fitted):
    alone = fitted.alone()
    two = fitted.config.build(Grid(frames=2, height=SIZE[0], width=SIZE[1]), 0)
    two.mixing.load_state_dict(fitted.mixing.state_dict())
    flow = estimate_flow(video, Dis())
    part = Flow(forward=flow.forward[5:6], backward=flow.backward[5:6], name="part")
    two.observe(Observed(video.select(range(5, 7)), part))
    assert np.array_equal(alone.picture(5.25), two.picture(0.25))
    assert not np.array_equal(alone.picture(5.25), fitted.picture(5.25))


def test_flow_is_estimated_for_its_interval_only(video, fitted):
    estimator = Counting(video)
    field = on(fitted, video, estimate_flow(video, estimator))
    estimator.asked.clear()
    assert field.waits(12.25)
    field.alone().picture(12.25)
    assert estimator.asked == [(12, 13), (13, 12)]
    assert field.waits(12.25)
    assert np.array_equal(field.picture(12.25), fitted.picture(12.25))
    assert not field.waits(12.25)


def test_nothing_is_waited_for_where_flow_is_known(video, fitted):
    flow = estimate_flow(video, Dis())
    known = Flow(forward=np.asarray(flow.forward), backward=np.asarray(flow.backward), name="known")
    assert not on(fitted, video, known).waits(12.25)
    siren = SirenConfig(width=8, depth=1).build(Grid(frames=3, height=8, width=8), 0)
    assert not siren.waits(0.5) and siren.alone() is siren
