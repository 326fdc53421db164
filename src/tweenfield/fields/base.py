"""The interface of a field: f(x, y, t) -> RGB and its exact derivative along a direction."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tweenfield.errors import UsageError
from tweenfield.video.depth import Levels, dtype_of, full_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tweenfield.flow.observed import Observed
    from tweenfield.storage.on_demand import Rows
    from tweenfield.video import Video

# Far beyond any use; what is larger fills the memory.
_WIDEST, _DEEPEST = 4096, 64
# Points evaluated at once when a whole frame is drawn: bounds memory whatever the frame's size.
CHUNK_POINTS = 1 << 15
_NO_ERROR = "{}: this field has no error to expect; fit transport, which has"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The pixels and times of the observed frames that a field is fitted to.

    x runs over 0 .. width - 1, y over 0 .. height - 1 (pixel centres on integers),
    t over 0 .. frames - 1 (observed frames on integers). ``depth`` is that of the observed frames, in bits;
    ``matte`` is what they lie over where they are transparent, or None if they are opaque.
    """

    frames: int
    height: int
    width: int
    depth: int = 8
    matte: str | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the field's pictures: uint8 for opaque ones of 8 bits, else uint16."""
        return dtype_of(self.depth if self.matte is None else 16)

    @classmethod
    def of(cls, video: Video) -> Grid:
        """That of a video."""
        height, width = video.size
        matte = None if video.alpha is None else video.matte
        return cls(frames=len(video), height=height, width=width, depth=video.depth, matte=matte)


class Field(nn.Module, ABC):
    """A continuous video. Points are (x, y, t) in pixels and observed-frame intervals, colours are in [0, 1].

    Every method is differentiable with respect to the field's parameters.
    """

    name: ClassVar[str]
    grid: Grid

    @property
    @abstractmethod
    def config(self) -> FieldConfig:
        """The settings that, with the grid, build this field again."""

    @property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of equal blocks of the picture; a batch has the same number of points in each."""
        return 1, 1

    def observe(self, observed: Observed) -> None:
        """Give the field the observed frames and their flow before the fit. By default it keeps neither."""

    def observations(self) -> dict[str, Rows]:
        """The arrays that ``observe`` kept, by name, for a model file."""
        return {}

    def restore(self, observations: Mapping[str, Rows]) -> None:
        """Set what ``observations`` returned, in place of calling ``observe``.

        Raises:
            ValueError: the arrays are for another grid.
        """

    @abstractmethod
    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Colour at points (x, y, t)."""

    @abstractmethod
    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour at points, and its derivative along ``direction``: J f(points) @ direction, per interval
        where the direction is (u, v, 1) with (u, v) in pixels per interval.
        """

    def frame(self, t: float, size: tuple[int, int] | None = None) -> Float[Tensor, "height width 3"]:
        """The whole picture at time ``t``, at ``size`` (height, width) or the grid's own."""
        return self._by_points(self, t, size)

    def alpha(self, t: float, size: tuple[int, int] | None = None) -> Float[Tensor, "height width"] | None:
        """The opacity of each pixel of ``frame``, 1 where it is opaque; None if the field draws none."""
        return None

    def _by_points(
        self,
        colors: Callable[[Float[Tensor, "points 3"]], Float[Tensor, "points 3"]],
        t: float,
        size: tuple[int, int] | None,
    ) -> Float[Tensor, "height width 3"]:
        """The whole picture of a function of points."""
        size = size or (self.grid.height, self.grid.width)
        points = frame_points(t, size, self.grid, like=next(self.parameters()))
        return torch.cat([colors(part) for (part,) in chunks(points)]).reshape(*size, 3)

    def picture(self, t: float, size: tuple[int, int] | None = None) -> Levels[np.ndarray, "height width 3"]:
        """``frame`` with each colour as the nearest level of the type that the observed frames have."""
        colors = to_levels(self.frame(t, size), full_scale(self.grid.dtype))
        levels: Levels[np.ndarray, "height width 3"] = colors.cpu().numpy()
        return levels

    def prepare(self, t: float) -> None:
        """Compute what ``picture`` needs at time ``t`` and keep it; another thread may draw meanwhile. By
        default that is nothing.
        """

    def waits(self, t: float) -> bool:
        """Whether the picture at time ``t`` waits for flow that is still to be estimated."""
        return False

    def alone(self) -> Field:
        """A field that waits for less, and whose pictures are a first look; this one if there is none."""
        return self

    @property
    def expects_error(self) -> bool:
        """Whether it has an error to expect, as all of its kind have, or none."""
        return self.config.expects_error

    def expected_error(self, t: float) -> Float[Tensor, "height width"]:
        """How far off each pixel of the picture at time ``t`` may be, in levels of 255: the root of the
        squared error to expect, mean over RGB.

        Raises:
            UsageError: the field has none.
        """
        raise UsageError(_NO_ERROR.format(self.name))

    def expected_psnr(self, t: float) -> float:
        """The PSNR in dB to expect of the picture at time ``t``, at most 100.

        Raises:
            UsageError: the field has none.
        """
        return psnr_of(float(self.expected_error(t).square().mean()))

    def disagreement(self, t: float) -> Float[Tensor, "height width"] | None:
        """How far forward and backward flow around each pixel disagree at time ``t``, from 0 to 1; None at an
        observed frame, across a cut, and of a field that follows no flow when it draws.
        """
        return None

    def error_reason(self, t: float) -> str:
        """What most of the error to expect of the picture at time ``t`` is due to, in a few words.

        Raises:
            UsageError: the field has none.
        """
        raise UsageError(_NO_ERROR.format(self.name))

    def frame_with_derivative(
        self, t: float, velocity: Float[Tensor, "height width 2"]
    ) -> tuple[Float[Tensor, "height width 3"], Float[Tensor, "height width 3"]]:
        """The picture at time ``t`` on the grid, and its derivative along (u, v, 1) at each pixel."""
        size = (self.grid.height, self.grid.width)
        points = frame_points(t, size, self.grid, like=next(self.parameters()))
        colors, derivatives = zip(
            *(self.with_derivative(*part) for part in chunks(points, along(velocity.reshape(-1, 2)))),
            strict=True,
        )
        return torch.cat(colors).reshape(*size, 3), torch.cat(derivatives).reshape(*size, 3)


