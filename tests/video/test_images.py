"""Folders of images as videos."""

from fractions import Fraction as F

import av
import cv2
import numpy as np
import pytest
from video.clips import texture

from tweenfield.errors import VideoError
from tweenfield.video import ColorTags, describe_video, read_video
from tweenfield.video.images import read_opaque


def save(path, rgb):
    assert cv2.imwrite(str(path), rgb[..., ::-1])


def test_natural_order_and_rate(tmp_path):
    frames = texture(12)
    for k, frame in enumerate(frames):
        save(tmp_path / f"shot{k}.png", frame)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".shot5.png").write_text("left by a file manager")
    video = read_video(tmp_path)
    np.testing.assert_array_equal(video.frames, frames)
    assert (video.rate, video.color, video.sample_aspect_ratio) == (25, ColorTags(), 1)
    assert video.times == tuple(F(k, 25) for k in range(12))
    part = read_video(tmp_path, frames="-9::4")
    np.testing.assert_array_equal(part.frames, frames[3::4])
    assert (part.times, part.rate) == ((0, F(4, 25), F(8, 25)), F(25, 4))
    small = read_video(tmp_path, size=(24, 64))
    assert (small.size, small.sample_aspect_ratio) == ((24, 64), F(1, 2))
    info = describe_video(tmp_path)
    assert (info.container, info.codec, info.frames, info.size) == ("folder", "png", 12, (48, 64))


def numbered(folder, numbers, name="IMG_{:04}.png"):
    for k, frame in zip(numbers, texture(len(numbers)), strict=True):
        save(folder / name.format(k), frame)
    said = []
    return read_video(folder, on_notice=said.append), said


def test_a_folder_is_cut_by_time(tmp_path):
    numbered(tmp_path, range(10))
    part = read_video(tmp_path, since=F(1, 10), until=F(3, 10), folder_rate=F(10))
    assert np.array_equal(part.frames, read_video(tmp_path).frames[1:3])
    assert (part.times, part.rate) == ((0, F(1, 10)), 10)
    with pytest.raises(VideoError, match="no frame from 5 s"):
        read_video(tmp_path, since=F(5))


def test_numbers_that_are_missing_are_named(tmp_path):
    video, said = numbered(tmp_path, [1, 2, 3, 6, 7, 8, 9, 12])
    assert len(video) == 8 and len(said) == 1
    assert "between IMG_0003.png and IMG_0006.png" in said[0]
    read_video(tmp_path, frames="3:7", on_notice=said.append)
    assert len(said) == 1


@pytest.mark.parametrize("numbers", [[0, 1, 2, 3], [10, 20, 30, 40], [3, 9, 4, 17, 30], [7]])
def test_of_other_numbers_nothing_is_said(tmp_path, numbers):
    assert numbered(tmp_path, numbers)[1] == []
    (tmp_path / "end.png").write_bytes(next(tmp_path.iterdir()).read_bytes())
    said = []
    read_video(tmp_path, on_notice=said.append)
    assert said == []


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "webp", "ppm", "jpg", "JPEG"])
def test_kinds_of_image(tmp_path, suffix):
    frame = texture(1, 64, 96)[0]
    save(tmp_path / f"0.{suffix}", frame)
    limit = {"jpg": 16, "JPEG": 16, "webp": 16}.get(suffix, 0)
    assert np.abs(read_video(tmp_path).frames[0].astype(int) - frame).max() <= limit


