"""Files that encoders of FFmpeg's fill: MP4, QuickTime, Matroska, WebM, and YUV4MPEG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, final

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.video.reformatter import VideoReformatter

from tweenfield.video.carrying import Carrier, Holds, carrying, last_covers
from tweenfield.video.color import frame_from_rgb, is_rgb
from tweenfield.video.containers.base import Look
from tweenfield.video.containers.codecs import CODECS, Codec, Encoding, allows_alpha
from tweenfield.video.containers.graded import graded
from tweenfield.video.containers.quicktime import add_covers, name_languages
from tweenfield.video.containers.svtav1 import open_with_usual_priority
from tweenfield.video.containers.x264 import x264_options
from tweenfield.video.containers.x265 import REORDERED, x265_options
from tweenfield.video.depth import Levels
from tweenfield.video.hdr import svtav1_parameters

Packet: TypeAlias = "av.Packet[Any]"

# Without, Matroska has random numbers in it, and no two runs would give the same bytes.
_ALIKE = {"fflags": "+bitexact"}


@final
@dataclass(frozen=True, kw_only=True)
class Coded:
    """A file that an encoder of FFmpeg's fills.

    Attributes:
        muxer: FFmpeg's name of the container.
        codecs: what it holds, the usual one first.
        deep: the usual one for more than 8 bits.
        clear: those whose opacity it can hold, the usual one first.
        deep_clear: the usual one of them for more than 8 bits.
        holds: what it has room for besides the picture.
        options: for the container.
        square_pixels: PyAV can't hand a pixel aspect ratio to some muxers.
    """

    muxer: str
    codecs: tuple[str, ...]
    deep: str
    holds: Holds | None
    clear: tuple[str, ...] = ()
    deep_clear: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    square_pixels: bool = False
    folder: bool = field(default=False, init=False)
    highest_rate: Fraction | None = field(default=None, init=False)

    def keeps_alpha(self, encoding: Encoding) -> bool:
        """Whether it can hold opacity as the codec that is asked for, or the usual one, makes it."""
        codec = self.codec(encoding, 8, clear=True)
        return codec in self.clear and CODECS[codec].keeps_alpha(encoding)

    def stays_clear(self, look: Look) -> bool:
        """Whether frames are transparent and are written as such."""
        return look.transparent and self.keeps_alpha(look.encoding)

    def write(
        self, path: Path, frames: Iterator[Levels[np.ndarray, "height width channels"]], look: Look
    ) -> int:
        """Write the frames; times are exactly k / rate, rounded to the container's clock."""
        first, count = list(islice(frames, REORDERED)), 0
        shape = _Shape.of(first)
        with self._opened(path, shape, look) as (container, picture, carrier):
            for count, rgb in enumerate(chain(first, frames), start=1):
                container.mux(picture.encoded(rgb, count - 1))
                carrier.write_until(look.until(count - 1), container)
            container.mux(picture.rest())
            carrier.write_until(None, container)
        return count

    def write_piece(
        self,
        path: Path,
        frames: Iterator[Levels[np.ndarray, "height width channels"]],
        look: Look,
        begin: int,
    ) -> int:
        """Write frames from number ``begin`` on into a file for ``join``; returns how many there were."""
        first, count = list(islice(frames, REORDERED)), 0
        shape = _Shape.of(first)
        codec = self.codec_for(look.encoding, shape.depth, clear=shape.clear)
        with av.open(f"file:{path}", "w", format=codec.piece) as container:
            picture = _Picture(container, codec, shape, look, begin)
            for count, rgb in enumerate(chain(first, frames), start=1):
                container.mux(picture.encoded(rgb, begin + count - 1))
            container.mux(picture.rest())
        return count

    def join(
        self, path: Path, pieces: Iterable[tuple[int, Path]], count: int, size: tuple[int, int], look: Look
    ) -> None:
        """Put pieces together as they come, with all that is carried over."""
        shape = _Shape(size=size, depth=look.depth, clear=self.stays_clear(look), frames=count)
        codec = self.codec_for(look.encoding, look.depth, clear=shape.clear)
        with self._opened(path, shape, look) as (container, picture, carrier):
            for begin, piece in pieces:
                start = look.tick(begin) * look.clock
                for number, packet in enumerate(_packets(piece, codec.unpacked), start=begin):
                    assert packet.dts is not None and packet.pts is not None and packet.time_base
                    if codec.piece == "matroska":
                        # Its clock isn't exact; but what it holds is in the order of display.
                        packet.dts = packet.pts = look.tick(number) - look.tick(begin)
                        packet.duration = round(look.until(number) / look.clock) - look.tick(number)
                        packet.time_base = look.clock
                    shift = round(start / packet.time_base)
                    packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
                    packet.stream = picture.stream
                    until = packet.dts * packet.time_base
                    container.mux(packet)
                    carrier.write_until(until, container)
            carrier.write_until(None, container)

    @contextmanager
    def _opened(
        self, path: Path, shape: _Shape, look: Look
    ) -> Iterator[tuple[av.container.OutputContainer, _Picture, Carrier]]:
        covers = last_covers(look.carried, self.holds)
        # Those go to the end of the file's index, which must be the end of the file then.
        options = {} if covers else self.options
        with av.open(f"file:{path}", "w", format=self.muxer, options={**_ALIKE, **options}) as container:
            codec = self.codec_for(look.encoding, shape.depth, clear=shape.clear)
            picture = _Picture(container, codec, shape, look)
            picture.stream.disposition = av.stream.Disposition.default
            if codec.tag and self.muxer in ("mp4", "mov"):
                picture.stream.codec_context.codec_tag = codec.tag
            with carrying(container, picture.stream, look.carried, self.holds) as carrier:
                yield container, picture, carrier
            languages = [stream.metadata.get("language", "") for stream in container.streams]
        if self.muxer == "mov":
            name_languages(path, languages)
        if covers:
            add_covers(path, covers)

    def codec_for(self, encoding: Encoding, depth: int, *, clear: bool) -> Codec:
        """What frames of so many bits, transparent or not, are encoded with."""
        return CODECS[self.codec(encoding, depth, clear=clear)]

    def codec(self, encoding: Encoding, depth: int, *, clear: bool) -> str:
        """The name of what is asked for, or usual for so many bits and for transparent frames or not."""
        if encoding.codec:
            return encoding.codec
        if clear and self.clear and allows_alpha(encoding):
            return self.deep_clear or self.clear[0] if depth > 8 else self.clear[0]
        return self.codecs[0] if depth == 8 else self.deep


