"""Fields of different times become whole pictures, as many and at the same times."""

from fractions import Fraction

import av
import numpy as np
import pytest
from command.running import tweenfield

from tweenfield import Deinterlace, describe_video, read_video, write_video

HEIGHT, WIDTH, FRAMES = 96, 128, 24
# FFmpeg's flags for interlaced transforms and motion.
INTERLACED = 0x40000 | 0x20000000


def bar(t):
    """A bar that moves by three pixels a frame."""
    row = np.clip(6.5 - np.abs(np.arange(WIDTH) - 15 - 3 * t), 0, 1)
    return np.broadcast_to((40 + 170 * row)[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)


def woven(k):
    """Odd lines of one time, even ones of half an interval later: the bottom field is the first."""
    picture = bar(k).copy()
    picture[::2] = bar(k + 0.5)[::2]
    return picture


def filmed(path, codec, pixel_format, options):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        stream.codec_context.flags |= INTERLACED
        for k in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(woven(k), "rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def combing(frames):
    """How much a line differs from those above and below, where these are alike."""
    f = np.asarray(frames, float).mean(-1)
    return np.abs(2 * f[:, 1:-1] - f[:, :-2] - f[:, 2:]).mean()


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", {"crf": "4", "x264-params": "bff=1"}),
        ("a.mpg", "mpeg2video", "yuv420p", {"b": "8M"}),
    ],
)
def test_fields_become_whole_pictures(tmp_path, name, codec, pixel_format, options):
    path, said = filmed(tmp_path / name, codec, pixel_format, options), []
    video = read_video(path, on_notice=said.append)
    left = read_video(path, deinterlace=Deinterlace.off, on_notice=pytest.fail)
    (sentence,) = said
    assert f"{path}: the video is interlaced" in sentence and describe_video(path).interlaced
    assert (len(video), video.times, video.rate) == (FRAMES, left.times, left.rate) and video.rate == 25
    assert combing(left.frames[4:20]) > 5 and combing(video.frames[4:20]) < 0.5
    error = [np.abs(np.asarray(v.frames[12], float) - bar(12)).mean() for v in (video, left)]
    assert error[0] < 0.5 and error[1] > 1.9
    again = [video.frames[k] for k in (20, 3, 12)]
    fresh = read_video(path)
    assert all(np.array_equal(a, fresh.frames[k]) for a, k in zip(again, (20, 3, 12), strict=True))


def test_what_is_whole_stays_as_it_is(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, [bar(k) for k in range(FRAMES)], rate=25)
    auto = read_video(path, on_notice=pytest.fail)
    off = read_video(path, deinterlace=Deinterlace.off)
    assert np.array_equal(auto.frames[:], off.frames[:]) and not describe_video(path).interlaced


def test_the_command_says_so(tmp_path):
    path = filmed(tmp_path / "a.mp4", "libx264", "yuv420p", {"x264-params": "bff=1"})
    few = ["--field", "siren", "--preset", "draft", "--steps", "2", "--width", "16", "--depth", "2"]
    ended = tweenfield("run", path, "-o", tmp_path / "o.mp4", *few, "--frames", "0:4")
    assert ended.returncode == 0 and "is interlaced, and is made into whole pictures" in ended.stderr
    ended = tweenfield("run", path, "-o", tmp_path / "p.mp4", *few, "--frames", "0:4", "--deinterlace", "off")
    assert ended.returncode == 0 and "interlaced" not in ended.stderr
