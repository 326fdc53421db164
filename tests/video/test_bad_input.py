"""Each kind of unusable input gets one sentence that says what is wrong."""

import os
import re
from fractions import Fraction as F
from itertools import pairwise

import av
import numpy as np
import pytest
from video.clips import add_audio, encode, texture

from tweenfield.errors import VideoError
from tweenfield.video import describe_video, read_video, write_video


def refused(path, pattern, **kwargs):
    with pytest.raises(VideoError, match=pattern) as caught:
        read_video(path, **kwargs)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


def test_missing(tmp_path):
    refused(tmp_path / "nope.mp4", "no such file or folder")


def test_empty(tmp_path):
    (tmp_path / "a.mp4").touch()
    refused(tmp_path / "a.mp4", "empty")


def test_not_a_video(tmp_path):
    for name in ("a.mp4", "a.txt", "a.py"):
        (tmp_path / name).write_text("This is a shopping list: milk, bread.\n" * 200)
        refused(tmp_path / name, "isn't a video|holds no video")


def test_a_y4m_that_ends_within_a_frame_is_cut_short(tmp_path):
    path = tmp_path / "a.y4m"
    write_video(path, texture(count=4), rate=25)
    frame = len(b"FRAME\n") + 48 * 64 * 3 // 2
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - frame - 100])
    refused(path, "only the first 2 frames.*--frames 0:2$")
    assert len(read_video(path, frames="0:2")) == 2
    path.write_bytes(content[: len(content) - frame])
    assert len(read_video(path)) == 3


def test_audio_only(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        add_audio(container)
    refused(path, "only audio")
    with pytest.raises(VideoError, match="only audio"):
        describe_video(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(2))
    path.chmod(0)
    refused(path, "Permission denied")


def test_below_a_file(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(2))
    refused(path / "b.mp4", "Not a directory")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
@pytest.mark.parametrize("part", [0.7, 0.9])
def test_a_file_cut_short_says_how_many_frames_are_left(tmp_path, suffix, part):
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    options = {"cpu-used": "8"} if suffix == ".webm" else {"g": "6", "bf": "2"}
    container_options = {"movflags": "faststart"} if suffix == ".mp4" else None
    whole = encode(tmp_path / f"whole{suffix}", texture(48, 96, 128), codec=codec, options=options,
                   container_options=container_options)  # fmt: skip
    assert len(read_video(whole)) == 48
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * part)])
    message = refused(path, r"damaged or cut short and only the first \d+ frames.*--frames 0:\d+$")
    count = int(message.rsplit(":", 1)[1])
    assert 0 < count < 48
    good = read_video(path, frames=f"0:{count}")
    np.testing.assert_array_equal(good.frames, read_video(whole, frames=f"0:{count}").frames)
    refused(path, "cut short", frames=f"0:{count + 1}")
    refused(path, "cut short", frames="-2:")


def test_an_mp4_without_its_index(tmp_path):
    whole = encode(tmp_path / "whole.mp4", texture(24))
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refused(path, "cut short")


def damaged(path, part):
    """A clip of 48 frames with 300 random bytes written over it, and the frames it had."""
    encode(path, texture(48, 96, 128), options={"g": "12"})
    whole = read_video(path)
    data = bytearray(path.read_bytes())
    start = int(len(data) * part)
    data[start : start + 300] = np.random.default_rng(1).bytes(300)
    path.write_bytes(data)
    return whole


def named(video, whole):
    """What is to be said of the frames that ``video`` lacks of ``whole``."""
    late, one = video.start - whole.start, 1 / whole.rate
    around = [(a, b) for a, b in pairwise(video.times) if b - a > one]
    inside = [f"between {float(a):.2f} s and {float(b):.2f} s; frames there are drawn" for a, b in around]
    first = [f"in its first {float(late):.2f} s; the video begins after them"] if late else []
    end = video.times[-1] + one
    tail = (
        [f"from {float(end):.2f} s to its end; the video ends there"] if end + late <= whole.times[-1] else []
    )
    return first + inside + tail


