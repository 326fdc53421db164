"""Hidden frames' neighbours are further apart than observed frames are; what that alone changes is undone."""

import numpy as np
import pytest
import torch
from conftest import waves

from tweenfield.fitting.leave_out.longer_interval import certain, lit, passing
from tweenfield.flow import Flow

HEIGHT, WIDTH = 32, 48


def constant(*vectors):
    return np.stack([np.broadcast_to(np.float32(v), (HEIGHT, WIDTH, 2)) for v in vectors])


def straight(s, *velocities):
    """Displacements of two pairs, each along a velocity, and one candidate further along each of them."""
    return np.concatenate([constant(-s * v, (1 - s) * v) for v in map(np.array, velocities)])


def test_paths_pass_where_the_flow_says():
    """The camera moves by (3, 1) up to the hidden frame and by (1, -1) after it, in equal times."""
    first, second = np.array([3, 1]), np.array([1, -1])
    flow = Flow(forward=constant(first, second), backward=constant(-first, -second), name="exact")
    velocity = first + second
    led = passing(straight(0.5, velocity, velocity), flow, certain(flow), 0.5)
    inside = led[:, 4:-4, 4:-4]
    for pair in (0, 2):
        assert inside[pair] == pytest.approx(np.broadcast_to(-first, inside[pair].shape), abs=1e-5)
        assert inside[pair + 1] == pytest.approx(np.broadcast_to(second, inside[pair].shape), abs=1e-5)


def test_the_difference_between_the_flows_of_a_pair_stays():
    first, second = np.array([3.0, 1]), np.array([1.0, -1])
    flow = Flow(forward=constant(first, second), backward=constant(-first, -second), name="exact")
    before = straight(0.25, [4.0, 0], [5.0, 2])
    led = passing(before, flow, certain(flow), 0.25)
    moved = (led - before)[:, 4:-4, 4:-4]
    assert moved == pytest.approx(np.broadcast_to(moved[0, 0, 0], moved.shape), abs=1e-5)


def test_flow_that_contradicts_itself_leads_nowhere():
    flow = Flow(
        forward=constant([3, 1], [1, -1]), backward=constant([9, 9], [-9, 9]), name="contradicts itself"
    )
    before = straight(0.5, [4.0, 0], [4.0, 0])
    assert passing(before, flow, certain(flow), 0.5) == pytest.approx(before, abs=1e-3)


def scene():
    return torch.from_numpy(waves(64, 96, 0, 0)).permute(2, 0, 1).float()


def relit(truth, levels, s=0.5):
    """By how much a scene is lit, given how much the base and four frames are: the two beside it first."""
    around = torch.stack([level * scene() for level in levels])
    base = ((1 - s) * levels[0] + s * levels[1]) * scene()
    found = lit(truth * scene(), base, around, [0, 1, -1, 2][: len(levels)], s, torch.ones(64, 96))
    ratio = found.mean(dim=(1, 2)) / scene().mean(dim=(1, 2))
    # All of the picture is lit alike.
    assert found.numpy() == pytest.approx((ratio[:, None, None] * scene()).numpy(), abs=2e-3)
    return ratio.mean().item()


def test_light_that_nothing_tells_is_taken_out():
    assert relit(0.7, [1, 1, 1, 1]) == pytest.approx(1, abs=2e-3)
    assert relit(0.7, [0.9, 1]) == pytest.approx(0.95, abs=2e-3)


@pytest.mark.parametrize("s", [0.25, 0.5, 0.75])
def test_light_on_a_cubic_stays(s):
    light = np.polynomial.Polynomial([0.8, 0.1, -0.06, 0.02])
    levels = [light(t) for t in (0, 1, -1, 2)]
    assert relit(light(s), levels, s) == pytest.approx(light(s), abs=2e-3)


def test_light_goes_no_further_than_the_cubic():
    light = np.polynomial.Polynomial([0.8, 0.1, -0.06, 0.02])
    levels = [light(t) for t in (0, 1, -1, 2)]
    assert relit(light(0.5) + 0.1, levels) == pytest.approx(light(0.5), abs=2e-3)
    assert relit(0.3, levels) == pytest.approx((levels[0] + levels[1]) / 2, abs=2e-3)


def test_lost_detail_is_not_taken_for_light():
    """Where the base is blurred, the hidden frame keeps its contrast."""
    detail = torch.from_numpy(np.indices((64, 96)).sum(axis=0) % 2 / 5 - 0.1).float()
    truth, base = scene() + detail, scene()
    assert torch.allclose(
        lit(truth, base, torch.stack([base, base]), [0, 1], 0.5, torch.ones(64, 96)), truth, atol=2e-3
    )


def test_what_moves_elsewhere_is_not_taken_for_light():
    """Half of the picture holds something else, and the flow is unsure there."""
    truth, sure = scene(), torch.ones(64, 96)
    truth[:, :, 48:], sure[:, 48:] = 0.9, 0
    found = lit(truth, scene(), torch.stack([scene(), scene()]), [0, 1], 0.5, sure)
    assert torch.allclose(found, truth, atol=2e-3)
