"""The pages and pictures that the viewer's server hands out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from importlib.resources import files
from threading import Event
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tweenfield.errors import TweenfieldError, UsageError
from tweenfield.viewer.accuracy import Kind
from tweenfield.viewer.guard import Guard
from tweenfield.viewer.pictures import color_wheel, levels_scale
from tweenfield.viewer.session import FIELD, Session
from tweenfield.viewer.worker import Busy, Kept, Stale, Worker

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
# Times are told apart down to this part of an interval, so that what was drawn is found again.
_FINEST = 4096
_LOWEST = 16

Time = Annotated[float, Query(allow_inf_nan=False)]
# None: the picture's own. What is too high is refused, with the clip's own height.
Height = Annotated[int | None, Query(ge=_LOWEST)]
# One of a page's windows: what it asks for anew makes what it asked for before stale.
Client = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,32}$")]
Pane = Annotated[str, Query(pattern=r"^[a-z]{0,12}$")]


class _Pictures:
    """Pictures drawn by the one worker, or found among those that were."""

    def __init__(self, session: Session, worker: Worker, kept: Kept) -> None:
        self._session, self._worker, self._kept = session, worker, kept

    def time(self, t: float) -> float:
        """``t`` as far as times are told apart.

        Raises:
            UsageError: it lies outside the clip.
        """
        last = self._session.last
        if not 0 <= t <= last:
            raise UsageError(f"time {t:g} was asked for, but there are frames from 0 to {last} only")
        return round(t * _FINEST) / _FINEST

    def height(self, height: int | None) -> int | None:
        """``height`` if it is one to draw at.

        Raises:
            UsageError: it is higher than the clip.
        """
        own = self._session.video.size[0]
        if height is not None and height > max(own, _LOWEST):
            raise UsageError(f"a height of {height} was asked for, but the clip has {own}; ask for no more")
        return None if height is None or height >= own else height

    async def get(self, asker: str, key: tuple[object, ...], draw: Callable[[], bytes]) -> bytes:
        """What ``draw`` gives, drawn once for a key."""
        found = self._kept.get(key)
        if found is not None:
            return found

        def job() -> bytes:
            # Another window may have asked for it meanwhile.
            made = self._kept.get(key)
            if made is None:
                made = draw()
                self._kept.put(key, made)
            return made

        return await asyncio.wrap_future(self._worker.submit(asker, job))


def create_app(session: Session, *, token: str, port: int, framed: Event) -> FastAPI:
    """The application that shows ``session`` to whoever has the token, at 127.0.0.1:``port``; in a frame of
    another page of this machine once ``framed`` is set.
    """
    app = FastAPI(title="tweenfield viewer", docs_url=None, redoc_url=None, openapi_url=None)
    worker, kept = Worker(), Kept()
    pictures = _Pictures(session, worker, kept)
    app.state.worker, app.state.kept = worker, kept
    _add_page(app)
    _add_failures(app)

    @app.get("/about")
    async def about() -> dict[str, Any]:
        return session.about()

    @app.get("/state")
    async def state() -> dict[str, Any]:
        return session.state()

    @app.post("/stop")
    async def stop() -> dict[str, Any]:
        if session.fit:
            session.fit.stop()
        return session.state()

    @app.get("/command")
    async def command(
        speed: Annotated[float, Query(ge=1 / 64, le=64)] = 1,
        begin: Time | None = None,
        end: Time | None = None,
    ) -> dict[str, str]:
        part = None if begin is None or end is None else (pictures.time(begin), pictures.time(end))
        return {"command": session.command(speed=speed, part=part)}

    @app.get("/frame")
    async def frame(
        t: Time,
        what: Annotated[str, Query(max_length=300)] = FIELD,
        height: Height = None,
        kind: Annotated[Literal["png", "jpeg"], Query(alias="format")] = "png",
        client: Client = "",
        pane: Pane = "",
        save: bool = False,
        first: bool = False,
    ) -> Response:
        at, high, version = pictures.time(t), pictures.height(height), session.version
        first = first and what == FIELD and session.waits(at)

        def draw() -> bytes:
            data, label = session.encoded(what, at, high, kind, first=first)
            # Kept together.
            return label.encode() + b"\0" + data

        # A field has other pictures when it is another; so have those that are shown until there is one.
        key = ("frame", what, version if what == FIELD else 0, at, high, kind, first)
        label, _, data = (await pictures.get(f"{client}/{pane}/frame", key, draw)).partition(b"\0")
        headers = {"x-shown": quote(label), "x-version": str(version)}
        if save:
            headers["content-disposition"] = f'attachment; filename="{_file_name(session, what, at)}.{kind}"'
        return Response(data, media_type=f"image/{kind}", headers=headers)

    @app.get("/flow")
    async def flow(t: Time, height: Height = None, client: Client = "", pane: Pane = "") -> Response:
        at, high = pictures.time(t), pictures.height(height)
        data = await pictures.get(
            f"{client}/{pane}/flow", ("flow", at, high), lambda: session.flow_picture(at, high)
        )
        return Response(data, media_type="image/png", headers={"x-longest": f"{session.longest(at):g}"})

    @app.get("/arrows")
    async def arrows(t: Time, client: Client = "", pane: Pane = "") -> Response:
        at = pictures.time(t)
        data = await pictures.get(
            f"{client}/{pane}/arrows", ("arrows", at), lambda: json.dumps(session.arrows(at)).encode()
        )
        return Response(data, media_type="application/json")

    @app.get("/error")
    async def error(
        t: Time,
        kind: Kind,
        what: Annotated[str, Query(max_length=300)] = FIELD,
        height: Height = None,
        client: Client = "",
        pane: Pane = "",
    ) -> Response:
        at, high, version = pictures.time(t), pictures.height(height), session.version

        def draw() -> bytes:
            data, label = session.error_picture(kind, what, at, high)
            return label.encode() + b"\0" + data

        key = ("error", kind, what, version, at, high)
        label, _, data = (await pictures.get(f"{client}/{pane}/error", key, draw)).partition(b"\0")
        return Response(data, media_type="image/png", headers={"x-shown": quote(label)})

    @app.get("/told")
    async def told(t: Time, client: Client = "", pane: Pane = "") -> Response:
        at = pictures.time(t)
        data = await pictures.get(
            f"{client}/{pane}/told",
            ("told", session.version, at),
            lambda: json.dumps(session.told(at)).encode(),
        )
        return Response(data, media_type="application/json")

    for address, constant in (("/wheel", color_wheel()), ("/levels", levels_scale())):
        app.get(address)(_constant(constant, "image/png"))

    app.add_middleware(Guard, token=token, port=port, framed=framed)
    return app


def _add_page(app: FastAPI) -> None:
    """The page's own files and no others: they are read now, and no path of a request leads to a file."""
    folders = files("tweenfield.viewer") / "page", files("tweenfield.evaluation") / "components"
    for file in (file for folder in folders for file in folder.iterdir()):
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            address = "/" if file.name == "viewer.html" else f"/{file.name}"
            app.get(address)(_constant(file.read_bytes(), kind))


