"""RGB to YUV and back with exactly the matrix and the range that a file's tags name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from jaxtyping import Float, Shaped, UInt16

from tweenfield.errors import UsageError, VideoError
from tweenfield.video.clip import ColorTags
from tweenfield.video.depth import Levels, full_scale, rounded, with_depth
from tweenfield.video.transparency import spread

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


def bits_of(video_format: av.VideoFormat) -> int:
    """The bits per component of a pixel format; 32 for floats."""
    return max((component.bits for component in video_format.components), default=8)


def rgb_from_frame(
    frame: av.VideoFrame, color: ColorTags, reformatter: VideoReformatter
) -> Levels[np.ndarray, "height width channels"]:
    """A decoded picture as full-range RGB, in uint16 where it has more than 8 bits, with straight opacity as
    a fourth channel if its format has one.
    """
    if bits_of(frame.format) > 8:
        return _deep_rgb_from_frame(frame, color, reformatter)
    converted = reformatter.reformat(
        frame,
        format="rgba" if has_alpha(frame.format) else "rgb24",
        src_colorspace=color.matrix,
        src_color_range=ColorRange.JPEG if color.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=QUALITY,
    )
    return converted.to_ndarray()


def _deep_rgb_from_frame(
    frame: av.VideoFrame, color: ColorTags, reformatter: VideoReformatter
) -> UInt16[np.ndarray, "height width channels"]:
    """The same for more than 8 bits. swscale only unpacks and enlarges chroma: its own RGB isn't exact."""
    name, transparent = frame.format.name, has_alpha(frame.format)
    bits = min(bits_of(frame.format), 16)
    rgb = frame.format.is_rgb or name.startswith("xyz")
    if name.startswith(("gbr", "gray")):
        values: np.ndarray = frame.to_ndarray()
        if values.ndim == 2:
            values = np.repeat(values[..., None], 3, axis=2)
        if values.dtype == np.float32:
            values, bits, rgb = rounded(np.nan_to_num(values), np.uint16), 16, True
        values = values << (16 - bits)
        if not rgb and color.full_range:
            rgb = True
        elif not rgb:
            values[..., 1:] = 1 << 15
    else:
        packed = "rgba64le" if transparent else "rgb48le"
        planar = "yuva444p16le" if transparent else "yuv444p16le"
        # Between equal ranges values are only moved up: of grey if that is "full", else if it is "limited".
        unchanged = ColorRange.JPEG if rgb or name.startswith("ya") else ColorRange.MPEG
        values = reformatter.reformat(
            frame,
            format=packed if rgb else planar,
            src_colorspace=color.matrix,
            dst_colorspace=color.matrix,
            src_color_range=unchanged,
            dst_color_range=unchanged,
            interpolation=QUALITY,
        ).to_ndarray()
    full = _full(values[..., :3], bits) if rgb else _from_yuv(values[..., :3], color, bits)
    return np.dstack((full, _full(values[..., 3], bits))) if transparent else full


def _full(shifted: Shaped[np.ndarray, "*shape"], bits: int) -> UInt16[np.ndarray, "*shape"]:
    """Values of so many bits that were moved up to 16, with a full scale of 65535."""
    top, value = (1 << bits) - 1, (shifted >> (16 - bits)).astype(np.uint32)
    return ((value * 65535 + top // 2) // top).astype(np.uint16)


def yuv_matrix(color: ColorTags, bits: int = 8, white: int = 255) -> Float[np.ndarray, "3 4"]:
    """The affine map from (R, G, B, 1), with ``white`` for white, to (Y, Cb, Cr) in levels of so many bits,
    as ITU-T H.273 defines it.

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
    unit = 1 << (bits - 8)
    top = np.full(3, 256 * unit - 1) if color.full_range else np.array([219, 224, 224]) * unit
    offset = np.array([0 if color.full_range else 16, 128, 128]) * unit
    return np.column_stack([np.stack([luma, cb, cr]) * (top / white)[:, None], offset])


def _from_yuv(
    shifted: UInt16[np.ndarray, "height width 3"], color: ColorTags, bits: int
) -> UInt16[np.ndarray, "height width 3"]:
    """RGB with a full scale of 65535 from (Y, Cb, Cr) of so many bits that were moved up to 16."""
    forward = yuv_matrix(color, bits, 65535)
    back = np.linalg.inv(forward[:, :3])
    matrix = np.column_stack([back / (1 << (16 - bits)), -back @ forward[:, 3]])
    # Computed in float32, rounded and clipped.
    rgb: np.ndarray = cv2.transform(np.ascontiguousarray(shifted), matrix).reshape(shifted.shape)
    return rgb


def is_rgb(pixel_format: str) -> bool:
    """Whether a pixel format holds RGB, to which no matrix is applied."""
    return av.VideoFormat(pixel_format).is_rgb


def frame_from_rgb(
    picture: Levels[np.ndarray, "height width channels"],
    color: ColorTags,
    pixel_format: str,
    reformatter: VideoReformatter,
) -> av.VideoFrame:
    """A picture to encode, RGB or straight RGBA, in ``pixel_format``, tagged with ``color``, rounded once.

    The matrix is applied here: swscale truncates chroma when making full range, half a level of tint.
    """
    bits = bits_of(av.VideoFormat(pixel_format))
    picture = with_depth(picture, np.uint16 if bits > 8 else np.uint8)
    clear = picture.shape[2] == 4
    if is_rgb(pixel_format):
        packed = ("rgba64le" if bits > 8 else "rgba") if clear else ("rgb48le" if bits > 8 else "rgb24")
        return reformatter.reformat(av.VideoFrame.from_ndarray(picture, format=packed), format=pixel_format)
    frame = _yuv_frame(spread(picture) if clear else picture, color, bits)
    signal_range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
    if pixel_format != frame.format.name:
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
    # ProRes takes these from each frame.
    frame.color_primaries, frame.color_trc = color.primaries, color.transfer
    return frame


def _yuv_frame(
    picture: Levels[np.ndarray, "height width channels"], color: ColorTags, bits: int
) -> av.VideoFrame:
    """The picture in YUV 4:4:4 of so many bits, rounded once; opacity is of full range."""
    height, width, channels = picture.shape
    white, top = full_scale(picture.dtype), (1 << bits) - 1
    rgb = np.ascontiguousarray(picture[..., :3])
    yuv = cv2.transform(rgb, yuv_matrix(color, bits, white)).reshape(rgb.shape)
    planes = [*yuv.transpose(2, 0, 1)]
    if channels == 4:
        planes.append((picture[..., 3].astype(np.uint32) * top + white // 2) // white)
    frame = av.VideoFrame(
        width, height, f"yuv{'a' if channels == 4 else ''}444p{f'{bits}le' if bits > 8 else ''}"
    )
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((height, plane.line_size // (2 if bits > 8 else 1)), "<u2" if bits > 8 else "u1")
        # Chroma of full range would reach half a level more.
        rows[:, :width] = np.minimum(values, top)
        plane.update(rows.tobytes())
    return frame
