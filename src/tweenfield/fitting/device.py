"""Where a fit computes."""

from __future__ import annotations

import torch

from tweenfield.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")


def resolve_device(name: str) -> torch.device:
    """The device called ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.

    Raises:
        UsageError: CUDA was asked for and there is none, or the name is none of the three.
    """
    if name not in DEVICES:
        raise UsageError(f"device is {name!r}; use auto, cpu or cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("device is cuda, but PyTorch finds no CUDA device here; use --device cpu or auto")
    return torch.device("cuda" if available and name != "cpu" else "cpu")
