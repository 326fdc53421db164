"""The objective of the transport field: hide observed frames, whose truth is known, and predict them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from tweenfield.fields.base import Field, FieldConfig, Grid
from tweenfield.fields.shares import Between
from tweenfield.fields.transport import Transport, TransportConfig
from tweenfield.fields.transport.maps import map_reduction
from tweenfield.fields.transport.mixing import COARSER
from tweenfield.fitting.leave_out.calibration import calibrate, moderate, spread
from tweenfield.fitting.leave_out.hidden_frames import Hidden
from tweenfield.fitting.leave_out.hiding import AS_SEEN, TO_FIT, hide_frames
from tweenfield.fitting.leave_out.shares import measure_shares
from tweenfield.fitting.losses import Losses
from tweenfield.fitting.parts import summed
from tweenfield.flow.observed import Observed

# Crops that a thread takes at once.
_PART = 4
# Added to the mean squared error before the logarithm; 1e-5 is 50 dB.
_NO_ERROR = 1e-5


@dataclass(frozen=True, kw_only=True)
class LeaveOut:
    """Settings of the objective of ``transport``: it hides observed frames and predicts them.

    Raises:
        ValueError: a setting isn't positive.
    """

    name: ClassVar[str] = "leave-out"
    holds_clip: ClassVar[bool] = False

    hidden: int = 20
    """At most this many hidden frames of each kind, spread over the video."""
    crops: int = 8
    """Crops of hidden frames per step."""
    side: int = 60
    """Side of a crop in pixels of the maps, at least 2."""

    def __post_init__(self) -> None:
        for setting in ("hidden", "crops", "side"):
            if getattr(self, setting) < 1:
                raise ValueError(f"leave-out: {setting} is {getattr(self, setting)}, but must be at least 1")

    @property
    def teachable(self) -> bool:
        """False: its only colours are observed ones."""
        return False

    def check(self, field: FieldConfig) -> None:
        """Check that the field is ``transport``.

        Raises:
            ValueError: it is another.
        """
        if not isinstance(field, TransportConfig):
            raise ValueError(f"leave-out fits the weights of {TransportConfig.name}, not {field.name}")

    def learnt(self, grid: Grid) -> nn.ModuleDict:
        """Nothing besides the field."""
        return nn.ModuleDict()

    def on(self, observed: Observed, device: torch.device, teacher: Field | None = None) -> HiddenFrames:
        """The objective for this video and its flow, with its data on ``device``."""
        return HiddenFrames(self, observed, device)

    def shares(
        self,
        field: Field,
        observed: Observed,
        between: Between,
        on_progress: Callable[[int, int], None],
    ) -> Float32[np.ndarray, " classes"]:
        """How much of another interpolator to mix into a field that was fitted; see ``measure_shares``."""
        assert isinstance(field, Transport)  # as ``check`` refuses all others
        return measure_shares(field.mixing, field.reduction, observed, between, on_progress)


@final
class HiddenFrames:
    """Mean over crops of the logarithm of the squared error, so that hard frames don't dominate the loss."""

    def __init__(self, config: LeaveOut, observed: Observed, device: torch.device) -> None:
        self._config, self.learnt = config, nn.ModuleDict()
        self._reduction = map_reduction(*observed.video.size)
        *kinds, self._calibrating = hide_frames(observed, self._reduction, config.hidden, (*TO_FIT, AS_SEEN))
        seen = [kind for kind in kinds if kind]
        self._looked_at = spread(seen)
        self._kinds = [[Hidden(*(part.to(device) for part in one.hidden)) for one in kind] for kind in seen]
        sides = [side for kind in self._kinds for hidden in kind for side in hidden.size]
        # In pixels of the maps, and whole pixels of what the network sees.
        self._side = min([config.side, *sides]) // COARSER * COARSER
        pixels = sum(hidden.doubt.numel() for kind in self._kinds for hidden in kind)
        self._steps_per_epoch = max(1, pixels // (config.crops * self._side**2))

    def steps_per_epoch(self, field: Transport) -> int:
        """Steps after which as many pixels were sampled as the hidden frames have."""
        return self._steps_per_epoch

    def __call__(self, field: Transport, generator: torch.Generator) -> Losses:
        """The loss of one batch of crops; ``observation`` is the squared error summed over RGB."""
        if not self._kinds:  # too few or too small frames to hide any
            nothing = 0 * sum((parameter.sum() for parameter in field.parameters()), torch.zeros(()))
            return Losses(nothing, nothing.detach(), nothing.detach())
        crops = [self._crop(generator) for _ in range(self._config.crops)]
        parts = [crops[k : k + _PART] for k in range(0, len(crops), _PART)]

        def loss(part: list[Hidden]) -> tuple[Tensor, Tensor]:
            batch = Hidden(*(torch.cat(values).float() for values in zip(*part, strict=True)))
            error = batch.left(field.mixing).square().mean(dim=(1, 2, 3))
            return (error + _NO_ERROR).log().sum() / len(crops), 3 * error.sum() / len(crops)

        total, observation = summed(loss, parts, list(field.mixing.parameters()))
        return Losses(total, observation, torch.zeros_like(observation))

    def finish(self, field: Transport) -> None:
        """Moderate the fit and measure the error to expect, on the hidden frames."""
        moderate(field.mixing, self._looked_at)
        calibrate(field.error, field.mixing, self._calibrating)

    def _crop(self, generator: torch.Generator) -> Hidden:
        def draw(count: int) -> int:
            return int(torch.randint(count, (), generator=generator))

        kind = self._kinds[draw(len(self._kinds))]
        hidden = kind[draw(len(kind))]
        top, left = (COARSER * draw((length - self._side) // COARSER + 1) for length in hidden.size)
        return hidden.crop(top, left, self._side)
