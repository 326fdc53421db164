"""Video files and folders of images, as RGB frames with exact times."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import final

import av
import numpy as np

from tweenfield.choices import Deinterlace
from tweenfield.errors import UsageError, VideoError
from tweenfield.video.clip import Video
from tweenfield.video.converting import Conversion, Seen, fitted
from tweenfield.video.decoding import Gaps, decoded, open_video, tick
from tweenfield.video.depth import Levels, with_depth
from tweenfield.video.images import image_paths, read_image
from tweenfield.video.interlacing import LOOKED_AT, deinterlaced, is_interlaced
from tweenfield.video.selecting import Window, check_pixels, frame_range, frames_slice
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
    all are uint8 or, with more than 8 bits per component, uint16. Where a frame is partly transparent, all
    are uint16 and have ``Video.alpha``.

    Args:
        path: what PyAV can decode, or a folder.
        frames: slice, or text ``A:B[:STEP]``, of the input's frames; all if None.
        since: in place of ``frames``: no frame before so many seconds after the first.
        until: in place of ``frames``: only frames before so many seconds after the first.
        size: (height, width) in pixels of the frames wanted; pixels change their aspect ratio so that
            the picture doesn't. Default: as stored.
        folder_rate: frames per second of a folder.
        deinterlace: whether pictures that are marked as two fields are made into whole ones.
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
    (height, width, _), dtype = image.shape, image.dtype
    check_pixels(size or (height, width), str(path))

    def picture(index: int) -> Levels[np.ndarray, "height width channels"]:
        image = read_image(paths[index])
        if image.shape[:2] != (height, width):
            raise VideoError(
                f"{paths[index]}: the image is {image.shape[0]}x{image.shape[1]} but those before it are "
                f"{height}x{width}; make all images of the folder the same size"
            )
        return fitted(with_depth(image, dtype), size)

    seen = Seen()
    for done, index in enumerate(
        indices, start=1
    ):  # An unusable image is found now, not after hours of work.
        seen.add(index, picture(index))
        on_progress(done, len(indices))
    frames, alpha = seen.rows(picture, indices, size or (height, width), dtype)
    return Video(
        frames=frames,
        alpha=alpha,
        matte=seen.opacity.matte,
        times=tuple(i / rate for i in indices),
        rate=rate / indices.step,
        sample_aspect_ratio=_aspect(Fraction(1), (height, width), size or (height, width)),
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
    presented: list[int | None] = []
    decoded_at: list[int | None] = []
    seen = Seen()
    convert: Conversion | None = None
    with open_video(path) as (container, stream):
        gaps = Gaps()
        frames_read = decoded(container, stream, path, gaps)
        first = list(islice(frames_read, min(stop or LOOKED_AT, LOOKED_AT)))
        whole = deinterlace is Deinterlace.auto and is_interlaced(first)
        if whole:
            on_notice(f"{path}: the video is interlaced, and is made into whole pictures ({_LEAVE})")
        for index, frame in enumerate(_shown(chain(first, frames_read), stream, whole)):
            presented.append(frame.pts)
            decoded_at.append(frame.dts)
            convert = convert or Conversion(frame, path, size)
            convert.check(frame, index)
            # As many as are kept are converted at once, so that a short clip is decoded once only; all are
            # if they may be transparent, to know whether they are.
            seconds = _since_first(frame.pts, presented[0], index, stream)
            wanted = index >= start and (index - start) % step == 0 and window.may_hold(seconds, tick(stream))
            if wanted and (convert.may_be_transparent or not seen.is_full):
                seen.add(index, convert(frame))
            about = stop or stream.frames or round(_seconds(container) * (stream.average_rate or FOLDER_RATE))
            on_progress(index + 1, max(about, index + 1))
            if index + 1 == stop or window.is_over(seconds, tick(stream)):
                break
        assert convert is not None  # without a single frame, decoding would have failed
        times, rate, constant = _times(presented, decoded_at, stream, path, gapped=bool(gaps.found))
        missing = [tuple((t - (presented[0] or 0)) * tick(stream) for t in gap) for gap in gaps.found]
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        begins = (presented[0] or 0) * tick(stream)
    indices = frame_range(slice(start, stop, step), len(presented), str(path))
    indices = window.part(times, indices, path)
    times = tuple(times[i] for i in indices)
    _tell(path, missing, times, on_notice)
    if constant or len(times) == 1:
        rate /= step
    else:
        rate = (len(times) - 1) / (times[-1] - times[0])
    decode = _Decoder(path, convert, whole)
    frames, alpha = seen.rows(decode, indices, convert.size, convert.dtype)
    return Video(
        frames=frames,
        alpha=alpha,
        matte=seen.opacity.matte,
        times=times,
        rate=rate,
        color=convert.color,
        sample_aspect_ratio=_aspect(
            1 / aspect if convert.turns % 2 else aspect, convert.upright, convert.size
        ),
        name=path.name,
        start=begins,
        depth=convert.depth,
        hdr=convert.hdr,
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
class _Decoder:
    """Frames of a file by their number; an earlier one than before means decoding from the start again."""

    def __init__(self, path: Path, convert: Conversion, whole: bool) -> None:
        self._path, self._convert, self._whole = path, convert, whole
        self._decoding: Iterator[av.VideoFrame] = iter(())
        self._decoded = 0
        # For two readers that go through a video together, such as of observed and of held-out frames.
        self._recent: deque[av.VideoFrame] = deque(maxlen=_RECENT)

    def __call__(self, index: int) -> Levels[np.ndarray, "height width channels"]:
        if index < self._decoded - len(self._recent):
            self._decoded = 0
        if self._decoded == 0:
            self._recent.clear()
            self._decoding = _pictures(self._path, self._whole)
        while self._decoded <= index:
            frame = next(self._decoding, None)
            if frame is None:
                raise VideoError(f"{self._path}: the file has changed while it was being read; start again")
            self._recent.append(frame)
            self._decoded += 1
        return self._convert(self._recent[index - self._decoded])


def _pictures(path: Path, whole: bool) -> Iterator[av.VideoFrame]:
    with open_video(path) as (container, stream):
        yield from _shown(decoded(container, stream, path, Gaps()), stream, whole)


def _shown(frames: Iterable[av.VideoFrame], stream: av.VideoStream, whole: bool) -> Iterable[av.VideoFrame]:
    """The frames of a file, made into whole pictures or as they are."""
    return deinterlaced(frames, tick(stream)) if whole else frames


def count_frames(path: Path) -> int:
    """How many frames the file decodes to.

    Raises:
        VideoError: the file can't be decoded to its end.
    """
    with open_video(path) as (container, stream):
        return sum(1 for _ in decoded(container, stream, path, Gaps()))


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
