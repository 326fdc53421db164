"""A video file gone through once: the times of its frames, some of its pictures, and what is damaged."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av

from tweenfield.errors import VideoError
from tweenfield.video.converting import Conversion, Seen
from tweenfield.video.damage import Damage
from tweenfield.video.decoding import cut_off, decoded, ends_at, open_video, tick
from tweenfield.video.hdr import held_by
from tweenfield.video.interlacing import Watch, Weave, deinterlaced
from tweenfield.video.selecting import Window
from tweenfield.video.timing import frame_times, gapped_times, increasing, stamp_of, standard_rate

FOLDER_RATE = Fraction(25)
# So many frames show what frames hold besides pictures.
_LOOKED_AT = 100
# From so many intervals on a last frame is held, and for so many seconds of sound behind the picture.
_LONGER, _MEANT = Fraction(3, 2), Fraction(1, 2)
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is in a file up to the last frame that is wanted.

    Attributes:
        convert: from pictures as they are decoded.
        stamps: of all frames, by which they are found again.
        keys: numbers of those that are decoded without any before, and of the first.
        times: of all frames, in seconds from the first.
        rate: nominal frames per second.
        constant: whether that is the rate throughout.
        begins: when the first frame is shown, on the file's own clock.
        aspect: width over height of a pixel as it is stored.
        seen: what those that are wanted look like, and some of them.
        missing: stretches without pictures: the times of the frames before and after each, or of the first or
            last one that is lost where the file begins or ends with it.
        doubtful: first and last time of stretches whose pictures may be wrong.
        held: what the first frames have of their own, in words.
        lasts: how long the last frame is shown, if that is longer than the others.
        early: how long before the first frame sound begins, if that is meant.
    """

    convert: Conversion
    stamps: tuple[int, ...]
    keys: tuple[int, ...]
    times: tuple[Fraction, ...]
    rate: Fraction
    constant: bool
    begins: Fraction
    aspect: Fraction
    seen: Seen
    missing: list[tuple[Fraction, Fraction]]
    doubtful: list[tuple[Fraction, Fraction]]
    held: set[str]
    lasts: Fraction | None
    early: Fraction | None


def survey(
    path: Path,
    span: slice,
    window: Window,
    size: tuple[int, int] | None,
    damage: Damage,
    signs: set[int],
    weave: Weave | None,
    watch: Watch | None,
    on_progress: OnProgress,
) -> Survey | None:
    """Decode the file once; less of it if ``watch`` is sure that it must be done again.

    Returns:
        None if there are signs of damage that isn't known: those, too, ask for another time.
    """
    presented: list[int | None] = []
    decoded_at: list[int | None] = []
    stamps: list[int] = []
    keys = [0]
    seen, held = Seen(), set[str]()
    convert: Conversion | None = None
    with open_video(path) as (container, stream):
        frames = shown(decoded(container, stream, path, damage, signs), stream, weave)
        ended = True
        for index, frame in enumerate(frames):
            presented.append(frame.pts)
            decoded_at.append(frame.dts)
            stamps.append(stamp_of(frame))
            if frame.key_frame and index:
                keys.append(index)
            convert = convert or Conversion(frame, path, size)
            convert.check(frame, index)
            if index < _LOOKED_AT:
                held |= held_by(frame)
            if watch:
                watch.look(frame)
                if watch.is_sure:
                    break
            # As many as are kept are converted at once, so that a short clip is decoded once only; all are
            # if they may be transparent, to know whether they are.
            seconds = _since_first(frame.pts, presented[0], index, stream)
            wanted = index >= span.start and (index - span.start) % span.step == 0
            wanted = wanted and window.may_hold(seconds, tick(stream))
            if wanted and (convert.may_be_transparent or not seen.is_full):
                seen.add(index, convert(frame))
            about = span.stop or stream.frames
            about = about or round(_seconds(container) * (stream.average_rate or FOLDER_RATE))
            on_progress(index + 1, max(about, index + 1))
            if index + 1 == span.stop or window.is_over(seconds, tick(stream)):
                ended = False
                break
        if signs:
            return None
        if convert is None:
            raise cut_off(path, 0)
        gapped = bool(damage.lost or damage.doubtful)
        times, rate, constant = _times(presented, decoded_at, stream, path, gapped=gapped)

        begins = (presented[0] or 0) * tick(stream)
        # Where the end is damaged, the video ends before it.
        cut = bool(damage.lost) and max(damage.lost) > stamps[-1]

        def seconds_of(stretches: Iterable[tuple[int, int]]) -> list[tuple[Fraction, Fraction]]:
            return [((a - stamps[0]) * tick(stream), (b - stamps[0]) * tick(stream)) for a, b in stretches]

        return Survey(
            convert=convert,
            stamps=tuple(stamps),
            keys=tuple(keys),
            times=times,
            rate=rate,
            constant=constant,
            begins=begins,
            aspect=Fraction(stream.sample_aspect_ratio or 1),
            seen=seen,
            missing=seconds_of(_missing(stamps, sorted(damage.lost), ended)),
            doubtful=seconds_of(damage.doubtful),
            held=held,
            lasts=_lasts(container, frame, rate, begins + times[-1]) if ended and not cut else None,
            early=_early(container, begins),
        )