def exr(planes, pixel_format):
    """An EXR by FFmpeg's encoder; half floats are made of single ones."""
    height, width = planes[0].shape
    encoder = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, pixel_format, F(1, 25)
    encoder.options = {"format": "half" if height < 16 else "float"}
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((height, plane.line_size // 4), np.float32)
        rows[:, :width] = values
        plane.update(rows.tobytes())
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


@pytest.mark.parametrize("height", [8, 16])  # half and single floats
def test_exr_is_linear_light(tmp_path, height):
    red = np.tile(np.linspace(-0.2, 1.4, 33, dtype=np.float32), (height, 1))
    green, blue, opacity = red / 2, np.full_like(red, 0.2), np.full_like(red, 0.5)
    coded = np.clip(np.stack([red, green, blue], -1), 0, 1)
    (tmp_path / "0.exr").write_bytes(exr([green, blue, red], "gbrpf32le"))
    video = read_video(tmp_path)
    assert (video.depth, video.alpha) == (16, None)
    curve = np.where(coded > 0.0031308, 1.055 * coded ** (1 / 2.4) - 0.055, 12.92 * coded)
    assert np.abs(video.frames[0] / 65535 - curve).max() < (2e-3 if height < 16 else 1e-4)
    (tmp_path / "0.exr").write_bytes(exr([green / 2, blue / 2, red / 2, opacity], "gbrapf32le"))
    picture = read_video(tmp_path).rgba(0) / 65535
    assert np.abs(picture[..., :3] - curve).max() < 3e-3 and np.abs(picture[..., 3] - 0.5).max() < 1e-4
    (tmp_path / "0.exr").write_bytes(exr([red], "grayf32le"))
    assert np.abs(read_video(tmp_path).frames[0] / 65535 - curve[..., :1]).max() < 2e-3
    (tmp_path / "0.exr").write_bytes(b"\x76\x2f\x31\x01 and no more")
    with pytest.raises(VideoError, match="can't be decoded"):
        read_video(tmp_path)


def test_grey_alpha_and_sixteen_bits(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    cv2.imwrite(str(tmp_path / "0.png"), grey)
    cv2.imwrite(str(tmp_path / "1.png"), grey.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "2.tif"), rgb.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "3.pgm"), grey)
    cv2.imwrite(str(tmp_path / "4.png"), np.dstack([rgb, np.full((16, 16), 255, np.uint8)]))
    video = read_video(tmp_path)
    for frame in video.frames:
        np.testing.assert_array_equal(frame, rgb)


def test_after_an_image_of_8_bits_others_are_rounded_to_the_nearest(tmp_path):
    values = np.array([[0, 128, 129, 65535 - 129, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((1, 5), np.uint8))
    cv2.imwrite(str(tmp_path / "1.png"), values)
    np.testing.assert_array_equal(read_video(tmp_path).frames[1, 0, :, 0], [0, 0, 1, 254, 255])


def test_photos_are_turned_upright_by_their_exif_tag(tmp_path):
    frame = texture(1, 32, 64)[0]
    data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    # Orientation 6: to be turned 90 degrees clockwise.
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    app1 = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "0.jpg").write_bytes(data[:2] + app1 + data[2:])
    turned = np.rot90(frame, -1)
    read = read_video(tmp_path).frames[0]
    assert read.shape == turned.shape
    assert np.abs(read.astype(int) - turned).mean() < 3


def test_bad_folders(tmp_path):
    with pytest.raises(VideoError, match="holds no images"):
        read_video(tmp_path)
    save(tmp_path / "0.png", texture(1)[0])
    save(tmp_path / "1.png", texture(1, 50, 64)[0])
    with pytest.raises(VideoError, match=r"1\.png: the image is 50x64 but those before it are 48x64"):
        read_video(tmp_path)
    assert len(read_video(tmp_path, frames="0:1")) == 1
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(VideoError, match=r"1\.png: the image can't be decoded"):
        read_video(tmp_path)
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(VideoError, match=r"1\.png: the image can't be decoded"):
        read_video(tmp_path)
    with pytest.raises(VideoError, match="has 2 frames"):
        read_video(tmp_path, frames="0:3")
    (tmp_path / "1.png").unlink()
    cv2.imwrite(str(tmp_path / "1.tiff"), np.zeros((48, 64), np.int16))
    with pytest.raises(VideoError, match="int16"):
        read_video(tmp_path)


def test_grey_may_be_transparent(tmp_path):
    pytest.importorskip("PIL.Image").new("LA", (8, 6), (200, 128)).save(tmp_path / "0.png")
    np.testing.assert_array_equal(read_video(tmp_path).rgba(0), np.full((6, 8, 4), (200, 200, 200, 128)))


def test_of_a_baseline_transparency_is_laid_over_black(tmp_path):
    cv2.imwrite(str(tmp_path / "0.png"), np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], np.uint8))
    np.testing.assert_array_equal(read_opaque(tmp_path / "0.png")[0], [[30, 20, 10], [0, 0, 0]])
