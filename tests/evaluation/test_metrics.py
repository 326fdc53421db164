"""Every protocol against the libraries that the published codes call, or their formula written out."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch.nn import functional
from torchmetrics.functional.image import peak_signal_noise_ratio as tm_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as tm_ssim

from tweenfield.evaluation.metrics import PROTOCOLS, PSNR_CEILING, psnr, ssim

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS.keys())


@pytest.fixture(params=[(11, 11), (37, 52), (120, 181)], ids=str)
def pair(request):
    """Drawn colours in [0, 1] and the truth in 8 bit."""
    rng = np.random.default_rng(0)
    height, width = request.param
    y, x = np.mgrid[:height, :width]
    truth = 128 + 100 * np.sin(x[..., None] / [5, 7, 9]) * np.cos(y[..., None] / 6)
    noisy = truth + rng.normal(0, 12, truth.shape)
    return np.float32(noisy / 255).clip(0, 1), truth.round().astype(np.uint8)


def rounded(colors):
    return (colors * 255).round().astype(np.uint8)


def as_batch(picture):
    return torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None]


def gaussian_ssim(frame, truth, data_range):
    return structural_similarity(
        frame,
        truth,
        channel_axis=2,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


def volume_ssim(a, b):
    """The 3-D SSIM of the RIFE benchmark in float64, of colours in [0, 1], as the convolution it is."""
    taps = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    window = torch.einsum("i,j,k->ijk", taps, taps, taps)[None, None]

    def mean(x):
        return functional.conv3d(functional.pad(x, (5,) * 6, mode="replicate"), window)

    x, y = as_batch(a)[None], as_batch(b)[None]
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    index = (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    return index.mean().item()


def test_psnr_equals_scikit_image_and_torchmetrics(pair):
    frame, truth = rounded(pair[0]), pair[1]
    assert psnr(frame, truth) == pytest.approx(
        peak_signal_noise_ratio(truth, frame, data_range=255), abs=1e-9
    )
    theirs = tm_psnr(torch.tensor(frame).double(), torch.tensor(truth).double(), data_range=255.0)
    assert psnr(frame, truth) == pytest.approx(theirs.item(), abs=1e-4)


def test_ssim_equals_scikit_image(pair):
    frame, truth = rounded(pair[0]), pair[1]
    assert ssim(frame, truth) == pytest.approx(gaussian_ssim(frame, truth, 255), abs=1e-9)


def test_ssim_equals_torchmetrics():
    rng = np.random.default_rng(1)
    frame, truth = rng.integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    options = {"data_range": 255.0, "sigma": 1.5, "return_full_image": True}
    _, index = tm_ssim(as_batch(frame), as_batch(truth), **options)
    # Its mean includes windows that reach outside the picture.
    assert ssim(frame, truth) == pytest.approx(index[..., 5:-5, 5:-5].mean().item(), abs=1e-9)


def test_tweenfield_rounds_first(pair):
    frame, truth = pair
    quality = PROTOCOLS["tweenfield"](frame, truth)
    assert quality == (psnr(rounded(frame), truth), ssim(rounded(frame), truth))


def test_rife_rounds_and_takes_the_picture_as_a_volume(pair):
    frame, truth = pair
    quality = PROTOCOLS["rife"](frame, truth)
    assert quality.psnr == psnr(rounded(frame), truth)
    assert quality.ssim == pytest.approx(volume_ssim(rounded(frame) / 255, truth / 255), abs=1e-9)


def test_film_scores_unrounded_colors(pair):
    frame, truth = pair[0].astype(np.float64), pair[1] / 255
    quality = PROTOCOLS["film"](*pair)
    assert quality.psnr == pytest.approx(peak_signal_noise_ratio(truth, frame, data_range=1), abs=1e-9)
    assert quality.ssim == pytest.approx(gaussian_ssim(frame, truth, 1), abs=1e-9)


def test_softsplat_is_scikit_image_as_it_comes(pair):
    frame, truth = rounded(pair[0]), pair[1]
    quality = PROTOCOLS["softsplat"](*pair)
    assert quality.psnr == pytest.approx(peak_signal_noise_ratio(truth, frame, data_range=255), abs=1e-9)
    theirs = structural_similarity(truth, frame, data_range=255, channel_axis=2)
    assert quality.ssim == pytest.approx(theirs, abs=1e-9)


def test_xvfi_has_ssim_of_the_luma_over_the_range_of_the_drawn_one(pair):
    frame, truth = rounded(pair[0]), pair[1]
    # BT.601 luma: the published 3x3 matrix is this one over 255.
    luma = [16 + x.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255 for x in (frame, truth)]
    quality = PROTOCOLS["xvfi"](*pair)
    assert quality.psnr == pytest.approx(peak_signal_noise_ratio(truth, frame, data_range=255), abs=1e-9)
    assert quality.ssim == pytest.approx(
        structural_similarity(luma[1], luma[0], data_range=np.ptp(luma[0])), abs=1e-9
    )


def test_cure_adds_a_hundredth_of_a_millionth(pair):
    frame, truth = pair
    quality = PROTOCOLS["cure"](frame, truth)
    mse = np.mean((frame.astype(np.float64) - truth / 255) ** 2)
    assert quality.psnr == pytest.approx(-10 * np.log10(mse + 1e-8), abs=1e-9)
    assert quality.ssim == pytest.approx(volume_ssim(frame, truth / 255), abs=1e-9)
    assert PROTOCOLS["cure"](np.float32(truth / 255), truth).psnr == pytest.approx(80, abs=1e-4)


def test_nsff_has_twice_the_range_in_ssim(pair):
    frame, truth = pair[0].astype(np.float64), pair[1] / 255
    quality = PROTOCOLS["nsff"](*pair)
    assert quality.psnr == pytest.approx(peak_signal_noise_ratio(truth, frame, data_range=1), abs=1e-9)
    assert quality.ssim == pytest.approx(
        structural_similarity(truth, frame, data_range=2, channel_axis=2), abs=1e-9
    )


def test_a_known_error_has_a_known_psnr():
    truth = np.full((20, 20, 3), 100, np.uint8)
    # 5 levels off everywhere: 20 log10(255 / 5).
    assert psnr(truth + 5, truth) == pytest.approx(34.1514035, abs=1e-6)


def test_rounding_is_what_tells_protocols_apart():
    truth = np.full((16, 16, 3), 100, np.uint8)
    colors = np.full((16, 16, 3), 100.3 / 255, np.float32)
    found = {name: protocol(colors, truth).psnr for name, protocol in PROTOCOLS.items()}
    assert {name for name, value in found.items() if value == PSNR_CEILING} == {
        "tweenfield",
        "rife",
        "softsplat",
        "xvfi",
    }
    # 20 log10(255 / 0.3)
    assert found["film"] == found["nsff"] == pytest.approx(58.588, abs=1e-3)


@every_protocol
def test_identical_frames_are_perfect(protocol, pair):
    truth = pair[1]
    quality = protocol(np.float32(truth) / np.float32(255), truth)
    assert quality.psnr > 79.99 and quality.psnr <= PSNR_CEILING
    assert quality.ssim == pytest.approx(1.0, abs=1e-6)


@every_protocol
def test_colors_beyond_the_range_count_as_its_ends(protocol):
    truth = np.random.default_rng(2).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    colors = np.random.default_rng(3).normal(0.5, 1, truth.shape).astype(np.float32)
    assert protocol(colors, truth) == protocol(colors.clip(0, 1), truth)


@every_protocol
def test_a_picture_of_one_color_has_finite_quality(protocol):
    truth = np.full((12, 12, 3), 7, np.uint8)
    assert np.isfinite(protocol(np.zeros((12, 12, 3), np.float32), truth)).all()


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


@every_protocol
def test_no_protocol_takes_tiny_frames_or_two_sizes(protocol):
    with pytest.raises(ValueError, match="11x11"):
        protocol(np.zeros((10, 30, 3), np.float32), np.zeros((10, 30, 3), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        protocol(np.zeros((12, 12, 3), np.float32), np.zeros((12, 13, 3), np.uint8))
