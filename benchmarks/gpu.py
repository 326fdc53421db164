"""Everything that needs a GPU, in one call of under 9 minutes: what a step of the paper's recipe costs, what
share of the machine's matrix rate it reaches, how long the whole recipe would take for 20 frames of 240x360,
time, quality and memory of ``patches`` and ``transport``, time and memory of ``transport`` at 1080p and 4K,
and how far GPU and CPU agree.

    python benchmarks/gpu.py                                        on a GPU
    python benchmarks/gpu.py --device cpu --scale tiny -o /tmp/gpu  does it run at all?

Each part's result is written as soon as it is there; a part that fails leaves its error in the JSON and
the others go on, since whoever borrows a GPU may have it only once.
"""

import statistics
import time
from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np
import torch
from common import arguments, save

from tweenfield import (
    Dis,
    Grid,
    Video,
    draft,
    estimate_flow,
    evaluate,
    fit,
    paper,
    read_video,
    render,
    replace,
    standard,
)
from tweenfield.fields import Field, FieldConfig, sine
from tweenfield.fitting.losses import constrained_loss
from tweenfield.fitting.precision import PRECISIONS, matrix_precision
from tweenfield.storage.on_demand import OnDemand

# The paper's clip: 20 observed frames of 240x360.
GRID = Grid(frames=20, height=240, width=360)
TINY = Grid(frames=4, height=24, width=36)


def median_seconds(work: Callable[[], object], rounds: int, device: torch.device) -> float:
    """Of one run, after two to warm up."""
    seconds = []
    for turn in range(rounds + 2):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if turn > 1:
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def matrix_rates(points: int, width: int, rounds: int, device: torch.device) -> dict[str, float]:
    """Operations per second, in 10^12, of one product of the shape that a hidden layer has: of float32 in
    each of PyTorch's precisions, and of numbers that are bfloat16 to begin with."""
    rates = {}
    for precision, dtype in [*((p, torch.float32) for p in PRECISIONS), ("highest", torch.bfloat16)]:
        left = torch.randn(points, width, device=device, dtype=dtype)
        right = torch.randn(width, width, device=device, dtype=dtype)
        with matrix_precision(precision):
            seconds = median_seconds(lambda a=left, b=right: torch.mm(a, b), rounds, device)
        name = precision if dtype == torch.float32 else "bfloat16"
        rates[name] = 2e-12 * points * width**2 / seconds
    return rates


