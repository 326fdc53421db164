"""Many small sinusoidal networks, each with a window of its own; the windows overlap and sum to 1.

    f(x, y, t) = sum_k w_k(x, y) N_k(x, y, t),      sum_k w_k = 1

A partition of unity (Melenk, Babuska, *The Partition of Unity Finite Element Method*, 1996) of networks as
those of ``tweenfield.fields.siren``, for the objective of Zhuang et al., arXiv 2206.10886. Symbols: the
picture is cut into cells of about ``side`` x ``side`` pixels; network k sits at a corner of cells, and

    w_k(x, y) = h(|x - x_k| / side) h(|y - y_k| / side),      h(r) = 1 - r^3 (10 - 15 r + 6 r^2) for r < 1

so that each point lies under the four windows at the corners of its cell. h is twice continuously
differentiable and h(r) + h(1 - r) = 1. The windows belong to the derivative:

    df = sum_k  w_k dN_k + dw_k N_k

The networks move with the picture. Besides x, y and t, network k has the input d_k(t): how far the flow has
moved the picture under its window since the middle of the video. It is the sum over time of the mean velocity
there, with Catmull-Rom splines between the frames (Catmull, Rom, *A Class of Local Interpolating Splines*,
1974). Sine j of the first layer is initialised as a wave that moves at a share s_j of it, with s_j sampled
from [0, 1]:

    sin(omega (a_j (x - s_j d_kx) + b_j (y - s_j d_ky) + c_j t + ...))

so that both still and moving details are easy to fit. The parameters of d_k are fitted like all others.

A point costs four small networks instead of one large one, and all of them are one batched matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from tweenfield.fields.base import Field, Grid, check_network
from tweenfield.fields.batch import Memory, networks, networks_with_tangent
from tweenfield.fields.sine import draw_layers
from tweenfield.flow.estimator import Flow
from tweenfield.flow.observed import Observed
from tweenfield.flow.velocity import velocity_between

T = TypeVar("T", np.ndarray, Tensor)


@dataclass(frozen=True, kw_only=True)
class PatchesConfig:
    """Settings of patches.

    Raises:
        ValueError: a setting isn't positive, or a network has above 4096 neurons in a layer or 64 layers.
    """

    name: ClassVar[str] = "patches"
    draws_alpha: ClassVar[bool] = False
    expects_error: ClassVar[bool] = False

    side: float = 8.0
    """Side of a cell in pixels, rounded so that whole cells cover the picture; a window spans two cells."""
    width: int = 32
    """Neurons of each hidden layer of each network."""
    depth: int = 3
    """Layers with a sine of each network, the first included; one linear layer to RGB follows."""
    omega: float = 20.0
    """Angular frequency omega of every sine; a network's window spans [-1, 1] in its own coordinates."""
    time_step: float = 0.1
    """Length of one observed-frame interval in the networks' own coordinates: the temporal bandwidth."""

    def __post_init__(self) -> None:
        for name in ("side", "width", "depth", "omega", "time_step"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"patches: {name} is {value}, but must be a positive number")
        check_network("patches", self.width, self.depth)

    def build(self, grid: Grid, seed: int) -> Patches:
        """Patches with initial parameters by ``seed``."""
        return Patches(self, grid, seed)


class _Places(NamedTuple):
    """Where points go in the batched product, one row for each of the four corners of their cells."""

    networks: Int[Tensor, " networks"]
    """The networks that have points at all."""
    rows: int
    """The most points that one of them has; the others' rows are filled up with zeros."""
    row: Int[Tensor, "4 points"]
    """Each point's row in the product, counted through all networks."""


