import math
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace as dataclass_replace

import numpy as np
import pytest
import torch
from conftest import to_8bit, waves
from fitting.fits import interrupt_after, recipe, same

from tweenfield import FitError, FlowError, UsageError, Video, fit, psnr, render
from tweenfield.fields import Grid, SirenConfig, TransportConfig
from tweenfield.fitting.adam import Adam
from tweenfield.fitting.flow_constraint import FlowConstraint
from tweenfield.fitting.leave_out import LeaveOut
from tweenfield.fitting.model_file import load, save
from tweenfield.fitting.recipe import FitConfig, Recipe
from tweenfield.flow import Flow
from tweenfield.flow.observed import Observed


def taught(steps=30):
    return dataclass_replace(
        recipe(steps),
        objective=FlowConstraint(points=512, between=0.5, warped=1.0),
        teacher=Recipe(
            name="teacher",
            field=TransportConfig(width=4),
            objective=LeaveOut(hidden=2, crops=1, side=16),
            fit=FitConfig(steps=20),
        ),
    )


def test_a_teacher_is_fitted_first(moving):
    told = []
    result = fit(*moving, taught(), device="cpu", on_progress=told.append)
    assert [(p.stage, p.step) for p in told] == [
        *(("teacher", step) for step in (10, 20)),
        *(("fit", step) for step in (10, 20, 30)),
    ]
    assert result.history == told[2:]


def test_a_fit_with_a_teacher_resumes_where_it_stopped(moving, tmp_path):
    def interrupt(progress):
        if progress.stage == "fit" and progress.step == 10:
            os.kill(os.getpid(), signal.SIGINT)

    part = fit(*moving, taught(), device="cpu", on_progress=interrupt)
    assert 10 <= part.step < 30
    whole = fit(*moving, taught(), device="cpu")
    save(part, tmp_path / "part.tween")
    told = []
    for source in (part, load(tmp_path / "part.tween")):
        assert same(fit(*moving, taught(), device="cpu", resume=source, on_progress=told.append), whole)
    assert {p.stage for p in told} == {"fit"}  # the teacher isn't fitted again


def test_an_interrupted_teacher_leaves_nothing(moving):
    with pytest.raises(KeyboardInterrupt):
        fit(*moving, taught(), device="cpu", on_progress=interrupt_after(10))


def test_a_teacher_of_no_use_is_not_fitted(moving):
    told = []
    alone = dataclass_replace(taught(), objective=FlowConstraint(points=512))
    fit(*moving, alone, device="cpu", on_progress=told.append)
    assert {p.stage for p in told} == {"fit"}


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_a_fit_draws_the_frames_between(moving, precision):
    # The pattern is known at any time, so the drawn frame is compared with the truth, not with a neighbour.
    video, flow = moving
    result = fit(video, flow, recipe(steps=800, precision=precision))
    for t in (0.5, 1.25, 3.5):
        truth = to_8bit(waves(*video.size, 1.5 * t, -0.5 * t))
        assert psnr(next(render(result.field, [t])), truth) > 32


def test_the_same_seed_gives_the_same_bits(moving):
    first, second = fit(*moving, recipe(seed=5), device="cpu"), fit(*moving, recipe(seed=5), device="cpu")
    assert same(first, second)
    assert [p.loss for p in first.history] == [p.loss for p in second.history]
    assert not same(first, fit(*moving, recipe(seed=6), device="cpu"))


def test_an_interrupted_fit_resumed_from_its_file_ends_in_the_same_bits(moving, tmp_path):
    whole = fit(*moving, recipe(), device="cpu")
    part = fit(*moving, recipe(), device="cpu", on_progress=interrupt_after(20))
    assert not part.finished and 20 <= part.step < 60
    save(part, tmp_path / "part.tween")
    resumed = fit(*moving, recipe(), device="cpu", resume=load(tmp_path / "part.tween"))
    assert resumed.finished and same(resumed, whole)
    assert resumed.history[-1].step == 60
    assert [p.step for p in resumed.history] == sorted({p.step for p in resumed.history})


def test_a_checkpoint_resumed_ends_in_the_same_bits(moving, tmp_path):
    whole = fit(*moving, recipe(), device="cpu")
    # Kept in memory a checkpoint would go on changing with the fit: it is saved when it is offered.
    fit(
        *moving,
        recipe(),
        device="cpu",
        checkpoint_seconds=0,
        on_checkpoint=lambda unfinished: save(unfinished, tmp_path / f"{unfinished.step}.tween"),
    )
    resumed = fit(*moving, recipe(), device="cpu", resume=load(tmp_path / "37.tween"))
    assert same(resumed, whole)


def test_a_fit_in_a_thread_gives_the_same_bits(moving):
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(fit, *moving, recipe(), device="cpu").result()
    assert same(result, fit(*moving, recipe(), device="cpu"))
    assert repr(result) == f"FitResult(siren, {moving[0].name!r}, step 60 of 60)"


def test_an_interrupted_fit_can_be_drawn(moving):
    part = fit(*moving, recipe(steps=5000), on_progress=interrupt_after(30))
    assert next(render(part.field, [0.5])).shape == (20, 28, 3)
    with pytest.raises(KeyboardInterrupt):  # and Ctrl-C means what it did before
        os.kill(os.getpid(), signal.SIGINT)


