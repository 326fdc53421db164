"""What a long job has done so far, kept beside its target until that is whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tweenfield.errors import OutputError

_KEY, _LOCK = "key", "lock"


@final
@dataclass(frozen=True)
class Unfinished:
    """A folder with finished parts.

    Attributes:
        folder: where they are.
        resumed: whether there were any when the job began.
        other: whether there were parts of another job, which are gone.
    """

    folder: Path
    resumed: bool
    other: bool

    @property
    def begun(self) -> bool:
        """Whether any part is whole by now."""
        return bool(_parts(self.folder))


def place_of(target: str | Path) -> Path:
    """The hidden folder beside ``target`` in which its parts are."""
    target = Path(target)
    return target.with_name(f".{target.name}.unfinished")


@contextmanager
def unfinished(target: str | Path, key: str) -> Iterator[Unfinished]:
    """A folder for the parts of ``target``, removed once the block ends well.

    What another run left is there again if it was begun with the same ``key``, and removed otherwise. If the
    block fails, parts stay; a folder without any is removed.

    Raises:
        OutputError: another run is making the same target, or the folder can't be made.
    """
    folder = place_of(target)
    digest = hashlib.sha256(key.encode()).hexdigest()
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"{target}: {folder} can't be made ({error.strerror}); write elsewhere") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{target}: another run is making this; wait for it, or choose another name"
            ) from error
        begun = (folder / _KEY).read_text() if (folder / _KEY).exists() else ""
        parts = _parts(folder)
        if begun != digest:
            for part in parts:
                shutil.rmtree(part) if part.is_dir() else part.unlink()
            (folder / _KEY).write_text(digest)
        same = begun == digest
        try:
            yield Unfinished(folder, resumed=bool(parts) and same, other=bool(parts) and not same)
        except BaseException:
            if not _parts(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _parts(folder: Path) -> list[Path]:
    """All that is whole; what isn't yet has a name that begins with a dot, and is removed."""
    for part in folder.glob(".*"):
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    return [part for part in sorted(folder.iterdir()) if part.name not in (_KEY, _LOCK)]
