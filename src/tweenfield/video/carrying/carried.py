"""Which stretch of a file's other streams goes along, and what a container has room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tweenfield.choices import Audio
from tweenfield.video.time_map import TimeMap, output_time


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A stretch of a file whose sound, subtitles, chapters, attachments and metadata go with a picture.

    Attributes:
        path: of the file; a folder has nothing to carry.
        start: what goes with the first frame, in seconds on the file's clock.
        length: how many seconds of it are taken.
        speed: at which the picture plays: 0.5 is half as fast; or one that changes over the seconds since
            ``start``.
        audio: whether sound follows that speed, without a change of pitch.
        on_damage: called with a sentence for each track that can't be decoded all through.
    """

    path: Path
    start: Fraction
    length: Fraction
    speed: Fraction | TimeMap = Fraction(1)
    audio: Audio = Audio.stretch
    on_damage: Callable[[str], None] = lambda sentence: None

    @property
    def end(self) -> Fraction:
        """Where the stretch ends, in seconds on the file's clock."""
        return self.start + self.length

    def output_time(self, seconds: Fraction) -> Fraction:
        """When the output shows what the file has at ``seconds`` of its clock."""
        return output_time(self.speed, seconds - self.start)

    def input_time(self, seconds: float) -> float:
        """What the output shows then, in seconds since ``start``: the inverse of ``output_time``."""
        if isinstance(self.speed, TimeMap):
            return self.speed.input_time(seconds)
        return seconds * float(self.speed)

    @property
    def sound_end(self) -> Fraction:
        """Where its sound ends, on the file's clock: at its own speed it may be longer than the picture."""
        if self.stretches:
            return self.end
        return self.start + min(self.length, self.output_time(self.end))

    @property
    def stretches(self) -> bool:
        """Whether sound must be played at another speed than its own."""
        return self.audio is Audio.stretch and self.speed != 1


@dataclass(frozen=True, kw_only=True)
class Holds:
    """What a container has room for besides the picture. Codecs are called as FFmpeg calls them.

    Attributes:
        sound: codecs that are taken over as they are.
        sound_encoder: for other ones.
        sound_rate: samples per second that it wants, if only one.
        subtitles: codecs that are taken over as they are.
        subtitle_encoder: for text in other ones.
        attachments: whether it holds files, such as fonts.
        covers: codecs of stills that it holds as covers.
        covers_last: whether that is written once all else is.
    """

    sound: frozenset[str]
    sound_encoder: str
    sound_rate: int | None = None
    subtitles: frozenset[str]
    subtitle_encoder: str
    attachments: bool = False
    covers: frozenset[str] = frozenset(["mjpeg", "png", "bmp"])
    covers_last: bool = False
