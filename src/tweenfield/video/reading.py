"""Video files and folders of images, as RGB frames with exact times."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from tweenfield.errors import VideoError
from tweenfield.video.clip import Video
from tweenfield.video.color import color_tags, rgb_from_frame
from tweenfield.video.container import decoded, open_video
from tweenfield.video.images import image_paths, read_image
from tweenfield.video.selecting import frame_range, frames_slice, resize
from tweenfield.video.timing import frame_times, increasing, standard_rate

FOLDER_RATE = Fraction(25)


def read_video(
    path: str | Path, *, frames: slice | str | None = None, size: tuple[int, int] | None = None
) -> Video:
    """Read a video file, or a folder of images in natural order (25 frames per second).

    Only selected frames are kept, and nothing is decoded beyond the last of them. Times count from the
    first selected frame. They are exact: stamps that are a constant rate rounded to the file's clock
    become that rate again, others are kept (variable rate; then the nominal rate is the mean one).
    A frame is turned upright if the file says so, then resized.

    Args:
        path: what PyAV can decode, or a folder.
        frames: slice, or text ``A:B[:STEP]``, of the input's frames; all if None.
        size: (height, width) in pixels of the frames wanted; pixels change their aspect ratio so that
            the picture doesn't. Default: as stored.

    Raises:
        UsageError: ``frames`` is no range.
        VideoError: there is nothing that can be read, the range reaches outside the clip, or the file is
            damaged in it.
    """
    path, selection = Path(path), frames_slice(frames)
    video = (_read_folder if path.is_dir() else _read_file)(path, selection, size)
    start = video.times[0]
    return replace(video, times=tuple(t - start for t in video.times))


def _read_folder(path: Path, selection: slice, size: tuple[int, int] | None) -> Video:
    paths = image_paths(path)
    indices = frame_range(selection, len(paths), str(path))
    pictures, first = [], None
    for image_path in (paths[i] for i in indices):
        rgb = read_image(image_path)
        first = first or rgb.shape
        if rgb.shape != first:
            raise VideoError(
                f"{image_path}: the image is {rgb.shape[0]}x{rgb.shape[1]} but those before it are "
                f"{first[0]}x{first[1]}; make all images of the folder the same size"
            )
        pictures.append(resize(rgb, size) if size else rgb)
    stacked = _stacked(pictures)
    return Video(
        frames=stacked,
        times=tuple(i / FOLDER_RATE for i in indices),
        rate=FOLDER_RATE / indices.step,
        sample_aspect_ratio=_aspect(Fraction(1), first[:2], stacked.shape[1:3]),
        name=path.name,
    )


def _read_file(path: Path, selection: slice, size: tuple[int, int] | None) -> Video:
    start, stop, step = selection.start or 0, selection.stop, selection.step or 1
    if start < 0 or (stop is not None and stop <= start):
        indices = frame_range(selection, count_frames(path), str(path))
        start, stop = indices.start, indices.stop
    pictures, presented, decoded_at, color, reformatter = [], [], [], None, VideoReformatter()
    with open_video(path) as (container, stream):
        for index, frame in enumerate(decoded(container, stream, path)):
            presented.append(frame.pts)
            decoded_at.append(frame.dts)
            if color is None:
                color, turns = color_tags(frame, path), quarter_turns(frame.rotation, path)
                stored = frame.height, frame.width
            if (frame.height, frame.width) != stored:
                raise VideoError(
                    f"{path}: the picture changes from {stored[0]}x{stored[1]} to "
                    f"{frame.height}x{frame.width} at frame {index}; read up to it with --frames 0:{index}"
                )
            if index >= start and (index - start) % step == 0:
                rgb = np.rot90(rgb_from_frame(frame, color, reformatter), turns)
                pictures.append(resize(rgb, size) if size else np.ascontiguousarray(rgb))
            if index + 1 == stop:
                break
        times, rate, constant = _times(presented, decoded_at, stream, path)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
    indices = frame_range(slice(start, stop, step), len(presented), str(path))
    times = tuple(times[i] for i in indices)
    if constant or len(times) == 1:
        rate /= step
    else:
        rate = (len(times) - 1) / (times[-1] - times[0])
    upright = stored[::-1] if turns % 2 else stored
    stacked = _stacked(pictures)
    return Video(
        frames=stacked,
        times=times,
        rate=rate,
        color=color,
        sample_aspect_ratio=_aspect(1 / aspect if turns % 2 else aspect, upright, stacked.shape[1:3]),
        name=path.name,
    )


def count_frames(path: Path) -> int:
    """How many frames the file decodes to.

    Raises:
        VideoError: the file can't be decoded to its end.
    """
    with open_video(path) as (container, stream):
        return sum(1 for _ in decoded(container, stream, path))


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
    presented: list[int | None], decoded_at: list[int | None], stream: av.VideoStream, path: Path
) -> tuple[tuple[Fraction, ...], Fraction, bool]:
    """``frame_times`` by the presentation stamps or, as AVI's are in order of decoding, those of decoding."""
    ticks = presented if increasing(presented) else decoded_at
    if increasing([tick for tick in ticks if tick is not None]):
        rates = [standard_rate(r) for r in (stream.average_rate, stream.guessed_rate) if r]
        if times := frame_times(ticks, stream.time_base, rates or [FOLDER_RATE]):
            return times
    bad = next(k for k in range(len(presented)) if not increasing(presented[max(k - 1, 0) : k + 1]))
    raise VideoError(
        f"{path}: frame {bad} has no time after that of the frame before it; "
        "give the file new time stamps first, such as with ffmpeg -i IN -fps_mode cfr OUT"
    )


def _aspect(pixel: Fraction, old: tuple[int, int], new: tuple[int, int]) -> Fraction:
    """The sample aspect ratio that keeps the display's when (height, width) changes from old to new."""
    return pixel * Fraction(old[1] * new[0], old[0] * new[1])


def _stacked(
    pictures: list[UInt8[np.ndarray, "height width 3"]],
) -> UInt8[np.ndarray, "frames height width 3"]:
    """``np.stack`` that frees each picture as it goes, so a clip is never in memory twice."""
    frames = np.empty((len(pictures), *pictures[0].shape), np.uint8)
    pictures.reverse()
    for k in range(len(frames)):
        frames[k] = pictures.pop()
    return frames
