"""Transparent video in and out: straight colours come back, backgrounds are laid exactly, nothing leaks."""

from dataclasses import replace
from fractions import Fraction as F

import av
import cv2
import jaxtyping
import numpy as np
import pytest
from video.clips import encode, texture

from tweenfield import Carried, ColorTags, Encoding, Look, UsageError, Video, VideoError, describe_video
from tweenfield.video import pieces, read_video, write_in_pieces, write_video
from tweenfield.video.transparency import (
    BLACK,
    WHITE,
    is_transparent,
    levels_of,
    over,
    over_matte,
    parse_color,
    premultiplied,
    resized,
    spread,
)

RED = (210, 50, 30)
CONTAINERS = ("o.webm", "o.mov", "o.mkv", "o")
UNEVEN = tuple(F(k * k + 25 * k, 1000) for k in range(24))


def square(k, height=32, width=48, color=RED, top=255):
    """Straight RGBA: a square with edges of three pixels, two pixels further right in each frame."""
    y, x = np.mgrid[:height, :width].astype(float)
    alpha = np.clip(0.5 + (6 - np.abs(x - 12 - 2 * k)) / 3, 0, 1) * np.clip(
        0.5 + (6 - np.abs(y - 15)) / 3, 0, 1
    )
    picture = np.empty((height, width, 4))
    picture[..., :3], picture[..., 3] = np.array(color) / 255, alpha
    picture[alpha == 0] = 0
    return np.rint(top * picture).astype(np.uint8 if top == 255 else np.uint16)


def mean_light(rgba):
    """Colours times opacity, and opacity, in [0, 1]."""
    straight = rgba / np.iinfo(rgba.dtype).max
    return np.dstack((straight[..., :3] * straight[..., 3:], straight[..., 3]))


@pytest.mark.parametrize("matte", [BLACK, WHITE])
def test_every_straight_colour_of_8_bits_comes_back_from_16(matte):
    color, alpha = np.mgrid[:256, :256].astype(np.uint8)
    rgba = np.dstack((color, color, 255 - color, alpha))
    held = premultiplied(rgba)
    back = levels_of(over_matte(held, matte), held[..., 3], matte, np.uint8)
    np.testing.assert_array_equal(back[..., 3], alpha)
    np.testing.assert_array_equal(back[alpha > 0], rgba[alpha > 0])
    assert not back[alpha == 0].any()


@pytest.mark.parametrize("top", [255, 65535])
def test_over_is_the_sum_of_what_is_seen_of_either(top):
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, top + 1, (40, 30, 4)).astype(np.uint8 if top == 255 else np.uint16)
    part = rgba[..., 3:].astype(float) / top
    expected = rgba[..., :3] * part + (1 - part) * top * np.array([0x33, 0x66, 0x99]) / 255
    assert np.abs(over(rgba, "#336699") - expected).max() <= 0.5 + 1e-6
    np.testing.assert_array_equal(over(rgba[:, :, [0, 1, 2, 3]], WHITE)[part[..., 0] == 0], top)


def test_colours_have_names_and_numbers():
    np.testing.assert_array_equal(parse_color("black"), [0, 0, 0])
    np.testing.assert_array_equal(parse_color("#ff8000"), [1, 128 / 255, 0])
    with pytest.raises(UsageError, match="'blak' is no colour"):
        parse_color("blak")


