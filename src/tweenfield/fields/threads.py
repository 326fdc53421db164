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


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """So many threads, all of them started."""
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    together = threading.Barrier(threads)
    list(pool.map(lambda _: together.wait(), range(threads)))
    # The number that a thread sets is also that of all threads to come.
    torch.set_num_threads(threads)
    return pool
