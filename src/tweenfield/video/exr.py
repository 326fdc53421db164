"""OpenEXR, which OpenCV's wheels can't read: pictures of linear light as floats."""

from __future__ import annotations

import av
import numpy as np
from jaxtyping import Float32


def read_exr(data: bytes) -> Float32[np.ndarray, "height width channels"]:
    """A picture as RGB between 0 and 1, coded by sRGB's curve as other pictures are; what is brighter than 1
    is cut off. Opacity, which EXR has premultiplied, comes straight as a fourth channel.

    Raises:
        av.error.FFmpegError: it can't be decoded.
    """
    decoder = av.CodecContext.create("exr", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    (frame,) = decoder.decode(av.Packet(data))
    kind = np.dtype(np.float16 if "f16" in frame.format.name else np.float32)
    planes = [
        np.frombuffer(memoryview(plane), kind).reshape(-1, plane.line_size // kind.itemsize)[:, : frame.width]
        for plane in frame.planes
    ]
    # Green, blue, red, opacity; or grey alone.
    order = (2, 0, 1, 3)[: len(planes)] if len(planes) > 2 else (0, 0, 0)
    light: np.ndarray = np.nan_to_num(np.stack([planes[k] for k in order], -1).astype(np.float32))
    alpha = np.clip(light[..., 3:], 0, 1)
    if alpha.size:
        light = light[..., :3] / np.maximum(alpha, 1e-6)
    light = np.clip(light, 0, 1)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.concatenate([coded, alpha], -1).astype(np.float32)
