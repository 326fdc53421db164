"""The evidence of a picture, gathered fast on a CPU: ``mixing.gather`` in one pass over pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from tweenfield.fields.transport.candidates import CANDIDATES, CUES, NEAR
from tweenfield.fields.transport.mixing import COARSER, FINE, GAIN, LONGEST, Evidence, doubt
from tweenfield.machine_code import in_bands, inlined

_F = np.float32
_ZERO, _GAIN, _LONGEST = _F(0), _F(GAIN), _F(LONGEST)
_MEAN_OF_SQUARE, _MEAN_OF_COLOR, _MEAN_OF_NEAR = _F(1 / COARSER**2), _F(1 / 3), _F(1 / 12)
_NEAR, _STILL = NEAR[0], NEAR[2]


def gather(
    colors: Float[Tensor, "candidates 3 height width"],
    cues: Float32[np.ndarray, "cues height width"],
    present: Bool[np.ndarray, " candidates"],
    fraction: float,
) -> Evidence:
    """What ``mixing.gather`` finds in a batch of one, in float32."""
    height, width = cues.shape[1:]
    features = np.empty((3 * CANDIDATES + CUES + 1, -(-height // COARSER), -(-width // COARSER)), np.float32)
    fine, differing = np.empty((FINE, height, width), np.float32), np.empty((height, width), np.float32)
    here = present.astype(np.float32)
    rows = features.shape[1]
    _gather_rows(rows, colors.numpy(), cues, here, _F(fraction), features, fine, differing)
    return Evidence(
        features=torch.from_numpy(features)[None],
        fine=torch.from_numpy(fine)[None],
        still=torch.from_numpy(cues[-1].copy())[None],
        doubt=doubt(torch.from_numpy(differing)[None]),
        present=torch.from_numpy(present)[None].float(),
        fraction=torch.tensor([fraction], dtype=torch.float32),
    )


@inlined
def _saturated(value: Any) -> Any:
    """``mixing.saturated``."""
    x = min(max(value, -_LONGEST), _LONGEST)
    return x * (_F(27) + x * x) / (_F(27) + _F(9) * x * x)


@in_bands
def _gather_rows(
    begin: int,
    end: int,
    colors: np.ndarray,
    cues: np.ndarray,
    present: np.ndarray,
    s: np.float32,
    features: np.ndarray,
    fine: np.ndarray,
    differing: np.ndarray,
) -> None:
    height, width = differing.shape
    columns = features.shape[2]
    colored = 3 * CANDIDATES
    for row in range(begin, end):
        total = np.zeros((len(features), COARSER * columns), np.float32)
        mixed = np.empty((3, width), np.float32)
        for part in range(COARSER):
            y = min(COARSER * row + part, height - 1)
            still = cues[CUES - 1, y]
            for c in range(3):
                to = mixed[c]
                for x in range(width):
                    moving = (_F(1) - still[x]) * _F(0.5)
                    before = moving * (colors[_NEAR, c, y, x] + colors[_NEAR + 2, c, y, x])
                    after = moving * (colors[_NEAR + 1, c, y, x] + colors[_NEAR + 3, c, y, x])
                    before += still[x] * colors[_STILL, c, y, x]
                    after += still[x] * colors[_STILL + 1, c, y, x]
                    to[x] = (_F(1) - s) * before + s * after
            line = differing[y]
            line[:] = _ZERO
            for j in range(_NEAR, _NEAR + 4):
                for c in range(3):
                    color, base = colors[j, c, y], mixed[c]
                    for x in range(width):
                        line[x] += abs(color[x] - base[x]) * _MEAN_OF_NEAR
            for j in range(CANDIDATES):
                gain, mean = _GAIN * present[j], fine[j, y]
                mean[:] = _ZERO
                for c in range(3):
                    color, base, to = colors[j, c, y], mixed[c], total[3 * j + c]
                    for x in range(width):
                        found = _saturated(gain * (color[x] - base[x]))
                        mean[x] += found * _MEAN_OF_COLOR
                        to[x] += found
            for k in range(CUES):
                fine[CANDIDATES + k, y] = cues[k, y]
                to, cue = total[colored + k], cues[k, y]
                for x in range(width):
                    to[x] += cue[x]
            fine[CANDIDATES + CUES, y] = s
            total[colored + CUES] += s
        for k in range(len(features)):
            line = total[k]
            if width < len(line):
                line[width] = line[width - 1]
            for x in range(columns):
                features[k, row, x] = (line[COARSER * x] + line[COARSER * x + 1]) * _MEAN_OF_SQUARE
