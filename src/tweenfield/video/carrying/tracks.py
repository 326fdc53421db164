"""Packets to write for packets that were read: as they are, or encoded again."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

import av
import numpy as np

from tweenfield.video.carrying.carried import Carried, Holds
from tweenfield.video.carrying.plan import TEXT, codec_of, kept
from tweenfield.video.carrying.stretching import Stretch

Packet: TypeAlias = "av.Packet[Any]"

# What a number of channels mostly is.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
# Decoding begins so much before a stretch, as the first frames of a codec may need those before them.
_BEFORE = Fraction(1, 2)


class Damaged(Exception):
    """A packet can't be decoded; the next ones may be."""


@runtime_checkable
class Track(Protocol):
    """One stream of the output."""

    def packets(self, packet: Packet) -> list[Packet]:
        """What to write for one packet that was read; the last one read is empty.

        Raises:
            Damaged: it can't be decoded.
        """
        ...


def begins(packet: Packet) -> Fraction:
    """When it is to be heard or seen, in seconds."""
    time = packet.pts if packet.pts is not None else packet.dts
    return (time or 0) * (packet.time_base or Fraction(0))


def _like(out: Any, stream: Any) -> Any:
    """``out`` with the language, title and disposition of ``stream``."""
    out.metadata.update(kept(stream.metadata))
    out.disposition = stream.disposition
    return out


@final
class CopiedSound:
    """Packets as they are, at other times. The last one before the picture is written, too: those after it
    can't be decoded without it.
    """

    def __init__(
        self, carried: Carried, stream: av.AudioStream, container: av.container.OutputContainer
    ) -> None:
        self._start, self._end = carried.start, carried.sound_end
        self._latest: int | None = None
        self._out = _like(container.add_stream_from_template(stream), stream)

    def packets(self, packet: Packet) -> list[Packet]:
        """The packet itself, if it is within the stretch."""
        if packet.dts is None or packet.pts is None or packet.time_base is None:
            return []
        time, lasts = begins(packet), (packet.duration or 0) * packet.time_base
        if not (time + 2 * lasts > self._start and time < self._end):
            return []
        # No container takes what doesn't come later than what is there.
        if self._latest is not None and packet.dts <= self._latest:
            raise Damaged
        self._latest = packet.dts
        shift = round(self._start / packet.time_base)
        packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, self._out
        return [packet]


@final
class EncodedSound:
    """Decoded, cut to the sample, played at another speed, and encoded again. Gaps become silence."""

    def __init__(
        self,
        carried: Carried,
        stream: av.AudioStream,
        container: av.container.OutputContainer,
        holds: Holds,
    ) -> None:
        out = container.add_stream(holds.sound_encoder, rate=holds.sound_rate or stream.rate)
        assert isinstance(out, av.AudioStream)  # as the encoder is one of sound
        # Uncompressed sound in Matroska doesn't say which channels it has.
        out.layout = _LAYOUTS.get(stream.channels, stream.layout.name)
        self._out = _like(out, stream)
        self._decoder = stream.codec_context
        self._rate, self._layout = stream.rate, out.layout.name
        self._alike = _Alike()
        self._graph: av.filter.Graph | None = None
        self._new_graph = partial(_sound_graph, carried)
        self._from = carried.start - _BEFORE
        self._stretch: Stretch | None = None
        self._written = 0
        if carried.stretches:
            self._stretch = Stretch(stream.rate, stream.channels, carried.input_time)
            self._lasts = float(carried.output_time(carried.end))

    def packets(self, packet: Packet) -> list[Packet]:
        """What the encoder has ready."""
        last = packet.dts is None
        if not last and begins(packet) < self._from:
            return []
        try:
            frames = self._decoder.decode(None if last else packet)
        except av.error.FFmpegError as error:
            if not last:
                raise Damaged from error
            frames = []
        for decoded in frames:
            for frame in self._alike(decoded):
                # Only the decoder knows what its samples are like: a file may have been opened with another.
                self._graph = self._graph or self._new_graph(frame)
                # The filter is closed once the stretch has ended.
                with suppress(EOFError):
                    self._graph.push(frame)
        if last and self._graph is not None:
            with suppress(EOFError):
                self._graph.push(None)
        ready: list[Packet] = []
        while self._graph is not None:
            try:
                heard = self._graph.pull()
            except (BlockingIOError, EOFError):
                break
            assert isinstance(heard, av.AudioFrame)
            stretched = (
                [heard] if self._stretch is None else self._frames(self._stretch.push(heard.to_ndarray()))
            )
            for frame in stretched:
                ready += self._out.encode(frame)
        if last:
            if self._stretch is not None:
                for frame in self._frames(self._stretch.rest(self._lasts)):
                    ready += self._out.encode(frame)
            ready += self._out.encode(None)
        return ready

    def _frames(self, samples: np.ndarray) -> list[av.AudioFrame]:
        """Samples as one frame after those before; none for none."""
        if not samples.shape[1]:
            return []
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._written, Fraction(1, self._rate)
        self._written += samples.shape[1]
        return [frame]


