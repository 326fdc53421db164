"""One thread that draws, and the memory of what was drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import final

# Pictures as they were sent; at 240x360 a thousand of them.
KEPT_BYTES = 96 << 20
# So many askers may wait: windows times panes, and what lies over them.
MOST_WAITING = 64


class Stale(Exception):
    """The asker wants something newer, so this was not drawn."""


class Busy(Exception):
    """Too many askers wait."""


@final
class Worker:
    """A thread that does one job at a time, in the order in which the askers came.

    Of the jobs of one asker only the newest waits: an older one that hasn't begun ends with ``Stale``.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[Callable[[], bytes], Future[bytes]]] = OrderedDict()
        self._change = threading.Condition()
        self._closed = False
        # A daemon, so that Ctrl-C needn't wait for a picture.
        self._thread = threading.Thread(target=self._work, name="draw", daemon=True)
        self._thread.start()

    def submit(self, asker: str, job: Callable[[], bytes]) -> Future[bytes]:
        """The job's result to come.

        Raises:
            Busy: ``MOST_WAITING`` other askers wait already.
        """
        future: Future[bytes] = Future()
        with self._change:
            if asker not in self._waiting and len(self._waiting) >= MOST_WAITING:
                raise Busy
            before = self._waiting.get(asker)
            # An asker keeps its place, or one who asks often would never be served.
            self._waiting[asker] = (job, future)
            self._change.notify()
        if before is not None:
            before[1].set_exception(Stale())
        return future

    def close(self) -> None:
        """Take no more jobs; those that wait end with ``Stale``."""
        with self._change:
            self._closed = True
            waiting = [future for _, future in self._waiting.values()]
            self._waiting.clear()
            self._change.notify()
        for future in waiting:
            future.set_exception(Stale())

    def join(self, timeout: float) -> bool:
        """Wait for the job that was being done; whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                _, (job, future) = self._waiting.popitem(last=False)
            # Of one whose asker has gone nothing is drawn.
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)


@final
class Kept:
    """Bytes by key, those used last, up to ``most`` bytes in all."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most = most
        self._held = 0
        self._kept: OrderedDict[object, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """How many bytes are held."""
        return self._held

    def get(self, key: object) -> bytes | None:
        """What was put there, unless it had to make room."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: object, value: bytes) -> None:
        """Keep ``value``; what wasn't used for longest makes room."""
        with self._lock:
            self._held += len(value) - len(self._kept.pop(key, b""))
            self._kept[key] = value
            while self._held > self._most:
                self._held -= len(self._kept.popitem(last=False)[1])
