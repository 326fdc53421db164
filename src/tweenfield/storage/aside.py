"""Work in a thread beside another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, Generic, TypeVar, final

T = TypeVar("T")
R = TypeVar("R")


@final
class Meanwhile(Generic[R]):
    """What ``find`` returns, found in a thread. Called, it waits for that; what was raised is raised here."""

    def __init__(self, find: Callable[[], R]) -> None:
        thread = ThreadPoolExecutor(1, "meanwhile")
        self._found = thread.submit(find)
        thread.shutdown(wait=False)

    def __call__(self) -> R:
        return self._found.result()

    def check(self) -> None:
        """Raise what was raised so far."""
        if self._found.done():
            self()


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
