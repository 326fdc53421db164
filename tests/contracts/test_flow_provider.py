"""What every flow provider must do. A new provider is one more line in PROVIDERS."""

import numpy as np
import pytest
from flow.patterns import constant, epe, inner, moved

from tweenfield.errors import FlowError
from tweenfield.flow import DeepFlow, Dis, Farneback, FlowEstimator

PROVIDERS = [Dis(), DeepFlow(), Farneback()]

pytestmark = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)


def test_is_a_flow_estimator(provider):
    assert isinstance(provider, FlowEstimator)
    assert provider.name and provider.name == type(provider)().name


@pytest.mark.parametrize("size", [(48, 64), (33, 47), (16, 90), (90, 16)])
def test_gives_finite_float32_flow_of_the_frames_size(provider, size):
    flow = provider(moved(*size, 0, 0), moved(*size, 1, 0))
    assert flow.shape == (*size, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


@pytest.mark.parametrize("shift", [(2.3, -1.6), (0.4, 0.25), (-1.75, 3)])
def test_recovers_a_translation_in_direction_and_length(provider, shift):
    found = provider(moved(96, 128, 0, 0), moved(96, 128, *shift))
    assert epe(inner(found, 16), inner(constant(96, 128, *shift), 16)) < 0.05


def test_still_frames_have_no_flow(provider):
    frame = moved(64, 64, 0, 0)
    assert np.abs(provider(frame, frame)).max() < 1e-3


def test_keeps_no_state_between_calls(provider):
    first, second = moved(64, 80, 0, 0), moved(64, 80, 1.5, 0.5)
    before = provider(first, second)
    kept = before.copy()
    provider(moved(40, 50, 3, 3), moved(40, 50, 0, 1))
    np.testing.assert_array_equal(provider(first, second), kept)
    np.testing.assert_array_equal(before, kept)


def test_leaves_its_input_alone(provider):
    first, second = moved(48, 64, 0, 0), moved(48, 64, 1, 1)
    kept = first.copy(), second.copy()
    provider(first, second)
    np.testing.assert_array_equal(first, kept[0])
    np.testing.assert_array_equal(second, kept[1])


def test_takes_frames_that_are_views(provider):
    first, second = moved(48, 64, 0, 0), moved(48, 64, 1, 1)
    mirrored = provider(first[:, ::-1], second[:, ::-1])
    np.testing.assert_array_equal(mirrored, provider(first[:, ::-1].copy(), second[:, ::-1].copy()))


@pytest.mark.parametrize(
    "size",
    [
        (1, 1),
        (1, 64),
        (2, 2),
        (7, 7),
        (8, 8),
        (8, 64),
        (8, 100),
        (11, 12),
        (12, 12),
        (12, 500),
        (13, 17),
        (13, 300),
    ],
)
def test_small_frames_work_or_are_refused(provider, size):
    noise = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    try:
        flow = provider(*noise)
    except FlowError as error:
        assert min(size) < 13
        assert f"{size[0]}x{size[1]}" in str(error) and provider.name in str(error)
    else:
        assert flow.shape == (*size, 2)
        assert np.isfinite(flow).all()


def test_frames_of_two_sizes_are_refused(provider):
    with pytest.raises(FlowError, match=r"\(48, 64, 3\).*\(48, 60, 3\)"):
        provider(moved(48, 64, 0, 0), moved(48, 60, 0, 0))
