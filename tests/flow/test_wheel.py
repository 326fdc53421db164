"""The colour wheel of Middlebury."""

import numpy as np
import pytest
from flow.patterns import constant

from tweenfield.flow import flow_to_color


def color_of(dx, dy, longest=1.0):
    return flow_to_color(constant(1, 1, dx, dy), longest)[0, 0].tolist()


def test_no_motion_is_white():
    assert color_of(0, 0) == [255, 255, 255]
    assert flow_to_color(constant(2, 2, 0, 0)).min() == 255


@pytest.mark.parametrize(
    ("direction", "strong", "weak"),
    [((1, 0), 0, 2), ((-1, 0), 2, 0), ((0, 1), 1, 2), ((0, -1), 2, 1)],
    ids=["right is red", "left is blue", "down is yellow-green", "up is violet"],
)
def test_directions(direction, strong, weak):
    color = color_of(*direction)
    assert color[strong] > 150 and color[weak] < 60


def test_shorter_is_paler_and_too_long_is_darker():
    assert color_of(0.5, 0)[1] > color_of(1, 0)[1]
    assert max(color_of(2, 0)) < max(color_of(1, 0))


def test_the_longest_vector_sets_the_scale_by_default():
    flow = constant(2, 2, 3, 1)
    np.testing.assert_array_equal(flow_to_color(flow), flow_to_color(flow, float(np.hypot(3, 1))))
