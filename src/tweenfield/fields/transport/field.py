"""The field with the constraint built in: colours carried along the motion, mixed by fitted weights.

    f(x, t) = sum_j w_j(x, t) V_k(j)(x + D_j(x, t)),      sum_j w_j = 1

Candidate j fetches from observed frame V_k(j) along one hypothesis of the motion, so each term is constant
along it (equation (9) of arXiv 2206.10886 holds term by term); ``candidates.py`` lists them. The
displacements D and the weights w are maps at quarters of every interval (knots): linear in time between
knots, cubic B-splines in x and y between their pixels. At an observed time w is 1 for that frame and D is
0, so f returns the frame, and f is continuous in t.

The maps of a small picture are on its pixel grid. Those of a larger one are the maps of the same picture
reduced by 2, 4, 8, ... in both directions: motion and weights vary less than colours, which are always
fetched from the full frames.

The weights are those of ``mixing.py``, whose network ``tweenfield.fitting.leave_out`` fits. On a CPU,
``kernels.py`` draws the same frames faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tweenfield.fields import splines
from tweenfield.fields.base import Field, Grid, check_network, psnr_of
from tweenfield.fields.transport import gathering, kernels
from tweenfield.fields.transport.candidates import CANDIDATES, SOURCES, STILL, Trace, observed_window, trace
from tweenfield.fields.transport.expected import ExpectedError, Sight, disagreement, reason, sight_of
from tweenfield.fields.transport.kept import Kept
from tweenfield.fields.transport.maps import KNOTS, Maps, by_knot, enlarged, fetched, map_reduction, place
from tweenfield.fields.transport.mixing import Mixing, gather
from tweenfield.fields.transport.pictures import Pictures, check_observations, grey, observations_of
from tweenfield.flow.observed import Observed
from tweenfield.storage.on_demand import OnDemand, Rows
from tweenfield.video.depth import Levels

# What is kept of each: the two knots around a time, those of one interval, and maps for two times to come.
_KEPT = {"trace": 2, "maps": 4, "splined": 1, "error": 3}
# Pixels of maps of which every fourth is enough for a mean.
_MANY = 20000
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TransportConfig:
    """Settings of a transport field.

    Raises:
        ValueError: a setting isn't positive, or the network has above 4096 channels or 64 convolutions.
    """

    name: ClassVar[str] = "transport"
    draws_alpha: ClassVar[bool] = True
    expects_error: ClassVar[bool] = True

    width: int = 32
    """Channels of each hidden layer of the weight network."""
    depth: int = 3
    """Its convolutions, all 3x3."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 2:
            raise ValueError(
                f"transport: width is {self.width} and depth {self.depth}, but they must be at least 1 and 2"
            )
        check_network("transport", self.width, self.depth)

    def build(self, grid: Grid, seed: int) -> Transport:
        """A field with initial parameters by ``seed``; call ``observe`` before anything else."""
        return Transport(self, grid, seed)


