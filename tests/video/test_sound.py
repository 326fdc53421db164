"""Sound stays in step with the picture: a click is heard where a flash is seen, to a millisecond."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video.clicks import FLASHES, FRAMES, RATE, clicking, clicks, through
from video.test_carrying import full

from tweenfield import Carried, output_timeline, parse_speed, read_video, write_video
from tweenfield.video.carrying.stretching import Stretch
from tweenfield.video.carrying.tracks import _Alike


@pytest.mark.parametrize(
    ("source", "codec", "target", "becomes"),
    [
        ("a.mp4", "aac", "b.mp4", "aac"),
        ("a.mkv", "aac", "b.mp4", "aac"),
        ("a.mp4", "aac", "b.mkv", "aac"),
        ("a.mkv", "pcm_s16le", "b.mp4", "aac"),
        ("a.mkv", "pcm_s16le", "b.mkv", "pcm_s16le"),
        ("a.mp4", "aac", "b.webm", "opus"),
        ("a.mkv", "libmp3lame", "b.mp4", "mp3"),
        ("a.mov", "alac", "b.mp4", "alac"),
        ("a.mov", "pcm_mulaw", "b.mkv", "aac"),
    ],
)
def test_clicks_are_heard_with_their_flashes(tmp_path, source, codec, target, becomes):
    made = clicking(tmp_path / source, codec)
    heard, seen = clicks(through(made, tmp_path / target))
    before, _ = clicks(made)
    # Matroska has no times below 0: all begins with the last packet of sound before the picture.
    later = seen[0] - FLASHES[0]
    assert -0.001 < later < (0.03 if target.endswith("mkv") else 0.002)
    assert np.abs(np.subtract(seen, FLASHES) - later).max() < 0.0015
    # Against the same measure of the input, as a codec smears the beginning of a click.
    assert np.abs(np.subtract(heard, before) - later).max() < 0.001 + 0.001 * (codec != becomes)
    assert np.abs(np.subtract(heard, seen)).max() < 0.003
    with av.open(str(tmp_path / target)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == becomes
        assert container.streams.audio[0].metadata["language"] == "fin"


def test_sound_whose_decoder_gives_other_samples_than_the_file_was_opened_with(tmp_path):
    """FFmpeg opens MP2 of a transport stream with a decoder to floats and decodes with one to integers."""
    made = clicking(tmp_path / "a.ts", "mp2")
    heard, seen = clicks(through(made, tmp_path / "b.mp4"))
    before, flashed = clicks(made)
    assert np.abs(np.subtract(heard, seen) - np.subtract(before, flashed)).max() < 0.002


def test_samples_stay_as_they_were_at_first():
    """Broadcasts change channels and rate between programmes."""
    alike, found = _Alike(), []
    for rate, layout, kind in ((48000, "stereo", "fltp"), (44100, "mono", "s16"), (48000, "stereo", "fltp")):
        samples = np.zeros((2, 4410), np.float32) if kind == "fltp" else np.zeros((1, 4410), np.int16)
        frame = av.AudioFrame.from_ndarray(samples, kind, layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, len(found) * 4800, Fraction(1, 48000)
        found.append(alike(frame))
    assert all(found)
    kinds = {(f.format.name, f.layout.name, f.sample_rate) for frames in found for f in frames}
    assert kinds == {("fltp", "stereo", 48000)}


def test_packets_that_fit_are_the_same_bytes(tmp_path):
    made = clicking(tmp_path / "a.mkv")
    target = through(made, tmp_path / "b.mp4")

    def packets(path):
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]

    assert packets(made) == packets(target)


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv"])
def test_sound_that_begins_later_stays_late(tmp_path, target):
    made = clicking(tmp_path / "a.mkv", late=0.3)
    heard, seen = clicks(through(made, tmp_path / target))
    assert np.abs(np.subtract(heard, seen)).max() < 0.003
    assert np.abs(np.subtract(seen, FLASHES)).max() < 0.002


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv", "b.webm"])
def test_a_stretch_has_its_own_sound(tmp_path, target):
    made = clicking(tmp_path / "a.mkv")
    heard, seen = clicks(through(made, tmp_path / target, frames="20:60"))
    expected = [t - 20 / RATE for t in FLASHES if 20 / RATE <= t < 60 / RATE]
    assert len(heard) == len(seen) == len(expected)
    assert np.abs(np.subtract(heard, seen)).max() < 0.003
    assert np.abs(np.subtract(seen, expected)).max() < 0.025  # as Matroska may begin a little later


@pytest.mark.parametrize("speed", [Fraction(1, 2), Fraction(1, 4), Fraction(3, 2)])
def test_slow_motion_stretches_sound_along_at_the_same_pitch(tmp_path, speed):
    made = clicking(tmp_path / "a.mkv")
    heard, seen = clicks(through(made, tmp_path / "b.mp4", speed=speed))
    expected = [t / float(speed) for t in FLASHES]
    assert np.abs(np.subtract(seen, expected)).max() < 0.002
    # A window of 40 ms may be shown from 8 ms earlier or later on.
    assert np.abs(np.subtract(heard, expected)).max() < 0.028 / float(speed)


def test_damaged_sound_ends_with_a_sentence_and_the_picture_is_whole(tmp_path):
    made = clicking(tmp_path / "a.mp4")
    with av.open(str(made)) as container:
        places = [(p.pos, p.size) for p in container.demux(container.streams.audio[0]) if p.size]
    content = bytearray(made.read_bytes())
    for begin, size in places[70:]:
        content[begin : begin + size] = bytes([255]) * size
    made.write_bytes(content)
    video, said = read_video(made), []
    carried = Carried(path=made, start=video.start, length=Fraction(3), on_damage=said.append)
    assert write_video(tmp_path / "b.webm", video.frames, rate=RATE, carried=carried) == FRAMES
    (sentence,) = said
    assert sentence.startswith(f"{made}: the sound is damaged at 1.") and sentence.endswith(
        "left out where it can't be read"
    )
    heard, seen = clicks(tmp_path / "b.webm")
    assert len(seen) == 3
    assert np.abs(np.subtract(heard[:2], FLASHES[:2])).max() < 0.003


def test_one_damaged_packet_leaves_a_gap_and_the_rest_in_step(tmp_path):
    made = clicking(tmp_path / "a.mp4")
    with av.open(str(made)) as container:
        places = [(p.pos, p.size) for p in container.demux(container.streams.audio[0]) if p.size]
    content = bytearray(made.read_bytes())
    begin, size = places[40]
    content[begin : begin + size] = bytes([255]) * size
    made.write_bytes(content)
    video, said = read_video(made), []
    for speed in (Fraction(1), Fraction(1, 2)):
        carried = Carried(
            path=made, start=video.start, length=Fraction(3), speed=speed, on_damage=said.append
        )
        write_video(tmp_path / "b.webm", video.frames, rate=RATE * speed, carried=carried)
        heard, _ = clicks(tmp_path / "b.webm")
        assert np.abs(np.subtract(heard, [t / float(speed) for t in FLASHES])).max() < 0.03 / float(speed)
    assert len(said) == 2


def times_of_sound(path):
    """Of each packet, in seconds."""
    with av.open(str(path)) as container:
        return [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.size]


@pytest.mark.parametrize("kind", ["audio", "subtitle"])
@pytest.mark.parametrize("target", ["b.mkv", "b.mp4"])
def test_a_packet_with_a_time_before_that_of_the_last_is_left_out(tmp_path, kind, target):
    made = clicking(tmp_path / "a.mkv") if kind == "audio" else full(tmp_path / "a.mkv")
    content = bytearray(made.read_bytes())
    with av.open(str(made)) as container:
        (stream, *_) = [stream for stream in container.streams if stream.type == kind]
        packet = list(container.demux(stream))[40 if kind == "audio" else 2]
    # Before the data are two bytes of time, which count from the cluster's, and one of flags.
    place = content.index(bytes(packet), packet.pos) - 3
    content[place : place + 2] = (1).to_bytes(2, "big")
    made.write_bytes(content)
    video, said = read_video(made, on_notice=print), []
    carried = Carried(path=made, start=video.start, length=Fraction(3), on_damage=said.append)
    assert write_video(tmp_path / target, video.frames, rate=RATE, carried=carried) == FRAMES
    (sentence,) = said
    assert f"{made}: the {'sound is' if kind == 'audio' else 'subtitles are'} damaged at 0.0 s" in sentence
    if kind == "audio":
        begin, end = (times_of_sound(path) for path in (made, tmp_path / target))
        del begin[40]
        assert np.abs(np.subtract(begin, end)).max() < 0.0015


def test_sound_follows_a_speed_that_changes(tmp_path):
    """Each click is heard when its flash is seen, however often the speed has changed."""
    made = clicking(tmp_path / "a.mkv")
    video, speed = read_video(made), parse_speed("0:1x 0.8:0.3x 1.6:2x 2.2:0.7x")
    timeline = output_timeline(video, fps=100, speed=speed)
    frames = (video.frames[int(t * RATE)] for t in timeline.times)
    carried = Carried(path=made, start=video.start, length=timeline.length, speed=speed)
    write_video(tmp_path / "b.mp4", frames, rate=100, carried=carried)
    heard, _ = clicks(tmp_path / "b.mp4")
    # A window of 40 ms may be shown from 8 ms earlier or later on.
    assert np.abs(np.subtract([speed.input_time(t) for t in heard], FLASHES)).max() < 0.028
    with av.open(str(tmp_path / "b.mp4")) as container:
        audio = container.streams.audio[0]
        assert float(audio.duration * audio.time_base) == pytest.approx(speed.output_time(3.0), abs=0.06)


def test_a_speed_that_changes_keeps_the_pitch():
    rate, speed = 48000, parse_speed("0:1x 1:0.3x 2:1.8x")
    wave = np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate).astype(np.float32)[None]
    stretch = Stretch(rate, 1, speed.input_time)
    pieces = [stretch.push(wave[:, k : k + 1000]) for k in range(0, wave.shape[1], 1000)]
    drawn = np.concatenate([*pieces, stretch.rest(speed.output_time(3))], axis=1)[0]
    assert len(drawn) == round(speed.output_time(3) * rate)
    inner = drawn[rate // 4 : -rate // 4]
    spectrum = np.abs(np.fft.rfft(inner * np.hanning(len(inner)))) ** 2
    pitches = np.fft.rfftfreq(len(inner), 1 / rate)
    assert spectrum[np.abs(pitches - 440) < 8].sum() > 0.98 * spectrum.sum()
    assert np.abs(np.abs(inner).max() - 1) < 0.05
