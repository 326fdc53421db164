"""A file, or a folder of files, as a value that can be sent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

# Bytes by the name of the file within the folder; of a single file, by the empty name.
Parcel: TypeAlias = "dict[str, bytes]"


def files_of(path: Path) -> dict[str, Path]:
    """The files of a folder by name, or a single file by the empty name."""
    if not path.is_dir():
        return {"": path}
    return {file.name: file for file in sorted(path.iterdir()) if file.is_file()}


def packed(path: Path) -> Parcel:
    """What lies at ``path``."""
    return {name: file.read_bytes() for name, file in files_of(path).items()}


def unpack(parcel: Parcel, path: Path) -> None:
    """Lay it down at ``path``, where nothing is yet."""
    if "" not in parcel:
        path.mkdir()
    for name, content in parcel.items():
        with (path / name if name else path).open("xb") as file:
            file.write(content)
            # A name that survives a power cut must stand for bytes that do.
            file.flush()
            os.fsync(file.fileno())