def _constant(content: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def whole() -> Response:
        return Response(content, media_type=kind)

    return whole


def _add_failures(app: FastAPI) -> None:
    """Every refusal is one sentence under ``detail``."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        said = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg'].lower()}" for e in error.errors())
        return JSONResponse({"detail": said}, status_code=422)

    @app.exception_handler(UsageError)
    async def misused(request: Request, error: UsageError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.exception_handler(TweenfieldError)
    async def failed(request: Request, error: TweenfieldError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=400)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(
            {"detail": "there is nothing at this address"},
            status_code=error.status_code,
            headers=error.headers,
        )

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": f"drawing failed: {type(error).__name__}: {error}"}, status_code=500)

    @app.exception_handler(MemoryError)
    async def too_large(request: Request, error: MemoryError) -> JSONResponse:
        return JSONResponse({"detail": "not enough memory to draw this"}, status_code=400)

    for kind in (Stale, CancelledError):

        @app.exception_handler(kind)
        async def stale(request: Request, error: Exception) -> JSONResponse:
            return JSONResponse({"detail": "something newer was asked for"}, status_code=409)

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> JSONResponse:
        return JSONResponse({"detail": "too many windows wait for pictures; close some"}, status_code=503)


def _file_name(session: Session, what: str, t: float) -> str:
    """Safe in a header and on every file system."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{session.video.name}_{what}_{t:.4g}").strip("-.")
    return stem or "frame"
