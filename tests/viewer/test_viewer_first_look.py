"""The page shows a first look where flow is still to be estimated, and then the exact picture."""

from urllib.parse import unquote

from viewer.looking import clip, serving
from viewer.test_viewer_page import QUICK, browser, opened, pytestmark, shows, wait  # noqa: F401

from tweenfield import Dis, estimate_flow, fit
from tweenfield.viewer.session import Session


def test_a_jump_to_unknown_flow(browser):  # noqa: F811
    video = clip(frames=24)
    result = fit(video, estimate_flow(video, Dis()), QUICK, device="cpu")
    session = Session(video, result)
    unknown = next(k for k in range(1, 23) if session.waits(k + 0.5))
    with serving(session) as (viewer, _), opened(browser, viewer) as page:
        labels = []
        page.on("response", lambda answer: labels.append(unquote(answer.headers.get("x-shown", ""))))
        page.locator("#time").fill(f"{unknown + 0.3}")
        page.evaluate("document.activeElement.blur()")
        wait(page, at=unknown + 0.3)
        seen = [label for label in labels if label.startswith(f"transport at {unknown}")]
        assert seen[0] == f"transport at {unknown + 0.25}, a first look"
        # Times are told apart to 1/4096 of an interval.
        assert seen[1] == page.locator("#left").inner_text() == f"transport at {unknown + 0.3}"
        shows(page, result.field.picture(round((unknown + 0.3) * 4096) / 4096))
