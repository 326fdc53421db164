"""The outer structure of Matroska and WebM: where clusters lie, and whether they are as they were written."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

# Names of elements, as RFC 9559 lists them.
_EBML, _SEGMENT, _CLUSTER, _SUM, _VOID = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xBF, 0xEC
# Seek head, information, tracks, chapters, attachments, index, tags.
_BESIDE = frozenset(
    [0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1043A770, 0x1941A469, 0x1C53BB6B, 0x1254C367, _SUM, _VOID]
)
_GROUP, _ADDITIONS, _ADDITION = 0xA0, 0x75A1, 0xA6
# What may lie in an element that holds others, besides a checksum and a void.
_INSIDE = {
    # Time, position, size of the one before, two kinds of block and of encrypted ones, silent tracks.
    _CLUSTER: frozenset([0xE7, 0xA7, 0xAB, 0xA3, _GROUP, 0xAF, 0x5854]),
    # A block, and what is said of it; opacity is an addition to it.
    _GROUP: frozenset([0xA1, 0xA2, _ADDITIONS, 0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A2, 0x8E, 0xC8]),
    _ADDITIONS: frozenset([_ADDITION]),
    _ADDITION: frozenset([0xA5, 0xEE]),
}
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the file that may hold frames.

    Attributes:
        start: of its first byte.
        end: behind its last byte.
        torn: where its structure ends before its time, if it does.
        altered: whether its checksum isn't that of its bytes.
    """

    start: int
    end: int
    torn: int | None = None
    altered: bool = False


def parts(file: BinaryIO) -> Iterator[Part]:
    """The clusters in their order, and what lies where one should be; none if they have no lengths (live)."""
    file.seek(0)
    if (head := _element(file)) is None or head[0] != _EBML:
        return
    file.seek(head[1] or 0, 1)
    segment = _element(file)
    if segment is None or segment[0] != _SEGMENT:
        return
    at, size = file.tell(), file.seek(0, 2)
    end = size if segment[1] is None else min(size, at + segment[1])
    while at < end:
        file.seek(at)
        element = _element(file)
        begin = file.tell()
        if element is not None and element[0] in _BESIDE | {_CLUSTER}:
            name, length = element
            if length is None:
                return
            if name == _CLUSTER and begin + length <= end:
                yield _cluster(file, at, begin, begin + length)
            at = begin + length
        else:
            found = _next_cluster(file, at + 1, end)
            yield Part(start=at, end=found, torn=at)
            at = found


def segment_end(path: Path) -> int:
    """Where the segment should end; 0 if that is left open, as in a live recording, or there is none."""
    with path.open("rb") as file:
        head = _element(file)
        if head is None or head[0] != _EBML:
            return 0
        file.seek(head[1] or 0, 1)
        segment = _element(file)
        if segment is None or segment[0] != _SEGMENT or segment[1] is None:
            return 0
        return file.tell() + segment[1]


def matroska_end(stream: Any) -> Fraction | None:
    """When a stream ends by Matroska's statistics of it, in seconds; None if there are none."""
    found = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
    if found is None:
        return None
    hours, minutes, seconds = (Fraction(part) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _cluster(file: BinaryIO, start: int, begin: int, end: int) -> Part:
    torn = _torn(file, _CLUSTER, begin, end)
    file.seek(begin)
    # The checksum comes first: an element of four bytes.
    head = file.read(6)
    altered = head[:2] == b"\xbf\x84" and int.from_bytes(head[2:], "little") != _sum(file, end)
    return Part(start=start, end=end, torn=torn, altered=altered)


def _torn(file: BinaryIO, holder: int, begin: int, end: int) -> int | None:
    """Where between ``begin`` and ``end`` lies something that an element of this name can't hold."""
    at = begin
    while at < end:
        file.seek(at)
        name, length = _element(file) or (None, None)
        inner = file.tell()
        if length is None or inner + length > end or name not in _INSIDE[holder] | {_SUM, _VOID}:
            return at
        if name in _INSIDE and (torn := _torn(file, name, inner, inner + length)) is not None:
            return torn
        at = inner + length
    return None


def _sum(file: BinaryIO, end: int) -> int:
    """The checksum of what lies from here to ``end``, by pieces: a damaged length may span the file."""
    total = 0
    while data := file.read(min(_CHUNK, end - file.tell())):
        total = zlib.crc32(data, total)
    return total


def _next_cluster(file: BinaryIO, at: int, end: int) -> int:
    """Where the next cluster seems to begin, or ``end``."""
    name = _CLUSTER.to_bytes(4, "big")
    while at < end:
        file.seek(at)
        place = file.read(_CHUNK + 3).find(name)
        if place >= 0:
            return at + place
        at += _CHUNK
    return end


def _element(file: BinaryIO) -> tuple[int, int | None] | None:
    """Name and length of the element that begins here, if one does; no length if that is left open."""
    name, length = _number(file, whole=True), _number(file)
    if name is None or length is None:
        return None
    value, width = length
    return name[0], None if value == (1 << 7 * width) - 1 else value


def _number(file: BinaryIO, *, whole: bool = False) -> tuple[int, int] | None:
    """A number of variable width and that width; ``whole`` with the bits that tell the width."""
    first = file.read(1)
    width = 9 - first[0].bit_length() if first else 9
    rest = file.read(width - 1) if width < 9 else b""
    if width > 8 or len(rest) < width - 1:
        return None
    value = int.from_bytes(first + rest, "big")
    return value if whole else value & ((1 << 7 * width) - 1), width
