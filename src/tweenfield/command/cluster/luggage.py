"""Values on their way to another machine; files that they name are found there, or are sent along."""

from __future__ import annotations

import io
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import cloudpickle

from tweenfield.storage.parcel import Parcel, files_of, unpack

# Name, size in bytes and time of the last change (ns) of each file: another machine that sees the same ones
# shares the storage.
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Luggage:
    """A pickled value.

    Attributes:
        content: the pickle; in place of a path it has the key of ``files``.
        files: files and folders by their absolute path, and what identifies them.
        names: what each was called.
    """

    content: bytes
    files: dict[str, Stamp]
    names: dict[str, str]


class Absent(Exception):
    """Files that can't be seen from here."""


def pack(value: Any) -> Luggage:
    """Anything that cloudpickle takes, functions within functions included."""
    files: dict[str, Stamp] = {}
    names: dict[str, str] = {}

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # Ray's types are left out
        def persistent_id(self, item: Any) -> str | None:
            if not isinstance(item, Path) or not item.exists():
                return None
            place = str(item.absolute())
            files[place], names[place] = stamp_of(item), str(item)
            return place

    buffer = io.BytesIO()
    Pickler(buffer).dump(value)
    return Luggage(buffer.getvalue(), files, names)


def unpacked(
    luggage: Luggage, sent: Callable[[str], Parcel] | None, folder: Path
) -> tuple[Any, dict[str, str]]:
    """The value, and the paths at which files are now, with what each was called.

    Args:
        luggage: what ``pack`` made.
        sent: gives the files that were sent along, if they were.
        folder: where those that can't be seen from here are laid down.

    Raises:
        Absent: there are such, and they weren't sent along.
    """
    now: dict[str, Path] = {}
    for place, stamp in luggage.files.items():
        now[place] = Path(place)
        if _is_seen(now[place], stamp):
            continue
        if sent is None:
            raise Absent
        # In a folder of its own, as a name may be in many places, and says what kind of file it is.
        now[place] = Path(tempfile.mkdtemp(dir=folder), Path(place).name)
        unpack(sent(place), now[place])

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, place: str) -> Path:
            return now[place]

    value = Unpickler(io.BytesIO(luggage.content)).load()
    return value, {str(path): luggage.names[place] for place, path in now.items()}


def stamp_of(path: Path) -> Stamp:
    """What identifies a file, or the files of a folder."""
    found = ((name, file.stat()) for name, file in files_of(path).items())
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in found)


def _is_seen(path: Path, stamp: Stamp) -> bool:
    try:
        return stamp_of(path) == stamp
    except OSError:
        return False
