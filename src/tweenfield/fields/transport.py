"""The field with the constraint built in: colours carried along the motion, mixed by fitted weights.

    f(x, t) = sum_j w_j(x, t) V_k(j)(x + D_j(x, t)),      sum_j w_j = 1

Candidate j fetches from observed frame V_k(j) along one hypothesis of the motion, so each term is constant
along it (equation (9) of arXiv 2206.10886 holds term by term); ``tweenfield.fields.candidates`` lists
them. The displacements D and the weights w are maps on the pixel grid at quarters of every interval (knots):
linear in time between knots, cubic B-splines in x and y between pixels. At an observed time w is 1 for that
frame and D is 0, so f returns the frame, and f is continuous in t.

With b_j the plain two-frame warp's weights (1 - s, s, 0, ...) and s the fraction of the interval,

    w = b + 4 s (1 - s) (a - b sum(a)),      a = network(candidates' differences from the warp, cues, s)

where the network is three small convolutions and a constant, fitted by ``tweenfield.leave_out``.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tweenfield.fields import splines
from tweenfield.fields.base import Field, Grid, chunks, frame_points
from tweenfield.fields.candidates import CANDIDATES, CUES, SOURCES, Trace, trace, window
from tweenfield.flow import Flow
from tweenfield.flow.cuts import explained, find_cuts
from tweenfield.video import Video

# Knots per interval: halves, thirds' neighbours and quarters are where frames are usually asked for.
KNOTS = 4
# Differences of colour saturate at about 1 / _GAIN for the network.
_GAIN = 8.0
# Rows are mixed in bands of about this many pixels, so that a large frame needs no more memory than its maps.
_BAND_PIXELS = 1 << 18
# Maps kept: the two knots around a time, and those of the time before.
_KEPT = 4


@dataclass(frozen=True, kw_only=True)
class TransportConfig:
    """Settings of a transport field.

    Raises:
        ValueError: a setting isn't positive.
    """

    name: ClassVar[str] = "transport"

    width: int = 32
    """Channels of each hidden layer of the weight network."""
    depth: int = 3
    """Its convolutions, all 3x3."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 2:
            raise ValueError(
                f"transport: width is {self.width} and depth {self.depth}, but they must be at least 1 and 2"
            )

    def build(self, grid: Grid, seed: int) -> Transport:
        """A field that still has to observe its video; its network's parameters are drawn from ``seed``."""
        return Transport(self, grid, seed)


class Maps(NamedTuple):
    """Displacements (x, y) and weights of all candidates on the grid, at one knot or between two."""

    displacement: Float[Tensor, "candidates 2 height width"]
    weight: Float[Tensor, "candidates height width"]


