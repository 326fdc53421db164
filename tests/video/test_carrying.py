"""What a file holds besides picture and sound comes out whole, when the output shows the same."""

import io
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from video.clicks import through

from tweenfield import Carried, parse_speed, read_video
from tweenfield.video import CONTAINERS, losses

HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
RATE, FRAMES = 25, 75
# Seconds from, until, and what is read then.
TITLES = [(0.2, 0.7, "one"), (1.1, 1.9, "two"), (2.2, 2.8, "three")]
CHAPTERS = [(0, 1000, "morning"), (1000, 2500, "noon"), (2500, 3000, "night")]
FONT = bytes(range(256)) * 5


def a_picture(shape=(40, 40, 3)):
    return cv2.imencode(".jpg", np.full(shape, 90, np.uint8))[1].tobytes()


def full(path, subtitles="srt", cover=False, lasting=True, languages=("fin", "swa")):
    """A dark clip with tracks of subtitles, chapters, titles, and where it can be a font and a cover."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        tracks = [container.add_stream(subtitles) for _ in languages]
        for track, language in zip(tracks, languages, strict=True):
            track.codec_context.subtitle_header = HEADER
            track.metadata["language"] = language
        tracks[0].metadata["title"] = "For the deaf"
        container.metadata.update({"title": "A film", "artist": "Us", "comment": "kept"})
        second = Fraction(1, 1000)
        container.set_chapters(
            [
                {"id": k, "start": a, "end": b, "time_base": second, "metadata": {"title": name}}
                for k, (a, b, name) in enumerate(CHAPTERS, start=1)
            ]
        )
        if path.suffix == ".mkv":
            container.add_attachment("f.ttf", "application/x-truetype-font", FONT)
        if cover and path.suffix == ".mkv":
            container.add_attachment("cover.jpg", "image/jpeg", a_picture())
        if cover and path.suffix == ".mp4":
            still = container.add_stream("mjpeg")
            still.width = still.height = 40
            still.pix_fmt, still.disposition = "yuvj420p", av.stream.Disposition.attached_pic
        for k in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20, np.uint8), "rgb24")
            frame.pts, frame.time_base = k, Fraction(1, RATE)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        if cover and path.suffix == ".mp4":
            packet = av.Packet(a_picture())
            packet.stream, packet.pts, packet.dts, packet.time_base = still, 0, 0, second
            container.mux(packet)
        for begin, end, text in TITLES:
            for track, suffix in zip(tracks, ("", "!", "!", "!", "!"), strict=False):
                data = (text + suffix).encode()
                if subtitles == "mov_text":
                    data = len(data).to_bytes(2, "big") + data
                packet = av.Packet(data)
                packet.stream, packet.time_base = track, second
                packet.pts = packet.dts = round(1000 * begin)
                packet.duration = round(1000 * (end - begin)) * lasting
                container.mux(packet)
    return path


def titles(path, track=0):
    """Begin, end and text of each subtitle, in seconds."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[track]
        for packet in container.demux(stream):
            if not packet.size:
                continue
            for text in stream.codec_context.decode2(packet) or ():
                begin = float(packet.pts * packet.time_base)
                said = text.ass.decode().rsplit(",", 1)[-1]
                if said:
                    found.append((begin, begin + float(packet.duration * packet.time_base), said))
    return found


