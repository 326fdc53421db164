import numpy as np
import pytest
import torch
from conftest import to_8bit, waves
from evaluation.lpips_weights import CONVOLUTIONS, random_weights, write, write_published
from numpy.lib.stride_tricks import sliding_window_view

from tweenfield import Lpips, ModelFileError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_published(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def lpips(folder):
    return Lpips(folder)


def pictures(height=40, width=57):
    """Two that differ, in 8 bit."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=(height, width, 3))
    return to_8bit(waves(height, width)), to_8bit(waves(height, width, 1.3, -0.7) + noise)


def colors(picture):
    return picture / np.float32(255)


def correlated(x, weight, bias, stride, padding):
    """A convolution of (channels, height, width), in double precision."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(x, weight.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("ocij,chwij->ohw", weight, windows, optimize=True) + bias[:, None, None]


def layer(x, number, alexnet):
    """What the convolution of that number makes of the output of the one before."""
    name = f"features.{CONVOLUTIONS[number][0]}"
    stride, padding = [(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)][number]
    if number in (1, 2):
        x = sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(3, 4))
    return np.maximum(correlated(x, alexnet[f"{name}.weight"], alexnet[f"{name}.bias"], stride, padding), 0)


def reference(a, b):
    """LPIPS from its definition, in double precision."""
    alexnet, linear = (
        {name: value.astype(np.float64) for name, value in part.items()} for part in random_weights()
    )
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    x, y = (((2 * (picture / 255) - 1 - shift) / scale).transpose(2, 0, 1) for picture in (a, b))
    total = 0.0
    for number in range(5):
        x, y = layer(x, number, alexnet), layer(y, number, alexnet)
        unit_x, unit_y = (z / np.sqrt((z**2).sum(axis=0)) for z in (x, y))
        weight = linear[f"lin{number}.model.1.weight"].reshape(-1, 1, 1)
        total += (weight * (unit_x - unit_y) ** 2).sum(axis=0).mean()
    return total


def test_it_is_the_published_definition(lpips):
    for size in [(40, 57), (31, 31), (66, 48)]:
        a, b = pictures(*size)
        assert lpips(colors(a), b) == pytest.approx(reference(a, b), rel=1e-5)


def test_equal_pictures_have_none_and_the_order_of_two_does_not_matter(lpips):
    a, b = pictures()
    assert lpips(colors(a), a) == 0
    assert lpips(colors(a), b) == pytest.approx(lpips(colors(b), a), rel=1e-6) and lpips(colors(a), b) > 0


def test_more_of_a_disturbance_is_worse(lpips):
    a, b = pictures()
    levels = [lpips(colors(a) + s * (colors(b) - colors(a)), a) for s in (0, 0.25, 0.5, 1)]
    assert levels == sorted(levels) and levels[1] > 0


def test_a_frame_counts_as_it_would_be_stored(lpips):
    a, b = pictures()
    assert lpips(colors(a) + np.float32(0.4 / 255), b) == lpips(colors(a), b)
    assert lpips(np.full((40, 57, 3), 1.5, np.float32), b) == lpips(np.ones((40, 57, 3), np.float32), b)


def test_one_file_with_either_kind_of_names_will_do(folder, lpips, tmp_path):
    alexnet, linear = random_weights()
    write(tmp_path / "both.pth", alexnet | linear)
    slices = {f"features.{index}.": f"net.slice{k}.{index}." for k, (index, *_) in enumerate(CONVOLUTIONS, 1)}
    state = {
        new + name.removeprefix(old): value
        for name, value in alexnet.items()
        for old, new in slices.items()
        if name.startswith(old)
    }
    write(tmp_path / "state.pth", state | linear | {"scaling_layer.shift": np.zeros(3, np.float32)})
    a, b = pictures()
    for path in ("both.pth", "state.pth"):
        other = Lpips(tmp_path / path)
        assert other.digest == lpips.digest and other(colors(a), b) == lpips(colors(a), b)
    alexnet["features.8.bias"][7] += 1e-3
    write(tmp_path / "both.pth", alexnet | linear)
    assert Lpips(tmp_path / "both.pth").digest != lpips.digest


def test_missing_and_wrong_files_are_named(tmp_path):
    def refused(path, *parts):
        with pytest.raises(ModelFileError) as caught:
            Lpips(path)
        for part in (str(path), *parts, "alexnet-owt-7be5be79.pth"):
            assert part in str(caught.value)

    alexnet, linear = random_weights()
    refused(tmp_path / "none", "no such file or folder")
    refused(tmp_path, "no alexnet-owt-*.pth")
    write_published(tmp_path)
    (tmp_path / "alex.pth").unlink()
    refused(tmp_path, "no alex.pth")
    write(tmp_path / "alex.pth", {"lin0.model.1.weight": linear["lin0.model.1.weight"]})
    refused(tmp_path, "lacks lin1.model.1.weight")
    refused(tmp_path / "alex.pth", "lacks features.0.weight")
    vgg = linear | {"lin1.model.1.weight": np.ones((1, 128, 1, 1), np.float32)}
    write(tmp_path / "alex.pth", vgg)
    refused(tmp_path, "lin1.model.1.weight has shape (1, 128, 1, 1), not (1, 192, 1, 1)")
    single = tmp_path / "single.pth"
    write(single, alexnet | linear)
    whole = single.read_bytes()
    for content in (b"", b"not weights", whole[:1000], whole[: len(whole) // 2], whole[:-100]):
        single.write_bytes(content)
        refused(single, "isn't a file of PyTorch weights, or is damaged")
    torch.save([1, 2], single)
    refused(single, "holds no weights by name")
    torch.save({"f": print}, single)
    refused(single, "isn't a file of PyTorch weights")
