"""How long the viewer takes for a picture of 240x360, and the pictures of its page in the docs.

    python benchmarks/viewer.py                            writes results/viewer.json
    python benchmarks/viewer.py --pictures docs/images     needs Playwright and Chromium too

Each time is from the request to the last byte of the PNG, over HTTP on one machine. "new" is a time in an
interval that wasn't looked at yet; "knot" one of those where a transport field that is new to an interval is
ready soonest, which the page asks for while it is dragged fast; "same" another time in the same interval;
"kept" the same time again. For these the flow is known, as that of a model file is. "error" is the error to
expect in an interval that is new. In a clip that was fitted while it was looked at, flow is still to be
estimated where the fit hasn't been: "first look" is the first picture there, which waits for that of one
interval, and "after it" the exact one, which the page asks for then, and which waits for its two neighbours'.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np
from common import ROOT, arguments, save

from tweenfield import Dis, FitResult, Video, draft, estimate_flow, evaluate, fit, read_video
from tweenfield.viewer.opening import Viewer
from tweenfield.viewer.session import Session

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Chromium of this height and width, with twice the pixels.
WINDOW, SCALE = (1240, 780), 1.5


@contextmanager
def served(video: Video, result: FitResult) -> Iterator[httpx.Client]:
    with Viewer(Session(video, result)).start() as viewer, httpx.Client(timeout=60) as client:
        client.base_url = f"http://127.0.0.1:{viewer.port}"
        client.get(viewer.address)
        yield client


def fitted(frames: str) -> tuple[Video, FitResult]:
    video = read_video(ROOT / "demo" / "bunny.mp4", frames=frames)
    return video, fit(video, estimate_flow(video, Dis()), draft(), device="cpu")


def milliseconds(client: httpx.Client, path: str = "/frame", **values: object) -> float:
    began = time.perf_counter()
    response = client.get(path, params=values)
    response.raise_for_status()
    return 1000 * (time.perf_counter() - began)


def measured(client: httpx.Client, what: str) -> dict[str, float]:
    """Medians over intervals, each looked at for the first time by one of the two rows."""
    for t in (0.3, 0.5, 1.3):
        milliseconds(client, t=t, what=what)
    rows: dict[str, list[float]] = {"new": [], "same": [], "kept": [], "knot": []}
    for k in range(3, 19, 2):
        for name, t in (("new", k + 0.3), ("same", k + 0.28), ("kept", k + 0.3), ("knot", k + 1.25)):
            rows[name].append(milliseconds(client, t=t, what=what))
    return {name: round(statistics.median(row), 1) for name, row in rows.items()} | {
        "new, longest": round(max(rows["new"]), 1)
    }


def far(client: httpx.Client, intervals: int) -> dict[str, float]:
    """Medians over places whose flow isn't known, four intervals apart; the fit has seen the first twenty."""
    rows: dict[str, list[float]] = {"first look": [], "after it": []}
    for k in range(22, intervals - 1, 4):
        rows["first look"].append(milliseconds(client, t=k + 0.25, what="field", first=True))
        rows["after it"].append(milliseconds(client, t=k + 0.3, what="field"))
    return {name: round(statistics.median(row), 1) for name, row in rows.items()} | {
        "first look, longest": round(max(rows["first look"]), 1)
    }


def errors(client: httpx.Client, intervals: int) -> dict[str, float]:
    times = [milliseconds(client, "/error", t=k + 0.5, kind="expected") for k in range(4, intervals - 1, 2)]
    return {"error": round(statistics.median(times), 1)}


@contextmanager
def opened(browser: Browser, viewer: Viewer, scheme: str) -> Iterator[Page]:
    """A window of its own, without what was said and without the focus at the end."""
    size = {"width": WINDOW[0], "height": WINDOW[1]}
    page = browser.new_page(viewport=size, device_scale_factor=SCALE, color_scheme=scheme)
    page.goto(viewer.address)
    page.locator("#picture[data-left]").wait_for()
    yield page
    page.close()


def photograph(page: Page, target: Path) -> None:
    page.wait_for_timeout(8000)  # until what was said has gone
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(560, 330)
    page.wait_for_timeout(500)
    page.screenshot(path=target)
    picture = cv2.imread(str(target))
    cv2.imwrite(str(target), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def photographed_motion(browser: Browser, folder: Path) -> None:
    """A divider between field and cross-fade, zoomed, with arrows."""
    with (
        Viewer(Session(*fitted("0:41:4"))).start() as viewer,
        opened(browser, viewer, "dark") as page,
    ):
        page.locator("#compare").select_option("baseline:blend")
        for keys in ("Shift+ArrowRight", "Shift+ArrowRight", "i", *["Shift+ArrowRight"] * 4, "o",
                     *["ArrowLeft"] * 24, "v"):  # fmt: skip
            page.keyboard.press(keys)
        page.locator('#picture[data-right="4.5"]').wait_for()
        page.mouse.move(1000, 420)
        page.mouse.wheel(0, -450)
        for _ in range(5):
            page.locator("#divider").press("ArrowRight")
        photograph(page, folder / "viewer.png")


def photographed_errors(browser: Browser, folder: Path) -> None:
    """Held-out frames: the true error of the field and of a cross-fade, and PSNR over time."""
    video = read_video(ROOT / "demo" / "bunny.mp4")
    evaluation = evaluate(video, Dis(), draft(), stride=4, device="cpu", baselines={})
    session = Session(evaluation.split.observed, evaluation.result, split=evaluation.split)
    with Viewer(session).start() as viewer, opened(browser, viewer, "light") as page:
        page.locator("#compare").select_option("baseline:blend")
        page.locator("#time").fill("4.5")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("t")
        page.locator('#picture[data-right="4.5"]').wait_for()
        held_out = len(evaluation.split.held_out)
        page.locator("#plot circle.true").nth(held_out - 1).wait_for(state="attached", timeout=90_000)
        photograph(page, folder / "viewer-errors.png")


def main() -> None:
    given = arguments(__doc__, pictures="")
    if given.pictures:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            chromium = shutil.which("chromium")
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            photographed_motion(browser, Path(given.pictures))
            photographed_errors(browser, Path(given.pictures))
            browser.close()
        return
    video, result = fitted("0:41:2")
    np.asarray(result.field.observations()["forward_flow"])
    with served(video, result) as client:
        results = {what: measured(client, what) for what in ("field", "baseline:warp", "baseline:blend")}
    with served(video, result) as client:
        results["field"] |= errors(client, len(video) - 1)
    video, result = fitted("0:41")
    with served(video, result) as client:
        results["field"] |= far(client, len(video) - 1)
    print(results)
    save("viewer", given.output, results, clip=video.name, frames=(21, 41), size=video.size)


if __name__ == "__main__":
    main()