@pytest.mark.parametrize(
    ("source", "kind", "target", "becomes"),
    [
        ("a.mkv", "srt", "b.mkv", "subrip"),
        ("a.mkv", "ass", "b.mkv", "ass"),
        ("a.mkv", "srt", "b.mp4", "mov_text"),
        ("a.mkv", "srt", "b.mov", "mov_text"),
        ("a.mkv", "srt", "b.webm", "webvtt"),
        ("a.mp4", "mov_text", "b.mp4", "mov_text"),
        ("a.mp4", "mov_text", "b.mkv", "subrip"),
    ],
)
def test_subtitles_chapters_and_titles_come_through(tmp_path, source, kind, target, becomes):
    made = full(tmp_path / source, kind)
    if kind == "ass":  # whose packets hold styles, too
        made = through(full(tmp_path / "c.mkv"), tmp_path / source)
        becomes = "subrip"
    out = through(made, tmp_path / target)
    for track, suffix in enumerate(("", "!")):
        found = titles(out, track)
        assert [text for *_, text in found] == [text + suffix for *_, text in TITLES]
        expected = [(begin, end) for begin, end, _ in TITLES]
        assert np.abs(np.subtract([pair[:2] for pair in found], expected)).max() < 0.0015
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "A film"
        kept = {key.lower(): value for key, value in container.metadata.items()}
        assert (kept["artist"], kept["comment"]) == ("Us", "kept")
        chapters = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in container.chapters()
        ]
        assert chapters == [(a / 1000, b / 1000, name) for a, b, name in CHAPTERS]
        tracks = container.streams.subtitles
        assert [stream.codec_context.codec.canonical_name for stream in tracks] == [becomes] * 2
        assert [stream.metadata["language"] for stream in tracks] == ["fin", "swa"]


@pytest.mark.parametrize("target", ["b.mkv", "b.mp4", "b.mov", "b.webm"])
def test_every_language_comes_through(tmp_path, target):
    """Of these, Apple's old list has the second only, under this code."""
    languages = ["deu", "fin", "swe", "hrv", "tlh"]
    out = through(full(tmp_path / "a.mkv", languages=languages), tmp_path / target)
    with av.open(str(out)) as container:
        assert [track.metadata["language"] for track in container.streams.subtitles] == languages
        assert container.streams.video[0].metadata.get("language", "und") == "und"
    assert titles(out)[0][2] == "one"


@pytest.mark.parametrize("target", ["b.mkv", "b.mp4", "b.webm"])
def test_text_without_a_duration_is_shown_until_the_next(tmp_path, target):
    found = titles(through(full(tmp_path / "a.mkv", lasting=False), tmp_path / target))
    assert [text for *_, text in found] == ["one", "two", "three"]
    expected = [(0.2, 1.1), (1.1, 2.2), (2.2, 3.0)]
    assert np.abs(np.subtract([pair[:2] for pair in found], expected)).max() < 0.0015


def test_what_an_editor_cuts_and_slows_moves_along(tmp_path):
    made = full(tmp_path / "a.mkv")
    cut = titles(through(made, tmp_path / "cut.mkv", "12:60"))
    shown = [(0, 0.7 - 0.48, "one"), (1.1 - 0.48, 1.9 - 0.48, "two"), (2.2 - 0.48, 2.4 - 0.48, "three")]
    assert [text for *_, text in cut] == ["one", "two", "three"]
    assert np.abs(np.subtract([t[:2] for t in cut], [t[:2] for t in shown])).max() < 0.0015
    slow = titles(through(made, tmp_path / "slow.mp4", speed=Fraction(1, 3)))
    assert np.abs(np.subtract([t[:2] for t in slow], [(3 * a, 3 * b) for a, b, _ in TITLES])).max() < 0.0015
    speed = parse_speed("0:1x 1:0.25x 2:1x")
    changing = titles(through(made, tmp_path / "changing.mkv", speed=speed))
    expected = [(speed.output_time(a), speed.output_time(b)) for a, b, _ in TITLES]
    assert np.abs(np.subtract([t[:2] for t in changing], expected)).max() < 0.0015
    with av.open(str(tmp_path / "slow.mp4")) as container:
        assert [float(c["start"] * c["time_base"]) for c in container.chapters()] == [0, 3, 7.5]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("a.mkv", "b.mkv"),
        ("a.mp4", "b.mp4"),
        ("a.mp4", "b.mkv"),
        ("a.mp4", "b.mov"),
        ("a.mkv", "b.mov"),
    ],
)
def test_fonts_and_covers_come_through(tmp_path, source, target):
    made = full(tmp_path / source, "mov_text" if source.endswith("mp4") else "srt", cover=True)
    with av.open(str(through(made, tmp_path / target))) as container:
        covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
        (packet,) = [bytes(p) for p in container.demux(covers[0]) if p.size]
        assert packet == a_picture()
        if source == target == "a.mkv":
            (font,) = container.streams.attachments
            assert (font.name, font.data) == ("f.ttf", FONT)
        assert container.streams.video[0].disposition == av.stream.Disposition.default
    assert len(read_video(tmp_path / target)) == FRAMES  # the picture is found beside its cover


