"""Opening a file and decoding it frame after frame, with one clear sentence for each way that can fail."""

from __future__ import annotations

import re
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, final

import av

from tweenfield.errors import VideoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What FFmpeg takes other files from.
_PLAYLISTS = frozenset(["hls", "concat", "dash", "imf", "sdp"])
# What FFmpeg makes of any text file: no video.
_TEXT_CODECS = frozenset(["ansi", "bintext", "xbin", "idf"])
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
        raise VideoError(f"{path}: no such file or folder; check the path") from error
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


@final
class Gaps:
    """Stretches that can't be decoded: the ticks of the frames before and after each."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int]] = []


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path, gaps: Gaps | None = None
) -> Iterator[av.VideoFrame]:
    """Frames in the order of display, without those of a damaged stretch, if ``gaps`` takes these.

    After damage nothing is given until the next key frame, as it would be predicted from the damage.

    Raises:
        VideoError: nothing can be decoded, the rest of the file can't, or it ends before its header says, or
            without ``gaps`` any is damaged; says how many frames came before.
    """
    count, last, damaged = 0, None, False
    packets, decode = container.demux(stream), _decoder(stream)
    while True:
        try:
            packet = next(packets, None)
            frames = decode(packet) if packet is not None else []
        except av.error.FFmpegError as error:
            if gaps is None or last is None:
                raise _damaged(path, count) from error
            damaged = True
            continue
        if packet is None:
            break
        for frame in frames:
            damaged = damaged or frame.is_corrupt
            if damaged and (gaps is None or last is None):
                raise _damaged(path, count)
            if damaged and (frame.is_corrupt or not frame.key_frame):
                continue
            if damaged and last is not None and gaps is not None:
                gaps.found.append((last.pts or 0, frame.pts or 0))
            damaged = False
            yield frame
            count, last = count + 1, frame
    if damaged or last is None or _ends_early(stream, last):
        raise _damaged(path, count)
    missing = gaps is not None and bool(gaps.found)
    if count != stream.frames and not missing and (is_cut_short(path) or _index_leads_outside(stream, path)):
        raise _damaged(path, count)


def _decoder(stream: av.VideoStream) -> Callable[[Any], list[av.VideoFrame]]:
    """From packets of a stream to its frames, opacity included."""
    own = stream.codec_context
    if stream.metadata.get("alpha_mode") != "1" or own.name not in _WITH_ALPHA:
        return stream.decode
    decoder = av.CodecContext.create(_WITH_ALPHA[own.name], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.color_primaries, decoder.color_trc = own.color_primaries, own.color_trc
    # The empty packet at the end asks for what is left.
    return lambda packet: decoder.decode(packet if packet.size else None)


def _damaged(path: Path, count: int) -> VideoError:
    if count == 0:
        return VideoError(f"{path}: the file is damaged and no frame can be decoded; get a complete copy")
    return VideoError(
        f"{path}: the file is damaged or cut short and only the first {count} frames can be decoded; "
        f"get a complete copy, or use those with --frames 0:{count}"
    )


def _ends_early(stream: av.VideoStream, last: av.VideoFrame) -> bool:
    """Whether Matroska's own statistics promise more: its reader steps over damage without a word."""
    promised = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
    if not promised or last.pts is None or not last.duration:
        return False
    hours, minutes, seconds = (Fraction(part) for part in promised.groups())
    return hours * 3600 + minutes * 60 + seconds > (last.pts + 2 * last.duration) * tick(stream)


def _index_leads_outside(stream: av.VideoStream, path: Path) -> bool:
    """Whether a frame should lie beyond the end of the file, as in an MP4 whose last box is left open."""
    size = path.stat().st_size
    return any(entry.pos + entry.size > size for entry in stream.index_entries)


def tick(stream: av.VideoStream) -> Fraction:
    """Seconds per tick of the stream's clock."""
    assert stream.time_base is not None  # FFmpeg gives every stream one
    return stream.time_base


def is_cut_short(path: Path) -> bool:
    """Whether the outermost header (Matroska, RIFF, MP4) promises more bytes than there are."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"RIFF":
            return 8 + int.from_bytes(head[4:8], "little") > size
        if head[:4] == b"\x1aE\xdf\xa3":
            return _matroska_end(file) > size
        if head[4:8] == b"ftyp":
            return _mp4_end(file, size) > size
    return False


def _matroska_end(file: BinaryIO) -> int:
    """Where the segment, the second top-level element, should end; 0 if left open (live recording)."""

    def length() -> int | None:
        first = file.read(1)[0]
        width = 9 - first.bit_length()
        value = int.from_bytes(bytes([first & (0xFF >> width)]) + file.read(width - 1), "big")
        return None if value == (1 << 7 * width) - 1 else value

    file.seek(4)
    file.seek(length() or 0, 1)
    if file.read(4) != b"\x18S\x80g":
        return 0
    segment = length()
    return 0 if segment is None else file.tell() + segment


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
