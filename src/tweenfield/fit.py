"""The one optimisation loop, for any field and any objective."""

from __future__ import annotations

import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from dataclasses import field as dataclass_field
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tweenfield.errors import FitError, UsageError
from tweenfield.fields.base import Field, FieldConfig, Grid
from tweenfield.fields.motion import Motion
from tweenfield.flow.estimator import Flow
from tweenfield.objectives import Objective, ObjectiveConfig
from tweenfield.precision import PRECISIONS, matrix_precision
from tweenfield.video import ColorTags, Video

# Losses are averaged over this many steps for progress and the history.
REPORT_STEPS = 10
# What the line of progress and the plot of a fit call ``Progress.observation``, whatever is minimised.
SQUARED_ERROR = "squared error over RGB"


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Settings of the optimisation: Adam, its step size falling from ``learning_rate`` to 0 as a half cosine.

    Raises:
        ValueError: not exactly one of ``steps`` and ``epochs`` is given, a value isn't positive, or there is
            no such precision.
    """

    steps: int | None = None
    """Steps to take."""
    epochs: int | None = None
    """Or passes over as many points as the video has."""
    learning_rate: float = 1e-4
    """Step size of Adam at the start."""
    seed: int = 0
    """Draws the field's first parameters and every batch."""
    precision: str = "high"
    """How matrix products round what they multiply, as ``torch.set_float32_matmul_precision`` has it:
    ``highest`` not at all; ``high`` to TF32 and ``medium`` to bfloat16 or TF32, where the machine is faster
    at it. Sums and all other arithmetic are float32 in any case, drawing a fitted field too."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        for name in ("steps", "epochs", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} is {value}, but must be a positive number")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}, but must be {', '.join(PRECISIONS)}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed is {self.seed}, but must lie between 0 and {2**31 - 1}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a fit besides the video and its flow."""

    name: str
    field: FieldConfig
    objective: ObjectiveConfig
    fit: FitConfig
    teacher: Recipe | None = None
    """What is fitted first, to draw pseudo-frames: the colours that the objective asks for between the
    frames (Hinton et al., *Distilling the Knowledge in a Neural Network*, arXiv 1503.02531). Without one, and
    where motion is fitted, it asks for those that the flow brings."""

    @property
    def settings(self) -> dict[str, Any]:
        """All of it as plain values."""
        parts = {part: getattr(self, part) for part in ("field", "objective")}
        return {
            "name": self.name,
            **{part: {"name": config.name, **asdict(config)} for part, config in parts.items()},
            "fit": asdict(self.fit),
            "teacher": self.teacher and self.teacher.settings,
        }


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a fit stands. Losses are means over the last few steps."""

    step: int
    steps: int
    loss: float
    """What is minimised; only figures of one objective can be compared."""
    observation: float
    """Squared error of what the objective compared, summed over RGB."""
    constraint: float
    psnr: float
    """PSNR in dB of what the objective compared, before rounding: observed points, or hidden frames."""
    seconds: float
    """Since this call began."""
    stage: str = "fit"
    """``teacher`` as long as that is fitted."""

    @property
    def remark(self) -> str:
        """How good the fit is, in one line."""
        return f"{SQUARED_ERROR} {self.observation:.4g}, {self.psnr:.1f} dB"


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a fit remembers of its video."""

    name: str
    size: tuple[int, int]
    times: tuple[Fraction, ...]
    rate: Fraction
    color: ColorTags
    sample_aspect_ratio: Fraction
    digest: str
    """SHA-256 of the frames, to recognise the video again."""

    @classmethod
    def of(cls, video: Video) -> Source:
        """The source that ``video`` is."""
        digest = hashlib.sha256()
        for frame in video.frames:
            digest.update(np.ascontiguousarray(frame))
        return cls(
            name=video.name,
            size=video.size,
            times=video.times,
            rate=video.rate,
            color=video.color,
            sample_aspect_ratio=video.sample_aspect_ratio,
            digest=digest.hexdigest(),
        )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class FitResult:
    """A fitted field and how it came about. ``optimizer`` is there while the fit can be continued."""

    field: Field
    source: Source
    recipe: Recipe
    flow: str
    """What the flow called itself."""
    step: int
    """Steps taken."""
    steps: int
    """Steps to take."""
    seconds: float
    """Time spent, interruptions left out."""
    history: list[Progress] = dataclass_field(default_factory=list)
    motion: Motion | None = None
    """The correction to the flow, if it was fitted."""
    optimizer: dict[str, Tensor] | None = None

    @property
    def finished(self) -> bool:
        """Whether every step was taken."""
        return self.step == self.steps

    def __repr__(self) -> str:
        return f"FitResult({self.field.name}, {self.source.name!r}, step {self.step} of {self.steps})"


