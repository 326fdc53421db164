"""Fields of different times become whole pictures, as many and at the same times."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from command.running import tweenfield
from video.clips import CLIPS, encode

from tweenfield import Deinterlace, describe_video, read_video, write_video

there = pytest.mark.skipif(not CLIPS.is_dir(), reason="the real clips aren't here")
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


def weave(pictures, first):
    """Two pictures in each: odd lines of one, even ones of the other; ``first`` are those of the earlier."""
    woven = []
    for a, b in zip(pictures[::2], pictures[1::2], strict=False):
        woven.append(b.copy())
        woven[-1][first::2] = a[first::2]
    return woven


@there
@pytest.mark.parametrize(("clip", "first"), [("bikes", 0), ("mouse", 1), ("walk", 0)])
def test_what_lost_its_marks_is_recognised(tmp_path, clip, first):
    """Each whole picture is nearer to what was filmed than the woven one, where the picture moves."""
    filmed = np.asarray(read_video(CLIPS / f"{clip}.mkv").frames[:])
    path = encode(tmp_path / "a.mp4", weave(filmed, first), rate=25, options={"crf": "18"})
    video = read_video(path, on_notice=(said := []).append)
    assert ["without being marked so, and is made into whole pictures" in s for s in said] == [True]
    assert describe_video(path).interlaced
    left = read_video(path, deinterlace=Deinterlace.off, on_notice=pytest.fail)
    assert (video.times, len(video)) == (left.times, len(filmed) // 2)
    truth = filmed[::2][: len(video)].astype(float)
    moves = np.abs(truth - filmed[1::2][: len(video)]).max(-1) > 16
    errors = [np.abs(np.asarray(v.frames[:], float) - truth).mean(-1)[moves].mean() for v in (video, left)]
    assert errors[0] < 0.6 * errors[1]


@there
def test_only_the_parts_that_are_interlaced_are_changed(tmp_path):
    filmed = np.asarray(read_video(CLIPS / "bikes.mkv").frames[:29])
    mixed = [*filmed, *filmed, *weave(filmed, 0)]
    path = tmp_path / "a.mkv"
    encode(path, mixed, codec="ffv1", pixel_format="yuv444p", rate=25)
    video = read_video(path, on_notice=(said := []).append)
    assert ["parts of the video are interlaced" in s for s in said] == [True]
    left = read_video(path, deinterlace=Deinterlace.off)
    changed = [not np.array_equal(a, b) for a, b in zip(video.frames, left.frames, strict=True)]
    assert not any(changed[:55]) and sum(changed[58:]) > 7


def scrolling(pixels):
    """Text that scrolls by so many pixels a frame, which idet alone takes for interlaced."""
    page = np.zeros((2000, 160, 3), np.uint8)
    rng = np.random.default_rng(3)
    for y in range(14, 2000, 16):
        text = "".join(rng.choice(list("EFTZHLI=-ABCDE "), 14))
        cv2.putText(page, text, (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return [page[round(k * pixels) :][:120] for k in range(60)]


@pytest.mark.parametrize("pixels", [0.5, 1, 1.5, 2, 3])
def test_text_that_scrolls_is_whole(tmp_path, pixels):
    path = encode(tmp_path / "a.mp4", scrolling(pixels), rate=25)
    read_video(path, on_notice=pytest.fail)
    assert not describe_video(path).interlaced


@pytest.mark.parametrize("clip", sorted(CLIPS.glob("*.mkv")), ids=lambda path: path.stem)
def test_real_clips_are_whole(tmp_path, clip):
    """Strongly compressed, and while the camera seems to turn upwards by a line a frame, too."""
    filmed = np.asarray(read_video(clip, on_notice=pytest.fail).frames[:])
    turned = [frame[k : k + 190] for k, frame in enumerate(filmed)]
    read_video(encode(tmp_path / "a.mp4", turned, options={"crf": "32"}), on_notice=pytest.fail)


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (16, 2)])
def test_the_smallest_pictures_can_be_looked_at(tmp_path, size):
    height, width = size
    frames = np.random.default_rng(0).integers(0, 256, (14, height, width, 3)).astype(np.uint8)
    path = encode(tmp_path / "a.mkv", frames, codec="ffv1", pixel_format="bgr0")
    assert np.array_equal(read_video(path, on_notice=pytest.fail).frames[:], frames)


def test_the_command_says_so(tmp_path):
    path = filmed(tmp_path / "a.mp4", "libx264", "yuv420p", {"x264-params": "bff=1"})
    few = ["--field", "siren", "--preset", "draft", "--steps", "2", "--width", "16", "--depth", "2"]
    ended = tweenfield("run", path, "-o", tmp_path / "o.mp4", *few, "--frames", "0:4")
    assert ended.returncode == 0 and "is interlaced, and is made into whole pictures" in ended.stderr
    ended = tweenfield("run", path, "-o", tmp_path / "p.mp4", *few, "--frames", "0:4", "--deinterlace", "off")
    assert ended.returncode == 0 and "interlaced" not in ended.stderr
