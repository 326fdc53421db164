"""The field with the constraint built in: colours carried along the motion, mixed by fitted weights.

    f(x, t) = sum_j w_j(x, t) V_k(j)(x + D_j(x, t)),      sum_j w_j = 1

Candidate j fetches from observed frame V_k(j) along one hypothesis of the motion, so each term is constant
along it (equation (9) of arXiv 2206.10886 holds term by term); ``candidates.py`` lists them. The
displacements D and the weights w are maps on the pixel grid at quarters of every interval (knots): linear in
time between knots, cubic B-splines in x and y between pixels. At an observed time w is 1 for that frame and D
is 0, so f returns the frame, and f is continuous in t.

The weights are those of ``mixing.py``, whose network ``tweenfield.fitting.leave_out`` fits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield.fields import splines
from tweenfield.fields.base import Field, Grid
from tweenfield.fields.transport.candidates import CANDIDATES, SOURCES, STILL, Trace, trace, window
from tweenfield.fields.transport.mixing import STRENGTH, Mixing
from tweenfield.flow.observed import Observed
from tweenfield.storage.on_demand import OnDemand, Rows

# Knots per interval. Frames are mostly rendered at halves and quarters of it.
KNOTS = 4
# Candidates are fetched and mixed in bands of rows of about this many pixels, so that a large frame needs
# little more memory than its maps.
_BAND_PIXELS = 1 << 17
# What is kept of each: an interval's window of frames, and the two knots around a time.
_KEPT = {"image": 4, "trace": 2, "maps": 2, "splined": 1}
T = TypeVar("T")


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
        """A field with initial parameters by ``seed``; call ``observe`` before anything else."""
        return Transport(self, grid, seed)


class Maps(NamedTuple):
    """Displacements (x, y) and weights of all candidates on the grid at one knot, and what they draw."""

    displacement: Float[Tensor, "candidates 2 height width"]
    weight: Float[Tensor, "candidates height width"]
    picture: Float[Tensor, "3 height width"]


@final
class Transport(Field):
    """f(x, y, t) as observed colours moved along the flow; see the module's docstring for the equation."""

    name: ClassVar[str] = "transport"

    def __init__(self, config: TransportConfig, grid: Grid, seed: int = 0) -> None:
        super().__init__()
        self.grid = grid
        self._config = config
        self.mixing = Mixing(config.width, config.depth, seed)
        self._observed: dict[str, Rows] = {}
        self._kept: dict[str, OrderedDict[tuple[object, ...], Any]] = {kind: OrderedDict() for kind in _KEPT}

    @property
    def _like(self) -> Tensor:
        """A tensor of the type and on the device that all others have."""
        return next(self.mixing.parameters())

    @property
    def config(self) -> TransportConfig:
        """The settings that, with the grid, build this field again."""
        return self._config

    def observe(self, observed: Observed) -> None:
        """Keep references to the frames and their flow, which are read when a frame is rendered."""
        self.restore(
            {
                "frames": observed.video.frames,
                "forward_flow": _half(observed.flow.forward),
                "backward_flow": _half(observed.flow.backward),
                "cuts": observed.cuts,
                "moves": observed.moves,
            }
        )

    def observations(self) -> dict[str, Rows]:
        """The observed frames, forward and backward flow, and for each interval ``cuts`` and ``moves``."""
        return self._observed

    def restore(self, observations: Mapping[str, Rows]) -> None:
        """Set what ``observations`` returned.

        Raises:
            ValueError: the arrays are for another grid.
        """
        grid = self.grid
        flow = (grid.frames - 1, grid.height, grid.width, 2)
        shapes = {
            "frames": (grid.frames, grid.height, grid.width, 3),
            **{"forward_flow": flow, "backward_flow": flow, "cuts": flow[:1], "moves": flow[:1]},
        }
        if {name: tuple(values.shape) for name, values in observations.items()} != shapes:
            raise ValueError(f"transport: these observations aren't of {grid}")
        self._observed = dict(observations)
        for kept in self._kept.values():
            kept.clear()

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
            value = derivative = points.new_zeros(())
            images = self._images(interval)
            for j, source in enumerate(SOURCES):
                color, d_color = splines.sample_with_derivative(
                    images[source],
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
            return super().frame(t, size)
        # On the grid the maps need no interpolation; at an observed time the picture is that frame.
        interval, knot, share = self._place(t)
        if share == 0 and knot in (0, KNOTS):
            return self._colors(interval + knot // KNOTS).permute(1, 2, 0)
        before = self._maps(interval, knot)
        if not share:
            return before.picture.permute(1, 2, 0)
        after = self._maps(interval, knot + 1)
        bands = []
        for rows, _ in self._bands():
            displacement, weight = (
                torch.lerp(a[..., rows, :], b[..., rows, :], share)
                for a, b in ((before.displacement, after.displacement), (before.weight, after.weight))
            )
            bands.append((weight[:, None] * self._candidates(interval, displacement, rows.start)).sum(dim=0))
        return torch.cat(bands, dim=1).permute(1, 2, 0)

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
        images = self._images(interval)
        return torch.stack([splines.sample(images[SOURCES[j]], x[j], y[j]) for j in range(len(x))])

    def _candidates(
        self, interval: int, displacement: Float[Tensor, "candidates 2 rows width"], top: int
    ) -> Float[Tensor, "candidates 3 rows width"]:
        """The candidates' colours at the pixels of a band of rows that begins at ``top``."""
        rows, width = displacement.shape[2:]
        moving = displacement[:STILL]
        x = torch.arange(width).to(moving) + moving[:, 0]
        y = torch.arange(top, top + rows).to(moving)[:, None] + moving[:, 1]
        moved = self._fetch(interval, x.flatten(1), y.flatten(1)).unflatten(2, (rows, width))
        window = self._window(interval)
        still = [self._colors(window[source], slice(top, top + rows)) for source in SOURCES[STILL:]]
        return torch.cat((moved, torch.stack(still)))

    def _bands(self, reach: int = 0) -> Iterator[tuple[slice, slice]]:
        """The rows of each band, and the same with ``reach`` more on both sides as far as there are any."""
        height, rows = self.grid.height, max(_BAND_PIXELS // self.grid.width, 1)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            yield slice(top, bottom), slice(max(top - reach, 0), min(bottom + reach, height))

    def _maps(self, interval: int, knot: int) -> Maps:
        """Displacements and weights at a knot, on the grid."""

        def compute(traced: Trace) -> Maps:
            displacement = torch.from_numpy(traced.displacement).to(self._like).movedim(-1, 1)
            return Maps(displacement, *self._mix(interval, knot, traced, displacement))

        if torch.is_grad_enabled():
            return compute(self._keep("trace", (interval, knot), lambda: self._trace(interval, knot)))
        return self._keep("maps", (interval, knot), lambda: compute(self._trace(interval, knot)))

    def _mix(
        self, interval: int, knot: int, traced: Trace, displacement: Tensor
    ) -> tuple[Float[Tensor, "candidates height width"], Float[Tensor, "3 height width"]]:
        """The weights at a knot, and the candidates mixed by them."""
        cues = torch.from_numpy(traced.cues).to(self._like)
        present = torch.from_numpy(traced.present).to(self._like)[None]
        fraction = self._like.new_tensor([knot / KNOTS])
        weights, pictures = [], []
        # The network sees as many rows beyond each of its pixels as it has convolutions.
        for rows, wider in self._bands(self._config.depth):
            colors = self._candidates(interval, displacement[:, :, wider], wider.start)
            inner = slice(rows.start - wider.start, rows.stop - wider.start)
            if knot in (0, KNOTS) or self._observed["cuts"][interval]:
                weight = torch.zeros_like(colors[:, 0, inner])
                # A cut may be anywhere in its interval: the first shot is carried on until the middle.
                weight[0 if knot <= KNOTS // 2 else 1] = 1
            else:
                parts = colors[None], cues[None, :, wider], present, fraction
                weight = self.mixing(*parts, strength=STRENGTH)[0, :, inner]
            weights.append(weight)
            pictures.append((weight[:, None] * colors[:, :, inner]).sum(dim=0))
        return torch.cat(weights, dim=1), torch.cat(pictures, dim=1)

    def _splined(self, interval: int, knot: int) -> Float[Tensor, "2 maps rows columns"]:
        """Spline coefficients of the maps at a knot and the next: all x and y, then all weights."""

        def compute() -> Tensor:
            both = [self._maps(interval, k) for k in (knot, knot + 1)]
            return splines.prefilter(
                torch.stack([torch.cat((m.displacement.flatten(0, 1), m.weight)) for m in both])
            )

        return compute() if torch.is_grad_enabled() else self._keep("splined", (interval, knot), compute)

    def _images(self, interval: int) -> list[Float[Tensor, "3 rows columns"]]:
        """Spline coefficients of the four frames of the window around an interval."""
        return [self._image(k) for k in self._window(interval)]

    def _image(self, k: int) -> Float[Tensor, "3 rows columns"]:
        """Spline coefficients of an observed frame."""
        return self._keep("image", (k,), lambda: splines.prefilter(self._colors(k)))

    def _window(self, interval: int) -> list[int]:
        """The four frames around an interval; absent ones are repeats of the first or the last."""
        return [min(max(k, 0), self.grid.frames - 1) for k in range(interval - 1, interval + 3)]

    def _colors(self, k: int, rows: slice = slice(None)) -> Float[Tensor, "3 rows width"]:
        """An observed frame, or some of its rows."""
        return torch.tensor(self._observed["frames"][k][rows]).permute(2, 0, 1).to(self._like) / 255

    def _trace(self, interval: int, knot: int) -> Trace:
        first, last = max(interval - 1, 0), min(interval + 3, self.grid.frames)
        frames = self._observed["frames"][first:last]
        forward, backward, cuts, moves = (
            self._observed[name][first : last - 1]
            for name in ("forward_flow", "backward_flow", "cuts", "moves")
        )
        around = window(frames, forward, backward, cuts, moves, interval - first)
        return trace(around, knot / KNOTS)

    def _keep(self, kind: str, key: tuple[object, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returns, kept until newer values or other parameters take its place."""
        kept = self._kept[kind]
        versions = tuple(parameter._version for parameter in self.parameters())
        key = (*key, self._like.dtype, self._like.device, versions)
        if key not in kept:
            while len(kept) >= _KEPT[kind]:
                kept.popitem(last=False)
            # Not in inference mode, whose tensors could not be used in a later fit.
            with torch.inference_mode(False), torch.no_grad():
                kept[key] = compute()
        kept.move_to_end(key)
        value: T = kept[key]
        return value


def _half(flow: Rows) -> OnDemand:
    """The flow in half precision, 1/100 pixel at 10 pixels: the same from memory as from a model file."""
    return OnDemand(lambda k: flow[k].astype(np.float16), flow.shape, np.float16, keep=False)


def _split(maps: Float[Tensor, "maps points"]) -> tuple[Tensor, Tensor]:
    """Displacements (candidates, 2, points) and weights (candidates, points)."""
    return maps[: 2 * CANDIDATES].unflatten(0, (CANDIDATES, 2)), maps[2 * CANDIDATES :]