@pytest.mark.parametrize(
    ("name", "codec", "top", "colors", "alpha"),
    [
        ("o", None, 255, 0, 0),
        ("o", None, 65535, 0.01, 0),
        ("o.mkv", "ffv1", 255, 0, 0),
        ("o.mkv", "ffv1", 65535, 0.01, 0),
        ("o.mov", None, 255, 0.5, 0.25),
        ("o.mkv", None, 65535, 0.5, 0.25),
        ("o.mkv", None, 255, 6, 6),
        ("o.webm", None, 255, 6, 6),
    ],
)
@pytest.mark.parametrize("size", [(32, 48), (31, 47)])
def test_what_holds_opacity_gives_it_back(tmp_path, name, codec, top, colors, alpha, size):
    frames = [square(k, *size, top=top) for k in range(6)]
    write_video(tmp_path / name, frames, rate=25, encoding=Encoding(codec=codec), background="blue")
    video = read_video(tmp_path / name)
    assert describe_video(tmp_path / name).transparent
    assert (video.size, video.rate, video.frames.dtype, video.matte) == (size, 25, np.uint16, WHITE)
    for k, frame in enumerate(frames):
        error = 255 * np.abs(mean_light(video.rgba(k)) - mean_light(frame))
        assert error[..., :3].max() <= colors + 1e-9 and error[..., 3].max() <= alpha + 1e-9


def test_colours_stored_at_half_the_resolution_have_no_fringe(tmp_path):
    frames = [square(k) for k in range(4)]
    write_video(tmp_path / "o.webm", frames, rate=25)
    back = read_video(tmp_path / "o.webm").rgba(2)
    seen = back[..., 3] > 8
    assert np.abs(back[seen][:, :3].astype(int) - RED).max() <= 6


def test_colours_are_spread_over_what_is_hidden_only():
    rgba = np.zeros((33, 50, 4), np.uint8)
    rgba[4:7, 5:9], rgba[20:30, 40:45] = (200, 10, 30, 255), (200, 10, 30, 3)
    spread_out = spread(rgba)
    np.testing.assert_array_equal(spread_out[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(spread_out[..., :3], np.full((33, 50, 3), (200, 10, 30)))
    for plain in (np.zeros((5, 4, 4), np.uint8), np.full((5, 4, 4), 255, np.uint8)):
        np.testing.assert_array_equal(spread(plain), plain)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_elsewhere_the_background_is_laid_exactly(tmp_path, dtype):
    frames = [square(k, top=np.iinfo(dtype).max) for k in range(3)]
    deep = dtype == np.uint16
    opaque = Encoding(codec="ffv1", pixel_format="gbrp16le" if deep else "bgr0")
    write_video(tmp_path / "o.mkv", frames, rate=25, encoding=opaque, background="#336699")
    video = read_video(tmp_path / "o.mkv")
    assert video.alpha is None and not describe_video(tmp_path / "o.mkv").transparent
    for shown, frame in zip(video.frames, frames, strict=True):
        np.testing.assert_array_equal(shown, over(frame, "#336699"))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("o.mp4", None), ("o.mp4", "vp9"), ("o.mov", "h264"), ("o.y4m", None)],
)
def test_what_holds_no_opacity_shows_the_background(tmp_path, name, codec):
    write_video(
        tmp_path / name,
        [square(0)] * 3,
        rate=25,
        color=ColorTags(matrix=6),  # what is assumed of small pictures without a tag
        encoding=Encoding(codec=codec),
        background="white",
    )
    video = read_video(tmp_path / name)
    assert video.alpha is None
    assert np.abs(video.frames[1][:, 30:].astype(int) - 255).max() <= 3
    assert np.abs(video.frames[1][15, 12].astype(int) - RED).max() <= 6
    with pytest.raises(UsageError, match="no colour"):
        write_video(tmp_path / f"n{name}", [square(0)] * 3, rate=25, background="nothing")
    assert not (tmp_path / f"n{name}").exists()


