"""A recipe: everything that decides a fit besides the video and its flow."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import asdict, dataclass
from typing import Any

from tweenfield.errors import UsageError
from tweenfield.fields.base import FieldConfig
from tweenfield.fitting.objective import ObjectiveConfig
from tweenfield.fitting.precision import PRECISIONS


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Settings of the optimisation: Adam, whose learning rate falls to 0 as a half cosine.

    Raises:
        ValueError: not exactly one of ``steps`` and ``epochs`` is given, a value isn't positive, or there is
            no such precision.
    """

    steps: int | None = None
    """Number of optimiser steps."""
    epochs: int | None = None
    """Number of passes over all pixels, in place of ``steps``."""
    learning_rate: float = 1e-4
    """Learning rate at the first step."""
    beta2: float = 0.999
    """Adam's beta2: the share of the mean of squared gradients that stays at each step."""
    seed: int = 0
    """Decides the initial parameters and every batch."""
    precision: str = "high"
    """How matrix products round what they multiply, as ``torch.set_float32_matmul_precision`` has it:
    ``highest`` not at all; ``high`` to TF32 and ``medium`` to bfloat16 or TF32, where the machine is faster
    at it. Sums, all other arithmetic, and rendering are float32 in any case."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        for name in ("steps", "epochs"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 2**31:
                raise ValueError(f"{name} is {value}, but must be above 0 and below {2**31}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate is {self.learning_rate}, but must be a positive number")
        if not 0 < self.beta2 < 1:
            raise ValueError(f"beta2 is {self.beta2}, but must be above 0 and below 1")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}, but must be {', '.join(PRECISIONS)}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed is {self.seed}, but must lie between 0 and {2**31 - 1}")

    def count(self, steps_per_epoch: int) -> int:
        """Number of steps of the whole fit."""
        return self.steps or (self.epochs or 0) * steps_per_epoch


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a fit besides the video and its flow.

    Raises:
        ValueError: the objective can't fit such a field.
    """

    name: str
    field: FieldConfig
    objective: ObjectiveConfig
    fit: FitConfig
    teacher: Recipe | None = None
    """The recipe of a field that is fitted first and renders pseudo-frames, the colours to fit between the
    frames (Hinton et al., *Distilling the Knowledge in a Neural Network*, arXiv 1503.02531). Without a
    teacher, and with fitted motion, these colours are warped from the two neighbouring frames."""

    def __post_init__(self) -> None:
        self.objective.check(self.field)

    @property
    def settings(self) -> dict[str, Any]:
        """All of it as plain values."""
        parts: dict[str, Any] = {"field": self.field, "objective": self.objective}
        return {
            "name": self.name,
            **{part: {"name": config.name, **asdict(config)} for part, config in parts.items()},
            "fit": asdict(self.fit),
            "teacher": self.teacher and self.teacher.settings,
        }


def replace(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with some settings changed, each by its own name: ``replace(paper(), width=256)``,
    ``replace(standard("patches"), teacher=None)``. A new seed or precision is the teacher's as well.

    Raises:
        UsageError: the recipe has no setting of that name, or the value is invalid.
    """
    if "teacher" in changes:
        recipe = dataclasses.replace(recipe, teacher=changes.pop("teacher"))
    shared = {name: changes[name] for name in ("seed", "precision") if name in changes}
    if recipe.teacher is not None and shared:
        recipe = dataclasses.replace(recipe, teacher=replace(recipe.teacher, **shared))
    for name, value in changes.items():
        recipe = _with(recipe, name, value)
    return recipe


def _with(recipe: Recipe, name: str, value: Any) -> Recipe:
    parts: dict[str, Any] = {"field": recipe.field, "objective": recipe.objective, "fit": recipe.fit}
    for part, settings in parts.items():
        if name in settings.__dataclass_fields__:
            # The two ways to say how long: giving one takes back the other.
            other = {"steps": {"epochs": None}, "epochs": {"steps": None}}.get(name, {})
            try:
                changed = dataclasses.replace(settings, **{name: value}, **other)
            except ValueError as error:
                raise UsageError(str(error)) from error
            return dataclasses.replace(recipe, **{part: changed})
    said = "lambda" if name == "weight" else name
    raise UsageError(
        f"the preset {recipe.name} with the field {recipe.field.name} has no setting {said}; leave it out"
    )
