"""What a fit minimises: an objective draws a batch and returns its loss; it never sees the optimiser."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from tweenfield.fields.base import Field
from tweenfield.flow.estimator import Flow
from tweenfield.flow.motion import velocity_at_frame
from tweenfield.losses import Losses, constrained_loss, observation_loss
from tweenfield.video import Video


@runtime_checkable
class Objective(Protocol):
    """A loss over batches drawn from one video."""

    def start(self, field: Field) -> None:
        """Set those of a new field's parameters that have a better start than chance."""
        ...

    def steps_per_epoch(self, field: Field) -> int:
        """Steps after which as many points were drawn as the video has."""
        ...

    def __call__(self, field: Field, generator: torch.Generator) -> Losses:
        """The loss of one batch; all that is random about it comes from ``generator`` (on the CPU)."""
        ...


@runtime_checkable
class ObjectiveConfig(Protocol):
    """Settings of one kind of objective: a frozen dataclass that binds it to a video."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def on(self, video: Video, flow: Flow, device: torch.device) -> Objective:
        """The objective for this video and its flow, with its data on ``device``."""
        ...


@dataclass(frozen=True, kw_only=True)
class FlowConstraint:
    """Settings of the paper's objective, equation (10).

    Raises:
        ValueError: lambda lies outside [0, 1] or the batch is empty.
    """

    name: ClassVar[str] = "flow-constraint"

    weight: float = 0.12
    """lambda, the share of the flow constraint; 0 fits the frames alone."""
    points: int = 8192
    """Points drawn per step in each of the field's blocks, each point an observed pixel. ``siren`` has one
    block, which is the whole picture; ``patches`` has its cells."""

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"lambda is {self.weight}, but must lie between 0 and 1")
        if self.points < 1:
            raise ValueError(f"a batch has {self.points} points, but must have at least 1")

    def on(self, video: Video, flow: Flow, device: torch.device) -> FlowConstrained:
        """The objective for this video and its flow, with its data on ``device``.

        Raises:
            FlowError: the flow is for frames of another size or number.
        """
        return FlowConstrained(self, video, flow, device)


@final
class FlowConstrained:
    """Observation loss and flow constraint on random observed pixels (arXiv 2206.10886, section 3)."""

    def __init__(self, config: FlowConstraint, video: Video, flow: Flow, device: torch.device) -> None:
        n, height, width, _ = video.frames.shape
        flow.check_fits(video)
        self._config = config
        self._shape = (n, height, width)
        self._colors = torch.from_numpy(np.ascontiguousarray(video.frames)).reshape(-1, 3).to(device)
        self._velocity = None
        if config.weight:
            velocity = np.stack([velocity_at_frame(flow, k) for k in range(n)])
            self._velocity = torch.from_numpy(velocity.astype(np.float32)).reshape(-1, 2).to(device)

    def start(self, field: Field) -> None:
        """Nothing: the field starts as it was built."""

    def steps_per_epoch(self, field: Field) -> int:
        """Steps after which as many points were drawn as the video has."""
        return -(-len(self._colors) // (math.prod(field.blocks) * self._config.points))

    def __call__(self, field: Field, generator: torch.Generator) -> Losses:
        """The loss of one batch of pixels, drawn uniformly from all observed ones, block by block."""
        points = self._draw(field.blocks, generator)
        n, height, width = self._shape
        index = (points @ torch.tensor([1, width, width * height])).to(self._colors.device)
        points = points.float().to(self._colors.device)
        colors = self._colors[index].float() / 255
        if self._velocity is None:
            loss = observation_loss(field, points, colors)
            return Losses(loss, loss, torch.zeros_like(loss))
        return constrained_loss(field, points, colors, self._velocity[index], self._config.weight)

    def _draw(self, blocks: tuple[int, int], generator: torch.Generator) -> Int[Tensor, "points 3"]:
        """x, y and t of pixels, the same number from each block."""
        n, height, width = self._shape
        rows, columns = blocks
        # In double precision a number below 1 in single precision stays below it when columns are added.
        x, y, t = torch.rand(3, rows, columns, self._config.points, generator=generator).double()
        # A pixel on the border of two blocks is drawn from both, from each as often as it lies in it.
        x = (x + torch.arange(columns)[:, None]) * (width / columns)
        y = (y + torch.arange(rows)[:, None, None]) * (height / rows)
        return torch.stack((x, y, t * n), dim=-1).reshape(-1, 3).long()
