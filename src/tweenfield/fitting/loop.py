"""The one optimisation loop, for any field and any objective."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tweenfield.errors import FitError
from tweenfield.fields.base import Field, Grid
from tweenfield.fitting.adam import Adam
from tweenfield.fitting.device import resolve_device
from tweenfield.fitting.objective import Objective
from tweenfield.fitting.precision import matrix_precision
from tweenfield.fitting.recipe import FitConfig, Recipe
from tweenfield.fitting.result import Checkpoint, FitResult, Progress, Source
from tweenfield.flow.estimator import Flow
from tweenfield.flow.observed import Observed
from tweenfield.video import Video

# Losses are averaged over this many steps for progress and the history.
REPORT_STEPS = 10

OnProgress = Callable[[Progress], None]


def fit(
    video: Video,
    flow: Flow,
    recipe: Recipe,
    *,
    device: str = "auto",
    resume: FitResult | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: Callable[[FitResult], None] | None = None,
    checkpoint_seconds: float = 60,
) -> FitResult:
    """Fit a field to one video.

    Seed and step alone decide a batch, so the same call gives the same bits on one machine, and a resumed
    fit ends where an uninterrupted one does. The first Ctrl-C ends the fit after the current step: the
    result has ``finished == False`` and can be used, saved and resumed. The second raises KeyboardInterrupt.

    Args:
        video: the observed frames.
        flow: their optical flow.
        recipe: field, objective and optimisation, as the functions of ``tweenfield.fitting.presets`` return.
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda``.
        resume: an unfinished result of the same video and recipe.
        on_progress: called every few steps.
        on_checkpoint: called with the result so far. Save it at once, as the fit goes on changing it.
        checkpoint_seconds: at least this much time passes between two calls of ``on_checkpoint``.

    Raises:
        KeyboardInterrupt: the second Ctrl-C, or the first one while the recipe's teacher is fitted.
        FitError: the video has one frame only, the loss became NaN or infinite, or ``resume`` doesn't fit.
        FlowError: the flow is for frames of another size or number.
        UsageError: there is no such device.
    """
    if len(video) < 2:
        raise FitError(
            f"{video.name}: there is 1 frame, and nothing lies between; give a video of two frames or more"
        )
    target, observed, source = resolve_device(device), Observed(video, flow), Source.of(video)
    if resume is not None:
        _check_resume(resume, source, recipe, flow.name)
    teacher = _teacher(observed, source, recipe, target, resume, on_progress)
    run = _Run(observed, source, recipe, target, teacher)
    if resume is not None:
        run.resume(resume)
    return run.go(on_progress, on_checkpoint, checkpoint_seconds)


def resumed(result: FitResult, video: Video, flow: Flow, *, device: str = "auto") -> FitResult:
    """A finished fit that was saved without its observations, ready to draw the same video.

    Raises:
        FitError: ``video`` isn't what was fitted.
        FlowError: the flow is for frames of another size or number.
        UsageError: there is no such device.
    """
    if result.source.digest != Source.of(video).digest:
        raise _other_frames(video.name)
    result.field.to(resolve_device(device)).observe(Observed(video, flow))
    return result


def _teacher(
    observed: Observed,
    source: Source,
    recipe: Recipe,
    device: torch.device,
    resume: FitResult | None,
    on_progress: OnProgress | None,
) -> Field | None:
    """The recipe's teacher, fitted, if there is one and the objective can make use of it."""
    if recipe.teacher is None or not recipe.objective.teachable:
        return None
    if resume is not None and resume.checkpoint is not None and resume.checkpoint.teacher is not None:
        known = resume.checkpoint.teacher.to(device)
        known.observe(observed)
        return known

    def told(progress: Progress) -> None:
        if on_progress:
            on_progress(replace(progress, stage="teacher"))

    result = _Run(observed, source, recipe.teacher, device, None).go(told, None, math.inf)
    if not result.finished:
        raise KeyboardInterrupt
    return result.field