class _Shape(NamedTuple):
    """What an encoder must know of the frames: (height, width), bits, whether they are RGBA, and how many
    there are at least.
    """

    size: tuple[int, int]
    depth: int
    clear: bool
    frames: int

    @classmethod
    def of(cls, first: Sequence[np.ndarray]) -> _Shape:
        """That of frames of which these are the first ones."""
        height, width, channels = first[0].shape
        return cls((height, width), 8 if first[0].dtype == np.uint8 else 16, channels == 4, len(first))


def _packets(piece: Path, unpacked: str) -> Iterator[Packet]:
    """The packets of a piece as the encoder made them."""
    with av.open(f"file:{piece}") as source:
        stream = source.streams.video[0]
        unpack = BitStreamFilterContext(unpacked, stream)
        for packet in source.demux(stream):
            # The last one is empty.
            if packet.size:
                yield from unpack.filter(packet)
        yield from unpack.filter(None)


@final
class _Picture:
    """The stream of the picture in a container, and its encoder; frame ``begin`` is at 0."""

    def __init__(
        self,
        container: av.container.OutputContainer,
        codec: Codec,
        shape: _Shape,
        look: Look,
        begin: int = 0,
    ) -> None:
        self._look, self._start = look, look.tick(begin)
        self._format = codec.pixel_format(look.encoding, shape.size, shape.depth, clear=shape.clear)
        self._reformatter = VideoReformatter()
        options = codec.options_for(look.encoding, clear=shape.clear)
        if codec.encoder == "libx265":
            options |= x265_options(shape.size, shape.frames, look.hdr)
        elif codec.encoder == "libx264":
            options |= x264_options(look.hdr)
        elif codec.encoder == "libsvtav1" and (told := svtav1_parameters(look.hdr)):
            options["svtav1-params"] = ":".join(told)
        by_container = None if look.hdr is None or codec.tells_hdr else codec.matroska
        # An encoder whose packets go to another stream needs a container all the same.
        place = av.open("-", "w", format="null") if by_container else container
        stream = place.add_stream(codec.encoder, rate=look.rate, options=options)
        assert isinstance(stream, av.VideoStream)  # as the encoder is one of pictures
        stream.height, stream.width = shape.size
        # Not by the number of processors, or another machine would write other bytes.
        stream.codec_context.thread_count = codec.threads
        stream.pix_fmt = self._format
        context, color = stream.codec_context, look.color
        context.time_base = stream.time_base = look.clock
        context.sample_aspect_ratio = look.sample_aspect_ratio
        if not is_rgb(self._format):
            context.colorspace, context.color_range = color.matrix, 2 if color.full_range else 1
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        if codec.encoder == "libsvtav1":
            open_with_usual_priority(context)
        self.stream = self._encoder = stream
        if by_container and look.hdr:
            context.open()
            self.stream = graded(container, context, by_container, look.hdr)

    def encoded(self, rgb: Levels[np.ndarray, "height width channels"], index: int) -> list[Packet]:
        """Packets that are ready once this frame is encoded."""
        frame = frame_from_rgb(rgb, self._look.color, self._format, self._reformatter)
        frame.pts, frame.time_base = self._look.tick(index) - self._start, self._look.clock
        return self._of_stream(self._encoder.encode(frame))

    def rest(self) -> list[Packet]:
        """Packets that are still in the encoder."""
        return self._of_stream(self._encoder.encode(None))

    def _of_stream(self, packets: list[Packet]) -> list[Packet]:
        for packet in packets:
            packet.stream = self.stream
        return packets
