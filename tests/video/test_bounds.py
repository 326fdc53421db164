"""Numbers that no video has are refused at once, each in one sentence."""

import os
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest

from tweenfield import Timing, UsageError, VideoError, output_timeline, read_video
from tweenfield.video import Video, parse_frames, parse_rate, parse_size, parse_slow, parse_time
from tweenfield.video.timing import encodable, exact

LONG = "9" * 5000


def video(rate=Fraction(25), frames=3):
    pictures = np.zeros((frames, 4, 4, 3), np.uint8)
    return Video(frames=pictures, times=tuple(k / rate for k in range(frames)), rate=rate)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_rate, LONG),
        (parse_rate, f"{LONG}x"),
        (parse_rate, f"1/{LONG}"),
        (parse_rate, "1000001"),
        (parse_rate, "0.0000001"),
        (parse_slow, f"{LONG}x"),
        (parse_slow, f"0.{'0' * 400}1"),
        (parse_time, LONG),
        (parse_size, f"{LONG}x1"),
        (parse_size, "99999x99999"),
        (parse_frames, f":{LONG}"),
    ],
)
def test_a_number_beyond_all_use_is_refused_with_a_short_sentence(parse, text):
    with pytest.raises(UsageError) as error:
        parse(text)
    assert len(str(error.value)) < 200 or parse in (parse_size, parse_frames)


@pytest.mark.parametrize("timing", Timing)
@pytest.mark.parametrize(
    "flags", [{"slow": "1000000x"}, {"fps": "1000000x"}, {"speed": "0:0.001x", "fps": "1000000"}]
)
def test_too_many_frames_are_counted_and_never_listed(timing, flags):
    hour = video(frames=40)
    hour = Video(frames=hour.frames, times=tuple(100 * t for t in hour.times), rate=hour.rate / 100)
    with pytest.raises(UsageError, match=r"[\d,]{10,} frames, but at most 10,000,000|can't be played"):
        output_timeline(hour, timing=timing, **flags)


def test_a_rate_of_more_than_31_bits_becomes_the_nearest_that_ffmpeg_can_keep():
    assert encodable(Fraction(60000, 1001)) == Fraction(60000, 1001)
    for rate in (Fraction(39 * 10**9, 1301333333), Fraction(10**12 + 1, 10**12), Fraction(1, 3 * 10**9)):
        near = encodable(rate)
        assert max(near.as_integer_ratio()) < 2**31 and abs(near - rate) < 1e-9
    assert output_timeline(video(), fps="1.0000000000001").rate == 1


def test_fractions_of_files_are_digits_alone():
    assert exact("-7/3") == Fraction(-7, 3) and exact("12") == 12
    for text in ("1e999999999", "1/0", "1.5", "", " 1", "1/" + LONG, LONG):
        with pytest.raises(ValueError, match="is no fraction"):
            exact(text)


def test_an_image_of_more_pixels_than_opencv_takes_is_one_sentence(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "0.png").write_bytes(data)
    with pytest.raises(VideoError, match=r"0\.png: the image can't be decoded, as it has more pixels"):
        read_video(tmp_path)


def test_a_pipe_without_a_writer_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", "/dev/zero"):
        with pytest.raises(VideoError, match="no file but a device or a pipe"):
            read_video(path)
