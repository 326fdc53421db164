"""Video files and folders of images, as RGB frames with exact times."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import final

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from tweenfield.choices import Deinterlace
from tweenfield.errors import UsageError, VideoError
from tweenfield.storage.on_demand import OnDemand, rows_kept
from tweenfield.video.clip import Video
from tweenfield.video.color import bits_of, color_tags, has_alpha, rgb_from_frame
from tweenfield.video.decoding import Gaps, decoded, open_video, tick
from tweenfield.video.depth import Levels, depth_of_bits, dtype_of, with_depth
from tweenfield.video.hdr import hdr_of
from tweenfield.video.images import image_paths, read_image
from tweenfield.video.interlacing import Watch, Weave, deinterlaced
from tweenfield.video.selecting import Window, frame_range, frames_slice, resize
from tweenfield.video.timing import frame_times, gapped_times, increasing, standard_rate

FOLDER_RATE = Fraction(25)
OnProgress = Callable[[int, int], None]
OnNotice = Callable[[str], None]
_LEAVE = "--deinterlace off leaves it"
# Pictures held for a reader that is this many frames behind another.
_RECENT = 16


def read_video(
    path: str | Path,
    *,
    frames: slice | str | None = None,
    since: Fraction | None = None,
    until: Fraction | None = None,
    size: tuple[int, int] | None = None,
    folder_rate: Fraction = FOLDER_RATE,
    deinterlace: Deinterlace = Deinterlace.auto,
    on_progress: OnProgress = lambda done, total: None,
    on_notice: OnNotice = lambda sentence: None,
) -> Video:
    """Read a video file, or a folder of images in natural order.

    It is read once up to the last selected frame, to find its times and any damage. Frames of a long clip
    are then decoded again when they are indexed, so that it needn't fit in memory.
    Times count from the first selected frame. They are exact: stamps that are a constant rate rounded to
    the file's clock become that rate again, others are kept (variable rate; then the nominal rate is the
    mean one). A frame is turned upright if the file says so, then resized. The first frame decides whether
    all are uint8 or, with more than 8 bits per component, uint16.

    Args:
        path: what PyAV can decode, or a folder.
        frames: slice, or text ``A:B[:STEP]``, of the input's frames; all if None.
        since: in place of ``frames``: no frame before so many seconds after the first.
        until: in place of ``frames``: only frames before so many seconds after the first.
        size: (height, width) in pixels of the frames wanted; pixels change their aspect ratio so that
            the picture doesn't. Default: as stored.
        folder_rate: frames per second of a folder.
        deinterlace: whether pictures of two fields of different times are made into whole ones.
        on_progress: called after each frame with how many are read, and about how many there are.
        on_notice: called with a sentence about anything in the file that a user should know of.

    Raises:
        UsageError: ``frames`` is no range, ``until`` isn't after ``since``, or both kinds are given.
        VideoError: there is nothing that can be read, the range reaches outside the clip, or the file is
            damaged in it.
    """
    path, selection, window = Path(path), frames_slice(frames), Window(since or Fraction(0), until)
    if frames is not None and (since is not None or until is not None):
        raise UsageError("a range of frames and one of time can't be combined; give one of them")
    if path.is_dir():
        video = _read_folder(path, selection, window, size, folder_rate, on_progress)
    else:
        video = _read_file(path, selection, window, size, deinterlace, on_progress, on_notice)
    first = video.times[0]
    return replace(video, times=tuple(t - first for t in video.times), start=video.start + first)


def _read_folder(
    path: Path,
    selection: slice,
    window: Window,
    size: tuple[int, int] | None,
    rate: Fraction,
    on_progress: OnProgress,
) -> Video:
    paths = image_paths(path)
    indices = frame_range(selection, len(paths), str(path))
    image = read_image(paths[indices[0]])
    first, dtype = image.shape, image.dtype
    height, width = size or first[:2]

    def picture(k: int) -> Levels[np.ndarray, "height width 3"]:
        rgb = read_image(paths[indices[k]])
        if rgb.shape != first:
            raise VideoError(
                f"{paths[indices[k]]}: the image is {rgb.shape[0]}x{rgb.shape[1]} but those before it are "
                f"{first[0]}x{first[1]}; make all images of the folder the same size"
            )
        return resize(with_depth(rgb, dtype), (height, width))

    frames = OnDemand(picture, (len(indices), height, width, 3), dtype)
    for done, _ in enumerate(frames, start=1):  # An unusable image is found now, not after hours of work.
        on_progress(done, len(indices))
    return Video(
        frames=frames,
        times=tuple(i / rate for i in indices),
        rate=rate / indices.step,
        sample_aspect_ratio=_aspect(Fraction(1), first[:2], (height, width)),
        name=path.name,
        depth=8 * dtype.itemsize,
    )


def _read_file(
    path: Path,
    selection: slice,
    window: Window,
    size: tuple[int, int] | None,
    deinterlace: Deinterlace,
    on_progress: OnProgress,
    on_notice: OnNotice,
) -> Video:
    start, stop, step = selection.start or 0, selection.stop, selection.step or 1
    if start < 0 or (stop is not None and stop <= start):
        indices = frame_range(selection, count_frames(path), str(path))
        start, stop = indices.start, indices.stop
    span = slice(start, stop, step)
    watch = Watch() if deinterlace is Deinterlace.auto else None
    found = _look_through(path, span, window, size, None, watch, on_progress)
    weave = watch.found() if watch else None
    if weave is not None:
        on_notice(f"{path}: {weave.sentence} ({_LEAVE})")
        found.pictures.clear()
        found = _look_through(path, span, window, size, weave, None, on_progress)
    convert, times, rate = found.convert, found.times, found.rate
    if convert.transparent:
        on_notice(f"{path}: transparent parts are laid over black")
    indices = window.part(times, frame_range(span, len(times), str(path)), path)
    times = tuple(times[i] for i in indices)
    _tell(path, found.missing, times, on_notice)
    if found.constant or len(times) == 1:
        rate /= step
    else:
        rate = (len(times) - 1) / (times[-1] - times[0])
    decode = _Decoder(path, convert, weave)
    frames = OnDemand(lambda k: decode(indices[k]), (len(indices), *convert.size, 3), convert.dtype)
    for k, index in enumerate(indices):
        if index in found.pictures:
            frames.put(k, found.pictures[index])
    aspect = 1 / found.aspect if convert.turns % 2 else found.aspect
    return Video(
        frames=frames,
        times=times,
        rate=rate,
        color=convert.color,
        sample_aspect_ratio=_aspect(aspect, convert.upright, convert.size),
        name=path.name,
        start=found.begins,
        depth=convert.depth,
        hdr=convert.hdr,
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What is in a file up to the last frame that is wanted: all times, some pictures, damaged stretches."""

    convert: _Conversion
    times: tuple[Fraction, ...]
    rate: Fraction
    constant: bool
    begins: Fraction
    aspect: Fraction
    pictures: dict[int, np.ndarray]
    missing: list[tuple[Fraction, ...]]


