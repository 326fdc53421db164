"""Work for several threads, each of which uses one thread for PyTorch's own operations."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

import torch

T = TypeVar("T")


def shared_out(work: Callable[[list[T]], None], items: list[T]) -> None:
    """Do the work on all items, without autograd: by as many threads as PyTorch has, each of which is given
    a list of them. What is done to one item mustn't depend on the others.
    """
    threads = min(torch.get_num_threads(), len(items))
    if threads < 2:
        with torch.no_grad():
            work(items)
        return
    quietly = partial(_without_autograd, work, torch.is_inference_mode_enabled())
    # Exceptions of the threads are raised here.
    list(_pool(torch.get_num_threads()).map(quietly, [items[i::threads] for i in range(threads)]))


def _without_autograd(work: Callable[[list[T]], None], inference: bool, items: list[T]) -> None:
    # Both are a thread's own.
    with torch.inference_mode(inference), torch.no_grad():
        work(items)


def _alone() -> None:
    """Let PyTorch use one thread for what this one does."""
    torch.set_num_threads(1)
    # The first call of any other kind takes over the number that all threads share, so it comes now.
    torch.get_num_threads()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """So many threads, all of them started."""
    pool = ThreadPoolExecutor(threads, initializer=_alone)
    together = threading.Barrier(threads)
    list(pool.map(lambda _: together.wait(), range(threads)))
    # Setting a number sets it for all threads to come as well.
    torch.set_num_threads(threads)
    return pool