def fit(
    video: Video,
    flow: Flow,
    recipe: Recipe,
    *,
    device: str = "auto",
    resume: FitResult | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_checkpoint: Callable[[FitResult], None] | None = None,
    checkpoint_seconds: float = 60,
) -> FitResult:
    """Fit a field to one video.

    Batches are a function of seed and step alone, so the same call gives the same bits on one machine, and
    a resumed fit ends where an uninterrupted one does. The first Ctrl-C ends the fit after the current
    step, and the result, ``finished == False``, can be used, saved and resumed; the second raises
    KeyboardInterrupt.

    Args:
        video: the observed frames.
        flow: their optical flow.
        recipe: field, objective and optimisation, as the functions of ``tweenfield.presets`` return.
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda``.
        resume: an unfinished result of the same video and recipe.
        on_progress: called every few steps.
        on_checkpoint: called with the result so far, to be saved at once: the fit goes on changing it.
        checkpoint_seconds: about how often.

    Raises:
        KeyboardInterrupt: the second Ctrl-C, or the first one while the recipe's teacher is fitted.
        FitError: the video has one frame only, the loss stopped being finite, or ``resume`` doesn't fit.
        FlowError: the flow is for frames of another size or number.
        UsageError: there is no such device.
    """
    if len(video) < 2:
        raise FitError(
            f"{video.name}: there is 1 frame, and nothing lies between; give a video of two frames or more"
        )
    began = time.monotonic()
    target = resolve_device(device)
    source = Source.of(video)
    teacher = _teacher(video, flow, recipe, device, on_progress)
    objective = recipe.objective.on(video, flow, target, teacher)
    height, width = video.size
    model = recipe.field.build(Grid(frames=len(video), height=height, width=width), recipe.fit.seed).to(
        target
    )
    model.observe(video, flow)
    motion = objective.motion
    fitted = _fitted(model, motion)
    # Fused: one pass over the parameters in place of eight.
    optimizer = torch.optim.Adam(fitted.values(), lr=recipe.fit.learning_rate, fused=True)
    steps = recipe.fit.steps or recipe.fit.epochs * objective.steps_per_epoch(model)
    first, before, history = 0, 0.0, []
    if resume is not None:
        _check_resume(resume, source, recipe, flow.name, steps)
        model.load_state_dict(resume.field.state_dict())
        if motion is not None:
            motion.load_state_dict(resume.motion.state_dict())
        _set_optimizer_state(optimizer, fitted, resume.optimizer)
        first, before, history = resume.step, resume.seconds, list(resume.history)

    def result(step: int) -> FitResult:
        return FitResult(
            field=model,
            source=source,
            recipe=recipe,
            flow=flow.name,
            step=step,
            steps=steps,
            seconds=before + time.monotonic() - began,
            history=history,
            motion=motion,
            optimizer=_optimizer_state(optimizer, fitted) if step < steps else None,
        )

    step, saved = first, time.monotonic()
    recent: list[Tensor] = []
    with matrix_precision(recipe.fit.precision), _interruptible() as interrupted:
        for step in range(first + 1, steps + 1):
            losses = _take_step(model, objective, optimizer, recipe.fit, step, steps)
            recent.append(torch.stack(losses).detach())
            stop = interrupted.is_set()
            if step % REPORT_STEPS == 0 or step == steps or stop:
                history.append(_progress(recent, step, steps, time.monotonic() - began))
                recent.clear()
                if on_progress:
                    on_progress(history[-1])
            if stop:
                break
            if on_checkpoint and step < steps and time.monotonic() - saved > checkpoint_seconds:
                on_checkpoint(result(step))
                saved = time.monotonic()
    return result(step)


