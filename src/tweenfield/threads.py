"""Parts of a task in threads, each of which works alone.

Threads within an operation on tensors gain little at the size of a video's maps and crops: with two, a step
of a fit takes 0.7 of the time, and 1.4 times the processor time (docs/lab-notes.md). So whole parts of a task
are given out, and each thread runs its operations by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from threading import Barrier
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def count() -> int:
    """As many threads as PyTorch may use here: 1 within a part of a task."""
    return torch.get_num_threads()


def each(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``function`` of every item, in their order, by all threads. What it raises is raised here."""
    if count() == 1:
        return [function(item) for item in items]
    # Both are a thread's own.
    derived, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    def part(item: T) -> R:
        with torch.inference_mode(inference), torch.set_grad_enabled(derived):
            return function(item)

    return list(_pool(os.getpid(), count(), "part").map(part, items))


def shared_out(work: Callable[[list[T]], None], items: list[T]) -> None:
    """Do the work on all items, without autograd; each thread is given a list of them. What is done to one
    mustn't depend on the others.
    """
    lists = min(count(), len(items))
    with torch.no_grad():
        each(work, [items[k::lists] for k in range(lists)])


def begin(function: Callable[[T], R], item: T) -> Future[R] | None:
    """``function`` of an item, meanwhile, by threads besides those of ``each``; None if there is one thread,
    where it would only be in the way.
    """
    return _pool(os.getpid(), count(), "ahead").submit(function, item) if count() > 1 else None


@lru_cache(maxsize=4)
def _pool(process: int, workers: int, name: str) -> ThreadPoolExecutor:
    """Threads of this process, as a forked one has none, whose operations have one thread each."""
    begun = Barrier(workers + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        # A thread's first question takes the number that was set last, by any thread, as its own.
        torch.get_num_threads()
        begun.wait()

    pool = ThreadPoolExecutor(workers, name)
    for _ in range(workers):
        pool.submit(begin)
    begun.wait()
    # Set by the threads for all that are started later, too.
    torch.set_num_threads(workers)
    return pool