def test_resume_needs_the_same_frames_and_settings(moving):
    video, flow = moving
    part = fit(video, flow, recipe(), on_progress=interrupt_after(10))
    other = Video(frames=video.frames[::-1].copy(), times=video.times, rate=video.rate)
    with pytest.raises(FitError, match="not the frames"):
        fit(other, flow, recipe(), resume=part)
    with pytest.raises(FitError, match="other settings"):
        fit(video, flow, recipe(weight=0.5), resume=part)
    with pytest.raises(FitError, match="other settings"):  # another version may count its steps otherwise
        fit(video, flow, recipe(), resume=dataclass_replace(part, steps=part.steps + 1))
    with pytest.raises(FitError, match="finished"):
        fit(video, flow, recipe(steps=10), resume=fit(video, flow, recipe(steps=10)))


def test_the_step_size_falls_as_a_half_cosine(moving, monkeypatch):
    seen = []
    step = Adam.step
    monkeypatch.setattr(Adam, "step", lambda self, rate: (seen.append(rate), step(self, rate))[1])
    fit(*moving, recipe(steps=8, learning_rate=0.01))
    assert seen == pytest.approx([0.005 * (1 + math.cos(math.pi * k / 8)) for k in range(8)])


@pytest.mark.parametrize("learning_rate", [1e-3, 1e30], ids=["done", "failed"])
def test_a_fit_leaves_the_precision_as_it_was(moving, learning_rate):
    with suppress(FitError):
        fit(*moving, recipe(precision="medium", learning_rate=learning_rate))
    assert torch.get_float32_matmul_precision() == "highest"


def test_epochs_count_as_many_points_as_the_video_has(moving):
    # 5 frames of 20x28 are 2800 points: six batches of 512 an epoch.
    epochs = dataclass_replace(recipe(), fit=FitConfig(epochs=3))
    assert fit(*moving, epochs).steps == 18


def test_batches_are_observed_pixels_with_their_own_colour_and_velocity(moving):
    # A field that is right at every observed pixel and moves along the flow has no loss at all.
    video, flow = moving
    frames = torch.from_numpy(video.frames).float() / 255
    field = SirenConfig(width=4, depth=1).build(Grid(frames=5, height=20, width=28), seed=0)
    seen = []

    def look_up(points, direction):
        seen.append(points)
        x, y, t = points.long().unbind(1)
        assert torch.equal(direction, torch.tensor([1.5, -0.5, 1.0]).expand_as(direction))
        return frames[t, y, x], torch.zeros_like(direction)

    field.with_derivative = look_up
    objective = FlowConstraint(points=4000).on(Observed(video, flow), torch.device("cpu"))
    assert objective(field, torch.Generator().manual_seed(0)).total.item() == 0
    lowest, highest = seen[0].min(dim=0).values.tolist(), seen[0].max(dim=0).values.tolist()
    assert (lowest, highest) == ([0, 0, 0], [27, 19, 4])


def test_lambda_zero_ignores_the_flow(moving):
    video, flow = moving
    wrong = Flow(forward=flow.forward * -7, backward=flow.backward * 3, name="wrong")
    assert same(fit(video, flow, recipe(weight=0.0)), fit(video, wrong, recipe(weight=0.0)))
    assert not same(fit(video, flow, recipe()), fit(video, wrong, recipe()))


def test_a_loss_that_is_not_finite_stops_the_fit(moving):
    with pytest.raises(FitError, match=r"loss became (nan|inf).*between steps"):
        fit(*moving, recipe(learning_rate=1e30))


def test_one_frame_is_refused(moving):
    video, flow = moving
    with pytest.raises(FitError, match="1 frame"):
        fit(video.select([0]), flow, recipe())


@pytest.mark.parametrize(
    "part", [np.s_[:3], np.s_[:, :10], np.s_[:, :, 1:]], ids=["intervals", "height", "width"]
)
def test_flow_for_other_frames_is_refused(moving, part):
    video, flow = moving
    with pytest.raises(FlowError, match=r"needs \(4, 20, 28, 2\)"):
        fit(video, Flow(forward=flow.forward[part], backward=flow.backward[part], name="other"), recipe())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_refused(moving):
    with pytest.raises(UsageError, match="no CUDA device"):
        fit(*moving, recipe(), device="cuda")


def test_an_unknown_device_is_refused(moving):
    with pytest.raises(UsageError, match="device is 'gpu'; use auto, cpu or cuda"):
        fit(*moving, recipe(), device="gpu")


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0},
        {"steps": 5, "epochs": 5},
        {"epochs": -1},
        {"steps": 5, "learning_rate": 0.0},
        {"steps": 5, "seed": -1},
        {"steps": 5, "precision": "low"},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match=r"give either|must"):
        FitConfig(**settings)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_fits_as_well_as_the_cpu(moving):
    on_cpu, on_cuda = (fit(*moving, recipe(), device=device) for device in ("cpu", "cuda"))
    assert on_cuda.history[-1].loss == pytest.approx(on_cpu.history[-1].loss, rel=0.05)
