"""MP4, Matroska and WebM: H.264 and VP9, or HEVC and AV1 for 10 bits; 4:2:0, or 4:4:4 where a side is odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from math import inf
from pathlib import Path
from typing import final

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from tweenfield.video.color import frame_from_rgb
from tweenfield.video.containers.base import Look
from tweenfield.video.containers.x265 import REORDERED, x265_options
from tweenfield.video.depth import Levels
from tweenfield.video.sound import SoundFormat, accompanied


@final
@dataclass(frozen=True, kw_only=True)
class Coded:
    """A file that an encoder of FFmpeg's fills.

    Attributes:
        codec: the encoder's name.
        options: for the encoder.
        deep: the encoder's name and options for frames of uint16.
        sound: what of sound the container holds.
        muxer_options: for the container.
        square_pixels: PyAV can't hand a pixel aspect ratio to some muxers.
    """

    codec: str
    options: Mapping[str, str]
    deep: tuple[str, Mapping[str, str]]
    sound: SoundFormat
    muxer_options: Mapping[str, str] = field(default_factory=dict)
    square_pixels: bool = False
    folder: bool = field(default=False, init=False)
    holds_sound: bool = field(default=True, init=False)
    highest_rate: Fraction | None = field(default=None, init=False)

    def write(self, path: Path, frames: Iterator[Levels[np.ndarray, "height width 3"]], look: Look) -> int:
        """Write the frames; times are exactly k / rate, rounded to the container's clock."""
        begin = list(islice(frames, REORDERED))
        first = begin[0]
        height, width, _ = first.shape
        odd = height % 2 or width % 2
        deep = first.dtype == np.uint16
        codec, options = self.deep if deep else (self.codec, self.options)
        pixel_format = "yuv444p" if codec in ("libx264", "libx265") and odd else "yuv420p"
        pixel_format += "10le" * deep
        if codec == "libx265":
            options = {**options, **x265_options((height, width), len(begin), look.hdr)}
        with av.open(f"file:{path}", "w", options=dict(self.muxer_options)) as container:
            stream = container.add_stream(codec, rate=look.rate, options=dict(options))
            context = stream.codec_context
            if codec == "libx265" and path.suffix == ".mp4":
                context.codec_tag = "hvc1"  # Apple's players know no other.
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            context.time_base = stream.time_base = 1 / look.rate
            context.sample_aspect_ratio = look.sample_aspect_ratio
            context.colorspace, context.color_range = look.color.matrix, 2 if look.color.full_range else 1
            context.color_primaries, context.color_trc = look.color.primaries, look.color.transfer
            reformatter, count = VideoReformatter(), 0
            with accompanied(container, look.sound, self.sound) as accompaniment:
                for count, rgb in enumerate(chain(begin, frames), start=1):
                    frame = frame_from_rgb(rgb, look.color, pixel_format, reformatter)
                    frame.pts, frame.time_base = count - 1, 1 / look.rate
                    container.mux(stream.encode(frame))
                    if accompaniment is not None:
                        accompaniment.write_until(float(count / look.rate), container)
                container.mux(stream.encode(None))
                if accompaniment is not None:
                    accompaniment.write_until(inf, container)
        return count
