"""A clip that is fitted while it is looked at."""

import threading
import time

import cv2
import numpy as np
from viewer.looking import clip, serving, still, tiny

from tweenfield import Dis, draft, estimate_flow, fit, render, replace, view
from tweenfield.errors import FitError
from tweenfield.storage.on_demand import Ahead
from tweenfield.viewer import background
from tweenfield.viewer.background import BackgroundFit
from tweenfield.viewer.session import Session

QUICK = replace(draft(), steps=4, width=4, hidden=2, crops=1, side=12)


def until(true, seconds=15):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def state(client):
    return client.get("/state").json()


def seen(client, **values):
    response = client.get("/frame", params=values)
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(response.content, np.uint8), 1), cv2.COLOR_BGR2RGB
    ), response


def test_before_there_is_a_field_the_nearest_observed_frame_is_shown_as_such():
    video, ready = clip(), threading.Event()
    flow = lambda: still(video) if ready.wait(15) else None  # noqa: E731
    with serving(Session(video, flow=flow, recipe=tiny(30))) as (viewer, client):
        assert state(client)["fit"]["phase"] == "preparing" and state(client)["field"] is None
        picture, response = seen(client, t=1.6)
        np.testing.assert_array_equal(picture, video.frames[2])
        assert response.headers["x-shown"] == "nearest%20observed%20frame%202%3A%20no%20field%20yet"
        ready.set()
        until(lambda: state(client)["fit"]["phase"] == "done")
        found = state(client)
        assert found["field"] == "siren" and found["version"] >= 1
        assert found["fit"]["step"] == found["fit"]["steps"] == 30
        picture, response = seen(client, t=1.6)
        fitted = viewer.session.fitted
        assert fitted.finished and response.headers["x-shown"].startswith("siren")
        np.testing.assert_array_equal(picture, next(render(fitted.field, [round(1.6 * 4096) / 4096])))


def test_the_field_is_shown_while_it_is_fitted_and_stop_keeps_it(monkeypatch):
    monkeypatch.setattr(background, "COPY_SECONDS", 0.05)
    video = clip()
    session = Session(video, flow=lambda: still(video), recipe=tiny(10**6), device="cpu")
    session.fit._arguments = (*session.fit._arguments[:-1], 0.05)
    with serving(session) as (_, client):
        until(lambda: state(client)["version"] >= 2 and state(client)["fit"].get("rate"))
        now = state(client)["fit"]
        assert now["phase"] == "fitting" and now["rate"] > 0 and now["seconds_left"] > 0
        assert client.post("/stop").json()["fit"]["phase"] in ("stopping", "stopped")
        until(lambda: state(client)["fit"]["phase"] == "stopped")
        field = session._field
        picture, _ = seen(client, t=2.5)
        np.testing.assert_array_equal(picture, next(render(field, [2.5])))
        assert np.abs(picture.astype(int) - video.frames[2]).mean() < 60  # it is a picture of these waves


def test_a_copy_does_not_change_with_the_fit():
    video, copies = clip(), []
    running = BackgroundFit(
        video, lambda: still(video), tiny(200), device="cpu", on_field=copies.append, copy_seconds=0.0
    )
    running.start()
    until(lambda: len(copies) >= 1)
    first = next(render(copies[0], [1.5]))
    assert running.join(15)
    np.testing.assert_array_equal(first, next(render(copies[0], [1.5])))
    assert copies[-1] is running.result.field
    assert (first != next(render(copies[-1], [1.5]))).any()


def test_why_a_fit_failed_is_said():
    def fails():
        raise FitError("the flow is broken; repair it")

    def surprises():
        raise ZeroDivisionError("oh")

    for flow, sentence in (
        (fails, "the flow is broken; repair it"),
        (surprises, "the fit failed: ZeroDivisionError: oh"),
    ):
        running = BackgroundFit(clip(), flow, tiny(), on_field=lambda field: None)
        running.start()
        assert running.join(5)
        assert running.state["phase"] == "failed" and running.state["error"] == sentence


def test_a_clip_of_one_frame_can_be_looked_at():
    with serving(Session(clip(frames=1), flow=None, recipe=tiny())) as (_, client):
        until(lambda: state(client)["fit"]["phase"] == "failed")
        assert seen(client, t=0)[1].status_code == 200
        for path in ("/flow", "/arrows"):
            answer = client.get(path, params={"t": 0})
            assert answer.status_code == 400 and "one frame" in answer.json()["detail"]
        answer = client.get("/frame", params={"t": 0, "what": "baseline:warp"})
        assert answer.status_code == 400


def test_cuts_are_marked():
    video = clip(frames=20)
    video.frames[10:] = np.roll(video.frames[10:, ::-1], 17, axis=2) // 2
    noise = np.random.default_rng(0).integers(0, 60, video.frames[0].shape).astype(np.uint8)
    video.frames[10:] += noise
    with serving(Session(video)) as (_, client):
        until(lambda: state(client)["cuts"] is not None)
        assert state(client)["cuts"] == [9.5]


def test_a_video_is_fitted_from_python():
    with view(clip(), recipe=tiny(), browser=False) as viewer:
        until(lambda: viewer.session.fitted is not None)
        assert viewer.session.fitted.finished


def test_a_jump_gets_a_first_look_where_flow_is_still_to_be_estimated(monkeypatch):
    # As if the thread that estimates flow ahead had not got further than the fit.
    monkeypatch.setattr(Ahead, "_make", lambda *_: None)
    video = clip(frames=24)
    field = fit(video, estimate_flow(video, Dis()), QUICK, device="cpu").field
    session = Session(video, fit(video, estimate_flow(video, Dis()), QUICK, device="cpu"))
    with serving(session) as (_, client):
        unknown = next(k for k in range(1, 23) if session.waits(k + 0.25))
        for t, first, label in (
            (unknown, True, "a%20first%20look"),
            (unknown, False, ""),
            (unknown, True, ""),
        ):
            picture, answer = seen(client, t=t + 0.25, first=first)
            drawn = field.alone() if label else field
            np.testing.assert_array_equal(picture, next(render(drawn, [t + 0.25])))
            assert answer.headers["x-shown"].endswith(label or f"at%20{t + 0.25:g}")
