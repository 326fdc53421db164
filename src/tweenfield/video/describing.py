"""What a video is, without decoding it: the facts for ``tweenfield info``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
from av.video.reformatter import VideoReformatter

from tweenfield.video.carrying.plan import codec_of
from tweenfield.video.clip import ColorTags
from tweenfield.video.color import (
    MATRIX_NAMES,
    PRIMARIES_NAMES,
    TRANSFER_NAMES,
    bits_of,
    color_tags,
    has_alpha,
    rgb_from_frame,
)
from tweenfield.video.converting import is_mirrored, quarter_turns
from tweenfield.video.decoding import cut_off, decoded, open_video, tick
from tweenfield.video.depth import depth_of_bits
from tweenfield.video.hdr import Hdr, dolby_vision, hdr_of
from tweenfield.video.images import image_paths, read_image
from tweenfield.video.interlacing import Watch
from tweenfield.video.png import color_of
from tweenfield.video.surveying import FOLDER_RATE
from tweenfield.video.timing import frame_times, increasing, standard_rate
from tweenfield.video.transparency import is_transparent

# FFmpeg's name for images of so many channels and bits.
_PACKED = {(3, 8): "rgb24", (3, 16): "rgb48", (4, 8): "rgba", (4, 16): "rgba64"}

# So many frames show what is in a video.
_LOOKED_AT = 100


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """Facts about a video file or a folder of images.

    Attributes:
        container: FFmpeg's name, "folder" for images.
        codec: FFmpeg's name, the extension for images.
        pixel_format: FFmpeg's name.
        depth: bits per component: 8, 10, 12 or 16.
        size: (height, width) as shown, so after ``rotation``.
        frames: how many.
        rate: nominal frames per second.
        constant_rate: whether the time stamps are those of one rate.
        duration: seconds, frames / rate for a constant rate.
        time_base: seconds per tick of the file's clock.
        color: what ``read_video`` will convert with and pass on.
        matrix: what the file says, by name.
        primaries: likewise.
        transfer: likewise.
        sample_aspect_ratio: width over height of one pixel as shown.
        rotation: degrees counterclockwise that bring the stored picture upright.
        mirrored: whether it is to be turned upside down before that, as a selfie may be.
        transparent: whether the first frames are transparent anywhere.
        interlaced: whether the first frames are two fields of different times each, marked or not.
        audio: codec of each audio stream.
        subtitles: codec of each stream of subtitles.
        chapters: how many.
        attachments: how many files are attached, such as fonts.
        hdr: what the first frame says about high dynamic range.
        dolby_vision: profile and compatibility, such as 8.1; colours of 5.0 and 10.0 can't be shown right.
    """

    container: str
    codec: str
    pixel_format: str
    depth: int
    size: tuple[int, int]
    frames: int
    rate: Fraction
    constant_rate: bool
    duration: Fraction
    time_base: Fraction
    color: ColorTags
    matrix: str
    primaries: str
    transfer: str
    sample_aspect_ratio: Fraction
    rotation: int
    mirrored: bool
    transparent: bool
    interlaced: bool
    audio: tuple[str, ...]
    subtitles: tuple[str, ...]
    chapters: int
    attachments: int
    hdr: Hdr | None
    dolby_vision: str | None


def describe_video(path: str | Path) -> VideoInfo:
    """Look at the first frames and at all time stamps, but decode no more.

    Raises:
        VideoError: there is nothing that can be read.
    """
    path = Path(path)
    return _describe_folder(path) if path.is_dir() else _describe_file(path)


def _describe_folder(path: Path) -> VideoInfo:
    paths = image_paths(path)
    image = read_image(paths[0])
    (height, width, channels), depth = image.shape, 8 * image.dtype.itemsize
    color, hdr = color_of(paths[0].read_bytes())
    stated = color != ColorTags()
    return VideoInfo(
        container="folder",
        codec=paths[0].suffix.lower().lstrip("."),
        pixel_format=_PACKED[channels, depth],
        depth=depth,
        size=(height, width),
        frames=len(paths),
        rate=FOLDER_RATE,
        constant_rate=True,
        duration=len(paths) / FOLDER_RATE,
        time_base=1 / FOLDER_RATE,
        color=color,
        matrix="gbr",
        primaries=PRIMARIES_NAMES.get(color.primaries, str(color.primaries)) if stated else "unspecified",
        transfer=TRANSFER_NAMES.get(color.transfer, str(color.transfer)) if stated else "unspecified",
        sample_aspect_ratio=Fraction(1),
        rotation=0,
        mirrored=False,
        transparent=is_transparent(image),
        interlaced=False,
        audio=(),
        subtitles=(),
        chapters=0,
        attachments=0,
        hdr=hdr,
        dolby_vision=None,
    )


def _describe_file(path: Path) -> VideoInfo:
    with open_video(path) as (container, stream):
        frames, watch = decoded(container, stream, path), Watch()
        frame = next(frames, None)
        if frame is None:
            raise cut_off(path, 0)
        color, turns = color_tags(frame, path), quarter_turns(frame.rotation, path)
        reformatter, transparent = VideoReformatter(), False
        for shown in chain([frame], islice(frames, _LOOKED_AT - 1)):
            watch.look(shown)
            if has_alpha(shown.format) and not transparent:
                transparent = is_transparent(rgb_from_frame(shown, color, reformatter))
    with open_video(path) as (container, stream):
        times, rate, constant = _stamped(container, stream, path)
        size, aspect = (frame.height, frame.width), Fraction(stream.sample_aspect_ratio or 1)
        return VideoInfo(
            container=container.format.name,
            codec=codec_of(stream) or "unknown",
            pixel_format=frame.format.name,
            depth=depth_of_bits(bits_of(frame.format)),
            size=size[::-1] if turns % 2 else size,
            frames=len(times),
            rate=rate,
            constant_rate=constant,
            duration=len(times) / rate if constant else times[-1] + 1 / rate,
            time_base=tick(stream),
            color=color,
            matrix=MATRIX_NAMES.get(frame.colorspace, str(frame.colorspace)),
            primaries=PRIMARIES_NAMES.get(frame.color_primaries, str(frame.color_primaries)),
            transfer=TRANSFER_NAMES.get(frame.color_trc, str(frame.color_trc)),
            sample_aspect_ratio=1 / aspect if turns % 2 else aspect,
            rotation=turns * 90,
            mirrored=is_mirrored(frame),
            transparent=transparent,
            interlaced=watch.found() is not None,
            audio=tuple(codec_of(s) or "unknown" for s in container.streams.audio),
            subtitles=tuple(codec_of(s) or "unknown" for s in container.streams.subtitles),
            chapters=len(container.chapters()),
            attachments=len(container.streams.attachments),
            hdr=hdr_of(frame),
            dolby_vision=dolby_vision(path),
        )


def _stamped(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path
) -> tuple[tuple[Fraction, ...], Fraction, bool]:
    """Times of all frames, nominal rate, and whether that is constant, by the stamps of packets.

    Where stamps are no use, as in AVI, times are those of the nominal rate.
    """
    # VP8 has packets that show nothing; of everything else each packet is a frame.
    if stream.codec_context.name == "vp8":
        stamps = [f.pts for f in decoded(container, stream, path)]
    else:
        stamps = [p.pts for p in container.demux(stream) if p.size and not p.is_discard]
    ordered = sorted(s for s in stamps if s is not None)
    rates = [standard_rate(r) for r in (stream.average_rate, stream.guessed_rate) if r] or [FOLDER_RATE]
    whole = len(ordered) == len(stamps) and increasing(ordered)
    if whole and (found := frame_times(ordered, tick(stream), rates)):
        return found
    return tuple(k / rates[0] for k in range(len(stamps))), rates[0], True