@runtime_checkable
class FieldConfig(Protocol):
    """Settings of one kind of field: a frozen dataclass that builds it."""

    name: ClassVar[str]
    draws_alpha: ClassVar[bool]
    """Whether the field has ``Field.alpha``, so that transparent video stays so."""
    expects_error: ClassVar[bool]
    """Whether the field has ``Field.expected_error``, so that it can be told how far off a picture may be."""
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def build(self, grid: Grid, seed: int) -> Field:
        """A field with initial parameters; ``seed`` alone decides them."""
        ...


def psnr_of(squared: float) -> float:
    """The PSNR in dB of a mean squared error in levels of 255, at most 100."""
    return min(-10 * math.log10(max(squared / 255**2, 1e-10)), 100.0)


def check_network(name: str, width: int, depth: int) -> None:
    """Refuse a network that would fill the memory.

    Raises:
        ValueError: a layer has more than 4096 neurons or channels, or there are more than 64 layers.
    """
    for what, value, most in (("width", width, _WIDEST), ("depth", depth, _DEEPEST)):
        if value > most:
            raise ValueError(f"{name}: {what} is {value}, but must be at most {most}")


def frame_points(t: float, size: tuple[int, int], grid: Grid, like: Tensor) -> Float[Tensor, "pixels 3"]:
    """Points (x, y, t) of every pixel of a frame of ``size``, row by row, in the grid's own pixels.

    Both sizes cover the same area, as in image resizing: the centre of pixel i of n lies at
    (i + 1/2) N / n - 1/2 of the grid's N pixels. Type and device are those of ``like``.
    """
    height, width = size
    y = (torch.arange(height, dtype=like.dtype, device=like.device) + 0.5) * (grid.height / height) - 0.5
    x = (torch.arange(width, dtype=like.dtype, device=like.device) + 0.5) * (grid.width / width) - 0.5
    yy, xx = torch.meshgrid(y, x, indexing="ij")
    return torch.stack((xx, yy, torch.full_like(xx, t)), dim=-1).reshape(-1, 3)


def along(flow: Float[Tensor, "points 2"]) -> Float[Tensor, "points 3"]:
    """The direction (u, v, 1) in which a moving point keeps its colour."""
    return torch.cat((flow, torch.ones_like(flow[:, :1])), dim=1)


def to_levels(colors: Float[Tensor, "*any"], top: int = 255) -> torch.Tensor:
    """Colours in [0, 1] as the nearest levels, of which the highest is 255 or 65535."""
    return (colors * top).round().clamp(0, top).to(torch.uint8 if top == 255 else torch.uint16)


def chunks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same rows of each tensor, ``CHUNK_POINTS`` at a time."""
    return zip(*(tensor.split(CHUNK_POINTS) for tensor in tensors), strict=True)
