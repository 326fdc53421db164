"""Many small sinusoidal networks, each with a window of its own; the windows overlap and sum to 1.

    f(x, y, t) = sum_k w_k(x, y) N_k(x, y, t),      sum_k w_k = 1

A partition of unity (Melenk, Babuska, *The Partition of Unity Finite Element Method*, 1996) of networks as
those of ``tweenfield.fields.siren``, for the objective of Zhuang et al., arXiv 2206.10886. Symbols: the
picture is cut into cells of about ``side`` x ``side`` pixels; networks are ``spacing`` cells apart, and the
window of network k falls within one cell, from the distance of (spacing - 1) / 2 cells on:

    w_k(x, y) = h(|x - x_k| / side - (spacing - 1) / 2) h(|y - y_k| / side - (spacing - 1) / 2)
    h(r) = 1 - r^3 (10 - 15 r + 6 r^2) for 0 < r < 1,    1 before, 0 beyond

With a spacing of 1, networks sit at the corners of cells, and each point lies under four windows. With 2,
each network has a cell to itself; along each axis its neighbour begins in the next one. h is twice
continuously differentiable and h(r) + h(1 - r) = 1. The windows belong to the derivative:

    df = sum_k  w_k dN_k + dw_k N_k

The networks move with the picture. Besides x, y and t, network k has the input d_k(t): how far the flow has
moved the picture under its window since the middle of the video. It is the sum over time of the mean velocity
there, with Catmull-Rom splines between the frames (Catmull, Rom, *A Class of Local Interpolating Splines*,
1974). Sine j of the first layer is initialised as a wave that moves at a share s_j of it, with s_j sampled
from [0, 1]:

    sin(omega (a_j (x - s_j d_kx) + b_j (y - s_j d_ky) + c_j t + ...))

so that both still and moving details are easy to fit. The parameters of d_k are fitted like all others.

A point costs one to four small networks instead of one large one, and all of them are one batched matrix
product.
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
from tweenfield.fields.sine import draw_layers, network
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
    """Side of a cell in pixels, rounded so that whole cells cover the picture."""
    spacing: int = 1
    """Cells from one network to the next; a window spans one more. 1: windows overlap everywhere; 2: in every
    second cell."""
    width: int = 32
    """Neurons of each hidden layer of each network."""
    depth: int = 3
    """Layers with a sine of each network, the first included; one linear layer to RGB follows."""
    omega: float = 20.0
    """Angular frequency omega of every sine; networks are 1 apart in their own coordinates."""
    time_step: float = 0.1
    """Length of one observed-frame interval in the networks' own coordinates: the temporal bandwidth."""

    def __post_init__(self) -> None:
        for name in ("side", "spacing", "width", "depth", "omega", "time_step"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"patches: {name} is {value}, but must be a positive number")
        check_network("patches", self.width, self.depth)

    def build(self, grid: Grid, seed: int) -> Patches:
        """Patches with initial parameters by ``seed``."""
        return Patches(self, grid, seed)


class _Pairs(NamedTuple):
    """Each point with each of the one to four windows that it lies under."""

    point: Int[Tensor, " pairs"]
    place: Int[Tensor, "pairs 2"]
    """Column and row of the network."""
    window: Float[Tensor, " pairs"]
    slope: Float[Tensor, " pairs"]
    """How fast the window changes along the point's direction."""


