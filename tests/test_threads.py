"""What is fitted and drawn doesn't depend on how many threads there are; nothing keeps a fit that is over."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from conftest import to_8bit, waves

from tweenfield import Dis, Video, draft, estimate_flow, fit, render, replace

SETTINGS = {
    "siren": {"steps": 60, "width": 48, "points": 2048},
    "patches": {"steps": 20, "width": 16, "points": 16, "teacher": None},
    "transport": {"steps": 20, "width": 8, "hidden": 3, "crops": 2, "side": 24},
}
# What colours in [0, 1] may differ by.
CLOSE = 1e-6
TIMES = [0.25, 1.5, 3.75]


@contextmanager
def threads(count):
    before = torch.get_num_threads(), cv2.getNumThreads()

    def use(of_torch, of_opencv):
        cv2.setNumThreads(of_opencv)
        torch.set_num_threads(of_torch)

    use(count, count)
    try:
        yield
    finally:
        use(*before)


@pytest.mark.parametrize("field", SETTINGS)
def test_one_thread_and_two_fit_and_draw_the_same(field):
    frames = np.stack([to_8bit(waves(90, 120, 2.5 * k, -k)) for k in range(5)])
    found = []
    for count in (1, 2):
        with threads(count):
            video = Video(frames=frames, times=tuple(Fraction(k, 25) for k in range(5)), rate=Fraction(25))
            recipe = replace(draft(field), **SETTINGS[field])
            result = fit(video, estimate_flow(video, Dis()), recipe, device="cpu")
            drawn = np.stack(list(render(result.field, TIMES)))
            with torch.no_grad():
                colors = np.stack([result.field.frame(t).numpy() for t in TIMES])
            found.append((drawn, colors))
    (drawn, colors), (others, other_colors) = found
    np.testing.assert_allclose(colors, other_colors, rtol=0, atol=CLOSE)
    apart = np.abs(drawn.astype(int) - others)
    # So close to the middle between two levels, either may be taken; of evenly spread colours so many are.
    assert apart.max() <= 1 and (apart > 0).mean() <= 2 * 255 * CLOSE


def test_transport_has_the_same_bits_on_any_number_of_threads():
    """Its parts are as many on one thread as on three."""
    recipe, video = replace(draft(), **SETTINGS["transport"] | {"crops": 8}), small("any", 2.0)
    found = []
    for count in (1, 3):
        with threads(count):
            found.append(fitted_and_drawn(video, recipe)[1])
    assert found[0] == found[1]


def fitted_and_drawn(video, recipe):
    """The fit, its parameters and pictures as bytes."""
    result = fit(video, estimate_flow(video, Dis()), recipe, device="cpu")
    drawn = [frame.tobytes() for frame in render(result.field, TIMES)]
    return result, [weight.detach().numpy().tobytes() for weight in result.field.parameters()] + drawn


def small(name, speed):
    frames = np.stack([to_8bit(waves(60, 80, speed * k, -k)) for k in range(5)])
    return Video(frames=frames, times=tuple(Fraction(k, 25) for k in range(5)), rate=Fraction(25), name=name)


@pytest.mark.parametrize("field", SETTINGS)
def test_two_threads_that_fit_at_once_get_the_bytes_of_one_after_the_other(field):
    recipe = replace(draft(field), **SETTINGS[field])
    videos = [small("slow", 1.0), small("fast", 2.5)]
    one_by_one = [fitted_and_drawn(video, recipe)[1] for video in videos]
    assert one_by_one[0] != one_by_one[1]
    together = threading.Barrier(2)

    def at_once(video):
        together.wait(30)
        return fitted_and_drawn(video, recipe)[1]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(at_once, videos)) == one_by_one


def test_nothing_keeps_a_fit_that_is_over():
    """Not even until Python looks for cycles: what is freed late adds up, 16 MiB in 100 fits."""
    recipe = replace(draft(), **SETTINGS["transport"] | {"steps": 4})
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            video = small("again", 1.0)
            result, _ = fitted_and_drawn(video, recipe)
            kept = [weakref.ref(each) for each in (result, result.field, video, video.frames)]
            del video, result
            assert not [each() for each in kept if each() is not None]
    finally:
        gc.enable()