def check_damaged(path, whole):
    """All frames that are given are right, each at its time, and what is missing is named; how many are."""
    video = read_video(path, on_notice=(said := []).append)
    expected = named(video, whole)
    assert len(said) == len(expected) and all(e in s for e, s in zip(expected, said, strict=True))
    assert video.rate == whole.rate
    places = {t: k for k, t in enumerate(whole.times)}
    for k, t in enumerate(video.times):
        there = places[t + video.start - whole.start]
        np.testing.assert_array_equal(video.frames[k], whole.frames[there])
        if whole.alpha is not None:
            np.testing.assert_array_equal(video.alpha[k], whole.alpha[there])
    again = read_video(path)
    assert again.times == video.times and np.array_equal(again.frames[::-1][3], video.frames[::-1][3])
    return len(whole) - len(video)


@pytest.mark.parametrize("part", [0.45, 0.5, 0.55, 0.6, 0.65, 0.7])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_damage_is_left_out_and_named(tmp_path, name, part):
    """Frames are predicted from those before, so that all until the next key frame are left out."""
    whole = damaged(tmp_path / name, part)
    assert 0 < check_damaged(tmp_path / name, whole) <= 24


def test_damage_at_the_beginning(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(48, 96, 128), options={"g": "12", "bf": "0"})
    whole, data = read_video(path), bytearray(path.read_bytes())
    start, _ = boxes(data)["mdat"]
    data[start + 1000 : start + 1300] = np.random.default_rng(1).bytes(300)
    path.write_bytes(data)
    assert check_damaged(path, whole) == 12


def test_more_damage_than_half(tmp_path):
    damaged(tmp_path / "a.mkv", 0.25)
    refused(tmp_path / "a.mkv", "more than half of the picture is damaged")


# Damage that FFmpeg's own decoder takes for a picture.
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("ffv1", {"level": "3", "slicecrc": "1", "g": "12"}),
        ("libvpx-vp9", {"cpu-used": "8", "g": "12", "crf": "20", "b": "0"}),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_damage_that_a_decoder_does_not_notice(tmp_path, codec, options, seed):
    path = encode(tmp_path / "a.mkv", texture(48, 96, 128), codec=codec, options=options)
    whole, rng = read_video(path), np.random.default_rng(seed)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size > 40]
        packet = packets[rng.integers(len(packets))]
        place = packet.pos + 12 + int(rng.integers(packet.size - 32))
    data = bytearray(path.read_bytes())
    data[place : place + 16] = rng.bytes(16)
    path.write_bytes(data)
    assert 0 < check_damaged(path, whole) <= 12


@pytest.mark.parametrize("behind", [False, True])
def test_damage_to_opacity_and_behind_it(tmp_path, behind):
    """WebM has it beside the picture, as a picture of its own; then comes what the picture refers to."""
    pictures = [np.dstack((rgb, 255 - rgb[..., 0])) for rgb in texture(48, 96, 128)]
    frames = [av.VideoFrame.from_ndarray(rgba, "rgba") for rgba in pictures]
    options = {"cpu-used": "8", "g": "12", "crf": "20", "b": "0", "auto-alt-ref": "0"}
    path = encode(tmp_path / "a.webm", frames, codec="libvpx-vp9", pixel_format="yuva420p", options=options)
    whole, data = read_video(path), bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][17]
    additions = data.index(b"\x75\xa1", packet.pos + packet.size)
    opacity = data.index(b"\xa5", additions)
    width = 9 - data[opacity + 1].bit_length()
    length = int.from_bytes(data[opacity + 1 : opacity + 1 + width], "big") - (1 << 7 * width)
    place = opacity + 1 + width + (length if behind else 0)
    assert not behind or data[place] == 0xFB
    data[place : place + 3] = bytes(3)
    path.write_bytes(data)
    assert whole.alpha is not None and 0 < check_damaged(path, whole) <= 12


def test_a_wrong_checksum_is_named_where_no_picture_seems_damaged(tmp_path):
    """Matroska has one sum for a cluster, which covers sound and all else there is in it."""
    path = encode(tmp_path / "a.mkv", texture(24, 96, 128))
    whole, data = read_video(path), bytearray(path.read_bytes())
    cluster = data.index(b"\x1fC\xb6u")
    data[data.index(b"\xbf\x84", cluster) + 2] ^= 1
    path.write_bytes(data)
    video = read_video(path, on_notice=(said := []).append)
    (sentence,) = said
    assert "a checksum is wrong between 0.00 s and" in sentence and "may be damaged there" in sentence
    assert np.array_equal(video.frames[:], whole.frames[:]) and video.times == whole.times


