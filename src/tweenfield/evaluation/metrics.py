"""Picture quality, by named protocol.

Published codes compute PSNR and SSIM in different ways, so that a figure means nothing without its protocol.
Each function below is one protocol: it takes a rendered frame, colours in [0, 1], and the true frame, and
returns PSNR and SSIM. Which frames are scored, and at which size, belongs to the data set, not to the
protocol; means are taken over frames.

Where a protocol rounds to 8 bit, a frame is rounded to 16 if the true one has so many. It counts in levels of
255 all the same, so that figures can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float64

from tweenfield.video.depth import Levels, full_scale, rounded

# Identical frames have no finite PSNR; anything better counts as this, so that means stay comparable.
PSNR_CEILING = 100.0
# Frames with a shorter side than the window of the Gaussian SSIM can't be scored.
SMALLEST_SIDE = 11

_SIGMA = 1.5


class Quality(NamedTuple):
    """Quality of one frame: PSNR in dB, SSIM at most 1."""

    psnr: float
    ssim: float


# (drawn colours in [0, 1], true frame) -> quality
Protocol = Callable[[Float[np.ndarray, "height width 3"], Levels[np.ndarray, "height width 3"]], Quality]


def psnr(frame: Levels[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> float:
    """Peak signal-to-noise ratio in dB over all RGB samples; at most ``PSNR_CEILING``.

    Raises:
        ValueError: the shapes differ.
    """
    return _psnr(*_pair(frame, truth))


def ssim(frame: Levels[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> float:
    """Structural similarity (Wang et al., *Image Quality Assessment*, IEEE TIP 2004), mean over RGB.

    A Gaussian window of 11x11 and sigma 1.5, population covariances, only windows that lie wholly inside the
    picture.

    Raises:
        ValueError: the shapes differ, or a side is shorter than the window's 11 pixels.
    """
    return _gaussian_ssim(*_pair(frame, truth))


def tweenfield(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """This project's protocol: rounded to 8 bit, RGB; ``psnr`` and ``ssim``."""
    drawn = rounded(frame, truth.dtype)
    return Quality(psnr(drawn, truth), ssim(drawn, truth))


