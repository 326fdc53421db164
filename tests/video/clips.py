"""Clips with known content for the tests of ``tweenfield.video``."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

CLIPS = Path(__file__).resolve().parents[3] / "shared/data/clips"


def texture(count=12, height=48, width=64):
    """A smooth random texture that moves one pixel to the left per frame."""
    rng = np.random.default_rng(7)
    wide = cv2.GaussianBlur(rng.integers(0, 256, (height, width + count, 3)).astype(np.uint8), (0, 0), 2)
    return np.stack([wide[:, k : k + width] for k in range(count)])


def patches(side=16):
    """A 6x8 grid of flat patches of all kinds of colours; ``at_patches`` takes their middles."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (6, 8, 3)).astype(np.uint8).repeat(side, 0).repeat(side, 1)


def at_patches(picture, side=16):
    return picture[side // 2 :: side, side // 2 :: side].astype(float)


def encode(
    path,
    frames,
    *,
    rate=Fraction(30),
    codec="libx264",
    pixel_format="yuv420p",
    options=None,
    container_options=None,
    pts=None,
    time_base=None,
    setup=None,
    audio=False,
):
    """Write a file with PyAV alone. ``frames`` are RGB arrays or ready ``av.VideoFrame``s."""
    time_base = time_base or 1 / Fraction(rate)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        first = frames[0]
        size = (first.height, first.width) if isinstance(first, av.VideoFrame) else first.shape[:2]
        stream.height, stream.width = size
        stream.pix_fmt, stream.codec_context.time_base = pixel_format, time_base
        if setup:
            setup(stream)
        if audio:
            add_audio(container)
        for k, picture in enumerate(frames):
            frame = picture
            if not isinstance(picture, av.VideoFrame):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            frame.pts, frame.time_base = (k if pts is None else pts[k]), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def add_audio(container):
    """Half a second of silence."""
    stream = container.add_stream("aac", rate=48000, layout="mono")
    for k in range(24):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate, frame.pts = 48000, k * 1024
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def yuv_planes(rgb, matrix, full):
    """BT.601/709/2020 in float, written down from H.273 apart from the package: (3, height, width)."""
    kr, kb = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    r, g, b = (rgb[..., i] / 255 for i in range(3))
    y = kr * r + (1 - kr - kb) * g + kb * b
    pb, pr = (b - y) / (1 - kb) / 2, (r - y) / (1 - kr) / 2
    planes = (
        (255 * y, 255 * pb + 128, 255 * pr + 128) if full else (219 * y + 16, 224 * pb + 128, 224 * pr + 128)
    )
    return np.clip(np.rint(np.stack(planes)), 0, 255).astype(np.uint8)
