"""The flow of a whole video."""

import jaxtyping
import numpy as np
import pytest
from flow.patterns import constant, inner, moved, video_of

from tweenfield.errors import FlowError, UsageError
from tweenfield.flow import Dis, Flow, estimate_flow, provider
from tweenfield.storage.on_demand import OnDemand


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


def test_flow_of_two_shapes_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as it is for users
    with pytest.raises(FlowError, match=r"forward flow has shape \(1, 4, 5, 2\), backward \(1, 4, 6, 2\)"):
        Flow(
            forward=np.zeros((1, 4, 5, 2), np.float32), backward=np.zeros((1, 4, 6, 2), np.float32), name="f"
        )


def test_a_flow_shows_its_size_and_no_numbers():
    zeros = np.zeros((3, 4, 5, 2), np.float32)
    assert repr(Flow(forward=zeros, backward=zeros, name="still")) == "Flow('still', 3 intervals of 4x5)"
    assert repr(OnDemand(lambda k: zeros[k], zeros.shape, np.float32)) == (
        "OnDemand(shape=(3, 4, 5, 2), dtype=float32)"
    )


def test_arguments_that_a_provider_does_not_take_are_refused():
    with pytest.raises(UsageError, match="flow 'dis:fast': dis takes no such arguments; write dis"):
        provider("dis:fast")