def resolve_device(name: str) -> torch.device:
    """The device called ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: CUDA was asked for and there is none, or the name is none of the three.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device is {name!r}; use auto, cpu or cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("device is cuda, but PyTorch finds no CUDA device here; use --device cpu or auto")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def _teacher(
    video: Video,
    flow: Flow,
    recipe: Recipe,
    device: str,
    on_progress: Callable[[Progress], None] | None,
) -> Field | None:
    """The recipe's teacher, fitted, if there is one and the objective can make use of it."""
    if recipe.teacher is None or not recipe.objective.teachable:
        return None
    told = on_progress and (lambda progress: on_progress(replace(progress, stage="teacher")))
    result = fit(video, flow, recipe.teacher, device=device, on_progress=told)
    if not result.finished:
        raise KeyboardInterrupt
    return result.field


def _take_step(
    model: Field,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    config: FitConfig,
    step: int,
    steps: int,
) -> tuple[Tensor, ...]:
    for group in optimizer.param_groups:
        group["lr"] = 0.5 * config.learning_rate * (1 + math.cos(math.pi * (step - 1) / steps))
    losses = objective(model, torch.Generator().manual_seed((config.seed << 32) + step))
    optimizer.zero_grad()
    losses.total.backward()
    optimizer.step()
    return losses


def _progress(recent: list[Tensor], step: int, steps: int, seconds: float) -> Progress:
    total, observation, constraint = torch.stack(recent).mean(dim=0).tolist()
    if not math.isfinite(total):
        raise FitError(
            f"the loss became {total} between steps {step - len(recent) + 1} and {step}; "
            "lower the learning rate or omega, or look for extreme values in the flow"
        )
    return Progress(
        step=step,
        steps=steps,
        loss=total,
        observation=observation,
        constraint=constraint,
        psnr=-10 * math.log10(max(observation / 3, 1e-10)),
        seconds=seconds,
    )


def _check_resume(resume: FitResult, source: Source, recipe: Recipe, flow: str, steps: int) -> None:
    if resume.finished or resume.optimizer is None:
        raise FitError(f"{resume.source.name}: this fit is finished, so there is nothing to resume")
    if resume.source.digest != source.digest:
        raise FitError(
            f"{source.name}: these are not the frames that the fit began with; resume with the same ones"
        )
    if resume.recipe != recipe or resume.steps != steps or resume.flow != flow:
        raise FitError(f"{source.name}: the fit began with other settings; resume with the same ones")


def _fitted(model: Field, motion: Motion | None) -> dict[str, nn.Parameter]:
    """All that is fitted, by name."""
    moving = {} if motion is None else motion.named_parameters(prefix="motion")
    return {**dict(model.named_parameters()), **dict(moving)}


def _optimizer_state(optimizer: torch.optim.Adam, fitted: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": value.detach().clone()
        for name, parameter in fitted.items()
        for key, value in optimizer.state[parameter].items()
    }


def _set_optimizer_state(
    optimizer: torch.optim.Adam, fitted: dict[str, nn.Parameter], state: dict[str, Tensor]
) -> None:
    for name, parameter in fitted.items():
        for key in ("step", "exp_avg", "exp_avg_sq"):
            value = state[f"{name}.{key}"].to(parameter.device, copy=True)
            optimizer.state[parameter][key] = value


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turns the first Ctrl-C into an event, so that it never lands in the middle of a step."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread can hear signals
        return

    def on_signal(number: int, frame: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