def _look_through(
    path: Path,
    span: slice,
    window: Window,
    size: tuple[int, int] | None,
    weave: Weave | None,
    watch: Watch | None,
    on_progress: OnProgress,
) -> _Found:
    """Decode the file once; less of it if ``watch`` is sure that it must be done again."""
    presented: list[int | None] = []
    decoded_at: list[int | None] = []
    pictures: dict[int, np.ndarray] = {}
    convert: _Conversion | None = None
    with open_video(path) as (container, stream):
        gaps = Gaps()
        for index, frame in enumerate(_shown(decoded(container, stream, path, gaps), stream, weave)):
            presented.append(frame.pts)
            decoded_at.append(frame.dts)
            convert = convert or _Conversion(frame, path, size)
            convert.check(frame, index)
            if watch:
                watch.look(frame)
                if watch.is_sure:
                    break
            # As many as are kept are converted at once, so that a short clip is decoded once only.
            seconds = _since_first(frame.pts, presented[0], index, stream)
            wanted = index >= span.start and (index - span.start) % span.step == 0
            if wanted and window.may_hold(seconds, tick(stream)) and len(pictures) < convert.kept:
                pictures[index] = convert(frame)
            about = span.stop or stream.frames
            about = about or round(_seconds(container) * (stream.average_rate or FOLDER_RATE))
            on_progress(index + 1, max(about, index + 1))
            if index + 1 == span.stop or window.is_over(seconds, tick(stream)):
                break
        assert convert is not None  # without a single frame, decoding would have failed
        times, rate, constant = _times(presented, decoded_at, stream, path, gapped=bool(gaps.found))
        return _Found(
            convert=convert,
            times=times,
            rate=rate,
            constant=constant,
            begins=(presented[0] or 0) * tick(stream),
            aspect=Fraction(stream.sample_aspect_ratio or 1),
            pictures=pictures,
            missing=[tuple((t - (presented[0] or 0)) * tick(stream) for t in gap) for gap in gaps.found],
        )


def _since_first(pts: int | None, first: int | None, index: int, stream: av.VideoStream) -> Fraction:
    """The time of a frame in seconds after the first, by its number where the file has no stamps."""
    if pts is None or first is None:
        return index / (stream.average_rate or FOLDER_RATE)
    return (pts - first) * tick(stream)


def _tell(
    path: Path, missing: list[tuple[Fraction, ...]], times: tuple[Fraction, ...], on_notice: OnNotice
) -> None:
    """Say which stretches within ``times`` are damaged.

    Raises:
        VideoError: they are more than half of it.
    """
    inside = [(a, b) for a, b in missing if times[0] <= a and b <= times[-1]]
    if 2 * sum(b - a for a, b in inside) > times[-1] - times[0]:
        raise VideoError(f"{path}: more than half of the picture is damaged; get a complete copy")
    for a, b in inside:
        on_notice(
            f"{path}: the picture is damaged between {float(a):.2f} s and {float(b):.2f} s; frames there are "
            "drawn from those around"
        )


def _seconds(container: av.container.InputContainer) -> Fraction:
    """How long the file says it is; 0 if it doesn't."""
    return Fraction(container.duration or 0, av.time_base)


