"""Picture quality, by named protocol.

Protocol ``tweenfield``: the prediction rounded to 8 bit, RGB; PSNR from the mean squared error over all
samples of a frame; SSIM with an 11x11 Gaussian window of sigma 1.5 on each channel; means over frames.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

# Identical frames have no finite PSNR; anything better counts as this, so that means stay comparable.
PSNR_CEILING = 100.0

_WINDOW = 11
_SIGMA = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


def psnr(frame: UInt8[np.ndarray, "height width 3"], truth: UInt8[np.ndarray, "_ _ 3"]) -> float:
    """Peak signal-to-noise ratio in dB over all RGB samples; at most ``PSNR_CEILING``.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(frame, truth)
    mse = float(np.mean((frame.astype(np.float64) - truth) ** 2))
    return PSNR_CEILING if mse == 0 else min(PSNR_CEILING, 10 * math.log10(255**2 / mse))


def ssim(frame: UInt8[np.ndarray, "height width 3"], truth: UInt8[np.ndarray, "_ _ 3"]) -> float:
    """Structural similarity (Wang et al., *Image Quality Assessment*, IEEE TIP 2004), mean over RGB.

    Population covariances, only windows that lie wholly inside the picture.

    Raises:
        ValueError: the shapes differ, or a side is shorter than the window's 11 pixels.
    """
    _same_shape(frame, truth)
    if min(frame.shape[:2]) < _WINDOW:
        raise ValueError(
            f"SSIM needs at least {_WINDOW}x{_WINDOW} pixels, not {frame.shape[0]}x{frame.shape[1]}"
        )
    a, b = frame.astype(np.float64), truth.astype(np.float64)
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    variance_a = _local_mean(a * a) - mean_a**2
    variance_b = _local_mean(b * b) - mean_b**2
    covariance = _local_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_a + variance_b + _C2)
    return float((luminance * structure).mean())


def _local_mean(values: Float64[np.ndarray, "height width 3"]) -> Float64[np.ndarray, "inner_h inner_w 3"]:
    margin = _WINDOW // 2
    return cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _SIGMA)[margin:-margin, margin:-margin]


def _same_shape(frame: np.ndarray, truth: np.ndarray) -> None:
    if frame.shape != truth.shape:
        raise ValueError(
            f"frames of shape {frame.shape} and {truth.shape} can't be compared; give equal shapes"
        )
