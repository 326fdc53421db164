"""Results appear whole or not at all: every file and folder the package writes goes through here."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tweenfield.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space or write elsewhere",
    errno.EFBIG: "the file would be larger than is allowed here; write a shorter result or elsewhere",
    errno.EROFS: "the file system is read-only; write elsewhere",
    errno.EACCES: "permission is denied; write elsewhere or change the folder's permissions",
    errno.ENOENT: "its folder doesn't exist; create it first",
}


@contextmanager
def atomic_output(target: str | Path) -> Iterator[Path]:
    """A temporary name beside ``target``, renamed to it when the block ends well and removed otherwise.

    The block creates what the name stands for, a file or a folder. An existing file is replaced in one
    step and an existing folder only if it is empty; on any exception, a keyboard interrupt included,
    what was there before stays as it was.

    Args:
        target: where the result is wanted; its folder must exist.

    Yields:
        A hidden path in the same folder with the same extension.

    Raises:
        OutputError: the operating system refused to create, write or rename (disk full, permission, ...).
    """
    target = Path(target)
    temporary = target.with_name(f".{target.name}.partial-{os.getpid()}{target.suffix}")
    try:
        yield temporary
        if temporary.is_dir() and target.is_dir():
            target.rmdir()
        os.replace(temporary, target)
    except OSError as error:
        reason = _REASONS.get(error.errno, f"{error.strerror or error}; write elsewhere")
        raise OutputError(f"{target} can't be written and nothing was left behind: {reason}") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
