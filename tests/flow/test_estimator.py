"""The flow of a whole video."""

import numpy as np
import pytest
from flow.patterns import constant, inner, moved, video_of

from tweenfield.errors import FlowError
from tweenfield.flow import Dis, Flow, estimate_flow


def test_forward_and_backward_between_every_two_neighbours():
    video = video_of([moved(64, 80, dx, 0) for dx in (0, 1, 3)])
    seen = []
    flow = estimate_flow(video, Dis(), on_progress=lambda done, total: seen.append((done, total)))
    assert flow.name == "dis"
    for k, shift in enumerate((1, 2)):
        np.testing.assert_allclose(
            inner(flow.forward[k], 16), inner(constant(64, 80, shift, 0), 16), atol=0.1
        )
        np.testing.assert_allclose(
            inner(flow.backward[k], 16), inner(constant(64, 80, -shift, 0), 16), atol=0.1
        )
    # Each interval was estimated when it was first asked for.
    assert seen == [(1, 2), (2, 2)]


def test_one_frame_has_no_flow():
    with pytest.raises(FlowError, match=r"test clip.*two frames are needed"):
        estimate_flow(video_of([moved(64, 80, 0, 0)]), Dis())


def test_flow_that_isnt_finite_is_refused():
    good = np.zeros((1, 4, 5, 2), np.float32)
    bad = good.copy()
    bad[0, 1, 2, 0] = np.nan
    with pytest.raises(FlowError, match="backward flow holds NaN"):
        Flow(forward=good, backward=bad, name="flow")
