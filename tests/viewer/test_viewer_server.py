"""What the server shows is what the field draws, and only to whom it should."""

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import httpx
import numpy as np
import pytest
from viewer.looking import client_of, clip, serving, still, tiny

from tweenfield import ViewerError, fit, render, view
from tweenfield.baselines import BASELINES
from tweenfield.errors import UsageError
from tweenfield.flow import Flow, flow_to_color
from tweenfield.viewer import opening
from tweenfield.viewer.opening import Viewer
from tweenfield.viewer.session import Session
from tweenfield.viewer.worker import MOST_WAITING, Busy, Kept, Stale, Worker


@pytest.fixture(scope="module")
def video():
    return clip()


@pytest.fixture(scope="module")
def result(video):
    return fit(video, still(video), tiny(), device="cpu")


@pytest.fixture(scope="module")
def other(video):
    return fit(video, still(video), tiny(20), device="cpu")


@pytest.fixture(scope="module")
def served(video, result, other):
    session = Session(video, result, others={"other.tween": other}, flow=lambda: still(video))
    with serving(session) as (viewer, client):
        yield viewer, client


@pytest.fixture
def client(served):
    return served[1]


def picture(response):
    assert response.status_code == 200, response.text
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(response.content, np.uint8), 1), cv2.COLOR_BGR2RGB)


def refused(response, status, *parts):
    """A sentence, and nothing that tells of the code inside."""
    assert response.status_code == status, response.text
    said = response.json()["detail"]
    assert isinstance(said, str) and "Traceback" not in said
    for part in parts:
        assert part in said


def test_twenty_clients_at_once_each_get_the_pictures_they_ask_for(served, result):
    viewer, _ = served
    times = [[(37 * name + 211 * k) % 1025 / 256 for k in range(6)] for name in range(20)]
    together = threading.Barrier(20)

    def ask(name):
        with client_of(viewer) as own:
            own.get(viewer.address)
            together.wait(30)
            return [
                picture(own.get("/frame", params={"t": t, "client": f"client{name}"})) for t in times[name]
            ]

    with ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(ask, range(20)))
    for asked, pictures in zip(times, seen, strict=True):
        np.testing.assert_array_equal(pictures, list(render(result.field, asked)))


@pytest.mark.parametrize("t", [0, 0.3125, 1.5, 2, 3.999, 4])
def test_pixels_are_those_of_render(client, result, t):
    seen = picture(client.get("/frame", params={"t": t}))
    # Times are told apart to 1/4096 of an interval.
    np.testing.assert_array_equal(seen, next(render(result.field, [round(t * 4096) / 4096])))


def test_what_it_is_compared_with_is_at_the_same_time(client, video, other):
    def get(what):
        return picture(client.get("/frame", params={"t": 1.25, "what": what}))

    np.testing.assert_array_equal(get("before"), video.frames[1])
    np.testing.assert_array_equal(get("nearest"), video.frames[1])
    np.testing.assert_array_equal(get("after"), video.frames[2])
    np.testing.assert_array_equal(get("model:other.tween"), next(render(other.field, [1.25])))
    (blended,) = BASELINES["blend"](video, still(video), [1.25])
    assert np.abs(get("baseline:blend") - blended * 255).max() <= 0.51


def test_a_baseline_of_a_long_clip_is_that_of_the_whole(result):
    long = clip(frames=24)
    session = Session(long, fit(long, still(long), tiny(2), device="cpu"), flow=lambda: still(long))
    for t in (0.5, 11.25, 22.75, 23):
        for name in ("cubic", "warp4"):
            (whole,) = BASELINES[name](long, still(long), [t])
            part = session.draw(f"baseline:{name}", t).picture
            assert np.abs(part - (whole * 255).clip(0, 255)).max() <= 0.51


def test_labels_say_what_is_shown(client):
    def label(what):
        return httpx.URL(
            "/?" + client.get("/frame", params={"t": 1.25, "what": what}).headers["x-shown"]
        ).query

    assert label("field") == b"siren%20at%201.25"
    assert label("after") == b"observed%20frame%202"


def test_smaller_pictures_and_jpeg(client, result):
    small = picture(client.get("/frame", params={"t": 1.5, "height": 20}))
    np.testing.assert_array_equal(small, next(render(result.field, [1.5], size=(20, 30))))
    lossy = client.get("/frame", params={"t": 1.5, "format": "jpeg"})
    assert lossy.headers["content-type"] == "image/jpeg"
    assert np.abs(picture(lossy).astype(int) - next(render(result.field, [1.5]))).mean() < 4


