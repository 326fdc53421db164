"""A notebook's page shows the viewer in a frame, by either name of this machine."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from viewer.looking import clip, serving, still, tiny
from viewer.test_viewer_page import browser, pytestmark  # noqa: F401

from tweenfield import fit
from tweenfield.viewer.session import Session


@pytest.fixture
def notebook():
    """Serves a page that has what ``shown`` is set to."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(self.server.shown.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_frame_shows_the_page_and_its_pictures(browser, notebook, host):  # noqa: F811
    video = clip()
    with (
        serving(Session(video, fit(video, still(video), tiny(), device="cpu"))) as (viewer, _),
        browser.new_context() as context,
    ):
        notebook.shown = f"<!doctype html>{viewer._repr_html_()}"
        page = context.new_page()
        page.goto(f"http://{host}:{notebook.server_port}/")
        frame = page.frame_locator("iframe")
        frame.locator('#picture[data-left="0"]').wait_for()
        frame.locator("#scrub").press("ArrowRight")
        frame.locator('#picture[data-left="0.0625"]').wait_for()