@final
class Patches(Field):
    """f(x, y, t) as windowed small networks; see the module's docstring for the equation."""

    name: ClassVar[str] = "patches"

    displacement: Tensor
    cell: Tensor
    scale: Tensor

    def __init__(self, config: PatchesConfig, grid: Grid, seed: int = 0) -> None:
        super().__init__()
        self.grid = grid
        self._config = config
        cells = [max(1, round(n / config.side)) for n in (grid.width, grid.height)]
        self._cells = cells[0], cells[1]
        self._memory = Memory()
        generator = torch.Generator().manual_seed(seed)
        networks = (cells[0] + 1) * (cells[1] + 1)
        self.weights, self.biases = draw_layers(
            config.width, config.depth, config.omega, generator, networks=networks
        )
        share = torch.rand(networks, config.width, 1, generator=generator)
        first = self.weights[0].detach()
        self.weights[0] = nn.Parameter(torch.cat((first, -share * first[..., :2]), dim=2))
        # With one more at either end, for the splines.
        self.register_buffer("displacement", torch.zeros(grid.frames + 2, networks, 2))
        cell = torch.tensor([grid.width / cells[0], grid.height / cells[1]])
        self.register_buffer("cell", cell, persistent=False)
        pixel = 1 / config.side
        scale = torch.tensor([pixel, pixel, config.time_step, pixel, pixel])
        self.register_buffer("scale", scale, persistent=False)

    @property
    def config(self) -> PatchesConfig:
        """The settings that, with the grid, build this field again."""
        return self._config

    @property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of cells; equally many points in each give all products one shape."""
        return self._cells[1], self._cells[0]

    def observe(self, observed: Observed) -> None:
        """Compute from the flow how far the picture under each window moves."""
        displacement = torch.from_numpy(_displacement(observed.flow, *self._cells))
        first, last = displacement[:1], displacement[-1:]
        before, after = 2 * first - displacement[1:2], 2 * last - displacement[-2:-1]
        self.displacement.copy_(torch.cat((before, displacement, after)))

    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Colour at points (x, y, t)."""
        cell, share = self._locate(points)
        places = self._places(cell)
        inputs, _ = self._inputs(points, cell)
        value = networks(self._spread(inputs, places), *self._layers(places), self._memory)
        window, _ = _windows(share, torch.zeros_like(share))
        return 0.5 + 0.5 * (window[..., None] * _collect(value, places)).sum(dim=0)

    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour, and its derivative along ``direction``, by one forward-mode tangent through windows and
        networks.
        """
        cell, share = self._locate(points)
        places = self._places(cell)
        inputs, velocity = self._inputs(points, cell)
        rate = direction.expand(4, -1, -1)
        moving = torch.cat((rate, velocity * rate[..., 2:]), dim=2) * self.scale
        both = torch.cat(
            networks_with_tangent(
                self._spread(inputs, places),
                self._spread(moving, places),
                *self._layers(places),
                self._memory,
            ),
            dim=2,
        )
        value, tangent = _collect(both, places).split(3, dim=2)
        window, slope = _windows(share, direction[:, :2] / self.cell)
        color = 0.5 + 0.5 * (window[..., None] * value).sum(dim=0)
        return color, 0.5 * (window[..., None] * tangent + slope[..., None] * value).sum(dim=0)

    def _locate(
        self, points: Float[Tensor, "points 3"]
    ) -> tuple[Int[Tensor, "points 2"], Float[Tensor, "points 2"]]:
        """The column and row of each point's cell, and the point's share of the way across it."""
        position = (points[:, :2] + 0.5) / self.cell
        last = torch.tensor(self._cells, device=points.device) - 1
        cell = torch.minimum(position.detach().floor().long().clamp(min=0), last)
        return cell, (position - cell).clamp(0, 1)

    def _inputs(
        self, points: Float[Tensor, "points 3"], cell: Int[Tensor, "points 2"]
    ) -> tuple[Float[Tensor, "4 points 5"], Float[Tensor, "4 points 2"]]:
        """What the four networks at the corners of the points' cells are given, x, y and t from the middle
        of their window and d, and how fast d changes, in pixels per interval.
        """
        column_row = cell + _corners(cell)[:, None]
        corner = column_row * self.cell - 0.5
        middle = points.new_full((*corner.shape[:2], 1), (self.grid.frames - 1) / 2)
        t = points[:, 2]
        k = t.detach().floor().clamp(0, self.grid.frames - 2)
        value, slope = _catmull_rom(t - k)
        networks = self.displacement.shape[1]
        places = (k.long() + torch.arange(4, device=k.device)[:, None]) * networks
        rows = places[:, None] + self._network(column_row)
        ways = self.displacement.flatten(0, 1).index_select(0, rows.flatten()).reshape(*rows.shape, 2)
        d, velocity = ((share.mT[:, None, :, None] * ways).sum(dim=0) for share in (value, slope))
        inputs = torch.cat((points - torch.cat((corner, middle), dim=2), d), dim=2)
        return inputs * self.scale, velocity

    def _network(self, column_row: Int[Tensor, "4 points 2"]) -> Int[Tensor, "4 points"]:
        return column_row[..., 1] * (self._cells[0] + 1) + column_row[..., 0]

    def _places(self, cell: Int[Tensor, "points 2"]) -> _Places:
        """Sorts the points by network: each gets as many rows as the one with the most points."""
        network_of = self._network(cell + _corners(cell)[:, None]).flatten()
        counts = network_of.bincount()
        networks = counts.nonzero().flatten()
        which, counts = ((counts > 0).cumsum(0) - 1)[network_of], counts[networks]
        rows = int(counts.max())
        order = which.argsort(stable=True)
        turn = torch.arange(len(order), device=order.device) - (counts.cumsum(0) - counts)[which[order]]
        row = torch.empty_like(order)
        row[order] = which[order] * rows + turn
        return _Places(networks, rows, row.reshape(4, -1))

    def _spread(
        self, values: Float[Tensor, "4 points 5"], places: _Places
    ) -> Float[Tensor, "networks rows 5"]:
        """The values at their places in the product."""
        empty = values.new_zeros(len(places.networks) * places.rows, 5)
        filled = empty.index_copy(0, places.row.flatten(), values.flatten(0, 1))
        return filled.reshape(len(places.networks), places.rows, 5)

    def _layers(self, places: _Places) -> tuple[list[Tensor], list[Tensor], float]:
        """Weights and biases of the networks that have points, and omega."""
        if len(places.networks) == len(self.weights[0]):
            return list(self.weights), list(self.biases), self._config.omega
        weights, biases = (
            [tensor[places.networks] for tensor in part] for part in (self.weights, self.biases)
        )
        return weights, biases, self._config.omega


def _collect(
    values: Float[Tensor, "networks rows channels"], places: _Places
) -> Float[Tensor, "4 points channels"]:
    """The product's rows back in the order of the points."""
    ordered = values.flatten(0, 1).index_select(0, places.row.flatten())
    return ordered.reshape(*places.row.shape, ordered.shape[1])