@pytest.mark.parametrize(
    ("name", "times"),
    [*((name, None) for name in CONTAINERS), *((name, UNEVEN) for name in CONTAINERS if name != "o")],
)
def test_pieces_keep_opacity_and_times(tmp_path, monkeypatch, name, times):
    for constant in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(pieces, constant, 5)
    (tmp_path / "parts").mkdir()
    look = Look(rate=F(30), color=ColorTags(), sample_aspect_ratio=F(1), times=times, transparent=True)
    frames = [square(k, width=64) for k in range(24)]
    write_in_pieces(tmp_path / name, lambda a, b: iter(frames[a:b]), 24, (32, 64), look, tmp_path / "parts")
    video = read_video(tmp_path / name)
    expected = times or tuple(F(k, 25 if name == "o" else 30) for k in range(24))
    assert max(abs(a - b) for a, b in zip(video.times, expected, strict=True)) <= F(1, 1999)
    for k in (0, 9, 23):
        assert 255 * np.abs(mean_light(video.rgba(k)) - mean_light(frames[k])).max() <= 6


def test_what_is_opaque_everywhere_is_read_as_if_it_could_not_be_otherwise(tmp_path):
    frames = texture(3)
    full = [np.dstack((frame, np.full(frame.shape[:2], 255, np.uint8))) for frame in frames]
    write_video(tmp_path / "o.mkv", full, rate=25, encoding=Encoding(codec="ffv1"))
    write_video(tmp_path / "o", full, rate=25)
    for path in (tmp_path / "o.mkv", tmp_path / "o"):
        assert describe_video(path).pixel_format in ("bgra", "rgba")
        video = read_video(path)
        assert video.alpha is None and not describe_video(path).transparent
        np.testing.assert_array_equal(np.asarray(video.frames), frames)


