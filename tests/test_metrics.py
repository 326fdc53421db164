import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio as tm_psnr

from tweenfield.metrics import PSNR_CEILING, psnr, ssim


@pytest.fixture(params=[(11, 11), (37, 52), (120, 181)], ids=str)
def pair(request):
    rng = np.random.default_rng(0)
    height, width = request.param
    y, x = np.mgrid[:height, :width]
    truth = 128 + 100 * np.sin(x[..., None] / [5, 7, 9]) * np.cos(y[..., None] / 6)
    noisy = truth + rng.normal(0, 12, truth.shape)
    return noisy.round().clip(0, 255).astype(np.uint8), truth.round().astype(np.uint8)


def test_psnr_equals_scikit_image_and_torchmetrics(pair):
    frame, truth = pair
    assert psnr(frame, truth) == pytest.approx(
        peak_signal_noise_ratio(truth, frame, data_range=255), abs=1e-9
    )
    theirs = tm_psnr(torch.tensor(frame).double(), torch.tensor(truth).double(), data_range=255.0)
    assert psnr(frame, truth) == pytest.approx(theirs.item(), abs=1e-4)


def test_ssim_equals_scikit_image(pair):
    frame, truth = pair
    theirs = structural_similarity(
        frame,
        truth,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(frame, truth) == pytest.approx(theirs, abs=1e-9)


def test_a_known_error_has_a_known_psnr():
    truth = np.full((20, 20, 3), 100, np.uint8)
    # 5 levels off everywhere: 20 log10(255 / 5).
    assert psnr(truth + 5, truth) == pytest.approx(34.1514035, abs=1e-6)


def test_identical_frames_count_as_the_ceiling(pair):
    frame, _ = pair
    assert psnr(frame, frame) == PSNR_CEILING
    assert ssim(frame, frame) == pytest.approx(1.0)


def test_one_sample_off_in_a_large_frame_is_not_better_than_identical():
    truth = np.zeros((1080, 1920, 3), np.uint8)
    off = truth.copy()
    off[0, 0, 0] = 1
    assert psnr(off, truth) == PSNR_CEILING


def test_different_shapes_and_tiny_frames_are_refused():
    with pytest.raises(ValueError, match="shape"):
        psnr(np.zeros((12, 12, 3), np.uint8), np.zeros((12, 13, 3), np.uint8))
    with pytest.raises(ValueError, match="11x11"):
        ssim(np.zeros((10, 30, 3), np.uint8), np.zeros((10, 30, 3), np.uint8))
