"""Files of LPIPS weights in the published formats, with random numbers in them."""

from pathlib import Path

import numpy as np
import torch

# Of AlexNet's convolutions their place, channels out and in, and side.
CONVOLUTIONS = [(0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3), (10, 256, 256, 3)]


def random_weights() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """AlexNet as torchvision names it, and the linear weights as lpips does."""
    random = np.random.default_rng(0)
    alexnet, linear = {}, {}
    for number, (index, out, into, side) in enumerate(CONVOLUTIONS):
        deviation = (2 / (into * side**2)) ** 0.5
        weight = random.normal(scale=deviation, size=(out, into, side, side))
        alexnet[f"features.{index}.weight"] = weight.astype(np.float32)
        alexnet[f"features.{index}.bias"] = random.normal(scale=0.1, size=out).astype(np.float32)
        linear[f"lin{number}.model.1.weight"] = random.random((1, out, 1, 1)).astype(np.float32)
    return alexnet, linear


def write(path: Path, weights: dict[str, np.ndarray]) -> None:
    torch.save({name: torch.from_numpy(value) for name, value in weights.items()}, path)


def write_published(folder: Path) -> Path:
    """The two files that users have; torchvision's holds the layers of a classifier besides."""
    alexnet, linear = random_weights()
    write(folder / "alexnet-owt-7be5be79.pth", alexnet | {"classifier.6.bias": np.zeros(10, np.float32)})
    write(folder / "alex.pth", linear)
    return folder
