"""What libsvtav1 has to be kept from: for root it takes real-time priority, its caller's thread included."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import av

_THREADS = Path("/proc/self/task")


def open_with_usual_priority(context: av.VideoCodecContext) -> None:
    """Open the encoder and leave all threads of this process with the priority of the caller's.

    Otherwise threads that wait by spinning, such as PyTorch's, would let no others on their cores run.
    """
    if not _THREADS.is_dir():  # macOS, where it asks for no such priority
        context.open(strict=False)
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    context.open(strict=False)
    for thread in _THREADS.iterdir():
        # A thread may have ended meanwhile.
        with suppress(ProcessLookupError):
            if os.sched_getscheduler(int(thread.name)) != policy:
                os.sched_setscheduler(int(thread.name), policy, priority)
