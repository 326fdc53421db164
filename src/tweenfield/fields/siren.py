"""The paper's field: one multilayer perceptron with sinusoidal activations.

    a_0 = s * (x - centre),   z_l = W_l a_{l-1} + b_l,   a_l = sin(omega z_l),   f = 1/2 + 1/2 (W a_L + b)

Sitzmann et al., *Implicit Neural Representations with Periodic Activation Functions*, NeurIPS 2020
(arXiv 2006.09661), section 3; used for video interpolation by Zhuang et al., arXiv 2206.10886. Symbols:
omega is ``omega``, L is ``depth`` (the layers with a sine), n of the initialisation is a layer's inputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tweenfield.fields.base import Field, Grid, chunks, frame_points


@dataclass(frozen=True, kw_only=True)
class SirenConfig:
    """Settings of a SIREN.

    Raises:
        ValueError: a setting isn't positive.
    """

    name: ClassVar[str] = "siren"

    width: int = 256
    """Neurons of each hidden layer."""
    depth: int = 4
    """Layers with a sine, the first included; one linear layer to RGB follows."""
    omega: float = 30.0
    """Angular frequency omega of every sine."""
    time_step: float = 0.03
    """Length of one observed-frame interval in the network's own coordinates: the temporal bandwidth.
    Large values let the network turn by radians between two frames, small ones tie neighbours together."""
    extent: float = 1.0
    """The longer side of the picture spans [-extent, extent] in the network's own coordinates, and the
    shorter one in proportion."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "omega", "time_step", "extent"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"siren: {name} is {value}, but must be a positive number")

    def build(self, grid: Grid, seed: int) -> Siren:
        """A SIREN with parameters drawn from ``seed``."""
        return Siren(self, grid, seed)


class _SineTangent(torch.autograd.Function):
    """(z, dz) -> (sin z, cos z * dz), with the backward pass written out so that sine and cosine of a
    layer are each computed once per step; autograd would compute them again."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, dz: Tensor) -> tuple[Tensor, Tensor]:
        sine, cosine = torch.sin(z), torch.cos(z)
        ctx.save_for_backward(sine, cosine, dz)
        return sine, cosine * dz

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_value: Tensor, grad_tangent: Tensor) -> tuple[Tensor, Tensor]:
        sine, cosine, dz = ctx.saved_tensors
        return torch.addcmul(grad_value * cosine, grad_tangent * sine, dz, value=-1), grad_tangent * cosine


@final
class Siren(Field):
    """f(x, y, t) as one sinusoidal network; see the module's docstring for the equation."""

    name: ClassVar[str] = "siren"

    def __init__(self, config: SirenConfig, grid: Grid, seed: int = 0) -> None:
        super().__init__()
        self.grid = grid
        self._config = config
        generator = torch.Generator().manual_seed(seed)
        inputs = [3] + [config.width] * config.depth
        outputs = [config.width] * config.depth + [3]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for layer, (n, m) in enumerate(zip(inputs, outputs, strict=True)):
            bound = 1 / n if layer == 0 else math.sqrt(6 / n) / config.omega
            self.weights.append(_uniform((m, n), bound, generator))
            self.biases.append(_uniform((m,), 1 / math.sqrt(n), generator))
        pixel = 2 * config.extent / max(grid.width - 1, grid.height - 1, 1)
        centre = torch.tensor([grid.width - 1, grid.height - 1, grid.frames - 1]) / 2
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("scale", torch.tensor([pixel, pixel, config.time_step]), persistent=False)

    @property
    def config(self) -> SirenConfig:
        """The settings that, with the grid, build this field again."""
        return self._config

    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Colour at points (x, y, t)."""
        a = (points - self.centre) * self.scale
        for weight, bias in self._sine_layers():
            a = torch.sin(torch.addmm(bias, a, weight.T))
        return 0.5 + 0.5 * torch.addmm(self.biases[-1], a, self.weights[-1].T)

    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour, and its derivative along ``direction``, by one forward-mode tangent:
        z = W a + b;  a' = sin(omega z);  da' = omega cos(omega z) * W da.
        """
        a = (points - self.centre) * self.scale
        da = direction * self.scale
        for weight, bias in self._sine_layers():
            a, da = _SineTangent.apply(torch.addmm(bias, a, weight.T), da @ weight.T)
        last = self.weights[-1].T
        return 0.5 + 0.5 * torch.addmm(self.biases[-1], a, last), 0.5 * (da @ last)

    def frame(self, t: float, size: tuple[int, int] | None = None) -> Float[Tensor, "height width 3"]:
        """The whole picture at time ``t``, at ``size`` (height, width) or the grid's own."""
        size = size or (self.grid.height, self.grid.width)
        points = frame_points(t, size, self.grid, like=self.scale)
        return torch.cat([self(part) for (part,) in chunks(points)]).reshape(*size, 3)

    def frame_with_derivative(
        self, t: float, velocity: Float[Tensor, "height width 2"]
    ) -> tuple[Float[Tensor, "height width 3"], Float[Tensor, "height width 3"]]:
        """The picture at time ``t`` on the grid, and its derivative along (u, v, 1) at each pixel."""
        size = (self.grid.height, self.grid.width)
        points = frame_points(t, size, self.grid, like=self.scale)
        direction = torch.cat((velocity.reshape(-1, 2), torch.ones_like(points[:, :1])), dim=1)
        colors, derivatives = zip(
            *(self.with_derivative(*part) for part in chunks(points, direction)), strict=True
        )
        return torch.cat(colors).reshape(*size, 3), torch.cat(derivatives).reshape(*size, 3)

    def _sine_layers(self) -> list[tuple[Tensor, Tensor]]:
        # omega goes into the small weight matrices, not over every point of every layer.
        omega = self._config.omega
        return [(omega * w, omega * b) for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True)]


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter((2 * torch.rand(shape, generator=generator) - 1) * bound)
