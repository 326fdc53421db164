"""Who may speak to the viewer's server: a browser on this machine that was given the token."""

from __future__ import annotations

import hmac
import json
from http.cookies import CookieError, SimpleCookie
from threading import Event
from typing import final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The page loads what this server has.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors "
)
# Nobody shows it in a frame of theirs, but a notebook on this machine that was asked to.
_NOBODY, _NOTEBOOK = "'none'", "http://127.0.0.1:* http://localhost:*"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@final
class Guard:
    """Lets a request through if it names this server as its host and brings the token.

    A page from elsewhere can lead its own host name to 127.0.0.1 (DNS rebinding): its requests then name
    that host, and are refused. The token comes in the address of the first page, afterwards in a cookie that
    scripts can't read and that isn't sent along from other sites.

    Once ``framed`` is set, pages of this machine may show the viewer in a frame.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int, framed: Event) -> None:
        self._app, self._token, self._framed = app, token, framed
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        # Browsers don't tell the ports of one host apart: each viewer has a cookie of its own.
        self._cookie = f"tweenfield-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers, given = Headers(scope=scope), self._in_address(scope)
        cookies: dict[str, str] = {}

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                allowed = _NOTEBOOK if self._framed.is_set() else _NOBODY
                out["content-security-policy"] = _POLICY + allowed
                for name, value in _HEADERS.items():
                    out[name] = value
                for name, value in cookies.items():
                    out.append("set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        if headers.get("host", "") not in self._hosts or len(headers.getlist("host")) != 1:
            await _refuse(send_guarded, 400, "this host name isn't the viewer's; open the address it printed")
        elif headers.get("origin") not in (None, *self._origins):
            await _refuse(
                send_guarded, 403, "another site may not use the viewer; open the address it printed"
            )
        elif not (self._known(given) or self._known(self._in_cookie(headers))):
            await _refuse(
                send_guarded,
                403,
                "the token is missing or not this viewer's; open the whole address it printed",
            )
        else:
            if self._known(given):
                cookies[self._cookie] = self._token
            await self._app(scope, receive, send_guarded)

    def _known(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _in_address(self, scope: Scope) -> str:
        # Of the first page only: other addresses are seen in logs and in what is copied.
        if scope.get("path") != "/":
            return ""
        query: str = scope.get("query_string", b"").decode("latin-1")
        return parse_qs(query).get("token", [""])[-1]

    def _in_cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else str(found.value)


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
