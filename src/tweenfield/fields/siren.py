"""The paper's field: one multilayer perceptron with sinusoidal activations.

    a_0 = s * (x - centre),   z_l = W_l a_{l-1} + b_l,   a_l = sin(omega z_l),   f = 1/2 + 1/2 (W a_L + b)

Sitzmann et al., *Implicit Neural Representations with Periodic Activation Functions*, NeurIPS 2020
(arXiv 2006.09661), section 3; used for video interpolation by Zhuang et al., arXiv 2206.10886. Symbols:
omega is ``omega``, L is ``depth`` (the layers with a sine), n of the initialisation is a layer's inputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield.fields.base import Field, Grid, check_network
from tweenfield.fields.sine import draw_layers, network, network_with_tangent


@dataclass(frozen=True, kw_only=True)
class SirenConfig:
    """Settings of a SIREN.

    Raises:
        ValueError: a setting isn't positive, or the network has above 4096 neurons in a layer or 64 layers.
    """

    name: ClassVar[str] = "siren"
    draws_alpha: ClassVar[bool] = False
    expects_error: ClassVar[bool] = False

    width: int = 256
    """Neurons of each hidden layer."""
    depth: int = 4
    """Layers with a sine, the first included; one linear layer to RGB follows."""
    omega: float = 30.0
    """Angular frequency omega of every sine."""
    time_step: float = 0.03
    """Length of one observed-frame interval in the network's own coordinates: the temporal bandwidth.
    Large values let the network change much between two frames, small ones keep neighbours similar."""
    extent: float = 1.0
    """The longer side of the picture spans [-extent, extent] in the network's own coordinates, and the
    shorter one in proportion."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "omega", "time_step", "extent"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"siren: {name} is {value}, but must be a positive number")
        check_network("siren", self.width, self.depth)

    def build(self, grid: Grid, seed: int) -> Siren:
        """A SIREN with initial parameters by ``seed``."""
        return Siren(self, grid, seed)


@final
class Siren(Field):
    """f(x, y, t) as one sinusoidal network; see the module's docstring for the equation."""

    name: ClassVar[str] = "siren"

    centre: Tensor
    scale: Tensor

    def __init__(self, config: SirenConfig, grid: Grid, seed: int = 0) -> None:
        super().__init__()
        self.grid = grid
        self._config = config
        self.weights, self.biases = draw_layers(
            config.width, config.depth, config.omega, torch.Generator().manual_seed(seed)
        )
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
        return 0.5 + 0.5 * network(a, self.weights, self.biases, self._config.omega)

    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour, and its derivative along ``direction``, by one forward-mode tangent."""
        value, tangent = network_with_tangent(
            (points - self.centre) * self.scale,
            direction * self.scale,
            self.weights,
            self.biases,
            self._config.omega,
        )
        return 0.5 + 0.5 * value, 0.5 * tangent
