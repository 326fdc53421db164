"""Results appear whole or not at all: every file and folder the package writes goes through here."""

from __future__ import annotations

import errno
import glob
import os
import platform
import shutil
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tweenfield.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space or write elsewhere",
    errno.EFBIG: "the file would be larger than is allowed here; write a shorter result or elsewhere",
    errno.EROFS: "the file system is read-only; write elsewhere",
    errno.EACCES: "permission is denied; write elsewhere or change the folder's permissions",
    errno.ENOENT: "its folder doesn't exist; create it first",
}


def check_target(path: str | Path, *, inputs: Sequence[str | Path] = (), folder: bool = False) -> None:
    """Find out before hours of work that a result can't be put at ``path``.

    Args:
        path: where a file, or with ``folder`` a folder, is wanted.
        inputs: what is read, so must not be overwritten.
        folder: whether it is to be a folder; one that exists must be empty.

    Raises:
        UsageError: ``path`` is one of ``inputs``.
        OutputError: its folder is missing or not writable, or something else is in the way.
    """
    path = Path(path)
    if path.exists() and any(Path(i).exists() and path.samefile(i) for i in inputs):
        raise UsageError(f"{path}: the output is also the input; choose another name")
    parent = path.parent
    if not parent.is_dir():
        what = "isn't a folder; choose another" if parent.exists() else "doesn't exist; create it first"
        raise OutputError(f"{path}: the folder {parent} {what}")
    if path.exists() and not path.is_dir() and not path.is_file():
        raise OutputError(
            f"{path}: this is a device or a pipe, and not replaced; name a file, or - for stdout"
        )
    if path.is_dir() and not folder:
        raise OutputError(f"{path}: this is a folder, but a file is to be written; choose another name")
    if folder and path.exists() and not path.is_dir():
        raise OutputError(f"{path}: a file is in the way of the folder; remove it or choose another name")
    if folder and path.is_dir() and any(path.iterdir()):
        raise OutputError(f"{path}: the folder isn't empty; empty it or choose another name")
    if path.name in ("", ".."):
        raise OutputError(f"{path}: this is a place, not a name for something new; choose a name in it")
    _remove_left(path)
    # Permissions don't tell: root has all of them, and some file systems take no files from anyone.
    temporary = _temporary(path)
    try:
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise OutputError(
            f"{path}: the folder {parent} isn't writable ({error.strerror}); "
            "choose another folder or name, or change its permissions"
        ) from error


@contextmanager
def atomic_output(target: str | Path, within: Path | None = None) -> Iterator[Path]:
    """A temporary name beside ``target``, renamed to it when the block ends well and removed otherwise.

    The block creates what the name stands for, a file or a folder. An existing file is replaced in one
    step and an existing folder only if it is empty; on any exception, a keyboard interrupt included,
    what was there before stays as it was.

    Args:
        target: where the result is wanted; its folder must exist.
        within: the folder of the temporary name, on the same file system; by default that of ``target``.

    Yields:
        A hidden path in that folder with the same extension.

    Raises:
        OutputError: the operating system refused to create, write or rename (disk full, permission, ...).
    """
    target = Path(target)
    temporary = _temporary((within or target.parent) / target.name)
    _remove_left(target)
    try:
        yield temporary
        if temporary.is_dir() and target.is_dir():
            target.rmdir()
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(
            f"{target} can't be written and nothing was left behind: {reason(error)}"
        ) from error
    finally:
        _remove(temporary)


def reason(error: OSError) -> str:
    """Why something can't be written, and what to do."""
    return _REASONS.get(error.errno or 0, f"{error.strerror or error}; write elsewhere")


def _temporary(target: Path) -> Path:
    """The hidden name beside ``target`` under which it is made."""
    return target.with_name(f"{_prefix(target)}{os.getpid()}{target.suffix}")


def _prefix(target: Path) -> str:
    # Other machines that share the folder number their processes, too.
    return f".{target.name}.partial-{zlib.crc32(platform.node().encode()):08x}-"


def _remove_left(target: Path) -> None:
    """Remove what a process that was killed left of the same target."""
    prefix = _prefix(target)
    for left in target.parent.glob(glob.escape(prefix) + "*"):
        number = left.name.removeprefix(prefix).removesuffix(target.suffix)
        if number.isdecimal() and not _runs(int(number)):
            with suppress(OSError):  # of another user, whose it is to remove
                _remove(left)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
