"""How long the last frame is shown, and the rate that a video of uneven frames goes by."""

from fractions import Fraction as F

import av
import numpy as np
import pytest
from PIL import Image
from video.clips import encode, texture

from tweenfield import End, Timing, output_timeline, read_video, write_video
from tweenfield.video.timing import usual_rate


def after(*intervals):
    """Times in seconds with these intervals, in ticks of 90 kHz."""
    return tuple(F(int(t), 90000) for t in np.cumsum((0, *intervals)))


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        # A phone drops frames and isn't quite in step; in the dark it exposes longer.
        (after(3000, 3011, 6005, 2989, 3004, 2996, 9001, 3000), 30),
        (after(*[3003] * 9, 6006, *[3003] * 9), F(30000, 1001)),
        (after(*[3000] * 6, *[3750] * 14), 24),
        (after(1500, 1499, 1502, 90000, 1500, 450000, 1501, 1500), 60),  # a screen that mostly stood still
        (after(3754, 3753, 7508, 3754), F(24000, 1001)),
        (after(270000, 180000, 270000), F(1, 3)),
    ],
)
def test_the_rate_is_that_of_the_usual_interval(times, rate):
    assert usual_rate(times) == rate


def test_twice_the_rate_of_a_phone_clip_shows_each_frame_at_its_time(tmp_path):
    steps = [3000, 2990, 6010, 3000, 3020, 2980, 3000, 9000, 3005, 2995]
    ticks = np.cumsum([0, *steps]).tolist()
    encoding = {"options": {"bf": "0"}, "time_base": F(1, 90000)}
    path = encode(tmp_path / "phone.mp4", texture(11), pts=ticks, **encoding)
    video = read_video(path)
    assert video.times == tuple(F(t, 90000) for t in ticks) and video.rate == 30
    line = output_timeline(video, fps="2x")
    assert line.rate == 60 and line.length == video.times[-1] + F(1, 30)
    assert line.times == tuple(min(F(k, 60), video.times[-1]) for k in range(len(line)))
    assert 0 <= len(line) / line.rate - line.length < F(1, 60)


def test_a_gif_that_pauses_at_its_end_does_so_afterwards(tmp_path):
    pictures = [Image.fromarray(frame) for frame in texture(4)]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 100, 100, 2000])
    video = read_video(path)
    line = output_timeline(video)
    assert (line.rate, line.length, len(line)) == (10, F(23, 10), 23)
    assert line.times[3:] == (F(3, 10),) * 20
    assert len(output_timeline(video, end=End.stop)) == 4
    assert len(output_timeline(video, timing=Timing.source)) == 23
    # A part without the last frame doesn't.
    assert output_timeline(read_video(path, frames="0:3")).length == F(3, 10)
    assert output_timeline(video.select([0, 1])).length == F(2, 10)
    assert output_timeline(video.select([1, 3])).length == F(2, 10) + 2


def with_sound(path, sound, tmp_path):
    """A second of picture at 25 frames per second, and so many seconds of sound."""
    silent = tmp_path / "silent.mp4"
    write_video(silent, texture(25), rate=25)
    with av.open(str(silent)) as source, av.open(str(path), "w") as container:
        picture = container.add_stream_from_template(source.streams.video[0])
        heard = container.add_stream("aac", rate=48000, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                container.mux(packet)
        for k in range(int(sound * 48000 / 1024)):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.rate, frame.pts = 48000, k * 1024
            container.mux(heard.encode(frame))
        container.mux(heard.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_a_picture_that_ends_before_its_sound_is_held(tmp_path, name):
    path = with_sound(tmp_path / name, 3, tmp_path)
    length = output_timeline(read_video(path)).length
    assert length == pytest.approx(3, abs=0.04)
    assert output_timeline(read_video(path), end=End.stop).length == 1
    assert output_timeline(read_video(path, until=F(2))).length == 2
    assert output_timeline(read_video(path, until=F(12, 25))).length == F(12, 25)
    assert output_timeline(read_video(path, frames="0:10")).length == F(2, 5)
    # What encoders add isn't meant.
    assert output_timeline(read_video(with_sound(path, 1.2, tmp_path))).length == 1


def test_sound_before_the_picture_is_named(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(9), pts=range(60, 69), audio=True)
    said = []
    assert read_video(path, on_notice=said.append).start == 2
    assert len(said) == 1 and "sound begins 2.0 s before the picture" in said[0]
    read_video(path, frames="3:", on_notice=said.append)
    read_video(encode(path, texture(9), audio=True), on_notice=said.append)
    assert len(said) == 1


def test_uneven_frames_are_shown_until_the_next_or_until_the_part_ends(tmp_path):
    path = encode(tmp_path / "a.mkv", texture(5), pts=[0, 100, 200, 1200, 1300], time_base=F(1, 1000))
    assert output_timeline(read_video(path, until=F(7, 10))).length == F(7, 10)
    assert output_timeline(read_video(path)).length == F(14, 10)
