"""The motion that is fitted with the field: what it costs, what moves it, and where it gets to."""

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves
from fitting.fits import interrupt_after, recipe, same

from tweenfield import fit, psnr, render, replace
from tweenfield.fields import Grid, Motion, PatchesConfig
from tweenfield.fitting.flow_constraint import FlowConstraint
from tweenfield.fitting.matching import Matching
from tweenfield.fitting.model_file import load, save
from tweenfield.fitting.samples import between_frames
from tweenfield.flow import Flow
from tweenfield.flow.between import between
from tweenfield.flow.observed import Observed

CPU = torch.device("cpu")


def still(flow):
    return Flow(forward=0 * flow.forward, backward=0 * flow.backward, name="zero")


def matched(video, flow, velocity=(0.0, 0.0), count=2000):
    """The loss of the flow with one more velocity, and the points."""
    samples = between_frames(Observed(video, flow), CPU)
    motion = Motion(Grid(frames=len(video), height=video.size[0], width=video.size[1]))
    motion.levels[0].data[:] = torch.tensor(velocity) / 20
    drawn = samples.draw(count, (1, 1), torch.Generator().manual_seed(0))
    return Matching(video, samples, motion, CPU)(*drawn), drawn


def test_before_the_first_step_the_field_is_asked_for_the_same(moving):
    field = PatchesConfig(width=8, depth=2).build(Grid(frames=5, height=20, width=28), 0)
    for share in (0.0, 0.5):
        given, fitted = (
            FlowConstraint(motion=motion, points=64, between=share).on(Observed(*moving), CPU)(
                field, torch.Generator().manual_seed(0)
            )
            for motion in ("given", "fitted")
        )
        assert fitted.observation.item() == given.observation.item()
        if not share:
            # Between the frames trust is another one, as a fitted motion has no opposite.
            assert fitted.constraint.item() == given.constraint.item()


def test_points_carry_what_the_flow_says_of_them(moving):
    video, flow = moving
    (points, _), (index, _) = matched(video, flow)
    samples = between_frames(Observed(video, flow), CPU)
    torch.testing.assert_close(points.velocity, samples.velocity[index].float(), atol=1e-3, rtol=0)
    expected = np.stack([between(video, flow, int(t), t % 1).color for t in samples.times.tolist()])
    x, y, t = points.points.unbind(1)
    inside = (x > 2) & (x < 25) & (y > 2) & (y < 17)
    place = torch.searchsorted(samples.times, t[inside].contiguous()), y[inside].long(), x[inside].long()
    np.testing.assert_allclose(points.colors[inside].numpy(), expected[tuple(place)], atol=4e-3)
    assert points.trust[inside].min() > 0.98


def test_the_true_motion_costs_least_from_any_start(moving):
    video, flow = moving
    true = matched(video, still(flow), (1.5, -0.5))[0].loss
    assert true < 0.03  # rounding to 8 bit, and what leaves the picture costs nothing
    for other in ((0.0, 0.0), (1.0, -0.5), (1.5, 0.0), (2.0, -0.5), (-1.5, 0.5)):
        assert matched(video, still(flow), other)[0].loss > true + 0.02
    # A correction that takes a wrong flow back is as good as no flow and the whole way.
    wrong = Flow(forward=flow.forward + 1, backward=flow.backward - 1, name="wrong")
    assert matched(video, wrong, (-1.0, -1.0))[0].loss.item() == pytest.approx(true.item(), abs=2e-3)


@pytest.mark.parametrize("start", ["zero", "twice"])
def test_the_motion_is_found_from_a_wrong_start(moving, start):
    video, flow = moving
    twice = Flow(forward=2 * flow.forward, backward=2 * flow.backward, name="twice")
    given = still(flow) if start == "zero" else twice
    assert np.abs(given.forward - flow.forward).mean() == pytest.approx(1)
    result = fit(video, given, replace(recipe(steps=150), motion="fitted"), device="cpu")
    found = result.learnt["motion"].corrected(given)
    inner = np.s_[:, 4:-4, 4:-4]
    assert np.abs(found.forward - flow.forward)[inner].mean() < 0.1
    assert np.abs(found.backward - flow.backward)[inner].mean() < 0.1


def test_without_flow_a_fitted_motion_draws_the_frames_between_better(moving):
    video, flow = moving
    truth = to_8bit(waves(*video.size, 1.5 * 1.5, -0.5 * 1.5))
    quality = {}
    for motion in ("given", "fitted"):
        result = fit(video, still(flow), replace(recipe(steps=200), motion=motion), device="cpu")
        quality[motion] = psnr(next(render(result.field, [1.5])), truth)
    assert quality["fitted"] > quality["given"] + 6


def test_resumed_from_its_file_field_and_motion_end_in_the_same_bits(moving, tmp_path):
    video, flow = moving
    settings = replace(recipe(), motion="fitted")
    whole = fit(video, still(flow), settings, device="cpu")
    part = fit(video, still(flow), settings, device="cpu", on_progress=interrupt_after(20))
    save(part, tmp_path / "part.tween")
    resumed = fit(video, still(flow), settings, device="cpu", resume=load(tmp_path / "part.tween"))
    assert same(resumed, whole)
    save(resumed, tmp_path / "whole.tween")
    for other in (resumed, load(tmp_path / "whole.tween")):
        for a, b in zip(other.learnt["motion"].levels, whole.learnt["motion"].levels, strict=True):
            assert a.any() and torch.equal(a, b)
    assert not fit(video, flow, recipe(steps=2), device="cpu").learnt


@pytest.mark.parametrize("settings", [{"motion": "moved"}, {"motion": "fitted", "weight": 0.0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        FlowConstraint(**settings)
