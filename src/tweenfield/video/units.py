"""The units of packets of H.264 and HEVC, and what no encoder writes into one.

Two zeros and a byte up to 2 would be a start code. What a disk or a network lost is often filled with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import av

_NEVER = re.compile(rb"\x00\x00(?:[\x00-\x02]|\x03[\x04-\xff])")


def prefix_of(codec: av.VideoCodecContext) -> int:
    """How many bytes say how long a unit is; 0 where start codes tell units apart, and for other codecs."""
    place, head = {"h264": 4, "hevc": 21}.get(codec.name), codec.extradata or b""
    # The record of MP4 and Matroska begins with 1.
    return (head[place] & 3) + 1 if place and len(head) > place and head[0] == 1 else 0


def units(data: bytes, prefix: int) -> Iterator[bytes]:
    """The units of a packet, before each of which so many bytes say how long it is."""
    at = 0
    while prefix and at + prefix <= len(data):
        begin = at + prefix
        at = begin + int.from_bytes(data[at:begin], "big")
        yield data[begin:at]


def has_hole(data: bytes, prefix: int) -> bool:
    """Whether a unit of a packet holds what none does; zeros at its end are stuffing."""
    return any(_NEVER.search(unit.rstrip(b"\0")) for unit in units(data, prefix))
