"""How much of another interpolator's frame is mixed into a field's, by how far the flow is in doubt.

The disagreement of forward and backward flow around a pixel is between 0 and 1. It falls into classes, each
with a share; between the middles of the classes the share is linear, so that no edge shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Int

# The other interpolator: two frames and a fraction of the way from the first to the second in, colours in
# [0, 1] out.
Between: TypeAlias = Callable[[np.ndarray, np.ndarray, float], Float32[np.ndarray, "height width 3"]]
_EDGES = np.array([0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 1])
CLASSES = len(_EDGES) - 1
_MIDDLES = (_EDGES[1:] + _EDGES[:-1]) / 2


def classes(disagreement: Float32[np.ndarray, "height width"]) -> Int[np.ndarray, "height width"]:
    """The class of each pixel."""
    found: np.ndarray = np.digitize(disagreement, _EDGES[1:-1])
    return found


def share(
    shares: Float32[np.ndarray, " classes"], disagreement: Float32[np.ndarray, "height width"], s: float
) -> Float32[np.ndarray, "height width"]:
    """The share at each pixel at the fraction ``s`` of an interval: 0 at observed frames, which are exact."""
    found: np.ndarray = 4 * s * (1 - s) * np.interp(disagreement, _MIDDLES, shares)
    return found.astype(np.float32)
