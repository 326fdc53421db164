"""Damage in a video file: which pictures can't be shown, as they or what they are predicted from is damaged.

Decoders conceal damage, and some don't notice it. Besides what they say, checksums are looked at where there
are any: those of FFV1's slices and of Matroska's clusters. Some codecs have a second decoder, and units of
H.264 and HEVC never hold zeros in a row.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import av

from tweenfield.video.matroska import Part, matroska_end, parts
from tweenfield.video.second_decoder import SecondDecoder
from tweenfield.video.timing import stamp_of
from tweenfield.video.units import has_hole, prefix_of

if TYPE_CHECKING:
    from av.container import InputContainer

Packet: TypeAlias = "av.Packet[Any]"
Decode: TypeAlias = Callable[[Packet], list[av.VideoFrame]]

# Bits of each byte in reverse: FFV1's checksum takes them in another order than zlib's.
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
# At the end of a slice: its length in three bytes, a status, a checksum in four.
_FOOTER = 8


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What is known about a file.

    Attributes:
        lost: stamps of pictures that can't be shown, or that are missing.
        doubtful: first and last stamp of stretches where a checksum is wrong, but nothing else.
        until: the stamp up to which this is known.
    """

    lost: frozenset[int] = frozenset()
    doubtful: tuple[tuple[int, int], ...] = ()
    until: float = -inf


UNHARMED = Damage()


def packets_of(container: InputContainer, stream: av.VideoStream) -> Iterator[Packet]:
    """The packets of a stream, the empty one at the end included, however reading ends."""
    with suppress(av.error.FFmpegError):
        yield from container.demux(stream)


@final
class Checks:
    """What can be said of packets, in their order, besides what the decoder says."""

    def __init__(self, container: InputContainer, stream: av.VideoStream, path: Path) -> None:
        self._clusters = _Clusters(path) if "matroska" in container.format.name else None
        self._ffv1 = _Ffv1() if stream.codec_context.name == "ffv1" else None
        self._second, self._prefix = SecondDecoder(stream), prefix_of(stream.codec_context)
        # Each packet of HEVC is a picture; others have packets that show nothing, or two for a picture.
        self._whole, self._begun, self._waiting = stream.codec_context.name == "hevc", False, set[int]()
        self.part: Part | None = None

    def is_damaged(self, packet: Packet) -> bool:
        """Whether the packet isn't what it was; call it for each packet."""
        self.part = self._clusters.at(packet) if self._clusters else None
        if not packet.size:
            return False
        wrong = self._ffv1 is not None and self._ffv1(packet)
        return wrong or packet.is_corrupt or has_hole(bytes(packet), self._prefix)

    def damaged(self, packet: Packet, frames: list[av.VideoFrame]) -> set[int]:
        """Stamps of what is damaged, given a packet and the pictures that were ready then."""
        corrupt = {stamp_of(frame) for frame in frames if frame.is_corrupt}
        return corrupt | self._second.doubts(packet, frames) | self._overtaken(packet, frames)

    def _overtaken(self, packet: Packet, frames: list[av.VideoFrame]) -> set[int]:
        """Stamps that have no picture: HEVC's decoder leaves out what it can't read without a word."""
        if not self._whole:
            return set()
        if packet.size and not packet.is_discard:
            self._waiting.add(stamp_of(packet))
        passed = set[int]()
        for frame in frames:
            late = {stamp for stamp in self._waiting if stamp < stamp_of(frame)}
            self._waiting -= {stamp_of(frame), *late}
            # What can't be decoded before the first picture is usual.
            passed |= late if self._begun else set()
            self._begun = True
        if not packet.size:
            passed |= self._waiting
        return passed

    @property
    def torn(self) -> bool:
        """Whether the structure of the file is broken between the packet before and this one."""
        return self._clusters is not None and self._clusters.torn

    @property
    def altered(self) -> bool:
        """Whether a checksum that covers the packet, and others, is wrong, and the structure isn't."""
        return self.part is not None and self.part.altered and self.part.torn is None