def test_flow_as_colour_and_arrows(video, result):
    forward = np.broadcast_to(np.float32([3, 0]), (4, *video.size, 2)).copy()
    moving = Flow(forward=forward, backward=-forward, name="moving")
    with serving(Session(video, result, flow=lambda: moving)) as (_, client):
        response = client.get("/flow", params={"t": 1.5})
        # 3 px lie below the 5 px that full colour stands for.
        assert response.headers["x-longest"] == "5"
        expected = flow_to_color(np.full((1, 1, 2), (3, 0), np.float32), 5)[0, 0]
        np.testing.assert_array_equal(picture(response)[20, 30], expected)
        arrows = client.get("/arrows", params={"t": 4}).json()
        assert {tuple(arrow[2:]) for arrow in arrows["arrows"]} == {(3.0, 0.0)}
        assert {arrow[0] % arrows["step"] for arrow in arrows["arrows"]} == {arrows["step"] // 2}


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("t=-0.1", "0 to 4"), ("t=4.01", "0 to 4"), ("t=nan", "t: "), ("t=inf", "t: "), ("t=soon", "t: "),
        ("", "t: "), ("t=1&height=41", "40"), ("t=1&height=100000000000", "40"), ("t=1&height=1", "height: "),
        ("t=1&height=-5", "height: "), ("t=1&format=gif", "format: "), ("t=1&what=sun", "baseline:warp"),
        ("t=1&what=model:/etc/passwd", "there is no"), ("t=1&what=" + "x" * 301, "what: "),
        ("t=1&client=a/b", "client: "), ("t=1&pane=A", "pane: "),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_with_a_sentence(client, query, part):
    refused(client.get(f"/frame?{query}"), 422, part)


def test_a_baseline_that_is_not_installed_says_so(client, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("tweenfield.viewer.session.BASELINES", {"gone": _gone})
    refused(client.get("/frame", params={"t": 1, "what": "baseline:gone"}), 400, "install gone")


def _gone(observed, flow, times):
    raise ViewerError("install gone first")


def test_nobody_without_the_token_sees_anything(served):
    viewer, _ = served
    with client_of(viewer) as stranger:
        for path in (
            "/",
            "/viewer.js",
            "/about",
            "/state",
            "/frame?t=1",
            "/nothing",
            "/?token=",
            "/?token=wrong",
        ):
            refused(stranger.get(path), 403, "token")
        refused(stranger.post("/stop"), 403, "token")
        refused(stranger.get("/about", params={"token": viewer.address.partition("=")[2]}), 403, "token")
        stranger.cookies.set(f"tweenfield-{viewer.port}", "wrong")
        refused(stranger.get("/about"), 403, "token")
        assert not stranger.get("/about").headers.get("set-cookie")


def test_the_token_is_random_and_becomes_a_cookie_that_scripts_cannot_read(served):
    viewer, _ = served
    with client_of(viewer) as fresh:
        cookie = fresh.get(viewer.address).headers["set-cookie"]
        assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie and "; Path=/" in cookie
        assert cookie.startswith(f"tweenfield-{viewer.port}=")  # another viewer's cookie stays
        assert fresh.get("/about").status_code == 200
    token = viewer.address.partition("token=")[2]
    with Viewer(viewer.session) as another:
        assert len(token) >= 43 and token not in another.address


def test_other_hosts_and_sites_are_refused(served):
    viewer, client = served
    for host in (
        "example.org",
        "127.0.0.1",
        f"127.0.0.1:{viewer.port + 1}",
        f"evil.localhost:{viewer.port}",
        "",
    ):
        refused(client.get("/about", headers={"host": host}), 400, "host")
    assert client.get("/about", headers={"host": f"localhost:{viewer.port}"}).status_code == 200
    for origin in ("http://example.org", "null", f"https://127.0.0.1:{viewer.port}"):
        refused(client.post("/stop", headers={"origin": origin}), 403, "another site")
    own = client.post("/stop", headers={"origin": f"http://127.0.0.1:{viewer.port}"})
    assert own.status_code == 200


def test_only_this_machine_can_connect(served):
    viewer, _ = served
    assert viewer._socket.getsockname()[0] == "127.0.0.1"
    with socket.socket() as outside, pytest.raises(OSError):
        # Another address of the same machine.
        outside.settimeout(2)
        outside.connect(("127.0.0.2", viewer.port))


def test_no_file_but_the_pages_own(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    own = set(re.findall(r'(?:src|href)="([^"]+)"', page.text)) - {"frame", "wheel", "levels"}
    script = client.get("/viewer.js").text
    own |= set(re.findall(r'from "\./([^"]+)"', script))
    components = {"accuracy.js", "divider.js", "frames.js", "stage.js", "timeline.js"}
    assert own == {"icon.svg", "style.css", "viewer.css", "viewer.js", *components}
    for name in own:
        assert client.get(f"/{name}").status_code == 200
    outside = "/viewer.html /server.py /../server.py /..%2fserver.py /page/viewer.js //etc/passwd /%00"
    for path in (*outside.split(), "/docs", "/openapi.json", "/redoc"):
        refused(client.get(path), 404, "nothing")
    refused(client.get("/stop"), 405)


def test_every_answer_lets_the_page_load_from_here_only(client):
    for path in ("/", "/viewer.js", "/frame?t=1", "/frame?t=99", "/nothing"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy.pop("default-src") == "'none'"
        assert policy["frame-ancestors"] == "'none'" and set(policy.values()) == {"'self'", "'none'"}
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert not re.search(r"https?://(?!www\.w3\.org)", client.get("/").text + client.get("/viewer.css").text)


def test_pages_of_this_machine_may_frame_it_once_a_notebook_shows_it(video, result):
    def ancestors(client):
        return client.get("/").headers["content-security-policy"].partition("frame-ancestors ")[2]

    with serving(Session(video, result)) as (viewer, client):
        assert ancestors(client) == "'none'"
        assert f'<iframe src="{viewer.address}"' in viewer._repr_html_()
        assert ancestors(client) == "http://127.0.0.1:* http://localhost:*"


def test_saved_frames_have_a_safe_name(video, result):
    named = clip(name='a "b"\r\nX: 1/../ü.mp4')
    with serving(Session(named, result=None, flow=lambda: still(named))) as (_, client):
        response = client.get("/frame", params={"t": 1.25, "save": True})
        assert (
            response.headers["content-disposition"] == 'attachment; filename="a-b-X-1-..-.mp4_field_1.25.png"'
        )
        assert "x" not in response.headers


def test_what_was_drawn_is_kept_and_not_drawn_again(served, monkeypatch):
    viewer, client = served
    first = client.get("/frame", params={"t": 2.75}).content
    monkeypatch.setattr(viewer.session, "draw", None)
    assert client.get("/frame", params={"t": 2.75}).content == first


def test_kept_bytes_are_bounded_and_the_oldest_go():
    kept = Kept(most=10)
    for name in "abc":
        kept.put(name, b"1234")
        kept.get("a")
    assert kept.get("a") and kept.get("c") and kept.get("b") is None
    kept.put("a", b"1")
    kept.put("huge", b"x" * 11)
    assert kept.size <= 10


def test_of_one_asker_only_the_newest_wish_is_drawn():
    worker, go, drawn = Worker(), threading.Event(), []
    busy = worker.submit("x", lambda: bytes(go.wait(5)))
    while not busy.running():
        time.sleep(0.001)
    wishes = [worker.submit("one", lambda k=k: drawn.append(k) or b"") for k in range(5)]
    another = worker.submit("two", lambda: drawn.append("other") or b"")
    for k in range(MOST_WAITING - 2):
        worker.submit(f"more {k}", lambda: b"")
    with pytest.raises(Busy):
        worker.submit("one too many", lambda: b"")
    go.set()
    another.result(5)
    assert drawn == [4, "other"]
    for wish in wishes[:-1]:
        assert isinstance(wish.exception(5), Stale)
    worker.close()


def test_a_model_alone_shows_what_it_draws_at_whole_times(result):
    with serving(Session(None, result)) as (_, client):
        about = client.get("/about").json()
        assert not about["observed"] and about["comparisons"][0]["label"] == "nearest whole time"
        seen = picture(client.get("/frame", params={"t": 1.6, "what": "nearest"}))
        np.testing.assert_array_equal(seen, next(render(result.field, [2])))


def test_fits_of_other_frames_are_not_compared(video, result):
    with pytest.raises(UsageError, match="compare fits of the same frames"):
        Session(clip(frames=4), None, others={"other": result})
    with pytest.raises(UsageError, match="not the frames"):
        Session(clip(frames=4), result)
    with pytest.raises(UsageError, match="nothing to look at"):
        Session(None)


def test_a_port_that_is_taken_and_an_extra_that_is_missing_are_said(served, video, result, monkeypatch):
    with pytest.raises(UsageError, match=f"port {served[0].port} can't be listened on"):
        Viewer(Session(video, result), port=served[0].port)
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    with pytest.raises(ViewerError, match=r"pip install 'tweenfield\[view\]'"):
        view(result, browser=False)


def test_from_python_it_opens_the_page_and_closes(result, video, monkeypatch):
    opened = []
    monkeypatch.setattr(opening.webbrowser, "open", opened.append)
    with view(result, video=video) as viewer:
        assert opened == [viewer.address]
        assert httpx.get(viewer.address).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(viewer.address)
    with pytest.raises(UsageError, match="two videos"):
        view(video, video=video, browser=False)