def _corners(like: Int[Tensor, "points 2"]) -> Int[Tensor, "4 2"]:
    return torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]], device=like.device)


def _windows(
    share: Float[Tensor, "points 2"], rate: Float[Tensor, "points 2"]
) -> tuple[Float[Tensor, "4 points"], Float[Tensor, "4 points"]]:
    """The windows of the four corners at a share of the way across the cell, and their rates of change when
    the share changes at ``rate``."""
    rise = _rise(share)
    slope = 30 * (share * (1 - share)) ** 2 * rate
    (x1, y1), (dx1, dy1) = rise.unbind(1), slope.unbind(1)
    x0, y0 = 1 - x1, 1 - y1
    return (
        torch.stack((x0 * y0, x1 * y0, x0 * y1, x1 * y1)),
        torch.stack((-dx1 * y0 - x0 * dy1, dx1 * y0 - x1 * dy1, -dx1 * y1 + x0 * dy1, dx1 * y1 + x1 * dy1)),
    )


def _rise(share: T) -> T:
    """1 - h: how the next window rises."""
    rise: T = share**3 * (10 - 15 * share + 6 * share**2)
    return rise


def _catmull_rom(s: Float[Tensor, " points"]) -> tuple[Float[Tensor, "points 4"], Float[Tensor, "points 4"]]:
    """Weights of the frames before, at, after and beyond an interval at a share of the way through it, and
    their derivatives."""
    value = (-s + 2 * s**2 - s**3, 2 - 5 * s**2 + 3 * s**3, s + 4 * s**2 - 3 * s**3, s**3 - s**2)
    slope = (-1 + 4 * s - 3 * s**2, 9 * s**2 - 10 * s, 1 + 8 * s - 9 * s**2, 3 * s**2 - 2 * s)
    return torch.stack(value, dim=1) / 2, torch.stack(slope, dim=1) / 2


def _displacement(flow: Flow, columns: int, rows: int) -> Float32[np.ndarray, "frames networks 2"]:
    """How far the flow has moved the picture under each window at each frame since the middle one, in
    pixels: the sum of mean velocities under the window."""
    height, width = flow.forward.shape[1:3]
    down, across = _means_of_windows(height, rows), _means_of_windows(width, columns)
    mean = [
        np.einsum("ry,yxc,kx->rkc", down, velocity_between(flow, k, 0.5), across, optimize=True).reshape(
            -1, 2
        )
        for k in range(len(flow.forward))
    ]
    way = np.concatenate((np.zeros_like(mean[:1]), np.cumsum(mean, axis=0)))
    since_middle: np.ndarray = (way - way[len(way) // 2]).astype(np.float32)
    return since_middle


def _means_of_windows(pixels: int, cells: int) -> Float32[np.ndarray, "windows pixels"]:
    """The windows along one axis, each divided by its sum."""
    centres = (np.arange(pixels) + 0.5) * cells / pixels
    r = np.abs(centres - np.arange(cells + 1)[:, None]).clip(max=1)
    window: np.ndarray = (1 - _rise(r)).astype(np.float32)
    window /= window.sum(axis=1, keepdims=True)
    return window
