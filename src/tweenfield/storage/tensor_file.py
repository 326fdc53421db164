"""Safetensors row by row: the library's own functions hold all of a file in memory, or mapped into it.

Eight bytes give the length of the header, little-endian. The header is JSON: type, shape and place of each
tensor, and texts under ``__metadata__``. Then come the tensors, row-major: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from weakref import finalize

import numpy as np

from tweenfield.errors import ModelFileError
from tweenfield.storage.on_demand import OnDemand, Rows

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"}


def write_safetensors(file: BinaryIO, arrays: Mapping[str, Rows], metadata: Mapping[str, str]) -> None:
    """Write arrays, holding a row at a time of those on demand."""
    names = {np.dtype(code): name for name, code in _TYPES.items()}
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    # Largest types first, so that each tensor is aligned to its own.
    ordered = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)
    for name, values in ordered:
        begin, end = end, end + math.prod(values.shape) * values.dtype.itemsize
        header[name] = {
            "dtype": names[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, values in ordered:
        for row in values if isinstance(values, OnDemand) else [values]:
            file.write(np.ascontiguousarray(row).tobytes())


def read_safetensors(path: Path) -> dict[str, OnDemand]:
    """All tensors but scalars of a file that is known to be whole; rows are read when they are asked for.

    Raises:
        ModelFileError: later, when a row is indexed: it holds NaN or infinite values, or is gone.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {
        name: _rows(path, name, entry["shape"], _TYPES[entry["dtype"]], 8 + length + entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__" and entry["shape"]
    }


def check_finite(values: np.ndarray, name: str, path: Path) -> None:
    """Refuse numbers with which nothing can be drawn.

    Raises:
        ModelFileError: one is NaN or infinite.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ModelFileError(
            f"{path}: {name!r} holds NaN or infinite values; fit again or fetch a whole copy"
        )


def _rows(path: Path, name: str, shape: list[int], code: str, begin: int) -> OnDemand:
    dtype = np.dtype(code)
    row_bytes = math.prod(shape[1:]) * dtype.itemsize
    # Held open: a new file of the same name may take this one's place.
    descriptor = os.open(path, os.O_RDONLY)

    def read(k: int) -> np.ndarray:
        data = os.pread(descriptor, row_bytes, begin + k * row_bytes)
        if len(data) < row_bytes:
            raise ModelFileError(f"{path}: the file has changed while it was being read; start again")
        row = np.frombuffer(data, dtype).reshape(shape[1:])
        check_finite(row, name, path)
        return row

    rows = OnDemand(read, shape, dtype)
    finalize(rows, os.close, descriptor)
    return rows
