"""The paper's objective: observed colours and the flow constraint (arXiv 2206.10886, equation 10)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import nn

from tweenfield.fields.base import Field, FieldConfig, Grid, along
from tweenfield.fields.motion import Motion
from tweenfield.fitting.losses import Losses, residual, squared_error
from tweenfield.fitting.matching import Matching
from tweenfield.fitting.samples import Points, at_frames, between_frames
from tweenfield.flow.observed import Observed

# Minimum weight of a warped colour, where trust is 0: a blend of two frames is better than nothing.
_LEAST = 0.3
# Where the velocity comes from.
MOTIONS = ("given", "fitted")


@dataclass(frozen=True, kw_only=True)
class FlowConstraint:
    """Settings of the paper's objective, equation (10), and of its extensions.

    Raises:
        ValueError: a share or weight lies outside its range, or the batch is empty.
    """

    name: ClassVar[str] = "flow-constraint"
    holds_clip: ClassVar[bool] = True

    weight: float = 0.12
    """lambda, the weight of the flow constraint, from 0 to 1; 0 fits the observed frames alone."""
    huber: float = 0.0
    """Changes of colour per interval below this enter squared (Huber); 0 is the paper's absolute value."""
    points: int = 8192
    """Points sampled per step in each of the field's blocks. ``siren`` has one block, the whole picture;
    the blocks of ``patches`` are its cells."""
    between: float = 0.0
    """Share of the points that lie between observed frames. The others are observed pixels; the paper has
    those alone."""
    warped: float = 0.0
    """Weight of the colours between the frames, warped ones or those of pseudo-frames; observed colours
    have weight 1."""
    motion: str = "given"
    """``given``: the flow as it is; ``fitted``: the flow and a correction that is fitted with the field."""

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"lambda is {self.weight}, but must lie between 0 and 1")
        if self.points < 1:
            raise ValueError(f"a batch has {self.points} points, but must have at least 1")
        if not 0 <= self.between < 1:
            raise ValueError(f"between is {self.between}, but must be at least 0 and less than 1")
        for name in ("huber", "warped"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"{name} is {value}, but must be 0 or a positive number")
        if self.motion not in MOTIONS:
            raise ValueError(f"motion is {self.motion!r}, but must be {' or '.join(MOTIONS)}")
        if self.motion == "fitted" and not self.weight:
            raise ValueError("with lambda 0 there is no use for motion, so it must be given, not fitted")

    @property
    def teachable(self) -> bool:
        """Whether it uses a teacher's pseudo-frames. With fitted motion it doesn't: the teacher would rely on
        the flow that is being corrected."""
        return self.between > 0 and self.warped > 0 and self.motion == "given"

    def check(self, field: FieldConfig) -> None:
        """Accepts any field: each has colours and a derivative."""

    def learnt(self, grid: Grid) -> nn.ModuleDict:
        """The correction to the flow, ``motion``, if that is to be fitted."""
        return nn.ModuleDict({"motion": Motion(grid)} if self.motion == "fitted" else {})

    def on(self, observed: Observed, device: torch.device, teacher: Field | None = None) -> FlowConstrained:
        """The objective for this video and its flow, with its data on ``device``. The teacher is a field that
        was fitted to the same video; its pseudo-frames replace warped colours.
        """
        return FlowConstrained(self, observed, device, teacher)


@final
class FlowConstrained:
    """Observation loss and flow constraint on random points (arXiv 2206.10886, section 3).

    Between the frames, both are weighted by trust; warped colours weigh at least 0.3, pseudo-frames 1:

        L = (1 - lambda) (L_obs + warped * mean of (0.3 + 0.7 trust) * (f - warped colour)^2)
            + lambda * mean over all points of trust * |df/dx u + df/dy v + df/dt|

    with the absolute value as ``tweenfield.fitting.losses.residual`` has it.

    A fitted motion adds lambda times its own loss (``tweenfield.fitting.matching``).
    """

    def __init__(
        self, config: FlowConstraint, observed: Observed, device: torch.device, teacher: Field | None = None
    ) -> None:
        video, flow = observed.video, observed.flow
        fitted = config.motion == "fitted"
        self._config = config
        grid = Grid.of(video)
        self.learnt = config.learnt(grid).to(device)
        # At least one point is an observed one.
        self._between_points = min(round(config.between * config.points), config.points - 1)
        self._known = at_frames(video, flow if config.weight else None, device)
        self._between = between_frames(observed, device, teacher) if self._between_points or fitted else None
        self._least = _LEAST if teacher is None else 1.0
        self._matching: Matching | None = None
        if fitted and self._between is not None:
            motion = self.learnt["motion"]
            assert isinstance(motion, Motion)
            self._matching = Matching(video, self._between, motion, device)

    def steps_per_epoch(self, field: Field) -> int:
        """Steps after which as many points were sampled as the video has pixels."""
        return -(-len(self._known.colors) // (math.prod(field.blocks) * self._config.points))

    def __call__(self, field: Field, generator: torch.Generator) -> Losses:
        """The loss of one batch of points, sampled uniformly, the same number from each block."""
        count = self._config.points - self._between_points
        known = self._known.at(*self._known.draw(count, field.blocks, generator))
        if self._matching is None or self._between is None:
            return self._loss(field, known, self._drawn_between(field, generator))
        known = known._replace(velocity=known.velocity + self.learnt["motion"](known.points).detach())
        # Without points between the frames for the field, the motion still needs some.
        count = self._between_points or self._config.points
        matched = self._matching(*self._between.draw(count, field.blocks, generator))
        losses = self._loss(field, known, matched.points if self._between_points else None)
        return losses._replace(total=losses.total + self._config.weight * matched.loss)

    def finish(self, field: Field) -> None:
        """Nothing: no hidden frame tells the error to expect."""

    def _drawn_between(self, field: Field, generator: torch.Generator) -> Points | None:
        if self._between is None:
            return None
        return self._between.at(*self._between.draw(self._between_points, field.blocks, generator))

    def _loss(self, field: Field, known: Points, between: Points | None) -> Losses:
        config, n = self._config, len(known.points)
        drawn = known if between is None else Points(*map(torch.cat, zip(known, between, strict=True)))
        if config.weight:
            value, derivative = field.with_derivative(drawn.points, along(drawn.velocity))
            constraint = (drawn.trust * residual(derivative, config.huber)).mean()
        else:
            value = field(drawn.points)
            constraint = value.new_zeros(())
        errors = squared_error(value, drawn.colors)
        colors = observation = errors[:n].mean()
        if between is not None:
            weights = self._least + (1 - self._least) * between.trust
            colors = observation + config.warped * (weights * errors[n:]).mean()
        return Losses((1 - config.weight) * colors + config.weight * constraint, observation, constraint)
