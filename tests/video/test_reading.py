"""Files in: which frames, at which times, which way up, at which size."""

from fractions import Fraction as F

import jaxtyping
import numpy as np
import pytest
from video.clips import CLIPS, encode, texture

from tweenfield.errors import UsageError, VideoError
from tweenfield.video import (
    Video,
    converting,
    describe_video,
    parse_frames,
    parse_size,
    read_video,
    surveying,
)
from tweenfield.video.converting import quarter_turns
from tweenfield.video.selecting import resize


@pytest.fixture(scope="module")
def lossless(tmp_path_factory):
    """Twelve frames of 60 fps, bit-exact, with Matroska's millisecond stamps."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    return encode(path, texture(12), rate=F(60), codec="ffv1", pixel_format="bgr0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:20", slice(0, 20)),
        (":", slice(None)),
        ("5:", slice(5, None)),
        (":-3", slice(None, -3)),
        ("-10:-2:2", slice(-10, -2, 2)),
        ("::3", slice(None, None, 3)),
        ("1:2:", slice(1, 2)),
    ],
)
def test_frame_ranges(text, expected):
    assert parse_frames(text) == expected


@pytest.mark.parametrize("text", ["", "5", "a:b", "1:2:3:4", "0:10:0", "0:10:-1", "1.5:2", "0-10"])
def test_bad_frame_ranges(text):
    with pytest.raises(UsageError, match="frames"):
        parse_frames(text)


def test_a_negative_step_is_refused_in_a_slice_too(lossless):
    with pytest.raises(UsageError, match="step of 1 or more"):
        read_video(lossless, frames=slice(None, None, -1))


def test_sizes():
    assert parse_size("240x360") == parse_size(" 240 X 360 ") == (240, 360)
    for text in ("", "240", "0x10", "10x0", "-1x5", "1x2x3", "a x b", "2.5x4"):
        with pytest.raises(UsageError, match="HEIGHTxWIDTH"):
            parse_size(text)


def test_a_lossless_file_comes_back_exactly(lossless):
    video = read_video(str(lossless))
    np.testing.assert_array_equal(video.frames, texture(12))
    assert video.rate == 60
    assert video.times == tuple(F(k, 60) for k in range(12))
    assert video.name == "clip.mkv"


@pytest.mark.parametrize(
    "text", ["0:5", "3:9", "3:", ":-4", "-5:", "-5:-2", "2:11:3", "::5", "-9::4", "0:12", "11:", "-12:1"]
)
def test_a_range_selects_what_python_would(lossless, text):
    chosen = range(12)[parse_frames(text)]
    video = read_video(lossless, frames=text)
    np.testing.assert_array_equal(video.frames, texture(12)[chosen])
    assert video.times == tuple(F(i - chosen.start, 60) for i in chosen)
    assert video.rate == F(60, chosen.step)


@pytest.mark.parametrize(
    "text", ["0:13", "12:", "20:30", "5:5", "7:3", "-13:", ":-12", "-2:-5", "0:-13", "3:20:4"]
)
def test_ranges_outside_or_empty_say_how_many_frames_there_are(lossless, text):
    with pytest.raises(VideoError, match=r"has 12 frames; (choose|give)"):
        read_video(lossless, frames=text)


def test_nothing_after_the_range_is_decoded_and_nothing_outside_is_converted(lossless, monkeypatch):
    decoded, converted = [], []
    decode, convert = surveying.decoded, converting.rgb_from_frame

    def counting(*args):
        for frame in decode(*args):
            decoded.append(frame.pts)
            yield frame

    def noting(frame, *args):
        converted.append(frame.pts)
        return convert(frame, *args)

    monkeypatch.setattr(surveying, "decoded", counting)
    monkeypatch.setattr(converting, "rgb_from_frame", noting)
    read_video(lossless, frames="4:8:2")
    assert decoded == [0, 17, 33, 50, 67, 83, 100, 117]
    assert converted == [67, 100]


def test_variable_rate_keeps_its_stamps(tmp_path):
    pts = [0, 40, 90, 100, 300, 340]
    path = encode(
        tmp_path / "vfr.mkv", texture(6), codec="ffv1", pixel_format="bgr0", pts=pts, time_base=F(1, 1000)
    )
    video = read_video(path)
    assert video.times == tuple(F(t, 1000) for t in pts)
    # Of 10, 40, 40, 50 and 200 ms, 40 is usual.
    assert video.rate == 25
    part = read_video(path, frames="1:5:2")
    assert part.times == (0, F(60, 1000))
    assert part.rate == 17
    info = describe_video(path)
    assert not info.constant_rate
    assert (info.frames, info.rate) == (6, 25)


def test_variable_rate_with_reordered_frames_in_mp4(tmp_path):
    pts = [0, 1, 2, 5, 6, 9, 10, 11, 15, 16, 17, 20]
    path = encode(tmp_path / "vfr.mp4", texture(12), pts=pts, time_base=F(1, 30), options={"bf": "3"})
    assert read_video(path).times == tuple(F(t, 30) for t in pts)


@pytest.mark.parametrize(
    "rate", [F(24000, 1001), F(30000, 1001), F(60000, 1001), F(120000, 1001), F(250), F(25, 2)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".mov"])
def test_constant_rates_are_exact_in_every_container(tmp_path, suffix, rate):
    video = read_video(encode(tmp_path / f"a{suffix}", texture(20), rate=rate, options={"bf": "2"}))
    assert video.rate == rate
    assert video.times == tuple(k / rate for k in range(20))


def test_avi_stamps_in_decoding_order_are_understood_in_part_too(tmp_path):
    path = encode(tmp_path / "a.avi", texture(20), options={"bf": "2"})
    for text in ("0:4", "0:19", "3:7", "-3:"):
        video = read_video(path, frames=text)
        assert video.times == tuple(F(k, 30) for k in range(len(video)))


def test_a_raw_stream_without_stamps_plays_at_its_rate(tmp_path):
    path = encode(tmp_path / "a.h264", texture(12), rate=F(25), options={"bf": "2"})
    video = read_video(path)
    assert len(video) == 12
    assert video.times == tuple(F(k, 25) for k in range(12))


def displayed(path, frames, degrees, **flips):
    """A lossless video that players turn and mirror."""
    return encode(
        path,
        frames,
        pixel_format="yuv444p",
        options={"qp": "0"},
        setup=lambda stream: stream.set_display_rotation(degrees, **flips),
    )


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_phone_videos_are_turned_upright(tmp_path, degrees):
    frames = texture(2)
    path = displayed(tmp_path / "a.mp4", frames, degrees)
    upright = np.rot90(frames, degrees // 90, axes=(1, 2))
    video = read_video(path)
    assert video.frames.shape == upright.shape
    assert np.abs(np.asarray(video.frames).astype(int) - upright).mean() < 2
    info = describe_video(path)
    assert info.size == video.size
    assert info.rotation == degrees % 360


@pytest.mark.parametrize(
    ("degrees", "flips", "upright"),
    [
        (0, {"hflip": True}, lambda p: p[:, :, ::-1]),
        (0, {"vflip": True}, lambda p: p[:, ::-1]),
        (90, {"hflip": True}, lambda p: np.rot90(p, 1, axes=(1, 2))[:, :, ::-1]),
        (-90, {"vflip": True}, lambda p: np.rot90(p, -1, axes=(1, 2))[:, ::-1]),
        (180, {"vflip": True}, lambda p: p[:, :, ::-1]),
        (0, {"hflip": True, "vflip": True}, lambda p: p[:, ::-1, ::-1]),
    ],
)
def test_mirrored_videos_are_shown_as_players_do(tmp_path, degrees, flips, upright):
    frames = texture(2)
    path = displayed(tmp_path / "a.mp4", frames, degrees, **flips)
    shown = np.asarray(read_video(path).frames).astype(int)
    assert np.abs(shown - upright(frames)).mean() < 2
    assert describe_video(path).mirrored == (len(flips) == 1)


def test_quarter_turns(tmp_path):
    assert [quarter_turns(d, tmp_path) for d in (0, 90, 180, -180, -90)] == [0, 1, 2, 2, 3]
    with pytest.raises(VideoError, match="45 degrees"):
        quarter_turns(45, tmp_path)


def test_resizing_keeps_the_display_aspect(tmp_path):
    def anamorphic(stream):
        stream.codec_context.sample_aspect_ratio = F(4, 3)

    path = encode(tmp_path / "a.mp4", texture(3), setup=anamorphic)
    assert read_video(path).sample_aspect_ratio == F(4, 3)
    video = read_video(path, size=(24, 48))
    assert video.size == (24, 48)
    assert video.sample_aspect_ratio * F(48, 24) == F(4, 3) * F(64, 48)
    assert read_video(path, size=(48, 64)).sample_aspect_ratio == F(4, 3)


def test_a_turned_picture_has_its_pixel_aspect_turned_too(tmp_path):
    def setup(stream):
        stream.codec_context.sample_aspect_ratio = F(4, 3)
        stream.set_display_rotation(90)

    path = encode(tmp_path / "a.mp4", texture(2), setup=setup)
    assert read_video(path).sample_aspect_ratio == F(3, 4)
    assert read_video(path, size=(32, 48)).sample_aspect_ratio == F(3, 4) * F(48, 48) * F(32, 64)


def test_shrinking_averages_and_growing_is_smooth():
    picture = texture(1)[0]
    small = resize(picture, (24, 32))
    blocks = picture.reshape(24, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(small - blocks).max() <= 0.5
    flat = np.full((5, 7, 3), 93, np.uint8)
    assert (resize(flat, (9, 3)) == 93).all()
    ramp = np.arange(0, 200, 10, np.uint8)[None, :, None].repeat(4, 0).repeat(3, 2)
    wide = resize(ramp, (4, 40))[0, :, 0].astype(float)
    np.testing.assert_allclose(wide[4:-4], 5 * np.arange(4, 36) - 2.5, atol=1)


def test_single_frames_and_single_pixels_are_legal(tmp_path):
    pixel = np.full((1, 1, 1, 3), 77, np.uint8)
    video = read_video(encode(tmp_path / "a.mkv", pixel, rate=F(24), codec="ffv1", pixel_format="bgr0"))
    assert (np.asarray(video.frames) == 77).all()
    assert (video.times, video.rate, video.size) == ((0,), 24, (1, 1))


def test_names_with_colons_and_percent_signs_are_files(tmp_path):
    path = encode(tmp_path / "a.mkv", texture(2), codec="ffv1", pixel_format="bgr0")
    odd = path.rename(tmp_path / "http: 100%03d.mkv")
    assert len(read_video(odd)) == 2


def test_info_of_a_file(tmp_path):
    def setup(stream):
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = 6, 1, 5, 1
        context.sample_aspect_ratio = F(16, 11)

    path = encode(tmp_path / "a.mp4", texture(12), rate=F(24000, 1001), setup=setup, audio=True)
    info = describe_video(path)
    assert "mp4" in info.container
    assert (info.codec, info.pixel_format, info.size, info.frames) == ("h264", "yuv420p", (48, 64), 12)
    assert (info.rate, info.constant_rate, info.duration) == (F(24000, 1001), True, F(1001, 2000))
    assert (info.matrix, info.primaries, info.transfer) == ("smpte170m", "bt470bg", "bt709")
    assert (info.sample_aspect_ratio, info.rotation, info.audio) == (F(16, 11), 0, ("aac",))
    assert info.time_base == F(1, 24000)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_info_counts_frames_that_no_header_states(tmp_path, codec):
    options = {"auto-alt-ref": "1", "lag-in-frames": "10", "cpu-used": "8", "b": "200000"}
    path = encode(tmp_path / "a.webm", texture(40), codec=codec, options=options)
    assert describe_video(path).frames == len(read_video(path)) == 40


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the real clips aren't here")
@pytest.mark.parametrize(("name", "rate"), [("walk", 60), ("bikes", 25), ("mouse", 250)])
def test_real_clips(name, rate):
    video = read_video(CLIPS / f"{name}.mkv")
    assert (len(video), video.size, video.rate) == (41, (240, 360), rate)
    assert video.times == tuple(F(k, rate) for k in range(41))
    info = describe_video(CLIPS / f"{name}.mkv")
    assert (info.frames, info.rate, info.duration, info.codec) == (41, rate, F(41, rate), "ffv1")


def test_a_file_that_loses_frames_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tweenfield.storage.on_demand.KEPT_BYTES", 0)
    path = encode(tmp_path / "a.mkv", texture(30), codec="ffv1", pixel_format="bgr0")
    video = read_video(path)
    encode(path, texture(12), codec="ffv1", pixel_format="bgr0")
    with pytest.raises(VideoError, match="has changed while it was being read"):
        video.frames[20]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": np.zeros((3, 4, 5, 3))}, r"shape \(3, 4, 5, 3\) and type float64"),
        ({"frames": np.zeros((3, 4, 5), np.uint8)}, r"shape \(3, 4, 5\)"),
        ({"times": (F(0), F(1))}, "3 frames but 2 times"),
        ({"times": (F(0), F(2), F(2))}, "don't increase"),
    ],
)
def test_what_is_no_video_is_refused(change, said, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as it is for users
    good = {"frames": np.zeros((3, 4, 5, 3), np.uint8), "times": (F(0), F(1), F(2)), "rate": F(1)}
    assert repr(Video(**good, name="x")) == "Video('x', 3 frames of 4x5, 1 fps)"
    with pytest.raises(VideoError, match=said):
        Video(**{**good, **change})
