import numpy as np
import torch

from tweenfield.fields import splines
from tweenfield.flow.sampling import sample


def picture(height=17, width=23, seed=0):
    return np.random.default_rng(seed).random((height, width, 3))


def places(count=200, height=17, width=23, seed=1):
    generator = np.random.default_rng(seed)
    return generator.uniform(-3, width + 2, count), generator.uniform(-3, height + 2, count)


def coefficients(image):
    return splines.prefilter(torch.from_numpy(image).permute(2, 0, 1))


def test_it_is_the_spline_that_the_baselines_sample():
    image, (x, y) = picture(), places()
    ours = splines.sample(coefficients(image), torch.from_numpy(x), torch.from_numpy(y))
    theirs = sample(image.astype(np.float32), x[None].astype(np.float32), y[None].astype(np.float32))[0]
    assert np.abs(ours.T.numpy() - theirs).max() < 1e-5


def test_pixels_come_back_exactly():
    for height, width in [(17, 23), (2, 3), (1, 1), (40, 1)]:
        image = picture(height, width)
        y, x = np.mgrid[:height, :width].reshape(2, -1).astype(float)
        drawn = splines.sample(coefficients(image), torch.from_numpy(x), torch.from_numpy(y))
        assert np.abs(drawn.T.numpy().reshape(image.shape) - image).max() < 1e-12


def test_value_and_derivative_equal_those_by_autograd():
    image, (x, y) = picture(), places()
    x, y = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y).requires_grad_()
    dx, dy = torch.from_numpy(np.random.default_rng(2).normal(size=(2, len(x))))
    value = splines.sample(coefficients(image), x, y)
    again, derivative = splines.sample_with_derivative(coefficients(image), x, y, dx, dy)
    torch.testing.assert_close(again, value, rtol=0, atol=1e-12)
    for channel in range(3):
        gx, gy = torch.autograd.grad(value[channel].sum(), (x, y), retain_graph=True)
        torch.testing.assert_close(derivative[channel], gx * dx + gy * dy, rtol=1e-9, atol=1e-11)


def test_shifted_images_are_the_splines_at_the_shifted_pixels():
    images = torch.rand(2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    offset = torch.tensor([[0.375, -0.125], [-0.5, 0.0]], dtype=torch.float64)
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in (5, 7)), indexing="ij")
    for image, (dx, dy), shifted in zip(images, offset, splines.shift(images, offset), strict=True):
        expected = splines.sample(splines.prefilter(image), x.flatten() + dx, y.flatten() + dy)
        torch.testing.assert_close(shifted, expected.reshape(3, 5, 7))
    torch.testing.assert_close(splines.shift(images, 0 * offset), images)
