"""More than 8 bits: in and out at full precision, against float64 arithmetic of the standards."""

import re
from fractions import Fraction as F

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from video.clips import encode

from tweenfield import Encoding, Hdr, MasteringDisplay, Video
from tweenfield.errors import OutputError, UsageError, VideoError
from tweenfield.video import (
    ColorTags,
    Look,
    container_for,
    describe_video,
    read_video,
    reductions,
    write_video,
)
from tweenfield.video.color import frame_from_rgb, rgb_from_frame, yuv_matrix
from tweenfield.video.depth import colors, depth_of_bits, eight_bit, rounded, with_depth
from tweenfield.video.hdr import hdr_of

DISPLAY = MasteringDisplay(
    red=(F(34000, 50000), F(16000, 50000)),
    green=(F(13250, 50000), F(34500, 50000)),
    blue=(F(7500, 50000), F(3000, 50000)),
    white=(F(15635, 50000), F(16450, 50000)),
    darkest=F(50, 10000),
    brightest=F(1000),
)
BT2020_PQ = ColorTags(matrix=9, primaries=9, transfer=16)


def filled(name, planes):
    """A frame of the given samples, plane by plane, in 16-bit words of either byte order."""
    height, width = planes[0].shape[:2]
    frame = av.VideoFrame(width, height, name)
    for plane, values in zip(frame.planes, planes, strict=True):
        words = values.reshape(values.shape[0], -1).astype(">u2" if name.endswith("be") else "<u2")
        rows = np.zeros((len(words), plane.line_size // 2), words.dtype)
        rows[:, : words.shape[1]] = words
        plane.update(rows.tobytes())
    return frame


def noise(bits, *shape):
    return np.random.default_rng(0).integers(0, 2**bits, shape).astype(np.uint16)


def by_the_standard(yuv, matrix, full, bits):
    """H.273 in float64: RGB with white at 65535."""
    kr, kb = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    yuv, unit = yuv.astype(np.float64), 2.0 ** (bits - 8)
    if full:
        y, pb, pr = (yuv - [0, 128 * unit, 128 * unit]).transpose(2, 0, 1) / (256 * unit - 1)
    else:
        y, pb, pr = ((yuv / unit - [16, 128, 128]) / [219, 224, 224]).transpose(2, 0, 1)
    r, b = y + 2 * (1 - kr) * pr, y + 2 * (1 - kb) * pb
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    return np.clip(65535 * np.stack((r, g, b), axis=-1), 0, 65535)


def rgb(frame, matrix=1, full=False):
    return rgb_from_frame(frame, ColorTags(matrix=matrix, full_range=full), VideoReformatter())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize(
    ("name", "bits"), [("yuv444p10le", 10), ("yuv444p12le", 12), ("yuv444p14le", 14), ("yuv444p16le", 16)]
)
def test_yuv_becomes_rgb_as_the_standard_says_rounded_once(name, bits, matrix, full):
    yuv = noise(bits, 32, 48, 3)
    drawn = rgb(filled(name, yuv.transpose(2, 0, 1)), matrix, full)
    assert drawn.dtype == np.uint16
    assert np.abs(drawn - by_the_standard(yuv, matrix, full, bits)).max() < 0.55


@pytest.mark.parametrize(
    ("name", "shift", "chroma"),
    [
        ("yuv420p10le", 0, (2, 2)),
        ("yuv422p10le", 0, (1, 2)),
        ("yuv420p12le", 0, (2, 2)),
        ("p010le", 6, (2, 2)),
    ],
)
def test_luma_stays_exact_where_chroma_is_enlarged(name, shift, chroma):
    bits = 12 if "12" in name else 10
    y, (below, beside) = noise(bits, 32, 48), chroma
    flat = [np.full((32 // below, 48 // beside), value << (bits - 8), np.uint16) for value in (140, 110)]
    planes = [y, *flat] if shift == 0 else [y << shift, np.stack(flat, axis=-1) << shift]
    yuv = np.stack([y, *(np.full_like(y, c[0, 0]) for c in flat)], axis=-1)
    assert np.abs(rgb(filled(name, planes)) - by_the_standard(yuv, 1, False, bits)).max() < 0.55


@pytest.mark.parametrize(
    "name", ["gbrp10le", "gbrp12be", "gbrp16le", "rgb48le", "bgr48be", "gray10le", "gray16le"]
)
def test_rgb_and_grey_are_v_of_full_scale(name):
    bits = next((n for n in (10, 12) if str(n) in name), 16)
    if name.startswith("gray"):
        values = noise(bits, 32, 48)
        planes, expected = [values], values[..., None].repeat(3, axis=2)
    else:
        expected = noise(bits, 32, 48, 3)
        order = [1, 2, 0] if name.startswith("gbr") else [2, 1, 0] if name.startswith("bgr") else [0, 1, 2]
        planes = [expected[..., k] for k in order] if name.startswith("gbr") else [expected[..., order]]
    drawn = rgb(filled(name, planes), full=name.startswith("gray"))
    np.testing.assert_array_equal(drawn, np.rint(expected * 65535.0 / (2**bits - 1)))


def test_opacity_of_16_bits_is_a_fourth_channel():
    full = np.full((16, 16), 65535, np.uint16)
    shown = rgb(filled("gbrap16le", [full, full // 2, full, noise(16, 16, 16)]))
    np.testing.assert_array_equal(shown, np.dstack((full, full, full // 2, noise(16, 16, 16))))


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_the_depth_is_that_of_the_format(tmp_path, bits):
    frame = filled(f"gbrp{bits}le", [noise(bits, 16, 16)] * 3)
    path = encode(tmp_path / "a.mkv", [frame], codec="ffv1", pixel_format=f"gbrp{bits}le")
    depth = {9: 10, 14: 16}.get(bits, bits)
    assert read_video(path).depth == describe_video(path).depth == depth
    assert read_video(path).frames.dtype == np.uint16


def test_depth_and_type_belong_together():
    frames, times = np.zeros((1, 4, 5, 3), np.uint16), (F(0),)
    assert Video(frames=frames, times=times, rate=F(1), depth=12).depth == 12
    with pytest.raises(VideoError, match="frames are uint16 but the depth is 8; give the depth 8 with uint8"):
        Video(frames=frames, times=times, rate=F(1))
    with pytest.raises(VideoError, match="frames are uint8 but the depth is 10"):
        Video(frames=frames.astype(np.uint8), times=times, rate=F(1), depth=10)
    assert [depth_of_bits(n) for n in (1, 8, 9, 11, 13, 32)] == [8, 8, 10, 12, 16, 16]


def test_eight_bits_of_sixteen_are_the_nearest():
    every = np.arange(65536, dtype=np.uint16).repeat(3).reshape(256, 256, 3)
    np.testing.assert_array_equal(eight_bit(every), (every.astype(int) + 128) // 257)
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(eight_bit(with_depth(levels, np.uint16)), levels)
    np.testing.assert_array_equal(rounded(colors(every), np.uint16), every)
    assert eight_bit(levels) is levels


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_what_is_encoded_is_the_matrix_rounded_once_to_10_bits(matrix, full):
    picture, color = noise(16, 32, 48, 3), ColorTags(matrix=matrix, full_range=full)
    frame = frame_from_rgb(picture, color, "yuv444p10le", VideoReformatter())
    planes = [
        np.frombuffer(bytes(plane), "<u2").reshape(32, -1)[:, :48].astype(float) for plane in frame.planes
    ]
    exact = picture @ yuv_matrix(color, 10, 65535)[:, :3].T + yuv_matrix(color, 10, 65535)[:, 3]
    np.testing.assert_allclose(by_the_standard(exact, matrix, full, 10), picture, atol=1e-6)
    assert np.abs(np.stack(planes, axis=-1) - exact.clip(0, 1023)).max() < 0.51


@pytest.mark.parametrize("full", [False, True])
def test_a_ramp_of_all_code_values_passes(tmp_path, full):
    """Read, written without loss, and read again: no code value is missing, none is off by more than one."""
    codes = np.arange(1024) if full else np.arange(64, 941)
    luma = np.resize(codes, (32, 64)).astype(np.uint16)
    grey = np.full((32, 64), 512, np.uint16)
    color = ColorTags(matrix=9, primaries=9, transfer=16, full_range=full)

    def tag(stream):
        context = stream.codec_context
        context.colorspace, context.color_range = 9, 2 if full else 1
        context.color_primaries, context.color_trc = 9, 16

    source = encode(
        tmp_path / "a.mkv",
        [filled("yuv444p10le", [luma, grey, grey])],
        codec="ffv1",
        pixel_format="yuv444p10le",
        setup=tag,
    )
    first = read_video(source)
    assert (first.color, first.depth) == (color, 10)
    assert len(np.unique(first.frames[0])) == len(codes)
    np.testing.assert_array_equal(first.frames[0][..., 0], first.frames[0][..., 1])
    for name in ("yuv444p10le", "yuv420p10le"):
        frame = frame_from_rgb(first.frames[0], color, name, VideoReformatter())
        again = encode(tmp_path / "b.mkv", [frame], codec="ffv1", pixel_format=name, setup=tag)
        second = read_video(again).frames[0]
        np.testing.assert_array_equal(second, first.frames[0])


def smooth(height=48, width=64):
    y, x = np.mgrid[:height, :width] / 64
    return rounded(
        np.float32(np.stack((0.02 + 0.05 * x, 0.4 + 0.3 * y, 0.9 - 0.3 * x * y), axis=-1)), np.uint16
    )


@pytest.mark.parametrize(
    ("name", "codec", "size"),
    [("a.mp4", "hevc", (48, 64)), ("a.mkv", "hevc", (47, 33)), ("a.webm", "av1", (48, 64))],
)
def test_files_hold_10_bits(tmp_path, name, codec, size):
    picture = smooth(*size)
    write_video(tmp_path / name, [picture] * 3, rate=F(30000, 1001), color=BT2020_PQ)
    video, about = read_video(tmp_path / name), describe_video(tmp_path / name)
    assert (about.codec, about.depth, about.pixel_format) == (
        codec,
        10,
        "yuv420p10le" if size[0] % 2 == 0 else "yuv444p10le",
    )
    assert (video.rate, video.color, video.size) == (F(30000, 1001), BT2020_PQ, size)
    # Compression is off by less than half an 8-bit level, and no level is left out for that.
    assert np.abs(video.frames[1] - picture.astype(float)).mean() < 0.5 * 257
    levels = [len(np.unique(kind[..., 0])) for kind in (video.frames[1], eight_bit(video.frames[1]))]
    assert levels[0] > 2 * levels[1]


@pytest.mark.parametrize("size", [(48, 64), (47, 33)])
def test_yuv4mpeg_holds_10_bits(tmp_path, size):
    write_video(tmp_path / "a.y4m", [smooth(*size)] * 3, rate=25, color=ColorTags(matrix=6))
    video = read_video(tmp_path / "a.y4m")
    assert (len(video), video.depth, video.size) == (3, 10, size)
    # Colour has half the resolution; a code value of 10 bits is 64.
    assert np.abs(video.frames[1] - smooth(*size).astype(float)).mean() < 2 * 64
    with pytest.raises(UsageError, match="no choice of pixel format"):
        write_video(tmp_path / "b.y4m", [smooth()], rate=25, encoding=Encoding(pixel_format="yuv420p"))


def test_mp4_names_hevc_as_players_want_it(tmp_path):
    write_video(tmp_path / "a.mp4", [smooth()] * 2, rate=25)
    with av.open(str(tmp_path / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec_tag, context.profile) == ("hvc1", "Main 10")


def test_pngs_hold_16_bits_and_gifs_8(tmp_path):
    picture = noise(16, 48, 64, 3)
    write_video(tmp_path / "pngs", [picture, picture[::-1]], rate=25)
    video = read_video(tmp_path / "pngs")
    np.testing.assert_array_equal(video.frames, [picture, picture[::-1]])
    about = describe_video(tmp_path / "pngs")
    assert (video.depth, about.depth, about.pixel_format) == (16, 16, "rgb48")
    write_video(tmp_path / "a.gif", [smooth()], rate=25)
    back = read_video(tmp_path / "a.gif")
    assert np.abs(back.frames[0].astype(float) - eight_bit(smooth())).mean() < 8


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"frame 1 is uint8 \(48, 64, 3\) after uint16 \(48, 64, 3\)"):
        write_video(tmp_path / "a.mp4", [smooth(), eight_bit(smooth())], rate=25)
    with pytest.raises(OutputError, match="frames of 15x64 can't be HEVC, which needs 16x16"):
        write_video(tmp_path / "a.mp4", [smooth(15, 64)], rate=25)
    with pytest.raises(OutputError, match="frame 0 is float32"):
        write_video(tmp_path / "a.mp4", [smooth().astype(np.float32)], rate=25)


def test_images_of_16_bits_and_floats(tmp_path):
    picture = noise(16, 20, 30, 3)
    cv2.imwrite(str(tmp_path / "0.tif"), picture[..., ::-1])
    floats = np.float32(picture[..., ::-1]) / 65535
    floats[0, :3, 0] = -0.5, 1.5, np.nan
    cv2.imwrite(str(tmp_path / "1.tiff"), floats)
    cv2.imwrite(str(tmp_path / "2.png"), eight_bit(picture)[..., ::-1])
    read = read_video(tmp_path).frames
    np.testing.assert_array_equal(read[0], picture)
    np.testing.assert_array_equal(read[1, 0, :3, 2], [0, 65535, 0])
    np.testing.assert_array_equal(read[1, 1:], picture[1:])
    np.testing.assert_array_equal(read[2], eight_bit(picture).astype(np.uint16) * 257)
    small = read_video(tmp_path, size=(10, 15)).frames[0]
    mean = picture.astype(float).reshape(10, 2, 15, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - mean).max() <= 0.5


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize(
    "hdr", [Hdr(display=DISPLAY, max_cll=1000, max_fall=400), Hdr(max_cll=600), Hdr(display=DISPLAY), None]
)
def test_hdr_metadata_comes_back_equal(tmp_path, name, hdr):
    write_video(tmp_path / name, [smooth()] * 2, rate=25, color=BT2020_PQ, hdr=hdr)
    video = read_video(tmp_path / name)
    assert video.hdr == describe_video(tmp_path / name).hdr == hdr
    assert video.select([0]).hdr == hdr


HDR = Hdr(display=DISPLAY, max_cll=1000, max_fall=400)


def test_pngs_say_what_a_video_of_high_dynamic_range_says(tmp_path):
    write_video(tmp_path / "pngs", [smooth()] * 2, rate=25, color=BT2020_PQ, hdr=HDR)
    video, about = read_video(tmp_path / "pngs"), describe_video(tmp_path / "pngs")
    assert (video.hdr, about.hdr, video.color.primaries, video.color.transfer) == (HDR, HDR, 9, 16)
    assert (about.primaries, about.transfer, video.color.matrix) == ("bt2020", "smpte2084", 9)
    np.testing.assert_array_equal(video.frames[1], smooth())
    # FFmpeg reads the same, so the chunks are as the standard has them.
    with av.open(str(tmp_path / "pngs" / "000000.png")) as container:
        frame = next(container.decode(video=0))
        assert (hdr_of(frame), frame.color_primaries, frame.color_trc) == (HDR, 9, 16)
    write_video(tmp_path / "usual", [smooth()], rate=25)
    assert not any(n in (tmp_path / "usual" / "000000.png").read_bytes() for n in (b"cICP", b"mDCV", b"cLLI"))
    assert (read_video(tmp_path / "usual").color, read_video(tmp_path / "usual").hdr) == (ColorTags(), None)


def close(hdr, other):
    """Equal but for the rounding to binary fractions: 1/65536 of a chromaticity, 1/16384 cd/m^2."""
    a, b = hdr.display, other.display
    places = [
        abs(x - y) <= F(1, 65536)
        for n in ("red", "green", "blue", "white")
        for x, y in zip(getattr(a, n), getattr(b, n), strict=True)
    ]
    light = abs(a.darkest - b.darkest) <= F(1, 16384) and abs(a.brightest - b.brightest) <= F(1, 256)
    return all(places) and light and (hdr.max_cll, hdr.max_fall) == (other.max_cll, other.max_fall)


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.mp4"])
def test_av1_says_it_too(tmp_path, name):
    encoding = Encoding(codec="av1")
    write_video(tmp_path / name, [smooth()] * 2, rate=25, color=BT2020_PQ, hdr=HDR, encoding=encoding)
    video = read_video(tmp_path / name)
    assert close(video.hdr, HDR) and video.color == BT2020_PQ
    write_video(tmp_path / name, [smooth()] * 2, rate=25, hdr=Hdr(max_cll=600), encoding=encoding)
    assert read_video(tmp_path / name).hdr == Hdr(max_cll=600)


@pytest.mark.parametrize("transfer", [1, 16, 18])
def test_prores_names_primaries_and_transfer_in_each_frame(tmp_path, transfer):
    color = ColorTags(matrix=9, primaries=9, transfer=transfer)
    grey = np.full((32, 48, 3), 30000, np.uint16)
    encoding = Encoding(codec="prores")
    write_video(tmp_path / "a.mov", [grey] * 2, rate=25, color=color, encoding=encoding)
    assert read_video(tmp_path / "a.mov").color == color


def test_h264_says_it_too(tmp_path):
    encoding = Encoding(codec="h264")
    write_video(tmp_path / "a.mp4", [smooth()] * 2, rate=25, color=BT2020_PQ, hdr=HDR, encoding=encoding)
    video = read_video(tmp_path / "a.mp4")
    assert (video.hdr, video.depth) == (HDR, 10)


def test_hevc_holds_12_bits_if_asked_to(tmp_path):
    """Of 4096 shades of grey within 1/20 of full scale, 205 are left in 12 bits, 51 in 10."""
    dark = np.linspace(0.02, 0.07, 64 * 64, dtype=np.float32).reshape(64, 64)
    picture = rounded(np.dstack([dark] * 3), np.uint16)
    color, found = ColorTags(full_range=True), {}
    for name in ("yuv444p10le", "yuv444p12le"):
        encoding = Encoding(codec="hevc", crf=0, pixel_format=name)
        write_video(tmp_path / "a.mp4", [picture] * 2, rate=25, color=color, encoding=encoding)
        video = read_video(tmp_path / "a.mp4")
        errors = video.frames[1].astype(float) - picture
        found[video.depth] = np.sqrt((errors**2).mean()) / 65535
    assert found[12] < 0.5 * found[10] < 0.5 / 1023


@pytest.mark.parametrize(
    ("name", "encoding", "depth", "hdr", "said"),
    [
        ("a.mp4", Encoding(), 8, None, []),
        ("a.mp4", Encoding(), 10, HDR, []),
        ("a.mp4", Encoding(), 12, HDR, ["12 bits .* with 10; --codec hevc --pixel-format"]),
        ("a.mkv", Encoding(codec="hevc", pixel_format="yuv420p12le"), 12, None, []),
        ("a.mkv", Encoding(codec="hevc", pixel_format="yuv420p12le"), 16, None, ["16 bits .* with 12"]),
        ("a.mkv", Encoding(codec="ffv1"), 16, HDR, []),
        ("a.mov", Encoding(codec="prores"), 10, Hdr(display=DISPLAY, max_fall=80), ["one of the two light"]),
        ("a.webm", Encoding(codec="vp9"), 10, HDR, ["10 bits .* with 8; --codec ffv1"]),
        ("a.y4m", Encoding(), 10, HDR, ["display and light levels is left out"]),
        ("a.gif", Encoding(), 10, None, ["with 8"]),
        ("pngs/", Encoding(), 16, HDR, []),
    ],
)
def test_what_a_file_cannot_hold_is_said(name, encoding, depth, hdr, said):
    look = Look(
        rate=F(25), color=BT2020_PQ, sample_aspect_ratio=F(1), depth=depth, hdr=hdr, encoding=encoding
    )
    sentences = reductions(container_for(name), (48, 64), look)
    assert [re.search(s, t) is not None for s, t in zip(said, sentences, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(
    ("name", "depth", "said"),
    [
        ("a.mov", 10, []),
        ("a.mkv", 12, ["12 bits .* with 10; --codec ffv1"]),
        ("a.webm", 10, ["10 bits .* with 8; --codec ffv1"]),
        ("a.mp4", 12, ["12 bits .* with 10; --codec hevc"]),
        ("a.gif", 10, ["less than half opaque", "10 bits .* with 8", "is left out"]),
        ("pngs/", 16, []),
    ],
)
def test_of_transparent_video_nothing_opaque_is_recommended(name, depth, said):
    look = Look(rate=F(25), color=BT2020_PQ, sample_aspect_ratio=F(1), depth=depth, hdr=HDR, transparent=True)
    sentences = reductions(container_for(name), (48, 64), look)
    assert [re.search(s, t) is not None for s, t in zip(said, sentences, strict=True)] == [True] * len(said)
