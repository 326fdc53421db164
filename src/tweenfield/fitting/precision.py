"""How matrix products round what they multiply."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# What ``torch.set_float32_matmul_precision`` knows.
PRECISIONS = ("highest", "high", "medium")

# PyTorch has one precision for all threads: what it was, then what each block that hasn't ended wants.
_wanted: list[str] = []
_lock = threading.Lock()


@contextmanager
def matrix_precision(precision: str) -> Iterator[None]:
    """Multiply matrices in this one of ``PRECISIONS`` meanwhile.

    Where blocks of several threads overlap, that which began last decides for all; after the last of them the
    precision is what it was before the first.
    """
    with _lock:
        if not _wanted:
            _wanted.append(torch.get_float32_matmul_precision())
        _wanted.append(precision)
        torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        with _lock:
            # The last one of this name: the order of equals makes no difference.
            del _wanted[len(_wanted) - 1 - _wanted[::-1].index(precision)]
            torch.set_float32_matmul_precision(_wanted[-1])
            if len(_wanted) == 1:
                _wanted.clear()
