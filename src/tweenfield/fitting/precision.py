"""How matrix products round what they multiply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# What ``torch.set_float32_matmul_precision`` knows.
PRECISIONS = ("highest", "high", "medium")


@contextmanager
def matrix_precision(precision: str) -> Iterator[None]:
    """Multiply matrices in this one of ``PRECISIONS`` meanwhile."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