@final
class _Conversion:
    """From the decoded pictures of one file to RGB as wanted: its colours, upright, resized."""

    def __init__(self, first: av.VideoFrame, path: Path, size: tuple[int, int] | None) -> None:
        self.color, self.turns = color_tags(first, path), quarter_turns(first.rotation, path)
        self.depth, self.hdr = depth_of_bits(bits_of(first.format)), hdr_of(first)
        self.dtype = dtype_of(self.depth)
        self.stored = first.height, first.width
        # A palette may hold a transparent colour, and mostly holds none.
        self.transparent = has_alpha(first.format) and not first.format.has_palette
        self.upright = self.stored[::-1] if self.turns % 2 else self.stored
        self.size = size or self.upright
        self.kept = rows_kept(self.size[0] * self.size[1] * 3 * self.dtype.itemsize)
        self._path = path
        self._reformatter = VideoReformatter()

    def check(self, frame: av.VideoFrame, index: int) -> None:
        """Refuse a picture of another size than the first."""
        if (frame.height, frame.width) != self.stored:
            raise VideoError(
                f"{self._path}: the picture changes from {self.stored[0]}x{self.stored[1]} to "
                f"{frame.height}x{frame.width} at frame {index}; read up to it with --frames 0:{index}"
            )

    def __call__(self, frame: av.VideoFrame) -> Levels[np.ndarray, "height width 3"]:
        rgb = np.rot90(rgb_from_frame(frame, self.color, self._reformatter), self.turns)
        return np.ascontiguousarray(resize(with_depth(rgb, self.dtype), self.size))


@final
class _Decoder:
    """Frames of a file by their number; an earlier one than before means decoding from the start again."""

    def __init__(self, path: Path, convert: _Conversion, weave: Weave | None) -> None:
        self._path, self._convert, self._weave = path, convert, weave
        self._decoding: Iterator[av.VideoFrame] = iter(())
        self._decoded = 0
        # For two readers that go through a video together, such as of observed and of held-out frames.
        self._recent: deque[av.VideoFrame] = deque(maxlen=_RECENT)

    def __call__(self, index: int) -> Levels[np.ndarray, "height width 3"]:
        if index < self._decoded - len(self._recent):
            self._decoded = 0
        if self._decoded == 0:
            self._recent.clear()
            self._decoding = _pictures(self._path, self._weave)
        while self._decoded <= index:
            frame = next(self._decoding, None)
            if frame is None:
                raise VideoError(f"{self._path}: the file has changed while it was being read; start again")
            self._recent.append(frame)
            self._decoded += 1
        return self._convert(self._recent[index - self._decoded])


def _pictures(path: Path, weave: Weave | None) -> Iterator[av.VideoFrame]:
    with open_video(path) as (container, stream):
        yield from _shown(decoded(container, stream, path, Gaps()), stream, weave)


def _shown(
    frames: Iterable[av.VideoFrame], stream: av.VideoStream, weave: Weave | None
) -> Iterable[av.VideoFrame]:
    """The frames of a file, made into whole pictures or as they are."""
    return deinterlaced(frames, tick(stream), weave) if weave else frames


def count_frames(path: Path) -> int:
    """How many frames the file decodes to.

    Raises:
        VideoError: the file can't be decoded to its end.
    """
    with open_video(path) as (container, stream):
        return sum(1 for _ in decoded(container, stream, path, Gaps()))


def quarter_turns(degrees: int, path: Path) -> int:
    """How many quarter turns counterclockwise bring the stored picture upright, 0 to 3.

    Raises:
        VideoError: the display matrix holds another angle.
    """
    if degrees % 90:
        raise VideoError(
            f"{path}: the picture is to be turned by {degrees} degrees; only quarter turns are supported"
        )
    return degrees // 90 % 4


def _times(
    presented: list[int | None],
    decoded_at: list[int | None],
    stream: av.VideoStream,
    path: Path,
    *,
    gapped: bool,
) -> tuple[tuple[Fraction, ...], Fraction, bool]:
    """``frame_times`` by the presentation stamps or, as AVI's are in order of decoding, those of decoding.

    Where frames are missing (``gapped``), the others keep the times that they would have had.
    """
    ticks = presented if increasing(presented) else decoded_at
    if increasing([tick for tick in ticks if tick is not None]):
        rates = [standard_rate(r) for r in (stream.average_rate, stream.guessed_rate) if r]
        if gapped and (found := gapped_times(ticks, tick(stream), rates)):
            return *found, True
        if times := frame_times(ticks, tick(stream), rates or [FOLDER_RATE]):
            return times
    bad = next(k for k in range(len(presented)) if not increasing(presented[max(k - 1, 0) : k + 1]))
    raise VideoError(
        f"{path}: frame {bad} has no time after that of the frame before it; "
        "give the file new time stamps first, such as with ffmpeg -i IN -fps_mode cfr OUT"
    )


def _aspect(pixel: Fraction, old: tuple[int, int], new: tuple[int, int]) -> Fraction:
    """The sample aspect ratio that keeps the display's when (height, width) changes from old to new."""
    return pixel * Fraction(old[1] * new[0], old[0] * new[1])
