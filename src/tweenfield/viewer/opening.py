"""Open the viewer: from Python in a thread, from the command line until Ctrl-C."""

from __future__ import annotations

import atexit
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import final

from tweenfield.errors import UsageError, ViewerError
from tweenfield.evaluation.evaluate import Evaluation
from tweenfield.fitting.presets import standard
from tweenfield.fitting.recipe import Recipe
from tweenfield.fitting.result import FitResult
from tweenfield.video import Video
from tweenfield.viewer.session import Session

INSTALL = "pip install 'tweenfield[view]'"
# A server that takes longer to start doesn't.
_START_SECONDS = 20
# A step of a fit or a picture may take so long, and isn't waited for if it takes longer.
_END_SECONDS = 2.0


def check_installed() -> None:
    """Find out that the server can be started here.

    Raises:
        ViewerError: what the extra ``view`` brings isn't installed.
    """
    missing = [name for name in ("fastapi", "uvicorn") if not find_spec(name)]
    if missing:
        raise ViewerError(f"the viewer needs {' and '.join(missing)}; install with: {INSTALL}")


_FRAME_HEIGHT = 640
# The cookie is sent to the host that the notebook itself has, which may be this machine's other name.
_FRAME = """<iframe src="{address}" style="width:100%;height:{height}px;border:0" title="Viewer"></iframe>
<script>
if (location.hostname === "localhost")
  for (const frame of document.querySelectorAll('iframe[src^="http://127.0.0.1:{port}/"]'))
    frame.src = frame.src.replace("127.0.0.1", "localhost");
</script>
<a href="{address}" target="_blank" rel="noopener">Open the viewer in a window</a>"""


@final
class Viewer:
    """An open viewer. It ends with ``close()``, at the end of a ``with`` block, or with the program."""

    def __init__(self, session: Session, *, port: int = 0) -> None:
        check_installed()
        import uvicorn

        from tweenfield.viewer.server import create_app

        self.session = session
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._token = secrets.token_urlsafe(32)
        self._framed = threading.Event()
        app = create_app(session, token=self._token, port=self.port, framed=self._framed)
        self._worker = app.state.worker
        # No log of addresses, as the token is in one of them; failures are said on the page.
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="critical", access_log=False, timeout_graceful_shutdown=1, server_header=False
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """What to open in a browser on this machine. Whoever has it can look on, so don't pass it around."""
        return f"http://127.0.0.1:{self.port}/?token={self._token}"

    def serve(self, on_ready: Callable[[str], None]) -> bool:
        """Serve until Ctrl-C. ``on_ready`` is called with the address just before.

        Returns:
            Whether all that ran has ended. If not, the program should end by ``os._exit``: PyTorch aborts a
            process whose interpreter goes away while a thread computes.
        """
        self.session.start()
        on_ready(self.address)
        with suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])
        return self._end()

    def start(self) -> Viewer:
        """Serve in a thread, and return once the page can be opened."""
        self.session.start()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="viewer", daemon=True
        )
        self._thread.start()
        atexit.register(self.close)
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise ViewerError("the viewer's server didn't start; try again, or another port")
            time.sleep(0.01)
        return self

    def close(self) -> None:
        """End the server, and a fit that it runs."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_START_SECONDS)
        atexit.unregister(self.close)
        self._end()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Viewer({self.session.video.name!r}, {self.address})"

    def _repr_html_(self) -> str:
        """The page in a frame, in a notebook on this machine, and a link to it."""
        self._framed.set()
        return _FRAME.format(address=self.address, port=self.port, height=_FRAME_HEIGHT)

    def _end(self) -> bool:
        self._worker.close()
        self._socket.close()
        return self.session.close(_END_SECONDS) and self._worker.join(_END_SECONDS)


def view(
    shown: FitResult | Video | Evaluation,
    *,
    video: Video | None = None,
    others: Mapping[str, FitResult] | None = None,
    recipe: Recipe | None = None,
    port: int = 0,
    browser: bool | None = None,
) -> Viewer:
    """Look at a fit, an evaluation, or a video while it is fitted, in the browser.

    Needs ``tweenfield[view]``. At the end of a notebook's cell the viewer shows itself. The server runs in a
    thread and listens on this machine only. ``viewer.session.fitted`` is the result of a fit that it ran,
    once that has ended.

    Args:
        shown: a fit; an evaluation, whose held-out frames tell the true error; or a video, which is fitted
            then.
        video: the observed frames of a fit. Without them, what it draws at whole times stands for them.
        others: further fits of the same frames to compare with, by name.
        recipe: how to fit a video; ``standard()`` if not given.
        port: where to listen; 0 is any that is free.
        browser: whether to open the page, or merely serve it; None opens it, but not from a notebook.

    Raises:
        ViewerError: fastapi and uvicorn aren't installed, or the server can't start.
        UsageError: the port is taken, or the fits are of other frames.
    """
    if isinstance(shown, FitResult):
        session = Session(video, shown, others=others)
    elif video is not None:
        raise UsageError("two videos were given; give a fit and its video, or one video or evaluation")
    elif isinstance(shown, Evaluation):
        session = Session(shown.split.observed, shown.result, others=others, split=shown.split)
    else:
        session = Session(shown, others=others, recipe=recipe or standard())
    viewer = Viewer(session, port=port).start()
    if "ipykernel" not in sys.modules if browser is None else browser:
        webbrowser.open(viewer.address)
    return viewer


def _listening(port: int) -> socket.socket:
    """A socket of this machine's own, which others can't reach."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"port {port} can't be listened on: {reason.lower()}; choose another, or 0 for any that is free"
        ) from error
    return listening
