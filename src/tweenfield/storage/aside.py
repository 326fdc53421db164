"""Work in a thread beside the one that feeds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _NoMore(Exception):
    """Tells the consumer that the items broke off."""


def aside(consume: Callable[[Iterator[T]], R], items: Iterable[T], waiting: int = 2) -> R:
    """What ``consume`` returns for the items. It runs in a thread, while this one makes the next items.

    At most ``waiting`` items lie between the two. Errors of either side end both, and are raised here.
    """
    between: Queue[Any] = Queue(waiting)
    end = object()

    def handed_over() -> Iterator[T]:
        while (item := between.get()) is not end:
            if item is _NoMore:
                raise _NoMore
            yield item

    def hand_over(item: Any, to: Future[R]) -> None:
        while not to.done():
            with suppress(Full):
                between.put(item, timeout=0.1)
                return

    with ThreadPoolExecutor(1, "aside") as thread:
        try:
            result = thread.submit(consume, handed_over())
            for item in items:
                hand_over(item, result)
                if result.done():
                    break
            hand_over(end, result)
            return result.result()
        except BaseException:
            # Ctrl-C comes at any moment, also while the thread begins: it isn't left to wait for an item.
            with suppress(Empty):
                while True:
                    between.get_nowait()
            between.put(_NoMore)
            raise
