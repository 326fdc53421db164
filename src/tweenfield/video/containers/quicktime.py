"""Languages of tracks in QuickTime files: FFmpeg's muxer writes only those on an old list of Apple's.

Numbers from 0x400 on are three letters of ISO 639-2 with five bits each, as in MP4. They take the place of
the number for no language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_NONE = 0x7FFF
_HEADERS = [b"moov", b"trak", b"mdia", b"mdhd"]
# From the beginning of a track's header to its language, by the header's version.
_PLACES = {0: 28, 1: 40}


def name_languages(path: Path, languages: Sequence[str]) -> None:
    """Write the languages of tracks, in their order, where the file has none; those of three letters."""
    with path.open("r+b") as file:
        headers = list(_boxes(file, _HEADERS, 0, path.stat().st_size))
        for header, language in zip(headers, languages, strict=False):
            file.seek(header + 8)
            place = header + _PLACES[file.read(1)[0]]
            file.seek(place)
            known = int.from_bytes(file.read(2), "big") != _NONE
            if not known and len(language) == 3 and language.isascii() and language.isalpha():
                first, second, third = (ord(letter) & 31 for letter in language)
                file.seek(place)
                file.write((first << 10 | second << 5 | third).to_bytes(2, "big"))


def _boxes(file: BinaryIO, names: Sequence[bytes], at: int, end: int) -> Iterator[int]:
    """Where boxes begin that lie in each other under these names, between two places of the file."""
    while at < end:
        file.seek(at)
        head = file.read(16)
        length, begin = int.from_bytes(head[:4], "big"), at + 8
        if length == 1:
            length, begin = int.from_bytes(head[8:], "big"), at + 16
        if head[4:8] == names[0]:
            yield from _boxes(file, names[1:], begin, at + length) if names[1:] else [at]
        at += length
