"""The page in a browser: the system's Chromium, driven by Playwright, where both are there."""

import re
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from viewer.looking import clip, serving, still, tiny

from tweenfield import Dis, draft, evaluate, fit, render
from tweenfield import replace as replace_settings
from tweenfield.baselines import BASELINES
from tweenfield.evaluation.error_maps import error_levels, error_picture
from tweenfield.evaluation.report import write_report
from tweenfield.viewer.session import Session

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


QUICK = replace_settings(draft(), steps=4, width=4, hidden=2, crops=1, side=12)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        # As root, as in a container, Chromium starts without its sandbox only.
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def video():
    return clip()


@pytest.fixture(scope="module")
def result(video):
    return fit(video, still(video), tiny(), device="cpu")


@pytest.fixture(scope="module")
def viewer(video, result):
    with serving(Session(video, result, flow=lambda: still(video))) as (viewer, _):
        yield viewer


@contextmanager
def opened(browser, viewer, *, refused="", **options):
    """A window of its own on the viewer, in which no script fails, and only what has a status is refused."""
    with browser.new_context(viewport={"width": 900, "height": 640}, **options) as context:
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(viewer.address)
        page.locator("#picture[data-left]").wait_for()
        yield page
        allowed = ("ERR_CONNECTION_REFUSED", *([f"status of {refused} "] if refused else []))
        assert [error for error in errors if not any(part in error for part in allowed)] == []


@pytest.fixture
def page(browser, viewer):
    with opened(browser, viewer) as page:
        yield page


def wait(page, *, side="left", at):
    page.locator(f'#picture[data-{side}="{at:g}"]').wait_for()


def until(page, true):
    """Playwright's own way to wait is an ``eval`` on the page, which its policy forbids."""
    for _ in range(600):  # 30 s, as Playwright's own
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(true)


def values(page, x, y):
    """What the page says of a pixel of the picture under the mouse: RGB of each side."""
    place = page.evaluate(
        """([x, y]) => {
            const box = document.getElementById('picture').getBoundingClientRect();
            const scale = parseFloat(document.getElementById('zoom').textContent) / 100;
            const from = (side, middle) => side / 2 + (middle + 0.5) * scale;
            return [box.x + from(box.width, x - 30), box.y + from(box.height, y - 20)];
        }""",
        [x, y],
    )
    page.mouse.move(*place)
    first, *lines = page.locator("#values").inner_text().splitlines()
    assert first == f"x {x}  y {y}"
    return [tuple(map(int, re.findall(r"\d+", line)[:3])) for line in lines]


def shows(page, picture, side=0):
    for x, y in ((5, 3), (36, 20), (58, 38)):
        assert values(page, x, y)[side] == tuple(picture[y, x])


def on_screen(page, x, y):
    """The colour on the canvas at parts of its width and height."""
    return page.evaluate(
        """([x, y]) => {
            const c = document.getElementById('picture');
            return [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data.slice(0, 3)];
        }""",
        [x, y],
    )


def test_scrubbing_shows_the_frame_of_that_time(page, result, video):
    assert page.title().startswith("waves.mp4") and page.url.endswith("/")  # without the token
    box = page.locator("#scrub").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.down()
    for part in (0.2, 0.9, 0.4, 0.625):
        page.mouse.move(box["x"] + 8 + part * (box["width"] - 16), box["y"] + 20)
    page.mouse.up()
    t = float(page.locator("#time").input_value())
    assert abs(t - 2.5) < 0.02
    wait(page, at=float(page.evaluate("document.getElementById('scrub').value")))
    shows(page, next(render(result.field, [round(t * 256) / 256])))
    assert page.locator("#left").inner_text().startswith("siren at 2.")
    page.locator("#time").fill("1.25")
    wait(page, at=1.25)
    shows(page, next(render(result.field, [1.25])))


def test_keys_step_play_zoom_compare_and_help(page, result, video):
    for keys, t in (
        (["ArrowRight"] * 3, 0.1875), (["Shift+ArrowRight"], 1), (["Shift+ArrowRight"], 2),
        (["ArrowLeft"], 1.9375), (["End"], 4), (["ArrowRight"], 4), (["Home"], 0),
    ):  # fmt: skip
        for key in keys:
            page.keyboard.press(key)
        wait(page, at=t)
    scale = page.locator("#zoom").inner_text()
    for _ in range(4):
        page.keyboard.press("+")
    assert page.locator("#zoom").inner_text() != scale
    before = on_screen(page, 0.5, 0.5)
    for _ in range(9):
        page.keyboard.press("d")
    assert on_screen(page, 0.5, 0.5) != before
    page.keyboard.press("0")
    assert page.locator("#zoom").inner_text() == scale
    page.keyboard.press("3")
    wait(page, side="right", at=0)
    assert page.locator("#compare").input_value() == "after"
    page.keyboard.press("3")
    assert page.locator("#compare").input_value() == "" and page.locator("#divider").is_hidden()
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    page.keyboard.press("Space")
    until(page, "parseFloat(document.getElementById('picture').dataset.left) > 0.5")
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Play"