class _Run:
    """One fit: the field, the objective and the optimiser, and how far they are."""

    def __init__(
        self,
        observed: Observed,
        source: Source,
        recipe: Recipe,
        device: torch.device,
        teacher: Field | None,
    ) -> None:
        self._began = time.monotonic()
        self._observed, self._source, self._recipe, self._teacher = observed, source, recipe, teacher
        self._objective = recipe.objective.on(observed, device, teacher)
        self._model = recipe.field.build(Grid.of(observed.video), recipe.fit.seed).to(device)
        self._model.observe(observed)
        self._fitted: dict[str, nn.Parameter] = {
            **dict(self._model.named_parameters()),
            **dict(self._objective.learnt.named_parameters()),
        }
        self._optimizer = Adam(self._fitted, recipe.fit.beta2)
        self._steps = recipe.fit.count(self._objective.steps_per_epoch(self._model))
        self._step, self._before = 0, 0.0
        self._history: list[Progress] = []

    def resume(self, part: FitResult) -> None:
        """Go on where ``part`` stopped."""
        if part.steps != self._steps or part.checkpoint is None:
            raise _other_settings(self._source)
        self._model.load_state_dict(part.field.state_dict())
        self._objective.learnt.load_state_dict(part.learnt.state_dict())
        self._optimizer.restore(part.checkpoint.optimizer)
        self._step, self._before, self._history = part.step, part.seconds, list(part.history)

    def go(
        self,
        on_progress: OnProgress | None,
        on_checkpoint: Callable[[FitResult], None] | None,
        checkpoint_seconds: float,
    ) -> FitResult:
        """Take the steps that are left, or those until Ctrl-C."""
        saved, recent = time.monotonic(), []
        with matrix_precision(self._recipe.fit.precision), _interruptible() as interrupted:
            for step in range(self._step + 1, self._steps + 1):
                losses = _take_step(
                    self._model, self._objective, self._optimizer, self._recipe.fit, step, self._steps
                )
                self._step = step
                recent.append(torch.stack(losses).detach())
                stop = interrupted.is_set()
                if step % REPORT_STEPS == 0 or step == self._steps or stop:
                    self._history.append(self._progress(recent))
                    recent.clear()
                    if on_progress:
                        on_progress(self._history[-1])
                if stop:
                    break
                if on_checkpoint and step < self._steps and time.monotonic() - saved > checkpoint_seconds:
                    on_checkpoint(self._result())
                    saved = time.monotonic()
            self._objective.finish(self._model)
        return self._result()

    def _result(self) -> FitResult:
        state = Checkpoint(optimizer=self._optimizer.state(), teacher=self._teacher)
        return FitResult(
            field=self._model,
            source=self._source,
            recipe=self._recipe,
            flow=self._observed.flow.name,
            step=self._step,
            steps=self._steps,
            seconds=self._before + time.monotonic() - self._began,
            history=self._history,
            learnt=self._objective.learnt,
            checkpoint=state if self._step < self._steps else None,
        )

    def _progress(self, recent: list[Tensor]) -> Progress:
        total, observation, constraint = torch.stack(recent).mean(dim=0).tolist()
        if not math.isfinite(total):
            raise FitError(
                f"the loss became {total} between steps {self._step - len(recent) + 1} and {self._step}; "
                "lower the learning rate or omega, or look for extreme values in the flow"
            )
        return Progress(
            step=self._step,
            steps=self._steps,
            loss=total,
            observation=observation,
            constraint=constraint,
            psnr=-10 * math.log10(max(observation / 3, 1e-10)),
            seconds=time.monotonic() - self._began,
        )


def _take_step(
    model: Field,
    objective: Objective,
    optimizer: Adam,
    config: FitConfig,
    step: int,
    steps: int,
) -> tuple[Tensor, ...]:
    losses = objective(model, torch.Generator().manual_seed((config.seed << 32) + step))
    losses.total.backward()
    optimizer.step(0.5 * config.learning_rate * (1 + math.cos(math.pi * (step - 1) / steps)))
    return losses


def _check_resume(resume: FitResult, source: Source, recipe: Recipe, flow: str) -> None:
    if resume.finished or resume.checkpoint is None:
        raise FitError(f"{resume.source.name}: this fit is finished, so there is nothing to resume")
    if resume.source.digest != source.digest:
        raise _other_frames(source.name)
    if resume.recipe != recipe or resume.flow != flow:
        raise _other_settings(source)


def _other_frames(name: str) -> FitError:
    return FitError(f"{name}: these are not the frames that the fit began with; resume with the same ones")


def _other_settings(source: Source) -> FitError:
    return FitError(f"{source.name}: the fit began with other settings; resume with the same ones")


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turns the first Ctrl-C into an event, so that it never lands in the middle of a step."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread can hear signals
        return

    def on_signal(number: int, frame: Any) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