@pytest.mark.parametrize("name", ["b.mp4", "b.mov", "b.mkv"])
def test_a_cover_of_an_odd_kind_is_kept_or_named(tmp_path, name):
    made, gif = tmp_path / "a.mkv", io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(gif, "GIF")
    with av.open(str(made), "w") as container, av.open(str(full(tmp_path / "plain.mkv"))) as source:
        container.add_stream_from_template(source.streams.video[0])
        container.add_attachment("cover.gif", "image/gif", gif.getvalue())
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = container.streams[0]
                container.mux(packet)
    carried = Carried(path=made, start=Fraction(0), length=Fraction(3))
    lost, kept = losses(carried, CONTAINERS[Path(name).suffix].holds), name.endswith("mkv")
    assert lost == [] if kept else "the cover picture will be left out" in lost[0]
    with av.open(str(through(made, tmp_path / name))) as container:
        assert len(container.streams.video) == 1 + kept


def test_what_has_no_room_is_named(tmp_path):
    made = full(tmp_path / "a.mkv", cover=True)
    carried = Carried(path=made, start=Fraction(0), length=Fraction(3))
    assert losses(carried, CONTAINERS[".mkv"].holds) == []
    (attachments,) = losses(carried, CONTAINERS[".mp4"].holds)
    assert "attachments will be left out, as this has no room for them; choose .mkv" in attachments
    assert len(losses(carried, CONTAINERS[".webm"].holds)) == 2
    (all_of_it,) = losses(carried, None)
    assert all_of_it.startswith("subtitles and attachments will be left out")
    with av.open(str(tmp_path / "c.mkv"), "w") as container, av.open(str(made)) as source:
        streams = {s: container.add_stream_from_template(s) for s in source.streams if s.type != "attachment"}
        container.add_attachment("f.ttf", "application/x-truetype-font", FONT)
        sound = container.add_stream("aac", rate=48000)
        for packet in source.demux(list(streams)):
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                container.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        container.mux([*sound.encode(frame), *sound.encode(None)])
    three = Carried(path=tmp_path / "c.mkv", start=Fraction(0), length=Fraction(3))
    (sentence,) = losses(three, None)
    assert sentence.startswith("sound, subtitles and attachments will be left out")


def test_chapters_of_an_mp4_are_no_data_that_would_be_wrong(tmp_path):
    made = full(tmp_path / "a.mp4", "mov_text")
    carried = Carried(path=made, start=Fraction(0), length=Fraction(3))
    assert losses(carried, CONTAINERS[".mp4"].holds) == []
    with av.open(str(tmp_path / "b.mov"), "w") as container:
        picture = container.add_stream("libx264", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        container.metadata["timecode"] = "01:00:00:00"
        for _ in range(3):
            container.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(picture.encode(None))
    carried = Carried(path=tmp_path / "b.mov", start=Fraction(0), length=Fraction(3))
    (said,) = losses(carried, CONTAINERS[".mp4"].holds)
    assert said.startswith("data that belong to the recording, such as a time code, would be wrong")


def test_the_title_of_a_track_in_mp4_is_its_title_in_matroska(tmp_path):
    made = through(full(tmp_path / "a.mkv"), tmp_path / "b.mp4")
    through(made, tmp_path / "c.mkv")
    with av.open(str(tmp_path / "c.mkv")) as container:
        assert container.streams.subtitles[0].metadata["title"] == "For the deaf"
        assert not any("HANDLER_NAME" in stream.metadata for stream in container.streams)


def test_figures_of_the_old_file_are_not_said_of_the_new_one(tmp_path):
    made = through(full(tmp_path / "a.mkv"), tmp_path / "b.mkv", "0:10")
    with av.open(str(made)) as container:
        assert container.streams.video[0].metadata["DURATION"].startswith("00:00:00.4")
        for stream in container.streams:
            assert not any(key.startswith(("BPS", "NUMBER_OF")) for key in stream.metadata)
