"""A second decoder beside the one whose pictures are shown, for codecs that take much damage for pictures.

Entropy coding has few codes that mean nothing, so a decoder reads on after a damaged place, and ends where
the picture is full. But then it has mostly not read as many bytes as there are:

- Nothing behind the data of a picture can change it. So the second decoder gets the same data with more
  behind; where pictures differ, the first one read beyond the end.
- HEVC of many encoders says where each row of blocks begins. One thread goes on where the row before ended;
  with two, FFmpeg begins where the row should. Where pictures differ, a row didn't end where it should.
- Where the data seem to end within the picture, the rest is what was in the memory before. As the second
  decoder gets back its memory later, that is another picture.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias, final

import av
import numpy as np
from av.codec.context import ThreadType

from tweenfield.video.color import bits_of
from tweenfield.video.timing import stamp_of
from tweenfield.video.units import prefix_of, units

Packet: TypeAlias = "av.Packet[Any]"

# No zeros, as two of them and a small byte would mean something.
_MORE = bytes(np.random.default_rng(1).integers(16, 256, 64, np.uint8))
# So many pictures of the second decoder are kept from being written over.
_HELD = 2


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """How packets of one codec are decoded a second time.

    Attributes:
        decoder: FFmpeg's name.
        threads: more than one share a picture.
        options: of the decoder.
        longer: gives data of a packet, with more behind what a picture needs; takes also the bytes that a
            length has, 0 for start codes.
    """

    decoder: str
    threads: int = 1
    options: Mapping[str, str] = field(default_factory=dict)
    longer: Callable[[bytes, int], bytes] = lambda data, prefix: data


def _longer_units(data: bytes, prefix: int) -> bytes:
    """Packets of HEVC, each of whose slices gets more behind it."""
    longer = bytearray()
    if not prefix:
        before, *parts = data.split(b"\0\0\1")
        longer += before
        for unit in parts:
            longer += b"\0\0\1" + _longer_unit(unit.rstrip(b"\0"))
        return bytes(longer)
    for unit in map(_longer_unit, units(data, prefix)):
        longer += len(unit).to_bytes(prefix, "big") + unit
    return bytes(longer)


def _longer_unit(unit: bytes) -> bytes:
    # Below 32 are the types of slices.
    return unit + _MORE if unit and unit[0] >> 1 & 63 < 32 else unit


_KINDS = {
    "hevc": _Kind(decoder="hevc", threads=2, longer=_longer_units),
    "vp8": _Kind(decoder="libvpx", longer=lambda data, prefix: data + _MORE),
    # Built for 8 bits only.
    "vp9": _Kind(decoder="libvpx-vp9"),
    # What is wrong with the data of a picture, and ignored otherwise, is an error.
    "mjpeg": _Kind(decoder="mjpeg", options={"err_detect": "explode"}),
}


@final
class SecondDecoder:
    """Decodes what the first decoder does, and compares."""

    def __init__(self, stream: av.VideoStream) -> None:
        first = stream.codec_context
        kind = _KINDS.get(first.name)
        deep = first.format is not None and bits_of(first.format) > 8
        if kind is None or (first.name == "vp9" and (deep or stream.metadata.get("alpha_mode") == "1")):
            # libvpx decodes opacity in the first place.
            self._kind = None
            return
        decoder = av.CodecContext.create(kind.decoder, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        self._kind, self._decoder, head = kind, decoder, first.extradata or b""
        if head:
            decoder.extradata = head
        self._prefix = prefix_of(first)
        decoder.width, decoder.height = first.width, first.height
        decoder.options = dict(kind.options)
        decoder.thread_type, decoder.thread_count = ThreadType.SLICE, kind.threads
        self._pictures: dict[int, tuple[int, ...]] = {}
        self._held: deque[av.VideoFrame] = deque(maxlen=_HELD)
        # Nothing is said of a stream in which the two never agree: the second one can't judge it.
        self._agreed, self._doubts = False, set[int]()
        # Numbers of the pictures of both decoders.
        self._shown, self._decoded = count(), count()

    def doubts(self, packet: Packet, frames: list[av.VideoFrame]) -> set[int]:
        """Stamps of packets and pictures that seem damaged, each told once, given a packet and what the first
        decoder has ready then.
        """
        if self._kind is None:
            return set()
        self._decode(packet, self._kind)
        for frame, place in _placed(frames, self._shown):
            other = self._pictures.get(place)
            self._pictures = {later: told for later, told in self._pictures.items() if later > place}
            mine = _told(frame)
            # Of another size it is if only the container says what is cropped.
            if other is not None and other[:2] == mine[:2]:
                self._agreed = self._agreed or other == mine
                self._doubts |= set() if other == mine else {stamp_of(frame)}
        if not self._agreed:
            return set()
        told, self._doubts = self._doubts, set()
        return told

    def _decode(self, packet: Packet, kind: _Kind) -> None:
        if not packet.size:
            return
        copy = av.Packet(kind.longer(bytes(packet), self._prefix))
        copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
        try:
            frames = self._decoder.decode(copy)
        except av.error.FFmpegError:
            self._doubts.add(stamp_of(packet))
            return
        self._held.extend(frames)
        self._pictures |= {place: _told(frame) for frame, place in _placed(frames, self._decoded)}


def _placed(frames: list[av.VideoFrame], numbers: Iterator[int]) -> list[tuple[av.VideoFrame, int]]:
    """Pictures with their stamps, or with their numbers in a stream that has no stamps."""
    return [
        (frame, number if frame.pts is frame.dts is None else stamp_of(frame))
        for frame, number in zip(frames, numbers, strict=False)
    ]


def _told(frame: av.VideoFrame) -> tuple[int, ...]:
    """Height, width, and a checksum of what is seen; opacity, if there is any, comes last."""
    wide = 2 if bits_of(frame.format) > 8 else 1
    total = 1
    for plane in frame.planes[:3]:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        seen = rows[: plane.height, : plane.width * wide]
        total = zlib.adler32(np.ascontiguousarray(seen).data, total)
    return frame.height, frame.width, total
