import numpy as np
import pytest
from patterns import grid, moved, pattern, psnr, translation, video_of

from tweenfield.errors import FlowError
from tweenfield.flow import Flow
from tweenfield.flow.between import between

HEIGHT, WIDTH, U, V = 40, 60, 3.0, -2.0
# Far enough inside for both ends of the motion to lie in the picture.
INSIDE = (slice(4, -4), slice(5, -5))


def clip(dx=U, dy=V):
    """Two frames between which a pattern moves, and their exact flow."""
    video = video_of([moved(HEIGHT, WIDTH, 0, 0), moved(HEIGHT, WIDTH, dx, dy)])
    return video, translation(1, HEIGHT, WIDTH, dx, dy)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.875])
def test_a_moving_pattern_is_where_it_should_be_and_is_trusted(fraction):
    velocity, color, trust = between(*clip(), 0, fraction)
    np.testing.assert_allclose(velocity, np.broadcast_to([U, V], velocity.shape), atol=1e-4)
    x, y = grid(HEIGHT, WIDTH)
    truth = pattern(x - fraction * U, y - fraction * V).clip(0, 1)
    assert psnr(color[INSIDE], truth[INSIDE]) > 45
    assert trust[INSIDE].min() > 0.97


def test_at_its_ends_an_interval_has_the_colours_of_its_frames():
    video, flow = clip()
    for fraction in (0, 1):
        np.testing.assert_allclose(
            between(video, flow, 0, fraction).color, video.frames[fraction] / 255, atol=1e-4
        )


def test_flows_that_contradict_each_other_are_not_trusted():
    video, flow = clip()
    wild = Flow(forward=flow.forward, backward=-2 * flow.backward, name="wild")
    assert between(video, wild, 0, 0.5).trust.max() < 1e-3


def test_colours_that_differ_by_a_tenth_are_half_trusted():
    first = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    second = first + np.uint8([26, 0, 0])  # 0.102 of the full range
    trust = between(video_of([first, second]), translation(1, HEIGHT, WIDTH, 0, 0), 0, 0.5).trust
    np.testing.assert_allclose(trust, 0.49, atol=0.01)


@pytest.mark.parametrize(("interval", "fraction"), [(1, 0.5), (-1, 0.5), (0, 1.5)])
def test_a_time_outside_the_video_is_refused(interval, fraction):
    with pytest.raises(FlowError):
        between(*clip(), interval, fraction)
