"""What a piece of work takes: time, and main memory."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_MIB = 1 << (20 if sys.platform == "darwin" else 10)  # in the units of ru_maxrss


class Meter:
    """Measures the block: ``seconds``, and ``peak_memory_mib``, the most main memory that the process, or a
    program that it ran, held while in the block.

    Where the system can't forget an earlier peak (outside Linux), a later block shows it as well.
    """

    seconds: float
    peak_memory_mib: float

    def __enter__(self) -> Meter:
        self._children = resource.getrusage(resource.RUSAGE_CHILDREN)
        with suppress(OSError):
            # "5" makes Linux forget the peak of the resident set (proc(5), clear_refs).
            Path("/proc/self/clear_refs").write_text("5")
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.monotonic() - self._began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        if (children.ru_utime, children.ru_stime) != (self._children.ru_utime, self._children.ru_stime):
            peak = max(peak, children.ru_maxrss)
        self.peak_memory_mib = peak / _MIB
