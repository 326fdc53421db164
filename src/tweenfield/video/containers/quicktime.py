"""What FFmpeg's muxer leaves out of QuickTime files: covers, and languages not on an old list of Apple's.

Numbers of languages from 0x400 on are three letters of ISO 639-2 with five bits each, as in MP4. They take
the place of the number for no language. A cover is metadata of the movie under a key of Apple's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_NONE = 0x7FFF
_HEADERS = [b"moov", b"trak", b"mdia", b"mdhd"]
# From the beginning of a track's header to its language, by the header's version.
_PLACES = {0: 28, 1: 40}
# Apple's numbers for kinds of pictures.
_PICTURES = {"mjpeg": 13, "png": 14, "bmp": 27}


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


def add_covers(path: Path, covers: Sequence[tuple[str, bytes]]) -> None:
    """Put pictures, as FFmpeg's names of their codecs and their data, at the end of the movie's box.

    It must be the last one of the file.
    """
    key = _box(b"mdta", b"com.apple.quicktime.artwork")
    kinds = [_PICTURES[codec].to_bytes(4, "big") for codec, _ in covers]
    pictures = [_box(b"data", kind, bytes(4), data) for kind, (_, data) in zip(kinds, covers, strict=True)]
    metadata = _box(
        b"meta",
        _box(b"hdlr", bytes(8) + b"mdta" + bytes(14)),
        _box(b"keys", bytes(4) + (1).to_bytes(4, "big") + key),
        # What belongs to the first key.
        _box(b"ilst", *(_box((1).to_bytes(4, "big"), picture) for picture in pictures)),
    )
    with path.open("r+b") as file:
        (movie,) = _boxes(file, _HEADERS[:1], 0, path.stat().st_size)
        file.seek(0, os.SEEK_END)
        file.write(metadata)
        length = file.tell() - movie
        file.seek(movie)
        file.write(length.to_bytes(4, "big"))


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + name + content


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
