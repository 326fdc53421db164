"""Damage that a decoder takes for a picture is found; of intact streams of many kinds nothing is said."""

import av
import numpy as np
import pytest
from video.clips import encode, texture
from video.test_bad_input import check_damaged

from tweenfield import read_video
from tweenfield.video.damage import packets_of
from tweenfield.video.decoding import open_video
from tweenfield.video.second_decoder import _KINDS, SecondDecoder


def x265(parameters=""):
    return {"x265-params": f"keyint=12:min-keyint=12:log-level=error{parameters}"}


HEVC = [
    ("a.mp4", "yuv420p", x265()),
    ("a.mkv", "yuv420p10le", x265(":wpp=0")),
    ("a.ts", "yuv420p", x265(":slices=3")),
    ("a.hevc", "yuv422p", x265(":repeat-headers=1:aud=1:hash=1")),
    ("a.mp4", "yuv444p12le", x265(":ctu=16:min-cu-size=8:rd=3:amp=1:rect=1")),
    ("a.mp4", "gray", x265(":lossless=1")),
    ("a.mkv", "yuv420p", x265(":intra-refresh=1:bframes=0")),
    ("a.mp4", "yuv420p", x265(":qp=51:no-sao=1:no-deblock=1")),
    ("a.mkv", "gbrp", x265(":tskip=1:cu-lossless=1:crf=4")),
]
VP8 = [
    ("a.webm", "yuv420p", {"g": "12", "crf": "10", "b": "1M"}),
    ("a.mkv", "yuv420p", {"g": "12", "slices": "4", "b": "200k"}),
    ("a.webm", "yuv420p", {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "8", "b": "300k"}),
]
JPEG = [
    ("a.mov", "yuvj420p", {"qscale": "3"}),
    ("a.avi", "yuvj422p", {"qscale": "31", "huffman": "default"}),
    ("a.mkv", "yuvj444p", {"qscale": "1"}),
]
INTACT = [
    *(("libx265", *kind) for kind in HEVC),
    *(("libvpx", *kind) for kind in VP8),
    *(("mjpeg", *kind) for kind in JPEG),
]


def doubts_of(path):
    with open_video(path) as (container, stream):
        second, found = SecondDecoder(stream), set()
        for packet in packets_of(container, stream):
            found |= second.doubts(packet, stream.decode(packet))
        assert second._agreed  # or it would say nothing of any damage
    return found


@pytest.mark.parametrize(("codec", "name", "pixel_format", "options"), INTACT)
def test_of_an_intact_stream_nothing_is_said(tmp_path, codec, name, pixel_format, options):
    # An odd width: what lies beyond the picture differs from decoder to decoder.
    path = encode(
        tmp_path / name, texture(26, 98, 130), codec=codec, pixel_format=pixel_format, options=options
    )
    assert doubts_of(path) == set()


def cut(data, codec):
    """A packet that lost the second half of its picture."""
    if codec == "libvpx":
        return data[: len(data) // 2]
    if codec == "mjpeg":
        head = data.index(b"\xff\xda") + 14
        return data[: head + (len(data) - head) // 2] + data[-2:]
    # The last unit is that of the picture; four bytes before it are its length.
    at = 0
    while at + 4 + (length := int.from_bytes(data[at : at + 4], "big")) < len(data):
        at += 4 + length
    return data[:at] + (length // 2).to_bytes(4, "big") + data[at + 4 : at + 4 + length // 2]


@pytest.mark.parametrize(
    ("codec", "name", "pixel_format", "options"),
    [
        ("libx265", "a.mp4", "yuv420p", x265(":wpp=0:keyint=1")),
        ("libx265", "a.mkv", "yuv420p10le", x265(":keyint=1")),
        ("libvpx", "a.webm", "yuv420p", {"g": "12", "crf": "10", "b": "1M"}),
        ("mjpeg", "a.mov", "yuvj420p", {"qscale": "3"}),
    ],
)
@pytest.mark.parametrize("number", [6, 12, 17])
def test_a_picture_that_lost_its_end_is_noticed(tmp_path, codec, name, pixel_format, options, number):
    path = encode(
        tmp_path / name, texture(24, 96, 128), codec=codec, pixel_format=pixel_format, options=options
    )
    with open_video(path) as (container, stream):
        stream.thread_type = "NONE"
        second, found = SecondDecoder(stream), set()
        for k, packet in enumerate(packets_of(container, stream)):
            given = packet
            if k == number:
                given = av.Packet(cut(bytes(packet), codec))
                given.pts, given.dts, given.time_base = packet.pts, packet.dts, packet.time_base
                damaged = packet.pts
            try:
                frames = stream.codec_context.decode(given if packet.size else None)
            except av.error.FFmpegError:
                frames = []
            doubts = second.doubts(given, frames)
            assert not doubts or k >= number
            found |= doubts
    assert damaged in found


@pytest.mark.parametrize("seed", range(8))
def test_damage_above_the_last_row_of_blocks_is_noticed_where_rows_have_entry_points(tmp_path, seed):
    path = encode(tmp_path / "a.mp4", texture(60, 96, 128), codec="libx265", options=x265(":ctu=16"))
    whole, rng = read_video(path), np.random.default_rng(seed)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size > 200]
        packet = packets[rng.integers(len(packets))]
    data = bytearray(path.read_bytes())
    place = packet.pos + packet.size // 4 + int(rng.integers(packet.size // 4))
    data[place : place + 16] = rng.bytes(16)
    path.write_bytes(data)
    assert check_damaged(path, whole) > 0


@pytest.mark.parametrize(
    ("codec", "options"),
    [("libx265", x265(":wpp=0")), ("libx264", {"g": "12"}), ("libx264", {"g": "12", "coder": "0"})],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_zeros_in_a_unit_are_no_picture(tmp_path, codec, options, name):
    """Two zeros and a small byte are a start code, which no encoder writes into a unit."""
    path = encode(tmp_path / name, texture(48, 96, 128), codec=codec, options=options)
    whole, data = read_video(path), bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size > 60][5]
    place = packet.pos + packet.size // 2
    data[place : place + 16] = bytes(16)
    path.write_bytes(data)
    assert check_damaged(path, whole) > 0


def test_a_second_decoder_that_never_agrees_says_nothing(tmp_path, monkeypatch):
    path = encode(tmp_path / "a.mov", texture(8), codec="mjpeg", pixel_format="yuvj420p")
    broken = _KINDS["hevc"]
    monkeypatch.setitem(_KINDS, "mjpeg", broken)
    said = []
    assert len(read_video(path, on_notice=said.append)) == 8 and said == []