@final
class Transport(Field):
    """f(x, y, t) as observed colours moved along the flow; see the module's docstring for the equation."""

    name: ClassVar[str] = "transport"

    _colors: Pictures
    _alpha: Pictures | None

    def __init__(self, config: TransportConfig, grid: Grid, seed: int = 0) -> None:
        super().__init__()
        self.grid, self._config = grid, config
        self.reduction = map_reduction(grid.height, grid.width)
        self.mixing = Mixing(config.width, config.depth, seed)
        self.error = ExpectedError(grid.frames)
        self._observed: dict[str, Rows] = {}
        self._kept = Kept(_KEPT)

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
        self.restore(observations_of(observed, self.reduction))

    def observations(self) -> dict[str, Rows]:
        """The observed frames, their opacity if they are transparent, forward and backward flow on the grid
        of the maps, and for each interval ``cuts``, ``breaks``, ``moves`` and ``durations``.
        """
        return self._observed

    def restore(self, observations: Mapping[str, Rows]) -> None:
        """Set what ``observations`` returned.

        Raises:
            ValueError: the arrays are for another grid.
        """
        check_observations(observations, self.grid, self.reduction)
        self._observed = dict(observations)
        self._colors = Pictures(observations["frames"], self.reduction, self.mixing)
        alpha = observations.get("alpha")
        self._alpha = None if alpha is None else Pictures(grey(alpha), self.reduction, self.mixing)
        self._kept.clear()

    def waits(self, t: float) -> bool:
        """Whether flow around ``t`` is still to be estimated."""
        interval, flow = place(t, self.grid.frames)[0], self._observed["forward_flow"]
        near = range(max(interval - 1, 0), min(interval + 2, len(flow)))
        return isinstance(flow, OnDemand) and not all(flow.has(k) for k in near)

    @torch.no_grad()
    def prepare(self, t: float) -> None:
        """Compute the maps that ``picture`` needs at ``t``; another thread may draw meanwhile."""
        interval, knot, share = place(t, self.grid.frames)
        if self._has_kernels() and (share or knot not in (0, KNOTS)):
            for k in (knot, knot + 1) if share else (knot,):
                self._maps(interval, k)

    @torch.inference_mode(False)
    def alone(self) -> Transport:
        """The field that sees nothing of the intervals around the one it draws."""
        field = self._config.build(self.grid, 0).to(self._like)
        field.load_state_dict(self.state_dict())
        field.restore(self._observed | {"breaks": np.ones(self.grid.frames - 1, bool)})
        return field

    def forward(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Colour at points (x, y, t)."""
        return self._at(points, self._colors)

    def _at(self, points: Float[Tensor, "points 3"], pictures: Pictures) -> Float[Tensor, "points 3"]:
        """What the candidates fetch from ``pictures``, mixed."""
        result = torch.empty_like(points)
        for interval, knot, chosen in by_knot(points[:, 2], self.grid.frames):
            x, y, t = points[chosen].unbind(1)
            maps = self._splined(interval, knot)
            share = (t - interval) * KNOTS - knot
            sampled = splines.sample(maps.flatten(0, 1), *self._on_maps(x, y)).unflatten(0, maps.shape[:2])
            displacement, weight = self._split(torch.lerp(sampled[0], sampled[1], share))
            planes = [pictures.planes(k) for k in self._window(interval)]
            colors = fetched(planes, x + displacement[:, 0], y + displacement[:, 1])
            result = result.index_put((chosen,), (weight[:, None] * colors).sum(dim=0).T)
        return result

    def with_derivative(
        self, points: Float[Tensor, "points 3"], direction: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Colour, and its derivative along ``direction``, by one forward-mode tangent:
        df = sum_j  dw_j V_j(X_j) + w_j grad V_j(X_j) . dX_j  with X_j = x + D_j.
        """
        result, tangent = torch.empty_like(points), torch.empty_like(points)
        for interval, knot, chosen in by_knot(points[:, 2], self.grid.frames):
            (x, y, t), (dx, dy, dt) = points[chosen].unbind(1), direction[chosen].unbind(1)
            maps = self._splined(interval, knot)
            share = (t - interval) * KNOTS - knot
            sampled, slope = splines.sample_with_derivative(
                maps.flatten(0, 1), *self._on_maps(x, y), dx / self.reduction, dy / self.reduction
            )
            first, second = sampled.unflatten(0, maps.shape[:2])
            d_first, d_second = slope.unflatten(0, maps.shape[:2])
            displacement, weight = self._split(torch.lerp(first, second, share))
            d_displacement, d_weight = self._split(
                torch.lerp(d_first, d_second, share) + KNOTS * dt * (second - first)
            )
            value = derivative = points.new_zeros(())
            planes = [self._colors.planes(k) for k in self._window(interval)]
            for j, source in enumerate(SOURCES):
                color, d_color = splines.sample_with_derivative(
                    planes[source],
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
        return self._whole(t, size, self._colors)

    def alpha(self, t: float, size: tuple[int, int] | None = None) -> Float[Tensor, "height width"] | None:
        """The opacity of each pixel, carried along the same motion and mixed by the same weights."""
        return None if self._alpha is None else self._whole(t, size, self._alpha)[..., 0]

    def _whole(
        self, t: float, size: tuple[int, int] | None, pictures: Pictures
    ) -> Float[Tensor, "height width 3"]:
        if size in (None, (self.grid.height, self.grid.width)):
            interval, knot, share = place(t, self.grid.frames)
            if share == 0 and knot in (0, KNOTS):
                return pictures.colors(interval + knot // KNOTS).permute(1, 2, 0)
            if self._has_kernels():
                return self._drawn(interval, knot, share, pictures)
        return self._by_points(lambda points: self._at(points, pictures), t, size)

    def picture(self, t: float, size: tuple[int, int] | None = None) -> Levels[np.ndarray, "height width 3"]:
        """``frame`` with each colour as the nearest level; at an observed time the frame itself."""
        if size not in (None, (self.grid.height, self.grid.width)) or not self._has_kernels():
            return super().picture(t, size)
        interval, knot, share = place(t, self.grid.frames)
        if share == 0 and knot in (0, KNOTS):
            return self._colors.frame(interval + knot // KNOTS)
        return kernels.to_levels(self._drawn(interval, knot, share, self._colors).numpy(), self.grid.dtype)

    @torch.no_grad()
    def expected_error(self, t: float) -> Float[Tensor, "height width"]:
        """The error to expect at each pixel of the picture at ``t``; see ``expected.py``."""
        return enlarged(self._squared_error(t), self.grid, self.reduction).sqrt()

    @torch.no_grad()
    def disagreement(self, t: float) -> Float[Tensor, "height width"] | None:
        """1 less the mean agreement of forward and backward flow around each pixel; see ``Field``."""
        interval, knot, share = place(t, self.grid.frames)
        # At the ends of an interval the weights are known, and nothing is looked at.
        near = min(max(knot + share, 1), KNOTS - 1)
        first, second = (self._maps(interval, k).sight for k in (int(near), math.ceil(near)))
        if (share == 0 and knot in (0, KNOTS)) or first is None or second is None:
            return None
        between = torch.lerp(disagreement(first), disagreement(second), near - int(near))
        return enlarged(between, self.grid, self.reduction)

    @torch.no_grad()
    def expected_psnr(self, t: float) -> float:
        """The PSNR in dB to expect of the picture at ``t``, by every fourth of many pixels: 0.1 dB off."""
        many = math.prod(self._observed["forward_flow"].shape[1:3]) > _MANY
        return psnr_of(float(self._squared_error(t, 2 if many else 1).mean()))

    @torch.no_grad()
    def error_reason(self, t: float) -> str:
        """What most of the error to expect of the picture at ``t`` is due to, in a few words."""
        interval, knot, share = place(t, self.grid.frames)
        knot = min(max(round(knot + share), 1), KNOTS - 1)
        return reason(self._maps(interval, knot).sight, self._squared_error_at(interval, knot))

    def _squared_error(self, t: float, step: int = 1) -> Float[Tensor, "_ _"]:
        """The squared error to expect at ``t``, at every ``step``-th pixel of the maps' rows and columns."""
        interval, knot, share = place(t, self.grid.frames)
        squared = self._squared_error_at(interval, knot, step)
        return (
            torch.lerp(squared, self._squared_error_at(interval, knot + 1, step), share) if share else squared
        )

    def _squared_error_at(self, interval: int, knot: int, step: int = 1) -> Float[Tensor, "_ _"]:
        """The same at a knot."""

        def compute() -> Tensor:
            s = knot / KNOTS
            if s in (0, 1):  # an observed frame, which is exact
                return self._like.new_zeros(self._observed["forward_flow"].shape[1:3])[::step, ::step]
            maps = self._maps(interval, knot)
            if maps.sight is not None:
                return self.error(maps.sight, maps.weight, interval, step)  # type: ignore[no-any-return]
            # Across a cut the picture is that of the other shot as likely as not.
            first, second = (
                self._colors.small_colors(k)[:, ::step, ::step] for k in (interval, interval + 1)
            )
            return min(s, 1 - s) * (255 * (first - second)).square().mean(dim=0)

        return self._keep("error", (interval, knot, step), compute)

    def _has_kernels(self) -> bool:
        """Whether frames are drawn by ``kernels.py``, or as the field is defined."""
        like = self._like
        return like.device.type == "cpu" and like.dtype == torch.float32 and not torch.is_grad_enabled()

    def _drawn(
        self, interval: int, knot: int, share: float, pictures: Pictures
    ) -> Float[Tensor, "height width 3"]:
        """The picture at a time that is no observed one."""
        maps = self._maps(interval, knot)
        if share:
            after = self._maps(interval, knot + 1)
            maps = Maps(*(torch.lerp(maps[k], after[k], share) for k in range(2)))  # type: ignore[arg-type]
        window = self._window(interval)
        images = tuple(pictures.image(k) for k in window)
        frames = tuple(pictures.frame(k) for k in window)
        out = np.empty((self.grid.height, self.grid.width, 3), np.float32)
        displacement, weight = maps.displacement.numpy(), maps.weight.numpy()
        if self.reduction == 1:
            kernels.mix(images, frames, displacement, weight, out)
        else:
            kernels.mix_enlarged(
                images, frames, kernels.spline_maps(displacement, weight), self.reduction, out
            )
        return torch.from_numpy(out)

    def _on_maps(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The place on the maps' grid of points in the picture."""
        return (x + 0.5) / self.reduction - 0.5, (y + 0.5) / self.reduction - 0.5

    def _split(self, maps: Float[Tensor, "maps points"]) -> tuple[Tensor, Tensor]:
        """Displacements (candidates, 2, points) in the picture's pixels, and weights (candidates, points)."""
        displacement = maps[: 2 * CANDIDATES].unflatten(0, (CANDIDATES, 2))
        return self.reduction * displacement, maps[2 * CANDIDATES :]

    def _maps(self, interval: int, knot: int) -> Maps:
        """Displacements and weights at a knot."""

        def compute(traced: Trace) -> Maps:
            displacement = torch.from_numpy(traced.displacement).to(self._like).movedim(-1, 1).contiguous()
            return Maps(displacement, *self._weights(interval, knot, traced, displacement))

        if torch.is_grad_enabled():
            return compute(self._keep("trace", (interval, knot), lambda: self._trace(interval, knot)))
        return self._keep("maps", (interval, knot), lambda: compute(self._trace(interval, knot)))

    def _weights(
        self,
        interval: int,
        knot: int,
        traced: Trace,
        displacement: Float[Tensor, "candidates 2 rows columns"],
    ) -> tuple[Float[Tensor, "candidates rows columns"], Sight | None]:
        """The weights at a knot, and what the error to expect of them is found from."""
        if knot in (0, KNOTS) or self._observed["cuts"][interval]:
            weight = torch.zeros_like(displacement[:, 0])
            # A cut may be anywhere in its interval: the first shot is carried on until the middle.
            weight[0 if knot <= KNOTS // 2 else 1] = 1
            return weight, None
        colors, cues = self._candidates(interval, displacement), torch.from_numpy(traced.cues).to(self._like)
        if self._has_kernels():
            evidence = gathering.gather(colors, traced.cues, traced.present, knot / KNOTS)
        else:
            present = torch.from_numpy(traced.present).to(self._like)[None]
            evidence = gather(colors[None], cues[None], present, self._like.new_tensor([knot / KNOTS]))
        weights: Tensor = self.mixing(evidence, strength=self.mixing.strength)
        return weights[0], sight_of(colors, cues, self.reduction * displacement, knot / KNOTS)

    def _candidates(
        self, interval: int, displacement: Float[Tensor, "candidates 2 rows columns"]
    ) -> Float[Tensor, "candidates 3 rows columns"]:
        """The candidates' colours on the grid of the maps, fetched from frames reduced to it."""
        rows, columns = displacement.shape[2:]
        window, moving = self._window(interval), displacement[:STILL]
        if self._has_kernels():
            moved = moving.new_empty((STILL, 3, rows, columns))
            kernels.fetch(
                tuple(map(self._colors.small_image, window)), moving.numpy(), 1, (0, 0), moved.numpy()
            )
        else:
            x = torch.arange(columns).to(moving) + moving[:, 0]
            y = torch.arange(rows).to(moving)[:, None] + moving[:, 1]
            planes = [self._colors.small_planes(k) for k in window]
            moved = fetched(planes, x.flatten(1), y.flatten(1)).unflatten(2, (rows, columns))
        return torch.cat(
            (moved, torch.stack([self._colors.small_colors(window[k]) for k in SOURCES[STILL:]]))
        )

    def _splined(self, interval: int, knot: int) -> Float[Tensor, "2 maps rows columns"]:
        """Spline coefficients of the maps at a knot and the next: all x and y, then all weights."""

        def compute() -> Tensor:
            both = [self._maps(interval, k) for k in (knot, knot + 1)]
            return splines.prefilter(
                torch.stack([torch.cat((m.displacement.flatten(0, 1), m.weight)) for m in both])
            )

        return compute() if torch.is_grad_enabled() else self._keep("splined", (interval, knot), compute)

    def _window(self, interval: int) -> list[int]:
        """The four frames around an interval; absent ones are repeats of the first or the last."""
        return [min(max(k, 0), self.grid.frames - 1) for k in range(interval - 1, interval + 3)]

    def _trace(self, interval: int, knot: int) -> Trace:
        return trace(observed_window(self._observed, interval), knot / KNOTS)

    def _keep(self, kind: str, key: tuple[object, ...], compute: Callable[[], T]) -> T:
        """What ``compute`` returns, kept until newer values or other parameters take its place."""
        versions = tuple(tensor._version for tensor in (*self.parameters(), *self.buffers()))
        return self._kept(kind, (*key, self._like.dtype, self._like.device, versions), compute)
