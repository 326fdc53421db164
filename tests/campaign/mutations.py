"""Damage to the bytes of a file, decided by a seed alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

# What a damaged header most likely holds.
_EXTREMES = [b"\x00", b"\xff", b"\x7f", b"\x80"]
_LIES = [
    "-1",
    "0",
    "1e999",
    "NaN",
    "null",
    '"x"',
    "[]",
    "{}",
    "true",
    "2.5",
    str(2**31),
    str(2**63),
    "9" * 400,
]
_VALUE = re.compile(rb'(?<=[:,\[ ])(-?\d+(\.\d+)?|\\?"[\w./-]+\\?"|null|true|false)(?=[,\]} ])')
# Half of the damage is done here.
_HEADER = 300


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A damaged copy of ``data``; ``other`` is a file of the same kind, or of another."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        data = rng.choice(_MUTATIONS)(data, other, rng)
    return data


def _place(data: bytes, rng: random.Random) -> int:
    most = len(data) if rng.random() < 0.5 else min(len(data), _HEADER)
    return rng.randrange(max(most, 1))


def _flip(data: bytes, other: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 20))):
        if changed:
            changed[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    return data[: _place(data, rng)]


def _overwrite(data: bytes, other: bytes, rng: random.Random) -> bytes:
    begin, length = _place(data, rng), rng.choice((1, 2, 4, 8, 50))
    run = rng.randbytes(length) if rng.random() < 0.5 else rng.choice(_EXTREMES) * length
    return data[:begin] + run + data[begin + length :]


def _remove(data: bytes, other: bytes, rng: random.Random) -> bytes:
    begin = _place(data, rng)
    return data[:begin] + data[begin + rng.choice((1, 4, 100)) :]


def _insert(data: bytes, other: bytes, rng: random.Random) -> bytes:
    begin = _place(data, rng)
    return data[:begin] + rng.randbytes(rng.choice((1, 4, 100))) + data[begin:]


def _splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one and the rest of the other."""
    first, second = (data, other) if rng.random() < 0.5 else (other, data)
    begin = _place(first, rng)
    return first[:begin] + second[begin:]


def _lie(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Another value in the JSON of a safetensors file, or another number in some other text."""
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length] if length < len(data) else data[:_HEADER]
    values = list(_VALUE.finditer(header))
    if not values:
        return _overwrite(data, other, rng)
    found = rng.choice(values)
    lie = rng.choice(_LIES).encode().replace(b'"', b'\\"')
    told = header[: found.start()] + lie + header[found.end() :]
    if length < len(data):
        return len(told).to_bytes(8, "little") + told + data[8 + length :]
    return told + data[_HEADER:]


_MUTATIONS: list[Callable[[bytes, bytes, random.Random], bytes]] = [
    _flip,
    _flip,
    _truncate,
    _overwrite,
    _remove,
    _insert,
    _splice,
    _lie,
]
