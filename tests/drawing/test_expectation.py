"""What is told of drawn frames, and what takes the place of doubtful ones; the error to expect is known."""

import numpy as np
import pytest
import torch

from tweenfield import Doubtful, Expectation, Field, Grid, expect, render_doubtful
from tweenfield.drawing.expectation import doubtful_ranges, in_words, mean_psnr

LEVELS = 40


class Brightening(Field):
    """Grey that gets brighter by 40 levels an interval; an error of 100 is expected in the second one."""

    name = "brightening"
    expects_error = True

    def __init__(self):
        super().__init__()
        self.grid = Grid(frames=4, height=2, width=3)
        self.level = torch.nn.Parameter(torch.zeros(()))

    config = None

    def forward(self, points):
        return (LEVELS * points[:, 2:] / 255).expand(-1, 3) + self.level

    def with_derivative(self, points, direction):
        return self(points), direction / 255

    def expected_error(self, t):
        return torch.full((2, 3), 0.0 if t == int(t) else 100.0 if 1 < t < 2 else 1.0)

    def error_reason(self, t):
        return "large motion"


def told(psnrs, reasons=()):
    reasons = dict(reasons)
    return [
        Expectation(index=k, t=k / 2, psnr=psnr, reason=reasons.get(k, "")) for k, psnr in enumerate(psnrs)
    ]


def test_psnr_is_that_of_the_mean_squared_error():
    field = Brightening()
    assert expect(field, 0.5).psnr == pytest.approx(20 * np.log10(255))
    assert expect(field, 1.5, 3).psnr == pytest.approx(20 * np.log10(2.55))
    assert [expect(field, t).reason for t in (0, 0.5, 1.5)] == ["", "", "large motion"]
    assert expect(field, 1).psnr == 100


@pytest.mark.parametrize(
    ("doubtful", "levels"),
    [
        (Doubtful.draw, [0, 20, 40, 50, 70, 80, 100]),
        (Doubtful.hold, [0, 20, 40, 40, 80, 80, 100]),
        (Doubtful.blend, [0, 20, 40, 50, 70, 80, 100]),
    ],
)
def test_doubtful_frames_are_replaced_and_no_others(doubtful, levels):
    drawn = render_doubtful(Brightening(), [0, 0.5, 1, 1.25, 1.75, 2, 2.5], doubtful)
    assert [frame.max() for frame in drawn] == levels


def test_a_line_names_the_frames_and_the_reason():
    expected = told([100, 40, 100, 28, 100, 26, 100, 42, 100], {3: "large motion", 5: "large motion"})
    assert in_words(expected) == "34.0 dB; frames 3-5 doubtful: large motion"
    assert doubtful_ranges(expected) == [(3, 5, "large motion")]
    assert mean_psnr(expected) == pytest.approx((40 + 28 + 26 + 42) / 4)


def test_a_single_frame_and_none_at_all():
    assert in_words(told([100, 20], {1: "a cut"})) == "20.0 dB; frame 1 doubtful: a cut"
    assert in_words(told([100, 40])) == "40.0 dB" and in_words(told([100, 100])) == "exact"


def test_of_many_places_the_longest_are_named():
    bad = {1: "a cut", 3: "a cut", 5: "a cut", 7: "a cut", 8: "a cut"}
    expected = told([20 if k in bad else 40 for k in range(10)], bad)
    line = in_words(expected)
    assert line.count("doubtful") == 3 and "frames 7-8" in line and line.endswith("; and 1 more places")
