"""Encoders that can't say on which display a video was graded: the container says it."""

from fractions import Fraction as F
from pathlib import Path

import av
import numpy as np
import pytest
from video.test_depth import DISPLAY

from tweenfield import Encoding, Hdr
from tweenfield.video import ColorTags, Look, container_for, describe_video, read_video, write_video
from tweenfield.video.hdr import hdr_of
from tweenfield.video.pieces import write_in_pieces

HDR = Hdr(display=DISPLAY, max_cll=1000, max_fall=400)
PQ = ColorTags(matrix=9, primaries=9, transfer=16)
# Every container and codec whose encoder doesn't say it, opaque and transparent.
KINDS = [
    ("a.mov", "prores", 3),
    ("a.mov", "prores", 4),
    ("a.mkv", "prores", 3),
    ("a.mkv", "ffv1", 3),
    ("a.mkv", "ffv1", 4),
    ("a.mp4", "vp9", 3),
    ("a.mkv", "vp9", 3),
    ("a.webm", "vp9", 3),
]


def pictures(channels):
    return list(np.random.default_rng(0).integers(0, 2**16, (4, 32, 48, channels)).astype(np.uint16))


def written(path, codec, frames, hdr):
    write_video(
        path,
        frames,
        rate=F(30000, 1001),
        color=PQ,
        hdr=hdr,
        encoding=Encoding(codec=codec),
        sample_aspect_ratio=F(4, 3),
    )
    return read_video(path)


@pytest.mark.parametrize(("name", "codec", "channels"), KINDS)
def test_the_container_says_it_and_nothing_else_changes(tmp_path, name, codec, channels):
    frames = pictures(channels)
    plain, found = (written(tmp_path / f"{hdr is None}{name}", codec, frames, hdr) for hdr in (None, HDR))
    assert (plain.hdr, found.hdr) == (None, HDR)
    np.testing.assert_array_equal(np.array(found.frames), np.array(plain.frames))
    told = [vars(describe_video(tmp_path / f"{first}{name}")) for first in (True, False)]
    assert {key for key in told[0] if told[0][key] != told[1][key]} == {"hdr"}
    # As the packets are the same bytes, what is said of them is all the difference.
    assert packets(tmp_path / f"True{name}") == packets(tmp_path / f"False{name}")


def packets(path: Path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        kind = stream.codec_context.codec_tag, stream.codec_context.extradata, stream.profile
        return kind, [(p.pts, p.dts, p.duration, bytes(p)) for p in container.demux(stream) if p.size]


@pytest.mark.parametrize("hdr", [Hdr(display=DISPLAY), Hdr(max_cll=600, max_fall=80)])
@pytest.mark.parametrize(("name", "codec"), [("a.mov", "prores"), ("a.mkv", "ffv1")])
def test_display_or_light_levels_alone_are_said_too(tmp_path, name, codec, hdr):
    assert written(tmp_path / name, codec, pictures(3), hdr).hdr == hdr


def test_boxes_of_quicktime_are_those_of_the_standard(tmp_path):
    """ISO/IEC 14496-12: green, blue, red, white in 1/50000, luminances in 1/10000; two light levels."""
    written(tmp_path / "a.mov", "prores", pictures(3), HDR)
    data = (tmp_path / "a.mov").read_bytes()
    chromaticities = (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450)
    expected = b"".join(n.to_bytes(2, "big") for n in chromaticities)
    expected += (10_000_000).to_bytes(4, "big") + (50).to_bytes(4, "big")
    assert data.count(b"\0\0\0\x20mdcv" + expected) == 1
    assert data.count(b"\0\0\0\x0cclli" + (1000).to_bytes(2, "big") + (400).to_bytes(2, "big")) == 1


@pytest.mark.parametrize(("name", "codec"), [("a.mov", "prores"), ("a.mkv", "ffv1"), ("a.webm", "vp9")])
def test_a_file_that_is_put_together_from_pieces_says_it(tmp_path, name, codec):
    frames = pictures(3)
    look = Look(
        rate=F(25), color=PQ, sample_aspect_ratio=F(1), depth=16, hdr=HDR, encoding=Encoding(codec=codec)
    )
    (tmp_path / "pieces").mkdir()
    write_in_pieces(tmp_path / name, lambda a, b: iter(frames[a:b]), 4, (32, 48), look, tmp_path / "pieces")
    assert read_video(tmp_path / name).hdr == HDR
    container_for(tmp_path / name).write(tmp_path / f"whole-{name}", iter(frames), look)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def test_ffmpegs_own_frames_carry_it(tmp_path):
    written(tmp_path / "a.mkv", "ffv1", pictures(3), HDR)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert [hdr_of(frame) for frame in container.decode(video=0)] == [HDR] * 4


def with_units(path, out, unit):
    """The packets of HEVC in MP4, each with a unit behind it."""
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                longer = av.Packet(bytes(packet) + len(unit).to_bytes(4, "big") + unit)
                longer.pts, longer.dts, longer.time_base = packet.pts, packet.dts, packet.time_base
                longer.is_keyframe, longer.stream = packet.is_keyframe, copy
                target.mux(longer)


def test_metadata_of_single_frames_are_named(tmp_path):
    """Dolby Vision has them in units of type 62."""
    write_video(tmp_path / "a.mp4", pictures(3), rate=25, color=PQ, hdr=HDR)
    read_video(tmp_path / "a.mp4", on_notice=pytest.fail)
    with_units(tmp_path / "a.mp4", tmp_path / "b.mp4", bytes([62 << 1, 1, 25, *[0x55] * 40]))
    video = read_video(tmp_path / "b.mp4", on_notice=(said := []).append)
    (sentence,) = said
    assert sentence.endswith("b.mp4: Dolby Vision metadata lie in the frames themselves, and are left out")
    assert (len(video), video.hdr) == (4, HDR)
