"""Video that comes through stdin."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tweenfield.command.console import called, known
from tweenfield.errors import TweenfieldError, UsageError, VideoError


@contextmanager
def from_stdin(sources: Sequence[str]) -> Iterator[list[str]]:
    """The same names, with that of a temporary file in place of -; a video is read more than once.

    Raises:
        UsageError: stdin is a terminal, or is named twice.
        VideoError: nothing comes.
    """
    if "-" not in sources:
        yield list(sources)
        return
    if sources.count("-") > 1:
        raise UsageError("stdin can be read once only; give a single -")
    if sys.stdin.isatty():
        raise UsageError("- reads a video from stdin, but that is a terminal; pipe one in, or give a file")
    with tempfile.TemporaryDirectory(prefix="tweenfield-") as folder:
        spooled = Path(folder) / "stdin"
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        if spooled.stat().st_size == 0:
            raise VideoError("stdin: nothing came; pipe a video in")
        with called(spooled, "stdin"):
            try:
                yield [str(spooled) if source == "-" else source for source in sources]
            except TweenfieldError as error:
                raise type(error)(known(str(error))) from error.__cause__
