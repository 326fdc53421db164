"""What a video says about high dynamic range besides its colour tags: display it was graded on, light levels.

SMPTE ST 2086 (mastering display) and CTA-861.3 (light levels), as messages in the stream or in the container.
"""

from __future__ import annotations

import re
import struct
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tweenfield.video.timing import exact

if TYPE_CHECKING:
    import av

# FFmpeg's AVMasteringDisplayMetadata: ten rationals, then whether chromaticities and luminances are known.
_MASTERING, _LIGHT = struct.Struct("=22i"), struct.Struct("=2I")
# Units of the same message in HEVC: of a chromaticity, and of a luminance in cd/m^2.
_CHROMATICITY, _LUMINANCE = 50000, 10000

# What a frame may hold besides its picture that no frame drawn between could have.
_OF_A_FRAME = {
    "A53_CC": "closed captions",
    "DOVI_METADATA": "Dolby Vision metadata",
    "DOVI_RPU_BUFFER": "Dolby Vision metadata",
    "DYNAMIC_HDR_PLUS": "HDR10+ metadata",
    "DYNAMIC_HDR_VIVID": "HDR Vivid metadata",
}

# How a stream is coded for Dolby Vision, in the headers of MP4 (a box) and Matroska (a mapping, its data).
_DOLBY = re.compile(rb"dv[cvw]C(?:\x41\xed\x98)?\x01\x00(..)(.)", re.DOTALL)
# Headers lie in so many bytes at the beginning or the end.
_HEADERS = 4 << 20
# Of profiles whose base isn't meant for other players, colours are in a space of their own.
DOLBY_ONLY = frozenset(["5.0", "10.0"])

# CIE 1931 x and y.
Chromaticity = tuple[Fraction, Fraction]


@dataclass(frozen=True, kw_only=True)
class MasteringDisplay:
    """The display on which a video was graded.

    Attributes:
        red: chromaticity of its red, CIE 1931 x and y.
        green: likewise.
        blue: likewise.
        white: likewise.
        darkest: its lowest luminance in cd/m^2.
        brightest: its highest luminance in cd/m^2.
    """

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity
    darkest: Fraction
    brightest: Fraction


@dataclass(frozen=True, kw_only=True)
class Hdr:
    """What a player needs to map a video of high dynamic range to its own display.

    Attributes:
        display: on which it was graded, if known.
        max_cll: luminance of the brightest pixel of all in cd/m^2; 0 if unknown.
        max_fall: highest mean luminance of a frame in cd/m^2; 0 if unknown.
    """

    display: MasteringDisplay | None = None
    max_cll: int = 0
    max_fall: int = 0


def hdr_of(frame: av.VideoFrame) -> Hdr | None:
    """What comes with a decoded frame, if anything does."""
    side_data: Any = frame.side_data  # PyAV declares one kind only.
    found = {part.type.name: bytes(part) for part in side_data}
    display, light = found.get("MASTERING_DISPLAY_METADATA"), found.get("CONTENT_LIGHT_LEVEL")
    mastering = None if display is None else _mastering(display)
    max_cll, max_fall = (0, 0) if light is None else _LIGHT.unpack_from(light)
    if mastering is None and not max_cll and not max_fall:
        return None
    return Hdr(display=mastering, max_cll=max_cll, max_fall=max_fall)


def held_by(frame: av.VideoFrame) -> set[str]:
    """What a decoded frame has of its own, in words: captions, and metadata that change on the way."""
    side_data: Any = frame.side_data
    return {_OF_A_FRAME[part.type.name] for part in side_data if part.type.name in _OF_A_FRAME}


def dolby_vision(path: Path) -> str | None:
    """Profile and compatibility of a file with Dolby Vision, such as 5.0 or 8.1, by its headers."""
    with path.open("rb") as file:
        found = _DOLBY.search(file.read(_HEADERS))
        if found is None:
            file.seek(max(path.stat().st_size - _HEADERS, 0))
            found = _DOLBY.search(file.read())
    return found and f"{found[1][0] >> 1}.{found[2][0] >> 4}"


def _mastering(data: bytes) -> MasteringDisplay | None:
    """None if a part is unknown: encoders take all of it or nothing."""
    *numbers, has_chromaticities, has_luminances = _MASTERING.unpack_from(data)
    if not (has_chromaticities and has_luminances) or 0 in numbers[1::2]:
        return None
    values = [Fraction(n, d) for n, d in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = zip(values[:8:2], values[1:8:2], strict=True)
    return MasteringDisplay(
        red=red, green=green, blue=blue, white=white, darkest=values[8], brightest=values[9]
    )


def x265_parameters(hdr: Hdr | None) -> list[str]:
    """The same for libx265."""
    if hdr is None:
        return []
    parameters = [f"max-cll={hdr.max_cll},{hdr.max_fall}"] if hdr.max_cll or hdr.max_fall else []
    if (d := hdr.display) is not None:
        places = (("G", d.green), ("B", d.blue), ("R", d.red), ("WP", d.white))
        text = "".join(f"{name}({_in(x, _CHROMATICITY)},{_in(y, _CHROMATICITY)})" for name, (x, y) in places)
        light = f"L({_in(d.brightest, _LUMINANCE)},{_in(d.darkest, _LUMINANCE)})"
        parameters.append(f"master-display={text}{light}")
    return parameters


def x264_parameters(hdr: Hdr | None) -> list[str]:
    """The same for libx264."""
    names = {"max-cll": "cll", "master-display": "mastering-display"}
    told = (parameter.split("=") for parameter in x265_parameters(hdr))
    return [f"{names[name]}={value}" for name, value in told]


def svtav1_parameters(hdr: Hdr | None) -> list[str]:
    """The same for libsvtav1, which takes decimals."""
    if hdr is None:
        return []
    parameters = [f"content-light={hdr.max_cll},{hdr.max_fall}"] if hdr.max_cll or hdr.max_fall else []
    if (d := hdr.display) is not None:
        places = (("G", d.green), ("B", d.blue), ("R", d.red), ("WP", d.white))
        text = "".join(f"{name}({float(x):.7f},{float(y):.7f})" for name, (x, y) in places)
        parameters.append(f"mastering-display={text}L({float(d.brightest):.4f},{float(d.darkest):.6f})")
    return parameters


def as_json(hdr: Hdr | None) -> dict[str, Any] | None:
    """As values that JSON has, with rationals as "numerator/denominator"."""
    if hdr is None:
        return None
    display = hdr.display and {
        name: [str(part) for part in value] if isinstance(value, tuple) else str(value)
        for name, value in asdict(hdr.display).items()
    }
    return {"display": display, "max_cll": hdr.max_cll, "max_fall": hdr.max_fall}


def of_json(values: dict[str, Any] | None) -> Hdr | None:
    """What ``as_json`` was given."""
    if values is None:
        return None
    display: dict[str, Any] = {
        name: tuple(map(exact, value)) if isinstance(value, list) else exact(value)
        for name, value in (values["display"] or {}).items()
    }
    return Hdr(
        display=MasteringDisplay(**display) if display else None,
        max_cll=values["max_cll"],
        max_fall=values["max_fall"],
    )


def _in(value: Fraction, unit: int) -> int:
    return round(value * unit)