def test_what_lies_outside_the_damage_is_read_without_a_word(tmp_path):
    path = tmp_path / "a.mp4"
    whole = damaged(path, 0.55)
    first = read_video(path, on_notice=(said := []).append)
    (sentence,) = said
    end = float(re.search(r"and ([\d.]+) s;", sentence)[1])
    later = read_video(path, since=F(round(end * 1000) + 10, 1000), on_notice=pytest.fail)
    np.testing.assert_array_equal(later.frames[-1], whole.frames[-1])
    assert len(later) < len(first)


def test_a_size_that_changes_on_the_way(tmp_path):
    parts = [encode(tmp_path / f"{h}.h264", texture(4, h, 64)) for h in (48, 96)]
    path = tmp_path / "a.h264"
    path.write_bytes(b"".join(p.read_bytes() for p in parts))
    message = refused(path, "changes from 48x64 to 96x64 at frame 4")
    assert message.endswith("--frames 0:4")
    assert len(read_video(path, frames="0:4")) == 4


def test_frames_with_the_same_time(tmp_path):
    path = tmp_path / "a.mkv"
    encode(
        path, texture(6), codec="ffv1", pixel_format="bgr0", pts=[0, 40, 80, 80, 90, 95], time_base=F(1, 1000)
    )
    refused(path, "frame 3 has no time after")


def test_a_codec_that_nobody_knows(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(4))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    refused(path, "no decoder for its video codec")


def boxes(data):
    """Place and length of each box of an MP4."""
    found, start = {}, 0
    while start < len(data):
        length = int.from_bytes(data[start : start + 4], "big")
        found[data[start + 4 : start + 8].decode()] = start, length
        start += length
    return found


def test_a_file_without_any_picture_that_can_be_decoded(tmp_path):
    path = encode(tmp_path / "a.webm", texture(8), codec="libvpx")
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for place, size in places:
        data[place + 8 : place + size] = bytes([255]) * (size - 8)
    path.write_bytes(data)
    refused(path, "no frame can be decoded")
    with pytest.raises(VideoError, match="no frame can be decoded"):
        describe_video(path)


def test_a_file_of_nothing_but_damage(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(4))
    data = bytearray(path.read_bytes())
    start, length = boxes(data)["mdat"]
    data[start + 8 : start + length] = np.random.default_rng(0).bytes(length - 8)
    path.write_bytes(data)
    refused(path, "no frame can be decoded")


def test_an_mp4_whose_last_box_is_open_is_whole_if_its_frames_are(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(6), container_options={"movflags": "faststart"})
    frames, data = read_video(path).frames[:], bytearray(path.read_bytes())
    start, length = boxes(data)["mdat"]
    assert start + length == len(data)
    data[start : start + 4] = bytes(4)
    path.write_bytes(data)
    np.testing.assert_array_equal(read_video(path).frames, frames)
    path.write_bytes(data[:-1])
    refused(path, r"only the first \d frames")


def test_lengths_of_64_bits_are_understood(tmp_path):
    path = encode(tmp_path / "a.mp4", texture(6))
    frames, data = read_video(path).frames[:], bytearray(path.read_bytes())
    (free, eight), (_, length) = boxes(data)["free"], boxes(data)["mdat"]
    assert eight == 8  # room for the long form, as FFmpeg leaves it
    data[free : free + 16] = (1).to_bytes(4, "big") + b"mdat" + (length + 8).to_bytes(8, "big")
    path.write_bytes(data)
    np.testing.assert_array_equal(read_video(path).frames, frames)
    path.write_bytes(data[: free + length])
    refused(path, "cut short")


def test_matroska_whose_segment_has_lost_its_name_is_read_as_ffmpeg_does(tmp_path):
    path = encode(tmp_path / "a.mkv", texture(4))
    frames, data = read_video(path).frames[:], path.read_bytes()
    path.write_bytes(data.replace(b"\x18S\x80g", b"\x18S\x80h", 1))
    np.testing.assert_array_equal(read_video(path).frames, frames)


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", denied)
    refused(tmp_path, "can't be read .Permission denied.; check its permissions")
