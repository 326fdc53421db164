"""An objective samples batches from one video and returns their loss; it never sees the optimiser."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import nn

from tweenfield.fields.base import Field, FieldConfig, Grid
from tweenfield.fitting.losses import Losses
from tweenfield.flow.observed import Observed


@runtime_checkable
class Objective(Protocol):
    """A loss over batches drawn from one video."""

    learnt: nn.ModuleDict
    """Modules that are fitted besides the field; mostly none."""

    def steps_per_epoch(self, field: Any) -> int:
        """Steps after which as many points were sampled as the video has pixels."""
        ...

    def __call__(self, field: Any, generator: torch.Generator) -> Losses:
        """The loss of one batch; all that is random about it comes from ``generator`` (on the CPU)."""
        ...

    def finish(self, field: Any) -> None:
        """Called once, after the last step: what is known only then, such as the error to expect."""
        ...


@runtime_checkable
class ObjectiveConfig(Protocol):
    """Settings of one kind of objective: a frozen dataclass that binds it to a video."""

    name: ClassVar[str]
    holds_clip: ClassVar[bool]
    """Whether a fit holds all frames in memory."""
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def teachable(self) -> bool:
        """Whether it uses a teacher's pseudo-frames."""
        ...

    def check(self, field: FieldConfig) -> None:
        """Check that it can fit such a field.

        Raises:
            ValueError: it can't.
        """
        ...

    def learnt(self, grid: Grid) -> nn.ModuleDict:
        """The modules that are fitted besides a field on this grid, as they are before the fit."""
        ...

    def on(self, observed: Observed, device: torch.device, teacher: Field | None = None) -> Objective:
        """The objective for this video and its flow, with its data on ``device``. The teacher is a field that
        was fitted to the same video.
        """
        ...
