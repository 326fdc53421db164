"""LPIPS: how different two pictures look to a network whose weights the user has.

Zhang et al., *The Unreasonable Effectiveness of Deep Features as a Perceptual Metric*, CVPR 2018
(arXiv 1801.03924), equation (1), as ``lpips.LPIPS(net="alex")`` of version 0.1 measures it: with F_l(a) what
layer l of AlexNet makes of picture a, divided at each place by its length over the channels,

    LPIPS(a, b) = sum over l of  mean over places of  w_l . (F_l(a) - F_l(b))^2
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, relu

from tweenfield.errors import ModelFileError, UsageError
from tweenfield.video.depth import Levels, eight_bit, rounded

# Smaller pictures don't reach the third convolution.
SMALLEST_SIDE = 31

# Mean and standard deviation by which pictures are normalised; their colours lie in [-1, 1].
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_NEEDED = (
    "give a folder with torchvision's alexnet-owt-7be5be79.pth and the alex.pth of lpips 0.1, "
    'or one file with the state dict of lpips.LPIPS(net="alex")'
)


class _Layer(NamedTuple):
    """A convolution of AlexNet; ReLU follows, and its output is compared."""

    place: int
    """Where it comes among torchvision's ``features``."""
    shape: tuple[int, int, int, int]
    stride: int
    padding: int
    pooled: bool
    """Whether a 3x3 max-pooling of stride 2 comes before this layer."""


_LAYERS = (
    _Layer(0, (64, 3, 11, 11), 4, 2, False),
    _Layer(3, (192, 64, 5, 5), 1, 2, True),
    _Layer(6, (384, 192, 3, 3), 1, 1, True),
    _Layer(8, (256, 384, 3, 3), 1, 1, False),
    _Layer(10, (256, 256, 3, 3), 1, 1, False),
)


@final
class Lpips:
    """LPIPS of AlexNet, version 0.1, in single precision on the CPU.

    Attributes:
        digest: SHA-256 of the weights, which identifies them.
    """

    def __init__(self, path: str | Path) -> None:
        """Read the weights.

        Args:
            path: a folder with ``alexnet-owt-7be5be79.pth`` of torchvision and ``alex.pth`` of lpips 0.1; or
                one file with all of them, named as in these files or in ``lpips.LPIPS(net="alex")``.

        Raises:
            ModelFileError: there are no such files, or they hold something else.
        """
        found = _read(Path(path))
        self._layers = []
        digest = hashlib.sha256()
        for number, layer in enumerate(_LAYERS, start=1):
            names = (f"features.{layer.place}", f"net.slice{number}.{layer.place}")
            tensors = (
                _pick(path, found, [f"{name}.weight" for name in names], layer.shape),
                _pick(path, found, [f"{name}.bias" for name in names], layer.shape[:1]),
                _pick(path, found, [f"lin{number - 1}.model.1.weight"], (1, layer.shape[0], 1, 1)),
            )
            for tensor in tensors:
                digest.update(tensor.numpy().data)
            self._layers.append((layer, *tensors))
        self.digest = digest.hexdigest()

    def __call__(
        self, frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "height width 3"]
    ) -> float:
        """How different they look: 0 if they are equal, the less the better.

        Args:
            frame: drawn colours in [0, 1], which are rounded to 8 bit.
            truth: the true frame, likewise.
        """
        levels = torch.from_numpy(np.stack((rounded(frame), eight_bit(truth)))).movedim(-1, 1).float()
        pictures = (levels / 127.5 - 1 - _column(_SHIFT)) / _column(_SCALE)
        with torch.inference_mode():
            return float(sum(self._differences(pictures)))

    def _differences(self, pictures: Float[Tensor, "2 3 height width"]) -> Iterator[Tensor]:
        features = pictures
        for layer, weight, bias, linear in self._layers:
            if layer.pooled:
                features = max_pool2d(features, kernel_size=3, stride=2)
            features = relu(conv2d(features, weight, bias, stride=layer.stride, padding=layer.padding))
            # 1e-10 as published: where all features are 0 they stay 0.
            a, b = features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
            yield conv2d((a - b).square(), linear).mean()


def check_size(size: tuple[int, int], name: str) -> None:
    """Find out before any work whether frames can be scored.

    Raises:
        UsageError: they are too small.
    """
    if min(size) < SMALLEST_SIDE:
        raise UsageError(
            f"{name}: frames are {size[0]}x{size[1]}, but LPIPS needs {SMALLEST_SIDE}x{SMALLEST_SIDE} or "
            "more; leave out --lpips"
        )


def _column(values: tuple[float, float, float]) -> Float[Tensor, "3 1 1"]:
    return torch.tensor(values)[:, None, None]


def _read(path: Path) -> dict[str, Tensor]:
    """All tensors of a file, or of the two files in a folder, by name."""
    if not path.is_dir():
        return _read_file(path)
    found: dict[str, Tensor] = {}
    for pattern in ("alexnet-owt-*.pth", "alex.pth"):
        files = sorted(path.glob(pattern))
        if not files:
            raise ModelFileError(f"{path}: there is no {pattern} in this folder; {_NEEDED}")
        found |= _read_file(files[0])
    return found


def _read_file(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such file or folder; {_NEEDED}") from error
    # All that PyTorch raises for a file that is something else, is cut off, or holds Python objects.
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise ModelFileError(
            f"{path}: this isn't a file of PyTorch weights, or is damaged; {_NEEDED}"
        ) from error
    if not isinstance(content, dict):
        raise ModelFileError(f"{path}: this holds no weights by name; {_NEEDED}")
    return {name: value for name, value in content.items() if isinstance(value, Tensor)}


def _pick(path: str | Path, found: dict[str, Tensor], names: list[str], shape: tuple[int, ...]) -> Tensor:
    """The tensor that has one of these names."""
    tensor = next((found[name] for name in names if name in found), None)
    if tensor is None:
        raise ModelFileError(f"{path}: it lacks {names[0]} of AlexNet's LPIPS; {_NEEDED}")
    if tuple(tensor.shape) != shape:
        raise ModelFileError(f"{path}: {names[0]} has shape {tuple(tensor.shape)}, not {shape}; {_NEEDED}")
    return tensor.float().contiguous()