def paper_step(grid: Grid, rounds: int, device: torch.device, **settings: int) -> dict[str, object]:
    """A step of the paper's recipe, and the whole of it from that."""
    recipe = replace(paper(), **settings)
    points, width, depth = recipe.objective.points, recipe.field.width, recipe.field.depth
    field = recipe.field.build(grid, seed=0).to(device)
    optimizer = torch.optim.Adam(field.parameters(), lr=recipe.fit.learning_rate, fused=True)
    extent = torch.tensor([grid.width, grid.height, grid.frames], device=device)
    where = torch.rand(points, 3, device=device) * extent
    colors, flow = torch.rand(points, 3, device=device), torch.randn(points, 2, device=device)

    def step(loss: Callable) -> None:
        optimizer.zero_grad()
        loss(field, where, colors, flow, recipe.objective.weight).total.backward()
        optimizer.step()

    rates = matrix_rates(points, width, rounds, device)
    # Forward and both backward products, of value and of tangent, of every hidden matrix.
    operations = 2 * 6 * (depth - 1) * points * width**2
    steps = recipe.fit.epochs * -(-grid.frames * grid.height * grid.width // points)
    result: dict[str, object] = {
        "points": points,
        "width": width,
        "depth": depth,
        "steps_of_whole_recipe": steps,
        "matrix_rate_tflops": rates,
    }
    losses = {("eager", precision): constrained_loss for precision in PRECISIONS}
    if device.type == "cuda":
        # torch.compile can't look up the precision.
        sine._products_round = torch.compiler.assume_constant_result(sine._products_round)
        losses["compiled", "high"] = torch.compile(constrained_loss)
        losses["compiled, CUDA graphs", "high"] = torch.compile(constrained_loss, mode="reduce-overhead")
    for (kind, precision), loss in losses.items():
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        with matrix_precision(precision):
            seconds = median_seconds(lambda chosen=loss: step(chosen), rounds, device)
        result[f"{precision}, {kind}"] = {
            "milliseconds": 1000 * seconds,
            "share_of_matrix_rate": 1e-12 * operations / seconds / rates[precision],
            "whole_recipe_minutes": steps * seconds / 60,
            "peak_memory_mib": peak_memory_mib(device),
        }
    return result


def whole_fits(clips: object, scale: str, device: torch.device) -> list[dict[str, object]]:
    """Time, quality and memory of patches and transport on a whole clip, every second frame observed."""
    video = read_video(clips / "bunny_a.mkv", frames="0:41" if scale == "full" else "0:5")
    results = []
    for name in ("patches", "transport"):
        recipe = standard(name) if scale == "full" else replace(draft(name), steps=2)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        values = evaluate(video, Dis(), recipe, device=device.type).as_json()
        kept = ("clip", "field", "preset", "size", "observed", "psnr_observed", "psnr_held_out", "seconds")
        results.append({key: values[key] for key in kept} | {"peak_memory_mib": peak_memory_mib(device)})
    return results


def real_sizes(scale: str, device: torch.device) -> list[dict[str, object]]:
    """Time and memory of ``transport`` on large pictures of a moving texture: of the fit, and of each frame
    drawn, flow on the CPU included."""
    results = []
    for height, width in ((1080, 1920), (2160, 3840)) if scale == "full" else ((600, 800),):
        frames = OnDemand(
            lambda k, size=(height, width): moving_texture(*size, k), (9, height, width, 3), "u1"
        )
        video = Video(frames=frames, times=tuple(map(Fraction, range(9))), rate=Fraction(1))
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        began = time.monotonic()
        recipe = replace(draft(), steps=60 if scale == "full" else 2)
        field = fit(video, estimate_flow(video, Dis()), recipe, device=device.type).field
        fitted = time.monotonic()
        times = [k / 2 for k in range(1, 16, 2)]
        drawn = sum(1 for _ in render(field, times))
        results.append(
            {
                "size": [height, width],
                "fit_seconds": fitted - began,
                "seconds_per_drawn_frame": (time.monotonic() - fitted) / drawn,
                "peak_memory_mib": peak_memory_mib(device),
            }
        )
    return results


def moving_texture(height: int, width: int, k: int) -> np.ndarray:
    """Smoothed noise that moves by (3, 1) pixels per frame."""
    noise = np.random.default_rng(0).normal(128, 300, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3).clip(0, 255).astype(np.uint8)
    return np.roll(smooth, (k, 3 * k), axis=(0, 1))


def agreement(configs: list[FieldConfig], grid: Grid, device: torch.device) -> list[dict[str, object]]:
    """Largest difference of colour and of derivative between the device and the CPU, in each precision."""
    generator = torch.Generator().manual_seed(0)
    extent = torch.tensor([grid.width - 1, grid.height - 1, grid.frames - 1])
    points = torch.rand(4096, 3, generator=generator) * extent
    direction = torch.randn(4096, 3, generator=generator)
    results = []
    for config in configs:
        field: Field = config.build(grid, seed=0)
        with torch.no_grad():
            truth = [
                part.double() for part in field.double().with_derivative(points.double(), direction.double())
            ]
            on_cpu = field.float().with_derivative(points, direction)
            for precision in PRECISIONS:
                with matrix_precision(precision):
                    there = field.to(device).with_derivative(points.to(device), direction.to(device))
                field.cpu()
                results.append(
                    {
                        "field": config.name,
                        "precision": precision,
                        **{
                            f"{name}_{other}": float((a.cpu().double() - b.double()).abs().max())
                            for name, a, c, t in zip(
                                ("color", "derivative"), there, on_cpu, truth, strict=True
                            )
                            for other, b in (("to_cpu", c), ("to_float64", t))
                        },
                    }
                )
    return results


def peak_memory_mib(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated() / (1 << 20) if device.type == "cuda" else None


def main() -> None:
    options = arguments(__doc__, device="cuda", scale="full", rounds=20)
    device = torch.device(options.device)
    full = options.scale == "full"
    grid, small = (GRID, {}) if full else (TINY, {"width": 32, "points": 256, "epochs": 10})
    parts = {
        "paper_recipe": lambda: paper_step(grid, options.rounds if full else 2, device, **small),
        "agreement": lambda: agreement(
            [replace(paper(), **small).field, standard("patches").field], grid, device
        ),
        "whole_fits": lambda: whole_fits(options.clips, options.scale, device),
        "real_sizes": lambda: real_sizes(options.scale, device),
    }
    results: dict[str, object] = {}
    for name, part in parts.items():
        began = time.monotonic()
        try:
            results[name] = part()
        except Exception as error:
            results[name] = {"error": f"{type(error).__name__}: {error}"}
        print(f"{name}, {time.monotonic() - began:.0f} s: {results[name]}", flush=True)
        save("gpu", options.output, results, device=str(device), scale=options.scale)


if __name__ == "__main__":
    main()
