"""Video files and folders of images, as RGB frames with exact times."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import av
import numpy as np

from tweenfield.choices import Deinterlace
from tweenfield.errors import UsageError, VideoError
from tweenfield.video.clip import Video
from tweenfield.video.converting import Seen, fitted
from tweenfield.video.damage import UNHARMED, Damage
from tweenfield.video.decoding import decoded, examined, open_video
from tweenfield.video.depth import Levels, with_depth
from tweenfield.video.hdr import DOLBY_ONLY, dolby_vision
from tweenfield.video.images import first_gap, image_paths, read_image
from tweenfield.video.interlacing import Watch, Weave
from tweenfield.video.png import color_of
from tweenfield.video.selecting import Window, check_pixels, frame_range, frames_slice
from tweenfield.video.surveying import FOLDER_RATE, OnProgress, Survey, shown, survey
from tweenfield.video.timing import stamp_of, usual_rate

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
    usual one, whatever frames were dropped). A frame is turned upright if the file says so, then resized.
    The first frame decides whether all are uint8 or, with more than 8 bits per component, uint16. Where a
    frame is partly transparent, all are uint16 and have ``Video.alpha``.

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
        video = _read_folder(path, selection, window, size, folder_rate, on_progress, on_notice)
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
    on_notice: OnNotice,
) -> Video:
    paths = image_paths(path)
    times = tuple(k / rate for k in range(len(paths)))
    indices = window.part(times, frame_range(selection, len(paths), str(path)), path)
    if gap := first_gap(paths[indices.start : indices[-1] + 1]):
        on_notice(
            f"{path}: pictures are missing between {gap[0].name} and {gap[1].name}, by their numbers; those "
            "that are there count as evenly spaced"
        )
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
    # An unusable image is found now, not after hours of work.
    for done, index in enumerate(indices, start=1):
        seen.add(index, picture(index))
        on_progress(done, len(indices))
    color, hdr = color_of(paths[indices[0]].read_bytes())
    frames, alpha = seen.rows(picture, indices, size or (height, width), dtype)
    return Video(
        frames=frames,
        alpha=alpha,
        matte=seen.opacity.matte,
        times=tuple(times[i] for i in indices),
        rate=rate / indices.step,
        sample_aspect_ratio=_aspect(Fraction(1), (height, width), size or (height, width)),
        name=path.name,
        depth=8 * dtype.itemsize,
        color=color,
        hdr=hdr,
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
        indices = frame_range(selection, _count_frames(path), str(path))
        start, stop = indices.start, indices.stop
    span, damage, weave = slice(start, stop, step), UNHARMED, None
    watch = Watch() if deinterlace is Deinterlace.auto else None
    while True:
        signs: set[int] = set()
        found = survey(path, span, window, size, damage, signs, weave, watch, on_progress)
        if found is None:
            damage, watch = examined(path, max(signs)), watch and Watch()
        elif watch and (weave := watch.found()):
            on_notice(f"{path}: {weave.sentence} ({_LEAVE})")
            watch = None
        else:
            break
    convert, seen, times, rate = found.convert, found.seen, found.times, found.rate
    indices = window.part(times, frame_range(span, len(times), str(path)), path)
    times = tuple(times[i] for i in indices)
    _tell(path, found, times, on_notice)
    if found.constant or len(times) == 1:
        rate /= step
    else:
        rate = usual_rate(times)
    decode = _Decoder(path, found, damage, weave)
    frames, alpha = seen.rows(decode, indices, convert.size, convert.dtype)
    aspect = 1 / found.aspect if convert.turns % 2 else found.aspect
    return Video(
        frames=frames,
        alpha=alpha,
        matte=seen.opacity.matte,
        times=times,
        rate=rate,
        color=convert.color,
        sample_aspect_ratio=_aspect(aspect, convert.upright, convert.size),
        name=path.name,
        start=found.begins,
        depth=convert.depth,
        hdr=convert.hdr,
        lasts=_lasts(found, indices[-1], window),
    )


def _lasts(found: Survey, last: int, window: Window) -> Fraction | None:
    """How long the last of the selected frames is shown, if that isn't one interval of the rate: the last one
    of the file as long as there, another one of uneven frames until the window ends.
    """
    until = None if window.until is None else window.until - found.times[last]
    if last + 1 < len(found.times):
        return None if found.constant else until
    return found.lasts if found.lasts is None or until is None else min(found.lasts, until)


def _tell(path: Path, found: Survey, times: tuple[Fraction, ...], on_notice: OnNotice) -> None:
    """Say what is left out of frames, which stretches within ``times`` are damaged, and if colours are wrong.

    Raises:
        VideoError: they are more than half of it.
    """
    if found.held:
        what = " and ".join(sorted(found.held))
        on_notice(f"{path}: {what} lie in the frames themselves, and are left out")
    if (profile := dolby_vision(path)) in DOLBY_ONLY:
        on_notice(
            f"{path}: its colours are those of Dolby Vision profile {profile}, which can't be converted; all "
            "that is made of it will look green and violet"
        )
    first, last = times[0], times[-1]
    at_first, at_last = first == found.times[0], last == found.times[-1]
    if at_first and found.early:
        on_notice(
            f"{path}: sound begins {float(found.early):.1f} s before the picture; what is heard until then "
            "is left out"
        )
    missing = [
        (a, b) for a, b in found.missing if (a >= first or at_first) and (b <= last or at_last) and a < b
    ]
    begin, end = min([first, *(a for a, _ in missing)]), max([last, *(b for _, b in missing)])
    if 2 * sum(b - a for a, b in missing) > end - begin:
        raise VideoError(f"{path}: more than half of the picture is damaged; get a complete copy")
    for a, b in missing:
        if a < first:
            where = f"in its first {float(b - a):.2f} s; the video begins after them"
        elif b > last:
            where = f"from {float(a + 1 / found.rate):.2f} s to its end; the video ends there"
        else:
            where = f"between {float(a):.2f} s and {float(b):.2f} s; frames there are drawn from those around"
        on_notice(f"{path}: the picture is damaged {where}")
    for a, b in found.doubtful:
        if a <= last and b >= first:
            on_notice(
                f"{path}: a checksum is wrong between {float(a):.2f} s and {float(b):.2f} s; the picture may "
                "be damaged there"
            )


@final
class _Decoder:
    """Frames of a file by their number, decoded from the key frame before, or from the file's beginning. It
    can be pickled, and opens the file anew where it gets to.
    """

    def __init__(self, path: Path, found: Survey, damage: Damage, weave: Weave | None) -> None:
        self._path, self._convert, self._damage, self._weave = path, found.convert, damage, weave
        self._stamps, self._keys = found.stamps, found.keys
        # A deinterlacer counts from the beginning, and so does what is known of damage.
        self._seeks = weave is None and damage is UNHARMED and all(a < b for a, b in pairwise(found.stamps))
        self._close()

    def _close(self) -> None:
        self._decoding: Iterator[av.VideoFrame] = iter(())
        self._decoded = 0
        # For two readers that go through a video together, such as of observed and of held-out frames.
        self._recent: deque[av.VideoFrame] = deque(maxlen=_RECENT)

    def __getstate__(self) -> dict[str, Any]:
        return {name: v for name, v in vars(self).items() if name not in ("_decoding", "_decoded", "_recent")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._close()

    def __call__(self, index: int) -> Levels[np.ndarray, "height width channels"]:
        key = self._keys[bisect_right(self._keys, index) - 1] if self._seeks else 0
        if self._decoded == 0 or index < self._decoded - len(self._recent) or key > self._decoded:
            self._begin(key)
        while self._decoded <= index:
            frame = next(self._decoding, None)
            if frame is None:
                raise VideoError(f"{self._path}: the file has changed while it was being read; start again")
            if self._seeks and stamp_of(frame) != self._stamps[self._decoded]:
                # This container doesn't lead back to where it says.
                self._seeks = False
                self._begin(0)
                continue
            self._recent.append(frame)
            self._decoded += 1
        return self._convert(self._recent[index - self._decoded])

    def _begin(self, key: int) -> None:
        """Decode from a key frame on, or from the first frame if the container doesn't lead to that one."""
        self._recent.clear()
        self._decoded = 0
        if key > 0:
            self._decoding = _pictures(self._path, self._damage, self._weave, self._stamps[key])
            first = next((f for f in self._decoding if stamp_of(f) >= self._stamps[key]), None)
            if first is not None and stamp_of(first) == self._stamps[key]:
                self._recent.append(first)
                self._decoded = key + 1
                return
            self._seeks = False
        self._decoding = _pictures(self._path, self._damage, self._weave)


def _pictures(
    path: Path, damage: Damage, weave: Weave | None, stamp: int | None = None
) -> Iterator[av.VideoFrame]:
    """All frames, or those from about the one with a ``stamp`` on."""
    with open_video(path) as (container, stream):
        if stamp is not None:
            with suppress(av.error.FFmpegError):  # then it begins at the beginning
                container.seek(stamp, stream=stream)
        yield from shown(decoded(container, stream, path, damage), stream, weave)


def _count_frames(path: Path) -> int:
    """How many frames the file decodes to.

    Raises:
        VideoError: the file can't be decoded to its end.
    """
    damage = UNHARMED
    while True:
        signs: set[int] = set()
        with open_video(path) as (container, stream):
            count = sum(1 for _ in decoded(container, stream, path, damage, signs))
        if not signs:
            return count
        damage = examined(path, max(signs))


def _aspect(pixel: Fraction, old: tuple[int, int], new: tuple[int, int]) -> Fraction:
    """The sample aspect ratio that keeps the display's when (height, width) changes from old to new."""
    return pixel * Fraction(old[1] * new[0], old[0] * new[1])