def _lasts(
    container: av.container.InputContainer, last: av.VideoFrame, rate: Fraction, shown_at: Fraction
) -> Fraction | None:
    """How long the last frame is shown, if that is longer than the others: as it says itself, or until the
    sound ends. Recorders and encoders let sound end a little later.
    """
    lasts = max((last.duration or 0) * (last.time_base or Fraction(0)), 1 / rate)
    heard = max((ends_at(sound) for sound in container.streams.audio), default=shown_at) - shown_at
    lasts = heard if heard > lasts + _MEANT else lasts
    return lasts if lasts > _LONGER / rate else None


def _early(container: av.container.InputContainer, shown_at: Fraction) -> Fraction | None:
    starts = [
        sound.start_time * tick(sound) for sound in container.streams.audio if sound.start_time is not None
    ]
    early = shown_at - min(starts, default=shown_at)
    return early if early > _MEANT else None


def _missing(stamps: list[int], lost: list[int], ended: bool) -> Iterator[tuple[int, int]]:
    if lost and lost[0] < stamps[0]:
        yield lost[0], stamps[0]
    for before, after in pairwise(stamps):
        if bisect_right(lost, before) < bisect_left(lost, after):
            yield before, after
    if ended and lost and lost[-1] > stamps[-1]:
        yield stamps[-1], lost[-1]


def _since_first(pts: int | None, first: int | None, index: int, stream: av.VideoStream) -> Fraction:
    """The time of a frame in seconds after the first, by its number where the file has no stamps."""
    if pts is None or first is None:
        return index / (stream.average_rate or FOLDER_RATE)
    return (pts - first) * tick(stream)


def _seconds(container: av.container.InputContainer) -> Fraction:
    """How long the file says it is; 0 if it doesn't."""
    return Fraction(container.duration or 0, av.time_base)


def shown(
    frames: Iterable[av.VideoFrame], stream: av.VideoStream, weave: Weave | None
) -> Iterable[av.VideoFrame]:
    """The frames of a file, made into whole pictures or as they are."""
    return deinterlaced(frames, tick(stream), weave) if weave else frames


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
        times = frame_times(ticks, tick(stream), rates or [FOLDER_RATE])
        even = times is not None and times[2]
        if gapped and not even and (found := gapped_times(ticks, tick(stream), rates)):
            return *found, True
        if times is not None:
            return times
    bad = next(k for k in range(len(presented)) if not increasing(presented[max(k - 1, 0) : k + 1]))
    raise VideoError(
        f"{path}: frame {bad} has no time after that of the frame before it; "
        "give the file new time stamps first, such as with ffmpeg -i IN -fps_mode cfr OUT"
    )
