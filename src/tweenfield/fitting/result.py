"""What a fit leaves: the field, and how it came about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from fractions import Fraction

import numpy as np
from torch import Tensor, nn

from tweenfield.fields.base import Field
from tweenfield.fields.reduced import reduced_picture
from tweenfield.fitting.recipe import Recipe
from tweenfield.flow.observed import stretches
from tweenfield.video import ColorTags, Hdr, Video
from tweenfield.video.notebook import as_html, small_size, spread, strip

# What the line of progress and the plot of a fit call ``Progress.observation``, whatever is minimised.
SQUARED_ERROR = "squared error over RGB"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The state of a fit. Losses are means over the last few steps."""

    step: int
    steps: int
    loss: float
    """What is minimised; only figures of one objective can be compared."""
    observation: float
    """Squared error of what the objective compared, summed over RGB."""
    constraint: float
    """Loss of the flow constraint; 0 where the objective has none."""
    psnr: float
    """PSNR in dB of what the objective compared, before rounding: observed points, or hidden frames."""
    seconds: float
    """Since this call began."""
    stage: str = "fit"
    """``fit``, or ``teacher`` while the teacher is fitted."""

    @property
    def remark(self) -> str:
        """How good the fit is, in one line."""
        return f"{SQUARED_ERROR} {self.observation:.4g}, {self.psnr:.1f} dB"


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a fit keeps of its video."""

    name: str
    size: tuple[int, int]
    times: tuple[Fraction, ...]
    rate: Fraction
    color: ColorTags
    sample_aspect_ratio: Fraction
    digest: str
    """SHA-256 of the times and of some frames, which identifies the video."""
    depth: int = 8
    hdr: Hdr | None = None
    matte: str | None = None
    """What its frames lie over where they are transparent; None if they are opaque."""
    lasts: Fraction | None = None
    """How long the last frame is shown, in seconds; one interval of the rate if None."""

    @classmethod
    def of(cls, video: Video) -> Source:
        """The source that ``video`` is."""
        digest = hashlib.sha256()
        digest.update(repr(video.times).encode())
        # One stretch, as to decode a long video takes longer than to fit it; with a frame more on each side,
        # as a short fit to this stretch looks for cuts there, so that it has all that it needs.
        (stretch,) = stretches(len(video), 1)
        for k in range(max(stretch[0] - 1, 0), min(stretch[-1] + 2, len(video))):
            digest.update(np.ascontiguousarray(video.frames[k]).data)
            if video.alpha is not None:
                digest.update(np.ascontiguousarray(video.alpha[k]).data)
        return cls(
            name=video.name,
            size=video.size,
            times=video.times,
            rate=video.rate,
            color=video.color,
            sample_aspect_ratio=video.sample_aspect_ratio,
            digest=digest.hexdigest(),
            depth=video.depth,
            hdr=video.hdr,
            matte=None if video.alpha is None else video.matte,
            lasts=video.lasts,
        )


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What an unfinished fit needs to go on, besides the field."""

    optimizer: dict[str, Tensor]
    """State of the optimiser, by parameter."""
    teacher: Field | None
    """The recipe's teacher, fitted."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class FitResult:
    """A fitted field and the record of its fit."""

    field: Field
    source: Source
    recipe: Recipe
    flow: str
    """Name of the flow."""
    step: int
    """Steps taken."""
    steps: int
    """Steps of the whole fit."""
    seconds: float
    """Time of the fit, without interruptions."""
    history: list[Progress] = dataclass_field(default_factory=list)
    learnt: nn.ModuleDict = dataclass_field(default_factory=nn.ModuleDict)
    """Modules that were fitted besides the field: ``motion``, the correction to the flow, or none."""
    checkpoint: Checkpoint | None = None
    """State of an unfinished fit, to resume it; None for a finished one."""

    @property
    def finished(self) -> bool:
        """Whether every step was taken."""
        return self.step == self.steps

    def _repr_html_(self) -> str:
        """Five pictures that the field draws and the figures, in a notebook."""
        height, last = small_size(self.source.size)[0], len(self.source.times) - 1
        drawn = strip(spread(last), lambda t: reduced_picture(self.field, t, height))
        rows: dict[str, list[object]] = {
            "field": [self.field.name],
            "preset": [self.recipe.name],
            "flow": [self.flow],
            "frames": [f"{last + 1} of {{}}x{{}}".format(*self.source.size)],
            "steps": [f"{self.step} of {self.steps} in {self.seconds:.1f} s"],
        }
        if self.history:
            rows["last"] = [self.history[-1].remark]
        return as_html(f"Fit of {self.source.name}", drawn, rows)

    def __repr__(self) -> str:
        return f"FitResult({self.field.name}, {self.source.name!r}, step {self.step} of {self.steps})"