def test_every_control_is_reached_by_tab_and_named(page):
    page.keyboard.press("4")
    names = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
                const e = document.activeElement, label = e.closest('label');
                return [e.getAttribute('aria-label') || (label || e).innerText || e.id,
                        e === document.body || getComputedStyle(e).outlineStyle];
            }"""
        )
        assert outline, name
        names.append(name)
    for wanted in ("Copy command", "Save PNG", "Help", "Divider", "Time", "Play", "In", "Out", "Side by side",
                   "Expected error", "True error", "Flow", "Arrows", "Zoom in", "Fit"):  # fmt: skip
        assert wanted in names
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a, [tabindex]')]
            .filter((e) => !(e.getAttribute('aria-label') || e.innerText.trim() || e.closest('label')))
            .map((e) => e.id)"""
    )
    assert unnamed == []


def test_divider_has_the_field_on_its_left_and_the_other_on_its_right(page, result, video):
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator("#compare").select_option("baseline:blend")
    wait(page, side="right", at=1.0625)
    wait(page, at=1.0625)
    (other,) = BASELINES["blend"](video, still(video), [1.0625])
    own, other = next(render(result.field, [1.0625])), (other * 255).round().astype(np.uint8)
    shows(page, own, 0)
    shows(page, other, 1)
    # The middle of the picture: pixel (29 or 30, 19 or 20), drawn in squares.
    divider = page.locator("#divider")
    divider.press("End")
    assert tuple(on_screen(page, 0.503, 0.503)) == tuple(own[20, 30])
    divider.press("Home")
    assert divider.get_attribute("aria-valuenow") == "0"
    assert tuple(on_screen(page, 0.503, 0.503)) == tuple(other[20, 30])
    divider.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "2"
    divider.drag_to(page.locator("#picture"), target_position={"x": 600, "y": 100})
    assert divider.get_attribute("aria-valuenow") == "67"
    page.keyboard.press("l")
    assert divider.is_hidden()
    assert tuple(on_screen(page, 0.25, 0.5)) != tuple(on_screen(page, 0.75, 0.5))


def test_motion_lies_over_the_picture_and_a_loop_over_the_time(page):
    before = on_screen(page, 0.4, 0.5)
    page.keyboard.press("f")
    until(page, "document.getElementById('scale').textContent.includes('px an interval')")
    assert on_screen(page, 0.4, 0.5) != before
    page.keyboard.press("f")
    assert on_screen(page, 0.4, 0.5) == before and page.locator("#legend").is_hidden()
    for key in ("Shift+ArrowRight", "i", "Shift+ArrowRight", "o"):
        page.keyboard.press(key)
    assert page.locator("#said").inner_text() == "loop from 1.000 to 2.000"
    page.locator("#speed").select_option("2")
    page.locator("#play").click()
    page.wait_for_timeout(500)  # several times around
    page.locator("#play").click()
    assert 1 <= float(page.locator("#time").input_value()) <= 2
    with page.expect_download() as saved:
        page.locator("#save").click()
    assert re.fullmatch(r"waves\.mp4_field_[\d.]+\.png", saved.value.suggested_filename)
    page.locator("#copy").click()
    until(page, "document.getElementById('said').textContent.includes('render(result.field')")


@pytest.fixture(scope="module")
def evaluated():
    evaluation = evaluate(clip(frames=9), Dis(), QUICK, device="cpu", baselines={})
    with serving(Session(evaluation.split.observed, evaluation.result, split=evaluation.split)) as (
        viewer,
        _,
    ):
        yield viewer, evaluation


def told(page, x, y):
    """What the page says of the error at a pixel, and of what."""
    values(page, x, y)
    return [
        line.split(None, 1) for line in page.locator("#values").inner_text().splitlines() if "error" in line
    ]


def test_errors_lie_over_the_picture_with_levels_under_the_mouse(browser, evaluated):
    viewer, evaluation = evaluated
    truth = np.asarray(evaluation.split.held_out.frames[1])
    with opened(browser, viewer) as page:
        for key in ("]", "]", "t", "5"):
            page.keyboard.press(key)
        until(page, "document.getElementById('scale').textContent.includes('true error of transport at 1.5')")
        until(page, "document.getElementById('scale').textContent.includes('true error of blend at 1.5')")
        own, observed = next(render(evaluation.result.field, [1.5])), evaluation.split.observed
        blended = (next(BASELINES["blend"](observed, still(observed), [1.5])) * 255).round()
        for x, y in ((5, 3), (36, 20)):
            wanted = [error_levels(each.astype(np.uint8), truth)[y, x] for each in (own, blended)]
            assert [float(level) for level, _ in told(page, x, y)] == pytest.approx(wanted, abs=0.12)
        page.keyboard.press("e")
        until(page, "document.getElementById('scale').textContent.startsWith('error to expect')")
        error = evaluation.result.field.expected_error(1.5)
        assert float(told(page, 36, 20)[0][0]) == pytest.approx(float(error[20, 36]), abs=0.12)
        assert page.locator("#true").get_attribute("aria-pressed") == "false"
        page.keyboard.press("e")
        assert page.locator("#legend").is_hidden()


