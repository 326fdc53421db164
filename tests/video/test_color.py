"""Colours in and out, against float arithmetic of the standards."""

import av
import numpy as np
import pytest
from video.clips import at_patches, encode, patches, yuv_planes

from tweenfield.errors import UsageError, VideoError
from tweenfield.video import ColorTags, read_video, write_video
from tweenfield.video.color import color_tags, yuv_matrix


def tagged(matrix, full):
    def setup(stream):
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, 2 if full else 1
        context.color_primaries, context.color_trc = 6, 6

    return setup


def yuv_frame(planes):
    return av.VideoFrame.from_ndarray(planes, "yuv444p")


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
def test_reading_inverts_the_stated_matrix_and_range(tmp_path, matrix, full):
    picture = patches()
    frame = yuv_frame(yuv_planes(picture, matrix, full))
    path = encode(
        tmp_path / "a.mp4",
        [frame],
        pixel_format="yuv444p",
        options={"qp": "0"},
        setup=tagged(matrix, full),
    )
    video = read_video(path)
    error = at_patches(video.frames[0]) - at_patches(picture)
    assert np.abs(error).mean() < 1
    assert np.abs(error.mean((0, 1))).max() < 0.5
    assert video.color == ColorTags(matrix=matrix, primaries=6, transfer=6, full_range=full)


@pytest.mark.parametrize(("height", "matrix"), [(704, 6), (720, 1)])
def test_an_untagged_matrix_follows_the_height(tmp_path, height, matrix):
    picture = np.full((height, 16, 3), (200, 40, 90), np.uint8)
    path = encode(
        tmp_path / "a.mp4",
        [yuv_frame(yuv_planes(picture, matrix, False))],
        pixel_format="yuv444p",
        options={"qp": "0"},
    )
    video = read_video(path)
    assert video.color == ColorTags(matrix=matrix, primaries=2, transfer=2)
    np.testing.assert_allclose(video.frames[0, 8, 8], (200, 40, 90), atol=2)


def test_jpeg_ranged_formats_are_full_range(tmp_path):
    picture = patches()
    frame = av.VideoFrame.from_ndarray(yuv_planes(picture, 6, True), "yuvj444p")
    path = encode(tmp_path / "a.avi", [frame], codec="mjpeg", pixel_format="yuvj444p", options={"qmin": "1"})
    video = read_video(path)
    assert video.color.full_range
    assert np.abs((at_patches(video.frames[0]) - at_patches(picture)).mean((0, 1))).max() < 1


def test_full_range_needs_no_tag_where_the_format_says_it(tmp_path):
    for name, full in [("yuvj420p", True), ("yuv420p", False), ("gray", True)]:
        assert color_tags(av.VideoFrame(16, 16, name), tmp_path).full_range is full


def test_rgb_sources_are_exact_and_get_bt709_tags(tmp_path):
    picture = patches()
    video = read_video(encode(tmp_path / "a.mkv", [picture], codec="ffv1", pixel_format="bgr0"))
    np.testing.assert_array_equal(video.frames[0], picture)
    assert video.color == ColorTags()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "primaries", "transfer"), [(1, 1, 1), (6, 6, 6), (5, 5, 2)])
def test_a_round_trip_shifts_no_colour(tmp_path, suffix, matrix, primaries, transfer, full):
    color = ColorTags(matrix=matrix, primaries=primaries, transfer=transfer, full_range=full)
    picture = patches()
    write_video(tmp_path / f"a{suffix}", [picture] * 2, rate=25, color=color)
    back = read_video(tmp_path / f"a{suffix}")
    error = at_patches(back.frames[1]) - at_patches(picture)
    assert np.abs(error.mean((0, 1))).max() < 0.5
    assert np.abs(error).mean() < 1.5
    # VP9 has one code for both names of BT.601.
    matrix = {5, 6} if suffix == ".webm" and matrix in (5, 6) else {matrix}
    assert back.color.matrix in matrix
    assert (back.color.primaries, back.color.transfer, back.color.full_range) == (primaries, transfer, full)


def test_three_generations_do_not_drift(tmp_path):
    picture = patches()
    frames = [picture]
    for generation in range(3):
        path = tmp_path / f"{generation}.mp4"
        write_video(path, frames, rate=25, color=ColorTags(matrix=6, full_range=True))
        frames = list(read_video(path).frames)
    assert np.abs((at_patches(frames[0]) - at_patches(picture)).mean((0, 1))).max() < 0.5


def test_black_white_and_grey_map_to_the_standard_levels():
    for matrix in (1, 4, 5, 6, 7, 9):
        limited, full = (
            yuv_matrix(ColorTags(matrix=matrix)),
            yuv_matrix(ColorTags(matrix=matrix, full_range=True)),
        )
        np.testing.assert_allclose(limited @ [0, 0, 0, 1], [16, 128, 128])
        np.testing.assert_allclose(limited @ [255, 255, 255, 1], [235, 128, 128])
        np.testing.assert_allclose(full @ [255, 255, 255, 1], [255, 128, 128], atol=1e-9)
        np.testing.assert_allclose((limited @ [0, 0, 255, 1])[1], 240)
        np.testing.assert_allclose((limited @ [255, 0, 0, 1])[2], 240)


def test_matrices_that_are_not_linear_are_refused(tmp_path):
    with pytest.raises(UsageError, match="matrix 10"):
        write_video(tmp_path / "a.mp4", [patches()], rate=25, color=ColorTags(matrix=10))
    frame = av.VideoFrame(16, 16, "yuv420p")
    frame.colorspace = 10
    with pytest.raises(VideoError, match="bt2020c"):
        color_tags(frame, tmp_path)
