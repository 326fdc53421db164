"""Loops over pixels in machine code, by Numba."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from inspect import unwrap
from itertools import pairwise
from typing import Any

from numba import config, njit

from tweenfield import threads

# A thread takes no fewer lines of a picture.
_BAND = 64

# A pixel's four floats are treated alike, so that they become a vector; by default Numba leaves them apart.
config.SLP_VECTORIZE = 1  # type: ignore[attr-defined]
# Sums keep their order, so that results don't hang on the compiler; products and sums may be fused.
_MATHS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """A loop in machine code."""
    # Unwrapped, as tests put a type checker around every function. Threads are ours: Numba's set PyTorch's.
    compiled = njit(nogil=True, **_MATHS)(unwrap(loop))
    # The code is kept for the next process, but where no folder can be written to.
    with suppress(RuntimeError):
        compiled.enable_caching()
    result: Callable[..., Any] = compiled
    return result


def in_bands(loop: Callable[..., Any]) -> Callable[..., None]:
    """A loop over lines ``begin`` to ``end`` of a picture in machine code. It is called with their number in
    place of these two, and all threads take a band each.
    """
    code = compiled(loop)

    def over(count: int, *arguments: Any) -> None:
        bands = max(1, min(threads.count(), count // _BAND))
        if bands == 1:
            code(0, count, *arguments)
            return
        edges = [count * band // bands for band in range(bands + 1)]
        threads.each(lambda ends: code(*ends, *arguments), pairwise(edges))

    return over


def inlined(step: Callable[..., Any]) -> Callable[..., Any]:
    """A part of such loops."""
    inlined: Callable[..., Any] = njit(inline="always", **_MATHS)(unwrap(step))
    return inlined


def called(step: Callable[..., Any]) -> Callable[..., Any]:
    """A part of such loops that is too long to be copied into each."""
    called: Callable[..., Any] = njit(**_MATHS)(unwrap(step))
    return called
