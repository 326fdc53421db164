"""A command run in this process, and what is wrong with how it ended."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path

from command.running import tweenfield

# Such an end is as good as Ctrl-C, which is what it is made by: a fit of many steps isn't waited for.
SECONDS = 20
# OpenCV can't silence these two; a JPEG that they grumble at is drawn.
_IMAGE_LIBRARIES = (
    "libpng ",
    "Corrupt JPEG data",
    "Premature end of JPEG",
    "Invalid SOS",
    "Unsupported marker",
    "Warning: ",
)


def fingerprint(folder: Path) -> dict[str, str]:
    """A digest of each file under ``folder``."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def judged(line: list[str], folder: Path, *, taken: frozenset[str] = frozenset()) -> list[str]:
    """Run a command in ``folder``; all that is wrong with how it ended.

    Args:
        line: its arguments; what it writes is called ``out``, with any suffix, or is among ``taken``.
        folder: the working folder.
        taken: files that it may remove or write.
    """
    before, here = fingerprint(folder), Path.cwd()
    os.chdir(folder)
    try:
        with _stopped_after(SECONDS), _said_by_libraries() as noise:
            result = tweenfield(*line)
    except BaseException:
        return [traceback.format_exc(limit=-4)]
    finally:
        os.chdir(here)
    wrong = []
    said = result.stderr.strip().splitlines()
    if result.returncode not in (0, 1, 2):
        wrong.append(f"exit status {result.returncode}")
    if result.returncode and (len(said) != 1 or not said[0].startswith("tweenfield: ")) and not _usage(said):
        wrong.append(f"not one sentence: {result.stderr!r}")
    if "Traceback" in result.stderr or len(result.stderr) > 1500 + len(" ".join(line)):
        wrong.append(f"a traceback or a flood: {result.stderr[:3000]!r}")
    if result.returncode and result.stdout:
        wrong.append(f"failed, but said {result.stdout[:200]!r}")
    if noise:
        wrong.append(f"a library said {noise[0][:300]!r}")
    after = fingerprint(folder)
    wrong += [
        f"{name} was changed"
        for name, digest in before.items()
        if after.get(name) != digest and name not in taken
    ]
    new = {name for name in after.keys() - before.keys() if name not in taken}
    kept = "goes on from here" in result.stderr
    wrong += [f"left {name}" for name in new if not (_output(name) and result.returncode == 0) and not kept]
    return wrong


def _output(name: str) -> bool:
    return name.partition("/")[0].partition(".")[0] == "out"


def _usage(said: list[str]) -> bool:
    """Typer's frame around what is wrong with a flag."""
    return bool(said) and said[0].startswith("Usage: ") and any("─ Error ─" in line for line in said)


@contextmanager
def _stopped_after(seconds: float):
    def stop(number, frame):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _said_by_libraries():
    """A list with what goes to stderr past Python."""
    found: list[str] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield found
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines = file.read().decode(errors="replace").splitlines()
            text = "\n".join(line for line in lines if line and not line.startswith(_IMAGE_LIBRARIES))
            if text:
                found.append(text)
