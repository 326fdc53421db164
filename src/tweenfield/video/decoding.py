"""Opening a file and decoding it frame after frame, with one clear sentence for each way that can fail."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av

from tweenfield.errors import VideoError
from tweenfield.video.damage import (
    UNHARMED,
    Checks,
    Damage,
    ends_early,
    examine,
    packets_of,
)
from tweenfield.video.matroska import matroska_end, segment_end
from tweenfield.video.timing import stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tweenfield.video.damage import Decode

# What FFmpeg takes other files from.
_PLAYLISTS = frozenset(["hls", "concat", "dash", "imf", "sdp"])
# What FFmpeg makes of any text file: no video.
_TEXT_CODECS = frozenset(["ansi", "bintext", "xbin", "idf"])
_MISSING = "no such file or folder; check the path"
# VP8 and VP9 keep opacity in a second picture beside each packet, which FFmpeg's own decoders don't look at.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def open_container(path: Path) -> av.container.InputContainer:
    """The file at ``path``, from which no other file and no network address is opened.

    Raises:
        av.error.FFmpegError: FFmpeg can't open it.
        VideoError: it is a list of other files.
    """
    # "file:" keeps a name with a colon from being taken for a protocol. Texts in old files aren't UTF-8.
    container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    if container.format.name in _PLAYLISTS:
        container.close()
        raise VideoError(f"{path}: this is a list of other files, not a video; give those")
    return container


@contextmanager
def open_video(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The container and its main video stream, ready to decode.

    Raises:
        VideoError: the file is missing, empty, unreadable, cut short before its index, or has no video.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() and not path.is_dir():
            raise VideoError(f"{path}: this is no file but a device or a pipe; give a file, or - for stdin")
        with path.open("rb"):
            pass
        if size == 0:
            raise VideoError(f"{path}: the file is empty; give a video file")
        container = open_container(path)
    except FileNotFoundError as error:
        what = "only run reads a video from stdin; give a file" if str(path) == "-" else _MISSING
        raise VideoError(f"{path}: {what}") from error
    except av.error.FFmpegError as error:
        cut = "the file is cut short" if is_cut_short(path) else "this isn't a video that can be decoded"
        raise VideoError(f"{path}: {cut}; give a complete video file or a folder of images") from error
    except OSError as error:
        raise VideoError(
            f"{path}: the file can't be read ({error.strerror}); check its permissions"
        ) from error
    with container:
        yield container, _main_stream(container, path)


def _main_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    # A codec that this FFmpeg can't decode leaves the stream without one.
    moving = [s for s in moving if s.codec_context is None or s.codec_context.name not in _TEXT_CODECS]
    if not moving:
        found = "only audio" if container.streams.audio else "no video"
        raise VideoError(f"{path}: the file holds {found}; give a file with a video stream")
    stream = moving[0]
    if stream.codec_context is None:
        raise VideoError(f"{path}: there is no decoder for its video codec; convert it to H.264")
    stream.thread_type = "AUTO"
    return stream


def decoded(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    path: Path,
    damage: Damage = UNHARMED,
    signs: set[int] | None = None,
) -> Iterator[av.VideoFrame]:
    """Frames in the order of display, without those that are lost.

    Args:
        container: with the stream.
        stream: to decode.
        path: of the file.
        damage: what is known of it.
        signs: takes the stamps of packets where something tells of damage that isn't known.

    Raises:
        VideoError: nothing can be decoded, or the file ends before its header says and there were no signs;
            says how many frames came before.
    """
    checks = None if signs is None else Checks(container, stream, path)
    signs = set() if signs is None else signs
    decode = _decoder(stream)
    # What can't be shown is kept from the decoder of H.264, which may get the key frame behind it wrong. That
    # of MPEG-4 gets more wrong if it is kept from it.
    unfit = stream.codec_context.name == "h264"
    broken, good, stamp = min(damage.lost, default=inf), 0, 0
    last: av.VideoFrame | None = None
    reached = 0
    for packet in packets_of(container, stream):
        # The empty packet at the end has none.
        stamp = stamp_of(packet) if packet.size else stamp
        reached = packet.pos + packet.size if packet.size and packet.pos is not None else reached
        odd = checks is not None and (checks.is_damaged(packet) or checks.torn or checks.altered)
        frames: list[av.VideoFrame] = []
        lost = unfit and packet.size > 0 and stamp in damage.lost
        if not lost:
            try:
                frames = decode(packet)
            except av.error.FFmpegError:
                odd = True
        found = {stamp} if odd else set()
        found |= checks.damaged(packet, frames) if checks and not lost else set()
        signs.update(sign for sign in found if sign > damage.until)
        for frame in frames:
            last = frame
            if stamp_of(frame) not in damage.lost and not frame.is_corrupt:
                good += stamp_of(frame) < broken
                yield frame
    if last is not None and damage.until < inf and ends_early(stream, stamp_of(last), last.duration):
        signs.add(stamp_of(last))
    if signs:
        return
    if last is None:
        raise cut_off(path, 0)
    # YUV4MPEG has no index; FFmpeg leaves out a last frame that isn't whole without a word.
    torn = container.format.name == "yuv4mpegpipe" and reached < path.stat().st_size
    if good != stream.frames and (torn or is_cut_short(path) or _index_leads_outside(stream, path)):
        raise cut_off(path, good)


def examined(path: Path, last: int) -> Damage:
    """The damage in a file up to the picture with the stamp ``last`` and the end of its stretch.

    Raises:
        VideoError: it can't be opened.
    """
    with open_video(path) as (container, stream):
        return examine(container, stream, path, last, _decoder(stream))


def _decoder(stream: av.VideoStream) -> Decode:
    """From packets of a stream to its frames, opacity included."""
    own = stream.codec_context
    if stream.metadata.get("alpha_mode") != "1" or own.name not in _WITH_ALPHA:
        return stream.decode
    decoder = av.CodecContext.create(_WITH_ALPHA[own.name], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.color_primaries, decoder.color_trc = own.color_primaries, own.color_trc
    # The empty packet at the end asks for what is left.
    return lambda packet: decoder.decode(packet if packet.size else None)


def cut_off(path: Path, count: int) -> VideoError:
    """What to say of a file of which only so many frames can be decoded."""
    if count == 0:
        return VideoError(f"{path}: the file is damaged and no frame can be decoded; get a complete copy")
    return VideoError(
        f"{path}: the file is damaged or cut short and only the first {count} frames can be decoded; "
        f"get a complete copy, or use those with --frames 0:{count}"
    )


def _index_leads_outside(stream: av.VideoStream, path: Path) -> bool:
    """Whether a frame should lie beyond the end of the file, as in an MP4 whose last box is left open."""
    size = path.stat().st_size
    return any(entry.pos + entry.size > size for entry in stream.index_entries)


def tick(stream: av.stream.Stream) -> Fraction:
    """Seconds per tick of the stream's clock."""
    assert stream.time_base is not None  # FFmpeg gives every stream one
    return stream.time_base


def ends_at(stream: av.AudioStream) -> Fraction:
    """When a stream ends by what the container says, in seconds on the file's clock; 0 if it doesn't."""
    if stream.duration is None:
        return matroska_end(stream) or Fraction(0)
    return ((stream.start_time or 0) + stream.duration) * tick(stream)


def is_cut_short(path: Path) -> bool:
    """Whether the outermost header (Matroska, RIFF, MP4) promises more bytes than there are."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"RIFF":
            return 8 + int.from_bytes(head[4:8], "little") > size
        if head[4:8] == b"ftyp":
            return _mp4_end(file, size) > size
    return segment_end(path) > size


def _mp4_end(file: BinaryIO, size: int) -> int:
    """Where the last top-level box that can be found should end."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: the box reaches to the end of the file
            return size
        end += length
    return end
