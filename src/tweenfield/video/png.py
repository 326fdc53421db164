"""What PNGs say of their colours, in chunks of the third edition of the standard (W3C, 2025).

``cICP`` holds code points of ITU-T H.273, ``mDCV`` the display of SMPTE ST 2086, ``cLLI`` light levels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction

from tweenfield.video.clip import ColorTags
from tweenfield.video.hdr import Hdr, MasteringDisplay

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The signature and the chunk IHDR, which comes first.
_HEAD = len(_SIGNATURE) + 12 + 13
_LENGTH = struct.Struct(">I")
_DISPLAY, _LIGHT = struct.Struct(">8H2I"), struct.Struct(">2I")
# Units of chromaticities, and of luminances in cd/m^2.
_CHROMATICITY, _LUMINANCE = 50000, 10000
# PQ and HLG: all else is shown as it always was, without a chunk.
_HIGH_RANGE = (16, 18)
_BT2020 = 9


def with_color(png: bytes, color: ColorTags, hdr: Hdr | None) -> bytes:
    """The file, of RGB of full range, with what it says of high dynamic range."""
    chunks = b""
    if color.transfer in _HIGH_RANGE:
        chunks += _chunk(b"cICP", bytes([color.primaries, color.transfer, 0, 1]))
    if hdr is not None and hdr.display is not None:
        d = hdr.display
        places = [round(part * _CHROMATICITY) for xy in (d.red, d.green, d.blue, d.white) for part in xy]
        light = [round(part * _LUMINANCE) for part in (d.brightest, d.darkest)]
        chunks += _chunk(b"mDCV", _DISPLAY.pack(*places, *light))
    if hdr is not None and (hdr.max_cll or hdr.max_fall):
        chunks += _chunk(b"cLLI", _LIGHT.pack(hdr.max_cll * _LUMINANCE, hdr.max_fall * _LUMINANCE))
    return png[:_HEAD] + chunks + png[_HEAD:]


def color_of(png: bytes) -> tuple[ColorTags, Hdr | None]:
    """What a file says, with the usual tags where it says nothing."""
    found = dict(_chunks(png))
    color, display = ColorTags(), None
    if len(code_points := found.get(b"cICP", b"")) == 4:
        primaries, transfer = code_points[:2]
        # Of the matrices for these primaries the usual one, if they become YUV.
        color = ColorTags(matrix=9 if primaries == _BT2020 else 1, primaries=primaries, transfer=transfer)
    if len(data := found.get(b"mDCV", b"")) == _DISPLAY.size:
        *places, brightest, darkest = _DISPLAY.unpack(data)
        xy = [Fraction(value, _CHROMATICITY) for value in places]
        red, green, blue, white = zip(xy[::2], xy[1::2], strict=True)
        display = MasteringDisplay(
            red=red,
            green=green,
            blue=blue,
            white=white,
            darkest=Fraction(darkest, _LUMINANCE),
            brightest=Fraction(brightest, _LUMINANCE),
        )
    light = found.get(b"cLLI", b"")
    levels = _LIGHT.unpack(light) if len(light) == _LIGHT.size else (0, 0)
    max_cll, max_fall = (round(level / _LUMINANCE) for level in levels)
    said = display is not None or max_cll or max_fall
    return color, Hdr(display=display, max_cll=max_cll, max_fall=max_fall) if said else None


def _chunk(name: bytes, data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + name + data + _LENGTH.pack(zlib.crc32(name + data))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks before the picture; none if it is no PNG."""
    at = len(_SIGNATURE) if png.startswith(_SIGNATURE) else len(png)
    while at + 8 <= len(png) and (name := png[at + 4 : at + 8]) != b"IDAT":
        (length,) = _LENGTH.unpack_from(png, at)
        yield name, png[at + 8 : at + 8 + length]
        at += length + 12
