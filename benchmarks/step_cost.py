"""What the constraint costs: one step with it over one without, and their share of a matrix product's rate.

The variants take turns within one run, so a machine that others use slows all of them alike; quote the
ratios. "three reverse passes" is how a reader of the paper would write it: one autograd.grad a channel.
"""

import statistics
import time
from collections.abc import Callable

import torch
from common import arguments, save

from tweenfield import Grid, Siren, SirenConfig
from tweenfield.fields.base import along
from tweenfield.fitting.losses import constrained_loss, observation_loss

WEIGHT = 0.12
GRID = Grid(frames=21, height=240, width=360)


def plain(siren: Siren, points: torch.Tensor, colors: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    return observation_loss(siren, points, colors)


def tangent(siren: Siren, points: torch.Tensor, colors: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    return constrained_loss(siren, points, colors, flow, WEIGHT).total


def three_reverse(
    siren: Siren, points: torch.Tensor, colors: torch.Tensor, flow: torch.Tensor
) -> torch.Tensor:
    points = points.clone().requires_grad_()
    value = siren(points)
    gradients = [torch.autograd.grad(value[:, c].sum(), points, create_graph=True)[0] for c in range(3)]
    constraint = sum((g * along(flow)).sum(dim=1).abs().mean() for g in gradients)
    return (1 - WEIGHT) * (value - colors).square().sum(dim=1).mean() + WEIGHT * constraint


def measure(width: int, depth: int, points: int, rounds: int) -> dict[str, object]:
    generator = torch.Generator().manual_seed(0)
    extent = torch.tensor([GRID.width, GRID.height, GRID.frames])
    where = torch.rand(points, 3, generator=generator) * extent
    colors, flow = torch.rand(points, 3, generator=generator), torch.randn(points, 2, generator=generator)
    siren = SirenConfig(width=width, depth=depth).build(GRID, seed=0)
    optimizer = torch.optim.Adam(siren.parameters(), fused=True)
    left, right = torch.randn(points, width), torch.randn(width, width)

    def step(loss: Callable[..., torch.Tensor]) -> None:
        optimizer.zero_grad()
        loss(siren, where, colors, flow).backward()
        optimizer.step()

    variants = {
        "plain": lambda: step(plain),
        "tangent": lambda: step(tangent),
        "three_reverse": lambda: step(three_reverse),
        "product": lambda: torch.mm(left, right),
    }
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(rounds + 1):
        for name, work in variants.items():
            # A product is so short that a few are timed together.
            repeats = 20 if name == "product" else 1
            began = time.perf_counter()
            for _ in range(repeats):
                work()
            if turn:  # the first is a warm-up
                seconds[name].append((time.perf_counter() - began) / repeats)
    ratio = {
        name: statistics.median(a / b for a, b in zip(seconds[name], seconds["plain"], strict=True))
        for name in ("tangent", "three_reverse")
    }
    # Forward and both backward products of every hidden matrix; the first and last layers hardly count.
    products = 3 * (depth - 1)
    share = {
        name: statistics.median(
            factor * products * p / s for s, p in zip(seconds[name], seconds["product"], strict=True)
        )
        for name, factor in (("plain", 1), ("tangent", 2))
    }
    return {
        "width": width,
        "depth": depth,
        "points": points,
        "milliseconds": {name: 1000 * statistics.median(values) for name, values in seconds.items()},
        "over_plain": ratio,
        "share_of_product_rate": share,
    }


def main() -> None:
    options = arguments(__doc__, rounds=15)
    results = []
    for width, depth, points in [(256, 4, 16384), (256, 5, 8192), (720, 6, 8192)]:
        results.append(measure(width, depth, points, options.rounds))
        row = results[-1]
        print(
            f"{width}x{depth}, {points} points: tangent {row['over_plain']['tangent']:.2f}x, "
            f"three reverse {row['over_plain']['three_reverse']:.2f}x of a plain step; share of a product's "
            f"rate: plain {row['share_of_product_rate']['plain']:.0%}, "
            f"tangent {row['share_of_product_rate']['tangent']:.0%}",
            flush=True,
        )
    save("step_cost", options.output, results, rounds=options.rounds)


if __name__ == "__main__":
    main()
