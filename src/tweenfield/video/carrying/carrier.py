"""Other streams of a file, written as far as the picture has come."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import final

import av

from tweenfield.video.carrying.carried import Carried, Holds
from tweenfield.video.carrying.plan import Plan, opened, planned
from tweenfield.video.carrying.tracks import (
    CopiedSound,
    CopiedSubtitles,
    Damaged,
    EncodedSound,
    EncodedSubtitles,
    Packet,
    Track,
    begins,
)

# A stretch far from the beginning is sought; a subtitle may begin so much before it.
_SOUGHT_FROM, _BEFORE = 30, 10
# Streams of a file lie so close together that nothing of the stretch comes later than this, in seconds.
_APART = 10


@final
class Carrier:
    """Writes what goes along with a picture."""

    def __init__(self, readers: Sequence[Iterator[Packet]]) -> None:
        self._readers = [(reader, next(reader, None)) for reader in readers]

    def write_until(self, seconds: Fraction | None, container: av.container.OutputContainer) -> None:
        """Write what is heard and seen until then; None for all that is left."""
        for k, (reader, packet) in enumerate(self._readers):
            due = packet
            while due is not None and (seconds is None or begins(due) <= seconds):
                container.mux(due)
                due = next(reader, None)
            self._readers[k] = reader, due


@contextmanager
def carrying(
    container: av.container.OutputContainer,
    picture: av.VideoStream,
    carried: Carried | None,
    holds: Holds | None,
) -> Iterator[Carrier]:
    """Streams for all that is carried over in ``container``, whose picture is there, and what writes them."""
    if carried is None or holds is None or carried.path.is_dir():
        yield Carrier([])
        return
    with ExitStack() as stack:
        # Each kind is read by itself, as sound at its own speed is far from subtitles in slow motion.
        for_sound, for_subtitles = (stack.enter_context(opened(carried)) for _ in range(2))
        sound = {
            stream.index: (
                CopiedSound(carried, stream, container)
                if copied
                else EncodedSound(carried, stream, container, holds)
            )
            for stream, copied in planned(carried, for_sound, holds).sound
        }
        plan = planned(carried, for_subtitles, holds)
        subtitles = {
            stream.index: (
                CopiedSubtitles(carried, stream, container)
                if copied
                else EncodedSubtitles(carried, stream, container, holds)
            )
            for stream, copied in plan.subtitles
        }
        container.metadata.update(plan.metadata)
        picture.metadata.update(plan.picture)
        if plan.chapters:
            container.set_chapters(plan.chapters)
        stills = _stills(plan, for_subtitles, container, holds)
        yield Carrier(
            [
                iter(stills),
                _read(carried, for_sound, sound),
                _read(carried, for_subtitles, subtitles),
            ]
        )


def _stills(
    plan: Plan,
    source: av.container.InputContainer,
    container: av.container.OutputContainer,
    holds: Holds,
) -> list[Packet]:
    """Attach files and covers; covers that are no attachments are packets to write."""
    for attached in plan.attachments:
        container.add_attachment(attached.name or "attachment", attached.mimetype or "", attached.data)
    packets: list[Packet] = []
    for number, cover in enumerate([] if holds.covers_last else plan.covers):
        codec, data = cover.codec_context.name, _data_of(cover, source)
        kind = "image/jpeg" if codec == "mjpeg" else f"image/{codec}"
        if holds.attachments:
            suffix = mimetypes.guess_extension(kind) or ".png"
            container.add_attachment(f"cover{number or ''}{suffix}", kind, data)
        else:
            out = container.add_stream_from_template(cover)
            out.disposition = cover.disposition
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = out, 0, 0, Fraction(1, 1000)
            packets.append(packet)
    if plan.covers:
        source.seek(0)
    return packets


def _data_of(cover: av.VideoStream, source: av.container.InputContainer) -> bytes:
    source.seek(0)
    return next((bytes(packet) for packet in source.demux(cover) if packet.size), b"")


def last_covers(carried: Carried | None, holds: Holds | None) -> list[tuple[str, bytes]]:
    """Covers for a container that takes them once all else is written: codecs by FFmpeg's names, and data."""
    if carried is None or holds is None or not holds.covers_last or carried.path.is_dir():
        return []
    with opened(carried) as source:
        covers = planned(carried, source, holds).covers
        return [(cover.codec_context.name, _data_of(cover, source)) for cover in covers]


def _read(
    carried: Carried, source: av.container.InputContainer, tracks: Mapping[int, Track]
) -> Iterator[Packet]:
    """What to write, in the order of the file; a track's damage is said once and spares the others."""
    if not tracks:
        return
    damaged: set[int] = set()
    if carried.start > _SOUGHT_FROM:
        source.seek(int((carried.start - _BEFORE) * av.time_base))
    reached = Fraction(0)
    packets = source.demux([source.streams[index] for index in tracks])
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            # The picture is whole, so it is kept, with what came before the damage.
            carried.on_damage(
                f"{carried.path}: the file is damaged at {float(reached):.1f} s; sound ends there"
            )
            break
        if packet is None:
            break
        if packet.dts is None:
            continue
        index, reached = packet.stream.index, begins(packet)
        if reached >= carried.end + _APART:
            break
        try:
            yield from tracks[index].packets(packet)
        except Damaged:
            if index not in damaged:
                damaged.add(index)
                carried.on_damage(_damaged(carried, source.streams[index].type, reached))
    for track in tracks.values():
        yield from track.packets(av.Packet(0))


def _damaged(carried: Carried, kind: str, seconds: Fraction) -> str:
    what, them = ("sound is", "it") if kind == "audio" else ("subtitles are", "they")
    where = f"{max(float(seconds), 0):.1f} s"
    return f"{carried.path}: the {what} damaged at {where} and left out where {them} can't be read"
