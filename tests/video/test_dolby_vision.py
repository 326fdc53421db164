"""Of Dolby Vision whose colours no one else knows, that is said."""

import struct

import numpy as np
import pytest
from command.running import tweenfield
from video.clips import encode, texture

from tweenfield.video import describe_video, read_video


def record(profile, compatibility):
    """Dolby's configuration of a stream: version 1.0, level 1, of one layer."""
    return struct.pack(">BBHB", 1, 0, profile << 9 | 1 << 3 | 0b101, compatibility << 4) + bytes(19)


def with_record(path, of_stream):
    """The file with a box more in the description of its picture; its index lies at its end."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"hev1", data.index(b"moov")) - 4
    end = entry + int.from_bytes(data[entry : entry + 4], "big")
    data[end:end] = (8 + len(of_stream)).to_bytes(4, "big") + b"dvcC" + of_stream
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hev1"):
        at = data.index(name, data.index(b"moov")) - 4
        length = int.from_bytes(data[at : at + 4], "big") + 8 + len(of_stream)
        data[at : at + 4] = length.to_bytes(4, "big")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("profile", "named", "wrong"), [((5, 0), "5.0", True), ((8, 1), "8.1", False), ((8, 4), "8.4", False)]
)
def test_profiles_are_told_and_colours_that_cant_be_shown_are_named(tmp_path, profile, named, wrong):
    path = encode(tmp_path / "a.mp4", texture(3), codec="libx265", options={"x265-params": "log-level=error"})
    assert describe_video(path).dolby_vision is None
    with_record(path, record(*profile))
    assert describe_video(path).dolby_vision == named
    assert ("can not be shown right" in tweenfield("info", path).stdout) == wrong
    said = []
    frames = read_video(path, on_notice=said.append).frames
    assert np.asarray(frames).shape == (3, 48, 64, 3)
    assert [f"Dolby Vision profile {named}, which can't be converted" in sentence for sentence in said] == (
        [True] if wrong else []
    )


def test_matroska_has_it_in_its_tracks(tmp_path):
    mapping = b"\x41\xe7\x84dvcC\x41\xed\x98" + record(5, 0)
    path = encode(tmp_path / "a.mkv", texture(3), codec="libx265", options={"x265-params": "log-level=error"})
    # A void element behind all else, so that nothing moves.
    path.write_bytes(path.read_bytes() + b"\xec" + (0x80 | len(mapping)).to_bytes(1, "big") + mapping)
    assert describe_video(path).dolby_vision == "5.0"