@final
class _Alike:
    """Frames as the first one is: its samples, channels and rate, as broadcasts change theirs on the way."""

    def __init__(self) -> None:
        self._first: tuple[str, str, int] | None = None
        self._resampler: tuple[tuple[str, str, int], av.AudioResampler] | None = None

    def __call__(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        self._first = self._first or kind
        if kind == self._first:
            return [frame]
        if self._resampler is None or self._resampler[0] != kind:
            self._resampler = kind, av.AudioResampler(*self._first)
        return self._resampler[1].resample(frame)


@final
class _Lasting:
    """Packets of text, each with a duration: one without is shown until the next, or until the end."""

    def __init__(self, carried: Carried, stream: Any) -> None:
        self._end = carried.end
        self._is_text = codec_of(stream) in TEXT
        self._waiting: Packet | None = None
        self._latest: Fraction | None = None

    def __call__(self, packet: Packet) -> list[Packet]:
        ready, last = [], packet.dts is None
        if not last:
            if self._latest is not None and begins(packet) < self._latest:
                raise Damaged
            self._latest = begins(packet)
        if (before := self._waiting) is not None and before.time_base:
            until = self._end if last else begins(packet)
            before.duration = max(round((until - begins(before)) / before.time_base), 0)
            ready.append(before)
        self._waiting = packet if self._is_text and not last and not packet.duration else None
        return ready if last or self._waiting is not None else [*ready, packet]


@final
class CopiedSubtitles:
    """Packets as they are, at the times at which the output shows the same."""

    def __init__(self, carried: Carried, stream: Any, container: av.container.OutputContainer) -> None:
        self._carried, self._lasting = carried, _Lasting(carried, stream)
        self._out = _like(container.add_stream_from_template(stream), stream)

    def packets(self, packet: Packet) -> list[Packet]:
        """The packets that are complete, if they are within the stretch."""
        return [whole for whole in self._lasting(packet) if _moved(whole, self._carried, self._out)]


@final
class EncodedSubtitles:
    """Text in another format, at the times at which the output shows the same."""

    def __init__(
        self, carried: Carried, stream: Any, container: av.container.OutputContainer, holds: Holds
    ) -> None:
        self._carried, self._lasting = carried, _Lasting(carried, stream)
        self._decoder = stream.codec_context
        self._decoder.open(strict=False)
        self._out = _like(container.add_stream(holds.subtitle_encoder), stream)
        # The styles, which every encoder of text wants to know.
        self._out.codec_context.subtitle_header = self._decoder.subtitle_header

    def packets(self, packet: Packet) -> list[Packet]:
        """The same text, if it is within the stretch."""
        return [encoded for whole in self._lasting(packet) for encoded in self._encoded(whole)]

    def _encoded(self, packet: Packet) -> list[Packet]:
        try:
            text = self._decoder.decode2(packet)
        except av.error.FFmpegError as error:
            raise Damaged from error
        # An empty one ends what is shown before it; the times of that do, too.
        if text is None or not len(text):
            return []
        encoded = self._out.codec_context.encode_subtitle(text)
        encoded.pts = encoded.dts = packet.pts
        encoded.duration, encoded.time_base = packet.duration, packet.time_base
        return [encoded] if _moved(encoded, self._carried, self._out) else []


def _moved(packet: Packet, carried: Carried, out: Any) -> bool:
    """Put ``packet`` at the times when the output shows the same; whether any of it is shown."""
    tick = packet.time_base
    assert tick is not None  # FFmpeg gives every packet one
    first = begins(packet)
    last = first + (packet.duration or 0) * tick
    if last < carried.start or first >= carried.end or (packet.duration and last == carried.start):
        return False
    shown, gone = (carried.output_time(min(max(t, carried.start), carried.end)) for t in (first, last))
    # Finer than Matroska's clock, on which slow motion would round twice.
    packet.time_base = Fraction(1, 1_000_000)
    packet.pts = packet.dts = round(shown * 1_000_000)
    packet.duration = round((gone - shown) * 1_000_000)
    packet.stream = out
    return True


def _sound_graph(carried: Carried, first: av.AudioFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    start, end = float(carried.start), float(carried.sound_end)
    steps = [
        graph.add_abuffer(
            sample_rate=first.sample_rate,
            format=first.format,
            layout=first.layout,
            time_base=first.time_base,
        ),
        graph.add("aresample", "async=1:min_hard_comp=0.01"),
        graph.add("atrim", f"start={start!r}:end={end!r}"),
        graph.add("asetpts", f"PTS-{start!r}/TB"),
    ]
    if carried.stretches:
        # What begins later does so by silence; the rest is ``Stretch``.
        steps += [graph.add("aresample", "async=1:first_pts=0"), graph.add("aformat", "sample_fmts=fltp")]
    graph.link_nodes(*steps, graph.add("abuffersink")).configure()
    return graph
