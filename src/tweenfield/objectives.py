"""What a fit minimises: an objective draws a batch and returns its loss; it never sees the optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, final, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from tweenfield.fields.base import Field
from tweenfield.flow.estimator import Flow
from tweenfield.flow.motion import velocity_at_frame
from tweenfield.losses import Losses, constrained_loss, observation_loss
from tweenfield.video import Video


@runtime_checkable
class Objective(Protocol):
    """A loss over batches drawn from one video."""

    steps_per_epoch: int
    """Steps after which as many points were drawn as the video has."""

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
    """Points drawn per step, each an observed pixel."""

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
        self.steps_per_epoch = -(-len(self._colors) // config.points)

    def __call__(self, field: Field, generator: torch.Generator) -> Losses:
        """The loss of one batch of pixels, drawn uniformly from all observed ones."""
        index = torch.randint(len(self._colors), (self._config.points,), generator=generator)
        points = self._points(index).to(self._colors.device)
        index = index.to(self._colors.device)
        colors = self._colors[index].float() / 255
        if self._velocity is None:
            loss = observation_loss(field, points, colors)
            return Losses(loss, loss, torch.zeros_like(loss))
        return constrained_loss(field, points, colors, self._velocity[index], self._config.weight)

    def _points(self, index: Tensor) -> Tensor:
        _, height, width = self._shape
        x = index % width
        y = index // width % height
        t = index // (width * height)
        return torch.stack((x, y, t), dim=1).float()
