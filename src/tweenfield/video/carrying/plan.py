"""What becomes of each stream of a file: taken over, encoded again, or left out with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av

from tweenfield.choices import Audio
from tweenfield.video.carrying.carried import Carried, Holds
from tweenfield.video.decoding import open_container

# Text that libavcodec can turn into other text; the rest are pictures.
TEXT = frozenset(["subrip", "ass", "ssa", "webvtt", "mov_text", "text"])
# Written by muxers about the file that was, and wrong for the one that is made.
_OF_THE_FILE = frozenset(
    [
        "encoder",
        "major_brand",
        "minor_version",
        "compatible_brands",
        "duration",
        "rotate",
        "timecode",
        "alpha_mode",
        "handler_name",
        "vendor_id",
    ]
)
_STATISTICS = ("_statistics", "bps", "number_of_")


@dataclass
class Plan:
    """What of a file is carried over.

    Attributes:
        sound: streams, and whether their packets stay as they are.
        subtitles: likewise.
        covers: stills that stand for the video.
        attachments: files in the file.
        chapters: as PyAV has them, on the output's clock.
        metadata: of the file.
        picture: metadata of its picture.
        lost: sentences about what isn't.
    """

    sound: list[tuple[av.AudioStream, bool]] = field(default_factory=list)
    subtitles: list[tuple[av.subtitles.stream.SubtitleStream, bool]] = field(default_factory=list)
    covers: list[av.VideoStream] = field(default_factory=list)
    attachments: list[av.stream.AttachmentStream] = field(default_factory=list)
    chapters: list[Any] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    picture: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


@contextmanager
def opened(carried: Carried) -> Iterator[av.container.InputContainer]:
    """The file of ``carried``."""
    with open_container(carried.path) as source:
        yield source


def losses(carried: Carried, holds: Holds | None) -> list[str]:
    """What a container has no room for, a sentence each; ``holds`` is None for one that holds a picture only.

    A folder or a file that can't be opened has nothing to lose.
    """
    if carried.path.is_dir():
        return []
    with opened(carried) as source:
        return planned(carried, source, holds).lost


def planned(carried: Carried, source: av.container.InputContainer, holds: Holds | None) -> Plan:
    """What becomes of everything in ``source`` but its picture."""
    plan = Plan()
    if holds is None:
        kinds = {
            "sound": source.streams.audio and carried.audio is not Audio.none,
            "subtitles": source.streams.subtitles,
            "attachments": source.streams.attachments,
        }
        if names := [name for name, there in kinds.items() if there]:
            listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
            plan.lost.append(_left(listed, "this holds a picture only"))
        return plan
    if carried.audio is not Audio.none:
        _plan_sound(plan, carried, source, holds)
    for stream in source.streams.subtitles:
        codec = codec_of(stream)
        if codec in holds.subtitles or codec in TEXT:
            plan.subtitles.append((stream, codec in holds.subtitles))
        else:
            plan.lost.append(_left(f"subtitles in {codec}", "this has no room for them"))
    _plan_rest(plan, carried, source, holds)
    return plan


def _plan_sound(plan: Plan, carried: Carried, source: av.container.InputContainer, holds: Holds) -> None:
    for stream in source.streams.audio:
        codec = codec_of(stream)
        fits = not carried.stretches and codec in holds.sound
        # A codec that this FFmpeg can't decode leaves the stream without a context.
        if not fits and (stream.codec_context is None or not stream.rate):
            plan.lost.append(
                f"sound track {len(plan.sound) + 1} is in a codec that can't be decoded; it is left out"
            )
        else:
            plan.sound.append((stream, fits))


def _plan_rest(plan: Plan, carried: Carried, source: av.container.InputContainer, holds: Holds) -> None:
    cover = av.stream.Disposition.attached_pic
    covers = [stream for stream in source.streams.video if stream.disposition & cover]
    moving = [stream for stream in source.streams.video if not stream.disposition & cover]
    plan.covers = [stream for stream in covers if codec_of(stream) in holds.covers]
    if len(plan.covers) < len(covers):
        plan.lost.append(_left("the cover picture", "this has no room for such a one"))
    if holds.attachments:
        plan.attachments = list(source.streams.attachments)
    elif source.streams.attachments:
        plan.lost.append(_left("attachments", "this has no room for them"))
    if len(moving) > 1:
        plan.lost.append(f"only the first of {len(moving)} pictures is drawn; the others are left out")
    # MP4 keeps chapters as a text track, too, which PyAV names as here.
    if any(stream.name != "bin_data" for stream in source.streams.data):
        plan.lost.append(
            "data that belong to the recording, such as a time code, would be wrong and will be left out"
        )
    plan.chapters = _chapters(carried, source.chapters())
    plan.metadata = kept(source.metadata)
    plan.picture = kept(moving[0].metadata) if moving else {}


def _left(what: str, why: str) -> str:
    return f"{what} will be left out, as {why}; choose .mkv to keep what can be kept"


def codec_of(stream: Any) -> str | None:
    # By its own name, as a decoder may have another: mp3float for MP3.
    return None if stream.codec_context is None else stream.codec_context.codec.canonical_name


def kept(metadata: dict[str, str]) -> dict[str, str]:
    """What stays true of another file."""
    return {
        # What is the title of a track elsewhere is its name in MP4.
        "title" if key.lower() == "name" else key: value
        for key, value in metadata.items()
        if key.lower() not in _OF_THE_FILE and not key.lower().startswith(_STATISTICS)
    }


def _chapters(carried: Carried, chapters: list[Any]) -> list[Any]:
    """Those within the stretch, on the output's clock."""
    tick, moved = Fraction(1, 1_000_000), []
    for chapter in chapters:
        begin, end = (chapter[edge] * chapter["time_base"] for edge in ("start", "end"))
        if begin < carried.end and end > carried.start:
            begin, end = (carried.output_time(min(max(t, carried.start), carried.end)) for t in (begin, end))
            moved.append(
                chapter | {"start": round(begin / tick), "end": round(end / tick), "time_base": tick}
            )
    return moved
