"""What else could draw the frame: interpolators to compare a field with, under one signature."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tweenfield.baselines.blend import blend
from tweenfield.baselines.cubic import cubic
from tweenfield.baselines.warp import warp
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video

# (observed, flow, t in intervals) -> RGB in [0, 1] of shape (height, width, 3); observed frames are exact.
Baseline = Callable[[Video, Flow, float], np.ndarray]

BASELINES: dict[str, Baseline] = {"blend": blend, "cubic": cubic, "warp": warp}

__all__ = ["BASELINES", "Baseline"]