class _Rows(NamedTuple):
    """Where pairs go in the batched product."""

    networks: Int[Tensor, " networks"]
    """The networks that have points at all."""
    most: int
    """The most points that one of them has; the others' rows are filled up with zeros."""
    row: Int[Tensor, " pairs"]
    """Each pair's row in the product, counted through all networks."""


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
        # With windows that overlap everywhere, one more than there are cells: the first and the last are cut.
        self._columns, self._rows = (-(-n // config.spacing) + (config.spacing == 1) for n in cells)
        self._memory = Memory()
        generator = torch.Generator().manual_seed(seed)
        networks = self._columns * self._rows
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
        pixel = 1 / (config.side * config.spacing)
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
        displacement = torch.from_numpy(self._displacement(observed.flow))
        first, last = displacement[:1], displacement[-1:]
        before, after = 2 * first - displacement[1:2], 2 * last - displacement[-2:-1]
        self.displacement.copy_(torch.cat((before, displacement, after)))

    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Colour at points (x, y, t)."""
        pairs = self._pairs(points, torch.zeros_like(points))
        rows = self._rows_of(pairs)
        inputs, _ = self._inputs(points, pairs)
        inputs, layers = _spread(inputs, rows), self._layers(rows)
        # What is only drawn needn't be kept for a backward pass, and derivatives by the points may be derived
        # again.
        fitted = torch.is_grad_enabled() and not inputs.requires_grad
        value = networks(inputs, *layers, self._memory) if fitted else network(inputs, *layers)
        return 0.5 + 0.5 * _sums(pairs.window[:, None] * _collect(value, rows), pairs, points)

    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour, and its derivative along ``direction``, by one forward-mode tangent through windows and
        networks.
        """
        pairs = self._pairs(points, direction)
        rows = self._rows_of(pairs)
        inputs, velocity = self._inputs(points, pairs)
        rate = direction.index_select(0, pairs.point)
        moving = torch.cat((rate, velocity * rate[:, 2:]), dim=1) * self.scale
        both = torch.cat(
            networks_with_tangent(
                _spread(inputs, rows), _spread(moving, rows), *self._layers(rows), self._memory
            ),
            dim=2,
        )
        value, tangent = _collect(both, rows).split(3, dim=1)
        window, slope = pairs.window[:, None], pairs.slope[:, None]
        sums = _sums(torch.cat((window * value, window * tangent + slope * value), dim=1), pairs, points)
        return 0.5 + 0.5 * sums[:, :3], 0.5 * sums[:, 3:]

    def _pairs(self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]) -> _Pairs:
        """The windows that the points lie under."""
        spacing = self._config.spacing
        position = (points[:, :2] + 0.5) / self.cell
        last, networks = (
            torch.tensor(x, device=points.device) - 1 for x in (self._cells, (self._columns, self._rows))
        )
        cell = torch.minimum(position.detach().floor().long().clamp(min=0), last)
        first = cell // spacing
        overlap = (cell % spacing == spacing - 1) & (first < networks)
        share = torch.where(overlap, (position - cell).clamp(0, 1), 0)
        window, slope = _windows(share, direction[:, :2] / self.cell)
        across, down = overlap.unbind(1)
        seen = torch.stack((torch.ones_like(across), across, down, across & down))
        pair = seen.flatten().nonzero().flatten()
        point = pair % len(points)
        place = first.index_select(0, point) + _corners(first).index_select(0, pair // len(points))
        return _Pairs(point, place, *(x.flatten().index_select(0, pair) for x in (window, slope)))

    def _inputs(
        self, points: Float[Tensor, "points 3"], pairs: _Pairs
    ) -> tuple[Float[Tensor, "pairs 5"], Float[Tensor, "pairs 2"]]:
        """What the pairs' networks are given, x, y and t from the middle of their window and d, and how fast
        d changes, in pixels per interval.
        """
        spacing, points = self._config.spacing, points.index_select(0, pairs.point)
        middle = points.new_full((len(points), 1), (self.grid.frames - 1) / 2)
        centre = (spacing * pairs.place + (spacing - 1) / 2) * self.cell - 0.5
        t = points[:, 2]
        k = t.detach().floor().clamp(0, self.grid.frames - 2)
        row = k.long() * self.displacement.shape[1] + self._network(pairs)
        d = velocity = torch.zeros_like(points[:, :2])
        for knot, (value, slope) in enumerate(zip(*_catmull_rom(t - k), strict=True)):
            way = self.displacement[knot:].flatten(0, 1).index_select(0, row)
            d = torch.addcmul(d, value[:, None], way)
            velocity = torch.addcmul(velocity, slope[:, None], way)
        return torch.cat((points - torch.cat((centre, middle), dim=1), d), dim=1) * self.scale, velocity

    def _network(self, pairs: _Pairs) -> Int[Tensor, " pairs"]:
        return pairs.place[:, 1] * self._columns + pairs.place[:, 0]

    def _rows_of(self, pairs: _Pairs) -> _Rows:
        """Sorts the pairs by network: each gets as many rows as the one with the most points."""
        network_of = self._network(pairs)
        counts = network_of.bincount()
        networks = counts.nonzero().flatten()
        which, counts = ((counts > 0).cumsum(0) - 1)[network_of], counts[networks]
        most = int(counts.max())
        order = which.argsort(stable=True)
        turn = torch.arange(len(order), device=order.device) - (counts.cumsum(0) - counts)[which[order]]
        row = torch.empty_like(order)
        row[order] = which[order] * most + turn
        return _Rows(networks, most, row)

    def _layers(self, rows: _Rows) -> tuple[list[Tensor], list[Tensor], float]:
        """Weights and biases of the networks that have points, and omega."""
        if len(rows.networks) == len(self.weights[0]):
            return list(self.weights), list(self.biases), self._config.omega
        weights, biases = ([tensor[rows.networks] for tensor in part] for part in (self.weights, self.biases))
        return weights, biases, self._config.omega

    def _displacement(self, flow: Flow) -> Float32[np.ndarray, "frames networks 2"]:
        """How far the flow has moved the picture under each window at each frame since the middle one, in
        pixels: the sum of mean velocities under the window."""
        height, width = flow.forward.shape[1:3]
        spacing, (across, down) = self._config.spacing, self._cells
        to_rows = _means_of_windows(height, down, self._rows, spacing)
        to_columns = _means_of_windows(width, across, self._columns, spacing)
        mean = [
            np.einsum(
                "ry,yxc,kx->rkc", to_rows, velocity_between(flow, k, 0.5), to_columns, optimize=True
            ).reshape(-1, 2)
            for k in range(len(flow.forward))
        ]
        way = np.concatenate((np.zeros_like(mean[:1]), np.cumsum(mean, axis=0)))
        since_middle: np.ndarray = (way - way[len(way) // 2]).astype(np.float32)
        return since_middle


def _spread(values: Float[Tensor, "pairs 5"], rows: _Rows) -> Float[Tensor, "networks rows 5"]:
    """The values at their rows in the product."""
    empty = values.new_zeros(len(rows.networks) * rows.most, 5)
    return empty.index_copy(0, rows.row, values).reshape(len(rows.networks), rows.most, 5)


def _collect(values: Float[Tensor, "networks rows channels"], rows: _Rows) -> Float[Tensor, "pairs channels"]:
    """The product's rows back in the order of the pairs."""
    return values.flatten(0, 1).index_select(0, rows.row)


def _sums(
    values: Float[Tensor, "pairs channels"], pairs: _Pairs, points: Float[Tensor, "points 3"]
) -> Float[Tensor, "points channels"]:
    """The sums over the windows of each point."""
    return values.new_zeros(len(points), values.shape[1]).index_add(0, pairs.point, values)


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


def _catmull_rom(s: Float[Tensor, " points"]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Weights of the frames before, at, after and beyond an interval at a share of the way through it, and
    their derivatives."""
    half, s2 = s / 2, s * s / 2
    s3 = s2 * s
    value = (2 * s2 - half - s3, 1 - 5 * s2 + 3 * s3, half + 4 * s2 - 3 * s3, s3 - s2)
    slope = (4 * half - 0.5 - 3 * s2, 9 * s2 - 10 * half, 0.5 + 8 * half - 9 * s2, 3 * s2 - 2 * half)
    return value, slope


def _means_of_windows(
    pixels: int, cells: int, windows: int, spacing: int
) -> Float32[np.ndarray, "windows pixels"]:
    """The windows along one axis, each divided by its sum."""
    position = (np.arange(pixels) + 0.5) * cells / pixels
    centres = (spacing * np.arange(windows) + (spacing - 1) / 2)[:, None]
    r = (np.abs(position - centres) - (spacing - 1) / 2).clip(0, 1)
    window: np.ndarray = (1 - _rise(r)).astype(np.float32)
    # No neighbour takes over from the last one.
    window[-1, position > centres[-1]] = 1
    window /= window.sum(axis=1, keepdims=True)
    return window
