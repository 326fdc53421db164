"""A clip of 4K in a browser: drawn as large as the screen, and exact when zoomed."""

import re
from dataclasses import replace

import numpy as np
import pytest
from viewer.looking import clip, serving, still
from viewer.test_viewer_page import QUICK, browser, opened, pytestmark, until, wait  # noqa: F401

from tweenfield import fit, render
from tweenfield.viewer.session import Session


@pytest.fixture(scope="module")
def large():
    """Three frames of 4K in squares of 40 pixels, which move by a square a frame."""
    small = clip(frames=1, height=54, width=98).frames[0]
    frames = np.stack([small[:, k : k + 96] for k in range(3)]).repeat(40, axis=1).repeat(40, axis=2)
    return replace(clip(frames=3, height=54, width=96), frames=frames)


def zoomed_in(page):
    page.mouse.move(450, 200)
    assert "(reduced; zoom in)" in page.locator("#values").inner_text()
    for _ in range(12):
        page.mouse.wheel(0, -300)
    until(page, "!document.getElementById('values').textContent.includes('reduced')")
    x, y, *rgb = map(int, re.findall(r"\d+", page.locator("#values").inner_text())[:5])
    return (y, x), rgb


def test_a_4k_clip_is_shown_as_large_as_the_screen_and_exact_when_zoomed(browser, large):  # noqa: F811
    with (
        serving(Session(large, flow=lambda: still(large))) as (viewer, _),
        opened(browser, viewer) as page,
    ):
        page.keyboard.press("Shift+ArrowRight")
        wait(page, at=1)
        assert page.locator("#left").inner_text() == "nearest observed frame 1: no field yet"
        at, rgb = zoomed_in(page)
        assert rgb == large.frames[1][at].tolist()


def test_a_field_of_4k_is_what_is_drawn_when_zoomed(browser, large):  # noqa: F811
    result = fit(large, still(large), QUICK, device="cpu")
    with serving(Session(large, result)) as (viewer, _), opened(browser, viewer) as page:
        page.locator("#time").fill("0.5")
        wait(page, at=0.5)
        assert page.locator("#left").inner_text() == "transport at 0.5"
        at, rgb = zoomed_in(page)
        assert rgb == next(render(result.field, [0.5]))[at].tolist()