@final
class Transport(Field):
    """f(x, y, t) as observed colours moved along the flow; see the module's docstring for the equation."""

    name: ClassVar[str] = "transport"

    def __init__(self, config: TransportConfig, grid: Grid, seed: int = 0) -> None:
        super().__init__()
        self.grid = grid
        self._config = config
        shape = (grid.frames, grid.height, grid.width)
        self.register_buffer("frames", torch.zeros(*shape, 3, dtype=torch.uint8))
        # Half precision: 1/100 pixel at 10 pixels, for half the memory and file.
        self.register_buffer("forward_flow", torch.zeros(shape[0] - 1, *shape[1:], 2, dtype=torch.float16))
        self.register_buffer("backward_flow", torch.zeros(shape[0] - 1, *shape[1:], 2, dtype=torch.float16))
        self.register_buffer("cuts", torch.zeros(shape[0] - 1, dtype=torch.bool))
        self.constant = nn.Parameter(torch.zeros(CANDIDATES))
        self.network = _network(config, torch.Generator().manual_seed(seed))
        self._kept: OrderedDict[tuple, object] = OrderedDict()

    @property
    def config(self) -> TransportConfig:
        """The settings that, with the grid, build this field again."""
        return self._config

    def observe(self, video: Video, flow: Flow) -> None:
        """Take in the frames and their flow.

        Raises:
            FlowError: the flow is for frames of another size or number.
        """
        flow.check_fits(video)
        with torch.no_grad():
            self.frames.copy_(torch.from_numpy(np.ascontiguousarray(video.frames)))
            self.forward_flow.copy_(torch.from_numpy(flow.forward))
            self.backward_flow.copy_(torch.from_numpy(flow.backward))
            self.cuts.copy_(torch.from_numpy(find_cuts(explained(video.frames, flow.forward, flow.backward))))

    def weights(
        self,
        colors: Float[Tensor, "batch candidates 3 height width"],
        cues: Float[Tensor, "batch cues height width"],
        present: Float[Tensor, "batch candidates"],
        fraction: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch candidates height width"]:
        """Each candidate's share in the mixture; they sum to 1.

        Args:
            colors: of the candidates, in [0, 1].
            cues: as ``tweenfield.fields.candidates.trace`` gives them.
            present: 1 for a candidate that is there, 0 for one beyond the ends of the video.
            fraction: of the interval.
        """
        s = fraction[:, None, None, None]
        base = torch.zeros_like(colors[:, :, 0])
        base[:, :1], base[:, 1:2] = 1 - s, s
        warp = torch.lerp(colors[:, 0], colors[:, 1], s)[:, None]
        difference = torch.tanh(_GAIN * (colors - warp) * present[:, :, None, None, None])
        inputs = torch.cat((difference.flatten(1, 2), cues, s.expand_as(cues[:, :1])), dim=1)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        a = (self.network(inputs) + self.constant[:, None, None]) * present[:, :, None, None]
        return base + 4 * s * (1 - s) * (a - base * a.sum(dim=1, keepdim=True))

    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Colour at points (x, y, t)."""
        result = torch.empty_like(points)
        for interval, knot, chosen in self._by_knot(points[:, 2]):
            x, y, t = points[chosen].unbind(1)
            maps = self._splined(interval, knot)
            share = (t - interval) * KNOTS - knot
            sampled = splines.sample(maps.flatten(0, 1), x, y).unflatten(0, maps.shape[:2])
            displacement, weight = _split(torch.lerp(sampled[0], sampled[1], share))
            colors = self._fetch(interval, x + displacement[:, 0], y + displacement[:, 1])
            result = result.index_put((chosen,), (weight[:, None] * colors).sum(dim=0).T)
        return result

    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour, and its derivative along ``direction``, by one forward-mode tangent:
        df = sum_j  dw_j V_j(X_j) + w_j grad V_j(X_j) . dX_j  with X_j = x + D_j.
        """
        result, tangent = torch.empty_like(points), torch.empty_like(points)
        for interval, knot, chosen in self._by_knot(points[:, 2]):
            (x, y, t), (dx, dy, dt) = points[chosen].unbind(1), direction[chosen].unbind(1)
            maps = self._splined(interval, knot)
            share = (t - interval) * KNOTS - knot
            sampled, slope = splines.sample_with_derivative(maps.flatten(0, 1), x, y, dx, dy)
            (first, second), (d_first, d_second) = (
                sampled.unflatten(0, maps.shape[:2]),
                slope.unflatten(0, maps.shape[:2]),
            )
            displacement, weight = _split(torch.lerp(first, second, share))
            d_displacement, d_weight = _split(
                torch.lerp(d_first, d_second, share) + KNOTS * dt * (second - first)
            )
            value = derivative = 0
            for j, image in enumerate(self._images(interval)[list(SOURCES)]):
                color, d_color = splines.sample_with_derivative(
                    image,
                    x + displacement[j, 0],
                    y + displacement[j, 1],
                    dx + d_displacement[j, 0],
                    dy + d_displacement[j, 1],
                )
                value = value + weight[j] * color
                derivative = derivative + d_weight[j] * color + weight[j] * d_color
            result = result.index_put((chosen,), value.T)
            tangent = tangent.index_put((chosen,), derivative.T)
        return result, tangent

    def frame(self, t: float, size: tuple[int, int] | None = None) -> Float[Tensor, "height width 3"]:
        """The whole picture at time ``t``, at ``size`` (height, width) or the grid's own."""
        size = size or (self.grid.height, self.grid.width)
        if size != (self.grid.height, self.grid.width):
            points = frame_points(t, size, self.grid, like=self.constant)
            return torch.cat([self(part) for (part,) in chunks(points)]).reshape(*size, 3)
        # On the grid the maps needn't be interpolated, and at an observed time they say "this frame".
        interval, knot, share = self._place(t)
        if share == 0 and knot in (0, KNOTS):
            return self.frames[interval + knot // KNOTS].to(self.constant) / 255
        maps = self._maps(interval, knot)
        if share:
            later = self._maps(interval, knot + 1)
            maps = Maps(*(torch.lerp(a, b, share) for a, b in zip(maps, later, strict=True)))
        return (
            (maps.weight[:, None] * self._candidates(interval, maps.displacement)).sum(dim=0).permute(1, 2, 0)
        )

    def frame_with_derivative(
        self, t: float, velocity: Float[Tensor, "height width 2"]
    ) -> tuple[Float[Tensor, "height width 3"], Float[Tensor, "height width 3"]]:
        """The picture at time ``t`` on the grid, and its derivative along (u, v, 1) at each pixel."""
        size = (self.grid.height, self.grid.width)
        points = frame_points(t, size, self.grid, like=self.constant)
        direction = torch.cat((velocity.reshape(-1, 2), torch.ones_like(points[:, :1])), dim=1)
        colors, derivatives = zip(
            *(self.with_derivative(*part) for part in chunks(points, direction)), strict=True
        )
        return torch.cat(colors).reshape(*size, 3), torch.cat(derivatives).reshape(*size, 3)

    def _place(self, t: float) -> tuple[int, int, float]:
        """The interval of a time, the knot before it, and the share of the way to the next knot."""
        interval = min(int(t), self.grid.frames - 2)
        position = (t - interval) * KNOTS
        knot = min(int(position), KNOTS - 1) if position != KNOTS else KNOTS
        return interval, knot, position - knot

    def _by_knot(self, times: Float[Tensor, " points"]) -> list[tuple[int, int, Tensor]]:
        """Which points lie in which interval, after which knot."""
        place = (times.detach() * KNOTS).floor().long().clamp(0, (self.grid.frames - 1) * KNOTS - 1)
        return [(int(p) // KNOTS, int(p) % KNOTS, (place == p).nonzero()[:, 0]) for p in place.unique()]

    def _fetch(
        self, interval: int, x: Float[Tensor, "candidates points"], y: Float[Tensor, "candidates points"]
    ) -> Float[Tensor, "candidates 3 points"]:
        return splines.sample(self._images(interval)[list(SOURCES)], x, y)

    def _candidates(
        self, interval: int, displacement: Float[Tensor, "candidates 2 height width"]
    ) -> Float[Tensor, "candidates 3 height width"]:
        """The candidates' colours at the grid's pixels."""
        points = frame_points(0, (self.grid.height, self.grid.width), self.grid, like=self.constant)
        shifted = points[:, :2].T + displacement.flatten(2)
        return self._fetch(interval, shifted[:, 0], shifted[:, 1]).unflatten(2, displacement.shape[2:])

    def _maps(self, interval: int, knot: int) -> Maps:
        """Displacements and weights at a knot, on the grid."""
        traced = self._keep(("trace", interval, knot), lambda: self._trace(interval, knot))
        displacement = torch.from_numpy(traced.displacement).to(self.constant).movedim(-1, 1)
        if torch.is_grad_enabled():
            return Maps(displacement, self._weight(interval, knot, traced, displacement))
        return self._keep(
            ("maps", interval, knot),
            lambda: Maps(displacement, self._weight(interval, knot, traced, displacement)),
        )

    def _weight(
        self, interval: int, knot: int, traced: Trace, displacement: Tensor
    ) -> Float[Tensor, "candidates height width"]:
        height, width = displacement.shape[2:]
        if knot in (0, KNOTS) or self.cuts[interval]:
            weight = torch.zeros_like(displacement[:, 0])
            # A cut may be anywhere in its interval: the first scene stays until the middle.
            weight[0 if knot <= KNOTS // 2 else 1] = 1
            return weight
        colors = self._candidates(interval, displacement)
        cues = torch.from_numpy(traced.cues).to(self.constant)
        present = torch.from_numpy(traced.present).to(self.constant)[None]
        fraction = self.constant.new_tensor([knot / KNOTS])
        reach = self._config.depth
        rows = max(_BAND_PIXELS // width, 1)
        bands = []
        for first in range(0, height, rows):
            top, bottom = max(first - reach, 0), min(first + rows + reach, height)
            band = self.weights(
                colors[None, ..., top:bottom, :], cues[None, :, top:bottom], present, fraction
            )[0]
            bands.append(band[:, first - top : min(first + rows, height) - top])
        return torch.cat(bands, dim=1)

    def _splined(self, interval: int, knot: int) -> Float[Tensor, "2 maps rows columns"]:
        """Spline coefficients of the maps at a knot and the next: all x and y, then all weights."""

        def compute() -> Tensor:
            both = [self._maps(interval, k) for k in (knot, knot + 1)]
            return splines.prefilter(
                torch.stack([torch.cat((m.displacement.flatten(0, 1), m.weight)) for m in both])
            )

        return compute() if torch.is_grad_enabled() else self._keep(("splined", interval, knot), compute)

    def _images(self, interval: int) -> Float[Tensor, "4 3 rows columns"]:
        """Spline coefficients of the frames of the window around an interval."""
        last = self.grid.frames - 1

        def compute() -> Tensor:
            index = torch.arange(interval - 1, interval + 3, device=self.frames.device).clamp(0, last)
            return splines.prefilter(self.frames[index].permute(0, 3, 1, 2).to(self.constant) / 255)

        return self._keep(("images", interval), compute)

    def _trace(self, interval: int, knot: int) -> Trace:
        # Only the window's frames and flow leave the buffers, whatever the length of the video.
        first, last = max(interval - 1, 0), min(interval + 3, self.grid.frames)
        frames = self.frames[first:last].cpu().numpy()
        flows = [
            flow[first : last - 1].float().cpu().numpy() for flow in (self.forward_flow, self.backward_flow)
        ]
        cuts = self.cuts[first : last - 1].cpu().numpy()
        return trace(window(frames, *flows, cuts, interval - first), knot / KNOTS)

    def _keep(self, key: tuple, compute: Callable[[], Any]) -> Any:
        """What ``compute`` returns, kept until newer values or other parameters take its place."""
        versions = tuple(tensor._version for tensor in self.state_dict(keep_vars=True).values())
        key = (*key, self.constant.dtype, self.constant.device, versions)
        if key not in self._kept:
            # Not in inference mode, whose tensors could not be used in a later fit.
            with torch.inference_mode(False), torch.no_grad():
                self._kept[key] = compute()
            while len(self._kept) > _KEPT * 3:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _split(maps: Float[Tensor, "maps points"]) -> tuple[Tensor, Tensor]:
    """Displacements (candidates, 2, points) and weights (candidates, points)."""
    return maps[: 2 * CANDIDATES].unflatten(0, (CANDIDATES, 2)), maps[2 * CANDIDATES :]


def _network(config: TransportConfig, generator: torch.Generator) -> nn.Sequential:
    """Convolutions with ReLU between them; uniform initialisation, the last layer near zero."""
    channels = [3 * CANDIDATES + CUES + 1, *[config.width] * (config.depth - 1), CANDIDATES]
    layers: list[nn.Module] = []
    for n, m in pairwise(channels):
        layers += [nn.Conv2d(n, m, 3, padding=1), nn.ReLU()]
    layers.pop()
    for layer in layers[::2]:
        bound = 1 / math.sqrt(9 * layer.in_channels)
        for parameter in (layer.weight, layer.bias):
            parameter.data.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) * bound)
    for parameter in (layers[-1].weight, layers[-1].bias):
        parameter.data.mul_(1e-3)
    return nn.Sequential(*layers)