def rife(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """Huang et al., *Real-Time Intermediate Flow Estimation*, ECCV 2022: benchmark/Vimeo90K.py and UCF101.py
    of github.com/hzwer/ECCV2022-RIFE, with ``ssim_matlab`` of its pytorch_msssim.

    Rounded to 8 bit; PSNR over RGB; one SSIM of the picture as a volume of height, width and colour, with a
    Gaussian window of 11x11x11 and sigma 1.5 and every border replicated.
    """
    a, b = _pair(rounded(frame, truth.dtype), truth)
    return Quality(_psnr(a, b), _volume_ssim(a, b))


def film(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """Reda et al., *FILM*, ECCV 2022: eval/eval_cli.py and losses/losses.py of
    github.com/google-research/frame-interpolation, which call tf.image.psnr and tf.image.ssim.

    Clipped to [0, 1] but not rounded; PSNR over RGB; SSIM with a Gaussian window of 11x11 and sigma 1.5
    inside the picture, mean over RGB.
    """
    a, b = _pair(_levels(frame), truth)
    return Quality(_psnr(a, b), _gaussian_ssim(a, b))


def softsplat(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """Niklaus and Liu, *Softmax Splatting*, CVPR 2020: benchmark_xiph.py and benchmark_middlebury.py of
    github.com/sniklaus/softmax-splatting, which call scikit-image with its defaults.

    Rounded to 8 bit; PSNR over RGB; SSIM with a uniform window of 7x7 and sample covariances inside the
    picture, mean over RGB.
    """
    a, b = _pair(rounded(frame, truth.dtype), truth)
    return Quality(_psnr(a, b), _uniform_ssim(a, b, 255))


def xvfi(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """Sim, Oh and Kim, *XVFI*, ICCV 2021: ``psnr`` and ``ssim_bgr`` in utils.py of
    github.com/JihyongOh/XVFI.

    Rounded to 8 bit; PSNR over RGB; SSIM of the luma (BT.601, 16 to 235) with scikit-image's uniform window
    of 7x7 and sample covariances, its data range being that of the drawn luma (here at least one level).
    """
    a, b = _pair(rounded(frame, truth.dtype), truth)
    luma_a, luma_b = (16 + x @ [0.256788235294118, 0.504129411764706, 0.097905882352941] for x in (a, b))
    return Quality(_psnr(a, b), _uniform_ssim(luma_a, luma_b, max(1.0, np.ptp(luma_a))))


def cure(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """Shangguan et al., *Learning Cross-Video Neural Representations* (CURE), ECCV 2022: test.py and
    ``compare_psnr``, ``compare_ssim`` in models/utils.py of github.com/wustl-cig/CURE.

    Clipped to [0, 1] but not rounded; PSNR over RGB with 1e-8 added to the mean squared error, so at most
    80 dB; SSIM as in ``rife``.
    """
    a, b = _pair(_levels(frame), truth)
    mse = float(np.mean((a - b) ** 2)) / 255**2
    return Quality(-10 * math.log10(mse + 1e-8), _volume_ssim(a, b))


def nsff(frame: Float[np.ndarray, "height width 3"], truth: Levels[np.ndarray, "_ _ 3"]) -> Quality:
    """Li et al., *Neural Scene Flow Fields*, CVPR 2021: nsff_exp/evaluation.py of
    github.com/zhengqili/Neural-Scene-Flow-Fields, whole frames.

    Not rounded; PSNR over RGB; SSIM with scikit-image's uniform window of 7x7 and sample covariances, mean
    over RGB. The pictures are floats and no range is given, so scikit-image took that of the type, -1 to 1,
    and SSIM a data range of 2: figures come out higher than with 1.
    """
    a, b = _pair(_levels(frame), truth)
    return Quality(_psnr(a, b), _uniform_ssim(a, b, 2 * 255))


PROTOCOLS: dict[str, Protocol] = {
    protocol.__name__: protocol for protocol in (tweenfield, rife, film, softsplat, xvfi, cure, nsff)
}


def _levels(frame: np.ndarray) -> Float64[np.ndarray, "height width 3"]:
    return 255 * frame.astype(np.float64).clip(0, 1)


def _pair(frame: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both frames as float64 in levels of 255."""
    if frame.shape != truth.shape:
        raise ValueError(
            f"frames of shape {frame.shape} and {truth.shape} can't be compared; give equal shapes"
        )
    return _in_levels(frame), _in_levels(truth)


def _in_levels(picture: np.ndarray) -> Float64[np.ndarray, "height width 3"]:
    levels = picture.astype(np.float64)
    return levels if picture.dtype != np.uint16 else levels * (255 / full_scale(picture.dtype))


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    mse = float(np.mean((a - b) ** 2))
    return PSNR_CEILING if mse == 0 else min(PSNR_CEILING, 10 * math.log10(255**2 / mse))


def _gaussian_ssim(a: np.ndarray, b: np.ndarray) -> float:
    return _ssim(a, b, _inside(lambda x: cv2.GaussianBlur(x, (11, 11), _SIGMA), 5), 255)


def _uniform_ssim(a: np.ndarray, b: np.ndarray, data_range: float) -> float:
    # Sample covariances: n / (n - 1) of the population's.
    return _ssim(a, b, _inside(lambda x: cv2.blur(x, (7, 7)), 3), data_range, 49 / 48)


def _volume_ssim(a: np.ndarray, b: np.ndarray) -> float:
    # Along the colour axis the window reaches 5 beyond 3 channels: replicating them is a 3x3 matrix.
    taps = cv2.getGaussianKernel(11, _SIGMA).ravel()
    mix = np.zeros((3, 3))
    for channel in range(3):
        np.add.at(mix[channel], np.clip(channel + np.arange(-5, 6), 0, 2), taps)

    def mean(x: np.ndarray) -> np.ndarray:
        mixed: np.ndarray = cv2.GaussianBlur(x, (11, 11), _SIGMA, borderType=cv2.BORDER_REPLICATE) @ mix.T
        return mixed

    return _ssim(a, b, mean, 255)


def _inside(filtered: Callable[[np.ndarray], np.ndarray], margin: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: filtered(x)[margin:-margin, margin:-margin]


def _ssim(
    a: np.ndarray,
    b: np.ndarray,
    mean: Callable[[np.ndarray], np.ndarray],
    data_range: float,
    unbiased: float = 1.0,
) -> float:
    """Wang's index, averaged: ``mean`` is the local mean, ``unbiased`` multiplies every covariance."""
    if min(a.shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"SSIM needs at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels, not {a.shape[0]}x{a.shape[1]}"
        )
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b = mean(a), mean(b)
    variance_a = unbiased * (mean(a * a) - mean_a**2)
    variance_b = unbiased * (mean(b * b) - mean_b**2)
    covariance = unbiased * (mean(a * b) - mean_a * mean_b)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return float((luminance * structure).mean())