def test_the_plot_over_the_time_fills_and_stops_are_the_held_out_frames(browser, evaluated):
    viewer, evaluation = evaluated
    with opened(browser, viewer) as page:
        until(page, "document.querySelectorAll('#plot circle.true').length === 4")
        points = page.locator("#plot circle.true title").all_text_contents()
        assert points == [f"{k + 0.5}: {psnr:.1f} dB true" for k, psnr in enumerate(evaluation.score.psnr)]
        for k, expected in enumerate(evaluation.expected):
            said = page.locator("#plot circle.expected title").nth(k).text_content()
            assert said.startswith(f"{k + 0.5}: {expected:.1f} dB to expect")
            assert ("doubtful" in said) == (expected < 30)
        for key, t in (("]", 0.5), ("]", 1.5), ("[", 0.5)):
            page.keyboard.press(key)
            wait(page, at=t)
        assert f"true {evaluation.score.psnr[0]:.1f} dB" in page.locator("#scrub").get_attribute(
            "aria-valuetext"
        )


def test_doubtful_frames_are_marked_on_the_time_with_their_reason(browser):
    video = clip(frames=6)
    video.frames[3:] = np.random.default_rng(1).integers(0, 256, (*video.size, 3), dtype=np.uint8)
    result = fit(video, still(video), QUICK, device="cpu")
    assert result.field.error_reason(2.5) == "a cut"
    with (
        serving(Session(video, result, flow=lambda: still(video))) as (viewer, _),
        opened(browser, viewer) as page,
    ):
        until(page, "document.querySelectorAll('#plot circle.expected').length >= 3")
        page.locator("#key-doubtful").wait_for()
        page.keyboard.press("]")
        wait(page, at=2.5)
        assert "doubtful: a cut" in page.locator("#scrub").get_attribute("aria-valuetext")
        assert page.locator("#told").inner_text().endswith("doubtful: a cut")
        color = page.evaluate(
            """() => {
                const c = document.getElementById('marks'), probe = document.createElement('i');
                probe.style.color = 'var(--doubtful)';
                document.body.append(probe);
                const at = (x) => [...c.getContext('2d').getImageData(x * c.width, c.height - 4, 1, 1).data];
                return [[0.3, 0.45].map(at), getComputedStyle(probe).color.match(/\\d+/g).map(Number)];
            }"""
        )
        (off, on), marked = color
        assert on[:3] == marked and off[3] == 0


def test_the_page_of_an_evaluation_opens_from_a_file_and_fetches_nothing(browser, evaluated, tmp_path):
    _, evaluation = evaluated
    write_report(evaluation, tmp_path / "report.html")
    page, asked = browser.new_page(viewport={"width": 900, "height": 640}), []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(f"file://{tmp_path / 'report.html'}")
    until(page, "document.querySelectorAll('svg.plot circle.true').length === 4")
    worst = int(np.argmin(evaluation.score.psnr))
    drawn = next(render(evaluation.result.field, [evaluation.split.positions[worst]]))
    truth = evaluation.split.held_out.frames[worst]
    seen = """part => {
        const c = document.querySelector('.compare canvas');
        return [...c.getContext('2d').getImageData(part * c.width, c.height / 2 + 2, 1, 1).data.slice(0, 3)];
    }"""
    divider = page.locator(".compare .divider").first
    for key, picture in (("End", drawn), ("Home", truth)):
        divider.press(key)
        assert page.evaluate(seen, 0.503) == picture[20, 30].tolist()
    page.locator(".compare .right").first.select_option(label="true error")
    error = error_picture(error_levels(drawn, np.asarray(truth)))
    page.locator(".compare canvas[aria-label*='true error on its right']").wait_for()
    assert page.evaluate(seen, 0.503) == error[20, 30].tolist()
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    page.close()


def test_a_field_without_an_error_to_expect_says_so(browser, viewer):
    with opened(browser, viewer, refused="422") as page:
        said = "document.getElementById('said').textContent"
        page.keyboard.press("e")
        until(page, f"{said}.includes('siren: this field has no error to expect')")
        page.keyboard.press("t")
        until(page, f"{said}.includes('there are no held-out frames')")
        assert page.locator("#plot").is_hidden() and page.locator("#legend").is_hidden()


def test_two_windows_show_each_its_own_time(browser, viewer, result):
    with opened(browser, viewer) as one, opened(browser, viewer, color_scheme="dark") as two:
        for _ in range(4):
            one.keyboard.press("ArrowRight")
            two.keyboard.press("Shift+ArrowRight")
        wait(one, at=0.25)
        wait(two, at=4)
        shows(one, next(render(result.field, [0.25])))
        shows(two, next(render(result.field, [4])))


def test_a_server_that_stopped_is_said(browser, video, result):
    with serving(Session(video, result)) as (viewer, _), opened(browser, viewer) as page:
        viewer.close()
        page.keyboard.press("ArrowRight")
        page.locator("#alert").wait_for()
        assert "server has stopped" in page.locator("#alert").inner_text()