@final
class _Clusters:
    """Matroska's, as packets are read: each must lie in one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._parts = parts(self._file)
        self._part: Part | None = next(self._parts, None)
        self._before = 0
        self.torn = False

    def at(self, packet: Packet) -> Part | None:
        """The one that a packet lies in."""
        # The empty packet at the end lies behind all.
        place = inf if not packet.size or packet.pos is None else packet.pos
        self.torn = False
        while self._part is not None:
            torn = self._part.torn
            self.torn = self.torn or (torn is not None and self._before <= torn < place)
            if place < self._part.end:
                break
            self._part = next(self._parts, None)
        self._before = self._before if place == inf else int(place)
        return self._part if self._part is not None and self._part.start <= place else None


@final
class _Ffv1:
    """The checksums of slices, which version 3 may have; a first packet without tells that there are none."""

    def __init__(self) -> None:
        self._summed = False

    def __call__(self, packet: Packet) -> bool:
        whole = _slices_are_whole(bytes(packet))
        self._summed = self._summed or whole
        return self._summed and not whole


def _slices_are_whole(data: bytes) -> bool:
    end = len(data)
    while end >= _FOOTER:
        start = end - _FOOTER - int.from_bytes(data[end - _FOOTER : end - _FOOTER + 3], "big")
        if start < 0:
            return False
        # Over a slice with its checksum the remainder is nought; zlib inverts before and after.
        if zlib.crc32(data[start:end].translate(_MIRRORED), 0xFFFFFFFF) != 0xFFFFFFFF:
            return False
        end = start
    return end == 0


def examine(
    container: InputContainer, stream: av.VideoStream, path: Path, last: int, decode: Decode
) -> Damage:
    """Find the damage up to the picture with the stamp ``last`` and the end of its stretch.

    ``decode`` is the stream's decoder. It has a single thread: with several, it tells of an error late or not
    at all.
    """
    stream.codec_context.thread_type, stream.codec_context.thread_count = "NONE", 1
    checks, order, damaged = Checks(container, stream, path), list[tuple[int, bool]](), set[int]()
    altered: dict[int, list[int]] = {}
    until, end, lasting = float(last), 0, 0
    for packet in packets_of(container, stream):
        stamp = stamp_of(packet) if packet.size else end + 1
        if packet.size and packet.is_keyframe and (stamp if packet.dts is None else packet.dts) > last:
            break
        wrong = checks.is_damaged(packet)
        if checks.torn:
            # The packet before may be hurt as well. What was behind it has left no stamp: the one before this
            # packet's stands for it.
            damaged.update(before for before, _ in order[-1:])
            order.append((stamp - bool(packet.size), False))
            damaged.add(order[-1][0])
        if packet.size:
            order.append((stamp, packet.is_keyframe))
            end, lasting = max(end, stamp), packet.duration or 0
        if checks.altered and checks.part is not None:
            altered.setdefault(checks.part.start, []).append(stamp)
        frames: list[av.VideoFrame] = []
        try:
            frames = decode(packet)
        except av.error.FFmpegError:
            wrong = True
        damaged |= checks.damaged(packet, frames)
        if wrong:
            damaged.add(stamp)
    else:
        until = inf
    if until == inf and ends_early(stream, end, lasting):
        damaged.add(end + 1)
    lost = _lost(order, damaged)
    doubtful = [(min(stamps), max(stamps)) for stamps in altered.values() if not lost.intersection(stamps)]
    return Damage(lost=lost, doubtful=tuple(doubtful), until=until)


def ends_early(stream: av.VideoStream, stamp: int, lasting: int) -> bool:
    """Whether Matroska's own statistics promise more than a last picture of that stamp and duration.

    Its reader steps over damage without a word.
    """
    promised = matroska_end(stream)
    if promised is None or not lasting or stream.time_base is None:
        return False
    return promised > (stamp + 2 * lasting) * stream.time_base


def _lost(order: list[tuple[int, bool]], damaged: set[int]) -> frozenset[int]:
    """What is damaged or follows until the next key frame, of packets (stamp, key) in order of decoding."""
    lost, broken, leading, key = set(damaged), False, False, 0
    for stamp, is_key in order:
        if is_key:
            # Pictures that follow a key frame and are shown before it are predicted from those before, too.
            leading, broken, key = broken, False, stamp
        broken = broken or stamp in damaged
        if broken or (leading and stamp < key):
            lost.add(stamp)
    return frozenset(lost)
