"""RGB to YUV and back with exactly the matrix and the range that a file's tags name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from jaxtyping import Float, UInt8

from tweenfield.errors import UsageError, VideoError
from tweenfield.video.clip import ColorTags

if TYPE_CHECKING:
    from pathlib import Path

UNSPECIFIED = 2

# (red, blue) luma weights by H.273 code point; green is what is left to 1.
LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}

MATRIX_NAMES = {
    0: "gbr", 1: "bt709", 2: "unspecified", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m",
    8: "ycgco", 9: "bt2020nc", 10: "bt2020c", 14: "ictcp",
}  # fmt: skip
PRIMARIES_NAMES = {
    1: "bt709", 2: "unspecified", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film",
    9: "bt2020", 10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
TRANSFER_NAMES = {
    1: "bt709", 2: "unspecified", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10",
    15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip

# Full chroma and exact rounding: swscale's defaults drop chroma columns and shift levels by up to 2.
# Its flags BICUBIC, FULL_CHR_H_INT, FULL_CHR_H_INP, ACCURATE_RND by number: PyAV 17 names only the first.
QUALITY = 0x4 | 0x2000 | 0x4000 | 0x40000


def matrix_for_height(lines: int) -> int:
    """What players assume for an untagged picture: BT.601 below 720 lines, BT.709 from there on."""
    return 6 if lines < 720 else 1


def has_alpha(video_format: av.VideoFormat) -> bool:
    """Whether pictures of this pixel format may be partly transparent (a palette may hold such colours)."""
    return video_format.has_palette or any(component.is_alpha for component in video_format.components)


def color_tags(frame: av.VideoFrame, path: Path) -> ColorTags:
    """The tags to write so that nothing shifts, with what the file leaves open filled in for the matrix only.

    Raises:
        VideoError: the matrix is one that can't be inverted per pixel, such as constant-luminance BT.2020.
    """
    if frame.format.is_rgb or frame.format.has_palette:
        return ColorTags()
    # 0 is "these are RGB"; on a YUV picture it is a mistake of the writing program.
    unknown = frame.colorspace in (0, UNSPECIFIED)
    matrix = matrix_for_height(frame.height) if unknown else int(frame.colorspace)
    if matrix not in LUMA_WEIGHTS:
        name = MATRIX_NAMES.get(matrix, str(matrix))
        raise VideoError(
            f"{path}: the colour matrix {name} isn't supported; convert the video to bt709 or bt2020nc"
        )
    jpeg = frame.format.name.startswith(("yuvj", "gray", "ya"))
    return ColorTags(
        matrix=matrix,
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        full_range=frame.color_range == ColorRange.JPEG
        or (jpeg and frame.color_range == ColorRange.UNSPECIFIED),
    )


def over_black(rgba: UInt8[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    """What a viewer shows of a partly transparent picture on a black ground."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)


def rgb_from_frame(
    frame: av.VideoFrame, color: ColorTags, reformatter: VideoReformatter
) -> UInt8[np.ndarray, "height width 3"]:
    """A decoded picture as full-range RGB; more than 8 bits are rounded, transparency is laid over black."""
    transparent = has_alpha(frame.format)
    converted = reformatter.reformat(
        frame,
        format="rgba" if transparent else "rgb24",
        src_colorspace=color.matrix,
        src_color_range=ColorRange.JPEG if color.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=QUALITY,
    )
    rgb = converted.to_ndarray()
    return over_black(rgb) if transparent else rgb


def yuv_matrix(color: ColorTags) -> Float[np.ndarray, "3 4"]:
    """The affine map from (R, G, B, 1) in levels to (Y, Cb, Cr) in levels, as ITU-T H.273 defines it.

    Raises:
        UsageError: the matrix of ``color`` isn't one of the linear ones.
    """
    if color.matrix not in LUMA_WEIGHTS:
        raise UsageError(
            f"colour matrix {color.matrix} can't be written; choose one of {sorted(LUMA_WEIGHTS)}"
        )
    red, blue = LUMA_WEIGHTS[color.matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    gain = np.array([1, 1, 1]) if color.full_range else np.array([219, 224, 224]) / 255
    offset = np.array([0 if color.full_range else 16, 128, 128])
    return np.column_stack([np.stack([luma, cb, cr]) * gain[:, None], offset])


def is_rgb(pixel_format: str) -> bool:
    """Whether a pixel format holds RGB, to which no matrix is applied."""
    return av.VideoFormat(pixel_format).is_rgb


def frame_from_rgb(
    rgb: UInt8[np.ndarray, "height width 3"],
    color: ColorTags,
    pixel_format: str,
    reformatter: VideoReformatter,
) -> av.VideoFrame:
    """A picture to encode, in ``pixel_format``, tagged with ``color``.

    The matrix is applied here: swscale truncates chroma when making full range, half a level of tint.
    """
    if is_rgb(pixel_format):
        return reformatter.reformat(av.VideoFrame.from_ndarray(rgb, format="rgb24"), format=pixel_format)
    yuv = cv2.transform(rgb, yuv_matrix(color)).reshape(rgb.shape)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(yuv.transpose(2, 0, 1)), format="yuv444p")
    signal_range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
    if pixel_format != "yuv444p":
        frame = reformatter.reformat(
            frame,
            format=pixel_format,
            src_colorspace=color.matrix,
            dst_colorspace=color.matrix,
            src_color_range=signal_range,
            dst_color_range=signal_range,
            interpolation=QUALITY,
        )
    frame.colorspace, frame.color_range = color.matrix, signal_range
    return frame
