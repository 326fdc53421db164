"""The sound of a file beside a picture that is drawn anew: as it is where it fits, else encoded again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

import av

Packet: TypeAlias = "av.Packet[Any]"

# What a number of channels mostly is.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
# libavfilter's atempo takes factors from here to the inverse without skipping samples.
_SLOWEST = 0.5


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A stretch of a file's sound that goes along with a picture.

    Attributes:
        path: of the file.
        start: what is heard with the first frame, in seconds on the file's clock.
        length: how many seconds of it are taken.
        speed: at which it is played, without a change of pitch: 0.5 is half as fast.
        on_damage: called with a sentence where it can't be decoded any further.
    """

    path: Path
    start: Fraction
    length: Fraction
    speed: Fraction = Fraction(1)
    on_damage: Callable[[str], None] = lambda sentence: None


@dataclass(frozen=True, kw_only=True)
class SoundFormat:
    """What a container holds.

    Attributes:
        kept: codecs, by FFmpeg's name, that are taken over as they are; None for all.
        encoder: for what isn't.
        rate: samples per second that the encoder wants, if only one.
    """

    kept: frozenset[str] | None
    encoder: str
    rate: int | None = None


@runtime_checkable
class _Track(Protocol):
    def __call__(self, packet: Packet) -> Iterator[Packet]:
        """Packets to write for one that was read; the last one read is empty."""
        ...


@final
class Accompaniment:
    """The sound that is written beside a picture, as far as the picture has come."""

    def __init__(self, sound: Sound, source: av.container.InputContainer, tracks: dict[int, _Track]) -> None:
        self._packets = self._read(sound, source, tracks)
        self._next = next(self._packets, None)

    def write_until(self, seconds: float, container: av.container.OutputContainer) -> None:
        """Write what is heard until then."""
        while self._next is not None and _begins(self._next) <= seconds:
            container.mux(self._next)
            self._next = next(self._packets, None)

    @staticmethod
    def _read(
        sound: Sound, source: av.container.InputContainer, tracks: dict[int, _Track]
    ) -> Iterator[Packet]:
        open_tracks, reached = set(tracks), 0.0
        try:
            for packet in source.demux([source.streams[index] for index in tracks]):
                index = packet.stream.index
                if packet.dts is not None and _begins(packet) >= sound.start + sound.length:
                    open_tracks.discard(index)
                    if not open_tracks:
                        break
                if packet.dts is not None:
                    reached = _begins(packet)
                    yield from tracks[index](packet)
        except av.error.FFmpegError:
            # The picture is whole, so it is kept, with the sound that came before the damage.
            sound.on_damage(f"{sound.path}: the sound is damaged at {reached:.1f} s and ends there")
        for track in tracks.values():
            yield from track(av.Packet(0))


@contextmanager
def accompanied(
    container: av.container.OutputContainer, sound: Sound | None, held: SoundFormat
) -> Iterator[Accompaniment | None]:
    """Streams for the sound in ``container``, and what writes them; None without any."""
    if sound is None:
        yield None
        return
    with av.open(f"file:{sound.path}") as source:
        tracks: dict[int, _Track] = {}
        for stream in source.streams.audio:
            # A codec that this FFmpeg can't decode leaves the stream without one.
            if stream.codec_context is None or not stream.rate:
                continue
            # By its own name, as a decoder may have another: mp3float for MP3.
            name = stream.codec_context.codec.canonical_name
            fits = held.kept is None or name in held.kept
            track = (_Copied if fits and sound.speed == 1 else _Encoded)(sound, stream, container, held)
            track.out.metadata.update(stream.metadata)
            track.out.disposition = stream.disposition
            tracks[stream.index] = track
        yield Accompaniment(sound, source, tracks) if tracks else None


def has_sound(path: Path) -> bool:
    """Whether a file holds any; a folder of images doesn't."""
    if path.is_dir():
        return False
    try:
        with av.open(f"file:{path}") as source:
            return any(stream.codec_context is not None for stream in source.streams.audio)
    except (av.error.FFmpegError, OSError):
        return False


@final
class _Copied:
    """Packets as they are, at other times. The last one before the picture is written, too: those after it
    can't be decoded without it.
    """

    def __init__(
        self,
        sound: Sound,
        stream: av.AudioStream,
        container: av.container.OutputContainer,
        held: SoundFormat,
    ) -> None:
        self._sound = sound
        self.out = container.add_stream_from_template(stream)

    def __call__(self, packet: Packet) -> Iterator[Packet]:
        if packet.dts is None or packet.pts is None or packet.time_base is None:
            return
        begins, start = packet.pts * packet.time_base, self._sound.start
        lasts = (packet.duration or 0) * packet.time_base
        if begins + 2 * lasts > start and begins < start + self._sound.length:
            shift = round(start / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, self.out
            yield packet


@final
class _Encoded:
    """Decoded, cut to the sample, played at another speed, and encoded again."""

    def __init__(
        self,
        sound: Sound,
        stream: av.AudioStream,
        container: av.container.OutputContainer,
        held: SoundFormat,
    ) -> None:
        out = container.add_stream(held.encoder, rate=held.rate or stream.rate)
        assert isinstance(out, av.AudioStream)  # as the encoder is one of sound
        # Uncompressed sound in Matroska doesn't say which channels it has.
        out.layout = _LAYOUTS.get(stream.channels, stream.layout.name)
        self.out = out
        self._decoder = stream.codec_context
        self._graph = _graph(sound, stream)

    def __call__(self, packet: Packet) -> Iterator[Packet]:
        last = packet.dts is None
        for frame in self._decoder.decode(None if last else packet):
            self._graph.push(frame)
            yield from self._ready()
        if last:
            self._graph.push(None)
            yield from self._ready()
            yield from self.out.encode(None)

    def _ready(self) -> Iterator[Packet]:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield from self.out.encode(frame)


def _graph(sound: Sound, stream: av.AudioStream) -> av.filter.Graph:
    graph = av.filter.Graph()
    start, end = float(sound.start), float(sound.start + sound.length)
    steps = [
        graph.add_abuffer(template=stream),
        graph.add("atrim", f"start={start!r}:end={end!r}"),
        graph.add("asetpts", f"(PTS-{start!r}/TB)/{float(sound.speed)!r}"),
    ]
    steps += [graph.add("atempo", repr(factor)) for factor in tempo_factors(float(sound.speed))]
    graph.link_nodes(*steps, graph.add("abuffersink")).configure()
    return graph


def tempo_factors(speed: float) -> list[float]:
    """Equal factors that filters can take, with ``speed`` as their product."""
    if speed == 1:
        return []
    count = max(math.ceil(abs(math.log(speed)) / -math.log(_SLOWEST) - 1e-9), 1)
    return [speed ** (1 / count)] * count


def _begins(packet: Packet) -> float:
    time = packet.pts if packet.pts is not None else packet.dts
    return float((time or 0) * (packet.time_base or 0))
