"""Fits the network of the error to expect (``fields/transport/expected.py``), once, to half of the clips.

Of each clip, every second and every fourth frame is observed. What the network learns from are pixels of the
held-out frames, and of frames that the fit itself hides, both with their true error. Every clip, stride and
kind of frame has a level of its own, which is fitted along and thrown away: on a new clip it is measured. The
loss is log E + e^2 / E at pixels, and a robust square of the difference in log E at the means of frames.

How much harder frames are that the fit hides at half the size, by which a new clip's level is measured, is
the median over clips and strides.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from common import ROOT
from torch import nn
from trust_clips import TUNE, clip

from tweenfield import Dis, Observed, Split, estimate_flow, fit, hide, standard
from tweenfield.drawing.render import render
from tweenfield.fields.transport import Transport
from tweenfield.fields.transport.expected import cues_of
from tweenfield.fields.transport.maps import place
from tweenfield.fitting.leave_out.hidden_frames import Seen
from tweenfield.fitting.leave_out.hiding import AS_SEEN, TO_FIT, hide_frames

PIXELS, WIDTH, STEPS, RATE = 600, 16, 2500, 6e-3
FRAMES, POINTS = 32, 300
HELD_OUT, HALF = 0, 1
# What rounding to whole levels would add to hidden frames' errors, and what keeps logarithms finite.
ROUNDING, LEAST = 1 / 12, 0.01
FILE = ROOT / "src" / "tweenfield" / "fields" / "transport" / "expected.npz"


class Sample(NamedTuple):
    """Pixels of one frame: their cues, their squared errors, and the mean of the whole frame's."""

    cues: np.ndarray
    squared: np.ndarray
    mean: float
    case: int
    kind: int
    weight: float


def held_out(field: Transport, split: Split) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cues and squared errors of the held-out frames, at the quarters of intervals."""
    for t, truth in zip(split.positions, split.held_out.frames, strict=True):
        interval, knot, _ = place(float(t), field.grid.frames)
        drawn = next(render(field, [t])).astype(np.float32)
        maps = field._maps(interval, knot)
        if maps.sight is not None:
            yield cues_of(maps.sight, maps.weight), np.square(drawn - truth).mean(axis=-1)


def hidden(field: Transport, kind: list[Seen]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same of frames that the fit hides."""
    for seen in kind:
        squared, weight = seen.error(field.mixing)
        yield cues_of(seen.sight, weight), squared.numpy() + ROUNDING


@torch.no_grad()
def samples(data: Path) -> list[Sample]:
    random, found = np.random.default_rng(0), []
    for case, (name, stride) in enumerate(product(TUNE, (2, 4))):
        split = hide(clip(data, name), stride)
        flow = estimate_flow(split.observed, Dis())
        with torch.enable_grad():
            field = fit(split.observed, flow, standard(), device="cpu").field
        ways = (AS_SEEN, *TO_FIT[1:])
        kinds = [hidden(field, k) for k in hide_frames(Observed(split.observed, flow), 1, 20, ways) if k]
        for kind, frames in enumerate((held_out(field, split), *kinds)):
            pixels = []
            for cues, squared in frames:
                chosen = random.choice(squared.size, PIXELS, replace=False)
                values = cues.reshape(len(cues), -1)[:, chosen].T
                pixels.append((values, squared.ravel()[chosen], float(squared.mean())))
            share = 3.0 if kind == HELD_OUT else 1.0
            found += [Sample(*p, case, kind, share / len(pixels)) for p in pixels]
        print(name, stride, flush=True)
    return found


def network(found: list[Sample]) -> dict[str, np.ndarray]:
    """The layers, with the shift and scale of the cues within them, and how much harder hidden frames are."""
    cues = np.stack([s.cues for s in found])
    middle, spread = cues.mean(axis=(0, 1)), cues.std(axis=(0, 1)) + 1e-3
    z = torch.from_numpy(((cues - middle) / spread).astype(np.float32))
    squared = torch.tensor(np.stack([s.squared for s in found]), dtype=torch.float32) + LEAST
    means = torch.tensor([s.mean for s in found]) + LEAST
    case, kind = (np.array([getattr(s, name) for s in found]) for name in ("case", "kind"))
    names, group = np.unique(np.stack((case, kind)), axis=1, return_inverse=True)
    group, weight = torch.from_numpy(group.ravel()), torch.tensor([s.weight for s in found])
    torch.manual_seed(0)
    sides = (z.shape[2], WIDTH, WIDTH)
    inner = [layer for n, m in pairwise(sides) for layer in (nn.Linear(n, m), nn.Tanh())]
    model = nn.Sequential(*inner, nn.Linear(WIDTH, 1))
    model[-1].weight.data.mul_(0.1)
    levels = torch.stack([means[group == g].log().mean() for g in range(names.shape[1])]).requires_grad_()
    optimizer = torch.optim.Adam(
        [{"params": model.parameters(), "weight_decay": 1e-4}, {"params": [levels]}], lr=RATE
    )
    for step in range(STEPS):
        for part in optimizer.param_groups:
            part["lr"] = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        frame = torch.multinomial(weight, FRAMES, replacement=True)
        pixel = torch.randint(PIXELS, (FRAMES, POINTS))
        log = (model(z[frame[:, None], pixel])[..., 0] + levels[group[frame]][:, None]).clamp(-6, 12)
        score = (log + (squared[frame[:, None], pixel] * (-log).exp()).clamp(max=30)).mean()
        off = means[frame].log() - torch.logsumexp(log, 1) + np.log(POINTS)
        loss = score + (off.square() / (1 + off.abs())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    values = {}
    for k, layer in enumerate(layers):
        weights, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
        if k == 0:
            bias = bias - weights @ (middle / spread)
            weights = weights / spread
        values |= {f"weight{k}": weights.astype(np.float32), f"bias{k}": bias.astype(np.float32)}
    # Where nothing can be measured, the level is that of the median clip.
    drawn = levels.detach()[torch.from_numpy(names[1] == HELD_OUT)]
    values[f"bias{len(layers) - 1}"] += float(drawn.median())
    with torch.no_grad():
        ratio = (means.log() - (torch.logsumexp(model(z)[..., 0], 1) - np.log(PIXELS))).numpy()
    apart = [
        ratio[(case == c) & (kind == HALF)].mean() - ratio[(case == c) & (kind == HELD_OUT)].mean()
        for c in np.unique(case)
    ]
    return values | {"harder": np.float32(np.median(apart))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    values = network(samples(parser.parse_args().data))
    np.savez(FILE, **values)
    print(f"written: {FILE}")


if __name__ == "__main__":
    main()