def test_one_transparent_image_of_a_folder_makes_the_video_transparent(tmp_path):
    cv2.imwrite(str(tmp_path / "0.png"), np.full((6, 8, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "1.png"), np.full((6, 8, 4), (90, 90, 90, 100), np.uint8))
    video = read_video(tmp_path)
    assert [video.rgba(k)[3, 3].tolist() for k in (0, 1)] == [[90, 90, 90, 255], [90, 90, 90, 100]]


def test_frames_that_are_not_kept_are_decoded_again(tmp_path, monkeypatch):
    write_video(tmp_path / "o.webm", [square(k) for k in range(20)], rate=25)
    kept = read_video(tmp_path / "o.webm")
    monkeypatch.setattr("tweenfield.video.converting.rows_kept", lambda size: 1)
    again = read_video(tmp_path / "o.webm", frames="3:20:4")
    for k in (4, 0, 2):
        np.testing.assert_array_equal(again.rgba(k), kept.rgba(3 + 4 * k))


@pytest.mark.parametrize("top", [255, 65535])
def test_a_gif_has_pixels_that_are_there_or_not(tmp_path, top):
    """Opaque pictures and empty ones among them leave nothing behind, whoever decodes them."""
    image = pytest.importorskip("PIL.Image")
    full, empty = (np.full((32, 48, 4), value, np.uint8) for value in (180, 0))
    full[..., 3] = 255
    eight = [full, square(0), square(3), empty, full, full, square(1), empty]
    frames = eight if top == 255 else [frame.astype(np.uint16) * 257 for frame in eight]
    write_video(tmp_path / "o.gif", frames, rate=25)
    video, other = read_video(tmp_path / "o.gif"), image.open(tmp_path / "o.gif")
    assert len(video) == other.n_frames == len(frames)
    for k, frame in enumerate(eight):
        other.seek(k)
        for shown in (video.rgba(k), np.asarray(other.convert("RGBA"))):
            there = frame[..., 3] >= 128
            np.testing.assert_array_equal(shown[..., 3], np.where(there, 255, 0))
            np.testing.assert_array_equal(shown[there], np.insert(frame[there][:, :3], 3, 255, axis=1))


def test_a_gif_of_many_colours_keeps_its_holes(tmp_path):
    """With one of 256 for nothing, and more colours than that, each is near by."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3)).astype(np.uint8)
    frames = [np.dstack((rgb, square(k)[..., 3])) for k, rgb in enumerate(noise)]
    write_video(tmp_path / "o.gif", frames, rate=25)
    video = read_video(tmp_path / "o.gif")
    for k, frame in enumerate(frames):
        there = frame[..., 3] >= 128
        np.testing.assert_array_equal(video.rgba(k)[..., 3] == 255, there)
        error = video.rgba(k)[there][:, :3].astype(float) - frame[there][:, :3]
        assert np.sqrt((error**2).mean()) < 32


def test_a_gif_and_an_apng_may_be_transparent(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rgba = np.where(np.mgrid[:8, :10][1][..., None] < 5, (200, 0, 0, 255), (0, 0, 0, 0)).astype(np.uint8)
    for name in ("a.gif", "a.apng"):
        picture = image.fromarray(rgba)
        other = image.fromarray(np.roll(rgba, 2, axis=1))
        picture.save(
            tmp_path / name, "GIF" if name == "a.gif" else "PNG", save_all=True, append_images=[other]
        )
        np.testing.assert_array_equal(read_video(tmp_path / name).rgba(0), rgba)


def test_hidden_colours_do_not_leak_when_a_picture_is_resized(tmp_path):
    rgba = square(0)
    other = np.where(rgba[..., 3:] == 0, np.array([0, 255, 0, 0], np.uint8), rgba)
    for k, picture in enumerate((rgba, other)):
        cv2.imwrite(str(tmp_path / f"{k}.png"), picture[..., [2, 1, 0, 3]])
    video = read_video(tmp_path, size=(13, 20))
    np.testing.assert_array_equal(video.rgba(0), video.rgba(1))
    for picture in (video.rgba(0), resized(other, (13, 20))):
        seen = picture[picture[..., 3] > 10]
        assert np.abs(seen[:, :3].astype(int) - RED).max() <= 1


@pytest.mark.parametrize("name", ["b.webm", "b.mkv"])
def test_a_transparent_file_stays_so_when_all_of_it_goes_along(tmp_path, name):
    write_video(tmp_path / "a.webm", [square(k) for k in range(4)], rate=25)
    carried = Carried(path=tmp_path / "a.webm", start=F(0), length=F(4, 25))
    write_video(tmp_path / name, [square(k) for k in range(4)], rate=25, carried=carried)
    assert read_video(tmp_path / name).alpha is not None


def test_stored_sideways_it_is_turned_with_its_opacity(tmp_path):
    path = encode(
        tmp_path / "o.mov",
        [av.VideoFrame.from_ndarray(square(0), "rgba").reformat(format="yuva444p10le")],
        codec="prores_ks",
        pixel_format="yuva444p10le",
        setup=lambda stream: stream.set_display_rotation(90),
    )
    turned = np.rot90(square(0))[..., 3].astype(float)
    assert np.abs(read_video(path).alpha[0] / 257 - turned).max() < 1


def test_a_selection_and_a_background_keep_to_the_frames(tmp_path):
    frames = [square(k) for k in (0, 1, 1, 2, 3)]
    write_video(tmp_path / "o", frames, rate=25)
    video = read_video(tmp_path / "o")
    np.testing.assert_array_equal(video.select([1, 3]).rgba(1), frames[3])
    assert is_transparent(video.rgba(0))
    laid = video.over("#00ff00")
    assert laid.alpha is None and laid.frames.dtype == np.uint8 and laid.over() is laid
    np.testing.assert_array_equal(laid.frames[2], over(frames[2], "#00ff00"))


def test_alpha_belongs_to_its_frames(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as it is for users
    frames = np.zeros((1, 4, 5, 3), np.uint16)
    good = Video(frames=frames, times=(F(0),), rate=F(25), alpha=np.zeros((1, 4, 5), np.uint16))
    wrong = ({"alpha": np.zeros((1, 4, 6), np.uint16)}, {"matte": "red"})
    for change in wrong:
        with pytest.raises(VideoError, match="give uint16 for both"):
            replace(good, **change)
    with pytest.raises(VideoError, match="give the depth 8 with uint8"):
        replace(good, alpha=None)
